//! How fast a `Ranked` is, and what a member costs: `cargo run --release --example ranked_bench -- 1000000`.
//!
//! Prints nanoseconds of the processor for each operation over members in random order, hashes computed before; and the
//! longest single operations. Small by default, so that it can run in every test run.

use russet_structures::hash::Hasher;
use russet_structures::ranked::{Ranked, RankedBuilder};
use std::hint::black_box;
use std::ops::Bound;
use std::sync::OnceLock;
use std::time::Instant;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const MEMBER: usize = 16;
const BATCH: usize = 16;

struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

struct Members {
    bytes: Vec<u8>,
    hashes: Vec<u64>,
}

impl Members {
    fn new(hasher: Hasher, count: usize) -> Members {
        let mut draws = Draws(88_172_645_463_325_252);
        let mut numbers: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            numbers.swap(last, draws.below(last + 1));
        }
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| format!("member:{number:09}").into_bytes()).collect();
        let hashes = bytes.chunks(MEMBER).map(|member| hasher.hash(member)).collect();
        Members { bytes, hashes }
    }

    fn at(&self, index: usize) -> (u64, &[u8]) {
        (self.hashes[index], &self.bytes[index * MEMBER..][..MEMBER])
    }
}

/// Nanoseconds that this process has run, so that others on the machine do not count; without Linux, since the first
/// call.
fn ran_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let scheduled = std::fs::read_to_string("/proc/self/schedstat").ok();
    let ran = scheduled.and_then(|text| text.split(' ').next()?.parse().ok());
    ran.unwrap_or_else(|| START.get_or_init(Instant::now).elapsed().as_nanos() as u64)
}

fn report<R>(what: &str, count: usize, run: impl FnOnce() -> R) -> R {
    let start = ran_ns();
    let result = run();
    let each = (ran_ns() - start) as f64 / count as f64;
    println!("{what:<34} {each:8.1} ns");
    result
}

fn see<T>(result: T) {
    black_box(result);
}

fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse().ok());
    pages.unwrap_or(0) * 4096
}

fn fill(ranked: &mut Ranked, members: &Members, scores: usize, worst: &mut [u32]) {
    let mut draws = Draws(7);
    for (index, took) in worst.iter_mut().enumerate() {
        let (hash, member) = members.at(index);
        let score = draws.below(scores) as f64;
        let start = Instant::now();
        ranked.insert(hash, member, score);
        *took = start.elapsed().as_nanos() as u32;
    }
    worst.sort_unstable();
    let from_end = |n: usize| worst[worst.len() - 1 - n.min(worst.len() - 1)];
    println!("longest insertions: {} {} {} {} ns", from_end(0), from_end(1), from_end(10), from_end(100));
}

fn reads(ranked: &Ranked, members: &Members, scores: usize) {
    let count = members.hashes.len();
    let mut draws = Draws(99);
    report("score", count, || (0..count).for_each(|index| see(ranked.score(members.at(index).0, members.at(index).1))));
    report("rank", count, || (0..count).for_each(|index| see(ranked.rank(members.at(index).0, members.at(index).1))));
    report("page of 10 by score", count, || {
        for _ in 0..count {
            ranked.from_score(Bound::Included(draws.below(scores) as f64)).take(10).for_each(see);
        }
    });
    report("page of 10 by rank", count, || {
        for _ in 0..count {
            let start = draws.below(count);
            ranked.range(start..start + 10).for_each(see);
        }
    });
    report("count between scores", count, || {
        for _ in 0..count {
            let min = draws.below(scores) as f64;
            black_box(ranked.count_in(Bound::Included(min), Bound::Included(min + 1000.0)));
        }
    });
    report("top 10", count, || {
        for _ in 0..count {
            black_box(ranked).iter().rev().take(10).for_each(see);
        }
    });
    report("walk, each", count, || ranked.iter().for_each(see));
}

fn writes(ranked: &mut Ranked, members: &Members, scores: usize) {
    let count = members.hashes.len();
    let mut draws = Draws(5);
    report("update to a random score", count, || {
        for index in 0..count {
            let (hash, member) = members.at(index);
            ranked.insert(hash, member, draws.below(scores) as f64);
        }
    });
    report("update, batches", count, || {
        for index in 0..count {
            if index % BATCH == 0 {
                let batch = index..(index + BATCH).min(count);
                batch.clone().for_each(|index| ranked.prefetch(members.at(index).0));
                batch.for_each(|index| ranked.prefetch_element(members.at(index).0));
            }
            let (hash, member) = members.at(index);
            ranked.insert(hash, member, draws.below(scores) as f64);
        }
    });
    report("add 1 to a score", count, || {
        for index in 0..count {
            let (hash, member) = members.at(index);
            ranked.upsert(hash, member, |old| Some(old.unwrap_or(0.0) + 1.0));
        }
    });
    println!("{:<34} {:8.1} bytes", "after updates, each", ranked.memory() as f64 / count as f64);
    report("remove and insert", count, || {
        for index in 0..count {
            let (hash, member) = members.at(index);
            let score = ranked.remove(hash, member).unwrap_or(0.0);
            ranked.insert(hash, member, score);
        }
    });
}

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(20_000);
    let hasher = Hasher::new(1, 2);
    let members = Members::new(hasher, count);
    for scores in [count, 100] {
        println!("{count} members of {MEMBER} bytes, {scores} scores");
        let mut worst = vec![1; count];
        let before = resident_bytes();
        let mut ranked = Ranked::new(hasher);
        report("insert", count, || fill(&mut ranked, &members, scores, &mut worst));
        println!("{:<34} {:8.1} bytes", "counted, each", ranked.memory() as f64 / count as f64);
        let resident = resident_bytes().saturating_sub(before);
        println!("{:<34} {:8.1} bytes", "resident, each", resident as f64 / count as f64);
        reads(&ranked, &members, scores);
        writes(&mut ranked, &members, scores);
        let copy = report("build from sorted", count, || {
            let mut builder = RankedBuilder::new(hasher, count);
            ranked.iter().for_each(|(member, score)| builder.push(hasher.hash(member), member, score));
            builder.finish()
        });
        println!("{:<34} {:8.1} bytes", "built, each", copy.memory() as f64 / count as f64);
        report("pop first", count, || while ranked.pop_first().is_some() {});
    }
}
