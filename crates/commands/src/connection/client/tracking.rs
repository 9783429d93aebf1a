//! CLIENT TRACKING and its kin: answered as on a connection that tracks nothing, which is what all are.
//!
//! Turning it on is refused, so that no client trusts a cache that nobody would invalidate.

use super::SUBCOMMAND;
use command::spec::{Run, Shape, integer, one_of, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static TRACKING: CommandSpec = CommandSpec {
    name: "TRACKING",
    since: "6.0.0",
    summary: "Turns messages about keys that the client should forget on or off.",
    complexity: "O(1), more with some of the options.",
    arity: -3,
    args: &[
        one_of("status", &[token("on", "ON"), token("off", "OFF")]),
        integer("client-id").token("REDIRECT").optional(),
        string("prefix").token("PREFIX").optional().multiple_token(),
        token("bcast", "BCAST").optional(),
        token("optin", "OPTIN").optional(),
        token("optout", "OPTOUT").optional(),
        token("noloop", "NOLOOP").optional(),
    ],
    reply: Shape::SIMPLE,
    run: Run::Session(tracking),
    ..SUBCOMMAND
};

pub static TRACKINGINFO: CommandSpec = CommandSpec {
    name: "TRACKINGINFO",
    since: "6.2.0",
    summary: "Tells how the connection tracks keys.",
    arity: 2,
    reply: Shape::MAP,
    run: Run::Session(trackinginfo),
    ..SUBCOMMAND
};

pub static GETREDIR: CommandSpec = CommandSpec {
    name: "GETREDIR",
    since: "6.0.0",
    summary: "Gives the client that gets the connection's messages about keys to forget.",
    arity: 2,
    reply: Shape::INTEGER,
    run: Run::Session(getredir),
    ..SUBCOMMAND
};

pub static CACHING: CommandSpec = CommandSpec {
    name: "CACHING",
    since: "6.0.0",
    summary: "Says whether the keys of the next command are tracked.",
    arity: 3,
    args: &[one_of("mode", &[token("yes", "YES"), token("no", "NO")])],
    reply: Shape::SIMPLE,
    run: Run::Session(caching),
    ..SUBCOMMAND
};

fn tracking(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let mut at = 3;
    while at < args.len() {
        let has_value = at + 1 < args.len();
        if args.is(at, "REDIRECT") && has_value {
            let id = args.int(at + 1)?;
            u64::try_from(id).ok().and_then(|id| cx.server.clients.get(id)).ok_or(CommandError::NO_REDIRECT_TARGET)?;
            at += 2;
        } else if args.is(at, "PREFIX") && has_value {
            at += 2;
        } else if ["BCAST", "OPTIN", "OPTOUT", "NOLOOP"].iter().any(|option| args.is(at, option)) {
            at += 1;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    if args.is(2, "ON") {
        return Err(CommandError::NO_TRACKING);
    }
    if !args.is(2, "OFF") {
        return Err(CommandError::SYNTAX);
    }
    cx.reply.ok();
    Ok(())
}

fn trackinginfo(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.map(3);
    cx.reply.bulk(b"flags");
    cx.reply.set(1);
    cx.reply.bulk(b"off");
    cx.reply.bulk(b"redirect");
    cx.reply.int(-1);
    cx.reply.bulk(b"prefixes");
    cx.reply.array(0);
    Ok(())
}

fn getredir(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.int(-1);
    Ok(())
}

fn caching(_: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    Err(CommandError::CACHING_WITHOUT_TRACKING)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn tracking_is_off_and_cannot_be_turned_on() {
        let mut server = TestServer::new();
        assert_eq!(server.show("CLIENT TRACKING OFF BCAST PREFIX a NOLOOP"), "OK");
        let refused = "(error) ERR Client tracking is not supported by this server yet";
        assert_eq!(server.show("CLIENT TRACKING ON"), refused);
        assert_eq!(server.show("CLIENT TRACKING OFF PREFIX"), "(error) ERR syntax error");
        assert_eq!(server.show("CLIENT GETREDIR"), "(integer) -1");
        let error = "(error) ERR The client ID you want redirect to does not exist";
        assert_eq!(server.show("CLIENT TRACKING OFF REDIRECT 99"), error);
    }
}
