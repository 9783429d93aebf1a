//! How far groups are: what was read before an id, and what is still to be read, where that can be known.
//!
//! Entries that were trimmed are gone from the front, so they do not disturb counting from the end. Entries that were
//! deleted by name leave gaps. Only the highest id of those is known, and so only that there is none above it.

use super::{Group, StreamId};

/// The counters of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub(super) len: u64,
    pub(super) added: u64,
    pub(super) first_id: StreamId,
    pub(super) last_id: StreamId,
    pub(super) max_deleted: StreamId,
}

impl Progress {
    /// Whether there may be a gap from this id on.
    fn has_gap_from(&self, id: StreamId) -> bool {
        self.len > 0 && !self.max_deleted.is_zero() && id <= self.max_deleted
    }

    /// How many entries were added up to and with this id, where that can be known: at the end, before the first
    /// entry and at it. Redis knows no more.
    pub fn read_at(&self, id: StreamId) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        if self.len == 0 && id < self.last_id || id == self.last_id {
            return Some(self.added);
        }
        // Above the last there is nothing yet, and above the first may be a gap.
        if id > self.last_id || !self.max_deleted.is_zero() && self.max_deleted >= self.first_id {
            return None;
        }
        let before = self.added.saturating_sub(self.len);
        match id.cmp(&self.first_id) {
            std::cmp::Ordering::Less => Some(before),
            std::cmp::Ordering::Equal => Some(before + 1),
            std::cmp::Ordering::Greater => None,
        }
    }

    /// What a group has counted, if that is still good: nothing was trimmed or deleted where it reads on.
    fn counted(&self, group: &Group) -> Option<u64> {
        let id = group.last_delivered;
        group.entries_read.filter(|_| id >= self.first_id && !self.has_gap_from(id))
    }

    /// How many entries a group has not read yet.
    pub fn lag(&self, group: &Group) -> Option<u64> {
        if self.added == 0 || self.len == 0 {
            return Some(0);
        }
        let read = self.counted(group).or_else(|| self.read_at(group.last_delivered))?;
        Some(self.added.wrapping_sub(read))
    }

    /// Notes that a group was given this entry as a new one.
    pub fn deliver(&self, group: &mut Group, id: StreamId) {
        if id <= group.last_delivered {
            return;
        }
        group.entries_read = match self.counted(group) {
            Some(read) => Some(read.wrapping_add(1)),
            None => self.read_at(id),
        };
        group.last_delivered = id;
    }
}

/// The keys and nodes of a radix tree with these keys, which are in order. A node is a key, a branch, or a chain of
/// bytes without either; a branch holds the first byte of what follows it.
pub(super) fn radix_tree<const N: usize>(keys: impl Iterator<Item = [u8; N]>) -> (usize, usize) {
    let (mut count, mut nodes) = (0, 0);
    // A node at this depth, with the chain that leads to it from the branch above, if there is one.
    let with_chain = |above: Option<usize>, depth: usize| 1 + usize::from(above.map_or(0, |above| above + 1) < depth);
    // The depths of the branches on the way to the key. They end where the next key has less in common with it.
    let mut branches: Vec<usize> = Vec::new();
    let mut end = |before: Option<usize>, behind: Option<usize>| {
        nodes += with_chain(before.max(behind), N);
        while let Some(depth) = branches.pop_if(|depth| Some(*depth) > behind) {
            nodes += with_chain(branches.last().copied().max(behind), depth);
        }
        branches.extend(behind.filter(|depth| branches.last() != Some(depth)));
    };
    let mut last: Option<([u8; N], Option<usize>)> = None;
    for key in keys {
        let shared = last.map(|(last, before)| {
            let shared = last.iter().zip(&key).take_while(|(one, other)| one == other).count();
            end(before, Some(shared));
            shared
        });
        last = Some((key, shared));
        count += 1;
    }
    match last {
        Some((_, before)) => {
            end(before, None);
            (count, nodes)
        }
        // The root.
        None => (0, 1),
    }
}
