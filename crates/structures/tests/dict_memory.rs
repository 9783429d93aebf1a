//! What an entry of a `Dict` costs, all told, held against the goals; and that `memory()` tells the truth.
//!
//! The allocator here counts what is asked of it. It has one counter, so all of this is one test.

use russet_structures::dict::{Dict, Hasher, NewValue};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed to the system's allocator; counting has no part in it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const START_MS: u64 = 1_700_000_000_000;

/// Fills a dict and gives the bytes for each entry: as counted by the dict, and as asked of the allocator.
fn cost(count: u64, key_len: usize, value_len: Option<usize>, deadlines: bool) -> (f64, f64) {
    let before = HELD.load(Relaxed);
    let mut dict: Dict<()> = Dict::new(Hasher::new(1, 2));
    dict.advance(START_MS, 0, &mut |_, _| {});
    let value = [b'v'; 64];
    for number in 0..count {
        let digits = format!("{number:016}");
        let key = &digits.as_bytes()[16 - key_len..];
        let hash = dict.hasher().hash(key);
        let new = match value_len {
            None => NewValue::Unit,
            Some(8) => NewValue::Int(number as i64),
            Some(len) => NewValue::Bytes(&value[..len]),
        };
        let deadline = deadlines.then_some(START_MS + 1_000 + hash % 3_600_000);
        dict.set(hash, key, new, deadline);
    }
    assert_eq!(dict.len() as u64, count);
    let held = HELD.load(Relaxed) - before;
    let counted = dict.memory();
    // Pages hold what was not handed out yet; else the two agree.
    assert!(counted <= held && held <= counted + 70_000 * 3, "{counted} of {held}");
    let each = |bytes: usize| bytes as f64 / count as f64;
    (each(counted), each(held))
}

#[test]
fn an_entry_costs_no_more_than_planned() {
    // key, value (8: an integer), deadlines, bytes
    let goals = [
        (16, Some(64), false, 100.0),
        (16, Some(8), false, 45.0),
        (16, Some(64), true, 125.0),
        (16, None, false, 37.0),
        (7, None, false, 29.0),
        (16, Some(16), false, 54.0),
    ];
    for (key_len, value_len, deadlines, goal) in goals {
        let mut worst: f64 = 0.0;
        // Over one doubling, so that no phase of the growth is left out.
        for count in [60_000, 75_000, 95_000] {
            let (counted, held) = cost(count, key_len, value_len, deadlines);
            println!("k{key_len} v{value_len:?} deadlines {deadlines} x {count}: {counted:.1} (held {held:.1})");
            worst = worst.max(counted);
        }
        assert!(worst <= goal, "{worst:.1} instead of {goal}");
    }
    let before = HELD.load(Relaxed);
    drop(Dict::<()>::new(Hasher::new(1, 2)));
    assert_eq!(HELD.load(Relaxed), before, "an empty dict takes nothing");
    let (counted, _) = cost(10, 16, Some(16), false);
    println!("ten entries: {counted:.1} each");
    assert!(counted < 80.0);
}
