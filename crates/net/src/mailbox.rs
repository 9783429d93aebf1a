//! A worker's mailbox: what other threads have for it, and the waker that gets it out of its sleep.

use crate::stream::{Peer, Stream};
use mio::Waker;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Microseconds after which a turn counts as long: the worker gets no new connections until it is over.
const LONG_TURN_US: u64 = 10_000;

/// What lies in a mailbox.
pub(crate) enum Mail<M> {
    /// A connection that this worker shall serve.
    Connection(Stream, Peer),
    Message(M),
    /// End the loop.
    Stop,
}

/// The sending side; shared by all threads.
pub struct Mailbox<M> {
    mail: Arc<Mutex<Vec<Mail<M>>>>,
    waker: Arc<Waker>,
    state: Arc<State>,
}

/// What others see of a worker.
#[derive(Default)]
struct State {
    /// Its connections, those on their way to it included.
    connections: AtomicUsize,
    /// When its turn began, on the clock of the listeners; 0 while it waits.
    turn_began_us: AtomicU64,
}

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Mailbox { mail: self.mail.clone(), waker: self.waker.clone(), state: self.state.clone() }
    }
}

impl<M> Mailbox<M> {
    pub(crate) fn new(waker: Waker) -> Mailbox<M> {
        Mailbox { mail: Arc::default(), waker: Arc::new(waker), state: Arc::default() }
    }

    /// Sends the worker's service a message.
    ///
    /// # Errors
    /// The worker could not be woken; it finds the message with the next one.
    pub fn send(&self, message: M) -> io::Result<()> {
        if self.put(message) { self.wake() } else { Ok(()) }
    }

    /// Puts a message into the mailbox; returns whether the worker has to be woken, as it does for the first of
    /// several.
    pub fn put(&self, message: M) -> bool {
        self.add(Mail::Message(message))
    }

    /// # Errors
    /// The worker could not be woken.
    pub fn wake(&self) -> io::Result<()> {
        self.waker.wake()
    }

    /// Ends the loop after the turn that it is in.
    ///
    /// # Errors
    /// As for `send`.
    pub fn stop(&self) -> io::Result<()> {
        if self.add(Mail::Stop) { self.wake() } else { Ok(()) }
    }

    /// Hands over a connection.
    pub(crate) fn connect(&self, stream: Stream, peer: Peer) -> io::Result<()> {
        self.state.connections.fetch_add(1, Relaxed);
        if self.add(Mail::Connection(stream, peer)) { self.wake() } else { Ok(()) }
    }

    /// Whether it is the first of several.
    fn add(&self, mail: Mail<M>) -> bool {
        let mut all = self.mail.lock();
        all.push(mail);
        all.len() == 1
    }

    pub(crate) fn take(&self) -> Vec<Mail<M>> {
        std::mem::take(&mut self.mail.lock())
    }

    pub(crate) fn is_same(&self, other: &Mailbox<M>) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Relaxed)
    }

    /// Counts a connection that did not come through the mailbox.
    pub(crate) fn count_connection(&self) {
        self.state.connections.fetch_add(1, Relaxed);
    }

    pub(crate) fn forget_connection(&self) {
        self.state.connections.fetch_sub(1, Relaxed);
    }

    /// Called by the worker: its turn begins now, or is over (0).
    #[inline]
    pub(crate) fn note_turn(&self, began_us: u64) {
        self.state.turn_began_us.store(began_us, Relaxed);
    }

    /// Whether the worker has been in one turn for long.
    pub(crate) fn is_stuck(&self, now_us: u64) -> bool {
        let began = self.state.turn_began_us.load(Relaxed);
        began != 0 && now_us.saturating_sub(began) > LONG_TURN_US
    }
}
