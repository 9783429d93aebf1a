//! How fast the HyperLogLog, bitmap and LCS functions are. Prints the time of one operation of each kind.
//!
//! `cargo run --release -p russet-structures --example sketch_speed [milliseconds per line, 20 by default]`

use russet_structures::{bits, hll, lcs};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Repeats `work` for a while and returns the time of one round.
fn time(budget: Duration, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut rounds = 0u32;
    while start.elapsed() < budget {
        for _ in 0..16 {
            work();
        }
        rounds += 16;
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(rounds)
}

fn filled(elements: u64, dense: bool) -> Vec<u8> {
    let mut value = hll::create_sparse();
    if dense {
        hll::to_dense(&mut value).expect("an empty value is sound");
    }
    for element in 0..elements {
        hll::add(&mut value, &element.to_le_bytes(), 3000).expect("our own value is sound");
    }
    value
}

fn hyperloglog(budget: Duration) {
    let mut next = 0u64;
    let mut element = || {
        next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        next.to_le_bytes()
    };
    let mut dense = filled(100_000, true);
    let add = time(budget, || {
        black_box(hll::add_dense(&mut dense, &element()));
    });
    println!("hll add, dense                    {add:9.1} ns");
    for elements in [10, 100, 300, 1000] {
        let sparse = filled(elements, false);
        assert_eq!(hll::encoding(&sparse), hll::Encoding::Sparse);
        let mut value = sparse.clone();
        let mut rounds = 0;
        let add = time(budget, || {
            // Starting again now and then keeps the value near its size; the copy is a small part of the time.
            rounds += 1;
            if rounds % 32 == 0 {
                value.clone_from(&sparse);
            }
            black_box(hll::add(&mut value, &element(), 3000).expect("our own value is sound"));
        });
        println!("hll add, sparse of {elements:4} ({:4} B)  {add:9.1} ns", sparse.len());
        let count = time(budget, || {
            hll::invalidate_cache(&mut value);
            black_box(hll::count(&mut value).expect("our own value is sound"));
        });
        println!("hll count, sparse of {elements:4}         {count:9.1} ns");
    }
    let count = time(budget, || {
        hll::invalidate_cache(&mut dense);
        black_box(hll::count(&mut dense).expect("our own value is sound"));
    });
    println!("hll count, dense                  {count:9.1} ns");
    let mut union = hll::Registers::new();
    let merge = time(budget, || union.merge_from(black_box(&dense)).expect("our own value is sound"));
    println!("hll merge, dense                  {merge:9.1} ns");
    let count = time(budget, || {
        black_box(hll::count_registers(black_box(&union)));
    });
    println!("hll count of a union              {count:9.1} ns");
    let write = time(budget, || hll::write_dense(black_box(&mut dense), &union));
    println!("hll write dense                   {write:9.1} ns");
}

fn bitmaps(budget: Duration) {
    for size in [64, 4096, 1 << 20] {
        let bytes: Vec<u8> = (0..size).map(|at: usize| (at * 31) as u8).collect();
        let count = time(budget, || {
            black_box(bits::count(black_box(&bytes)));
        });
        println!("bit count, {size:7} B           {count:10.1} ns {:6.1} GB/s", size as f64 / count);
        let zeros = vec![0; size];
        let position = time(budget, || {
            black_box(bits::position(black_box(&zeros), true, 0..u64::MAX));
        });
        println!("bit position, {size:7} B        {position:10.1} ns {:6.1} GB/s", size as f64 / position);
        let mut dest = Vec::new();
        let both: [&[u8]; 2] = [&bytes, &zeros];
        let op = time(budget, || bits::op(black_box(&mut dest), &both, bits::Op::And));
        println!("bit op AND, 2 x {size:7} B      {op:10.1} ns {:6.1} GB/s", 2.0 * size as f64 / op);
        let op = time(budget, || bits::op(black_box(&mut dest), &both, bits::Op::One));
        println!("bit op ONE, 2 x {size:7} B      {op:10.1} ns {:6.1} GB/s", 2.0 * size as f64 / op);
    }
    let mut bytes = vec![0; 64];
    let field = bits::FieldType::new(true, 13).expect("13 bits are a width");
    let get_set = time(budget, || {
        let old = bits::field_get(black_box(&bytes), 77, field);
        let new = field.increment(old, 3, bits::Overflow::Wrap).expect("wrapping always fits");
        bits::field_set(&mut bytes, 77, field, new);
    });
    println!("bit field increment               {get_set:9.1} ns");
}

fn subsequences(budget: Duration) {
    let a: Vec<u8> = (0..1000u32).map(|at| b'a' + (at * at % 7) as u8).collect();
    let b: Vec<u8> = (0..1000u32).map(|at| b'a' + (at * 3 % 11) as u8).collect();
    let length = time(budget, || {
        black_box(lcs::length(black_box(&a), &b));
    });
    println!("lcs length, 1000 x 1000           {length:9.1} ns");
    let string = time(budget, || {
        black_box(lcs::Lcs::new(black_box(&a), &b).string());
    });
    println!("lcs string, 1000 x 1000           {string:9.1} ns");
}

fn main() {
    let millis = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(20);
    let budget = Duration::from_millis(millis);
    hyperloglog(budget);
    bitmaps(budget);
    subsequences(budget);
}
