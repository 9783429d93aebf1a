//! The stream: entries by rising ids, what was ever added and deleted, and groups of consumers that read it together.
//!
//! * `structures::stream` keeps the entries and the groups. Here is what Redis makes of both: how far a group is
//!   behind, and which entries may be deleted while groups know of them.
//! * A stream remembers its last id and what it has lost, so it may be empty and still be a value: it stays in the
//!   keyspace until it is deleted by name.
//! * A group knows how many entries were read before its place only as long as nothing was deleted there (`Progress`).
//!   Where it does not, neither does Redis, and clients get no number.
//!
//! A small stream without groups is kept within the entry of its key (see `small`).

mod image;
mod progress;
#[cfg(test)]
mod tests;

pub use progress::Progress;
pub use structures::stream::group::{Consumer, ConsumerId, Group, Nack};
pub use structures::stream::{BLOCK_BYTES_MAX, BlockLimits, Entries, Entry, Fields, Keep, StreamId};

use std::collections::BTreeMap;

/// The stream.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    entries: Entries,
    last_id: StreamId,
    max_deleted: StreamId,
    added: u64,
    groups: BTreeMap<Box<[u8]>, Group>,
}

/// What becomes of the groups' pending entries when entries are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum References {
    /// They stay pending (`KEEPREF`).
    Keep,
    /// They are no longer pending for anybody (`DELREF`).
    Delete,
    /// Only entries go that all groups have read and acknowledged (`ACKED`).
    Acknowledged,
}

/// What became of an entry that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// There is no such entry.
    Missing,
    Deleted,
    /// Groups still have it, or have not read it.
    Referenced,
}

/// A group, to be changed while the entries are read.
#[derive(Debug)]
pub struct Reader<'s> {
    pub entries: &'s Entries,
    pub progress: Progress,
    pub group: &'s mut Group,
}

impl Stream {
    /// A stream to which nothing was added yet.
    pub const fn new() -> Stream {
        Stream {
            entries: Entries::new(),
            last_id: StreamId::MIN,
            max_deleted: StreamId::MIN,
            added: 0,
            groups: BTreeMap::new(),
        }
    }

    /// A stream that is built as a whole, without groups. No entry has a higher id than `last_id`.
    pub fn of_entries(entries: Entries, last_id: StreamId, max_deleted: StreamId, added: u64) -> Option<Stream> {
        let sound = entries.last_of_all().is_none_or(|last| last <= last_id);
        sound.then(|| Stream { entries, last_id, max_deleted, added, groups: BTreeMap::new() })
    }

    /// What OBJECT ENCODING answers.
    pub fn encoding_name(&self) -> &'static str {
        "stream"
    }

    /// Number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held besides the object itself; walks the groups and their consumers.
    pub fn memory(&self) -> usize {
        let groups = self.groups.iter().map(|(name, group)| name.len() + size_of_val(group) + group.memory());
        size_of::<Stream>() + self.entries.memory() + groups.sum::<usize>()
    }

    /// Whether memory is that of one buffer.
    pub(crate) fn is_one_block(&self) -> bool {
        self.groups.is_empty() && self.entries.single_block().is_some()
    }

    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.entries.into_buffer()
    }

    #[inline]
    pub fn entries(&self) -> &Entries {
        &self.entries
    }

    /// The highest id that was ever added, or set.
    #[inline]
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// The highest id that was deleted by name.
    pub fn max_deleted(&self) -> StreamId {
        self.max_deleted
    }

    /// How many entries were ever added.
    pub fn added(&self) -> u64 {
        self.added
    }

    /// The id of the first entry; the lowest of all ids if there is none.
    pub fn first_id(&self) -> StreamId {
        self.entries.first().map_or(StreamId::MIN, |entry| entry.id)
    }

    /// Adds an entry, whose id is above the last.
    #[inline]
    pub fn append<'f, F>(&mut self, id: StreamId, fields: F, limits: &BlockLimits)
    where
        F: Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
    {
        assert!(id > self.last_id, "ids rise");
        self.entries.append(id, fields, limits);
        self.last_id = id;
        self.added = self.added.wrapping_add(1);
    }

    /// Sets what is known of entries that may not be there any more (XSETID). No entry has a higher id than `last_id`.
    pub fn set_last_id(&mut self, last_id: StreamId, added: Option<u64>, max_deleted: Option<StreamId>) {
        debug_assert!(self.entries.last().is_none_or(|last| last.id <= last_id));
        self.last_id = last_id;
        self.added = added.unwrap_or(self.added);
        self.max_deleted = max_deleted.unwrap_or(self.max_deleted);
    }

    // Deletion.

    /// Whether an entry is pending in a group, or was not read by it.
    pub fn is_referenced(&self, id: StreamId) -> bool {
        is_referenced(&self.groups, id)
    }

    /// Ends an entry's being pending in all groups.
    pub fn forget(&mut self, id: StreamId) {
        forget(&mut self.groups, id);
    }

    /// Deletes an entry. As in Redis, references are looked at, and go, whether or not there is such an entry.
    pub fn delete(&mut self, id: StreamId, references: References) -> Deletion {
        if references == References::Acknowledged && self.is_referenced(id) {
            return Deletion::Referenced;
        }
        if references == References::Delete {
            self.forget(id);
        }
        if !self.entries.delete(id) {
            return Deletion::Missing;
        }
        self.max_deleted = self.max_deleted.max(id);
        Deletion::Deleted
    }

    /// Deletes all but what is to be kept. Returns how many entries that were.
    pub fn trim(&mut self, keep: Keep, references: References) -> usize {
        let groups = &mut self.groups;
        match references {
            References::Keep => self.entries.trim(keep),
            References::Delete => self.entries.trim_where(keep, &mut |id| {
                forget(groups, id);
                true
            }),
            References::Acknowledged => self.entries.trim_where(keep, &mut |id| !is_referenced(groups, id)),
        }
    }

    /// Deletes from the front in whole blocks, at most `limit` entries and nothing that is to be kept. As in Redis,
    /// nothing at all unless references are kept.
    pub fn trim_about(&mut self, keep: Keep, limit: usize, references: References) -> usize {
        match references {
            References::Keep => self.entries.trim_blocks(keep, limit),
            References::Delete | References::Acknowledged => 0,
        }
    }

    // Groups.

    /// All groups, in the order of their names.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = (&[u8], &Group)> + '_ {
        self.groups.iter().map(|(name, group)| (&**name, group))
    }

    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name)
    }

    pub fn group_mut(&mut self, name: &[u8]) -> Option<&mut Group> {
        self.groups.get_mut(name)
    }

    /// The group of this name, with what its consumers read.
    pub fn reader(&mut self, name: &[u8]) -> Option<Reader<'_>> {
        let progress = self.progress();
        let group = self.groups.get_mut(name)?;
        Some(Reader { entries: &self.entries, progress, group })
    }

    /// Adds a group. Returns whether the name was free; else nothing is changed.
    pub fn add_group(&mut self, name: &[u8], group: Group) -> bool {
        if self.groups.contains_key(name) {
            return false;
        }
        self.groups.insert(Box::from(name), group);
        true
    }

    /// Removes a group.
    pub fn remove_group(&mut self, name: &[u8]) -> Option<Group> {
        self.groups.remove(name)
    }

    /// The counters by which groups know how far they are.
    pub fn progress(&self) -> Progress {
        Progress {
            len: self.len() as u64,
            added: self.added,
            first_id: self.first_id(),
            last_id: self.last_id,
            max_deleted: self.max_deleted,
        }
    }

    /// How many keys and nodes the radix tree has in which Redis keeps these blocks. Walks the blocks.
    pub fn radix_tree(&self) -> (usize, usize) {
        progress::radix_tree(self.entries.blocks().map(|(first, _)| first.to_bytes()))
    }

    /// Panics unless everything agrees; for tests.
    pub fn check(&self) {
        self.entries.check();
        assert!(self.entries.last_of_all().is_none_or(|last| last <= self.last_id));
        self.groups.values().for_each(Group::check);
    }
}

fn is_referenced(groups: &BTreeMap<Box<[u8]>, Group>, id: StreamId) -> bool {
    groups.values().any(|group| id > group.last_delivered || group.nack(id).is_some())
}

fn forget(groups: &mut BTreeMap<Box<[u8]>, Group>, id: StreamId) {
    for group in groups.values_mut() {
        group.acknowledge(id);
    }
}
