//! PUBLISH and SPUBLISH.

use super::ANY_TIME;
use command::clients::channels::Kind;
use command::session::waiting::Waiting;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, string};
use command::{Args, CommandResult, CommandSpec, Ctx, Origin};
use engine::LockedKeys;

pub static PUBLISH: CommandSpec = CommandSpec {
    name: "PUBLISH",
    group: Group::PubSub,
    since: "2.0.0",
    summary: "Sends a message to all who listen to a channel.",
    complexity: "O(N+M), N being the number of clients that have subscribed to the channel, and M that of all patterns",
    arity: 3,
    flags: ANY_TIME.or(Flags::FAST).or(Flags::MAY_REPLICATE),
    args: &[string("channel"), string("message")],
    reply: Shape::INTEGER,
    run: Run::Session(publish),
    ..CommandSpec::DEFAULT
};

pub static SPUBLISH: CommandSpec = CommandSpec {
    name: "SPUBLISH",
    group: Group::PubSub,
    since: "7.0.0",
    summary: "Sends a message to all who listen to a shard channel.",
    complexity: "O(N), N being the number of clients that have subscribed to the shard channel",
    arity: 3,
    flags: ANY_TIME.or(Flags::FAST).or(Flags::MAY_REPLICATE),
    keys: &[KeySpec::at(1, KeyFlags::NOT_KEY)],
    args: &[string("shardchannel"), string("message")],
    reply: Shape::INTEGER,
    run: Run::Session(spublish),
    ..CommandSpec::DEFAULT
};

fn publish(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    send(cx, args, Kind::Channel);
    Ok(())
}

fn spublish(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    send(cx, args, Kind::Shard);
    Ok(())
}

fn send(cx: &mut Ctx<'_>, args: &Args<'_>, kind: Kind) {
    let channels = &cx.server.channels;
    if channels.is_congested() && cx.origin == Origin::Client {
        // Until the subscribers' workers have caught up.
        cx.session.waiting = Waiting::Busy;
        return;
    }
    let receivers = channels.publish(cx.deliveries, kind, args.word(1), args.word(2));
    cx.reply.int(receivers as i64);
}
