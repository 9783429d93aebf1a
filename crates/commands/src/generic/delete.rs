//! DEL, UNLINK.
//!
//! Both take keys out of the keyspace at once and leave large values to the background thread, so they do not differ.

use command::spec::{Flags, KeyFlags, KeySpec, Run, Shape, key};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys};

pub static DEL: CommandSpec = CommandSpec {
    name: "DEL",
    since: "1.0.0",
    summary: "Deletes keys.",
    complexity: "O(N) with the number of keys; large values are freed in the background",
    arity: -2,
    flags: Flags::WRITE,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RM.or(KeyFlags::DELETE))],
    args: &[key("key").multiple()],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    reply: Shape::INTEGER,
    run: Run::Keyed(delete),
    ..CommandSpec::DEFAULT
};

pub static UNLINK: CommandSpec = CommandSpec {
    name: "UNLINK",
    since: "4.0.0",
    summary: "Deletes keys, and frees their values in the background.",
    complexity: "O(N) with the number of keys",
    flags: Flags::WRITE.or(Flags::FAST),
    ..DEL
};

fn delete(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let deleted = cx.keys.iter().filter(|key| keys.delete(key, Event::DEL)).count();
    cx.reply.int(deleted as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn keys_that_were_there_are_counted_once() {
        let mut server = TestServer::new();
        server.run("SET a 1");
        server.run("SET b 2");
        server.journal();
        server.events();
        assert_eq!(server.show("DEL a missing a b"), "(integer) 2");
        assert_eq!(server.events(), ["0 del a", "0 del b"]);
        assert_eq!(server.journal(), ["0 DEL a missing a b"]);
        assert_eq!(server.show("UNLINK a b"), "(integer) 0");
        assert!(server.journal().is_empty(), "nothing changed, nothing logged");
    }

    #[test]
    fn an_expired_key_is_not_deleted_a_second_time() {
        let mut server = TestServer::new();
        server.run("SET a 1 PX 10");
        server.advance_ms(10);
        server.journal();
        server.events();
        assert_eq!(server.show("DEL a"), "(integer) 0");
        assert_eq!(server.events(), ["0 expired a"]);
        assert_eq!(server.journal(), ["0 DEL a"]);
    }

    #[test]
    fn a_large_value_is_freed_elsewhere() {
        let mut server = TestServer::new();
        server.run_words(0, &[b"SET", b"large", &[b'x'; 100_000]]);
        assert_eq!(server.show("UNLINK large"), "(integer) 1");
        assert_eq!(server.show("EXISTS large"), "(integer) 0");
    }
}
