//! A stream's entries, and its groups of consumers.
//!
//! ```text
//! sealed: id tree    first id -> Block | first id -> Block | ...        (block.rs)
//! open:              first id, Block                                    the last one, where entries are added
//! ```
//!
//! * Ids rise, so entries are added at the end only. The last block is beside the tree: adding an entry searches
//!   nothing, and a small stream has no tree at all.
//! * Where a block ends is what Redis does, because clients see it: trimming "about" so many entries removes
//!   whole blocks. So a block counts the bytes of Redis' listpack, and starts anew where Redis would.
//! * A deleted entry stays in its block, marked. The block goes with its last entry, and is not joined with others; the
//!   last block may have others before it, which then are the last again, and take entries if they have room.
//! * Blocks without any entry that is not deleted are possible: trimming may leave one, where Redis does.
//!
//! `group` has the groups: who was given which entry, and has not acknowledged it. They know ids, not entries; an entry
//! may be gone while it is still pending.

mod block;
mod element;
pub mod group;
mod id;
#[cfg(test)]
mod tests;

pub use block::{BLOCK_BYTES_MAX, Block, BlockFigures, BlockLimits, Cursor, Entry, Fields};
pub use id::StreamId;

use crate::packed::PackedElement;
use block::Verdict;
use std::collections::BTreeMap;

/// The entries.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    /// All blocks but the last, by the id of the first entry that they had.
    sealed: BTreeMap<StreamId, Block>,
    open: Option<(StreamId, Block)>,
    /// Entries that are not deleted.
    live: usize,
    /// Bytes that the sealed blocks hold.
    bytes: usize,
}

/// Which entries a trim keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many, the last ones.
    Last(usize),
    /// Those from this id on.
    From(StreamId),
}

/// A block, or an entry in it, would not be in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfOrder;

impl Entries {
    /// No entries. Takes no memory yet.
    pub const fn new() -> Entries {
        Entries { sealed: BTreeMap::new(), open: None, live: 0, bytes: 0 }
    }

    /// The number of entries that are not deleted.
    #[inline]
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether all entries, if there are any, are deleted.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Bytes held on the heap.
    pub fn memory(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |(_, block)| block.memory());
        self.bytes + open + tree_bytes::<StreamId, Block>(self.sealed.len())
    }

    /// Adds an entry behind all others, which have lower ids.
    #[inline]
    pub fn append<'f, F>(&mut self, id: StreamId, fields: F, limits: &BlockLimits)
    where
        F: Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
    {
        let (mut count, mut bytes) = (0, 0);
        for (name, value) in fields.clone() {
            count += 1;
            bytes += name.len() + value.len();
        }
        let elements = fields.map(|(name, value)| (PackedElement::of(name), PackedElement::of(value)));
        let (first, block) = match &mut self.open {
            Some((first, block)) if block.takes(bytes, limits) => (*first, block),
            _ => self.start_block(id, count, elements.clone().map(|(name, _)| name)),
        };
        let delta = StreamId { ms: id.ms.wrapping_sub(first.ms), seq: id.seq.wrapping_sub(first.seq) };
        if block.has_names(count, elements.clone().map(|(name, _)| name)) {
            block.push_same(delta, false, elements.map(|(_, value)| value));
        } else {
            block.push_own(delta, false, count, elements);
        }
        self.live += 1;
    }

    /// Seals the last block and starts one with these names.
    #[cold]
    fn start_block<'e>(
        &mut self,
        first: StreamId,
        count: usize,
        names: impl Iterator<Item = PackedElement<'e>>,
    ) -> (StreamId, &mut Block) {
        // The next block of a long stream will take about as much as this one.
        let capacity = self.open.as_ref().map_or(0, |(_, block)| block.as_bytes().len());
        self.seal();
        let (first, block) = self.open.insert((first, Block::new(count, names, capacity)));
        (*first, block)
    }

    fn seal(&mut self) {
        if let Some((first, mut block)) = self.open.take() {
            block.shrink();
            self.bytes += block.memory();
            self.sealed.insert(first, block);
        }
    }

    /// Adds a block behind all others, for streams that are built as a whole. It has an entry, deleted or not.
    pub fn push_block(&mut self, block: NewBlock) -> Result<(), OutOfOrder> {
        let NewBlock { first, last, block } = block;
        if last.is_none() || self.last_of_all() >= Some(first) {
            return Err(OutOfOrder);
        }
        self.seal();
        self.live += block.live();
        self.open = Some((first, block));
        Ok(())
    }

    /// The id of the last entry, deleted or not.
    pub fn last_of_all(&self) -> Option<StreamId> {
        let (first, block) = self.open.as_ref()?;
        block.entries(*first).next_back().map(|entry| entry.id)
    }

    /// All blocks in order, each with the id from which its ids are counted.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = (StreamId, &Block)> + '_ {
        let mut sealed = self.sealed.iter();
        let count = sealed.len() + usize::from(self.open.is_some());
        (0..count).map(move |_| {
            let open = || self.open.as_ref().map(|(first, block)| (first, block));
            let (first, block) = sealed.next().or_else(open).expect("as many as were counted");
            (*first, block)
        })
    }

    /// The only block, if there is one at most and all is said by it.
    pub fn single_block(&self) -> Option<Option<(StreamId, &Block)>> {
        self.sealed.is_empty().then(|| self.open.as_ref().map(|(first, block)| (*first, block)))
    }

    /// The entries of one block, or none.
    pub fn of_block(block: Option<(StreamId, Block)>) -> Entries {
        let live = block.as_ref().map_or(0, |(_, block)| block.live());
        Entries { open: block, live, ..Entries::new() }
    }

    /// The buffer of the last block, whatever is in it.
    pub fn into_buffer(self) -> Vec<u8> {
        self.open.map_or(Vec::new(), |(_, block)| block.into_buffer())
    }

    /// The blocks in which entries with ids from `from` to `to` are, if there are any.
    #[inline]
    fn blocks_of(
        &self,
        from: StreamId,
        to: StreamId,
    ) -> impl DoubleEndedIterator<Item = (&StreamId, &Block)> + Clone + '_ {
        let open = self.open.as_ref().filter(|(first, _)| *first <= to);
        let in_open = open.is_some_and(|(first, _)| *first <= from);
        let start = if in_open || self.sealed.is_empty() {
            None
        } else {
            // The first id of the block in which `from` would be.
            Some(self.sealed.range(..=from).next_back().map_or(from, |(first, _)| *first))
        };
        let sealed = start.filter(|start| *start <= to).map(|start| self.sealed.range(start..=to));
        sealed.into_iter().flatten().chain(open.map(|(first, block)| (first, block)))
    }

    /// The entries with ids from `from` to `to`, both included, from both ends.
    #[inline]
    pub fn range(&self, from: StreamId, to: StreamId) -> impl DoubleEndedIterator<Item = Entry<'_>> + Clone + '_ {
        self.blocks_of(from, to)
            .flat_map(|(first, block)| block.entries(*first))
            .filter(move |entry| !entry.is_deleted() && from <= entry.id && entry.id <= to)
    }

    /// About how many entries a range has: the blocks at its ends count as a whole. Looks no further than `most`.
    pub fn count_about(&self, from: StreamId, to: StreamId, most: usize) -> usize {
        let mut count = 0;
        for (_, block) in self.blocks_of(from, to) {
            count += block.live();
            if count >= most {
                break;
            }
        }
        count
    }

    /// All entries.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Entry<'_>> + Clone + '_ {
        self.range(StreamId::MIN, StreamId::MAX)
    }

    /// The entry with this id.
    pub fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        self.range(id, id).next()
    }

    pub fn first(&self) -> Option<Entry<'_>> {
        let (first, block) = self.block_from(StreamId::MIN)?;
        block.entries(first).find(|entry| !entry.is_deleted()).or_else(|| self.iter().next())
    }

    pub fn last(&self) -> Option<Entry<'_>> {
        let (first, block) = self.open.as_ref()?;
        block.entries(*first).rfind(|entry| !entry.is_deleted()).or_else(|| self.iter().next_back())
    }

    /// The first id of the block where an entry with this id would be.
    fn block_of(&self, id: StreamId) -> Option<StreamId> {
        match &self.open {
            Some((first, _)) if *first <= id => Some(*first),
            _ => self.sealed.range(..=id).next_back().map(|(first, _)| *first),
        }
    }

    /// Deletes an entry. Returns whether it was there.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let Some(first) = self.block_of(id) else { return false };
        let (deleted, live) = self.delete_in(first, &mut |found| match found.cmp(&id) {
            std::cmp::Ordering::Less => Verdict::Keep,
            std::cmp::Ordering::Equal => Verdict::Delete,
            std::cmp::Ordering::Greater => Verdict::Stop,
        });
        if deleted > 0 && live == 0 {
            self.remove_block(first);
        }
        deleted > 0
    }

    /// Marks entries of a block. Returns how many, and how many are left.
    fn delete_in(&mut self, first: StreamId, judge: &mut dyn FnMut(StreamId) -> Verdict) -> (usize, usize) {
        let block = match &mut self.open {
            Some((open, block)) if *open == first => block,
            _ => self.sealed.get_mut(&first).expect("the block is there"),
        };
        let deleted = block.delete_where(first, judge);
        self.live -= deleted;
        (deleted, block.live())
    }

    fn remove_block(&mut self, first: StreamId) {
        let gone = if let Some(block) = self.sealed.remove(&first) {
            self.bytes -= block.memory();
            block
        } else {
            let (_, block) = self.open.take().expect("the block is there");
            // The one before is the last now, and may have room.
            self.open = self.sealed.pop_last();
            self.bytes -= self.open.as_ref().map_or(0, |(_, block)| block.memory());
            block
        };
        self.live -= gone.live();
    }

    /// The first block from this id on, with its id.
    fn block_from(&self, from: StreamId) -> Option<(StreamId, &Block)> {
        let sealed = self.sealed.range(from..).next();
        let open = self.open.as_ref().map(|(first, block)| (first, block));
        sealed.or(open.filter(|(first, _)| **first >= from)).map(|(first, block)| (*first, block))
    }

    /// Removes the blocks of which nothing is to be kept, from the front, as long as they have at most `limit` entries
    /// together. Returns how many entries that were.
    pub fn trim_blocks(&mut self, keep: Keep, limit: usize) -> usize {
        let mut deleted = 0;
        while let Some((first, block)) = self.block_from(StreamId::MIN) {
            let live = block.live();
            if self.is_trimmed(keep) || live > limit - deleted || !self.goes_whole(keep, first, block) {
                break;
            }
            self.remove_block(first);
            deleted += live;
        }
        deleted
    }

    /// Deletes what is not to be kept. Returns how many entries that were.
    pub fn trim(&mut self, keep: Keep) -> usize {
        let deleted = self.trim_blocks(keep, usize::MAX);
        let Some((first, _)) = self.block_from(StreamId::MIN) else { return deleted };
        deleted + self.trim_within(first, keep, &mut |_| true)
    }

    /// Deletes what is not to be kept and `may_go`. To keep the last, it goes on behind those that may not, until no
    /// more are left or a block is met that would have stayed in part. Returns how many entries were deleted.
    pub fn trim_where(&mut self, keep: Keep, may_go: &mut dyn FnMut(StreamId) -> bool) -> usize {
        let (mut deleted, mut from) = (0, StreamId::MIN);
        while let Some((first, block)) = self.block_from(from) {
            if self.is_trimmed(keep) {
                break;
            }
            if !self.goes_whole(keep, first, block) {
                deleted += self.trim_within(first, keep, may_go);
                break;
            }
            let judge = &mut |id| if may_go(id) { Verdict::Delete } else { Verdict::Keep };
            let (gone, live) = self.delete_in(first, judge);
            deleted += gone;
            if live == 0 {
                self.remove_block(first);
            }
            let Some(next) = first.next() else { break };
            from = next;
        }
        deleted
    }

    fn is_trimmed(&self, keep: Keep) -> bool {
        matches!(keep, Keep::Last(count) if self.live <= count)
    }

    /// Whether nothing of a block is to be kept. Deleted entries count for an id, as in Redis.
    fn goes_whole(&self, keep: Keep, first: StreamId, block: &Block) -> bool {
        match keep {
            Keep::Last(count) => self.live - block.live() >= count,
            Keep::From(id) => block.entries(first).next_back().is_none_or(|entry| entry.id < id),
        }
    }

    /// Deletes from a block what is not to be kept and may go. The block stays, be it without entries.
    fn trim_within(&mut self, first: StreamId, keep: Keep, may_go: &mut dyn FnMut(StreamId) -> bool) -> usize {
        let mut excess = match keep {
            Keep::Last(count) => self.live.saturating_sub(count),
            Keep::From(_) => usize::MAX,
        };
        let (deleted, _) = self.delete_in(first, &mut |id| {
            if excess == 0 || matches!(keep, Keep::From(from) if id >= from) {
                return Verdict::Stop;
            }
            let goes = may_go(id);
            excess -= usize::from(goes);
            if goes { Verdict::Delete } else { Verdict::Keep }
        });
        deleted
    }

    /// Panics unless everything agrees; for tests.
    pub fn check(&self) {
        assert!(self.open.is_some() || self.sealed.is_empty());
        let (mut live, mut last) = (0, None);
        for (first, block) in self.blocks() {
            block.check(first);
            assert!(last < Some(first) && block.live() + block.deleted() > 0);
            live += block.live();
            last = block.entries(first).next_back().map(|entry| entry.id);
        }
        let bytes: usize = self.sealed.values().map(Block::memory).sum();
        assert_eq!((live, last, bytes), (self.live, self.last_of_all(), self.bytes));
    }
}

/// About what a tree of the standard library takes: its nodes have room for 11, and hold 7 or so.
fn tree_bytes<K, V>(len: usize) -> usize {
    (size_of::<K>() + size_of::<V>() + 2) * len * 11 / 7
}

/// A block in the making, for streams that are built as a whole.
#[derive(Debug)]
pub struct NewBlock {
    first: StreamId,
    last: Option<StreamId>,
    block: Block,
}

impl NewBlock {
    /// A block whose ids are counted from `first`, with the names that its first entry had.
    pub fn new<'e>(first: StreamId, count: usize, names: impl Iterator<Item = PackedElement<'e>>) -> NewBlock {
        NewBlock { first, last: None, block: Block::new(count, names, 0) }
    }

    fn delta(&mut self, id: StreamId) -> Result<StreamId, OutOfOrder> {
        if id < self.first || self.last >= Some(id) {
            return Err(OutOfOrder);
        }
        self.last = Some(id);
        Ok(StreamId { ms: id.ms - self.first.ms, seq: id.seq.wrapping_sub(self.first.seq) })
    }

    /// The number of entries that are not deleted, and of those that are.
    pub fn counts(&self) -> (usize, usize) {
        (self.block.live(), self.block.deleted())
    }

    /// Adds an entry with the names of the block; the caller gives as many values.
    pub fn push_same<'e>(
        &mut self,
        id: StreamId,
        deleted: bool,
        values: impl Iterator<Item = PackedElement<'e>>,
    ) -> Result<(), OutOfOrder> {
        let delta = self.delta(id)?;
        self.block.push_same(delta, deleted, values);
        Ok(())
    }

    /// Adds an entry with names of its own, of so many fields.
    pub fn push_own<'e>(
        &mut self,
        id: StreamId,
        deleted: bool,
        count: usize,
        fields: impl Iterator<Item = (PackedElement<'e>, PackedElement<'e>)>,
    ) -> Result<(), OutOfOrder> {
        let delta = self.delta(id)?;
        self.block.push_own(delta, deleted, count, fields);
        Ok(())
    }
}
