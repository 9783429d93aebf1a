//! Blocking: who waits for a key to be filled.
//!
//! Each shard has a table from a key to the clients that wait for it, in the order in which they came. Whoever fills a
//! key, that is, makes a collection where there was none, notes it ([`Effects`](crate::Effects)) and serves the waiters
//! before it lets go of its shards, so that nobody overtakes them.
//!
//! ```text
//!  shard 3: "jobs" -> db 0: [wait 1][wait 4]      wait 1 is in both queues;
//!  shard 7: "mail" -> db 0: [wait 2][wait 1]      whoever claims it first ends it for both
//! ```
//!
//! * A [`Wait`] ends once: served, timed out, unblocked or its client gone. Whoever ends it claims it first, with one
//!   atomic exchange; a claimed wait is passed over until its worker takes it out of all tables.
//! * To serve a wait needs the shards of all its keys, and, where that fills another key (BLMOVE), those of the clients
//!   waiting there. [`LockedKeys::cover_waiters`](crate::LockedKeys::cover_waiters) takes them before a command runs.
//! * A wait is put in and taken out under the shard's lock. Taking out locks one shard at a time.

use crate::key::Key;
use hashbrown::{HashMap, HashSet};
use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use value::Object;

/// A key of a command that waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WaitKey {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) shard: u16,
}

impl From<Key<'_>> for WaitKey {
    fn from(key: Key<'_>) -> WaitKey {
        WaitKey { bytes: key.bytes.into(), shard: key.shard }
    }
}

/// What happened to a key that somebody waits for, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wakes(u8);

impl Wakes {
    /// The key came to hold a collection where it held none.
    pub const FILLED: Wakes = Wakes(1);
    /// What the key holds changed.
    pub const CHANGED: Wakes = Wakes(2);
    /// The key was deleted, or what it holds was replaced by something else.
    pub const GONE: Wakes = Wakes(4);

    pub const fn or(self, other: Wakes) -> Wakes {
        Wakes(self.0 | other.0)
    }

    #[inline]
    pub const fn any(self, other: Wakes) -> bool {
        self.0 & other.0 != 0
    }
}

/// What a client waits for, as its command said it.
pub struct WaitFor {
    /// The keys it waits for. A client may name a great many, and some twice.
    pub keys: Vec<WaitKey>,
    /// The keys that serving it fills.
    pub filled: Vec<WaitKey>,
    /// What may have happened to a key for the command to be worth another try.
    pub wakes: Wakes,
    /// Whether this is the type of value that the command waits for.
    pub wants: fn(&Object) -> bool,
}

/// A client that waits.
pub struct Wait {
    pub client: u64,
    /// The number of the worker that has the client.
    pub worker: usize,
    pub db: usize,
    /// What is waited for; each key once.
    awaited: WaitFor,
    /// The shards of all of its keys, rising.
    shards: Vec<u16>,
    /// What is to be done when it is served, and in whose name: known to those who serve it.
    pub request: Box<dyn Any + Send + Sync>,
    claimed: AtomicBool,
}

impl Wait {
    pub fn new(
        client: u64,
        worker: usize,
        db: usize,
        mut awaited: WaitFor,
        request: Box<dyn Any + Send + Sync>,
    ) -> Wait {
        let mut is_first = {
            let mut seen = HashSet::with_capacity(awaited.keys.len());
            awaited.keys.iter().map(|key| seen.insert(key)).collect::<Vec<bool>>().into_iter()
        };
        awaited.keys.retain(|_| is_first.next().unwrap_or_default());
        let mut shards: Vec<u16> = awaited.keys.iter().chain(&awaited.filled).map(|key| key.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        Wait { client, worker, db, awaited, shards, request, claimed: AtomicBool::new(false) }
    }

    pub(crate) fn keys(&self) -> &[WaitKey] {
        &self.awaited.keys
    }

    /// The keys that serving it fills.
    pub(crate) fn filled(&self) -> &[WaitKey] {
        &self.awaited.filled
    }

    /// The shards that serving it needs, rising.
    pub(crate) fn shards(&self) -> &[u16] {
        &self.shards
    }

    /// Whether its command is worth another try, after this happened to a key that holds this now.
    pub fn is_served_by(&self, wakes: Wakes, object: Option<&Object>) -> bool {
        self.awaited.wakes.any(wakes)
            && (wakes.any(Wakes::GONE) && self.awaited.wakes.any(Wakes::GONE) || object.is_some_and(self.awaited.wants))
    }

    /// Claims the right to end this wait; true for one caller only.
    pub fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::AcqRel)
    }

    /// Gives the claim back: the client waits on.
    pub fn release(&self) {
        self.claimed.store(false, Ordering::Release);
    }

    pub fn is_claimed(&self) -> bool {
        self.claimed.load(Ordering::Acquire)
    }

    /// Whether serving it may take more than the shard of the key at which it is served.
    fn reaches(&self) -> bool {
        self.shards.len() > 1 || !self.awaited.filled.is_empty()
    }
}

/// The clients that wait for one key of one database.
struct Queue {
    db: usize,
    waits: VecDeque<Arc<Wait>>,
    /// How many of them reach beyond this key's shard.
    reaching: usize,
    /// What any of them waits for; may name more once some have gone.
    wakes: Wakes,
}

/// The waits of one shard.
#[derive(Default)]
pub struct WaitTable {
    queues: HashMap<Box<[u8]>, Vec<Queue>>,
    /// The keys that serving a wait would fill, and how many waits there are for each.
    fills: HashMap<Box<[u8]>, usize>,
}

impl WaitTable {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Keys that somebody waits for.
    pub fn len(&self) -> usize {
        self.queues.values().map(Vec::len).sum()
    }

    fn queue(&self, db: usize, key: &[u8]) -> Option<&Queue> {
        self.queues.get(key)?.iter().find(|queue| queue.db == db)
    }

    /// Whether waits have anything to do with a key, in whatever database: somebody waits for it, or would fill it when
    /// served.
    pub(crate) fn concerns(&self, key: &[u8]) -> bool {
        self.queues.contains_key(key) || self.fills.contains_key(key)
    }

    pub(crate) fn add_filled(&mut self, key: &WaitKey) {
        *self.fills.entry(key.bytes.clone()).or_default() += 1;
    }

    pub(crate) fn remove_filled(&mut self, key: &WaitKey) {
        if let Some(waits) = self.fills.get_mut(&key.bytes) {
            *waits -= 1;
            if *waits == 0 {
                self.fills.remove(&key.bytes);
            }
        }
    }

    /// Whether anybody waits for this to happen to this key.
    pub(crate) fn has(&self, db: usize, key: &[u8], wakes: Wakes) -> bool {
        self.queue(db, key).is_some_and(|queue| queue.wakes.any(wakes))
    }

    /// The wait at this place of a key's queue.
    pub(crate) fn get(&self, db: usize, key: &[u8], at: usize) -> Option<&Arc<Wait>> {
        self.queue(db, key)?.waits.get(at)
    }

    /// Calls `look` for every wait for this key, in whatever database, that reaches beyond the key's shard.
    pub(crate) fn each_reaching<'t>(&'t self, key: &[u8], mut look: impl FnMut(&'t Wait)) {
        let queues = self.queues.get(key).map_or(&[][..], Vec::as_slice);
        for queue in queues.iter().filter(|queue| queue.reaching > 0) {
            queue.waits.iter().for_each(|wait| look(wait));
        }
    }

    /// Calls `look` for every key of a database that somebody waits for.
    pub(crate) fn each_key(&self, db: usize, mut look: impl FnMut(&[u8])) {
        let of_db = self.queues.iter().filter(|(_, queues)| queues.iter().any(|queue| queue.db == db));
        of_db.for_each(|(key, _)| look(key));
    }

    /// Puts a wait at the end of a key's queue.
    pub(crate) fn add(&mut self, key: &WaitKey, wait: &Arc<Wait>) {
        let queues = self.queues.entry(key.bytes.clone()).or_default();
        let at = queues.iter().position(|queue| queue.db == wait.db).unwrap_or_else(|| {
            queues.push(Queue { db: wait.db, waits: VecDeque::new(), reaching: 0, wakes: Wakes::default() });
            queues.len() - 1
        });
        let queue = &mut queues[at];
        queue.waits.push_back(wait.clone());
        queue.reaching += usize::from(wait.reaches());
        queue.wakes = queue.wakes.or(wait.awaited.wakes);
    }

    /// Takes a wait out of a key's queue, if it is there.
    pub(crate) fn remove(&mut self, key: &WaitKey, wait: &Wait) {
        let Some(queues) = self.queues.get_mut(&key.bytes) else { return };
        let Some(at) = queues.iter().position(|queue| queue.db == wait.db) else { return };
        let queue = &mut queues[at];
        let Some(place) = queue.waits.iter().position(|other| std::ptr::eq(&raw const **other, wait)) else { return };
        queue.waits.remove(place);
        queue.reaching -= usize::from(wait.reaches());
        if queue.waits.is_empty() {
            queues.swap_remove(at);
        }
        if queues.is_empty() {
            self.queues.remove(&key.bytes);
        }
    }
}
