//! DEBUG DIGEST and DEBUG DIGEST-VALUE: 160 bits that are equal when the data is, on this server or on a peer.
//!
//! Two steps make a digest. To *toggle* a part is to XOR the part's SHA-1 over it, so parts may come in any order. To
//! *mix* a part in is to toggle it and to replace the digest by its own SHA-1, so what follows depends on what came
//! before.
//!
//! ```text
//! all data   for each database that is not empty: mix its number, toggle the digest of each key with its value
//! key        mix the key; then the value as below, in the same digest
//! value      mix the number of its type; then
//!              string, list      mix it, or each element
//!              set               toggle each member
//!              sorted set        toggle for each member the digest of: mix member, mix score
//!              hash              for each field toggle mix field, mix value, HAS_FIELD_DEADLINE if it has one
//!              stream            mix for each entry its ID ("<ms>.<number>"), and each field and value, no groups
//!            toggle HAS_DEADLINE if the key has one
//! ```
//!
//! Numbers have 32 bits, the highest first. What is past its deadline and still there is part of it, as in Redis.

use command::{Args, CommandResult, Ctx};
use engine::{EntryRef, LockedKeys};
use sha1::{Digest as _, Sha1};
use std::collections::BTreeMap;
use std::fmt::Write;
use value::Object;

const HAS_DEADLINE: &[u8] = b"!!expire!!";
const HAS_FIELD_DEADLINE: &[u8] = b"!!hexpire!!";

#[derive(Default)]
struct Digest([u8; 20]);

impl Digest {
    fn toggle(&mut self, part: &[u8]) {
        self.add(Sha1::digest(part).into());
    }

    fn mix(&mut self, part: &[u8]) {
        self.toggle(part);
        self.0 = Sha1::digest(self.0).into();
    }

    fn mix_number(&mut self, number: u32) {
        self.mix(&number.to_be_bytes());
    }

    fn add(&mut self, other: [u8; 20]) {
        self.0.iter_mut().zip(other).for_each(|(sum, byte)| *sum ^= byte);
    }

    fn hex(&self) -> String {
        self.0.iter().fold(String::with_capacity(40), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes everything");
            text
        })
    }
}

/// The number of a collection's type; that of a string is 0.
fn type_number(object: &Object) -> u32 {
    match object {
        Object::List(_) => 1,
        Object::Set(_) => 2,
        Object::SortedSet(_) => 3,
        Object::Hash(_) => 4,
        Object::Stream(_) => 6,
        Object::Detached(_) => unreachable!("a digest of all data waits until all values are back"),
    }
}

fn add_object(digest: &mut Digest, object: &Object) {
    digest.mix_number(type_number(object));
    let mut scratch = value::string::Scratch::default();
    match object {
        Object::List(list) => list.iter().for_each(|element| element.with_bytes(|bytes| digest.mix(bytes))),
        Object::Set(set) => set.iter().for_each(|member| member.with_bytes(|bytes| digest.toggle(bytes))),
        Object::Hash(hash) => hash.iter().for_each(|field| {
            let mut one = Digest::default();
            one.mix(field.name.bytes(&mut scratch));
            one.mix(field.value.bytes(&mut scratch));
            if field.deadline.is_some() {
                one.toggle(HAS_FIELD_DEADLINE);
            }
            digest.toggle(&one.0);
        }),
        Object::SortedSet(set) => {
            let mut text = Vec::new();
            set.iter().for_each(|(member, score)| {
                text.clear();
                base::num::write_f64_digits(&mut text, score);
                let mut one = Digest::default();
                member.with_bytes(|member| one.mix(member));
                one.mix(&text);
                digest.toggle(&one.0);
            });
        }
        Object::Stream(stream) => stream.entries().iter().for_each(|entry| {
            digest.mix(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
            for (name, value) in entry.fields() {
                name.with_bytes(|name| digest.mix(name));
                value.with_bytes(|value| digest.mix(value));
            }
        }),
        Object::Detached(_) => unreachable!("its type has no number"),
    }
}

fn add_value(digest: &mut Digest, entry: &EntryRef<'_, Object>) {
    let value = entry.value();
    match value::small::object(&value) {
        Some(object) => add_object(digest, &object),
        None => {
            digest.mix_number(0);
            let mut scratch = value::string::Scratch::default();
            let string = value::string::Str::of(value).expect("every other value is a string");
            digest.mix(string.bytes(&mut scratch));
        }
    }
    if entry.deadline().is_some() {
        digest.toggle(HAS_DEADLINE);
    }
}

pub fn digest(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let mut sums: BTreeMap<usize, Digest> = BTreeMap::new();
    keys.visit(|view| {
        for (number, db) in view.dbs() {
            for entry in db.table().iter() {
                let mut one = Digest::default();
                one.mix(entry.key());
                add_value(&mut one, &entry);
                sums.entry(number).or_default().toggle(&one.0);
            }
        }
    });
    let mut total = Digest::default();
    for (number, sum) in sums {
        total.mix_number(number as u32);
        total.add(sum.0);
    }
    cx.reply.simple(&total.hex());
    Ok(())
}

pub fn digest_value(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let db = keys.db;
    cx.reply.array(args.len() - 2);
    for key in args.from(2) {
        let key = keys.key(key);
        let mut digest = Digest::default();
        keys.visit_one(usize::from(key.shard), |view| {
            if let Some(entry) = view.db(db).table().get(key.hash, key.bytes) {
                add_value(&mut digest, &entry);
            }
        });
        cx.reply.simple(&digest.hex());
    }
    Ok(())
}
