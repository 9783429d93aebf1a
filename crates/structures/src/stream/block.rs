//! `Block`: some entries of a stream in one buffer, readable from both ends.
//!
//! ```text
//! count | name | name | ...   entry | entry | ...           the names of the first entry, then all entries
//!
//! entry:   len | flags [ms] [seq] [count] elements | len    the second length reads the same from its end
//!              '----------- len bytes ------------'
//! ```
//!
//! * Ids are counted from that of the first entry, which the owner of the block keeps; a part that is 0 is left out.
//! * An entry with the names of the first has only values as its elements. Another has their count, then names and
//!   values in turn.
//! * A deleted entry is only marked as such. It goes with its block.
//! * `listpack` counts the bytes that Redis' listpack of the same entries has, because clients see where Redis ends a
//!   node. Such a listpack has three numbers, the names and a 0 first; then for each entry flags, two
//!   numbers for its id, the count of fields unless the names are those of the first, the elements, and their number.
//!
//! Limits: fewer than 2^32 entries in less than 4 GiB. One entry without end would pass that, so the caller refuses it.

use super::element::{put, take};
use super::id::StreamId;
use crate::packed::PackedElement;
use crate::varint;

/// What Redis' listpack has beside its elements.
const LISTPACK_FRAME: usize = 7;
/// A node of Redis is not larger than this, whatever the option says; nor is what one entry holds.
pub const BLOCK_BYTES_MAX: usize = 1 << 30;

const DELETED: u8 = 1;
/// The names are those of the block.
const SAME: u8 = 1 << 1;
const HAS_MS: u8 = 1 << 2;
const HAS_SEQ: u8 = 1 << 3;

/// How much a block may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLimits {
    bytes: usize,
    entries: usize,
}

impl BlockLimits {
    /// The limits for values of `stream-node-max-bytes` and `stream-node-max-entries`, of which 0 is no limit.
    pub fn from_config(bytes: usize, entries: usize) -> BlockLimits {
        let bytes = if bytes == 0 { BLOCK_BYTES_MAX } else { bytes.min(BLOCK_BYTES_MAX) };
        BlockLimits { bytes, entries: if entries == 0 { usize::MAX } else { entries } }
    }
}

/// What to do with an entry, and with those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    Delete,
    Stop,
}

/// The entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    bytes: Vec<u8>,
    /// Where the first entry begins.
    entries_at: u32,
    live: u32,
    deleted: u32,
    /// Bytes of the listpack without the numbers of live and of deleted entries.
    listpack: u32,
}

fn listpack_bytes(number: u64) -> usize {
    PackedElement::Int(number as i64).listpack_bytes()
}

/// What the state of a block is besides its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockFigures {
    pub entries_at: u32,
    pub live: u32,
    pub deleted: u32,
    pub listpack: u32,
}

impl Block {
    /// A block without entries, whose buffer has room for `capacity` bytes.
    pub fn new<'e>(count: usize, names: impl Iterator<Item = PackedElement<'e>>, capacity: usize) -> Block {
        let mut bytes = Vec::with_capacity(capacity);
        varint::put(&mut bytes, count as u64);
        let mut listpack = LISTPACK_FRAME + listpack_bytes(count as u64) + listpack_bytes(0);
        for name in names {
            put(&mut bytes, name);
            listpack += name.listpack_bytes();
        }
        let entries_at = u32::try_from(bytes.len()).expect("names are smaller than 4 GiB");
        Block { bytes, entries_at, live: 0, deleted: 0, listpack: u32::try_from(listpack).unwrap_or(u32::MAX) }
    }

    /// The block that had these bytes and figures, in a buffer that is used again.
    pub fn refilled(mut buffer: Vec<u8>, bytes: &[u8], figures: BlockFigures) -> Block {
        buffer.clear();
        buffer.extend_from_slice(bytes);
        let BlockFigures { entries_at, live, deleted, listpack } = figures;
        Block { bytes: buffer, entries_at, live, deleted, listpack }
    }

    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn figures(&self) -> BlockFigures {
        let Block { entries_at, live, deleted, listpack, .. } = *self;
        BlockFigures { entries_at, live, deleted, listpack }
    }

    /// The number of entries that are not deleted.
    #[inline]
    pub fn live(&self) -> usize {
        self.live as usize
    }

    /// The number of deleted entries.
    pub fn deleted(&self) -> usize {
        self.deleted as usize
    }

    /// Bytes held on the heap.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// The bytes that Redis' listpack of these entries has.
    #[inline]
    pub fn listpack_bytes(&self) -> usize {
        self.listpack as usize + listpack_bytes(u64::from(self.live)) + listpack_bytes(u64::from(self.deleted))
    }

    /// Whether one more entry, of so many bare bytes, may be added.
    #[inline]
    pub(super) fn takes(&self, bytes: usize, limits: &BlockLimits) -> bool {
        let entries = self.live as usize + self.deleted as usize;
        entries < limits.entries && self.listpack_bytes() + bytes < limits.bytes
    }

    /// The names of the first entry.
    pub fn names(&self) -> impl ExactSizeIterator<Item = PackedElement<'_>> {
        let mut bytes = &self.bytes[..self.entries_at as usize];
        let count = varint::take(&mut bytes) as usize;
        (0..count).map(move |_| take(&mut bytes))
    }

    /// Whether these are the names of the first entry.
    #[inline]
    pub(super) fn has_names<'e>(&self, count: usize, names: impl Iterator<Item = PackedElement<'e>>) -> bool {
        let own = self.names();
        own.len() == count && own.zip(names).all(|(own, name)| own == name)
    }

    /// Adds an entry with the names of the first, behind the others; `id` is counted from the first's.
    #[inline]
    pub(super) fn push_same<'e>(
        &mut self,
        id: StreamId,
        deleted: bool,
        values: impl Iterator<Item = PackedElement<'e>>,
    ) {
        let mark = if deleted { DELETED } else { 0 };
        self.push(id, mark | SAME, |bytes| {
            let (mut listpack, mut count) = (0, 0);
            for value in values {
                put(bytes, value);
                listpack += value.listpack_bytes();
                count += 1;
            }
            listpack + listpack_bytes(count + 3)
        });
    }

    /// Adds an entry of so many fields, behind the others; `id` is counted from the first's.
    pub(super) fn push_own<'e>(
        &mut self,
        id: StreamId,
        deleted: bool,
        count: usize,
        fields: impl Iterator<Item = (PackedElement<'e>, PackedElement<'e>)>,
    ) {
        let mark = if deleted { DELETED } else { 0 };
        self.push(id, mark, |bytes| {
            varint::put(bytes, count as u64);
            let mut listpack = listpack_bytes(count as u64) + listpack_bytes(2 * count as u64 + 4);
            for (name, value) in fields {
                put(bytes, name);
                put(bytes, value);
                listpack += name.listpack_bytes() + value.listpack_bytes();
            }
            listpack
        });
    }

    /// Adds an entry; `write` writes its body and returns the bytes that it has in the listpack.
    #[inline]
    fn push(&mut self, id: StreamId, mark: u8, write: impl FnOnce(&mut Vec<u8>) -> usize) {
        let start = self.bytes.len();
        let mut flags = mark;
        // A byte for the length, if it is short.
        self.bytes.extend_from_slice(&[0, 0]);
        if id.ms != 0 {
            flags |= HAS_MS;
            varint::put(&mut self.bytes, id.ms);
        }
        if id.seq != 0 {
            flags |= HAS_SEQ;
            varint::put(&mut self.bytes, fold(id.seq));
        }
        self.bytes[start + 1] = flags;
        let mut listpack = 2 + listpack_bytes(id.ms) + listpack_bytes(id.seq);
        listpack += write(&mut self.bytes);
        let len = self.bytes.len() - start - 1;
        if len < 0x80 {
            self.bytes[start] = len as u8;
            self.bytes.push(len as u8);
        } else {
            self.put_long_length(start, len);
        }
        assert!(self.bytes.len() <= u32::MAX as usize, "a block is smaller than 4 GiB");
        self.listpack = u32::try_from(self.listpack as usize + listpack).unwrap_or(u32::MAX);
        if mark & DELETED == 0 {
            self.live += 1;
        } else {
            self.deleted += 1;
        }
    }

    #[cold]
    fn put_long_length(&mut self, start: usize, len: usize) {
        let mut number = Vec::new();
        varint::put(&mut number, len as u64);
        self.bytes.splice(start..=start, number.iter().copied());
        self.bytes.extend(number.iter().rev());
    }

    /// All entries in order, deleted ones too; `first` is the id of the first.
    #[inline]
    pub fn entries(&self, first: StreamId) -> Cursor<'_> {
        let (mut names, frames) = self.bytes.split_at(self.entries_at as usize);
        let count = varint::take(&mut names) as usize;
        Cursor { first, names, count, frames }
    }

    /// Marks entries as deleted: asks `judge` about each that is not, in order. Returns how many there were.
    pub(super) fn delete_where(&mut self, first: StreamId, mut judge: impl FnMut(StreamId) -> Verdict) -> usize {
        let (mut at, mut count) = (self.entries_at as usize, 0);
        while at < self.bytes.len() {
            let mut rest = &self.bytes[at..];
            let len = varint::take(&mut rest) as usize;
            let width = self.bytes.len() - at - rest.len();
            let (flags, id) = head(&mut rest, first);
            if flags & DELETED == 0 {
                match judge(id) {
                    Verdict::Keep => {}
                    Verdict::Delete => {
                        self.bytes[at + width] |= DELETED;
                        count += 1;
                    }
                    Verdict::Stop => break,
                }
            }
            at += 2 * width + len;
        }
        self.live -= count as u32;
        self.deleted += count as u32;
        count
    }

    /// Gives back room that is not used.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Panics unless the figures are those of the entries, which have rising ids.
    pub(super) fn check(&self, first: StreamId) {
        let (mut live, mut deleted, mut last) = (0, 0, None);
        let mut listpack = LISTPACK_FRAME + listpack_bytes(self.names().len() as u64) + listpack_bytes(0);
        listpack += self.names().map(|name| name.listpack_bytes()).sum::<usize>();
        for entry in self.entries(first) {
            assert!(last < Some(entry.id) && entry.id >= first, "{last:?}, {:?}", entry.id);
            last = Some(entry.id);
            *(if entry.is_deleted() { &mut deleted } else { &mut live }) += 1;
            let (ms, seq) = (entry.id.ms.wrapping_sub(first.ms), entry.id.seq.wrapping_sub(first.seq));
            let count = entry.len() as u64;
            listpack += 2 + listpack_bytes(ms) + listpack_bytes(seq);
            let own = |count| listpack_bytes(count) + listpack_bytes(2 * count + 4);
            listpack += if entry.has_names_of_block() { listpack_bytes(count + 3) } else { own(count) };
            for (name, value) in entry.fields() {
                let name = if entry.has_names_of_block() { 0 } else { name.listpack_bytes() };
                listpack += name + value.listpack_bytes();
            }
        }
        assert_eq!((live, deleted, listpack), (self.live, self.deleted, self.listpack as usize));
        let mut back: Vec<_> = self.entries(first).rev().map(|entry| entry.id).collect();
        back.reverse();
        assert!(back.into_iter().eq(self.entries(first).map(|entry| entry.id)), "it reads the same from its end");
    }
}

/// A difference of sequence numbers, most often small and sometimes below 0, as a number that is small whenever it is.
fn fold(difference: u64) -> u64 {
    (difference << 1) ^ ((difference as i64 >> 63) as u64)
}

fn unfold(number: u64) -> u64 {
    (number >> 1) ^ (number & 1).wrapping_neg()
}

/// Takes the flags and the id off the front of an entry.
#[inline]
fn head(bytes: &mut &[u8], first: StreamId) -> (u8, StreamId) {
    let flags = bytes[0];
    *bytes = &bytes[1..];
    let ms = if flags & HAS_MS == 0 { 0 } else { varint::take(bytes) };
    let seq = if flags & HAS_SEQ == 0 { 0 } else { unfold(varint::take(bytes)) };
    (flags, StreamId { ms: first.ms.wrapping_add(ms), seq: first.seq.wrapping_add(seq) })
}

/// The entries of a block that were not walked yet, from both ends.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    first: StreamId,
    names: &'a [u8],
    /// How many names.
    count: usize,
    frames: &'a [u8],
}

impl<'a> Cursor<'a> {
    #[inline]
    fn entry(&self, mut bytes: &'a [u8]) -> Entry<'a> {
        let (flags, id) = head(&mut bytes, self.first);
        let count = if flags & SAME == 0 { varint::take(&mut bytes) as usize } else { self.count };
        Entry { id, flags, count, names: self.names, elements: bytes }
    }
}

impl<'a> Iterator for Cursor<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        if self.frames.is_empty() {
            return None;
        }
        let mut rest = self.frames;
        let len = varint::take(&mut rest) as usize;
        let width = self.frames.len() - rest.len();
        let (own, rest) = rest.split_at(len);
        self.frames = &rest[width..];
        Some(self.entry(own))
    }
}

impl<'a> DoubleEndedIterator for Cursor<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<Entry<'a>> {
        let (mut len, mut width) = (0, 0);
        loop {
            // Only an empty buffer has no last byte: a length ends before the entry it is about.
            let byte = *self.frames.get(self.frames.len().wrapping_sub(1 + width))?;
            len |= usize::from(byte & 0x7f) << (7 * width);
            width += 1;
            if byte < 0x80 {
                break;
            }
        }
        let end = self.frames.len() - width;
        let own = &self.frames[end - len..end];
        self.frames = &self.frames[..end - len - width];
        Some(self.entry(own))
    }
}

/// An entry, borrowed from its block.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub id: StreamId,
    flags: u8,
    count: usize,
    names: &'a [u8],
    elements: &'a [u8],
}

impl<'a> Entry<'a> {
    #[inline]
    pub fn is_deleted(&self) -> bool {
        self.flags & DELETED != 0
    }

    /// Whether its names are kept with the block.
    #[inline]
    pub fn has_names_of_block(&self) -> bool {
        self.flags & SAME != 0
    }

    /// The number of fields.
    #[inline]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no field; an entry that a client adds has one.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The fields: names and values, in the order in which they were given.
    #[inline]
    pub fn fields(&self) -> Fields<'a> {
        let names = self.has_names_of_block().then_some(self.names);
        Fields { names, elements: self.elements, left: self.count }
    }
}

/// The fields of an entry.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    /// The names, if they are not among the elements.
    names: Option<&'a [u8]>,
    elements: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (PackedElement<'a>, PackedElement<'a>);

    #[inline]
    fn next(&mut self) -> Option<(PackedElement<'a>, PackedElement<'a>)> {
        self.left = self.left.checked_sub(1)?;
        let name = take(self.names.as_mut().unwrap_or(&mut self.elements));
        Some((name, take(&mut self.elements)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}
