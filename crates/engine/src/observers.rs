//! Who wants to hear that a key of a shard changed: transactions that watch it, and clients' caches.

use crate::effects::Effects;
use crate::tracking::TrackTable;
use crate::watch::WatchTable;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

pub(crate) struct Observers {
    pub watched: WatchTable,
    pub tracked: TrackTable,
}

impl Observers {
    /// `broadcasts`: how many clients want to hear of changes of all keys.
    pub fn new(broadcasts: Arc<AtomicUsize>) -> Observers {
        Observers { watched: WatchTable::default(), tracked: TrackTable::new(broadcasts) }
    }

    /// A key changed.
    #[inline]
    pub fn touch(&mut self, fx: &mut Effects, db: usize, key: &[u8]) {
        if !self.watched.is_empty() || !self.tracked.is_empty() {
            self.tell(fx, db, key);
        }
    }

    #[cold]
    fn tell(&mut self, fx: &mut Effects, db: usize, key: &[u8]) {
        self.watched.touch(db, key);
        self.tracked.touch(key, &mut fx.invalidations);
    }

    /// Hands those who observe a key over to others, who take the key.
    pub fn hand_over(&mut self, db: usize, key: &[u8], to: &mut Observers) {
        self.watched.hand_over(db, key, &mut to.watched);
        self.tracked.hand_over(key, &mut to.tracked);
    }
}
