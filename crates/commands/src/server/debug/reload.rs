//! DEBUG RELOAD: all data through the RDB format and back.
//!
//! No file is written: each value is encoded and decoded in memory, under the locks of all shards. What must survive a
//! restart is thereby seen to survive it: values, encodings that the limits allow, deadlines of keys and fields. Keys
//! past their deadline stay until they are met, as before.

use crate::rdb::{loading, owned, saving};
use command::{Args, CommandError, CommandResult, Ctx};
use engine::{LockedKeys, OwnedValue};
use persist::rdb::{BadFormat, Dialect, decode, encode};
use value::{Object, View};

pub fn reload(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (mut merge, mut flush, mut save) = (false, true, true);
    for at in 2..args.len() {
        match () {
            () if args.is(at, "MERGE") => merge = true,
            () if args.is(at, "NOFLUSH") => flush = false,
            () if args.is(at, "NOSAVE") => save = false,
            () => return Err(CommandError::DEBUG_RELOAD_OPTION),
        }
    }
    if !save {
        return Err(CommandError::DEBUG_RELOAD_NOSAVE);
    }
    if !flush && !merge && !is_empty(keys) {
        return Err(CommandError::DEBUG_RELOAD_DUPLICATES);
    }
    let (saving, loading) = (saving(cx), loading(cx, usize::MAX));
    let mut bytes = Vec::new();
    let again = |value: View<'_>| -> Result<OwnedValue<Object>, BadFormat> {
        bytes.clear();
        encode(value, &saving, &mut bytes);
        let (decoded, used) = decode(&bytes, Dialect::Redis, &loading)?;
        if used == bytes.len() { Ok(owned(decoded)) } else { Err(BadFormat) }
    };
    if keys.store_all_again(again).is_err() {
        cx.server.host.log("DEBUG RELOAD: a value cannot be read back");
        return Err(CommandError::DEBUG_RELOAD_FAILED);
    }
    cx.reply.ok();
    Ok(())
}

fn is_empty(keys: &mut LockedKeys<'_>) -> bool {
    let mut empty = true;
    keys.visit(|view| empty &= view.dbs().all(|(_, db)| db.is_empty()));
    empty
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    const LONG: &str = "x23456789012345678901234567890123456789012345678901234567890123456";

    /// Keys of every type and encoding, in two databases, some with deadlines.
    fn filled() -> TestServer {
        let mut server = TestServer::new();
        for db in 0..2 {
            server.run(&format!("SELECT {db}"));
            for line in ["SET int 12", "SET text abc EX 100", "APPEND raw abc", "RPUSH list a 2 c", "SADD ints 1 2 300"]
            {
                server.run(line);
            }
            for number in 0..600 {
                for line in [
                    format!("RPUSH biglist {LONG}{number}"),
                    format!("SADD bigset m{number}"),
                    format!("SADD bigints {number}"),
                    format!("ZADD bigzset 1.5 m{number}"),
                    format!("HSET bighash f{number} v"),
                ] {
                    server.run(&line);
                }
            }
            for line in [
                "SADD set a 1",
                "ZADD zset 1 a -inf b 2.25 c",
                "HSET hash a 1 b 2",
                "HSETEX timed EX 50 FIELDS 2 a 1 b 2",
                "HSET timed c 3",
                "HEXPIRE bighash 70 FIELDS 2 f1 f2",
                "PEXPIREAT zset 1700000900123",
            ] {
                server.run(line);
            }
        }
        server
    }

    fn shown(server: &mut TestServer) -> Vec<String> {
        let mut all = vec![server.show("DEBUG DIGEST"), server.show("DBSIZE"), server.show("INFO keyspace")];
        for key in ["int", "text", "list", "biglist", "ints", "bigints", "set", "bigset", "zset", "bigzset", "hash"] {
            all.push(server.show(&format!("OBJECT ENCODING {key}")));
            all.push(server.show(&format!("PTTL {key}")));
        }
        for key in ["timed", "bighash"] {
            all.push(server.show(&format!("OBJECT ENCODING {key}")));
            all.push(server.show(&format!("HPTTL {key} FIELDS 4 a c f1 f2")));
        }
        all
    }

    #[test]
    fn all_that_can_be_seen_is_the_same_afterwards() {
        let mut server = filled();
        let before = shown(&mut server);
        server.journal();
        server.events();
        for line in ["DEBUG RELOAD", "debug reload noflush merge", "DEBUG RELOAD MERGE"] {
            assert_eq!(server.show(line), "OK");
            assert_eq!(shown(&mut server), before);
        }
        assert!(server.journal().is_empty() && server.events().is_empty());
    }

    #[test]
    fn fields_and_keys_still_expire() {
        let mut server = filled();
        server.run("DEBUG RELOAD");
        server.advance_ms(60_000);
        assert_eq!(server.show("HMGET timed a c"), "1) (nil)\n2) \"3\"");
        server.advance_ms(60_000);
        assert_eq!(server.show("HEXISTS bighash f1"), "(integer) 0");
        assert_eq!(server.show("EXISTS text int"), "(integer) 1");
    }

    #[test]
    fn who_watches_a_key_sees_a_change() {
        let mut server = TestServer::new();
        server.run("SET k v");
        server.run("WATCH k");
        server.run("DEBUG RELOAD");
        server.run("MULTI");
        assert_eq!(server.show("EXEC"), "(nil)");
    }

    #[test]
    fn without_a_flush_keys_are_in_the_way() {
        let mut server = TestServer::new();
        assert_eq!(server.show("DEBUG RELOAD NOFLUSH"), "OK");
        server.run("SET k v");
        assert!(server.show("DEBUG RELOAD NOFLUSH").starts_with("(error) ERR the keys are there already"));
    }
}
