//! Commands that take long: another thread runs them, and no client waits that does not ask for their keys.
//!
//! A worker that runs a command serves nobody else meanwhile, and whoever wants a shard that the command holds waits
//! for it. For most commands that is over in microseconds. Those whose spec says what their
//! [`Work`](command::spec::Work) is, and which have much of it, are handed to the
//! [`Executor`](command::session::waiting::Executor) instead:
//!
//! ```text
//!  worker:    plan, gates, lock, detach keys, unlock --Job-->       ... serves others ...    lock, attach keys,
//!  executor:                                         handler --Finished-->                   journal, unlock, reply
//! ```
//!
//! * The keys are detached (see `engine/src/detached.rs`), so the handler runs as ever, through the same door, only
//!   that its shard is one of its own. What it did counts, is logged and is announced when the keys are attached again.
//! * Its client waits, and its further commands with it: the order of replies is that of commands. So do clients that
//!   ask for the keys; they try again when the keys are back.
//! * If the client goes away meanwhile, the command is finished all the same, as any command that has begun.
//! * A command about the whole keyspace (KEYS) detaches nothing: it visits one shard after the other, as it would on
//!   its worker, a part at a time.
//! * Inside a transaction a command runs where it is: all of the transaction happens at once.

use crate::account::{account, fail};
use crate::call::{self, Call};
use crate::deliver;
use crate::run::Planned;
use crate::worker::Worker;
use base::clock::Now;
use base::rng::Rng;
use command::clients::{Deliveries, ForActor, Message, tracking};
use command::session::ReplyMode;
pub use command::session::waiting::Running;
use command::session::waiting::{Finished, Job, Spent, Waiting};
use command::spec::registry::Command;
use command::spec::{Flags, Run};
use command::stats::WorkerStats;
use command::{Args, Origin, OwnedArgs, Server, Session};
use engine::{Commit, Detached, Effects, LockedKeys, Scope};
use resp::ReplyWriter;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Weak};

/// Hands a command that may have much work to the executor if it has; returns whether it did. Its shards are held.
pub(crate) fn hand_over(
    server: &Server,
    now: Now,
    session: &mut Session,
    keys: &mut LockedKeys<'_>,
    command: &Command,
    args: &Args<'_>,
    planned: Planned<'_>,
) -> bool {
    let Some(executor) = &server.executor else { return false };
    /// More keys than these are worth being detached only where each has so many elements on average: that takes about
    /// as long as to detach and attach a key.
    const KEYS_FEW: usize = 256;
    const ELEMENTS_PER_KEY: usize = 32;
    // Whoever holds all shards may be after more than his keys.
    if planned.invalid || keys.holds_all() {
        return false;
    }
    let elements = command.spec.work.elements(args, keys, planned.keys);
    let many = planned.keys.len();
    if elements < executor.long_elements || (many > KEYS_FEW && elements / many < ELEMENTS_PER_KEY) {
        return false;
    }
    if let Some(tracking) = &session.tracking
        && command.spec.flags.has(Flags::READONLY)
    {
        // Before the keys are detached: who reads them goes along with them.
        tracking::remember(server, tracking, keys, planned.keys);
    }
    let is_visit = matches!(command.spec.run, Run::Visit(_));
    let detached = if is_visit { None } else { keys.detach(planned.keys) };
    if !is_visit && detached.is_none() {
        return false;
    }
    let seed = keys.effects().rng.next_u64();
    let job = Job {
        identity: session.identity(),
        command: command.id,
        args: OwnedArgs::copy(args),
        detached,
        effects: keys.effects().for_other_thread(Rng::seed(seed)),
        now,
    };
    if let Err(unsent) = executor.jobs.send(Box::new(job)) {
        base::mark!("nobody is there to run a long command");
        // The thread has ended: the server stops.
        if let Some(detached) = &unsent.0.detached {
            keys.attach(detached);
        }
        return false;
    }
    let is_muted = session.reply_mode != ReplyMode::On;
    session.waiting = Waiting::Long(Running { is_muted, spent: Spent::default() });
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
    Worker::new(0, Arc::new(WorkerStats::new(server.registry.len())), 0)
}

/// Runs a job, and sends the worker of its client what came of it.
pub fn execute(server: &Server, worker: &mut Worker, job: Box<Job>) {
    let Job { identity, command: id, args: words, detached, mut effects, now } = *job;
    let command = server.registry.by_id(id);
    let mailbox = &server.workers[identity.client.worker].mailbox;
    worker.set_now(server, now);
    let mut session = Session::on_behalf_of(&identity);
    let mut reply = ReplyWriter::new(session.proto);
    let start = worker.state.ticks.raw();
    // What a visit has for others is posted as it goes, and its client hears of it as they do.
    let deliveries = Deliveries::new(server);
    let outcome = {
        let args = &words.args();
        let (keyspace, scope) = match &detached {
            Some(detached) => (detached.keyspace(), Scope::All),
            None => (&server.keyspace, Scope::Visit),
        };
        let mut keys = LockedKeys::lock(keyspace, scope, identity.db, &mut effects);
        if detached.is_none() {
            keys = keys.with_outlet(&deliveries);
        }
        // The words fitted once: otherwise the command would not have come here.
        let (located, _) = command.spec.locate(args, keys.keyspace());
        let handler = call::handler(command).expect("only commands with a handler have work");
        let call = Call { origin: Origin::Executor, command, args, keys: &located };
        call::call(server, &worker.state, &mut session, &mut reply, &mut keys, &deliveries, handler, call).outcome
    };
    deliveries.finish();
    let nanos = worker.state.ticks.delta_as_nanos(start, worker.state.ticks.raw());
    mailbox.send(Message::Finished(Box::new(Finished {
        client: identity.client.id,
        command: id,
        args: words,
        done: Some((effects, detached)),
        for_actor: ForActor::default(),
        output: reply.out,
        outcome,
        nanos,
    })));
}

/// Takes over what a finished command did, and its keys back, whether or not its client is still there.
pub fn bring_back(server: &Server, worker: &mut Worker, finished: &mut Finished) {
    let Some((effects, detached)) = finished.done.take() else { return };
    let Worker { state, effects: own_effects, .. } = worker;
    let deliveries = Deliveries::of_client(server, state, finished.client);
    match detached {
        Some(detached) => attach(server, own_effects, &detached, effects, &deliveries),
        // What it did to a shard, it did, logged and announced under the lock of that.
        None => own_effects.absorb(effects),
    }
    deliver::finish(server, &mut finished.for_actor, deliveries, own_effects);
}

fn attach(
    server: &Server,
    own_effects: &mut Effects,
    detached: &Detached,
    effects: Effects,
    deliveries: &Deliveries<'_>,
) {
    {
        let shards = detached.shards();
        let scope = Scope::Shards(&shards);
        let keys = LockedKeys::lock(&server.keyspace, scope, detached.db(), own_effects);
        let mut keys = keys.with_outlet(deliveries);
        keys.attach(detached);
        keys.effects().absorb(effects);
        keys.commit_frame();
    }
    for (number, client) in server.keyspace.take_waiting_for_attach() {
        deliveries.post(number, Message::Retry(client));
    }
}

/// Answers the client of a finished command, and counts the command. What the client has to hear of it itself follows.
/// Returns false if it does not wait for it any more.
pub fn end(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    reply: &mut ReplyWriter,
    finished: Finished,
) -> bool {
    let Some(Running { is_muted, mut spent }) = session.waiting.take_running() else { return false };
    let Finished { command, args, mut for_actor, mut output, outcome, nanos, .. } = finished;
    let mark = reply.out.mark();
    reply.proto = session.proto;
    let command = server.registry.by_id(command);
    match outcome {
        Ok(()) => reply.out.append(&mut output),
        Err(error) => {
            worker.state.stats.commands[command.id].failed.add(1);
            fail(server, &worker.state, reply, &error);
        }
    }
    spent.nanos += nanos;
    spent.reply_bytes = reply.out.len_since(mark);
    account(server, &worker.state, session, command, &args.args(), spent);
    if is_muted {
        reply.out.truncate(mark);
    }
    deliver::write_own(&mut for_actor, session, reply);
    true
}
