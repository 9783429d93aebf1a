//! Commands that wait: BLPOP and its like, for every type.
//!
//! The handler of such a command first tries to do at once what it is asked for. If it cannot, it says
//! [`Ctx::block`](crate::Ctx::block); the command's shards are still locked then, and the client is put into the queues of
//! its keys before they are let go, so that no push can slip through in between.
//!
//! A command that fills a key with waiters serves them at its end, by running their commands again on their behalf: the
//! same handler, the same words, a session made for that. The answer goes to the worker of the client, as a message. A
//! handler that says `block` again leaves its client where it stands.
//!
//! While a client waits, its [`Blocked`] is in its session, and its [`Wait`] in its `ClientInfo`, for CLIENT UNBLOCK and
//! CLIENT KILL. Whoever ends the wait claims it first; all but the server of it then send the worker a message, which
//! answers the client and takes the wait out of the tables.

use crate::args::{Args, OwnedArgs};
use crate::clients::{ClientInfo, Message, client_flags};
use crate::dispatch::{self, Spent};
use crate::error::CommandError;
use crate::registry::Command;
use crate::server::Server;
use crate::session::{ReplyMode, Session};
use crate::spec::{KeyFlags, Run};
use crate::worker::{Worker, WorkerState};
use engine::effects::ReadyKey;
use engine::{LockedKeys, Lookup, View, Wait, WaitKey};
use resp::{Output, Proto, ReplyWriter};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use value::Object;

/// What a handler asks for that cannot go on.
#[derive(Clone, Copy)]
pub struct Block {
    /// When to give up, in microseconds of the monotonic clock.
    pub deadline_us: Option<u64>,
    /// Whether this is the type of value that it waits for.
    pub wants: fn(&Object) -> bool,
}

/// The wait that a session is in.
pub struct Blocked {
    pub wait: Arc<Wait>,
    pub deadline_us: Option<u64>,
    /// The client wants no answer (CLIENT REPLY).
    pub is_muted: bool,
    /// What it took to find out that it has to wait.
    pub(crate) spent: Spent,
}

/// How a wait ended.
pub enum End {
    /// With this answer.
    Served {
        output: Output,
        failed: bool,
        /// What that took.
        nanos: u64,
    },
    TimedOut,
    /// By CLIENT UNBLOCK with ERROR.
    Unblocked,
}

/// Makes a client wait whose handler said so. Its shards are held.
#[cold]
pub(crate) fn begin(
    state: &WorkerState,
    session: &mut Session,
    keys: &mut LockedKeys<'_>,
    command: &Command,
    args: &Args<'_>,
    block: Block,
) {
    let (mut awaited, mut filled) = (Vec::new(), Vec::new());
    // The keys fitted once: otherwise the handler would have refused them.
    let _ = command.spec.for_each_key(args, |at, spec| {
        let fills = spec.flags.any(KeyFlags::INSERT);
        (if fills { &mut filled } else { &mut awaited }).push(WaitKey::from(keys.key(args.word(at))));
    });
    let mut wait = Wait::new(session.id, state.id, keys.db, block.wants, awaited, filled);
    wait.command = command.id;
    wait.args = args.to_vecs();
    wait.resp3 = session.proto == Proto::Resp3;
    let wait = Arc::new(wait);
    keys.wait(&wait);
    session.info.set_flag(client_flags::BLOCKED, true);
    session.info.set_flag(client_flags::WAIT_ENDS, block.deadline_us.is_some());
    *session.info.wait.lock() = Some(wait.clone());
    let is_muted = session.reply_mode != ReplyMode::On;
    session.blocked = Some(Blocked { wait, deadline_us: block.deadline_us, is_muted, spent: Spent::default() });
}

/// Serves who waits for the keys that were filled, and then for those that this filled, until nobody can be served. The
/// effects of the command that filled them are settled.
#[cold]
pub(crate) fn serve_ready(server: &Server, state: &WorkerState, keys: &mut LockedKeys<'_>) {
    // What was filled may be past its deadline by now, after a slow transaction.
    keys.fx.now_ms = keys.fx.now_ms.max(server.host.now().unix_ms as u64);
    while keys.fx.has_ready() {
        for ready in keys.fx.take_ready() {
            serve_key(server, state, keys, &ready);
        }
    }
}

fn serve_key(server: &Server, state: &WorkerState, keys: &mut LockedKeys<'_>, (db, bytes): &ReadyKey) {
    let key = keys.key(bytes);
    let mut at = 0;
    while let Some(wait) = keys.waiter(*db, &key, at) {
        let fits = match keys.view_in(*db, &key, Lookup::SILENT) {
            Some(View::Object(object)) => (wait.wants)(object),
            Some(View::Str(_)) | None => return,
        };
        debug_assert!(keys.covers(&wait), "the plan covers the waiters of the keys it fills");
        if !fits || !keys.covers(&wait) || !wait.claim() {
            // Of those that were claimed, their workers clear up.
            at += 1;
            continue;
        }
        match attempt(server, state, keys, &wait) {
            Attempt::Served(end) => {
                keys.end_wait(&wait);
                server.workers[wait.worker].mailbox.send(Message::EndWait(wait.clone(), end));
            }
            Attempt::ClientGone => keys.end_wait(&wait),
            Attempt::WaitsOn => {
                wait.release();
                // Its time may have come while it was claimed.
                server.workers[wait.worker].mailbox.send(Message::CheckWait(wait.clone()));
                at += 1;
            }
        }
    }
}

enum Attempt {
    Served(End),
    WaitsOn,
    ClientGone,
}

/// Runs the command of a waiting client again.
fn attempt(server: &Server, state: &WorkerState, keys: &mut LockedKeys<'_>, wait: &Wait) -> Attempt {
    let Some(client) = server.clients.get(wait.client).filter(|client| !client.killed.load(Ordering::Relaxed)) else {
        return Attempt::ClientGone;
    };
    let command = server.registry.by_id(wait.command);
    let Run::Keyed(handler) = command.spec.run else {
        return Attempt::ClientGone;
    };
    let words: OwnedArgs = wait.args.iter().map(Vec::as_slice).collect();
    let args = words.args();
    let (located, _) = command.spec.locate(&args, keys.keyspace());
    let mut session = stand_in(client, wait);
    let mut reply = ReplyWriter::new(session.proto);
    keys.fx.touch = !session.no_touch;
    let mut ticks = state.ticks.raw();
    let outcome = dispatch::call(server, state, &mut session, &mut reply, keys, handler, command, &args, &located);
    keys.fx.settle(&server.keyspace.journal);
    if session.block.is_some() {
        return Attempt::WaitsOn;
    }
    let failed = outcome.is_err();
    if let Err(error) = outcome {
        reply.out.clear();
        dispatch::fail(server, state, &mut reply, &error);
    }
    Attempt::Served(End::Served { output: reply.out, failed, nanos: dispatch::lap(state, &mut ticks) })
}

/// A session for the time of one command, in place of the one that only the client's worker may touch.
fn stand_in(client: Arc<ClientInfo>, wait: &Wait) -> Session {
    let no_touch = client.has_flag(client_flags::NO_TOUCH);
    let mut session = Session::new(client, true, false);
    session.db = wait.db;
    session.proto = if wait.resp3 { Proto::Resp3 } else { Proto::Resp2 };
    session.no_touch = no_touch;
    session
}

/// Ends the wait of a session of this worker: writes the answer and lets its commands go on. False if it is not in this
/// wait: the message came late.
pub fn end(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    reply: &mut ReplyWriter,
    wait: &Arc<Wait>,
    end: End,
) -> bool {
    let Some(blocked) = session.blocked.take_if(|blocked| Arc::ptr_eq(&blocked.wait, wait)) else {
        return false;
    };
    let mut spent = blocked.spent;
    let mark = reply.out.mark();
    reply.proto = session.proto;
    let failed = match end {
        End::Served { mut output, failed, nanos } => {
            reply.out.append(&mut output);
            spent.nanos += nanos;
            failed
        }
        End::TimedOut => {
            server.keyspace.forget_wait(wait);
            reply.null_array();
            false
        }
        End::Unblocked => {
            server.keyspace.forget_wait(wait);
            dispatch::fail(server, &worker.state, reply, &CommandError::UNBLOCKED);
            true
        }
    };
    spent.reply_bytes = reply.out.len_since(mark);
    if blocked.is_muted {
        reply.out.truncate(mark);
    }
    worker.state.stats.commands[wait.command].failed.add(u64::from(failed));
    let words: OwnedArgs = wait.args.iter().map(Vec::as_slice).collect();
    let command = server.registry.by_id(wait.command);
    dispatch::account(server, &worker.state, session, command, &words.args(), spent);
    // Last, so that whoever sees that nobody is blocked finds the command counted and logged.
    leave(session);
    true
}

/// Takes a wait out of the tables whose client has gone.
pub fn abandon(server: &Server, session: &mut Session) {
    if let Some(blocked) = session.blocked.take() {
        blocked.wait.claim();
        server.keyspace.forget_wait(&blocked.wait);
        leave(session);
    }
}

fn leave(session: &Session) {
    session.info.set_flag(client_flags::BLOCKED | client_flags::WAIT_ENDS, false);
    *session.info.wait.lock() = None;
}

/// Claims the wait that a client is in, on behalf of another.
pub fn claim(client: &ClientInfo) -> Option<Arc<Wait>> {
    client.wait.lock().clone().filter(|wait| wait.claim())
}
