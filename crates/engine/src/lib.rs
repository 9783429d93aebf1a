//! The engine: keyspace, shards, locks, and the one door through which values are read and changed.
//!
//! No IO and no clock of its own: time comes in with [`Effects`], what is to be logged goes out through the
//! [`Journal`](journal::Journal).

#![forbid(unsafe_code)]

pub mod detached;
pub mod effects;
pub mod event;
mod expire;
pub mod journal;
mod key;
pub mod keyspace;
mod locked;
mod observe;
pub mod recency;
mod shard;

pub use detached::Detached;
pub use effects::{Effects, Log};
pub use event::{Class, Event};
pub use key::Key;
pub use keyspace::{Keyspace, Shape};
pub use locked::{
    Busy, Commit, Delivery, LockedKeys, Lookup, Occupied, Place, Scope, ShardView, Slot, Update, Vacant, WrongKind,
};
pub use observe::tracking;
pub use observe::waits::{Wait, WaitFor, WaitKey, Wakes};
pub use observe::watch;
pub use shard::{Db, ShardData, reclaim};
pub use structures::dict::{EntryRef, NewValue, OwnedValue, ValueRef};
pub use value::View;
