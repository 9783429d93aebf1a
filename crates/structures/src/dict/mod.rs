//! `Dict`: the table behind the keyspace, big hashes and big sets.
//!
//! A map from byte strings to nothing, an integer, bytes, a shared blob, a boxed value or its small form (tagged bytes,
//! which mean nothing here), with an optional deadline for each entry. No operation's cost depends on how many entries
//! there are: the table grows and shrinks by small segments (`table`), entries come from pages (`slab`), and deadlines
//! hang in a wheel (`wheel`).
//!
//! ```text
//! table --slot--> entry: header, [deadline, cell], key, value       wheel --cell--> entry
//!                                           ^------------------------------'
//! ```
//!
//! * The caller gives the hash with the key, so that it can hash once and prefetch. It must be `hasher().hash(key)`:
//!   with another, keys are lost, though memory safety is not.
//! * Deadlines are only kept and indexed here. Who reads decides whether an entry past its deadline is there.
//! * Entries of nothing that have no deadline, which are the members of sets, keep no access data.
//! * Memory is counted as it is taken; `memory()` reads counters. What a boxed value takes is not in it.
//! * All unsafe code of this folder rests on two facts: a slot's address is that of a live entry, and each entry has
//!   exactly one slot. Nothing public breaks either, whatever the arguments.

mod entry;
mod gather;
mod handle;
mod slab;
pub(crate) mod table;
#[cfg(test)]
mod tests;
mod wheel;

pub use crate::hash::Hasher;
pub use gather::Gather;
pub use handle::{Entry, EntryMut, EntryRef, VacantEntry};
pub use table::Stats;

use crate::prefetch::prefetch_read;
use entry::{BLOB, BLOB_MIN, BOXED, BYTES, Heap, INT, Raw, Shape, TAG_MAX, TAGGED, UNIT};
use handle::blob_cost;
use slab::{SLAB_MAX, Slab};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use table::{Addresses, At, Table};
use wheel::Wheel;

/// A large value, counted by reference so that it can be written to sockets while the entry changes.
pub type Blob = Arc<Vec<u8>>;

/// Bytes of this length and more are kept as a `Blob`.
pub const BLOB_BYTES_MIN: usize = BLOB_MIN;

/// With so many entries a `Dict` takes pages; with fewer, each entry's memory is the global allocator's.
const SLAB_FROM: usize = 512;

/// Bytes in line that are no string, but a value of another type in its small form; the tag, of 15 bits, says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tagged<'a> {
    pub tag: u16,
    pub bytes: &'a [u8],
}

/// Tagged bytes are at most so many.
pub const TAGGED_MAX: usize = entry::TAGGED_MAX;

/// A value, to read.
#[derive(Debug)]
pub enum ValueRef<'a, B> {
    /// Nothing: a member of a set.
    Unit,
    /// An integer.
    Int(i64),
    /// Bytes in line.
    Bytes(&'a [u8]),
    /// Many bytes.
    Blob(&'a Blob),
    /// A value of another type, small.
    Tagged(Tagged<'a>),
    /// A value of another type.
    Boxed(&'a B),
}

impl<B> Clone for ValueRef<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for ValueRef<'_, B> {}

/// A value, to store.
#[derive(Debug)]
pub enum NewValue<'a, B> {
    /// Nothing.
    Unit,
    /// An integer.
    Int(i64),
    /// Bytes; they are kept in line or as a blob, by their length.
    Bytes(&'a [u8]),
    /// Many bytes; a short blob is kept in line.
    Blob(Blob),
    /// A value of another type, small: at most [`TAGGED_MAX`] bytes.
    Tagged(Tagged<'a>),
    /// A value of another type.
    Boxed(Box<B>),
}

/// A value, taken out.
#[derive(Debug)]
pub enum OwnedValue<B> {
    /// Nothing.
    Unit,
    /// An integer.
    Int(i64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Many bytes.
    Blob(Blob),
    /// A value of another type, small: its tag and bytes.
    Tagged(u16, Vec<u8>),
    /// A value of another type.
    Boxed(Box<B>),
}

impl<B> OwnedValue<B> {
    /// The value, to be stored; bytes that go in line stay in `bytes`.
    pub fn into_new(self, bytes: &mut Vec<u8>) -> NewValue<'_, B> {
        match self {
            OwnedValue::Unit => NewValue::Unit,
            OwnedValue::Int(value) => NewValue::Int(value),
            OwnedValue::Bytes(owned) => {
                *bytes = owned;
                NewValue::Bytes(bytes)
            }
            OwnedValue::Blob(blob) => NewValue::Blob(blob),
            OwnedValue::Tagged(tag, owned) => {
                *bytes = owned;
                NewValue::Tagged(Tagged { tag, bytes })
            }
            OwnedValue::Boxed(boxed) => NewValue::Boxed(boxed),
        }
    }
}

/// What a removed or overwritten value leaves, which the caller may want to drop elsewhere.
#[derive(Debug)]
pub enum Removed<B> {
    /// Nothing: it was in the entry's own memory.
    Small,
    /// Many bytes.
    Blob(Blob),
    /// A value of another type.
    Boxed(Box<B>),
}

/// A value on its way into an entry; what it owns is counted already.
enum Encoded<'a> {
    Word(u8, [u8; 8]),
    Bytes(&'a [u8]),
    Short(Blob),
    Tagged(Tagged<'a>),
    Unit,
}

impl Encoded<'_> {
    #[inline]
    fn parts(&self) -> (u8, &[u8]) {
        match self {
            Encoded::Word(kind, word) => (*kind, word),
            Encoded::Bytes(bytes) => (BYTES, bytes),
            Encoded::Short(blob) => (BYTES, blob),
            Encoded::Tagged(tagged) => (TAGGED, tagged.bytes),
            Encoded::Unit => (UNIT, &[]),
        }
    }

    /// The shape of an entry with this value.
    #[inline]
    fn shape(&self, key_len: usize, deadline: bool) -> Shape {
        let (kind, body) = self.parts();
        let tag = if let Encoded::Tagged(tagged) = self { tagged.tag } else { 0 };
        Shape { kind, key_len, body_len: body.len(), tag, deadline }
    }
}

/// The map. `B` is what boxed values are.
pub struct Dict<B> {
    table: Table,
    heap: Heap,
    wheel: Wheel,
    hasher: Hasher,
    /// Entries that own a blob or a boxed value.
    owners: usize,
    blob_bytes: usize,
    values: PhantomData<B>,
}

/// What the bucket of a hash tells.
pub enum Glance<'a, B> {
    /// There is no entry of this hash.
    Absent,
    /// This entry is probably meant: its key was not compared. If it is not, another may be.
    Probable(EntryRef<'a, B>),
    /// There may be an entry in another bucket.
    Spilled,
}

/// The entry of a slot of the table.
#[inline(always)]
fn raw_at(address: u64) -> Raw {
    // SAFETY: slots hold the addresses of live entries; an entry is freed only after its slot is cleared or redirected.
    unsafe { Raw::from_address(address) }
}

impl<B> Dict<B> {
    /// An empty map. Takes no memory yet.
    pub const fn new(hasher: Hasher) -> Dict<B> {
        Dict {
            table: Table::new(),
            heap: Heap::new(),
            wheel: Wheel::new(),
            hasher,
            owners: 0,
            blob_bytes: 0,
            values: PhantomData,
        }
    }

    /// An empty map with the same hash function that knows the same time.
    pub fn fresh(&self) -> Dict<B> {
        let mut fresh = Dict::new(self.hasher);
        fresh.wheel = self.wheel.fresh();
        fresh
    }

    /// The hash function whose hashes the methods want.
    #[inline]
    pub fn hasher(&self) -> Hasher {
        self.hasher
    }

    /// The number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is no entry.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of entries with a deadline.
    pub fn with_deadline(&self) -> usize {
        self.wheel.len()
    }

    /// Bytes held, without what boxed values take.
    pub fn memory(&self) -> usize {
        self.table.bytes() + self.heap.bytes() + self.wheel.bytes() + self.blob_bytes
    }

    /// Bytes of the index, and of the index by deadline: what `memory()` counts besides the entries.
    pub fn index_memory(&self) -> (usize, usize) {
        (self.table.bytes(), self.wheel.bytes())
    }

    /// The sum of all deadlines in Unix milliseconds; an estimate where there are many.
    pub fn deadline_sum(&self) -> u128 {
        const EXACT_MAX: usize = 1 << 10;
        self.wheel.deadline_sum(EXACT_MAX)
    }

    #[inline(always)]
    fn find(&self, hash: u64, key: &[u8]) -> Option<(At, Raw)> {
        let (at, address) = self.table.find(hash, |address| raw_at(address).key() == key)?;
        Some((at, raw_at(address)))
    }

    /// The entry of a key.
    #[inline]
    pub fn get(&self, hash: u64, key: &[u8]) -> Option<EntryRef<'_, B>> {
        let (_, raw) = self.find(hash, key)?;
        Some(self.lend(raw))
    }

    /// The entry of a key, with its access data set.
    #[inline]
    pub fn get_touch(&self, hash: u64, key: &[u8], lru: u32) -> Option<EntryRef<'_, B>> {
        let entry = self.get(hash, key)?;
        entry.touch(lru);
        Some(entry)
    }

    /// The entry of a key, to be changed.
    #[inline]
    pub fn get_mut(&mut self, hash: u64, key: &[u8]) -> Option<EntryMut<'_, B>> {
        let (at, raw) = self.find(hash, key)?;
        Some(EntryMut { dict: self, raw, at })
    }

    /// Whether the key is there.
    #[inline]
    pub fn contains(&self, hash: u64, key: &[u8]) -> bool {
        self.find(hash, key).is_some()
    }

    /// Whether there is a key of this hash for which `same` is true; only keys that probably have that hash are asked
    /// about.
    #[inline]
    pub fn contains_where(&self, hash: u64, same: impl Fn(&[u8]) -> bool) -> bool {
        self.table.find(hash, |address| same(raw_at(address).key())).is_some()
    }

    /// The entry of a key or the place for it, by one search.
    #[inline]
    pub fn entry<'a>(&'a mut self, hash: u64, key: &'a [u8]) -> Entry<'a, B> {
        match self.find(hash, key) {
            Some((at, raw)) => Entry::Occupied(EntryMut { dict: self, raw, at }),
            None => Entry::Vacant(VacantEntry { dict: self, hash, key }),
        }
    }

    /// The place for a key that is known not to be there. If it is, one of the two entries will not be found.
    #[inline]
    pub fn vacant<'a>(&'a mut self, hash: u64, key: &'a [u8]) -> VacantEntry<'a, B> {
        debug_assert!(!self.contains(hash, key), "the caller knows that the key is not there");
        VacantEntry { dict: self, hash, key }
    }

    /// Stores a value and a deadline (or none) under a key; returns what was there. Access data of an entry that was
    /// there stays, and the caller's bit is cleared.
    #[inline]
    pub fn set(&mut self, hash: u64, key: &[u8], value: NewValue<'_, B>, deadline: Option<u64>) -> Option<Removed<B>> {
        self.upsert(hash, key, value, deadline).1
    }

    /// As `set`, and lends the entry.
    #[inline]
    pub fn upsert(
        &mut self,
        hash: u64,
        key: &[u8],
        value: NewValue<'_, B>,
        deadline: Option<u64>,
    ) -> (EntryMut<'_, B>, Option<Removed<B>>) {
        let (at, raw, removed) = match self.find(hash, key) {
            Some((at, mut raw)) => {
                if deadline.is_none() && raw.has_deadline() {
                    self.wheel.remove(raw);
                }
                let (stored, removed) = self.store(at, raw, value, deadline.is_some());
                raw = stored;
                raw.set_user_flag(false);
                if let Some(deadline) = deadline {
                    self.place_deadline(raw, deadline);
                }
                (at, raw, Some(removed))
            }
            None => {
                let (at, raw) = self.add(hash, key, value, deadline);
                (at, raw, None)
            }
        };
        let entry = EntryMut { dict: self, raw, at };
        (entry, removed)
    }

    /// Removes a key; returns what was there.
    pub fn remove(&mut self, hash: u64, key: &[u8]) -> Option<Removed<B>> {
        let (at, raw) = self.find(hash, key)?;
        Some(self.remove_at(at, raw))
    }

    /// Removes a key and gives its value and its deadline.
    pub fn take(&mut self, hash: u64, key: &[u8]) -> Option<(OwnedValue<B>, Option<u64>)> {
        Some(self.get_mut(hash, key)?.take())
    }

    /// Removes all entries at once, here; to drop them elsewhere, swap with `fresh()`.
    pub fn clear(&mut self) {
        *self = self.fresh();
    }

    /// One step of a scan. Start with cursor 0 and go on with what is given until that is 0: every entry that is there
    /// from beginning to end is visited at least once, whatever is added or removed in between; few are visited twice.
    /// Any cursor may be given.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(EntryRef<'_, B>)) -> u64 {
        self.table.scan(cursor, &mut |address| visit(self.lend(raw_at(address))))
    }

    /// Visits some entries, at least `least` if so many are left; returns where to go on, `None` at the end. Start with
    /// place 0. Every key that is there from beginning to end is visited once, and no key twice, whatever is added or
    /// removed in between. Compared with `scan` it takes larger steps, and is faster.
    pub fn walk(&self, place: u64, least: usize, mut visit: impl FnMut(EntryRef<'_, B>)) -> Option<u64> {
        let (mut place, mut met) = (place, 0);
        if self.is_empty() {
            // There may be no segment.
            return None;
        }
        while place < table::ORDER_END && met < least.max(1) {
            let part = self.table.part(place);
            for address in part.addresses {
                let raw = raw_at(address);
                // A segment that was merged meanwhile also has what was visited before.
                if part.begin == place || table::order_of(self.hasher.hash(raw.key())) >= place {
                    visit(self.lend(raw));
                }
                met += 1;
            }
            place = part.end;
        }
        (place < table::ORDER_END).then_some(place)
    }

    /// All entries, in no order.
    pub fn iter(&self) -> Iter<'_, B> {
        Iter { addresses: self.table.addresses(), dict: PhantomData }
    }

    /// All entries, in no order, with their hashes as far as they are known without reading the entries. The second
    /// part tells how far that is: for [`is_placed_by`](Dict::is_placed_by). Entries are asked for ahead if they will
    /// all be `read`.
    pub fn iter_hashed(&self, read: bool) -> (HashedIter<'_, B>, u32) {
        let (hasher, known) = match self.table.known_bits() {
            0 => (Some(self.hasher), u64::BITS),
            known => (None, known),
        };
        let addresses = if read || hasher.is_some() { self.table.addresses() } else { self.table.addresses_alone() };
        (HashedIter { addresses, hasher, dict: PhantomData }, known)
    }

    /// Whether hashes from `iter_hashed` of another `Dict` with the same hash function, known so far, do for this one,
    /// now and after `more` insertions.
    pub fn is_placed_by(&self, known: u32, more: usize) -> bool {
        self.table.is_placed_by(known, more)
    }

    /// An entry, each with the same chance; `draw` gives random numbers.
    pub fn random(&self, draw: &mut dyn FnMut() -> u64) -> Option<EntryRef<'_, B>> {
        Some(self.lend(raw_at(self.table.random(draw)?)))
    }

    /// Removes an entry, each with the same chance, after lending its key; false when there is none.
    pub fn remove_random(&mut self, draw: &mut dyn FnMut() -> u64, seen: &mut dyn FnMut(&[u8])) -> bool {
        let Some(address) = self.table.random(draw) else { return false };
        let raw = raw_at(address);
        // Not found means that the caller once gave a wrong hash: nobody can name this entry, so it stays.
        let Some((at, _)) = self.table.find(self.hasher.hash(raw.key()), |found| found == address) else {
            return false;
        };
        seen(raw.key());
        drop(self.remove_at(at, raw));
        true
    }

    /// When `advance` will have something to do, in Unix milliseconds: at most 16 ms after the first deadline, and
    /// before it when entries are only to be sorted more finely. Costs a look at ten levels.
    pub fn next_deadline(&self) -> Option<u64> {
        self.wheel.next()
    }

    /// The earliest deadline that has passed and whose entry is still there: an estimate when there are very many.
    pub fn most_overdue(&self, now_ms: u64) -> Option<u64> {
        /// Entries up to which it is exact.
        const EXACT_MAX: usize = 1000;
        self.wheel.most_overdue(now_ms, EXACT_MAX)
    }

    /// Removes entries whose deadline has passed, up to 16 ms late, and calls `expired` with each. Handles at most
    /// `budget` entries; true if there was more to do. Call it also when there is nothing to do: it tells the time.
    pub fn advance(&mut self, now_ms: u64, budget: usize, expired: &mut dyn FnMut(&[u8], Removed<B>)) -> bool {
        let mut left = budget;
        while let Some(due) = self.wheel.due(now_ms) {
            if left == 0 {
                return true;
            }
            left -= 1;
            let raw = self.wheel.pop(due);
            if raw.deadline().is_some_and(|deadline| deadline > now_ms) {
                self.wheel.insert(raw);
            } else {
                self.expire(raw, expired);
            }
        }
        false
    }

    fn expire(&mut self, raw: Raw, expired: &mut dyn FnMut(&[u8], Removed<B>)) {
        let address = raw.address();
        let hash = self.hasher.hash(raw.key());
        // Not found means that the caller once gave a wrong hash: the entry stays, out of the wheel's reach.
        let Some((at, _)) = self.table.find(hash, |found| found == address) else {
            return;
        };
        let removed = self.disown(raw);
        self.table.remove(at);
        expired(raw.key(), removed);
        // SAFETY: slot and cell are gone, and the key's borrow has ended.
        unsafe { raw.free(&mut self.heap) };
    }

    /// Asks for the bucket of a hash, to be read soon.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        self.table.prefetch_line(hash);
    }

    /// Asks for so many bytes, at most 64, of what is probably the entry of a hash. Reads the bucket, so that should
    /// have been asked for.
    #[inline]
    pub fn prefetch_entry(&self, hash: u64, bytes: usize) {
        if let Some(address) = self.table.probable(hash) {
            let entry = ptr::without_provenance::<u8>(address as usize);
            prefetch_read(entry);
            prefetch_read(entry.wrapping_add(bytes - 1));
        }
    }

    /// Where the bucket of a hash is, to be prefetched and nothing else; 0 in an empty map.
    #[inline]
    pub fn bucket_address(&self, hash: u64) -> usize {
        self.table.line_address(hash)
    }

    /// Where the entry of a hash probably is, to be prefetched and nothing else; 0 if there is none. Reads the bucket.
    #[inline]
    pub fn entry_address(&self, hash: u64) -> usize {
        self.table.probable(hash).map_or(0, |address| address as usize)
    }

    /// What the bucket of a hash tells without reading an entry.
    #[inline]
    pub fn glance(&self, hash: u64) -> Glance<'_, B> {
        match self.table.glance(hash) {
            table::Glance::Absent => Glance::Absent,
            table::Glance::Probable(address) => Glance::Probable(self.lend(raw_at(address))),
            table::Glance::Spilled => Glance::Spilled,
        }
    }

    /// Bytes that an entry takes on average, pages and all.
    pub fn entry_bytes(&self) -> usize {
        self.heap.bytes() / self.len().max(1)
    }

    /// What is probably the entry of a hash: its key was not compared.
    #[inline]
    pub fn probable(&self, hash: u64) -> Option<EntryRef<'_, B>> {
        Some(EntryRef { raw: raw_at(self.table.probable(hash)?), dict: PhantomData })
    }

    /// Fetches the buckets of these hashes, then so many bytes of what are probably their entries.
    pub fn prefetch_all(&self, hashes: &[u64], bytes: usize) {
        hashes.iter().for_each(|&hash| self.prefetch_bucket(hash));
        hashes.iter().for_each(|&hash| self.prefetch_entry(hash, bytes));
    }

    /// Begins a snapshot: nothing is saved yet. What a scan visits in one step is saved as one: a walk goes over all
    /// cursors from 0 and leaves out those that are saved; who is about to change the entry of a hash first saves that
    /// of `cursor_of(hash)`, unless it is saved. Each saves what a step of `scan` visits, then marks its cursor.
    /// `clear` ends a snapshot.
    pub fn begin_snapshot(&mut self) {
        self.table.begin_snapshot();
    }

    /// Ends the snapshot. Until then the table does not shrink by segments.
    pub fn end_snapshot(&mut self) {
        self.table.end_snapshot();
    }

    /// The cursor from which a step of a scan visits the entry of this hash; good until the next insertion or removal.
    pub fn cursor_of(&self, hash: u64) -> u64 {
        self.table.cursor_of(hash)
    }

    /// Whether the snapshot has saved what a step from this cursor visits.
    pub fn is_saved(&self, cursor: u64) -> bool {
        self.table.is_saved(cursor)
    }

    /// Marks what a step from this cursor visits as saved.
    pub fn mark_saved(&mut self, cursor: u64) {
        self.table.mark_saved(cursor);
    }

    /// Figures about the table; walks all of it.
    pub fn stats(&self) -> Stats {
        self.table.stats()
    }

    /// Panics unless everything agrees; for tests.
    pub fn check(&self) {
        self.table.check(&|address| self.hasher.hash(raw_at(address).key()));
        self.wheel.check();
        let (mut loose, mut owners, mut blob_bytes, mut deadlines) = (0, 0, 0, 0);
        let (mut entries, mut bytes) = (0, 0);
        for entry in self.iter() {
            let raw = entry.raw;
            entries += 1;
            loose += usize::from(raw.is_loose());
            assert!(raw.is_loose() || raw.shape().bytes() <= SLAB_MAX);
            bytes += raw.shape().bytes();
            deadlines += usize::from(raw.has_deadline() && raw.cell() != 0);
            match entry.value() {
                ValueRef::Blob(blob) => {
                    owners += 1;
                    blob_bytes += blob_cost(blob);
                }
                ValueRef::Boxed(_) => owners += 1,
                ValueRef::Bytes(bytes) => assert!(bytes.len() < BLOB_MIN),
                ValueRef::Tagged(tagged) => assert!(tagged.bytes.len() <= TAGGED_MAX),
                ValueRef::Unit | ValueRef::Int(_) => {}
            }
        }
        assert_eq!(entries, self.len());
        assert_eq!(loose, self.heap.loose);
        assert_eq!((owners, blob_bytes), (self.owners, self.blob_bytes));
        assert_eq!(deadlines, self.wheel.len());
        assert!(bytes <= self.heap.bytes());
        #[cfg(test)]
        if let Some(slab) = &self.heap.slab {
            assert_eq!(slab.check(), entries - loose);
        }
    }

    #[inline(always)]
    fn lend(&self, raw: Raw) -> EntryRef<'_, B> {
        EntryRef { raw, dict: PhantomData }
    }

    /// Makes a value ready to be stored: what it owns goes into a box that the entry will own.
    #[inline]
    fn encode<'a>(&mut self, value: NewValue<'a, B>) -> Encoded<'a> {
        match value {
            NewValue::Unit => Encoded::Unit,
            NewValue::Int(value) => Encoded::Word(INT, value.to_ne_bytes()),
            NewValue::Bytes(bytes) if bytes.len() < BLOB_MIN => Encoded::Bytes(bytes),
            NewValue::Bytes(bytes) => self.encode_blob(Arc::new(bytes.to_vec())),
            NewValue::Blob(blob) if blob.len() < BLOB_MIN => Encoded::Short(blob),
            NewValue::Blob(blob) => self.encode_blob(blob),
            NewValue::Tagged(tagged) => {
                assert!(tagged.bytes.len() <= TAGGED_MAX && tagged.tag <= TAG_MAX, "the header has bits for both");
                Encoded::Tagged(tagged)
            }
            NewValue::Boxed(boxed) => {
                self.owners += 1;
                let address = table::expose(NonNull::from(Box::leak(boxed)));
                Encoded::Word(BOXED, address.to_ne_bytes())
            }
        }
    }

    #[cold]
    fn encode_blob<'a>(&mut self, blob: Blob) -> Encoded<'a> {
        self.owners += 1;
        self.blob_bytes += blob_cost(&blob);
        let address = table::expose(NonNull::from(Box::leak(Box::new(blob))));
        Encoded::Word(BLOB, address.to_ne_bytes())
    }

    /// Takes over what an entry's body owns; the body must not be read any more.
    #[inline]
    fn disown(&mut self, raw: Raw) -> Removed<B> {
        match raw.kind() {
            BLOB => {
                self.owners -= 1;
                let address = raw.word() as usize;
                // SAFETY: the address is that of a leaked box which the entry owned until now.
                let blob: Box<Blob> = unsafe { Box::from_raw(ptr::with_exposed_provenance_mut(address)) };
                self.blob_bytes -= blob_cost(&blob);
                Removed::Blob(*blob)
            }
            BOXED => {
                self.owners -= 1;
                let address = raw.word() as usize;
                // SAFETY: as above; only `encode` of this `Dict<B>` makes this kind, from a `Box<B>`.
                Removed::Boxed(unsafe { Box::from_raw(ptr::with_exposed_provenance_mut(address)) })
            }
            _ => Removed::Small,
        }
    }

    /// Makes an entry that is in no table yet, and not in the wheel.
    #[inline]
    fn new_entry(&mut self, key: &[u8], value: NewValue<'_, B>, deadline: bool) -> Raw {
        let encoded = self.encode(value);
        let shape = encoded.shape(key.len(), deadline);
        Raw::new(&mut self.heap, key, encoded.parts().1, shape)
    }

    /// Adds a key that is not there.
    #[inline]
    fn add(&mut self, hash: u64, key: &[u8], value: NewValue<'_, B>, deadline: Option<u64>) -> (At, Raw) {
        if self.heap.slab.is_none() && self.len() >= SLAB_FROM {
            self.move_into_slab();
        }
        let raw = self.new_entry(key, value, deadline.is_some());
        let hasher = self.hasher;
        let rehash = move |address| hasher.hash(raw_at(address).key());
        let at = self.table.insert(hash, raw.address(), &rehash);
        if let Some(deadline) = deadline {
            self.place_deadline(raw, deadline);
        }
        (at, raw)
    }

    /// Gives the entry another value, which may move it. With `deadline` the entry has that field afterwards; one that
    /// loses it must have left the wheel before.
    #[inline]
    fn store(&mut self, at: At, raw: Raw, value: NewValue<'_, B>, deadline: bool) -> (Raw, Removed<B>) {
        let removed = self.disown(raw);
        let encoded = self.encode(value);
        let (_, body) = encoded.parts();
        let old = raw.shape();
        let new = encoded.shape(old.key_len, deadline);
        let alike = new.deadline == old.deadline && new.compact() == old.compact();
        let raw = if alike && new.bytes() == old.bytes() {
            raw.refill(new, body);
            raw
        } else {
            self.relocate(at, raw, new, body)
        };
        (raw, removed)
    }

    /// Moves an entry to memory of another shape, with this start of its body.
    fn relocate(&mut self, at: At, raw: Raw, shape: Shape, body: &[u8]) -> Raw {
        let new = Raw::new(&mut self.heap, raw.key(), body, shape);
        new.set_lru(raw.lru());
        new.set_user_flag(raw.user_flag());
        if let Some(deadline) = raw.deadline()
            && shape.deadline
        {
            new.set_deadline(deadline);
            new.set_cell(raw.cell());
            self.wheel.moved(new);
        }
        self.table.redirect(at, new.address());
        // SAFETY: slot and cell have the new entry's address, and the old one's body owns nothing any more.
        unsafe { raw.free(&mut self.heap) };
        new
    }

    /// Writes the deadline of an entry that has the field, and puts it into the wheel or moves it there.
    fn place_deadline(&mut self, raw: Raw, deadline: u64) {
        if raw.deadline().is_some_and(|old| deadline < old) {
            self.wheel.remove(raw);
        }
        raw.set_deadline(deadline);
        if raw.cell() == 0 {
            self.wheel.insert(raw);
        }
    }

    fn change_deadline(&mut self, at: At, raw: Raw, deadline: Option<u64>) -> Raw {
        let old = raw.shape();
        if old.deadline && deadline.is_none() {
            self.wheel.remove(raw);
        }
        let new = Shape { deadline: deadline.is_some(), ..old };
        let raw = if old.deadline == new.deadline { raw } else { self.relocate(at, raw, new, raw.body()) };
        if let Some(deadline) = deadline {
            self.place_deadline(raw, deadline);
        }
        raw
    }

    fn remove_at(&mut self, at: At, raw: Raw) -> Removed<B> {
        if raw.has_deadline() {
            self.wheel.remove(raw);
        }
        let removed = self.disown(raw);
        self.table.remove(at);
        // SAFETY: slot and cell are gone; the handle that held a copy was consumed or is not used again.
        unsafe { raw.free(&mut self.heap) };
        removed
    }

    /// A copy of an entry that is in no table yet, and not in the wheel.
    fn copy_of(&mut self, raw: Raw) -> Raw
    where
        B: Clone,
    {
        if !raw.has_deadline() && matches!(raw.kind(), UNIT | INT | BYTES | TAGGED) {
            return raw.duplicate(&mut self.heap);
        }
        let copied = match handle::value_of::<B>(raw) {
            ValueRef::Unit => NewValue::Unit,
            ValueRef::Int(value) => NewValue::Int(value),
            ValueRef::Bytes(bytes) => NewValue::Bytes(bytes),
            ValueRef::Tagged(tagged) => NewValue::Tagged(tagged),
            ValueRef::Blob(blob) => NewValue::Blob(blob.clone()),
            ValueRef::Boxed(boxed) => NewValue::Boxed(Box::new(boxed.clone())),
        };
        let new = self.new_entry(raw.key(), copied, raw.has_deadline());
        new.set_lru(raw.lru());
        new.set_user_flag(raw.user_flag());
        new
    }

    /// From now on entries live in pages; moves those that are there, a few microseconds once.
    #[cold]
    fn move_into_slab(&mut self) {
        self.heap.slab = Some(Box::new(Slab::new()));
        let (heap, wheel) = (&mut self.heap, &mut self.wheel);
        self.table.redirect_all(&mut |address| {
            let raw = raw_at(address);
            if !raw.is_loose() || raw.shape().bytes() > SLAB_MAX {
                return address;
            }
            // SAFETY: the slot takes the new address, and the wheel is told.
            let new = unsafe { raw.moved_into_slab(heap) };
            if new.has_deadline() {
                wheel.moved(new);
            }
            new.address()
        });
    }
}

impl<B: Clone> Clone for Dict<B> {
    /// Copies line by line, so nothing is hashed or searched. No snapshot goes on in the copy.
    fn clone(&self) -> Dict<B> {
        let mut copy = self.fresh();
        if self.len() >= SLAB_FROM {
            copy.heap.slab = Some(Box::new(Slab::new()));
        }
        let mut table = self.table.copied();
        table.redirect_all(&mut |address| {
            let raw = raw_at(address);
            let new = copy.copy_of(raw);
            if let Some(deadline) = raw.deadline() {
                copy.place_deadline(new, deadline);
            }
            new.address()
        });
        copy.table = table;
        copy
    }
}

/// All entries of a `Dict`.
pub struct Iter<'a, B> {
    addresses: Addresses<'a>,
    dict: PhantomData<&'a Dict<B>>,
}

impl<'a, B> Iterator for Iter<'a, B> {
    type Item = EntryRef<'a, B>;

    #[inline]
    fn next(&mut self) -> Option<EntryRef<'a, B>> {
        let address = self.addresses.next()?;
        Some(EntryRef { raw: raw_at(address), dict: PhantomData })
    }
}

/// All entries of a `Dict`, with their hashes as far as they are known.
pub struct HashedIter<'a, B> {
    addresses: Addresses<'a>,
    /// Where the table does not know enough of a hash, the key is hashed again.
    hasher: Option<Hasher>,
    dict: PhantomData<&'a Dict<B>>,
}

impl<'a, B> Iterator for HashedIter<'a, B> {
    type Item = (u64, EntryRef<'a, B>);

    #[inline]
    fn next(&mut self) -> Option<(u64, EntryRef<'a, B>)> {
        let (mut hash, address) = self.addresses.next_hashed()?;
        let raw = raw_at(address);
        if let Some(hasher) = &self.hasher {
            hash = hasher.hash(raw.key());
        }
        Some((hash, EntryRef { raw, dict: PhantomData }))
    }
}

impl<B> Drop for Dict<B> {
    fn drop(&mut self) {
        if self.owners == 0 && self.heap.loose == 0 {
            return;
        }
        let addresses: Vec<u64> = self.table.addresses().collect();
        for address in addresses {
            let raw = raw_at(address);
            drop(self.disown(raw));
            if raw.is_loose() {
                // SAFETY: nothing reads entries any more: table and wheel only free their own memory.
                unsafe { raw.free(&mut self.heap) };
            }
        }
    }
}

// SAFETY: a `Dict` owns its entries alone; what they own is blobs, which may change threads, and boxed `B`s.
unsafe impl<B: Send> Send for Dict<B> {}
// SAFETY: shared access reads, but for the access data, which is atomic.
unsafe impl<B: Sync> Sync for Dict<B> {}
