//! Whole values that go to a key: what RENAME, MOVE and COPY do, which take them from another, RESTORE, and DEBUG
//! RELOAD.
//!
//! The keys are locked already, in whatever shards and databases they are. The value arrives with its deadline and
//! its way of being encoded, and as young as a new key. Events come in the order that Redis has: `new` of the
//! target, what happened to the source, what happened to the target, then `overwritten` and `type_changed`. All of
//! it counts as one change.

use super::entry::{in_entry_form, subexpiry_of};
use super::{LockedKeys, Lookup, Occupied, Slot, Vacant};
use crate::effects::Effects;
use crate::event::Event;
use crate::key::Key;
use crate::observe::waits::Wakes;
use crate::shard::reclaim::Garbage;
use crate::shard::{Db, ShardData};
use structures::dict::{self, NewValue, OwnedValue};
use value::{Object, View};

/// A key in a database.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub db: usize,
    pub key: Key<'a>,
}

impl Place<'_> {
    /// Whether both are the same key of the same database.
    pub fn is(&self, other: &Place<'_>) -> bool {
        self.db == other.db && self.key.bytes == other.key.bytes
    }
}

/// A value between two keys, with what goes along.
struct Moved {
    value: OwnedValue<Object>,
    deadline: Option<u64>,
    /// Whether the string was edited in place.
    raw: bool,
    /// When or how often it was used, if that is known: the bits of [`crate::recency`].
    lru: Option<u32>,
}

/// A value for [`LockedKeys::deliver`].
pub struct Delivery {
    pub value: OwnedValue<Object>,
    /// Unix milliseconds.
    pub deadline: Option<u64>,
    /// When or how often it was used, as [`crate::recency::Recency`] writes that down; else it is as young as a new
    /// key.
    pub lru: Option<u32>,
}

/// What an arriving value found in its place.
enum Found {
    Nothing,
    SameType,
    OtherType,
}

impl LockedKeys<'_> {
    /// Whether the key is there, for a command that is about to change it: what is past its deadline goes first.
    pub fn holds(&mut self, place: &Place<'_>) -> bool {
        matches!(self.slot_in(place.db, &place.key), Slot::Occupied(_))
    }

    /// Moves what a key holds to another key, over whatever that held; returns whether there was something to move.
    pub fn relocate(&mut self, from: &Place<'_>, to: &Place<'_>, left: Event, arrived: Event) -> bool {
        debug_assert!(!from.is(to), "a value does not move onto itself");
        let Some(source) = self.slot_in(from.db, &from.key).occupied() else {
            return false;
        };
        let moved = lift(source);
        let found = put_down(self.slot_in(to.db, &to.key), moved);
        self.effects.fire(from.db, left, from.key.bytes);
        self.announce_arrival(to, arrived, &found);
        true
    }

    /// Copies what a key holds to another key, over what that held if `replace` allows; returns whether it did.
    pub fn duplicate(&mut self, from: &Place<'_>, to: &Place<'_>, replace: bool, arrived: Event) -> bool {
        debug_assert!(!from.is(to), "a value is not copied onto itself");
        let Some(source) = self.lookup_in(from.db, &from.key, Lookup::READ) else {
            return false;
        };
        let value = value::duplicate(&source.value());
        let moved = Moved { value, deadline: source.deadline(), raw: source.user_flag(), lru: None };
        let slot = self.slot_in(to.db, &to.key);
        if !replace && matches!(slot, Slot::Occupied(_)) {
            return false;
        }
        let found = put_down(slot, moved);
        self.announce_arrival(to, arrived, &found);
        true
    }

    /// Gives a key a value from elsewhere, over whatever it held.
    pub fn deliver(&mut self, to: &Place<'_>, delivery: Delivery, arrived: Event) {
        let Delivery { value, deadline, lru } = delivery;
        let found = put_down(self.slot_in(to.db, &to.key), Moved { value, deadline, raw: false, lru });
        self.announce_arrival(to, arrived, &found);
    }

    /// Stores the value of every key of every database anew, as `again` gives it: a shard at a time, which stays as it
    /// is when that fails. Needs all shards. Who watches a key sees a change; nothing is announced or logged, for
    /// nothing was changed.
    pub fn store_all_again<E>(
        &mut self,
        mut again: impl FnMut(View<'_>) -> Result<OwnedValue<Object>, E>,
    ) -> Result<(), E> {
        debug_assert!(self.holds_all(), "a reload holds every shard");
        let (keyspace, effects) = (self.keyspace, &mut *self.effects);
        for (_, shard) in self.guards.all_mut() {
            let ShardData { dbs, observers, .. } = &mut **shard;
            for (number, db) in dbs.iter_mut().filter(|(_, db)| !db.is_empty()) {
                let fresh = stored_again(db, effects, &mut again)?;
                observers.watched.touch_where(number, |key| db.table.contains(keyspace.key(key).hash, key));
                effects.outbox.discard(Garbage::Dbs(vec![std::mem::replace(db, fresh)]));
            }
        }
        Ok(())
    }

    fn announce_arrival(&mut self, to: &Place<'_>, arrived: Event, found: &Found) {
        self.effects.fire(to.db, arrived, to.key.bytes);
        if !matches!(found, Found::Nothing) {
            self.effects.fire(to.db, Event::OVERWRITTEN, to.key.bytes);
        }
        if matches!(found, Found::OtherType) {
            self.effects.fire(to.db, Event::TYPE_CHANGED, to.key.bytes);
        }
    }
}

/// All keys of a database's part in a shard with their values stored anew, their deadlines and how they were used.
fn stored_again<E>(
    db: &Db,
    effects: &mut Effects,
    again: &mut impl FnMut(View<'_>) -> Result<OwnedValue<Object>, E>,
) -> Result<Db, E> {
    let mut fresh = db.fresh();
    let hasher = db.table.hasher();
    let mut bytes = Vec::new();
    for entry in db.table.iter() {
        let value = again(effects.scratch.view(entry.value()))?.into_new(&mut bytes);
        let (key, due) = (entry.key(), subexpiry_of(&value));
        let dict::Entry::Vacant(place) = fresh.table.entry(hasher.hash(key), key) else {
            unreachable!("a table has each key once")
        };
        in_entry_form(value, |value| place.insert(value, entry.deadline())).set_lru(entry.lru());
        if due.is_some() {
            fresh.subexpiry.note(key, due, effects.turn.now_ms);
        }
    }
    Ok(fresh)
}

/// Takes a value out; only who watches the key hears of it.
fn lift(mut source: Occupied<'_>) -> Moved {
    source.announce.touched();
    let raw = source.entry.as_ref().user_flag();
    let (value, deadline) = source.lift();
    Moved { value, deadline, raw, lru: None }
}

/// Fills a place, which counts as the change and fires `new` (even over another value: so does Redis).
fn put_down(slot: Slot<'_>, moved: Moved) -> Found {
    let Moved { value, deadline, raw, lru } = moved;
    let mut bytes = Vec::new();
    let value = value.into_new(&mut bytes);
    let fills = matches!(value, NewValue::Boxed(_) | NewValue::Tagged(_));
    let (mut entry, mut announce, found) = match slot {
        Slot::Occupied(occupied) => {
            let Occupied { mut entry, mut announce } = occupied;
            let same = value::type_name(&entry.value()) == value::new_type_name(&value);
            let due = subexpiry_of(&value);
            let removed = in_entry_form(value, |value| entry.replace(value));
            announce.discard(removed);
            announce.subexpiry(None, due);
            if entry.deadline() != deadline {
                entry.set_deadline(deadline);
            }
            (entry, announce, if same { Found::SameType } else { Found::OtherType })
        }
        Slot::Vacant(Vacant { place, mut announce }) => {
            announce.subexpiry(None, subexpiry_of(&value));
            (in_entry_form(value, |value| place.insert(value, deadline)), announce, Found::Nothing)
        }
    };
    entry.set_lru(lru.unwrap_or_else(|| announce.effects.turn.recency.initial()));
    entry.set_user_flag(raw);
    if fills {
        announce.wake(Wakes::FILLED);
    }
    announce.changed(Event::NEW);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::{Keyspace, Shape};
    use crate::locked::Scope;
    use crate::shard::reclaim::Reclaimer;
    use base::rng::Rng;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use structures::dict::ValueRef;
    use structures::hash::Hasher;

    fn with_keys(test: impl FnOnce(&mut LockedKeys<'_>)) {
        let (reclaimer, _) = Reclaimer::new();
        let shape = Shape { shards: 4, databases: 2 };
        let keyspace = Keyspace::new(shape, Hasher::new(1, 2), reclaimer);
        let mut effects = Effects::new(Rng::seed(1));
        keyspace.event_classes.store(u32::MAX, Ordering::Relaxed);
        effects.turn.now_ms = 1000;
        test(&mut LockedKeys::lock(&keyspace, Scope::All, 0, &mut effects));
    }

    fn fired(keys: &mut LockedKeys<'_>) -> Vec<String> {
        let fired = keys.effects.outbox.take_fired();
        fired.iter().map(|one| format!("{} {} {}", one.db, one.event.name, String::from_utf8_lossy(&one.key))).collect()
    }

    const SET: Event = Event::SET;
    const LEFT: Event = Event::generic("left");
    const CAME: Event = Event::generic("came");

    #[test]
    fn a_value_moves_with_its_deadline_and_counts_as_one_change() {
        with_keys(|keys| {
            let from = Place { db: 0, key: keys.key(b"from") };
            let to = Place { db: 1, key: keys.key(b"to") };
            keys.slot_in(0, &from.key).set(NewValue::Bytes(b"value"), Some(5000), SET);
            keys.slot_in(1, &to.key).set(NewValue::Int(7), None, SET);
            fired(keys);
            let dirty = keys.dirty();
            assert!(keys.relocate(&from, &to, LEFT, CAME));
            assert_eq!(keys.dirty() - dirty, 1);
            assert_eq!(fired(keys), ["1 new to", "0 left from", "1 came to", "1 overwritten to"]);
            assert!(!keys.holds(&from));
            let entry = keys.lookup_in(1, &to.key, Lookup::SILENT).expect("it arrived");
            assert!(matches!(entry.value(), ValueRef::Bytes(b"value")));
            assert_eq!(entry.deadline(), Some(5000));
            assert!(!keys.relocate(&from, &to, LEFT, CAME));
        });
    }

    #[test]
    fn a_copy_shares_a_blob_and_replaces_only_when_asked() {
        with_keys(|keys| {
            let from = Place { db: 0, key: keys.key(b"from") };
            let to = Place { db: 0, key: keys.key(b"to") };
            let blob = Arc::new(vec![b'x'; 100_000]);
            keys.slot(&from.key).set(NewValue::Blob(blob.clone()), None, SET);
            keys.slot(&to.key).set(NewValue::Int(7), None, SET);
            assert!(!keys.duplicate(&from, &to, false, CAME));
            assert!(keys.duplicate(&from, &to, true, CAME));
            let ValueRef::Blob(copy) = keys.read(&to.key).expect("copied").value() else { panic!("a blob") };
            assert!(Arc::ptr_eq(&blob, copy));
        });
    }

    #[test]
    fn what_is_past_its_deadline_is_neither_moved_nor_in_the_way() {
        with_keys(|keys| {
            let from = Place { db: 0, key: keys.key(b"from") };
            let to = Place { db: 0, key: keys.key(b"to") };
            keys.slot(&from.key).set(NewValue::Int(1), None, SET);
            keys.slot(&to.key).set(NewValue::Int(2), Some(999), SET);
            fired(keys);
            assert!(keys.duplicate(&from, &to, false, CAME));
            assert_eq!(fired(keys), ["0 expired to", "0 new to", "0 came to"]);
            keys.slot(&from.key).set(NewValue::Int(1), Some(999), SET);
            assert!(!keys.relocate(&from, &to, LEFT, CAME));
        });
    }

    #[test]
    fn a_delivered_value_replaces_what_was_there_and_brings_its_age() {
        with_keys(|keys| {
            let to = Place { db: 1, key: keys.key(b"to") };
            keys.slot_in(1, &to.key).set(NewValue::Int(7), Some(5000), SET);
            fired(keys);
            let list = value::List::new();
            let delivery = |value, lru| Delivery { value, deadline: Some(9000), lru };
            keys.deliver(&to, delivery(OwnedValue::Bytes(b"value".to_vec()), Some(77)), CAME);
            assert_eq!(fired(keys), ["1 new to", "1 came to", "1 overwritten to"]);
            let entry = keys.lookup_in(1, &to.key, Lookup::SILENT).expect("it arrived");
            assert_eq!((entry.deadline(), entry.lru()), (Some(9000), 77));
            keys.deliver(&to, delivery(OwnedValue::Boxed(Box::new(Object::List(list))), None), CAME);
            assert_eq!(fired(keys), ["1 new to", "1 came to", "1 overwritten to", "1 type_changed to"]);
        });
    }

    #[test]
    fn what_is_stored_again_keeps_deadline_and_age() {
        with_keys(|keys| {
            for number in 0..100u64 {
                let name = format!("key{number}");
                let key = keys.key(name.as_bytes());
                let place = Place { db: (number % 2) as usize, key };
                let value = OwnedValue::Int(number as i64);
                keys.deliver(&place, Delivery { value, deadline: Some(2000 + number), lru: Some(number as u32) }, SET);
            }
            let dirty = keys.dirty();
            fired(keys);
            let failed = keys.store_all_again(|_| Err("no"));
            assert_eq!(failed, Err("no"));
            let again = |view: View<'_>| -> Result<OwnedValue<Object>, ()> {
                let View::Str(value::string::Str::Int(number)) = view else { panic!("they are integers") };
                Ok(OwnedValue::Int(number + 1000))
            };
            assert_eq!(keys.store_all_again(again), Ok(()));
            assert_eq!((keys.dirty(), fired(keys).len()), (dirty, 0));
            for number in 0..100u64 {
                let name = format!("key{number}");
                let key = keys.key(name.as_bytes());
                let entry = keys.lookup_in((number % 2) as usize, &key, Lookup::SILENT).expect("it is still there");
                assert!(matches!(entry.value(), ValueRef::Int(it) if it == number as i64 + 1000));
                assert_eq!((entry.deadline(), entry.lru()), (Some(2000 + number), number as u32));
            }
        });
    }
}
