//! A turn's commands: parse what arrived, fetch the keys into the cache, run in order.
//!
//! Up to [`COMMANDS_MAX`] commands of a connection are parsed before the first runs, and those of many connections
//! before the first connection is answered: [`prepare`] parses and plans a [`ParsedBatch`], the commands of one
//! connection, for as many connections as are ready; [`run_next`] runs the by_connection in the order in which they
//! were prepared. Their keys are fetched in groups, across commands and connections: the entries of the group whose
//! turn it is, and the buckets of the one after it, so that the misses of many commands overlap instead of adding up.
//!
//! What a parsed batch holds are ranges of its connection's input, which must not change until the parsed batch has
//! run.

use crate::batch::{Batch, End, Parsed, ParsedBatch, PlannedKey, prefetch_elements};
use crate::run::{Flow, Planned, dispatch};
use crate::worker::Worker;
use command::clients::client_flags;
use command::session::ReplyMode;
use command::session::waiting::Waiting;
use command::spec::Run;
use command::spec::registry::Command;
use command::{Args, OwnedArgs, Server, Session};
use engine::Key;
use resp::{Arg, ReplyWriter, Status};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::atomic::Ordering;

/// Most commands of one parsed batch.
pub const COMMANDS_MAX: usize = 64;

/// With so many bytes of replies, a turn ends: they are sent before more commands run, so that a client that only
/// asks and never reads cannot make the server hold more.
const REPLIES_MAX: usize = 128 << 10;

/// Whether there are so many replies that the turn ends.
#[inline]
fn is_enough(worker: &Worker, session: &Session, reply: &ReplyWriter) -> bool {
    reply.out.len() >= REPLIES_MAX.min(worker.state.output_limit(&session.info))
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

/// Parses and plans the first commands in `input` as one more parsed batch.
pub fn prepare(server: &Server, worker: &mut Worker, session: &mut Session, input: &mut [u8]) {
    let authenticated = !session.must_authenticate(&server.tunables);
    let limits = session.limits(worker.state.settings.max_bulk_len, authenticated);
    let batch = &mut worker.batch;
    let first = batch.parsed.len();
    let mut first_word = batch.words.len();
    let mut known = None;
    // Before AUTH the limits are small, and the next command may lift them: one at a time.
    let most = if authenticated { COMMANDS_MAX } else { 1 };
    let mut at = 0;
    let end = loop {
        if batch.parsed.len() - first >= most {
            break End::Full { at };
        }
        let status = if session.partial.is_empty() {
            session.parser.parse_behind(&mut input[at..], at, &limits, &mut batch.words)
        } else {
            // The words of a command that comes in parts stay with its connection until it is whole: each is copied
            // once.
            let status = session.parser.parse_behind(input, 0, &limits, &mut session.partial);
            if matches!(status, Ok(Status::Complete { .. })) {
                batch.words.append(&mut session.partial);
            }
            status
        };
        match status {
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
    // What was parsed of a command that is not whole, counted from where it begins.
    if let End::Incomplete { at, .. } = end {
        let partial = batch.words[first_word..].iter().map(|word| Arg { start: word.start - at, end: word.end - at });
        session.partial.extend(partial);
    }
    if session.partial.is_empty() && session.partial.capacity() > PARTIAL_KEPT {
        // A command of very many words is not to leave its mark on a connection at rest.
        session.partial = Vec::new();
    }
    batch.words.truncate(first_word);
    batch.by_connection.push(ParsedBatch { commands: first..batch.parsed.len(), end });
}

/// Runs the parsed batch that was prepared first of those that did not run yet, and then what else there is in its
/// `input`.
pub fn run_next(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    input: &mut [u8],
    reply: &mut ReplyWriter,
) -> Outcome {
    let current = worker.batch.next;
    worker.batch.next += 1;
    let outcome = run_from(server, worker, session, input, reply, current);
    if worker.batch.next == worker.batch.by_connection.len() {
        worker.batch.clear();
    }
    outcome
}

/// Runs the commands in `input`; by_connection that were prepared before stay.
pub fn run(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    input: &mut [u8],
    reply: &mut ReplyWriter,
) -> Outcome {
    let current = worker.batch.by_connection.len();
    prepare(server, worker, session, input);
    let outcome = run_from(server, worker, session, input, reply, current);
    worker.batch.pop_last();
    if current == 0 {
        worker.batch.clear();
    }
    outcome
}

/// Runs a parsed batch and all that follows it in `input`, through parsed batches that come and go behind those that
/// are there.
fn run_from(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    input: &mut [u8],
    reply: &mut ReplyWriter,
    current: usize,
) -> Outcome {
    let mut current = current;
    let mut consumed = 0;
    let more = worker.batch.by_connection.len();
    loop {
        let ParsedBatch { ref commands, end } = worker.batch.by_connection[current];
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
        if current == more {
            worker.batch.pop_last();
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
                let flow =
                    if flow == Flow::Continue && is_enough(worker, session, reply) { Flow::SendFirst } else { flow };
                if flow != Flow::Continue {
                    return Outcome { consumed, flow, need: 0 };
                }
            }
        }
        current = more;
        prepare(server, worker, session, &mut input[consumed..]);
    }
}

/// All that came before has run: now a broken protocol has its answer, and is the end of the connection.
fn end_broken(server: &Server, worker: &mut Worker, session: &mut Session, reply: &mut ReplyWriter) -> Flow {
    let Some(error) = session.broken.take() else { return Flow::Continue };
    if session.reply_mode == ReplyMode::On {
        reply.protocol_error(error);
    }
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
        let flow = dispatch(server, worker, session, reply, command, &args, planned, &mut ticks);
        let (flow, wait_from) = match flow {
            Flow::Waits => (flow, if session.waiting.is_retried() { number } else { number + 1 }),
            Flow::SendFirst | Flow::DeliverFirst => (flow, number + 1),
            Flow::Continue if is_enough(worker, session, reply) => (Flow::SendFirst, number + 1),
            Flow::Continue | Flow::Close => (flow, commands.len()),
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
    if !session.waiting.is_no() {
        if !session.waiting.is_retried() {
            // The end of a pause is not what it waits for.
            return Flow::Waits;
        }
        session.waiting = Waiting::No;
    }
    session.info.set_flag(client_flags::POSTPONED, false);
    while let Some(owned) = session.postponed.pop_front() {
        let args = owned.args();
        let mut ticks = worker.state.ticks.raw();
        let flow = run_words(server, worker, session, reply, &args, &mut ticks);
        if flow != Flow::Continue {
            if session.waiting.is_retried() {
                session.postponed.push_front(owned);
            }
            return flow;
        }
        if is_enough(worker, session, reply) {
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
    dispatch(server, worker, session, reply, command, args, planned, ticks)
}
