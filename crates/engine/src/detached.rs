//! Detached keys: a long command takes its keys out of their shards, and works on them elsewhere.
//!
//! A command holds its shards for as long as it runs, and a shard has many other keys. One that takes long
//! therefore holds its keys instead: under the locks of their shards they are moved into a keyspace of the command's
//! own, and the shards are let go. The command runs there, on another thread, by the same handler and through the same
//! door; when it is done, its keys are attached again under the locks of their shards, in whatever state they are then.
//!
//! ```text
//!  shard 3: a  z(placeholder)  b      detached: z          Detached: one shard: z, dst
//!  shard 7: c  d                      detached: dst
//! ```
//!
//! * To everybody else the command happens at the moment at which its keys are attached: until then, whoever names one
//!   of them waits (see [`LockedKeys::must_wait`]), and so does whoever needs all shards. Two long commands with a key
//!   in common thus run one after the other. Nobody waits while he has keys detached, so no two can wait for each
//!   other.
//! * A detached collection leaves a [`Placeholder`] behind, without a deadline: a state of the entry that everybody who
//!   visits the keyspace without naming keys (KEYS, SCAN, DBSIZE, RANDOMKEY, INFO keysizes) sees as what it is.
//! * A key is detached from all databases: a command may have to do with several (COPY ... DB). It is also detached
//!   when it is not there, so that nobody makes it meanwhile.
//! * Who watches a key goes along with it. A key with waiters (BLPOP), or that serving a wait would fill, is never
//!   detached, so attaching keys and serving waiters never interact.
//! * Of a string or a small collection a copy goes, which takes no time to speak of; a large string is counted by
//!   reference.

use crate::key::Key;
use crate::keyspace::{Keyspace, Shape};
use crate::locked::LockedKeys;
use crate::shard::subexpiry::next_deadline;
use crate::shard::{Db, ShardData};
use smallvec::SmallVec;
use std::sync::atomic::Ordering;
use structures::dict::{self, EntryMut, NewValue, OwnedValue, Removed, ValueRef};
use value::{Kind, Object, Placeholder};

/// Keys that are away, and a keyspace of one shard that has nothing but them.
pub struct Detached {
    keyspace: Keyspace,
    keys: Vec<DetachedKey>,
    /// The database of the command.
    db: usize,
}

struct DetachedKey {
    bytes: Box<[u8]>,
    hash: u64,
    shard: u16,
}

impl Detached {
    /// Where a command finds its keys.
    pub fn keyspace(&self) -> &Keyspace {
        &self.keyspace
    }

    /// The shards to be held when they come back, rising.
    pub fn shards(&self) -> Vec<u16> {
        let mut shards: Vec<u16> = self.keys.iter().map(|key| key.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        shards
    }

    pub fn db(&self) -> usize {
        self.db
    }
}

impl Keyspace {
    /// Whether any key is away; to be asked with shards held.
    #[inline]
    pub fn has_detached(&self) -> bool {
        self.detachments.commands.load(Ordering::Relaxed) > 0
    }

    /// Takes all who wait for keys to come back.
    pub fn take_waiting_for_attach(&self) -> Vec<(usize, u64)> {
        std::mem::take(&mut self.detachments.waiting.lock())
    }
}

impl LockedKeys<'_> {
    /// Whether a command has to wait for keys to come back: for one of these, or, when it holds all shards, for any. If
    /// so, its client is noted as waiting, and told when to try again.
    #[inline]
    pub fn must_wait<'a>(&self, keys: impl Iterator<Item = &'a Key<'a>>, worker: usize, client: u64) -> bool {
        self.keyspace.has_detached() && self.must_wait_slowly(keys, worker, client)
    }

    #[cold]
    fn must_wait_slowly<'a>(&self, mut keys: impl Iterator<Item = &'a Key<'a>>, worker: usize, client: u64) -> bool {
        let detachments = &self.keyspace.detachments;
        let all = self.holds_all();
        let waits = all || keys.any(|key| self.is_detached(key));
        if waits {
            // Under the locks: whoever brings the keys back has to take them first, and sees this afterwards.
            detachments.waiting.lock().push((worker, client));
            detachments.all_wanted.fetch_or(all, Ordering::Relaxed);
        }
        waits
    }

    /// Whether a key is away, in whatever database: some commands reach others than their own.
    fn is_detached(&self, key: &Key<'_>) -> bool {
        self.guards.shard(key.shard).is_some_and(|shard| shard.detached.contains(key.bytes))
    }

    /// What a key holds, whatever its deadline; looks without any effect.
    #[inline]
    fn peek(&self, key: &Key<'_>) -> Option<ValueRef<'_, Object>> {
        let shard = self.guards.shard(key.shard)?;
        Some(shard.dbs[self.db].table.get(key.hash, key.bytes)?.value())
    }

    /// The collection of a key if it is of this kind, and not so small that the entry has it; likewise.
    pub fn peek_large<T: Kind>(&self, key: &Key<'_>) -> Option<&T> {
        if let ValueRef::Boxed(object) = self.peek(key)? { T::of(object) } else { None }
    }

    /// Elements of the collection that a key holds, guessed if they are few; likewise.
    pub fn elements(&self, key: &Key<'_>) -> usize {
        match self.peek(key) {
            Some(ValueRef::Boxed(object)) => object.len(),
            // To count them is more work than they are worth.
            Some(ValueRef::Tagged(small)) => small.bytes.len() / 4,
            Some(ValueRef::Unit | ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Blob(_)) | None => 0,
        }
    }

    /// The bytes of a string, unless it is a number or not there; likewise.
    pub fn peek_string(&self, key: &Key<'_>) -> Option<&[u8]> {
        match self.peek(key)? {
            ValueRef::Bytes(bytes) => Some(bytes),
            ValueRef::Blob(blob) => Some(blob),
            ValueRef::Unit | ValueRef::Int(_) | ValueRef::Tagged(_) | ValueRef::Boxed(_) => None,
        }
    }

    /// Sends the keys of a command away, all of which are here. `None` where they have to stay.
    pub fn detach(&mut self, keys: &[Key<'_>]) -> Option<Detached> {
        let detachments = &self.keyspace.detachments;
        let is_awaited =
            |key: &Key<'_>| self.guards.shard(key.shard).is_none_or(|shard| shard.waits.concerns(key.bytes));
        if detachments.all_wanted.load(Ordering::Relaxed) || keys.iter().any(is_awaited) {
            return None;
        }
        let shape = Shape { shards: 1, databases: self.keyspace.databases() };
        let own = Keyspace::new(shape, self.keyspace.hasher(), self.keyspace.reclaimer.clone());
        if self.keyspace.journal.is_on() {
            own.journal.start();
        }
        // Whoever will want to hear of the change when the keys are back may come until then.
        own.broadcasts.store(1, Ordering::Relaxed);
        own.event_classes.store(u32::MAX, Ordering::Relaxed);
        let mut away = Detached { keyspace: own, keys: Vec::with_capacity(keys.len()), db: self.db };
        detachments.commands.fetch_add(1, Ordering::Relaxed);
        for key in keys {
            // Named twice, it goes once.
            if !self.is_detached(key) {
                self.detach_one(key, &mut away);
            }
        }
        Some(away)
    }

    fn detach_one(&mut self, key: &Key<'_>, away: &mut Detached) {
        let now_ms = self.effects.turn.now_ms;
        let shard = self.guards.held(key.shard);
        shard.detached.insert(key.bytes.into());
        let key = DetachedKey { bytes: key.bytes.into(), hash: key.hash, shard: key.shard };
        let mut own = away.keyspace.shards[0].lock();
        let ShardData { dbs, observers, .. } = &mut *own;
        for (number, from) in shard.dbs.iter_mut() {
            shard.observers.hand_over(number, &key.bytes, observers);
            if !from.table.is_empty() {
                key.detach_one(from, &mut dbs[number], now_ms);
            }
        }
        drop(own);
        away.keys.push(key);
    }

    /// Takes keys back that were away. Their shards are held.
    pub fn attach(&mut self, away: &Detached) {
        let mut own = away.keyspace.shards[0].lock();
        let ShardData { dbs, observers, .. } = &mut *own;
        for key in &away.keys {
            let now_ms = self.effects.turn.now_ms;
            let shard = self.guards.held(key.shard);
            shard.detached.remove(&key.bytes);
            let mut numbers: SmallVec<[usize; 32]> =
                dbs.iter().chain(shard.dbs.iter()).map(|(number, _)| number).collect();
            numbers.sort_unstable();
            numbers.dedup();
            for number in numbers {
                observers.hand_over(number, &key.bytes, &mut shard.observers);
                if !dbs[number].table.is_empty() || !shard.dbs[number].table.is_empty() {
                    key.attach_one(&mut dbs[number], &mut shard.dbs[number], now_ms);
                }
            }
        }
        let detachments = &self.keyspace.detachments;
        if detachments.commands.fetch_sub(1, Ordering::Relaxed) == 1 {
            // Whoever wants all shards can have them now; if he has gone, nobody else clears this.
            detachments.all_wanted.store(false, Ordering::Relaxed);
        }
    }
}

impl DetachedKey {
    /// Moves what the key holds in a database to the keyspace of a command, and leaves a placeholder.
    fn detach_one(&self, from: &mut Db, to: &mut Db, now_ms: u64) {
        let Db { table, subexpiry } = from;
        let Some(mut entry) = table.get_mut(self.hash, &self.bytes) else { return };
        let (deadline, lru, flag) = (entry.deadline(), entry.lru(), entry.user_flag());
        let placeholder = match entry.value() {
            ValueRef::Boxed(object) => {
                Some(NewValue::Boxed(Box::new(Object::Detached(Box::new(Placeholder::of(object))))))
            }
            // A copy goes, and what stays is as good as a placeholder.
            ValueRef::Unit | ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Blob(_) | ValueRef::Tagged(_) => None,
        };
        let copy = if placeholder.is_none() { value::duplicate(&entry.value()) } else { OwnedValue::Unit };
        let gone = match placeholder.map(|placeholder| entry.replace(placeholder)) {
            Some(Removed::Boxed(object)) => OwnedValue::Boxed(object),
            Some(Removed::Small | Removed::Blob(_)) | None => copy,
        };
        if deadline.is_some() {
            entry.set_deadline(None);
        }
        let due = if let OwnedValue::Boxed(object) = &gone { next_deadline(object) } else { None };
        if due.is_some() {
            subexpiry.note(&self.bytes, None, now_ms);
        }
        let Db { table, subexpiry } = to;
        subexpiry.note(&self.bytes, due, now_ms);
        if let dict::Entry::Vacant(place) = table.entry(self.hash, &self.bytes) {
            let mut bytes = Vec::new();
            let mut entry = place.insert(gone.into_new(&mut bytes), deadline);
            entry.set_lru(lru);
            entry.set_user_flag(flag);
        }
    }

    /// Puts back what the key holds now.
    fn attach_one(&self, from: &mut Db, to: &mut Db, now_ms: u64) {
        let Db { table, subexpiry } = to;
        let Some(entry) = from.table.get_mut(self.hash, &self.bytes) else {
            // The command deleted it, or it was not there before either; the placeholder goes.
            table.remove(self.hash, &self.bytes);
            return;
        };
        let (lru, flag) = (entry.lru(), entry.user_flag());
        let (value, deadline) = entry.take();
        let mut bytes = Vec::new();
        let value = value.into_new(&mut bytes);
        if let NewValue::Boxed(object) = &value {
            let due = next_deadline(object);
            if due.is_some() {
                subexpiry.note(&self.bytes, due, now_ms);
            }
        }
        let mut entry: EntryMut<'_, Object> = match table.entry(self.hash, &self.bytes) {
            dict::Entry::Occupied(mut placeholder) => {
                placeholder.replace(value);
                placeholder.set_deadline(deadline);
                placeholder
            }
            dict::Entry::Vacant(place) => place.insert(value, deadline),
        };
        entry.set_lru(lru);
        entry.set_user_flag(flag);
    }
}

#[cfg(test)]
mod tests;
