//! The table of a `Dict`: hashes to entry pointers. It never looks into an entry.
//!
//! ```text
//! directory (linear hashing by the hash's low bits)
//!   [segment 0] [segment 1] ... [segment n-1]          about 256 entries for each
//!        |
//!        v  lines of 64 bytes, as many as the segment's entries need
//!   +--------+--------+--------+-- ... --+
//!   | line 0 | line 1 | line 2 |         |
//!   +--------+--------+--------+-- ... --+
//!        |
//!        v
//!   { tags: [u8; 7], spill: u8, slots: [u64; 7] }
//! ```
//!
//! **Why two steps.** Plain linear hashing over 64-byte buckets cannot be dense: half-way through a sweep the buckets
//! not yet split hold twice what the others do, and even evenly filled buckets of 7 chain so often that an
//! entry costs 13 bytes and more. So a bucket of the linear hashing is a *segment* here, a small closed table that
//! grows in steps of a fifth when 90% full: about 11 bytes for an entry at any size. The largest single
//! work is to rewrite one segment, some 600 slots, a few microseconds; nothing is ever rehashed as a whole.
//!
//! **In a segment** a hash has a 16-bit position (8 bits of its own, then the tag); `position * lines >> 16` is its
//! home line, so the order of positions is the order of home lines at any size. An entry whose home is full goes to the
//! next line with room (the last wraps to the first), and `spill` of every line it passed counts it: a search
//! goes on past a line only while its `spill` is not zero. A spill that reaches 255 stays until the segment is
//! rewritten.
//!
//! **A slot** is the entry's address (48 bits), bits 5..13 of the hash, and bits 32..40 (the position's upper
//! half). With the tag and the segment's number, that is all a rewrite needs; a split needs bit number `log2 n`, which
//! is in the slot for tables of 8 Ki to 2 Mi entries; below (where all is in the cache) and above, the key is hashed
//! again.
//!
//! **Scan** goes over 32 ranges of positions; in each over the segments in the order of their reversed index bits. What
//! was visited is always a prefix in that order, whatever splits, merges or rewrites happen in between.
//!
//! **Walk** goes over whole segments in that order. A place in it is a hash, so that what was visited is known even of
//! a segment that was merged since from one that was and one that was not.
//!
//! **Snapshots** mark, for each segment, the ranges that they have saved: a range in a segment is what one step of a
//! scan visits. Rewrites and splits carry the marks along; merges, which could not, wait for the end.
//!
//! Tags are compared all at once within one `u64`; no vector instructions are needed for 7 bytes.

use crate::prefetch::prefetch_read;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::{self, NonNull};

/// Entries in a line.
const WIDTH: usize = 7;
/// A split happens when a segment holds more than this on average.
const SPLIT_ABOVE: usize = 256;
/// A merge happens when it holds less.
const MERGE_BELOW: usize = 80;
const CHUNK: usize = 1024;
/// The first of the eight low bits of the hash that a slot carries.
const WINDOW_FROM: u32 = 5;
const ADDRESS: u64 = (1 << 48) - 1;
/// Ranges of positions that a scan visits one by one; a power of two.
const RANGES: u64 = 32;
const RANGE_WIDTH: u64 = (1 << 16) / RANGES;
const _: () = assert!(RANGES == u32::BITS as u64, "a segment marks its ranges in 32 bits");
/// The end of the order of reversed hashes: see [`order_of`].
pub(super) const ORDER_END: u64 = 1 << 32;
const LOW7: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const TAGS: u64 = 0x0080_8080_8080_8080;

#[repr(C, align(64))]
struct Line {
    /// Bytes 0 to 6 are the tags of the slots (0: empty), byte 7 is the spill count.
    control: u64,
    slots: [u64; WIDTH],
}

const _: () = assert!(size_of::<Line>() == 64);

/// Marks with 0x80 each of the 7 tags that equals `tag`, and no other byte.
#[inline(always)]
fn matches(control: u64, tag: u8) -> u64 {
    let differing = control ^ (u64::from(tag) * 0x0101_0101_0101_0101);
    !(((differing & LOW7) + LOW7) | differing | LOW7) & TAGS
}

/// Marks the slots that are in use.
#[inline(always)]
fn in_use(control: u64) -> u64 {
    !matches(control, 0) & TAGS
}

#[inline(always)]
fn slot_of(mark: u64) -> usize {
    mark.trailing_zeros() as usize / 8
}

#[inline(always)]
fn tag_of(hash: u64) -> u8 {
    ((hash >> 56) as u8).max(1)
}

#[inline(always)]
fn tag_at(control: u64, slot: usize) -> u8 {
    (control >> (slot * 8)) as u8
}

/// The bits of the hash that a slot carries.
#[inline(always)]
fn carried(hash: u64) -> u64 {
    ((hash >> WINDOW_FROM) & 0xff) << 48 | ((hash >> 32) & 0xff) << 56
}

#[inline(always)]
fn position_of(slot: u64, tag: u8) -> u64 {
    (slot >> 56) << 8 | u64::from(tag)
}

/// The place of a hash in the order of reversed hashes: by its lowest bit first. A segment is a part of that order
/// without gaps.
#[inline(always)]
pub(super) fn order_of(hash: u64) -> u64 {
    u64::from((hash as u32).reverse_bits())
}

#[inline(always)]
fn home_of(position: u64, lines: u32) -> usize {
    ((position * u64::from(lines)) >> 16) as usize
}

/// The number of a hash's segment among so many, of which `mask` is the power of two above or equal, less one.
#[inline(always)]
fn index_among(segments: usize, mask: usize, hash: u64) -> usize {
    let index = hash as usize & mask;
    if index < segments { index } else { index & (mask >> 1) }
}

/// The entries that a segment of so many lines may hold.
fn limit(lines: u32) -> usize {
    if lines == 1 { WIDTH } else { lines as usize * 63 / 10 }
}

/// The next larger size of a segment: four steps to a doubling, as allocators like it.
fn next_size(lines: u32) -> u32 {
    if lines < 8 { lines + 1 } else { lines + (1 << lines.ilog2()) / 4 }
}

/// The smallest size for so many entries.
fn size_for(len: usize) -> u32 {
    let least = (len * 10).div_ceil(63).max(1) as u32;
    if least <= 8 {
        return if len <= WIDTH { 1 } else { least };
    }
    let step = (1 << (least - 1).ilog2()) / 4;
    least.next_multiple_of(step)
}

/// Lines that `Fill` counts; larger segments have hostile hashes.
const FILL: usize = 128;
type Fill = [u8; FILL];

struct Segment {
    lines: NonNull<Line>,
    count: u32,
    len: u32,
    /// Ranges that the snapshot of this number has saved; those of another number say nothing.
    snapshot: u32,
    saved: u32,
}

impl Segment {
    fn layout(count: u32) -> Layout {
        Layout::array::<Line>(count as usize).expect("a segment fits in memory")
    }

    fn new(count: u32) -> Segment {
        let layout = Segment::layout(count);
        // SAFETY: a segment has a line at least, so the layout has a size.
        let memory = unsafe { alloc_zeroed(layout) };
        let Some(lines) = NonNull::new(memory.cast::<Line>()) else { handle_alloc_error(layout) };
        Segment { lines, count, len: 0, snapshot: 0, saved: 0 }
    }

    fn copied(&self) -> Segment {
        let mut copy = Segment::new(self.count);
        copy.len = self.len;
        for (index, line) in self.lines().iter().enumerate() {
            *copy.line_mut(index) = Line { control: line.control, slots: line.slots };
        }
        copy
    }

    #[inline(always)]
    fn line(&self, index: usize) -> &Line {
        debug_assert!(index < self.count as usize);
        // SAFETY: all lines were zeroed, which is a valid line, and callers give an index below `count`.
        unsafe { self.lines.add(index).as_ref() }
    }

    #[inline(always)]
    fn line_mut(&mut self, index: usize) -> &mut Line {
        debug_assert!(index < self.count as usize);
        // SAFETY: as above; the segment is borrowed exclusively.
        unsafe { self.lines.add(index).as_mut() }
    }

    #[inline(always)]
    fn after(&self, line: usize) -> usize {
        if line + 1 == self.count as usize { 0 } else { line + 1 }
    }

    fn lines(&self) -> &[Line] {
        // SAFETY: `count` lines, all initialised.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr(), self.count as usize) }
    }

    /// Puts a slot in; the segment has room.
    #[inline]
    fn place(&mut self, slot: u64, tag: u8) -> (usize, usize) {
        debug_assert!((self.len as usize) < self.count as usize * WIDTH);
        let mut index = home_of(position_of(slot, tag), self.count);
        loop {
            let line = self.line_mut(index);
            let empty = matches(line.control, 0);
            if empty != 0 {
                let free = slot_of(empty);
                line.control |= u64::from(tag) << (free * 8);
                line.slots[free] = slot;
                self.len += 1;
                return (index, free);
            }
            if line.control >> 56 != 255 {
                line.control += 1 << 56;
            }
            index = self.after(index);
        }
    }

    fn clear_slot(&mut self, at: usize, slot: usize) {
        let line = self.line_mut(at);
        let tag = tag_at(line.control, slot);
        let mut index = home_of(position_of(line.slots[slot], tag), self.count);
        let line = self.line_mut(at);
        line.control &= !(0xff << (slot * 8));
        line.slots[slot] = 0;
        self.len -= 1;
        while index != at {
            let passed = self.line_mut(index);
            if passed.control >> 56 != 255 {
                passed.control -= 1 << 56;
            }
            index = self.after(index);
        }
    }

    /// As `place`, into a segment that is only being filled: `fill` counts what its first lines hold, which spares
    /// to wait for the tags just written.
    #[inline(always)]
    fn fill(&mut self, fill: &mut Fill, slot: u64, tag: u8) {
        let home = home_of(position_of(slot, tag), self.count);
        if let Some(held) = fill.get_mut(home)
            && usize::from(*held) < WIDTH
        {
            let free = usize::from(*held);
            *held += 1;
            let line = self.line_mut(home);
            line.control |= u64::from(tag) << (free * 8);
            line.slots[free] = slot;
            self.len += 1;
            return;
        }
        let (index, _) = self.place(slot, tag);
        if let Some(held) = fill.get_mut(index) {
            *held += 1;
        }
    }

    /// Puts all slots into `target`, which has room for them.
    fn pour(&self, target: &mut Segment, fill: &mut Fill) {
        for line in self.lines() {
            let mut used = in_use(line.control);
            while used != 0 {
                let slot = slot_of(used);
                target.fill(fill, line.slots[slot], tag_at(line.control, slot));
                used &= used - 1;
            }
        }
    }

    /// Sorts the slots into two new segments: those that `goes` into the second.
    fn parted(&self, goes: &mut dyn FnMut(u64) -> bool) -> (Segment, Segment) {
        // A byte for each line, with a bit for each slot that goes.
        let mut going = Vec::with_capacity(self.count as usize);
        let mut gone = 0;
        for (number, line) in self.lines().iter().enumerate() {
            let mut marks = 0u8;
            let mut used = in_use(line.control);
            while used != 0 {
                let slot = slot_of(used);
                marks |= u8::from(goes(line.slots[slot])) << slot;
                used &= used - 1;
            }
            // Should `goes` read entries, they are at hand two lines from here.
            if let Some(later) = self.lines().get(number + 2) {
                later.slots.iter().for_each(|slot| prefetch_entry(*slot));
            }
            gone += marks.count_ones();
            going.push(marks);
        }
        let mut stay = Segment::new(size_for((self.len - gone) as usize + 1));
        let mut go = Segment::new(size_for(gone as usize + 1));
        let mut fills = [[0; FILL]; 2];
        for (line, marks) in self.lines().iter().zip(going) {
            let mut used = in_use(line.control);
            while used != 0 {
                let slot = slot_of(used);
                let (target, fill) =
                    if marks >> slot & 1 == 1 { (&mut go, &mut fills[1]) } else { (&mut stay, &mut fills[0]) };
                target.fill(fill, line.slots[slot], tag_at(line.control, slot));
                used &= used - 1;
            }
        }
        (stay, go)
    }
}

fn prefetch_entry(slot: u64) {
    let address = (slot & ADDRESS) as usize;
    prefetch_read(std::ptr::without_provenance::<u8>(address));
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: the memory came from `alloc_zeroed` with this layout; lines own nothing.
        unsafe { dealloc(self.lines.as_ptr().cast(), Segment::layout(self.count)) };
    }
}

/// An address that a slot can carry, with its provenance exposed.
pub(super) fn expose<T>(pointer: NonNull<T>) -> u64 {
    let address = pointer.as_ptr().expose_provenance() as u64;
    assert!(address <= ADDRESS, "addresses have 48 bits");
    address
}

/// What a hash's home line tells about it.
pub(super) enum Glance {
    /// It is not in the table.
    Absent,
    /// This address is there under its tag and carried bits; another one may be meant.
    Probable(u64),
    /// The search would go on in the next line, which was asked for.
    Spilled,
}

/// Where a slot is; good until the table next changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct At {
    segment: usize,
    line: u32,
    slot: u32,
}

/// Figures about a table, for DEBUG commands and tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Segments of the linear hashing.
    pub segments: usize,
    /// Buckets of 64 bytes with room for 7 entries.
    pub buckets: usize,
    /// Buckets past which a search goes on.
    pub spilled_buckets: usize,
    /// Entries that are not in their home bucket.
    pub displaced: usize,
    /// The most buckets a search for a present key reads.
    pub longest_chain: usize,
}

/// The table. All addresses are of the caller's making: it only stores and compares them.
pub(crate) struct Table {
    /// Segments in chunks, so that adding one never moves many.
    directory: Vec<Vec<Segment>>,
    /// Segments; a power of two above or equal, less one; entries.
    segments: usize,
    mask: usize,
    len: usize,
    line_bytes: usize,
    /// No segment ever had more lines; bounds the draws of `random`.
    most_lines: u32,
    /// The number of the last snapshot, and whether it goes on.
    snapshot: u32,
    in_snapshot: bool,
}

impl Table {
    pub(crate) const fn new() -> Table {
        Table {
            directory: Vec::new(),
            segments: 0,
            mask: 0,
            len: 0,
            line_bytes: 0,
            most_lines: 0,
            snapshot: 0,
            in_snapshot: false,
        }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn bytes(&self) -> usize {
        let chunks = self.directory.capacity() * size_of::<Vec<Segment>>();
        let last = self.directory.last().map_or(0, Vec::capacity);
        let full = self.directory.len().saturating_sub(1) * CHUNK;
        chunks + (last + full) * size_of::<Segment>() + self.line_bytes
    }

    #[inline(always)]
    fn index_of(&self, hash: u64) -> usize {
        index_among(self.segments, self.mask, hash)
    }

    #[inline(always)]
    fn segment(&self, index: usize) -> &Segment {
        debug_assert!(index < self.segments);
        // SAFETY: the directory holds `segments` segments in full chunks and a last one, and callers' indices are
        // below.
        unsafe { self.directory.get_unchecked(index / CHUNK).get_unchecked(index % CHUNK) }
    }

    #[inline(always)]
    fn segment_mut(&mut self, index: usize) -> &mut Segment {
        debug_assert!(index < self.segments);
        // SAFETY: as above.
        unsafe { self.directory.get_unchecked_mut(index / CHUNK).get_unchecked_mut(index % CHUNK) }
    }

    /// Finds the slot of `hash` whose address satisfies `same`. That is asked of addresses under this hash's tag
    /// and carried bits only, so rarely of a wrong one.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u64, mut same: impl FnMut(u64) -> bool) -> Option<(At, u64)> {
        if self.len == 0 {
            return None;
        }
        let index = self.index_of(hash);
        let segment = self.segment(index);
        let (tag, carried) = (tag_of(hash), carried(hash));
        let mut number = home_of(position_of(carried, tag), segment.count);
        for _ in 0..segment.count {
            let line = segment.line(number);
            let mut marks = matches(line.control, tag);
            while marks != 0 {
                let slot = slot_of(marks);
                let word = line.slots[slot];
                if word & !ADDRESS == carried && same(word & ADDRESS) {
                    let at = At { segment: index, line: number as u32, slot: slot as u32 };
                    return Some((at, word & ADDRESS));
                }
                marks &= marks - 1;
            }
            if line.control >> 56 == 0 {
                return None;
            }
            number = segment.after(number);
        }
        None
    }

    /// Asks for the home line of `hash`.
    #[inline]
    pub(crate) fn prefetch_line(&self, hash: u64) {
        if self.len != 0 {
            prefetch_read(self.home_line(hash));
        }
    }

    /// The address of the home line of `hash`, or 0 when there is no line.
    #[inline]
    pub(super) fn line_address(&self, hash: u64) -> usize {
        if self.len == 0 { 0 } else { ptr::from_ref(self.home_line(hash)).addr() }
    }

    #[inline]
    fn home_line(&self, hash: u64) -> &Line {
        let segment = self.segment(self.index_of(hash));
        segment.line(home_of(position_of(carried(hash), tag_of(hash)), segment.count))
    }

    /// Looks for `hash` in its home line only.
    #[inline(always)]
    pub(super) fn glance(&self, hash: u64) -> Glance {
        if self.len == 0 {
            return Glance::Absent;
        }
        let segment = self.segment(self.index_of(hash));
        let (tag, carried) = (tag_of(hash), carried(hash));
        let home = home_of(position_of(carried, tag), segment.count);
        let line = segment.line(home);
        let mut marks = matches(line.control, tag);
        while marks != 0 {
            let word = line.slots[slot_of(marks)];
            if word & !ADDRESS == carried {
                return Glance::Probable(word & ADDRESS);
            }
            marks &= marks - 1;
        }
        if line.control >> 56 == 0 {
            return Glance::Absent;
        }
        prefetch_read(segment.line(segment.after(home)));
        Glance::Spilled
    }

    /// The address of what is probably the entry of `hash`; reads its home line.
    #[inline]
    pub(crate) fn probable(&self, hash: u64) -> Option<u64> {
        match self.glance(hash) {
            Glance::Probable(address) => Some(address),
            Glance::Absent | Glance::Spilled => None,
        }
    }

    /// Adds an address that is not in the table. `rehash` gives the hash of an address that is.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64, address: u64, rehash: &dyn Fn(u64) -> u64) -> At {
        if self.len >= self.segments * SPLIT_ABOVE {
            self.add_segment(rehash);
        }
        let index = self.index_of(hash);
        let segment = self.segment(index);
        if segment.len as usize >= limit(segment.count) {
            let count = next_size(segment.count);
            self.rewrite(index, count);
        }
        self.len += 1;
        let slot = address | carried(hash);
        let (line, slot) = self.segment_mut(index).place(slot, tag_of(hash));
        At { segment: index, line: line as u32, slot: slot as u32 }
    }

    /// Takes the slot out; the table may change its shape then, so every `At` becomes stale.
    pub(crate) fn remove(&mut self, at: At) {
        self.len -= 1;
        let segment = self.segment_mut(at.segment);
        segment.clear_slot(at.line as usize, at.slot as usize);
        let (len, count) = (segment.len as usize, segment.count);
        if len * 5 < limit(count) * 2 && count > 1 {
            self.rewrite(at.segment, size_for(len + len / 8));
        }
        if self.len < (self.segments - 1) * MERGE_BELOW {
            if self.in_snapshot {
                base::mark!("a merge of segments waits for the end of a snapshot");
            } else {
                self.drop_segment();
            }
        }
    }

    /// Gives the slot another address, of the same hash.
    pub(super) fn redirect(&mut self, at: At, address: u64) {
        let line = self.segment_mut(at.segment).line_mut(at.line as usize);
        let slot = &mut line.slots[at.slot as usize];
        *slot = *slot & !ADDRESS | address;
    }

    /// From now on nothing is saved, and segments are not merged.
    pub(super) fn begin_snapshot(&mut self) {
        self.snapshot = self.snapshot.wrapping_add(1);
        self.in_snapshot = true;
    }

    pub(super) fn end_snapshot(&mut self) {
        self.in_snapshot = false;
    }

    /// The cursor from which a step of a scan visits the range of this hash.
    pub(super) fn cursor_of(&self, hash: u64) -> u64 {
        let range = position_of(carried(hash), tag_of(hash)) / RANGE_WIDTH;
        self.index_of(hash) as u64 * RANGES + range
    }

    /// Whether the snapshot has saved what a step from this cursor visits; where nothing is, it has.
    pub(super) fn is_saved(&self, cursor: u64) -> bool {
        if self.segments == 0 {
            return true;
        }
        let segment = self.segment(self.index_of(cursor / RANGES));
        segment.snapshot == self.snapshot && segment.saved >> (cursor % RANGES) & 1 == 1
    }

    pub(super) fn mark_saved(&mut self, cursor: u64) {
        if self.segments == 0 {
            return;
        }
        let snapshot = self.snapshot;
        let segment = self.segment_mut(self.index_of(cursor / RANGES));
        if segment.snapshot != snapshot {
            (segment.snapshot, segment.saved) = (snapshot, 0);
        }
        segment.saved |= 1 << (cursor % RANGES);
    }

    fn rewrite(&mut self, index: usize, count: u32) {
        let mut new = Segment::new(count);
        self.segment(index).pour(&mut new, &mut [0; FILL]);
        self.install(index, new);
    }

    fn install(&mut self, index: usize, mut new: Segment) {
        let old = self.segment(index);
        (new.snapshot, new.saved) = (old.snapshot, old.saved);
        self.most_lines = self.most_lines.max(new.count);
        let old = std::mem::replace(self.segment_mut(index), new);
        self.line_bytes += self.segment(index).count as usize * size_of::<Line>();
        self.line_bytes -= old.count as usize * size_of::<Line>();
    }

    /// Splits the segment whose turn it is, or makes the first.
    #[cold]
    fn add_segment(&mut self, rehash: &dyn Fn(u64) -> u64) {
        let index = self.segments;
        let new = if index == 0 {
            let mut first = Segment::new(1);
            (first.snapshot, first.saved) = (self.snapshot, u32::MAX);
            first
        } else {
            let bit = index.ilog2();
            let source = index - (1 << bit);
            let (stay, mut go) = if (WINDOW_FROM..WINDOW_FROM + 8).contains(&bit) {
                let shift = 48 + bit - WINDOW_FROM;
                let mut goes = |slot: u64| slot >> shift & 1 == 1;
                self.segment(source).parted(&mut goes)
            } else {
                let mut goes = |slot: u64| rehash(slot & ADDRESS) >> bit & 1 == 1;
                self.segment(source).parted(&mut goes)
            };
            self.install(source, stay);
            let source = self.segment(source);
            (go.snapshot, go.saved) = (source.snapshot, source.saved);
            go
        };
        self.push_segment(new);
    }

    /// Adds a segment behind the last; `len` does not change.
    fn push_segment(&mut self, new: Segment) {
        if self.segments.is_multiple_of(CHUNK) {
            let room = if self.segments == 0 { 1 } else { CHUNK };
            self.directory.push(Vec::with_capacity(room));
        }
        self.line_bytes += new.count as usize * size_of::<Line>();
        self.most_lines = self.most_lines.max(new.count);
        self.directory.last_mut().expect("a chunk was added when none was there").push(new);
        self.segments += 1;
        self.mask = self.segments.next_power_of_two() - 1;
    }

    /// Merges the last segment into the one it was split from.
    #[cold]
    fn drop_segment(&mut self) {
        base::mark!("segments are merged");
        let index = self.segments - 1;
        let target = index - (1 << index.ilog2());
        let (low, high) = (self.segment(target), self.segment(index));
        let mut merged = Segment::new(size_for((low.len + high.len) as usize + 1));
        let mut fill = [0; FILL];
        low.pour(&mut merged, &mut fill);
        high.pour(&mut merged, &mut fill);
        self.install(target, merged);
        let chunk = self.directory.last_mut().expect("segments are in chunks");
        let last = chunk.pop().expect("no chunk is empty");
        self.line_bytes -= last.count as usize * size_of::<Line>();
        if chunk.is_empty() {
            self.directory.pop();
        } else if self.directory.len() == 1 {
            let chunk = &mut self.directory[0];
            if chunk.len() < chunk.capacity() / 4 {
                chunk.shrink_to(chunk.len() * 2);
            }
        }
        self.segments -= 1;
        self.mask = self.segments.next_power_of_two() - 1;
    }

    /// How many of a hash's lowest bits `Addresses::next_hashed` gives: those of the segment's number and, where they
    /// follow on them, those that a slot carries. None if there is a gap between both.
    pub(super) fn known_bits(&self) -> u32 {
        match self.segments.checked_ilog2() {
            Some(depth) if depth >= WINDOW_FROM => depth.max(WINDOW_FROM + 8),
            _ => 0,
        }
    }

    /// Whether this many of a hash's lowest bits (with those that a slot carries, and the tag) place it, here and after
    /// `more` insertions.
    pub(super) fn is_placed_by(&self, known_bits: u32, more: usize) -> bool {
        let segments = self.segments.max((self.len + more) / SPLIT_ABOVE + 1) as u64;
        known_bits >= 64 || segments <= 1 << known_bits
    }

    /// All addresses, in no order. What lies there is asked for two lines ahead, to be read then.
    pub(super) fn addresses(&self) -> Addresses<'_> {
        Addresses { segments: self.directory.iter().flatten(), ..Addresses::default() }
    }

    /// The same, for who will not read what lies there.
    pub(super) fn addresses_alone(&self) -> Addresses<'_> {
        Addresses { ahead: false, ..self.addresses() }
    }

    /// A table with the same slots, whose addresses are still those of this one.
    pub(super) fn copied(&self) -> Table {
        let copied_chunk = |chunk: &Vec<Segment>| {
            let mut copy = Vec::with_capacity(chunk.capacity());
            copy.extend(chunk.iter().map(Segment::copied));
            copy
        };
        Table { directory: self.directory.iter().map(copied_chunk).collect(), snapshot: 0, in_snapshot: false, ..*self }
    }

    /// Calls `change` with every address, and stores what it gives back.
    pub(super) fn redirect_all(&mut self, change: &mut dyn FnMut(u64) -> u64) {
        for segment in self.directory.iter_mut().flatten() {
            for index in 0..segment.count as usize {
                if let Some(later) = segment.lines().get(index + 2) {
                    later.slots.iter().for_each(|slot| prefetch_entry(*slot));
                }
                let line = segment.line_mut(index);
                let mut used = in_use(line.control);
                while used != 0 {
                    let slot = &mut line.slots[slot_of(used)];
                    *slot = *slot & !ADDRESS | change(*slot & ADDRESS);
                    used &= used - 1;
                }
            }
        }
    }

    /// One step of a scan, from `cursor`; returns the next cursor, 0 at the end.
    pub(crate) fn scan(&self, cursor: u64, visit: &mut dyn FnMut(u64)) -> u64 {
        let range = cursor % RANGES;
        if self.len == 0 {
            return 0;
        }
        if self.segments == 1 && self.segment(0).count <= 2 && !self.in_snapshot {
            // So small that ranges would only cost calls: all that is left at once.
            self.visit_ranges(0, range, RANGES, visit);
            return 0;
        }
        let reversed = ((cursor / RANGES) as u32).reverse_bits();
        let low_bits = u64::from(reversed.reverse_bits());
        self.visit_ranges(self.index_of(low_bits), range, range + 1, visit);
        let width = self.width_at(low_bits);
        let next = (u64::from(reversed) / width + 1) * width;
        if next < ORDER_END {
            u64::from((next as u32).reverse_bits()) * RANGES + range
        } else if range + 1 < RANGES {
            range + 1
        } else {
            0
        }
    }

    /// How much of the order of reversed hashes the segment of these hashes has: it is all that agree in the lowest
    /// bits, so many that `log2` of this is left.
    fn width_at(&self, low_bits: u64) -> u64 {
        let bits = self.mask.count_ones();
        let buddy = (low_bits as usize & (self.mask >> 1)) | (self.mask ^ (self.mask >> 1));
        let depth = if buddy < self.segments { bits } else { bits.saturating_sub(1) };
        1u64 << (32 - depth.min(32))
    }

    /// The segment at a place below [`ORDER_END`] in the order of reversed hashes.
    pub(super) fn part(&self, place: u64) -> Part<'_> {
        // To reverse twice is to do nothing.
        let low_bits = order_of(place);
        let width = self.width_at(low_bits);
        let begin = place / width * width;
        let index = self.index_of(low_bits);
        let addresses = Addresses { number: index + 1, lines: self.segment(index).lines(), ..Addresses::default() };
        Part { addresses, begin, end: begin + width }
    }

    fn visit_ranges(&self, index: usize, from: u64, to: u64, visit: &mut dyn FnMut(u64)) {
        let segment = self.segment(index);
        let width = RANGE_WIDTH;
        let last = home_of(to * width - 1, segment.count);
        let mut number = home_of(from * width, segment.count);
        let mut homes_left = last - number + 1;
        for _ in 0..segment.count {
            let line = segment.line(number);
            let mut used = in_use(line.control);
            while used != 0 {
                let slot = slot_of(used);
                let word = line.slots[slot];
                let range = position_of(word, tag_at(line.control, slot)) / width;
                if (from..to).contains(&range) {
                    visit(word & ADDRESS);
                }
                used &= used - 1;
            }
            homes_left = homes_left.saturating_sub(1);
            if homes_left == 0 && line.control >> 56 == 0 {
                return;
            }
            number = segment.after(number);
        }
    }

    /// An address, each with the same chance (but for a run of ill luck that no test will see).
    pub(super) fn random(&self, draw: &mut dyn FnMut() -> u64) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        let most = match self.segments {
            1 => self.segment(0).count,
            _ => self.most_lines,
        };
        let places = u64::from(most) * WIDTH as u64;
        for _ in 0..1000 {
            let drawn = draw();
            let index = (((drawn >> 32) * self.segments as u64) >> 32) as usize;
            let place = (((drawn & 0xffff_ffff) * places) >> 32) as usize;
            let segment = self.segment(index);
            if place / WIDTH < segment.count as usize {
                let line = segment.line(place / WIDTH);
                if tag_at(line.control, place % WIDTH) != 0 {
                    return Some(line.slots[place % WIDTH] & ADDRESS);
                }
            }
        }
        self.some_address(draw())
    }

    /// The first address at or after a drawn segment.
    #[cold]
    fn some_address(&self, drawn: u64) -> Option<u64> {
        let start = drawn as usize % self.segments;
        (start..self.segments)
            .chain(0..start)
            .map(|index| self.segment(index))
            .find(|segment| segment.len > 0)?
            .lines()
            .iter()
            .find_map(|line| {
                let used = in_use(line.control);
                (used != 0).then(|| line.slots[slot_of(used)] & ADDRESS)
            })
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats { segments: self.segments, ..Stats::default() };
        for segment in self.directory.iter().flatten() {
            stats.buckets += segment.count as usize;
            for (number, line) in segment.lines().iter().enumerate() {
                stats.spilled_buckets += usize::from(line.control >> 56 != 0);
                let mut used = in_use(line.control);
                while used != 0 {
                    let slot = slot_of(used);
                    let position = position_of(line.slots[slot], tag_at(line.control, slot));
                    let count = segment.count as usize;
                    let away = (number + count - home_of(position, segment.count)) % count;
                    stats.displaced += usize::from(away > 0);
                    stats.longest_chain = stats.longest_chain.max(away + 1);
                    used &= used - 1;
                }
            }
        }
        stats
    }

    /// Panics unless every slot can be found and every count is right. `hash_of` gives an address' hash.
    pub(crate) fn check(&self, hash_of: &dyn Fn(u64) -> u64) {
        let (mut len, mut bytes) = (0, 0);
        for index in 0..self.segments {
            let segment = self.segment(index);
            let mut spills = vec![0u64; segment.count as usize];
            let mut held = 0;
            for (number, line) in segment.lines().iter().enumerate() {
                for slot in 0..WIDTH {
                    let tag = tag_at(line.control, slot);
                    assert_eq!(tag == 0, line.slots[slot] == 0);
                    if tag == 0 {
                        continue;
                    }
                    held += 1;
                    let hash = hash_of(line.slots[slot] & ADDRESS);
                    assert_eq!(tag, tag_of(hash));
                    assert_eq!(line.slots[slot] & !ADDRESS, carried(hash));
                    assert_eq!(self.index_of(hash), index);
                    let mut passed = home_of(position_of(line.slots[slot], tag), segment.count);
                    while passed != number {
                        spills[passed] += 1;
                        passed = segment.after(passed);
                    }
                }
            }
            for (line, spilled) in segment.lines().iter().zip(spills) {
                let counted = line.control >> 56;
                assert!(counted == spilled || counted == 255, "{counted} is not {spilled}");
            }
            assert_eq!(held, segment.len as usize);
            assert!(held <= limit(segment.count) && segment.count <= self.most_lines);
            len += held;
            bytes += segment.count as usize * size_of::<Line>();
        }
        assert_eq!((len, bytes), (self.len, self.line_bytes));
        let chunks = self.directory.iter().map(Vec::len).sum::<usize>();
        assert_eq!(chunks, self.segments);
    }
}

/// A table in the making that gets the segments of another one, each in its turn and of the size it needs: no segment
/// grows or is split on the way.
pub(super) struct Building {
    /// The segments that are complete; which hash goes where is wrong until all are there.
    table: Table,
    segments: usize,
    mask: usize,
    /// Slots and tags of the segment behind those.
    open: Vec<(u64, u8)>,
}

impl Building {
    pub(super) fn like(table: &Table) -> Building {
        Building { table: Table::new(), segments: table.segments, mask: table.mask, open: Vec::new() }
    }

    /// Adds an address that is not there. Hashes come in the order of the other table's segments.
    #[inline]
    pub(super) fn push(&mut self, hash: u64, address: u64) {
        let index = index_among(self.segments, self.mask, hash);
        if index != self.table.segments {
            assert!(index > self.table.segments, "no segment is opened twice");
            self.complete(index);
        }
        self.open.push((address | carried(hash), tag_of(hash)));
    }

    /// Completes the segments before this one.
    fn complete(&mut self, index: usize) {
        while self.table.segments < index {
            let mut segment = Segment::new(size_for(self.open.len() + 1));
            let mut fill = [0; FILL];
            self.table.len += self.open.len();
            self.open.drain(..).for_each(|(slot, tag)| segment.fill(&mut fill, slot, tag));
            self.table.push_segment(segment);
        }
    }

    /// The table, with fewer segments if it got few addresses.
    pub(super) fn finish(mut self) -> Table {
        self.complete(self.segments);
        while self.table.len < self.table.segments.saturating_sub(1) * MERGE_BELOW {
            self.table.drop_segment();
        }
        self.table
    }
}

/// All addresses of a table.
pub(super) struct Addresses<'a> {
    segments: std::iter::Flatten<std::slice::Iter<'a, Vec<Segment>>>,
    /// The number of the next segment.
    number: usize,
    /// The lines of the current segment behind the current one.
    lines: &'a [Line],
    slots: &'a [u64; WIDTH],
    control: u64,
    /// Marks of the current line's slots that are still to be given.
    used: u64,
    /// Whether what lies at the addresses is asked for.
    ahead: bool,
}

impl Default for Addresses<'_> {
    /// None.
    fn default() -> Self {
        Addresses {
            segments: [].iter().flatten(),
            number: 0,
            lines: &[],
            slots: &[0; WIDTH],
            control: 0,
            used: 0,
            ahead: true,
        }
    }
}

/// A segment, as a part of the order of reversed hashes.
pub(super) struct Part<'a> {
    pub addresses: Addresses<'a>,
    pub begin: u64,
    pub end: u64,
}

impl Addresses<'_> {
    /// The next address, with as much of its hash as the table knows: the bits that `Table::known_bits` tells, and
    /// those that place it in a segment.
    #[inline]
    pub(super) fn next_hashed(&mut self) -> Option<(u64, u64)> {
        while self.used == 0 {
            let Some((line, behind)) = self.lines.split_first() else {
                self.lines = self.segments.next()?.lines();
                self.number += 1;
                continue;
            };
            (self.lines, self.slots, self.control) = (behind, &line.slots, line.control);
            self.used = in_use(line.control);
            if self.ahead
                && let Some(later) = behind.get(1)
            {
                later.slots.iter().for_each(|slot| prefetch_entry(*slot));
            }
        }
        let slot = slot_of(self.used);
        self.used &= self.used - 1;
        let word = self.slots[slot];
        let low = (self.number - 1) as u64 | ((word >> 48) & 0xff) << WINDOW_FROM;
        let hash = low | (word >> 56) << 32 | u64::from(tag_at(self.control, slot)) << 56;
        Some((hash, word & ADDRESS))
    }
}

impl Iterator for Addresses<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        Some(self.next_hashed()?.1)
    }
}

// SAFETY: a table owns its segments alone, and shares nothing without synchronisation.
unsafe impl Send for Table {}
// SAFETY: a shared table is only read.
unsafe impl Sync for Table {}
