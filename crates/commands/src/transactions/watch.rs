//! WATCH and UNWATCH.

use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, key};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use engine::watch::Watch;
use std::collections::btree_map::Entry;

const FLAGS: Flags = Flags::NOSCRIPT.or(Flags::LOADING).or(Flags::STALE).or(Flags::FAST).or(Flags::ALLOW_BUSY);

pub static WATCH: CommandSpec = CommandSpec {
    name: "WATCH",
    group: Group::Transactions,
    since: "2.2.0",
    summary: "Watches keys: the next EXEC does nothing if one of them has changed.",
    complexity: "O(1) for each key",
    arity: -2,
    flags: FLAGS.or(Flags::NOT_QUEUED),
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
    args: &[key("key").multiple()],
    reply: Shape::SIMPLE,
    run: Run::Keyed(watch),
    ..CommandSpec::DEFAULT
};

pub static UNWATCH: CommandSpec = CommandSpec {
    name: "UNWATCH",
    group: Group::Transactions,
    since: "2.2.0",
    summary: "Stops watching keys.",
    complexity: "O(1)",
    arity: 1,
    flags: FLAGS,
    reply: Shape::SIMPLE,
    run: Run::Session(unwatch),
    ..CommandSpec::DEFAULT
};

fn watch(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let session = &mut *cx.session;
    if session.multi.is_some() {
        return Err(CommandError::WATCH_IN_MULTI);
    }
    // Once EXEC is sure to fail, there is nothing more to watch.
    if !session.cas_failed() {
        let db = session.db;
        let watch = session.watch.get_or_insert_with(|| {
            let watch = Watch::default();
            *session.info.watch.lock() = Some(watch.clone());
            watch
        });
        for key in cx.keys {
            if let Entry::Vacant(watched) = session.watched.entry((db, key.bytes.to_vec())) {
                watched.insert(keys.watch(key, watch));
            }
        }
    }
    cx.reply.ok();
    Ok(())
}

fn unwatch(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.session.unwatch();
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    /// What EXEC gives after session 0 watched `k` and session 1 then sent these commands.
    fn exec_after(prepare: &[&str], others: &[&str]) -> String {
        let mut server = TestServer::new();
        let other = server.connect();
        for command in prepare {
            server.run(command);
        }
        server.run("WATCH k k none");
        for command in others {
            server.run_on(other, command);
        }
        server.run("MULTI");
        server.run("PING");
        server.show("EXEC")
    }

    #[test]
    fn any_change_ends_the_transaction() {
        for change in ["SET k 1", "DEL k", "EXPIRE k 100", "APPEND k x", "FLUSHALL", "SWAPDB 0 1", "SET none 1"] {
            assert_eq!(exec_after(&["SET k 1"], &[change]), "(nil)", "{change}");
        }
        assert_eq!(exec_after(&["SET k 1"], &["SELECT 1", "SET k 1", "GET k", "DEL none", "SET other 1"]), "1) PONG");
        assert_eq!(exec_after(&[], &["DEL k", "FLUSHALL"]), "1) PONG");
    }

    #[test]
    fn swapping_what_has_expired_is_no_change() {
        let mut server = TestServer::new();
        server.connect();
        server.run("SELECT 1");
        server.run("SET k v PX 10");
        server.run("SELECT 0");
        server.advance_ms(11);
        server.run("WATCH k");
        server.run_on(1, "SWAPDB 0 1");
        server.run("MULTI");
        server.run("PING");
        assert_eq!(server.show("EXEC"), "1) PONG");
    }

    #[test]
    fn expiry_is_a_change_but_not_of_what_had_expired_before() {
        let mut server = TestServer::new();
        server.run("SET k 1 PX 10");
        server.run("WATCH k");
        server.advance_ms(11);
        server.run("MULTI");
        assert_eq!(server.show("EXEC"), "(nil)");
        server.run("SET k 1 PX 10");
        server.advance_ms(11);
        server.run("WATCH k");
        server.run_on(0, "GET k");
        server.run("MULTI");
        assert_eq!(server.show("EXEC"), "(empty array)");
    }

    #[test]
    fn ones_own_change_counts_unless_the_transaction_makes_it() {
        let mut server = TestServer::new();
        for command in ["WATCH k", "SET k 1", "MULTI", "GET k"] {
            server.run(command);
        }
        assert_eq!(server.show("EXEC"), "(nil)");
        for command in ["WATCH k", "MULTI", "SET k 2", "GET k"] {
            server.run(command);
        }
        assert_eq!(server.show("EXEC"), "1) OK\n2) \"2\"");
    }

    #[test]
    fn exec_discard_and_unwatch_forget_the_watches() {
        let mut server = TestServer::new();
        let other = server.connect();
        for end in [&["UNWATCH"][..], &["MULTI", "DISCARD"], &["MULTI", "EXEC"], &["EXEC x"], &["RESET"]] {
            server.run("WATCH k");
            for command in end {
                server.run(command);
            }
            server.run_on(other, "SET k 1");
            server.run("MULTI");
            assert_eq!(server.show("EXEC"), "(empty array)", "{end:?}");
        }
    }

    #[test]
    fn unwatch_is_queued_like_others() {
        let mut server = TestServer::new();
        server.run("MULTI");
        assert_eq!(server.show("UNWATCH"), "QUEUED");
        assert_eq!(server.show("EXEC"), "1) OK");
    }
}
