//! Data structures without Redis semantics: tables, trees, packed lists, sketches, and the lock of a shard.

pub mod bits;
pub mod blocks;
pub mod dict;
pub mod hash;
pub mod hll;
pub mod intset;
pub mod lcs;
pub mod lock;
pub mod packed;
pub mod prefetch;
pub mod ranked;
pub mod stream;
#[cfg(test)]
mod testing;
pub mod varint;
