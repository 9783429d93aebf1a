//! What commands ask of the process around them: options, memory, shutdown. The server crate answers.

/// Memory as the allocator and the system see it, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryStats {
    /// Handed out by the allocator.
    pub allocated: u64,
    /// Highest `allocated` seen.
    pub peak: u64,
    /// `allocated` when the server had started.
    pub startup: u64,
    pub active: u64,
    pub resident: u64,
    pub retained: u64,
    pub metadata: u64,
    pub muzzy: u64,
    /// Resident memory of the process, as the kernel counts it.
    pub rss: u64,
    /// Memory of the machine.
    pub system: u64,
}

/// CPU time of the process in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuTimes {
    pub user_us: u64,
    pub system_us: u64,
    pub children_user_us: u64,
    pub children_system_us: u64,
    pub main_thread_user_us: u64,
    pub main_thread_system_us: u64,
}

/// SHUTDOWN's options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shutdown {
    /// `Some(true)` SAVE, `Some(false)` NOSAVE.
    pub save: Option<bool>,
    pub now: bool,
    pub force: bool,
}

/// The process.
pub trait Host: Send + Sync {
    /// Options that match any of the patterns (or names), with their values.
    fn config_get(&self, patterns: &[&[u8]]) -> Vec<(String, Vec<u8>)>;
    /// Sets options, all or none, for a client that is local or not; the error is the reply's text.
    fn config_set(&self, pairs: &[(&[u8], &[u8])], local: bool) -> Result<(), String>;
    /// Writes the options to the file the server was started with; the error is the reply's text.
    fn config_rewrite(&self) -> Result<(), String>;
    /// The value of one option as CONFIG GET prints it; empty when there is none.
    fn option(&self, name: &str) -> String;
    /// The option file's path, empty without one.
    fn config_file(&self) -> String;
    /// The path of the running program.
    fn executable(&self) -> String;
    fn tcp_port(&self) -> u16;
    fn memory(&self) -> MemoryStats;
    /// Bytes in use now, and the most so far.
    fn allocated(&self) -> (u64, u64) {
        let memory = self.memory();
        (memory.allocated, memory.peak)
    }
    /// Bytes that the calling thread has taken from the allocator, less those it gave back. Asked very often.
    fn thread_memory(&self) -> i64 {
        0
    }
    /// The allocator's name and version, as INFO shows it.
    fn allocator(&self) -> String {
        "libc".to_owned()
    }
    /// Name, release and architecture of the operating system, as INFO shows them.
    fn os(&self) -> String {
        format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
    }
    /// Gives unused memory back to the system.
    fn purge_memory(&self);
    /// The allocator's own report.
    fn malloc_stats(&self) -> String;
    fn cpu(&self) -> CpuTimes;
    /// Asks the process to end; workers stop soon after.
    fn shutdown(&self, how: Shutdown);
    /// Reads the clock anew (the turn's reading may be old in a long command).
    fn now(&self) -> base::clock::Now;
    /// Writes a line to the log at level "notice".
    fn log(&self, line: &str);
    /// ... at level "warning".
    fn warn(&self, line: &str) {
        self.log(line);
    }
}
