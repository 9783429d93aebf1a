//! A shard: the part of the keyspace behind one lock, with all its databases.

mod dbs;
pub mod reclaim;
pub(crate) mod subexpiry;

use crate::observe::Observers;
use crate::observe::waits::WaitTable;
pub use dbs::Db;
pub(crate) use dbs::Dbs;
use hashbrown::HashSet;

/// What is behind a shard's lock.
pub struct ShardData {
    pub(crate) dbs: Dbs,
    pub(crate) observers: Observers,
    pub(crate) waits: WaitTable,
    /// Keys that a long command has detached for now.
    pub(crate) detached: HashSet<Box<[u8]>>,
}

impl ShardData {
    pub fn db(&self, db: usize) -> &Db {
        &self.dbs[db]
    }

    /// Earliest time, in unix milliseconds, at which a key may be due to expire.
    pub fn next_deadline(&self) -> Option<u64> {
        self.dbs.iter().flat_map(|(_, db)| [db.table.next_deadline(), db.subexpiry.next_deadline()]).flatten().min()
    }
}
