//! The hash against a map from `std`, over all its forms, seeded.

use super::*;
use base::rng::Rng;
use std::collections::HashMap;

type Model = HashMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

fn rules(entries_max: usize, value_max: usize, now_ms: u64) -> Rules {
    Rules { entries_max, value_max, hasher: Hasher::new(1, 2), now_ms }
}

fn owned(field: &Field<'_>) -> (Vec<u8>, Vec<u8>, Option<u64>) {
    let (mut name, mut value) = (Scratch::default(), Scratch::default());
    (field.name.bytes(&mut name).to_vec(), field.value.bytes(&mut value).to_vec(), field.deadline)
}

fn assert_same(hash: &Hash, model: &Model) {
    hash.check();
    assert_eq!(hash.len(), model.len());
    assert_eq!(hash.with_deadline(), model.values().filter(|(_, deadline)| deadline.is_some()).count());
    let all: Model = hash.iter().map(|field| owned(&field)).map(|(name, value, at)| (name, (value, at))).collect();
    assert_eq!(&all, model);
    let earliest = model.values().filter_map(|(_, deadline)| *deadline).min();
    assert_eq!(hash.next_deadline().is_some(), earliest.is_some());
    if let (Some(next), Some(earliest)) = (hash.next_deadline(), earliest) {
        assert!(next <= earliest, "{next} is after {earliest}");
    }
}

fn name(rng: &mut Rng) -> Vec<u8> {
    match rng.below(4) {
        0 => rng.below(60).to_string().into_bytes(),
        1 => format!("-{}", rng.below(9)).into_bytes(),
        2 => vec![b'x'; rng.below(30) as usize],
        _ => format!("field {}", rng.below(40)).into_bytes(),
    }
}

fn value(rng: &mut Rng) -> Vec<u8> {
    match rng.below(20) {
        0 => vec![b'v'; rng.below(200) as usize],
        1 => vec![b'v'; 16_384 + rng.below(9) as usize],
        2..10 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
        _ => format!("value {}", rng.below(1000)).into_bytes(),
    }
}

/// A thousand steps on one hash.
fn walk(seed: u64, entries_max: usize, value_max: usize) -> Hash {
    let mut rng = Rng::seed(seed);
    let (mut hash, mut model, mut now) = (Hash::new(), Model::new(), 1_700_000_000_000);
    for step in 0..1000 {
        let rules = rules(entries_max, value_max, now);
        let name = name(&mut rng);
        match rng.below(12) {
            0..4 => {
                let (value, keep) = (value(&mut rng), rng.below(3) == 0);
                let added = hash.set(&name, &value, if keep { Ttl::Keep } else { Ttl::Clear }, &rules);
                let old = model.get(&name).map(|(_, deadline)| *deadline);
                assert_eq!(added, old.is_none());
                model.insert(name, (value, old.flatten().filter(|_| keep)));
            }
            4..6 => assert_eq!(hash.remove(&name), model.remove(&name).is_some()),
            6..9 => {
                let deadline = (rng.below(4) > 0).then(|| now + 1 + (rng.next_u64() >> rng.below(60) >> 4));
                assert_eq!(hash.set_deadline(&name, deadline, now), model.contains_key(&name));
                if let Some((_, old)) = model.get_mut(&name) {
                    *old = deadline;
                }
            }
            9 => {
                let found = hash.get(&name).map(|field| owned(&field));
                assert_eq!(found, model.get(&name).map(|(value, at)| (name.clone(), value.clone(), *at)));
            }
            10 => {
                now += rng.below(40);
                let (budget, mut gone) = (rng.below(5) as usize, Vec::new());
                let more = hash.expire(now, budget, &mut |name| gone.push(name.to_vec()));
                assert!(gone.len() <= budget);
                for name in gone {
                    let (_, deadline) = model.remove(&name).expect("only what is there expires");
                    assert!(deadline.is_some_and(|deadline| deadline <= now));
                }
                let late = model.values().filter_map(|(_, at)| *at).filter(|at| at + 2 * TICK_MS <= now).count();
                assert!(more || late == 0, "{late} should have expired");
            }
            _ => {
                let drawn = hash.random(&mut || rng.next_u64()).map(|field| owned(&field).0);
                assert_eq!(drawn.is_some(), !model.is_empty());
                assert!(drawn.is_none_or(|name| model.contains_key(&name)));
            }
        }
        if step % 16 == 0 {
            assert_same(&hash, &model);
            assert_same(&hash.clone(), &model);
        }
    }
    assert_same(&hash, &model);
    hash
}

#[test]
fn a_hash_does_what_a_map_with_deadlines_does() {
    let mut met: HashMap<&str, usize> = HashMap::new();
    for seed in 0..60 {
        let (entries_max, value_max) = [(512, 100_000), (16, 64), (0, 64), (40, 100_000)][seed as usize % 4];
        *met.entry(walk(seed, entries_max, value_max).encoding_name()).or_default() += 1;
    }
    assert!(met.contains_key("listpackex") && met.contains_key("hashtable"), "{met:?}");
}

#[test]
fn forms_change_at_the_thresholds_and_not_back() {
    let rules = rules(4, 8, 1);
    let mut hash = Hash::new();
    for name in 0..4 {
        hash.set(name.to_string().as_bytes(), b"12345678", Ttl::Clear, &rules);
    }
    hash.set(b"0", b"2", Ttl::Clear, &rules);
    assert_eq!(hash.encoding_name(), "listpack");
    let mut long = hash.clone();
    long.set(b"0", b"123456789", Ttl::Clear, &rules);
    assert_eq!(long.encoding_name(), "hashtable");
    let mut guessed = hash.clone();
    guessed.expect(5, 1, &rules);
    assert_eq!(guessed.encoding_name(), "hashtable");
    hash.set_deadline(b"1", Some(5), 1);
    assert_eq!(hash.encoding_name(), "listpackex");
    hash.set_deadline(b"1", None, 1);
    assert_eq!(hash.encoding_name(), "listpackex");
    hash.set_deadline(b"1", Some(7), 1);
    hash.set(b"4", b"x", Ttl::Clear, &rules);
    assert_eq!(hash.encoding_name(), "hashtable");
    assert_eq!(hash.get(b"1").and_then(|field| field.deadline), Some(7));
    (0..4).for_each(|name| assert!(hash.remove(name.to_string().as_bytes())));
    assert_eq!(hash.encoding_name(), "hashtable");
}

#[test]
fn a_scan_meets_every_field_that_stays() {
    let mut rng = Rng::seed(9);
    let rules = rules(8, 64, 1);
    let mut hash = Hash::new();
    for number in 0..500 {
        hash.set(format!("stays {number}").as_bytes(), b"v", Ttl::Clear, &rules);
    }
    let (mut cursor, mut seen) = (0, std::collections::HashSet::new());
    loop {
        cursor = hash.scan(cursor, &mut |field| {
            seen.insert(owned(&field).0);
        });
        for _ in 0..10 {
            let name = format!("comes {}", rng.below(3000));
            if rng.below(2) == 0 {
                hash.set(name.as_bytes(), b"v", Ttl::Clear, &rules);
            } else {
                hash.remove(name.as_bytes());
            }
        }
        if cursor == 0 {
            break;
        }
    }
    assert!((0..500).all(|number| seen.contains(format!("stays {number}").as_bytes())));
}

#[test]
fn a_hash_built_as_a_whole_is_the_one_built_by_steps() {
    for (entries_max, encoding) in [(9, "hashtable"), (11, "listpackex")] {
        let rules = rules(entries_max, 64, 1_700_000_000_000);
        let (mut whole, mut model) = (Hash::new(), Model::new());
        for number in 0..10u64 {
            let deadline = (number < 4).then(|| rules.now_ms + 1 + number);
            let (name, value) = (format!("f{number}").into_bytes(), number.to_string().into_bytes());
            assert!(whole.append(&name, &value, deadline, &rules));
            assert!(!whole.append(&name, b"other", None, &rules));
            model.insert(name, (value, deadline));
        }
        assert_same(&whole, &model);
        assert_eq!(whole.encoding_name(), encoding);
    }
}
