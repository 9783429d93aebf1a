//! The door to values: a command reaches keys only through [`LockedKeys`].
//!
//! It holds the locks of the command's shards (strict two-phase locking: all are taken before the command
//! runs, in rising order, and let go together). `read` lends a value. Whatever changes one goes through
//! [`Occupied`] or [`Vacant`], whose every change says which event it is and thereby counts as dirty, fires the
//! event, and tells the key's observers (transactions that watch it, clients' caches): a handler cannot forget one of them.
//!
//! A key past its deadline is never seen: whoever meets it first deletes it, as if it had been done on time.

mod lend;
mod relocate;
#[cfg(test)]
mod tests;

pub use relocate::{Delivery, Place};

use crate::blocking::WaitTable;
use crate::effects::Effects;
use crate::event::Event;
use crate::keyspace::{Key, Keyspace, discard, note_expired};
use crate::observers::Observers;
use crate::shard::{Db, ShardData};
use crate::subexpiry::{Subexpiry, next_deadline, note_expired_field};
use crate::watch::Watch;
use smallvec::SmallVec;
use structures::dict::{self, EntryMut, EntryRef, NewValue, OwnedValue, ValueRef};
use structures::lock::Guard;
use value::{Hash, Kind, Object, View, Workbench, small};

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
    pub fx: &'k mut Effects,
    /// The database of the running command.
    pub db: usize,
}

/// Keys that a visit meets before it lets others have the shard: about 100 microseconds.
const KEYS_PER_LOCK: usize = 2048;

impl<'k> LockedKeys<'k> {
    /// Takes the locks, in rising order.
    #[inline]
    pub fn lock(keyspace: &'k Keyspace, scope: Scope<'_>, db: usize, fx: &'k mut Effects) -> LockedKeys<'k> {
        LockedKeys { keyspace, guards: Guards::take(keyspace, scope), fx, db }
    }

    /// Lets go of all shards and takes others. What was seen under the old locks counts no more.
    pub(crate) fn relock(&mut self, scope: Scope<'_>) {
        self.guards = Guards::Many(Vec::new());
        self.guards = Guards::take(self.keyspace, scope);
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

    /// Whether this holds every shard.
    pub fn holds_all(&self) -> bool {
        self.guards.all().len() == self.keyspace.shards()
    }

    #[inline]
    fn parts(&mut self, shard: u16) -> (&mut ShardData, &mut Effects) {
        (self.guards.held(shard), self.fx)
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

    /// Lends the value of a key for reading, as what it is: a small collection is shown on the bench, until the next one is.
    #[inline]
    pub fn view(&mut self, key: &Key<'_>) -> Option<View<'_>> {
        self.view_in(self.db, key, Lookup::READ)
    }

    /// The same in another database, saying how that counts.
    #[inline]
    pub fn view_in(&mut self, db: usize, key: &Key<'_>, how: Lookup) -> Option<View<'_>> {
        let (entry, fx) = self.find_in(db, key, how)?;
        Some(fx.bench.view(entry.value()))
    }

    #[inline]
    fn find_in(&mut self, db: usize, key: &Key<'_>, how: Lookup) -> Option<(EntryRef<'_, Object>, &mut Effects)> {
        let (shard, fx) = self.parts(key.shard);
        let found = live(&mut shard.dbs[db], &mut shard.observers, fx, db, key);
        match found {
            Some(mut entry) => {
                if how.count {
                    fx.counters.hits += 1;
                }
                if how.touch && fx.touch {
                    let bits = fx.recency.touched(entry.lru(), &mut fx.rng);
                    entry.set_lru(bits);
                }
                Some((entry.into_ref(), fx))
            }
            None => {
                if how.count {
                    fx.counters.misses += 1;
                }
                if how.announce {
                    fx.fire(db, Event::KEY_MISS, key.bytes);
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
        let (shard, fx) = self.parts(key.shard);
        let ShardData { dbs, observers, waits, .. } = shard;
        let Db { table, subexpiry } = &mut dbs[db];
        match table.entry(key.hash, key.bytes) {
            dict::Entry::Occupied(entry) if is_past(entry.deadline(), fx.now_ms) => {
                // A writer deletes what is past its deadline even while readers must leave it alone.
                let (removed, place) = entry.vacate(key.hash, key.bytes);
                expired(fx, observers, subexpiry, db, key.bytes, removed);
                Slot::Vacant(Vacant {
                    place,
                    announce: Announce { fx, observers, waits, subexpiry, db, key: key.bytes },
                })
            }
            dict::Entry::Occupied(entry) => Slot::Occupied(Occupied {
                entry,
                announce: Announce { fx, observers, waits, subexpiry, db, key: key.bytes },
            }),
            dict::Entry::Vacant(place) => Slot::Vacant(Vacant {
                place,
                announce: Announce { fx, observers, waits, subexpiry, db, key: key.bytes },
            }),
        }
    }

    /// Deletes a key; tells whether it was there.
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
        let now_ms = self.fx.now_ms;
        if !self.fx.may_expire {
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

    /// Watches a key for a transaction; tells whether it is there.
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
        let (shard, fx) = self.parts(key.shard);
        shard.observers.tracked.add(key.bytes, client, most, &mut fx.invalidations);
    }

    /// Visits every key of a database: one shard after the other, and each a part at a time, so that who wants a shard
    /// waits for a part at most. A key that is there all the time is met once, and none twice unless it moves between shards.
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
        let journal = &self.keyspace.journal;
        if self.guards.all().is_empty() {
            let mut guard = self.keyspace.shards[shard].lock();
            let result = look(&mut ShardView { data: &mut guard, fx: self.fx });
            self.fx.settle(journal);
            guard.unlock_fairly();
            result
        } else {
            let data = self.guards.held(shard as u16);
            look(&mut ShardView { data, fx: self.fx })
        }
    }

    /// Empties databases (all when `only` is `None`) and hands back what was in them. Needs all shards.
    pub fn take_dbs(&mut self, only: Option<usize>) -> Vec<Db> {
        debug_assert!(self.holds_all(), "FLUSHALL holds every shard");
        let mut taken = Vec::new();
        self.fx.invalidations.flushed = true;
        for (_, shard) in self.guards.all_mut() {
            let ShardData { dbs, observers, .. } = &mut **shard;
            observers.tracked.clear();
            for (number, db) in dbs.iter_mut().enumerate() {
                if only.is_some_and(|only| only != number) || db.is_empty() {
                    continue;
                }
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
        let now_ms = self.fx.now_ms;
        let fx = &mut *self.fx;
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
            for number in [one, other] {
                waits.each_key(number, |key| {
                    if dbs[number].table.contains(self.keyspace.key(key).hash, key) {
                        fx.note_ready(number, key);
                    }
                });
            }
        }
    }
}

/// A shard being visited.
pub struct ShardView<'v> {
    data: &'v mut ShardData,
    fx: &'v mut Effects,
}

impl ShardView<'_> {
    pub fn db(&self, db: usize) -> &Db {
        &self.data.dbs[db]
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
        self.fx.now_ms
    }

    /// Deletes the key if it is past its deadline; tells whether it is there.
    pub fn reap(&mut self, db: usize, key: &Key<'_>) -> bool {
        live(&mut self.data.dbs[db], &mut self.data.observers, self.fx, db, key).is_some()
    }

    /// One step of a scan over the database's part in this shard, as [`dict::Dict::scan`] makes it; gives the next
    /// cursor, 0 at the end. Keys past their deadline are deleted instead of being shown.
    pub fn scan(&mut self, db: usize, cursor: u64, visit: &mut dyn FnMut(EntryRef<'_, Object>)) -> u64 {
        let now_ms = self.fx.now_ms;
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
        let rng = &mut self.fx.rng;
        self.data.dbs[db].table.random(&mut || rng.next_u64())
    }
}

/// The locks that are held, by rising shard.
pub(crate) enum Guards<'k> {
    /// What most commands need takes no memory of its own.
    One((u16, Guard<'k, ShardData>)),
    Many(Vec<(u16, Guard<'k, ShardData>)>),
}

impl<'k> Guards<'k> {
    #[inline]
    fn take(keyspace: &'k Keyspace, scope: Scope<'_>) -> Guards<'k> {
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

    fn all(&self) -> &[(u16, Guard<'k, ShardData>)] {
        match self {
            Guards::One(one) => std::slice::from_ref(one),
            Guards::Many(many) => many,
        }
    }

    fn all_mut(&mut self) -> &mut [(u16, Guard<'k, ShardData>)] {
        match self {
            Guards::One(one) => std::slice::from_mut(one),
            Guards::Many(many) => many,
        }
    }

    /// A shard, if it is held.
    pub(crate) fn shard(&self, shard: u16) -> Option<&ShardData> {
        let guards = self.all();
        let at = guards.binary_search_by_key(&shard, |(number, _)| *number).ok()?;
        Some(&guards[at].1)
    }

    #[inline]
    pub(crate) fn held(&mut self, shard: u16) -> &mut ShardData {
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

#[inline]
fn is_past(deadline: Option<u64>, now_ms: u64) -> bool {
    deadline.is_some_and(|deadline| deadline <= now_ms)
}

/// The entry of a key that is there and not past its deadline.
#[inline]
fn live<'d>(
    db: &'d mut Db,
    observers: &mut Observers,
    fx: &mut Effects,
    number: usize,
    key: &Key<'_>,
) -> Option<EntryMut<'d, Object>> {
    let Db { table, subexpiry } = db;
    let entry = table.get_mut(key.hash, key.bytes)?;
    if !is_past(entry.deadline(), fx.now_ms) {
        return Some(entry);
    }
    if fx.may_expire {
        let removed = entry.remove();
        expired(fx, observers, subexpiry, number, key.bytes, removed);
    }
    None
}

#[cold]
fn expired(
    fx: &mut Effects,
    observers: &mut Observers,
    subexpiry: &mut Subexpiry,
    db: usize,
    key: &[u8],
    removed: dict::Removed<Object>,
) {
    subexpiry.forget(key, &removed);
    note_expired(fx, db, key, removed);
    observers.touch(fx, db, key);
}

/// Who has to hear of a change of one key.
struct Announce<'s> {
    fx: &'s mut Effects,
    observers: &'s mut Observers,
    waits: &'s WaitTable,
    subexpiry: &'s mut Subexpiry,
    db: usize,
    key: &'s [u8],
}

impl Announce<'_> {
    #[inline]
    fn changed(&mut self, event: Event) {
        self.fx.add_dirty(1);
        self.touched();
        self.fx.fire(self.db, event, self.key);
    }

    /// A collection came to be where there was none: who waits for it is to be served.
    #[inline]
    fn filled(&mut self) {
        if !self.waits.is_empty() && self.waits.has(self.db, self.key) {
            self.fx.note_ready(self.db, self.key);
        }
    }

    /// Changes a collection and says so; tells whether it is empty now.
    #[inline]
    fn change<T: Kind, R>(
        &mut self,
        object: &mut Object,
        change: impl FnOnce(&mut T, &mut Update<'_>) -> R,
    ) -> Result<(R, bool), WrongKind> {
        let due = next_deadline(object);
        let mut update = Update { fx: self.fx, db: self.db, key: self.key, dirty: 0, events: SmallVec::new() };
        let result = change(T::of_mut(object).ok_or(WrongKind)?, &mut update);
        let Update { dirty, events, .. } = update;
        self.subexpiry(due, next_deadline(object));
        if dirty > 0 || !events.is_empty() {
            self.fx.add_dirty(dirty);
            self.touched();
            for event in events {
                self.fx.fire(self.db, event, self.key);
            }
        }
        Ok((result, object.is_empty()))
    }

    /// A change that is not an event of its own.
    #[inline]
    fn touched(&mut self) {
        self.observers.touch(self.fx, self.db, self.key);
    }

    /// Lets go of what the key held.
    #[inline]
    fn discard(&mut self, removed: dict::Removed<Object>) {
        self.subexpiry.forget(self.key, &removed);
        discard(self.fx, removed);
    }

    /// The earliest deadline among the fields below this key has become another one.
    #[inline]
    fn subexpiry(&mut self, before: Option<u64>, after: Option<u64>) {
        if before != after {
            self.subexpiry.note(self.key, after, self.fx.now_ms);
        }
    }
}

/// Where a key is, or would be.
pub enum Slot<'s> {
    Occupied(Occupied<'s>),
    Vacant(Vacant<'s>),
}

impl<'s> Slot<'s> {
    pub fn occupied(self) -> Option<Occupied<'s>> {
        match self {
            Slot::Occupied(occupied) => Some(occupied),
            Slot::Vacant(_) => None,
        }
    }

    /// Sets the value as SET does: it replaces what was there, whatever its type, and its deadline.
    #[inline]
    pub fn set(self, value: NewValue<'_, Object>, deadline: Option<u64>, event: Event) -> Occupied<'s> {
        match self {
            Slot::Occupied(occupied) => occupied.overwrite(value, deadline, event),
            Slot::Vacant(vacant) => vacant.insert(value, deadline, event),
        }
    }
}

/// A key that is there.
pub struct Occupied<'s> {
    entry: EntryMut<'s, Object>,
    announce: Announce<'s>,
}

impl<'s> Occupied<'s> {
    #[inline]
    pub fn value(&self) -> ValueRef<'_, Object> {
        self.entry.value()
    }

    /// The entry, to look at.
    pub fn entry(&self) -> EntryRef<'_, Object> {
        self.entry.as_ref()
    }

    #[inline]
    pub fn deadline(&self) -> Option<u64> {
        self.entry.deadline()
    }

    /// What the command did so far, for propagation.
    pub fn fx(&mut self) -> &mut Effects {
        self.announce.fx
    }

    /// Writes down that the key was used.
    #[inline]
    pub fn touch(&mut self) {
        let fx = &mut *self.announce.fx;
        if fx.touch {
            let bits = fx.recency.touched(self.entry.lru(), &mut fx.rng);
            self.entry.set_lru(bits);
        }
    }

    /// Counts a hit, for commands that read and write.
    #[inline]
    pub fn count_hit(&mut self) {
        self.announce.fx.counters.hits += 1;
    }

    /// Replaces value and deadline; fires `overwritten` and `type_changed` as due, then `event`.
    #[inline]
    pub fn overwrite(mut self, value: NewValue<'_, Object>, deadline: Option<u64>, event: Event) -> Occupied<'s> {
        let announce = &mut self.announce;
        if announce.fx.event_classes != 0 {
            announce.fx.fire(announce.db, Event::OVERWRITTEN, announce.key);
            if value::type_name(&self.entry.value()) != value::new_type_name(&value) {
                announce.fx.fire(announce.db, Event::TYPE_CHANGED, announce.key);
            }
        }
        self.replace(value);
        if deadline != self.entry.deadline() {
            self.entry.set_deadline(deadline);
        }
        self.announce.changed(event);
        self
    }

    /// Replaces the value; the deadline stays.
    #[inline]
    pub fn set_value(&mut self, value: NewValue<'_, Object>, event: Event) {
        self.replace(value);
        self.announce.changed(event);
    }

    /// Makes the value this integer, in place when it is one already; the deadline stays.
    #[inline]
    pub fn set_int(&mut self, value: i64, event: Event) {
        let removed = self.entry.set_int(value);
        self.announce.discard(removed);
        self.entry.set_user_flag(false);
        self.touch();
        self.announce.changed(event);
    }

    #[inline]
    fn replace(&mut self, value: NewValue<'_, Object>) {
        let due = subexpiry_of(&value);
        let removed = settled(value, |value| self.entry.replace(value));
        self.announce.discard(removed);
        self.announce.subexpiry(None, due);
        let recency = self.announce.fx.recency;
        if !recency.lfu {
            self.entry.set_lru(recency.initial());
        }
        self.entry.set_user_flag(false);
    }

    /// Lends the string to be edited in place, resized to `len` bytes (new ones are zero). `None`: not bytes in
    /// memory, the caller sets them with `set_value` first.
    pub fn edit_bytes(&mut self, len: usize, event: Event) -> Option<&mut [u8]> {
        self.announce.changed(event);
        self.entry.set_user_flag(true);
        if !self.entry.resize_bytes(len) {
            return None;
        }
        self.entry.bytes_mut()
    }

    /// Appends to the string.
    pub fn append(&mut self, bytes: &[u8], event: Event) {
        self.announce.changed(event);
        self.entry.append(bytes);
        self.entry.set_user_flag(true);
    }

    /// Lends the string to be edited in place, resized to `len` bytes (new ones are zero). `edit` says how many
    /// changes it made besides its result; with none, and the old length, nothing is announced. `None`: not bytes,
    /// or memory does not suffice; `edit` did not run.
    pub fn edit_bytes_if<R>(
        &mut self,
        len: usize,
        event: Event,
        edit: impl FnOnce(&mut [u8]) -> (u64, R),
    ) -> Option<R> {
        let resize = match self.entry.value() {
            ValueRef::Bytes(bytes) => bytes.len() != len,
            ValueRef::Blob(blob) => blob.len() != len,
            ValueRef::Unit | ValueRef::Int(_) | ValueRef::Tagged(_) | ValueRef::Boxed(_) => return None,
        };
        if resize && !self.entry.resize_bytes(len) {
            return None;
        }
        let (changes, result) = edit(self.entry.bytes_mut()?);
        self.entry.set_user_flag(true);
        match (changes, resize) {
            (0, false) => {}
            // The new length alone was no change that the caller counts, yet it must be logged and watched for.
            (0, true) => self.announce.changed(Event::NONE),
            _ => {
                self.announce.changed(event);
                self.announce.fx.add_dirty(changes - 1);
            }
        }
        Some(result)
    }

    /// Makes the string one that can be edited in place ("raw"): an integer becomes its text. That is a change of
    /// its encoding and of nothing else.
    pub fn set_raw(&mut self) {
        if let ValueRef::Int(integer) = self.entry.value() {
            let mut scratch = value::string::Scratch::default();
            let removed = self.entry.replace(NewValue::Bytes(scratch.print(integer)));
            discard(self.announce.fx, removed);
        }
        self.entry.set_user_flag(true);
    }

    /// Whether it is a collection of this kind.
    pub fn expect<T: Kind>(&self) -> Result<(), WrongKind> {
        if value::type_name(&self.entry.value()) == T::TYPE { Ok(()) } else { Err(WrongKind) }
    }

    /// The collection, if it is of this kind.
    pub fn get<T: Kind>(&mut self) -> Result<&T, WrongKind> {
        match self.announce.fx.bench.view(self.entry.as_ref().value()) {
            View::Object(object) => T::of(object).ok_or(WrongKind),
            View::Str(_) => Err(WrongKind),
        }
    }

    /// Lends a collection of this kind to be changed. `change` tells the [`Update`] what it did; if it tells nothing,
    /// nothing is announced. A collection that is left empty goes, with a `del` event after those of the change.
    pub fn update<T: Kind, R>(mut self, change: impl FnOnce(&mut T, &mut Update<'_>) -> R) -> Result<R, WrongKind> {
        self.touch();
        let (result, emptied) = match self.entry.value() {
            ValueRef::Tagged(small) => {
                let mut bench = std::mem::take(&mut self.announce.fx.bench);
                let done = self.announce.change(bench.inflate(small), change);
                if let Ok((_, emptied)) = &done
                    && !emptied
                {
                    self.put_back(&mut bench);
                }
                self.announce.fx.bench = bench;
                done?
            }
            _ => self.announce.change(self.entry.boxed_mut().ok_or(WrongKind)?, change)?,
        };
        if emptied {
            self.fire(Event::DEL);
            let removed = self.entry.remove();
            self.announce.discard(removed);
        }
        Ok(result)
    }

    /// Takes over what became of a small collection.
    #[inline]
    fn put_back(&mut self, bench: &mut Workbench) {
        match small::deflate(bench.object()) {
            Some(small) => drop(self.entry.replace(NewValue::Tagged(small))),
            None => drop(self.entry.replace(NewValue::Boxed(bench.take()))),
        }
    }

    #[inline]
    pub fn set_deadline(&mut self, deadline: Option<u64>, event: Event) {
        self.entry.set_deadline(deadline);
        self.announce.changed(event);
    }

    /// A further event about this change (SET with EX fires `set` and `expire`).
    #[inline]
    pub fn fire(&mut self, event: Event) {
        let announce = &mut self.announce;
        announce.fx.fire(announce.db, event, announce.key);
    }

    pub fn delete(mut self, event: Event) {
        self.announce.changed(event);
        let removed = self.entry.remove();
        self.announce.discard(removed);
    }

    /// Takes the value out (RENAME, MOVE, GETDEL).
    pub fn take(mut self, event: Event) -> (OwnedValue<Object>, Option<u64>) {
        self.announce.changed(event);
        self.lift()
    }

    /// Takes the value out, unannounced.
    fn lift(mut self) -> (OwnedValue<Object>, Option<u64>) {
        let due = self.entry.boxed_mut().and_then(|object| next_deadline(object));
        self.announce.subexpiry(due, None);
        self.entry.take()
    }
}

/// The key holds a value of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongKind;

/// A change of a collection, while it is made.
pub struct Update<'u> {
    pub fx: &'u mut Effects,
    db: usize,
    key: &'u [u8],
    dirty: u64,
    events: SmallVec<[Event; 2]>,
}

impl Update<'_> {
    /// Says what was done: how many changes it counts as, and which event it is.
    pub fn changed(&mut self, dirty: u64, event: Event) {
        self.dirty += dirty;
        self.events.push(event);
    }

    /// Says that a field of a hash was removed for its age.
    pub fn field_expired(&mut self, field: &[u8]) {
        note_expired_field(self.fx, self.db, self.key, field);
        // As Redis does: one event, however many fields a command meets.
        if !self.events.iter().any(|event| event.name == Event::HASH_EXPIRED.name) {
            self.events.push(Event::HASH_EXPIRED);
        }
    }
}

/// When fields of a value that is about to be stored will expire.
#[inline]
fn subexpiry_of(value: &NewValue<'_, Object>) -> Option<u64> {
    match value {
        NewValue::Boxed(object) => next_deadline(object),
        NewValue::Unit | NewValue::Int(_) | NewValue::Bytes(_) | NewValue::Blob(_) | NewValue::Tagged(_) => None,
    }
}

/// Stores a value in the form in which the keyspace keeps it: a collection that is small enough is kept within the entry.
#[inline]
fn settled<R>(value: NewValue<'_, Object>, store: impl FnOnce(NewValue<'_, Object>) -> R) -> R {
    if let NewValue::Boxed(object) = &value
        && let Some(small) = small::deflate(object)
    {
        return store(NewValue::Tagged(small));
    }
    store(value)
}

/// A key that is not there.
pub struct Vacant<'s> {
    place: dict::VacantEntry<'s, Object>,
    announce: Announce<'s>,
}

impl<'s> Vacant<'s> {
    /// Fills the place; fires `new`, then `event`.
    #[inline]
    pub fn insert(mut self, value: NewValue<'_, Object>, deadline: Option<u64>, event: Event) -> Occupied<'s> {
        let due = subexpiry_of(&value);
        let fills = matches!(value, NewValue::Boxed(_) | NewValue::Tagged(_));
        let place = self.place;
        let mut entry = settled(value, |value| place.insert(value, deadline));
        entry.set_lru(self.announce.fx.recency.initial());
        let announce = &mut self.announce;
        if fills {
            announce.filled();
        }
        announce.subexpiry(None, due);
        announce.fx.fire(announce.db, Event::NEW, announce.key);
        announce.changed(event);
        Occupied { entry, announce: self.announce }
    }

    /// Fills the place with a collection, which must not be empty; that counts as so many changes.
    pub fn create<T: Kind>(self, collection: T, dirty: u64, event: Event) -> Occupied<'s> {
        let object = collection.into_object();
        debug_assert!(!object.is_empty(), "a collection in the keyspace is never empty");
        let mut occupied = match small::deflate(&object) {
            Some(small) => self.insert(NewValue::Tagged(small), None, event),
            None => self.insert(NewValue::Boxed(Box::new(object)), None, event),
        };
        occupied.fx().add_dirty(dirty.saturating_sub(1));
        occupied
    }

    /// Counts a miss and fires `keymiss`, for commands that read and write.
    pub fn count_miss(&mut self) {
        let announce = &mut self.announce;
        announce.fx.counters.misses += 1;
        announce.fx.fire(announce.db, Event::KEY_MISS, announce.key);
    }

    /// What the command did so far, for propagation.
    pub fn fx(&mut self) -> &mut Effects {
        self.announce.fx
    }
}
