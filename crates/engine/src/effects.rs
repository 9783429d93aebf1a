//! What a command did, collected while it runs and settled before its shards are let go.
//!
//! One `Effects` belongs to a worker and is used for every command it runs: nothing here allocates unless
//! somebody listens (a journal, an event capture) or a large value dies.

use crate::event::{Class, Event};
use crate::journal::{Journal, Record};
use crate::recency::Recency;
use crate::reclaim::Garbage;
use crate::tracking::Invalidations;
use base::rng::Rng;
use value::Workbench;

/// An event that fired, for whoever reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    pub db: usize,
    pub event: &'static str,
    pub key: Vec<u8>,
}

/// How a command that changed something is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Propagation {
    /// As it was sent.
    Verbatim,
    /// As the records that its handler gave, or not at all.
    AsGiven,
}

/// Counters that INFO adds up over the workers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    pub hits: u64,
    pub misses: u64,
    pub expired: u64,
    pub expired_fields: u64,
    pub dirty: u64,
}

/// The effects of the commands of one worker.
pub struct Effects {
    /// Milliseconds since the epoch: what "now" means for expiry, the same for a whole turn.
    pub now_ms: u64,
    pub recency: Recency,
    /// False for a client that said CLIENT NO-TOUCH.
    pub touch: bool,
    /// False while expired keys must stay where they are (CLIENT PAUSE, DEBUG): they are only not seen.
    pub may_expire: bool,
    /// Classes of events somebody listens to, as bits of [`Class`].
    pub event_classes: u32,
    /// Whether a key deleted for its age is logged as UNLINK rather than DEL.
    pub lazy_expire: bool,
    pub rng: Rng,
    pub counters: Counters,
    /// Changes by the running command.
    dirty: u64,
    journal_on: bool,
    propagation: Propagation,
    records: Vec<Record>,
    frame: Vec<Record>,
    fired: Vec<Fired>,
    garbage: Vec<Garbage>,
    /// What clients' caches have to hear of.
    pub(crate) invalidations: Invalidations,
    /// Keys that were filled while somebody waited for them, in the order of that.
    ready: Vec<ReadyKey>,
    /// Where a small collection is while the running command looks at it or changes it.
    pub(crate) bench: Workbench,
    /// The same for commands that look at several at once.
    pub(crate) benches: Vec<Workbench>,
}

/// Benches that are kept for the next command that wants several.
pub(crate) const BENCHES_KEPT: usize = 16;

/// A key that was filled, and the number of its database.
pub type ReadyKey = (usize, Box<[u8]>);

impl Effects {
    pub fn new(rng: Rng) -> Effects {
        Effects {
            now_ms: 0,
            recency: Recency::default(),
            touch: true,
            may_expire: true,
            event_classes: 0,
            lazy_expire: false,
            rng,
            counters: Counters::default(),
            dirty: 0,
            journal_on: false,
            propagation: Propagation::Verbatim,
            records: Vec::new(),
            frame: Vec::new(),
            fired: Vec::new(),
            garbage: Vec::new(),
            invalidations: Invalidations::default(),
            ready: Vec::new(),
            bench: Workbench::new(),
            benches: Vec::new(),
        }
    }

    /// Changes that the running command made so far.
    #[inline]
    pub fn dirty(&self) -> u64 {
        self.dirty
    }

    /// Counts changes that no key announced (FLUSHALL of an empty keyspace counts one, for example).
    #[inline]
    pub fn add_dirty(&mut self, changes: u64) {
        self.dirty += changes;
    }

    /// Whether effects are written down: a handler asks before it prints numbers for a record.
    #[inline]
    pub fn journal_on(&self) -> bool {
        self.journal_on
    }

    /// Logs the running command as these words instead of as it was sent. May be called several times.
    pub fn propagate_as(&mut self, db: usize, args: &[&[u8]]) {
        self.propagation = Propagation::AsGiven;
        if self.journal_on {
            self.records.push(Record::new(db, args));
        }
    }

    /// Does not log the running command (besides what `propagate_as` gave).
    pub fn propagate_nothing(&mut self) {
        self.propagation = Propagation::AsGiven;
    }

    /// Logs a command that happened before the running one, such as the deletion of an expired key.
    pub(crate) fn record_before(&mut self, db: usize, args: &[&[u8]]) {
        if self.journal_on {
            self.frame.push(Record::new(db, args));
        }
    }

    #[inline]
    pub(crate) fn fire(&mut self, db: usize, event: Event, key: &[u8]) {
        if self.event_classes & event.class.0 != 0 {
            self.fire_slowly(db, event, key);
        }
    }

    #[cold]
    fn fire_slowly(&mut self, db: usize, event: Event, key: &[u8]) {
        self.fired.push(Fired { db, event: event.name, key: key.to_vec() });
    }

    /// Whether anybody listens to this class.
    #[inline]
    pub fn listens_to(&self, class: Class) -> bool {
        self.event_classes & class.0 != 0
    }

    /// Hands over something large to be freed by another thread.
    pub fn discard(&mut self, garbage: Garbage) {
        self.garbage.push(garbage);
    }

    /// Notes that a key was filled that somebody waits for.
    #[cold]
    pub(crate) fn note_ready(&mut self, db: usize, key: &[u8]) {
        if !self.ready.iter().any(|(of, known)| *of == db && **known == *key) {
            self.ready.push((db, key.into()));
        }
    }

    /// Whether there are waiters to be served.
    #[inline]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes the keys whose waiters are to be served.
    pub fn take_ready(&mut self) -> Vec<ReadyKey> {
        std::mem::take(&mut self.ready)
    }

    /// Begins a command.
    #[inline]
    pub fn begin(&mut self, journal: &Journal) {
        self.dirty = 0;
        self.benches.truncate(BENCHES_KEPT);
        self.journal_on = journal.is_on();
        self.propagation = Propagation::Verbatim;
    }

    /// Ends a command: what it is logged as joins the frame. `sent` gives its words.
    #[inline]
    pub fn end(&mut self, db: usize, sent: impl FnOnce() -> Vec<Vec<u8>>) {
        self.counters.dirty += self.dirty;
        if self.journal_on {
            if self.propagation == Propagation::Verbatim && self.dirty > 0 {
                self.frame.push(Record { db, args: sent() });
            }
            self.frame.append(&mut self.records);
        }
    }

    /// Ends a frame (a command outside a transaction, or a transaction): the journal gets it while the caller
    /// still holds the shards.
    #[inline]
    pub fn settle(&mut self, journal: &Journal) {
        if !self.frame.is_empty() {
            journal.append(std::mem::take(&mut self.frame));
        }
    }

    /// Others for a command that runs elsewhere in the place of this one's.
    pub fn like(&self, rng: Rng) -> Effects {
        Effects {
            now_ms: self.now_ms,
            recency: self.recency,
            touch: self.touch,
            may_expire: self.may_expire,
            event_classes: self.event_classes,
            lazy_expire: self.lazy_expire,
            ..Effects::new(rng)
        }
    }

    /// Takes over what another left behind that worked for this one, between two commands.
    pub fn absorb(&mut self, mut other: Effects) {
        debug_assert!(other.ready.is_empty(), "nobody waits for a key that is away");
        let Counters { hits, misses, expired, expired_fields, dirty } = other.counters;
        let counters = &mut self.counters;
        counters.hits += hits;
        counters.misses += misses;
        counters.expired += expired;
        counters.expired_fields += expired_fields;
        counters.dirty += dirty;
        self.frame.append(&mut other.frame);
        self.fired.append(&mut other.fired);
        self.garbage.append(&mut other.garbage);
        self.invalidations.append(other.invalidations);
    }

    /// Takes the events that fired.
    #[inline]
    pub fn take_fired(&mut self) -> Option<Vec<Fired>> {
        (!self.fired.is_empty()).then(|| std::mem::take(&mut self.fired))
    }

    /// Takes what clients' caches have to hear of.
    #[inline]
    pub fn take_invalidations(&mut self) -> Option<Invalidations> {
        (!self.invalidations.is_empty()).then(|| std::mem::take(&mut self.invalidations))
    }

    /// Takes what is to be freed.
    #[inline]
    pub fn take_garbage(&mut self) -> Option<Vec<Garbage>> {
        (!self.garbage.is_empty()).then(|| std::mem::take(&mut self.garbage))
    }
}
