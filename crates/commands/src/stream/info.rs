//! XINFO: a stream, its groups, and their consumers.

use super::consumers::now_ms;
use super::{reply_entries, reply_entry, reply_id};
use crate::help;
use command::spec::work::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, block, integer, key, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Key, LockedKeys};
use resp::ReplyWriter;
use value::Stream;
use value::stream::{Entry, Group as StreamGroup, Progress, StreamId};

pub static XINFO: CommandSpec = CommandSpec {
    name: "XINFO",
    group: Group::Stream,
    since: "5.0.0",
    summary: "Commands that tell about streams.",
    complexity: "That of the subcommand.",
    arity: -2,
    acl_no_group: true,
    subcommands: &[&CONSUMERS, &GROUPS, &HELP, &STREAM],
    run: Run::Container,
    ..CommandSpec::DEFAULT
};

/// What the subcommands share.
const SUBCOMMAND: CommandSpec = CommandSpec {
    group: Group::Stream,
    since: "5.0.0",
    flags: Flags::READONLY,
    keys: &[KeySpec::at(2, KeyFlags::RO.or(KeyFlags::ACCESS))],
    ..CommandSpec::DEFAULT
};

static STREAM: CommandSpec = CommandSpec {
    name: "STREAM",
    summary: "Tells about a stream.",
    complexity: "O(N), N being the number of blocks; with FULL that of what is shown",
    arity: -3,
    args: &[
        key("key"),
        block("full-block", &[token("full", "FULL"), integer("count").token("COUNT").optional()]).optional(),
    ],
    history: &[
        ("6.0.0", "The option `FULL`."),
        (
            "7.0.0",
            "The fields `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag`.",
        ),
        ("7.2.0", "The field `active-time`; `seen-time` is that of the last attempt."),
    ],
    reply: Shape::MAP,
    run: Run::Keyed(stream),
    work: Work::Told(to_show),
    ..SUBCOMMAND
};

static GROUPS: CommandSpec = CommandSpec {
    name: "GROUPS",
    summary: "Tells about the groups of a stream.",
    complexity: "O(N), N being the number of groups",
    arity: 3,
    args: &[key("key")],
    history: &[("7.0.0", "The fields `entries-read` and `lag`.")],
    reply: Shape::ARRAY,
    run: Run::Keyed(groups),
    ..SUBCOMMAND
};

static CONSUMERS: CommandSpec = CommandSpec {
    name: "CONSUMERS",
    summary: "Tells about the consumers of a group.",
    complexity: "O(N), N being the number of consumers",
    arity: 4,
    args: &[key("key"), string("group")],
    history: &[("7.2.0", "The field `inactive`; `idle` is since the last attempt.")],
    tips: &["nondeterministic_output"],
    reply: Shape::ARRAY,
    run: Run::Keyed(consumers),
    ..SUBCOMMAND
};

static HELP: CommandSpec = CommandSpec { group: Group::Stream, ..help::HELP };

/// What FULL shows of each list unless COUNT says otherwise.
const SHOWN: usize = 10;

/// How much of a stream is to be shown; `None` without FULL.
fn full(args: &Args<'_>) -> Result<Option<usize>, CommandError> {
    let is_full = args.is(3, "FULL");
    match args.len() {
        3 => Ok(None),
        4 if is_full => Ok(Some(SHOWN)),
        6 if is_full && args.is(4, "COUNT") => Ok(Some(match args.int(5)? {
            0 => usize::MAX,
            count => usize::try_from(count).unwrap_or(SHOWN),
        })),
        _ => Err(CommandError::subcommand_syntax(args.word(1), "xinfo")),
    }
}

/// The entries and pending entries that FULL will show, as work.
fn to_show(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let Some(stream) = keys.peek_large::<Stream>(&located[0]) else { return 0 };
    let Ok(Some(most)) = full(args) else { return 0 };
    let groups = stream.groups().map(|(_, group)| {
        let consumers = group.consumers().map(|(_, consumer)| 1 + consumer.pending_len().min(most));
        1 + group.pending_len().min(most) + consumers.sum::<usize>()
    });
    stream.len().min(most) + groups.sum::<usize>()
}

/// Finds the stream, which must be there.
fn find<'k>(keys: &'k mut LockedKeys<'_>, key: &Key<'_>) -> Result<&'k Stream, CommandError> {
    keys.read_as::<Stream>(key)?.ok_or(CommandError::NO_SUCH_KEY)
}

fn id_field(reply: &mut ReplyWriter, name: &str, id: StreamId) {
    reply.bulk(name.as_bytes());
    reply_id(reply, id);
}

fn int_field(reply: &mut ReplyWriter, name: &str, number: usize) {
    reply.bulk(name.as_bytes());
    reply.int(number as i64);
}

/// A number that may not be known.
fn known_field(reply: &mut ReplyWriter, name: &str, number: Option<u64>) {
    reply.bulk(name.as_bytes());
    match number {
        Some(number) => reply.int(number as i64),
        None => reply.null(),
    }
}

fn entry_field(reply: &mut ReplyWriter, name: &str, entry: Option<Entry<'_>>) {
    reply.bulk(name.as_bytes());
    match entry {
        Some(entry) => reply_entry(reply, &entry),
        None => reply.null(),
    }
}

fn stream(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let stream = find(keys, &cx.key(0))?;
    let full = full(args)?;
    let reply = &mut *cx.reply;
    reply.map(if full.is_some() { 9 } else { 10 });
    let (blocks, nodes) = stream.radix_tree();
    int_field(reply, "length", stream.len());
    int_field(reply, "radix-tree-keys", blocks);
    int_field(reply, "radix-tree-nodes", nodes);
    id_field(reply, "last-generated-id", stream.last_id());
    id_field(reply, "max-deleted-entry-id", stream.max_deleted());
    int_field(reply, "entries-added", stream.added() as usize);
    id_field(reply, "recorded-first-entry-id", stream.first_id());
    let Some(most) = full else {
        int_field(reply, "groups", stream.groups().len());
        entry_field(reply, "first-entry", stream.entries().first());
        entry_field(reply, "last-entry", stream.entries().last());
        return Ok(());
    };
    reply.bulk(b"entries");
    reply_entries(reply, stream.entries().iter().take(most));
    reply.bulk(b"groups");
    reply.array(stream.groups().len());
    let progress = stream.progress();
    stream.groups().for_each(|(name, group)| full_group(reply, name, group, progress, most));
    Ok(())
}

/// A group as FULL shows it.
fn full_group(reply: &mut ReplyWriter, name: &[u8], group: &StreamGroup, progress: Progress, most: usize) {
    reply.map(7);
    reply.bulk(b"name");
    reply.bulk(name);
    id_field(reply, "last-delivered-id", group.last_delivered);
    known_field(reply, "entries-read", group.entries_read);
    known_field(reply, "lag", progress.lag(group));
    int_field(reply, "pel-count", group.pending_len());
    reply.bulk(b"pending");
    reply.array(group.pending_len().min(most));
    for (id, nack) in group.pending(StreamId::MIN, StreamId::MAX).take(most) {
        reply.array(4);
        reply_id(reply, id);
        reply.bulk(group.consumer(nack.consumer()).name());
        reply.int(nack.delivered_ms);
        reply.int(nack.deliveries as i64);
    }
    reply.bulk(b"consumers");
    reply.array(group.consumers().len());
    for (number, consumer) in group.consumers() {
        reply.map(5);
        reply.bulk(b"name");
        reply.bulk(consumer.name());
        reply.bulk(b"seen-time");
        reply.int(consumer.seen_ms);
        reply.bulk(b"active-time");
        reply.int(consumer.active_ms.unwrap_or(-1));
        int_field(reply, "pel-count", consumer.pending_len());
        reply.bulk(b"pending");
        reply.array(consumer.pending_len().min(most));
        for (id, nack) in group.pending_of(number, StreamId::MIN, StreamId::MAX).take(most) {
            reply.array(3);
            reply_id(reply, id);
            reply.int(nack.delivered_ms);
            reply.int(nack.deliveries as i64);
        }
    }
}

fn groups(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let stream = find(keys, &cx.key(0))?;
    let (reply, progress) = (&mut *cx.reply, stream.progress());
    reply.array(stream.groups().len());
    for (name, group) in stream.groups() {
        reply.map(6);
        reply.bulk(b"name");
        reply.bulk(name);
        int_field(reply, "consumers", group.consumers().len());
        int_field(reply, "pending", group.pending_len());
        id_field(reply, "last-delivered-id", group.last_delivered);
        known_field(reply, "entries-read", group.entries_read);
        known_field(reply, "lag", progress.lag(group));
    }
    Ok(())
}

fn consumers(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (key, now_ms) = (cx.key(0), now_ms(cx));
    let stream = find(keys, &key)?;
    let group = stream.group(args.word(3)).ok_or_else(|| CommandError::no_group(args.word(3), key.bytes))?;
    let reply = &mut *cx.reply;
    reply.array(group.consumers().len());
    for (_, consumer) in group.consumers() {
        reply.map(4);
        reply.bulk(b"name");
        reply.bulk(consumer.name());
        int_field(reply, "pending", consumer.pending_len());
        reply.bulk(b"idle");
        reply.int(now_ms.saturating_sub(consumer.seen_ms).max(0));
        reply.bulk(b"inactive");
        reply.int(consumer.active_ms.map_or(-1, |active_ms| now_ms.saturating_sub(active_ms).max(0)));
    }
    Ok(())
}
