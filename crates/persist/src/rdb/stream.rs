//! Streams as bytes: blocks as listpacks under their first ids, what the stream knows, and its groups.
//!
//! ```text
//! listpack:  live  deleted  count  name ...  0                               the names of the first entry
//!            flags  ms  seq  [count]  name value ... | value ...  length   each entry; id as distance to the first
//! ```
//!
//! Flags are 1 for a deleted entry and 2 for one with the names of the first, which has values only. `length` is the
//! number of elements of the entry without itself. All numbers are elements. `docs/rdb.md` has the rest.

#[cfg(test)]
mod tests;

use super::listpack::{Builder, Listpack};
use super::read::Reader;
use super::write::Writer;
use super::{BadFormat, kind};
use std::borrow::Cow;
use structures::packed::PackedElement;
use structures::stream::{Block, NewBlock};
use value::Stream;
use value::stream::{Entries, Group, StreamId};

const DELETED: i64 = 1;
const SAME_NAMES: i64 = 2;

/// What stands for a number of entries read that is not known.
const UNKNOWN: u64 = u64::MAX;
/// What stands for a time that never was.
const NEVER: i64 = -1;

/// What a pending entry of a group takes at least: an id, a time and a count.
const NACK_BYTES: usize = 16 + 8 + 1;

// Writing.

pub(super) fn put(writer: &mut Writer<'_>, stream: &Stream) {
    writer.byte(kind::STREAM_3);
    let blocks = stream.entries().blocks();
    writer.length(blocks.len() as u64);
    for (first, block) in blocks {
        writer.string(&first.to_bytes());
        writer.string(&listpack(first, block));
    }
    writer.length(stream.len() as u64);
    put_id(writer, stream.last_id());
    put_id(writer, stream.first_id());
    put_id(writer, stream.max_deleted());
    writer.length(stream.added());
    let groups = stream.groups();
    writer.length(groups.len() as u64);
    for (name, group) in groups {
        put_group(writer, name, group);
    }
}

fn put_id(writer: &mut Writer<'_>, id: StreamId) {
    writer.length(id.ms);
    writer.length(id.seq);
}

fn listpack(first: StreamId, block: &Block) -> Vec<u8> {
    let mut listpack = Builder::new();
    let number = |listpack: &mut Builder, number: u64| listpack.push(PackedElement::Int(number as i64));
    let names = block.names();
    [block.live(), block.deleted(), names.len()].iter().for_each(|&count| number(&mut listpack, count as u64));
    names.for_each(|name| listpack.push(name));
    number(&mut listpack, 0);
    for entry in block.entries(first) {
        let (same, count) = (entry.has_names_of_block(), entry.len() as u64);
        let flags = if entry.is_deleted() { DELETED } else { 0 } | if same { SAME_NAMES } else { 0 };
        number(&mut listpack, flags as u64);
        number(&mut listpack, entry.id.ms.wrapping_sub(first.ms));
        number(&mut listpack, entry.id.seq.wrapping_sub(first.seq));
        if !same {
            number(&mut listpack, count);
        }
        for (name, value) in entry.fields() {
            if !same {
                listpack.push(name);
            }
            listpack.push(value);
        }
        number(&mut listpack, if same { 3 + count } else { 4 + 2 * count });
    }
    debug_assert_eq!(listpack.byte_len(), block.listpack_bytes(), "a block counts the bytes of its listpack");
    listpack.finish()
}

fn put_group(writer: &mut Writer<'_>, name: &[u8], group: &Group) {
    writer.string(name);
    put_id(writer, group.last_delivered);
    writer.length(group.entries_read.unwrap_or(UNKNOWN));
    writer.length(group.pending_len() as u64);
    for (id, nack) in group.pending(StreamId::MIN, StreamId::MAX) {
        writer.bytes(&id.to_bytes());
        writer.bytes(&nack.delivered_ms.to_le_bytes());
        writer.length(nack.deliveries);
    }
    let consumers = group.consumers();
    writer.length(consumers.len() as u64);
    for (number, consumer) in consumers {
        writer.string(consumer.name());
        writer.bytes(&consumer.seen_ms.to_le_bytes());
        writer.bytes(&consumer.active_ms.unwrap_or(NEVER).to_le_bytes());
        writer.length(consumer.pending_len() as u64);
        for (id, _) in group.pending_of(number, StreamId::MIN, StreamId::MAX) {
            writer.bytes(&id.to_bytes());
        }
    }
}

// Reading.

/// What the kinds of streams have, each more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// Redis 5: what was deleted and read is not counted.
    One,
    /// Redis 7.0.
    Two,
    /// Redis 7.2: consumers have a time of their last success.
    Three,
}

pub(super) fn get(reader: &mut Reader<'_>, version: Version) -> Result<Stream, BadFormat> {
    let mut entries = Entries::new();
    for _ in 0..reader.count_or_none(2)? {
        let first = reader.string()?;
        let first = first[..].try_into().map_err(|_| BadFormat)?;
        let block = block(StreamId::from_bytes(first), &super::decode::packed(reader)?)?;
        entries.push_block(block).map_err(|_| BadFormat)?;
    }
    let len = reader.length()?;
    let last_id = get_id(reader)?;
    let (mut max_deleted, mut added) = (StreamId::MIN, len);
    if version >= Version::Two {
        // The first id is that of the first entry.
        get_id(reader)?;
        max_deleted = get_id(reader)?;
        added = reader.length()?;
    }
    if len != entries.len() as u64 {
        return Err(BadFormat);
    }
    let mut stream = Stream::of_entries(entries, last_id, max_deleted, added).ok_or(BadFormat)?;
    for _ in 0..reader.count_or_none(5)? {
        get_group(reader, version, &mut stream)?;
    }
    Ok(stream)
}

fn get_id(reader: &mut Reader<'_>) -> Result<StreamId, BadFormat> {
    Ok(StreamId { ms: reader.length()?, seq: reader.length()? })
}

/// The next element, which is a number.
fn number(elements: &mut Listpack<'_>) -> Result<i64, BadFormat> {
    match elements.next() {
        Some(PackedElement::Int(number)) => Ok(number),
        Some(PackedElement::Bytes(_)) | None => Err(BadFormat),
    }
}

/// A number of parts, each of which takes so many elements: there are as many.
fn count(elements: &mut Listpack<'_>, each: usize) -> Result<usize, BadFormat> {
    let count = usize::try_from(number(elements)?).map_err(|_| BadFormat)?;
    if count > elements.len() / each { Err(BadFormat) } else { Ok(count) }
}

fn block(first: StreamId, bytes: &[u8]) -> Result<NewBlock, BadFormat> {
    let elements = &mut Listpack::check(bytes)?;
    let counts = (count(elements, 1)?, count(elements, 1)?);
    let names = count(elements, 1)?;
    let mut block = NewBlock::new(first, names, elements.by_ref().take(names));
    if number(elements)? != 0 {
        return Err(BadFormat);
    }
    while elements.len() > 0 {
        let flags = number(elements)?;
        if flags & !(DELETED | SAME_NAMES) != 0 {
            return Err(BadFormat);
        }
        let (ms, seq) = (number(elements)? as u64, number(elements)? as u64);
        let id = StreamId { ms: first.ms.wrapping_add(ms), seq: first.seq.wrapping_add(seq) };
        let deleted = flags & DELETED != 0;
        let (pushed, len) = if flags & SAME_NAMES != 0 {
            if elements.len() <= names {
                return Err(BadFormat);
            }
            (block.push_same(id, deleted, elements.by_ref().take(names)), 3 + names)
        } else {
            let fields = count(elements, 2)?;
            let pairs = std::iter::from_fn(|| Some((elements.next()?, elements.next()?)));
            (block.push_own(id, deleted, fields, pairs.take(fields)), 4 + 2 * fields)
        };
        pushed.map_err(|_| BadFormat)?;
        if usize::try_from(number(elements)?) != Ok(len) {
            return Err(BadFormat);
        }
    }
    if block.counts() == counts { Ok(block) } else { Err(BadFormat) }
}

fn get_group(reader: &mut Reader<'_>, version: Version, stream: &mut Stream) -> Result<(), BadFormat> {
    let name = reader.string()?;
    let last_delivered = get_id(reader)?;
    let entries_read = match version {
        Version::One => stream.progress().read_at(last_delivered),
        Version::Two | Version::Three => Some(reader.length()?).filter(|&read| read != UNKNOWN),
    };
    let mut group = Group::new(last_delivered, entries_read);
    let mut nacks: Vec<(StreamId, i64, u64)> = Vec::new();
    for _ in 0..reader.count_or_none(NACK_BYTES)? {
        let nack = (StreamId::from_bytes(reader.array()?), reader.int64()?, reader.length()?);
        if nacks.last().is_some_and(|(last, ..)| *last >= nack.0) {
            return Err(BadFormat);
        }
        nacks.push(nack);
    }
    for _ in 0..reader.count_or_none(10)? {
        get_consumer(reader, version, &nacks, &mut group)?;
    }
    // Each of them is somebody's.
    let is_whole = group.pending_len() == nacks.len();
    if is_whole && stream.add_group(&name, group) { Ok(()) } else { Err(BadFormat) }
}

fn get_consumer(
    reader: &mut Reader<'_>,
    version: Version,
    nacks: &[(StreamId, i64, u64)],
    group: &mut Group,
) -> Result<(), BadFormat> {
    let name: Cow<'_, [u8]> = reader.string()?;
    let seen_ms = reader.int64()?;
    let active_ms = if version >= Version::Three { reader.int64()? } else { seen_ms };
    let (consumer, is_new) = group.find_or_add(&name, seen_ms);
    if !is_new {
        return Err(BadFormat);
    }
    group.consumer_mut(consumer).active_ms = Some(active_ms).filter(|&ms| ms != NEVER);
    for _ in 0..reader.count_or_none(16)? {
        let id = StreamId::from_bytes(reader.array()?);
        let at = nacks.binary_search_by_key(&id, |(id, ..)| *id).map_err(|_| BadFormat)?;
        if group.nack(id).is_some() {
            return Err(BadFormat);
        }
        let (_, delivered_ms, deliveries) = nacks[at];
        group.give(id, consumer, delivered_ms, deliveries);
    }
    Ok(())
}
