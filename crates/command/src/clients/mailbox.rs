//! What workers send each other.
//!
//! A message is put into a mailbox while the shards are held that it is about, so that messages about one key are in
//! the order of what happened to it; the worker is woken afterwards, for that takes a system call.

use crate::clients::channels::{Kind, Name, Publication, Subscribers};
use crate::clients::tracking::Invalidated;
use crate::server::Server;
use crate::server::worker::WorkerState;
use crate::session::waiting::{End, Finished};
use base::Blob;
use engine::effects::{Fired, Outlet};
use engine::tracking::Invalidations;
use engine::{Class, Wait};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a worker can be told by another.
pub enum Message {
    /// Close this client.
    Kill(u64),
    /// Send this line to these clients, those that are monitors still.
    Monitored(Box<[u64]>, Blob),
    /// Send this to the clients that have subscribed to where it was published.
    Published(Arc<Publication>),
    /// This client's cache, or that of the client whose messages it takes, has to forget keys.
    Invalidated { client: u64, redirected: bool, what: Arc<Invalidated> },
    /// A client's wait was claimed and is over.
    EndWait(Arc<Wait>, End),
    /// A client's wait was claimed for a while and goes on: look whether its time has come meanwhile.
    CheckWait(Arc<Wait>),
    /// A long command of one of its clients has run.
    Finished(Box<Finished>),
    /// The keys that this client waited for are back: its command may try again.
    Retry(u64),
    /// CLIENT UNPAUSE: postponed clients may go on.
    Resume,
}

/// A worker's mailbox.
pub trait Mailbox: Send + Sync {
    /// Puts a message in; returns whether the worker has to be woken for it.
    fn post(&self, message: Message) -> bool;

    /// Wakes the worker.
    fn wake(&self);

    /// Puts a message in and wakes the worker.
    fn send(&self, message: Message) {
        if self.post(message) {
            self.wake();
        }
    }
}

/// What a client has to hear of what it did itself: its worker writes it right behind the reply of the command that did
/// it.
pub enum Own {
    Published { publication: Arc<Publication>, pattern: Option<Name> },
    Invalidated { redirected: bool, what: Arc<Invalidated> },
}

/// The client whose commands run.
#[derive(Clone, Copy)]
struct Actor<'s> {
    id: u64,
    worker: usize,
    /// The subscribers of its worker.
    subscribers: &'s RefCell<Subscribers>,
}

/// What leaves commands for clients. Messages are posted while shards are held, to workers that are woken once those
/// are let go.
pub struct Deliveries<'s> {
    server: &'s Server,
    actor: Option<Actor<'s>>,
    to_wake: RefCell<SmallVec<[usize; 8]>>,
    own: RefCell<Vec<Own>>,
    own_waits: Cell<bool>,
}

/// What the client has to hear itself whose commands ran.
#[derive(Default)]
pub struct ForActor {
    pub own: Vec<Own>,
    /// More waits in the mailbox of its worker, behind other messages. It is to be written before the client's next
    /// command runs.
    pub waits: bool,
}

impl<'s> Deliveries<'s> {
    /// For what nobody did, or somebody who hears of it as everybody else.
    pub fn new(server: &'s Server) -> Deliveries<'s> {
        let (to_wake, own, own_waits) = Default::default();
        Deliveries { server, actor: None, to_wake, own, own_waits }
    }

    /// For commands of a client of this worker.
    pub fn of_client(server: &'s Server, worker: &'s WorkerState, id: u64) -> Deliveries<'s> {
        let actor = Actor { id, worker: worker.id, subscribers: &worker.subscribers };
        Deliveries { actor: Some(actor), ..Deliveries::new(server) }
    }

    /// The client whose commands run.
    pub fn actor(&self) -> Option<u64> {
        self.actor.map(|actor| actor.id)
    }

    pub fn post(&self, worker: usize, message: Message) {
        if self.server.workers[worker].mailbox.post(message) {
            self.to_wake.borrow_mut().push(worker);
        }
    }

    /// Leaves something for the client whose commands run.
    pub fn leave(&self, own: Own) {
        self.own.borrow_mut().push(own);
    }

    /// Posts a message to workers that have subscribers.
    pub(super) fn publish(&self, mut publication: Publication, workers: &[usize]) {
        let channels = &self.server.channels;
        let mut ways = SmallVec::new();
        if let Some(actor) = self.actor.filter(|actor| workers.contains(&actor.worker)) {
            ways = actor.subscribers.borrow().ways_of(actor.id, &publication);
            if channels.has_backlog(actor.worker) {
                // What others have published before comes first.
                self.own_waits.set(self.own_waits.get() || !ways.is_empty());
                ways.clear();
            } else if !ways.is_empty() {
                publication.except = actor.id;
            }
        }
        let publication = Arc::new(publication);
        for pattern in ways {
            self.leave(Own::Published { publication: publication.clone(), pattern });
        }
        for &worker in workers {
            channels.note_posted(worker, publication.memory());
            self.post(worker, Message::Published(publication.clone()));
        }
    }

    /// Wakes the workers that have to be, and returns what the client has to hear whose commands ran.
    #[inline]
    pub fn finish(self) -> ForActor {
        for worker in self.to_wake.into_inner() {
            self.server.workers[worker].mailbox.wake();
        }
        ForActor { own: self.own.into_inner(), waits: self.own_waits.get() }
    }
}

impl Outlet for Deliveries<'_> {
    #[cold]
    fn events(&self, fired: Vec<Fired>) {
        let server = self.server;
        // Only now is it known who listens: a long command fires all that it may turn out to be wanted.
        let heard = server.keyspace.event_classes.load(Ordering::Acquire);
        let published = server.tunables.general.notify_keyspace_events.get().0;
        let mut channel = Vec::new();
        let mut publish = |class: Class, space: &[u8], db: usize, of: &[u8], what: &[u8]| {
            if published & class.0 != 0 {
                channel.clear();
                channel.extend_from_slice(space);
                base::num::write_u64(&mut channel, db as u64);
                channel.extend_from_slice(b"__:");
                channel.extend_from_slice(of);
                server.channels.publish(self, Kind::Channel, &channel, what);
            }
        };
        for Fired { db, event, key } in fired.iter().filter(|fired| fired.event.class.0 & heard & published != 0) {
            publish(Class::KEYSPACE, b"__keyspace@", *db, key, event.name.as_bytes());
            publish(Class::KEYEVENT, b"__keyevent@", *db, event.name.as_bytes(), key);
        }
        if server.events.on.load(Ordering::Relaxed) {
            server.events.add(fired.into_iter().filter(|fired| fired.event.class.0 & heard != 0).collect());
        }
    }

    #[cold]
    fn invalidations(&self, changes: Invalidations) {
        self.server.trackers.post(self.server, self, changes);
    }
}
