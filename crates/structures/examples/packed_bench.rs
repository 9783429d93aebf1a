//! Speed of the packed structures: lists, blocks, small sorted sets, integer sets.
//!
//! `cargo xtask bench packed` prints nanoseconds for each operation. With an argument it makes so many rounds (1 for a
//! smoke run).

use russet_structures::blocks::{BlockLimit, Blocks, End};
use russet_structures::intset::IntSet;
use russet_structures::packed::{Packed, PackedElement, PackedRanked};
use std::hint::black_box;
use std::time::Instant;

const ELEMENTS: usize = 100;
const LONG: usize = 100_000;

/// Prints the least time of an operation over all rounds; each round makes `operations` of them.
fn measure(name: &str, rounds: usize, operations: usize, mut round: impl FnMut()) {
    let mut least = f64::MAX;
    for _ in 0..rounds {
        let start = Instant::now();
        round();
        least = least.min(start.elapsed().as_nanos() as f64 / operations as f64);
    }
    println!("{name:<44} {least:>9.1} ns");
}

fn element(number: usize) -> Vec<u8> {
    format!("element:{number:08}").into_bytes()
}

fn packed_lists(rounds: usize) {
    let elements: Vec<Vec<u8>> = (0..ELEMENTS).map(element).collect();
    let mut packed = Packed::new();
    measure("packed: push_back, 100 of 16 bytes", rounds, ELEMENTS, || {
        packed = Packed::new();
        elements.iter().for_each(|element| packed.push_back(PackedElement::of(element)));
    });
    measure("packed: find among 100", rounds, ELEMENTS, || {
        for element in &elements {
            black_box(packed.find(element));
        }
    });
    measure("packed: iterate", rounds, ELEMENTS, || {
        packed.iter().for_each(|element| {
            black_box(element);
        });
    });
    measure("packed: replace in place", rounds, ELEMENTS, || {
        for (at, element) in elements.iter().enumerate() {
            let at = packed.seek(at).expect("there are 100");
            packed.replace(at, PackedElement::of(element));
        }
    });
}

fn blocks(rounds: usize) {
    let limit = BlockLimit::from_config(-2);
    let elements: Vec<Vec<u8>> = (0..LONG).map(element).collect();
    let mut list = Blocks::new(limit);
    measure("blocks: push, 100,000 of 16 bytes", rounds, LONG, || {
        list = Blocks::new(limit);
        elements.iter().for_each(|element| list.push(End::Back, PackedElement::of(element)));
    });
    measure("blocks: get by index", rounds, 1000, || {
        for number in 0..1000 {
            black_box(list.get(number * 7919 % LONG));
        }
    });
    measure("blocks: insert in the middle", rounds, 1000, || {
        for element in &elements[..1000] {
            list.insert(LONG / 2, PackedElement::of(element));
        }
    });
    measure("blocks: pop and push, as a queue", rounds, 1000, || {
        for element in &elements[..1000] {
            list.pop(End::Front, |element| {
                black_box(element);
            });
            list.push(End::Back, PackedElement::of(element));
        }
    });
}

fn sorted_sets(rounds: usize) {
    let members: Vec<Vec<u8>> = (0..ELEMENTS).map(element).collect();
    let mut set = PackedRanked::new();
    measure("small sorted set: insert 100", rounds, ELEMENTS, || {
        set = PackedRanked::new();
        for (number, member) in members.iter().enumerate() {
            set.insert(member, (number * 37 % ELEMENTS) as f64);
        }
    });
    measure("small sorted set: rank among 100", rounds, ELEMENTS, || {
        for member in &members {
            black_box(set.rank(member));
        }
    });
}

fn integer_sets(rounds: usize) {
    const MEMBERS: i64 = 512;
    let mut set = IntSet::new();
    measure("integer set: insert 512", rounds, MEMBERS as usize, || {
        set = IntSet::new();
        for number in 0..MEMBERS {
            set.insert(number * 37 % MEMBERS * 1000);
        }
    });
    measure("integer set: contains among 512", rounds, MEMBERS as usize, || {
        for number in 0..MEMBERS {
            black_box(set.contains(number * 997));
        }
    });
}

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(50);
    packed_lists(rounds);
    blocks(rounds);
    sorted_sets(rounds);
    integer_sets(rounds);
}
