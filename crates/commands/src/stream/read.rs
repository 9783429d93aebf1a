//! Reading on from an id in several streams: XREAD, and XREADGROUP, where a group remembers what it read.
//!
//! Both may wait for entries. While a reader waits, `$` must go on to mean what it meant when it came, so it waits with
//! words that have the ids it stood for (see `dispatch::blocking`).

use super::consumers::{Names, consumer, log_pending, log_progress, now_ms};
use super::{id, reply_entries, reply_entry, reply_id};
use command::session::waiting::Block;
use command::spec::work::{LONG_ELEMENTS, Work};
use command::spec::{Begin, Find, Flags, Group, KeyFlags, KeySpec, Run, Shape, block, integer, key, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx, OwnedArgs};
use engine::{Event, Key, LockedKeys, Lookup, Slot, Wakes};
use resp::{Proto, ReplyWriter};
use smallvec::SmallVec;
use value::stream::{Reader, StreamId};
use value::{Object, Stream};

/// The keys are the first half of what follows STREAMS, which no group or consumer behind this word is mistaken for.
const fn streams(from: i32) -> KeySpec {
    KeySpec {
        flags: KeyFlags::RO.or(KeyFlags::ACCESS),
        begin: Begin::Keyword("STREAMS", from),
        find: Find::Range { last: -1, step: 1, limit: 2 },
        notes: "",
    }
}

const READ_KEYS: &[KeySpec] = &[streams(1)];
const READGROUP_KEYS: &[KeySpec] = &[streams(4)];

pub static XREAD: CommandSpec = CommandSpec {
    name: "XREAD",
    group: Group::Stream,
    since: "5.0.0",
    summary: "Gives the entries behind an id of one or more streams, or waits for some.",
    complexity: "",
    arity: -4,
    flags: Flags::READONLY.or(Flags::BLOCKING).or(Flags::MOVABLEKEYS),
    keys: READ_KEYS,
    args: &[
        integer("count").token("COUNT").optional(),
        integer("milliseconds").token("BLOCK").optional(),
        block("streams", &[key("key").multiple(), string("id").multiple()]).token("STREAMS"),
    ],
    reply: Shape::MAP.or(Shape::ARRAY).or(Shape::NULL),
    run: Run::Keyed(xread),
    work: Work::Told(to_read),
    ..CommandSpec::DEFAULT
};

pub static XREADGROUP: CommandSpec = CommandSpec {
    name: "XREADGROUP",
    group: Group::Stream,
    since: "5.0.0",
    summary: "Gives a consumer of a group new entries of streams, or waits for some; or its pending ones.",
    complexity: "O(M log N) for each stream, M being the number of entries given, N of those pending",
    arity: -7,
    flags: Flags::WRITE.or(Flags::BLOCKING).or(Flags::MOVABLEKEYS).or(Flags::TOUCHES_ARBITRARY_KEYS),
    keys: READGROUP_KEYS,
    find_keys: Some(|args| {
        let (first, count) = Query::parse(args, true).ok().map(|query| (query.first, query.count_of_streams))?;
        Some((first..first + count).map(|at| (at, KeyFlags::RO.or(KeyFlags::ACCESS))).collect())
    }),
    args: &[
        block("group-block", &[string("group"), string("consumer")]).token("GROUP"),
        integer("count").token("COUNT").optional(),
        integer("milliseconds").token("BLOCK").optional(),
        token("noack", "NOACK").optional(),
        block("streams", &[key("key").multiple(), string("id").multiple()]).token("STREAMS"),
    ],
    reply: Shape::MAP.or(Shape::ARRAY).or(Shape::NULL),
    run: Run::Keyed(xreadgroup),
    // A consumer may have the name that the key spec looks for.
    touches_arbitrary_keys: |args| {
        let first = (4..args.len()).find(|&at| args.is(at, "STREAMS"));
        Query::parse(args, true).is_ok_and(|query| Some(query.first - 1) != first)
    },
    work: Work::Told(to_read_for_group),
    ..CommandSpec::DEFAULT
};

/// What the words ask for, before any key was looked at.
struct Query<'a> {
    /// The most entries of each stream.
    most: usize,
    /// The word that says how long to wait.
    block: Option<usize>,
    group: Option<(&'a [u8], &'a [u8])>,
    no_ack: bool,
    /// The word that is the first stream, and how many streams there are; as many ids follow.
    first: usize,
    count_of_streams: usize,
}

impl<'a> Query<'a> {
    fn parse(args: &Args<'a>, for_group: bool) -> Result<Query<'a>, CommandError> {
        let mut query =
            Query { most: usize::MAX, block: None, group: None, no_ack: false, first: 0, count_of_streams: 0 };
        let mut at = 1;
        while at < args.len() && query.first == 0 {
            let behind = args.len() - at - 1;
            if args.is(at, "BLOCK") && behind > 0 {
                query.block = Some(at + 1);
                at += 2;
            } else if args.is(at, "COUNT") && behind > 0 {
                let count = usize::try_from(args.int(at + 1)?).unwrap_or(0);
                query.most = if count == 0 { usize::MAX } else { count };
                at += 2;
            } else if args.is(at, "STREAMS") && behind > 0 {
                query.first = at + 1;
                query.count_of_streams = behind / 2;
                if behind % 2 == 1 {
                    return Err(unbalanced(for_group));
                }
            } else if args.is(at, "GROUP") && behind > 1 {
                if !for_group {
                    return Err(CommandError::only_for_groups("GROUP"));
                }
                query.group = Some((args.word(at + 1), args.word(at + 2)));
                at += 3;
            } else if args.is(at, "NOACK") {
                if !for_group {
                    return Err(CommandError::only_for_groups("NOACK"));
                }
                query.no_ack = true;
                at += 1;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        if query.first == 0 {
            return Err(CommandError::SYNTAX);
        }
        if for_group && query.group.is_none() {
            return Err(CommandError::XREADGROUP_WITHOUT_GROUP);
        }
        Ok(query)
    }

    /// The place of a stream among the words that are ids.
    fn id_at(&self, number: usize) -> usize {
        self.first + self.count_of_streams + number
    }

    /// A stream's key: where the key spec found it, else all shards are held.
    fn key<'k>(&self, cx: &Ctx<'k>, keys: &LockedKeys<'_>, args: &Args<'k>, number: usize) -> Key<'k> {
        let word = args.word(self.first + number);
        match cx.keys.get(number) {
            Some(key) if cx.keys.len() == self.count_of_streams && std::ptr::eq(key.bytes, word) => *key,
            _ => keys.key(word),
        }
    }
}

fn unbalanced(for_group: bool) -> CommandError {
    if for_group {
        CommandError::unbalanced_streams("xreadgroup", "an ID or '>'")
    } else {
        CommandError::unbalanced_streams("xread", "an ID, '+', or '$'")
    }
}

/// Writes the streams of a reply, of which each comes to be known when it has something.
struct Found {
    header: Option<resp::Deferred>,
    count: usize,
}

impl Found {
    const fn new() -> Found {
        Found { header: None, count: 0 }
    }

    /// Begins the next stream, whose entries follow.
    fn begin(&mut self, reply: &mut ReplyWriter, key: &[u8]) {
        if self.header.is_none() {
            self.header = Some(reply.deferred_array());
        }
        if reply.proto == Proto::Resp2 {
            reply.array(2);
        }
        reply.bulk(key);
        self.count += 1;
    }

    /// Ends the reply; returns whether there was anything.
    fn end(self, reply: &mut ReplyWriter) -> bool {
        let Some(header) = self.header else { return false };
        match reply.proto {
            Proto::Resp2 => reply.set_array_len(header, self.count),
            Proto::Resp3 => reply.set_map_len(header, self.count),
        }
        true
    }
}

/// Whether an object is what readers wait for.
fn is_stream(object: &Object) -> bool {
    matches!(object, Object::Stream(_))
}

/// Makes the client wait, if it wants to and may; else there is nothing. `ids` stand in place of the words.
fn wait_or_nothing(
    cx: &mut Ctx<'_>,
    args: &Args<'_>,
    query: &Query<'_>,
    deadline: Option<Option<u64>>,
    wakes: Wakes,
    ids: &[StreamId],
) {
    let is_blocked = deadline.is_some_and(|deadline_us| {
        let words = query.words_to_wait_with(args, ids);
        cx.block_for(Block { wakes, words: Some(words), ..Block::until_filled(deadline_us, is_stream) })
    });
    if !is_blocked {
        cx.reply.null_array();
    }
}

impl Query<'_> {
    /// The same request in an order in which its keys are found whatever the names are, and with these ids for XREAD.
    fn words_to_wait_with(&self, args: &Args<'_>, ids: &[StreamId]) -> OwnedArgs {
        let mut words = OwnedArgs::default();
        words.push(args.word(0));
        if let Some((group, consumer)) = self.group {
            [&b"GROUP"[..], group, consumer].iter().for_each(|word| words.push(word));
        }
        if self.most != usize::MAX {
            words.push(b"COUNT");
            words.push(self.most.to_string().as_bytes());
        }
        if self.no_ack {
            words.push(b"NOACK");
        }
        if let Some(at) = self.block {
            words.push(b"BLOCK");
            words.push(args.word(at));
        }
        words.push(b"STREAMS");
        (0..self.count_of_streams).for_each(|number| words.push(args.word(self.first + number)));
        match self.group {
            Some(_) => (0..self.count_of_streams).for_each(|number| words.push(args.word(self.id_at(number)))),
            None => ids.iter().for_each(|id| words.push(id.to_string().as_bytes())),
        }
        words
    }
}

// XREAD.

/// Behind which id a stream is to be read, or what is wrong with the word that says so.
fn read_from(stream: Option<&Stream>, word: &[u8]) -> Result<StreamId, CommandError> {
    let last = stream.map_or(StreamId::MIN, Stream::last_id);
    match word {
        b"$" => Ok(last),
        // The last entry is what is behind the id before it.
        b"+" => Ok(stream.and_then(|stream| stream.entries().last()?.id.previous()).unwrap_or(last)),
        b">" => Err(CommandError::XREAD_NEW),
        word => id::exact(word, 0),
    }
}

/// The entries of a query, or of the part of it that is long, as work.
fn to_read(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let Ok(query) = Query::parse(args, false) else { return 0 };
    let count = |(number, key): (usize, &Key<'_>)| {
        let stream = keys.peek_large::<Stream>(key)?;
        let from = read_from(Some(stream), args.get(query.id_at(number))?).ok()?.next()?;
        let most = query.most.min(LONG_ELEMENTS);
        Some(stream.entries().count_about(from, StreamId::MAX, most).min(most))
    };
    located.iter().enumerate().filter_map(count).sum()
}

fn xread(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let query = Query::parse(args, false)?;
    let deadline = query.block.map(|at| cx.wait_deadline_ms(args, at)).transpose()?;
    let mut ids: SmallVec<[StreamId; 8]> = SmallVec::new();
    for number in 0..query.count_of_streams {
        let key = query.key(cx, keys, args, number);
        let stream = match keys.view_in(keys.db, &key, Lookup::SILENT) {
            None => None,
            Some(engine::View::Object(Object::Stream(stream))) => Some(&**stream),
            Some(_) => return Err(CommandError::WRONG_TYPE),
        };
        ids.push(read_from(stream, args.word(query.id_at(number)))?);
    }
    let mut found = Found::new();
    for (number, &id) in ids.iter().enumerate() {
        let key = query.key(cx, keys, args, number);
        let Some(stream) = keys.read_as::<Stream>(&key)? else { continue };
        let Some(from) = id.next() else { continue };
        if stream.entries().last().is_some_and(|last| last.id >= from) {
            found.begin(cx.reply, key.bytes);
            let is_last = args.word(query.id_at(number)) == b"+";
            let most = if is_last { 1 } else { query.most };
            reply_entries(cx.reply, stream.entries().range(from, StreamId::MAX).take(most));
        }
    }
    if !found.end(cx.reply) {
        wait_or_nothing(cx, args, &query, deadline, Wakes::FILLED.or(Wakes::CHANGED), &ids);
    }
    Ok(())
}

// XREADGROUP.

/// What is read of a stream for a consumer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What nobody was given yet.
    New,
    /// What is pending for the consumer, behind this id.
    Pending(StreamId),
}

impl Part {
    fn parse(word: &[u8]) -> Result<Part, CommandError> {
        match word {
            b">" => Ok(Part::New),
            b"$" => Err(CommandError::meaningless_to_group("$")),
            b"+" => Err(CommandError::meaningless_to_group("+")),
            // As in Redis, the highest id is another word for new entries.
            word => Ok(match id::exact(word, 0)? {
                StreamId::MAX => Part::New,
                id => Part::Pending(id),
            }),
        }
    }
}

fn to_read_for_group(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let Ok(query) = Query::parse(args, true) else { return 0 };
    let Some((name, consumer)) = query.group else { return 0 };
    let count = |(number, key): (usize, &Key<'_>)| {
        let stream = keys.peek_large::<Stream>(key)?;
        let group = stream.group(name)?;
        let most = query.most.min(LONG_ELEMENTS);
        Some(match Part::parse(args.get(query.id_at(number))?).ok()? {
            Part::New => {
                let from = group.last_delivered.next()?;
                stream.entries().count_about(from, StreamId::MAX, most).min(most)
            }
            Part::Pending(_) => group.consumer(group.find(consumer)?).pending_len().min(most),
        })
    };
    located.iter().enumerate().filter_map(count).sum()
}

fn xreadgroup(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let query = Query::parse(args, true)?;
    let deadline = query.block.map(|at| cx.wait_deadline_ms(args, at)).transpose()?;
    let Some((name, consumer)) = query.group else { return Err(CommandError::XREADGROUP_WITHOUT_GROUP) };
    keys.log_nothing();
    let mut parts: SmallVec<[Part; 8]> = SmallVec::new();
    for number in 0..query.count_of_streams {
        let key = query.key(cx, keys, args, number);
        let has_group = match keys.view_in(keys.db, &key, Lookup::SILENT) {
            None => false,
            Some(engine::View::Object(Object::Stream(stream))) => stream.group(name).is_some(),
            Some(_) => return Err(CommandError::WRONG_TYPE),
        };
        if !has_group {
            return Err(CommandError::no_group_to_read(key.bytes, name));
        }
        parts.push(Part::parse(args.word(query.id_at(number)))?);
    }
    let mut found = Found::new();
    for (number, &part) in parts.iter().enumerate() {
        let key = query.key(cx, keys, args, number);
        let names = Names { key: key.bytes, group: name };
        read_for_group(cx, keys, (&query, key, names, consumer), part, &mut found)?;
    }
    if !found.end(cx.reply) {
        let wakes = Wakes::FILLED.or(Wakes::CHANGED).or(Wakes::GONE);
        wait_or_nothing(cx, args, &query, deadline, wakes, &[]);
    }
    Ok(())
}

/// Reads one stream for a consumer.
fn read_for_group(
    cx: &mut Ctx<'_>,
    keys: &mut LockedKeys<'_>,
    (query, key, names, name): (&Query<'_>, Key<'_>, Names<'_>, &[u8]),
    part: Part,
    found: &mut Found,
) -> CommandResult {
    let now_ms = now_ms(cx);
    let Slot::Occupied(occupied) = keys.slot(&key) else {
        return Err(CommandError::no_group_to_read(names.key, names.group));
    };
    occupied.update::<Stream, _>(|stream, update| {
        let Some(Reader { entries, progress, group }) = stream.reader(names.group) else {
            return Err(CommandError::no_group_to_read(names.key, names.group));
        };
        let (consumer, is_new) = consumer(update, group, name, now_ms);
        if is_new && query.no_ack && update.is_logged() {
            // Nothing of what it is given will name it.
            update.log_as(&[b"XGROUP", b"CREATECONSUMER", names.key, names.group, name]);
        }
        match part {
            Part::New => {
                let Some(from) = group.last_delivered.next() else { return Ok(()) };
                if entries.last().is_none_or(|last| last.id < from) {
                    return Ok(());
                }
                found.begin(cx.reply, names.key);
                let header = cx.reply.deferred_array();
                let mut count = 0;
                for entry in entries.range(from, StreamId::MAX).take(query.most) {
                    reply_entry(cx.reply, &entry);
                    count += 1;
                    progress.deliver(group, entry.id);
                    if !query.no_ack {
                        group.give(entry.id, consumer, now_ms, 1);
                        group.consumer_mut(consumer).active_ms = Some(now_ms);
                        log_pending(update, names, group, entry.id);
                    }
                }
                cx.reply.set_array_len(header, count);
                log_progress(update, names, group);
                update.changed_unobserved(1, Event::NONE);
            }
            Part::Pending(id) => {
                found.begin(cx.reply, names.key);
                let from = id.next().unwrap_or(StreamId::MAX);
                let pending = group.pending_of(consumer, from, StreamId::MAX).take(query.most);
                let ids: Vec<StreamId> = pending.map(|(id, _)| id).collect();
                cx.reply.array(ids.len());
                for id in ids {
                    let Some(entry) = entries.get(id) else {
                        // It is still to be acknowledged.
                        cx.reply.array(2);
                        reply_id(cx.reply, id);
                        cx.reply.null_array();
                        continue;
                    };
                    reply_entry(cx.reply, &entry);
                    if let Some(nack) = group.nack_mut(id) {
                        nack.delivered_ms = now_ms;
                        nack.deliveries = nack.deliveries.wrapping_add(1);
                    }
                }
            }
        }
        Ok(())
    })?
}

#[cfg(test)]
mod tests;
