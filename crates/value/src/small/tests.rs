//! Small forms: every packed form comes back as it was, through buffers that held other things.

use super::*;
use crate::hash::{Rules, Ttl};
use crate::list::End;
use crate::set::Limits;
use crate::sorted_set;
use crate::stream::{BlockLimits, References, StreamId};
use base::rng::Rng;
use structures::hash::Hasher;

fn hasher() -> Hasher {
    Hasher::new(1, 2)
}

fn word(rng: &mut Rng) -> Vec<u8> {
    match rng.below(4) {
        0 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
        1 => vec![b'x'; rng.below(64) as usize],
        _ => format!("word:{}", rng.below(40)).into_bytes(),
    }
}

fn empty(rng: &mut Rng, first: &[u8]) -> Object {
    let limits = Limits { intset_entries: 512, listpack_entries: 128, listpack_value: 64, hasher: hasher() };
    match rng.below(5) {
        0 => Object::List(List::new()),
        1 => Object::Set(Set::for_first(first, 1, &limits)),
        2 => Object::Hash(Hash::new()),
        3 => Object::Stream(Box::default()),
        _ => Object::SortedSet(SortedSet::new(hasher(), sorted_set::Limits { entries: 128, value: 64 }, 1, 0)),
    }
}

/// Adds or removes an element, the same by the same draws whatever the buffer.
fn change(object: &mut Object, rng: &mut Rng) {
    let word = word(rng);
    let (adds, front, score) = (rng.below(100) < 70, rng.below(2) == 0, rng.below(1000) as f64 / 8.0);
    let end = if front { End::Front } else { End::Back };
    match object {
        Object::List(list) if adds => list.push(end, &word),
        Object::List(list) => drop(list.pop(end, |_| ())),
        Object::Set(set) if adds => {
            let limits = Limits { intset_entries: 512, listpack_entries: 128, listpack_value: 64, hasher: hasher() };
            set.add(&word, &limits);
        }
        Object::Set(set) => drop(set.remove(&word)),
        Object::Hash(hash) if adds => {
            let rules = Rules { entries_max: 512, value_max: 64, hasher: hasher(), now_ms: 0 };
            hash.set(&word, &word, Ttl::Clear, &rules);
        }
        Object::Hash(hash) => drop(hash.remove(&word)),
        Object::SortedSet(zset) if adds => {
            zset.insert((hasher(), sorted_set::Limits { entries: 128, value: 64 }), &word, score);
        }
        Object::SortedSet(zset) => drop(zset.remove(&word)),
        Object::Stream(stream) if adds => {
            let id = StreamId::new(stream.last_id().ms + score as u64, stream.last_id().seq + 1);
            let limits = BlockLimits::from_config(4096, 100);
            stream.append(id, [(&b"name"[..], &word[..])].into_iter(), &limits);
        }
        Object::Stream(stream) => {
            let id = if front { stream.first_id() } else { stream.last_id() };
            stream.delete(id, References::Keep);
        }
        Object::Detached(_) => unreachable!("nothing is detached here"),
    }
}

fn show(object: &Object) -> String {
    format!("{} {} {object:?}", object.type_name(), object.encoding_name())
}

#[test]
fn collections_come_back_as_they_were() {
    let (mut bench, mut image, mut again) = (Workbench::new(), Vec::new(), Vec::new());
    for seed in 0..50 {
        let mut rng = Rng::seed(seed);
        let mut object = empty(&mut rng, &word(&mut Rng::seed(seed)));
        let mut smalls = 0;
        for _ in 0..120 {
            let before = object.clone();
            let Some(small) = deflate(&before, &mut image) else { break };
            let mut draws = rng.clone();
            change(&mut object, &mut rng);
            change(bench.inflate(small), &mut draws);
            assert_eq!(show(bench.object()), show(&object));
            let small = deflate(&object, &mut again);
            assert_eq!(bench.deflate(), small);
            if let Some(small) = small {
                assert_eq!((type_name(small), encoding_name(small)), (object.type_name(), object.encoding_name()));
                assert!(small.bytes.len() <= SMALL_MAX);
                smalls += 1;
            } else {
                assert_eq!(show(&bench.take()), show(&object));
            }
        }
        assert!(smalls > 10, "seed {seed}");
    }
}

#[test]
fn what_is_large_or_has_deadlines_is_not_small() {
    let image = &mut Vec::new();
    let mut list = List::new();
    while deflate(&Object::List(list.clone()), image).is_some() {
        list.push(End::Back, b"12345678901234567890x");
    }
    assert_eq!(list.len(), SMALL_MAX / 23 + 1);
    let mut many = List::new();
    (0..SMALL_MAX).for_each(|_| many.push(End::Back, b"1"));
    assert!(deflate(&Object::List(many.clone()), image).is_some());
    many.push(End::Back, b"1");
    assert!(deflate(&Object::List(many), image).is_none());
    let rules = Rules { entries_max: 512, value_max: 64, hasher: hasher(), now_ms: 0 };
    let mut hash = Hash::new();
    hash.set(b"f", b"v", Ttl::Clear, &rules);
    assert!(deflate(&Object::Hash(hash.clone()), image).is_some());
    hash.hold_deadlines();
    assert!(deflate(&Object::Hash(hash), image).is_none());
}

#[test]
fn a_bench_keeps_its_buffer_and_gives_copies() {
    let mut list = List::new();
    list.push(End::Back, b"element");
    let (object, mut image) = (Object::List(list), Vec::new());
    let small = deflate(&object, &mut image).expect("it is small");
    let mut bench = Workbench::new();
    bench.inflate(small);
    let buffer = bench.object().memory();
    for _ in 0..30 {
        let Object::List(list) = bench.inflate(small) else { panic!("a list") };
        (0..20).for_each(|_| list.push(End::Front, b"more"));
        (0..20).for_each(|_| list.push(End::Back, b"more"));
    }
    assert_eq!(bench.object().memory(), buffer);
    let taken = bench.take();
    assert_eq!(taken.len(), 41);
    assert!(taken.memory() < 300, "a box has no room to spare");
    assert_eq!(bench.object().memory(), buffer);
}
