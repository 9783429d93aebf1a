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

use crate::keyspace::{Key, Keyspace};
use hashbrown::{HashMap, HashSet};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use value::Object;

/// A key of a command that waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WaitKey {
    bytes: Box<[u8]>,
    shard: u16,
}

impl From<Key<'_>> for WaitKey {
    fn from(key: Key<'_>) -> WaitKey {
        WaitKey { bytes: key.bytes.into(), shard: key.shard }
    }
}

/// A client that waits, and what it asked for.
#[derive(Debug)]
pub struct Wait {
    pub client: u64,
    /// The number of the worker that has the client.
    pub worker: usize,
    pub db: usize,
    /// The keys it waits for, each once. A client may name a great many.
    keys: Vec<WaitKey>,
    /// The keys that serving it fills.
    filled: Vec<WaitKey>,
    /// The shards of all of them, rising.
    shards: Vec<u16>,
    /// The command, by its number in the registry, and its words.
    pub command: usize,
    pub args: Vec<Vec<u8>>,
    /// Whether the answer is to be in RESP3.
    pub resp3: bool,
    /// Whether this is the type of value that the command waits for.
    pub wants: fn(&Object) -> bool,
    claimed: AtomicBool,
}

impl Wait {
    /// A wait for some keys, with doubles as the client named them, that fills others when it is served.
    pub fn new(
        client: u64,
        worker: usize,
        db: usize,
        wants: fn(&Object) -> bool,
        mut keys: Vec<WaitKey>,
        filled: Vec<WaitKey>,
    ) -> Wait {
        let mut seen = HashSet::with_capacity(keys.len());
        keys.retain(|key| seen.insert(key.clone()));
        let mut shards: Vec<u16> = keys.iter().chain(&filled).map(|key| key.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        Wait {
            client,
            worker,
            db,
            keys,
            filled,
            shards,
            command: 0,
            args: Vec::new(),
            resp3: false,
            wants,
            claimed: AtomicBool::new(false),
        }
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
        self.shards.len() > 1 || !self.filled.is_empty()
    }
}

/// The clients that wait for one key of one database.
#[derive(Debug)]
struct Queue {
    db: usize,
    waits: VecDeque<Arc<Wait>>,
    /// How many of them reach beyond this key's shard.
    reaching: usize,
}

/// The waits of one shard.
#[derive(Debug, Default)]
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

    /// Whether waits have anything to do with a key, in whatever database: somebody waits for it, or would fill it when served.
    pub(crate) fn concerns(&self, key: &[u8]) -> bool {
        self.queues.contains_key(key) || self.fills.contains_key(key)
    }

    fn add_filled(&mut self, key: &WaitKey) {
        *self.fills.entry(key.bytes.clone()).or_default() += 1;
    }

    fn remove_filled(&mut self, key: &WaitKey) {
        if let Some(waits) = self.fills.get_mut(&key.bytes) {
            *waits -= 1;
            if *waits == 0 {
                self.fills.remove(&key.bytes);
            }
        }
    }

    /// Whether anybody waits for this key.
    pub(crate) fn has(&self, db: usize, key: &[u8]) -> bool {
        self.queue(db, key).is_some()
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
            queues.push(Queue { db: wait.db, waits: VecDeque::new(), reaching: 0 });
            queues.len() - 1
        });
        queues[at].waits.push_back(wait.clone());
        queues[at].reaching += usize::from(wait.reaches());
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

impl Keyspace {
    /// Takes a wait that is over out of the tables of its shards, one after the other. The caller holds no shard.
    pub fn forget_wait(&self, wait: &Wait) {
        for key in &wait.keys {
            self.shards[usize::from(key.shard)].lock().waits.remove(key, wait);
        }
        for key in &wait.filled {
            self.shards[usize::from(key.shard)].lock().waits.remove_filled(key);
        }
    }
}

impl crate::LockedKeys<'_> {
    /// Takes the shards that serving the waiters for these keys needs besides those held already. For a command that
    /// writes, before it looks at anything: what was true under the old locks may be so no more.
    #[inline]
    pub fn cover_waiters(&mut self, keys: &[Key<'_>]) {
        if self.has_waiters() {
            self.widen(keys);
        }
    }

    #[cold]
    fn widen(&mut self, keys: &[Key<'_>]) {
        /// While shards are let go and taken again, waiters come and go: after so many attempts, all shards it is.
        const ATTEMPTS: usize = 4;
        for _ in 0..ATTEMPTS {
            match self.needed(keys) {
                None => return,
                Some(shards) => self.relock(crate::Scope::Shards(&shards)),
            }
        }
        self.relock(crate::Scope::All);
    }

    /// The shards to be held, rising; `None` when all of them are.
    fn needed(&self, keys: &[Key<'_>]) -> Option<Vec<u16>> {
        let mut shards = self.held_shards();
        let held = shards.len();
        let mut todo: Vec<(u16, &[u8])> = keys.iter().map(|key| (key.shard, key.bytes)).collect();
        let mut seen: HashSet<&[u8]> = keys.iter().map(|key| key.bytes).collect();
        while let Some((shard, bytes)) = todo.pop() {
            // A shard that is not held yet is looked into when it is.
            let Some(table) = self.waits_of(shard) else { continue };
            table.each_reaching(bytes, |wait| {
                shards.extend(&wait.shards);
                let filled = wait.filled.iter().filter(|key| seen.insert(&key.bytes));
                todo.extend(filled.map(|key| (key.shard, &*key.bytes)));
            });
            shards.sort_unstable();
            shards.dedup();
        }
        (shards.len() > held).then_some(shards)
    }

    /// Makes a client wait for its keys. Their shards are held.
    pub fn wait(&mut self, wait: &Arc<Wait>) {
        for key in &wait.keys {
            self.waits_of_mut(key.shard).add(key, wait);
        }
        for key in &wait.filled {
            self.waits_of_mut(key.shard).add_filled(key);
        }
    }

    /// Takes a wait that was served out of the tables. Its shards are held.
    pub fn end_wait(&mut self, wait: &Wait) {
        for key in &wait.keys {
            self.waits_of_mut(key.shard).remove(key, wait);
        }
        for key in &wait.filled {
            self.waits_of_mut(key.shard).remove_filled(key);
        }
    }

    /// The wait at this place of a key's queue, in a shard that is held.
    pub fn waiter(&self, db: usize, key: &Key<'_>, at: usize) -> Option<Arc<Wait>> {
        self.waits_of(key.shard)?.get(db, key.bytes, at).cloned()
    }

    /// Whether all shards are held that serving this wait needs.
    pub fn covers(&self, wait: &Wait) -> bool {
        wait.shards.iter().all(|&shard| self.waits_of(shard).is_some())
    }
}
