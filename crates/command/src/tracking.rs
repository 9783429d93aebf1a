//! CLIENT TRACKING: tells clients which keys their caches have to forget.
//!
//! A client hears of the keys that it has read (the shards remember which), or, with BCAST, of all keys that begin as it says.
//! What changed is collected while commands run, and told when they have let go of their shards: through the
//! mailbox of the client's worker, so behind all that the client was answered before.

use crate::clients::{ClientInfo, Message, client_flags};
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

    /// Tells everybody who has to hear of these changes; `actor` is the client that made them.
    #[cold]
    pub fn tell(&self, server: &Server, mut changes: Invalidations, actor: Option<u64>) {
        let by_id = self.by_id.lock();
        if by_id.is_empty() {
            return;
        }
        let own = |tracker: &Tracker| tracker.noloop && actor == Some(tracker.client.id);
        if changes.flushed {
            by_id.values().for_each(|tracker| send(server, tracker, None));
        }
        for (key, readers) in &changes.read {
            for tracker in readers.iter().filter_map(|id| by_id.get(id)) {
                if tracker.prefixes.is_empty() && !own(tracker) {
                    send(server, tracker, Some(&[key]));
                }
            }
        }
        changes.changed.sort_unstable();
        changes.changed.dedup();
        for tracker in by_id.values().filter(|tracker| !own(tracker)) {
            for prefix in &tracker.prefixes {
                let of_prefix = changes.changed.iter().filter(|key| key.starts_with(prefix));
                let keys: Vec<&[u8]> = of_prefix.map(|key| &**key).collect();
                if !keys.is_empty() {
                    send(server, tracker, Some(&keys));
                }
            }
        }
    }
}

/// Lets a connection track keys, or do it in another way than before. Prefixes are for [`Mode::Broadcast`], which has one at least.
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

/// Sends a client, or the one that it named, the keys to forget; `None` is all.
fn send(server: &Server, tracker: &Tracker, keys: Option<&[&[u8]]>) {
    let client = &tracker.client;
    let target = match tracker.redirect {
        None => client.clone(),
        Some(id) => match server.clients.get(id) {
            Some(target) => target,
            None => return say_redirection_is_broken(server, client, id),
        },
    };
    if target.resp.load(Ordering::Relaxed) < 3 {
        // It has no way to be told.
        return;
    }
    let mut message = ReplyWriter::new(Proto::Resp3);
    message.push(2);
    message.bulk(b"invalidate");
    match keys {
        None => message.null_array(),
        Some(keys) => {
            message.array(keys.len());
            keys.iter().for_each(|key| message.bulk(key));
        }
    }
    feed(server, &target, &message);
}

fn say_redirection_is_broken(server: &Server, client: &ClientInfo, redirect: u64) {
    client.set_flag(client_flags::TRACKING_BROKEN, true);
    if client.resp.load(Ordering::Relaxed) < 3 {
        return;
    }
    let mut message = ReplyWriter::new(Proto::Resp3);
    message.push(2);
    message.bulk(b"tracking-redir-broken");
    message.int(redirect as i64);
    feed(server, client, &message);
}

fn feed(server: &Server, client: &ClientInfo, message: &ReplyWriter) {
    let bytes = Arc::new(message.out.to_vec());
    server.workers[client.worker].mailbox.send(Message::Feed(client.id, bytes));
}

/// Remembers the keys of a command that a tracking client has read with it. Their shards are held.
#[cold]
pub(crate) fn remember(server: &Server, tracking: &Tracking, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) {
    if !tracking.remembers() {
        return;
    }
    let most = match server.tunables.tracking_table_max_keys.load(Ordering::Relaxed) {
        0 => usize::MAX,
        most => most.div_ceil(server.keyspace.shards()),
    };
    for key in located {
        keys.track(key, tracking.tracker.client.id, most);
    }
}
