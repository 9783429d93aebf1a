//! The process around the commands: options, memory, CPU time, shutdown.

use crate::alloc;
use crate::apply::Running;
use base::clock::{Clock, Now, SystemClock};
use command::server::host::{CpuTimes, Host, MemoryStats, Shutdown};
use net::{ListenerKind, Listeners};
use options::{Options, rewrite};
use parking_lot::Mutex;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use tikv_jemalloc_ctl::stats;

/// The name of the thread of the first worker.
const FIRST_WORKER: &str = "worker-0";

/// What the process answers.
pub struct Process {
    pub options: Arc<Options>,
    pub listeners: Arc<Listeners>,
    pub executable: String,
    pub stop: Mutex<Sender<Shutdown>>,
    peak: AtomicU64,
    startup: Arc<AtomicU64>,
    clock: SystemClock,
}

impl Process {
    /// `startup` will be what is in use when the server has started.
    pub fn new(
        options: Arc<Options>,
        listeners: Arc<Listeners>,
        stop: Sender<Shutdown>,
        startup: Arc<AtomicU64>,
    ) -> Process {
        let executable = std::env::current_exe().map_or_else(|_| String::new(), |path| path.display().to_string());
        Process {
            options,
            listeners,
            executable,
            stop: Mutex::new(stop),
            peak: AtomicU64::new(0),
            startup,
            clock: SystemClock::new(),
        }
    }
}

/// A number of `/proc/self/status` or `/proc/meminfo`, given there in kB.
fn kilobytes(file: &str, field: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}

fn micros(time: rustix::time::Timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
}

impl Host for Process {
    fn config_get(&self, patterns: &[&[u8]]) -> Vec<(String, Vec<u8>)> {
        self.options.config_get(patterns).into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn config_set(&self, pairs: &[(&[u8], &[u8])], local: bool) -> Result<(), String> {
        let running = Running { options: &self.options, listeners: &self.listeners, is_local_client: local };
        let warnings = self.options.config_set(pairs, &running).map_err(|error| format!("ERR {error}"))?;
        for warning in warnings {
            log::warn!("{warning}");
        }
        Ok(())
    }

    fn config_rewrite(&self) -> Result<(), String> {
        let Some(path) = self.options.config_file() else {
            return Err("ERR The server is running without a config file".to_owned());
        };
        rewrite(&path, &self.options).map_err(|error| {
            log::warn!("CONFIG REWRITE failed: {error}");
            format!("ERR Rewriting config file: {error}")
        })
    }

    fn option(&self, name: &str) -> String {
        let found = self.options.config_get(&[name.as_bytes()]).into_iter().next();
        found.map_or_else(String::new, |(_, value)| String::from_utf8_lossy(&value).into_owned())
    }

    fn config_file(&self) -> String {
        self.options.config_file().map_or_else(String::new, |path| path.display().to_string())
    }

    fn executable(&self) -> String {
        self.executable.clone()
    }

    fn tcp_port(&self) -> u16 {
        match u16::try_from(self.options.int("port")) {
            // A port that the system chose.
            Ok(0) | Err(_) => self.listeners.addresses(ListenerKind::Tcp).first().map_or(0, SocketAddr::port),
            Ok(port) => port,
        }
    }

    fn memory(&self) -> MemoryStats {
        let (allocated, peak) = self.allocated();
        let read = |value: Result<usize, tikv_jemalloc_ctl::Error>| value.map_or(0, |bytes| bytes as u64);
        MemoryStats {
            allocated,
            peak,
            startup: self.startup.load(Ordering::Relaxed),
            active: read(stats::active::read()),
            resident: read(stats::resident::read()),
            retained: read(stats::retained::read()),
            metadata: read(stats::metadata::read()),
            muzzy: 0,
            rss: kilobytes("/proc/self/status", "VmRSS"),
            system: kilobytes("/proc/meminfo", "MemTotal"),
        }
    }

    fn allocated(&self) -> (u64, u64) {
        let allocated = alloc::allocated();
        (allocated, self.peak.fetch_max(allocated, Ordering::Relaxed).max(allocated))
    }

    fn thread_memory(&self) -> i64 {
        alloc::thread_memory()
    }

    fn purge_memory(&self) {
        alloc::purge();
    }

    fn allocator(&self) -> String {
        alloc::name()
    }

    fn os(&self) -> String {
        let uname = rustix::system::uname();
        let part = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        format!("{} {} {}", part(uname.sysname()), part(uname.release()), part(uname.machine()))
    }

    fn malloc_stats(&self) -> String {
        let mut report = Vec::new();
        let options = tikv_jemalloc_ctl::stats_print::Options::default();
        match tikv_jemalloc_ctl::stats_print::stats_print(&mut report, options) {
            Ok(()) => String::from_utf8_lossy(&report).into_owned(),
            Err(error) => format!("no statistics: {error}"),
        }
    }

    fn cpu(&self) -> CpuTimes {
        cpu_times()
    }

    fn shutdown(&self, how: Shutdown) {
        // Nobody receives any more only when the server is stopping already.
        let _ = self.stop.lock().send(how);
    }

    fn now(&self) -> Now {
        self.clock.now()
    }

    fn log(&self, line: &str) {
        log::info!("{line}");
    }

    fn warn(&self, line: &str) {
        log::warn!("{line}");
    }
}

/// The numbers of a `stat` file behind the program's name, which is in parentheses and may hold anything.
fn stat_fields(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let rest = text.rsplit(')').next().unwrap_or_default();
    rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect()
}

/// A total that is exact but does not tell user from system time, shared out as the ticks of a `stat` file are.
fn shared_out(total: u64, fields: &[u64]) -> (u64, u64) {
    let tick = |at: usize| fields.get(at).copied().unwrap_or(0);
    let (user, system) = (tick(11), tick(12));
    match user + system {
        0 => (total, 0),
        ticks => (total * user / ticks, total * system / ticks),
    }
}

/// CPU time from `/proc/self/stat` (clock ticks of 10 ms, refined by the process clock).
fn cpu_times() -> CpuTimes {
    const TICK_US: u64 = 10_000;
    let fields = stat_fields(Path::new("/proc/self/stat"));
    let tick = |at: usize| fields.get(at).copied().unwrap_or(0) * TICK_US;
    let total = micros(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime));
    let (user_us, system_us) = shared_out(total, &fields);
    let (thread_user, thread_system) = first_worker_times();
    CpuTimes {
        user_us,
        system_us,
        children_user_us: tick(13),
        children_system_us: tick(14),
        main_thread_user_us: thread_user,
        main_thread_system_us: thread_system,
    }
}

/// User and system time of the first worker: it accepts, and does the server's own work, as the main thread of Redis
/// does.
fn first_worker_times() -> (u64, u64) {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let is_first = |task: &fs::DirEntry| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim_end() == FIRST_WORKER)
    };
    let Some(task) = tasks.into_iter().find(is_first) else { return (0, 0) };
    let fields = stat_fields(&task.path().join("stat"));
    // The scheduler's own count is exact, and shared out as the ticks are.
    let times = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
    let total = times.split_whitespace().next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0) / 1000;
    shared_out(total, &fields)
}
