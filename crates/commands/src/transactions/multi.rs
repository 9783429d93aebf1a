//! MULTI, EXEC and DISCARD.

use command::clients::client_flags;
use command::session::Multi;
use command::spec::{Flags, Group, Run, Shape};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use std::sync::atomic::Ordering;

/// What all commands about transactions have in common: they run at once instead of being queued.
const FLAGS: Flags = Flags::NOSCRIPT.or(Flags::LOADING).or(Flags::STALE).or(Flags::NOT_QUEUED);

pub static MULTI: CommandSpec = CommandSpec {
    name: "MULTI",
    group: Group::Transactions,
    since: "1.2.0",
    summary: "Begins a transaction: commands are queued from here on.",
    complexity: "O(1)",
    arity: 1,
    flags: FLAGS.or(Flags::FAST).or(Flags::ALLOW_BUSY),
    reply: Shape::SIMPLE,
    run: Run::Session(multi),
    ..CommandSpec::DEFAULT
};

pub static EXEC: CommandSpec = CommandSpec {
    name: "EXEC",
    group: Group::Transactions,
    since: "1.2.0",
    summary: "Runs the queued commands, all without any other in between.",
    complexity: "That of the queued commands",
    arity: 1,
    flags: FLAGS.or(Flags::SKIP_SLOWLOG),
    reply: Shape::ARRAY.or(Shape::NULL),
    run: Run::Exec,
    ..CommandSpec::DEFAULT
};

pub static DISCARD: CommandSpec = CommandSpec {
    name: "DISCARD",
    group: Group::Transactions,
    since: "2.0.0",
    summary: "Forgets the queued commands and the watched keys.",
    complexity: "O(N) in the number of queued commands",
    arity: 1,
    flags: FLAGS.or(Flags::FAST).or(Flags::ALLOW_BUSY),
    reply: Shape::SIMPLE,
    run: Run::Session(discard),
    ..CommandSpec::DEFAULT
};

fn multi(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let session = &mut *cx.session;
    if session.multi.is_some() {
        return Err(CommandError::NESTED_MULTI);
    }
    session.multi = Some(Multi::default());
    session.info.multi.store(0, Ordering::Relaxed);
    session.info.set_flag(client_flags::MULTI, true);
    cx.reply.ok();
    Ok(())
}

fn discard(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    if cx.session.multi.is_none() {
        return Err(CommandError::DISCARD_WITHOUT_MULTI);
    }
    cx.session.discard();
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn queued_commands_run_together_and_are_logged_as_one_frame() {
        let mut server = TestServer::new();
        let other = server.connect();
        assert_eq!(server.show("MULTI"), "OK");
        for command in ["SET k v", "GET k", "INCR k", "APPEND k w", "GET k"] {
            assert_eq!(server.show(command), "QUEUED");
        }
        assert_eq!(server.run_on(other, "GET k").to_string(), "(nil)");
        let reply = server.show("EXEC");
        let lines: Vec<_> = reply.lines().collect();
        assert_eq!(lines[0], "1) OK");
        assert!(lines[2].contains("ERR value is not an integer"), "{reply}");
        assert_eq!(lines[4], "5) \"vw\"");
        let frames = server.server.keyspace.journal.take();
        assert_eq!(frames.iter().map(Vec::len).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_refused_command_spoils_the_transaction() {
        let mut server = TestServer::new();
        for refused in ["FOO", "SET k", "DISCARD x"] {
            server.run("MULTI");
            assert!(server.show(refused).contains("ERR"), "{refused}");
            assert_eq!(server.show("SET k v"), "QUEUED");
            assert!(server.show("EXEC").contains("EXECABORT Transaction discarded because of previous errors."));
        }
        assert_eq!(server.show("EXISTS k"), "(integer) 0");
    }

    #[test]
    fn errors_of_these_commands_themselves_do_not_spoil_it() {
        let mut server = TestServer::new();
        server.run("MULTI");
        assert!(server.show("MULTI").contains("ERR MULTI calls can not be nested"));
        assert!(server.show("WATCH k").contains("ERR WATCH inside MULTI is not allowed"));
        server.run("SET k v");
        assert_eq!(server.show("EXEC"), "1) OK");
        assert!(server.show("EXEC").contains("ERR EXEC without MULTI"));
        assert!(server.show("DISCARD").contains("ERR DISCARD without MULTI"));
    }

    #[test]
    fn an_exec_that_is_refused_ends_the_transaction() {
        let mut server = TestServer::new();
        server.run("MULTI");
        let error = "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command";
        assert!(server.show("EXEC x").contains(error));
        assert!(server.show("DISCARD").contains("ERR DISCARD without MULTI"));
        assert!(server.show("EXEC x").contains(error));
    }

    #[test]
    fn select_counts_for_the_commands_behind_it() {
        let mut server = TestServer::new();
        for command in ["MULTI", "SET a 1", "SELECT 2", "SET a 2", "SELECT 99", "EXEC"] {
            server.run(command);
        }
        assert_eq!(server.journal(), ["0 SET a 1", "2 SET a 2"]);
        assert_eq!(server.show("GET a"), "\"2\"");
    }

    #[test]
    fn commands_about_the_whole_keyspace_see_what_the_transaction_did() {
        let mut server = TestServer::new();
        for command in ["MULTI", "MSET a 1 b 2", "DBSIZE", "FLUSHALL", "KEYS *", "SET c 3", "DBSIZE"] {
            server.run(command);
        }
        let reply = server.show("EXEC");
        let last: Vec<_> = reply.lines().map(|line| line.split_once(") ").map_or("", |(_, rest)| rest)).collect();
        assert_eq!(last, ["OK", "(integer) 2", "OK", "(empty array)", "OK", "(integer) 1"]);
    }

    #[test]
    fn an_empty_transaction_is_an_empty_array() {
        let mut server = TestServer::new();
        server.run("MULTI");
        assert_eq!(server.show("EXEC"), "(empty array)");
        server.run("MULTI");
        server.run("SET k v");
        assert_eq!(server.show("DISCARD"), "OK");
        assert_eq!(server.show("GET k"), "(nil)");
    }
}
