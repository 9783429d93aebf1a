//! The part of a worker that handlers read.

use crate::clients::ClientInfo;
use crate::clients::channels::Subscribers;
use crate::stats::WorkerStats;
use base::clock::{Clock, Now, SystemClock};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// The part of a worker that handlers read.
pub struct WorkerState {
    pub id: usize,
    pub stats: Arc<WorkerStats>,
    /// The clock as read at the beginning of this turn.
    pub now: Now,
    /// A cheap counter of time, for the duration of commands.
    pub ticks: quanta::Clock,
    pub clock: SystemClock,
    pub settings: Settings,
    /// Which of its clients have subscribed to what.
    pub subscribers: RefCell<Subscribers>,
    /// A command changed options: the copies made for this turn are read anew before the next command.
    pub options_changed: Cell<bool>,
}

impl WorkerState {
    /// The state of a worker before its first turn.
    pub fn new(id: usize, stats: Arc<WorkerStats>) -> WorkerState {
        let clock = SystemClock::new();
        WorkerState {
            id,
            stats,
            now: clock.now(),
            ticks: quanta::Clock::new(),
            clock,
            settings: Settings::default(),
            subscribers: RefCell::default(),
            options_changed: Cell::new(false),
        }
    }

    /// Bytes of unsent output with which a client is closed, by `client-output-buffer-limit`; `usize::MAX` for no
    /// limit.
    #[inline]
    pub fn output_limit(&self, client: &ClientInfo) -> usize {
        self.settings.output_limits[client.class() as usize]
    }
}

/// Options that every command looks at, copied once per turn.
#[derive(Clone, Copy, Default)]
pub struct Settings {
    /// Nanoseconds from which a command is slow; `u64::MAX` for never.
    pub slow_ns: u64,
    pub request_bytes: usize,
    pub reply_bytes: usize,
    /// Nanoseconds; `u64::MAX` for never.
    pub latency_ns: u64,
    pub latency_tracking: bool,
    pub max_bulk_len: u64,
    /// The balance of this thread's memory above which `maxmemory` is exceeded; `i64::MAX` for no limit.
    pub memory_mark: i64,
    /// Bytes of output with which a client of each class is closed; `usize::MAX` for no limit.
    pub output_limits: [usize; 3],
}
