//! How much memory is in use, for the gate of `maxmemory`: exact enough to be asked before every command, and cheap
//! enough.
//!
//! The allocator's total takes it a while to add up, so that happens ten times a second. In between, each thread's own
//! balance (taken less given back), which the allocator keeps anyway, says what has changed: a worker publishes its
//! balance once a turn, and looks at it, not at the total, before a command that may take memory. What other workers do
//! is thus known up to their last turn, what the worker itself does, exactly.

use crate::server::Server;
use std::sync::atomic::{AtomicI64, Ordering};

/// The state of it.
#[derive(Default)]
pub struct Memory {
    /// In use by other than workers: the allocator's total, when last asked, less all balances.
    others: AtomicI64,
}

impl Memory {
    /// Asks for the total anew, and gives the highest total so far.
    pub fn calibrate(&self, server: &Server) -> u64 {
        let (total, peak) = server.host.allocated();
        self.others.store(signed(total) - balances(server), Ordering::Relaxed);
        peak
    }

    /// The balance above which the worker `id` finds more in use than `limit` bytes.
    pub fn mark(&self, server: &Server, id: usize, limit: u64) -> i64 {
        let own = server.workers[id].stats.memory.load(Ordering::Relaxed);
        let total = self.others.load(Ordering::Relaxed) + balances(server);
        signed(limit).saturating_sub(total - own)
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// What all threads have published.
fn balances(server: &Server) -> i64 {
    let workers: i64 = server.workers.iter().map(|worker| worker.stats.memory.load(Ordering::Relaxed)).sum();
    workers + server.keyspace.reclaimer.stats().memory.load(Ordering::Relaxed)
}
