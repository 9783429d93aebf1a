//! FLUSHDB, FLUSHALL, SWAPDB, DBSIZE: commands about whole databases.
//!
//! A flush takes the tables out under all locks, which costs the same however many keys there are, and leaves them
//! to the background thread. SYNC and ASYNC (and `lazyfree-lazy-user-flush`) therefore do the same: to free
//! millions of keys on the worker would stall every other client on it. Only a SYNC inside a transaction is taken at
//! its word, as in Redis: the keys are freed before the reply, though after the locks are let go.

use command::spec::{ArgSpec, Category, Flags, Group, Run, Shape, integer, one_of, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use engine::reclaim::Garbage;

const FLUSH_TYPE: ArgSpec =
    one_of("flush-type", &[token("async", "ASYNC").since("4.0.0"), token("sync", "SYNC").since("6.2.0")]).optional();

pub static FLUSHALL: CommandSpec = CommandSpec {
    name: "FLUSHALL",
    group: Group::Server,
    since: "1.0.0",
    summary: "Deletes all keys of all databases.",
    complexity: "O(1); the keys are freed in the background",
    arity: -1,
    flags: Flags::WRITE,
    acl_extra: &[Category::Keyspace, Category::Dangerous],
    args: &[FLUSH_TYPE],
    history: &[("4.0.0", "Takes `ASYNC`."), ("6.2.0", "Takes `SYNC`.")],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    reply: Shape::SIMPLE,
    run: Run::Global(|cx, keys, args| flush(cx, keys, args, None)),
    ..CommandSpec::DEFAULT
};

pub static FLUSHDB: CommandSpec = CommandSpec {
    name: "FLUSHDB",
    summary: "Deletes all keys of the database.",
    run: Run::Global(|cx, keys, args| {
        let db = keys.db;
        flush(cx, keys, args, Some(db))
    }),
    ..FLUSHALL
};

pub static SWAPDB: CommandSpec = CommandSpec {
    name: "SWAPDB",
    group: Group::Server,
    since: "4.0.0",
    summary: "Exchanges two databases.",
    complexity: "O(N) with the number of watched keys in both",
    arity: 3,
    flags: Flags::WRITE.or(Flags::FAST),
    acl_extra: &[Category::Keyspace, Category::Dangerous],
    args: &[integer("index1"), integer("index2")],
    reply: Shape::SIMPLE,
    run: Run::Global(swapdb),
    ..CommandSpec::DEFAULT
};

pub static DBSIZE: CommandSpec = CommandSpec {
    name: "DBSIZE",
    group: Group::Server,
    since: "1.0.0",
    summary: "Counts the keys of the database.",
    arity: 1,
    flags: Flags::READONLY.or(Flags::FAST),
    acl_extra: &[Category::Keyspace],
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    reply: Shape::INTEGER,
    run: Run::Visit(dbsize),
    ..CommandSpec::DEFAULT
};

/// Empties one database, or all.
fn flush(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, only: Option<usize>) -> CommandResult {
    let understood = match args.len() {
        1 => true,
        2 => args.is(1, "SYNC") || args.is(1, "ASYNC"),
        _ => false,
    };
    if !understood {
        return Err(CommandError::SYNTAX);
    }
    let taken = keys.take_dbs(only);
    keys.add_dirty(taken.iter().map(|db| db.len() as u64).sum());
    if !taken.is_empty() {
        let lazy = cx.server.tunables.memory.lazyfree_lazy_user_flush.get();
        let sync = if args.len() == 2 { args.is(1, "SYNC") } else { !lazy };
        keys.discard(if sync && cx.in_transaction() { Garbage::Now(taken) } else { Garbage::Dbs(taken) });
    }
    if keys.is_logged() {
        // Logged even when there was nothing to delete, as Redis does: a replica may think otherwise.
        let words: Vec<&[u8]> = args.from(0).collect();
        keys.log_as(&words);
    }
    cx.reply.ok();
    Ok(())
}

fn swapdb(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let number = |at: usize, error| args.int32(at).map_err(|_| error);
    let one = number(1, CommandError::FIRST_DB)?;
    let other = number(2, CommandError::SECOND_DB)?;
    let databases = cx.server.keyspace.databases();
    let known = |db: i64| usize::try_from(db).ok().filter(|&db| db < databases).ok_or(CommandError::INVALID_DB);
    let (one, other) = (known(one)?, known(other)?);
    if one != other {
        keys.swap_dbs(one, other);
    }
    keys.add_dirty(1);
    cx.reply.ok();
    Ok(())
}

fn dbsize(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.int(crate::generic::keys::count_keys(keys) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn flushdb_empties_one_database_and_flushall_all() {
        let mut server = TestServer::new();
        for db in 0..3 {
            server.run(&format!("SELECT {db}"));
            for number in 0..100 {
                server.run(&format!("SET key{number} 1 EX 100"));
            }
        }
        server.journal();
        server.events();
        assert_eq!(server.show("FLUSHDB"), "OK");
        assert_eq!(server.show("DBSIZE"), "(integer) 0");
        server.run("SELECT 1");
        assert_eq!(server.show("DBSIZE"), "(integer) 100");
        assert_eq!(server.show("flushall async"), "OK");
        assert_eq!(server.show("DBSIZE"), "(integer) 0");
        assert_eq!(server.journal(), ["2 FLUSHDB", "1 flushall async"]);
        assert!(server.events().is_empty());
        assert_eq!(server.show("FLUSHALL SYNC"), "OK");
        assert_eq!(server.journal(), ["1 FLUSHALL SYNC"], "logged though nothing was there");
        for command in ["FLUSHALL now", "FLUSHDB ASYNC SYNC"] {
            assert_eq!(server.show(command), "(error) ERR syntax error");
        }
        server.run("SET again 1 PX 10");
        server.advance_ms(10);
        assert_eq!(server.show("GET again"), "(nil)");
    }

    #[test]
    fn a_flush_is_noticed_only_by_who_watched_a_key_that_was_there() {
        let mut server = TestServer::new();
        server.run("SET there 1");
        let (one, two) = (server.connect(), server.connect());
        server.run_on(one, "WATCH there");
        server.run_on(two, "WATCH missing");
        server.run("FLUSHALL");
        for (session, reply) in [(one, "(nil)"), (two, "(empty array)")] {
            server.run_on(session, "MULTI");
            assert_eq!(server.run_on(session, "EXEC").to_string(), reply);
        }
    }

    #[test]
    fn swapped_databases_change_places_in_every_shard() {
        let mut server = TestServer::new();
        for number in 0..100 {
            server.run(&format!("SET key{number} zero"));
        }
        server.run("SELECT 1");
        server.run("SET key7 one");
        server.journal();
        assert_eq!(server.show("SWAPDB 0 1"), "OK");
        assert_eq!(server.show("DBSIZE"), "(integer) 100");
        assert_eq!(server.show("GET key7"), "\"zero\"");
        assert_eq!(server.show("SWAPDB 1 1"), "OK");
        assert_eq!(server.journal(), ["1 SWAPDB 0 1", "1 SWAPDB 1 1"]);
        server.run("SELECT 0");
        assert_eq!(server.show("DBSIZE"), "(integer) 1");
        for (command, reply) in [
            ("SWAPDB x 1", "(error) ERR invalid first DB index"),
            ("SWAPDB 16 x", "(error) ERR invalid second DB index"),
            ("SWAPDB 4294967296 0", "(error) ERR invalid first DB index"),
            ("SWAPDB 0 16", "(error) ERR DB index is out of range"),
            ("SWAPDB -1 0", "(error) ERR DB index is out of range"),
        ] {
            assert_eq!(server.show(command), reply, "{command}");
        }
    }
}
