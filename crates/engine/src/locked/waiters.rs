//! Who waits for the keys of the shards held: putting waits in and taking them out, and taking what serving them needs.

use super::{Busy, LockedKeys, Scope};
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::observe::waits::Wait;
use hashbrown::HashSet;
use std::sync::Arc;

impl Keyspace {
    /// Takes a wait that is over out of the tables of its shards, one after the other. The caller holds no shard.
    pub fn forget_wait(&self, wait: &Wait) {
        for key in wait.keys() {
            self.shards[usize::from(key.shard)].lock().waits.remove(key, wait);
        }
        for key in wait.filled() {
            self.shards[usize::from(key.shard)].lock().waits.remove_filled(key);
        }
    }
}

impl LockedKeys<'_> {
    /// Takes the shards that serving the waiters for these keys needs besides those held already. For a command that
    /// writes, before it looks at anything: what was true under the old locks may be so no more.
    ///
    /// # Errors
    /// One of them is not to be had; then none is held any more.
    #[inline]
    pub fn cover_waiters(&mut self, keys: &[Key<'_>]) -> Result<(), Busy> {
        if self.has_waiters() { self.widen(keys) } else { Ok(()) }
    }

    #[cold]
    fn widen(&mut self, keys: &[Key<'_>]) -> Result<(), Busy> {
        /// While shards are let go and taken again, waiters come and go: after so many attempts, all shards it is.
        const ATTEMPTS: usize = 4;
        for _ in 0..ATTEMPTS {
            match self.needed(keys) {
                None => return Ok(()),
                Some(shards) => {
                    base::mark!("a plan takes more shards for those who wait");
                    self.relock(Scope::Shards(&shards))?;
                }
            }
        }
        base::mark!("a plan takes all shards because waiters keep coming");
        // Not all for the sake of keys that nobody named, as `Scope::All` means it.
        let all: Vec<u16> = (0..self.keyspace.shards()).map(|shard| shard as u16).collect();
        self.relock(Scope::Shards(&all))
    }

    /// The shards to be held, rising; `None` when all of them are.
    fn needed(&self, keys: &[Key<'_>]) -> Option<Vec<u16>> {
        let mut needed = vec![false; self.keyspace.shards()];
        let held = self.held_shards();
        held.iter().for_each(|&shard| needed[usize::from(shard)] = true);
        let mut count = held.len();
        let mut todo: Vec<(u16, &[u8])> = keys.iter().map(|key| (key.shard, key.bytes)).collect();
        let mut seen: HashSet<&[u8]> = HashSet::new();
        // Once it is all shards, nothing is left to be found: keys and waits may be very many.
        while count < needed.len()
            && let Some((shard, bytes)) = todo.pop()
        {
            if !seen.insert(bytes) {
                continue;
            }
            // A shard that is not held yet is looked into when it is.
            let Some(table) = self.waits_of(shard) else { continue };
            table.each_reaching(bytes, |wait| {
                for &shard in wait.shards() {
                    count += usize::from(!std::mem::replace(&mut needed[usize::from(shard)], true));
                }
                todo.extend(wait.filled().iter().map(|key| (key.shard, &*key.bytes)));
            });
        }
        let all = || (0..needed.len()).filter(|&shard| needed[shard]).map(|shard| shard as u16).collect();
        (count > held.len()).then(all)
    }

    /// Makes a client wait for its keys. Their shards are held.
    pub fn wait(&mut self, wait: &Arc<Wait>) {
        for key in wait.keys() {
            self.waits_of_mut(key.shard).add(key, wait);
        }
        for key in wait.filled() {
            self.waits_of_mut(key.shard).add_filled(key);
        }
    }

    /// Takes a wait that was served out of the tables. Its shards are held.
    pub fn end_wait(&mut self, wait: &Wait) {
        for key in wait.keys() {
            self.waits_of_mut(key.shard).remove(key, wait);
        }
        for key in wait.filled() {
            self.waits_of_mut(key.shard).remove_filled(key);
        }
    }

    /// The wait at this place of a key's queue, in a shard that is held.
    pub fn waiter(&self, db: usize, key: &Key<'_>, at: usize) -> Option<Arc<Wait>> {
        self.waits_of(key.shard)?.get(db, key.bytes, at).cloned()
    }

    /// Whether all shards are held that serving this wait needs.
    pub fn covers(&self, wait: &Wait) -> bool {
        wait.shards().iter().all(|&shard| self.waits_of(shard).is_some())
    }
}
