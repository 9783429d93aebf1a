//! A turn's commands: parse what arrived, fetch the keys into the cache, run in order.
//!
//! Up to [`COMMANDS_MAX`] commands of a connection are parsed before the first runs, and those of many connections before
//! the first connection is answered: [`prepare`] parses and plans a *lane*, the commands of one connection, for as many
//! connections as are ready; [`run_next`] runs the lanes in the order in which they were prepared. Their
//! keys are fetched in groups, across commands and connections: the entries of the group whose turn it is, and the
//! buckets of the one after it, so that the misses of many commands overlap instead of adding up.
//!
//! What a lane holds are ranges of its connection's input, which must not change until the lane has run.

use crate::args::{Args, OwnedArgs};
use crate::clients::client_flags;
use crate::dispatch::{self, Flow, Planned};
use crate::registry::Command;
use crate::server::Server;
use crate::session::Session;
use crate::spec::Run;
use crate::stats::WorkerStats;
use crate::worker::Worker;
use engine::Key;
use resp::{Arg, ReplyWriter, Status};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::atomic::Ordering;
use value::probe::{PROBES, Probe};

/// Most commands of one lane.
pub const COMMANDS_MAX: usize = 64;

/// With so many bytes of replies, a turn ends: they are sent before more commands run, so that a client that only
/// asks and never reads cannot make the server hold more.
const REPLIES_MAX: usize = 128 << 10;

/// Whether there are so many replies that the turn ends.
#[inline]
fn is_enough(worker: &Worker, reply: &ReplyWriter) -> bool {
    reply.out.len() >= REPLIES_MAX || worker.state.is_over_output_limit(reply)
}

/// A key found by the plan: its word, and where it lives.
#[derive(Clone, Copy)]
struct PlannedKey {
    word: Arg,
    hash: u64,
    shard: u16,
    db: u32,
}

impl PlannedKey {
    fn key(self, buf: &[u8]) -> Key<'_> {
        Key { bytes: self.word.of(buf), hash: self.hash, shard: self.shard }
    }
}

struct Parsed {
    /// Dense id, or `None` when the words call nothing: looked up again for the error.
    command: Option<usize>,
    words: Range<usize>,
    keys: Range<usize>,
    /// The key specs did not fit the words.
    invalid_keys: bool,
    bytes: usize,
}

/// The parsed commands of one connection.
struct Lane {
    commands: Range<usize>,
    end: End,
}

/// What follows the commands of a lane.
#[derive(Clone, Copy)]
enum End {
    /// The rest, from `at` on, is no whole command.
    Incomplete {
        at: usize,
        need: usize,
    },
    /// The lane is full; there may be more from `at` on.
    Full {
        at: usize,
    },
    Error(resp::ProtocolError),
}

/// How far keys were fetched into the cache: those whose buckets, and those whose entries were asked for, counted from the
/// first.
#[derive(Clone, Copy, Default)]
struct Fetched {
    buckets: usize,
    entries: usize,
}

/// Keys that are fetched together, so that the processor looks up the pages of several at once; few enough for all that is
/// fetched to stay in the nearest cache until its turn.
const TOGETHER: usize = 32;

impl Fetched {
    /// Makes sure that the keys up to `end` were fetched: if not, fetches the entries of the next [`TOGETHER`], and the
    /// buckets of as many behind them.
    #[inline]
    fn advance(&mut self, server: &Server, stats: &WorkerStats, keys: &[PlannedKey], end: usize) {
        if end > self.entries {
            self.fetch(server, stats, keys, end);
        }
    }

    fn fetch(&mut self, server: &Server, stats: &WorkerStats, keys: &[PlannedKey], end: usize) {
        let entries = end.max(self.entries + TOGETHER).min(keys.len());
        let buckets = (entries + TOGETHER).min(keys.len());
        let keyspace = &server.keyspace;
        prefetch(&keys[self.buckets..buckets], |key| keyspace.bucket_address(key.db as usize, key.shard, key.hash), 1);
        prefetch(&keys[self.entries..entries], |key| keyspace.entry_address(key.db as usize, key.shard, key.hash), 2);
        stats.prefetches.add(1);
        stats.prefetched_keys.add((entries - self.entries) as u64);
        *self = Fetched { buckets, entries };
    }
}

/// Prefetches so many cache lines of each key, beginning at the address that `locate` gives. All addresses are found
/// first: with nothing between them, prefetches overlap best.
#[inline]
fn prefetch(keys: &[PlannedKey], locate: impl Fn(&PlannedKey) -> usize, lines: usize) {
    let mut addresses = [0; TOGETHER];
    for keys in keys.chunks(TOGETHER) {
        for (address, key) in addresses.iter_mut().zip(keys) {
            *address = locate(key);
        }
        for &address in addresses[..keys.len()].iter().filter(|&&address| address != 0) {
            for line in 0..lines {
                structures::prefetch::prefetch_read(std::ptr::without_provenance::<u8>(address + 64 * line));
            }
        }
    }
}

/// Fetches the elements that commands from the first on will look for, as long as all have the same key; tells how many commands that
/// were. Like `Fetched`, for what lies behind a single key.
fn prefetch_elements(server: &Server, input: &[u8], words: &[Arg], keys: &[PlannedKey], commands: &[Parsed]) -> usize {
    let key_of = |parsed: &Parsed| match &keys[parsed.keys.clone()] {
        [key] => Some(*key),
        _ => None,
    };
    let Some(first) = commands.first().and_then(key_of) else { return 1 };
    let mut probes: SmallVec<[Probe<'_>; PROBES]> = SmallVec::new();
    let mut covered = 0;
    for parsed in commands {
        let elements = parsed.command.and_then(|id| server.registry.by_id(id).spec.elements);
        let (Some(elements), Some(key)) = (elements, key_of(parsed)) else { break };
        if probes.len() == PROBES || (key.hash, key.db) != (first.hash, first.db) {
            break;
        }
        let args = Args::new(input, &words[parsed.words.clone()]);
        probes.extend(elements.probes(args).take(PROBES - probes.len()));
        covered += 1;
    }
    // A single one would gain nothing.
    if probes.len() > 1 {
        server.keyspace.prefetch_elements(first.db as usize, first.shard, first.hash, &probes);
    }
    covered.max(1)
}

/// Room for the commands of a turn, used again for every turn.
#[derive(Default)]
pub struct Batch {
    parsed: Vec<Parsed>,
    words: Vec<Arg>,
    keys: Vec<PlannedKey>,
    lanes: Vec<Lane>,
    /// The lane that `run_next` runs.
    next_lane: usize,
    fetched: Fetched,
}

impl Batch {
    /// Keys that the lanes name.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// Words kept for the next turn; what a command of very many words took is given back.
    const WORDS_KEPT: usize = 1 << 14;

    fn clear(&mut self) {
        self.parsed.clear();
        self.words.clear();
        self.keys.clear();
        self.lanes.clear();
        self.next_lane = 0;
        self.fetched = Fetched::default();
        if self.words.capacity() > Self::WORDS_KEPT {
            self.words.shrink_to(Self::WORDS_KEPT);
            self.keys.shrink_to(Self::WORDS_KEPT);
        }
    }

    /// Forgets the last lane.
    fn pop_lane(&mut self) {
        let Some(lane) = self.lanes.pop() else { return };
        if let Some(first) = self.parsed.get(lane.commands.start) {
            self.words.truncate(first.words.start);
            self.keys.truncate(first.keys.start);
        }
        self.parsed.truncate(lane.commands.start);
        let keys = self.keys.len();
        self.fetched = Fetched { buckets: self.fetched.buckets.min(keys), entries: self.fetched.entries.min(keys) };
    }
}

/// What a turn left behind.
pub struct Outcome {
    /// Bytes of the input that are done with.
    pub consumed: usize,
    pub flow: Flow,
    /// Total bytes of the rest that the parser knows it needs.
    pub need: usize,
}

/// Words that a connection has room for while it holds none of an unfinished command.
const PARTIAL_KEPT: usize = 64;

/// Parses and plans the first commands in `input` as one more lane.
pub fn prepare(server: &Server, worker: &mut Worker, session: &mut Session, input: &mut [u8]) {
    let limits = session.limits(worker.state.settings.max_bulk_len);
    let batch = &mut worker.batch;
    let first = batch.parsed.len();
    let mut first_word = batch.words.len();
    batch.words.append(&mut session.partial);
    let mut known = None;
    // Before AUTH the limits are small, and the next command may lift them: one at a time.
    let most = if session.authenticated { COMMANDS_MAX } else { 1 };
    let mut at = 0;
    let end = loop {
        if batch.parsed.len() - first >= most {
            break End::Full { at };
        }
        match session.parser.parse_behind(&mut input[at..], at, &limits, &mut batch.words) {
            Ok(Status::Complete { consumed }) => {
                plan(server, &input[..at + consumed], session.db, batch, first_word, consumed, &mut known);
                first_word = batch.words.len();
                at += consumed;
            }
            Ok(Status::Empty { consumed }) => at += consumed,
            Ok(Status::Incomplete { need }) => break End::Incomplete { at, need },
            Err(error) => break End::Error(error),
        }
    };
    // What was parsed of an unfinished command stays with its connection, counted from where the command begins.
    if let End::Incomplete { at, .. } = end {
        let partial = batch.words[first_word..].iter().map(|word| Arg { start: word.start - at, end: word.end - at });
        session.partial.extend(partial);
    }
    if session.partial.is_empty() && session.partial.capacity() > PARTIAL_KEPT {
        // A command of very many words is not to leave its mark on a connection at rest.
        session.partial = Vec::new();
    }
    batch.words.truncate(first_word);
    batch.lanes.push(Lane { commands: first..batch.parsed.len(), end });
}

/// Runs the lane that was prepared first of those that did not run yet, and then what else there is in its `input`.
pub fn run_next(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    input: &mut [u8],
    reply: &mut ReplyWriter,
) -> Outcome {
    let lane = worker.batch.next_lane;
    worker.batch.next_lane += 1;
    let outcome = run_from(server, worker, session, input, reply, lane);
    if worker.batch.next_lane == worker.batch.lanes.len() {
        worker.batch.clear();
    }
    outcome
}

/// Runs the commands in `input`; lanes that were prepared before stay.
pub fn run(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    input: &mut [u8],
    reply: &mut ReplyWriter,
) -> Outcome {
    let lane = worker.batch.lanes.len();
    prepare(server, worker, session, input);
    let outcome = run_from(server, worker, session, input, reply, lane);
    worker.batch.pop_lane();
    if lane == 0 {
        worker.batch.clear();
    }
    outcome
}

/// Runs a lane and all that follows it in `input`, through lanes that come and go behind those that are there.
fn run_from(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    input: &mut [u8],
    reply: &mut ReplyWriter,
    lane: usize,
) -> Outcome {
    let mut lane = lane;
    let mut consumed = 0;
    let more = worker.batch.lanes.len();
    loop {
        let Lane { ref commands, end } = worker.batch.lanes[lane];
        let commands = commands.clone();
        let flow = if commands.is_empty() {
            Flow::Continue
        } else {
            // Handlers use the worker: the batch is taken out meanwhile.
            let mut batch = std::mem::take(&mut worker.batch);
            let flow = run_commands(server, worker, session, &input[consumed..], &mut batch, commands, reply);
            worker.batch = batch;
            flow
        };
        if lane == more {
            worker.batch.pop_lane();
        }
        match end {
            End::Incomplete { at, need } => return Outcome { consumed: consumed + at, flow, need },
            End::Error(error) => {
                session.broken = Some(error);
                let flow = if flow == Flow::Continue { end_broken(server, worker, session, reply) } else { flow };
                return Outcome { consumed: input.len(), flow, need: 0 };
            }
            End::Full { at } => {
                consumed += at;
                let flow = if flow == Flow::Continue && is_enough(worker, reply) { Flow::SendFirst } else { flow };
                if flow != Flow::Continue {
                    return Outcome { consumed, flow, need: 0 };
                }
            }
        }
        lane = more;
        prepare(server, worker, session, &mut input[consumed..]);
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

/// Whether the plan has to locate keys for these words.
#[inline]
fn is_planned(command: &Command, args: &Args<'_>) -> bool {
    matches!(command.spec.run, Run::Keyed(_)) && command.spec.takes(args.len())
}

/// Whether two names are the same bytes. They are short, so that comparing them here is done before a call would be.
#[inline]
fn is_same_name(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a == b)
}

/// The command of a name, as it was called before: pipelines tend to repeat themselves.
struct Known<'s> {
    name: Arg,
    command: &'s Command,
}

/// Resolves the command whose words begin at `first`.
#[inline]
fn resolve<'s>(server: &'s Server, input: &[u8], words: &[Arg], known: &mut Option<Known<'s>>) -> Option<&'s Command> {
    let name = *words.first()?;
    if let Some(known) = known
        && is_same_name(known.name.of(input), name.of(input))
    {
        return Some(known.command);
    }
    let command = server.registry.resolve(&Args::new(input, words)).ok()?;
    *known = (!command.is_subcommand && command.subcommands.is_empty()).then_some(Known { name, command });
    Some(command)
}

/// Plans the command whose words begin at `first`: what it is, and where its keys are.
#[inline]
fn plan<'s>(
    server: &'s Server,
    input: &[u8],
    db: usize,
    batch: &mut Batch,
    first: usize,
    bytes: usize,
    known: &mut Option<Known<'s>>,
) {
    let Batch { parsed, words, keys, .. } = batch;
    let args = Args::new(input, &words[first..]);
    let first_key = keys.len();
    let mut invalid_keys = false;
    let command = resolve(server, input, &words[first..], known);
    if let Some(command) = command.filter(|command| is_planned(command, &args)) {
        let mut locate = |word: Arg| {
            let key = server.keyspace.key(word.of(input));
            server.keyspace.prefetch_shard(&key);
            keys.push(PlannedKey { word, hash: key.hash, shard: key.shard, db: db as u32 });
        };
        if command.one_key {
            locate(words[first + 1]);
        } else {
            invalid_keys = command.spec.for_each_key(&args, |at, _| locate(words[first + at])).is_err();
        }
    }
    parsed.push(Parsed {
        command: command.map(|command| command.id),
        words: first..words.len(),
        keys: first_key..keys.len(),
        invalid_keys,
        bytes,
    });
}

fn run_commands(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    input: &[u8],
    batch: &mut Batch,
    commands: Range<usize>,
    reply: &mut ReplyWriter,
) -> Flow {
    let mut ticks = worker.state.ticks.raw();
    let Batch { parsed, words, keys: all_keys, fetched, .. } = batch;
    let commands = &parsed[commands];
    // Commands whose elements were fetched.
    let mut probed = 0;
    for (number, parsed) in commands.iter().enumerate() {
        // A single key would gain nothing.
        if all_keys.len() > 1 {
            fetched.advance(server, &worker.state.stats, all_keys, parsed.keys.end);
        }
        let args = Args::new(input, &words[parsed.words.clone()]);
        let command = parsed.command.map(|id| server.registry.by_id(id));
        if number >= probed && command.is_some_and(|command| command.spec.elements.is_some()) {
            probed = number + prefetch_elements(server, input, words, all_keys, &commands[number..]);
        }
        let keys = &all_keys[parsed.keys.clone()];
        let one;
        let many: SmallVec<[Key<'_>; 16]>;
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
            Flow::Postponed | Flow::Deferred => (flow, number),
            Flow::Blocked | Flow::Away => (flow, number + 1),
            Flow::Continue if is_enough(worker, reply) => (Flow::SendFirst, number + 1),
            other => (other, commands.len()),
        };
        if flow != Flow::Continue {
            // Those that wait do it in words of their own: the input may be parsed no second time.
            for later in &commands[wait_from..] {
                let args = Args::new(input, &words[later.words.clone()]);
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
    if session.running.is_some() {
        return Flow::Away;
    }
    session.info.set_flag(client_flags::POSTPONED, false);
    while let Some(owned) = session.postponed.pop_front() {
        let args = owned.args();
        let mut ticks = worker.state.ticks.raw();
        let flow = run_words(server, worker, session, reply, &args, &mut ticks);
        if flow != Flow::Continue {
            if matches!(flow, Flow::Postponed | Flow::Deferred) {
                session.postponed.push_front(owned);
            }
            return flow;
        }
        if is_enough(worker, reply) {
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
    let (keys, fit) = match command.filter(|command| is_planned(command, args)) {
        Some(command) => command.spec.locate(args, &server.keyspace),
        None => (Vec::new(), true),
    };
    let bytes = args.from(0).map(<[u8]>::len).sum();
    let planned = Planned { keys: &keys, invalid: !fit, bytes };
    dispatch::dispatch(server, worker, session, reply, command, args, planned, ticks)
}
