//! What several INFO fields (and MEMORY STATS) need, looked up once for a command.

use base::clock::Now;
use command::Server;
use command::clients::client_flags;
use command::server::host::{CpuTimes, MemoryStats};
use command::stats::WorkerStats;
use command::stats::samples::Recent;
use engine::LockedKeys;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// One database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Database {
    pub keys: usize,
    pub with_deadline: usize,
    /// Hashes some of whose fields have deadlines.
    pub with_subexpiry: usize,
    /// Sum of the deadlines in Unix milliseconds (an estimate when there are many).
    pub deadline_sum: u128,
    /// Bytes of the index, and of the index by deadline.
    pub index_bytes: usize,
    pub deadline_bytes: usize,
}

/// All databases.
#[derive(Clone, Debug, Default)]
pub struct Keyspace {
    /// Those that were ever used, by their numbers.
    pub dbs: BTreeMap<usize, Database>,
    /// Watched keys.
    pub watched: usize,
    /// Keys that some client waits for.
    pub awaited: usize,
    /// Keys that clients' caches hold, and how many caches hold each, added up.
    pub tracked: (usize, usize),
    /// For how long what is most overdue has been past its deadline.
    pub expiry_lag_ms: u64,
}

impl Keyspace {
    /// Visits the shards; reads counters only.
    pub fn gather(keys: &mut LockedKeys<'_>) -> Keyspace {
        let mut keyspace = Keyspace::default();
        keys.visit(|view| {
            keyspace.watched += view.watched_keys();
            keyspace.awaited += view.awaited_keys();
            keyspace.expiry_lag_ms = keyspace.expiry_lag_ms.max(view.expiry_lag_ms());
            let (keys, items) = view.tracked_keys();
            keyspace.tracked = (keyspace.tracked.0 + keys, keyspace.tracked.1 + items);
            for (number, db) in view.dbs() {
                let (table, total) = (db.table(), keyspace.dbs.entry(number).or_default());
                let (index, deadlines) = table.index_memory();
                total.index_bytes += index;
                total.deadline_bytes += deadlines;
                if table.is_empty() {
                    continue;
                }
                total.keys += table.len();
                total.with_deadline += table.with_deadline();
                total.with_subexpiry += db.with_subexpiry();
                total.deadline_sum += table.deadline_sum();
            }
        });
        keyspace
    }

    pub fn keys(&self) -> usize {
        self.dbs.values().map(|db| db.keys).sum()
    }

    /// Bytes of all indexes.
    pub fn overhead(&self) -> usize {
        self.dbs.values().map(|db| db.index_bytes + db.deadline_bytes).sum()
    }
}

/// All clients together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clients {
    pub connected: usize,
    pub blocked: usize,
    pub watching: usize,
    /// That have subscribed to something.
    pub subscribers: usize,
    /// Blocked, and not for ever.
    pub with_timeout: usize,
    /// Bytes of their buffers and queues.
    pub memory: usize,
}

impl Clients {
    fn gather(server: &Server) -> Clients {
        let mut clients = Clients::default();
        server.clients.each(|client| {
            let load = |number: &std::sync::atomic::AtomicUsize| number.load(Ordering::Relaxed);
            clients.connected += 1;
            clients.blocked += usize::from(client.has_flag(client_flags::BLOCKED | client_flags::POSTPONED));
            clients.with_timeout += usize::from(client.has_flag(client_flags::WAIT_ENDS));
            clients.watching += usize::from(client.watching().0 > 0);
            clients.subscribers += usize::from(client.has_flag(client_flags::PUBSUB));
            clients.memory += size_of::<command::Session>()
                + size_of::<command::clients::ClientInfo>()
                + load(&client.query_buffer)
                + load(&client.query_buffer_free)
                + load(&client.argv_memory)
                + load(&client.multi_memory)
                + load(&client.subscription_memory)
                + load(&client.output_memory);
        });
        clients
    }
}

/// Everything INFO can tell.
pub struct Facts<'a> {
    pub server: &'a Server,
    pub now: Now,
    pub keyspace: Keyspace,
    pub clients: Clients,
    pub recent: Recent,
    /// Look at every key where the answer needs it, however many there are.
    pub exhaustive: bool,
    memory: OnceCell<MemoryStats>,
    cpu: OnceCell<CpuTimes>,
}

impl<'a> Facts<'a> {
    pub fn gather(server: &'a Server, now: Now, keys: &mut LockedKeys<'_>) -> Facts<'a> {
        Facts {
            server,
            now,
            keyspace: Keyspace::gather(keys),
            clients: Clients::gather(server),
            recent: server.samples.recent(),
            exhaustive: false,
            memory: OnceCell::new(),
            cpu: OnceCell::new(),
        }
    }

    pub fn memory(&self) -> &MemoryStats {
        self.memory.get_or_init(|| {
            let memory = self.server.host.memory();
            self.server.samples.note_peak(memory.peak, self.now);
            memory
        })
    }

    pub fn cpu(&self) -> &CpuTimes {
        self.cpu.get_or_init(|| self.server.host.cpu())
    }

    pub fn sum(&self, counter: impl Fn(&WorkerStats) -> u64) -> u64 {
        self.server.sum(counter)
    }

    /// The greatest of the workers' counters.
    pub fn most(&self, counter: impl Fn(&WorkerStats) -> u64) -> u64 {
        self.server.workers.iter().map(|worker| counter(&worker.stats)).max().unwrap_or(0)
    }

    /// An option that is a number.
    pub fn number(&self, option: &str) -> u64 {
        self.server.host.option(option).parse().unwrap_or(0)
    }

    pub fn uptime_seconds(&self) -> u64 {
        u64::try_from(self.now.unix_ms - self.server.started.unix_ms).unwrap_or(0) / 1000
    }

    /// Memory that holds no data: what the server took at start, clients, indexes.
    pub fn overhead(&self) -> u64 {
        self.memory().startup + (self.clients.memory + self.keyspace.overhead()) as u64
    }

    /// Memory that holds data.
    pub fn dataset(&self) -> u64 {
        self.memory().allocated.saturating_sub(self.overhead())
    }

    /// The share of the data in what was taken since the start, in percent.
    pub fn dataset_percentage(&self) -> f64 {
        let memory = self.memory();
        percentage(self.dataset(), memory.allocated.saturating_sub(memory.startup))
    }
}

/// `part` of `whole` in percent; 0 of nothing.
pub fn percentage(part: u64, whole: u64) -> f64 {
    ratio(part, whole) * 100.0
}

/// `part` by `whole`; 0 of nothing.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// How much `more` is above `less`, negative when it is below.
pub fn above(more: u64, less: u64) -> i64 {
    more.wrapping_sub(less) as i64
}
