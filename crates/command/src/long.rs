//! Commands that take long: another thread runs them, and no client waits that does not ask for their keys.
//!
//! A worker that runs a command serves nobody else meanwhile, and whoever wants a shard that the command holds waits for
//! it. For most commands that is over in microseconds. Those whose spec says what their [`Work`] is, and which have
//! much of it, are handed to the [`Executor`] instead:
//!
//! ```text
//!  worker:    plan, gates, lock, keys go away, unlock --Job-->       ... serves others ...    lock, keys come back,
//!  executor:                                          handler --Finished-->                   journal, unlock, reply
//! ```
//!
//! * The keys go away with the command (see `engine/src/away.rs`), so the handler runs as ever, through the same door, only
//!   that its shard is one of its own. What it did counts, is logged and is announced when the keys come back.
//! * Its client waits, and its further commands with it: the order of replies is that of commands. So do clients that ask
//!   for the keys; they try again when the keys are back.
//! * If the client goes away meanwhile, the command is finished all the same, as any command that has begun.
//! * A command about the whole keyspace (KEYS) takes nothing away: it visits one shard after the other, as it would on its worker,
//!   a part at a time. The locks of a server with one worker know that worker only; there such a command runs where it is.
//! * What is not known beforehand is guessed: how far LPOS, LREM, LINSERT and BITPOS will look, and what is near a place on
//!   the map. Where most calls find early what they look for, a first part is looked at before the rest is called long.
//! * Not every command that can be long says so. Those about many keys (MGET, DEL, PFCOUNT) run where they are: to take that many
//!   keys away is as much work as to serve them. So do pushes, which take 4 ms for 100,000 elements, and what makes a long string
//!   longer (APPEND, SETRANGE), which may have to copy it.
//! * Inside a transaction a command runs where it is: all of the transaction happens at once.

use crate::args::{Args, OwnedArgs};
use crate::clients::{ClientInfo, Message, client_flags};
use crate::dispatch::{self, Spent};
use crate::error::CommandResult;
use crate::registry::Command;
use crate::server::Server;
use crate::session::{ReplyMode, Session};
use crate::spec::Run;
use crate::worker::Worker;
use base::clock::Now;
use base::rng::Rng;
use engine::{Away, Effects, Key, LockedKeys, Scope};
use resp::{Output, Proto, ReplyWriter};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};

/// What a command's time depends on, where that may be much.
#[derive(Clone, Copy)]
pub enum Work {
    /// Never much, or not to be foretold.
    Little,
    /// The elements of all its keys together, from this one on: those before it are only written.
    Sum(usize),
    /// The elements of the smallest, for each key, from this one on.
    Least(usize),
    /// The words of the command: for those about as many elements as the client names.
    Words,
    /// Elements, or keys of the keyspace, as this tells from words and keys. It has no effects, and takes no time to speak of.
    Told(fn(&Args<'_>, &mut LockedKeys<'_>, &[Key<'_>]) -> usize),
}

/// Elements from which a command is long: 1 ms, or a few, for all that say so.
pub const LONG_ELEMENTS: usize = 10_000;

/// Elements of a key between two places, which are the words from `at` on: for [`Work::Told`]. Negative ones are counted from the
/// end, and both are included.
pub fn between_places(args: &Args<'_>, at: usize, keys: &LockedKeys<'_>, key: &Key<'_>) -> usize {
    let (Ok(start), Ok(stop)) = (args.int(at), args.int(at + 1)) else { return 0 };
    let most = stop.saturating_sub(start).saturating_add(1);
    if (start < 0) == (stop < 0) && most < LONG_ELEMENTS as i64 {
        // Few, whatever the key holds: most calls need not look.
        return usize::try_from(most).unwrap_or(0);
    }
    let len = keys.elements(key);
    let from_front = |place: i64| if place < 0 { place.saturating_add(len as i64).max(-1) } else { place };
    let most = from_front(stop).saturating_sub(from_front(start).max(0)).saturating_add(1);
    usize::try_from(most).unwrap_or(0).min(len)
}

/// Elements of a key that a count asks for, for [`Work::Told`]: not more than there are.
pub fn counted(count: usize, keys: &LockedKeys<'_>, key: &Key<'_>) -> usize {
    // Few, whatever the key holds: most calls need not look.
    if count < LONG_ELEMENTS { count } else { count.min(keys.elements(key)) }
}

/// The word at `at` as a count for [`counted`]; 0 where there is none, or none that makes sense.
pub fn count_word(args: &Args<'_>, at: usize) -> usize {
    if args.len() <= at { 0 } else { args.int(at).map_or(0, |count| usize::try_from(count).unwrap_or(0)) }
}

/// Where long commands go.
pub struct Executor {
    jobs: Sender<Box<Job>>,
    /// Elements from which a command goes there.
    long_elements: usize,
}

/// A long command on its way to the executor.
pub struct Job {
    client: Arc<ClientInfo>,
    command: usize,
    args: OwnedArgs,
    proto: Proto,
    db: usize,
    /// Its keys; `None` for a command that visits the whole keyspace.
    away: Option<Away>,
    fx: Effects,
    now: Now,
}

/// A long command that has run.
pub struct Finished {
    pub client: u64,
    command: usize,
    args: OwnedArgs,
    /// The keys that are away; `None` once they are back.
    away: Option<Away>,
    fx: Option<Effects>,
    output: Output,
    outcome: CommandResult,
    nanos: u64,
}

/// What a session knows of the long command that it waits for.
pub struct Running {
    /// The client wants no answer (CLIENT REPLY).
    pub is_muted: bool,
    /// What it took before it was handed over.
    pub spent: Spent,
}

impl Executor {
    /// An executor, and the jobs that it is given, for [`work`].
    pub fn new(long_elements: usize) -> (Executor, Receiver<Box<Job>>) {
        let (jobs, receiver) = channel();
        (Executor { jobs, long_elements }, receiver)
    }
}

impl Work {
    /// Whether it is worth a closer look.
    #[inline]
    pub(crate) fn may_be_much(self, args: &Args<'_>) -> bool {
        match self {
            Work::Little => false,
            Work::Words => args.len() >= LONG_ELEMENTS,
            Work::Sum(_) | Work::Least(_) | Work::Told(_) => true,
        }
    }

    #[inline]
    fn elements(self, args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
        let counted = |from: usize| located.get(from..).unwrap_or_default();
        match self {
            Work::Little => 0,
            Work::Sum(from) => counted(from).iter().map(|key| keys.elements(key)).sum(),
            Work::Least(from) => {
                let keys_counted = counted(from);
                let least = keys_counted.iter().map(|key| keys.elements(key)).min().unwrap_or(0);
                least.saturating_mul(keys_counted.len())
            }
            Work::Words => args.len(),
            Work::Told(told) => told(args, keys, located),
        }
    }
}

/// Hands a command that may have much work to the executor if it has; tells whether it did. Its shards are held.
pub(crate) fn hand_over(
    server: &Server,
    now: Now,
    session: &mut Session,
    keys: &mut LockedKeys<'_>,
    command: &Command,
    args: &Args<'_>,
    planned: dispatch::Planned<'_>,
) -> bool {
    let Some(executor) = &server.executor else { return false };
    // Whoever holds all shards may be after more than his keys.
    if planned.invalid
        || command.spec.work.elements(args, keys, planned.keys) < executor.long_elements
        || keys.holds_all()
    {
        return false;
    }
    let is_visit = matches!(command.spec.run, Run::Visit(_));
    let away = if is_visit { None } else { keys.send_away(planned.keys) };
    let may_go = if is_visit { server.keyspace.is_shared() } else { away.is_some() };
    if !may_go {
        return false;
    }
    let seed = keys.fx.rng.next_u64();
    let job = Job {
        client: session.info.clone(),
        command: command.id,
        args: OwnedArgs::copy(args),
        proto: session.proto,
        db: session.db,
        away,
        fx: keys.fx.like(Rng::seed(seed)),
        now,
    };
    if let Err(unsent) = executor.jobs.send(Box::new(job)) {
        // The thread has ended: the server stops.
        if let Some(away) = &unsent.0.away {
            keys.take_back(away);
        }
        return false;
    }
    let is_muted = session.reply_mode != ReplyMode::On;
    session.running = Some(Running { is_muted, spent: Spent::default() });
    true
}

/// Runs jobs until the server is gone: the life of an executor's thread.
pub fn work(server: &Weak<Server>, jobs: &parking_lot::Mutex<Receiver<Box<Job>>>) {
    let Some(mut worker) = server.upgrade().map(|server| worker_of(&server)) else { return };
    loop {
        let job = jobs.lock().recv();
        let (Ok(job), Some(server)) = (job, server.upgrade()) else { return };
        execute(&server, &mut worker, job);
    }
}

/// A worker for an executor. Its counters are nobody's: what commands count is counted when they are finished.
pub fn worker_of(server: &Server) -> Worker {
    Worker::new(0, Arc::new(crate::stats::WorkerStats::new(server.registry.len())), 0)
}

/// Runs a job, and tells the worker of its client.
pub fn execute(server: &Server, worker: &mut Worker, job: Box<Job>) {
    let Job { client, command: id, args: words, proto, db, away, mut fx, now } = *job;
    let command = server.registry.by_id(id);
    let (client_id, mailbox) = (client.id, &server.workers[client.worker].mailbox);
    worker.set_now(server, now);
    let mut session = Session::new(client.clone(), true, false);
    session.db = db;
    session.proto = proto;
    session.no_touch = client.has_flag(client_flags::NO_TOUCH);
    let mut reply = ReplyWriter::new(proto);
    let start = worker.state.ticks.raw();
    let outcome = {
        let args = words.args();
        let (keyspace, scope) = match &away {
            Some(away) => (away.keyspace(), Scope::All),
            None => (&server.keyspace, Scope::Visit),
        };
        let mut keys = LockedKeys::lock(keyspace, scope, db, &mut fx);
        // The words fitted once: otherwise the command would not have come here.
        let (located, _) = command.spec.locate(&args, keys.keyspace());
        match command.spec.run {
            Run::Keyed(handler) | Run::Visit(handler) => dispatch::call(
                server,
                &worker.state,
                &mut session,
                &mut reply,
                &mut keys,
                handler,
                command,
                &args,
                &located,
            ),
            Run::Session(_) | Run::Global(_) | Run::Exec | Run::Container => {
                unreachable!("only commands about keys have work")
            }
        }
    };
    let nanos = worker.state.ticks.delta_as_nanos(start, worker.state.ticks.raw());
    mailbox.send(Message::Finished(Box::new(Finished {
        client: client_id,
        command: id,
        args: words,
        away,
        fx: Some(fx),
        output: reply.out,
        outcome,
        nanos,
    })));
}

/// Takes over what a finished command did, and its keys back, whether or not its client is still there.
pub fn bring_back(server: &Server, worker: &mut Worker, finished: &mut Finished) {
    let Some(fx) = finished.fx.take() else { return };
    match finished.away.take() {
        Some(away) => take_back(server, worker, &away, fx),
        // What it did to a shard, it did and logged under the lock of that.
        None => worker.fx.absorb(fx),
    }
    dispatch::deliver(server, &mut worker.fx, Some(finished.client));
}

fn take_back(server: &Server, worker: &mut Worker, away: &Away, fx: Effects) {
    {
        let shards = away.shards();
        let mut keys = LockedKeys::lock(&server.keyspace, Scope::Shards(&shards), away.db(), &mut worker.fx);
        keys.take_back(away);
        keys.fx.absorb(fx);
        keys.fx.settle(&server.keyspace.journal);
    }
    for (number, client) in server.keyspace.take_waiting_for_return() {
        server.workers[number].mailbox.send(Message::Retry(client));
    }
}

/// Answers the client of a finished command, and counts the command.
pub fn end(
    server: &Server,
    worker: &Worker,
    session: &mut Session,
    reply: &mut ReplyWriter,
    finished: Finished,
) -> bool {
    let Some(Running { is_muted, mut spent }) = session.running.take() else { return false };
    let Finished { command, args, mut output, outcome, nanos, .. } = finished;
    let mark = reply.out.mark();
    reply.proto = session.proto;
    let command = server.registry.by_id(command);
    match outcome {
        Ok(()) => reply.out.append(&mut output),
        Err(error) => {
            worker.state.stats.commands[command.id].failed.add(1);
            dispatch::fail(server, &worker.state, reply, &error);
        }
    }
    spent.nanos += nanos;
    spent.reply_bytes = reply.out.len_since(mark);
    dispatch::account(server, &worker.state, session, command, &args.args(), spent);
    if is_muted {
        reply.out.truncate(mark);
    }
    true
}
