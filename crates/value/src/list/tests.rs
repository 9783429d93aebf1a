//! Lists against a deque, across both encodings, and the places where encodings change.

use super::*;
use std::collections::VecDeque;

/// SplitMix64: enough for tests, and seeded.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn string(&mut self) -> Vec<u8> {
        match self.below(3) {
            0 => self.below(30).to_string().into_bytes(),
            1 => vec![b'x'; self.below(40)],
            _ => vec![b'y'; self.below(3) * 1000],
        }
    }

    fn end(&mut self) -> End {
        if self.below(2) == 0 { End::Front } else { End::Back }
    }
}

fn assert_same(list: &List, model: &VecDeque<Vec<u8>>, at: usize) {
    list.check();
    assert_eq!(list.len(), model.len());
    assert!(list.iter_from(at).map(|element| element.to_vec()).eq(model.iter().skip(at).cloned()));
    let back = list.iter_back_from(at).map(|element| element.to_vec());
    assert!(back.eq(model.iter().take(at + 1).rev().cloned()));
}

#[test]
fn agrees_with_a_deque_in_either_encoding() {
    for (seed, size) in [-1, -2, 4, 128].into_iter().enumerate() {
        let limit = BlockLimit::from_config(size);
        let mut draws = Draws(seed as u64);
        let (mut list, mut model) = (List::new(), VecDeque::<Vec<u8>>::new());
        let mut changes_of_encoding = 0;
        for step in 0..6_000 {
            let encoding = list.encoding_name();
            let (string, end) = (draws.string(), draws.end());
            let at = draws.below(model.len() + 2);
            let grows = step / 500 % 2 == 0;
            match draws.below(if grows { 8 } else { 14 }) {
                0..4 => {
                    list.make_room(1, string.len(), limit);
                    list.push(end, &string);
                    if end == End::Front { model.push_front(string) } else { model.push_back(string) }
                }
                4 if at <= model.len() => {
                    list.make_room(1, string.len(), limit);
                    list.insert(at, &string);
                    model.insert(at, string);
                }
                5 if at < model.len() => {
                    list.make_room(1, string.len(), limit);
                    list.replace(at, &string);
                    model[at] = string;
                }
                6 => assert_eq!(list.position(&string), model.iter().position(|one| *one == string)),
                7 => {
                    let equal = model.iter().filter(|one| **one == string).count();
                    assert_eq!(list.remove_equal(end, &string, usize::MAX), equal);
                    model.retain(|one| *one != string);
                }
                8 => {
                    list.remove(at..at + 3);
                    let until = (at + 3).min(model.len());
                    model.drain(at.min(until)..until);
                }
                _ => {
                    let popped = list.pop(end, |element| element.to_vec());
                    assert_eq!(popped, if end == End::Front { model.pop_front() } else { model.pop_back() });
                }
            }
            list.shrink(limit);
            changes_of_encoding += usize::from(encoding != list.encoding_name());
            if step % 16 == 0 {
                assert_same(&list, &model, at);
            }
        }
        assert!(changes_of_encoding > 4, "{size}: {changes_of_encoding}");
    }
}

fn filled(element: &[u8], size: i64) -> (List, usize) {
    let limit = BlockLimit::from_config(size);
    let mut list = List::new();
    while list.encoding_name() == "listpack" {
        list.make_room(1, element.len(), limit);
        list.push(End::Back, element);
    }
    let count = list.len();
    (list, count)
}

#[test]
fn a_list_becomes_a_quicklist_where_it_does_in_redis() {
    // As observed on Redis 8.2.3, pushing one by one.
    let long = [b'x'; 200];
    for (size, element, count) in [
        (-2, &b"x"[..], 2730),
        (-2, b"xxxxxxxxxx", 683),
        (-2, &long[..64], 123),
        (-2, &long, 41),
        (-2, b"1", 4094),
        (-2, b"100", 4093),
        (-2, b"-5", 2729),
        (-2, b"5000", 2047),
        (-2, b"100000", 1637),
        (-2, b"99999999999", 819),
        (-2, b"", 4094),
        (-1, b"x", 1364),
        (4, b"x", 5),
        (128, &long[..63], 126),
        (128, b"5000", 129),
        (0, b"x", 2),
    ] {
        assert_eq!(filled(element, size).1, count, "{size} {}", element.len());
    }
}

#[test]
fn a_list_becomes_a_listpack_again_at_half_of_the_limit() {
    let long = [b'x'; 200];
    for (size, element, count) in
        [(-2, &b"xxxxxxxxxx"[..], 340), (-2, &long, 20), (4, b"x", 2), (128, &long[..64], 64), (0, b"x", 0)]
    {
        let (mut list, _) = filled(element, size);
        while list.encoding_name() == "quicklist" && !list.is_empty() {
            list.pop(End::Back, |_| ());
            list.shrink(BlockLimit::from_config(size));
        }
        assert_eq!(list.len(), count, "{size} {}", element.len());
    }
}
