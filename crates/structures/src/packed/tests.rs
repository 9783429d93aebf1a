//! Packed sequences against models of the standard library, with elements of hostile sizes.

use super::*;
use crate::ranked::Change;
use crate::testing::Draws;
use std::collections::BTreeMap;
use std::ops::Bound;

fn string(draws: &mut Draws) -> Vec<u8> {
    match draws.below(8) {
        0 => (draws.next() as i64 >> draws.below(64)).to_string().into_bytes(),
        1 => draws.below(300).to_string().into_bytes(),
        2 => vec![draws.next() as u8; [0, 1, 110, 111, 112, 113, 255, 256, 65_535, 65_536][draws.below(10)]],
        3 => b"-0 007 +1 1e3 9223372036854775808 -9223372036854775809 -"
            .split(|&b| b == b' ')
            .nth(draws.below(7))
            .unwrap()
            .to_vec(),
        _ => (0..draws.below(20)).map(|_| draws.next() as u8).collect(),
    }
}

const STEPS: usize = if cfg!(miri) { 200 } else { 6_000 };

fn strings(packed: &Packed) -> Vec<Vec<u8>> {
    packed.iter().map(|element| element.to_vec()).collect()
}

#[test]
fn agrees_with_a_vector() {
    for seed in 0..4 {
        let mut draws = Draws(seed);
        let (mut packed, mut model) = (Packed::new(), Vec::<Vec<u8>>::new());
        for step in 0..STEPS {
            let string = string(&mut draws);
            let element = PackedElement::of(&string);
            let place = draws.below(model.len() + 1);
            match draws.below(if model.len() > 60 { 14 } else { 11 }) {
                0..2 => {
                    packed.push_front(element);
                    model.insert(0, string);
                }
                2..4 => {
                    packed.push_back(element);
                    model.push(string);
                }
                4..6 => {
                    packed.insert_at(place, element);
                    model.insert(place, string);
                }
                6 if place < model.len() => {
                    let at = packed.seek(place).unwrap();
                    let at = packed.replace(at, element);
                    assert_eq!(packed.at(at), Some(element));
                    model[place] = string;
                }
                7 => {
                    let found = packed.find(&string).map(|at| packed.at(at).unwrap().to_vec());
                    assert_eq!(found.as_ref(), model.iter().find(|found| **found == string));
                    assert_eq!(packed.get(place).map(|found| found.to_vec()), model.get(place).cloned());
                }
                8 => {
                    let tail = packed.split_off(place);
                    assert_eq!(strings(&tail), model[place..]);
                    packed.append(&tail);
                    packed.shrink();
                }
                9 => {
                    assert_eq!(Packed::from_bytes(packed.as_bytes().to_vec()), Ok(packed.clone()));
                }
                _ => {
                    let count = draws.below(8).min(model.len() - place);
                    packed.remove_range(place, count);
                    model.drain(place..place + count);
                }
            }
            assert_eq!(packed.len(), model.len());
            if step % 16 == 0 {
                packed.check();
                assert_eq!(strings(&packed), model);
                let back: Vec<_> = packed.iter().rev().map(|element| element.to_vec()).collect();
                assert!(back.iter().rev().eq(&model));
            }
        }
    }
}

#[test]
fn a_queue_of_few_elements_does_not_grow() {
    let mut packed = Packed::new();
    for number in 0..10_000 {
        packed.push_back(PackedElement::Int(number));
        packed.push_back(PackedElement::Bytes(b"element"));
        if number >= 4 {
            packed.remove(packed.front(), 2);
        }
        assert!(packed.memory() <= CAPACITY_MIN);
    }
    for _ in 0..10_000 {
        packed.push_front(PackedElement::Bytes(b"element"));
        packed.remove_range(packed.len() - 1, 1);
    }
    assert!(packed.memory() <= 256, "{}", packed.memory());
}

#[test]
fn short_elements_cost_two_bytes_at_most() {
    for (string, cost) in [("", 2), ("hello", 2), ("0", 0), ("127", -2), ("-1", 1), ("1000", 0), ("1234567890", -4)] {
        let mut packed = Packed::new();
        packed.push_back(PackedElement::of(string.as_bytes()));
        assert_eq!(packed.byte_len() as i64, string.len() as i64 + cost, "{string}");
    }
}

/// Sizes as seen in DUMP's payload of a hash in Redis 8.2.3.
#[test]
fn listpack_bytes_are_those_of_redis() {
    let cases = [("0", 2), ("127", 2), ("128", 3), ("-1", 3), ("4095", 3), ("-4096", 3), ("4096", 4), ("32767", 4)];
    for (string, bytes) in cases.into_iter().chain([("32768", 5), ("8388608", 6), ("2147483648", 10), ("", 2)]) {
        assert_eq!(PackedElement::of(string.as_bytes()).listpack_bytes(), bytes, "{string}");
    }
    for (len, bytes) in
        [(63, 65), (64, 67), (125, 128), (126, 130), (4095, 4099), (4096, 4103), (16_377, 16_384), (16_378, 16_386)]
    {
        assert_eq!(PackedElement::Bytes(&vec![b'x'; len]).listpack_bytes(), bytes, "{len}");
    }
    let mut packed = Packed::new();
    assert_eq!(packed.listpack_bytes(), 7);
    packed.push_back(PackedElement::Int(1 << 40));
    assert!(packed.listpack_bytes_exceed(16) && !packed.listpack_bytes_exceed(17));
}

#[test]
fn damaged_bytes_are_refused() {
    for bytes in
        [&b"\x02ab"[..], b"\x02ab\x03", b"\x7a", b"\x79\xff\xff\xff\xff", b"\x78\x01\0a\x01\0\x78", b"\x70\x05\x70"]
    {
        assert_eq!(Packed::from_bytes(bytes.to_vec()), Err(Corrupted), "{bytes:?}");
    }
}

#[test]
fn fields_are_found_and_values_are_not() {
    let mut map = Packed::new();
    for string in ["b", "a", "a", "7"] {
        map.push_back(PackedElement::of(string.as_bytes()));
    }
    let (_, value) = map.find_field(b"a").unwrap();
    assert_eq!(map.at(value), Some(PackedElement::Int(7)));
    assert_eq!(map.find_field(b"7"), None);
    let pairs: Vec<_> = map.pairs().rev().map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
    assert_eq!(pairs, [(b"a".to_vec(), b"7".to_vec()), (b"b".to_vec(), b"a".to_vec())]);
}

#[test]
fn pairs_stay_in_order() {
    let mut draws = Draws(5);
    let (mut set, mut model) = (PackedRanked::new(), BTreeMap::<Vec<u8>, f64>::new());
    let scores =
        [0.0, -0.0, 1.0, -1.0, 1.5, 0.1, f64::INFINITY, f64::NEG_INFINITY, 1e300, 9_007_199_254_740_994.0, 3e9];
    for _ in 0..STEPS / 4 {
        let member = draws.below(40).to_string().into_bytes();
        let score = scores[draws.below(scores.len())];
        if draws.below(3) == 0 {
            assert_eq!(set.remove(&member), model.remove(&member));
        } else {
            let expected = match model.get(&member) {
                Some(&old) if old == score => Change::Same,
                Some(&old) => Change::Updated(old),
                None => Change::Inserted,
            };
            assert_eq!(set.insert(&member, score), expected);
            if expected != Change::Same {
                model.insert(member.clone(), score);
            }
        }
        set.check();
        let mut sorted: Vec<_> = model.iter().map(|(member, score)| (*score, member.clone())).collect();
        sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert!(set.iter().map(|(member, score)| (score, member.to_vec())).eq(sorted.iter().cloned()));
        assert!(set.iter().rev().map(|(member, score)| (score, member.to_vec())).eq(sorted.iter().rev().cloned()));
        assert_eq!(set.rank(&member), sorted.iter().position(|pair| pair.1 == member));
        let above = sorted.iter().filter(|pair| pair.0 <= score).count();
        let below = sorted.iter().filter(|pair| pair.0 < score).count();
        assert_eq!(set.first_of_score(Bound::Excluded(score)), above);
        assert_eq!(set.first_of_score(Bound::Included(score)), below);
        let (low, high) = (below.min(3), set.len().min(5));
        if set.len() > 30 && low <= high {
            set.remove_range_by_rank(low..high);
            sorted.drain(low..high).for_each(|pair| assert!(model.remove(&pair.1).is_some()));
        }
    }
    let mut zero = PackedRanked::new();
    zero.insert(b"m", -0.0);
    assert!(zero.score(b"m").unwrap().is_sign_negative() && zero.by_rank(1).is_none());
}
