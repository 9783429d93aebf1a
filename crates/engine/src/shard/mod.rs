//! A shard: the part of the keyspace behind one lock, with all its databases.

pub mod reclaim;
pub(crate) mod subexpiry;

use crate::observe::Observers;
use crate::observe::waits::WaitTable;
use structures::hash::Hasher;
use subexpiry::Subexpiry;
use value::Table;

/// One database's part in one shard.
pub struct Db {
    pub(crate) table: Table,
    /// The keys of hashes some of whose fields have deadlines, each with the earliest of them.
    pub(crate) subexpiry: Subexpiry,
}

impl Db {
    pub(crate) fn new(hasher: Hasher) -> Db {
        Db { table: Table::new(hasher), subexpiry: Subexpiry::new(hasher) }
    }

    /// An empty one that knows the same time.
    pub(crate) fn fresh(&self) -> Db {
        Db { table: self.table.fresh(), subexpiry: self.subexpiry.fresh() }
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Keys that have a deadline.
    pub fn with_deadline(&self) -> usize {
        self.table.with_deadline()
    }

    /// Hashes some of whose fields have deadlines.
    pub fn with_subexpiry(&self) -> usize {
        self.subexpiry.len()
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.table.memory() + self.subexpiry.memory()
    }

    pub fn table(&self) -> &Table {
        &self.table
    }
}

/// What is behind a shard's lock.
pub struct ShardData {
    pub(crate) dbs: Vec<Db>,
    pub(crate) observers: Observers,
    pub(crate) waits: WaitTable,
    /// Keys that a long command has detached for now.
    pub(crate) detached: Vec<Box<[u8]>>,
}

impl ShardData {
    pub fn db(&self, db: usize) -> &Db {
        &self.dbs[db]
    }

    /// Earliest time, in unix milliseconds, at which a key may be due to expire.
    pub fn next_deadline(&self) -> Option<u64> {
        self.dbs.iter().flat_map(|db| [db.table.next_deadline(), db.subexpiry.next_deadline()]).flatten().min()
    }
}
