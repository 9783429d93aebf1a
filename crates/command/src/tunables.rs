//! Options that commands read while they run: one atomic each, kept up to date by the option store.

use parking_lot::RwLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Who may use a protected command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    No,
    Yes,
    /// Only connections over loopback or a unix socket.
    Local,
}

/// The values, each named as the option.
pub struct Tunables {
    pub proto_max_bulk_len: AtomicU64,
    pub client_query_buffer_limit: AtomicU64,
    /// Hard limit, soft limit in bytes, and seconds, of class "normal"; 0 none.
    pub output_limit_hard: AtomicU64,
    pub output_limit_soft: AtomicU64,
    pub output_limit_soft_seconds: AtomicU64,
    pub maxclients: AtomicUsize,
    /// Bytes; 0 no limit.
    pub maxmemory: AtomicU64,
    /// Seconds; 0 never.
    pub timeout: AtomicU64,
    pub tcp_keepalive: AtomicU32,
    pub protected_mode: AtomicBool,
    pub slowlog_log_slower_than: AtomicI64,
    pub slowlog_max_len: AtomicUsize,
    pub commandlog_request_larger_than: AtomicI64,
    pub commandlog_large_request_max_len: AtomicUsize,
    pub commandlog_reply_larger_than: AtomicI64,
    pub commandlog_large_reply_max_len: AtomicUsize,
    /// Milliseconds; 0 off.
    pub latency_monitor_threshold: AtomicU64,
    pub latency_tracking: AtomicBool,
    /// 0: no limit.
    pub tracking_table_max_keys: AtomicUsize,
    pub lfu_log_factor: AtomicU32,
    pub lfu_decay_time: AtomicU32,
    /// Whether `maxmemory-policy` is one of the LFU policies.
    pub lfu: AtomicBool,
    pub lazyfree_lazy_expire: AtomicBool,
    pub lazyfree_lazy_server_del: AtomicBool,
    pub lazyfree_lazy_user_del: AtomicBool,
    pub lazyfree_lazy_user_flush: AtomicBool,
    pub rdb_compression: AtomicBool,
    pub hll_sparse_max_bytes: AtomicUsize,
    pub hash_max_listpack_entries: AtomicUsize,
    pub hash_max_listpack_value: AtomicUsize,
    pub list_max_listpack_size: AtomicI64,
    pub list_compress_depth: AtomicUsize,
    pub set_max_intset_entries: AtomicUsize,
    pub set_max_listpack_entries: AtomicUsize,
    pub set_max_listpack_value: AtomicUsize,
    pub zset_max_listpack_entries: AtomicUsize,
    pub zset_max_listpack_value: AtomicUsize,
    pub notify_keyspace_events: AtomicU32,
    debug_command: AtomicU32,
    /// Set by DEBUG SET-ACTIVE-EXPIRE.
    pub active_expire: AtomicBool,
    /// Set by DEBUG PAUSE-CRON.
    pub pause_cron: AtomicBool,
    pub hz: AtomicU32,
    /// Empty: no password.
    pub requirepass: RwLock<Vec<u8>>,
}

impl Default for Tunables {
    fn default() -> Tunables {
        Tunables {
            proto_max_bulk_len: AtomicU64::new(512 << 20),
            client_query_buffer_limit: AtomicU64::new(1 << 30),
            output_limit_hard: AtomicU64::new(0),
            output_limit_soft: AtomicU64::new(0),
            output_limit_soft_seconds: AtomicU64::new(0),
            maxclients: AtomicUsize::new(10_000),
            maxmemory: AtomicU64::new(0),
            timeout: AtomicU64::new(0),
            tcp_keepalive: AtomicU32::new(300),
            protected_mode: AtomicBool::new(true),
            slowlog_log_slower_than: AtomicI64::new(10_000),
            slowlog_max_len: AtomicUsize::new(128),
            commandlog_request_larger_than: AtomicI64::new(1 << 20),
            commandlog_large_request_max_len: AtomicUsize::new(128),
            commandlog_reply_larger_than: AtomicI64::new(1 << 20),
            commandlog_large_reply_max_len: AtomicUsize::new(128),
            latency_monitor_threshold: AtomicU64::new(0),
            latency_tracking: AtomicBool::new(true),
            tracking_table_max_keys: AtomicUsize::new(1_000_000),
            lfu_log_factor: AtomicU32::new(10),
            lfu_decay_time: AtomicU32::new(1),
            lfu: AtomicBool::new(false),
            lazyfree_lazy_expire: AtomicBool::new(false),
            lazyfree_lazy_server_del: AtomicBool::new(false),
            lazyfree_lazy_user_del: AtomicBool::new(false),
            lazyfree_lazy_user_flush: AtomicBool::new(false),
            rdb_compression: AtomicBool::new(true),
            hll_sparse_max_bytes: AtomicUsize::new(3000),
            hash_max_listpack_entries: AtomicUsize::new(512),
            hash_max_listpack_value: AtomicUsize::new(64),
            list_max_listpack_size: AtomicI64::new(-2),
            list_compress_depth: AtomicUsize::new(0),
            set_max_intset_entries: AtomicUsize::new(512),
            set_max_listpack_entries: AtomicUsize::new(128),
            set_max_listpack_value: AtomicUsize::new(64),
            zset_max_listpack_entries: AtomicUsize::new(128),
            zset_max_listpack_value: AtomicUsize::new(64),
            notify_keyspace_events: AtomicU32::new(0),
            debug_command: AtomicU32::new(0),
            active_expire: AtomicBool::new(true),
            pause_cron: AtomicBool::new(false),
            hz: AtomicU32::new(10),
            requirepass: RwLock::default(),
        }
    }
}

impl Tunables {
    pub fn debug_command(&self) -> Access {
        match self.debug_command.load(Ordering::Relaxed) {
            0 => Access::No,
            1 => Access::Yes,
            _ => Access::Local,
        }
    }

    pub fn set_debug_command(&self, access: Access) {
        let value = match access {
            Access::No => 0,
            Access::Yes => 1,
            Access::Local => 2,
        };
        self.debug_command.store(value, Ordering::Relaxed);
    }

    /// Whether a connection has to say AUTH.
    pub fn needs_password(&self) -> bool {
        !self.requirepass.read().is_empty()
    }
}
