//! What follows the options: each change goes into the atomic that commands read.

use crate::options::{Apply, OptionSpec, Options, Value};
use crate::{listen, logger};
use command::tunables::{Access, Tunables};
use net::Listeners;
use std::sync::atomic::Ordering::Relaxed;

/// Carries new values into a running server.
pub struct Follower<'a> {
    pub tunables: &'a Tunables,
    pub local_client: bool,
    /// What there is besides, once the server runs. At start values are applied that only take effect then.
    pub running: Option<Running<'a>>,
}

/// What options act on in a running server.
#[derive(Clone, Copy)]
pub struct Running<'a> {
    /// With the new values in them.
    pub options: &'a Options,
    pub listeners: &'a Listeners,
}

impl Follower<'_> {
    fn int(value: &Value) -> i64 {
        match value {
            Value::Int(number) => *number,
            Value::UInt(number) | Value::Memory(number) => i64::try_from(*number).unwrap_or(i64::MAX),
            Value::Bool(on) => i64::from(*on),
            _ => 0,
        }
    }

    fn apply_numbers(&self, name: &str, value: &Value) {
        let number = Self::int(value);
        let unsigned = u64::try_from(number).unwrap_or(0);
        let size = usize::try_from(number).unwrap_or(0);
        let small = u32::try_from(number).unwrap_or(0);
        let on = number != 0;
        let t = self.tunables;
        match name {
            "proto-max-bulk-len" => t.proto_max_bulk_len.store(unsigned, Relaxed),
            "client-query-buffer-limit" => t.client_query_buffer_limit.store(unsigned, Relaxed),
            "maxclients" => t.maxclients.store(size, Relaxed),
            "maxmemory" => t.maxmemory.store(unsigned, Relaxed),
            "timeout" => t.timeout.store(unsigned, Relaxed),
            "tcp-keepalive" => t.tcp_keepalive.store(small, Relaxed),
            "protected-mode" => t.protected_mode.store(on, Relaxed),
            "slowlog-log-slower-than" => t.slowlog_log_slower_than.store(number, Relaxed),
            "slowlog-max-len" => t.slowlog_max_len.store(size, Relaxed),
            "commandlog-request-larger-than" => t.commandlog_request_larger_than.store(number, Relaxed),
            "commandlog-large-request-max-len" => t.commandlog_large_request_max_len.store(size, Relaxed),
            "commandlog-reply-larger-than" => t.commandlog_reply_larger_than.store(number, Relaxed),
            "commandlog-large-reply-max-len" => t.commandlog_large_reply_max_len.store(size, Relaxed),
            "latency-monitor-threshold" => t.latency_monitor_threshold.store(unsigned, Relaxed),
            "tracking-table-max-keys" => t.tracking_table_max_keys.store(size, Relaxed),
            "latency-tracking" => t.latency_tracking.store(on, Relaxed),
            "lfu-log-factor" => t.lfu_log_factor.store(small, Relaxed),
            "lfu-decay-time" => t.lfu_decay_time.store(small, Relaxed),
            "lazyfree-lazy-expire" => t.lazyfree_lazy_expire.store(on, Relaxed),
            "lazyfree-lazy-server-del" => t.lazyfree_lazy_server_del.store(on, Relaxed),
            "lazyfree-lazy-user-del" => t.lazyfree_lazy_user_del.store(on, Relaxed),
            "lazyfree-lazy-user-flush" => t.lazyfree_lazy_user_flush.store(on, Relaxed),
            "rdbcompression" => t.rdb_compression.store(on, Relaxed),
            "hll-sparse-max-bytes" => t.hll_sparse_max_bytes.store(size, Relaxed),
            "hash-max-listpack-entries" => t.hash_max_listpack_entries.store(size, Relaxed),
            "hash-max-listpack-value" => t.hash_max_listpack_value.store(size, Relaxed),
            "list-max-listpack-size" => t.list_max_listpack_size.store(number, Relaxed),
            "list-compress-depth" => t.list_compress_depth.store(size, Relaxed),
            "set-max-intset-entries" => t.set_max_intset_entries.store(size, Relaxed),
            "set-max-listpack-entries" => t.set_max_listpack_entries.store(size, Relaxed),
            "set-max-listpack-value" => t.set_max_listpack_value.store(size, Relaxed),
            "zset-max-listpack-entries" => t.zset_max_listpack_entries.store(size, Relaxed),
            "zset-max-listpack-value" => t.zset_max_listpack_value.store(size, Relaxed),
            "hz" => t.hz.store(small, Relaxed),
            _ => {}
        }
    }

    /// Listens where `bind` and `port` say now; on failure tells the client what the log says at length.
    fn listen(&self, refusal: &str) -> Result<(), String> {
        let Some(Running { options, listeners }) = self.running else { return Ok(()) };
        listen::follow(options, listeners, false).map_err(|listen::Failed(why)| {
            log::warn!("{why}");
            refusal.to_owned()
        })
    }

    fn set_password(&self, password: &[u8]) {
        *self.tunables.requirepass.write() = password.to_vec();
    }
}

impl Apply for Follower<'_> {
    fn apply(&self, spec: &OptionSpec, new: &Value) -> Result<(), String> {
        match (spec.name, new) {
            ("requirepass", Value::Text(password)) => self.set_password(password),
            ("maxmemory-policy", Value::Enum(_, word)) => self.tunables.lfu.store(word.contains("lfu"), Relaxed),
            ("enable-debug-command", Value::Enum(_, word)) => self.tunables.set_debug_command(match *word {
                "yes" => Access::Yes,
                "local" => Access::Local,
                _ => Access::No,
            }),
            ("notify-keyspace-events", Value::KeyspaceEvents(events)) => {
                let flags = engine::Class::parse(events.text().as_bytes()).unwrap_or(0);
                self.tunables.notify_keyspace_events.store(flags, Relaxed);
            }
            ("client-output-buffer-limit", Value::BufferLimits([normal, ..])) => {
                self.tunables.output_limit_hard.store(normal.hard, Relaxed);
                self.tunables.output_limit_soft.store(normal.soft, Relaxed);
                self.tunables.output_limit_soft_seconds.store(u64::from(normal.soft_seconds), Relaxed);
            }
            ("loglevel", Value::Enum(_, word)) if self.running.is_some() => log::set_max_level(logger::level(word)),
            ("dir", Value::Text(path)) => {
                let path = String::from_utf8_lossy(path).into_owned();
                std::env::set_current_dir(&path).map_err(|error| format!("Changing directory: {error}"))?;
            }
            ("port", _) => self.listen("Unable to listen on this port. Check server logs.")?,
            ("bind", _) => self.listen("Failed to bind to specified addresses.")?,
            ("maxclients", _) if self.running.is_some() => {
                listen::make_room(usize::try_from(Self::int(new)).unwrap_or(usize::MAX)).map_err(|clients| {
                    format!(
                        "The operating system is not able to handle the specified number of clients, try with {clients}"
                    )
                })?;
                self.apply_numbers(spec.name, new);
            }
            (name, value) => self.apply_numbers(name, value),
        }
        Ok(())
    }

    fn is_local_client(&self) -> bool {
        self.local_client
    }
}
