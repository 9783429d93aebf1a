//! COMMANDLOG, as Valkey has it: the logs of slow commands, of large requests and of large replies.

use super::logs::{self, Count};
use crate::help;
use command::spec::{ArgSpec, Flags, Group, Run, Shape, integer, one_of, token};
use command::stats::commandlog::Kind;
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

const FLAGS: Flags = Flags::ADMIN.or(Flags::LOADING).or(Flags::STALE).or(Flags::EXTENSION);
const TYPE: ArgSpec = one_of(
    "type",
    &[token("slow", "SLOW"), token("large-request", "LARGE-REQUEST"), token("large-reply", "LARGE-REPLY")],
);

pub static COMMANDLOG: CommandSpec = CommandSpec {
    name: "COMMANDLOG",
    group: Group::Server,
    since: "8.1.0",
    summary: "Commands about the logs of slow and large commands.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    flags: Flags::EXTENSION,
    subcommands: &[&GET, &HELP, &LEN, &RESET],
    run: Run::Container,
    ..CommandSpec::DEFAULT
};

static GET: CommandSpec = CommandSpec {
    name: "GET",
    group: Group::Server,
    since: "8.1.0",
    summary: "Gives the newest entries of a log: number, unix time, microseconds or bytes, words, address and name of the client.",
    complexity: "O(N) over the number of entries given",
    arity: 4,
    flags: FLAGS,
    args: &[integer("count"), TYPE],
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    reply: Shape::ARRAY,
    run: Run::Session(get),
    ..CommandSpec::DEFAULT
};

static LEN: CommandSpec = CommandSpec {
    name: "LEN",
    group: Group::Server,
    since: "8.1.0",
    summary: "Counts the entries of a log.",
    arity: 3,
    flags: FLAGS,
    args: &[TYPE],
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    reply: Shape::INTEGER,
    run: Run::Session(len),
    ..CommandSpec::DEFAULT
};

static RESET: CommandSpec = CommandSpec {
    name: "RESET",
    group: Group::Server,
    since: "8.1.0",
    summary: "Empties a log.",
    complexity: "O(N) over the number of entries",
    arity: 3,
    flags: FLAGS,
    args: &[TYPE],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    reply: Shape::SIMPLE,
    run: Run::Session(reset),
    ..CommandSpec::DEFAULT
};

static HELP: CommandSpec =
    CommandSpec { group: Group::Server, since: "8.1.0", flags: help::HELP.flags.or(Flags::EXTENSION), ..help::HELP };

fn kind(args: &Args<'_>, at: usize) -> Result<Kind, CommandError> {
    let kinds = [("slow", Kind::Slow), ("large-request", Kind::LargeRequest), ("large-reply", Kind::LargeReply)];
    let found = kinds.into_iter().find(|(name, _)| args.is(at, name));
    found.map(|(_, kind)| kind).ok_or(CommandError::LOG_TYPE)
}

fn get(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let count = Count::parse(args, 2)?;
    let kind = kind(args, 3)?;
    logs::reply_newest(cx, kind, count);
    Ok(())
}

fn len(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let kind = kind(args, 2)?;
    cx.reply.int(cx.server.logs.len(kind) as i64);
    Ok(())
}

fn reset(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let kind = kind(args, 2)?;
    cx.server.logs.reset(kind);
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn large_requests_and_replies_are_logged_by_size() {
        let mut server = TestServer::new();
        server.server.tunables.latency.commandlog_request_larger_than.set(30);
        server.advance_ms(0);
        server.run("GET a-key-that-is-longer-than-thirty-bytes");
        assert_eq!(server.show("COMMANDLOG LEN large-request"), "(integer) 1");
        assert_eq!(server.show("COMMANDLOG LEN large-reply"), "(integer) 0");
        assert!(server.show("COMMANDLOG GET -1 LARGE-REQUEST").contains("\"GET\""));
        assert_eq!(server.show("COMMANDLOG RESET large-request"), "OK");
        assert_eq!(server.show("COMMANDLOG GET -1 large-request"), "(empty array)");
    }

    #[test]
    fn the_count_is_checked_before_the_type() {
        let mut server = TestServer::new();
        let count = "(error) ERR count should be greater than or equal to -1";
        let kind = "(error) ERR type should be one of the following: slow, large-request, large-reply";
        assert_eq!(server.show("COMMANDLOG GET -2 foo"), count);
        assert_eq!(server.show("COMMANDLOG GET 1 foo"), kind);
        assert_eq!(server.show("COMMANDLOG LEN foo"), kind);
    }
}
