//! The door to values: a command reaches keys only through [`LockedKeys`].
//!
//! It holds the locks of the command's shards (strict two-phase locking: all are taken before the command
//! runs, in rising order, and let go together). `read` lends a value. Whatever changes one goes through
//! [`Occupied`] or [`Vacant`], whose every change says which event it is and thereby counts as dirty, fires the
//! event, and tells the key's observers (transactions that watch it, clients' caches): a handler cannot forget one of
//! them.
//!
//! A key past its deadline is never seen: whoever meets it first deletes it, as if it had been done on time.

mod commit;
mod entry;
mod guards;
mod lend;
mod relocate;
#[cfg(test)]
mod tests;
mod visit;
mod waiters;

pub use commit::Commit;
pub use entry::{Occupied, Slot, Update, Vacant, WrongKind};
pub(crate) use guards::Guards;
pub use relocate::{Delivery, Place};
pub use visit::ShardView;

use crate::effects::{Effects, Outlet};
use crate::event::Event;
use crate::expire::note_expired;
use crate::key::Key;
use crate::keyspace::Keyspace;
use crate::observe::Observers;
use crate::observe::waits::{WaitTable, Wakes};
use crate::observe::watch::Watch;
use crate::recency::Recency;
use crate::shard::reclaim::Garbage;
use crate::shard::subexpiry::Subexpiry;
use crate::shard::{Db, ShardData};
use base::rng::Rng;
use entry::Announce;
use std::time::Duration;
use structures::dict::{self, EntryMut, EntryRef};
use value::{Hash, Kind, Object, View};

/// Which shards a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// None beforehand: shards are visited one after the other.
    Visit,
    /// These, rising, without doubles.
    Shards(&'a [u16]),
    /// All of them.
    All,
}

/// How a lookup counts.
#[derive(Clone, Copy, Debug)]
pub struct Lookup {
    /// Count a hit or a miss.
    pub count: bool,
    /// Fire `keymiss` when it is not there.
    pub announce: bool,
    /// Write down that the key was used.
    pub touch: bool,
}

impl Lookup {
    pub const READ: Lookup = Lookup { count: true, announce: true, touch: true };
    /// For commands that look at a key without using it (TTL, TYPE).
    pub const PEEK: Lookup = Lookup { count: true, announce: true, touch: false };
    /// For commands about how a key is kept (OBJECT).
    pub const INSPECT: Lookup = Lookup { count: true, announce: false, touch: false };
    /// For commands that must leave no trace (DEBUG).
    pub const SILENT: Lookup = Lookup { count: false, announce: false, touch: false };
}

/// The keys of a command (or transaction), locked.
pub struct LockedKeys<'k> {
    pub(crate) keyspace: &'k Keyspace,
    pub(crate) guards: Guards<'k>,
    pub(crate) effects: &'k mut Effects,
    /// The database of the running command.
    pub db: usize,
    /// Whether all shards were asked for, not only many.
    all: bool,
    /// How long to wait for shards; `None` for as long as it takes.
    patience: Option<Duration>,
    /// Where the news goes; without one it stays with the effects.
    outlet: Option<&'k dyn Outlet>,
}

/// Shards were not to be had in time: another thread holds one for long. Nothing is locked, and nothing has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// Keys that a visit meets before it lets others have the shard: about 100 microseconds.
const KEYS_PER_LOCK: usize = 2048;

impl<'k> LockedKeys<'k> {
    /// Takes the locks, in rising order.
    #[inline]
    pub fn lock(keyspace: &'k Keyspace, scope: Scope<'_>, db: usize, effects: &'k mut Effects) -> LockedKeys<'k> {
        let guards = Guards::take(keyspace, scope);
        effects.look_who_listens(keyspace);
        LockedKeys { keyspace, guards, effects, db, all: scope == Scope::All, patience: None, outlet: None }
    }

    /// Takes the locks, in rising order, unless one of them is not to be had for so long.
    ///
    /// # Errors
    /// Another thread holds one of the shards. Whoever may be made to wait later tries again then.
    #[inline]
    pub fn try_lock(
        keyspace: &'k Keyspace,
        scope: Scope<'_>,
        db: usize,
        effects: &'k mut Effects,
        patience: Duration,
    ) -> Result<LockedKeys<'k>, Busy> {
        let guards = Guards::take_within(keyspace, scope, patience).ok_or(Busy)?;
        effects.look_who_listens(keyspace);
        let (all, patience) = (scope == Scope::All, Some(patience));
        Ok(LockedKeys { keyspace, guards, effects, db, all, patience, outlet: None })
    }

    /// The same keys, with a way out for the news.
    #[inline]
    pub fn with_outlet(self, outlet: &'k dyn Outlet) -> LockedKeys<'k> {
        LockedKeys { outlet: Some(outlet), ..self }
    }

    /// Lets go of all shards and takes others. What was seen under the old locks counts no more.
    pub(crate) fn relock(&mut self, scope: Scope<'_>) -> Result<(), Busy> {
        self.guards = Guards::Many(Vec::new());
        self.guards = match self.patience {
            Some(patience) => Guards::take_within(self.keyspace, scope, patience).ok_or(Busy)?,
            None => Guards::take(self.keyspace, scope),
        };
        self.all = scope == Scope::All;
        self.effects.look_who_listens(self.keyspace);
        Ok(())
    }

    /// The shards held, rising.
    pub(crate) fn held_shards(&self) -> Vec<u16> {
        self.guards.all().iter().map(|(shard, _)| *shard).collect()
    }

    /// Whether anybody waits for a key of the shards held.
    #[inline]
    pub(crate) fn has_waiters(&self) -> bool {
        self.guards.all().iter().any(|(_, shard)| !shard.waits.is_empty())
    }

    /// Who waits in a shard; `None` when it is not held.
    pub(crate) fn waits_of(&self, shard: u16) -> Option<&WaitTable> {
        self.guards.shard(shard).map(|shard| &shard.waits)
    }

    pub(crate) fn waits_of_mut(&mut self, shard: u16) -> &mut WaitTable {
        &mut self.guards.held(shard).waits
    }

    pub fn keyspace(&self) -> &'k Keyspace {
        self.keyspace
    }

    /// Locates a key. For keys that the plan did not see, the caller must hold all shards.
    #[inline]
    pub fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        self.keyspace.key(bytes)
    }

    /// Whether all shards were asked for: the command may reach keys that no plan named.
    pub fn holds_all(&self) -> bool {
        self.all
    }

    /// Milliseconds since the epoch, the same for the whole turn.
    #[inline]
    pub fn now_ms(&self) -> u64 {
        self.effects.turn.now_ms
    }

    pub fn rng(&mut self) -> &mut Rng {
        &mut self.effects.rng
    }

    /// How a use of a key is written down.
    pub fn recency(&self) -> Recency {
        self.effects.turn.recency
    }

    /// Whether a key deleted for its age is logged as UNLINK rather than DEL.
    pub fn expires_lazily(&self) -> bool {
        self.effects.turn.lazy_expire
    }

    /// Makes lookups write down that keys were used, or not; returns what held before.
    pub fn set_notes_use(&mut self, notes_use: bool) -> bool {
        std::mem::replace(&mut self.effects.command.notes_use, notes_use)
    }

    /// Changes that the running command made so far.
    #[inline]
    pub fn dirty(&self) -> u64 {
        self.effects.command.dirty
    }

    /// Counts changes that no key announced (FLUSHALL of an empty keyspace counts one, for example).
    #[inline]
    pub fn add_dirty(&mut self, changes: u64) {
        self.effects.command.dirty += changes;
    }

    /// Whether effects are written down: a handler asks before it prints numbers for a record.
    #[inline]
    pub fn is_logged(&self) -> bool {
        self.effects.command.journal_on
    }

    /// Logs the running command as these words in its database, instead of as it was sent. May be called several times.
    pub fn log_as(&mut self, args: &[&[u8]]) {
        self.log_as_in(self.db, args);
    }

    /// The same in another database.
    pub fn log_as_in(&mut self, db: usize, args: &[&[u8]]) {
        self.effects.command.log_as(db, args);
    }

    /// Logs nothing of the running command besides what `log_as` was given.
    pub fn log_nothing(&mut self) {
        self.effects.command.log_nothing();
    }

    /// Hands over something large to be freed by another thread.
    pub fn discard(&mut self, garbage: Garbage) {
        self.effects.outbox.discard(garbage);
    }

    #[inline]
    fn parts(&mut self, shard: u16) -> (&mut ShardData, &mut Effects) {
        (self.guards.held(shard), self.effects)
    }

    /// Lends the value of a key for reading.
    #[inline]
    pub fn read(&mut self, key: &Key<'_>) -> Option<EntryRef<'_, Object>> {
        self.lookup(key, Lookup::READ)
    }

    /// Lends the value of a key for reading, saying how that counts.
    #[inline]
    pub fn lookup(&mut self, key: &Key<'_>, how: Lookup) -> Option<EntryRef<'_, Object>> {
        let db = self.db;
        self.lookup_in(db, key, how)
    }

    /// The same in another database.
    #[inline]
    pub fn lookup_in(&mut self, db: usize, key: &Key<'_>, how: Lookup) -> Option<EntryRef<'_, Object>> {
        Some(self.find_in(db, key, how)?.0)
    }

    /// Lends the value of a key for reading, as what it is: a small collection is shown on the scratch, until the next
    /// one is.
    #[inline]
    pub fn view(&mut self, key: &Key<'_>) -> Option<View<'_>> {
        self.view_in(self.db, key, Lookup::READ)
    }

    /// The same in another database, saying how that counts.
    #[inline]
    pub fn view_in(&mut self, db: usize, key: &Key<'_>, how: Lookup) -> Option<View<'_>> {
        let (entry, effects) = self.find_in(db, key, how)?;
        Some(effects.scratch.view(entry.value()))
    }

    #[inline]
    fn find_in(&mut self, db: usize, key: &Key<'_>, how: Lookup) -> Option<(EntryRef<'_, Object>, &mut Effects)> {
        let (shard, effects) = self.parts(key.shard);
        let ShardData { dbs, observers, waits, .. } = shard;
        let found = live(&mut dbs[db], observers, waits, effects, db, key);
        match found {
            Some(mut entry) => {
                if how.count {
                    effects.counters.hits += 1;
                }
                if how.touch && effects.command.notes_use {
                    let bits = effects.turn.recency.touched(entry.lru(), &mut effects.rng);
                    entry.set_lru(bits);
                }
                Some((entry.into_ref(), effects))
            }
            None => {
                if how.count {
                    effects.counters.misses += 1;
                }
                if how.announce {
                    effects.fire(db, Event::KEY_MISS, key.bytes);
                }
                None
            }
        }
    }

    /// Lends the collection of a key for reading, if it is of this kind.
    pub fn read_as<T: Kind>(&mut self, key: &Key<'_>) -> Result<Option<&T>, WrongKind> {
        match self.view(key) {
            None => Ok(None),
            Some(View::Object(object)) => T::of(object).map(Some).ok_or(WrongKind),
            Some(View::Str(_)) => Err(WrongKind),
        }
    }

    /// Whether the key is there; counts nothing.
    #[inline]
    pub fn exists(&mut self, key: &Key<'_>) -> bool {
        self.lookup(key, Lookup::SILENT).is_some()
    }

    /// The place of a key, to change it or to fill it, with one search.
    #[inline]
    pub fn slot<'s>(&'s mut self, key: &Key<'s>) -> Slot<'s> {
        let db = self.db;
        self.slot_in(db, key)
    }

    /// The same in another database.
    #[inline]
    pub fn slot_in<'s>(&'s mut self, db: usize, key: &Key<'s>) -> Slot<'s> {
        let (shard, effects) = self.parts(key.shard);
        let ShardData { dbs, observers, waits, .. } = shard;
        let Db { table, subexpiry } = &mut dbs[db];
        match table.entry(key.hash, key.bytes) {
            dict::Entry::Occupied(entry) if is_past(entry.deadline(), effects.turn.now_ms) => {
                // A writer deletes what is past its deadline even while readers must leave it alone.
                let (removed, place) = entry.vacate(key.hash, key.bytes);
                expired(effects, observers, waits, subexpiry, db, key.bytes, removed);
                Slot::Vacant(Vacant {
                    place,
                    announce: Announce::new(effects, observers, waits, subexpiry, db, key.bytes),
                })
            }
            dict::Entry::Occupied(entry) => Slot::Occupied(Occupied {
                entry,
                announce: Announce::new(effects, observers, waits, subexpiry, db, key.bytes),
            }),
            dict::Entry::Vacant(place) => Slot::Vacant(Vacant {
                place,
                announce: Announce::new(effects, observers, waits, subexpiry, db, key.bytes),
            }),
        }
    }

    /// Deletes a key; returns whether it was there.
    pub fn delete(&mut self, key: &Key<'_>, event: Event) -> bool {
        match self.slot(key) {
            Slot::Occupied(occupied) => {
                occupied.delete(event);
                true
            }
            Slot::Vacant(_) => false,
        }
    }

    /// Deletes fields of a hash that a reader found past their deadline, unless they have to stay for now.
    #[cold]
    pub fn expire_fields<'f>(&mut self, key: &Key<'_>, fields: impl IntoIterator<Item = &'f [u8]>) {
        let now_ms = self.effects.turn.now_ms;
        if !self.effects.turn.may_expire {
            return;
        }
        let Slot::Occupied(occupied) = self.slot(key) else { return };
        let expire = |hash: &mut Hash, update: &mut Update<'_>| {
            for field in fields {
                if hash.get(field).is_some_and(|found| found.is_past(now_ms)) {
                    hash.remove(field);
                    update.field_expired(field);
                }
            }
        };
        // Of another type it has no fields to expire.
        let _ = occupied.update(expire);
    }

    /// Watches a key for a transaction; returns whether it is there.
    pub fn watch(&mut self, key: &Key<'_>, watch: &Watch) -> bool {
        // A key already past its deadline is deleted first: its absence is what is watched.
        let there = self.exists(key);
        let db = self.db;
        let (shard, _) = self.parts(key.shard);
        shard.observers.watched.add(db, key.bytes, watch);
        there
    }

    /// Remembers for a client's cache that it read a key. One shard remembers at most `most` keys.
    #[cold]
    pub fn track(&mut self, key: &Key<'_>, client: u64, most: usize) {
        let (shard, effects) = self.parts(key.shard);
        shard.observers.tracked.add(key.bytes, client, most, &mut effects.outbox.invalidations);
    }

    /// Visits every key of a database: one shard after the other, and each a part at a time, so that who wants a shard
    /// waits for a part at most. A key that is there all the time is met once, and none twice unless it moves between
    /// shards.
    pub fn visit_keys(&mut self, db: usize, mut look: impl FnMut(EntryRef<'_, Object>)) {
        for shard in 0..self.keyspace.shards() {
            let mut at = Some(0);
            while let Some(place) = at {
                at = self.visit_one(shard, |view| view.db(db).table.walk(place, KEYS_PER_LOCK, &mut look));
            }
        }
    }

    /// Visits every shard in turn, with its lock held.
    pub fn visit(&mut self, mut look: impl FnMut(&mut ShardView<'_>)) {
        for shard in 0..self.keyspace.shards() {
            self.visit_one(shard, &mut look);
        }
    }

    /// Visits one shard: the one already held, else locked just for that.
    pub fn visit_one<R>(&mut self, shard: usize, look: impl FnOnce(&mut ShardView<'_>) -> R) -> R {
        if self.guards.all().is_empty() {
            let mut guard = self.keyspace.shards[shard].lock();
            self.effects.look_who_listens(self.keyspace);
            let result = look(&mut ShardView { data: &mut guard, effects: self.effects });
            self.effects.commit_frame(self.keyspace, self.outlet);
            guard.unlock_fairly();
            result
        } else {
            let data = self.guards.held(shard as u16);
            look(&mut ShardView { data, effects: self.effects })
        }
    }

    /// Empties databases (all when `only` is `None`) and hands back what was in them. Needs all shards.
    pub fn take_dbs(&mut self, only: Option<usize>) -> Vec<Db> {
        debug_assert!(self.holds_all(), "FLUSHALL holds every shard");
        let mut taken = Vec::new();
        self.effects.outbox.invalidations.flushed = true;
        for (_, shard) in self.guards.all_mut() {
            let ShardData { dbs, observers, waits, .. } = &mut **shard;
            observers.tracked.clear();
            for (number, db) in dbs.iter_mut() {
                if only.is_some_and(|only| only != number) || db.is_empty() {
                    continue;
                }
                waits.each_key(number, |key| {
                    if db.table.contains(self.keyspace.key(key).hash, key) {
                        self.effects.outbox.note_ready(number, key, Wakes::GONE);
                    }
                });
                observers.watched.touch_where(number, |key| db.table.contains(self.keyspace.key(key).hash, key));
                let fresh = db.fresh();
                taken.push(std::mem::replace(db, fresh));
            }
        }
        taken
    }

    /// Exchanges two databases. Needs all shards.
    ///
    /// A watched key counts as changed when it is there in either of them; one past its deadline is not.
    pub fn swap_dbs(&mut self, one: usize, other: usize) {
        debug_assert!(self.holds_all(), "SWAPDB holds every shard");
        let now_ms = self.effects.turn.now_ms;
        let effects = &mut *self.effects;
        for (_, shard) in self.guards.all_mut() {
            let ShardData { dbs, observers, waits, .. } = &mut **shard;
            for number in [one, other] {
                observers.watched.touch_where(number, |key| {
                    let hash = self.keyspace.key(key).hash;
                    let lives = |db: &Db| db.table.get(hash, key).is_some_and(|it| !is_past(it.deadline(), now_ms));
                    lives(&dbs[one]) || lives(&dbs[other])
                });
            }
            dbs.swap(one, other);
            for (number, before) in [(one, other), (other, one)] {
                waits.each_key(number, |key| {
                    let hash = self.keyspace.key(key).hash;
                    if dbs[number].table.contains(hash, key) {
                        effects.outbox.note_ready(number, key, Wakes::FILLED);
                    }
                    if dbs[before].table.contains(hash, key) {
                        effects.outbox.note_ready(number, key, Wakes::GONE);
                    }
                });
            }
        }
    }
}

#[inline]
fn is_past(deadline: Option<u64>, now_ms: u64) -> bool {
    deadline.is_some_and(|deadline| deadline <= now_ms)
}

/// The entry of a key that is there and not past its deadline.
#[inline]
fn live<'d>(
    db: &'d mut Db,
    observers: &mut Observers,
    waits: &WaitTable,
    effects: &mut Effects,
    number: usize,
    key: &Key<'_>,
) -> Option<EntryMut<'d, Object>> {
    let Db { table, subexpiry } = db;
    let entry = table.get_mut(key.hash, key.bytes)?;
    if !is_past(entry.deadline(), effects.turn.now_ms) {
        return Some(entry);
    }
    if effects.turn.may_expire {
        let removed = entry.remove();
        expired(effects, observers, waits, subexpiry, number, key.bytes, removed);
    }
    None
}

#[cold]
fn expired(
    effects: &mut Effects,
    observers: &mut Observers,
    waits: &WaitTable,
    subexpiry: &mut Subexpiry,
    db: usize,
    key: &[u8],
    removed: dict::Removed<Object>,
) {
    subexpiry.forget(key, &removed);
    note_expired(effects, db, key, removed);
    observers.note_change(db, key, &mut effects.outbox.invalidations);
    if !waits.is_empty() && waits.has(db, key, Wakes::GONE) {
        effects.outbox.note_ready(db, key, Wakes::GONE);
    }
}
