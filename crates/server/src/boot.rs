//! From options to a running server: sockets, keyspace, workers.

use crate::apply::Follower;
use crate::host::Process;
use crate::options::Options;
use crate::service::{WorkerPost, WorkerService};
use base::clock::{Clock, SystemClock};
use command::clients::Message;
use command::host::Shutdown;
use command::registry::Registry;
use command::server::WorkerHandle;
use command::stats::WorkerStats;
use command::tunables::Tunables;
use command::{Server, Worker};
use engine::reclaim::{self, Reclaimer};
use engine::{Keyspace, Shape};
use net::{EventLoop, Listener, Mail, Port, Post, TcpOptions};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use structures::hash::Hasher;
use structures::lock::Sharing;

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
    posts: Vec<Post<Message>>,
    workers: Vec<JoinHandle<()>>,
}

impl Running {
    /// Closes all connections and ends the workers.
    pub fn stop(self) {
        for post in &self.posts {
            if let Err(error) = post.send(Mail::Stop) {
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

/// The addresses that `bind` and `port` ask for. One with `-` in front may be missing on this machine.
fn addresses(options: &Options) -> Result<Vec<(SocketAddr, bool)>, BootError> {
    let Ok(port) = u16::try_from(options.int("port")) else { return Ok(Vec::new()) };
    let mut addresses = Vec::new();
    for name in options.list("bind") {
        let (name, optional) = name.strip_prefix('-').map_or((name.as_str(), false), |name| (name, true));
        match resolve(name, port) {
            Ok(addr) => addresses.push((addr, optional)),
            Err(error) if optional => log::debug!("Not listening on {name}: {error}"),
            Err(error) => return Err(BootError(format!("Failed listening on {name}:{port} (tcp), aborting: {error}"))),
        }
    }
    Ok(addresses)
}

/// What a word of `bind` means: an address, all addresses, or a name that the system knows.
fn resolve(name: &str, port: u16) -> std::io::Result<SocketAddr> {
    let ip = match name {
        "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        "::*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        name => match name.parse() {
            Ok(ip) => ip,
            Err(_) => {
                let mut found = (name, port).to_socket_addrs()?;
                return found.next().ok_or_else(|| std::io::Error::other("no address of that name"));
            }
        },
    };
    Ok(SocketAddr::new(ip, port))
}

/// Descriptors that are not clients: listeners, event loops, files.
const OTHER_DESCRIPTORS: u64 = 32;

/// Raises the limit of open files to what `maxclients` needs; where that is not allowed, lowers `maxclients`.
fn make_room_for_clients(tunables: &Tunables) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = tunables.maxclients.load(Relaxed) as u64 + OTHER_DESCRIPTORS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` is no limit.
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let possible = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let granted = match setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum }) {
        Ok(()) => possible,
        Err(_) => current.unwrap_or(possible),
    };
    if granted < wanted {
        let clients = granted.saturating_sub(OTHER_DESCRIPTORS).max(1);
        log::warn!("maxclients has been reduced to {clients}: the limit of open files (ulimit -n) is {granted}");
        tunables.maxclients.store(clients as usize, Relaxed);
    }
}

fn listeners(options: &Options, any_port: bool) -> Result<Vec<Listener>, BootError> {
    let backlog = i32::try_from(options.int("tcp-backlog")).unwrap_or(511);
    let mut listeners = Vec::new();
    if options.int("port") != 0 || any_port {
        for (addr, optional) in addresses(options)? {
            match Listener::tcp(addr, backlog) {
                Ok(listener) => listeners.push(listener),
                // An address that was only wished for, and a machine without IPv6, are no reason to stop.
                Err(error) if optional || (addr.is_ipv6() && error.kind() != std::io::ErrorKind::AddrInUse) => {
                    log::debug!("Not listening on {addr}: {error}");
                }
                Err(error) => {
                    return Err(BootError(format!("Failed listening on {addr} (tcp), aborting: {error}")));
                }
            }
        }
        if listeners.is_empty() && !options.list("bind").is_empty() {
            return Err(BootError(format!("Failed listening on port {} (tcp), aborting.", options.int("port"))));
        }
    }
    let path = options.text("unixsocket");
    if !path.is_empty() {
        let mode = u32::from_str_radix(&printed(options, "unixsocketperm"), 8).unwrap_or(0);
        let listener =
            Listener::unix(Path::new(&path), mode).map_err(because(&format!("Failed opening Unix socket {path}")))?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn printed(options: &Options, name: &str) -> String {
    let found = options.config_get(&[name.as_bytes()]).into_iter().next();
    found.map_or_else(String::new, |(_, value)| String::from_utf8_lossy(&value).into_owned())
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
    let listeners = listeners(&options, any_port)?;
    let addr = listeners.iter().find_map(Listener::local_addr);
    let count = worker_count(&options);
    let tunables = Arc::new(Tunables::default());
    let follower = Follower { tunables: &tunables, local_client: true, starting: true };
    options.apply_all(&follower).map_err(|(name, error)| BootError(format!("Option {name}: {error}")))?;
    make_room_for_clients(&tunables);
    crate::alloc::give_memory_back_soon();
    let registry = registry(&options)?;
    let hasher = Hasher::from_os().map_err(|error| BootError(format!("No random numbers from the system: {error}")))?;
    let (reclaimer, garbage) = Reclaimer::new();
    let reclaim_stats = reclaimer.stats().clone();
    let shape = Shape {
        shards: (count * SHARDS_PER_WORKER).next_power_of_two().min(SHARDS_MAX),
        databases: usize::try_from(options.int("databases")).unwrap_or(16),
        sharing: if count == 1 { Sharing::Exclusive } else { Sharing::Shared },
    };
    let ports: Vec<Port<Message>> =
        (0..count).map(|_| Port::open()).collect::<Result<_, _>>().map_err(because("Opening an event loop"))?;
    let posts: Vec<Post<Message>> = ports.iter().map(Port::post).collect();
    let handles: Vec<WorkerHandle> = posts
        .iter()
        .map(|post| WorkerHandle {
            stats: Arc::new(WorkerStats::new(registry.len())),
            mailbox: Arc::new(WorkerPost(post.clone())),
        })
        .collect();
    let stats: Vec<Arc<WorkerStats>> = handles.iter().map(|handle| handle.stats.clone()).collect();
    let (stop, shutdown) = channel();
    let port = addr.map_or(0, |addr| addr.port());
    let mut rng = base::rng::Rng::seed(hasher.hash(b"run id"));
    let server = Arc::new(Server {
        keyspace: Keyspace::new(shape, hasher, reclaimer),
        registry,
        tunables: tunables.clone(),
        clients: Default::default(),
        pause: Default::default(),
        logs: Default::default(),
        latency: Default::default(),
        errors: Default::default(),
        workers: handles,
        host: Box::new(Process::new(options.clone(), tunables, port, stop)),
        events: Default::default(),
        started: SystemClock::new().now(),
        run_id: hex_digits(&mut rng),
        replid: hex_digits(&mut rng).into(),
        samples: Default::default(),
    });
    std::thread::Builder::new()
        .name("reclaim".to_owned())
        .spawn(move || reclaim::run(&garbage, &reclaim_stats))
        .map_err(because("Starting a thread"))?;
    let tcp = TcpOptions { keepalive_s: u32::try_from(options.int("tcp-keepalive")).unwrap_or(0) };
    let mut listeners = Some(listeners);
    let mut workers = Vec::with_capacity(count);
    for (id, (port, stats)) in ports.into_iter().zip(stats).enumerate() {
        let worker = Worker::new(id, stats, rng.next_u64());
        let service =
            WorkerService { server: server.clone(), worker, sweep_at: 0, cron_at: 0, deadlines: Default::default() };
        let mut event_loop = EventLoop::new(port, service);
        if let Some(listeners) = listeners.take() {
            event_loop.listen(listeners, tcp, posts.clone()).map_err(because("Listening"))?;
        }
        workers.push(spawn_worker(id, event_loop)?);
    }
    Ok(Running { server, addr, shutdown, posts, workers })
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
            std::process::abort();
        }
    });
    thread.map_err(because("Starting a thread"))
}
