//! `Blocks`: a list of any length as packed blocks, the large form of the list.
//!
//! ```text
//! groups: [ count, blocks: [ Packed | Packed | ... ] ] [ count, blocks: [...] ] ...     from front to back
//! ```
//!
//! * A block is filled to seven eighths of the bytes that `list-max-listpack-size` allows, or up to so many elements:
//!   an allocator keeps four or eight sizes to a doubling, and packs those just below a power of two together, where
//!   each of 8 KiB would have a run of pages, and what describes that, of its own. A block may come to have all that is
//!   allowed by other ways. An element larger than that has a block of its own. No block is empty, nor is a group.
//! * Both ends cost O(1). An index is found by the counts of groups, then of blocks, from the nearer end; a group has
//!   at most 128 blocks, so a list of 100 million short elements has about 1,500 groups.
//! * Inserting into a full block splits it in two; removing joins a block with a neighbour when both fit in half of
//!   one.
//!
//! Limits: fewer than 2^32 elements in a block, of less than 4 GiB each.

#[cfg(test)]
mod tests;

use crate::packed::{self, Packed, PackedElement};
use std::collections::VecDeque;
use std::ops::Range;

/// Blocks in a group before it is split.
const GROUP: usize = 128;
/// A block limited by its number of elements has no more bytes than this either.
const SAFE_BYTES: usize = 8192;

/// How much a block may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLimit {
    bytes: usize,
    elements: usize,
}

impl BlockLimit {
    /// The limit for a value of `list-max-listpack-size`: -1 to -5 are 4 to 64 KiB, positive ones elements.
    pub fn from_config(size: i64) -> BlockLimit {
        match usize::try_from(size) {
            Ok(elements) => BlockLimit { bytes: SAFE_BYTES, elements: elements.max(1) },
            Err(_) => BlockLimit { bytes: 2048 << size.unsigned_abs().min(5), elements: usize::MAX },
        }
    }

    /// Whether a list that is one block has to become several for additions of so many elements, of so many bare bytes
    /// together. Counts as Redis does, which sets a limit to the bytes of its own listpack.
    #[inline]
    pub fn is_exceeded(&self, packed: &Packed, elements: usize, bytes: usize) -> bool {
        packed.len() + elements > self.elements
            || bytes > self.bytes
            || packed.listpack_bytes_exceed(self.bytes - bytes)
    }

    /// Whether a block is within half of the limit: a list that grows again does not pass it at once.
    pub fn is_half_enough(&self, block: &Packed) -> bool {
        if self.elements == usize::MAX {
            !block.listpack_bytes_exceed(self.bytes / 2)
        } else {
            block.len() <= self.elements / 2 && !block.listpack_bytes_exceed(self.bytes)
        }
    }

    /// Whether Redis gives an element of so many bytes a node of its own, outside of any listpack.
    pub fn is_too_large(&self, element: usize) -> bool {
        element > self.bytes
    }

    /// Whether Redis puts one more element, of so many bare bytes, into a node that is a listpack of `elements` in
    /// `bytes`. It reckons with 8 bytes around the element, but not for the first node, which was all of the list for a
    /// while.
    pub fn node_takes(&self, first: bool, elements: usize, bytes: usize, element: usize) -> bool {
        let around = if first { 0 } else { 8 };
        elements < self.elements && bytes + element + around <= self.bytes
    }

    fn allows(&self, block: &Packed, bytes: usize) -> bool {
        block.byte_len() + bytes <= self.bytes / 8 * 7 && block.len() < self.elements
    }

    fn holds_half(&self, left: &Packed, right: &Packed) -> bool {
        let elements = left.len() + right.len();
        left.byte_len() + right.byte_len() <= self.bytes / 2 && elements <= self.elements.div_ceil(2)
    }
}

#[derive(Clone, Default)]
struct Group {
    blocks: VecDeque<Packed>,
    len: usize,
}

impl Group {
    fn of(blocks: VecDeque<Packed>) -> Group {
        let len = blocks.iter().map(Packed::len).sum();
        Group { blocks, len }
    }
}

/// Where an element is: its group, its block there, and its number in the block.
#[derive(Clone, Copy, Debug)]
struct Place {
    group: usize,
    block: usize,
    index: usize,
}

/// The list.
#[derive(Clone)]
pub struct Blocks {
    groups: VecDeque<Group>,
    len: usize,
    /// Bytes that all blocks hold.
    bytes: usize,
    limit: BlockLimit,
}

impl std::fmt::Debug for Blocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Which end of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// LPUSH's and LPOP's.
    Front,
    /// RPUSH's and RPOP's.
    Back,
}

impl Blocks {
    /// An empty list.
    pub const fn new(limit: BlockLimit) -> Blocks {
        Blocks { groups: VecDeque::new(), len: 0, bytes: 0, limit }
    }

    /// The list of these elements.
    pub fn from_packed(packed: Packed, limit: BlockLimit) -> Blocks {
        let mut list = Blocks::new(limit);
        if packed.byte_len() <= limit.bytes && packed.len() <= limit.elements && !packed.is_empty() {
            (list.len, list.bytes) = (packed.len(), packed.memory());
            list.groups.push_back(Group::of(VecDeque::from([packed])));
        } else {
            packed.iter().for_each(|element| list.push(End::Back, element));
        }
        list
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of blocks.
    pub fn blocks(&self) -> usize {
        self.groups.iter().map(|group| group.blocks.len()).sum()
    }

    /// The only block, if there is just one: a list that is small again may become a `Packed`.
    pub fn single_block(&self) -> Option<&Packed> {
        match self.groups.front() {
            Some(group) if self.groups.len() == 1 && group.blocks.len() == 1 => group.blocks.front(),
            _ => None,
        }
    }

    /// Bytes held; walks the groups.
    pub fn memory(&self) -> usize {
        let blocks: usize = self.groups.iter().map(|group| group.blocks.capacity()).sum();
        self.bytes + blocks * size_of::<Packed>() + self.groups.capacity() * size_of::<Group>() + size_of::<Blocks>()
    }

    /// Bytes of all elements; walks the blocks.
    pub fn byte_len(&self) -> usize {
        self.groups.iter().flat_map(|group| &group.blocks).map(Packed::byte_len).sum()
    }

    /// The limit of a block.
    pub fn limit(&self) -> BlockLimit {
        self.limit
    }

    /// Adds an element at an end.
    #[inline]
    pub fn push(&mut self, end: End, element: PackedElement<'_>) {
        let bytes = element.packed_bytes();
        let limit = self.limit;
        let group = match end {
            End::Front => self.groups.front_mut(),
            End::Back => self.groups.back_mut(),
        };
        let block = group.and_then(|group| {
            group.len += 1;
            match end {
                End::Front => group.blocks.front_mut(),
                End::Back => group.blocks.back_mut(),
            }
        });
        match block {
            Some(block) if limit.allows(block, bytes) => {
                let held = block.memory();
                match end {
                    End::Front => block.push_front(element),
                    End::Back => block.push_back(element),
                }
                // A block that is laid out anew may take less than before.
                self.bytes = self.bytes + block.memory() - held;
            }
            _ => self.push_block(end, element),
        }
        self.len += 1;
    }

    /// Adds a block of one element at an end; the group there has counted the element already.
    #[cold]
    fn push_block(&mut self, end: End, element: PackedElement<'_>) {
        let mut block = Packed::new();
        block.push_back(element);
        self.bytes += block.memory();
        let group = match end {
            End::Front => self.groups.front_mut(),
            End::Back => self.groups.back_mut(),
        };
        if let Some(group) = group {
            if group.blocks.len() < GROUP {
                match end {
                    End::Front => group.blocks.push_front(block),
                    End::Back => group.blocks.push_back(block),
                }
                return;
            }
            group.len -= 1;
        }
        let group = Group::of(VecDeque::from([block]));
        match end {
            End::Front => self.groups.push_front(group),
            End::Back => self.groups.push_back(group),
        }
    }

    /// Takes the element at an end out, and calls `take` with it.
    #[inline]
    pub fn pop<R>(&mut self, end: End, take: impl FnOnce(PackedElement<'_>) -> R) -> Option<R> {
        let group = match end {
            End::Front => self.groups.front_mut(),
            End::Back => self.groups.back_mut(),
        }?;
        let block = match end {
            End::Front => group.blocks.front_mut(),
            End::Back => group.blocks.back_mut(),
        }?;
        let at = match end {
            End::Front => block.front(),
            End::Back => block.before(block.end()),
        };
        let taken = take(block.at(at).expect("no block is empty"));
        block.remove(at, 1);
        group.len -= 1;
        self.len -= 1;
        if block.is_empty() {
            let last = group.blocks.len() - 1;
            let (group, block) = match end {
                End::Front => (0, 0),
                End::Back => (self.groups.len() - 1, last),
            };
            self.drop_block(group, block);
        }
        Some(taken)
    }

    fn drop_block(&mut self, group: usize, block: usize) {
        let found = &mut self.groups[group];
        let gone = found.blocks.remove(block).expect("the block is there");
        debug_assert!(gone.is_empty());
        self.bytes -= gone.memory();
        if found.blocks.is_empty() {
            self.groups.remove(group);
        }
    }

    /// The place of the element with this number, which is below the length.
    fn place(&self, index: usize) -> Place {
        let (group, index) = locate(&self.groups, |group| group.len, self.len, index);
        let found = &self.groups[group];
        let (block, index) = locate(&found.blocks, Packed::len, found.len, index);
        Place { group, block, index }
    }

    fn block(&self, place: Place) -> &Packed {
        &self.groups[place.group].blocks[place.block]
    }

    /// The element with this number.
    pub fn get(&self, index: usize) -> Option<PackedElement<'_>> {
        if index >= self.len {
            return None;
        }
        let place = self.place(index);
        self.block(place).get(place.index)
    }

    /// Changes a block, and counts what it holds before and after.
    fn change_block<R>(&mut self, place: Place, change: impl FnOnce(&mut Packed) -> R) -> R {
        let group = &mut self.groups[place.group];
        let block = &mut group.blocks[place.block];
        let (held, len) = (block.memory(), block.len());
        let result = change(block);
        self.bytes = self.bytes + block.memory() - held;
        group.len = group.len + block.len() - len;
        self.len = self.len + block.len() - len;
        result
    }

    /// Puts a block in before the one at `place`, or behind the last of its group; splits the group if it is full.
    /// `place` may name the end of a group.
    fn insert_block(&mut self, place: Place, block: Packed) {
        self.bytes += block.memory();
        self.len += block.len();
        let group = &mut self.groups[place.group];
        group.len += block.len();
        group.blocks.insert(place.block, block);
        if group.blocks.len() > GROUP {
            let right = Group::of(group.blocks.split_off(GROUP / 2));
            group.len -= right.len;
            self.groups.insert(place.group + 1, right);
        }
    }

    /// Puts an element in so that it has this number, at most `len`.
    pub fn insert(&mut self, index: usize, element: PackedElement<'_>) {
        assert!(index <= self.len);
        if index == 0 || index == self.len {
            return self.push(if index == 0 { End::Front } else { End::Back }, element);
        }
        let place = self.place(index);
        let (bytes, limit) = (element.packed_bytes(), self.limit);
        if limit.allows(self.block(place), bytes) {
            return self.change_block(place, |block| block.insert_at(place.index, element));
        }
        // The end of the block before may have room; else the block is cut at the place, and one half may.
        if place.index == 0 && place.block > 0 {
            let before = Place { block: place.block - 1, ..place };
            if limit.allows(self.block(before), bytes) {
                return self.change_block(before, |block| block.push_back(element));
            }
        }
        self.insert_by_splitting(place, element);
    }

    #[cold]
    fn insert_by_splitting(&mut self, place: Place, element: PackedElement<'_>) {
        let (bytes, limit) = (element.packed_bytes(), self.limit);
        let mut block = Packed::new();
        if place.index == 0 {
            block.push_back(element);
            return self.insert_block(place, block);
        }
        let mut right = self.change_block(place, |block| {
            let right = block.split_off(place.index);
            block.shrink();
            right
        });
        if limit.allows(&right, bytes) {
            right.push_front(element);
        } else if limit.allows(self.block(place), bytes) {
            self.change_block(place, |block| block.push_back(element));
        } else {
            block.push_back(element);
        }
        let next = Place { block: place.block + 1, ..place };
        self.insert_block(next, right);
        if !block.is_empty() {
            // The first insertion may have split the group.
            let len = self.groups[place.group].blocks.len();
            let next =
                if next.block <= len { next } else { Place { group: next.group + 1, block: next.block - len, ..next } };
            self.insert_block(next, block);
        }
    }

    /// Replaces the element with this number, which is below the length.
    pub fn replace(&mut self, index: usize, element: PackedElement<'_>) {
        let place = self.place(index);
        let block = self.block(place);
        let old = block.get(place.index).map_or(0, |old| old.packed_bytes());
        let fits = block.byte_len() - old + element.packed_bytes() <= self.limit.bytes;
        if fits || block.len() == 1 {
            self.change_block(place, |block| {
                let at = block.seek(place.index).expect("the element is there");
                block.replace(at, element);
            });
        } else {
            self.remove(index..index + 1);
            self.insert(index, element);
        }
    }

    /// Removes the elements with these numbers, as far as they are there.
    pub fn remove(&mut self, range: Range<usize>) {
        let mut left = range.end.min(self.len).saturating_sub(range.start);
        while left > 0 {
            let place = self.place(range.start);
            let count = (self.block(place).len() - place.index).min(left);
            self.change_block(place, |block| block.remove_range(place.index, count));
            left -= count;
            if self.block(place).is_empty() {
                self.drop_block(place.group, place.block);
            } else if left == 0 {
                self.join(place);
            }
        }
    }

    /// Joins a block with the next of its group or the one before, if both fit in half a block.
    fn join(&mut self, place: Place) {
        let blocks = &self.groups[place.group].blocks;
        let fits = |left: usize| {
            let pair = blocks.get(left).zip(blocks.get(left + 1));
            pair.is_some_and(|(left, right)| self.limit.holds_half(left, right))
        };
        let left = if fits(place.block) {
            place.block
        } else if place.block > 0 && fits(place.block - 1) {
            place.block - 1
        } else {
            return;
        };
        let group = &mut self.groups[place.group];
        let right = group.blocks.remove(left + 1).expect("both blocks are there");
        self.bytes -= right.memory();
        self.len -= right.len();
        group.len -= right.len();
        self.change_block(Place { block: left, ..place }, |block| block.append(&right));
    }

    /// Removes up to `most` elements that are this string, seen from an end; returns how many there were.
    pub fn remove_equal(&mut self, end: End, string: &[u8], most: usize) -> usize {
        let sought = PackedElement::of(string);
        let mut removed = 0;
        let mut cursor = match end {
            End::Front => 0,
            End::Back => self.groups.len(),
        };
        while removed < most {
            let group = match end {
                End::Front if cursor < self.groups.len() => cursor,
                End::Back if cursor > 0 => cursor - 1,
                End::Front | End::Back => break,
            };
            let groups = self.groups.len();
            removed += self.remove_equal_in(group, end, sought, most - removed);
            match end {
                // A group that is gone has the next in its place.
                End::Front => cursor += usize::from(self.groups.len() == groups),
                End::Back => cursor -= 1,
            }
        }
        removed
    }

    fn remove_equal_in(&mut self, group: usize, end: End, sought: PackedElement<'_>, most: usize) -> usize {
        let mut removed = 0;
        let count = self.groups[group].blocks.len();
        for step in 0..count {
            // From the front, blocks that went leave the later ones with lower numbers.
            let block = match end {
                End::Front => step - (count - self.groups[group].blocks.len()),
                End::Back => count - 1 - step,
            };
            let place = Place { group, block, index: 0 };
            removed += self.change_block(place, |block| block.remove_equal(end == End::Front, sought, most - removed));
            if self.block(place).is_empty() {
                let last = self.groups[group].blocks.len() == 1;
                self.drop_block(group, block);
                if last {
                    break;
                }
            }
            if removed == most {
                break;
            }
        }
        removed
    }

    /// The elements from the one with this number on, forwards.
    pub fn iter_from(&self, index: usize) -> Forwards<'_> {
        let mut walk = Forwards { list: self, group: self.groups.len(), block: 0, elements: None };
        if index < self.len {
            let place = self.place(index);
            let mut elements = self.block(place).iter();
            elements.drop_front(place.index);
            walk = Forwards { list: self, group: place.group, block: place.block, elements: Some(elements) };
        }
        walk
    }

    /// The elements from the one with this number on, backwards; from the last if there are fewer.
    pub fn iter_back_from(&self, index: usize) -> Backwards<'_> {
        let mut walk = Backwards { list: self, group: 0, block: 0, elements: None };
        if let Some(last) = self.len.checked_sub(1) {
            let place = self.place(index.min(last));
            let block = self.block(place);
            let mut elements = block.iter();
            elements.drop_back(block.len() - 1 - place.index);
            walk = Backwards { list: self, group: place.group, block: place.block, elements: Some(elements) };
        }
        walk
    }

    /// All elements, forwards.
    pub fn iter(&self) -> Forwards<'_> {
        self.iter_from(0)
    }

    /// Panics unless everything agrees; for tests.
    pub fn check(&self) {
        let (mut len, mut bytes) = (0, 0);
        for group in &self.groups {
            assert!(!group.blocks.is_empty() && group.blocks.len() <= GROUP);
            assert_eq!(group.len, group.blocks.iter().map(Packed::len).sum::<usize>());
            for block in &group.blocks {
                block.check();
                assert!(!block.is_empty() && block.len() <= self.limit.elements);
                assert!(block.byte_len() <= self.limit.bytes || block.len() == 1);
                bytes += block.memory();
            }
            len += group.len;
        }
        assert_eq!((len, bytes), (self.len, self.bytes));
    }
}

/// Finds the part that holds number `index` of `total`, from the nearer end; returns the part and the number in it.
fn locate<T>(parts: &VecDeque<T>, len: impl Fn(&T) -> usize, total: usize, index: usize) -> (usize, usize) {
    debug_assert!(index < total);
    if index <= total / 2 {
        let mut left = index;
        for (at, part) in parts.iter().enumerate() {
            if left < len(part) {
                return (at, left);
            }
            left -= len(part);
        }
    } else {
        let mut start = total;
        for (at, part) in parts.iter().enumerate().rev() {
            start -= len(part);
            if start <= index {
                return (at, index - start);
            }
        }
    }
    unreachable!("the parts hold {total} elements")
}

/// Elements from front to back.
#[derive(Clone)]
pub struct Forwards<'a> {
    list: &'a Blocks,
    group: usize,
    block: usize,
    elements: Option<packed::Iter<'a>>,
}

impl<'a> Iterator for Forwards<'a> {
    type Item = PackedElement<'a>;

    #[inline]
    fn next(&mut self) -> Option<PackedElement<'a>> {
        loop {
            if let Some(element) = self.elements.as_mut()?.next() {
                return Some(element);
            }
            self.block += 1;
            if self.block == self.list.groups.get(self.group)?.blocks.len() {
                (self.group, self.block) = (self.group + 1, 0);
            }
            let group = self.list.groups.get(self.group);
            self.elements = group.and_then(|group| group.blocks.get(self.block)).map(Packed::iter);
        }
    }
}

/// Elements from back to front.
#[derive(Clone)]
pub struct Backwards<'a> {
    list: &'a Blocks,
    group: usize,
    block: usize,
    elements: Option<packed::Iter<'a>>,
}

impl<'a> Iterator for Backwards<'a> {
    type Item = PackedElement<'a>;

    #[inline]
    fn next(&mut self) -> Option<PackedElement<'a>> {
        loop {
            if let Some(element) = self.elements.as_mut()?.next_back() {
                return Some(element);
            }
            if self.block == 0 {
                let Some(group) = self.group.checked_sub(1) else {
                    self.elements = None;
                    return None;
                };
                (self.group, self.block) = (group, self.list.groups[group].blocks.len());
            }
            self.block -= 1;
            self.elements = Some(self.list.groups[self.group].blocks[self.block].iter());
        }
    }
}
