//! SUBSCRIBE and its kin: what a client listens to.
//!
//! Each name is answered by a message of its own, which says how much the client has subscribed to by now.

use super::ANY_TIME;
use command::clients::channels::{self, Change, Kind, NAMES_AT_ONCE};
use command::spec::{ArgSpec, Flags, Group, KeyFlags, KeySpec, Run, Shape, pattern, string};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

const FLAGS: Flags = ANY_TIME.or(Flags::NOSCRIPT).or(Flags::FOR_SUBSCRIBERS);

const CHANNELS: ArgSpec = string("channel").multiple();
const PATTERNS: ArgSpec = pattern("pattern").multiple();
const SHARD_CHANNELS: ArgSpec = string("shardchannel").multiple();

/// What the commands that begin to listen share.
const BEGIN: CommandSpec = CommandSpec {
    group: Group::PubSub,
    since: "2.0.0",
    complexity: "O(N), N being the number of names",
    arity: -2,
    flags: FLAGS,
    reply: Shape::PUSHES,
    ..CommandSpec::DEFAULT
};

/// What those share that end it.
const END: CommandSpec = CommandSpec { arity: -1, ..BEGIN };

pub static SUBSCRIBE: CommandSpec = CommandSpec {
    name: "SUBSCRIBE",
    summary: "Listens to channels.",
    args: &[CHANNELS],
    run: Run::Session(subscribe),
    ..BEGIN
};

pub static PSUBSCRIBE: CommandSpec = CommandSpec {
    name: "PSUBSCRIBE",
    summary: "Listens to all channels whose names match patterns.",
    args: &[PATTERNS],
    run: Run::Session(psubscribe),
    ..BEGIN
};

pub static SSUBSCRIBE: CommandSpec = CommandSpec {
    name: "SSUBSCRIBE",
    since: "7.0.0",
    summary: "Listens to shard channels.",
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::NOT_KEY)],
    args: &[SHARD_CHANNELS],
    run: Run::Session(ssubscribe),
    ..BEGIN
};

pub static UNSUBSCRIBE: CommandSpec = CommandSpec {
    name: "UNSUBSCRIBE",
    summary: "Listens no more to channels, or to any.",
    args: &[CHANNELS.optional()],
    run: Run::Session(unsubscribe),
    ..END
};

pub static PUNSUBSCRIBE: CommandSpec = CommandSpec {
    name: "PUNSUBSCRIBE",
    summary: "Listens no more to channels that match patterns, or to any such.",
    args: &[PATTERNS.optional()],
    run: Run::Session(punsubscribe),
    ..END
};

pub static SUNSUBSCRIBE: CommandSpec = CommandSpec {
    name: "SUNSUBSCRIBE",
    since: "7.0.0",
    summary: "Listens no more to shard channels, or to any.",
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::NOT_KEY)],
    args: &[SHARD_CHANNELS.optional()],
    run: Run::Session(sunsubscribe),
    ..END
};

fn subscribe(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    begin(cx, args, Kind::Channel, b"subscribe");
    Ok(())
}

fn psubscribe(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    begin(cx, args, Kind::Pattern, b"psubscribe");
    Ok(())
}

fn ssubscribe(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    begin(cx, args, Kind::Shard, b"ssubscribe");
    Ok(())
}

fn unsubscribe(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    end(cx, args, Kind::Channel, b"unsubscribe");
    Ok(())
}

fn punsubscribe(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    end(cx, args, Kind::Pattern, b"punsubscribe");
    Ok(())
}

fn sunsubscribe(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    end(cx, args, Kind::Shard, b"sunsubscribe");
    Ok(())
}

/// Listens to all names that the client sent.
fn begin(cx: &mut Ctx<'_>, args: &Args<'_>, kind: Kind, what: &[u8]) {
    let names: Vec<&[u8]> = args.from(1).collect();
    change(cx, kind, &names, false, |cx, change, name| {
        change.subscribe(cx.worker, cx.session, name);
        confirm(cx, kind, what, Some(name));
    });
}

/// Listens no more to the names that the client sent, or to everything of that kind.
fn end(cx: &mut Ctx<'_>, args: &Args<'_>, kind: Kind, what: &[u8]) {
    let subscribed: Vec<channels::Name>;
    let names: Vec<&[u8]> = if args.len() > 1 {
        args.from(1).collect()
    } else {
        subscribed = cx.session.subscriptions.iter().flat_map(|all| all.names(kind)).cloned().collect();
        subscribed.iter().map(|name| &**name).collect()
    };
    if names.is_empty() {
        confirm(cx, kind, what, None);
        return;
    }
    let is_everything = args.len() == 1;
    change(cx, kind, &names, is_everything, |cx, change, name| {
        change.unsubscribe(cx.worker, cx.session, name);
        confirm(cx, kind, what, Some(name));
    });
}

/// Changes subscriptions to these names, some at a time. `goes_on`: tried again, the command goes on where it stopped.
fn change(
    cx: &mut Ctx<'_>,
    kind: Kind,
    names: &[&[u8]],
    goes_on: bool,
    mut each: impl FnMut(&mut Ctx<'_>, &mut Change<'_>, &[u8]),
) {
    for (number, some) in names.chunks(NAMES_AT_ONCE).enumerate() {
        let mut change = Change::begin(cx.server, kind, some.iter().copied());
        let may_wait = (number == 0 || goes_on) && cx.may_wait_for_messages();
        if may_wait && change.must_wait(cx.worker.id) {
            cx.wait_for_messages();
            return;
        }
        some.iter().for_each(|name| each(cx, &mut change, name));
    }
}

fn confirm(cx: &mut Ctx<'_>, kind: Kind, what: &[u8], name: Option<&[u8]>) {
    let count = channels::count(cx.session, kind);
    let reply = &mut *cx.reply;
    reply.push(3);
    reply.bulk(what);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.int(count as i64);
}
