//! Bytes to one value, of whatever kind, checked as a whole.
//!
//! What is read gets the encoding that this server would keep it in: a packed form stays one as long as its number of
//! elements is within the limits (the lengths of its elements are not asked, as in Redis), and what was written one by
//! one is packed where it is small enough.

use super::listpack::Listpack;
use super::read::{Reader, score};
use super::stream::{self, Version};
use super::ziplist::{Ziplist, Zipmap};
use super::{BadFormat, Dialect, kind, node};
use std::borrow::Cow;
use structures::blocks::{BlockLimit, Blocks};
use structures::hash::Hasher;
use structures::intset::IntSet;
use structures::packed::{Packed, PackedElement};
use value::hash::Rules;
use value::list::End;
use value::{Hash, List, Object, Set, SortedSet, set, sorted_set};

/// The longest packed form that is taken.
const PACKED_MAX: usize = 1 << 30;
/// Deadlines of fields are below this, as HPEXPIRE has it.
const DEADLINE_END_MS: u64 = 1 << 46;
/// The most members that room is made for before they are read.
const EXPECTED_MAX: usize = 1 << 14;

/// What decides about encodings, and the most that a string may be.
#[derive(Clone, Copy, Debug)]
pub struct Loading {
    pub hash: Rules,
    pub list: BlockLimit,
    pub set: set::Limits,
    pub zset: sorted_set::Limits,
    pub hasher: Hasher,
    /// The longest string that compressed bytes may become.
    pub string_max: usize,
}

/// Whatever the options say, what is larger becomes a table when it is read: whether an element is new takes a walk
/// over those before it in a packed form, and room between them in a set of integers, so a large value would hold the
/// server up.
const UNSORTED_MAX: usize = 4096;
const SORTED_MAX: usize = 1 << 14;

impl Loading {
    fn bounded(&self) -> Loading {
        let mut bounded = *self;
        bounded.hash.entries_max = self.hash.entries_max.min(UNSORTED_MAX);
        bounded.set.listpack_entries = self.set.listpack_entries.min(UNSORTED_MAX);
        bounded.set.intset_entries = self.set.intset_entries.min(SORTED_MAX);
        bounded
    }
}

/// A value that was read.
#[derive(Debug)]
pub enum Decoded<'a> {
    Str(Cow<'a, [u8]>),
    /// Not empty, unless it may be.
    Object(Object),
}

/// Reads one value from the front of `bytes`, which may hold more; gives it and what it took.
pub fn decode<'a>(bytes: &'a [u8], dialect: Dialect, loading: &Loading) -> Result<(Decoded<'a>, usize), BadFormat> {
    let mut reader = Reader::new(bytes, loading.string_max);
    let decoded = match reader.byte()? {
        kind::STRING => Decoded::Str(reader.string()?),
        number => Decoded::Object(object(number, &mut reader, dialect, &loading.bounded())?),
    };
    if let Decoded::Object(object) = &decoded
        && object.is_empty()
        && !object.may_be_empty()
    {
        return Err(BadFormat);
    }
    Ok((decoded, bytes.len() - reader.left()))
}

fn object(number: u8, reader: &mut Reader<'_>, dialect: Dialect, loading: &Loading) -> Result<Object, BadFormat> {
    let early = dialect == Dialect::Redis;
    Ok(match number {
        kind::LIST => Object::List(plain_list(reader, loading)?),
        kind::LIST_ZIPLIST => Object::List(ziplist(reader, loading)?),
        kind::LIST_QUICKLIST => Object::List(nodes(reader, loading, false)?),
        kind::LIST_QUICKLIST_2 => Object::List(nodes(reader, loading, true)?),
        kind::SET => Object::Set(plain_set(reader, loading)?),
        kind::SET_INTSET => Object::Set(intset(reader, loading)?),
        kind::SET_LISTPACK => Object::Set(packed_set(reader, loading)?),
        kind::ZSET => Object::SortedSet(plain_zset(reader, loading, Reader::score_text)?),
        kind::ZSET_2 => Object::SortedSet(plain_zset(reader, loading, Reader::double)?),
        kind::ZSET_ZIPLIST => {
            let bytes = packed(reader)?;
            let elements = Ziplist::check(&bytes)?;
            Object::SortedSet(packed_zset(elements.len(), elements, loading)?)
        }
        kind::ZSET_LISTPACK => {
            let bytes = packed(reader)?;
            let elements = Listpack::check(&bytes)?;
            Object::SortedSet(packed_zset(elements.len(), elements, loading)?)
        }
        kind::STREAM => Object::Stream(Box::new(stream::get(reader, Version::One)?)),
        kind::STREAM_2 => Object::Stream(Box::new(stream::get(reader, Version::Two)?)),
        kind::STREAM_3 => Object::Stream(Box::new(stream::get(reader, Version::Three)?)),
        kind::HASH => Object::Hash(plain_hash(reader, loading)?),
        kind::HASH_ZIPMAP => Object::Hash(pairs(Zipmap::check(&packed(reader)?)?, &loading.hash)?),
        kind::HASH_ZIPLIST => Object::Hash(pairs(Ziplist::check(&packed(reader)?)?, &any_length(loading))?),
        kind::HASH_LISTPACK => Object::Hash(pairs(Listpack::check(&packed(reader)?)?, &any_length(loading))?),
        kind::HASH_METADATA => {
            let first = u64::try_from(reader.int64()?).map_err(|_| BadFormat)?;
            Object::Hash(timed_hash(reader, loading, Deadlines::From(first))?)
        }
        kind::HASH_METADATA_EARLY if early => Object::Hash(timed_hash(reader, loading, Deadlines::From(1))?),
        kind::HASH_METADATA_EARLY => Object::Hash(timed_hash(reader, loading, Deadlines::Behind)?),
        kind::HASH_LISTPACK_EX => {
            // The earliest deadline is known from the fields.
            reader.int64()?;
            Object::Hash(triples(&packed(reader)?, loading)?)
        }
        kind::HASH_LISTPACK_EX_EARLY if early => Object::Hash(triples(&packed(reader)?, loading)?),
        _ => return Err(BadFormat),
    })
}

/// A string that is a packed form.
pub(super) fn packed<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, [u8]>, BadFormat> {
    let bytes = reader.string()?;
    if bytes.len() <= PACKED_MAX { Ok(bytes) } else { Err(BadFormat) }
}

// Lists.

/// A list that is packed if that is allowed.
fn settled(mut list: List, loading: &Loading) -> List {
    list.make_room(0, 0, loading.list);
    list
}

fn plain_list(reader: &mut Reader<'_>, loading: &Loading) -> Result<List, BadFormat> {
    let mut list = List::new();
    for _ in 0..reader.count(1)? {
        let string = reader.string()?;
        list.make_room(1, string.len(), loading.list);
        list.push(End::Back, &string);
    }
    Ok(settled(list, loading))
}

/// A list that stays large however small it is, as those of several nodes do.
fn large(loading: &Loading) -> List {
    List::Blocks(Box::new(Blocks::new(loading.list)))
}

fn add_all<'a>(list: &mut List, elements: impl Iterator<Item = PackedElement<'a>>) {
    for element in elements {
        match list {
            List::Packed(packed) => packed.push_back(element),
            List::Blocks(blocks) => blocks.push(End::Back, element),
        }
    }
}

fn ziplist(reader: &mut Reader<'_>, loading: &Loading) -> Result<List, BadFormat> {
    let mut list = large(loading);
    add_all(&mut list, Ziplist::check(&packed(reader)?)?);
    Ok(list)
}

/// The first node may be all there is; any other makes the list a large one. Nodes may be empty, and count for nothing
/// then.
fn nodes(reader: &mut Reader<'_>, loading: &Loading, listpacks: bool) -> Result<List, BadFormat> {
    let mut list = List::new();
    for _ in 0..reader.count(1)? {
        let kind = if listpacks { reader.length()? } else { node::PACKED };
        match kind {
            node::PLAIN => {
                become_large(&mut list, loading);
                list.push(End::Back, &reader.string()?);
            }
            node::PACKED if listpacks => {
                let bytes = packed(reader)?;
                let elements = Listpack::check(&bytes)?;
                add_node(&mut list, elements.len(), elements, loading);
            }
            node::PACKED => {
                let bytes = packed(reader)?;
                let elements = Ziplist::check(&bytes)?;
                add_node(&mut list, elements.len(), elements, loading);
            }
            _ => return Err(BadFormat),
        }
    }
    Ok(settled(list, loading))
}

fn add_node<'a>(list: &mut List, len: usize, elements: impl Iterator<Item = PackedElement<'a>>, loading: &Loading) {
    if len > 0 && !list.is_empty() {
        become_large(list, loading);
    }
    add_all(list, elements);
}

fn become_large(list: &mut List, loading: &Loading) {
    if let List::Packed(packed) = list {
        *list = List::Blocks(Box::new(Blocks::from_packed(std::mem::take::<Packed>(packed), loading.list)));
    }
}

// Sets.

fn add(set: &mut Set, member: &[u8], limits: &set::Limits) -> Result<(), BadFormat> {
    if set.add(member, limits) { Ok(()) } else { Err(BadFormat) }
}

fn plain_set(reader: &mut Reader<'_>, loading: &Loading) -> Result<Set, BadFormat> {
    let limits = &loading.set;
    let count = reader.count(1)?;
    let mut set = Set::table(limits);
    for number in 0..count {
        let member = reader.string()?;
        if number == 0 && count <= limits.intset_entries {
            set = Set::for_first(&member, count.min(limits.listpack_entries.max(1)), limits);
        }
        add(&mut set, &member, limits)?;
    }
    Ok(set)
}

fn intset(reader: &mut Reader<'_>, loading: &Loading) -> Result<Set, BadFormat> {
    let limits = &loading.set;
    let ints = IntSet::from_bytes(packed(reader)?.into_owned()).map_err(|_| BadFormat)?;
    let mut set = Set::table(limits);
    if ints.len() <= limits.intset_entries {
        set = Set::for_first(b"0", ints.len(), limits);
    }
    for integer in ints.iter() {
        set.add_member(&PackedElement::Int(integer), limits);
    }
    Ok(set)
}

fn packed_set(reader: &mut Reader<'_>, loading: &Loading) -> Result<Set, BadFormat> {
    let limits = set::Limits { listpack_value: usize::MAX, ..loading.set };
    let bytes = packed(reader)?;
    let members = Listpack::check(&bytes)?;
    let mut set = Set::new();
    set.expect(members.len(), &limits);
    for member in members {
        member.with_bytes(|member| add(&mut set, member, &limits))?;
    }
    Ok(set)
}

// Sorted sets.

/// Adds a member that is not there yet, whose score is a number.
fn add_scored(builder: &mut sorted_set::Builder, member: &[u8], score: f64) -> Result<(), BadFormat> {
    let mut sound = !score.is_nan();
    if sound {
        builder.upsert(member, |old| {
            sound = old.is_none();
            score
        });
    }
    if sound { Ok(()) } else { Err(BadFormat) }
}

fn plain_zset<'a>(
    reader: &mut Reader<'a>,
    loading: &Loading,
    score: fn(&mut Reader<'a>) -> Result<f64, BadFormat>,
) -> Result<SortedSet, BadFormat> {
    let count = reader.count(2)?;
    let mut builder = sorted_set::Builder::new(loading.hasher, count.min(EXPECTED_MAX));
    for _ in 0..count {
        let member = reader.string()?;
        add_scored(&mut builder, &member, score(reader)?)?;
    }
    Ok(builder.finish(loading.zset))
}

fn packed_zset<'a>(
    count: usize,
    mut elements: impl Iterator<Item = PackedElement<'a>>,
    loading: &Loading,
) -> Result<SortedSet, BadFormat> {
    let mut builder = sorted_set::Builder::new(loading.hasher, (count / 2).min(EXPECTED_MAX));
    while let Some(member) = elements.next() {
        let score = elements.next().ok_or(BadFormat)?.with_bytes(score)?;
        member.with_bytes(|member| add_scored(&mut builder, member, score))?;
    }
    Ok(builder.finish(sorted_set::Limits { value: usize::MAX, ..loading.zset }))
}

// Hashes.

/// The rules for packed forms, whose fields may be of any length.
fn any_length(loading: &Loading) -> Rules {
    Rules { value_max: usize::MAX, ..loading.hash }
}

fn append(hash: &mut Hash, name: &[u8], value: &[u8], deadline: Option<u64>, rules: &Rules) -> Result<(), BadFormat> {
    if hash.append(name, value, deadline, rules) { Ok(()) } else { Err(BadFormat) }
}

fn pairs<'a>(mut elements: impl Iterator<Item = PackedElement<'a>>, rules: &Rules) -> Result<Hash, BadFormat> {
    let mut hash = Hash::new();
    while let Some(name) = elements.next() {
        let value = elements.next().ok_or(BadFormat)?;
        name.with_bytes(|name| value.with_bytes(|value| append(&mut hash, name, value, None, rules)))?;
    }
    Ok(hash)
}

fn plain_hash(reader: &mut Reader<'_>, loading: &Loading) -> Result<Hash, BadFormat> {
    let mut hash = Hash::new();
    let count = reader.count(2)?;
    hash.expect(count, 0, &loading.hash);
    for _ in 0..count {
        let (name, value) = (reader.string()?, reader.string()?);
        append(&mut hash, &name, &value, None, &loading.hash)?;
    }
    Ok(hash)
}

/// Where a field's deadline stands.
#[derive(Clone, Copy)]
enum Deadlines {
    /// Before the field, counted from the one that is 1; 0 is none.
    From(u64),
    /// Behind the value, in 8 bytes; -1 is none.
    Behind,
}

/// A deadline as it is kept: never 0, which is in the past like 1.
fn deadline(ms: u64) -> Result<Option<u64>, BadFormat> {
    if ms < DEADLINE_END_MS { Ok(Some(ms.max(1))) } else { Err(BadFormat) }
}

fn deadline_before(reader: &mut Reader<'_>, first: u64) -> Result<Option<u64>, BadFormat> {
    match reader.length()? {
        0 => Ok(None),
        distance => deadline(first.checked_add(distance - 1).ok_or(BadFormat)?),
    }
}

fn deadline_behind(reader: &mut Reader<'_>) -> Result<Option<u64>, BadFormat> {
    match reader.int64()? {
        -1 => Ok(None),
        ms => deadline(u64::try_from(ms).map_err(|_| BadFormat)?),
    }
}

fn timed_hash(reader: &mut Reader<'_>, loading: &Loading, deadlines: Deadlines) -> Result<Hash, BadFormat> {
    let rules = &loading.hash;
    let count = reader.count(3)?;
    let mut hash = Hash::new();
    hash.hold_deadlines();
    hash.expect(count, 0, rules);
    let mut last = None;
    for _ in 0..count {
        let mut at = None;
        if let Deadlines::From(first) = deadlines {
            at = deadline_before(reader, first)?;
        }
        let (name, value) = (reader.string()?, reader.string()?);
        if let Deadlines::Behind = deadlines {
            at = deadline_behind(reader)?;
        }
        // A small hash is kept in order: what comes in order is added behind, anything else finds its place.
        let key = at.unwrap_or(u64::MAX);
        if last.is_none_or(|last| last <= key) || hash.encoding_name() == "hashtable" {
            append(&mut hash, &name, &value, at, rules)?;
            last = Some(key);
        } else {
            append(&mut hash, &name, &value, None, rules)?;
            hash.set_deadline(&name, at, rules.now_ms);
        }
    }
    Ok(hash)
}

/// Fields, values and deadlines in turn, in the order of deadlines, those without one (0) last.
fn triples(bytes: &[u8], loading: &Loading) -> Result<Hash, BadFormat> {
    let rules = &any_length(loading);
    let mut elements = Listpack::check(bytes)?;
    let mut hash = Hash::new();
    hash.hold_deadlines();
    hash.expect(elements.len() / 3, 0, rules);
    let mut last = 0;
    while let Some(name) = elements.next() {
        let value = elements.next().ok_or(BadFormat)?;
        let at = match elements.next() {
            Some(PackedElement::Int(0)) => None,
            Some(PackedElement::Int(ms)) => deadline(u64::try_from(ms).map_err(|_| BadFormat)?)?,
            Some(PackedElement::Bytes(_)) | None => return Err(BadFormat),
        };
        let key = at.unwrap_or(u64::MAX);
        if key < last {
            return Err(BadFormat);
        }
        last = key;
        name.with_bytes(|name| value.with_bytes(|value| append(&mut hash, name, value, at, rules)))?;
    }
    Ok(hash)
}
