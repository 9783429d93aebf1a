//! WATCH: who wants to know that a key changed.
//!
//! Each shard has a table from (db, key) to the transactions that watch it. A change marks them dirty and
//! forgets them. A client that unwatches just drops its [`Watch`]: the table holds weak references and sweeps
//! the dead ones when it has doubled, so that neither EXEC nor a lost connection has to lock shards for it.

use hashbrown::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// The mark of one transaction in the making: set when a key that it watches changed.
pub type Watch = Arc<AtomicBool>;

/// A key and the number of its database.
type Place = (usize, Box<[u8]>);

/// The watched keys of one shard.
#[derive(Default)]
pub struct WatchTable {
    keys: HashMap<Place, Vec<Weak<AtomicBool>>>,
    sweep_at: usize,
}

impl WatchTable {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Keys that somebody watches.
    pub fn live(&self) -> usize {
        self.keys.values().filter(|watchers| watchers.iter().any(|watcher| watcher.strong_count() > 0)).count()
    }

    pub fn add(&mut self, db: usize, key: &[u8], watch: &Watch) {
        if self.keys.len() >= self.sweep_at {
            self.sweep();
        }
        let watchers = self.keys.entry((db, key.into())).or_default();
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(Arc::downgrade(watch));
    }

    /// Marks everyone who watches this key, and forgets them.
    #[cold]
    pub fn touch(&mut self, db: usize, key: &[u8]) {
        if self.is_empty() {
            return;
        }
        if let Some(watchers) = self.keys.remove(&(db, Box::from(key))) {
            for watch in watchers.iter().filter_map(Weak::upgrade) {
                watch.store(true, Ordering::Release);
            }
        }
    }

    /// Hands those who watch a key over to another table, which takes the key.
    pub(crate) fn hand_over(&mut self, db: usize, key: &[u8], to: &mut WatchTable) {
        if self.is_empty() {
            return;
        }
        if let Some((place, watchers)) = self.keys.remove_entry(&(db, Box::from(key))) {
            to.keys.insert(place, watchers);
        }
    }

    /// Marks everyone who watches a key of `db` for which `changed` says true.
    pub fn touch_where(&mut self, db: usize, mut changed: impl FnMut(&[u8]) -> bool) {
        let hit: Vec<Box<[u8]>> =
            self.keys.keys().filter(|(of, key)| *of == db && changed(key)).map(|(_, key)| key.clone()).collect();
        for key in hit {
            self.touch(db, &key);
        }
    }

    fn sweep(&mut self) {
        self.keys.retain(|_, watchers| {
            watchers.retain(|watcher| watcher.strong_count() > 0);
            !watchers.is_empty()
        });
        self.sweep_at = (self.keys.len() * 2).max(16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_marks_only_its_watchers() {
        let (one, two) = (Watch::default(), Watch::default());
        let mut table = WatchTable::default();
        table.add(0, b"k", &one);
        table.add(1, b"k", &two);
        table.touch(0, b"k");
        assert!(one.load(Ordering::Acquire));
        assert!(!two.load(Ordering::Acquire));
        assert_eq!(table.live(), 1);
        drop(two);
        assert_eq!(table.live(), 0);
    }

    #[test]
    fn dropped_watches_are_swept() {
        let mut table = WatchTable::default();
        for number in 0..10_000u32 {
            table.add(0, &number.to_le_bytes(), &Watch::default());
        }
        assert!(table.keys.len() <= 17, "{} dead keys kept", table.keys.len());
    }
}
