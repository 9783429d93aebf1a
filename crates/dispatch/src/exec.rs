//! EXEC: locks what all queued commands need, checks the watched keys, and runs the commands one after the other.

use crate::account::{account_nested, fail};
use crate::call::{self, Call, Called};
use crate::run::is_held_up;
use crate::worker::Worker;
use crate::{blocking, deliver, shapes};
use command::clients::Deliveries;
use command::session::waiting::Waiting;
use command::session::{Multi, Queued, Watched};
use command::spec::Run;
use command::spec::registry::Command;
use command::{CommandError, Origin, Server, Session, WorkerState};
use engine::{Busy, Commit, Key, LockedKeys, Lookup, Scope};
use resp::ReplyWriter;
use smallvec::SmallVec;

/// Runs the transaction of a session, or leaves it as it is, waiting, when its shards or keys are not to be had.
pub fn exec(server: &Server, worker: &mut Worker, session: &mut Session, reply: &mut ReplyWriter, command: &Command) {
    let Some(multi) = session.multi.take() else {
        worker.state.stats.commands[command.id].failed.add(1);
        return fail(server, &worker.state, reply, &CommandError::EXEC_WITHOUT_MULTI);
    };
    if multi.aborted {
        session.discard();
        worker.state.stats.commands[command.id].failed.add(1);
        return fail(server, &worker.state, reply, &CommandError::EXEC_ABORT);
    }
    let watched = std::mem::take(&mut session.watched);
    let mark = reply.out.mark();
    match run(server, worker, session, reply, &multi, &watched) {
        Ok(()) => {
            session.discard();
            if cfg!(debug_assertions) {
                shapes::check(command, reply, mark);
            }
        }
        Err(waiting) => {
            session.multi = Some(multi);
            session.watched = watched;
            session.waiting = waiting;
        }
    }
}

/// Runs a transaction, unless it has to wait.
fn run(
    server: &Server,
    worker: &mut Worker,
    session: &mut Session,
    reply: &mut ReplyWriter,
    multi: &Multi,
    watched: &Watched,
) -> Result<(), Waiting> {
    let plans: Vec<Vec<Key<'_>>> = multi.queue.iter().map(|queued| locate(server, queued)).collect();
    let watched: Vec<(usize, bool, Key<'_>)> =
        watched.iter().map(|((db, key), there)| (*db, *there, server.keyspace.key(key))).collect();
    let named = || plans.iter().flatten().chain(watched.iter().map(|(_, _, key)| key));
    let mut shards: SmallVec<[u16; 32]> = named().map(|key| key.shard).collect();
    shards.sort_unstable();
    shards.dedup();
    let all = multi.queue.iter().any(|queued| needs_all_shards(server, queued));
    let scope = if all { Scope::All } else { Scope::Shards(&shards) };
    let patience = worker.patience();
    let Worker { state, effects, for_actor, is_busy, .. } = worker;
    if is_held_up(server) {
        return Err(Waiting::Busy);
    }
    let deliveries = Deliveries::of_client(server, state, session.id);
    {
        let mut locked = LockedKeys::try_lock(&server.keyspace, scope, session.db, effects, patience);
        if !all && let Ok(keys) = &mut locked {
            let planned: Vec<Key<'_>> = plans.iter().flatten().copied().collect();
            if let Err(busy) = keys.cover_waiters(&planned) {
                locked = Err(busy);
            }
        }
        let mut keys = match locked {
            Ok(keys) => keys.with_outlet(&deliveries),
            Err(Busy) => {
                base::mark!("a transaction finds a shard held");
                *is_busy = true;
                return Err(Waiting::Busy);
            }
        };
        if keys.must_wait(named(), state.id, session.id) {
            base::mark!("a transaction waits for a detached key");
            return Err(Waiting::Detached);
        }
        let outer = keys.begin(!session.no_touch);
        // A watched key that has expired since counts as changed, be it deleted by now or only not seen any more.
        let expired =
            watched.iter().any(|(db, there, key)| *there && keys.lookup_in(*db, key, Lookup::SILENT).is_none());
        if expired || session.cas_failed() {
            reply.null_array();
        } else {
            session.unwatch();
            reply.array(multi.queue.len());
            for (queued, plan) in multi.queue.iter().zip(&plans) {
                run_one(server, state, session, reply, &mut keys, &deliveries, queued, plan);
                // In the order of the commands, among them PUBLISH.
                keys.post_events();
            }
        }
        keys.end(outer, Vec::new);
        keys.commit_frame();
        if keys.effects().outbox().has_ready() {
            blocking::serve_ready(server, state, &mut keys, &deliveries);
        }
    }
    deliver::finish(server, for_actor, deliveries, effects);
    Ok(())
}

fn needs_all_shards(server: &Server, queued: &Queued) -> bool {
    let spec = server.registry.by_id(queued.command).spec;
    matches!(spec.run, Run::Visit(_) | Run::Global(_)) || spec.needs_all_shards(&queued.args.args())
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

fn run_one(
    server: &Server,
    state: &WorkerState,
    session: &mut Session,
    reply: &mut ReplyWriter,
    keys: &mut LockedKeys<'_>,
    deliveries: &Deliveries<'_>,
    queued: &Queued,
    plan: &[Key<'_>],
) {
    let command = server.registry.by_id(queued.command);
    let args = &queued.args.args();
    let Some(handler) = call::handler(command) else {
        return fail(server, state, reply, &CommandError::NOT_IN_MULTI);
    };
    let mark = reply.out.mark();
    let start = state.ticks.raw();
    let call = Call { origin: Origin::Transaction, command, args, keys: plan };
    let Called { outcome, .. } = call::call(server, state, session, reply, keys, deliveries, handler, call);
    if let Err(error) = &outcome {
        reply.out.truncate(mark);
        fail(server, state, reply, error);
    } else if reply.out.len_since(mark) == 0 {
        base::mark!("a command of a transaction has no reply");
        // CLIENT REPLY OFF has no reply, but its place in the array must not stay empty: replies may be on again at the
        // end.
        reply.null();
    }
    let nanos = state.ticks.delta_as_nanos(start, state.ticks.raw());
    let reply_bytes = reply.out.len_since(mark);
    account_nested(server, state, session, command, args, outcome.is_err(), nanos, reply_bytes);
}
