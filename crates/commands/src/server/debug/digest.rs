//! DEBUG DIGEST and DEBUG DIGEST-VALUE: 160 bits that are equal when the data is.
//!
//! The digest of a value is the SHA-1 of its type, its content and its deadline. The digest of all data is the XOR, over
//! all keys, of the SHA-1 of database, key and value digest: it depends neither on the order of keys nor on how
//! values are encoded, so servers that hold the same data agree. It is our own: Redis prints other digits.

use command::{Args, CommandResult, Ctx};
use engine::{EntryRef, LockedKeys, Lookup};
use sha1::{Digest, Sha1};
use std::fmt::Write;
use value::stream::StreamId;
use value::{Object, Stream};

type Hash = [u8; 20];

/// A part, with its length before it, so that parts cannot run together.
fn add(hasher: &mut Sha1, part: &[u8]) {
    hasher.update((part.len() as u64).to_le_bytes());
    hasher.update(part);
}

/// Parts in no order: their digests, one XORed over the other.
fn add_unordered<T>(hasher: &mut Sha1, parts: impl Iterator<Item = T>, each: impl Fn(&mut Sha1, T)) {
    let mut sum = Hash::default();
    for part in parts {
        let mut one = Sha1::new();
        each(&mut one, part);
        let one: Hash = one.finalize().into();
        sum.iter_mut().zip(one).for_each(|(sum, byte)| *sum ^= byte);
    }
    hasher.update(sum);
}

fn add_field(hasher: &mut Sha1, field: value::hash::Field<'_>) {
    let mut scratch = value::string::Scratch::default();
    add(hasher, field.name.bytes(&mut scratch));
    add(hasher, field.value.bytes(&mut scratch));
    if let Some(deadline) = field.deadline {
        add(hasher, &deadline.to_le_bytes());
    }
}

fn add_id(hasher: &mut Sha1, id: StreamId) {
    hasher.update(id.to_bytes());
}

/// Adds entries and groups, and what the stream knows of entries that are gone. The times of consumers are left out: they
/// change whenever a consumer looks.
fn add_stream(hasher: &mut Sha1, stream: &Stream) {
    for entry in stream.entries().iter() {
        add_id(hasher, entry.id);
        for (name, value) in entry.fields() {
            name.with_bytes(|name| add(hasher, name));
            value.with_bytes(|value| add(hasher, value));
        }
    }
    [stream.last_id(), stream.max_deleted()].iter().for_each(|id| add_id(hasher, *id));
    hasher.update(stream.added().to_le_bytes());
    for (name, group) in stream.groups() {
        add(hasher, name);
        add_id(hasher, group.last_delivered);
        hasher.update(group.entries_read.unwrap_or(u64::MAX).to_le_bytes());
        group.consumers().for_each(|(_, consumer)| add(hasher, consumer.name()));
        for (id, nack) in group.pending(StreamId::MIN, StreamId::MAX) {
            add_id(hasher, id);
            add(hasher, group.consumer(nack.consumer()).name());
            hasher.update(nack.delivered_ms.to_le_bytes());
            hasher.update(nack.deliveries.to_le_bytes());
        }
    }
}

/// The content of a collection: in order for lists, sorted sets and streams, in any order for the others.
fn add_object(hasher: &mut Sha1, object: &Object, now_ms: u64) {
    match object {
        Object::List(list) => list.iter().for_each(|element| element.with_bytes(|bytes| add(hasher, bytes))),
        Object::Set(set) => add_unordered(hasher, set.iter(), |one, member| member.with_bytes(|bytes| add(one, bytes))),
        Object::Hash(hash) => add_unordered(hasher, hash.iter().filter(|field| !field.is_past(now_ms)), add_field),
        Object::SortedSet(set) => set.iter().for_each(|(member, score)| {
            member.with_bytes(|member| add(hasher, member));
            // Either zero is the same score, and which one is kept follows from the encoding.
            hasher.update((score + 0.0).to_le_bytes());
        }),
        Object::Stream(stream) => add_stream(hasher, stream),
        Object::Detached(_) => unreachable!("a digest of all data waits until all values are back"),
    }
}

fn value_digest(entry: &EntryRef<'_, Object>, now_ms: u64) -> Hash {
    let mut hasher = Sha1::new();
    let value = entry.value();
    add(&mut hasher, value::type_name(&value).as_bytes());
    match value::small::object(&value) {
        Some(object) => add_object(&mut hasher, &object, now_ms),
        None => {
            let mut scratch = value::string::Scratch::default();
            let string = value::string::Str::of(value).expect("every other value is a string");
            add(&mut hasher, string.bytes(&mut scratch));
        }
    }
    if let Some(deadline) = entry.deadline() {
        add(&mut hasher, &deadline.to_le_bytes());
    }
    hasher.finalize().into()
}

fn hex(hash: &Hash) -> String {
    hash.iter().fold(String::with_capacity(40), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

pub fn digest(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let databases = keys.keyspace().databases();
    let now_ms = keys.now_ms();
    let mut total = Hash::default();
    keys.visit(|view| {
        for db in 0..databases {
            let live = view.db(db).table().iter().filter(|entry| entry.deadline().is_none_or(|at| at > now_ms));
            for entry in live {
                let mut hasher = Sha1::new();
                hasher.update((db as u64).to_le_bytes());
                add(&mut hasher, entry.key());
                hasher.update(value_digest(&entry, now_ms));
                let hash: Hash = hasher.finalize().into();
                total.iter_mut().zip(hash).for_each(|(sum, byte)| *sum ^= byte);
            }
        }
    });
    cx.reply.simple(&hex(&total));
    Ok(())
}

pub fn digest_value(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.reply.array(args.len() - 2);
    let now_ms = keys.now_ms();
    for key in args.from(2) {
        let key = keys.key(key);
        let hash = keys.lookup(&key, Lookup::SILENT).map_or_else(Hash::default, |entry| value_digest(&entry, now_ms));
        cx.reply.simple(&hex(&hash));
    }
    Ok(())
}
