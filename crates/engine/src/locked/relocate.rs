//! Whole values that go from one key to another: what RENAME, MOVE and COPY do.
//!
//! Both keys are locked already, in whatever shards and databases they are. The value arrives with its deadline and
//! its way of being encoded, and as young as a new key. Events come in the order that Redis has: `new` of the
//! target, what happened to the source, what happened to the target, then `overwritten` and `type_changed`. All of
//! it counts as one change.

use super::{LockedKeys, Lookup, Occupied, Slot, Vacant, settled, subexpiry_of};
use crate::event::Event;
use crate::keyspace::Key;
use structures::dict::{NewValue, OwnedValue};
use value::Object;

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
struct Luggage {
    value: OwnedValue<Object>,
    deadline: Option<u64>,
    /// Whether the string was edited in place.
    raw: bool,
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

    /// Moves what a key holds to another key, over whatever that held; tells whether there was something to move.
    pub fn relocate(&mut self, from: &Place<'_>, to: &Place<'_>, left: Event, arrived: Event) -> bool {
        debug_assert!(!from.is(to), "a value does not move onto itself");
        let Some(source) = self.slot_in(from.db, &from.key).occupied() else {
            return false;
        };
        let luggage = lift(source);
        let found = put_down(self.slot_in(to.db, &to.key), luggage);
        self.fx.fire(from.db, left, from.key.bytes);
        self.announce_arrival(to, arrived, &found);
        true
    }

    /// Copies what a key holds to another key, over what that held if `replace` allows; tells whether it did.
    pub fn duplicate(&mut self, from: &Place<'_>, to: &Place<'_>, replace: bool, arrived: Event) -> bool {
        debug_assert!(!from.is(to), "a value is not copied onto itself");
        let Some(source) = self.lookup_in(from.db, &from.key, Lookup::READ) else {
            return false;
        };
        let value = value::duplicate(&source.value());
        let luggage = Luggage { value, deadline: source.deadline(), raw: source.user_flag() };
        let slot = self.slot_in(to.db, &to.key);
        if !replace && matches!(slot, Slot::Occupied(_)) {
            return false;
        }
        let found = put_down(slot, luggage);
        self.announce_arrival(to, arrived, &found);
        true
    }

    fn announce_arrival(&mut self, to: &Place<'_>, arrived: Event, found: &Found) {
        self.fx.fire(to.db, arrived, to.key.bytes);
        if !matches!(found, Found::Nothing) {
            self.fx.fire(to.db, Event::OVERWRITTEN, to.key.bytes);
        }
        if matches!(found, Found::OtherType) {
            self.fx.fire(to.db, Event::TYPE_CHANGED, to.key.bytes);
        }
    }
}

/// Takes a value out; only who watches the key hears of it.
fn lift(mut source: Occupied<'_>) -> Luggage {
    source.announce.touched();
    let raw = source.entry.as_ref().user_flag();
    let (value, deadline) = source.lift();
    Luggage { value, deadline, raw }
}

/// Fills a place, which counts as the change and fires `new` (even over another value: so does Redis).
fn put_down(slot: Slot<'_>, luggage: Luggage) -> Found {
    let Luggage { value, deadline, raw } = luggage;
    let mut bytes = Vec::new();
    let value = value.into_new(&mut bytes);
    let fills = matches!(value, NewValue::Boxed(_) | NewValue::Tagged(_));
    let (mut entry, mut announce, found) = match slot {
        Slot::Occupied(occupied) => {
            let Occupied { mut entry, mut announce } = occupied;
            let same = value::type_name(&entry.value()) == value::new_type_name(&value);
            let due = subexpiry_of(&value);
            let removed = settled(value, |value| entry.replace(value));
            announce.discard(removed);
            announce.subexpiry(None, due);
            if entry.deadline() != deadline {
                entry.set_deadline(deadline);
            }
            (entry, announce, if same { Found::SameType } else { Found::OtherType })
        }
        Slot::Vacant(Vacant { place, mut announce }) => {
            announce.subexpiry(None, subexpiry_of(&value));
            (settled(value, |value| place.insert(value, deadline)), announce, Found::Nothing)
        }
    };
    entry.set_lru(announce.fx.recency.initial());
    entry.set_user_flag(raw);
    if fills {
        announce.filled();
    }
    announce.changed(Event::NEW);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::Effects;
    use crate::keyspace::{Keyspace, Shape};
    use crate::locked::Scope;
    use crate::reclaim::Reclaimer;
    use base::rng::Rng;
    use std::sync::Arc;
    use structures::dict::ValueRef;
    use structures::hash::Hasher;
    use structures::lock::Sharing;

    fn with_keys(test: impl FnOnce(&mut LockedKeys<'_>)) {
        let (reclaimer, _) = Reclaimer::new();
        let shape = Shape { shards: 4, databases: 2, sharing: Sharing::Exclusive };
        let keyspace = Keyspace::new(shape, Hasher::new(1, 2), reclaimer);
        let mut fx = Effects::new(Rng::seed(1));
        fx.event_classes = u32::MAX;
        fx.now_ms = 1000;
        test(&mut LockedKeys::lock(&keyspace, Scope::All, 0, &mut fx));
    }

    fn fired(keys: &mut LockedKeys<'_>) -> Vec<String> {
        let fired = keys.fx.take_fired().unwrap_or_default();
        fired.iter().map(|one| format!("{} {} {}", one.db, one.event, String::from_utf8_lossy(&one.key))).collect()
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
            let dirty = keys.fx.dirty();
            assert!(keys.relocate(&from, &to, LEFT, CAME));
            assert_eq!(keys.fx.dirty() - dirty, 1);
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
}
