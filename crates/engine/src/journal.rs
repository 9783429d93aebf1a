//! The journal: the one ordered log of effects that a log file and replicas will read.
//!
//! A command's effects are appended while its shards are still locked, so the order of the journal is the
//! order of execution. Nobody reads it yet but tests (through DEBUG JOURNAL); while nobody does, it is off and
//! a command pays one branch for it.
//!
//! A frame is what one command or one transaction did; it is applied as a whole or not at all.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// One logged command: the database it ran in, and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub db: usize,
    pub args: Vec<Vec<u8>>,
}

impl Record {
    pub fn new(db: usize, args: &[&[u8]]) -> Record {
        Record { db, args: args.iter().map(|arg| arg.to_vec()).collect() }
    }
}

/// A journal in memory.
#[derive(Default)]
pub struct Journal {
    on: AtomicBool,
    frames: Mutex<Vec<Vec<Record>>>,
}

impl Journal {
    /// Whether effects are to be recorded at all.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Forgets what was recorded and begins to record.
    pub fn start(&self) {
        self.frames.lock().clear();
        self.on.store(true, Ordering::Relaxed);
    }

    /// Stops recording and forgets.
    pub fn stop(&self) {
        self.on.store(false, Ordering::Relaxed);
        self.frames.lock().clear();
    }

    /// Appends one frame. The caller holds the shards it is about.
    pub fn append(&self, frame: Vec<Record>) {
        self.frames.lock().push(frame);
    }

    /// Takes all frames recorded since the last call.
    pub fn take(&self) -> Vec<Vec<Record>> {
        std::mem::take(&mut self.frames.lock())
    }
}
