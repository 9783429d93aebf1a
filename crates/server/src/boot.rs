//! From options to a running server: sockets, keyspace, workers.

use crate::apply::AtStart;
use crate::host::Process;
use crate::service::{WorkerMailbox, WorkerService};
use crate::{alloc, listen, logger};
use base::clock::{Clock, SystemClock};
use command::Server;
use command::clients::Message;
use command::server::host::Shutdown;
use command::server::{Parts, WorkerHandle};
use command::session::waiting::{Executor, Job};
use command::spec::registry::Registry;
use command::spec::work::LONG_ELEMENTS;
use command::stats::WorkerStats;
use dispatch::{Worker, long};
use engine::reclaim::{self, Reclaimer};
use engine::{Keyspace, Shape};
use net::{EventLoop, ListenerKind, Listeners, LoopParts, Mailbox};
use options::Options;
use parking_lot::Mutex;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use structures::hash::Hasher;

/// Shards for each worker.
const SHARDS_PER_WORKER: usize = 16;
const SHARDS_MAX: usize = 1 << 12;

/// Why the server cannot start; one line for people.
#[derive(Debug)]
pub struct BootError(pub String);

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BootError {}

fn because(what: &str) -> impl Fn(std::io::Error) -> BootError + '_ {
    move |error| BootError(format!("{what}: {error}"))
}

/// A server that runs.
pub struct Running {
    pub server: Arc<Server>,
    /// The first TCP address it listens on.
    pub addr: Option<SocketAddr>,
    /// Told when a client says SHUTDOWN.
    pub shutdown: Receiver<Shutdown>,
    mailboxes: Vec<Mailbox<Message>>,
    listeners: Arc<Listeners>,
    workers: Vec<JoinHandle<()>>,
}

impl Running {
    /// Closes all connections and ends the workers.
    pub fn stop(self) {
        self.listeners.close();
        for mailbox in &self.mailboxes {
            if let Err(error) = mailbox.stop() {
                log::warn!("Waking a worker to end it: {error}");
            }
        }
        for worker in self.workers {
            if worker.join().is_err() {
                log::warn!("A worker had panicked");
            }
        }
    }
}

/// Threads for long commands, at the most: one for two workers, but two if there are two workers, so that one long
/// command is not behind another.
const EXECUTORS_MAX: usize = 8;
/// How much less of the processor a helper gets than a worker: about a third.
const HELPER_NICENESS: i32 = 5;

/// Says which options have no effect, and acts on those that have one at once.
fn apply(options: &Options) -> Result<(), BootError> {
    for warning in options.check().map_err(BootError)? {
        log::warn!("{warning}");
    }
    options.act_all(&AtStart(options)).map_err(|(name, error)| BootError(format!("Option {name}: {error}")))
}

/// The listeners of all loops, open.
fn open_listeners(
    options: &Options,
    loops: &[LoopParts<Message>],
    any_port: bool,
) -> Result<Arc<Listeners>, BootError> {
    let listeners = LoopParts::listeners(loops).map_err(because("Listening"))?;
    let failed = |listen::Failed(why)| BootError(why);
    listen::follow(options, &listeners, any_port).map_err(failed)?;
    let is_wanted = (options.int("port") != 0 || any_port) && !options.list("bind").is_empty();
    if is_wanted && listeners.addresses(ListenerKind::Tcp).is_empty() {
        return Err(BootError(format!("Failed listening on port {} (tcp), aborting.", options.int("port"))));
    }
    listen::open_unix(options, &listeners).map_err(failed)?;
    Ok(Arc::new(listeners))
}

fn hex_digits(rng: &mut base::rng::Rng) -> String {
    (0..40).filter_map(|_| char::from_digit(rng.below(16) as u32, 16)).collect()
}

/// The number of workers for the option `threads`; 0 is one for each core.
fn worker_count(options: &Options) -> usize {
    match options.int("threads") {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => usize::try_from(count).unwrap_or(1),
    }
}

/// Starts the server. With `any_port` a port of 0 is chosen by the system instead of meaning "no TCP".
///
/// # Errors
/// An address in use, an option that cannot take effect, no more descriptors or threads.
pub fn start(options: Arc<Options>, any_port: bool) -> Result<Running, BootError> {
    apply(&options)?;
    let count = worker_count(&options);
    let parts: Vec<LoopParts<Message>> =
        (0..count).map(|_| LoopParts::open()).collect::<Result<_, _>>().map_err(because("Opening an event loop"))?;
    let listeners = open_listeners(&options, &parts, any_port)?;
    let addr = listeners.addresses(ListenerKind::Tcp).first().copied();
    let registry = registry(&options)?;
    let hasher = Hasher::from_os().map_err(|error| BootError(format!("No random numbers from the system: {error}")))?;
    let (reclaimer, garbage) = Reclaimer::new();
    let reclaim_stats = reclaimer.stats().clone();
    let shape = Shape {
        shards: (count * SHARDS_PER_WORKER).next_power_of_two().min(SHARDS_MAX),
        databases: usize::try_from(options.int("databases")).unwrap_or(16),
    };
    let mailboxes: Vec<Mailbox<Message>> = parts.iter().map(LoopParts::mailbox).collect();
    let handles: Vec<WorkerHandle> = mailboxes
        .iter()
        .map(|mailbox| WorkerHandle {
            stats: Arc::new(WorkerStats::new(registry.len())),
            mailbox: Arc::new(WorkerMailbox(mailbox.clone())),
        })
        .collect();
    let stats: Vec<Arc<WorkerStats>> = handles.iter().map(|handle| handle.stats.clone()).collect();
    let (executor, jobs) = Executor::new(LONG_ELEMENTS);
    let (stop, shutdown) = channel();
    let started_with = Arc::new(AtomicU64::new(0));
    let process = Process::new(options.clone(), listeners.clone(), stop, started_with.clone());
    let mut rng = base::rng::Rng::seed(hasher.hash(b"run id"));
    let server = Arc::new(Server::new(Parts {
        keyspace: Keyspace::new(shape, hasher, reclaimer),
        registry,
        tunables: options.tunables().clone(),
        workers: handles,
        host: Box::new(process),
        executor: Some(executor),
        started: SystemClock::new().now(),
        run_id: hex_digits(&mut rng),
        replid: hex_digits(&mut rng),
    }));
    spawn_helper("reclaim", move || reclaim::run(&garbage, &reclaim_stats, alloc::thread_memory))?;
    spawn_executors((count / 2).clamp(count.min(2), EXECUTORS_MAX), &server, jobs)?;
    let services = parts.into_iter().zip(stats).enumerate().map(|(id, (parts, stats))| {
        let worker = Worker::new(id, stats, rng.next_u64());
        let mut event_loop = EventLoop::new(parts, WorkerService::new(server.clone(), worker));
        event_loop.listen(listeners.clone(), mailboxes.clone());
        event_loop
    });
    let loops: Vec<EventLoop<WorkerService>> = services.collect();
    // All is there that an empty server needs.
    started_with.store(alloc::allocated(), Relaxed);
    server.memory.calibrate(&server);
    let spawned = loops.into_iter().enumerate().map(|(id, event_loop)| spawn_worker(id, event_loop));
    let workers = spawned.collect::<Result<_, _>>()?;
    Ok(Running { server, addr, shutdown, mailboxes, listeners, workers })
}

/// Starts the threads for long commands.
fn spawn_executors(count: usize, server: &Arc<Server>, jobs: Receiver<Box<Job>>) -> Result<(), BootError> {
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..count {
        let (server, jobs) = (Arc::downgrade(server), jobs.clone());
        spawn_helper("executor", move || long::work(&server, &jobs))?;
    }
    Ok(())
}

/// Starts a thread for what no client waits for, or what takes long. Where there is too little of the processor for
/// all, the workers come first.
fn spawn_helper(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), BootError> {
    let polite = move || {
        // Elsewhere the process, not the thread, has a priority.
        if cfg!(target_os = "linux")
            && let Err(error) = rustix::process::setpriority_process(None, HELPER_NICENESS)
        {
            log::debug!("Running at the priority of the workers: {error}");
        }
        work();
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(polite);
    thread.map(drop).map_err(because("Starting a thread"))
}

/// All commands, under the names that `rename-command` gives them.
fn registry(options: &Options) -> Result<Registry, BootError> {
    let renames: Vec<(Vec<u8>, Vec<u8>)> =
        options.renamed_commands().into_iter().map(|renamed| (renamed.command, renamed.name)).collect();
    Registry::new(commands::COMMANDS, &renames).map_err(BootError)
}

fn spawn_worker(id: usize, mut event_loop: EventLoop<WorkerService>) -> Result<JoinHandle<()>, BootError> {
    let thread = std::thread::Builder::new().name(format!("worker-{id}")).spawn(move || {
        if let Err(error) = event_loop.run() {
            log::error!("A worker cannot go on: {error}");
            logger::finish();
            std::process::abort();
        }
    });
    thread.map_err(because("Starting a thread"))
}
