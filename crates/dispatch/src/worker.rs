//! What one worker thread carries from command to command.

use crate::batch::Batch;
use crate::{blocking, deliver};
use base::clock::{Clock, Now};
use base::rng::Rng;
use command::clients::{Deliveries, ForActor};
use command::server::pause::Paused;
use command::server::worker::Settings;
use command::stats::WorkerStats;
use command::{Server, WorkerState};
use engine::effects::{Counters, Turn};
use engine::recency::Recency;
use engine::{Commit, Effects, LockedKeys, Scope};
use options::ClientClass;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a worker waits for shards before it serves other clients first. Most commands hold theirs for microseconds.
const PATIENCE: Duration = Duration::from_micros(200);

/// A worker.
pub struct Worker {
    pub state: WorkerState,
    pub effects: Effects,
    pub batch: Batch,
    /// What the client whose command runs has to hear of it itself.
    pub for_actor: ForActor,
    /// Another thread holds shards for long: nobody waits for them in this turn any more.
    pub(crate) is_busy: bool,
    /// When the turn began, in ticks.
    turn_began: u64,
    /// Commands processed before the turn.
    turn_processed: u64,
    /// Sweeps so far: each begins with another shard, so that one with much to do does not starve the others.
    sweeps: usize,
}

impl Worker {
    pub fn new(id: usize, stats: Arc<WorkerStats>, seed: u64) -> Worker {
        let state = WorkerState::new(id, stats);
        Worker {
            state,
            effects: Effects::new(Rng::seed(seed)),
            batch: Batch::default(),
            for_actor: ForActor::default(),
            is_busy: false,
            turn_began: 0,
            turn_processed: 0,
            sweeps: 0,
        }
    }

    /// How long to wait for shards.
    #[inline]
    pub(crate) fn patience(&self) -> Duration {
        if self.is_busy { Duration::ZERO } else { PATIENCE }
    }

    /// Begins a turn: reads the clock and the options.
    pub fn begin_turn(&mut self, server: &Server) {
        self.is_busy = false;
        self.turn_began = self.state.ticks.raw();
        self.set_now(server, self.state.clock.now());
    }

    /// Ends a turn: publishes what was counted in it.
    pub fn end_turn(&mut self, server: &Server) {
        self.publish_counters();
        let stats = &self.state.stats;
        stats.memory.store(server.host.thread_memory(), Ordering::Relaxed);
        stats.turns.add(1);
        let nanos = self.state.ticks.delta_as_nanos(self.turn_began, self.state.ticks.raw());
        stats.turn_nanos.add(nanos);
        stats.turn_nanos_max.raise(nanos);
        let processed = stats.processed.get();
        stats.turn_commands_max.raise(processed.saturating_sub(self.turn_processed));
        self.turn_processed = processed;
    }

    /// Does what one worker does for the server now and then.
    pub fn cron(&mut self, server: &Server) {
        let begin = self.state.ticks.raw();
        server.cron(self.state.now);
        self.state.stats.cron_nanos.add(self.state.ticks.delta_as_nanos(begin, self.state.ticks.raw()));
    }

    /// Begins a turn at a given time.
    pub fn set_now(&mut self, server: &Server, now: Now) {
        self.state.now = now;
        let tunables = &server.tunables;
        self.effects.turn = Turn {
            now_ms: now.unix_ms as u64,
            recency: Recency {
                lfu: tunables.memory.maxmemory_policy.get().is_lfu(),
                seconds: (now.unix_ms / 1000) as u32,
                lfu_log_factor: tunables.memory.lfu_log_factor.get(),
                lfu_decay_time: tunables.memory.lfu_decay_time.get(),
            },
            may_expire: server.pause.now(now.unix_ms) == Paused::Nothing,
            lazy_expire: tunables.memory.lazyfree_lazy_expire.get(),
        };
        let over = |limit: i64, scale: u64| u64::try_from(limit).map_or(u64::MAX, |limit| limit.saturating_mul(scale));
        let bytes = |limit: i64| usize::try_from(limit).unwrap_or(usize::MAX);
        let latency_ms = tunables.latency.latency_monitor_threshold.get();
        self.state.settings = Settings {
            slow_ns: over(tunables.latency.slowlog_log_slower_than.get(), 1000),
            request_bytes: bytes(tunables.latency.commandlog_request_larger_than.get()),
            reply_bytes: bytes(tunables.latency.commandlog_reply_larger_than.get()),
            latency_ns: if latency_ms == 0 { u64::MAX } else { latency_ms.saturating_mul(1_000_000) },
            latency_tracking: tunables.latency.latency_tracking.get(),
            max_bulk_len: tunables.limits.proto_max_bulk_len.get(),
            output_limits: [ClientClass::Normal, ClientClass::Replica, ClientClass::Subscriber].map(|class| {
                match tunables.limits.client_output_buffer_limit.get(class).hard {
                    0 => usize::MAX,
                    limit => usize::try_from(limit).unwrap_or(usize::MAX),
                }
            }),
            memory_mark: match tunables.memory.maxmemory.get() {
                0 => i64::MAX,
                limit => {
                    self.state.stats.memory.store(server.host.thread_memory(), Ordering::Relaxed);
                    server.memory.mark(server, self.state.id, limit)
                }
            },
        };
    }

    /// Publishes the engine's counters.
    #[inline]
    pub fn publish_counters(&mut self) {
        let Counters { hits, misses, expired, expired_fields, dirty } = std::mem::take(&mut self.effects.counters);
        let stats = &self.state.stats;
        stats.hits.add(hits);
        stats.misses.add(misses);
        stats.expired.add(expired);
        stats.expired_fields.add(expired_fields);
        stats.dirty.add(dirty);
    }

    /// Deletes keys past their deadline in the shards that are this worker's to sweep, and fields of hashes; returns in
    /// how many milliseconds to come back, at most `at_most`, and 0 when there is more to do.
    pub fn sweep(&mut self, server: &Server, at_most: u64) -> u64 {
        /// Keys of one shard that one sweep deletes, so that no client waits for many.
        const KEYS_PER_SHARD: usize = 64;
        /// Fields that one sweep deletes: all of a large hash may be due at once.
        const FIELDS: usize = 1024;
        if !self.effects.turn.may_expire || !server.switches.sweeps() {
            return at_most;
        }
        let begin = self.state.ticks.raw();
        let deliveries = Deliveries::new(server);
        let (mut wait, mut fields) = (at_most, FIELDS);
        let (shards, workers) = (server.keyspace.shards(), server.workers.len());
        let own = shards.saturating_sub(self.state.id).div_ceil(workers);
        self.sweeps = self.sweeps.wrapping_add(1);
        for number in 0..own {
            let shard = self.state.id + (number + self.sweeps) % own * workers;
            let (keyspace, effects) = (&server.keyspace, &mut self.effects);
            if let Some(next) = keyspace.expire_shard(shard, KEYS_PER_SHARD, &mut fields, effects, Some(&deliveries)) {
                wait = wait.min(next.saturating_sub(self.effects.turn.now_ms));
            }
        }
        self.serve_waiters(server, &deliveries);
        deliveries.finish();
        deliver::discard(server, &mut self.effects);
        let stats = &self.state.stats;
        stats.sweep_nanos.add(self.state.ticks.delta_as_nanos(begin, self.state.ticks.raw()));
        stats.sweeps_cut.add(u64::from(wait == 0));
        self.publish_counters();
        wait
    }
}

impl Worker {
    /// Serves who waits for keys that a sweep has deleted.
    fn serve_waiters(&mut self, server: &Server, deliveries: &Deliveries<'_>) {
        if !self.effects.outbox().has_ready() {
            return;
        }
        let ready = self.effects.outbox().take_ready();
        let located = ready.iter().map(|ready| server.keyspace.key(&ready.key));
        let mut shards: Vec<u16> = located.clone().map(|key| key.shard).collect();
        shards.sort_unstable();
        shards.dedup();
        let located: Vec<_> = located.collect();
        let keys = LockedKeys::lock(&server.keyspace, Scope::Shards(&shards), 0, &mut self.effects);
        let mut keys = keys.with_outlet(deliveries);
        // Without patience there is always enough of it.
        let _ = keys.cover_waiters(&located);
        keys.effects().outbox().put_back_ready(ready);
        blocking::serve_ready(server, &self.state, &mut keys, deliveries);
    }
}
