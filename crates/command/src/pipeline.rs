//! A turn of one connection: parse what arrived, fetch the keys into the cache, run in order.
//!
//! Up to [`COMMANDS_MAX`] commands are parsed before the first runs. Their keys are hashed, and then fetched in
//! steps over the whole batch (shard, bucket, entry), so that the misses of many commands overlap instead of
//! adding up.

use crate::args::{Args, OwnedArgs};
use crate::clients::client_flags;
use crate::dispatch::{self, Flow, Planned};
use crate::registry::Command;
use crate::server::Server;
use crate::session::Session;
use crate::spec::Run;
use crate::worker::Worker;
use engine::Key;
use resp::{Arg, ReplyWriter, Status};
use std::sync::atomic::Ordering;

/// Most commands of one batch.
pub const COMMANDS_MAX: usize = 64;

/// With so many bytes of replies, a turn ends: they are sent before more commands run, so that a client that only
/// asks and never reads cannot make the server hold more.
const REPLIES_MAX: usize = 1 << 20;

/// A key found by the plan: its word, and where it lives.
#[derive(Clone, Copy)]
pub(crate) struct PlannedKey {
    word: Arg,
    hash: u64,
    shard: u16,
}

impl PlannedKey {
    fn key(self, buf: &[u8]) -> Key<'_> {
        Key { bytes: self.word.of(buf), hash: self.hash, shard: self.shard }
    }
}

struct Parsed {
    /// Dense id, or `None` when the words call nothing: looked up again for the error.
    command: Option<usize>,
    words: (usize, usize),
    keys: (usize, usize),
    /// The key specs did not fit the words.
    invalid_keys: bool,
    bytes: usize,
}

/// Room for a batch, used again for every turn.
#[derive(Default)]
pub struct Batch {
    parsed: Vec<Parsed>,
    words: Vec<Arg>,
    keys: Vec<PlannedKey>,
    /// Words of the command being parsed.
    scratch: Vec<Arg>,
}

/// What a turn left behind.
pub struct Outcome {
    /// Bytes of the input that are done with.
    pub consumed: usize,
    pub flow: Flow,
    /// Total bytes of the rest that the parser knows it needs.
    pub need: usize,
}

/// Runs the commands in `input`.
pub fn run(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    input: &mut [u8],
    reply: &mut ReplyWriter,
) -> Outcome {
    let mut consumed = 0;
    loop {
        let mut batch = std::mem::take(&mut worker.batch);
        let end = parse(server, worker, session, &mut input[consumed..], &mut batch);
        let flow = if batch.parsed.is_empty() {
            Flow::Continue
        } else {
            run_batch(server, worker, session, &input[consumed..], &batch, reply)
        };
        worker.batch = batch;
        match end {
            End::Incomplete { at, need } => return Outcome { consumed: consumed + at, flow, need },
            End::Error(error) => {
                session.broken = Some(error);
                let flow = if flow == Flow::Continue { end_broken(server, worker, session, reply) } else { flow };
                return Outcome { consumed: input.len(), flow, need: 0 };
            }
            End::Full { at } => {
                consumed += at;
                let flow =
                    if flow == Flow::Continue && reply.out.len() >= REPLIES_MAX { Flow::SendFirst } else { flow };
                if flow != Flow::Continue {
                    return Outcome { consumed, flow, need: 0 };
                }
            }
        }
    }
}

/// All that came before has run: now a broken protocol has its answer, and is the end of the connection.
fn end_broken(server: &Server, worker: &mut Worker, session: &mut Session, reply: &mut ReplyWriter) -> Flow {
    let Some(error) = session.broken.take() else { return Flow::Continue };
    reply.protocol_error(error);
    worker.state.stats.error_replies.add(1);
    server.errors.count(b"ERR");
    Flow::Close
}

enum End {
    /// The rest, from `at` on, is no whole command.
    Incomplete {
        at: usize,
        need: usize,
    },
    /// The batch is full; there may be more from `at` on.
    Full {
        at: usize,
    },
    Error(resp::ProtocolError),
}

fn parse(server: &Server, worker: &mut Worker, session: &mut Session, input: &mut [u8], batch: &mut Batch) -> End {
    batch.parsed.clear();
    batch.words.clear();
    batch.keys.clear();
    std::mem::swap(&mut batch.scratch, &mut session.partial);
    let limits = session.limits(worker.state.settings.max_bulk_len);
    // Before AUTH the limits are small, and the next command may lift them: one at a time.
    let most = if session.authenticated { COMMANDS_MAX } else { 1 };
    let mut at = 0;
    let end = loop {
        if batch.parsed.len() >= most {
            break End::Full { at };
        }
        match session.parser.parse(&mut input[at..], &limits, &mut batch.scratch) {
            Ok(Status::Complete { consumed }) => {
                let first = batch.words.len();
                let words = batch.scratch.iter().map(|word| Arg { start: word.start + at, end: word.end + at });
                batch.words.extend(words);
                plan(server, &input[..at + consumed], batch, first, consumed);
                at += consumed;
            }
            Ok(Status::Empty { consumed }) => at += consumed,
            Ok(Status::Incomplete { need }) => break End::Incomplete { at, need },
            Err(error) => break End::Error(error),
        }
    };
    // What was parsed of an unfinished command stays with its connection.
    if matches!(end, End::Incomplete { .. }) {
        std::mem::swap(&mut batch.scratch, &mut session.partial);
    }
    batch.scratch.clear();
    prefetch(server, session.db, batch, input);
    end
}

/// Whether the plan has to locate keys for these words.
#[inline]
fn is_planned(command: &Command, args: &Args<'_>) -> bool {
    matches!(command.spec.run, Run::Keyed(_)) && command.spec.takes(args.len())
}

/// Resolves the command whose words begin at `first`, and locates its keys.
#[inline]
fn plan(server: &Server, input: &[u8], batch: &mut Batch, first: usize, bytes: usize) {
    let Batch { parsed, words, keys, .. } = batch;
    let args = Args::new(input, &words[first..]);
    let first_key = keys.len();
    let mut invalid_keys = false;
    let command = server.registry.resolve(&args).ok();
    if let Some(command) = command.filter(|command| is_planned(command, &args)) {
        let mut locate = |word: Arg| {
            let key = server.keyspace.key(word.of(input));
            server.keyspace.prefetch_shard(&key);
            keys.push(PlannedKey { word, hash: key.hash, shard: key.shard });
        };
        if command.one_key {
            locate(words[first + 1]);
        } else {
            invalid_keys = command.spec.for_each_key(&args, |at, _| locate(words[first + at])).is_err();
        }
    }
    parsed.push(Parsed {
        command: command.map(|command| command.id),
        words: (first, words.len()),
        keys: (first_key, keys.len()),
        invalid_keys,
        bytes,
    });
}

/// Fetches the keys of a batch into the cache; a single one would gain nothing.
#[inline]
fn prefetch(server: &Server, db: usize, batch: &Batch, input: &[u8]) {
    if batch.keys.len() < 2 {
        return;
    }
    for key in &batch.keys {
        server.keyspace.prefetch_bucket(db, &key.key(input));
    }
    for key in &batch.keys {
        server.keyspace.prefetch_entry(db, &key.key(input));
    }
}

fn run_batch(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    input: &[u8],
    batch: &Batch,
    reply: &mut ReplyWriter,
) -> Flow {
    let mut ticks = worker.state.ticks.raw();
    for (number, parsed) in batch.parsed.iter().enumerate() {
        let args = Args::new(input, &batch.words[parsed.words.0..parsed.words.1]);
        let command = parsed.command.map(|id| server.registry.by_id(id));
        let keys = &batch.keys[parsed.keys.0..parsed.keys.1];
        let one;
        let many: Vec<Key<'_>>;
        let located: &[Key<'_>] = match keys {
            [] => &[],
            [key] => {
                one = [key.key(input)];
                &one
            }
            keys => {
                many = keys.iter().map(|key| key.key(input)).collect();
                &many
            }
        };
        let planned = Planned { keys: located, invalid: parsed.invalid_keys, bytes: parsed.bytes };
        let flow = dispatch::dispatch(server, worker, session, reply, command, &args, planned, &mut ticks);
        let (flow, wait_from) = match flow {
            Flow::Postponed => (flow, number),
            Flow::Blocked => (flow, number + 1),
            Flow::Continue if reply.out.len() >= REPLIES_MAX => (Flow::SendFirst, number + 1),
            other => (other, batch.parsed.len()),
        };
        if flow != Flow::Continue {
            // Those that wait do it in words of their own: the input may be parsed no second time.
            for later in &batch.parsed[wait_from..] {
                let args = Args::new(input, &batch.words[later.words.0..later.words.1]);
                session.postponed.push_back(OwnedArgs::copy(&args));
            }
            return flow;
        }
        if session.info.killed.load(Ordering::Relaxed) {
            return Flow::Close;
        }
    }
    Flow::Continue
}

/// Runs commands that were postponed; afterwards the input goes on.
pub fn run_postponed(server: &Server, worker: &mut Worker, session: &mut Session, reply: &mut ReplyWriter) -> Flow {
    if session.blocked.is_some() {
        // The end of a pause is not what it waits for.
        return Flow::Blocked;
    }
    session.info.set_flag(client_flags::POSTPONED, false);
    while let Some(owned) = session.postponed.pop_front() {
        let args = owned.args();
        let mut ticks = worker.state.ticks.raw();
        let flow = run_words(server, worker, session, reply, &args, &mut ticks);
        if flow != Flow::Continue {
            if flow == Flow::Postponed {
                session.postponed.push_front(owned);
            }
            return flow;
        }
        if reply.out.len() >= REPLIES_MAX {
            return Flow::SendFirst;
        }
    }
    end_broken(server, worker, session, reply)
}

/// Plans and runs one command given as words.
pub fn run_words(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    reply: &mut ReplyWriter,
    args: &Args<'_>,
    ticks: &mut u64,
) -> Flow {
    let command = server.registry.resolve(args).ok();
    let mut keys = Vec::new();
    let mut invalid = false;
    if let Some(command) = command.filter(|command| is_planned(command, args)) {
        invalid = command.spec.for_each_key(args, |at, _| keys.push(server.keyspace.key(args.word(at)))).is_err();
    }
    let bytes = args.from(0).map(<[u8]>::len).sum();
    let planned = Planned { keys: &keys, invalid, bytes };
    dispatch::dispatch(server, worker, session, reply, command, args, planned, ticks)
}
