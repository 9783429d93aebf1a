//! The path of a command: gates, lock, run, commit, reply, statistics.

use crate::args::{Args, OwnedArgs};
use crate::blocking;
use crate::clients::{Message, client_flags};
use crate::commandlog::Kind;
use crate::ctx::Ctx;
use crate::error::{CommandError, CommandResult};
use crate::long;
use crate::pause::Paused;
use crate::registry::Command;
use crate::server::Server;
use crate::session::{Queued, ReplyMode, Session, WatchedKey};
use crate::spec::{Flags, Group, Handler, Run};
use crate::tracking;
use crate::tunables::Access;
use crate::worker::{Worker, WorkerState};
use base::text::write_repr;
use engine::reclaim::Garbage;
use engine::{Effects, Key, LockedKeys, Scope};
use resp::ReplyWriter;
use resp::request::is_cross_protocol_attack;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What becomes of the connection after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Continue,
    /// Send what is written, then close.
    Close,
    /// The command waits, and so does the connection, until somebody says RESUME.
    Postponed,
    /// The command waits for keys that are away, and so does the connection, until it is told to try again.
    Deferred,
    /// The command runs elsewhere; the connection waits for its end.
    Away,
    /// The command waits for a key, and so does the connection, until that ends.
    Blocked,
    /// The replies so far are to be sent before more commands run.
    SendFirst,
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
    let flow = match gates(server, worker, session, command, args) {
        Ok(Gate::Run(command)) => {
            timed(server, worker, session, reply, command, args, planned, ticks);
            if session.close_after_reply {
                Flow::Close
            } else if std::mem::take(&mut session.must_wait) {
                // As if it had not come yet: CLIENT REPLY SKIP, too, is still about it.
                return Flow::Deferred;
            } else if session.running.is_some() {
                Flow::Away
            } else if session.blocked.is_some() {
                Flow::Blocked
            } else {
                Flow::Continue
            }
        }
        Ok(Gate::Queued) => {
            reply.simple("QUEUED");
            Flow::Continue
        }
        Ok(Gate::Postponed) => {
            session.info.set_flag(client_flags::POSTPONED, true);
            return Flow::Postponed;
        }
        Err(error) => {
            refused(server, &worker.state, session, reply, command, args, error);
            Flow::Continue
        }
    };
    match session.reply_mode {
        ReplyMode::On => {}
        ReplyMode::Off | ReplyMode::SkipNext => reply.out.truncate(mark),
        ReplyMode::Skip => {
            reply.out.truncate(mark);
            session.reply_mode = ReplyMode::On;
        }
    }
    flow
}

/// Answers a command that may not run. A transaction that it was meant for is spoilt; EXEC itself ends it.
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
    server.host.log(&format!(
        "Possible SECURITY ATTACK detected: {} sent POST or Host:, the words of an HTTP request. Connection aborted.",
        session.info.addr
    ));
}

/// Writes an error reply and counts it.
#[cold]
pub(crate) fn fail(server: &Server, state: &WorkerState, reply: &mut ReplyWriter, error: &CommandError) {
    reply.error(error.text());
    state.stats.error_replies.add(1);
    server.errors.count(error.text());
}

enum Gate<'a> {
    Run(&'a Command),
    Queued,
    Postponed,
}

/// Everything that can keep a command from running now.
#[inline]
fn gates<'a>(
    server: &Server,
    worker: &Worker,
    session: &mut Session,
    command: Option<&'a Command>,
    args: &Args<'_>,
) -> Result<Gate<'a>, CommandError> {
    let Some(command) = command else {
        return Err(server.registry.resolve(args).err().unwrap_or(CommandError::SYNTAX));
    };
    let spec = command.spec;
    if !spec.takes(args.len()) || (matches!(spec.run, Run::Container) && args.len() < 2) {
        return Err(CommandError::wrong_arity(&command.full_name));
    }
    if !session.authenticated && !spec.flags.has(Flags::NO_AUTH) {
        return Err(CommandError::NO_AUTH);
    }
    if spec.flags.has(Flags::DEBUG) {
        may_debug(server, session, command)?;
    }
    if session.monitor && spec.flags.any(Flags::READONLY.or(Flags::WRITE).or(Flags::MAY_REPLICATE)) {
        return Err(CommandError::MONITOR_HAS_NO_KEYS);
    }
    if worker.state.settings.memory_mark != i64::MAX {
        has_memory(server, &worker.state, session, command)?;
    }
    let queues = session.multi.is_some() && !spec.flags.has(Flags::NOT_QUEUED);
    if queues && spec.flags.has(Flags::NO_MULTI) {
        return Err(CommandError::NOT_IN_MULTI);
    }
    // A pause holds up the queueing of a command as it holds up the command itself.
    let postponed = match server.pause.now(worker.state.now.unix_ms) {
        Paused::Nothing => false,
        Paused::All => true,
        Paused::Writes => has_flag(server, session, command, Flags::WRITE.or(Flags::MAY_REPLICATE)),
    };
    if postponed {
        return Ok(Gate::Postponed);
    }
    if queues {
        queue(session, command, args);
        return Ok(Gate::Queued);
    }
    Ok(Gate::Run(command))
}

#[cold]
fn may_debug(server: &Server, session: &Session, command: &Command) -> CommandResult {
    let allowed = match server.tunables.debug_command() {
        Access::Yes => true,
        Access::Local => session.local,
        Access::No => false,
    };
    if allowed {
        return Ok(());
    }
    let name = command.full_name.split('|').next().unwrap_or_default().to_uppercase();
    Err(CommandError::not_allowed(&name, "enable-debug-command"))
}

/// Refuses what may take memory while more than `maxmemory` is in use.
fn has_memory(server: &Server, state: &WorkerState, session: &Session, command: &Command) -> CommandResult {
    if has_flag(server, session, command, Flags::DENYOOM) && server.host.thread_memory() > state.settings.memory_mark {
        return Err(CommandError::OUT_OF_MEMORY);
    }
    Ok(())
}

/// Whether a command (or, for EXEC, a queued one) has any of these flags.
fn has_flag(server: &Server, session: &Session, command: &Command, flags: Flags) -> bool {
    match (&command.spec.run, &session.multi) {
        (Run::Exec, Some(multi)) => {
            multi.queue.iter().any(|queued| server.registry.by_id(queued.command).spec.flags.any(flags))
        }
        _ => command.spec.flags.any(flags),
    }
}

#[cold]
fn queue(session: &mut Session, command: &Command, args: &Args<'_>) {
    let Some(multi) = &mut session.multi else { return };
    if multi.aborted {
        // EXEC will refuse: nothing of the queue is needed.
        return;
    }
    multi.queue.push(Queued { command: command.id, args: OwnedArgs::copy(args) });
    session.info.multi.store(multi.queue.len() as i64, Ordering::Relaxed);
    let memory = args.from(0).map(<[u8]>::len).sum::<usize>() + args.len() * size_of::<resp::Arg>();
    session.info.multi_memory.fetch_add(memory, Ordering::Relaxed);
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
            exec(server, worker, session, reply, command);
            Ok(())
        }
        _ => run(server, worker, session, reply, command, args, planned),
    };
    if worker.state.options_changed.take() {
        worker.set_now(server, worker.state.now);
    }
    if session.must_wait {
        return;
    }
    if let Some(tracking) = &mut session.tracking
        && session.multi.is_none()
        && !(command.is_subcommand && command.spec.group == Group::Connection)
    {
        // CLIENT CACHING was about this command.
        tracking.caching = None;
    }
    if session.blocked.is_some() || session.running.is_some() {
        return waiting(server, worker, session, command, args, planned, ticks);
    }
    if server.clients.has_monitors() {
        feed_monitors(server, &worker.state, session, command, args);
    }
    if let Err(error) = outcome {
        reply.out.truncate(mark);
        worker.state.stats.commands[command.id].failed.add(1);
        fail(server, &worker.state, reply, &error);
    }
    let nanos = lap(&worker.state, ticks);
    let spent = Spent { nanos, request_bytes: planned.bytes, reply_bytes: reply.out.len_since(mark) };
    account(server, &worker.state, session, command, args, spent);
    if !session.redacted.is_empty() {
        session.redacted.clear();
    }
}

/// The time since `ticks`, which becomes now.
#[inline]
pub(crate) fn lap(state: &WorkerState, ticks: &mut u64) -> u64 {
    let before = std::mem::replace(ticks, state.ticks.raw());
    state.ticks.delta_as_nanos(before, *ticks)
}

/// What a command took.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    /// Without the time for which it waited.
    pub nanos: u64,
    pub request_bytes: usize,
    pub reply_bytes: usize,
}

/// Counts a command that is over, and logs it if it was remarkable.
#[inline]
pub(crate) fn account(
    server: &Server,
    state: &WorkerState,
    session: &Session,
    command: &Command,
    args: &Args<'_>,
    spent: Spent,
) {
    let info = &session.info;
    info.commands.store(info.commands.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    let stat = &state.stats.commands[command.id];
    stat.calls.add(1);
    stat.nanos.add(spent.nanos);
    state.stats.processed.add(1);
    let settings = &state.settings;
    if settings.latency_tracking {
        stat.histogram.get_or_init(Default::default).record(spent.nanos);
    }
    let remarkable = spent.nanos >= settings.slow_ns
        || spent.nanos >= settings.latency_ns
        || spent.request_bytes >= settings.request_bytes
        || spent.reply_bytes >= settings.reply_bytes;
    if remarkable {
        log_remarkable(server, state, session, command, args, spent);
    }
}

/// The end of a command that waits now: it is counted and logged when that is over.
#[cold]
fn waiting(
    server: &Server,
    worker: &Worker,
    session: &mut Session,
    command: &Command,
    args: &Args<'_>,
    planned: Planned<'_>,
    ticks: &mut u64,
) {
    if server.clients.has_monitors() {
        feed_monitors(server, &worker.state, session, command, args);
    }
    let nanos = lap(&worker.state, ticks);
    let spent = Spent { nanos, request_bytes: planned.bytes, reply_bytes: 0 };
    if let Some(blocked) = &mut session.blocked {
        blocked.spent = spent;
    }
    if let Some(running) = &mut session.running {
        running.spent = spent;
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
    let keyspace = &server.keyspace;
    let fx = &mut worker.fx;
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
    fx.touch = !session.no_touch;
    let outcome = {
        let mut keys = LockedKeys::lock(keyspace, scope, session.db, fx);
        if command.spec.flags.has(Flags::WRITE) {
            keys.cover_waiters(planned.keys);
        }
        if keys.must_wait(planned.keys.iter(), worker.state.id, session.id) {
            session.must_wait = true;
            return Ok(());
        }
        // What a client reads is remembered for its cache while the shards are held, so here.
        if command.spec.work.may_be_much(args)
            && (session.tracking.is_none() || command.spec.flags.has(Flags::WRITE))
            && long::hand_over(server, worker.state.now, session, &mut keys, command, args, planned)
        {
            return Ok(());
        }
        let outcome = call(server, &worker.state, session, reply, &mut keys, handler, command, args, planned.keys);
        keys.fx.settle(&keyspace.journal);
        if keys.fx.has_ready() {
            blocking::serve_ready(server, &worker.state, &mut keys);
        }
        if let Some(block) = session.block.take() {
            blocking::begin(&worker.state, session, &mut keys, command, args, block);
        }
        outcome
    };
    deliver(server, fx, Some(session.id));
    outcome
}

/// Calls a handler with everything locked.
#[inline]
pub(crate) fn call(
    server: &Server,
    state: &WorkerState,
    session: &mut Session,
    reply: &mut ReplyWriter,
    keys: &mut LockedKeys<'_>,
    handler: Handler,
    command: &Command,
    args: &Args<'_>,
    located: &[Key<'_>],
) -> CommandResult {
    keys.db = session.db;
    keys.fx.begin(&server.keyspace.journal);
    let mut cx = Ctx { server, worker: state, session, reply, keys: located, command };
    let outcome = handler(&mut cx, keys, args);
    if let Some(tracking) = &session.tracking
        && command.spec.flags.has(Flags::READONLY)
    {
        tracking::remember(server, tracking, keys, located);
    }
    keys.fx.end(keys.db, || args.to_vecs());
    outcome
}

/// Hands on what commands left: events, what caches have to forget, and large things to be freed. `actor` is the client whose
/// commands they were.
#[inline]
pub fn deliver(server: &Server, fx: &mut Effects, actor: Option<u64>) {
    if let Some(changes) = fx.take_invalidations() {
        server.trackers.tell(server, changes, actor);
    }
    if let Some(fired) = fx.take_fired() {
        server.events.add(fired);
    }
    if let Some(garbage) = fx.take_garbage() {
        for garbage in garbage {
            match garbage {
                Garbage::Now(dbs) => drop(dbs),
                garbage => server.keyspace.reclaimer.discard(garbage),
            }
        }
    }
}

/// EXEC: locks what all queued commands need, checks the watched keys, runs them.
fn exec(server: &Server, worker: &mut Worker, session: &mut Session, reply: &mut ReplyWriter, command: &Command) {
    let Some(multi) = session.multi.take() else {
        worker.state.stats.commands[command.id].failed.add(1);
        return fail(server, &worker.state, reply, &CommandError::EXEC_WITHOUT_MULTI);
    };
    if multi.aborted {
        session.discard();
        worker.state.stats.commands[command.id].failed.add(1);
        return fail(server, &worker.state, reply, &CommandError::EXEC_ABORT);
    }
    let plans: Vec<Vec<Key<'_>>> = multi.queue.iter().map(|queued| locate(server, queued)).collect();
    let watched: Vec<(&WatchedKey, Key<'_>)> =
        session.watched.iter().map(|watched| (watched, server.keyspace.key(&watched.key))).collect();
    let mut shards: SmallVec<[u16; 32]> =
        plans.iter().flatten().chain(watched.iter().map(|(_, key)| key)).map(|key| key.shard).collect();
    shards.sort_unstable();
    shards.dedup();
    let all = multi.queue.iter().any(|queued| {
        let spec = server.registry.by_id(queued.command).spec;
        matches!(spec.run, Run::Visit(_) | Run::Global(_)) || spec.needs_all_shards(&queued.args.args())
    });
    let scope = if all { Scope::All } else { Scope::Shards(&shards) };
    worker.fx.touch = !session.no_touch;
    {
        let mut keys = LockedKeys::lock(&server.keyspace, scope, session.db, &mut worker.fx);
        if !all {
            let planned: Vec<Key<'_>> = plans.iter().flatten().copied().collect();
            keys.cover_waiters(&planned);
        }
        let named = plans.iter().flatten().chain(watched.iter().map(|(_, key)| key));
        if keys.must_wait(named, worker.state.id, session.id) {
            drop(keys);
            drop((plans, watched));
            session.multi = Some(multi);
            session.must_wait = true;
            return;
        }
        keys.fx.begin(&server.keyspace.journal);
        // A watched key that has expired since counts as changed, be it deleted by now or only not seen any more.
        let expired = watched
            .iter()
            .any(|(watched, key)| watched.there && keys.lookup_in(watched.db, key, engine::Lookup::SILENT).is_none());
        if expired || session.cas_failed() {
            reply.null_array();
        } else {
            session.unwatch();
            session.in_exec = true;
            reply.array(multi.queue.len());
            for (queued, plan) in multi.queue.iter().zip(&plans) {
                exec_one(server, &worker.state, session, reply, &mut keys, queued, plan);
            }
            session.in_exec = false;
        }
        keys.fx.settle(&server.keyspace.journal);
        if keys.fx.has_ready() {
            blocking::serve_ready(server, &worker.state, &mut keys);
        }
    }
    deliver(server, &mut worker.fx, Some(session.id));
    session.discard();
}

/// The keys of a queued command.
fn locate<'a>(server: &Server, queued: &'a Queued) -> Vec<Key<'a>> {
    let spec = server.registry.by_id(queued.command).spec;
    if !matches!(spec.run, Run::Keyed(_)) {
        return Vec::new();
    }
    // Words that do not fit are the handler's to refuse.
    let (keys, _) = spec.locate(&queued.args.args(), &server.keyspace);
    keys
}

fn exec_one(
    server: &Server,
    state: &WorkerState,
    session: &mut Session,
    reply: &mut ReplyWriter,
    keys: &mut LockedKeys<'_>,
    queued: &Queued,
    plan: &[Key<'_>],
) {
    let command = server.registry.by_id(queued.command);
    let args = queued.args.args();
    let (Run::Keyed(handler) | Run::Session(handler) | Run::Visit(handler) | Run::Global(handler)) = command.spec.run
    else {
        return fail(server, state, reply, &CommandError::NOT_IN_MULTI);
    };
    reply.proto = session.proto;
    let mark = reply.out.mark();
    let start = state.ticks.raw();
    let outcome = call(server, state, session, reply, keys, handler, command, &args, plan);
    if server.clients.has_monitors() {
        feed_monitors(server, state, session, command, &args);
    }
    let stat = &state.stats.commands[command.id];
    stat.calls.add(1);
    let nanos = state.ticks.delta_as_nanos(start, state.ticks.raw());
    stat.nanos.add(nanos);
    state.stats.nested_nanos.add(nanos);
    if state.settings.latency_tracking {
        stat.histogram.get_or_init(Default::default).record(nanos);
    }
    state.stats.processed.add(1);
    if nanos >= state.settings.slow_ns {
        log_remarkable(server, state, session, command, &args, Spent { nanos, ..Spent::default() });
    }
    session.redacted.clear();
    if let Err(error) = outcome {
        reply.out.truncate(mark);
        stat.failed.add(1);
        fail(server, state, reply, &error);
    }
}

#[cold]
fn log_remarkable(
    server: &Server,
    state: &WorkerState,
    session: &Session,
    command: &Command,
    args: &Args<'_>,
    Spent { nanos, request_bytes, reply_bytes }: Spent,
) {
    let settings = &state.settings;
    let flags = command.spec.flags;
    if nanos >= settings.latency_ns {
        let event = if flags.has(Flags::FAST) { "fast-command" } else { "command" };
        server.latency.add(event, state.now.unix_ms / 1000, (nanos / 1_000_000) as u32);
    }
    if flags.has(Flags::SKIP_SLOWLOG) {
        return;
    }
    let shown = shown(session, args);
    let args = &shown.as_ref().map_or(*args, OwnedArgs::args);
    let tunables = &server.tunables;
    let log = |kind: Kind, max_len: &std::sync::atomic::AtomicUsize, value: i64| {
        let name = session.info.texts.lock().name.clone();
        let time = state.now.unix_ms / 1000;
        server.logs.add(kind, max_len.load(Ordering::Relaxed), time, value, args, &session.info.addr, &name);
    };
    if nanos >= settings.slow_ns {
        log(Kind::Slow, &tunables.slowlog_max_len, (nanos / 1000) as i64);
    }
    if request_bytes >= settings.request_bytes {
        log(Kind::LargeRequest, &tunables.commandlog_large_request_max_len, request_bytes as i64);
    }
    if reply_bytes >= settings.reply_bytes {
        log(Kind::LargeReply, &tunables.commandlog_large_reply_max_len, reply_bytes as i64);
    }
}

/// The words without those that are secret; `None` when none is.
fn shown(session: &Session, args: &Args<'_>) -> Option<OwnedArgs> {
    let shown = |(at, word)| if session.redacted.contains(&at) { &b"(redacted)"[..] } else { word };
    (!session.redacted.is_empty()).then(|| args.from(0).enumerate().map(shown).collect())
}

/// Sends a command that has run to all monitors, in the form MONITOR has: time, database, address, quoted words.
#[cold]
fn feed_monitors(server: &Server, state: &WorkerState, session: &Session, command: &Command, args: &Args<'_>) {
    if command.spec.flags.any(Flags::SKIP_MONITOR.or(Flags::ADMIN)) {
        return;
    }
    let shown = shown(session, args);
    let args = shown.as_ref().map_or(*args, OwnedArgs::args);
    let now = state.now;
    let mut line = Vec::new();
    let (seconds, micros) = (now.unix_us / 1_000_000, now.unix_us % 1_000_000);
    line.extend_from_slice(format!("+{seconds}.{micros:06} [{} {}]", session.db, session.info.addr).as_bytes());
    for word in args.from(0) {
        line.push(b' ');
        write_repr(&mut line, word);
    }
    line.extend_from_slice(b"\r\n");
    let line = Arc::new(line);
    for monitor in server.clients.monitors() {
        if monitor.has_flag(client_flags::MONITOR) {
            server.workers[monitor.worker].mailbox.send(Message::Feed(monitor.id, line.clone()));
        }
    }
}
