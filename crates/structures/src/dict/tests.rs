//! A `Dict` against a model of std maps, under good hashes and hostile ones; scan, random, expiry and memory apart.

use super::*;
use crate::testing::Draws;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Where it may run slowly (under Miri, or on hostile hashes) a test does less.
const STEPS: u64 = if cfg!(miri) { 1_500 } else { 60_000 };

fn hasher(mask: u64) -> Hasher {
    let mut hasher = Hasher::new(1, 2);
    hasher.mask = mask;
    hasher
}

#[derive(Clone, PartialEq, Debug)]
enum Model {
    Unit,
    Int(i64),
    Bytes(Vec<u8>),
    Tagged(u16, Vec<u8>),
    Boxed(String),
}

impl Model {
    fn draw(draws: &mut Draws) -> Model {
        match draws.below_u64(10) {
            0 => Model::Unit,
            1 | 2 => Model::Int(draws.next() as i64),
            3 => Model::Boxed(draws.next().to_string()),
            4 | 5 => {
                let mut bytes = Model::draw_bytes(draws);
                bytes.truncate(TAGGED_MAX);
                Model::Tagged(draws.next() as u16 & entry::TAG_MAX, bytes)
            }
            _ => Model::Bytes(Model::draw_bytes(draws)),
        }
    }

    fn draw_bytes(draws: &mut Draws) -> Vec<u8> {
        let bound = match draws.below_u64(40) {
            0 => 40_000,
            1 => 2_000,
            _ => 90,
        };
        let len = draws.below_u64(bound) as usize;
        let seed = draws.next();
        (0..len).map(|i| (i as u64 ^ seed) as u8).collect()
    }

    fn to_new(&self, as_blob: bool) -> NewValue<'_, String> {
        match self {
            Model::Unit => NewValue::Unit,
            Model::Int(value) => NewValue::Int(*value),
            Model::Bytes(bytes) if as_blob => NewValue::Blob(Arc::new(bytes.clone())),
            Model::Bytes(bytes) => NewValue::Bytes(bytes),
            Model::Tagged(tag, bytes) => NewValue::Tagged(Tagged { tag: *tag, bytes }),
            Model::Boxed(text) => NewValue::Boxed(Box::new(text.clone())),
        }
    }
}

fn plain(value: ValueRef<'_, String>) -> Model {
    match value {
        ValueRef::Unit => Model::Unit,
        ValueRef::Int(value) => Model::Int(value),
        ValueRef::Bytes(bytes) => Model::Bytes(bytes.to_vec()),
        ValueRef::Blob(blob) => Model::Bytes(blob.to_vec()),
        ValueRef::Tagged(Tagged { tag, bytes }) => Model::Tagged(tag, bytes.to_vec()),
        ValueRef::Boxed(text) => Model::Boxed(text.clone()),
    }
}

fn plain_owned(value: OwnedValue<String>) -> Model {
    match value {
        OwnedValue::Unit => Model::Unit,
        OwnedValue::Int(value) => Model::Int(value),
        OwnedValue::Bytes(bytes) => Model::Bytes(bytes),
        OwnedValue::Blob(blob) => Model::Bytes(blob.to_vec()),
        OwnedValue::Tagged(tag, bytes) => Model::Tagged(tag, bytes),
        OwnedValue::Boxed(text) => Model::Boxed(*text),
    }
}

/// What was removed must be what the model had, where it is more than memory of the entry.
fn assert_removed(removed: &Removed<String>, had: &Model) {
    match (removed, had) {
        (Removed::Small, Model::Boxed(_)) => panic!("the box is lost"),
        (Removed::Small, _) => {}
        (Removed::Blob(blob), had) => assert_eq!(*had, Model::Bytes(blob.to_vec())),
        (Removed::Boxed(text), had) => assert_eq!(*had, Model::Boxed((**text).clone())),
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Kept {
    value: Model,
    deadline: Option<u64>,
    lru: u32,
    flag: bool,
}

impl Kept {
    /// An entry of nothing has no access data, unless it has a deadline or a long key.
    fn forget_access(&mut self, key: &[u8]) {
        if self.value == Model::Unit && self.deadline.is_none() && key.len() < 256 {
            self.lru = 0;
        }
    }
}

/// The dict and its model, driven together.
struct Pair {
    dict: Dict<String>,
    model: HashMap<Vec<u8>, Kept>,
    draws: Draws,
    now: u64,
}

impl Pair {
    fn new(seed: u64, mask: u64) -> Pair {
        Pair { dict: Dict::new(hasher(mask)), model: HashMap::new(), draws: Draws(seed), now: 1_700_000_000_000 }
    }

    fn draw_key(&mut self, keys: u64) -> (u64, Vec<u8>) {
        let number = self.draws.below_u64(keys);
        let mut key = format!("key:{number}").into_bytes();
        match number % 500 {
            0 => key.resize(70_000, b'x'),
            1 => key = number.to_ne_bytes()[..(number != 1) as usize * 8].to_vec(),
            _ => {}
        }
        (self.dict.hasher().hash(&key), key)
    }

    fn draw_deadline(&mut self) -> Option<u64> {
        let reach = match self.draws.below_u64(8) {
            0 | 1 => 100,
            2 => 5_000,
            3 => 1_000_000,
            4 => 1 << (self.draws.below_u64(63)),
            _ => return None,
        };
        let ahead = self.draws.below_u64(reach);
        Some((self.now - 50).saturating_add(ahead))
    }

    /// One random operation; `growth` in percent is the share of sets among sets and removals.
    fn step(&mut self, keys: u64, growth: u64) {
        let (hash, key) = self.draw_key(keys);
        let name = key.clone();
        match self.draws.below_u64(20) {
            0..8 if self.draws.below_u64(100) < growth => self.set(hash, &key),
            0..8 => self.remove(hash, key),
            8..11 => self.read(hash, &key),
            11..13 => self.enter(hash, key),
            13..18 => self.change(hash, key),
            _ => self.expire(),
        }
        if let Some(kept) = self.model.get_mut(&name) {
            kept.forget_access(&name);
        }
    }

    fn set(&mut self, hash: u64, key: &[u8]) {
        let value = Model::draw(&mut self.draws);
        let deadline = self.draw_deadline();
        let new = value.to_new(self.draws.below_u64(2) == 0);
        let old = self.model.get(key);
        let lru = old.map_or(0, |kept| kept.lru);
        match (self.dict.set(hash, key, new, deadline), old) {
            (None, None) => {}
            (Some(removed), Some(kept)) => assert_removed(&removed, &kept.value),
            (_, kept) => panic!("{kept:?}"),
        }
        let kept = Kept { value, deadline, lru, flag: false };
        self.model.insert(key.to_vec(), kept);
    }

    fn remove(&mut self, hash: u64, key: Vec<u8>) {
        let kept = self.model.remove(&key);
        if self.draws.below_u64(2) == 0 {
            match (self.dict.remove(hash, &key), kept) {
                (None, None) => {}
                (Some(removed), Some(kept)) => assert_removed(&removed, &kept.value),
                (_, kept) => panic!("{kept:?}"),
            }
        } else {
            let taken = self.dict.take(hash, &key);
            let taken = taken.map(|(value, deadline)| (plain_owned(value), deadline));
            assert_eq!(taken, kept.map(|kept| (kept.value, kept.deadline)));
        }
    }

    fn read(&mut self, hash: u64, key: &[u8]) {
        self.dict.prefetch_bucket(hash);
        self.dict.prefetch_entry(hash, 64);
        let lru = self.draws.below_u64(1 << 24) as u32;
        let found = self.dict.get_touch(hash, key, lru);
        let kept = self.model.get_mut(key);
        assert_eq!(found.is_some(), kept.is_some());
        match self.dict.glance(hash) {
            Glance::Absent => assert!(kept.is_none()),
            Glance::Probable(entry) => entry.prefetch(self.dict.entry_bytes()),
            Glance::Spilled => {}
        }
        if let (Some(entry), Some(kept)) = (found, kept) {
            kept.lru = lru;
            kept.forget_access(key);
            assert_eq!(entry.key(), key);
            assert!(entry.size() >= key.len() + 2);
            let read = Kept {
                value: plain(entry.value()),
                deadline: entry.deadline(),
                lru: entry.lru(),
                flag: entry.user_flag(),
            };
            assert_eq!(read, *kept);
        }
    }

    fn enter(&mut self, hash: u64, key: Vec<u8>) {
        let value = Model::draw(&mut self.draws);
        let deadline = self.draw_deadline();
        match self.dict.entry(hash, &key) {
            Entry::Occupied(mut entry) => {
                let kept = self.model.get_mut(&key).unwrap();
                assert_eq!(plain(entry.value()), kept.value);
                assert_removed(&entry.replace(value.to_new(false)), &kept.value);
                kept.value = value;
            }
            Entry::Vacant(place) => {
                let entry = place.insert(value.to_new(true), deadline);
                assert_eq!(plain(entry.value()), value);
                let kept = Kept { value, deadline, lru: 0, flag: false };
                assert!(self.model.insert(key, kept).is_none());
            }
        }
    }

    fn change(&mut self, hash: u64, key: Vec<u8>) {
        let deadline = self.draw_deadline();
        let more = Model::draw_bytes(&mut self.draws);
        let (what, number) = (self.draws.below_u64(9), self.draws.next());
        let Some(mut entry) = self.dict.get_mut(hash, &key) else {
            assert!(!self.model.contains_key(&key));
            return;
        };
        let kept = self.model.get_mut(&key).unwrap();
        match (what, &mut kept.value) {
            (0 | 1, _) => {
                entry.set_deadline(deadline);
                kept.deadline = deadline;
            }
            (2, _) => {
                entry.set_user_flag(number & 1 == 1);
                kept.flag = number & 1 == 1;
            }
            (3, value) => {
                assert_removed(&entry.set_int(number as i64), value);
                *value = Model::Int(number as i64);
                assert_eq!(entry.int(), Some(number as i64));
            }
            (_, Model::Boxed(text)) => {
                text.push('x');
                entry.boxed_mut().unwrap().push('x');
            }
            (4 | 5, Model::Bytes(bytes)) => {
                bytes.resize(more.len(), 0);
                assert!(entry.resize_bytes(more.len()));
                entry.set_lru(5);
                kept.lru = 5;
            }
            (6, Model::Bytes(bytes)) => {
                bytes.reverse();
                entry.bytes_mut().unwrap().reverse();
            }
            (_, Model::Bytes(bytes)) => {
                bytes.extend_from_slice(&more);
                assert_eq!(entry.append(&more), Some(bytes.len()));
            }
            (_, Model::Unit | Model::Int(_) | Model::Tagged(..)) => {
                assert!(entry.append(b"x").is_none() && !entry.resize_bytes(1));
                assert!(entry.bytes_mut().is_none() && entry.boxed_mut().is_none());
            }
        }
        assert_eq!((entry.key(), plain(entry.value())), (&key[..], kept.value.clone()));
        assert_eq!(entry.deadline(), kept.deadline);
    }

    fn expire(&mut self) {
        self.now += self.draws.below_u64(60);
        let budget = self.draws.below_u64(50) as usize;
        let mut gone = Vec::new();
        let more = self.dict.advance(self.now, budget, &mut |key, removed| {
            gone.push((key.to_vec(), removed));
        });
        assert!(gone.len() <= budget);
        for (key, removed) in gone {
            let kept = self.model.remove(&key).unwrap();
            assert!(kept.deadline.unwrap() <= self.now);
            assert_removed(&removed, &kept.value);
        }
        let first = self.model.values().filter_map(|kept| kept.deadline).min();
        let overdue = self.dict.most_overdue(self.now);
        // What passed in the tick that is not over yet is not seen.
        assert!(overdue.is_none_or(|deadline| Some(deadline) == first), "the first of those that are there");
        assert!(overdue.is_some() || first.is_none_or(|first| first + 16 > self.now), "none is overlooked");
        if !more {
            assert!(first.is_none_or(|first| first + 16 > self.now), "nothing is left behind");
            assert!(self.dict.next_deadline().is_none_or(|next| next > self.now));
            let late = first.map(|first| first / 16 * 16 + 16);
            assert!(late.is_none() || self.dict.next_deadline() <= late);
        }
    }

    fn compare(&mut self) {
        self.dict.check();
        assert_eq!(self.dict.len(), self.model.len());
        let deadlines = self.model.values().filter(|kept| kept.deadline.is_some());
        assert_eq!(self.dict.with_deadline(), deadlines.count());
        for entry in self.dict.iter() {
            let kept = &self.model[entry.key()];
            assert_eq!(plain(entry.value()), kept.value);
            assert_eq!((entry.deadline(), entry.lru()), (kept.deadline, kept.lru));
            assert_eq!(entry.user_flag(), kept.flag);
        }
    }
}

fn agree(seed: u64, mask: u64, keys: u64, steps: u64) {
    let mut pair = Pair::new(seed, mask);
    for growth in [80, 20, 60, 5] {
        for step in 0..steps / 4 {
            pair.step(keys, growth);
            if step % (steps / 10) == 0 {
                pair.compare();
            }
        }
        pair.compare();
    }
    pair.dict.clear();
    pair.model.clear();
    pair.compare();
    assert_eq!(pair.dict.memory(), 0);
}

#[test]
fn agrees_with_the_model_while_small() {
    for seed in 0..5 {
        agree(seed, u64::MAX, 60, STEPS / 10);
    }
}

#[test]
fn agrees_with_the_model_while_large() {
    agree(7, u64::MAX, 6_000, STEPS * 2);
}

#[test]
fn agrees_with_the_model_under_hostile_hashes() {
    agree(8, 0, 400, STEPS / 10); // All equal.
    agree(9, !0xffff, 1_500, STEPS / 4); // Equal low bits: one segment for all.
    agree(10, 0xffff, 1_500, STEPS / 4); // One home line in each segment.
    agree(11, 3 << 62, 1_500, STEPS / 10); // Four hashes.
}

fn filled(count: u64) -> Dict<String> {
    let mut dict = Dict::new(Hasher::new(3, 4));
    for number in 0..count {
        add(&mut dict, number);
    }
    dict
}

fn add(dict: &mut Dict<String>, number: u64) {
    let key = number.to_be_bytes();
    dict.set(dict.hasher().hash(&key), &key, NewValue::Unit, None);
}

fn drop_key(dict: &mut Dict<String>, number: u64) {
    let key = number.to_be_bytes();
    assert!(dict.remove(dict.hasher().hash(&key), &key).is_some());
}

fn number_of(entry: EntryRef<'_, String>) -> u64 {
    u64::from_be_bytes(entry.key().try_into().unwrap())
}

#[test]
fn scan_of_a_resting_dict_visits_each_entry_once() {
    for count in [0, 1, 5, 100, 255, 700, 3_000, 20_000] {
        let dict = filled(if cfg!(miri) { count / 10 } else { count });
        let (mut seen, mut cursor, mut most) = (HashMap::new(), 0, 0);
        loop {
            let mut step = 0;
            cursor = dict.scan(cursor, &mut |entry| {
                step += 1;
                *seen.entry(number_of(entry)).or_insert(0) += 1;
            });
            most = most.max(step);
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), dict.len());
        assert!(seen.values().all(|&times| times == 1));
        assert!(most <= 50, "a step is small: {most}");
    }
}

#[test]
fn scan_misses_nothing_that_stays_while_the_dict_changes() {
    for seed in 0..if cfg!(miri) { 2 } else { 60 } {
        let mut draws = Draws(seed);
        let stay = draws.below_u64(if cfg!(miri) { 100 } else { 3_000 });
        let mut dict = filled(stay);
        let mut passing: Vec<u64> = Vec::new();
        let mut fresh = 1 << 32;
        if seed % 2 == 0 {
            for _ in 0..stay * 4 {
                add(&mut dict, fresh);
                passing.push(fresh);
                fresh += 1;
            }
        }
        let (mut seen, mut cursor) = (HashSet::new(), 0);
        let trend = draws.below_u64(101);
        loop {
            cursor = dict.scan(cursor, &mut |entry| {
                seen.insert(number_of(entry));
            });
            if cursor == 0 {
                break;
            }
            for _ in 0..draws.below_u64(40) {
                if draws.below_u64(100) < trend && passing.len() < 20_000 {
                    add(&mut dict, fresh);
                    passing.push(fresh);
                    fresh += 1;
                } else if !passing.is_empty() {
                    let at = draws.below_u64(passing.len() as u64) as usize;
                    drop_key(&mut dict, passing.swap_remove(at));
                }
            }
        }
        dict.check();
        assert!((0..stay).all(|number| seen.contains(&number)));
    }
}

#[test]
fn a_walk_visits_what_stays_once_and_nothing_twice_while_the_dict_changes() {
    let mut met_merges = 0;
    for seed in 0..if cfg!(miri) { 2 } else { 60 } {
        let mut draws = Draws(seed);
        let stay = draws.below_u64(if cfg!(miri) { 100 } else { 6_000 });
        let mut dict = filled(stay);
        let mut passing: Vec<u64> = Vec::new();
        let mut fresh = 1 << 32;
        if seed % 2 == 0 {
            for _ in 0..stay * 4 {
                add(&mut dict, fresh);
                passing.push(fresh);
                fresh += 1;
            }
        }
        let (mut seen, mut at, trend) = (HashSet::new(), Some(0), draws.below_u64(101));
        while let Some(place) = at {
            let before = dict.len();
            at = dict.walk(place, draws.below_u64(600) as usize, |entry| {
                assert!(seen.insert(number_of(entry)), "twice");
            });
            for _ in 0..draws.below_u64(if cfg!(miri) { 100 } else { 4_000 }) {
                if draws.below_u64(100) < trend && passing.len() < 20_000 {
                    add(&mut dict, fresh);
                    passing.push(fresh);
                    fresh += 1;
                } else if !passing.is_empty() {
                    let at = draws.below_u64(passing.len() as u64) as usize;
                    drop_key(&mut dict, passing.swap_remove(at));
                }
            }
            met_merges += usize::from(dict.len() < before / 2);
        }
        dict.check();
        assert!((0..stay).all(|number| seen.contains(&number)));
    }
    assert!(met_merges > 0 || cfg!(miri), "some dicts shrank below the walk");
}

#[test]
fn any_place_may_be_walked_from() {
    let dict = filled(2_000);
    let all = |from| {
        let (mut at, mut met) = (Some(from), 0);
        while let Some(place) = at {
            at = dict.walk(place, 1, |_| met += 1);
        }
        met
    };
    assert_eq!(all(0), 2_000);
    assert_eq!(filled(0).walk(0, 1, |_| panic!("nothing is there")), None);
    assert_eq!(all(u64::MAX), 0);
    let halves = (all(1 << 31), all((1 << 31) - 1));
    assert!(halves.0 <= halves.1 && halves.1 < 1_500, "about half: {halves:?}");
}

#[test]
fn any_cursor_may_be_given() {
    let dict = filled(2_000);
    let mut draws = Draws(1);
    for cursor in [u64::MAX, u64::MAX - 31, 1 << 63, 31, 32] {
        dict.scan(cursor, &mut |_| {});
    }
    for _ in 0..10_000 {
        let mut cursor = draws.next() >> draws.below_u64(64);
        for _ in 0..3 {
            cursor = dict.scan(cursor, &mut |_| {});
        }
    }
}

#[test]
fn random_is_fair() {
    for count in [1u64, 3, 90, 1_000, if cfg!(miri) { 10 } else { 5_000 }] {
        let mut dict = filled(count * 3);
        for number in count..count * 3 {
            drop_key(&mut dict, number);
        }
        let mut draws = Draws(5);
        let rounds = if cfg!(miri) { 2 } else { 100 };
        let mut times = vec![0f64; count as usize];
        for _ in 0..count * rounds {
            let entry = dict.random(&mut || draws.next()).unwrap();
            times[number_of(entry) as usize] += 1.0;
        }
        let expected = rounds as f64;
        let squares = times.iter().map(|t| (t - expected).powi(2) / expected);
        let (chi, freedom) = (squares.sum::<f64>(), count as f64 - 1.0);
        assert!(chi <= freedom + 6.0 * (2.0 * freedom).sqrt(), "{count}: {chi}");
    }
    assert!(filled(0).random(&mut || 1).is_none());
    // A generator that always gives the same still ends, with some entry.
    assert!(filled(9).random(&mut || u64::MAX).is_some());
}

#[test]
fn deadlines_come_in_their_order_and_never_early() {
    let mut dict: Dict<String> = Dict::new(Hasher::new(5, 6));
    let mut draws = Draws(2);
    let start = 1_700_000_000_000;
    dict.advance(start, 1, &mut |_, _| {});
    let mut expected: BTreeMap<u64, usize> = BTreeMap::new();
    for number in 0..if cfg!(miri) { 300 } else { 20_000u64 } {
        let deadline = start + (1 << draws.below_u64(34)) + draws.below_u64(1_000);
        let key = number.to_be_bytes();
        dict.set(dict.hasher().hash(&key), &key, NewValue::Int(deadline as i64), Some(deadline));
        *expected.entry(deadline).or_default() += 1;
    }
    let mut steps = 0;
    while let Some(next) = dict.next_deadline() {
        let before = dict.len();
        assert!(!dict.advance(next - 1, usize::MAX, &mut |_, _| panic!("early")));
        assert!(!dict.advance(next, usize::MAX, &mut |_, _| {}));
        // What has passed is gone, but for some whose deadline is this very millisecond.
        let now_due = expected.remove(&next).unwrap_or(0);
        let later = expected.split_off(&next);
        let passed: usize = expected.values().sum();
        expected = later;
        let gone = before - dict.len();
        assert!((passed..=passed + now_due).contains(&gone));
        if passed + now_due > gone {
            expected.insert(next, passed + now_due - gone);
        }
        steps += 1;
    }
    dict.check();
    assert!(expected.is_empty() && dict.is_empty());
    assert!(steps < 60_000);
}

#[test]
fn a_deadline_that_moves_later_stays_in_its_cell() {
    let mut dict: Dict<String> = Dict::new(Hasher::new(5, 6));
    let hash = dict.hasher().hash(b"k");
    dict.advance(1_000, 1, &mut |_, _| {});
    dict.set(hash, b"k", NewValue::Unit, Some(2_000));
    let first = dict.next_deadline();
    for deadline in (2_000..90_000).step_by(500) {
        dict.get_mut(hash, b"k").unwrap().set_deadline(Some(deadline));
        assert_eq!(dict.next_deadline(), first);
    }
    dict.advance(80_000, 10, &mut |_, _| panic!("early"));
    assert!(dict.contains(hash, b"k"));
    dict.get_mut(hash, b"k").unwrap().set_deadline(Some(81_000));
    let mut gone = 0;
    dict.advance(81_016, 10, &mut |_, _| gone += 1);
    assert_eq!(gone, 1);
}

#[test]
fn a_slot_of_many_is_drained_within_the_budget() {
    let mut dict: Dict<String> = Dict::new(Hasher::new(5, 6));
    let count = if cfg!(miri) { 300 } else { 30_000u64 };
    for number in 0..count {
        let key = number.to_be_bytes();
        dict.set(dict.hasher().hash(&key), &key, NewValue::Int(1), Some(5_000));
    }
    let mut gone = 0;
    while dict.advance(6_000, 100, &mut |_, _| gone += 1) {
        assert!(gone % 100 == 0);
    }
    assert_eq!(gone, count);
    dict.check();
}

#[test]
fn a_shared_blob_is_copied_before_it_changes() {
    let mut dict: Dict<String> = Dict::new(Hasher::new(5, 6));
    let hash = dict.hasher().hash(b"k");
    let blob = Arc::new(vec![1; 20_000]);
    dict.set(hash, b"k", NewValue::Blob(blob.clone()), None);
    let mut entry = dict.get_mut(hash, b"k").unwrap();
    entry.bytes_mut().unwrap()[0] = 2;
    assert_eq!(entry.append(b"xy"), Some(20_002));
    assert_eq!((blob[0], blob.len()), (1, 20_000));
    assert!(!entry.resize_bytes(usize::MAX) && !entry.resize_bytes(isize::MAX as usize));
    assert!(entry.resize_bytes(10));
    assert!(matches!(entry.value(), ValueRef::Bytes([2, 1, ..])));
    assert!(!entry.resize_bytes(usize::MAX));
    dict.check();
}

#[test]
fn a_wrong_hash_loses_keys_but_nothing_else() {
    let mut dict: Dict<String> = Dict::new(Hasher::new(5, 6));
    let mut draws = Draws(3);
    for _ in 0..STEPS / 4 {
        let (hash, key) = (draws.below_u64(1_000) << draws.below_u64(60), draws.below_u64(3_000).to_be_bytes());
        match draws.below_u64(4) {
            0 => drop(dict.remove(hash, &key)),
            1 => drop(dict.set(hash, &key, NewValue::Boxed(Box::default()), Some(draws.below_u64(9_000)))),
            2 => drop(dict.set(hash, &key, NewValue::Bytes(&key), None)),
            _ => drop(dict.advance(draws.below_u64(9_000), 5, &mut |_, _| {})),
        }
    }
}

#[test]
fn an_emptied_dict_is_small_again() {
    let _mark = base::marks::expect("segments are merged");
    let count = if cfg!(miri) { 1_500 } else { 40_000 };
    let mut dict = filled(count);
    let full = dict.memory();
    for number in 0..count {
        drop_key(&mut dict, number);
    }
    dict.check();
    assert!(dict.memory() < 4_000 && full > 20 * count as usize);
    assert_eq!(dict.stats().segments, 1);
}

#[test]
fn a_dict_may_change_threads() {
    fn assert_send_and_sync<T: Send + Sync>() {}
    assert_send_and_sync::<Dict<String>>();
    let dict = filled(1_000);
    let dict = std::thread::spawn(move || dict).join().unwrap();
    assert_eq!(dict.iter().count(), 1_000);
}

/// Saves what a step from `cursor` visits, unless it is saved; returns the next cursor.
fn save(dict: &mut Dict<String>, cursor: u64, saved: &mut Vec<(u64, Model)>) -> u64 {
    let done = dict.is_saved(cursor);
    let next = dict.scan(cursor, &mut |entry| {
        if !done {
            saved.push((number_of(entry), plain(entry.value())));
        }
    });
    dict.mark_saved(cursor);
    next
}

#[test]
fn a_snapshot_saves_each_entry_once_as_it_was() {
    let _mark = base::marks::expect("a merge of segments waits for the end of a snapshot");
    for seed in 0..if cfg!(miri) { 3 } else { 60 } {
        let mut draws = Draws(seed);
        let most = if cfg!(miri) { 100 } else { 6_000 };
        let count = draws.below_u64(most);
        let mut dict = filled(count);
        let trend = draws.below_u64(101);
        // Some shrink to next to nothing before all is saved.
        let (among, at_once) = if seed % 4 == 0 { (count.max(1), 300) } else { (most * 4, 30) };
        let (mut saved, mut cursor) = (Vec::new(), 0);
        dict.begin_snapshot();
        loop {
            cursor = save(&mut dict, cursor, &mut saved);
            if cursor == 0 {
                break;
            }
            for _ in 0..draws.below_u64(at_once) {
                let key = draws.below_u64(among).to_be_bytes();
                let hash = dict.hasher().hash(&key);
                let at = dict.cursor_of(hash);
                save(&mut dict, at, &mut saved);
                if draws.below_u64(100) < trend {
                    dict.set(hash, &key, NewValue::Int(7), None);
                } else {
                    dict.remove(hash, &key);
                }
            }
        }
        dict.end_snapshot();
        dict.check();
        saved.sort_by_key(|(number, _)| *number);
        let expected: Vec<(u64, Model)> = (0..count).map(|number| (number, Model::Unit)).collect();
        assert!(saved == expected, "seed {seed}: {} of {count}", saved.len());
    }
}

#[test]
fn the_sum_of_deadlines_is_exact_for_few_and_near_for_many() {
    let mut draws = Draws(11);
    for count in [0u64, 1, 1_000, 5_000] {
        let mut dict: Dict<String> = Dict::new(Hasher::new(1, 2));
        let mut sum = 0u128;
        for number in 0..count {
            let key = number.to_be_bytes();
            let deadline = 1_700_000_000_000 + draws.below_u64(1 << 30);
            sum += u128::from(deadline);
            dict.set(dict.hasher().hash(&key), &key, NewValue::Unit, Some(deadline));
        }
        let told = dict.deadline_sum();
        let near = told.abs_diff(sum) <= u128::from(count) * (1 << 26);
        assert!(if count <= 1_000 { told == sum } else { near }, "{count}: {told} for {sum}");
    }
}

#[test]
fn a_copy_has_all_entries_and_goes_its_own_way() {
    for count in [0, 1, 30, 3_000] {
        let mut dict = filled(count);
        for number in 0..count / 3 {
            let key = number.to_be_bytes();
            let hash = dict.hasher().hash(&key);
            let value = if number % 2 == 0 {
                NewValue::Boxed(Box::new("boxed".to_owned()))
            } else {
                NewValue::Blob(Arc::new(vec![7; 20_000]))
            };
            dict.set(hash, &key, value, Some(1000 + number));
        }
        let mut copy = dict.clone();
        copy.check();
        assert_eq!((copy.len(), copy.with_deadline()), (dict.len(), dict.with_deadline()));
        for entry in dict.iter() {
            let twin = copy.get(dict.hasher().hash(entry.key()), entry.key()).expect("a copied entry");
            assert_eq!((plain(twin.value()), twin.deadline()), (plain(entry.value()), entry.deadline()));
        }
        for number in 0..count / 2 {
            drop_key(&mut copy, number);
            add(&mut copy, count + number);
        }
        copy.check();
        dict.check();
        assert_eq!(dict.len() as u64, count);
    }
}

#[test]
fn random_entries_are_removed_until_none_is_left() {
    let (mut dict, mut draws, mut seen) = (filled(2_000), Draws(5), HashSet::new());
    while dict.remove_random(&mut || draws.next(), &mut |key| assert!(seen.insert(key.to_vec()))) {}
    dict.check();
    assert_eq!((dict.len(), seen.len()), (0, 2_000));
}

#[test]
fn hashes_from_the_table_place_entries_in_any_table() {
    for count in [0, 5, 600, 9_000, 40_000] {
        let dict = filled(count);
        let (entries, known) = dict.iter_hashed(true);
        let mut other: Dict<String> = Dict::new(dict.hasher());
        for (number, (hash, entry)) in entries.enumerate() {
            assert!(dict.is_placed_by(known, 0) && other.is_placed_by(known, 1));
            assert!(dict.contains(hash, entry.key()) && !other.contains(hash, entry.key()));
            other.set(hash, entry.key(), NewValue::Int(number as i64), None);
        }
        other.check();
        assert_eq!(other.len() as u64, count);
    }
    let dict = filled(40_000);
    assert!(!dict.is_placed_by(3, 0) && !dict.is_placed_by(8, 40_000) && dict.is_placed_by(8, 0));
}

/// Gathers one of so many of a map's keys, drawn; the result has them, is as the rest of this file wants it and goes on
/// from there.
fn gather_some(dict: &Dict<String>, one_of: u64, draws: &mut Draws) {
    let mut model = BTreeMap::new();
    let mut gather = dict.gather();
    for (hash, entry) in dict.iter_hashed(false).0 {
        if draws.below_u64(one_of) == 0 {
            gather.push(hash, entry.key(), NewValue::Boxed(Box::new(format!("{hash}"))));
            assert!(model.insert(entry.key().to_vec(), format!("{hash}")).is_none());
        }
    }
    let mut gathered = gather.finish();
    gathered.check();
    assert_eq!(gathered.len(), model.len());
    for (key, value) in &model {
        let entry = gathered.get(gathered.hasher().hash(key), key).expect("what was gathered");
        assert!(matches!(entry.value(), ValueRef::Boxed(boxed) if boxed == value));
    }
    for number in 0..1_000 {
        add(&mut gathered, number);
        let key = format!("more{number}");
        assert_eq!(
            gathered.vacant(gathered.hasher().hash(key.as_bytes()), key.as_bytes()).insert(NewValue::Unit, None).key(),
            key.as_bytes()
        );
    }
    gathered.check();
    for number in 0..1_000 {
        drop_key(&mut gathered, number);
    }
    gathered.check();
}

#[test]
fn what_is_gathered_from_a_dict_is_a_dict() {
    let counts: &[u64] = if cfg!(miri) { &[0, 5, 600] } else { &[0, 5, 600, 9_000, 40_000] };
    let mut draws = Draws(6);
    for count in counts {
        let mut dict = filled(*count);
        for one_of in [1, 3, 200] {
            gather_some(&dict, one_of, &mut draws);
        }
        // Segments that are not as full as when the table grew.
        (0..count / 2).for_each(|number| drop_key(&mut dict, number));
        gather_some(&dict, 2, &mut draws);
    }
}

#[test]
fn entries_of_the_same_hash_are_gathered() {
    let mut dict: Dict<String> = Dict::new(hasher(3));
    (0..if cfg!(miri) { 100 } else { 3_000 }).for_each(|number| add(&mut dict, number));
    gather_some(&dict, 2, &mut Draws(7));
}

#[test]
#[should_panic(expected = "no segment is opened twice")]
fn gathering_in_another_order_is_refused() {
    let dict = filled(2_000);
    let mut entries: Vec<_> = dict.iter_hashed(true).0.collect();
    entries.reverse();
    let mut gather = dict.gather();
    entries.iter().for_each(|(hash, entry)| gather.push(*hash, entry.key(), NewValue::Unit));
}
