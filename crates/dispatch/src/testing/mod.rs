//! A server without a process around it: no sockets, no options, inboxes that a test opens when it likes. For the
//! tests of the crates above.

mod test_server;

pub use test_server::TestServer;

use base::clock::Now;
use command::clients::{Mailbox, Message};
use command::server::host::{CpuTimes, Host, MemoryStats, Shutdown};
use command::server::{Parts, Server, WorkerHandle};
use command::spec::registry::Registry;
use command::stats::WorkerStats;
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
pub struct Inbox(Mutex<Vec<Message>>);

impl Inbox {
    /// Takes the first message.
    pub fn take(&self) -> Option<Message> {
        self.take_first(|_| true)
    }

    /// Takes all messages that fit, in order.
    pub fn take_all(&self, fits: impl Fn(&Message) -> bool) -> Vec<Message> {
        self.0.lock().extract_if(.., |message| fits(message)).collect()
    }

    /// Takes the first message that fits.
    pub fn take_first(&self, fits: impl Fn(&Message) -> bool) -> Option<Message> {
        let mut messages = self.0.lock();
        let at = messages.iter().position(fits)?;
        Some(messages.remove(at))
    }
}

impl Mailbox for Inbox {
    fn post(&self, message: Message) -> bool {
        self.0.lock().push(message);
        false
    }

    fn wake(&self) {}
}

/// A server that started at `started`, and an inbox for each of its workers.
pub fn server(registry: Registry, shape: Shape, workers: usize, started: Now) -> (Server, Vec<Arc<Inbox>>) {
    let inboxes: Vec<Arc<Inbox>> = (0..workers).map(|_| Arc::default()).collect();
    let worker = |inboxes: &Arc<Inbox>| WorkerHandle {
        stats: Arc::new(WorkerStats::new(registry.len())),
        mailbox: inboxes.clone() as Arc<dyn Mailbox>,
    };
    let workers = inboxes.iter().map(worker).collect();
    let (reclaimer, _) = Reclaimer::new();
    let server = Server::new(Parts {
        keyspace: Keyspace::new(shape, Hasher::new(1, 2), reclaimer),
        registry,
        tunables: Default::default(),
        workers,
        host: Box::new(NoHost),
        executor: None,
        started,
        run_id: "0".repeat(40),
        replid: "1".repeat(40),
    });
    (server, inboxes)
}
