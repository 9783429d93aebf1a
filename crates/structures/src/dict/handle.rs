//! What a `Dict` lends: entries to read, entries to change, and the place for a new one.
//!
//! An `EntryMut` holds the `Dict` exclusively, so the slot it came from stays where it is; whatever moves the entry's
//! memory goes through `Dict`, which tells the slot and the wheel, and the handle takes the new pointer.

use super::entry::{BLOB, BLOB_MIN, BOXED, BYTES, INT, Raw, Shape, TAGGED, UNIT};
use super::table::At;
use super::{Blob, Dict, NewValue, OwnedValue, Removed, Tagged, ValueRef};
use crate::prefetch::prefetch_read;
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

/// Bytes that a blob takes beside its bytes: two counts, the vector, and the box around them.
const BLOB_EXTRA: usize = 48;

pub(super) fn blob_cost(blob: &Blob) -> usize {
    blob.capacity() + BLOB_EXTRA
}

/// The blob of an entry of kind BLOB. The caller bounds the lifetime.
pub(super) fn blob_of<'a>(raw: Raw) -> &'a Blob {
    debug_assert_eq!(raw.kind(), BLOB);
    // SAFETY: the body of such an entry is the address of a box that the entry owns.
    unsafe { &*ptr::with_exposed_provenance(raw.word() as usize) }
}

fn blob_of_mut<'a>(raw: Raw) -> &'a mut Blob {
    debug_assert_eq!(raw.kind(), BLOB);
    // SAFETY: as above, and callers hold the `Dict` exclusively.
    unsafe { &mut *ptr::with_exposed_provenance_mut(raw.word() as usize) }
}

pub(super) fn value_of<'a, B>(raw: Raw) -> ValueRef<'a, B> {
    match raw.kind() {
        UNIT => ValueRef::Unit,
        INT => ValueRef::Int(raw.word() as i64),
        BYTES => ValueRef::Bytes(raw.body()),
        BLOB => ValueRef::Blob(blob_of(raw)),
        TAGGED => ValueRef::Tagged(Tagged { tag: raw.tag(), bytes: raw.body() }),
        kind => {
            assert_eq!(kind, BOXED);
            // SAFETY: the body is the address of a `Box<B>` that the entry owns: only `Dict<B>::encode` makes this
            // kind.
            ValueRef::Boxed(unsafe { &*ptr::with_exposed_provenance(raw.word() as usize) })
        }
    }
}

fn size_of_entry(raw: Raw) -> usize {
    let outside = match raw.kind() {
        BLOB => blob_cost(blob_of(raw)),
        _ => 0,
    };
    raw.shape().bytes() + outside
}

/// An entry to read.
pub struct EntryRef<'a, B> {
    pub(super) raw: Raw,
    pub(super) dict: PhantomData<&'a Dict<B>>,
}

impl<B> Clone for EntryRef<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for EntryRef<'_, B> {}

impl<'a, B> EntryRef<'a, B> {
    /// The key.
    #[inline]
    pub fn key(&self) -> &'a [u8] {
        self.raw.key()
    }

    /// Asks for the first so many bytes of the entry, at most 64, to be read soon.
    #[inline]
    pub fn prefetch(&self, bytes: usize) {
        let entry = ptr::without_provenance::<u8>(self.raw.address() as usize);
        prefetch_read(entry);
        prefetch_read(entry.wrapping_add(bytes.saturating_sub(1)));
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> ValueRef<'a, B> {
        value_of(self.raw)
    }

    /// The deadline in Unix milliseconds. Entries stay readable after it, until they are removed.
    #[inline]
    pub fn deadline(&self) -> Option<u64> {
        self.raw.deadline()
    }

    /// The 24 bits of access data.
    #[inline]
    pub fn lru(&self) -> u32 {
        self.raw.lru()
    }

    /// Sets the access data, of which 24 bits are kept; readers that share the `Dict` may do that at once.
    #[inline]
    pub fn touch(&self, lru: u32) {
        self.raw.set_lru(lru);
    }

    /// The bit that is the caller's.
    pub fn user_flag(&self) -> bool {
        self.raw.user_flag()
    }

    /// Bytes of the entry and of its blob; what a boxed value takes is not known here.
    pub fn size(&self) -> usize {
        size_of_entry(self.raw)
    }
}

/// An entry to change.
pub struct EntryMut<'a, B> {
    pub(super) dict: &'a mut Dict<B>,
    pub(super) raw: Raw,
    pub(super) at: At,
}

impl<'a, B> EntryMut<'a, B> {
    /// The key.
    pub fn key(&self) -> &[u8] {
        self.raw.key()
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> ValueRef<'_, B> {
        value_of(self.raw)
    }

    /// The deadline in Unix milliseconds.
    pub fn deadline(&self) -> Option<u64> {
        self.raw.deadline()
    }

    /// The 24 bits of access data.
    pub fn lru(&self) -> u32 {
        self.raw.lru()
    }

    /// Sets the access data, of which 24 bits are kept.
    pub fn set_lru(&mut self, lru: u32) {
        self.raw.set_lru(lru);
    }

    /// The bit that is the caller's.
    pub fn user_flag(&self) -> bool {
        self.raw.user_flag()
    }

    /// Sets the caller's bit.
    pub fn set_user_flag(&mut self, on: bool) {
        self.raw.set_user_flag(on);
    }

    /// Bytes of the entry and of its blob.
    pub fn size(&self) -> usize {
        size_of_entry(self.raw)
    }

    /// Lends the entry to read.
    #[inline]
    #[allow(clippy::should_implement_trait)]
    pub fn as_ref(&self) -> EntryRef<'_, B> {
        self.dict.lend(self.raw)
    }

    /// The entry, for reading, for as long as the `Dict` was lent.
    pub fn into_ref(self) -> EntryRef<'a, B> {
        EntryRef { raw: self.raw, dict: PhantomData }
    }

    /// The boxed value, for as long as the `Dict` was lent.
    pub fn into_boxed_mut(self) -> Option<&'a mut B> {
        if self.raw.kind() != BOXED {
            return None;
        }
        let address = self.raw.word() as usize;
        // SAFETY: the entry owns this `Box<B>`, and the `Dict` stays exclusively borrowed for `'a`.
        Some(unsafe { &mut *ptr::with_exposed_provenance_mut(address) })
    }

    /// The integer, if the value is one.
    pub fn int(&self) -> Option<i64> {
        (self.raw.kind() == INT).then(|| self.raw.word() as i64)
    }

    /// Makes the value this integer; in place when it is one already.
    pub fn set_int(&mut self, value: i64) -> Removed<B> {
        if self.raw.kind() == INT {
            self.raw.refill(self.raw.shape(), &value.to_ne_bytes());
            return Removed::Small;
        }
        self.replace(NewValue::Int(value))
    }

    /// The bytes, in line or in a blob; a blob that is shared is copied first.
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        match self.raw.kind() {
            BYTES => Some(self.raw.body_mut()),
            BLOB => Some(self.blob_mut()),
            _ => None,
        }
    }

    fn blob_mut(&mut self) -> &mut Vec<u8> {
        let blob = blob_of_mut(self.raw);
        self.dict.blob_bytes -= blob_cost(blob);
        Arc::make_mut(blob);
        self.dict.blob_bytes += blob_cost(blob);
        Arc::make_mut(blob)
    }

    /// The boxed value.
    #[inline]
    pub fn boxed_mut(&mut self) -> Option<&mut B> {
        if self.raw.kind() != BOXED {
            return None;
        }
        // SAFETY: the entry owns this `Box<B>`, and `self` is borrowed exclusively.
        Some(unsafe { &mut *ptr::with_exposed_provenance_mut(self.raw.word() as usize) })
    }

    /// Makes the value this one; key, deadline, access data and the caller's bit stay.
    #[inline]
    pub fn replace(&mut self, value: NewValue<'_, B>) -> Removed<B> {
        let deadline = self.raw.has_deadline();
        let (raw, removed) = self.dict.store(self.at, self.raw, value, deadline);
        self.raw = raw;
        removed
    }

    /// Makes the bytes this long, new ones zero; false if the value is not bytes or memory does not suffice.
    pub fn resize_bytes(&mut self, len: usize) -> bool {
        match self.raw.kind() {
            BYTES if len < BLOB_MIN => {
                self.resize_in_line(len);
                true
            }
            BYTES => self.move_out(len),
            BLOB if len < BLOB_MIN / 2 => {
                let blob = blob_of(self.raw).clone();
                let kept = &blob[..len.min(blob.len())];
                self.replace(NewValue::Bytes(kept));
                self.resize_in_line(len);
                true
            }
            BLOB => self.resize_blob(len),
            _ => false,
        }
    }

    fn resize_in_line(&mut self, len: usize) {
        let old = self.raw.shape();
        let new = Shape { body_len: len, ..old };
        if old.bytes() == new.bytes() {
            self.raw.resize_in_place(len);
        } else {
            let kept = &self.raw.body()[..len.min(old.body_len)];
            self.raw = self.dict.relocate(self.at, self.raw, new, kept);
        }
    }

    /// From bytes in line to a blob.
    fn move_out(&mut self, len: usize) -> bool {
        let mut bytes = Vec::new();
        if bytes.try_reserve(len).is_err() {
            return false;
        }
        bytes.extend_from_slice(self.raw.body());
        bytes.resize(len, 0);
        self.replace(NewValue::Blob(Arc::new(bytes)));
        true
    }

    fn resize_blob(&mut self, len: usize) -> bool {
        let bytes = self.blob_mut();
        let old_cost = bytes.capacity();
        let more = len.saturating_sub(bytes.len());
        if bytes.try_reserve(more).is_err() {
            return false;
        }
        bytes.resize(len, 0);
        if bytes.capacity() / 4 > len {
            bytes.shrink_to_fit();
        }
        let new_cost = bytes.capacity();
        self.dict.blob_bytes = self.dict.blob_bytes - old_cost + new_cost;
        true
    }

    /// Adds bytes at the end; returns the new length, or nothing if `resize_bytes` would be false.
    pub fn append(&mut self, bytes: &[u8]) -> Option<usize> {
        let old = match self.value() {
            ValueRef::Bytes(old) => old.len(),
            ValueRef::Blob(old) => old.len(),
            ValueRef::Unit | ValueRef::Int(_) | ValueRef::Tagged(_) | ValueRef::Boxed(_) => return None,
        };
        let len = old.checked_add(bytes.len())?;
        if !self.resize_bytes(len) {
            return None;
        }
        self.bytes_mut()?[old..].copy_from_slice(bytes);
        Some(len)
    }

    /// Sets, moves or takes away the deadline.
    pub fn set_deadline(&mut self, deadline: Option<u64>) {
        self.raw = self.dict.change_deadline(self.at, self.raw, deadline);
    }

    /// Removes the entry.
    pub fn remove(self) -> Removed<B> {
        self.dict.remove_at(self.at, self.raw)
    }

    /// Removes the entry and lends its place, which has to be that of this hash and key.
    pub fn vacate(self, hash: u64, key: &'a [u8]) -> (Removed<B>, VacantEntry<'a, B>) {
        debug_assert_eq!(self.raw.key(), key, "the key that was searched for");
        let removed = self.dict.remove_at(self.at, self.raw);
        (removed, VacantEntry { dict: self.dict, hash, key })
    }

    /// Removes the entry and gives its value and deadline.
    pub fn take(self) -> (OwnedValue<B>, Option<u64>) {
        let deadline = self.raw.deadline();
        let copied = match self.value() {
            ValueRef::Int(value) => OwnedValue::Int(value),
            ValueRef::Bytes(bytes) => OwnedValue::Bytes(bytes.to_vec()),
            ValueRef::Tagged(Tagged { tag, bytes }) => OwnedValue::Tagged(tag, bytes.to_vec()),
            ValueRef::Unit | ValueRef::Blob(_) | ValueRef::Boxed(_) => OwnedValue::Unit,
        };
        let value = match self.remove() {
            Removed::Small => copied,
            Removed::Blob(blob) => OwnedValue::Blob(blob),
            Removed::Boxed(boxed) => OwnedValue::Boxed(boxed),
        };
        (value, deadline)
    }
}

/// The result of one search: the entry, or the place for it.
pub enum Entry<'a, B> {
    /// The key is there.
    Occupied(EntryMut<'a, B>),
    /// It is not.
    Vacant(VacantEntry<'a, B>),
}

/// The place for a key that is not there.
pub struct VacantEntry<'a, B> {
    pub(super) dict: &'a mut Dict<B>,
    pub(super) hash: u64,
    pub(super) key: &'a [u8],
}

impl<'a, B> VacantEntry<'a, B> {
    /// Adds the entry.
    #[inline]
    pub fn insert(self, value: NewValue<'_, B>, deadline: Option<u64>) -> EntryMut<'a, B> {
        let (at, raw) = self.dict.add(self.hash, self.key, value, deadline);
        EntryMut { dict: self.dict, raw, at }
    }
}
