//! CLIENT HELP.

use super::SUBCOMMAND;
use command::spec::{Flags, Run, Shape};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static HELP: CommandSpec = CommandSpec {
    name: "HELP",
    since: "5.0.0",
    summary: "Tells what the subcommands are for.",
    arity: 2,
    flags: Flags::LOADING.or(Flags::STALE),
    reply: Shape::ARRAY,
    run: Run::Session(help),
    ..SUBCOMMAND
};

fn help(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.help(
        "client",
        &[
            "CACHING (YES|NO)",
            "    Says whether the keys of the next command are tracked (modes OPTIN and OPTOUT).",
            "CAPA <option> [option...]",
            "    Says what this client is able to do. Options:",
            "    * REDIRECT: it follows redirections.",
            "GETNAME",
            "    The name of this connection.",
            "GETREDIR",
            "    The client that gets this connection's invalidations.",
            "ID",
            "    The number of this connection.",
            "IMPORT-SOURCE (ON|OFF)",
            "    Says whether this connection imports data.",
            "INFO",
            "    The line of CLIENT LIST about this connection.",
            "KILL <ip:port>",
            "    Closes the connection that came from there.",
            "KILL <filter> <value> [<filter> <value> ...]",
            "    Closes all connections that fit, and tells how many. Filters are those of LIST.",
            "LIST [<filter> <value> ...]",
            "    A line about each connection that fits. Filters:",
            "    * ADDR, LADDR <ip:port>; IP <ip>: where it comes from, where it goes to.",
            "    * CAPA <letters>; FLAGS <letters>: has all of these.",
            "    * DB <number>: uses this database.",
            "    * ID <number> [number...]: is one of these.",
            "    * IDLE, MAXAGE <seconds>: silent, or open, for at least so long.",
            "    * LIB-NAME, LIB-VER, NAME, USER <text>: goes by this.",
            "    * SKIPME (YES|NO): leaves out this connection.",
            "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB): is of this kind.",
            "    * NOT- before a filter (but IDLE, MAXAGE and SKIPME) turns it round.",
            "NO-EVICT (ON|OFF)",
            "    Says whether this connection may be closed to free memory.",
            "NO-TOUCH (ON|OFF)",
            "    Says whether this connection's reads leave LRU and LFU alone.",
            "PAUSE <milliseconds> [WRITE|ALL]",
            "    Makes commands, or only writes, wait.",
            "REPLY (ON|OFF|SKIP)",
            "    Says which commands of this connection are answered.",
            "SETINFO <option> <value>",
            "    Tells about the client. Options:",
            "    * LIB-NAME: the name of its library.",
            "    * LIB-VER: the version of its library.",
            "SETNAME <name>",
            "    Names this connection.",
            "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]",
            "    Turns invalidation messages on or off.",
            "TRACKINGINFO",
            "    How this connection tracks keys.",
            "UNBLOCK <client-id> [TIMEOUT|ERROR]",
            "    Ends the wait of a blocked client.",
            "UNPAUSE",
            "    Ends a pause.",
        ],
    );
    Ok(())
}
