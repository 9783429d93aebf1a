//! A `Ranked` against a sorted vector and a map, with scores of every kind, members of hostile sizes and hashes that
//! collide.

use super::leaf::LEAF;
use super::*;
use crate::testing::Draws;
use std::collections::{BTreeMap, HashSet};

const STEPS: usize = if cfg!(miri) { 400 } else { 20_000 };

fn hasher(mask: u64) -> Hasher {
    let mut hasher = Hasher::new(3, 4);
    hasher.mask = mask;
    hasher
}

/// Kinds of scores; each strains the leaves' units in its own way.
fn score(draws: &mut Draws, kind: usize) -> f64 {
    let unit = draws.next() as f64 / u64::MAX as f64;
    match kind {
        0 => draws.below(100_000) as f64,
        1 => unit,
        2 => [0.0, -0.0, 1.0][draws.below(3)],
        3 => 1.7e12 + draws.below(1000) as f64 / 8.0,
        4 => {
            let any = f64::from_bits(draws.next());
            if any.is_nan() { f64::INFINITY.copysign(unit - 0.5) } else { any }
        }
        5 => f64::from_bits(1.5f64.to_bits() + draws.below(200) as u64),
        _ => {
            let kind = draws.below(6);
            score(draws, kind)
        }
    }
}

fn member(draws: &mut Draws) -> Vec<u8> {
    let number = draws.below(3_000);
    let mut member = number.to_string().into_bytes();
    let lengths = [0, 3, 12, 13, 243, 244, 245, 500, 1012, 1013, 1014, 4000];
    if number.is_multiple_of(5) {
        member.resize(member.len() + lengths[number % lengths.len()], b'.');
    }
    member
}

type Model = Vec<(f64, Vec<u8>)>;

fn sorted(model: &BTreeMap<Vec<u8>, f64>) -> Model {
    let mut pairs: Model = model.iter().map(|(member, score)| (*score, member.clone())).collect();
    pairs.sort_by(|a, b| a.partial_cmp(b).unwrap());
    pairs
}

fn assert_same(ranked: &Ranked, model: &BTreeMap<Vec<u8>, f64>, draws: &mut Draws, kind: usize) {
    ranked.check();
    let pairs = sorted(model);
    let bits = |score: f64, member: &[u8]| (score.to_bits(), member.to_vec());
    let wanted: Vec<_> = pairs.iter().map(|(score, member)| bits(*score, member)).collect();
    assert!(ranked.iter().map(|(member, score)| bits(score, member)).eq(wanted.iter().cloned()));
    assert!(ranked.iter().rev().map(|(member, score)| bits(score, member)).eq(wanted.iter().rev().cloned()));
    for _ in 0..20 {
        let (low, high) = (score(draws, kind), score(draws, kind));
        let count = |test: &dyn Fn(f64) -> bool| pairs.iter().filter(|pair| test(pair.0)).count();
        assert_eq!(ranked.first_of_score(Bound::Included(low)), count(&|score| score < low));
        assert_eq!(ranked.first_of_score(Bound::Excluded(low)), count(&|score| score <= low));
        let (min, max) = (Bound::Excluded(low), Bound::Included(high));
        assert_eq!(ranked.count_in(min, max), count(&|score| score > low && score <= high));
        let from = &pairs[count(&|score| score < low)..];
        assert!(ranked.from_score(Bound::Included(low)).map(|pair| pair.0).eq(from.iter().map(|pair| &pair.1[..])));
        let up_to = ranked.up_to_score(Bound::Excluded(low)).rev().map(|pair| pair.0);
        assert!(up_to.eq(pairs[..pairs.len() - from.len()].iter().rev().map(|pair| &pair.1[..])));
        let start = draws.below(pairs.len() + 2);
        let end = start + draws.below(300);
        let part = &pairs[start.min(pairs.len())..end.min(pairs.len())];
        assert!(ranked.range(start..end).map(|(member, _)| member).eq(part.iter().map(|pair| &pair.1[..])));
        let mut both = ranked.range(start..end);
        let mut left: std::collections::VecDeque<_> = part.iter().map(|pair| &pair.1[..]).collect();
        while !left.is_empty() {
            let (got, wanted) = match draws.below(3) {
                0 => (both.next(), left.pop_front()),
                1 => (both.next_back(), left.pop_back()),
                _ => {
                    let skip = draws.below(4);
                    left.drain(..skip.min(left.len()));
                    (both.nth(skip), left.pop_front())
                }
            };
            assert_eq!((got.map(|pair| pair.0), both.len()), (wanted, left.len()));
        }
        assert!(both.next().is_none() && both.next_back().is_none());
        assert_eq!(ranked.by_rank(start).map(|pair| pair.0), pairs.get(start).map(|pair| &pair.1[..]));
    }
}

fn step(ranked: &mut Ranked, model: &mut BTreeMap<Vec<u8>, f64>, draws: &mut Draws, kind: usize, removals: usize) {
    let member = member(draws);
    let hash = ranked.hasher().hash(&member);
    let old = model.get(&member).copied();
    match draws.below(10 + removals) {
        0..6 => {
            let score = score(draws, kind);
            let wanted = match old {
                Some(old) if old == score => Change::Same,
                Some(old) => Change::Updated(old),
                None => Change::Inserted,
            };
            assert_eq!(ranked.insert(hash, &member, score), wanted);
            if wanted != Change::Same {
                model.insert(member, score);
            }
        }
        6 => {
            // A small step, which often stays in the leaf.
            let change = ranked.upsert(hash, &member, |old| old.map(|old| old + 3.0).filter(|new| !new.is_nan()));
            if let (Change::Updated(_), Some(old)) = (change, old) {
                model.insert(member, old + 3.0);
            }
        }
        7 => {
            assert_eq!(ranked.score(hash, &member).map(f64::to_bits), old.map(f64::to_bits));
            assert_eq!(ranked.contains(hash, &member), old.is_some());
        }
        8 if draws.below(20) == 0 => {
            let pairs = sorted(model);
            assert_eq!(ranked.rank(hash, &member), pairs.iter().position(|pair| pair.1 == member));
            let popped = if draws.below(2) == 0 { ranked.pop_first() } else { ranked.pop_last() };
            if let Some((member, score)) = popped {
                assert!([pairs.first(), pairs.last()].contains(&Some(&(score, member.clone()))));
                model.remove(&member);
            }
        }
        9 if draws.below(50) == 0 => {
            let start = draws.below(model.len() + 1);
            let ranks = start..start + draws.below(150);
            let gone: Model = sorted(model).into_iter().skip(start).take(ranks.len()).collect();
            let mut seen = Model::new();
            ranked.remove_range_by_rank(ranks, &mut |member, score| seen.push((score, member.to_vec())));
            assert_eq!(seen, gone);
            gone.iter().for_each(|pair| assert!(model.remove(&pair.1).is_some()));
        }
        _ => assert_eq!(ranked.remove(hash, &member), model.remove(&member)),
    }
    assert_eq!(ranked.len(), model.len());
}

#[test]
fn agrees_with_a_model() {
    for kind in 0..7 {
        let mask = if kind == 6 { 0x0f00_0000_0000_00ff } else { u64::MAX };
        let mut draws = Draws(kind as u64);
        let mut ranked = Ranked::new(hasher(mask));
        let mut model = BTreeMap::new();
        for phase in 0..6 {
            let removals = [0, 1, 12][phase % 3];
            for _ in 0..STEPS / 12 {
                step(&mut ranked, &mut model, &mut draws, kind, removals);
            }
            assert_same(&ranked, &model, &mut draws, kind);
        }
        for name in model.into_keys() {
            let hash = ranked.hasher().hash(&name);
            assert!(ranked.remove(hash, &name).is_some());
        }
        ranked.check();
        assert!(ranked.is_empty() && ranked.memory() < 8_000, "{}", ranked.memory());
    }
}

#[test]
fn members_of_one_score_are_found_by_their_bytes() {
    let mut ranked = Ranked::new(hasher(u64::MAX));
    let count: usize = if cfg!(miri) { 300 } else { 5_000 };
    let names: Vec<String> = (0..count).map(|number| format!("{:05}", number * 2)).collect();
    for name in names.iter().step_by(2).chain(names.iter().skip(1).step_by(2)) {
        ranked.insert(ranked.hasher().hash(name.as_bytes()), name.as_bytes(), 7.0);
    }
    ranked.check();
    for number in 0..count * 2 {
        let name = format!("{number:05}");
        let below = number.div_ceil(2);
        assert_eq!(ranked.first_of_lex(Bound::Included(name.as_bytes())), below);
        assert_eq!(ranked.first_of_lex(Bound::Excluded(name.as_bytes())), number / 2 + 1);
        let rank = ranked.rank(ranked.hasher().hash(name.as_bytes()), name.as_bytes());
        assert_eq!(rank, number.is_multiple_of(2).then_some(number / 2));
    }
    let inside = ranked.ranks_of_lex(Bound::Excluded(b"00010"), Bound::Included(b"00020"));
    assert_eq!(inside, 6..11);
    assert_eq!(ranked.ranks_of_lex(Bound::Included(b"00020"), Bound::Included(b"00010")).len(), 0);
}

#[test]
fn rising_and_falling_scores_fill_their_leaves() {
    let count = if cfg!(miri) { 500 } else { 30_000 };
    for sign in [1.0, -1.0] {
        let mut ranked = Ranked::new(hasher(u64::MAX));
        for number in 0..count {
            let name = number.to_string();
            ranked.insert(ranked.hasher().hash(name.as_bytes()), name.as_bytes(), f64::from(number) * sign);
        }
        ranked.check();
        let leaves = (count as usize).div_ceil(LEAF);
        assert!(
            ranked.tree.bytes() <= leaves * size_of::<leaf::Leaf>() + (leaves / 25 + 1) * 2048,
            "{}",
            ranked.tree.bytes()
        );
    }
}

#[test]
fn a_tree_of_three_levels_grows_and_goes() {
    let count = if cfg!(miri) { 600 } else { 40_000 };
    let mut draws = Draws(77);
    let mut ranked = Ranked::new(hasher(u64::MAX));
    let mut names: Vec<[u8; 8]> = (0..count).map(|_| draws.next().to_be_bytes()).collect();
    for (at, name) in names.iter().enumerate() {
        let score = if at % 2 == 0 { draws.below(1 << 20) as f64 } else { draws.next() as f64 / 1e9 };
        ranked.insert(ranked.hasher().hash(name), name, score);
    }
    ranked.check();
    let order: Vec<Vec<u8>> = ranked.iter().map(|pair| pair.0.to_vec()).collect();
    for rank in (0..order.len()).step_by(97) {
        assert_eq!(ranked.rank(ranked.hasher().hash(&order[rank]), &order[rank]), Some(rank));
    }
    while !names.is_empty() {
        let name = names.swap_remove(draws.below(names.len()));
        assert!(ranked.remove(ranked.hasher().hash(&name), &name).is_some());
        if names.len().is_power_of_two() || names.len().is_multiple_of(10_000) {
            ranked.check();
        }
    }
    assert_eq!(ranked.tree.bytes(), size_of::<leaf::Leaf>());
}

#[test]
fn building_gives_the_same_set() {
    for kind in 0..7 {
        let mut draws = Draws(kind as u64 + 100);
        let mut builder = RankedBuilder::new(hasher(u64::MAX), 10);
        let mut model = BTreeMap::new();
        for _ in 0..STEPS / 8 {
            let (member, score) = (member(&mut draws), score(&mut draws, kind));
            let hash = hasher(u64::MAX).hash(&member);
            builder.upsert(hash, &member, |old| old.map_or(score, |old| old.max(score)));
            let old = model.get(&member).copied();
            model.insert(member, old.map_or(score, |old: f64| old.max(score)));
        }
        assert_eq!(builder.len(), model.len());
        let mut ranked = builder.finish();
        assert_same(&ranked, &model, &mut draws, kind);
        for _ in 0..STEPS / 20 {
            step(&mut ranked, &mut model, &mut draws, kind, 5);
        }
        assert_same(&ranked, &model, &mut draws, kind);
    }
    let empty = RankedBuilder::new(hasher(u64::MAX), 0).finish();
    empty.check();
    assert!(empty.pop_nothing());
}

impl Ranked {
    fn pop_nothing(mut self) -> bool {
        self.pop_first().is_none() && self.pop_last().is_none() && self.random(7).is_none()
    }
}

#[test]
fn a_zero_keeps_its_sign_and_infinities_are_ends() {
    let mut ranked = Ranked::new(hasher(u64::MAX));
    let mut put = |name: &str, score: f64| {
        let hash = ranked.hasher().hash(name.as_bytes());
        ranked.insert(hash, name.as_bytes(), score)
    };
    assert_eq!(put("b", -0.0), Change::Inserted);
    assert_eq!(put("b", 0.0), Change::Same);
    put("a", 0.0);
    put("y", f64::INFINITY);
    put("x", f64::NEG_INFINITY);
    put("m", f64::MIN_POSITIVE / 4.0);
    let order: Vec<_> = ranked.iter().map(|(member, score)| (member[0], score.to_bits())).collect();
    let bits =
        [(b'x', f64::NEG_INFINITY), (b'a', 0.0), (b'b', -0.0), (b'm', f64::MIN_POSITIVE / 4.0), (b'y', f64::INFINITY)];
    assert_eq!(order, bits.map(|(member, score)| (member, score.to_bits())));
    assert_eq!(ranked.count_in(Bound::Included(-0.0), Bound::Included(0.0)), 2);
    assert_eq!(ranked.count_in(Bound::Excluded(f64::NEG_INFINITY), Bound::Excluded(f64::INFINITY)), 3);
    assert_eq!(ranked.count_in(Bound::Included(1.0), Bound::Included(-1.0)), 0);
}

#[test]
fn a_scan_and_random_picks_reach_every_member() {
    let mut ranked = Ranked::new(hasher(u64::MAX));
    for number in 0..700u32 {
        let name = number.to_be_bytes();
        ranked.insert(ranked.hasher().hash(&name), &name, f64::from(number % 10));
    }
    let (mut seen, mut cursor) = (HashSet::new(), 0);
    loop {
        cursor = ranked.scan(cursor, &mut |member, score| {
            seen.insert((member.to_vec(), score.to_bits()));
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), 700);
    let mut draws = Draws(1);
    let picked: HashSet<_> = (0..10_000).filter_map(|_| ranked.random(draws.next())).map(|pair| pair.0).collect();
    assert_eq!(picked.len(), 700);
}
