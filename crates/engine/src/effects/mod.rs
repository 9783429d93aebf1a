//! What commands did, collected while they run and handed on before their shards are let go.
//!
//! One `Effects` belongs to a worker and is used for every command it runs: nothing here allocates unless somebody
//! listens (a journal, a subscriber, a client's cache) or a large value dies. Its parts are split by how long they
//! live:
//!
//! | part | lives for |
//! |---|---|
//! | [`Turn`] | a turn of the event loop: the time, and settings that no command may see change |
//! | [`CommandPart`] | a command; a nested one (in EXEC) has its own, and the outer one's comes back behind it |
//! | the frame | a command, or all of a transaction or script: what the journal applies as a whole |
//! | [`Outbox`] | until it is handed on: events, what caches have to forget, keys with waiters, garbage |
//!
//! Handlers do not see this: they reach what they need through the door ([`LockedKeys`](crate::LockedKeys), and what it
//! lends).

mod command;
mod outbox;
mod turn;

pub use command::{CommandPart, Log};
pub use outbox::{Fired, Outbox, ReadyKey};
pub use turn::Turn;

use crate::event::{Class, Event};
use crate::journal::Record;
use crate::keyspace::Keyspace;
use crate::observe::tracking::Invalidations;
use base::rng::Rng;
use std::sync::atomic::Ordering;
use value::Workbench;

/// Counters that INFO adds up over the workers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    pub hits: u64,
    pub misses: u64,
    pub expired: u64,
    pub expired_fields: u64,
    pub dirty: u64,
}

/// Where news goes that commands have for others, at the moment at which it is to be ordered: while the shards are held
/// that it is about.
pub trait Outlet {
    /// Events that fired, in order.
    fn events(&self, fired: Vec<Fired>);

    /// What clients' caches have to forget.
    fn invalidations(&self, changes: Invalidations);
}

/// The effects of the commands of one worker.
pub struct Effects {
    pub turn: Turn,
    pub rng: Rng,
    pub counters: Counters,
    pub(crate) command: CommandPart,
    frame: Vec<Record>,
    pub(crate) outbox: Outbox,
    /// Where a small collection is while the running command looks at it or changes it.
    pub(crate) scratch: Workbench,
    /// The same for commands that look at several at once.
    pub(crate) scratches: Vec<Workbench>,
}

/// Scratch collections that are kept for the next command that wants several.
pub(crate) const SCRATCHES_KEPT: usize = 16;

impl Effects {
    pub fn new(rng: Rng) -> Effects {
        Effects {
            turn: Turn::default(),
            rng,
            counters: Counters::default(),
            command: CommandPart::default(),
            frame: Vec::new(),
            outbox: Outbox::default(),
            scratch: Workbench::new(),
            scratches: Vec::new(),
        }
    }

    /// Looks who wants to know of what is done from here on. To be called with the shards held: whoever has said before
    /// that he listens, and sees a key as it was before a change, hears of the change.
    #[inline]
    pub(crate) fn look_who_listens(&mut self, keyspace: &Keyspace) {
        self.command.journal_on = keyspace.journal.is_on();
        self.command.event_classes = keyspace.event_classes.load(Ordering::Acquire);
    }

    /// Begins a command, and returns the part of the one around it, for [`Effects::end`].
    #[inline]
    pub fn begin(&mut self, notes_use: bool) -> CommandPart {
        self.scratches.truncate(SCRATCHES_KEPT);
        let CommandPart { journal_on, event_classes, .. } = self.command;
        std::mem::replace(&mut self.command, CommandPart::new(journal_on, event_classes, notes_use))
    }

    /// Ends a command: what it is logged as joins the frame, and the command around it goes on. `sent` returns its
    /// words.
    #[inline]
    pub fn end(&mut self, outer: CommandPart, db: usize, sent: impl FnOnce() -> Vec<Vec<u8>>) {
        let mut ended = std::mem::replace(&mut self.command, outer);
        self.counters.dirty += ended.dirty;
        if ended.journal_on {
            if ended.is_logged_as_sent() && ended.dirty > 0 {
                self.frame.push(Record { db, args: sent() });
            }
            self.frame.append(&mut ended.records);
        }
    }

    /// Ends a frame (a command outside a transaction, or a transaction): the journal gets it, and the outlet the news,
    /// while the caller still holds the shards.
    #[inline]
    pub(crate) fn commit_frame(&mut self, keyspace: &Keyspace, outlet: Option<&dyn Outlet>) {
        self.log_frame(keyspace);
        if let Some(outlet) = outlet {
            self.outbox.post(outlet);
        }
    }

    /// The first half of that: the journal gets the frame.
    #[inline]
    pub(crate) fn log_frame(&mut self, keyspace: &Keyspace) {
        if !self.frame.is_empty() {
            keyspace.journal.append(std::mem::take(&mut self.frame));
        }
    }

    /// Logs a command that happened before the running one, such as the deletion of an expired key.
    pub(crate) fn record_before(&mut self, db: usize, args: &[&[u8]]) {
        if self.command.journal_on {
            self.frame.push(Record::new(db, args));
        }
    }

    #[inline]
    pub(crate) fn fire(&mut self, db: usize, event: Event, key: &[u8]) {
        if self.listens_to(event.class) {
            self.outbox.fire(db, event, key);
        }
    }

    /// Whether anybody listens to this class.
    #[inline]
    pub fn listens_to(&self, class: Class) -> bool {
        self.command.event_classes & class.0 != 0
    }

    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Returns fresh effects with the same turn, for a command that runs on another thread.
    pub fn for_other_thread(&self, rng: Rng) -> Effects {
        Effects { turn: self.turn, ..Effects::new(rng) }
    }

    /// Takes over the effects of a command that ran on another thread for this worker. No command runs.
    pub fn absorb(&mut self, mut other: Effects) {
        let Counters { hits, misses, expired, expired_fields, dirty } = other.counters;
        let counters = &mut self.counters;
        counters.hits += hits;
        counters.misses += misses;
        counters.expired += expired;
        counters.expired_fields += expired_fields;
        counters.dirty += dirty;
        self.frame.append(&mut other.frame);
        self.outbox.absorb(other.outbox);
    }
}
