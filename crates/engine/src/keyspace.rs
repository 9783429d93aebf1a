//! The keyspace: N shards, each behind one lock, and the rule that says where a key lives.
//!
//! The shard of a key comes from the hash of its hash tag (`{tag}`, else the whole key), so that keys with one
//! tag share a lock. Locks are taken in rising order of shards and only by [`LockedKeys`](crate::LockedKeys) and
//! the expiry sweep, which takes one at a time: no deadlock is possible.

use crate::away::Travel;
use crate::effects::Effects;
use crate::event::Event;
use crate::journal::Journal;
use crate::observers::Observers;
use crate::reclaim::{Garbage, Reclaimer};
use crate::shard::{Db, ShardData};
use base::slot::hash_tag;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use structures::dict::{Removed, ValueRef};
use structures::hash::Hasher;
use structures::lock::{Lock, Sharing};
use value::Object;
use value::probe::Probe;

/// Where the shard bits are taken from the hash: the table uses the low bits and the top byte.
const SHARD_SHIFT: u32 = 40;

/// A key as a command names it, with what the plan computed about it.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    pub bytes: &'a [u8],
    pub hash: u64,
    pub shard: u16,
}

/// What a keyspace is made of; fixed at start.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Power of two, at most 32,768.
    pub shards: usize,
    pub databases: usize,
    pub sharing: Sharing,
}

/// The keyspace.
pub struct Keyspace {
    pub(crate) shards: Box<[Lock<ShardData>]>,
    hasher: Hasher,
    databases: usize,
    sharing: Sharing,
    pub journal: Journal,
    pub reclaimer: Reclaimer,
    /// How many clients want to hear of changes of all keys.
    pub broadcasts: Arc<AtomicUsize>,
    pub(crate) travel: Travel,
}

impl Keyspace {
    pub fn new(shape: Shape, hasher: Hasher, reclaimer: Reclaimer) -> Keyspace {
        assert!(shape.shards.is_power_of_two() && shape.shards <= 1 << 15, "shards: a power of two up to 32768");
        let broadcasts = Arc::<AtomicUsize>::default();
        let shard = || {
            let dbs = (0..shape.databases).map(|_| Db::new(hasher)).collect();
            let observers = Observers::new(broadcasts.clone());
            let data = ShardData { dbs, observers, waits: Default::default(), away: Vec::new() };
            Lock::new(data, shape.sharing)
        };
        Keyspace {
            shards: (0..shape.shards).map(|_| shard()).collect(),
            hasher,
            databases: shape.databases,
            sharing: shape.sharing,
            journal: Journal::default(),
            reclaimer,
            broadcasts,
            travel: Travel::default(),
        }
    }

    pub fn databases(&self) -> usize {
        self.databases
    }

    /// Whether several threads may take its shards.
    pub fn is_shared(&self) -> bool {
        self.sharing == Sharing::Shared
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

    /// Fourth step, for commands that look for elements of one key's value: fetches those. Reads the entry. What it fetches for
    /// is probably the key, and nothing when another worker holds the shard.
    pub fn prefetch_elements(&self, db: usize, shard: u16, hash: u64, probes: &[Probe<'_>]) {
        if let Some(shard) = self.shards[usize::from(shard)].try_lock()
            && let Some(entry) = shard.dbs[db].table.probable(hash)
            && let ValueRef::Boxed(object) = entry.value()
        {
            object.prefetch(probes);
        }
    }

    /// Deletes keys of one shard that are past their deadline, at most `budget` of each database, and fields of hashes, of
    /// which it takes as many from `fields`; tells the earliest time at which there may be more, `Some(now)` when a
    /// budget ran out.
    pub fn expire_shard(&self, shard: usize, budget: usize, fields: &mut usize, fx: &mut Effects) -> Option<u64> {
        let mut guard = self.shards[shard].lock();
        let data = &mut *guard;
        let mut more = false;
        fx.begin(&self.journal);
        for (number, db) in data.dbs.iter_mut().enumerate() {
            let observers = &mut data.observers;
            if db.with_subexpiry() > 0 {
                more |= db.expire_fields(number, observers, fields, fx, &mut |fx| fx.settle(&self.journal));
            }
            if db.with_deadline() == 0 {
                continue;
            }
            let Db { table, subexpiry } = db;
            more |= table.advance(fx.now_ms, budget, &mut |key, removed| {
                subexpiry.forget(key, &removed);
                note_expired(fx, number, key, removed);
                observers.touch(fx, number, key);
                fx.settle(&self.journal);
            });
        }
        if more { Some(fx.now_ms) } else { data.next_deadline() }
    }
}

/// Counts, logs and announces a key that was deleted for its age.
pub(crate) fn note_expired(fx: &mut Effects, db: usize, key: &[u8], removed: Removed<Object>) {
    fx.counters.expired += 1;
    let name: &[u8] = if fx.lazy_expire { b"UNLINK" } else { b"DEL" };
    fx.record_before(db, &[name, key]);
    fx.fire(db, Event::EXPIRED, key);
    discard(fx, removed);
}

/// Frees a removed value: small ones were freed already, large ones go to the background.
#[inline]
pub(crate) fn discard(fx: &mut Effects, removed: Removed<Object>) {
    match removed {
        Removed::Small => {}
        Removed::Blob(blob) => fx.discard(Garbage::Blob(blob)),
        Removed::Boxed(object) if object.is_slow_to_free() => fx.discard(Garbage::Value(object)),
        Removed::Boxed(small) => drop(small),
    }
}
