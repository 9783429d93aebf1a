//! The locks that are held.

use super::Scope;
use crate::keyspace::Keyspace;
use crate::shard::ShardData;
use std::time::Duration;
use structures::lock::Guard;

/// The locks that are held, by rising shard.
pub(crate) enum Guards<'k> {
    /// What most commands need takes no memory of its own.
    One((u16, Guard<'k, ShardData>)),
    Many(Vec<(u16, Guard<'k, ShardData>)>),
}

impl<'k> Guards<'k> {
    #[inline]
    pub fn take(keyspace: &'k Keyspace, scope: Scope<'_>) -> Guards<'k> {
        let lock = |shard: u16| (shard, keyspace.shards[usize::from(shard)].lock());
        match scope {
            Scope::Visit => Guards::Many(Vec::new()),
            Scope::Shards(&[shard]) => Guards::One(lock(shard)),
            Scope::Shards(shards) => {
                debug_assert!(shards.is_sorted_by(|a, b| a < b), "shards are locked in rising order");
                Guards::Many(shards.iter().map(|&shard| lock(shard)).collect())
            }
            Scope::All => Guards::Many((0..keyspace.shards()).map(|shard| lock(shard as u16)).collect()),
        }
    }

    /// The same, unless one of the locks is not to be had for so long.
    #[inline]
    pub fn take_within(keyspace: &'k Keyspace, scope: Scope<'_>, patience: Duration) -> Option<Guards<'k>> {
        let lock = |shard: u16| Some((shard, keyspace.shards[usize::from(shard)].lock_for(patience)?));
        Some(match scope {
            Scope::Visit => Guards::Many(Vec::new()),
            Scope::Shards(&[shard]) => Guards::One(lock(shard)?),
            Scope::Shards(shards) => {
                debug_assert!(shards.is_sorted_by(|a, b| a < b), "shards are locked in rising order");
                Guards::Many(shards.iter().map(|&shard| lock(shard)).collect::<Option<_>>()?)
            }
            Scope::All => Guards::Many((0..keyspace.shards()).map(|shard| lock(shard as u16)).collect::<Option<_>>()?),
        })
    }

    pub fn all(&self) -> &[(u16, Guard<'k, ShardData>)] {
        match self {
            Guards::One(one) => std::slice::from_ref(one),
            Guards::Many(many) => many,
        }
    }

    pub fn all_mut(&mut self) -> &mut [(u16, Guard<'k, ShardData>)] {
        match self {
            Guards::One(one) => std::slice::from_mut(one),
            Guards::Many(many) => many,
        }
    }

    /// A shard, if it is held.
    pub fn shard(&self, shard: u16) -> Option<&ShardData> {
        let guards = self.all();
        let at = guards.binary_search_by_key(&shard, |(number, _)| *number).ok()?;
        Some(&guards[at].1)
    }

    #[inline]
    pub fn held(&mut self, shard: u16) -> &mut ShardData {
        let found = match self {
            Guards::One(one) => Some(one),
            Guards::Many(many) => {
                let at = many.binary_search_by_key(&shard, |(number, _)| *number);
                at.ok().and_then(|at| many.get_mut(at))
            }
        };
        match found {
            Some((number, guard)) if *number == shard => guard,
            _ => unreachable!("shard {shard} was not in the plan"),
        }
    }
}
