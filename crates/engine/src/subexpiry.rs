//! The index of hashes by the earliest deadline among their fields: one for each database of a shard.
//!
//! It holds the key of every hash that has fields with deadlines, and of nothing else: each change of a hash and each
//! change of what a key holds goes through the door, which tells the index. A deadline kept here may be earlier than
//! the hash's earliest field (the hash sorts its own deadlines coarsely), never later.
//!
//! The sweep asks it which hashes are due, lets each expire its fields up to a budget, and puts it back with its next
//! deadline.

use crate::effects::Effects;
use crate::event::Event;
use crate::keyspace::discard;
use crate::observers::Observers;
use crate::shard::Db;
use structures::dict::{Dict, NewValue, Removed};
use structures::hash::Hasher;
use value::{Hash, Kind, Object};

/// The index.
pub(crate) struct Subexpiry {
    keys: Dict<()>,
}

/// The time at which an object will have fields to expire, if it is a hash with deadlines.
#[inline]
pub(crate) fn next_deadline(object: &Object) -> Option<u64> {
    match object {
        Object::Hash(hash) => hash.next_deadline(),
        _ => None,
    }
}

impl Subexpiry {
    pub fn new(hasher: Hasher) -> Subexpiry {
        Subexpiry { keys: Dict::new(hasher) }
    }

    pub fn fresh(&self) -> Subexpiry {
        Subexpiry { keys: self.keys.fresh() }
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn memory(&self) -> usize {
        self.keys.memory()
    }

    pub fn next_deadline(&self) -> Option<u64> {
        if self.keys.is_empty() { None } else { self.keys.next_deadline() }
    }

    /// Notes that the earliest deadline below a key has changed, or that there is none any more.
    pub fn note(&mut self, key: &[u8], deadline: Option<u64>, now_ms: u64) {
        let hash = self.keys.hasher().hash(key);
        match deadline {
            Some(_) => {
                if self.keys.is_empty() {
                    // The wheel sorts deadlines by their distance from the time it knows.
                    self.keys.advance(now_ms, 0, &mut |_, _| {});
                }
                self.keys.set(hash, key, NewValue::Unit, deadline);
            }
            None => {
                self.keys.remove(hash, key);
            }
        }
    }

    /// Lets a key go whose value was removed.
    #[inline]
    pub fn forget(&mut self, key: &[u8], removed: &Removed<Object>) {
        if let Removed::Boxed(object) = removed
            && next_deadline(object).is_some()
        {
            self.note(key, None, 0);
        }
    }

    /// Whether there may be a key that is due.
    fn is_due(&self, now_ms: u64) -> bool {
        self.next_deadline().is_some_and(|next| next <= now_ms)
    }

    /// Takes out a key that is due, or sorts one more finely.
    fn take_due(&mut self, now_ms: u64, due: &mut Vec<Box<[u8]>>) {
        self.keys.advance(now_ms, 1, &mut |key, _| due.push(key.into()));
    }

    /// Panics unless exactly the hashes with deadlines are in it, none of them too late; for tests.
    #[cfg(test)]
    pub fn check(&self, table: &value::Table) {
        let mut hashes = 0;
        for entry in table.iter() {
            let structures::dict::ValueRef::Boxed(object) = entry.value() else { continue };
            let Some(next) = next_deadline(object) else { continue };
            hashes += 1;
            let noted =
                self.keys.get(self.keys.hasher().hash(entry.key()), entry.key()).expect("a hash with deadlines");
            assert!(noted.deadline().expect("a deadline") <= next);
        }
        assert_eq!(hashes, self.keys.len());
    }
}

impl Db {
    /// Deletes fields past their deadline from hashes that are due, at most `left` of them, which it takes from that (a
    /// hash without any counts as one); true if there is more to do. `settle` is called after each field, for each is a frame of its own in the journal.
    pub(crate) fn expire_fields(
        &mut self,
        number: usize,
        observers: &mut Observers,
        left: &mut usize,
        fx: &mut Effects,
        settle: &mut dyn FnMut(&mut Effects),
    ) -> bool {
        let mut due = Vec::new();
        while self.subexpiry.is_due(fx.now_ms) {
            if *left == 0 {
                return true;
            }
            self.subexpiry.take_due(fx.now_ms, &mut due);
            let mut done = 1;
            for key in due.drain(..) {
                done += self.expire_fields_of(number, &key, observers, *left, fx, settle);
            }
            *left = left.saturating_sub(done);
        }
        false
    }

    /// The same for one hash; tells how many fields went.
    fn expire_fields_of(
        &mut self,
        number: usize,
        key: &[u8],
        observers: &mut Observers,
        budget: usize,
        fx: &mut Effects,
        settle: &mut dyn FnMut(&mut Effects),
    ) -> usize {
        let now_ms = fx.now_ms;
        let Some(mut entry) = self.table.get_mut(self.table.hasher().hash(key), key) else { return 0 };
        let Some(hash) = entry.boxed_mut().and_then(Hash::of_mut) else { return 0 };
        let mut fields = 0;
        hash.expire(now_ms, budget, &mut |field| {
            fields += 1;
            note_expired_field(fx, number, key, field);
            settle(fx);
        });
        let (next, emptied) = (hash.next_deadline(), hash.is_empty());
        if fields > 0 {
            fx.fire(number, Event::HASH_EXPIRED, key);
            observers.touch(fx, number, key);
        }
        if emptied {
            fx.fire(number, Event::DEL, key);
            let removed = entry.remove();
            discard(fx, removed);
        } else if next.is_some() {
            self.subexpiry.note(key, next, now_ms);
        }
        fields
    }
}

/// Counts and logs a field that was deleted for its age; the event is the caller's, one for each hash.
pub(crate) fn note_expired_field(fx: &mut Effects, db: usize, key: &[u8], field: &[u8]) {
    fx.counters.expired_fields += 1;
    fx.record_before(db, &[b"HDEL", key, field]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{Keyspace, Shape};
    use crate::locked::{LockedKeys, Place, Scope, Slot};
    use crate::reclaim::Reclaimer;
    use base::rng::Rng;
    use structures::lock::Sharing;
    use value::hash::{Rules, Ttl};

    const NAMES: [&[u8]; 6] = [b"a", b"b", b"c", b"d", b"e", b"f"];

    /// One change of one key, of any of the kinds that the door offers.
    fn change(keys: &mut LockedKeys<'_>, rng: &mut Rng, now_ms: u64, entries_max: usize) {
        let place = |rng: &mut Rng, keys: &LockedKeys<'_>| {
            let name = NAMES[rng.below(6) as usize];
            Place { db: rng.below(2) as usize, key: keys.key(name) }
        };
        let (one, other) = (place(rng, keys), place(rng, keys));
        let field = NAMES[rng.below(6) as usize];
        let span = 1 << (rng.below(5) * 8);
        let deadline = (rng.below(3) > 0).then(|| now_ms + 1 + rng.below(span));
        let rules = Rules { entries_max, value_max: 64, hasher: keys.keyspace().hasher(), now_ms };
        let set = |hash: &mut Hash| {
            hash.set(field, b"v", Ttl::Clear, &rules);
            hash.set_deadline(field, deadline, now_ms);
        };
        match (rng.below(12), keys.slot_in(one.db, &one.key)) {
            (0..5, Slot::Occupied(occupied)) => {
                // A string is left as it is.
                let _ = occupied.update(|hash: &mut Hash, update| {
                    if hash.len() > 3 {
                        hash.remove(field);
                    } else {
                        set(hash)
                    }
                    update.changed(1, Event::NONE);
                });
            }
            (0..5, Slot::Vacant(vacant)) => {
                let mut hash = Hash::new();
                set(&mut hash);
                vacant.create(hash, 1, Event::NONE);
            }
            (5, slot) => drop(slot.set(NewValue::Int(1), None, Event::SET)),
            (6, slot) => drop(slot.set(NewValue::Bytes(b"x"), Some(now_ms + 3), Event::SET)),
            (7, Slot::Occupied(occupied)) => occupied.delete(Event::DEL),
            (8, Slot::Occupied(occupied)) => drop(occupied.take(Event::DEL)),
            (9, Slot::Occupied(mut occupied)) => occupied.set_deadline(Some(now_ms + 5), Event::EXPIRE),
            (10, _) if !one.is(&other) => drop(keys.relocate(&one, &other, Event::NONE, Event::NONE)),
            (11, _) if !one.is(&other) => drop(keys.duplicate(&one, &other, true, Event::NONE)),
            _ => match rng.below(20) {
                0 => keys.swap_dbs(0, 1),
                1 => drop(keys.take_dbs(Some(1))),
                _ => {}
            },
        }
    }

    #[test]
    fn the_index_holds_the_hashes_with_deadlines_and_no_others() {
        let mut expired = 0;
        for seed in 0..20 {
            let mut rng = Rng::seed(seed);
            let (reclaimer, _garbage) = Reclaimer::new();
            let shape = Shape { shards: 2, databases: 2, sharing: Sharing::Exclusive };
            let keyspace = Keyspace::new(shape, Hasher::new(1, 2), reclaimer);
            let mut fx = Effects::new(Rng::seed(1));
            fx.now_ms = 1_700_000_000_000;
            for _ in 0..400 {
                fx.now_ms += rng.below(4);
                let now_ms = fx.now_ms;
                let mut keys = LockedKeys::lock(&keyspace, Scope::All, 0, &mut fx);
                change(&mut keys, &mut rng, now_ms, [512, 1][seed as usize % 2]);
                drop(keys);
                if rng.below(3) == 0 {
                    for shard in 0..2 {
                        keyspace.expire_shard(shard, 3, &mut (1 + rng.below(5) as usize), &mut fx);
                    }
                }
                for shard in &keyspace.shards {
                    shard.lock().dbs.iter().for_each(|db| db.subexpiry.check(&db.table));
                }
            }
            expired += fx.counters.expired_fields;
        }
        assert!(expired > 100, "{expired} fields");
    }
}
