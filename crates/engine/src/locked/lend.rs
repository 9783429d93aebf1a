//! Lending the values of several keys at once, for commands that combine them (SINTER, ZUNION).
//!
//! A lookup has effects (hits and misses, deletion of what is past its deadline), so it needs the keys exclusively and lends
//! one value at a time. A command that needs several looks each key up first, in its order, and then has all of them lent.

use super::{LockedKeys, is_past};
use crate::keyspace::Key;
use structures::dict::{EntryRef, ValueRef};
use value::{Kind, Object};

impl LockedKeys<'_> {
    /// Looks the keys up, then lends the values of all: each counts as one read.
    pub fn read_all(&mut self, keys: &[Key<'_>]) -> Vec<Option<EntryRef<'_, Object>>> {
        for key in keys {
            self.read(key);
        }
        keys.iter().map(|key| self.lend(key)).collect()
    }

    /// Lends the value of a key without any effect, together with others.
    pub fn lend(&self, key: &Key<'_>) -> Option<EntryRef<'_, Object>> {
        let shard = self.guards.shard(key.shard).expect("the plan has the shards of all keys");
        let entry = shard.dbs[self.db].table.get(key.hash, key.bytes)?;
        (!is_past(entry.deadline(), self.fx.now_ms)).then_some(entry)
    }

    /// The same for a collection; `None` also where the key holds another type, which the lookup before has found.
    pub fn lend_as<T: Kind>(&self, key: &Key<'_>) -> Option<&T> {
        match self.lend(key)?.value() {
            ValueRef::Boxed(object) => T::of(object),
            ValueRef::Unit | ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Blob(_) => None,
        }
    }
}
