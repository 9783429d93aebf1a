//! PUBSUB: who listens to what.

use super::ANY_TIME;
use command::clients::channels::{Kind, is_match};
use command::spec::{Flags, Group, Run, Shape, pattern, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static PUBSUB: CommandSpec = CommandSpec {
    name: "PUBSUB",
    group: Group::PubSub,
    since: "2.8.0",
    summary: "Commands about who listens to what.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    subcommands: &[&CHANNELS, &HELP, &NUMPAT, &NUMSUB, &SHARDCHANNELS, &SHARDNUMSUB],
    run: Run::Container,
    ..CommandSpec::DEFAULT
};

const SUBCOMMAND: CommandSpec = CommandSpec {
    group: Group::PubSub,
    since: "2.8.0",
    arity: -2,
    flags: ANY_TIME,
    reply: Shape::ARRAY,
    ..CommandSpec::DEFAULT
};

static CHANNELS: CommandSpec = CommandSpec {
    name: "CHANNELS",
    summary: "Lists the channels that somebody listens to.",
    complexity: "O(N), N being the number of such channels, as long as names and pattern are short",
    args: &[pattern("pattern").optional()],
    run: Run::Session(channels),
    ..SUBCOMMAND
};

static SHARDCHANNELS: CommandSpec = CommandSpec {
    name: "SHARDCHANNELS",
    since: "7.0.0",
    summary: "Lists the shard channels that somebody listens to.",
    run: Run::Session(shardchannels),
    ..CHANNELS
};

static NUMSUB: CommandSpec = CommandSpec {
    name: "NUMSUB",
    summary: "Counts the clients that listen to each of these channels, patterns aside.",
    complexity: "O(N), N being the number of channels asked for",
    args: &[string("channel").optional().multiple()],
    run: Run::Session(numsub),
    ..SUBCOMMAND
};

static SHARDNUMSUB: CommandSpec = CommandSpec {
    name: "SHARDNUMSUB",
    since: "7.0.0",
    summary: "Counts the clients that listen to each of these shard channels.",
    args: &[string("shardchannel").optional().multiple()],
    run: Run::Session(shardnumsub),
    ..NUMSUB
};

static NUMPAT: CommandSpec = CommandSpec {
    name: "NUMPAT",
    summary: "Counts the different patterns that somebody listens to.",
    arity: 2,
    reply: Shape::INTEGER,
    run: Run::Session(numpat),
    ..SUBCOMMAND
};

static HELP: CommandSpec = CommandSpec {
    name: "HELP",
    since: "6.2.0",
    summary: "Explains the subcommands.",
    arity: 2,
    flags: Flags::LOADING.or(Flags::STALE),
    run: Run::Session(help),
    ..SUBCOMMAND
};

fn channels(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    list(cx, args, Kind::Channel)
}

fn shardchannels(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    list(cx, args, Kind::Shard)
}

fn list(cx: &mut Ctx<'_>, args: &Args<'_>, kind: Kind) -> CommandResult {
    if args.len() > 3 {
        return Err(CommandError::subcommand_syntax(args.word(1), "pubsub"));
    }
    let deferred = cx.reply.deferred_array();
    let mut count = 0;
    cx.server.channels.each_name(kind, |name| {
        if args.get(2).is_none_or(|pattern| is_match(pattern, name)) {
            cx.reply.bulk(name);
            count += 1;
        }
    });
    cx.reply.set_array_len(deferred, count);
    Ok(())
}

fn numsub(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    count(cx, args, Kind::Channel);
    Ok(())
}

fn shardnumsub(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    count(cx, args, Kind::Shard);
    Ok(())
}

fn count(cx: &mut Ctx<'_>, args: &Args<'_>, kind: Kind) {
    cx.reply.array(2 * (args.len() - 2));
    for name in args.from(2) {
        cx.reply.bulk(name);
        cx.reply.int(cx.server.channels.subscribers(kind, name) as i64);
    }
}

fn numpat(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.int(cx.server.channels.len(Kind::Pattern) as i64);
    Ok(())
}

fn help(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.help(
        "pubsub",
        &[
            "CHANNELS [<pattern>]",
            "    The channels that somebody listens to, or those of them that match.",
            "NUMPAT",
            "    How many different patterns somebody listens to.",
            "NUMSUB [<channel> ...]",
            "    How many clients listen to each of these channels, not counting patterns.",
            "SHARDCHANNELS [<pattern>]",
            "    The shard channels that somebody listens to, or those of them that match.",
            "SHARDNUMSUB [<shardchannel> ...]",
            "    How many clients listen to each of these shard channels.",
        ],
    );
    Ok(())
}
