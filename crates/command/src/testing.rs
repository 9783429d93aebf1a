//! A server without a process around it: no sockets, no options, letter boxes that a test opens when it likes. For the
//! tests of the crates above.

use crate::clients::{Mailbox, Message};
use crate::host::{CpuTimes, Host, MemoryStats, Shutdown};
use crate::registry::Registry;
use crate::server::{Server, WorkerHandle};
use crate::stats::WorkerStats;
use base::clock::Now;
use engine::reclaim::Reclaimer;
use engine::{Keyspace, Shape};
use parking_lot::Mutex;
use std::sync::Arc;
use structures::hash::Hasher;

/// A process that has nothing to tell.
struct NoHost;

impl Host for NoHost {
    fn config_get(&self, _: &[&[u8]]) -> Vec<(String, Vec<u8>)> {
        Vec::new()
    }
    fn config_set(&self, _: &[(&[u8], &[u8])], _: bool) -> Result<(), String> {
        Ok(())
    }
    fn config_rewrite(&self) -> Result<(), String> {
        Err("ERR The server is running without a config file".to_owned())
    }
    fn option(&self, _: &str) -> String {
        String::new()
    }
    fn config_file(&self) -> String {
        String::new()
    }
    fn executable(&self) -> String {
        "/test".to_owned()
    }
    fn tcp_port(&self) -> u16 {
        6379
    }
    fn memory(&self) -> MemoryStats {
        MemoryStats { allocated: 1 << 20, peak: 1 << 20, startup: 1 << 19, ..MemoryStats::default() }
    }
    fn purge_memory(&self) {}
    fn malloc_stats(&self) -> String {
        String::new()
    }
    fn cpu(&self) -> CpuTimes {
        CpuTimes::default()
    }
    fn shutdown(&self, _: Shutdown) {}
    fn now(&self) -> Now {
        Now::default()
    }
    fn log(&self, _: &str) {}
}

/// What a worker was told and did not read yet.
#[derive(Default)]
pub struct Letters(Mutex<Vec<Message>>);

impl Letters {
    /// Takes the last message.
    pub fn take(&self) -> Option<Message> {
        self.0.lock().pop()
    }

    /// Takes all messages that fit, in order.
    pub fn take_all(&self, fits: impl Fn(&Message) -> bool) -> Vec<Message> {
        self.0.lock().extract_if(.., |message| fits(message)).collect()
    }

    /// Takes the first message that fits.
    pub fn take_first(&self, fits: impl Fn(&Message) -> bool) -> Option<Message> {
        let mut letters = self.0.lock();
        let at = letters.iter().position(fits)?;
        Some(letters.remove(at))
    }
}

impl Mailbox for Letters {
    fn send(&self, message: Message) {
        self.0.lock().push(message);
    }
}

/// A server that started at `started`, and a letter box for each of its workers.
pub fn server(registry: Registry, shape: Shape, workers: usize, started: Now) -> (Server, Vec<Arc<Letters>>) {
    let letters: Vec<Arc<Letters>> = (0..workers).map(|_| Arc::default()).collect();
    let worker = |letters: &Arc<Letters>| WorkerHandle {
        stats: Arc::new(WorkerStats::new(registry.len())),
        mailbox: letters.clone() as Arc<dyn Mailbox>,
    };
    let (reclaimer, _) = Reclaimer::new();
    let server = Server {
        keyspace: Keyspace::new(shape, Hasher::new(1, 2), reclaimer),
        workers: letters.iter().map(worker).collect(),
        registry,
        tunables: Default::default(),
        clients: Default::default(),
        trackers: Default::default(),
        pause: Default::default(),
        logs: Default::default(),
        latency: Default::default(),
        errors: Default::default(),
        samples: Default::default(),
        memory: Default::default(),
        host: Box::new(NoHost),
        events: Default::default(),
        executor: None,
        started,
        run_id: "0".repeat(40),
        replid: "1".repeat(40).into(),
    };
    (server, letters)
}
