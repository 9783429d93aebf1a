//! `Packed`: a sequence of strings and integers in one buffer, the small form of every collection.
//!
//! ```text
//! | room in front | element | element | ... | element | room behind |
//!                 ^ start                             ^ end of the vector
//! ```
//!
//! * `element` says how one element is written: 1 byte for a small integer, 2 bytes beside a short string.
//! * Room is kept at both ends, so pushing and popping there moves nothing most of the time. Capacity grows in the
//!   steps of an allocator's size classes, not by doubling: small collections are many.
//! * As a list, every element is one item; as a map, elements alternate field and value; `PackedRanked` keeps pairs of
//!   member and score in order.
//! * Places are `At`s, good until the next change. `seek` walks from the nearer end.
//!
//! Limits: every operation away from the ends is linear, so owners convert to the large forms at Redis' thresholds; a
//! buffer has less than 4 GiB.

mod element;
mod ranked;
#[cfg(test)]
mod tests;

pub use element::{Decimal, PackedElement, parse_int};
pub use ranked::{PackedRanked, RankedIter};

use element::{checked_first, first, size_of_first, size_of_last};

/// The bytes that Redis' listpack has beside its elements.
const LISTPACK_FRAME: usize = 7;

/// The first capacity: most sequences are filled at once, and owners that keep many small ones copy them to where they
/// take no room that they do not need.
const CAPACITY_MIN: usize = 128;

/// A place in a `Packed`: the offset of an element, or of the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(u32);

/// The sequence.
#[derive(Default)]
pub struct Packed {
    /// The elements are `bytes[start..]`.
    bytes: Vec<u8>,
    start: u32,
    count: u32,
}

/// The bytes are not a sequence of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupted;

/// The capacity to take for so many bytes: a multiple of 16, above 128 one of eight steps to a doubling.
fn rounded(bytes: usize) -> usize {
    let step = if bytes <= 128 { 16 } else { (1 << (bytes - 1).ilog2()) / 8 };
    bytes.next_multiple_of(step)
}

impl Clone for Packed {
    fn clone(&self) -> Packed {
        Packed { bytes: self.as_bytes().to_vec(), start: 0, count: self.count }
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Packed) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Packed {}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Packed {
    /// An empty sequence. Takes no memory yet.
    pub const fn new() -> Packed {
        Packed { bytes: Vec::new(), start: 0, count: 0 }
    }

    /// Takes over the bytes of another `Packed` after checking all of them.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Packed, Corrupted> {
        let (mut at, mut count) = (0, 0u32);
        u32::try_from(bytes.len()).map_err(|_| Corrupted)?;
        while at < bytes.len() {
            at += checked_first(&bytes[at..]).ok_or(Corrupted)?;
            count += 1;
        }
        Ok(Packed { bytes, start: 0, count })
    }

    /// The elements that another `Packed` had (`as_bytes`, `len`), in a buffer that is used again, with `front` bytes
    /// of room in front. Nothing is checked: of other bytes it makes no sense, and may panic.
    #[inline]
    pub fn refilled(mut buffer: Vec<u8>, front: usize, bytes: &[u8], len: usize) -> Packed {
        buffer.resize(front, 0);
        buffer.extend_from_slice(bytes);
        assert!(buffer.len() <= u32::MAX as usize, "packed buffers are smaller than 4 GiB");
        Packed { bytes: buffer, start: front as u32, count: len as u32 }
    }

    /// The buffer, whatever is in it.
    #[inline]
    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// The elements as they are written.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start as usize..]
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is no element.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The bytes of all elements.
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.bytes.len() - self.start as usize
    }

    /// Bytes held on the heap.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// The bytes that the elements would take as one listpack of Redis. Walks all of them.
    pub fn listpack_bytes(&self) -> usize {
        LISTPACK_FRAME + self.iter().map(|element| element.listpack_bytes()).sum::<usize>()
    }

    /// Whether `listpack_bytes` is above `limit`; only walks when that is not plain from what is counted.
    pub fn listpack_bytes_exceed(&self, limit: usize) -> bool {
        // An integer may take 3 bytes more there than here, a string 1; and a string 6 less.
        let most = LISTPACK_FRAME + self.byte_len() + 3 * self.len();
        most > limit && self.listpack_bytes() > limit
    }

    /// Gives back room that is not used.
    pub fn shrink(&mut self) {
        if rounded(self.byte_len()) < self.bytes.capacity() {
            let mut bytes = Vec::with_capacity(rounded(self.byte_len()));
            bytes.extend_from_slice(self.as_bytes());
            (self.bytes, self.start) = (bytes, 0);
        }
    }

    /// Removes all elements.
    pub fn clear(&mut self) {
        *self = Packed::new();
    }

    // Places.

    /// The place of the first element, or the end.
    #[inline]
    pub fn front(&self) -> At {
        At(self.start)
    }

    /// The place after the last element.
    #[inline]
    pub fn end(&self) -> At {
        At(self.bytes.len() as u32)
    }

    /// The place after the element at `at`, which is not the end.
    #[inline]
    pub fn after(&self, at: At) -> At {
        At(at.0 + size_of_first(&self.bytes[at.0 as usize..]) as u32)
    }

    /// The place of the element before `at`, which is not the first.
    #[inline]
    pub fn before(&self, at: At) -> At {
        assert!(at.0 > self.start);
        At(at.0 - size_of_last(&self.bytes[..at.0 as usize]) as u32)
    }

    /// The element at `at`; none at the end.
    #[inline]
    pub fn at(&self, at: At) -> Option<PackedElement<'_>> {
        let bytes = &self.bytes[at.0 as usize..];
        (!bytes.is_empty()).then(|| first(bytes).0)
    }

    /// The place of the element with this number; the end for the number after the last.
    pub fn seek(&self, index: usize) -> Option<At> {
        let len = self.len();
        if index > len {
            return None;
        }
        if index <= len / 2 {
            Some((0..index).fold(self.front(), |at, _| self.after(at)))
        } else {
            Some((index..len).fold(self.end(), |at, _| self.before(at)))
        }
    }

    /// The element with this number.
    pub fn get(&self, index: usize) -> Option<PackedElement<'_>> {
        self.at(self.seek(index)?)
    }

    /// The first element from `from` on that is this string, looking at one and passing over `skip`, in turn.
    pub fn find_from(&self, from: At, string: &[u8], skip: usize) -> Option<At> {
        let sought = PackedElement::of(string);
        let mut at = from.0 as usize;
        while at < self.bytes.len() {
            let (element, size) = first(&self.bytes[at..]);
            if element == sought {
                return Some(At(at as u32));
            }
            at += size;
            for _ in 0..skip {
                at += size_of_first(&self.bytes[at..]);
            }
        }
        None
    }

    /// The place of the first element that is this string.
    pub fn find(&self, string: &[u8]) -> Option<At> {
        self.find_from(self.front(), string, 0)
    }

    /// As a map: the places of a field and of its value.
    pub fn find_field(&self, field: &[u8]) -> Option<(At, At)> {
        let at = self.find_from(self.front(), field, 1)?;
        Some((at, self.after(at)))
    }

    // Changes.

    /// Replaces `remove` bytes at offset `at` by room for `insert` bytes, which the caller fills; returns the place.
    #[inline]
    fn splice(&mut self, at: usize, remove: usize, insert: usize) -> usize {
        let start = self.start as usize;
        if insert <= remove {
            self.close(at, remove - insert)
        } else if at == start && insert - remove <= start {
            self.start -= (insert - remove) as u32;
            self.start as usize
        } else {
            self.open(at, insert - remove)
        }
    }

    /// Replaces `remove` bytes at offset `at` by an element; returns its place.
    #[inline]
    fn put(&mut self, at: usize, remove: usize, element: PackedElement<'_>) -> At {
        let size = element.packed_bytes();
        let at = self.splice(at, remove, size);
        element.encode(&mut self.bytes[at..at + size]);
        At(at as u32)
    }

    /// Takes `count` bytes out at `at`; returns the place.
    #[inline]
    fn close(&mut self, at: usize, count: usize) -> usize {
        let start = self.start as usize;
        if at == start {
            self.start += count as u32;
            if self.start as usize == self.bytes.len() {
                self.bytes.clear();
                self.start = 0;
            }
            self.start as usize
        } else {
            self.bytes.copy_within(at + count.., at);
            self.bytes.truncate(self.bytes.len() - count);
            at
        }
    }

    /// Makes `count` bytes of room at `at`; returns the place, which may be another.
    #[inline]
    fn open(&mut self, at: usize, count: usize) -> usize {
        let len = self.bytes.len();
        if len + count <= self.bytes.capacity() && (at > self.start as usize || len == 0) {
            self.bytes.resize(len + count, 0);
            self.bytes.copy_within(at..len, at + count);
            return at;
        }
        self.lay_out_again(at, count)
    }

    /// As `open`, where the room on that side does not do: moves all elements, into more memory if there is not enough,
    /// and leaves the room that is left where the insertion was.
    #[cold]
    fn lay_out_again(&mut self, at: usize, count: usize) -> usize {
        let start = self.start as usize;
        let needed = self.byte_len() + count;
        let capacity = self.bytes.capacity();
        // Less than an eighth of room would be used up soon.
        let enough = needed + needed / 8 <= capacity;
        let capacity = if enough { capacity } else { rounded(needed + needed / 16).max(CAPACITY_MIN) };
        let in_front = at == start && self.count > 0;
        let new_start = if in_front { capacity - needed } else { 0 };
        assert!(capacity <= u32::MAX as usize, "packed buffers are smaller than 4 GiB");
        let mut bytes = Vec::with_capacity(capacity);
        bytes.resize(new_start, 0);
        bytes.extend_from_slice(&self.bytes[start..at]);
        bytes.resize(bytes.len() + count, 0);
        bytes.extend_from_slice(&self.bytes[at..]);
        (self.bytes, self.start) = (bytes, new_start as u32);
        new_start + (at - start)
    }

    /// Puts an element in before `at`; returns its place.
    #[inline]
    pub fn insert(&mut self, at: At, element: PackedElement<'_>) -> At {
        let at = self.put(at.0 as usize, 0, element);
        self.count += 1;
        at
    }

    /// Puts an element in so that it has this number, at most `len`.
    pub fn insert_at(&mut self, index: usize, element: PackedElement<'_>) {
        let at = self.seek(index).expect("the caller gives a number up to the length");
        self.insert(at, element);
    }

    /// Adds an element in front.
    #[inline]
    pub fn push_front(&mut self, element: PackedElement<'_>) {
        self.insert(self.front(), element);
    }

    /// Adds an element behind.
    #[inline]
    pub fn push_back(&mut self, element: PackedElement<'_>) {
        self.insert(self.end(), element);
    }

    /// Replaces the element at `at`; returns the new one's place.
    pub fn replace(&mut self, at: At, element: PackedElement<'_>) -> At {
        let old = size_of_first(&self.bytes[at.0 as usize..]);
        self.put(at.0 as usize, old, element)
    }

    /// Removes up to `count` elements from `at` on; returns the place of what follows them.
    pub fn remove(&mut self, at: At, count: usize) -> At {
        let mut end = at;
        let mut removed = 0;
        while removed < count && end < self.end() {
            end = self.after(end);
            removed += 1;
        }
        self.count -= removed as u32;
        let place = self.close(at.0 as usize, (end.0 - at.0) as usize);
        At(place as u32)
    }

    /// Removes up to `count` elements from the one with this number on.
    pub fn remove_range(&mut self, index: usize, count: usize) {
        if index < self.len() {
            let at = self.seek(index).expect("the number is below the length");
            self.remove(at, count);
        }
    }

    /// Removes up to `most` elements that are equal to this one, seen from the front or from the back; returns how many
    /// there were.
    pub fn remove_equal(&mut self, from_front: bool, sought: PackedElement<'_>, most: usize) -> usize {
        let mut removed = 0;
        let mut at = if from_front { self.front() } else { self.end() };
        while removed < most {
            let found = match from_front {
                true if at < self.end() => at,
                false if at > self.front() => self.before(at),
                true | false => break,
            };
            if self.at(found) == Some(sought) {
                at = self.remove(found, 1);
                removed += 1;
            } else {
                at = if from_front { self.after(found) } else { found };
            }
        }
        removed
    }

    /// Moves the elements from this number on into a new sequence.
    pub fn split_off(&mut self, index: usize) -> Packed {
        let at = self.seek(index).expect("the caller gives a number up to the length").0 as usize;
        let tail = Packed { bytes: self.bytes[at..].to_vec(), start: 0, count: self.count - index as u32 };
        self.bytes.truncate(at);
        self.count = index as u32;
        tail
    }

    /// Appends all elements of another sequence.
    pub fn append(&mut self, other: &Packed) {
        if !other.is_empty() {
            let end = self.bytes.len();
            let at = self.splice(end, 0, other.byte_len());
            self.bytes[at..at + other.byte_len()].copy_from_slice(other.as_bytes());
            self.count += other.count;
        }
    }

    /// All elements, from both ends.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        Iter { bytes: self.as_bytes(), left: self.count }
    }

    /// As a map: all fields with their values, from both ends.
    pub fn pairs(&self) -> Pairs<'_> {
        Pairs(self.iter())
    }

    /// Panics unless the elements are well formed, from either end, and as many as counted.
    pub fn check(&self) {
        let forwards: Vec<_> = self.iter().collect();
        let mut backwards: Vec<_> = self.iter().rev().collect();
        backwards.reverse();
        assert_eq!(forwards, backwards);
        let again = Packed::from_bytes(self.as_bytes().to_vec()).expect("the bytes are well formed");
        assert_eq!(again.count, self.count);
    }
}

/// Elements in order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    left: u32,
}

impl Iter<'_> {
    /// Passes over this many elements at the front.
    pub fn drop_front(&mut self, count: usize) {
        for _ in 0..count.min(self.left as usize) {
            self.bytes = &self.bytes[size_of_first(self.bytes)..];
            self.left -= 1;
        }
    }

    /// Passes over this many elements at the back.
    pub fn drop_back(&mut self, count: usize) {
        for _ in 0..count.min(self.left as usize) {
            self.bytes = &self.bytes[..self.bytes.len() - size_of_last(self.bytes)];
            self.left -= 1;
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = PackedElement<'a>;

    #[inline]
    fn next(&mut self) -> Option<PackedElement<'a>> {
        if self.bytes.is_empty() {
            return None;
        }
        let (element, size) = first(self.bytes);
        self.bytes = &self.bytes[size..];
        self.left -= 1;
        Some(element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let at = self.bytes.len() - size_of_last(self.bytes);
        let (rest, last) = self.bytes.split_at(at);
        self.bytes = rest;
        self.left -= 1;
        Some(first(last).0)
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// Fields with their values.
#[derive(Clone, Debug)]
pub struct Pairs<'a>(Iter<'a>);

impl<'a> Iterator for Pairs<'a> {
    type Item = (PackedElement<'a>, PackedElement<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len() / 2, Some(self.0.len() / 2))
    }
}

impl DoubleEndedIterator for Pairs<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let value = self.0.next_back()?;
        Some((self.0.next_back()?, value))
    }
}

impl ExactSizeIterator for Pairs<'_> {}
