//! The longest single command while one collection grows: `cargo run --release --example growth_bench -- 10000000`.
//!
//! Grows a set, a hash and a sorted set to so many elements, one command for each, through the whole path of a command
//! but the socket, and measures the CPU time of the thread in each command. That still has in it what the kernel does
//! meanwhile (page faults), and on a virtual machine what the machine below takes. So each grows several times: all
//! rounds are the same to the hash seed, and the least time of each command over the rounds is what the command itself
//! needs. Prints the slowest by that, those of each round for comparison, and how many took longer than 100 µs, 300 µs
//! and 1 ms.

use command::clients::ClientInfo;
use command::session::Session;
use dispatch::{Worker, pipeline};
use resp::client::encode_command;
use resp::{Proto, ReplyWriter};
use russet_linearize::harness::{self, Harness};
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The slowest commands that are shown.
const SHOWN: usize = 4;
const LIMITS_US: [u32; 3] = [100, 300, 1000];
const ROUNDS: usize = 3;

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

struct Bench {
    server: Arc<Harness>,
    worker: Worker,
    session: Session,
    reply: ReplyWriter,
}

impl Bench {
    fn new() -> Bench {
        let server = harness::server(1);
        let info = Arc::new(ClientInfo::new(server.clients.next_id(), 0, 8, String::new(), String::new(), 0));
        let mut worker = Worker::new(0, server.workers[0].stats.clone(), 1);
        worker.begin_turn(&server);
        Bench { server, worker, session: Session::new(info, true, true), reply: ReplyWriter::new(Proto::Resp2) }
    }

    /// Runs one command; returns the nanoseconds of CPU time that it took.
    fn run(&mut self, words: &[&[u8]], input: &mut Vec<u8>) -> u32 {
        input.clear();
        encode_command(input, words);
        let start = cpu();
        pipeline::run(&self.server, &mut self.worker, &mut self.session, input, &mut self.reply);
        let taken = cpu() - start;
        self.reply.out.clear();
        u32::try_from(taken.as_nanos()).unwrap_or(u32::MAX)
    }

    /// Grows a collection and deletes it; `least` has the least nanoseconds of each command so far.
    fn grow(&mut self, command: &str, least: &mut [u32]) {
        let mut input = Vec::new();
        let mut round = vec![0; least.len()];
        for (number, nanos) in round.iter_mut().enumerate() {
            let element = format!("element:{number:012}");
            let score = (number.wrapping_mul(7_919) % 1_000_003).to_string();
            let words: &[&[u8]] = match command {
                "SADD" => &[b"SADD", b"big", element.as_bytes()],
                "HSET" => &[b"HSET", b"big", element.as_bytes(), b"value"],
                _ => &[b"ZADD", b"big", score.as_bytes(), element.as_bytes()],
            };
            *nanos = self.run(words, &mut input);
        }
        self.run(&[b"DEL", b"big"], &mut input);
        show(&format!("{command}, one round"), &round);
        for (least, nanos) in least.iter_mut().zip(round) {
            *least = nanos.min(*least);
        }
    }
}

/// Prints the slowest commands, and how many are slow.
fn show(what: &str, nanos: &[u32]) {
    let over = LIMITS_US.map(|limit| nanos.iter().filter(|&&nanos| nanos >= limit * 1000).count());
    let mut by_time: Vec<usize> = (0..nanos.len()).collect();
    by_time.sort_unstable_by_key(|&number| std::cmp::Reverse(nanos[number]));
    let slowest: Vec<String> = by_time
        .iter()
        .take(SHOWN)
        .map(|&number| format!("{:.0} µs at {number}", f64::from(nanos[number]) / 1e3))
        .collect();
    println!("{what:<18} over 100/300/1000 µs: {over:?}; slowest: {}", slowest.join(", "));
}

fn main() {
    let elements = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let only = std::env::args().nth(2);
    for command in ["SADD", "HSET", "ZADD"] {
        if only.as_deref().is_none_or(|only| only == command) {
            let mut least = vec![u32::MAX; elements];
            for _ in 0..ROUNDS {
                Bench::new().grow(command, &mut least);
            }
            show(&format!("{command}, least"), &least);
        }
    }
}
