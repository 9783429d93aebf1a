//! What comes back is what went away, as the command has left it; and nobody passes by.

use super::*;
use crate::effects::Effects;
use crate::event::Event;
use crate::locked::{Lookup, Scope, Slot};
use crate::observe::watch::Watch;
use crate::shard::reclaim::Reclaimer;
use crate::{Wait, WaitFor, WaitKey, Wakes};
use base::rng::Rng;
use std::sync::Arc;
use structures::hash::Hasher;
use value::List;

struct Fixture {
    keyspace: Keyspace,
    effects: Effects,
}

impl Fixture {
    fn new() -> Fixture {
        let (reclaimer, _) = Reclaimer::new();
        let shape = Shape { shards: 4, databases: 2 };
        let mut effects = Effects::new(Rng::seed(1));
        effects.turn.now_ms = 1000;
        Fixture { keyspace: Keyspace::new(shape, Hasher::new(1, 2), reclaimer), effects }
    }

    fn all(&mut self) -> LockedKeys<'_> {
        LockedKeys::lock(&self.keyspace, Scope::All, 0, &mut self.effects)
    }

    /// Whether a command about this key alone would wait.
    fn waits(&mut self, key: &[u8]) -> bool {
        let key = self.keyspace.key(key);
        let keys = LockedKeys::lock(&self.keyspace, Scope::Shards(&[key.shard]), 0, &mut self.effects);
        keys.must_wait([key].iter(), 0, 7)
    }

    fn fill(&mut self, key: &[u8], elements: &[&[u8]]) {
        let mut keys = self.all();
        let key = keys.key(key);
        let Slot::Vacant(vacant) = keys.slot(&key) else { panic!("there is nothing yet") };
        vacant.create(list(elements), 1, Event::NEW);
    }

    fn send(&mut self, names: &[&[u8]]) -> Option<Detached> {
        let mut keys = self.all();
        let located: Vec<Key<'_>> = names.iter().map(|name| keys.key(name)).collect();
        keys.detach(&located)
    }

    fn elements(&mut self, key: &[u8]) -> Option<usize> {
        let mut keys = self.all();
        elements(&mut keys, key)
    }
}

fn elements(keys: &mut LockedKeys<'_>, key: &[u8]) -> Option<usize> {
    let key = keys.key(key);
    keys.read_as::<List>(&key).expect("a list").map(|list| list.len())
}

fn list(elements: &[&[u8]]) -> List {
    let mut list = List::new();
    for element in elements {
        list.push(value::list::End::Back, element);
    }
    list
}

#[test]
fn what_was_changed_made_and_deleted_elsewhere_is_so_when_it_is_back() {
    let mut fixture = Fixture::new();
    fixture.fill(b"changed", &[b"a"]);
    fixture.fill(b"deleted", &[b"a"]);
    let away = fixture.send(&[b"changed", b"deleted", b"made", b"changed"]).expect("collections may go");
    {
        let mut effects = Effects::new(Rng::seed(2));
        effects.turn.now_ms = 1000;
        let mut keys = LockedKeys::lock(away.keyspace(), Scope::All, away.db(), &mut effects);
        let (changed, deleted, made) = (keys.key(b"changed"), keys.key(b"deleted"), keys.key(b"made"));
        assert_eq!(elements(&mut keys, b"changed"), Some(1), "the value is here");
        assert!(keys.delete(&changed, Event::DEL));
        let Slot::Vacant(vacant) = keys.slot(&changed) else { panic!("it was deleted") };
        vacant.create(list(&[b"b", b"c", b"d"]), 1, Event::NEW);
        keys.delete(&deleted, Event::DEL);
        let Slot::Vacant(vacant) = keys.slot(&made) else { panic!("it was not there") };
        vacant.create(list(&[b"e", b"f"]), 1, Event::NEW).set_deadline(Some(5000), Event::NONE);
    }
    fixture.all().attach(&away);
    assert!(!fixture.keyspace.has_detached());
    assert_eq!(fixture.elements(b"changed"), Some(3));
    assert_eq!(fixture.elements(b"deleted"), None);
    assert_eq!(fixture.elements(b"made"), Some(2));
    let mut keys = fixture.all();
    let made = keys.key(b"made");
    assert_eq!(keys.lookup(&made, Lookup::SILENT).and_then(|entry| entry.deadline()), Some(5000));
    keys.effects.turn.now_ms = 5000;
    assert!(!keys.exists(&made), "its deadline counts again");
}

#[test]
fn who_names_a_key_that_is_detached_waits_and_so_does_who_wants_all() {
    let mut fixture = Fixture::new();
    fixture.fill(b"k", &[b"a"]);
    assert!(!fixture.waits(b"k"));
    let away = fixture.send(&[b"k", b"absent"]).expect("may go");
    assert!(fixture.waits(b"k"));
    assert!(fixture.waits(b"absent"));
    assert!(!fixture.waits(b"other"));
    assert!(fixture.send(&[b"other"]).is_some(), "others may still go");
    assert!(fixture.all().must_wait([].iter(), 1, 9), "all shards are wanted");
    assert!(fixture.send(&[b"another"]).is_none(), "somebody waits for all");
    fixture.all().attach(&away);
    assert!(!fixture.waits(b"k"));
    assert_eq!(fixture.keyspace.take_waiting_for_attach(), [(0, 7), (0, 7), (1, 9)]);
}

#[test]
fn what_somebody_waits_for_or_would_fill_stays_and_strings_go_as_copies() {
    let mut fixture = Fixture::new();
    {
        let mut keys = fixture.all();
        let key = keys.key(b"string");
        keys.slot(&key).set(NewValue::Int(1), None, Event::SET);
        let key = |bytes| WaitKey::from(keys.key(bytes));
        let awaited = WaitFor {
            keys: vec![key(b"awaited")],
            filled: vec![key(b"filled")],
            wakes: Wakes::FILLED,
            wants: |_| true,
        };
        let wait = Wait::new(1, 0, 0, awaited, Box::new(()));
        let wait = Arc::new(wait);
        keys.wait(&wait);
        assert!(keys.detach(&[keys.key(b"awaited")]).is_none());
        assert!(keys.detach(&[keys.key(b"filled")]).is_none());
        keys.end_wait(&wait);
    }
    assert!(!fixture.keyspace.has_detached(), "nothing went");
    let away = fixture.send(&[b"awaited", b"filled", b"string"]).expect("now they may go");
    fixture.all().attach(&away);
    let mut keys = fixture.all();
    let key = keys.key(b"string");
    assert!(matches!(keys.read(&key).expect("it is back").value(), ValueRef::Int(1)));
}

#[test]
fn watches_go_along_and_hear_of_changes() {
    let mut fixture = Fixture::new();
    fixture.fill(b"changed", &[b"a"]);
    fixture.fill(b"kept", &[b"a"]);
    let (changed, kept) = (Watch::default(), Watch::default());
    {
        let mut keys = fixture.all();
        let key = keys.key(b"changed");
        keys.watch(&key, &changed);
        let key = keys.key(b"kept");
        keys.watch(&key, &kept);
    }
    let away = fixture.send(&[b"changed", b"kept"]).expect("may go");
    let mut effects = Effects::new(Rng::seed(2));
    let mut keys = LockedKeys::lock(away.keyspace(), Scope::All, 0, &mut effects);
    let key = keys.key(b"changed");
    keys.delete(&key, Event::DEL);
    drop(keys);
    fixture.all().attach(&away);
    assert!(changed.is_changed());
    assert!(!kept.is_changed());
    let mut keys = fixture.all();
    let key = keys.key(b"kept");
    keys.delete(&key, Event::DEL);
    assert!(kept.is_changed(), "it is still watched");
}

#[test]
fn a_shell_does_not_expire_and_the_deadline_comes_back() {
    let mut fixture = Fixture::new();
    fixture.fill(b"k", &[b"a"]);
    let mut keys = fixture.all();
    let key = keys.key(b"k");
    keys.slot(&key).occupied().expect("filled").set_deadline(Some(2000), Event::NONE);
    drop(keys);
    let away = fixture.send(&[b"k"]).expect("may go");
    fixture.effects.turn.now_ms = 3000;
    let shard = usize::from(fixture.keyspace.key(b"k").shard);
    let mut fields = 10;
    fixture.keyspace.expire_shard(shard, 10, &mut fields, &mut fixture.effects, None);
    assert_eq!(fixture.effects.counters.expired, 0);
    fixture.all().attach(&away);
    assert_eq!(fixture.elements(b"k"), None, "now it is past its deadline");
    assert_eq!(fixture.effects.counters.expired, 1);
}
