//! `Blocks` against a `VecDeque`, with small limits so that splits, joins and groups come often.

use super::*;
use crate::testing::Draws;

fn string(draws: &mut Draws) -> Vec<u8> {
    match draws.below(12) {
        0 => vec![b'x'; [0, 100, 5_000, 20_000][draws.below(4)]],
        1..5 => (draws.below(20)).to_string().into_bytes(),
        _ => vec![b'y'; draws.below(60)],
    }
}

fn end(draws: &mut Draws) -> End {
    if draws.below(2) == 0 { End::Front } else { End::Back }
}

const STEPS: usize = if cfg!(miri) { 300 } else { 8_000 };

fn remove_equal_in_model(model: &mut VecDeque<Vec<u8>>, end: End, string: &[u8], most: usize) -> usize {
    let mut found: Vec<usize> = (0..model.len()).filter(|&at| model[at] == string).collect();
    if end == End::Back {
        found.reverse();
    }
    found.truncate(most);
    found.sort_unstable();
    found.iter().rev().for_each(|&at| drop(model.remove(at)));
    found.len()
}

fn step(list: &mut Blocks, model: &mut VecDeque<Vec<u8>>, draws: &mut Draws, removals: usize) {
    let (string, end) = (string(draws), end(draws));
    let element = PackedElement::of(&string);
    let index = draws.below(model.len() + 1);
    match draws.below(12 + removals) {
        0..4 => {
            list.push(end, element);
            match end {
                End::Front => model.push_front(string),
                End::Back => model.push_back(string),
            }
        }
        4..8 => {
            list.insert(index, element);
            model.insert(index, string);
        }
        8 if index < model.len() => {
            list.replace(index, element);
            model[index] = string;
        }
        9 if draws.below(20) == 0 => {
            let most = draws.below(9);
            assert_eq!(list.remove_equal(end, &string, most), remove_equal_in_model(model, end, &string, most));
        }
        10 => {
            let count = if draws.below(40) == 0 { 300 } else { draws.below(4) };
            list.remove(index..index + count);
            let high = (index + count).min(model.len());
            model.drain(index..high);
        }
        11 => assert_eq!(list.get(index).map(|found| found.to_vec()), model.get(index).cloned()),
        _ => {
            let popped = list.pop(end, |element| element.to_vec());
            let wanted = match end {
                End::Front => model.pop_front(),
                End::Back => model.pop_back(),
            };
            assert_eq!(popped, wanted);
        }
    }
    assert_eq!(list.len(), model.len());
}

fn assert_same(list: &Blocks, model: &VecDeque<Vec<u8>>, draws: &mut Draws) {
    list.check();
    let index = draws.below(model.len() + 2);
    assert!(list.iter_from(index).map(|element| element.to_vec()).eq(model.iter().skip(index).cloned()));
    let back = list.iter_back_from(index).map(|element| element.to_vec());
    assert!(back.eq(model.iter().take(index + 1).rev().cloned()));
    assert!(list.iter().map(|element| element.to_vec()).eq(model.iter().cloned()));
}

#[test]
fn agrees_with_a_deque() {
    for (seed, size) in [-1, -2, -5, 1, 2, 5, 1_000].into_iter().enumerate() {
        let mut draws = Draws(seed as u64);
        let mut list = Blocks::new(BlockLimit::from_config(size));
        let mut model = VecDeque::new();
        for phase in 0..4 {
            for count in 0..STEPS / 4 {
                step(&mut list, &mut model, &mut draws, [0, 14][phase % 2]);
                if count % 256 == 0 {
                    assert_same(&list, &model, &mut draws);
                }
            }
            assert_same(&list, &model, &mut draws);
        }
        list.remove(0..usize::MAX);
        list.check();
        assert!(list.is_empty() && list.bytes == 0 && list.iter().next().is_none());
        assert!(list.iter_back_from(3).next().is_none() && list.pop(End::Back, |_| ()).is_none());
    }
}

#[test]
fn full_groups_split_wherever_a_block_comes_in() {
    let mut draws = Draws(9);
    let mut list = Blocks::new(BlockLimit::from_config(2));
    let mut model = VecDeque::new();
    for number in 0..if cfg!(miri) { 400 } else { 6_000 } {
        let index = draws.below(model.len() + 1);
        let string = if number % 7 == 0 { vec![b'z'; 9_000] } else { vec![b'a'; 3] };
        list.insert(index, PackedElement::Bytes(&string));
        model.insert(index, string);
    }
    assert_same(&list, &model, &mut draws);
    assert!(list.groups.len() > 10 || cfg!(miri));
}

#[test]
fn limits_follow_the_option() {
    let bytes = |size| BlockLimit::from_config(size).bytes;
    assert_eq!([-1, -2, -3, -4, -5, i64::MIN].map(bytes), [4096, 8192, 16_384, 32_768, 65_536, 65_536]);
    assert_eq!(BlockLimit::from_config(128), BlockLimit { bytes: 8192, elements: 128 });
    assert_eq!(BlockLimit::from_config(0).elements, 1);
}

#[test]
fn short_elements_cost_little_more_than_their_bytes() {
    let count = if cfg!(miri) { 2_000 } else { 100_000 };
    for end in [End::Front, End::Back] {
        let mut list = Blocks::new(BlockLimit::from_config(-2));
        for number in 0..count {
            list.push(end, PackedElement::Bytes(format!("element:{number:08}").as_bytes()));
        }
        let each = list.memory() as f64 / count as f64;
        assert!(each < 19.5 || cfg!(miri), "{each}");
        let mut packed = Packed::new();
        list.iter().take(100).for_each(|element| packed.push_back(element));
        let again = Blocks::from_packed(packed.clone(), list.limit());
        assert_eq!(again.single_block(), Some(&packed));
        assert_eq!(Blocks::from_packed(packed, BlockLimit::from_config(10)).blocks(), 10);
    }
}
