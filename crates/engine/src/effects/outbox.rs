//! What commands leave for others: subscribers, caches, waiting clients, and the thread that frees memory.

use super::Outlet;
use crate::event::Event;
use crate::observe::tracking::Invalidations;
use crate::observe::waits::Wakes;
use crate::shard::reclaim::Garbage;

/// An event that fired, for whoever reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    pub db: usize,
    pub event: Event,
    pub key: Vec<u8>,
}

/// A key to whose waiters something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadyKey {
    pub db: usize,
    pub key: Box<[u8]>,
    pub wakes: Wakes,
}

/// What is to be handed on, in the order in which it came about.
#[derive(Default)]
pub struct Outbox {
    fired: Vec<Fired>,
    garbage: Vec<Garbage>,
    /// What clients' caches have to forget.
    pub(crate) invalidations: Invalidations,
    ready: Vec<ReadyKey>,
}

impl Outbox {
    /// Hands on what there is to be told to others.
    #[inline]
    pub fn post(&mut self, outlet: &dyn Outlet) {
        self.post_events(outlet);
        if !self.invalidations.is_empty() {
            outlet.invalidations(std::mem::take(&mut self.invalidations));
        }
    }

    /// Hands on the events only, as between the commands of a transaction.
    #[inline]
    pub fn post_events(&mut self, outlet: &dyn Outlet) {
        if !self.fired.is_empty() {
            outlet.events(std::mem::take(&mut self.fired));
        }
    }

    #[cold]
    pub(crate) fn fire(&mut self, db: usize, event: Event, key: &[u8]) {
        self.fired.push(Fired { db, event, key: key.to_vec() });
    }

    /// Hands over something large to be freed by another thread.
    pub fn discard(&mut self, garbage: Garbage) {
        self.garbage.push(garbage);
    }

    /// Notes what happened to a key that somebody waits for.
    #[cold]
    pub(crate) fn note_ready(&mut self, db: usize, key: &[u8], wakes: Wakes) {
        match self.ready.iter_mut().find(|known| known.db == db && *known.key == *key) {
            Some(known) => known.wakes = known.wakes.or(wakes),
            None => self.ready.push(ReadyKey { db, key: key.into(), wakes }),
        }
    }

    /// Whether there are waiters to be served.
    #[inline]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes the keys whose waiters are to be served, in the order in which that came about.
    pub fn take_ready(&mut self) -> Vec<ReadyKey> {
        std::mem::take(&mut self.ready)
    }

    /// Puts keys back whose waiters were not served yet.
    pub fn put_back_ready(&mut self, mut ready: Vec<ReadyKey>) {
        ready.append(&mut self.ready);
        self.ready = ready;
    }

    /// Takes the events that fired.
    #[cfg(test)]
    pub fn take_fired(&mut self) -> Vec<Fired> {
        std::mem::take(&mut self.fired)
    }

    /// Takes what is to be freed.
    #[inline]
    pub fn take_garbage(&mut self) -> Option<Vec<Garbage>> {
        (!self.garbage.is_empty()).then(|| std::mem::take(&mut self.garbage))
    }

    pub(crate) fn absorb(&mut self, mut other: Outbox) {
        debug_assert!(other.ready.is_empty(), "nobody waits for a key that is detached");
        self.fired.append(&mut other.fired);
        self.garbage.append(&mut other.garbage);
        self.invalidations.append(other.invalidations);
    }
}
