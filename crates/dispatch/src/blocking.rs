//! Commands that wait: BLPOP and its like, for every type.
//!
//! The handler of such a command first tries to do at once what it is asked for. If it cannot, it says
//! [`Ctx::block`](command::Ctx::block); the command's shards are still locked then, and the client is put into the
//! queues of its keys before they are let go, so that no push can slip through in between.
//!
//! A command that does something to a key with waiters serves them at its end, by running their commands again on their
//! behalf: the same handler, and the same words unless the handler gave others to try again with. The answer goes to
//! the worker of the client, as a message. A handler that says `block` again leaves its client where it stands.
//!
//! While a client waits, its [`Blocked`] is in its session, and its [`Wait`] in its `ClientInfo`, for CLIENT UNBLOCK
//! and CLIENT KILL. Ending a wait starts by claiming it; unless the claimer serves the client itself, it then messages
//! the client's worker, which answers the client and takes the wait out of the tables.

use crate::account::{account, fail, lap};
use crate::call::{self, Call, Called};
use crate::shapes;
use crate::worker::Worker;
use command::clients::{Deliveries, Message, client_flags};
use command::session::ReplyMode;
pub use command::session::waiting::Blocked;
use command::session::waiting::{Block, End, Request, Spent, Waiting};
use command::spec::KeyFlags;
use command::spec::registry::Command;
use command::{Args, CommandError, Origin, OwnedArgs, Server, Session, WorkerState};
use engine::effects::ReadyKey;
use engine::{Commit, LockedKeys, Lookup, View, Wait, WaitFor, WaitKey, Wakes};
use resp::ReplyWriter;
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
    let Block { deadline_us, wants, wakes, words, timed_out } = block;
    let words = words.unwrap_or_else(|| OwnedArgs::copy(args));
    let args = &words.args();
    let (mut awaited, mut filled) = (Vec::new(), Vec::new());
    // The keys fitted once: otherwise the handler would have refused them.
    let _ = command.spec.for_each_key(args, |at, spec| {
        let fills = spec.flags.any(KeyFlags::INSERT);
        (if fills { &mut filled } else { &mut awaited }).push(WaitKey::from(keys.key(args.word(at))));
    });
    let awaited = WaitFor { keys: awaited, filled, wakes, wants };
    let request = Request { command: command.id, words, identity: session.identity() };
    let wait = Arc::new(Wait::new(session.id, state.id, keys.db, awaited, Box::new(request)));
    keys.wait(&wait);
    session.info.set_flag(client_flags::BLOCKED, true);
    session.info.set_flag(client_flags::WAIT_ENDS, deadline_us.is_some());
    *session.info.wait.lock() = Some(wait.clone());
    let is_muted = session.reply_mode != ReplyMode::On;
    session.waiting = Waiting::Keys(Blocked { wait, deadline_us, timed_out, is_muted, spent: Spent::default() });
}

/// What a waiting client asked for.
fn request(wait: &Wait) -> &Request {
    wait.request.downcast_ref().expect("every wait is begun here, with a request")
}

/// Serves who waits for the keys to which something happened, and then for those to which that did something, until
/// nobody can be served. The frame of the command that did it is committed.
#[cold]
pub fn serve_ready(server: &Server, state: &WorkerState, keys: &mut LockedKeys<'_>, deliveries: &Deliveries<'_>) {
    // What was filled may be past its deadline by now, after a slow transaction.
    let turn = &mut keys.effects().turn;
    turn.now_ms = turn.now_ms.max(server.host.now().unix_ms as u64);
    while keys.effects().outbox().has_ready() {
        for ready in keys.effects().outbox().take_ready() {
            serve_key(server, state, keys, deliveries, &ready);
        }
    }
    // A key that turned out to be past its deadline.
    keys.commit_frame();
}

fn serve_key(
    server: &Server,
    state: &WorkerState,
    keys: &mut LockedKeys<'_>,
    deliveries: &Deliveries<'_>,
    ready: &ReadyKey,
) {
    let key = keys.key(&ready.key);
    let mut at = 0;
    while let Some(wait) = keys.waiter(ready.db, &key, at) {
        let object = match keys.view_in(ready.db, &key, Lookup::SILENT) {
            Some(View::Object(object)) => Some(object),
            Some(View::Str(_)) | None => None,
        };
        if object.is_none() && !ready.wakes.any(Wakes::GONE) {
            return;
        }
        let is_served = wait.is_served_by(ready.wakes, object);
        debug_assert!(keys.covers(&wait), "the plan covers the waiters of the keys it fills");
        if !is_served || !keys.covers(&wait) || !wait.claim() {
            // Of those that were claimed, their workers clear up.
            base::mark!("a wait that is not served is passed over");
            at += 1;
            continue;
        }
        match attempt(server, state, keys, deliveries, &wait) {
            Attempt::Served(end) => {
                keys.end_wait(&wait);
                deliveries.post(wait.worker, Message::EndWait(wait.clone(), end));
            }
            Attempt::ClientGone => keys.end_wait(&wait),
            Attempt::WaitsOn => {
                wait.release();
                // Its time may have come while it was claimed.
                deliveries.post(wait.worker, Message::CheckWait(wait.clone()));
                at += 1;
            }
        }
        // Behind the answer: it is what the client did itself that it hears of.
        keys.commit_frame();
    }
}

enum Attempt {
    Served(End),
    WaitsOn,
    ClientGone,
}

/// Runs the command of a waiting client again.
fn attempt(
    server: &Server,
    state: &WorkerState,
    keys: &mut LockedKeys<'_>,
    deliveries: &Deliveries<'_>,
    wait: &Wait,
) -> Attempt {
    let Request { command, words, identity } = request(wait);
    if identity.client.killed.load(Ordering::Relaxed) || server.clients.get(wait.client).is_none() {
        base::mark!("a waiting client is gone before it is served");
        return Attempt::ClientGone;
    }
    let command = server.registry.by_id(*command);
    let Some(handler) = call::handler(command) else {
        return Attempt::ClientGone;
    };
    let args = &words.args();
    let (located, _) = command.spec.locate(args, keys.keyspace());
    let mut session = Session::on_behalf_of(identity);
    let mut reply = ReplyWriter::new(session.proto);
    let mut ticks = state.ticks.raw();
    let call = Call { origin: Origin::Waiter, command, args, keys: &located };
    let Called { outcome, block } =
        call::call(server, state, &mut session, &mut reply, keys, deliveries, handler, call);
    keys.log_frame();
    if block.is_some() {
        return Attempt::WaitsOn;
    }
    let failed = outcome.is_err();
    if let Err(error) = outcome {
        reply.out.clear();
        fail(server, state, &mut reply, &error);
    }
    Attempt::Served(End::Served { output: reply.out, failed, nanos: lap(state, &mut ticks) })
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
    let Some(blocked) = session.waiting.take_blocked(wait) else {
        return false;
    };
    let Request { command, words, .. } = request(wait);
    let command = server.registry.by_id(*command);
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
            (blocked.timed_out)(reply);
            if cfg!(debug_assertions) {
                shapes::check(command, reply, mark);
            }
            false
        }
        End::Unblocked => {
            server.keyspace.forget_wait(wait);
            fail(server, &worker.state, reply, &CommandError::UNBLOCKED);
            true
        }
    };
    spent.reply_bytes = reply.out.len_since(mark);
    if blocked.is_muted {
        reply.out.truncate(mark);
    }
    worker.state.stats.commands[command.id].failed.add(u64::from(failed));
    account(server, &worker.state, session, command, &words.args(), spent);
    // Last, so that whoever sees that nobody is blocked finds the command counted and logged.
    leave(session);
    true
}

/// Takes a wait out of the tables whose client has gone.
pub fn abandon(server: &Server, session: &mut Session) {
    if let Waiting::Keys(blocked) = std::mem::take(&mut session.waiting) {
        blocked.wait.claim();
        server.keyspace.forget_wait(&blocked.wait);
        leave(session);
    }
}

fn leave(session: &Session) {
    session.info.set_flag(client_flags::BLOCKED | client_flags::WAIT_ENDS, false);
    *session.info.wait.lock() = None;
}
