//! CLIENT HELP.

use crate::help;
use command::spec::{Group, Run};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static HELP: CommandSpec = CommandSpec { group: Group::Connection, run: Run::Session(help), ..help::HELP };

/// What the syntax does not say.
const NOTES: &[(&str, &[&str])] = &[
    ("CAPA", &["* REDIRECT: it follows redirections."]),
    ("KILL", &["Filters are those of LIST."]),
    (
        "LIST",
        &[
            "Filters, as many as there are, each with its value:",
            "* ADDR, LADDR <ip:port>; IP <ip>: where it comes from, where it goes to.",
            "* CAPA <letters>; FLAGS <letters>: has all of these.",
            "* DB <number>: uses this database.",
            "* ID <number> [number...]: is one of these.",
            "* IDLE, MAXAGE <seconds>: silent, or open, for at least so long.",
            "* LIB-NAME, LIB-VER, NAME, USER <text>: goes by this.",
            "* SKIPME (YES|NO): leaves out this connection.",
            "* TYPE (NORMAL|MASTER|REPLICA|PUBSUB): is of this kind.",
            "* NOT- before a filter (but IDLE, MAXAGE and SKIPME) turns it round.",
        ],
    ),
];

fn help(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    help::with_notes(cx, NOTES);
    Ok(())
}
