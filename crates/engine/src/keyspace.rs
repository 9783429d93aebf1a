//! The keyspace: N shards, each behind one lock, and the rule that says where a key lives.
//!
//! The shard of a key comes from the hash of its hash tag (`{tag}`, else the whole key), so that keys with one
//! tag share a lock. Locks are taken in rising order of shards and only by [`LockedKeys`](crate::LockedKeys) and
//! the expiry sweep, which takes one at a time: no deadlock is possible.

use crate::journal::Journal;
use crate::key::Key;
use crate::observe::Observers;
use crate::shard::reclaim::Reclaimer;
use crate::shard::{Dbs, ShardData};
use base::slot::hash_tag;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};
use structures::dict::ValueRef;
use structures::hash::Hasher;
use structures::lock::Lock;
use value::probe::Probe;

/// Where the shard bits are taken from the hash: the table uses the low bits and the top byte.
const SHARD_SHIFT: u32 = 40;

/// What a keyspace is made of; fixed at start.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Power of two, at most 32,768.
    pub shards: usize,
    pub databases: usize,
}

/// What the whole keyspace knows about detached keys.
#[derive(Default)]
pub(crate) struct Detachments {
    /// Commands that have detached keys. Changes under the locks of those keys' shards, so whoever has locked the shard
    /// of such a key reads more than 0.
    pub commands: AtomicUsize,
    /// Somebody waits to have all shards: until he had them, no more keys are detached.
    pub all_wanted: AtomicBool,
    /// Who waits for keys to be attached, in order: workers and their clients.
    pub waiting: Mutex<Vec<(usize, u64)>>,
}

/// The keyspace.
pub struct Keyspace {
    pub(crate) shards: Box<[Lock<ShardData>]>,
    hasher: Hasher,
    databases: usize,
    pub journal: Journal,
    pub reclaimer: Reclaimer,
    /// How many clients want to hear of changes of all keys.
    pub broadcasts: Arc<AtomicUsize>,
    /// Classes of events that somebody listens to, as bits of [`Class`](crate::Class).
    pub event_classes: AtomicU32,
    pub(crate) detachments: Detachments,
}

impl Keyspace {
    pub fn new(shape: Shape, hasher: Hasher, reclaimer: Reclaimer) -> Keyspace {
        assert!(shape.shards.is_power_of_two() && shape.shards <= 1 << 15, "shards: a power of two up to 32768");
        let broadcasts = Arc::<AtomicUsize>::default();
        let shard = || {
            let dbs = Dbs::new(shape.databases, hasher);
            let observers = Observers::new(broadcasts.clone());
            let data = ShardData { dbs, observers, waits: Default::default(), detached: Default::default() };
            Lock::new(data)
        };
        Keyspace {
            shards: (0..shape.shards).map(|_| shard()).collect(),
            hasher,
            databases: shape.databases,
            journal: Journal::default(),
            reclaimer,
            broadcasts,
            event_classes: AtomicU32::new(0),
            detachments: Detachments::default(),
        }
    }

    pub fn databases(&self) -> usize {
        self.databases
    }

    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// The hash function of all tables: those of collections use it too.
    pub fn hasher(&self) -> Hasher {
        self.hasher
    }

    /// Locates a key.
    #[inline]
    pub fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        let hash = self.hasher.hash(bytes);
        let tag = hash_tag(bytes);
        let placed = if tag.len() == bytes.len() { hash } else { self.hasher.hash(tag) };
        Key { bytes, hash, shard: ((placed >> SHARD_SHIFT) as usize & (self.shards.len() - 1)) as u16 }
    }

    /// First step of fetching a key into the cache: the line of its shard's lock and table.
    #[inline]
    pub fn prefetch_shard(&self, key: &Key<'_>) {
        structures::prefetch::prefetch_read(&raw const self.shards[usize::from(key.shard)]);
    }

    /// Second step: where the bucket is, to be prefetched and nothing else. 0 when another worker holds the shard.
    #[inline]
    pub fn bucket_address(&self, db: usize, shard: u16, hash: u64) -> usize {
        self.shards[usize::from(shard)].try_lock().map_or(0, |shard| shard.dbs[db].table.bucket_address(hash))
    }

    /// Third step: where the entry is, likewise. Reads the bucket.
    #[inline]
    pub fn entry_address(&self, db: usize, shard: u16, hash: u64) -> usize {
        self.shards[usize::from(shard)].try_lock().map_or(0, |shard| shard.dbs[db].table.entry_address(hash))
    }

    /// Fourth step, for commands that look for elements of one key's value: fetches those. Reads the entry. What it
    /// fetches for is probably the key, and nothing when another worker holds the shard.
    pub fn prefetch_elements(&self, db: usize, shard: u16, hash: u64, probes: &[Probe<'_>]) {
        if let Some(shard) = self.shards[usize::from(shard)].try_lock()
            && let Some(entry) = shard.dbs[db].table.probable(hash)
            && let ValueRef::Boxed(object) = entry.value()
        {
            object.prefetch(probes);
        }
    }
}
