//! How fast a `Dict` is, and what an entry costs: `cargo run --release --example dict_bench -- 1000000`.
//!
//! Prints nanoseconds for each operation over keys in random order, hashes computed before, alone and in batches of 16
//! with both prefetches; and the longest single set while growing. Small by default, so that it can run in every test
//! run.

use russet_structures::dict::{Dict, Hasher, NewValue, ValueRef};
use std::hint::black_box;
use std::time::Instant;

/// The server's allocator: others are much slower at memory aligned to 64 KiB.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const KEY: usize = 16;
const VALUE: usize = 64;
const BATCH: usize = 16;

struct Keys {
    bytes: Vec<u8>,
    hashes: Vec<u64>,
}

impl Keys {
    /// Numbers from `from` on, in a shuffled order.
    fn new(hasher: Hasher, from: usize, count: usize) -> Keys {
        let mut numbers: Vec<usize> = (from..from + count).collect();
        let mut state = 88_172_645_463_325_252u64;
        for last in (1..count).rev() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            numbers.swap(last, state as usize % (last + 1));
        }
        let mut bytes = Vec::with_capacity(count * KEY);
        for number in numbers {
            bytes.extend_from_slice(format!("key:{number:012}").as_bytes());
        }
        let hashes = bytes.chunks(KEY).map(|key| hasher.hash(key)).collect();
        Keys { bytes, hashes }
    }

    fn len(&self) -> usize {
        self.hashes.len()
    }

    fn at(&self, index: usize) -> (u64, &[u8]) {
        (self.hashes[index], &self.bytes[index * KEY..][..KEY])
    }
}

type Bench = Dict<()>;

fn report(what: &str, count: usize, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    let each = start.elapsed().as_nanos() as f64 / count as f64;
    println!("{what:<34} {each:8.1} ns");
}

/// Runs `each` over all keys, in batches whose buckets, then entries are asked for first.
fn batched(dict: &mut Bench, keys: &Keys, mut each: impl FnMut(&mut Bench, u64, &[u8])) {
    let mut start = 0;
    while start < keys.len() {
        let end = (start + BATCH).min(keys.len());
        for &hash in &keys.hashes[start..end] {
            dict.prefetch_bucket(hash);
        }
        for &hash in &keys.hashes[start..end] {
            dict.prefetch_entry(hash, 64);
        }
        for index in start..end {
            let (hash, key) = keys.at(index);
            each(dict, hash, key);
        }
        start = end;
    }
}

fn plainly(dict: &mut Bench, keys: &Keys, mut each: impl FnMut(&mut Bench, u64, &[u8])) {
    for index in 0..keys.len() {
        let (hash, key) = keys.at(index);
        each(dict, hash, key);
    }
}

fn read(dict: &mut Bench, hash: u64, key: &[u8]) {
    if let Some(entry) = dict.get_touch(hash, key, 1)
        && let ValueRef::Bytes(bytes) = entry.value()
    {
        black_box(bytes[0]);
    }
}

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(20_000);
    let hasher = Hasher::new(1, 2);
    let (keys, others) = (Keys::new(hasher, 0, count), Keys::new(hasher, count, count));
    let mut dict: Bench = Dict::new(hasher);
    let value = [b'v'; VALUE];
    println!("{count} entries, key {KEY}, value {VALUE}");
    report("hash alone", count, || {
        for index in 0..count {
            black_box(hasher.hash(black_box(keys.at(index).1)));
        }
    });
    report("set new", count, || {
        plainly(&mut dict, &keys, |dict, hash, key| {
            dict.set(hash, key, NewValue::Bytes(&value), None);
        });
    });
    let per_entry = dict.memory() as f64 / count as f64;
    println!("{:<34} {per_entry:8.1} bytes", "memory for each");
    println!("{:?}", dict.stats());
    report("get hit", count, || plainly(&mut dict, &keys, read));
    report("get hit, batches", count, || batched(&mut dict, &keys, read));
    report("get miss", count, || plainly(&mut dict, &others, read));
    report("get miss, batches", count, || batched(&mut dict, &others, read));
    let write = |dict: &mut Bench, hash: u64, key: &[u8]| {
        dict.set(hash, key, NewValue::Bytes(&value), None);
    };
    report("set over", count, || plainly(&mut dict, &keys, write));
    report("set over, batches", count, || batched(&mut dict, &keys, write));
    let mut state = 1u64;
    report("random", count, || {
        for _ in 0..count {
            black_box(dict.random(&mut || {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                state ^ state >> 29
            }));
        }
    });
    report("scan", count, || {
        let mut cursor = 0;
        let mut seen = 0;
        loop {
            cursor = dict.scan(cursor, &mut |_| seen += 1);
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen, count);
    });
    let remove = |dict: &mut Bench, hash: u64, key: &[u8]| drop(dict.remove(hash, key));
    report("remove", count, || plainly(&mut dict, &keys, remove));
    report("set new, batches", count, || batched(&mut dict, &keys, write));
    report("remove, batches", count, || batched(&mut dict, &keys, remove));
    with_deadlines(&keys, &value);
    longest(&keys, &value);
}

fn with_deadlines(keys: &Keys, value: &[u8]) {
    let mut dict: Bench = Dict::new(Hasher::new(1, 2));
    dict.advance(1_000_000, 0, &mut |_, _| {});
    let set = |dict: &mut Bench, hash: u64, key: &[u8]| {
        let deadline = Some(2_000_000 + hash % 3_600_000);
        dict.set(hash, key, NewValue::Bytes(value), deadline);
    };
    report("set new, deadline", keys.len(), || plainly(&mut dict, keys, set));
    let per_entry = dict.memory() as f64 / keys.len() as f64;
    println!("{:<34} {per_entry:8.1} bytes", "memory for each");
    report("set over, deadline", keys.len(), || plainly(&mut dict, keys, set));
    report("expire", keys.len(), || while dict.advance(9_000_000, 1_000, &mut |_, _| {}) {});
    assert!(dict.is_empty());
}

/// The longest single operations: the machine's own pauses are in them, so the worst few are shown.
fn longest(keys: &Keys, value: &[u8]) {
    let mut dict: Bench = Dict::new(Hasher::new(1, 2));
    for what in ["set new", "remove"] {
        let mut times: Vec<u64> = Vec::with_capacity(keys.len());
        for index in 0..keys.len() {
            let (hash, key) = keys.at(index);
            let start = Instant::now();
            if what == "remove" {
                dict.remove(hash, key);
            } else {
                dict.set(hash, key, NewValue::Bytes(value), None);
            }
            times.push(start.elapsed().as_nanos() as u64);
        }
        times.sort_unstable();
        let from_end = |n: usize| times[times.len() - 1 - n.min(times.len() - 1)];
        println!(
            "{what}, longest: {} {} {} ns; 99.9%: {} ns",
            from_end(0),
            from_end(1),
            from_end(10),
            from_end(times.len() / 1000)
        );
    }
}
