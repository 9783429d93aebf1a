//! Collections at the door, against a model: they grow out of their entries, shrink, move, are copied and replaced.

use super::*;
use crate::keyspace::Shape;
use crate::shard::reclaim::Reclaimer;
use base::rng::Rng;
use std::collections::BTreeMap;
use structures::dict::{NewValue, ValueRef};
use structures::hash::Hasher;
use value::hash::{Rules, Ttl};
use value::list::End;
use value::small;
use value::stream::{BlockLimits, References, StreamId};
use value::{List, Set, SortedSet, Stream, set, sorted_set};

const NAMES: [&[u8]; 5] = [b"a", b"b", b"c", b"d", b"a key that is longer than the others are"];

/// What a key should hold; `None` is a string.
type Model = BTreeMap<(usize, &'static [u8]), Option<Object>>;

fn with_keyspace(test: impl FnOnce(&Keyspace, &mut Effects)) {
    let (reclaimer, _garbage) = Reclaimer::new();
    let shape = Shape { shards: 2, databases: 2 };
    let keyspace = Keyspace::new(shape, Hasher::new(1, 2), reclaimer);
    let mut effects = Effects::new(Rng::seed(1));
    effects.turn.now_ms = 1_700_000_000_000;
    test(&keyspace, &mut effects);
}

fn fresh(rng: &mut Rng, hasher: Hasher) -> Object {
    match rng.below(5) {
        0 => Object::List(List::new()),
        1 => Object::Hash(Hash::new()),
        2 => Object::Set(Set::for_first(if rng.below(2) == 0 { b"1" } else { b"x" }, 1, &set_limits(hasher))),
        3 => Object::Stream(Box::default()),
        _ => Object::SortedSet(SortedSet::new(hasher, ZSET_LIMITS, 1, 0)),
    }
}

fn set_limits(hasher: Hasher) -> set::Limits {
    set::Limits { intset_entries: 512, listpack_entries: 128, listpack_value: 64, hasher }
}

const ZSET_LIMITS: sorted_set::Limits = sorted_set::Limits { entries: 128, value: 64 };

/// What one change adds or removes.
struct Change {
    word: Vec<u8>,
    adds: bool,
    deadline: Option<u64>,
    hasher: Hasher,
}

impl Change {
    fn draw(rng: &mut Rng, adds: bool, hasher: Hasher) -> Change {
        let mut word = rng.below(60).to_string().into_bytes();
        if rng.below(2) == 0 {
            word.insert(0, b'w');
            word.resize(1 + rng.below(60) as usize, b'-');
        }
        let deadline = (rng.below(100) == 0).then_some(1_800_000_000_000);
        Change { word, adds, deadline, hasher }
    }

    fn list(&self, list: &mut List) {
        if self.adds {
            list.push(End::Front, &self.word);
        } else {
            list.pop(End::Back, |_| ());
        }
    }

    fn hash(&self, hash: &mut Hash) {
        let rules = Rules { entries_max: 128, value_max: 64, hasher: self.hasher, now_ms: 0 };
        if self.adds {
            hash.set(&self.word, &self.word, Ttl::Clear, &rules);
            if self.deadline.is_some() {
                hash.set_deadline(&self.word, self.deadline, 0);
            }
        } else {
            hash.remove(&self.word);
        }
    }

    fn set(&self, set: &mut Set) {
        if self.adds {
            set.add(&self.word, &set_limits(self.hasher));
        } else {
            set.remove(&self.word);
        }
    }

    fn zset(&self, zset: &mut SortedSet) {
        if self.adds {
            zset.insert((self.hasher, ZSET_LIMITS), &self.word, self.word.len() as f64);
        } else {
            zset.remove(&self.word);
        }
    }

    fn stream(&self, stream: &mut Stream) {
        if self.adds {
            let id = StreamId::new(stream.last_id().ms + 1, 0);
            let limits = BlockLimits::from_config(4096, 100);
            stream.append(id, [(&b"word"[..], &self.word[..])].into_iter(), &limits);
        } else {
            stream.delete(stream.first_id(), References::Keep);
        }
    }

    fn apply(&self, object: &mut Object) {
        match object {
            Object::List(list) => self.list(list),
            Object::Hash(hash) => self.hash(hash),
            Object::Set(set) => self.set(set),
            Object::SortedSet(zset) => self.zset(zset),
            Object::Stream(stream) => self.stream(stream),
            Object::Detached(_) => unreachable!("nothing is detached here"),
        }
    }

    /// The same through the door.
    fn update(&self, occupied: Occupied<'_>) -> Result<(), WrongKind> {
        match value::type_name(&occupied.value()) {
            List::TYPE => occupied.update(|list: &mut List, update| {
                self.list(list);
                update.changed(1, Event::NONE);
            }),
            Hash::TYPE => occupied.update(|hash: &mut Hash, update| {
                self.hash(hash);
                update.changed(1, Event::NONE);
            }),
            Set::TYPE => occupied.update(|set: &mut Set, update| {
                self.set(set);
                update.changed(1, Event::NONE);
            }),
            SortedSet::TYPE => occupied.update(|zset: &mut SortedSet, update| {
                self.zset(zset);
                update.changed(1, Event::NONE);
            }),
            Stream::TYPE => occupied.update(|stream: &mut Stream, update| {
                self.stream(stream);
                update.changed(1, Event::NONE);
            }),
            _ => occupied.update(|_: &mut List, _| unreachable!("a string is no list")),
        }
    }
}

fn put(slot: Slot<'_>, object: Object) {
    match (slot, object) {
        (Slot::Occupied(occupied), object) => {
            occupied.overwrite(NewValue::Boxed(Box::new(object)), None, Event::NONE);
        }
        (Slot::Vacant(vacant), Object::List(list)) => drop(vacant.create(list, 1, Event::NONE)),
        (Slot::Vacant(vacant), Object::Hash(hash)) => drop(vacant.create(hash, 1, Event::NONE)),
        (Slot::Vacant(vacant), Object::Set(set)) => drop(vacant.create(set, 1, Event::NONE)),
        (Slot::Vacant(vacant), Object::SortedSet(zset)) => drop(vacant.create(zset, 1, Event::NONE)),
        (Slot::Vacant(vacant), Object::Stream(stream)) => drop(vacant.create(*stream, 1, Event::NONE)),
        (Slot::Vacant(_), Object::Detached(_)) => unreachable!("nothing is detached here"),
    }
}

/// One operation on a key, or between two.
fn step(keys: &mut LockedKeys<'_>, model: &mut Model, rng: &mut Rng, adds: bool) {
    let hasher = keys.keyspace().hasher();
    let name = |rng: &mut Rng| (rng.below(2) as usize, NAMES[rng.below(5) as usize]);
    let (one, other) = (name(rng), name(rng));
    let (from, to) = (Place { db: one.0, key: keys.key(one.1) }, Place { db: other.0, key: keys.key(other.1) });
    let change = Change::draw(rng, adds, hasher);
    match rng.below(100) {
        0 => {
            keys.slot_in(one.0, &from.key).set(NewValue::Bytes(b"string"), None, Event::SET);
            model.insert(one, None);
        }
        1 => {
            if let Slot::Occupied(occupied) = keys.slot_in(one.0, &from.key) {
                occupied.delete(Event::DEL);
            }
            model.remove(&one);
        }
        2 if one != other && keys.relocate(&from, &to, Event::NONE, Event::NONE) => {
            let value = model.remove(&one).expect("there was something to move");
            model.insert(other, value);
        }
        3 if one != other && keys.duplicate(&from, &to, true, Event::NONE) => {
            model.insert(other, model[&one].clone());
        }
        4 => {
            let mut object = fresh(rng, hasher);
            let long = rng.below(40);
            let change = Change { adds: true, ..change };
            change.apply(&mut object);
            (0..long).for_each(|_| Change::draw(rng, true, hasher).apply(&mut object));
            put(keys.slot_in(one.0, &from.key), object.clone());
            model.insert(one, Some(object));
        }
        5 => {
            if let Slot::Occupied(mut occupied) = keys.slot_in(one.0, &from.key) {
                let deadline = (rng.below(2) == 0).then_some(1_800_000_000_000 + rng.below(1000));
                occupied.set_deadline(deadline, Event::EXPIRE);
            }
        }
        _ => match (keys.slot_in(one.0, &from.key), model.get_mut(&one)) {
            (Slot::Occupied(occupied), Some(Some(object))) => {
                change.update(occupied).expect("the kind it has");
                change.apply(object);
                if object.is_empty() && !object.may_be_empty() {
                    model.remove(&one);
                }
            }
            (Slot::Occupied(occupied), Some(None)) => assert_eq!(change.update(occupied), Err(WrongKind)),
            (Slot::Vacant(_), None) => {}
            (slot, kept) => panic!("{} and {kept:?}", matches!(slot, Slot::Occupied(_))),
        },
    }
}

/// How a table's members and the like are ordered does not matter.
fn show(object: &Object) -> String {
    let mut parts: Vec<String> = match object {
        Object::List(list) => return format!("{list:?}"),
        Object::Hash(hash) => hash.iter().map(|field| format!("{field:?}")).collect(),
        Object::Set(set) => set.iter().map(|member| format!("{member:?}")).collect(),
        Object::SortedSet(zset) => zset.iter().map(|pair| format!("{pair:?}")).collect(),
        Object::Stream(stream) => return format!("{stream:?}"),
        Object::Detached(_) => unreachable!("nothing is detached here"),
    };
    parts.sort();
    format!("{} {} {parts:?}", object.type_name(), object.encoding_name())
}

/// Panics unless the keyspace holds what the model does; returns how many collections are small, and how many not.
fn compare(keys: &mut LockedKeys<'_>, model: &Model) -> (usize, usize) {
    let (mut small, mut large) = (0, 0);
    for db in 0..2 {
        keys.db = db;
        let located = NAMES.map(|name| keys.key(name));
        for (name, key) in NAMES.iter().zip(&located) {
            let kept = model.get(&(db, *name));
            match (keys.view_in(db, key, Lookup::SILENT), kept) {
                (None, None) | (Some(View::Str(_)), Some(None)) => {}
                (Some(View::Object(object)), Some(Some(kept))) => assert_eq!(show(object), show(kept)),
                (found, kept) => panic!("{found:?} for {kept:?}"),
            }
            let Some(entry) = keys.lookup_in(db, key, Lookup::SILENT) else { continue };
            let Some(Some(kept)) = kept else { continue };
            assert_eq!(value::type_name(&entry.value()), kept.type_name());
            assert_eq!(value::encoding_name(&entry), kept.encoding_name());
            let is_small = matches!(entry.value(), ValueRef::Tagged(_));
            assert!(!is_small || small::deflate(kept, &mut Vec::new()).is_some());
            small += usize::from(is_small);
            large += usize::from(!is_small);
        }
        let lent = keys.lend_all(&located);
        for (name, lent) in NAMES.iter().zip(lent) {
            let kept = model.get(&(db, *name)).and_then(Option::as_ref);
            assert_eq!(lent.map(show), kept.map(show));
        }
    }
    for (_, shard) in keys.guards.all() {
        shard.dbs.iter().for_each(|(_, db)| {
            db.table.check();
            db.subexpiry.check(&db.table);
        });
    }
    (small, large)
}

#[test]
fn collections_are_the_same_in_their_entries_and_out_of_them() {
    let (mut small, mut large) = (0, 0);
    for seed in 0..12 {
        with_keyspace(|keyspace, effects| {
            let (mut rng, mut model) = (Rng::seed(seed), Model::new());
            for number in 0..1500 {
                let mut keys = LockedKeys::lock(keyspace, Scope::All, 0, effects);
                let adds = rng.below(10) < if number / 250 % 2 == 0 { 8 } else { 3 };
                step(&mut keys, &mut model, &mut rng, adds);
                if number % 10 == 0 {
                    let (of_small, of_large) = compare(&mut keys, &model);
                    (small, large) = (small + of_small, large + of_large);
                }
            }
        });
    }
    assert!(small > 1000 && large > 1000, "{small} small, {large} large");
}

#[test]
fn many_are_lent_at_once_and_each_is_shown_once() {
    with_keyspace(|keyspace, effects| {
        let names: Vec<Vec<u8>> = (0..40).map(|number| format!("key:{number}").into_bytes()).collect();
        let mut keys = LockedKeys::lock(keyspace, Scope::All, 0, effects);
        for (number, name) in names.iter().enumerate() {
            let mut list = List::new();
            list.push(End::Back, &vec![b'x'; number * 12]);
            let key = keys.key(name);
            put(keys.slot(&key), list.into_object());
        }
        let located: Vec<Key<'_>> = names.iter().cycle().take(4000).map(|name| keys.key(name)).collect();
        for (number, lent) in keys.lend_all(&located).into_iter().enumerate() {
            let Some(Object::List(list)) = lent else { panic!("a list") };
            assert_eq!(list.get(0).map(|element| element.len()), Some(number % 40 * 12));
        }
        let small = (0..40).filter(|number| number * 12 < small::SMALL_MAX - 10).count();
        assert_eq!(keys.effects.scratches.len(), small);
        let _ = keys.effects.begin(true);
        assert_eq!(keys.effects.scratches.len(), crate::effects::SCRATCHES_KEPT);
        assert_eq!(keys.lend_all(&located[..3]).len(), 3);
    });
}

#[test]
fn a_string_among_several_is_of_the_wrong_kind() {
    with_keyspace(|keyspace, effects| {
        let mut keys = LockedKeys::lock(keyspace, Scope::All, 0, effects);
        let located = [b"a", b"b"].map(|name| keys.key(name));
        let mut list = List::new();
        list.push(End::Back, b"x");
        put(keys.slot(&located[0]), list.into_object());
        assert_eq!(keys.read_all(&located).expect("no string").len(), 2);
        keys.slot(&located[1]).set(NewValue::Int(1), None, Event::SET);
        assert!(keys.read_all(&located).is_err());
        assert_eq!(keys.effects.counters.hits, 3);
        assert_eq!(keys.effects.counters.misses, 1);
        assert!(keys.slot(&located[0]).occupied().expect("a list").expect::<Set>().is_err());
    });
}
