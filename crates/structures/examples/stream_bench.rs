//! How fast a stream is, and what an entry costs: `cargo run --release --example stream_bench -- 1000000`.
//!
//! Prints nanoseconds of the processor for each operation over entries of two fields with the same names, and over
//! their being pending in a group of four consumers. Small by default, so that it can run in every test run.

use russet_structures::stream::group::Group;
use russet_structures::stream::{BlockLimits, Entries, Keep, StreamId};
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Instant;

/// The server's allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Entries that are read at once.
const PAGE: usize = 100;
const CONSUMERS: [&[u8]; 4] = [b"alice", b"bob", b"carol", b"dave"];

struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
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
    let each = (ran_ns() - start) as f64 / count.max(1) as f64;
    println!("{what:<34} {each:8.1} ns");
    result
}

fn id(number: usize) -> StreamId {
    StreamId::new(number as u64 + 1, 0)
}

fn filled(count: usize) -> Entries {
    let (mut entries, limits) = (Entries::new(), BlockLimits::from_config(4096, 100));
    for number in 0..count {
        let user = number.to_string();
        let fields = [(&b"user"[..], user.as_bytes()), (b"action", b"click")];
        entries.append(id(number), fields.into_iter(), &limits);
    }
    entries
}

fn see_all<'e>(entries: impl Iterator<Item = russet_structures::stream::Entry<'e>>) {
    for entry in entries {
        black_box(entry.id);
        entry.fields().for_each(|field| _ = black_box(field));
    }
}

fn entries(count: usize) {
    let mut draws = Draws(88_172_645_463_325_252);
    let mut entries = report("append", count, || filled(count));
    println!("{:<34} {:8.1} bytes", "counted, each", entries.memory() as f64 / count as f64);
    report("walk, each", count, || see_all(entries.iter()));
    report("walk backwards, each", count, || see_all(entries.iter().rev()));
    report("page of 100 anywhere, each", count.max(PAGE) / PAGE * PAGE, || {
        for _ in 0..count.max(PAGE) / PAGE {
            see_all(entries.range(id(draws.below(count)), StreamId::MAX).take(PAGE));
        }
    });
    report("last entry", count, || (0..count).for_each(|_| _ = black_box(entries.last())));
    report("get", count, || (0..count).for_each(|_| _ = black_box(entries.get(id(draws.below(count))))));
    report("delete", count, || (0..count).for_each(|_| _ = black_box(entries.delete(id(draws.below(count))))));
    let mut entries = filled(count);
    let rest = count / 2;
    report("trim one by one", count - rest, || (rest..count).rev().for_each(|left| _ = entries.trim(Keep::Last(left))));
    report("trim at once", rest, || black_box(entries.trim(Keep::Last(0))));
}

fn pending(count: usize) {
    let mut draws = Draws(99);
    let mut group = Group::default();
    let consumers = CONSUMERS.map(|name| group.find_or_add(name, 0).0);
    report("give", count, || (0..count).for_each(|number| group.give(id(number), consumers[number / 8 % 4], 1, 1)));
    println!("{:<34} {:8.1} bytes", "counted, each", group.memory() as f64 / count as f64);
    report("walk pending, each", count, || {
        group.pending(StreamId::MIN, StreamId::MAX).for_each(|nack| _ = black_box(nack));
    });
    report("walk one consumer's, each", count / 4, || {
        group.pending_of(consumers[0], StreamId::MIN, StreamId::MAX).for_each(|nack| _ = black_box(nack));
    });
    report("claim anywhere", count, || {
        for _ in 0..count {
            group.give(id(draws.below(count)), consumers[draws.below(4)], 2, 2);
        }
    });
    report("acknowledge in order", count / 2, || {
        (0..count / 2).for_each(|number| _ = black_box(group.acknowledge(id(number))));
    });
    report("acknowledge anywhere", count, || {
        (0..count).for_each(|_| _ = black_box(group.acknowledge(id(count / 2 + draws.below(count - count / 2)))));
    });
}

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(20_000);
    println!("{count} entries");
    entries(count);
    println!("{count} pending entries");
    pending(count);
}
