//! CLIENT TRACKING and its kin: how a connection tracks keys. What it is told is `command::clients::tracking`'s
//! business.

use super::SUBCOMMAND;
use command::clients::tracking::{self, Mode, Tracking};
use command::server::Server;
use command::session::Session;
use command::spec::{Run, Shape, integer, one_of, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use std::sync::atomic::Ordering;

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

/// The words behind ON or OFF.
#[derive(Default)]
struct Options {
    redirect: Option<u64>,
    prefixes: Vec<Vec<u8>>,
    broadcast: bool,
    opt_in: bool,
    opt_out: bool,
    noloop: bool,
}

impl Options {
    fn parse(cx: &Ctx<'_>, args: &Args<'_>) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut at = 3;
        while at < args.len() {
            let has_value = at + 1 < args.len();
            if args.is(at, "REDIRECT") && has_value {
                at += 1;
                if options.redirect.is_some() {
                    return Err(CommandError::TWO_REDIRECTIONS);
                }
                let id = args.int(at)?;
                let target = u64::try_from(id).ok().filter(|&id| cx.server.clients.get(id).is_some());
                options.redirect = Some(target.ok_or(CommandError::NO_REDIRECT_TARGET)?);
            } else if args.is(at, "PREFIX") && has_value {
                at += 1;
                options.prefixes.push(args.word(at).to_vec());
            } else if args.is(at, "BCAST") {
                options.broadcast = true;
            } else if args.is(at, "OPTIN") {
                options.opt_in = true;
            } else if args.is(at, "OPTOUT") {
                options.opt_out = true;
            } else if args.is(at, "NOLOOP") {
                options.noloop = true;
            } else {
                return Err(CommandError::SYNTAX);
            }
            at += 1;
        }
        Ok(options)
    }

    /// What the options come to on a connection that tracks as `now` says.
    fn mode(&self, now: Option<&Tracking>) -> Result<Mode, CommandError> {
        if !self.broadcast && !self.prefixes.is_empty() {
            return Err(CommandError::PREFIX_WITHOUT_BROADCAST);
        }
        let now = now.map(|now| now.mode);
        if now.is_some_and(|mode| (mode == Mode::Broadcast) != self.broadcast) {
            return Err(CommandError::SWITCHES_BROADCAST);
        }
        if self.broadcast && (self.opt_in || self.opt_out) {
            return Err(CommandError::BROADCAST_WITH_OPTIONS);
        }
        if self.opt_in && self.opt_out {
            return Err(CommandError::OPT_IN_AND_OUT);
        }
        if (self.opt_in && now == Some(Mode::OptOut)) || (self.opt_out && now == Some(Mode::OptIn)) {
            return Err(CommandError::SWITCHES_OPTIONS);
        }
        Ok(match self {
            Options { broadcast: true, .. } => Mode::Broadcast,
            Options { opt_in: true, .. } => Mode::OptIn,
            Options { opt_out: true, .. } => Mode::OptOut,
            _ => Mode::Reads,
        })
    }

    /// The prefixes of a client that had some before, in order. None may begin with another.
    fn all_prefixes(self, before: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, CommandError> {
        let overlap = |one: &[u8], other: &[u8]| one.starts_with(other) || other.starts_with(one);
        for (number, prefix) in self.prefixes.iter().enumerate() {
            if let Some(old) = before.iter().find(|old| overlap(old, prefix)) {
                return Err(CommandError::prefix_overlaps(prefix, "an existing", old));
            }
            if let Some(other) = self.prefixes[number + 1..].iter().find(|other| overlap(other, prefix)) {
                return Err(CommandError::prefix_overlaps(prefix, "another provided", other));
            }
        }
        let mut all = before.to_vec();
        all.extend(self.prefixes);
        if all.is_empty() {
            // All keys.
            all.push(Vec::new());
        }
        all.sort_unstable();
        Ok(all)
    }
}

fn tracking(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let options = Options::parse(cx, args)?;
    if args.is(2, "OFF") {
        tracking::end(cx.server, cx.session);
    } else if args.is(2, "ON") {
        begin(cx.server, cx.session, options)?;
    } else {
        return Err(CommandError::SYNTAX);
    }
    cx.reply.ok();
    Ok(())
}

fn begin(server: &Server, session: &mut Session, options: Options) -> CommandResult {
    let mode = options.mode(session.tracking.as_deref())?;
    let (redirect, noloop) = (options.redirect, options.noloop);
    let before = session.tracking.as_ref().map_or(&[][..], |now| &now.tracker.prefixes);
    let prefixes = if mode == Mode::Broadcast { options.all_prefixes(before)? } else { Vec::new() };
    tracking::begin(server, session, mode, redirect, noloop, prefixes);
    Ok(())
}

fn trackinginfo(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let mut flags = Vec::new();
    let tracking = cx.session.tracking.as_deref();
    match tracking {
        None => flags.push("off"),
        Some(Tracking { mode, caching, tracker }) => {
            flags.push("on");
            match mode {
                Mode::Reads => {}
                Mode::Broadcast => flags.push("bcast"),
                Mode::OptIn => flags.push("optin"),
                Mode::OptOut => flags.push("optout"),
            }
            flags.extend(caching.map(|yes| if yes { "caching-yes" } else { "caching-no" }));
            if tracker.noloop {
                flags.push("noloop");
            }
            if tracker.redirect.is_some_and(|id| cx.server.clients.get(id).is_none()) {
                flags.push("broken_redirect");
            }
        }
    }
    let prefixes = tracking.map_or(&[][..], |tracking| &tracking.tracker.prefixes);
    cx.reply.map(3);
    cx.reply.bulk(b"flags");
    cx.reply.set(flags.len());
    flags.iter().for_each(|flag| cx.reply.bulk(flag.as_bytes()));
    cx.reply.bulk(b"redirect");
    cx.reply.int(cx.session.info.redirect.load(Ordering::Relaxed));
    cx.reply.bulk(b"prefixes");
    cx.reply.array(prefixes.len());
    prefixes.iter().for_each(|prefix| cx.reply.bulk(prefix));
    Ok(())
}

fn getredir(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.int(cx.session.info.redirect.load(Ordering::Relaxed));
    Ok(())
}

fn caching(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let tracking = cx.session.tracking.as_mut().ok_or(CommandError::CACHING_WITHOUT_TRACKING)?;
    let yes = match () {
        () if args.is(2, "YES") => true,
        () if args.is(2, "NO") => false,
        () => return Err(CommandError::SYNTAX),
    };
    match (yes, tracking.mode) {
        (true, Mode::OptIn) | (false, Mode::OptOut) => tracking.caching = Some(yes),
        (true, _) => return Err(CommandError::CACHING_YES_WITHOUT_OPT_IN),
        (false, _) => return Err(CommandError::CACHING_NO_WITHOUT_OPT_OUT),
    }
    cx.reply.ok();
    Ok(())
}
