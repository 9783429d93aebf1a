//! What all workers share.

mod cron;
pub mod host;
pub mod memory;
pub mod pause;
pub mod switches;
pub mod worker;

use crate::clients::channels::Channels;
use crate::clients::tracking::Trackers;
use crate::clients::{Clients, Mailbox};
use crate::session::waiting::Executor;
use crate::spec::registry::Registry;
use crate::stats::commandlog::CommandLogs;
use crate::stats::latency::LatencyMonitor;
use crate::stats::samples::Samples;
use crate::stats::{ErrorStats, WorkerStats};
use base::clock::Now;
use engine::Keyspace;
use engine::effects::Fired;
use host::Host;
use memory::Memory;
use options::Tunables;
use parking_lot::Mutex;
use pause::Pause;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use switches::Switches;

/// What a server is made of that others make; the rest is empty at start.
pub struct Parts {
    pub keyspace: Keyspace,
    pub registry: Registry,
    pub tunables: Arc<Tunables>,
    /// One for each worker.
    pub workers: Vec<WorkerHandle>,
    pub host: Box<dyn Host>,
    /// Where long commands run; without one, they run like all others.
    pub executor: Option<Executor>,
    pub started: Now,
    /// 40 hexadecimal digits, drawn at start.
    pub run_id: String,
    /// 40 hexadecimal digits: the identity of the data set's history.
    pub replid: String,
}

/// The server, as commands see it.
pub struct Server {
    pub keyspace: Keyspace,
    pub registry: Registry,
    pub tunables: Arc<Tunables>,
    pub switches: Switches,
    pub clients: Clients,
    pub trackers: Trackers,
    pub channels: Channels,
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
    pub fn new(parts: Parts) -> Server {
        let Parts { keyspace, registry, tunables, workers, host, executor, started, run_id, replid } = parts;
        Server {
            keyspace,
            registry,
            tunables,
            switches: Default::default(),
            clients: Default::default(),
            trackers: Default::default(),
            channels: Channels::new(workers.len()),
            pause: Default::default(),
            logs: Default::default(),
            latency: Default::default(),
            errors: Default::default(),
            samples: Default::default(),
            memory: Default::default(),
            workers,
            host,
            events: Default::default(),
            executor,
            started,
            run_id,
            replid: replid.into(),
        }
    }

    /// Whether a pause has just ended by time; true once, for one worker, which wakes all.
    pub fn pause_is_over(&self, now_ms: i64) -> bool {
        self.pause.end_if_over(now_ms)
    }

    /// Adds up one counter over all workers.
    pub fn sum(&self, counter: impl Fn(&WorkerStats) -> u64) -> u64 {
        self.workers.iter().map(|worker| counter(&worker.stats)).sum()
    }
}
