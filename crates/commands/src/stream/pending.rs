//! XPENDING: what was given to the consumers of a group, and is not acknowledged.

use super::consumers::{Names, now_ms};
use super::{id, reply_id};
use command::spec::work::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, block, integer, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Key, LockedKeys};
use value::Stream;
use value::stream::{Group as StreamGroup, Nack, StreamId};

pub static XPENDING: CommandSpec = CommandSpec {
    name: "XPENDING",
    group: Group::Stream,
    since: "5.0.0",
    summary: "Tells which entries are pending in a group, and for whom.",
    complexity: "O(N), N being the number of consumers for the summary, else that of the entries looked at",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[
        key("key"),
        string("group"),
        block(
            "filters",
            &[
                integer("min-idle-time").token("IDLE").optional().since("6.2.0"),
                string("start"),
                string("end"),
                integer("count"),
                string("consumer").optional(),
            ],
        )
        .optional(),
    ],
    history: &[("6.2.0", "The option `IDLE`, and ends that are not included.")],
    tips: &["nondeterministic_output"],
    reply: Shape::ARRAY,
    run: Run::Keyed(xpending),
    work: Work::Told(to_look_at),
    ..CommandSpec::DEFAULT
};

/// Which entries are shown one by one.
struct Filter<'a> {
    from: StreamId,
    to: StreamId,
    count: usize,
    min_idle_ms: i64,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// The filter, if there is one.
    fn parse(args: &Args<'a>) -> Result<Option<Filter<'a>>, CommandError> {
        let words = args.len();
        if words == 3 {
            return Ok(None);
        }
        if !(6..=9).contains(&words) {
            return Err(CommandError::SYNTAX);
        }
        let (mut at, mut min_idle_ms) = (3, 0);
        if args.is(3, "IDLE") {
            min_idle_ms = args.int(4)?;
            if words < 8 {
                return Err(CommandError::SYNTAX);
            }
            at = 5;
        }
        let count = usize::try_from(args.int(at + 2)?).unwrap_or(0);
        let (from, to) = (id::start(args.word(at))?, id::end(args.word(at + 1))?);
        Ok(Some(Filter { from, to, count, min_idle_ms, consumer: args.get(at + 3) }))
    }
}

/// The pending entries that will be looked at, as work.
fn to_look_at(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let stream = keys.peek_large::<Stream>(&located[0]);
    let Some(group) = stream.and_then(|stream| stream.group(args.word(2))) else { return 0 };
    match Filter::parse(args) {
        Ok(None) => group.consumers().len(),
        Ok(Some(filter)) if filter.min_idle_ms > 0 => group.pending_len(),
        Ok(Some(filter)) => group.pending_len().min(filter.count),
        Err(_) => 0,
    }
}

fn xpending(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let filter = Filter::parse(args)?;
    let (key, now_ms) = (cx.key(0), now_ms(cx));
    let names = Names { key: key.bytes, group: args.word(2) };
    let stream = keys.read_as::<Stream>(&key)?;
    let group = stream.and_then(|stream| stream.group(names.group)).ok_or_else(|| names.missing())?;
    match filter {
        None => summary(cx, group),
        Some(filter) => each(cx, group, &filter, now_ms),
    }
    Ok(())
}

fn summary(cx: &mut Ctx<'_>, group: &StreamGroup) {
    let reply = &mut *cx.reply;
    reply.array(4);
    reply.int(group.pending_len() as i64);
    let mut ids = group.pending(StreamId::MIN, StreamId::MAX).map(|(id, _)| id);
    let Some(first) = ids.next() else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    reply_id(reply, first);
    reply_id(reply, ids.next_back().unwrap_or(first));
    let header = reply.deferred_array();
    let mut count = 0;
    for (_, consumer) in group.consumers().filter(|(_, consumer)| consumer.pending_len() > 0) {
        reply.array(2);
        reply.bulk(consumer.name());
        reply.bulk_int(consumer.pending_len() as i64);
        count += 1;
    }
    reply.set_array_len(header, count);
}

fn each(cx: &mut Ctx<'_>, group: &StreamGroup, filter: &Filter<'_>, now_ms: i64) {
    let idle = |nack: &Nack| now_ms.saturating_sub(nack.delivered_ms).max(0);
    let reply = &mut *cx.reply;
    let header = reply.deferred_array();
    let mut count = 0;
    let mut show = |(id, nack): (StreamId, &Nack)| {
        reply.array(4);
        reply_id(reply, id);
        reply.bulk(group.consumer(nack.consumer()).name());
        reply.int(idle(nack));
        reply.int(nack.deliveries as i64);
        count += 1;
    };
    let is_idle = |(_, nack): &(StreamId, &Nack)| filter.min_idle_ms <= 0 || idle(nack) >= filter.min_idle_ms;
    match filter.consumer {
        None => group.pending(filter.from, filter.to).filter(is_idle).take(filter.count).for_each(&mut show),
        Some(name) => {
            let consumer = group.find(name);
            let pending = consumer.map(|consumer| group.pending_of(consumer, filter.from, filter.to));
            pending.into_iter().flatten().filter(is_idle).take(filter.count).for_each(&mut show);
        }
    }
    cx.reply.set_array_len(header, count);
}
