//! SLOWLOG: the commands that took long. COMMANDLOG shows the same log among others.

use super::logs::{self, Count};
use crate::help;
use command::spec::{Flags, Group, Run, Shape, integer};
use command::stats::commandlog::Kind;
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

const FLAGS: Flags = Flags::ADMIN.or(Flags::LOADING).or(Flags::STALE);

pub static SLOWLOG: CommandSpec = CommandSpec {
    name: "SLOWLOG",
    group: Group::Server,
    since: "2.2.12",
    summary: "Commands about the log of slow commands.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    subcommands: &[&GET, &LEN, &RESET, &HELP],
    run: Run::Container,
    ..CommandSpec::DEFAULT
};

static GET: CommandSpec = CommandSpec {
    name: "GET",
    group: Group::Server,
    since: "2.2.12",
    summary: "Gives the newest slow commands: number, unix time, microseconds, words, address and name of the client.",
    complexity: "O(N) over the number of entries given",
    arity: -2,
    flags: FLAGS,
    args: &[integer("count").optional()],
    history: &[("4.0.0", "The client's address and name are part of an entry.")],
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    reply: Shape::ARRAY,
    run: Run::Session(get),
    ..CommandSpec::DEFAULT
};

static LEN: CommandSpec = CommandSpec {
    name: "LEN",
    group: Group::Server,
    since: "2.2.12",
    summary: "Counts the entries of the log of slow commands.",
    arity: 2,
    flags: FLAGS,
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    reply: Shape::INTEGER,
    run: Run::Session(len),
    ..CommandSpec::DEFAULT
};

static RESET: CommandSpec = CommandSpec {
    name: "RESET",
    group: Group::Server,
    since: "2.2.12",
    summary: "Empties the log of slow commands.",
    complexity: "O(N) over the number of entries",
    arity: 2,
    flags: FLAGS,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    reply: Shape::SIMPLE,
    run: Run::Session(reset),
    ..CommandSpec::DEFAULT
};

static HELP: CommandSpec = CommandSpec { group: Group::Server, since: "6.2.0", ..help::HELP };

fn get(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let count = match args.len() {
        2 => Count::DEFAULT,
        3 => Count::parse(args, 2)?,
        _ => return Err(CommandError::subcommand_syntax(args.word(1), "slowlog")),
    };
    logs::reply_newest(cx, Kind::Slow, count);
    Ok(())
}

fn len(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.int(cx.server.logs.len(Kind::Slow) as i64);
    Ok(())
}

fn reset(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.server.logs.reset(Kind::Slow);
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn entries_have_six_parts() {
        let mut server = TestServer::new();
        server.server.tunables.latency.slowlog_log_slower_than.set(0);
        server.advance_ms(0);
        server.run("SLOWLOG RESET");
        server.run("GET nothing");
        server.server.tunables.latency.slowlog_log_slower_than.set(-1);
        server.advance_ms(0);
        assert_eq!(server.show("SLOWLOG LEN"), "(integer) 2");
        let newest = server.show("SLOWLOG GET 1");
        assert!(newest.contains("1) \"GET\"") && newest.contains("2) \"nothing\""), "{newest}");
        assert!(newest.contains("2) (integer) 1700000000") && newest.contains("6) \"\""), "{newest}");
        assert_eq!(server.show("SLOWLOG RESET"), "OK");
        assert_eq!(server.show("SLOWLOG GET"), "(empty array)");
    }

    #[test]
    fn counts_below_minus_one_are_refused() {
        let mut server = TestServer::new();
        for count in ["-2", "x", "99999999999999999999"] {
            let error = "(error) ERR count should be greater than or equal to -1";
            assert_eq!(server.show(&format!("SLOWLOG GET {count}")), error);
        }
        let error = "(error) ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.";
        assert_eq!(server.show("SLOWLOG GET 1 2"), error);
    }
}
