//! What workers send each other.
//!
//! A message is put into a mailbox while the shards are held that it is about, so that messages about one key are in the order of
//! what happened to it; the worker is woken afterwards, for that takes a system call.

use crate::clients::tracking::Invalidated;
use crate::server::WorkerHandle;
use crate::session::waiting::{End, Finished};
use base::Blob;
use engine::Wait;
use smallvec::SmallVec;
use std::sync::Arc;

/// What a worker can be told by another.
pub enum Message {
    /// Close this client.
    Kill(u64),
    /// Send this line to these clients, those that are monitors still.
    Monitored(Box<[u64]>, Blob),
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

/// Messages that are posted while shards are held, to workers that are woken once those are let go.
pub struct Deliveries<'s> {
    workers: &'s [WorkerHandle],
    to_wake: SmallVec<[usize; 8]>,
}

impl<'s> Deliveries<'s> {
    pub fn new(workers: &'s [WorkerHandle]) -> Deliveries<'s> {
        Deliveries { workers, to_wake: SmallVec::new() }
    }

    pub fn post(&mut self, worker: usize, message: Message) {
        if self.workers[worker].mailbox.post(message) {
            self.to_wake.push(worker);
        }
    }

    /// Wakes the workers that have to be.
    #[inline]
    pub fn wake(self) {
        for worker in self.to_wake {
            self.workers[worker].mailbox.wake();
        }
    }
}
