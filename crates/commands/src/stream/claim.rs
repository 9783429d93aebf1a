//! Taking entries over from a consumer that does not get on: XCLAIM and XAUTOCLAIM.
//!
//! An entry that is pending and not in the stream any more is not pending any more when either meets it.

use super::consumers::{Names, consumer, log_pending, log_progress, now_ms};
use super::{id, reply_entry, reply_id};
use command::spec::work::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, string, token, unix_time};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, Key, LockedKeys, Occupied, Slot, Update};
use resp::ReplyWriter;
use value::Stream;
use value::stream::{ConsumerId, Reader, StreamId};

pub static XCLAIM: CommandSpec = CommandSpec {
    name: "XCLAIM",
    group: Group::Stream,
    since: "5.0.0",
    summary: "Gives pending entries to another consumer of the group.",
    complexity: "O(log N) for each entry, N being the number of entries pending",
    arity: -6,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE))],
    args: &[
        key("key"),
        string("group"),
        string("consumer"),
        string("min-idle-time"),
        string("id").multiple(),
        integer("ms").token("IDLE").optional(),
        unix_time("unix-time-milliseconds").token("TIME").optional(),
        integer("count").token("RETRYCOUNT").optional(),
        token("force", "FORCE").optional(),
        token("justid", "JUSTID").optional(),
        string("lastid").token("LASTID").optional(),
    ],
    tips: &["nondeterministic_output"],
    reply: Shape::ARRAY,
    run: Run::Keyed(xclaim),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

pub static XAUTOCLAIM: CommandSpec = CommandSpec {
    name: "XAUTOCLAIM",
    group: Group::Stream,
    since: "6.2.0",
    summary: "Gives entries that are pending for long to another consumer of the group, from an id on.",
    complexity: "O(log N) for each entry, N being the number of entries pending, at most ten times COUNT of them",
    arity: -6,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    args: &[
        key("key"),
        string("group"),
        string("consumer"),
        string("min-idle-time"),
        string("start"),
        integer("count").token("COUNT").optional(),
        token("justid", "JUSTID").optional(),
    ],
    history: &[("7.0.0", "One more element of the reply: the ids that were not in the stream any more.")],
    tips: &["nondeterministic_output"],
    reply: Shape::ARRAY,
    run: Run::Keyed(xautoclaim),
    work: Work::Told(to_try),
    ..CommandSpec::DEFAULT
};

/// Entries that XAUTOCLAIM looks at for one that it is to take.
const ATTEMPTS: usize = 10;
/// The most that it may be asked for.
const COUNT_MAX: i64 = i64::MAX / 16;

/// The word at `at` as the time that an entry must have been pending.
fn min_idle_ms(args: &Args<'_>, at: usize, command: &str) -> Result<i64, CommandError> {
    let number = base::num::parse_i64(args.word(at));
    Ok(number.ok_or_else(|| CommandError::not_claim_number("min-idle-time", command))?.max(0))
}

/// How an entry that is taken over is marked.
#[derive(Clone, Copy)]
struct Mark {
    delivered_ms: i64,
    /// How often it was delivered; `None`: once more than before.
    deliveries: Option<u64>,
    /// Whether only ids are replied, and the delivery does not count.
    just_id: bool,
}

/// The options of XCLAIM, and its ids.
struct Claim {
    min_idle_ms: i64,
    ids: Vec<StreamId>,
    mark: Mark,
    /// Whether entries become pending that were not.
    force: bool,
    last_id: StreamId,
}

impl Claim {
    fn parse(args: &Args<'_>, now_ms: i64) -> Result<Claim, CommandError> {
        let min_idle_ms = min_idle_ms(args, 4, "XCLAIM")?;
        let ids: Vec<_> = args.from(5).map_while(|word| id::exact(word, 0).ok()).collect();
        let mark = Mark { delivered_ms: now_ms, deliveries: None, just_id: false };
        let mut claim = Claim { min_idle_ms, ids, mark, force: false, last_id: StreamId::MIN };
        let mut at = 5 + claim.ids.len();
        while at < args.len() {
            at += claim.option(args, at, now_ms)?;
        }
        Ok(claim)
    }

    /// Reads one option; returns how many words it has.
    fn option(&mut self, args: &Args<'_>, at: usize, now_ms: i64) -> Result<usize, CommandError> {
        let has_value = at + 1 < args.len();
        let number = |name: &str| {
            let number = base::num::parse_i64(args.word(at + 1));
            number.ok_or_else(|| CommandError::not_claim_number(&format!("{name} option"), "XCLAIM"))
        };
        // A time that makes no sense is now: clients count from their own clocks.
        let sane = |ms: i64| if (0..=now_ms).contains(&ms) { ms } else { now_ms };
        if args.is(at, "FORCE") {
            self.force = true;
            return Ok(1);
        } else if args.is(at, "JUSTID") {
            self.mark.just_id = true;
            return Ok(1);
        } else if has_value && args.is(at, "IDLE") {
            self.mark.delivered_ms = sane(now_ms.saturating_sub(number("IDLE")?));
        } else if has_value && args.is(at, "TIME") {
            self.mark.delivered_ms = sane(number("TIME")?);
        } else if has_value && args.is(at, "RETRYCOUNT") {
            self.mark.deliveries = u64::try_from(number("RETRYCOUNT")?).ok();
        } else if has_value && args.is(at, "LASTID") {
            self.last_id = id::exact(args.word(at + 1), 0)?;
        } else {
            return Err(CommandError::unknown_claim_option(args.word(at)));
        }
        Ok(2)
    }
}

/// One who takes entries over, and says so.
struct Claimer<'c, 'u> {
    reader: Reader<'c>,
    names: Names<'c>,
    consumer: ConsumerId,
    now_ms: i64,
    update: &'c mut Update<'u>,
    reply: &'c mut ReplyWriter,
    claimed: usize,
}

impl Claimer<'_, '_> {
    /// Makes an entry no longer pending that is not in the stream any more; returns whether it was so.
    fn drop_if_gone(&mut self, id: StreamId) -> bool {
        if self.reader.entries.get(id).is_some() {
            return false;
        }
        if self.reader.group.nack(id).is_some() {
            // Whoever applies this finds that it is gone, too.
            log_pending(self.update, self.names, self.reader.group, id);
            self.reader.group.acknowledge(id);
            self.update.changed_unobserved(1, Event::NONE);
        }
        true
    }

    /// Whether a pending entry was given to somebody that long ago.
    fn is_idle(&self, id: StreamId, min_idle_ms: i64) -> bool {
        let nack = self.reader.group.nack(id);
        min_idle_ms == 0 || nack.is_some_and(|nack| self.now_ms.saturating_sub(nack.delivered_ms) >= min_idle_ms)
    }

    /// Takes an entry over that is there.
    fn take(&mut self, id: StreamId, mark: Mark) {
        let group = &mut *self.reader.group;
        // One that was not pending was delivered once by becoming so.
        let before = group.nack(id).map_or(1, |nack| nack.deliveries);
        let deliveries = mark.deliveries.unwrap_or(before.wrapping_add(u64::from(!mark.just_id)));
        group.give(id, self.consumer, mark.delivered_ms, deliveries);
        group.consumer_mut(self.consumer).active_ms = Some(self.now_ms);
        match self.reader.entries.get(id).filter(|_| !mark.just_id) {
            Some(entry) => reply_entry(self.reply, &entry),
            None => reply_id(self.reply, id),
        }
        log_pending(self.update, self.names, self.reader.group, id);
        self.update.changed_unobserved(1, Event::NONE);
        self.claimed += 1;
    }
}

/// The stream, whose group it is that the others name.
fn occupied<'s>(keys: &'s mut LockedKeys<'_>, key: &Key<'s>, names: Names<'_>) -> Result<Occupied<'s>, CommandError> {
    let Slot::Occupied(mut occupied) = keys.slot(key) else { return Err(names.missing()) };
    let has_group = occupied.get::<Stream>()?.group(names.group).is_some();
    if has_group { Ok(occupied) } else { Err(names.missing()) }
}

/// Runs `claim` for the consumer that the words name, who is made if need be.
fn with_claimer(
    cx: &mut Ctx<'_>,
    occupied: Occupied<'_>,
    names: Names<'_>,
    name: &[u8],
    claim: impl FnOnce(&mut Claimer<'_, '_>),
) -> CommandResult {
    let now_ms = now_ms(cx);
    occupied.update::<Stream, _>(|stream, update| {
        let reader = stream.reader(names.group).ok_or_else(|| names.missing())?;
        let (consumer, _) = consumer(update, reader.group, name, now_ms);
        claim(&mut Claimer { reader, names, consumer, now_ms, update, reply: cx.reply, claimed: 0 });
        Ok(())
    })?
}

fn xclaim(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let key = cx.key(0);
    let names = Names { key: key.bytes, group: args.word(2) };
    keys.log_nothing();
    let occupied = occupied(keys, &key, names)?;
    let claim = Claim::parse(args, now_ms(cx))?;
    with_claimer(cx, occupied, names, args.word(3), |claimer| {
        let mut is_ahead = claim.last_id > claimer.reader.group.last_delivered;
        if is_ahead {
            claimer.reader.group.last_delivered = claim.last_id;
        }
        let header = claimer.reply.deferred_array();
        for &id in &claim.ids {
            let is_pending = claimer.reader.group.nack(id).is_some();
            if claimer.drop_if_gone(id) {
                is_ahead &= !is_pending;
            } else if is_pending && claimer.is_idle(id, claim.min_idle_ms) || !is_pending && claim.force {
                claimer.take(id, claim.mark);
                is_ahead = false;
            }
        }
        claimer.reply.set_array_len(header, claimer.claimed);
        // Else the log of an entry says it.
        if is_ahead {
            log_progress(claimer.update, names, claimer.reader.group);
            claimer.update.changed_unobserved(1, Event::NONE);
        }
    })
}

/// What XAUTOCLAIM is to take.
struct Search {
    min_idle_ms: i64,
    start: StreamId,
    count: usize,
    just_id: bool,
}

impl Search {
    fn parse(args: &Args<'_>) -> Result<Search, CommandError> {
        let min_idle_ms = min_idle_ms(args, 4, "XAUTOCLAIM")?;
        let mut search = Search { min_idle_ms, start: id::start(args.word(5))?, count: 100, just_id: false };
        let mut at = 6;
        while at < args.len() {
            if args.is(at, "COUNT") && at + 1 < args.len() {
                let count = base::num::parse_i64(args.word(at + 1)).filter(|count| (1..=COUNT_MAX).contains(count));
                search.count = count.ok_or(CommandError::XAUTOCLAIM_COUNT)? as usize;
                at += 2;
            } else if args.is(at, "JUSTID") {
                search.just_id = true;
                at += 1;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(search)
    }
}

/// The pending entries that XAUTOCLAIM may look at, as work.
fn to_try(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let stream = keys.peek_large::<Stream>(&located[0]);
    let Some(group) = stream.and_then(|stream| stream.group(args.word(2))) else { return 0 };
    Search::parse(args).map_or(0, |search| group.pending_len().min(search.count.saturating_mul(ATTEMPTS)))
}

fn xautoclaim(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let search = Search::parse(args)?;
    let key = cx.key(0);
    let names = Names { key: key.bytes, group: args.word(2) };
    keys.log_nothing();
    let occupied = occupied(keys, &key, names)?;
    with_claimer(cx, occupied, names, args.word(3), |claimer| {
        let mark = Mark { delivered_ms: claimer.now_ms, deliveries: None, just_id: search.just_id };
        let (mut from, mut gone) = (Some(search.start), Vec::new());
        let (mut attempts, mut count) = (search.count * ATTEMPTS, search.count);
        let next = |claimer: &Claimer<'_, '_>, from: Option<StreamId>| {
            claimer.reader.group.pending(from?, StreamId::MAX).next().map(|(id, _)| id)
        };
        // Its first element is where to go on, which is known in the end.
        let mut taken = ReplyWriter::new(claimer.reply.proto);
        std::mem::swap(claimer.reply, &mut taken);
        while attempts > 0
            && count > 0
            && let Some(id) = next(claimer, from)
        {
            attempts -= 1;
            from = id.next();
            if claimer.drop_if_gone(id) {
                gone.push(id);
                count -= 1;
            } else if claimer.is_idle(id, search.min_idle_ms) {
                claimer.take(id, mark);
                count -= 1;
            }
        }
        std::mem::swap(claimer.reply, &mut taken);
        let cursor = next(claimer, from).unwrap_or(StreamId::MIN);
        claimer.reply.array(3);
        reply_id(claimer.reply, cursor);
        claimer.reply.array(claimer.claimed);
        claimer.reply.out.append(&mut taken.out);
        claimer.reply.array(gone.len());
        gone.into_iter().for_each(|id| reply_id(claimer.reply, id));
    })
}
