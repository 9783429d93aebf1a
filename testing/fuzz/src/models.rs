//! The structures against the plainest thing that does the same, and, where they read bytes of others, against damage.
//!
//! A round is a few hundred random steps, then `check()` and a comparison with the model.

use base::rng::Rng;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use structures::bits;
use structures::blocks::{BlockLimit, Blocks, End};
use structures::dict::{Dict, NewValue, ValueRef};
use structures::hash::Hasher;
use structures::hll;
use structures::intset::IntSet;
use structures::lcs::{self, Lcs};
use structures::packed::{Packed, PackedElement, PackedRanked};
use structures::ranked::{Change, Ranked};

/// Steps of a round.
const STEPS: u64 = 300;

pub(crate) fn draw(rng: &mut Rng, bound: usize) -> usize {
    rng.below(bound as u64) as usize
}

/// Strings of the lengths and forms at which encodings change.
pub(crate) fn string(rng: &mut Rng) -> Vec<u8> {
    const LENGTHS: [usize; 12] = [0, 1, 12, 13, 63, 64, 110, 113, 243, 245, 1013, 5000];
    match rng.below(10) {
        0 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
        1..4 => rng.below(50).to_string().into_bytes(),
        4 => vec![rng.below(256) as u8; LENGTHS[draw(rng, LENGTHS.len())]],
        5 => b"-0 007 9223372036854775808 -9223372036854775808 +1 -"
            .split(|&byte| byte == b' ')
            .nth(draw(rng, 6))
            .unwrap_or_default()
            .to_vec(),
        _ => (0..rng.below(20)).map(|_| rng.below(256) as u8).collect(),
    }
}

/// A time to come, as likely to be short as to be long.
fn span(rng: &mut Rng) -> u64 {
    let bits = rng.below(36);
    rng.below(1 << bits)
}

/// Changes, cuts or extends bytes.
fn damage(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..1 + rng.below(3) {
        if bytes.is_empty() {
            bytes.push(rng.below(256) as u8);
        }
        let at = draw(rng, bytes.len());
        match rng.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.push(rng.below(256) as u8),
            2 => bytes[at] ^= 1u8 << rng.below(8),
            _ => bytes[at] = rng.below(256) as u8,
        }
    }
}

fn to_vecs<'a>(elements: impl Iterator<Item = PackedElement<'a>>) -> Vec<Vec<u8>> {
    elements.map(|element| element.to_vec()).collect()
}

pub fn packed(rng: &mut Rng) {
    let (mut packed, mut model) = (Packed::new(), Vec::<Vec<u8>>::new());
    for _ in 0..rng.below(STEPS) {
        let string = string(rng);
        let place = draw(rng, model.len() + 1);
        match rng.below(6) {
            0..3 => {
                packed.insert_at(place, PackedElement::of(&string));
                model.insert(place, string);
            }
            3 if place < model.len() => {
                let at = packed.seek(place).expect("it is there");
                packed.replace(at, PackedElement::of(&string));
                model[place] = string;
            }
            4 => {
                let tail = packed.split_off(place);
                assert_eq!(to_vecs(tail.iter()), model[place..]);
                packed.append(&tail);
            }
            _ => {
                let count = draw(rng, 5).min(model.len() - place);
                packed.remove_range(place, count);
                model.drain(place..place + count);
            }
        }
    }
    packed.check();
    assert_eq!(to_vecs(packed.iter()), model);
    let mut bytes = packed.as_bytes().to_vec();
    damage(rng, &mut bytes);
    if let Ok(read) = Packed::from_bytes(bytes) {
        // It may hold anything, but it holds as much as it says, from both ends.
        read.check();
        let mut backwards = to_vecs(read.iter().rev());
        backwards.reverse();
        assert_eq!(to_vecs(read.iter()), backwards);
        assert_eq!(backwards.len(), read.len());
    }
}

pub fn blocks(rng: &mut Rng) {
    const SIZES: [i64; 6] = [-1, -2, -5, 1, 3, 128];
    let mut list = Blocks::new(BlockLimit::from_config(SIZES[draw(rng, SIZES.len())]));
    let mut model = VecDeque::<Vec<u8>>::new();
    for _ in 0..rng.below(STEPS) {
        let string = string(rng);
        let element = PackedElement::of(&string);
        let place = draw(rng, model.len() + 1);
        match rng.below(8) {
            0 => {
                list.push(End::Front, element);
                model.push_front(string);
            }
            1..3 => {
                list.push(End::Back, element);
                model.push_back(string);
            }
            3 => {
                list.insert(place, element);
                model.insert(place, string);
            }
            4 if place < model.len() => {
                list.replace(place, element);
                model[place] = string;
            }
            5 => {
                let end = (place + draw(rng, 9)).min(model.len());
                list.remove(place..end);
                model.drain(place..end);
            }
            6 => {
                let wanted = model.iter().filter(|held| **held == string).count();
                assert_eq!(list.remove_equal(End::Front, &string, usize::MAX), wanted);
                model.retain(|held| *held != string);
            }
            _ => assert_eq!(list.pop(End::Back, |element| element.to_vec()), model.pop_back()),
        }
    }
    list.check();
    assert!(to_vecs(list.iter()).iter().eq(&model));
    let from = draw(rng, model.len() + 2);
    assert!(to_vecs(list.iter_from(from)).iter().eq(model.iter().skip(from)));
}

/// Scores that are equal, neighbours, huge, or of the wrong sign of zero.
fn score(rng: &mut Rng) -> f64 {
    match rng.below(5) {
        0 => [0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY][draw(rng, 5)],
        1 => f64::from_bits(1.5f64.to_bits() + rng.below(5)),
        2 => Some(f64::from_bits(rng.next_u64())).filter(|any| !any.is_nan()).unwrap_or(7.0),
        _ => rng.below(40) as f64,
    }
}

fn in_order(model: &HashMap<Vec<u8>, f64>) -> Vec<(Vec<u8>, f64)> {
    let mut pairs: Vec<_> = model.iter().map(|(member, score)| (member.clone(), *score)).collect();
    pairs.sort_by(|one, other| {
        one.1.partial_cmp(&other.1).expect("scores are numbers").then_with(|| one.0.cmp(&other.0))
    });
    pairs
}

/// The packed form and the large one side by side.
pub fn sorted_sets(rng: &mut Rng) {
    let hasher = Hasher::new(rng.next_u64(), 2);
    let (mut packed, mut ranked, mut model) = (PackedRanked::new(), Ranked::new(hasher), HashMap::new());
    for _ in 0..rng.below(STEPS) {
        let member = string(rng);
        let hash = hasher.hash(&member);
        match rng.below(6) {
            0..4 => {
                let score = score(rng);
                let old = model.get(&member).copied();
                let wanted = match old {
                    None => Change::Inserted,
                    Some(old) if old == score => Change::Same,
                    Some(old) => Change::Updated(old),
                };
                assert_eq!(packed.insert(&member, score), wanted);
                assert_eq!(ranked.insert(hash, &member, score), wanted);
                if wanted != Change::Same {
                    model.insert(member, score);
                }
            }
            4 => {
                let gone = model.remove(&member);
                assert_eq!(packed.remove(&member), gone);
                assert_eq!(ranked.remove(hash, &member), gone);
            }
            _ => {
                let from = draw(rng, model.len() + 1);
                let ranks = from..(from + draw(rng, 4)).min(model.len());
                packed.remove_range_by_rank(ranks.clone());
                for (member, _) in in_order(&model).drain(ranks.clone()) {
                    model.remove(&member);
                }
                ranked.remove_range_by_rank(ranks, &mut |member, _| assert!(!model.contains_key(member)));
            }
        }
    }
    packed.check();
    ranked.check();
    let pairs = in_order(&model);
    assert!(packed.iter().map(|(member, score)| (member.to_vec(), score)).eq(pairs.iter().cloned()));
    assert!(ranked.iter().map(|(member, score)| (member.to_vec(), score)).eq(pairs.iter().cloned()));
    for (rank, (member, score)) in pairs.iter().enumerate() {
        assert_eq!(packed.rank(member), Some(rank));
        assert_eq!(ranked.rank_and_score(hasher.hash(member), member), Some((rank, *score)));
    }
}

/// Keys with deadlines, which a wheel keeps, and values of every kind.
pub fn dict(rng: &mut Rng) {
    let hasher = Hasher::new(rng.next_u64(), 1);
    let mut dict: Dict<String> = Dict::new(hasher);
    let mut model: HashMap<Vec<u8>, (Vec<u8>, Option<u64>)> = HashMap::new();
    let mut now = 1_700_000_000_000 + rng.below(1 << 34);
    for _ in 0..rng.below(2 * STEPS) {
        let key = string(rng);
        let hash = hasher.hash(&key);
        match rng.below(10) {
            0..5 => {
                let value = string(rng);
                let deadline = (rng.below(2) == 0).then(|| now + span(rng));
                let text = String::from_utf8_lossy(&value).into_owned();
                let is_boxed = rng.below(3) == 0 && text.as_bytes() == value;
                let new = if is_boxed { NewValue::Boxed(Box::new(text)) } else { NewValue::Bytes(&value) };
                let had = dict.set(hash, &key, new, deadline).is_some();
                assert_eq!(model.insert(key, (value, deadline)).is_some(), had);
            }
            5 | 6 => assert_eq!(dict.remove(hash, &key).is_some(), model.remove(&key).is_some()),
            7 => {
                if let Some(mut entry) = dict.get_mut(hash, &key) {
                    let deadline = (rng.below(3) > 0).then(|| now + span(rng));
                    entry.set_deadline(deadline);
                    model.get_mut(&key).expect("both have it").1 = deadline;
                }
            }
            8 => {
                now += span(rng);
                dict.advance(now, draw(rng, 50), &mut |key, _| {
                    let (_, deadline) = model.remove(key).expect("both have it");
                    assert!(deadline.is_some_and(|deadline| deadline <= now), "not due yet");
                });
            }
            _ => {
                let mut draws = || rng.next_u64();
                let drawn = dict.random(&mut draws).map(|entry| entry.key().to_vec());
                assert_eq!(drawn.is_some(), !model.is_empty());
                assert!(drawn.is_none_or(|key| model.contains_key(&key)));
            }
        }
    }
    dict.check();
    assert_eq!(dict.len(), model.len());
    for (key, (value, deadline)) in &model {
        let entry = dict.get(hasher.hash(key), key).expect("both have it");
        let held = match entry.value() {
            ValueRef::Unit => Vec::new(),
            ValueRef::Int(number) => number.to_string().into_bytes(),
            ValueRef::Bytes(bytes) => bytes.to_vec(),
            ValueRef::Blob(blob) => blob.to_vec(),
            ValueRef::Tagged(tagged) => tagged.bytes.to_vec(),
            ValueRef::Boxed(text) => text.as_bytes().to_vec(),
        };
        assert_eq!((&held, entry.deadline()), (value, *deadline));
    }
    let (mut cursor, mut seen) = (0, BTreeSet::new());
    loop {
        cursor = dict.scan(cursor, &mut |entry| {
            seen.insert(entry.key().to_vec());
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), model.len());
    while dict.advance(now + (1 << 37), 1000, &mut |_, _| {}) {}
    assert_eq!(dict.with_deadline(), 0);
}

pub fn intset(rng: &mut Rng) {
    let (mut set, mut model) = (IntSet::new(), BTreeSet::new());
    let shift = rng.below(64);
    for _ in 0..rng.below(STEPS) {
        let number = rng.next_u64() as i64 >> shift;
        if rng.below(3) == 0 {
            assert_eq!(set.remove(number), model.remove(&number));
        } else {
            assert_eq!(set.insert(number), model.insert(number));
        }
        assert_eq!(set.contains(number), model.contains(&number));
    }
    assert!(set.iter().eq(model.iter().copied()));
    let mut bytes = set.bytes().to_vec();
    damage(rng, &mut bytes);
    if let Ok(read) = IntSet::from_bytes(bytes) {
        let members: Vec<i64> = read.iter().collect();
        assert!(members.is_sorted_by(|one, other| one < other) && members.len() == read.len());
        assert!(members.iter().all(|member| read.contains(*member)));
    }
}

pub fn hyperloglog(rng: &mut Rng) {
    let sparse_max = draw(rng, 4000);
    let (mut value, mut dense) = (hll::create_sparse(), hll::create_sparse());
    hll::to_dense(&mut dense).expect("an empty one is whole");
    let most = 1 << rng.below(12);
    for _ in 0..rng.below(3 * STEPS) {
        let element = rng.below(most).to_string();
        let changed = hll::add(&mut value, element.as_bytes(), sparse_max).expect("it is whole");
        assert_eq!(hll::add_dense(&mut dense, element.as_bytes()), changed);
    }
    let counted = hll::count(&mut value).expect("it is whole").cardinality;
    assert_eq!(hll::count(&mut dense).expect("it is whole").cardinality, counted);
    damage(rng, &mut value);
    if hll::validate(&value).is_err() {
        return;
    }
    // It may be corrupted, which is an error, or only another one.
    let _ = hll::count(&mut value);
    let mut union = hll::Registers::new();
    let merged = union.merge_from(&value);
    hll::invalidate_cache(&mut value);
    assert_eq!(hll::count(&mut value).is_ok(), merged.is_ok());
    let _ = hll::add(&mut value, b"one more", sparse_max);
    if hll::validate(&value).is_ok() {
        let _ = hll::to_dense(&mut value);
    }
}

pub fn bitmaps(rng: &mut Rng) {
    let mut bytes = || -> Vec<u8> {
        let most = if rng.below(20) == 0 { 10_000 } else { 200 };
        let len = rng.below(most);
        let sparse = rng.below(3) == 0;
        (0..len).map(|_| if sparse && rng.below(50) > 0 { 0 } else { rng.below(256) as u8 }).collect()
    };
    let sources: Vec<Vec<u8>> = (0..4).map(|_| bytes()).collect();
    let bit = |bytes: &[u8], at: u64| bytes.get((at / 8) as usize).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1);
    let one = &sources[0];
    let len = one.len() as u64 * 8;
    let range = rng.below(len + 20)..rng.below(len + 40);
    let within = || (range.start..range.end.min(len)).filter(|&at| at < len);
    assert_eq!(bits::count_range(one, range.clone()), within().filter(|&at| bit(one, at)).count() as u64);
    for wanted in [false, true] {
        assert_eq!(bits::position(one, wanted, range.clone()), within().find(|&at| bit(one, at) == wanted));
    }
    let used = 1 + draw(rng, 4);
    let refs: Vec<&[u8]> = sources[..used].iter().map(Vec::as_slice).collect();
    let longest = refs.iter().map(|source| source.len()).max().unwrap_or(0);
    /// Whether the result has a bit, by how many sources have it, whether the first does, and how many there are.
    type Wanted = fn(usize, bool, usize) -> bool;
    let ops: [(bits::Op, Wanted); 7] = [
        (bits::Op::And, |ones, _, all| ones == all),
        (bits::Op::Or, |ones, _, _| ones > 0),
        (bits::Op::Xor, |ones, _, _| ones % 2 == 1),
        (bits::Op::Diff, |ones, first, _| first && ones == 1),
        (bits::Op::Diff1, |ones, first, _| !first && ones > 0),
        (bits::Op::AndOr, |ones, first, _| first && ones > 1),
        (bits::Op::One, |ones, _, _| ones == 1),
    ];
    for (op, wanted) in ops {
        // These combine two sources or more.
        if used == 1 && matches!(op, bits::Op::Diff | bits::Op::Diff1 | bits::Op::AndOr) {
            continue;
        }
        let mut dest = Vec::new();
        bits::op(&mut dest, &refs, op);
        assert_eq!(dest.len(), longest, "{op:?}");
        for at in 0..longest as u64 * 8 {
            let ones = refs.iter().filter(|source| bit(source, at)).count();
            assert_eq!(bit(&dest, at), wanted(ones, bit(refs[0], at), used), "{op:?} of {used} at bit {at}");
        }
    }
}

pub fn subsequence(rng: &mut Rng) {
    let letters = 1 + rng.below(5);
    let mut word = || -> Vec<u8> { (0..rng.below(80)).map(|_| b'a' + rng.below(letters) as u8).collect() };
    let (one, other) = (word(), word());
    let mut row = BTreeMap::new();
    for (at, byte) in one.iter().enumerate() {
        for (column, same) in other.iter().map(|letter| letter == byte).enumerate() {
            // What is left of the first column and above the first row is 0.
            let get = |at: usize, column: usize| row.get(&(at, column)).copied().unwrap_or(0);
            let best = if same { get(at, column) + 1 } else { get(at, column + 1).max(get(at + 1, column)) };
            row.insert((at + 1, column + 1), best);
        }
    }
    let wanted = row.get(&(one.len(), other.len())).copied().unwrap_or(0);
    assert_eq!(lcs::length(&one, &other), wanted);
    let found = Lcs::new(&one, &other);
    let common = found.string();
    assert_eq!((found.len(), common.len()), (wanted, wanted));
    for whole in [&one, &other] {
        let mut rest = whole.iter();
        assert!(common.iter().all(|byte| rest.any(|letter| letter == byte)), "a subsequence of both");
    }
}
