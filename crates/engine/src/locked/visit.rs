//! Visits: one shard after the other, for commands about the whole keyspace.

use super::{is_past, live};
use crate::effects::Effects;
use crate::key::Key;
use crate::shard::{Db, ShardData};
use structures::dict::EntryRef;
use value::Object;

/// A shard being visited.
pub struct ShardView<'v> {
    pub(super) data: &'v mut ShardData,
    pub(super) effects: &'v mut Effects,
}

impl ShardView<'_> {
    pub fn db(&self, db: usize) -> &Db {
        &self.data.dbs[db]
    }

    /// The parts of all databases that were ever used, with their numbers.
    pub fn dbs(&self) -> impl Iterator<Item = (usize, &Db)> {
        self.data.dbs.iter()
    }

    /// Keys of this shard that some client waits for, in all databases.
    pub fn awaited_keys(&self) -> usize {
        self.data.waits.len()
    }

    /// Keys of this shard that some transaction watches, in all databases.
    pub fn watched_keys(&self) -> usize {
        self.data.observers.watched.live()
    }

    /// Keys of this shard that clients' caches hold, and how many caches hold each, added up.
    pub fn tracked_keys(&self) -> (usize, usize) {
        self.data.observers.tracked.counts()
    }

    pub fn now_ms(&self) -> u64 {
        self.effects.turn.now_ms
    }

    /// For how many milliseconds a key of this shard has been past its deadline and is still there.
    pub fn expiry_lag_ms(&self) -> u64 {
        let now_ms = self.now_ms();
        let deadlines = self.data.dbs.iter().filter_map(|(_, db)| db.table().most_overdue(now_ms));
        deadlines.map(|deadline| now_ms - deadline).max().unwrap_or(0)
    }

    /// Deletes the key if it is past its deadline; returns whether it is there.
    pub fn reap(&mut self, db: usize, key: &Key<'_>) -> bool {
        let ShardData { dbs, observers, waits, .. } = &mut *self.data;
        live(&mut dbs[db], observers, waits, self.effects, db, key).is_some()
    }

    /// One step of a scan over the database's part in this shard, as [`dict::Dict::scan`] makes it; returns the next
    /// cursor, 0 at the end. Keys past their deadline are deleted instead of being shown.
    pub fn scan(&mut self, db: usize, cursor: u64, visit: &mut dyn FnMut(EntryRef<'_, Object>)) -> u64 {
        let now_ms = self.effects.turn.now_ms;
        let table = &self.data.dbs[db].table;
        let mut past: Vec<Box<[u8]>> = Vec::new();
        let next = table.scan(cursor, &mut |entry| {
            if is_past(entry.deadline(), now_ms) { past.push(entry.key().into()) } else { visit(entry) }
        });
        let hasher = table.hasher();
        for bytes in &past {
            // The shard is this one, whatever its number: it is locked already.
            self.reap(db, &Key { bytes, hash: hasher.hash(bytes), shard: 0 });
        }
        next
    }

    /// A random key of the database, fairly chosen among those of this shard, expired ones included.
    pub fn random(&mut self, db: usize) -> Option<EntryRef<'_, Object>> {
        let rng = &mut self.effects.rng;
        self.data.dbs[db].table.random(&mut || rng.next_u64())
    }
}
