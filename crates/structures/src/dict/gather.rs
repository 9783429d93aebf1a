//! A `Dict` made in one go of some entries of another: what it has in common with that one need not be found out again.
//!
//! The entries come in the order in which `iter_hashed` gives them, with those hashes, so the new table is written
//! once, segment by segment, and nothing is searched, rehashed or split. Until it is finished, the `Dict` inside can
//! only be dropped.

use super::slab::Slab;
use super::table::Building;
use super::{Dict, NewValue};

/// A `Dict` in the making.
pub struct Gather<B> {
    /// Has the memory of the entries, and no table yet.
    dict: Dict<B>,
    table: Building,
}

impl<B> Dict<B> {
    /// Begins a map of keys that this one has. It is meant for many.
    pub fn gather(&self) -> Gather<B> {
        let mut dict = self.fresh();
        dict.heap.slab = Some(Box::new(Slab::new()));
        Gather { dict, table: Building::like(&self.table) }
    }
}

impl<B> Gather<B> {
    /// Adds a key, which is not there yet. Panics unless keys come in the order in which `iter_hashed` of the other map
    /// gives them; their hashes are those, or whole ones.
    #[inline]
    pub fn push(&mut self, hash: u64, key: &[u8], value: NewValue<'_, B>) {
        let raw = self.dict.new_entry(key, value, false);
        self.table.push(hash, raw.address());
    }

    /// The map.
    pub fn finish(self) -> Dict<B> {
        let Gather { mut dict, table } = self;
        dict.table = table.finish();
        dict
    }
}
