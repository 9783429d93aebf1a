//! Handing on what commands left for others: events, what caches have to forget, and large things to be freed.
//!
//! Messages are posted while the shards are held that they are about, so that those about one key are in order; workers are woken,
//! and memory is freed, when the shards are let go.

use command::Server;
use command::clients::Deliveries;
use command::clients::tracking::Own;
use engine::Effects;
use engine::reclaim::Garbage;

/// Posts what commands left. `actor` is the client whose commands they were; what it has to hear itself joins `own`.
#[inline]
pub fn post(
    server: &Server,
    effects: &mut Effects,
    deliveries: &mut Deliveries<'_>,
    actor: Option<u64>,
    own: &mut Vec<Own>,
) {
    if effects.outbox().has_news() {
        post_news(server, effects, deliveries, actor, own);
    }
}

#[cold]
fn post_news(
    server: &Server,
    effects: &mut Effects,
    deliveries: &mut Deliveries<'_>,
    actor: Option<u64>,
    own: &mut Vec<Own>,
) {
    if let Some(changes) = effects.outbox().take_invalidations() {
        own.append(&mut server.trackers.post(server, deliveries, changes, actor));
    }
    let fired = effects.outbox().take_fired();
    if !fired.is_empty() {
        server.events.add(fired);
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
