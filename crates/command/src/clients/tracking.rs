//! CLIENT TRACKING: tells clients which keys their caches have to forget.
//!
//! A client hears of the keys that it has read (the shards remember which), or, with BCAST, of all keys that begin as
//! it says. What changed is collected while commands run, and posted to the mailbox of the client's worker before they
//! let go of their shards. What a client hears of changes of its own it hears right behind the reply of the command
//! that made them. A message is written in the protocol of the moment at which it is written, and only to a client that
//! still wants it then.

use crate::clients::mailbox::{Deliveries, Message, Own};
use crate::clients::{ClientInfo, client_flags};
use crate::server::Server;
use crate::session::Session;
use engine::tracking::Invalidations;
use engine::{Key, LockedKeys};
use hashbrown::HashMap;
use parking_lot::Mutex;
use resp::{Proto, ReplyWriter};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Of which keys a client hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All that it reads.
    Reads,
    /// Those that it reads with a command before which it said CLIENT CACHING YES.
    OptIn,
    /// Those that it reads with a command before which it did not say CLIENT CACHING NO.
    OptOut,
    /// Those that begin with one of its prefixes.
    Broadcast,
}

/// How a connection tracks keys.
pub struct Tracking {
    pub mode: Mode,
    /// What CLIENT CACHING said about the command to come, or the transaction.
    pub caching: Option<bool>,
    pub tracker: Arc<Tracker>,
}

impl Tracking {
    /// Whether the keys that are read now are remembered.
    fn remembers(&self) -> bool {
        match self.mode {
            Mode::Reads => true,
            Mode::OptIn => self.caching == Some(true),
            Mode::OptOut => self.caching != Some(false),
            Mode::Broadcast => false,
        }
    }
}

/// A client that tracks keys, as everybody may see it; never changed.
pub struct Tracker {
    pub client: Arc<ClientInfo>,
    /// The client that is told in its place.
    pub redirect: Option<u64>,
    /// Is not told of its own changes.
    pub noloop: bool,
    /// Only with BCAST, and then at least one.
    pub prefixes: Vec<Vec<u8>>,
}

/// All clients that track keys, by id.
#[derive(Default)]
pub struct Trackers {
    by_id: Mutex<HashMap<u64, Arc<Tracker>>>,
}

impl Trackers {
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.by_id.lock().len()
    }

    /// Prefixes that clients want to hear of, each counted once.
    pub fn prefixes(&self) -> usize {
        let by_id = self.by_id.lock();
        let mut prefixes: Vec<&Vec<u8>> = by_id.values().flat_map(|tracker| &tracker.prefixes).collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        prefixes.len()
    }

    /// Lets a client track keys, in the place of how it did before; `None` ends that.
    fn set(&self, server: &Server, id: u64, tracker: Option<Arc<Tracker>>) {
        let broadcasts = |tracker: &Option<Arc<Tracker>>| tracker.as_ref().is_some_and(|it| !it.prefixes.is_empty());
        let mut by_id = self.by_id.lock();
        // Counted before the client is answered: what changes after that is noted.
        if broadcasts(&tracker) {
            server.keyspace.broadcasts.fetch_add(1, Ordering::SeqCst);
        }
        let old = match tracker {
            Some(tracker) => by_id.insert(id, tracker),
            None => by_id.remove(&id),
        };
        if broadcasts(&old) {
            server.keyspace.broadcasts.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Posts to everybody who has to hear of these changes, which the client made whose commands run.
    #[cold]
    pub fn post(&self, server: &Server, deliveries: &Deliveries<'_>, mut changes: Invalidations) {
        let by_id = self.by_id.lock();
        if by_id.is_empty() {
            return;
        }
        let sending = Sending { server, deliveries };
        let actor = deliveries.actor();
        let is_silent = |tracker: &Tracker| tracker.noloop && actor == Some(tracker.client.id);
        if changes.flushed {
            let all = Arc::new(Invalidated::All);
            by_id.values().for_each(|tracker| sending.send(tracker, &all));
        }
        for (key, readers) in std::mem::take(&mut changes.read) {
            let what = Arc::new(Invalidated::Keys(vec![key]));
            for tracker in readers.iter().filter_map(|id| by_id.get(id)) {
                if tracker.prefixes.is_empty() && !is_silent(tracker) {
                    sending.send(tracker, &what);
                }
            }
        }
        changes.changed.sort_unstable();
        changes.changed.dedup();
        for tracker in by_id.values().filter(|tracker| !is_silent(tracker)) {
            for prefix in &tracker.prefixes {
                let of_prefix = changes.changed.iter().filter(|key| key.starts_with(prefix));
                let keys: Vec<Box<[u8]>> = of_prefix.cloned().collect();
                if !keys.is_empty() {
                    sending.send(tracker, &Arc::new(Invalidated::Keys(keys)));
                }
            }
        }
    }
}

/// What a cache has to forget.
#[derive(Debug)]
pub enum Invalidated {
    All,
    Keys(Vec<Box<[u8]>>),
    /// Nothing: the client that was to hear of it in this one's place, by this id, is gone.
    RedirectionBroken(u64),
}

/// Messages on their way.
struct Sending<'a, 's> {
    server: &'a Server,
    deliveries: &'a Deliveries<'s>,
}

impl Sending<'_, '_> {
    /// Sends a client, or the one that it named, what to forget.
    fn send(&self, tracker: &Tracker, what: &Arc<Invalidated>) {
        let client = &tracker.client;
        match tracker.redirect {
            None => self.post(client, false, what),
            Some(id) => match self.server.clients.get(id) {
                Some(target) => self.post(&target, true, what),
                None => {
                    client.set_flag(client_flags::TRACKING_BROKEN, true);
                    self.post(client, false, &Arc::new(Invalidated::RedirectionBroken(id)));
                }
            },
        }
    }

    fn post(&self, target: &ClientInfo, redirected: bool, what: &Arc<Invalidated>) {
        let what = what.clone();
        if self.deliveries.actor() == Some(target.id) {
            self.deliveries.leave(Own::Invalidated { redirected, what });
        } else {
            self.deliveries.post(target.worker, Message::Invalidated { client: target.id, redirected, what });
        }
    }
}

/// The channel on which a client that speaks RESP2 hears of another's keys.
const CHANNEL: &[u8] = b"__redis__:invalidate";

/// Writes a message to the cache of a client, if it still wants it and has a way to be told.
pub fn write(session: &Session, reply: &mut ReplyWriter, redirected: bool, what: &Invalidated) {
    if !(redirected || session.tracking.is_some()) {
        return;
    }
    reply.proto = session.proto;
    match (session.proto, what) {
        (Proto::Resp3, Invalidated::RedirectionBroken(id)) => {
            reply.push(2);
            reply.bulk(b"tracking-redir-broken");
            reply.int(*id as i64);
        }
        (Proto::Resp3, what) => {
            reply.push(2);
            reply.bulk(b"invalidate");
            write_keys(reply, what);
        }
        // As in Redis, it need not be this channel that it has subscribed to.
        (Proto::Resp2, what) if redirected && session.subscriptions.is_some() => {
            reply.push(3);
            reply.bulk(b"message");
            reply.bulk(CHANNEL);
            write_keys(reply, what);
        }
        (Proto::Resp2, _) => {}
    }
}

/// The keys to forget, or nothing for all of them.
fn write_keys(reply: &mut ReplyWriter, what: &Invalidated) {
    match what {
        Invalidated::Keys(keys) => {
            reply.array(keys.len());
            keys.iter().for_each(|key| reply.bulk(key));
        }
        Invalidated::All | Invalidated::RedirectionBroken(_) => reply.null(),
    }
}

/// Lets a connection track keys, or do it in another way than before. Prefixes are for [`Mode::Broadcast`], which has
/// one at least.
pub fn begin(
    server: &Server,
    session: &mut Session,
    mode: Mode,
    redirect: Option<u64>,
    noloop: bool,
    prefixes: Vec<Vec<u8>>,
) {
    debug_assert_eq!(mode == Mode::Broadcast, !prefixes.is_empty());
    let info = &session.info;
    info.set_flag(client_flags::TRACKING, true);
    info.set_flag(client_flags::TRACKING_BROKEN, false);
    info.set_flag(client_flags::TRACKING_BROADCAST, mode == Mode::Broadcast);
    info.redirect.store(redirect.unwrap_or(0) as i64, Ordering::Relaxed);
    let tracker = Arc::new(Tracker { client: info.clone(), redirect, noloop, prefixes });
    server.trackers.set(server, session.id, Some(tracker.clone()));
    let caching = session.tracking.as_ref().and_then(|now| now.caching);
    session.tracking = Some(Box::new(Tracking { mode, caching, tracker }));
}

/// Lets a connection track keys no more.
pub fn end(server: &Server, session: &mut Session) {
    if session.tracking.take().is_none() {
        return;
    }
    server.trackers.set(server, session.id, None);
    for flag in [client_flags::TRACKING, client_flags::TRACKING_BROKEN, client_flags::TRACKING_BROADCAST] {
        session.info.set_flag(flag, false);
    }
    session.info.redirect.store(-1, Ordering::Relaxed);
}

/// Remembers the keys of a command that a tracking client has read with it. Their shards are held.
#[cold]
pub fn remember(server: &Server, tracking: &Tracking, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) {
    if !tracking.remembers() {
        return;
    }
    let most = match server.tunables.limits.tracking_table_max_keys.get() {
        0 => usize::MAX,
        most => most.div_ceil(server.keyspace.shards()),
    };
    for key in located {
        keys.track(key, tracking.tracker.client.id, most);
    }
}
