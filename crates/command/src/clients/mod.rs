//! All connected clients, as everybody may see them.
//!
//! The session itself belongs to its worker. What CLIENT LIST shows, and what other workers may ask of a client
//! (kill it, wake it), goes through this registry: a client is named by its id, never by a pointer.

pub mod acllog;
pub mod channels;
pub mod mailbox;
pub mod tracking;

pub use mailbox::{Deliveries, ForActor, Mailbox, Message, Own};

use engine::Wait;
use engine::watch::Watch;
use hashbrown::HashMap;
use options::ClientClass;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Texts of a client that others may read; changed rarely.
#[derive(Clone, Debug, Default)]
pub struct ClientTexts {
    pub name: Vec<u8>,
    pub lib_name: Vec<u8>,
    pub lib_ver: Vec<u8>,
    pub user: String,
}

/// Bits of [`ClientInfo::flags`].
pub mod client_flags {
    pub const MULTI: u32 = 1 << 0;
    pub const BLOCKED: u32 = 1 << 2;
    pub const MONITOR: u32 = 1 << 3;
    pub const CLOSE_AFTER_REPLY: u32 = 1 << 4;
    pub const UNIX_SOCKET: u32 = 1 << 5;
    pub const NO_EVICT: u32 = 1 << 6;
    pub const NO_TOUCH: u32 = 1 << 7;
    pub const READONLY: u32 = 1 << 8;
    pub const IMPORT_SOURCE: u32 = 1 << 9;
    /// Said CLIENT CAPA REDIRECT.
    pub const CAPA_REDIRECT: u32 = 1 << 10;
    /// Waits for the end of CLIENT PAUSE: to others it is blocked, but CLIENT UNBLOCK does not reach it.
    pub const POSTPONED: u32 = 1 << 11;
    /// Waits for a key, and not for ever.
    pub const WAIT_ENDS: u32 = 1 << 12;
    pub const TRACKING: u32 = 1 << 13;
    /// The client that was to be told in its place is gone.
    pub const TRACKING_BROKEN: u32 = 1 << 14;
    pub const TRACKING_BROADCAST: u32 = 1 << 15;
    /// Has subscribed to something.
    pub const PUBSUB: u32 = 1 << 16;
    pub const REPLICA: u32 = 1 << 17;
}

/// A client as others see it. The owning worker writes once per turn; readers may be a turn behind.
pub struct ClientInfo {
    pub id: u64,
    pub worker: usize,
    pub fd: i32,
    pub addr: String,
    pub laddr: String,
    pub created_ms: i64,
    pub texts: Mutex<ClientTexts>,
    pub flags: AtomicU32,
    pub db: AtomicUsize,
    pub resp: AtomicU32,
    /// Unix milliseconds.
    pub last_interaction_ms: AtomicI64,
    /// Dense id of the last command, `usize::MAX` for none.
    pub last_command: AtomicUsize,
    /// Queued commands, -1 outside MULTI.
    pub multi: AtomicI64,
    /// Channels, patterns and shard channels that it has subscribed to, in the order of [`channels::Kind`].
    pub subscriptions: [AtomicUsize; 3],
    pub subscription_memory: AtomicUsize,
    /// Who is told which keys it has to forget: -1 nobody, 0 itself, else another client.
    pub redirect: AtomicI64,
    pub query_buffer: AtomicUsize,
    pub query_buffer_free: AtomicUsize,
    pub argv_memory: AtomicUsize,
    pub multi_memory: AtomicUsize,
    pub output_memory: AtomicUsize,
    pub net_in: AtomicU64,
    pub net_out: AtomicU64,
    pub commands: AtomicU64,
    /// Someone asked for it to be closed.
    pub killed: AtomicBool,
    /// What the client waits for.
    pub wait: Mutex<Option<Arc<Wait>>>,
    /// The mark of the keys that it watches.
    pub watch: Mutex<Option<Watch>>,
}

/// The only user there is.
pub const DEFAULT_USER: &str = "default";

impl ClientInfo {
    pub fn new(id: u64, worker: usize, fd: i32, addr: String, laddr: String, now_ms: i64) -> ClientInfo {
        ClientInfo {
            id,
            worker,
            fd,
            addr,
            laddr,
            created_ms: now_ms,
            texts: Mutex::new(ClientTexts { user: DEFAULT_USER.to_owned(), ..ClientTexts::default() }),
            flags: AtomicU32::new(0),
            db: AtomicUsize::new(0),
            resp: AtomicU32::new(2),
            last_interaction_ms: AtomicI64::new(now_ms),
            last_command: AtomicUsize::new(usize::MAX),
            multi: AtomicI64::new(-1),
            subscriptions: Default::default(),
            subscription_memory: AtomicUsize::new(0),
            redirect: AtomicI64::new(-1),
            query_buffer: AtomicUsize::new(0),
            query_buffer_free: AtomicUsize::new(0),
            argv_memory: AtomicUsize::new(0),
            multi_memory: AtomicUsize::new(0),
            output_memory: AtomicUsize::new(0),
            net_in: AtomicU64::new(0),
            net_out: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            killed: AtomicBool::new(false),
            wait: Mutex::new(None),
            watch: Mutex::new(None),
        }
    }

    /// Called by the owning worker after each turn of this client.
    #[inline]
    pub fn note_turn(&self, now_ms: i64, received: u64, sent: u64) {
        // One writer: no locked instruction is needed.
        self.net_in.store(self.net_in.load(Ordering::Relaxed) + received, Ordering::Relaxed);
        self.net_out.store(self.net_out.load(Ordering::Relaxed) + sent, Ordering::Relaxed);
        if received > 0 {
            self.last_interaction_ms.store(now_ms, Ordering::Relaxed);
        }
    }

    /// Keys that the client watches, and whether one that it watched changed.
    pub fn watching(&self) -> (usize, bool) {
        self.watch.lock().as_ref().map_or((0, false), |watch| (watch.keys(), watch.is_changed()))
    }

    pub fn has_flag(&self, flag: u32) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    /// Which of the limits of `client-output-buffer-limit` hold for it.
    #[inline]
    pub fn class(&self) -> ClientClass {
        if !self.has_flag(client_flags::REPLICA | client_flags::PUBSUB) {
            ClientClass::Normal
        } else if self.has_flag(client_flags::REPLICA) {
            ClientClass::Replica
        } else {
            ClientClass::Subscriber
        }
    }

    pub fn set_flag(&self, flag: u32, on: bool) {
        if on {
            self.flags.fetch_or(flag, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!flag, Ordering::Relaxed);
        }
    }
}

/// The registry.
#[derive(Default)]
pub struct Clients {
    next_id: AtomicU64,
    by_id: Mutex<HashMap<u64, Arc<ClientInfo>>>,
    monitors: Mutex<Vec<Arc<ClientInfo>>>,
    monitor_count: AtomicUsize,
    /// Connections accepted since start.
    pub accepted: AtomicU64,
    /// Connections refused because of `maxclients`.
    pub rejected: AtomicU64,
    /// Connections closed because of `client-query-buffer-limit` and `client-output-buffer-limit`.
    pub input_limit_closed: AtomicU64,
    pub output_limit_closed: AtomicU64,
    /// Refused AUTH and HELLO AUTH.
    pub auth_denied: AtomicU64,
    /// ... and who tried, for ACL LOG.
    pub denials: acllog::AclLog,
}

impl Clients {
    pub fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Adds a client, which is given the next id, unless there are `most` already.
    pub fn add(&self, most: usize, client: impl FnOnce(u64) -> ClientInfo) -> Option<Arc<ClientInfo>> {
        let mut by_id = self.by_id.lock();
        if by_id.len() >= most {
            return None;
        }
        let id = self.next_id();
        let client = Arc::new(client(id));
        by_id.insert(id, client.clone());
        Some(client)
    }

    pub fn remove(&self, id: u64) {
        self.set_monitor_by_id(id, None);
        self.by_id.lock().remove(&id);
    }

    pub fn get(&self, id: u64) -> Option<Arc<ClientInfo>> {
        self.by_id.lock().get(&id).cloned()
    }

    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.by_id.lock().len()
    }

    /// Looks at every client, in no order. The registry is locked meanwhile.
    pub fn each(&self, mut look: impl FnMut(&ClientInfo)) {
        self.by_id.lock().values().for_each(|client| look(client));
    }

    /// All clients, by rising id.
    pub fn all(&self) -> Vec<Arc<ClientInfo>> {
        let mut all: Vec<_> = self.by_id.lock().values().cloned().collect();
        all.sort_by_key(|client| client.id);
        all
    }

    /// Makes a client a monitor.
    pub fn add_monitor(&self, client: &Arc<ClientInfo>) {
        self.set_monitor_by_id(client.id, Some(client.clone()));
    }

    pub fn remove_monitor(&self, id: u64) {
        self.set_monitor_by_id(id, None);
    }

    fn set_monitor_by_id(&self, id: u64, client: Option<Arc<ClientInfo>>) {
        if client.is_none() && !self.has_monitors() {
            return;
        }
        let mut monitors = self.monitors.lock();
        monitors.retain(|monitor| monitor.id != id);
        monitors.extend(client);
        self.monitor_count.store(monitors.len(), Ordering::Release);
    }

    #[inline]
    pub fn has_monitors(&self) -> bool {
        self.monitor_count.load(Ordering::Relaxed) > 0
    }

    pub fn monitors(&self) -> Vec<Arc<ClientInfo>> {
        self.monitors.lock().clone()
    }
}
