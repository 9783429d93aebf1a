//! The subscriptions as their worker knows them: which of its clients have subscribed to a name, and to which names a
//! client has.

use super::{Change, Kind, NAMES_AT_ONCE, Name, Publication};
use crate::clients::client_flags;
use crate::server::Server;
use crate::server::worker::WorkerState;
use crate::session::Session;
use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;
use std::sync::atomic::Ordering;

/// The subscribers among the clients of one worker, which alone uses it.
#[derive(Default)]
pub struct Subscribers {
    /// By name, the clients' ids, rising.
    clients: [HashMap<Name, SmallVec<[u64; 2]>>; 3],
}

impl Subscribers {
    /// The clients that have subscribed to exactly this, by rising id.
    pub fn of(&self, kind: Kind, name: &[u8]) -> &[u64] {
        self.clients[kind as usize].get(name).map_or(&[], SmallVec::as_slice)
    }

    /// Finds what clients of this worker have subscribed to that receive a message: the channel itself, then patterns.
    pub fn each_way(&self, publication: &Publication, mut found: impl FnMut(Kind, &Name)) {
        if let Some((channel, _)) = self.clients[publication.kind as usize].get_key_value(publication.channel()) {
            found(publication.kind, channel);
        }
        for pattern in &publication.patterns {
            if self.clients[Kind::Pattern as usize].contains_key(pattern) {
                found(Kind::Pattern, pattern);
            }
        }
    }

    /// The ways in which a client receives a message: the pattern of each, if it is one.
    pub(crate) fn ways_of(&self, client: u64, publication: &Publication) -> SmallVec<[Option<Name>; 2]> {
        let mut ways: SmallVec<[Option<Name>; 2]> = SmallVec::new();
        self.each_way(publication, |kind, name| {
            if self.of(kind, name).binary_search(&client).is_ok() {
                ways.push((kind == Kind::Pattern).then(|| name.clone()));
            }
        });
        ways
    }

    fn add(&mut self, kind: Kind, name: &Name, client: u64) {
        let clients = self.clients[kind as usize].entry(name.clone()).or_default();
        if let Err(at) = clients.binary_search(&client) {
            clients.insert(at, client);
        }
    }

    fn remove(&mut self, kind: Kind, name: &Name, client: u64) {
        /// Room that a table may keep for names to come.
        const SPARE: usize = 1024;
        let table = &mut self.clients[kind as usize];
        let Some(clients) = table.get_mut(name) else { return };
        if let Ok(at) = clients.binary_search(&client) {
            clients.remove(at);
        }
        if clients.is_empty() {
            table.remove(name);
            if table.capacity() > SPARE && table.len() < table.capacity() / 8 {
                table.shrink_to(2 * table.len());
            }
        }
    }
}

/// What a client has subscribed to, which is something at least.
#[derive(Default)]
pub struct Subscriptions {
    names: [HashSet<Name>; 3],
}

impl Subscriptions {
    /// The names of one kind, in no order.
    pub fn names(&self, kind: Kind) -> impl Iterator<Item = &Name> {
        self.names[kind as usize].iter()
    }

    fn len(&self, kind: Kind) -> usize {
        self.names[kind as usize].len()
    }

    fn is_empty(&self) -> bool {
        self.names.iter().all(HashSet::is_empty)
    }
}

/// What a subscription takes besides its name, in the tables that it is in.
const BYTES_EACH: usize = 160;

impl Change<'_> {
    /// Subscribes a client of this worker to a name that the change was begun for, if it has not subscribed to it yet.
    pub fn subscribe(&mut self, worker: &WorkerState, session: &mut Session, name: &[u8]) {
        let kind = self.kind;
        let names = &mut session.subscriptions.get_or_insert_default().names[kind as usize];
        if names.contains(name) {
            return;
        }
        let name = self.count(name, worker.id);
        worker.subscribers.borrow_mut().add(kind, &name, session.id);
        names.insert(name.clone());
        session.info.subscription_memory.fetch_add(name.len() + BYTES_EACH, Ordering::Relaxed);
        note(session, kind);
    }

    /// Ends a subscription of a client of this worker, if there is one.
    pub fn unsubscribe(&mut self, worker: &WorkerState, session: &mut Session, name: &[u8]) {
        let kind = self.kind;
        let Some(subscriptions) = &mut session.subscriptions else { return };
        let Some(name) = subscriptions.names[kind as usize].take(name) else { return };
        if subscriptions.is_empty() {
            session.subscriptions = None;
        }
        self.discount(&name, worker.id);
        worker.subscribers.borrow_mut().remove(kind, &name, session.id);
        session.info.subscription_memory.fetch_sub(name.len() + BYTES_EACH, Ordering::Relaxed);
        note(session, kind);
    }
}

/// Shows others what the client has subscribed to.
fn note(session: &Session, kind: Kind) {
    let count = session.subscriptions.as_ref().map_or(0, |all| all.len(kind));
    session.info.subscriptions[kind as usize].store(count, Ordering::Relaxed);
    session.info.set_flag(client_flags::PUBSUB, session.subscriptions.is_some());
}

/// How many subscriptions a client has, as it is told when one begins or ends: shard channels are counted by
/// themselves, channels and patterns together.
pub fn count(session: &Session, kind: Kind) -> usize {
    let count = |kind| session.subscriptions.as_ref().map_or(0, |all| all.len(kind));
    match kind {
        Kind::Shard => count(Kind::Shard),
        Kind::Channel | Kind::Pattern => count(Kind::Channel) + count(Kind::Pattern),
    }
}

/// Ends all subscriptions of a client of this worker. If it `hears_first` what was published before, returns false when
/// there are such messages on their way to it: it has to be tried again behind them.
pub fn unsubscribe_all(server: &Server, worker: &WorkerState, session: &mut Session, hears_first: bool) -> bool {
    for kind in Kind::ALL {
        let Some(subscriptions) = &session.subscriptions else { return true };
        let names: Vec<Name> = subscriptions.names(kind).cloned().collect();
        for some in names.chunks(NAMES_AT_ONCE) {
            let mut change = Change::begin(server, kind, some.iter().map(|name| &**name));
            if hears_first && change.must_wait(worker.id) {
                return false;
            }
            some.iter().for_each(|name| change.unsubscribe(worker, session, name));
        }
    }
    true
}
