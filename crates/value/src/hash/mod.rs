//! The hash: fields with values, each with a deadline of its own if need be.
//!
//! ```text
//! listpack      field value field value ...                    while it is small
//! listpackex    field value deadline  field value deadline ... small, and some field ever had a deadline
//! hashtable     a Dict: one entry for field, value, deadline   from Redis' thresholds on
//! ```
//!
//! A hash never goes back to a smaller form, as in Redis.
//!
//! **Deadlines are only kept here.** A field past its deadline stays until somebody removes it; who reads compares. So
//! `len` counts such fields, as HLEN does. `next_deadline` tells when `expire` will have something to do.
//!
//! Values are kept as they were given: HGET copies them to the socket as they are, and a short number takes less room
//! as its digits than as an integer of 8 bytes. (The packed forms keep integers as such and print them again.)

#[cfg(test)]
mod tests;
mod timed;

use crate::probe::{Probe, hashes_of};
use crate::string::{Scratch, Str};
use structures::dict::{Dict, Entry, EntryRef, NewValue, ValueRef};
use structures::hash::Hasher;
use structures::packed::{Packed, PackedElement};
use timed::Timed;

/// The large form. It holds no boxed values.
type Table = Dict<()>;

/// What a table's wheel rounds deadlines to: a table says that it is due when a tick of this length is over.
const TICK_MS: u64 = 16;

/// When a hash becomes a table, and what a table needs.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Most fields of the packed forms.
    pub entries_max: usize,
    /// Longest field and value of the packed forms.
    pub value_max: usize,
    pub hasher: Hasher,
    pub now_ms: u64,
}

/// What becomes of the deadline of a field whose value is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    Clear,
    Keep,
}

/// A field that is there, whatever its deadline.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    pub name: Str<'a>,
    pub value: Str<'a>,
    /// Unix milliseconds.
    pub deadline: Option<u64>,
}

impl Field<'_> {
    /// Whether its time is over.
    #[inline]
    pub fn is_past(&self, now_ms: u64) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now_ms)
    }
}

#[derive(Clone, Debug)]
enum Form {
    Packed(Packed),
    Timed(Timed),
    Table(Box<Fields>),
}

/// The hash.
#[derive(Clone, Debug)]
pub struct Hash {
    form: Form,
}

/// The table, with what the standard traits need.
struct Fields(Table);

impl Clone for Fields {
    fn clone(&self) -> Fields {
        let mut copy = self.0.fresh();
        for entry in self.0.iter() {
            copy.set(copy.hasher().hash(entry.key()), entry.key(), new_value(&entry), entry.deadline());
        }
        Fields(copy)
    }
}

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.0.iter().map(|entry| (entry.key(), entry.value()))).finish()
    }
}

fn new_value<'a>(entry: &EntryRef<'a, ()>) -> NewValue<'a, ()> {
    match entry.value() {
        ValueRef::Bytes(bytes) => NewValue::Bytes(bytes),
        ValueRef::Blob(blob) => NewValue::Blob(blob.clone()),
        ValueRef::Unit | ValueRef::Int(_) | ValueRef::Tagged(_) | ValueRef::Boxed(()) => {
            unreachable!("a field's value is bytes")
        }
    }
}

#[inline]
fn text(element: PackedElement<'_>) -> Str<'_> {
    match element {
        PackedElement::Int(integer) => Str::Int(integer),
        PackedElement::Bytes(bytes) => Str::Bytes(bytes),
    }
}

#[inline]
fn field_of<'a>(entry: &EntryRef<'a, ()>) -> Field<'a> {
    let value = match entry.value() {
        ValueRef::Bytes(bytes) => Str::Bytes(bytes),
        ValueRef::Blob(blob) => Str::Blob(blob),
        ValueRef::Unit | ValueRef::Int(_) | ValueRef::Tagged(_) | ValueRef::Boxed(()) => {
            unreachable!("a field's value is bytes")
        }
    };
    Field { name: Str::Bytes(entry.key()), value, deadline: entry.deadline() }
}

impl Default for Hash {
    fn default() -> Hash {
        Hash::new()
    }
}

impl Hash {
    /// An empty hash, which must not stay in the keyspace.
    pub const fn new() -> Hash {
        Hash { form: Form::Packed(Packed::new()) }
    }

    /// A small hash of fields and values in turn, which another hash had.
    pub(crate) fn of_packed(packed: Packed) -> Hash {
        Hash { form: Form::Packed(packed) }
    }

    /// The fields and values of a small hash whose fields cannot have deadlines.
    #[inline]
    pub(crate) fn untimed(&self) -> Option<&Packed> {
        match &self.form {
            Form::Packed(packed) => Some(packed),
            Form::Timed(_) | Form::Table(_) => None,
        }
    }

    pub(crate) fn into_buffer(self) -> Vec<u8> {
        match self.form {
            Form::Packed(packed) => packed.into_buffer(),
            Form::Timed(_) | Form::Table(_) => Vec::new(),
        }
    }

    /// See [`crate::Object::prefetch`].
    pub(crate) fn prefetch(&self, probes: &[Probe<'_>]) {
        if let Form::Table(table) = &self.form {
            let (hashes, count) = hashes_of(probes, table.0.hasher());
            table.0.prefetch_all(&hashes[..count], 64);
        }
    }

    /// What OBJECT ENCODING answers.
    pub fn encoding_name(&self) -> &'static str {
        match &self.form {
            Form::Packed(_) => "listpack",
            Form::Timed(_) => "listpackex",
            Form::Table(_) => "hashtable",
        }
    }

    /// Number of fields, those past their deadline included.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => packed.len() / 2,
            Form::Timed(timed) => timed.len(),
            Form::Table(table) => table.0.len(),
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held besides the object itself.
    pub fn memory(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => packed.memory(),
            Form::Timed(timed) => timed.memory(),
            Form::Table(table) => size_of::<Fields>() + table.0.memory(),
        }
    }

    /// The bytes of a packed form, for those who show it; `None` for a table.
    pub fn packed(&self) -> Option<&Packed> {
        match &self.form {
            Form::Packed(packed) => Some(packed),
            Form::Timed(timed) => Some(timed.packed()),
            Form::Table(_) => None,
        }
    }

    /// Figures about the table, if it is one.
    pub fn table_stats(&self) -> Option<structures::dict::Stats> {
        match &self.form {
            Form::Table(table) => Some(table.0.stats()),
            Form::Packed(_) | Form::Timed(_) => None,
        }
    }

    /// The field of this name, whatever its deadline.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<Field<'_>> {
        match &self.form {
            Form::Packed(packed) => {
                let (field, value) = packed.find_field(name)?;
                let (field, value) = (packed.at(field)?, packed.at(value)?);
                Some(Field { name: text(field), value: text(value), deadline: None })
            }
            Form::Timed(timed) => timed.get(name),
            Form::Table(table) => {
                let entry = table.0.get(table.0.hasher().hash(name), name)?;
                Some(field_of(&entry))
            }
        }
    }

    /// Sets a field's value; returns whether the field is new.
    #[inline]
    pub fn set(&mut self, name: &[u8], value: &[u8], ttl: Ttl, rules: &Rules) -> bool {
        if name.len().max(value.len()) > rules.value_max {
            self.become_table(rules);
        }
        let added = match &mut self.form {
            Form::Packed(packed) => match packed.find_field(name) {
                Some((_, at)) => {
                    packed.replace(at, PackedElement::of(value));
                    false
                }
                None => {
                    packed.push_back(PackedElement::of(name));
                    packed.push_back(PackedElement::of(value));
                    true
                }
            },
            Form::Timed(timed) => timed.set(name, value, ttl),
            Form::Table(table) => return set_in_table(&mut table.0, name, value, ttl),
        };
        if added && self.len() > rules.entries_max {
            self.become_table(rules);
        }
        added
    }

    /// Adds a field with its deadline, for hashes that are built as a whole; returns whether it is new, else it stays
    /// as it is. As long as the hash is small, fields with deadlines come before those without, earliest first.
    pub fn append(&mut self, name: &[u8], value: &[u8], deadline: Option<u64>, rules: &Rules) -> bool {
        if self.len() >= rules.entries_max || name.len().max(value.len()) > rules.value_max {
            self.become_table(rules);
        } else if deadline.is_some() {
            self.hold_deadlines();
        }
        match &mut self.form {
            Form::Packed(packed) => {
                let new = packed.find_field(name).is_none();
                if new {
                    packed.push_back(PackedElement::of(name));
                    packed.push_back(PackedElement::of(value));
                }
                new
            }
            Form::Timed(timed) => timed.append(name, value, deadline),
            Form::Table(table) => {
                if table.0.with_deadline() == 0 {
                    tell_time(&mut table.0, rules.now_ms);
                }
                match table.0.entry(rules.hasher.hash(name), name) {
                    Entry::Occupied(_) => false,
                    Entry::Vacant(place) => {
                        place.insert(NewValue::Bytes(value), deadline);
                        true
                    }
                }
            }
        }
    }

    /// Makes a small hash ready for so many more fields, of which the longest name or value has this length: as Redis,
    /// it becomes a table at once when they are many or long, even if they turn out not to be new.
    pub fn expect(&mut self, fields: usize, longest: usize, rules: &Rules) {
        if fields > rules.entries_max || longest > rules.value_max {
            self.become_table(rules);
        }
    }

    /// Removes a field; returns whether it was there.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        match &mut self.form {
            Form::Packed(packed) => match packed.find_field(name) {
                Some((at, _)) => {
                    packed.remove(at, 2);
                    true
                }
                None => false,
            },
            Form::Timed(timed) => timed.remove(name),
            Form::Table(table) => {
                let hash = table.0.hasher().hash(name);
                table.0.remove(hash, name).is_some()
            }
        }
    }

    /// Makes a small hash one whose fields can have deadlines, which OBJECT ENCODING shows. Redis does so as soon as a
    /// command could set one.
    pub fn hold_deadlines(&mut self) {
        if let Form::Packed(packed) = &self.form {
            self.form = Form::Timed(Timed::from_pairs(packed));
        }
    }

    /// Sets, moves or takes away a field's deadline; returns whether the field is there.
    pub fn set_deadline(&mut self, name: &[u8], deadline: Option<u64>, now_ms: u64) -> bool {
        if deadline.is_some() {
            self.hold_deadlines();
        }
        match &mut self.form {
            Form::Packed(packed) => packed.find_field(name).is_some(),
            Form::Timed(timed) => timed.set_deadline(name, deadline),
            Form::Table(table) => {
                let table = &mut table.0;
                if table.with_deadline() == 0 {
                    tell_time(table, now_ms);
                }
                let hash = table.hasher().hash(name);
                let Some(mut entry) = table.get_mut(hash, name) else { return false };
                entry.set_deadline(deadline);
                true
            }
        }
    }

    /// Number of fields with a deadline.
    pub fn with_deadline(&self) -> usize {
        match &self.form {
            Form::Packed(_) => 0,
            Form::Timed(timed) => timed.with_deadline(),
            Form::Table(table) => table.0.with_deadline(),
        }
    }

    /// When `expire` may have something to do; not after the earliest deadline, and rarely before it.
    #[inline]
    pub fn next_deadline(&self) -> Option<u64> {
        match &self.form {
            Form::Packed(_) => None,
            Form::Timed(timed) => timed.first_deadline(),
            Form::Table(table) if table.0.with_deadline() == 0 => None,
            Form::Table(table) => Some(table.0.next_deadline()?.saturating_sub(TICK_MS)),
        }
    }

    /// Removes fields whose deadline has passed (up to 16 ms late), at most `budget`, and calls `expired` with each
    /// name; true if there was more to do.
    pub fn expire(&mut self, now_ms: u64, budget: usize, expired: &mut dyn FnMut(&[u8])) -> bool {
        match &mut self.form {
            Form::Packed(_) => false,
            Form::Timed(timed) => timed.expire(now_ms, budget, expired),
            Form::Table(table) => table.0.advance(now_ms, budget, &mut |name, _| expired(name)),
        }
    }

    /// All fields, whatever their deadlines. Packed forms give them in their order.
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> + '_ {
        let (packed, timed, table) = match &self.form {
            Form::Packed(packed) => (Some(packed), None, None),
            Form::Timed(timed) => (None, Some(timed), None),
            Form::Table(table) => (None, None, Some(&table.0)),
        };
        let pairs = packed.into_iter().flat_map(Packed::pairs);
        let pairs = pairs.map(|(name, value)| Field { name: text(name), value: text(value), deadline: None });
        let entries = table.into_iter().flat_map(Table::iter).map(|entry| field_of(&entry));
        pairs.chain(timed.into_iter().flat_map(Timed::iter)).chain(entries)
    }

    /// One step of a scan, as [`Dict::scan`] makes it; a packed hash is visited in one step.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(Field<'_>)) -> u64 {
        match &self.form {
            Form::Packed(_) | Form::Timed(_) => {
                self.iter().for_each(visit);
                0
            }
            Form::Table(table) => table.0.scan(cursor, &mut |entry| visit(field_of(&entry))),
        }
    }

    /// A field, each with the same chance, whatever its deadline; `draw` gives random numbers.
    pub fn random(&self, draw: &mut dyn FnMut() -> u64) -> Option<Field<'_>> {
        match &self.form {
            Form::Packed(_) | Form::Timed(_) => {
                let below = u64::try_from(self.len()).ok().filter(|&len| len > 0)?;
                // The bias of a draw of 64 bits over at most some thousands of fields cannot be seen.
                self.iter().nth((draw() % below) as usize)
            }
            Form::Table(table) => Some(field_of(&table.0.random(draw)?)),
        }
    }

    #[cold]
    fn become_table(&mut self, rules: &Rules) {
        if matches!(self.form, Form::Table(_)) {
            return;
        }
        let mut table = Table::new(rules.hasher);
        tell_time(&mut table, rules.now_ms);
        let (mut name, mut value) = (Scratch::default(), Scratch::default());
        for field in self.iter() {
            let key = field.name.bytes(&mut name);
            table.set(rules.hasher.hash(key), key, NewValue::Bytes(field.value.bytes(&mut value)), field.deadline);
        }
        self.form = Form::Table(Box::new(Fields(table)));
    }

    /// Panics unless the form agrees with itself; for tests.
    pub fn check(&self) {
        match &self.form {
            Form::Packed(packed) => {
                packed.check();
                assert_eq!(packed.len() % 2, 0, "fields have values");
            }
            Form::Timed(timed) => timed.check(),
            Form::Table(table) => {
                table.0.check();
                table.0.iter().for_each(|entry| drop(new_value(&entry)));
            }
        }
    }
}

#[inline]
fn set_in_table(table: &mut Table, name: &[u8], value: &[u8], ttl: Ttl) -> bool {
    let hash = table.hasher().hash(name);
    match table.entry(hash, name) {
        Entry::Occupied(mut entry) => {
            entry.replace(NewValue::Bytes(value));
            if ttl == Ttl::Clear && entry.deadline().is_some() {
                entry.set_deadline(None);
            }
            false
        }
        Entry::Vacant(place) => {
            place.insert(NewValue::Bytes(value), None);
            true
        }
    }
}

/// Lets a table that has no deadlines yet know the time, so that they are sorted by their distance from now.
fn tell_time(table: &mut Table, now_ms: u64) {
    table.advance(now_ms, 0, &mut |_, _| {});
}
