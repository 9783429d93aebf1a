//! WATCH: who wants to know that a key changed.
//!
//! Each shard has a table from (db, key) to the transactions that watch it. A change marks them, and then they watch no
//! more: one change is enough. A client that unwatches just drops its [`Watch`]: the table holds weak references and
//! sweeps the dead ones when it has doubled, so that neither EXEC nor a lost connection has to lock shards for it.

use hashbrown::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// The mark of one transaction in the making.
#[derive(Default)]
pub struct Mark {
    changed: AtomicBool,
    keys: AtomicUsize,
}

pub type Watch = Arc<Mark>;

impl Mark {
    /// Whether a key that it watches changed.
    pub fn is_changed(&self) -> bool {
        self.changed.load(Ordering::Acquire)
    }

    /// Keys that it watches.
    pub fn keys(&self) -> usize {
        self.keys.load(Ordering::Relaxed)
    }

    fn watches(&self) -> bool {
        self.keys() > 0
    }
}

/// Whether a watcher is still there, and watches.
fn is_live(watcher: &Weak<Mark>) -> bool {
    watcher.upgrade().is_some_and(|mark| mark.watches())
}

/// A key and the number of its database.
type Place = (usize, Box<[u8]>);

/// The watched keys of one shard.
#[derive(Default)]
pub struct WatchTable {
    keys: HashMap<Place, Vec<Weak<Mark>>>,
    sweep_at: usize,
}

impl WatchTable {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Keys that somebody watches.
    pub fn live(&self) -> usize {
        self.keys.values().filter(|watchers| watchers.iter().any(is_live)).count()
    }

    /// Adds a key that this transaction does not watch yet.
    pub fn add(&mut self, db: usize, key: &[u8], watch: &Watch) {
        if self.keys.len() >= self.sweep_at {
            self.sweep();
        }
        let watchers = self.keys.entry((db, key.into())).or_default();
        if watchers.len() == watchers.capacity() {
            watchers.retain(is_live);
            // As much room as is taken, so that it is a while until this has to be done again.
            watchers.reserve(watchers.len().max(1));
        }
        watchers.push(Arc::downgrade(watch));
        watch.keys.fetch_add(1, Ordering::Relaxed);
    }

    /// Marks everyone who watches this key: they watch nothing any more.
    #[cold]
    pub fn touch(&mut self, db: usize, key: &[u8]) {
        if self.is_empty() {
            return;
        }
        if let Some(watchers) = self.keys.remove(&(db, Box::from(key))) {
            for mark in watchers.iter().filter_map(Weak::upgrade) {
                mark.changed.store(true, Ordering::Release);
                mark.keys.store(0, Ordering::Relaxed);
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

    /// Marks everyone who watches a key of `db` for which `changed` says true. As in Redis, they are still said to
    /// watch it.
    pub fn touch_where(&mut self, db: usize, mut changed: impl FnMut(&[u8]) -> bool) {
        for (_, watchers) in self.keys.iter().filter(|((of, key), _)| *of == db && changed(key)) {
            for mark in watchers.iter().filter_map(Weak::upgrade) {
                mark.changed.store(true, Ordering::Release);
            }
        }
    }

    fn sweep(&mut self) {
        self.keys.retain(|_, watchers| {
            watchers.retain(is_live);
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
        assert!(one.is_changed() && one.keys() == 0);
        assert!(!two.is_changed() && two.keys() == 1);
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
    #[test]
    fn who_saw_a_change_watches_nothing_any_more() {
        let watch = Watch::default();
        let mut table = WatchTable::default();
        table.add(0, b"one", &watch);
        table.add(0, b"two", &watch);
        table.touch(0, b"one");
        assert_eq!((table.live(), watch.keys()), (0, 0));
        table.touch_where(0, |_| true);
        assert!(watch.is_changed());
    }

    #[test]
    fn a_key_that_many_watch_is_swept_when_its_room_is_used_up() {
        let mut table = WatchTable::default();
        let there: Vec<Watch> = (0..100).map(|_| Watch::default()).collect();
        there.iter().for_each(|watch| table.add(0, b"k", watch));
        (0..10_000).for_each(|_| table.add(0, b"k", &Watch::default()));
        let kept = table.keys.values().map(Vec::len).sum::<usize>();
        assert!((100..=300).contains(&kept), "{kept} watchers kept of a hundred");
        assert_eq!(table.live(), 1);
    }
}
