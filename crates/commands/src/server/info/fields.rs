//! The fields of INFO, in the order of Redis 8.2.3, each declared once: its name, and how its value is found.
//!
//! Our own fields: `server_name`, `russet_version`, `threads`, `expiry_lag_ms`. A field whose subsystem does not exist
//! yet is a constant that says what is true of a server without it.

use super::facts::{Facts, above, ratio};
use command::clients::channels::Kind;
use command::version;
use std::sync::atomic::Ordering;

/// A value as INFO prints it.
pub enum Show {
    Count(u64),
    Signed(i64),
    /// A number with so many decimals.
    Decimal(f64, usize),
    Percent(f64),
    /// Bytes for people (`1.50M`).
    Human(u64),
    Fixed(&'static str),
    Text(String),
}

/// A line of INFO.
pub struct Field {
    name: &'static str,
    value: fn(&Facts<'_>) -> Show,
}

impl Field {
    pub fn print(&self, facts: &Facts<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(self.name.as_bytes());
        out.push(b':');
        match (self.value)(facts) {
            Show::Count(number) => base::num::write_u64(out, number),
            Show::Signed(number) => base::num::write_i64(out, number),
            Show::Decimal(number, decimals) => out.extend_from_slice(format!("{number:.decimals$}").as_bytes()),
            Show::Percent(number) => out.extend_from_slice(format!("{number:.2}%").as_bytes()),
            Show::Human(bytes) => base::units::write_bytes_human(out, bytes),
            Show::Fixed(text) => out.extend_from_slice(text.as_bytes()),
            Show::Text(text) => out.extend_from_slice(text.as_bytes()),
        }
        out.extend_from_slice(b"\r\n");
    }
}

const fn field(name: &'static str, value: fn(&Facts<'_>) -> Show) -> Field {
    Field { name, value }
}

/// A field that is 0 because what it counts does not exist here, or not yet.
const fn zero(name: &'static str) -> Field {
    field(name, |_| Show::Count(0))
}

/// A field whose value never changes.
macro_rules! fixed {
    ($name:literal, $value:expr) => {
        field($name, |_| Show::Fixed($value))
    };
}

/// A field that adds up one counter over the workers.
macro_rules! summed {
    ($name:literal, $counter:ident) => {
        field($name, |facts| Show::Count(facts.sum(|stats| stats.$counter.get())))
    };
}

fn option(facts: &Facts<'_>, name: &str) -> Show {
    Show::Text(facts.server.host.option(name))
}

fn seconds(micros: u64) -> Show {
    Show::Decimal(micros as f64 / 1e6, 6)
}

/// Bytes a second as KiB.
fn kbps(bytes: u64) -> Show {
    Show::Decimal(bytes as f64 / 1024.0, 2)
}

fn yes(condition: bool) -> Show {
    Show::Count(u64::from(condition))
}

/// The commit that was built, when the build says so.
const GIT_SHA1: &str = match option_env!("RUSSET_GIT_SHA1") {
    Some(sha1) => sha1,
    None => "00000000",
};

/// Sixteen hexadecimal digits that tell builds apart.
fn build_id() -> String {
    let identity = format!("{} {} {GIT_SHA1} {}", version::REDIS, version::RUSSET, cfg!(debug_assertions));
    format!("{:016x}", base::crc64::crc64(0, identity.as_bytes()))
}

pub static SERVER: &[Field] = &[
    fixed!("redis_version", version::REDIS),
    fixed!("server_name", "russet"),
    fixed!("russet_version", version::RUSSET),
    fixed!("redis_git_sha1", GIT_SHA1),
    zero("redis_git_dirty"),
    field("redis_build_id", |_| Show::Text(build_id())),
    fixed!("redis_mode", "standalone"),
    field("os", |facts| Show::Text(facts.server.host.os())),
    field("arch_bits", |_| Show::Count(u64::from(usize::BITS))),
    fixed!("monotonic_clock", "POSIX clock_gettime"),
    fixed!("multiplexing_api", if cfg!(target_os = "linux") { "epoll" } else { "kqueue" }),
    fixed!("atomicvar_api", "rust-std"),
    // No C compiler made this: Redis prints the same then.
    fixed!("gcc_version", "0.0.0"),
    field("process_id", |_| Show::Count(u64::from(std::process::id()))),
    fixed!("process_supervised", "no"),
    field("run_id", |facts| Show::Text(facts.server.run_id.clone())),
    field("tcp_port", |facts| Show::Count(u64::from(facts.server.host.tcp_port()))),
    field("server_time_usec", |facts| Show::Signed(facts.now.unix_us)),
    field("uptime_in_seconds", |facts| Show::Count(facts.uptime_seconds())),
    field("uptime_in_days", |facts| Show::Count(facts.uptime_seconds() / 86_400)),
    field("hz", |facts| Show::Count(u64::from(facts.server.tunables.general.hz.get()))),
    field("configured_hz", |facts| Show::Count(u64::from(facts.server.tunables.general.hz.get()))),
    field("lru_clock", |facts| Show::Count((facts.now.unix_ms / 1000) as u64 & u64::from(engine::recency::MASK))),
    field("executable", |facts| Show::Text(facts.server.host.executable())),
    field("config_file", |facts| Show::Text(facts.server.host.config_file())),
    field("io_threads_active", |facts| yes(facts.server.workers.len() > 1)),
    field("threads", |facts| Show::Count(facts.server.workers.len() as u64)),
];

pub static CLIENTS: &[Field] = &[
    field("connected_clients", |facts| Show::Count(facts.clients.connected as u64)),
    zero("cluster_connections"),
    field("maxclients", |facts| Show::Count(facts.server.tunables.limits.maxclients.get() as u64)),
    field("client_recent_max_input_buffer", |facts| Show::Count(facts.recent.input_buffer_max as u64)),
    field("client_recent_max_output_buffer", |facts| Show::Count(facts.recent.output_buffer_max as u64)),
    field("blocked_clients", |facts| Show::Count(facts.clients.blocked as u64)),
    field("tracking_clients", |facts| Show::Count(facts.server.trackers.len() as u64)),
    field("pubsub_clients", |facts| Show::Count(facts.clients.subscribers as u64)),
    field("watching_clients", |facts| Show::Count(facts.clients.watching as u64)),
    field("clients_in_timeout_table", |facts| Show::Count(facts.clients.with_timeout as u64)),
    field("total_watched_keys", |facts| Show::Count(facts.keyspace.watched as u64)),
    field("total_blocking_keys", |facts| Show::Count(facts.keyspace.awaited as u64)),
    zero("total_blocking_keys_on_nokey"),
];

pub static MEMORY: &[Field] = &[
    field("used_memory", |facts| Show::Count(facts.memory().allocated)),
    field("used_memory_human", |facts| Show::Human(facts.memory().allocated)),
    field("used_memory_rss", |facts| Show::Count(facts.memory().rss)),
    field("used_memory_rss_human", |facts| Show::Human(facts.memory().rss)),
    field("used_memory_peak", |facts| Show::Count(facts.memory().peak)),
    field("used_memory_peak_human", |facts| Show::Human(facts.memory().peak)),
    field("used_memory_peak_time", |facts| {
        facts.memory();
        Show::Signed(facts.server.samples.recent().peak_time)
    }),
    field("used_memory_peak_perc", |facts| {
        Show::Percent(super::facts::percentage(facts.memory().allocated, facts.memory().peak))
    }),
    field("used_memory_overhead", |facts| Show::Count(facts.overhead())),
    field("used_memory_startup", |facts| Show::Count(facts.memory().startup)),
    field("used_memory_dataset", |facts| Show::Count(facts.dataset())),
    field("used_memory_dataset_perc", |facts| Show::Percent(facts.dataset_percentage())),
    field("allocator_allocated", |facts| Show::Count(facts.memory().allocated)),
    field("allocator_active", |facts| Show::Count(facts.memory().active)),
    field("allocator_resident", |facts| Show::Count(facts.memory().resident)),
    field("allocator_muzzy", |facts| Show::Count(facts.memory().muzzy)),
    field("total_system_memory", |facts| Show::Count(facts.memory().system)),
    field("total_system_memory_human", |facts| Show::Human(facts.memory().system)),
    zero("used_memory_lua"),
    zero("used_memory_vm_eval"),
    field("used_memory_lua_human", |_| Show::Human(0)),
    zero("used_memory_scripts_eval"),
    zero("number_of_cached_scripts"),
    zero("number_of_functions"),
    zero("number_of_libraries"),
    zero("used_memory_vm_functions"),
    zero("used_memory_vm_total"),
    field("used_memory_vm_total_human", |_| Show::Human(0)),
    zero("used_memory_functions"),
    zero("used_memory_scripts"),
    field("used_memory_scripts_human", |_| Show::Human(0)),
    field("maxmemory", |facts| Show::Count(facts.number("maxmemory"))),
    field("maxmemory_human", |facts| Show::Human(facts.number("maxmemory"))),
    field("maxmemory_policy", |facts| option(facts, "maxmemory-policy")),
    field("allocator_frag_ratio", |facts| Show::Decimal(ratio(facts.memory().active, facts.memory().allocated), 2)),
    field("allocator_frag_bytes", |facts| Show::Signed(above(facts.memory().active, facts.memory().allocated))),
    field("allocator_rss_ratio", |facts| Show::Decimal(ratio(facts.memory().resident, facts.memory().active), 2)),
    field("allocator_rss_bytes", |facts| Show::Signed(above(facts.memory().resident, facts.memory().active))),
    field("rss_overhead_ratio", |facts| Show::Decimal(ratio(facts.memory().rss, facts.memory().resident), 2)),
    field("rss_overhead_bytes", |facts| Show::Signed(above(facts.memory().rss, facts.memory().resident))),
    field("mem_fragmentation_ratio", |facts| Show::Decimal(ratio(facts.memory().rss, facts.memory().allocated), 2)),
    field("mem_fragmentation_bytes", |facts| Show::Signed(above(facts.memory().rss, facts.memory().allocated))),
    zero("mem_not_counted_for_evict"),
    zero("mem_replication_backlog"),
    zero("mem_total_replication_buffers"),
    zero("mem_replica_full_sync_buffer"),
    zero("mem_clients_slaves"),
    field("mem_clients_normal", |facts| Show::Count(facts.clients.memory as u64)),
    zero("mem_cluster_links"),
    zero("mem_aof_buffer"),
    field("mem_allocator", |facts| Show::Text(facts.server.host.allocator())),
    // Our tables grow by small segments: nothing is ever held twice.
    zero("mem_overhead_db_hashtable_rehashing"),
    zero("active_defrag_running"),
    field("lazyfree_pending_objects", |facts| {
        Show::Count(facts.server.keyspace.reclaimer.stats().pending.load(Ordering::Acquire))
    }),
    field("lazyfreed_objects", |facts| {
        Show::Count(facts.server.keyspace.reclaimer.stats().freed.load(Ordering::Relaxed))
    }),
];

pub static PERSISTENCE: &[Field] = &[
    zero("loading"),
    zero("async_loading"),
    zero("current_cow_peak"),
    zero("current_cow_size"),
    zero("current_cow_size_age"),
    field("current_fork_perc", |_| Show::Decimal(0.0, 2)),
    zero("current_save_keys_processed"),
    zero("current_save_keys_total"),
    summed!("rdb_changes_since_last_save", dirty),
    zero("rdb_bgsave_in_progress"),
    // As in Redis, the start of the server counts as the first save.
    field("rdb_last_save_time", |facts| Show::Signed(facts.server.started.unix_ms / 1000)),
    fixed!("rdb_last_bgsave_status", "ok"),
    fixed!("rdb_last_bgsave_time_sec", "-1"),
    fixed!("rdb_current_bgsave_time_sec", "-1"),
    zero("rdb_saves"),
    zero("rdb_last_cow_size"),
    zero("rdb_last_load_keys_expired"),
    zero("rdb_last_load_keys_loaded"),
    zero("aof_enabled"),
    zero("aof_rewrite_in_progress"),
    zero("aof_rewrite_scheduled"),
    fixed!("aof_last_rewrite_time_sec", "-1"),
    fixed!("aof_current_rewrite_time_sec", "-1"),
    fixed!("aof_last_bgrewrite_status", "ok"),
    zero("aof_rewrites"),
    zero("aof_rewrites_consecutive_failures"),
    fixed!("aof_last_write_status", "ok"),
    zero("aof_last_cow_size"),
    zero("module_fork_in_progress"),
    zero("module_fork_last_cow_size"),
];

/// Reads or writes by workers other than the first, which Redis counts as those of its IO threads.
fn by_others(facts: &Facts<'_>, counter: fn(&command::stats::WorkerStats) -> u64) -> Show {
    Show::Count(facts.server.workers.iter().skip(1).map(|worker| counter(&worker.stats)).sum())
}

pub static STATS: &[Field] = &[
    field("total_connections_received", |facts| Show::Count(facts.server.clients.accepted.load(Ordering::Relaxed))),
    summed!("total_commands_processed", processed),
    field("instantaneous_ops_per_sec", |facts| Show::Count(facts.recent.ops_per_sec)),
    summed!("total_net_input_bytes", net_in),
    summed!("total_net_output_bytes", net_out),
    zero("total_net_repl_input_bytes"),
    zero("total_net_repl_output_bytes"),
    field("instantaneous_input_kbps", |facts| kbps(facts.recent.net_in_per_sec)),
    field("instantaneous_output_kbps", |facts| kbps(facts.recent.net_out_per_sec)),
    field("instantaneous_input_repl_kbps", |_| kbps(0)),
    field("instantaneous_output_repl_kbps", |_| kbps(0)),
    field("rejected_connections", |facts| Show::Count(facts.server.clients.rejected.load(Ordering::Relaxed))),
    zero("sync_full"),
    zero("sync_partial_ok"),
    zero("sync_partial_err"),
    summed!("expired_subkeys", expired_fields),
    summed!("expired_keys", expired),
    // Keys go when they are due, from an index: no share of them is ever stale.
    field("expired_stale_perc", |_| Show::Decimal(0.0, 2)),
    summed!("expired_time_cap_reached_count", sweeps_cut),
    field("expiry_lag_ms", |facts| Show::Count(facts.keyspace.expiry_lag_ms)),
    field("expire_cycle_cpu_milliseconds", |facts| Show::Count(facts.sum(|stats| stats.sweep_nanos.get()) / 1_000_000)),
    zero("evicted_keys"),
    zero("evicted_clients"),
    zero("evicted_scripts"),
    zero("total_eviction_exceeded_time"),
    zero("current_eviction_exceeded_time"),
    summed!("keyspace_hits", hits),
    summed!("keyspace_misses", misses),
    field("pubsub_channels", |facts| Show::Count(facts.server.channels.len(Kind::Channel) as u64)),
    field("pubsub_patterns", |facts| Show::Count(facts.server.channels.len(Kind::Pattern) as u64)),
    field("pubsubshard_channels", |facts| Show::Count(facts.server.channels.len(Kind::Shard) as u64)),
    zero("latest_fork_usec"),
    zero("total_forks"),
    zero("migrate_cached_sockets"),
    zero("slave_expires_tracked_keys"),
    zero("active_defrag_hits"),
    zero("active_defrag_misses"),
    zero("active_defrag_key_hits"),
    zero("active_defrag_key_misses"),
    zero("total_active_defrag_time"),
    zero("current_active_defrag_time"),
    field("tracking_total_keys", |facts| Show::Count(facts.keyspace.tracked.0 as u64)),
    field("tracking_total_items", |facts| Show::Count(facts.keyspace.tracked.1 as u64)),
    field("tracking_total_prefixes", |facts| Show::Count(facts.server.trackers.prefixes() as u64)),
    zero("unexpected_error_replies"),
    summed!("total_error_replies", error_replies),
    zero("dump_payload_sanitizations"),
    summed!("total_reads_processed", reads),
    summed!("total_writes_processed", writes),
    field("io_threaded_reads_processed", |facts| by_others(facts, |stats| stats.reads.get())),
    field("io_threaded_writes_processed", |facts| by_others(facts, |stats| stats.writes.get())),
    summed!("io_threaded_total_prefetch_batches", prefetches),
    summed!("io_threaded_total_prefetch_entries", prefetched_keys),
    field("client_query_buffer_limit_disconnections", |facts| {
        Show::Count(facts.server.clients.input_limit_closed.load(Ordering::Relaxed))
    }),
    field("client_output_buffer_limit_disconnections", |facts| {
        Show::Count(facts.server.clients.output_limit_closed.load(Ordering::Relaxed))
    }),
    zero("reply_buffer_shrinks"),
    zero("reply_buffer_expands"),
    summed!("eventloop_cycles", turns),
    field("eventloop_duration_sum", |facts| Show::Count(facts.sum(|stats| stats.turn_nanos.get()) / 1000)),
    field("eventloop_duration_cmd_sum", |facts| {
        let all = facts.sum(|stats| stats.commands.iter().map(|command| command.nanos.get()).sum());
        Show::Count(all.saturating_sub(facts.sum(|stats| stats.nested_nanos.get())) / 1000)
    }),
    field("instantaneous_eventloop_cycles_per_sec", |facts| Show::Count(facts.recent.turns_per_sec)),
    field("instantaneous_eventloop_duration_usec", |facts| Show::Count(facts.recent.turn_us)),
    field("acl_access_denied_auth", |facts| Show::Count(facts.server.clients.auth_denied.load(Ordering::Relaxed))),
    zero("acl_access_denied_cmd"),
    zero("acl_access_denied_key"),
    zero("acl_access_denied_channel"),
];

pub static REPLICATION: &[Field] = &[
    fixed!("role", "master"),
    zero("connected_slaves"),
    fixed!("master_failover_state", "no-failover"),
    field("master_replid", |facts| Show::Text(facts.server.replid.lock().clone())),
    fixed!("master_replid2", "0000000000000000000000000000000000000000"),
    zero("master_repl_offset"),
    fixed!("second_repl_offset", "-1"),
    zero("repl_backlog_active"),
    field("repl_backlog_size", |facts| Show::Count(facts.number("repl-backlog-size"))),
    zero("repl_backlog_first_byte_offset"),
    zero("repl_backlog_histlen"),
];

pub static CPU: &[Field] = &[
    field("used_cpu_sys", |facts| seconds(facts.cpu().system_us)),
    field("used_cpu_user", |facts| seconds(facts.cpu().user_us)),
    field("used_cpu_sys_children", |facts| seconds(facts.cpu().children_system_us)),
    field("used_cpu_user_children", |facts| seconds(facts.cpu().children_user_us)),
    field("used_cpu_sys_main_thread", |facts| seconds(facts.cpu().main_thread_system_us)),
    field("used_cpu_user_main_thread", |facts| seconds(facts.cpu().main_thread_user_us)),
];

pub static CLUSTER: &[Field] = &[zero("cluster_enabled")];

pub static DEBUG: &[Field] = &[
    zero("eventloop_duration_aof_sum"),
    field("eventloop_duration_cron_sum", |facts| {
        Show::Count(facts.sum(|stats| stats.cron_nanos.get() + stats.sweep_nanos.get()) / 1000)
    }),
    field("eventloop_duration_max", |facts| Show::Count(facts.most(|stats| stats.turn_nanos_max.get()) / 1000)),
    field("eventloop_cmd_per_cycle_max", |facts| Show::Count(facts.most(|stats| stats.turn_commands_max.get()))),
    zero("allocator_allocated_lua"),
    zero("allocator_active_lua"),
    zero("allocator_resident_lua"),
    zero("allocator_frag_bytes_lua"),
    field("shards", |facts| Show::Count(facts.server.keyspace.shards() as u64)),
    field("keyspace_index_bytes", |facts| Show::Count(facts.keyspace.overhead() as u64)),
];
