//! What is counted: written by one worker each, read by INFO and its kin from any, which add up over the workers.

pub mod commandlog;
pub mod counter;
pub mod histogram;
pub mod latency;
pub mod samples;

use counter::Counter;
use histogram::Histogram;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::AtomicI64;

/// What one worker counted of one command.
#[derive(Default)]
pub struct CommandStat {
    pub calls: Counter,
    pub nanos: Counter,
    pub rejected: Counter,
    pub failed: Counter,
    pub histogram: OnceLock<Box<Histogram>>,
}

/// What one worker counts.
#[derive(Default)]
pub struct WorkerStats {
    pub commands: Box<[CommandStat]>,
    pub processed: Counter,
    pub net_in: Counter,
    pub net_out: Counter,
    pub hits: Counter,
    pub misses: Counter,
    pub expired: Counter,
    pub expired_fields: Counter,
    pub dirty: Counter,
    pub error_replies: Counter,
    pub reads: Counter,
    pub writes: Counter,
    /// Turns of the event loop, and time spent in them.
    pub turns: Counter,
    pub turn_nanos: Counter,
    /// The longest turn, and the most commands of one turn.
    pub turn_nanos_max: Counter,
    pub turn_commands_max: Counter,
    /// Time spent on what is done now and then, without the sweeps.
    pub cron_nanos: Counter,
    /// Time of commands that ran inside another, as those of EXEC do: it is in the time of both.
    pub nested_nanos: Counter,
    /// Time spent on deleting what is past its deadline, and how often there was more to do than one sweep does.
    pub sweep_nanos: Counter,
    pub sweeps_cut: Counter,
    /// Groups of keys that were fetched ahead of their commands, and the keys.
    pub prefetches: Counter,
    pub prefetched_keys: Counter,
    /// Bytes that the worker's thread has taken from the allocator, less those it gave back; negative when it frees
    /// what others took.
    pub memory: AtomicI64,
}

impl WorkerStats {
    pub fn new(commands: usize) -> WorkerStats {
        WorkerStats { commands: (0..commands).map(|_| CommandStat::default()).collect(), ..WorkerStats::default() }
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        for command in &self.commands {
            command.calls.set(0);
            command.nanos.set(0);
            command.rejected.set(0);
            command.failed.set(0);
            if let Some(histogram) = command.histogram.get() {
                histogram.reset();
            }
        }
        let WorkerStats {
            commands: _,
            processed,
            net_in,
            net_out,
            hits,
            misses,
            expired,
            expired_fields,
            dirty: _,
            error_replies,
            reads,
            writes,
            turns,
            turn_nanos,
            turn_nanos_max,
            turn_commands_max,
            cron_nanos,
            nested_nanos,
            sweep_nanos,
            sweeps_cut,
            prefetches,
            prefetched_keys,
            memory: _,
        } = self;
        for counter in [
            processed,
            net_in,
            net_out,
            hits,
            misses,
            expired,
            expired_fields,
            error_replies,
            reads,
            writes,
            turns,
            turn_nanos,
            turn_nanos_max,
            turn_commands_max,
            cron_nanos,
            nested_nanos,
            sweep_nanos,
            sweeps_cut,
            prefetches,
            prefetched_keys,
        ] {
            counter.set(0);
        }
    }
}

/// Error replies by their code, for INFO errorstats. At most 128 codes are told apart.
#[derive(Default)]
pub struct ErrorStats(Mutex<BTreeMap<String, u64>>);

impl ErrorStats {
    const CODES_MAX: usize = 128;

    #[cold]
    pub fn count(&self, text: &[u8]) {
        let code = text.split(|&byte| byte == b' ').next().unwrap_or_default();
        let code = &*crate::error::lossy(code);
        let mut codes = self.0.lock();
        if let Some(count) = codes.get_mut(code) {
            *count += 1;
        } else if codes.len() < Self::CODES_MAX {
            codes.insert(code.to_owned(), 1);
        }
    }

    pub fn all(&self) -> Vec<(String, u64)> {
        self.0.lock().iter().map(|(code, count)| (code.clone(), *count)).collect()
    }

    pub fn reset(&self) {
        self.0.lock().clear();
    }
}
