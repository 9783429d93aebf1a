//! CONFIG: options, read and set while the server runs. The option store belongs to the server crate.

use crate::help;
use base::text::eq_ignore_case;
use command::clients::channels;
use command::spec::{ArgKind, Flags, Group, Run, Shape, arg, block, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

const FLAGS: Flags = Flags::ADMIN.or(Flags::NOSCRIPT).or(Flags::LOADING).or(Flags::STALE);
const EVERYWHERE: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];

pub static CONFIG: CommandSpec = CommandSpec {
    name: "CONFIG",
    group: Group::Server,
    since: "2.0.0",
    summary: "Commands about the server's options.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    subcommands: &[&GET, &RESETSTAT, &REWRITE, &SET, &HELP],
    run: Run::Container,
    ..CommandSpec::DEFAULT
};

static GET: CommandSpec = CommandSpec {
    name: "GET",
    group: Group::Server,
    since: "2.0.0",
    summary: "Gives options and their values, by name or glob.",
    complexity: "O(N) over the number of names and globs given",
    arity: -3,
    flags: FLAGS,
    args: &[arg("parameter", ArgKind::String).multiple()],
    history: &[("7.0.0", "Several names or globs can be given in one call.")],
    reply: Shape::MAP,
    run: Run::Session(get),
    ..CommandSpec::DEFAULT
};

static SET: CommandSpec = CommandSpec {
    name: "SET",
    group: Group::Server,
    since: "2.0.0",
    summary: "Sets options while the server runs: all that are given, or none.",
    complexity: "O(N) over the number of options given",
    arity: -4,
    flags: FLAGS,
    args: &[block("data", &[string("parameter"), string("value")]).multiple()],
    history: &[("7.0.0", "Several options can be set in one call.")],
    tips: EVERYWHERE,
    reply: Shape::SIMPLE,
    run: Run::Session(set),
    ..CommandSpec::DEFAULT
};

static RESETSTAT: CommandSpec = CommandSpec {
    name: "RESETSTAT",
    group: Group::Server,
    since: "2.0.0",
    summary: "Sets the statistics that INFO shows back to zero.",
    arity: 2,
    flags: FLAGS,
    tips: EVERYWHERE,
    reply: Shape::SIMPLE,
    run: Run::Session(resetstat),
    ..CommandSpec::DEFAULT
};

static REWRITE: CommandSpec = CommandSpec {
    name: "REWRITE",
    group: Group::Server,
    since: "2.8.0",
    summary: "Writes the options in force to the file that the server was started with.",
    arity: 2,
    flags: FLAGS,
    tips: EVERYWHERE,
    reply: Shape::SIMPLE,
    run: Run::Session(rewrite),
    ..CommandSpec::DEFAULT
};

static HELP: CommandSpec = CommandSpec { group: Group::Server, ..help::HELP };

fn get(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let patterns: Vec<&[u8]> = args.from(2).collect();
    let found = cx.server.host.config_get(&patterns);
    cx.reply.map(found.len());
    for (name, value) in found {
        // A name that was given as a whole comes back as it was spelled.
        let spelled = patterns.iter().find(|pattern| eq_ignore_case(pattern, name.as_bytes()));
        cx.reply.bulk(spelled.copied().unwrap_or(name.as_bytes()));
        cx.reply.bulk(&value);
    }
    Ok(())
}

fn set(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let is_secret = |at: &usize| options::find(args.word(at - 1)).is_some_and(|option| option.secret);
    cx.session.redacted = (3..args.len()).filter(is_secret).collect();
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::SYNTAX);
    }
    let pairs: Vec<(&[u8], &[u8])> = (2..args.len()).step_by(2).map(|at| (args.word(at), args.word(at + 1))).collect();
    cx.server.host.config_set(&pairs, cx.session.local).map_err(CommandError::of_host)?;
    cx.worker.options_changed.set(true);
    channels::look_who_listens(cx.server);
    cx.reply.ok();
    Ok(())
}

fn resetstat(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.server.reset_stats();
    cx.reply.ok();
    Ok(())
}

fn rewrite(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.server.host.config_rewrite().map_err(CommandError::of_host)?;
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn options_come_in_pairs() {
        let mut server = TestServer::new();
        assert_eq!(server.show("CONFIG SET a b c"), "(error) ERR syntax error");
        assert_eq!(server.show("CONFIG SET a"), "(error) ERR wrong number of arguments for 'config|set' command");
        assert_eq!(server.show("CONFIG GET"), "(error) ERR wrong number of arguments for 'config|get' command");
        assert_eq!(server.show("CONFIG SET a b"), "OK");
    }

    #[test]
    fn an_option_holds_from_the_next_command_on() {
        let mut server = TestServer::new();
        server.server.tunables.latency.slowlog_log_slower_than.set(-1);
        server.run("CONFIG SET slowlog-log-slower-than -1");
        server.run("SLOWLOG RESET");
        // The host of tests keeps no options: this stands for what CONFIG SET does to the real one's.
        server.server.tunables.latency.slowlog_log_slower_than.set(0);
        server.run("CONFIG SET slowlog-log-slower-than 0");
        server.run("PING");
        assert_eq!(server.show("SLOWLOG LEN"), "(integer) 2");
    }

    #[test]
    fn resetstat_sets_counters_back() {
        let mut server = TestServer::new();
        server.run("GET nothing");
        server.run("GET");
        assert!(server.show("INFO commandstats").contains("cmdstat_get:calls=1,"));
        assert!(server.show("INFO errorstats").contains("errorstat_ERR:count=1"));
        assert_eq!(server.show("CONFIG RESETSTAT"), "OK");
        let after = server.show("INFO commandstats errorstats");
        assert!(!after.contains("cmdstat_get") && !after.contains("errorstat_"), "{after}");
        assert!(after.contains("cmdstat_config|resetstat:calls=1,"), "{after}");
    }
}
