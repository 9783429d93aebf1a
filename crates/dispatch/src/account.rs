//! Counting commands that are over: statistics, the logs of remarkable ones, monitors, and error replies.

use base::text::{c_string, write_repr};
use command::clients::{Deliveries, Message};
use command::session::waiting::Spent;
use command::spec::Flags;
use command::spec::registry::Command;
use command::stats::commandlog::Kind;
use command::{Args, CommandError, OwnedArgs, Server, Session, WorkerState};
use options::Setting;
use resp::ReplyWriter;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Writes an error reply and counts it.
#[cold]
pub fn fail(server: &Server, state: &WorkerState, reply: &mut ReplyWriter, error: &CommandError) {
    reply.error(error.text());
    state.stats.error_replies.add(1);
    server.errors.count(error.text());
}

/// The time since `ticks`, which becomes now.
#[inline]
pub fn lap(state: &WorkerState, ticks: &mut u64) -> u64 {
    let before = std::mem::replace(ticks, state.ticks.raw());
    state.ticks.delta_as_nanos(before, *ticks)
}

/// Counts a command that is over, and logs it if it was remarkable.
#[inline]
pub fn account(
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
    if is_remarkable(state, spent) {
        log_remarkable(server, state, session, command, args, spent);
    }
}

/// Counts a command that ran inside of another, and logs it if it was remarkable.
pub fn account_nested(
    server: &Server,
    state: &WorkerState,
    session: &mut Session,
    command: &Command,
    args: &Args<'_>,
    failed: bool,
    nanos: u64,
    reply_bytes: usize,
) {
    if server.clients.has_monitors() {
        feed_monitors(server, state, session, command, args);
    }
    let stat = &state.stats.commands[command.id];
    stat.calls.add(1);
    stat.nanos.add(nanos);
    stat.failed.add(u64::from(failed));
    state.stats.nested_nanos.add(nanos);
    state.stats.processed.add(1);
    if state.settings.latency_tracking {
        stat.histogram.get_or_init(Default::default).record(nanos);
    }
    let request_bytes = args.from(0).map(<[u8]>::len).sum();
    let spent = Spent { nanos, request_bytes, reply_bytes };
    if is_remarkable(state, spent) {
        log_remarkable(server, state, session, command, args, spent);
    }
    session.redacted.clear();
}

#[inline]
fn is_remarkable(state: &WorkerState, spent: Spent) -> bool {
    let settings = &state.settings;
    spent.nanos >= settings.slow_ns
        || spent.nanos >= settings.latency_ns
        || spent.request_bytes >= settings.request_bytes
        || spent.reply_bytes >= settings.reply_bytes
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
    let limits = &server.tunables.latency;
    let log = |kind: Kind, max_len: &Setting<usize>, value: i64| {
        let name = c_string(&session.info.texts.lock().name).to_vec();
        let time = state.now.unix_ms / 1000;
        server.logs.add(kind, max_len.get(), time, value, args, &session.info.addr, &name);
    };
    if nanos >= settings.slow_ns {
        log(Kind::Slow, &limits.slowlog_max_len, (nanos / 1000) as i64);
    }
    if request_bytes >= settings.request_bytes {
        log(Kind::LargeRequest, &limits.commandlog_large_request_max_len, request_bytes as i64);
    }
    if reply_bytes >= settings.reply_bytes {
        log(Kind::LargeReply, &limits.commandlog_large_reply_max_len, reply_bytes as i64);
    }
}

/// The words without those that are secret; `None` when none is.
fn shown(session: &Session, args: &Args<'_>) -> Option<OwnedArgs> {
    let shown = |(at, word)| if session.redacted.contains(&at) { &b"(redacted)"[..] } else { word };
    (!session.redacted.is_empty()).then(|| args.from(0).enumerate().map(shown).collect())
}

/// Sends a command that has run to all monitors, in the form MONITOR has: time, database, address, quoted words.
#[cold]
pub fn feed_monitors(server: &Server, state: &WorkerState, session: &Session, command: &Command, args: &Args<'_>) {
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
    let monitors = server.clients.monitors();
    let deliveries = Deliveries::new(server);
    for worker in 0..server.workers.len() {
        let of_worker = monitors.iter().filter(|monitor| monitor.worker == worker);
        let ids: Box<[u64]> = of_worker.map(|monitor| monitor.id).collect();
        if !ids.is_empty() {
            deliveries.post(worker, Message::Monitored(ids, line.clone()));
        }
    }
    deliveries.finish();
}
