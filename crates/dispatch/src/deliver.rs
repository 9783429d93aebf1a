//! What commands leave behind when their shards are let go: messages to workers that have to be woken, what their
//! client has to hear itself, and large things to be freed.
//!
//! The messages were posted while the shards were held that they are about, so that those about one key are in order
//! (see [`Deliveries`]).

use command::Server;
use command::clients::{Deliveries, ForActor, Own, tracking};
use command::session::Session;
use engine::Effects;
use engine::reclaim::Garbage;
use resp::ReplyWriter;

/// Ends what commands of a client began. No shard is held any more.
#[inline]
pub fn finish(server: &Server, for_actor: &mut ForActor, deliveries: Deliveries<'_>, effects: &mut Effects) {
    let ForActor { mut own, waits } = deliveries.finish();
    for_actor.own.append(&mut own);
    for_actor.waits |= waits;
    discard(server, effects);
}

/// Writes what a client has to hear of what it did itself: behind the reply of the command that did it. Returns whether
/// more of it waits in the mailbox.
#[inline]
pub fn write_own(for_actor: &mut ForActor, session: &Session, reply: &mut ReplyWriter) -> bool {
    if !for_actor.own.is_empty() {
        write_all(&for_actor.own, session, reply);
        for_actor.own.clear();
    }
    std::mem::take(&mut for_actor.waits)
}

#[cold]
fn write_all(own: &[Own], session: &Session, reply: &mut ReplyWriter) {
    reply.proto = session.proto;
    // As in Redis: what caches have to forget comes last.
    for own in own {
        if let Own::Published { publication, pattern } = own {
            publication.write(reply, pattern.as_deref());
        }
    }
    for own in own {
        if let Own::Invalidated { redirected, what } = own {
            tracking::write(session, reply, *redirected, what);
        }
    }
}

/// Hands large things over to be freed. No shard is held.
#[inline]
pub fn discard(server: &Server, effects: &mut Effects) {
    for garbage in effects.outbox().take_garbage().into_iter().flatten() {
        match garbage {
            Garbage::Now(dbs) => drop(dbs),
            garbage => server.keyspace.reclaimer.discard(garbage),
        }
    }
}
