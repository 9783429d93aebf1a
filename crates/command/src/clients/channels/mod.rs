//! Pub/Sub: who has subscribed to what, and the way of a message from its publisher to the subscribers.
//!
//! ```text
//!  PUBLISH --> tables of all workers: how many subscribers each has
//!          --> one message to each worker that has any --> its own table: which clients --> their outputs
//! ```
//!
//! A publisher finds out in the shared tables which workers have subscribers and how many, which is what it replies,
//! and which patterns match; that is done once for a message. It posts the message to those workers while it holds the
//! part of the table that the channel is in, so that all subscribers of a channel hear its messages in one order.
//!
//! Which clients these are only their worker knows ([`Subscribers`]). It looks when it delivers. A subscription begins
//! and ends under the same lock, and not while messages wait for the client's worker (see [`Change::must_wait`]): so a
//! message reaches those who were counted, and nobody else.

mod publication;
mod subscribers;

pub use publication::{Messages, Publication};
pub use subscribers::{Subscribers, Subscriptions, count, unsubscribe_all};

use crate::clients::mailbox::Deliveries;
use crate::server::Server;
use engine::Class;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What there is to subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Channel,
    /// Channels whose names match a pattern.
    Pattern,
    /// A channel that belongs to the node of its slot, in a cluster.
    Shard,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Channel, Kind::Pattern, Kind::Shard];

    /// Parts of the shared table, each behind one lock. A pattern may match every channel: those are in one part.
    const fn parts(self) -> usize {
        match self {
            Kind::Channel | Kind::Shard => PARTS,
            Kind::Pattern => 1,
        }
    }
}

const PARTS: usize = 16;

/// The name of a channel, or a pattern: shared by all tables that it is in.
pub type Name = Arc<[u8]>;

/// Bytes of messages that may wait for a worker before publishers have to wait for it.
const BACKLOG_MAX: usize = 16 << 20;

/// How many subscribers each worker has, for those that have any.
#[derive(Default)]
struct Receivers(SmallVec<[(u16, u32); 2]>);

impl Receivers {
    fn add(&mut self, worker: usize) {
        match self.0.iter_mut().find(|(number, _)| usize::from(*number) == worker) {
            Some((_, count)) => *count += 1,
            None => self.0.push((worker as u16, 1)),
        }
    }

    fn remove(&mut self, worker: usize) {
        if let Some(at) = self.0.iter().position(|(number, _)| usize::from(*number) == worker) {
            self.0[at].1 -= 1;
            if self.0[at].1 == 0 {
                self.0.swap_remove(at);
            }
        }
    }

    fn count(&self) -> usize {
        self.0.iter().map(|(_, count)| *count as usize).sum()
    }
}

type Table = HashMap<Name, Receivers>;

/// On a line of its own: the owner and publishers write it all the time.
#[derive(Default)]
#[repr(align(128))]
struct Backlog(AtomicUsize);

/// The subscriptions of all clients, as publishers see them.
pub struct Channels {
    tables: [Box<[RwLock<Table>]>; 3],
    /// Names in each table, so that nobody looks into an empty one.
    names: [AtomicUsize; 3],
    /// Bytes of the messages that each worker has still to deliver.
    backlog: Box<[Backlog]>,
    /// Workers that have so much to deliver that nobody should publish more for now.
    congested: AtomicUsize,
    /// Held while somebody finds out who listens to events.
    listening: Mutex<()>,
}

/// A part of a table, to be changed.
type Part<'c> = (usize, RwLockWriteGuard<'c, Table>);

/// Names that are changed together: others have to wait for them for some ten microseconds.
pub const NAMES_AT_ONCE: usize = 64;

/// Parts of a table that are held so that subscriptions to some names in them can begin or end.
pub struct Change<'s> {
    server: &'s Server,
    kind: Kind,
    /// By rising number.
    parts: SmallVec<[Part<'s>; 4]>,
}

impl Channels {
    pub fn new(workers: usize) -> Channels {
        Channels {
            tables: Kind::ALL.map(|kind| (0..kind.parts()).map(|_| RwLock::default()).collect()),
            names: Default::default(),
            backlog: (0..workers).map(|_| Backlog::default()).collect(),
            congested: AtomicUsize::new(0),
            listening: Mutex::default(),
        }
    }

    /// Different names that somebody has subscribed to.
    pub fn len(&self, kind: Kind) -> usize {
        self.names[kind as usize].load(Ordering::Acquire)
    }

    /// Whether anybody has subscribed to a channel or a pattern: events are published there.
    pub fn has_listeners(&self) -> bool {
        self.len(Kind::Channel) > 0 || self.len(Kind::Pattern) > 0
    }

    fn part_of(kind: Kind, name: &[u8]) -> usize {
        if kind.parts() == 1 {
            return 0;
        }
        // FNV-1a over the last bytes: what names have in common is mostly their beginning.
        let tail = &name[name.len().saturating_sub(16)..];
        let hash = tail
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        (hash >> 32) as usize % kind.parts()
    }

    fn part(&self, kind: Kind, name: &[u8]) -> &RwLock<Table> {
        &self.tables[kind as usize][Channels::part_of(kind, name)]
    }

    /// Clients that have subscribed to exactly this.
    pub fn subscribers(&self, kind: Kind, name: &[u8]) -> usize {
        if self.len(kind) == 0 {
            return 0;
        }
        self.part(kind, name).read().get(name).map_or(0, Receivers::count)
    }

    /// The names that somebody has subscribed to, in no order.
    pub fn each_name(&self, kind: Kind, mut look: impl FnMut(&Name)) {
        for part in &self.tables[kind as usize] {
            part.read().keys().for_each(&mut look);
        }
    }

    /// Sends a message to all subscribers; returns how many receive it.
    #[inline]
    pub fn publish(&self, deliveries: &Deliveries<'_>, kind: Kind, channel: &[u8], payload: &[u8]) -> usize {
        debug_assert_ne!(kind, Kind::Pattern, "messages go to channels");
        let has_patterns = kind == Kind::Channel && self.len(Kind::Pattern) > 0;
        if self.len(kind) == 0 && !has_patterns {
            return 0;
        }
        self.publish_to_somebody(deliveries, kind, channel, payload, has_patterns)
    }

    #[cold]
    fn publish_to_somebody(
        &self,
        deliveries: &Deliveries<'_>,
        kind: Kind,
        channel: &[u8],
        payload: &[u8],
        has_patterns: bool,
    ) -> usize {
        // Exclusively: all workers get the messages of a channel in the same order.
        let part = self.part(kind, channel).write();
        let patterns = has_patterns.then(|| self.tables[Kind::Pattern as usize][0].read());
        let mut count = 0;
        let mut workers: SmallVec<[usize; 8]> = SmallVec::new();
        let mut note = |receivers: &Receivers| {
            count += receivers.count();
            workers.extend(receivers.0.iter().map(|(worker, _)| usize::from(*worker)));
        };
        if let Some(receivers) = part.get(channel) {
            note(receivers);
        }
        let mut matched: SmallVec<[Name; 1]> = SmallVec::new();
        for (pattern, receivers) in patterns.iter().flat_map(|patterns| patterns.iter()) {
            if is_match(pattern, channel) {
                note(receivers);
                matched.push(pattern.clone());
            }
        }
        if count > 0 {
            workers.sort_unstable();
            workers.dedup();
            deliveries.publish(Publication::new(kind, channel, payload, matched), &workers);
        }
        count
    }

    /// Notes that so many bytes of messages are on their way to a worker.
    pub(crate) fn note_posted(&self, worker: usize, bytes: usize) {
        let before = self.backlog[worker].0.fetch_add(bytes, Ordering::AcqRel);
        if before <= BACKLOG_MAX && before + bytes > BACKLOG_MAX {
            self.congested.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that they have been delivered.
    pub fn note_delivered(&self, worker: usize, bytes: usize) {
        let before = self.backlog[worker].0.fetch_sub(bytes, Ordering::AcqRel);
        if before > BACKLOG_MAX && before - bytes <= BACKLOG_MAX {
            self.congested.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether messages wait for this worker, to be delivered.
    #[inline]
    pub fn has_backlog(&self, worker: usize) -> bool {
        self.backlog[worker].0.load(Ordering::Acquire) > 0
    }

    /// Whether so much waits for some worker that nobody should publish more for now.
    #[inline]
    pub fn is_congested(&self) -> bool {
        self.congested.load(Ordering::Relaxed) > 0
    }
}

/// Whether a pattern matches a channel. The empty channel is matched by the empty pattern only.
pub fn is_match(pattern: &[u8], channel: &[u8]) -> bool {
    if channel.is_empty() { pattern.is_empty() } else { base::glob::glob_match(pattern, channel, false) }
}

/// Finds out to which events somebody listens: after every change of the options, of the subscriptions, or of the test
/// capture.
pub fn look_who_listens(server: &Server) {
    let _guard = server.channels.listening.lock();
    let published = server.tunables.general.notify_keyspace_events.get().0;
    let mut classes = 0;
    if server.channels.has_listeners() && published & (Class::KEYSPACE.0 | Class::KEYEVENT.0) != 0 {
        classes = published;
    }
    if server.events.on.load(Ordering::Relaxed) {
        // `keymiss` would drown the others: it is captured only when it is asked for.
        classes |= !Class::KEY_MISS.0 | published;
    }
    server.keyspace.event_classes.store(classes, Ordering::Release);
}

impl<'s> Change<'s> {
    /// Takes what is needed to begin or end subscriptions to these names.
    pub fn begin<'n>(server: &'s Server, kind: Kind, names: impl Iterator<Item = &'n [u8]>) -> Change<'s> {
        let wanted = names.fold(0_u32, |wanted, name| wanted | 1 << Channels::part_of(kind, name));
        let table = &server.channels.tables[kind as usize];
        let parts = (0..kind.parts()).filter(|part| wanted >> part & 1 == 1);
        Change { server, kind, parts: parts.map(|part| (part, table[part].write())).collect() }
    }

    /// The part that a name is in.
    fn part(&mut self, name: &[u8]) -> &mut Table {
        let wanted = Channels::part_of(self.kind, name);
        let found = self.parts.iter_mut().find(|(number, _)| *number == wanted);
        &mut found.expect("the change was begun for this name").1
    }

    /// Whether messages wait for the worker: until they are delivered, what would change now has to stay as it is.
    pub fn must_wait(&self, worker: usize) -> bool {
        self.server.channels.has_backlog(worker)
    }

    /// Counts a subscriber of a worker; returns the name to be kept.
    fn count(&mut self, name: &[u8], worker: usize) -> Name {
        let names = &self.server.channels.names[self.kind as usize];
        let table = self.part(name);
        if let Some((known, receivers)) = table.get_key_value_mut(name) {
            receivers.add(worker);
            return known.clone();
        }
        let known: Name = name.into();
        let mut receivers = Receivers::default();
        receivers.add(worker);
        table.insert(known.clone(), receivers);
        names.fetch_add(1, Ordering::AcqRel);
        known
    }

    /// Counts a subscriber of a worker no more.
    fn discount(&mut self, name: &[u8], worker: usize) {
        /// Room that a table may keep for names to come.
        const SPARE: usize = 1024;
        let names = &self.server.channels.names[self.kind as usize];
        let table = self.part(name);
        let Some(receivers) = table.get_mut(name) else { return };
        receivers.remove(worker);
        if receivers.0.is_empty() {
            table.remove(name);
            names.fetch_sub(1, Ordering::AcqRel);
            if table.capacity() > SPARE && table.len() < table.capacity() / 8 {
                table.shrink_to(2 * table.len());
            }
        }
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if self.kind != Kind::Shard {
            look_who_listens(self.server);
        }
    }
}
