//! An entry of a `Dict`: one allocation that holds the header, the key, and the value when it is small.
//!
//! ```text
//!  0        4      5      8            16           24
//! +--------+------+------+------------+------------+----------+-----------+-----------------+
//! | meta   | klen | vlen | [deadline] | [its cell] | [key len]| key bytes | body            |
//! +--------+------+------+------------+------------+----------+-----------+-----------------+
//!  lru:24|flags:8          HAS_DEADLINE              LONG_KEY               bytes, or 8 bytes
//! ```
//!
//! The body is nothing (UNIT), the bytes themselves (BYTES, `vlen` of them), bytes that have a tag (TAGGED, 9 bits of
//! `vlen` count them, the other 15 are the tag), an integer (INT), the address of a `Box<Blob>` (BLOB) or of a `Box<B>`
//! (BOXED), none of them aligned. A key of 256 bytes and more is long. The memory held is always `rounded(needed
//! bytes)`, so it need not be stored, and a value may grow in place to the end of its class. Entries with a deadline or
//! a long key are aligned to 8, others to 4.
//!
//! `meta` is atomic, for readers that share a `Dict` may note an access; all else changes under exclusive access only.
//!
//! Members of sets are many, and have neither value nor deadline: an entry of kind UNIT without a deadline, whose key
//! has less than 256 bytes, is *compact*. It has no access data; noting an access does nothing.
//!
//! ```text
//!  0       1       2
//! +-------+-------+-----------+
//! | flags | klen  | key bytes |
//! +-------+-------+-----------+
//! ```
//!
//! `Raw` is a pointer with an invariant: it points to a live, initialised entry. Making one is unsafe; its methods rely
//! on it. Nothing outside this folder sees it.

use super::slab::{SLAB_MAX, SLAB_MIN, Slab};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Kinds of body, the lowest three flags.
pub(super) const UNIT: u8 = 0;
pub(super) const INT: u8 = 1;
pub(super) const BYTES: u8 = 2;
pub(super) const BLOB: u8 = 3;
pub(super) const BOXED: u8 = 4;
pub(super) const TAGGED: u8 = 5;
const KIND: u8 = 7;
const HAS_DEADLINE: u8 = 1 << 3;
const LONG_KEY: u8 = 1 << 4;
const USER: u8 = 1 << 5;
const IN_SLAB: u8 = 1 << 6;
const COMPACT: u8 = 1 << 7;

const HEADER: usize = 8;
const COMPACT_HEADER: usize = 2;
const _: () = assert!(cfg!(target_endian = "little"), "the flags are the first byte of `meta`");
const DEADLINE_BYTES: usize = 16;
/// `klen` and `vlen`, as one word.
const LENGTHS_AT: usize = 4;
const KLEN_BITS: u32 = 8;
/// Of `vlen` of tagged bytes, what counts them.
const TAGGED_BITS: u32 = 9;

/// Bytes values of this length and more live outside their entry.
pub(super) const BLOB_MIN: usize = 16 * 1024;
/// The most tagged bytes, and the highest tag.
pub(super) const TAGGED_MAX: usize = (1 << TAGGED_BITS) - 1;
pub(super) const TAG_MAX: u16 = u16::MAX >> 1;
const _: () = assert!(KLEN_BITS + TAGGED_BITS + TAG_MAX.count_ones() == u32::BITS && BLOB_MIN < 1 << 24);

/// The memory that is taken for so many bytes: a multiple of `align` (4 or 8), above 512 one of four steps to a
/// doubling.
#[inline]
pub(super) fn rounded(bytes: usize, align: usize) -> usize {
    if bytes <= SLAB_MAX {
        ((bytes + align - 1) & !(align - 1)).max(SLAB_MIN)
    } else {
        let step = (1 << (bytes - 1).ilog2()) / 4;
        bytes.div_ceil(step) * step
    }
}

/// Where entries' memory comes from, and how much of it there is.
pub(super) struct Heap {
    /// Made when the `Dict` has enough entries to fill pages.
    pub(super) slab: Option<Box<Slab>>,
    /// Entries outside the slab, and their bytes.
    pub(super) loose: usize,
    loose_bytes: usize,
}

impl Heap {
    pub(super) const fn new() -> Heap {
        Heap { slab: None, loose: 0, loose_bytes: 0 }
    }

    pub(super) fn bytes(&self) -> usize {
        self.loose_bytes + self.slab.as_ref().map_or(0, |slab| slab.bytes())
    }

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, 8).expect("an entry is smaller than the address space")
    }

    /// Memory of `bytes` (already rounded); returns whether it is of the slab.
    #[inline]
    fn alloc(&mut self, bytes: usize) -> (NonNull<u8>, bool) {
        if let Some(slab) = &mut self.slab
            && bytes <= SLAB_MAX
        {
            return (slab.alloc(bytes), true);
        }
        self.loose += 1;
        self.loose_bytes += bytes;
        let layout = Heap::layout(bytes);
        // SAFETY: an entry has a header, so the layout has a size.
        match NonNull::new(unsafe { alloc(layout) }) {
            Some(memory) => (memory, false),
            None => handle_alloc_error(layout),
        }
    }

    /// # Safety
    /// `memory` came from `alloc` of this heap with these figures, and is not used any more.
    #[inline]
    unsafe fn free(&mut self, memory: NonNull<u8>, bytes: usize, in_slab: bool) {
        if in_slab {
            let slab = self.slab.as_mut().expect("what a slab gave is freed before it");
            // SAFETY: as the caller promises.
            unsafe { slab.free(memory) };
        } else {
            self.loose -= 1;
            self.loose_bytes -= bytes;
            // SAFETY: as the caller promises.
            unsafe { dealloc(memory.as_ptr(), Heap::layout(bytes)) };
        }
    }
}

/// What an entry is besides its bytes; its memory follows from that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) kind: u8,
    pub(super) key_len: usize,
    pub(super) body_len: usize,
    /// Of tagged bytes; 0 of all else.
    pub(super) tag: u16,
    pub(super) deadline: bool,
}

impl Shape {
    #[inline]
    fn long_key(self) -> bool {
        self.key_len > usize::from(u8::MAX)
    }

    /// Whether the entry has the short header.
    #[inline]
    pub(super) fn compact(self) -> bool {
        self.kind == UNIT && !self.deadline && self.key_len <= usize::from(u8::MAX)
    }

    /// The word `vlen`.
    #[inline]
    fn vlen(self) -> u32 {
        match self.kind {
            BYTES | TAGGED => self.body_len as u32 | u32::from(self.tag) << TAGGED_BITS,
            _ => 0,
        }
    }

    #[inline]
    pub(super) fn bytes(self) -> usize {
        if self.compact() {
            return rounded(COMPACT_HEADER + self.key_len, 4);
        }
        let extra = usize::from(self.deadline) * DEADLINE_BYTES + usize::from(self.long_key()) * 8;
        // Without those two, nothing in an entry is aligned to more than the 4 bytes of `meta`.
        let align = if extra == 0 { 4 } else { 8 };
        rounded(HEADER + extra + self.key_len + self.body_len, align)
    }
}

/// A pointer to a live entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Raw(NonNull<u8>);

impl Raw {
    /// # Safety
    /// `address` came from `Raw::address` of an entry that is still live.
    #[inline(always)]
    pub(super) unsafe fn from_address(address: u64) -> Raw {
        let pointer = ptr::with_exposed_provenance_mut(address as usize);
        // SAFETY: an entry's address is not null.
        Raw(unsafe { NonNull::new_unchecked(pointer) })
    }

    pub(super) fn address(self) -> u64 {
        super::table::expose(self.0)
    }

    /// Makes an entry with this key and this start of its body, the rest of which is zero. The deadline, if any, is for
    /// `set_deadline` and `set_cell`.
    #[inline]
    pub(super) fn new(heap: &mut Heap, key: &[u8], body: &[u8], shape: Shape) -> Raw {
        assert!(key.len() == shape.key_len && body.len() <= shape.body_len);
        let (memory, in_slab) = heap.alloc(shape.bytes());
        let mut flags = shape.kind;
        if in_slab {
            flags |= IN_SLAB;
        }
        if shape.deadline {
            flags |= HAS_DEADLINE;
        }
        if shape.long_key() {
            flags |= LONG_KEY;
        }
        let raw = Raw(memory);
        if shape.compact() {
            // SAFETY: the memory is ours, has 8 bytes at least and `shape.bytes()`, and is aligned to 4. The first four
            // bytes are written as one, for they are read so; the key then takes its part of them.
            unsafe {
                let meta = u32::from(flags | COMPACT) | (key.len() as u32) << 8;
                memory.cast::<AtomicU32>().write(AtomicU32::new(meta));
                let start = memory.add(COMPACT_HEADER);
                start.copy_from_nonoverlapping(NonNull::from(key).cast(), key.len());
            }
            return raw;
        }
        let klen = if shape.long_key() { 0 } else { key.len() as u32 };
        // SAFETY: the memory is ours and has `shape.bytes()`, in which header, extras, key and body lie one after the
        // other; it is aligned to 4, and to 8 where a field wants that. All that can be read is written.
        unsafe {
            let meta = AtomicU32::new(u32::from(flags));
            memory.cast::<AtomicU32>().write(meta);
            memory.add(LENGTHS_AT).cast::<u32>().write(klen | shape.vlen() << KLEN_BITS);
            let mut start = memory.add(HEADER);
            if shape.deadline {
                start.cast::<[u64; 2]>().write([0, 0]);
                start = start.add(DEADLINE_BYTES);
            }
            if shape.long_key() {
                start.cast::<u64>().write(key.len() as u64);
                start = start.add(8);
            }
            start.copy_from_nonoverlapping(NonNull::from(key).cast(), key.len());
            start = start.add(key.len());
            start.copy_from_nonoverlapping(NonNull::from(body).cast(), body.len());
            start.add(body.len()).write_bytes(0, shape.body_len - body.len());
        }
        raw
    }

    /// Copies an entry that owns nothing and has no deadline.
    pub(super) fn duplicate(self, heap: &mut Heap) -> Raw {
        assert!(matches!(self.kind(), UNIT | INT | BYTES | TAGGED) && !self.has_deadline());
        let bytes = self.shape().bytes();
        let (memory, in_slab) = heap.alloc(bytes);
        // SAFETY: both have `bytes`, and the new memory is nobody else's. The body is no address, so it may be there
        // twice.
        unsafe { memory.copy_from_nonoverlapping(self.0, bytes) };
        let new = Raw(memory);
        new.change_flags(IN_SLAB, if in_slab { IN_SLAB } else { 0 });
        new
    }

    /// Copies an entry that is outside the slab into it, and frees the old one.
    ///
    /// # Safety
    /// No copy of this pointer is used any more, but for the wheel's, and the entry was made from `heap`.
    pub(super) unsafe fn moved_into_slab(self, heap: &mut Heap) -> Raw {
        let bytes = self.shape().bytes();
        let (memory, in_slab) = heap.alloc(bytes);
        // SAFETY: both have `bytes`, and the new memory is nobody else's.
        unsafe { memory.copy_from_nonoverlapping(self.0, bytes) };
        let new = Raw(memory);
        // SAFETY: as the caller promises.
        unsafe { self.free(heap) };
        new.change_flags(IN_SLAB, if in_slab { IN_SLAB } else { 0 });
        new
    }

    /// Frees the entry's memory; what its body owns must have been taken over before.
    ///
    /// # Safety
    /// No copy of this pointer is used any more, and the entry was made from `heap`.
    #[inline]
    pub(super) unsafe fn free(self, heap: &mut Heap) {
        let in_slab = self.flags() & IN_SLAB != 0;
        // SAFETY: the figures are those of `new`, or of a later shape in the same class.
        unsafe { heap.free(self.0, self.shape().bytes(), in_slab) };
    }

    #[inline(always)]
    fn meta<'a>(self) -> &'a AtomicU32 {
        // SAFETY: the entry is live and its first four bytes are only ever used as this atomic.
        unsafe { self.0.cast::<AtomicU32>().as_ref() }
    }

    #[inline(always)]
    pub(super) fn flags(self) -> u8 {
        self.meta().load(Relaxed) as u8
    }

    fn change_flags(self, clear: u8, set: u8) {
        let meta = self.meta().load(Relaxed);
        self.meta().store(meta & !u32::from(clear) | u32::from(set), Relaxed);
    }

    #[inline(always)]
    pub(super) fn lru(self) -> u32 {
        let meta = self.meta().load(Relaxed);
        if meta as u8 & COMPACT != 0 { 0 } else { meta >> 8 }
    }

    /// Notes an access. Readers may race here: flags change under exclusive access only, so a lost update costs
    /// one of two access times.
    #[inline(always)]
    pub(super) fn set_lru(self, lru: u32) {
        let flags = self.meta().load(Relaxed) & 0xff;
        if flags as u8 & COMPACT == 0 {
            self.meta().store(lru << 8 | flags, Relaxed);
        }
    }

    pub(super) fn user_flag(self) -> bool {
        self.flags() & USER != 0
    }

    pub(super) fn set_user_flag(self, on: bool) {
        self.change_flags(USER, if on { USER } else { 0 });
    }

    #[inline(always)]
    pub(super) fn kind(self) -> u8 {
        self.flags() & KIND
    }

    pub(super) fn is_loose(self) -> bool {
        self.flags() & IN_SLAB == 0
    }

    #[inline(always)]
    pub(super) fn has_deadline(self) -> bool {
        self.flags() & HAS_DEADLINE != 0
    }

    #[inline(always)]
    fn key_offset(self) -> usize {
        let flags = usize::from(self.flags());
        // HAS_DEADLINE is 8, LONG_KEY is 16 and COMPACT 128: what they add and spare follows without a branch.
        HEADER + (flags & 8) * 2 + (flags & 16) / 2 - (flags >> 7) * (HEADER - COMPACT_HEADER)
    }

    #[inline(always)]
    fn key_len(self) -> usize {
        let flags = self.flags();
        // SAFETY: the header is initialised, and so is the long length where the flag says that it is there.
        unsafe {
            if flags & LONG_KEY == 0 {
                let at = if flags & COMPACT == 0 { LENGTHS_AT } else { 1 };
                usize::from(self.0.add(at).read())
            } else {
                self.0.add(self.key_offset() - 8).cast::<u64>().read() as usize
            }
        }
    }

    /// The key. The caller bounds the lifetime to that of the entry.
    #[inline(always)]
    pub(super) fn key<'a>(self) -> &'a [u8] {
        // SAFETY: the key's bytes follow the header and the extras, and never change.
        unsafe {
            let start = self.0.add(self.key_offset());
            std::slice::from_raw_parts(start.as_ptr(), self.key_len())
        }
    }

    /// The word `vlen`, of an entry that is not compact.
    #[inline(always)]
    fn vlen(self) -> u32 {
        // SAFETY: the header is initialised.
        unsafe { self.0.add(LENGTHS_AT).cast::<u32>().read() >> KLEN_BITS }
    }

    #[inline(always)]
    pub(super) fn body_len(self) -> usize {
        match self.kind() {
            UNIT => 0,
            BYTES => self.vlen() as usize,
            TAGGED => self.vlen() as usize & TAGGED_MAX,
            _ => 8,
        }
    }

    #[inline]
    pub(super) fn shape(self) -> Shape {
        let (kind, deadline) = (self.kind(), self.has_deadline());
        let tag = if kind == TAGGED { self.tag() } else { 0 };
        Shape { kind, key_len: self.key_len(), body_len: self.body_len(), tag, deadline }
    }

    /// Sets what the body is, all else in the shape being as it was. The entry's memory has room for it, and the caller
    /// fills it.
    #[inline]
    fn set_body_shape(self, shape: Shape) {
        if matches!(shape.kind, BYTES | TAGGED) {
            // SAFETY: the word lies in the entry's header, which only entries without a value do not have.
            let lengths = unsafe { self.0.add(LENGTHS_AT).cast::<u32>().as_mut() };
            *lengths = *lengths & u32::from(u8::MAX) | shape.vlen() << KLEN_BITS;
        }
        self.change_flags(KIND, shape.kind);
    }

    /// The body. The caller bounds the lifetime to that of the entry and of its borrow.
    #[inline(always)]
    pub(super) fn body<'a>(self) -> &'a [u8] {
        // SAFETY: `body_len` bytes follow the key, all initialised.
        unsafe {
            let start = self.0.add(self.key_offset() + self.key_len());
            std::slice::from_raw_parts(start.as_ptr(), self.body_len())
        }
    }

    /// The body, to be changed. The caller has exclusive access to the `Dict`.
    #[inline(always)]
    pub(super) fn body_mut<'a>(self) -> &'a mut [u8] {
        // SAFETY: as in `body`; the caller's exclusive access makes it the only reference.
        unsafe {
            let start = self.0.add(self.key_offset() + self.key_len());
            std::slice::from_raw_parts_mut(start.as_ptr(), self.body_len())
        }
    }

    /// The body as a number: an integer, or an address.
    #[inline(always)]
    pub(super) fn word(self) -> u64 {
        debug_assert!(matches!(self.kind(), INT | BLOB | BOXED));
        // SAFETY: bodies of these kinds have 8 bytes.
        unsafe {
            let start = self.0.add(self.key_offset() + self.key_len());
            start.cast::<u64>().read_unaligned()
        }
    }

    /// Grows or shrinks a bytes body within the entry's class; new bytes are zero.
    pub(super) fn resize_in_place(self, len: usize) {
        let old = self.body_len();
        self.set_body_shape(Shape { body_len: len, ..self.shape() });
        if len > old {
            // SAFETY: the caller found that `len` bytes are in the entry's class.
            unsafe {
                let start = self.0.add(self.key_offset() + self.key_len());
                start.add(old).write_bytes(0, len - old);
            }
        }
    }

    /// The tag of a TAGGED body.
    #[inline]
    pub(super) fn tag(self) -> u16 {
        debug_assert_eq!(self.kind(), TAGGED);
        (self.vlen() >> TAGGED_BITS) as u16
    }

    /// Makes the body this one without moving the entry.
    #[inline]
    pub(super) fn refill(self, shape: Shape, body: &[u8]) {
        debug_assert_eq!(body.len(), shape.body_len);
        self.set_body_shape(shape);
        // SAFETY: the caller found that the body is in the entry's class; `body` is not part of a `Dict`
        // that the caller holds exclusively.
        unsafe {
            let start = self.0.add(self.key_offset() + self.key_len());
            start.copy_from_nonoverlapping(NonNull::from(body).cast(), body.len());
        }
    }

    #[inline(always)]
    pub(super) fn deadline(self) -> Option<u64> {
        // SAFETY: the flag says that the field is there.
        self.has_deadline().then(|| unsafe { self.0.add(HEADER).cast::<u64>().read() })
    }

    pub(super) fn set_deadline(self, deadline: u64) {
        assert!(self.has_deadline());
        // SAFETY: the field is there.
        unsafe { self.0.add(HEADER).cast::<u64>().write(deadline) };
    }

    /// Where the wheel holds this entry; 0 while it does not.
    pub(super) fn cell(self) -> u64 {
        assert!(self.has_deadline());
        // SAFETY: the field is there.
        unsafe { self.0.add(HEADER + 8).cast::<u64>().read() }
    }

    pub(super) fn set_cell(self, cell: u64) {
        assert!(self.has_deadline());
        // SAFETY: the field is there.
        unsafe { self.0.add(HEADER + 8).cast::<u64>().write(cell) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_in_classes() {
        assert_eq!([1, 8, 9, 511, 512].map(|bytes| rounded(bytes, 8)), [8, 8, 16, 512, 512]);
        assert_eq!([1, 8, 9, 508, 509].map(|bytes| rounded(bytes, 4)), [8, 8, 12, 508, 512]);
        assert_eq!([513, 640, 641, 1024, 1025].map(|bytes| rounded(bytes, 8)), [640, 640, 768, 1024, 1280]);
        for bytes in 1..40_000 {
            for align in [4, 8] {
                let class = rounded(bytes, align);
                assert!(class >= bytes && rounded(class, align) == class && class.is_multiple_of(align));
                assert!(class - bytes < 8.max(bytes / 4));
            }
        }
    }

    #[test]
    fn entries_keep_what_they_are_given() {
        let mut heap = Heap::new();
        for key_len in [0, 1, 7, 255, 256, 100_000] {
            for deadline in [false, true] {
                let key = vec![7; key_len];
                let shape = Shape { kind: BYTES, key_len, body_len: 3, tag: 0, deadline };
                let raw = Raw::new(&mut heap, &key, b"abc", shape);
                raw.set_lru(0xab_cdef);
                raw.set_user_flag(true);
                assert_eq!((raw.key(), raw.body()), (&key[..], &b"abc"[..]));
                assert_eq!((raw.lru(), raw.user_flag()), (0xab_cdef, true));
                assert_eq!(raw.deadline(), deadline.then_some(0));
                assert!(raw.shape() == shape);
                // SAFETY: the entry is of this heap, and this is its last use.
                unsafe { raw.free(&mut heap) };
            }
        }
        assert_eq!((heap.loose, heap.bytes()), (0, 0));
    }

    #[test]
    fn a_tag_takes_no_memory_of_its_own() {
        let mut heap = Heap::new();
        for (body_len, tag) in [(0, 0), (0, TAG_MAX), (TAGGED_MAX, 1), (TAGGED_MAX, TAG_MAX)] {
            let body = vec![0xff; body_len];
            let shape = Shape { kind: TAGGED, key_len: 4, body_len, tag, deadline: false };
            let raw = Raw::new(&mut heap, b"abcd", &body, shape);
            assert_eq!(heap.bytes(), rounded(HEADER + 4 + body_len, 4));
            assert_eq!((raw.key(), raw.body(), raw.tag()), (&b"abcd"[..], &body[..], tag));
            assert!(raw.shape() == shape);
            // SAFETY: the entry is of this heap, and this is its last use.
            unsafe { raw.free(&mut heap) };
        }
    }

    #[test]
    fn entries_of_nothing_have_a_short_header() {
        let mut heap = Heap::new();
        for (key_len, compact) in [(0, 8), (1, 8), (6, 8), (7, 12), (10, 12), (255, 260)] {
            for (deadline, bytes) in [(false, compact), (true, rounded(24 + key_len, 8))] {
                let key: Vec<u8> = (0..key_len).map(|at| at as u8).collect();
                let shape = Shape { kind: UNIT, key_len, body_len: 0, tag: 0, deadline };
                let raw = Raw::new(&mut heap, &key, b"", shape);
                assert_eq!(heap.bytes(), bytes);
                raw.set_lru(0xab_cdef);
                raw.set_user_flag(true);
                assert_eq!((raw.key(), raw.lru()), (&key[..], if deadline { 0xab_cdef } else { 0 }));
                assert!(raw.user_flag() && raw.shape() == shape && raw.kind() == UNIT);
                // SAFETY: the entry is of this heap, and this is its last use.
                unsafe { raw.free(&mut heap) };
            }
        }
        let long = Shape { kind: UNIT, key_len: 256, body_len: 0, tag: 0, deadline: false };
        assert_eq!(long.bytes(), 272);
        assert_eq!((heap.loose, heap.bytes()), (0, 0));
    }
}
