//! Who wants to hear that a key of a shard changed: transactions that watch it, clients' caches, and clients that wait.

pub mod tracking;
pub mod waits;
pub mod watch;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tracking::{Invalidations, TrackTable};
use watch::WatchTable;

/// The watches and the caches of one shard.
pub(crate) struct Observers {
    pub watched: WatchTable,
    pub tracked: TrackTable,
}

impl Observers {
    /// `broadcasts`: how many clients want to hear of changes of all keys.
    pub fn new(broadcasts: Arc<AtomicUsize>) -> Observers {
        Observers { watched: WatchTable::default(), tracked: TrackTable::new(broadcasts) }
    }

    /// Notes that a key changed: its watchers are marked, and caches that hold it are collected.
    #[inline]
    pub fn note_change(&mut self, db: usize, key: &[u8], invalidations: &mut Invalidations) {
        if !self.watched.is_empty() || !self.tracked.is_empty() {
            self.note_change_slowly(db, key, invalidations);
        }
    }

    #[cold]
    fn note_change_slowly(&mut self, db: usize, key: &[u8], invalidations: &mut Invalidations) {
        self.watched.touch(db, key);
        self.tracked.touch(key, invalidations);
    }

    /// Hands those who observe a key over to others, who take the key.
    pub fn hand_over(&mut self, db: usize, key: &[u8], to: &mut Observers) {
        self.watched.hand_over(db, key, &mut to.watched);
        self.tracked.hand_over(key, &mut to.tracked);
    }
}
