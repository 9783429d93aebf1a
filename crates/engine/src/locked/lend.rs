//! Lending the values of several keys at once, for commands that combine them (SINTER, ZUNION).
//!
//! A lookup has effects (hits and misses, deletion of what is past its deadline), so it needs the keys exclusively and
//! lends one value at a time. A command that needs several looks each key up first, in its order, and then has all of
//! them lent. Small collections are shown on scratches of their own.

use super::{LockedKeys, WrongKind, is_past};
use crate::effects::SCRATCHES_KEPT;
use crate::key::Key;
use smallvec::SmallVec;
use structures::dict::{Tagged, ValueRef};
use value::{Kind, Object, View, Workbench};

impl LockedKeys<'_> {
    /// Looks the keys up, then lends the collections of all: each counts as one read. `None` for a key that is not
    /// there.
    pub fn read_all(&mut self, keys: &[Key<'_>]) -> Result<Vec<Option<&Object>>, WrongKind> {
        let mut strings = false;
        for key in keys {
            strings |= matches!(self.view(key), Some(View::Str(_)));
        }
        if strings { Err(WrongKind) } else { Ok(self.lend_all(keys)) }
    }

    /// Lends the collections of several keys without any effect; `None` for one that is not there, and for a string.
    pub fn lend_all(&mut self, keys: &[Key<'_>]) -> Vec<Option<&Object>> {
        let (guards, effects, db) = (&self.guards, &mut *self.effects, self.db);
        let value = |key: &Key<'_>| {
            let shard = guards.shard(key.shard).expect("the plan has the shards of all keys");
            let entry = shard.dbs[db].table.get(key.hash, key.bytes)?;
            (!is_past(entry.deadline(), effects.turn.now_ms)).then(|| entry.value())
        };
        let values: Vec<_> = keys.iter().map(value).collect();
        // The same key may be named very often: it is shown once.
        let smalls = values.iter().filter_map(|value| match *value {
            Some(ValueRef::Tagged(small)) => Some(small),
            _ => None,
        });
        let mut smalls: SmallVec<[Tagged<'_>; SCRATCHES_KEPT]> = smalls.collect();
        smalls.sort_unstable_by_key(|small| small.bytes.as_ptr());
        smalls.dedup_by_key(|small| small.bytes.as_ptr());
        effects.scratches.truncate(SCRATCHES_KEPT);
        let kept = smalls.len().min(SCRATCHES_KEPT).max(effects.scratches.len());
        effects.scratches.resize_with(kept, Workbench::new);
        for (number, small) in smalls.iter().enumerate() {
            match effects.scratches.get_mut(number) {
                Some(scratch) => {
                    scratch.inflate(*small);
                }
                None => effects.scratches.push(Workbench::holding(*small)),
            }
        }
        let scratches = &effects.scratches;
        let lent = |value| match value {
            Some(ValueRef::Boxed(object)) => Some(object),
            Some(ValueRef::Tagged(small)) => {
                let shown = smalls.binary_search_by_key(&small.bytes.as_ptr(), |small| small.bytes.as_ptr());
                shown.ok().map(|number| scratches[number].object())
            }
            Some(ValueRef::Unit | ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Blob(_)) | None => None,
        };
        values.into_iter().map(lent).collect()
    }

    /// Lends the collection of a key without any effect; `None` also where the key holds another type.
    pub fn lend_as<T: Kind>(&mut self, key: &Key<'_>) -> Option<&T> {
        T::of(self.lend_all(std::slice::from_ref(key)).pop()??)
    }
}
