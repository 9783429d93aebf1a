//! A command of a client, through its whole path: gates, lock, run, commit, reply, statistics.

use crate::account::{account, fail, feed_monitors, lap};
use crate::call::{self, Call, Called};
use crate::gates::{self, Gate};
use crate::worker::Worker;
use crate::{blocking, deliver, exec, long};
use base::throttle::Throttle;
use command::clients::{Deliveries, client_flags};
use command::session::ReplyMode;
use command::session::waiting::{Spent, Waiting};
use command::spec::registry::Command;
use command::spec::{Flags, Group, Run, Shape};
use command::{Args, CommandError, CommandResult, Origin, Server, Session, WorkerState};
use engine::{Busy, Commit, Key, LockedKeys, Scope};
use resp::ReplyWriter;
use resp::request::is_cross_protocol_attack;
use smallvec::SmallVec;
use std::sync::atomic::Ordering;

/// What becomes of the connection after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Continue,
    /// Send what is written, then close.
    Close,
    /// The connection waits, for what [`Session::waiting`] says.
    Waits,
    /// The replies so far are to be sent before more commands run.
    SendFirst,
    /// What is in the mailbox is to be delivered before more commands run.
    DeliverFirst,
}

/// What the plan found out about a command.
#[derive(Clone, Copy)]
pub struct Planned<'a> {
    pub keys: &'a [Key<'a>],
    /// The key specs did not fit the words.
    pub invalid: bool,
    /// Size of the request.
    pub bytes: usize,
}

/// Takes a command through its whole path. `ticks` is the time at which the command before it ended.
#[inline]
pub fn dispatch(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    reply: &mut ReplyWriter,
    command: Option<&Command>,
    args: &Args<'_>,
    planned: Planned<'_>,
    ticks: &mut u64,
) -> Flow {
    reply.proto = session.proto;
    if command.is_none() && is_cross_protocol_attack(args.word(0)) {
        // A browser made to speak HTTP to this port: nothing it smuggles in behind the request line may run.
        log_attack(server, session);
        reply.out.clear();
        return Flow::Close;
    }
    let mark = reply.out.mark();
    if session.reply_mode == ReplyMode::SkipNext {
        session.reply_mode = ReplyMode::Skip;
    }
    let mut is_held_back = true;
    match gates::check(server, worker, session, command, args) {
        Ok(Gate::Run(command)) => {
            timed(server, worker, session, reply, command, args, planned, ticks);
            // CLIENT REPLY is not about messages.
            is_held_back = command.spec.reply != Shape::PUSHES;
        }
        Ok(Gate::Queued) => reply.simple("QUEUED"),
        Ok(Gate::Postponed) => {
            session.waiting = Waiting::Pause;
            session.info.set_flag(client_flags::POSTPONED, true);
        }
        Err(error) => refused(server, &worker.state, session, reply, command, args, error),
    }
    if session.waiting.is_retried() {
        // As if it had not come yet: CLIENT REPLY SKIP, too, is still about it.
        return Flow::Waits;
    }
    if session.reply_mode != ReplyMode::On {
        if is_held_back {
            reply.out.truncate(mark);
        }
        if session.reply_mode == ReplyMode::Skip {
            session.reply_mode = ReplyMode::On;
        }
    }
    let hears_more = deliver::write_own(&mut worker.for_actor, session, reply);
    if session.close_after_reply {
        Flow::Close
    } else if !session.waiting.is_no() {
        Flow::Waits
    } else if hears_more {
        Flow::DeliverFirst
    } else {
        Flow::Continue
    }
}

/// Answers a command that may not run. A transaction that it was meant for is aborted; EXEC itself ends it.
#[cold]
fn refused(
    server: &Server,
    state: &WorkerState,
    session: &mut Session,
    reply: &mut ReplyWriter,
    command: Option<&Command>,
    args: &Args<'_>,
    error: CommandError,
) {
    if let Some(command) = command {
        state.stats.commands[command.id].rejected.add(1);
        if matches!(command.spec.run, Run::Exec) {
            session.discard();
            fail(server, state, reply, &CommandError::exec_abort(&error));
            if server.clients.has_monitors() {
                feed_monitors(server, state, session, command, args);
            }
            return;
        }
    }
    if let Some(multi) = &mut session.multi {
        multi.aborted = true;
    }
    fail(server, state, reply, &error);
}

#[cold]
fn log_attack(server: &Server, session: &Session) {
    static LOG: Throttle = Throttle::every_ms(60_000);
    let Some(more) = LOG.pass(server.host.now().mono_us / 1000) else { return };
    server.host.warn(&format!(
        "Possible SECURITY ATTACK detected: {} sent POST or Host:, the words of an HTTP request. Connection aborted.{more}",
        session.info.addr
    ));
}

/// Runs a command and counts it.
#[inline]
fn timed(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    reply: &mut ReplyWriter,
    command: &Command,
    args: &Args<'_>,
    planned: Planned<'_>,
    ticks: &mut u64,
) {
    let mark = reply.out.mark();
    session.info.last_command.store(command.id, Ordering::Relaxed);
    let outcome = match command.spec.run {
        Run::Exec => {
            exec::exec(server, worker, session, reply, command);
            Ok(())
        }
        _ => run(server, worker, session, reply, command, args, planned),
    };
    if worker.state.options_changed.take() {
        worker.set_now(server, worker.state.now);
    }
    if session.waiting.is_retried() {
        return;
    }
    if let Some(tracking) = &mut session.tracking
        && session.multi.is_none()
        && !(command.is_subcommand && command.spec.group == Group::Connection)
    {
        // CLIENT CACHING was about this command.
        tracking.caching = None;
    }
    if server.clients.has_monitors() {
        feed_monitors(server, &worker.state, session, command, args);
    }
    let nanos = lap(&worker.state, ticks);
    match &mut session.waiting {
        Waiting::No => {}
        // It is counted and logged when that is over.
        Waiting::Keys(blocking::Blocked { spent, .. }) | Waiting::Long(long::Running { spent, .. }) => {
            *spent = Spent { nanos, request_bytes: planned.bytes, reply_bytes: 0 };
            return;
        }
        Waiting::Pause | Waiting::Detached | Waiting::Busy | Waiting::Messages => return,
    }
    if let Err(error) = outcome {
        reply.out.truncate(mark);
        worker.state.stats.commands[command.id].failed.add(1);
        fail(server, &worker.state, reply, &error);
    }
    let spent = Spent { nanos, request_bytes: planned.bytes, reply_bytes: reply.out.len_since(mark) };
    account(server, &worker.state, session, command, args, spent);
    if !session.redacted.is_empty() {
        session.redacted.clear();
    }
}

/// The shards of several keys, rising, each once.
fn shards_of(keys: &[Key<'_>]) -> SmallVec<[u16; 16]> {
    let mut shards: SmallVec<[u16; 16]> = keys.iter().map(|key| key.shard).collect();
    shards.sort_unstable();
    shards.dedup();
    shards
}

/// Runs a command outside a transaction: locks, runs, commits.
#[inline]
fn run(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    reply: &mut ReplyWriter,
    command: &Command,
    args: &Args<'_>,
    planned: Planned<'_>,
) -> CommandResult {
    let shards;
    let (handler, scope) = match command.spec.run {
        Run::Keyed(handler) if command.spec.needs_all_shards(args) => (handler, Scope::All),
        Run::Keyed(handler) => match planned.keys {
            [key] => (handler, Scope::Shards(std::slice::from_ref(&key.shard))),
            keys => {
                shards = shards_of(keys);
                (handler, Scope::Shards(&shards))
            }
        },
        Run::Session(handler) | Run::Visit(handler) => (handler, Scope::Visit),
        Run::Global(handler) => (handler, Scope::All),
        Run::Exec | Run::Container => return Err(CommandError::SYNTAX),
    };
    let patience = worker.patience();
    let Worker { state, effects, for_actor, is_busy, .. } = worker;
    if command.spec.flags.has(Flags::WRITE) && is_held_up(server) {
        session.waiting = Waiting::Busy;
        return Ok(());
    }
    let deliveries = Deliveries::of_client(server, state, session.id);
    let outcome = {
        let locked = LockedKeys::try_lock(&server.keyspace, scope, session.db, effects, patience);
        let mut keys = match locked.and_then(|keys| covering(keys, command, planned.keys)) {
            Ok(keys) => keys.with_outlet(&deliveries),
            Err(Busy) => {
                base::mark!("a command finds a shard held");
                session.waiting = Waiting::Busy;
                *is_busy = true;
                return Ok(());
            }
        };
        if keys.must_wait(planned.keys.iter(), state.id, session.id) {
            base::mark!("a command waits for a detached key");
            session.waiting = Waiting::Detached;
            return Ok(());
        }
        if command.spec.work.may_be_much(args)
            && long::hand_over(server, state.now, session, &mut keys, command, args, planned)
        {
            return Ok(());
        }
        let call = Call { origin: Origin::Client, command, args, keys: planned.keys };
        let Called { outcome, block } =
            call::call(server, state, session, reply, &mut keys, &deliveries, handler, call);
        keys.commit_frame();
        if keys.effects().outbox().has_ready() {
            blocking::serve_ready(server, state, &mut keys, &deliveries);
        }
        if let Some(block) = block {
            blocking::begin(state, session, &mut keys, command, args, block);
        }
        outcome
    };
    deliver::finish(server, for_actor, deliveries, effects);
    outcome
}

/// Whether changes have to wait: somebody hears of their events, and more waits to be delivered than there should.
#[inline]
pub(crate) fn is_held_up(server: &Server) -> bool {
    server.keyspace.event_classes.load(Ordering::Relaxed) != 0 && server.channels.is_congested()
}

/// Takes what serving the waiters of the keys needs, for a command that may fill them.
#[inline]
fn covering<'k>(mut keys: LockedKeys<'k>, command: &Command, located: &[Key<'_>]) -> Result<LockedKeys<'k>, Busy> {
    if command.spec.flags.has(Flags::WRITE) {
        keys.cover_waiters(located)?;
    }
    Ok(keys)
}
