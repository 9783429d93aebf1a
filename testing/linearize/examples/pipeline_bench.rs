//! How long the server itself takes for a command, without sockets: `cargo run --release --example pipeline_bench --
//! 1000000`.
//!
//! For each row, fills a keyspace of that many keys or members, then sends pipelines of 16 commands on 50 connections,
//! so many of them prepared together as the columns say. A second argument picks the rows of one command. Prints
//! nanoseconds for each command.

use base::rng::Rng;
use command::clients::ClientInfo;
use command::session::Session;
use dispatch::{Worker, pipeline};
use resp::client::encode_command;
use resp::{Proto, ReplyWriter};
use russet_linearize::harness::{self, Harness};
use std::sync::Arc;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const CONNECTIONS: usize = 50;
const PIPELINE: usize = 16;
const TOGETHER: [usize; 6] = [1, 2, 4, 8, 16, 48];

struct Bench {
    server: Arc<Harness>,
    worker: Worker,
    sessions: Vec<Session>,
    reply: ReplyWriter,
    rng: Rng,
}

impl Bench {
    fn new() -> Bench {
        let server = harness::server(1);
        let session = |_| {
            let id = server.clients.next_id();
            let info = Arc::new(ClientInfo::new(id, 0, 8, String::new(), String::new(), 0));
            Session::new(info, true, true)
        };
        let mut worker = Worker::new(0, server.workers[0].stats.clone(), 1);
        worker.begin_turn(&server);
        let sessions = (0..CONNECTIONS).map(session).collect();
        Bench { server, worker, sessions, reply: ReplyWriter::new(Proto::Resp2), rng: Rng::seed(7) }
    }

    /// Runs all inputs, so many connections at a time.
    #[inline(never)]
    fn run(&mut self, inputs: &mut [Vec<u8>], together: usize) {
        for (number, group) in inputs.chunks_mut(together).enumerate() {
            let first = number * together;
            for (at, input) in group.iter_mut().enumerate() {
                let session = &mut self.sessions[(first + at) % CONNECTIONS];
                pipeline::prepare(&self.server, &mut self.worker, session, input);
            }
            for (at, input) in group.iter_mut().enumerate() {
                let session = &mut self.sessions[(first + at) % CONNECTIONS];
                pipeline::run_next(&self.server, &mut self.worker, session, input, &mut self.reply);
                self.reply.out.clear();
            }
        }
    }

    /// Runs the command for each number below `keys`, unmeasured.
    #[inline(never)]
    fn fill(&mut self, keys: u64, words: &[&str]) {
        for key in 0..keys {
            let number = format!("{key:012}");
            let filled: Vec<String> = words.iter().map(|word| word.replace('#', &number)).collect();
            let filled: Vec<&[u8]> = filled.iter().map(String::as_bytes).collect();
            let mut input = Vec::new();
            encode_command(&mut input, &filled);
            pipeline::run(&self.server, &mut self.worker, &mut self.sessions[0], &mut input, &mut self.reply);
            self.reply.out.clear();
        }
    }

    fn inputs(&mut self, count: usize, words: &[&str], keys: u64) -> Vec<Vec<u8>> {
        let one = |rng: &mut Rng| {
            let mut input = Vec::new();
            for _ in 0..PIPELINE {
                let filled: Vec<Vec<u8>> = words
                    .iter()
                    .map(|word| word.replace('#', &format!("{:012}", rng.below(keys))).into_bytes())
                    .collect();
                let filled: Vec<&[u8]> = filled.iter().map(Vec::as_slice).collect();
                encode_command(&mut input, &filled);
            }
            input
        };
        (0..count).map(|_| one(&mut self.rng)).collect()
    }
}

/// What is measured, and what there is before: commands for each of the keys. `#` is a random number, or one after the
/// other.
struct Row {
    fill: &'static [&'static [&'static str]],
    words: &'static [&'static str],
}

const VALUE: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
const STRINGS: &[&[&str]] = &[&["SET", "key:#", VALUE]];
const USERS: &[&[&str]] = &[&["HSET", "user:#", "name", "alice", "email", "alice@example.com", "age", "30"]];
const BOARD: &[&[&str]] = &[&["ZADD", "board", "#", "player:#"]];
const TAGS: &[&[&str]] = &[&["SADD", "tags", "member:#"]];
const LIST: &[&[&str]] = &[&["LPUSH", "list", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]];
const ROWS: &[Row] = &[
    Row { fill: &[], words: &["PING"] },
    Row { fill: STRINGS, words: &["GET", "key:#"] },
    Row { fill: STRINGS, words: &["SET", "key:#", VALUE] },
    Row { fill: &[], words: &["INCR", "counter:#"] },
    Row {
        fill: STRINGS,
        words: &["MGET", "key:#", "key:#", "key:#", "key:#", "key:#", "key:#", "key:#", "key:#", "key:#", "key:#"],
    },
    Row { fill: USERS, words: &["HSET", "user:#", "name", "x", "age", "7"] },
    Row { fill: USERS, words: &["HGET", "user:#", "email"] },
    Row { fill: TAGS, words: &["SADD", "tags", "member:#"] },
    Row { fill: TAGS, words: &["SISMEMBER", "tags", "member:#"] },
    Row { fill: &[], words: LIST[0] },
    Row { fill: LIST, words: &["LMOVE", "list", "list", "LEFT", "RIGHT"] },
    Row { fill: BOARD, words: &["ZADD", "board", "#", "player:#"] },
    Row { fill: BOARD, words: &["ZINCRBY", "board", "10", "player:#"] },
    Row { fill: BOARD, words: &["ZREVRANK", "board", "player:#"] },
    Row { fill: BOARD, words: &["ZREVRANGE", "board", "0", "9", "WITHSCORES"] },
    Row { fill: BOARD, words: &["ZRANGEBYSCORE", "board", "#", "+inf", "LIMIT", "0", "10"] },
    Row { fill: &[], words: &["PFADD", "uv", "user:#"] },
];

fn main() {
    let keys: u64 = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1000);
    let only = std::env::args().nth(2);
    print!("{:<14}", "");
    TOGETHER.iter().for_each(|together| print!("{together:>8}"));
    println!();
    for row in ROWS.iter().filter(|row| only.as_deref().is_none_or(|only| only == row.words[0])) {
        let mut bench = Bench::new();
        for words in row.fill {
            bench.fill(keys, words);
        }
        print!("{:<14}", row.words[0]);
        for together in TOGETHER {
            let count = (keys as usize / row.words.len() / 8).max(CONNECTIONS);
            let mut inputs = bench.inputs(count, row.words, keys);
            let start = Instant::now();
            bench.run(&mut inputs, together);
            print!("{:>8.0}", start.elapsed().as_nanos() as f64 / (count * PIPELINE) as f64);
        }
        println!();
    }
}
