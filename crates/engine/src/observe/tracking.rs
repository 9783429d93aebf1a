//! CLIENT TRACKING: whose caches have to hear that a key changed.
//!
//! Each shard remembers which clients read which keys, by the clients' ids: a client that is gone is found out when it
//! would be told, or when its keys make room for others. A key is remembered by its name alone, whatever the database,
//! as caches know it, and is forgotten when it changes: who reads it again is told again. Clients that want to hear of
//! all keys of some prefix are not known here: every change is noted for them as long as their count is not 0.

use hashbrown::HashMap;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Ids of the clients that read a key.
pub type Readers = SmallVec<[u64; 2]>;

/// What caches have to hear of, collected while commands run.
#[derive(Debug, Default)]
pub struct Invalidations {
    /// Keys that changed, with those who read them.
    pub read: Vec<(Box<[u8]>, Readers)>,
    /// All keys that changed, as long as somebody wants to hear of prefixes.
    pub changed: Vec<Box<[u8]>>,
    /// The keyspace, or a database, was emptied.
    pub flushed: bool,
}

impl Invalidations {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.read.is_empty() && self.changed.is_empty() && !self.flushed
    }

    pub(crate) fn append(&mut self, mut other: Invalidations) {
        self.read.append(&mut other.read);
        self.changed.append(&mut other.changed);
        self.flushed |= other.flushed;
    }
}

/// The keys of one shard that clients have read.
#[derive(Debug, Default)]
pub(crate) struct TrackTable {
    keys: HashMap<Box<[u8]>, Readers>,
    /// How many clients want to hear of changes of all keys; shared by all shards.
    broadcasts: Arc<AtomicUsize>,
}

impl TrackTable {
    pub fn new(broadcasts: Arc<AtomicUsize>) -> TrackTable {
        TrackTable { keys: HashMap::new(), broadcasts }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.broadcasts.load(Ordering::Relaxed) == 0
    }

    /// Keys, and readers of all of them together.
    pub fn counts(&self) -> (usize, usize) {
        (self.keys.len(), self.keys.values().map(SmallVec::len).sum())
    }

    /// Remembers that a client read a key; if that is one key too many, some other is forgotten as if it had changed.
    pub fn add(&mut self, key: &[u8], client: u64, most: usize, told: &mut Invalidations) {
        if let Some(readers) = self.keys.get_mut(key) {
            if !readers.contains(&client) {
                readers.push(client);
            }
            return;
        }
        while self.keys.len() >= most.max(1) {
            let Some(other) = self.keys.keys().next().cloned() else { break };
            told.read.extend(self.keys.remove_entry(&other));
        }
        self.keys.insert(key.into(), SmallVec::from_slice(&[client]));
    }

    pub fn touch(&mut self, key: &[u8], told: &mut Invalidations) {
        told.read.extend(self.keys.remove_entry(key));
        if self.broadcasts.load(Ordering::Relaxed) > 0 {
            told.changed.push(key.into());
        }
    }

    pub fn clear(&mut self) {
        self.keys = HashMap::new();
    }

    /// Hands the readers of a key over to another table, which takes the key.
    pub fn hand_over(&mut self, key: &[u8], to: &mut TrackTable) {
        if let Some((key, readers)) = self.keys.remove_entry(key) {
            let known = to.keys.entry(key).or_default();
            known.extend(readers);
            known.sort_unstable();
            known.dedup();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(table: &mut TrackTable, key: &[u8]) -> Vec<u64> {
        let mut told = Invalidations::default();
        table.touch(key, &mut told);
        told.read.iter().flat_map(|(_, readers)| readers.iter().copied()).collect()
    }

    #[test]
    fn a_change_is_told_once_to_each_reader() {
        let mut table = TrackTable::default();
        let mut told = Invalidations::default();
        for client in [1, 2, 1] {
            table.add(b"k", client, 100, &mut told);
        }
        assert_eq!(table.counts(), (1, 2));
        assert_eq!(told_of(&mut table, b"other"), []);
        assert_eq!(told_of(&mut table, b"k"), [1, 2]);
        assert_eq!(told_of(&mut table, b"k"), []);
        assert!(told.is_empty() && table.is_empty());
    }

    #[test]
    fn a_full_table_gives_up_keys_and_says_so() {
        let mut table = TrackTable::default();
        let mut told = Invalidations::default();
        for key in 0..100u8 {
            table.add(&[key], 7, 10, &mut told);
        }
        assert_eq!(table.counts(), (10, 10));
        assert_eq!(told.read.len(), 90);
    }

    #[test]
    fn readers_go_along_with_their_key() {
        let (mut home, mut away) = (TrackTable::default(), TrackTable::default());
        let mut told = Invalidations::default();
        home.add(b"k", 1, 100, &mut told);
        home.hand_over(b"k", &mut away);
        home.add(b"k", 2, 100, &mut told);
        away.hand_over(b"k", &mut home);
        assert!(away.is_empty());
        assert_eq!(told_of(&mut home, b"k"), [1, 2]);
    }
}
