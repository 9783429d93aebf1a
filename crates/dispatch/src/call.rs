//! The only caller of a handler.
//!
//! Whoever runs a command comes here: a client, EXEC, somebody who serves a waiting client, the executor. What the call
//! entails besides follows from its [`Origin`]: each command has its own part of the effects, is remembered for the
//! client's cache, and is logged as what it did.

use crate::shapes;
use command::clients::{Deliveries, tracking};
use command::session::waiting::Block;
use command::spec::registry::Command;
use command::spec::{Flags, Handler, Run};
use command::{Args, CommandResult, Ctx, Origin, Server, Session, WorkerState};
use engine::{Commit, Key, LockedKeys};
use resp::ReplyWriter;

/// A command to be called, with everything about it that is known beforehand.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    pub origin: Origin,
    pub command: &'a Command,
    pub args: &'a Args<'a>,
    /// Its keys, located.
    pub keys: &'a [Key<'a>],
}

/// What came of it.
pub struct Called {
    /// On failure, nothing of what was written to the reply counts.
    pub outcome: CommandResult,
    /// What the command waits for, if it could not go on.
    pub block: Option<Block>,
}

/// The handler of a command that has one.
#[inline]
pub fn handler(command: &Command) -> Option<Handler> {
    match command.spec.run {
        Run::Keyed(handler) | Run::Session(handler) | Run::Visit(handler) | Run::Global(handler) => Some(handler),
        Run::Exec | Run::Container => None,
    }
}

/// Calls a handler with everything locked.
#[inline]
pub fn call(
    server: &Server,
    state: &WorkerState,
    session: &mut Session,
    reply: &mut ReplyWriter,
    keys: &mut LockedKeys<'_>,
    deliveries: &Deliveries<'_>,
    handler: Handler,
    call: Call<'_>,
) -> Called {
    let Call { origin, command, args, keys: located } = call;
    keys.db = session.db;
    reply.proto = session.proto;
    let mark = reply.out.mark();
    let outer = keys.begin(!session.no_touch);
    let block = None;
    let mut cx = Ctx { server, worker: state, session, reply, keys: located, command, origin, deliveries, block };
    let outcome = handler(&mut cx, keys, args);
    let block = cx.block.take();
    // A handler may stop in the middle of a reply that is too long to be sent.
    let is_over = reply.out.len() >= state.output_limit(&session.info);
    let is_tried_again = session.waiting.is_retried();
    if cfg!(debug_assertions) && outcome.is_ok() && !is_over && !is_tried_again {
        let check = if block.is_some() { shapes::check_nothing } else { shapes::check };
        check(command, reply, mark);
    }
    if let Some(tracking) = &session.tracking
        && command.spec.flags.has(Flags::READONLY)
    {
        tracking::remember(server, tracking, keys, located);
    }
    keys.end(outer, || args.to_vecs());
    Called { outcome, block }
}
