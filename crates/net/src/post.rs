//! A worker's letter box: what other threads tell it, and the waker that gets it out of its sleep.

use crate::stream::{Peer, Stream};
use mio::Waker;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A letter.
pub enum Mail<M> {
    /// A connection that this worker shall serve.
    Connection(Stream, Peer),
    Message(M),
    /// End the loop.
    Stop,
}

/// The sending side; shared by all threads.
pub struct Post<M> {
    letters: Arc<Mutex<Vec<Mail<M>>>>,
    waker: Arc<Waker>,
    /// Connections of the worker, those on their way included.
    pub connections: Arc<AtomicUsize>,
}

impl<M> Clone for Post<M> {
    fn clone(&self) -> Self {
        Post { letters: self.letters.clone(), waker: self.waker.clone(), connections: self.connections.clone() }
    }
}

impl<M> Post<M> {
    pub(crate) fn new(waker: Waker) -> Post<M> {
        Post { letters: Arc::default(), waker: Arc::new(waker), connections: Arc::default() }
    }

    /// Delivers a letter, and wakes the worker if it has to be.
    pub fn send(&self, mail: Mail<M>) -> io::Result<()> {
        if self.put(mail) { self.wake() } else { Ok(()) }
    }

    /// Delivers a letter; returns whether the worker has to be woken, as it does for the first of several.
    pub fn put(&self, mail: Mail<M>) -> bool {
        let mut letters = self.letters.lock();
        letters.push(mail);
        letters.len() == 1
    }

    /// Wakes the worker.
    pub fn wake(&self) -> io::Result<()> {
        self.waker.wake()
    }

    pub(crate) fn take(&self) -> Vec<Mail<M>> {
        std::mem::take(&mut self.letters.lock())
    }

    pub(crate) fn load(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}
