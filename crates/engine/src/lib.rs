//! The engine: keyspace, shards, locks, and the one door through which values are read and changed.
//!
//! No IO and no clock of its own: time comes in with [`Effects`], what is to be logged goes out through the
//! [`Journal`](journal::Journal).

#![forbid(unsafe_code)]

pub mod away;
pub mod blocking;
pub mod effects;
pub mod event;
pub mod journal;
pub mod keyspace;
mod locked;
mod observers;
pub mod recency;
pub mod reclaim;
mod shard;
mod subexpiry;
pub mod tracking;
pub mod watch;

pub use away::Away;
pub use blocking::{Wait, WaitKey};
pub use effects::Effects;
pub use event::{Class, Event};
pub use keyspace::{Key, Keyspace, Shape};
pub use locked::{Delivery, LockedKeys, Lookup, Occupied, Place, Scope, ShardView, Slot, Update, Vacant, WrongKind};
pub use shard::{Db, ShardData};
pub use structures::dict::{EntryRef, NewValue, OwnedValue, ValueRef};
pub use value::View;
