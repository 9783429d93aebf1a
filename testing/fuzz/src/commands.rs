//! A whole server without sockets: whatever sessions ask for, each command is answered with exactly one reply, of the
//! shape that its spec declares, and the server goes on.
//!
//! Calls are drawn from the argument grammar of the specs (see [`grammar`]), with few keys and awkward values, so that
//! commands meet each other's keys. Who waits for a key has waited long enough at once.

use crate::grammar::{self, Words};
use crate::{VALUES, pick, soup};
use base::rng::Rng;
use command::clients::ClientInfo;
use command::session::waiting::{self, End, Waiting};
use command::spec::registry::Command;
use command::{OwnedArgs, Server, Session};
use dispatch::{Flow, Worker, blocking, pipeline};
use resp::client::{Value, decode, encode_command};
use resp::{Proto, ReplyWriter};
use server::testing::TestServer;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// Commands that end, stop, or wait: their effect is on the process or on other connections, not on the data; and those
/// that answer not once but several times or never. The tests over sockets have them. All subcommands of what is named
/// here are meant.
const LEFT_OUT: &[&str] = &[
    "client|kill",
    "client|pause",
    "client|reply",
    "config|rewrite",
    "config|set",
    "debug",
    "monitor",
    "psubscribe",
    "punsubscribe",
    "quit",
    "shutdown",
    "ssubscribe",
    "subscribe",
    "sunsubscribe",
    "unsubscribe",
];

/// Turns of a round.
const TURNS: usize = 150;
/// How often a command is tried again whose shards or keys are not to be had.
const TRIES_MAX: usize = 1_000_000;

/// What a round came to.
#[derive(Default)]
pub struct Tally {
    pub calls: usize,
    pub errors: usize,
    /// Commands that were answered without an error, by their full names.
    pub done: BTreeSet<String>,
}

/// A call of any command: most as their grammar has them, some spoilt, some of any words. Transactions are short.
fn draw(rng: &mut Rng, server: &Server, in_transaction: bool) -> Words {
    if in_transaction && rng.below(6) == 0 {
        return vec![pick(rng, &["EXEC", "EXEC", "DISCARD"]).as_bytes().to_vec()];
    }
    let commands: Vec<&Command> = server.registry.all().filter(|command| is_drawn(command)).collect();
    let command = commands[rng.below(commands.len() as u64) as usize];
    let mut words = grammar::call(rng, command);
    match rng.below(16) {
        0..3 => grammar::mutate(rng, &mut words),
        3 => {
            words.truncate(1);
            words.extend((0..rng.below(7)).map(|_| soup(rng, VALUES, 3)));
        }
        _ => {}
    }
    if is_allowed(server, &words) { words } else { vec![b"PING".to_vec()] }
}

fn is_drawn(command: &Command) -> bool {
    let top = command.full_name.split('|').next().unwrap_or_default();
    grammar::has_grammar(command.spec) && !LEFT_OUT.iter().any(|name| *name == top || *name == command.full_name)
}

/// Whether words, spoilt ones included, do not call what is left out.
fn is_allowed(server: &Server, words: &Words) -> bool {
    let words: OwnedArgs = words.iter().map(Vec::as_slice).collect();
    server
        .registry
        .resolve(&words.args())
        .map_or(true, |command| !grammar::has_grammar(command.spec) || is_drawn(command))
}

fn session(server: &Server) -> Session {
    let id = server.clients.next_id();
    let info = Arc::new(ClientInfo::new(id, 0, 0, "127.0.0.1:1".to_owned(), "127.0.0.1:2".to_owned(), 0));
    Session::new(info, true, true)
}

pub fn round(rng: &mut Rng) {
    play(rng);
}

/// Plays a round.
pub fn play(rng: &mut Rng) -> Tally {
    // Strings are as long as a command says, so a limit keeps the round from filling the memory with zeros.
    let running = TestServer::start(&["--proto-max-bulk-len", "1mb"]);
    let server = running.server();
    let mut worker = Worker::new(0, server.workers[0].stats.clone(), rng.next_u64());
    let mut sessions: Vec<Session> = (0..3).map(|_| session(server)).collect();
    sessions[0].proto = Proto::Resp3;
    let mut tally = Tally::default();
    for _ in 0..TURNS {
        let number = rng.below(3) as usize;
        let session = &mut sessions[number];
        let in_transaction = session.multi.is_some();
        let batch: Vec<Words> = match rng.below(8) {
            0 => grammar::fill(rng),
            _ => (0..1 + rng.below(8)).map(|_| draw(rng, server, in_transaction)).collect(),
        };
        let (flow, bytes) = turn(server, &mut worker, session, &batch);
        let replies = replies(&bytes, &batch);
        for (words, reply) in batch.iter().zip(&replies) {
            tally.count(server, words, reply);
        }
        if session.waiting.name() == "long" {
            // It runs elsewhere, and its end is told to the running server's worker, which knows no such client and
            // drops the answer. Who needs all shards waits until its keys are back.
            ask(running.addr(), "SWAPDB 0 0");
            sessions[number] = self::session(server);
            continue;
        }
        assert_eq!(flow, Flow::Continue, "{}", shown(&batch));
        assert_eq!(replies.len(), batch.len(), "replies to {}", shown(&batch));
    }
    tally
}

/// Runs a batch of one session, and gives what was answered.
fn turn(server: &Server, worker: &mut Worker, session: &mut Session, batch: &[Words]) -> (Flow, Vec<u8>) {
    let mut input = Vec::new();
    for words in batch {
        encode_command(&mut input, &words.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    worker.begin_turn(server);
    let mut reply = ReplyWriter::new(Proto::Resp2);
    let mut flow = pipeline::run(server, worker, session, &mut input, &mut reply).flow;
    for _ in 0..TRIES_MAX {
        match session.waiting {
            Waiting::Keys(_) => {
                let wait = waiting::claim(&session.info).expect("nobody else is there to end the wait");
                assert!(blocking::end(server, worker, session, &mut reply, &wait, End::TimedOut));
            }
            // The running server's own workers sweep, and its executors have keys.
            Waiting::Busy | Waiting::Detached | Waiting::Messages => {
                std::thread::yield_now();
                worker.begin_turn(server);
            }
            Waiting::No if flow == Flow::SendFirst => {}
            Waiting::No | Waiting::Long(_) | Waiting::Pause => break,
        }
        flow = pipeline::run_postponed(server, worker, session, &mut reply);
    }
    (flow, reply.out.to_vec())
}

impl Tally {
    fn count(&mut self, server: &Server, words: &Words, reply: &Value) {
        self.calls += 1;
        match reply {
            Value::Error(_) => self.errors += 1,
            Value::Simple(text) if text == b"QUEUED" => {}
            _ => {
                let words: OwnedArgs = words.iter().map(Vec::as_slice).collect();
                let command = server.registry.resolve(&words.args()).expect("it was answered");
                self.done.insert(command.full_name.clone());
            }
        }
    }
}

/// Sends a running server a command that is answered by a line, and waits for that.
fn ask(addr: SocketAddr, line: &str) {
    let mut stream = TcpStream::connect(addr).expect("the server listens");
    write!(stream, "{line}\r\n").expect("the server reads");
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("the server answers");
    assert_eq!(answer, "+OK\r\n", "{line}");
}

/// The replies that these bytes are, without push messages.
fn replies(mut bytes: &[u8], batch: &[Words]) -> Vec<Value> {
    let mut replies = Vec::new();
    while !bytes.is_empty() {
        let (value, len) = match decode(bytes) {
            Ok(Some(found)) => found,
            other => panic!("{other:?} in the replies to {}", shown(batch)),
        };
        if !matches!(value, Value::Push(_)) {
            replies.push(value);
        }
        bytes = &bytes[len..];
    }
    replies
}

fn shown(batch: &[Words]) -> String {
    let command =
        |words: &Words| words.iter().map(|word| format!("\"{}\"", word.escape_ascii())).collect::<Vec<_>>().join(" ");
    batch.iter().map(command).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Commands, or whole containers, that need what is not drawn, or seldom: a file of users, other users, events of
    /// latency, tracking by choice, a cluster, modules.
    const NOT_DONE: &[&str] = &[
        "acl|load",
        "acl|save",
        "acl|setuser",
        "asking",
        "client|caching",
        "cluster",
        "clusterscan",
        "latency|graph",
        "module",
        "readonly",
        "readwrite",
    ];

    #[test]
    fn most_calls_are_taken_and_every_command_is_done() {
        /// Twenty are enough, as a rule; what is drawn changes with every new command.
        const ROUNDS_MAX: u64 = 400;
        let running = TestServer::start(&[]);
        let drawn = running.server().registry.all().filter(|command| is_drawn(command));
        let mut missed: BTreeSet<&str> = drawn.map(|command| command.full_name.as_str()).collect();
        let top = |name: &str| name.split('|').next().unwrap_or_default().to_owned();
        missed.retain(|name| !NOT_DONE.contains(name) && !NOT_DONE.contains(&top(name).as_str()));
        let (mut calls, mut errors) = (0, 0);
        for seed in 0..ROUNDS_MAX {
            let tally = play(&mut Rng::seed(seed));
            calls += tally.calls;
            errors += tally.errors;
            missed.retain(|name| !tally.done.contains(*name));
            if missed.is_empty() {
                break;
            }
        }
        assert!(missed.is_empty(), "never done: {missed:?}");
        assert!(errors * 2 < calls, "{errors} of {calls} calls failed");
    }
}
