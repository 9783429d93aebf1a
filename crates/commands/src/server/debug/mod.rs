//! DEBUG: for tests and developers.
//!
//! Not a container in Redis, hence none here: one command with all shards locked, whose subcommands are in
//! [`SUBCOMMANDS`] with their help. Ours are JOURNAL and EVENTS, by which spec scripts see what a command logged and
//! announced. Subcommands that crash a server on purpose, and those of subsystems that do not exist yet, are left out.

mod digest;
mod keys;
mod process;
mod protocol;
mod reload;
#[cfg(test)]
mod tests;

use command::spec::{Flags, Group, Run, Shape};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static DEBUG: CommandSpec = CommandSpec {
    name: "DEBUG",
    group: Group::Server,
    summary: "Commands for debugging.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    flags: Flags::ADMIN.or(Flags::NOSCRIPT).or(Flags::LOADING).or(Flags::STALE).or(Flags::DEBUG).or(Flags::SYSCMD),
    reply: Shape::ANY,
    run: Run::Global(debug),
    ..CommandSpec::DEFAULT
};

type Handler = fn(&mut Ctx<'_>, &mut LockedKeys<'_>, &Args<'_>) -> CommandResult;

struct Subcommand {
    name: &'static str,
    /// Fewest and most words, with DEBUG and the name.
    words: (usize, usize),
    run: Handler,
    help: &'static [&'static str],
}

const fn sub(name: &'static str, words: (usize, usize), run: Handler, help: &'static [&'static str]) -> Subcommand {
    Subcommand { name, words, run, help }
}

const MANY: usize = usize::MAX;

static SUBCOMMANDS: &[Subcommand] = &[
    sub("CHANGE-REPL-ID", (2, 2), process::change_repl_id, &["", "Draw a new identity of the data set's history."]),
    sub(
        "CLUSTERLINK",
        (5, 5),
        process::clusterlink,
        &[" KILL <to|from|all> <node-id>", "An error, for this server is not in a cluster."],
    ),
    sub("DICT-RESIZING", (3, 3), accept, &[" <0|1>", "Accepted, without effect: tables resize by small segments."]),
    sub("DIGEST", (2, 2), digest::digest, &["", "Show a digest of all data: 40 hexadecimal digits, zeros for none."]),
    sub("DIGEST-VALUE", (2, MANY), digest::digest_value, &[" <key> [<key> ...]", "Show a digest of each key's value."]),
    sub(
        "DROP-CLUSTER-PACKET-FILTER",
        (3, 3),
        process::drop_cluster_packet_filter,
        &[" <packet-type>", "Accepted, without effect: this server is not in a cluster."],
    ),
    sub("ERROR", (3, 3), process::error, &[" <text>", "Reply with <text> as an error."]),
    sub(
        "EVENTS",
        (3, 3),
        process::events,
        &[" <START|STOP|READ>", "Keep keyspace events, or show those since the last READ: database, event, key."],
    ),
    sub("HTSTATS", (3, 4), keys::htstats, &[" <db> [FULL]", "Show figures about the tables of a database."]),
    sub("HTSTATS-KEY", (3, 4), keys::htstats_key, &[" <key> [FULL]", "Show figures about the table of a value."]),
    sub(
        "JOURNAL",
        (3, 3),
        process::journal,
        &[" <START|STOP|READ>", "Keep what commands log, or show it since the last READ: database, words."],
    ),
    sub("LISTPACK", (3, 3), keys::listpack, &[" <key>", "Show the listpack of a value."]),
    sub("LOADAOF", (2, 2), process::loadaof, &["", "Load the data again from the append-only file."]),
    sub("LOG", (3, 3), process::log, &[" <text>", "Write <text> to the log."]),
    sub("OBJECT", (3, 3), keys::object, &[" <key>", "Show how the value of <key> is stored."]),
    sub(
        "PAUSE-CRON",
        (3, 3),
        process::pause_cron,
        &[" <0|1>", "Stop what happens in the background, or let it go on."],
    ),
    sub(
        "POPULATE",
        (3, 5),
        keys::populate,
        &[" <count> [<prefix>] [<size>]", "Create strings named <prefix>:<number>; nothing of it is logged."],
    ),
    sub("PROTOCOL", (3, 3), protocol::protocol, &[" <type>", "Reply with a value of this type of the protocol."]),
    sub("QUICKLIST", (3, 4), keys::quicklist, &[" <key> [<0|1>]", "Show the nodes of a list."]),
    sub(
        "QUICKLIST-PACKED-THRESHOLD",
        (3, 3),
        process::packed_threshold,
        &[" <size>", "Accepted, without effect until there are lists."],
    ),
    sub(
        "RELOAD",
        (2, MANY),
        reload::reload,
        &[" [MERGE] [NOFLUSH]", "Write all data in RDB format and read it again, in memory."],
    ),
    sub(
        "REPLYBUFFER",
        (4, 4),
        process::replybuffer,
        &[" <PEAK-RESET-TIME|RESIZING> <value>", "Accepted, without effect: reply buffers are not resized."],
    ),
    sub("SDSLEN", (3, 3), keys::sdslen, &[" <key>", "Show lengths and memory of a key and its string."]),
    sub(
        "SET-ACTIVE-EXPIRE",
        (3, 3),
        process::set_active_expire,
        &[" <0|1>", "Delete keys past their deadline only when they are met, or on time."],
    ),
    sub("SET-DISABLE-DENY-SCRIPTS", (3, 3), accept, &[" <0|1>", "Accepted, without effect until there are scripts."]),
    sub(
        "SET-SKIP-CHECKSUM-VALIDATION",
        (3, 3),
        process::set_skip_checksum,
        &[" <0|1>", "Take what RESTORE is given whatever its checksum is, or refuse a wrong one."],
    ),
    sub("SLEEP", (3, 3), process::sleep, &[" <seconds>", "Lock all data and wait."]),
    sub("STRINGMATCH-TEST", (2, 2), process::stringmatch_test, &["", "Match random globs with random texts."]),
    sub("STRUCTSIZE", (2, 2), process::structsize, &["", "Show the sizes of some structures in bytes."]),
    sub("HELP", (2, 2), help, &["", "Print this help."]),
];

fn debug(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let found = SUBCOMMANDS.iter().find(|sub| {
        let (fewest, most) = sub.words;
        args.is(1, sub.name) && (fewest..=most).contains(&args.len())
    });
    match found {
        Some(sub) => (sub.run)(cx, keys, args),
        None => Err(CommandError::subcommand_syntax(args.word(1), "debug")),
    }
}

/// For switches of what does not exist here.
fn accept(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.ok();
    Ok(())
}

fn help(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let mut lines = Vec::new();
    for sub in SUBCOMMANDS.iter().filter(|sub| sub.name != "HELP") {
        let (words, text) = sub.help.split_first().expect("every subcommand has its words and a text");
        lines.push(format!("{}{words}", sub.name));
        lines.extend(text.iter().map(|line| format!("    {line}")));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    cx.help("debug", &lines);
    Ok(())
}

/// The number of a switch, as C reads it: no number is 0.
fn switch(args: &Args<'_>) -> bool {
    base::num::parse_i64(args.word(2)).is_some_and(|number| number != 0)
}
