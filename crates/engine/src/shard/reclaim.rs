//! Freeing what is large: a thread of its own takes it, so that no client waits for the allocator.

use crate::shard::Db;
use base::blob::Blob;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use value::Object;

/// Something that takes long to free.
pub enum Garbage {
    Value(Box<Object>),
    Blob(Blob),
    Dbs(Vec<Db>),
    /// Tables that somebody insists on seeing freed before the reply: the worker does it, without locks.
    Now(Vec<Db>),
}

/// What INFO says about it: objects waiting to be freed, and freed so far.
#[derive(Default)]
pub struct ReclaimStats {
    pub pending: AtomicU64,
    pub freed: AtomicU64,
    /// Bytes that the thread has taken from the allocator less those that it gave back, which is below zero.
    pub memory: AtomicI64,
}

impl Garbage {
    /// Objects in it, as `lazyfree_pending_objects` counts them.
    fn objects(&self) -> u64 {
        match self {
            Garbage::Value(_) | Garbage::Blob(_) => 1,
            Garbage::Dbs(dbs) | Garbage::Now(dbs) => dbs.iter().map(|db| db.len() as u64).sum(),
        }
    }
}

/// Where workers send garbage.
#[derive(Clone)]
pub struct Reclaimer {
    sender: Sender<Garbage>,
    stats: Arc<ReclaimStats>,
}

impl Reclaimer {
    /// The sending side, and the receiving side for the thread that runs [`run`].
    pub fn new() -> (Reclaimer, Receiver<Garbage>) {
        let (sender, receiver) = channel();
        (Reclaimer { sender, stats: Arc::default() }, receiver)
    }

    /// Hands over garbage. When nobody takes it (the thread has ended: the server stops), it is freed here.
    pub fn discard(&self, garbage: Garbage) {
        self.stats.pending.fetch_add(garbage.objects(), Ordering::Relaxed);
        if let Err(unsent) = self.sender.send(garbage) {
            self.stats.pending.fetch_sub(unsent.0.objects(), Ordering::Relaxed);
        }
    }

    pub fn stats(&self) -> &Arc<ReclaimStats> {
        &self.stats
    }
}

/// Frees garbage until every sender is gone. `memory` tells the balance of this thread's memory.
pub fn run(receiver: &Receiver<Garbage>, stats: &ReclaimStats, memory: impl Fn() -> i64) {
    for garbage in receiver {
        let objects = garbage.objects();
        drop(garbage);
        stats.memory.store(memory(), Ordering::Relaxed);
        // In this order: who sees that nothing is pending sees all that was freed.
        stats.freed.fetch_add(objects, Ordering::Relaxed);
        stats.pending.fetch_sub(objects, Ordering::Release);
    }
}
