//! What all workers share.

use crate::clients::{Clients, Mailbox};
use crate::commandlog::CommandLogs;
use crate::host::Host;
use crate::latency::LatencyMonitor;
use crate::long::Executor;
use crate::memory::Memory;
use crate::pause::Pause;
use crate::registry::Registry;
use crate::samples::Samples;
use crate::stats::{ErrorStats, WorkerStats};
use crate::tracking::Trackers;
use crate::tunables::Tunables;
use base::clock::Now;
use engine::Keyspace;
use engine::effects::Fired;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The server, as commands see it.
pub struct Server {
    pub keyspace: Keyspace,
    pub registry: Registry,
    pub tunables: Arc<Tunables>,
    pub clients: Clients,
    pub trackers: Trackers,
    pub pause: Pause,
    pub logs: CommandLogs,
    pub latency: LatencyMonitor,
    pub errors: ErrorStats,
    pub samples: Samples,
    pub memory: Memory,
    /// One for each worker.
    pub workers: Vec<WorkerHandle>,
    pub host: Box<dyn Host>,
    pub events: EventCapture,
    /// Where long commands run; without one, they run like all others.
    pub executor: Option<Executor>,
    pub started: Now,
    /// 40 hexadecimal digits, drawn at start.
    pub run_id: String,
    /// 40 hexadecimal digits: the identity of the data set's history.
    pub replid: Mutex<String>,
}

/// What others may reach of a worker.
pub struct WorkerHandle {
    pub stats: Arc<WorkerStats>,
    pub mailbox: Arc<dyn Mailbox>,
}

/// Events as they fire, kept for DEBUG EVENTS: tests read them.
#[derive(Default)]
pub struct EventCapture {
    pub on: AtomicBool,
    fired: Mutex<Vec<Fired>>,
}

impl EventCapture {
    pub fn add(&self, fired: Vec<Fired>) {
        self.fired.lock().extend(fired);
    }

    /// Takes what fired since the last call.
    pub fn take(&self) -> Vec<Fired> {
        std::mem::take(&mut self.fired.lock())
    }
}

impl Server {
    /// Whether a pause has just ended by time; true once, for one worker, which wakes all.
    pub fn pause_is_over(&self, now_ms: i64) -> bool {
        self.pause.end_if_over(now_ms)
    }

    /// Adds up one counter over all workers.
    pub fn sum(&self, counter: impl Fn(&WorkerStats) -> u64) -> u64 {
        self.workers.iter().map(|worker| counter(&worker.stats)).sum()
    }
}
