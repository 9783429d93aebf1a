//! The sorted set against a sorted vector, in both forms.

use super::*;
use base::rng::Rng;
use std::collections::BTreeMap;
use std::ops::RangeBounds;

fn hasher() -> Hasher {
    Hasher::new(1, 2)
}

/// What a sorted set should be.
#[derive(Default)]
struct Model {
    scores: BTreeMap<Vec<u8>, f64>,
}

impl Model {
    fn sorted(&self) -> Vec<(Vec<u8>, f64)> {
        let mut all: Vec<_> = self.scores.iter().map(|(member, score)| (member.clone(), *score)).collect();
        all.sort_by(|a, b| a.1.partial_cmp(&b.1).unwrap().then_with(|| a.0.cmp(&b.0)));
        all
    }
}

fn member(rng: &mut Rng, members: u64) -> Vec<u8> {
    match rng.below(4) {
        0 => rng.below(members).to_string().into_bytes(),
        1 => vec![b'x'; rng.below(members.min(70)) as usize],
        _ => format!("member:{}", rng.below(members)).into_bytes(),
    }
}

fn score(rng: &mut Rng) -> f64 {
    match rng.below(8) {
        0 => f64::INFINITY,
        1 => f64::NEG_INFINITY,
        2 => -0.0,
        3 => rng.below(1000) as f64 / 7.0,
        4 => f64::from_bits(rng.next_u64() >> 2),
        _ => rng.below(20) as f64 - 10.0,
    }
}

fn bound(rng: &mut Rng, score: f64) -> Bound<f64> {
    match rng.below(4) {
        0 => Bound::Unbounded,
        1 => Bound::Excluded(score),
        _ => Bound::Included(score),
    }
}

fn owned(iter: impl Iterator<Item = (Vec<u8>, f64)>) -> Vec<(Vec<u8>, f64)> {
    iter.collect()
}

fn read(set: &SortedSet, ranks: Range<usize>) -> Vec<(Vec<u8>, f64)> {
    owned(set.range(ranks).map(|(member, score)| (member.to_vec(), score)))
}

fn compare(set: &SortedSet, model: &Model, rng: &mut Rng) {
    set.check();
    let sorted = model.sorted();
    assert_eq!(set.len(), sorted.len());
    assert_eq!(read(set, 0..set.len()), sorted);
    let start = rng.below(sorted.len() as u64 + 1) as usize;
    let end = start + rng.below((sorted.len() - start) as u64 + 1) as usize;
    assert_eq!(read(set, start..end), sorted[start..end]);
    let backwards = owned(set.range(start..end).rev().map(|(member, score)| (member.to_vec(), score)));
    assert!(backwards.iter().rev().eq(&sorted[start..end]));
    let (low, high) = (score(rng), score(rng));
    let (min, max) = (bound(rng, low), bound(rng, high));
    let expected: Vec<_> = sorted.iter().filter(|(_, score)| (min, max).contains(score)).cloned().collect();
    let found = read(set, set.ranks_of_scores(min, max));
    assert_eq!(found, if low <= high || expected.len() == found.len() { expected } else { Vec::new() });
    let from: Vec<_> = set.from_score(min).map(|(member, _)| member.to_vec()).collect();
    let up_to: Vec<_> = set.up_to_score(max).map(|(member, _)| member.to_vec()).collect();
    assert!(from.iter().eq(sorted[set.first_of_score(min)..].iter().map(|(member, _)| member)));
    let not_above = sorted.iter().filter(|(_, score)| (Bound::Unbounded, max).contains(score));
    assert!(up_to.iter().eq(not_above.map(|(member, _)| member)));
}

fn run(limits: Limits, members: u64, seed: u64) {
    let mut rng = Rng::seed(seed);
    let mut set = SortedSet::new(hasher(), limits, 1, 1);
    let mut model = Model::default();
    for step in 0..1500 {
        let name = member(&mut rng, members);
        match rng.below(10) {
            0 | 1 => assert_eq!(set.remove(&name), model.scores.remove(&name)),
            2 if !set.is_empty() => {
                let start = rng.below(set.len() as u64) as usize;
                let end = (start + rng.below(4) as usize).min(set.len());
                let mut gone = Vec::new();
                set.remove_ranks(start..end, &mut |member, score| gone.push((member.to_vec(), score)));
                assert_eq!(gone, model.sorted()[start..end]);
                for (member, _) in &gone {
                    model.scores.remove(member);
                }
            }
            _ => {
                let score = score(&mut rng);
                let old = model.scores.get(&name).copied();
                let change = set.insert((hasher(), limits), &name, score);
                match old {
                    Some(old) if old == score => assert_eq!(change, Change::Same),
                    Some(old) => assert_eq!(change, Change::Updated(old)),
                    None => assert_eq!(change, Change::Inserted),
                }
                if old != Some(score) {
                    model.scores.insert(name.clone(), score);
                }
            }
        }
        assert_eq!(set.score(&name), model.scores.get(&name).copied());
        let rank = model.sorted().iter().position(|(member, _)| *member == name);
        assert_eq!(set.rank_and_score(&name).map(|(rank, _)| rank), rank);
        if step % 50 == 0 {
            compare(&set, &model, &mut rng);
        }
    }
    compare(&set, &model, &mut rng);
    let mut builder = Builder::new(hasher(), set.len());
    let all = set.iter();
    all.for_each(|(member, score)| builder.upsert(&member.to_vec(), |old| old.map_or(score, |_| unreachable!())));
    compare(&builder.finish(limits), &model, &mut rng);
    compare(&set.clone(), &model, &mut rng);
}

#[test]
fn both_forms_agree_with_a_sorted_vector() {
    for seed in 0..4 {
        run(Limits { entries: 1000, value: 1000 }, 40, seed);
        run(Limits { entries: 30, value: 20 }, 300, seed);
        run(Limits { entries: 0, value: 64 }, 300, seed);
    }
}

#[test]
fn the_form_follows_the_limits() {
    let limits = Limits { entries: 3, value: 5 };
    let mut set = SortedSet::new(hasher(), limits, 3, 5);
    for (name, encoding) in [("a", "listpack"), ("b", "listpack"), ("12345", "listpack"), ("d", "skiplist")] {
        set.insert((hasher(), limits), name.as_bytes(), 1.0);
        assert_eq!(set.encoding_name(), encoding, "{name}");
    }
    set.remove(b"d");
    assert_eq!(set.encoding_name(), "skiplist");
    let mut set = SortedSet::new(hasher(), limits, 1, 1);
    set.insert((hasher(), limits), b"123456", 1.0);
    assert_eq!(set.encoding_name(), "skiplist");
    assert_eq!(SortedSet::new(hasher(), limits, 4, 1).encoding_name(), "skiplist");
    assert_eq!(SortedSet::new(hasher(), limits, 1, 6).encoding_name(), "skiplist");
}

#[test]
fn only_the_large_form_keeps_a_negative_zero() {
    for (entries, negative) in [(128, false), (0, true)] {
        let limits = Limits { entries, value: 64 };
        let mut set = SortedSet::new(hasher(), limits, 1, 1);
        set.insert((hasher(), limits), b"a", -0.0);
        assert_eq!(set.score(b"a").unwrap().is_sign_negative(), negative);
    }
}

#[test]
fn lexical_ranges_are_those_of_the_bytes() {
    for entries in [0, 100] {
        let limits = Limits { entries, value: 64 };
        let mut set = SortedSet::new(hasher(), limits, 1, 1);
        for name in ["a", "aa", "b", "10", "9", ""] {
            set.insert((hasher(), limits), name.as_bytes(), 0.0);
        }
        let names = |ranks| read(&set, ranks).into_iter().map(|(name, _)| String::from_utf8(name).unwrap());
        for backwards in [false, true] {
            let all = set.ranks_of_lex(Lex::First, Lex::Last, backwards, 0);
            assert_eq!(names(all).collect::<Vec<_>>(), ["", "10", "9", "a", "aa", "b"]);
            let some = set.ranks_of_lex(Lex::Excluded(b"10"), Lex::Included(b"aa"), backwards, 0);
            assert_eq!(names(some).collect::<Vec<_>>(), ["9", "a", "aa"]);
            let some = set.ranks_of_lex(Lex::Included(b"10"), Lex::Excluded(b"aa"), backwards, 0);
            assert_eq!(names(some).collect::<Vec<_>>(), ["10", "9", "a"]);
            assert!(set.ranks_of_lex(Lex::Included(b"b"), Lex::Excluded(b"a"), backwards, 0).is_empty());
            assert!(set.ranks_of_lex(Lex::Excluded(b"a"), Lex::Excluded(b"aa"), backwards, 0).is_empty());
            assert!(set.ranks_of_lex(Lex::Last, Lex::First, backwards, 0).is_empty());
        }
    }
}

#[test]
fn a_walk_backwards_starts_where_the_form_lets_it() {
    for (entries, found) in [(0, 0..2), (100, 0..4)] {
        let limits = Limits { entries, value: 64 };
        let mut set = SortedSet::new(hasher(), limits, 1, 1);
        for (name, score) in [("a", 0.0), ("b", 0.0), ("x", 0.0), ("0", 1.0)] {
            set.insert((hasher(), limits), name.as_bytes(), score);
        }
        assert_eq!(set.ranks_of_lex(Lex::First, Lex::Included(b"b"), true, 0), found);
    }
}
