//! Expiry: keys and fields of hashes go when their deadline has passed, with everything that entails.

use crate::effects::{Effects, Outlet};
use crate::event::Event;
use crate::keyspace::Keyspace;
use crate::observe::Observers;
use crate::observe::waits::Wakes;
use crate::shard::Db;
use crate::shard::reclaim::Garbage;
use structures::dict::Removed;
use value::{Hash, Kind, Object};

impl Keyspace {
    /// Deletes keys of one shard that are past their deadline, at most `budget` of each database, and up to `fields`
    /// fields of hashes, which it subtracts; returns the earliest time at which there may be more: now when a budget
    /// ran out, or when another thread holds the shard.
    pub fn expire_shard(
        &self,
        shard: usize,
        budget: usize,
        fields: &mut usize,
        effects: &mut Effects,
        outlet: Option<&dyn Outlet>,
    ) -> Option<u64> {
        // The sweep only tries: it runs on the event loop, which must not wait for whoever holds the shard.
        let Some(mut guard) = self.shards[shard].try_lock() else {
            base::mark!("a sweep passes over a shard that is held");
            return Some(effects.turn.now_ms);
        };
        let data = &mut *guard;
        let mut more = false;
        effects.look_who_listens(self);
        let idle = effects.begin(true);
        for (number, db) in data.dbs.iter_mut() {
            let (observers, waits) = (&mut data.observers, &data.waits);
            if db.with_subexpiry() > 0 {
                more |= db.expire_fields(number, observers, fields, effects, &mut |effects| {
                    effects.commit_frame(self, outlet)
                });
            }
            if db.with_deadline() == 0 {
                continue;
            }
            let Db { table, subexpiry } = db;
            more |= table.advance(effects.turn.now_ms, budget, &mut |key, removed| {
                subexpiry.forget(key, &removed);
                note_expired(effects, number, key, removed);
                observers.note_change(number, key, &mut effects.outbox.invalidations);
                if !waits.is_empty() && waits.has(number, key, Wakes::GONE) {
                    effects.outbox.note_ready(number, key, Wakes::GONE);
                }
                effects.commit_frame(self, outlet);
            });
        }
        effects.end(idle, 0, Vec::new);
        // The event of a hash fires behind the last of its fields.
        effects.commit_frame(self, outlet);
        if more { Some(effects.turn.now_ms) } else { data.next_deadline() }
    }
}

impl Db {
    /// Deletes up to `left` expired fields and subtracts them from `left` (a hash with nothing expired costs one);
    /// returns whether more are due, and calls `commit` per field because each is its own journal frame.
    fn expire_fields(
        &mut self,
        number: usize,
        observers: &mut Observers,
        left: &mut usize,
        effects: &mut Effects,
        commit: &mut dyn FnMut(&mut Effects),
    ) -> bool {
        let mut due = Vec::new();
        while self.subexpiry.is_due(effects.turn.now_ms) {
            if *left == 0 {
                return true;
            }
            self.subexpiry.take_due(effects.turn.now_ms, &mut due);
            let mut done = 1;
            for key in due.drain(..) {
                done += self.expire_fields_of(number, &key, observers, *left, effects, commit);
            }
            *left = left.saturating_sub(done);
        }
        false
    }

    /// The same for one hash; returns how many fields went.
    fn expire_fields_of(
        &mut self,
        number: usize,
        key: &[u8],
        observers: &mut Observers,
        budget: usize,
        effects: &mut Effects,
        commit: &mut dyn FnMut(&mut Effects),
    ) -> usize {
        let now_ms = effects.turn.now_ms;
        let Some(mut entry) = self.table.get_mut(self.table.hasher().hash(key), key) else { return 0 };
        let Some(hash) = entry.boxed_mut().and_then(Hash::of_mut) else { return 0 };
        let mut fields = 0;
        hash.expire(now_ms, budget, &mut |field| {
            fields += 1;
            note_expired_field(effects, number, key, field);
            commit(effects);
        });
        let (next, emptied) = (hash.next_deadline(), hash.is_empty());
        if fields > 0 {
            effects.fire(number, Event::HASH_EXPIRED, key);
            observers.note_change(number, key, &mut effects.outbox.invalidations);
        }
        if emptied {
            effects.fire(number, Event::DEL, key);
            let removed = entry.remove();
            discard(effects, removed);
        } else if next.is_some() {
            self.subexpiry.note(key, next, now_ms);
        }
        fields
    }
}

/// Counts and logs a field that was deleted for its age; the event is the caller's, one for each hash.
pub(crate) fn note_expired_field(effects: &mut Effects, db: usize, key: &[u8], field: &[u8]) {
    effects.counters.expired_fields += 1;
    effects.record_before(db, &[b"HDEL", key, field]);
}

/// Counts, logs and announces a key that was deleted for its age.
pub(crate) fn note_expired(effects: &mut Effects, db: usize, key: &[u8], removed: Removed<Object>) {
    effects.counters.expired += 1;
    let name: &[u8] = if effects.turn.lazy_expire { b"UNLINK" } else { b"DEL" };
    effects.record_before(db, &[name, key]);
    effects.fire(db, Event::EXPIRED, key);
    discard(effects, removed);
}

/// Frees a removed value: small ones were freed already, large ones go to the background.
#[inline]
pub(crate) fn discard(effects: &mut Effects, removed: Removed<Object>) {
    match removed {
        Removed::Small => {}
        Removed::Blob(blob) => effects.outbox.discard(Garbage::Blob(blob)),
        Removed::Boxed(object) if object.is_slow_to_free() => effects.outbox.discard(Garbage::Value(object)),
        Removed::Boxed(small) => drop(small),
    }
}
