//! How long the server itself takes for a command, without sockets: `cargo run --release --example pipeline_bench -- 1000000`.
//!
//! Fills a keyspace of that many keys, then sends pipelines of 16 commands on 50 connections, so many of them prepared
//! together as the columns say. A second argument picks one row. Prints nanoseconds for each command.

use base::rng::Rng;
use command::clients::ClientInfo;
use command::session::Session;
use command::{Worker, pipeline};
use resp::client::encode_command;
use resp::{Proto, ReplyWriter};
use russet_linearize::harness::{self, Harness};
use std::sync::Arc;
use std::time::Instant;
use structures::lock::Sharing;

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
    fn new(sharing: Sharing) -> Bench {
        let server = harness::server_shared(1, sharing);
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

    /// Runs inputs that are not measured.
    #[inline(never)]
    fn fill(&mut self, inputs: &mut [Vec<u8>]) {
        for input in inputs {
            pipeline::run(&self.server, &mut self.worker, &mut self.sessions[0], input, &mut self.reply);
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

fn main() {
    let keys: u64 = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1000);
    let value = "x".repeat(64);
    let mut bench = Bench::new(Sharing::Exclusive);
    for first in (0..keys).step_by(PIPELINE) {
        let mut input = Vec::new();
        for key in first..first + PIPELINE as u64 {
            encode_command(&mut input, &[b"SET", format!("key:{key:012}").as_bytes(), value.as_bytes()]);
        }
        bench.fill(&mut [input]);
    }
    print!("{:<8}", "");
    TOGETHER.iter().for_each(|together| print!("{together:>8}"));
    println!();
    let mget: Vec<&str> = std::iter::once("MGET").chain([&"key:#"; 10].map(|key| *key)).collect();
    let rows: [&[&str]; 5] = [&["PING"], &["GET", "key:#"], &["SET", "key:#", &value], &["INCR", "counter:#"], &mget];
    let only = std::env::args().nth(2);
    for words in rows.into_iter().filter(|words| only.as_deref().is_none_or(|only| only == words[0])) {
        print!("{:<8}", words[0]);
        for together in TOGETHER {
            let count = (keys as usize / words.len() / 8).max(CONNECTIONS);
            let mut inputs = bench.inputs(count, words, keys);
            let start = Instant::now();
            bench.run(&mut inputs, together);
            print!("{:>8.0}", start.elapsed().as_nanos() as f64 / (count * PIPELINE) as f64);
        }
        println!();
    }
}
