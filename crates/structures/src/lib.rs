//! structures: to be written.
pub mod bits;
pub mod dict;
pub mod hash;
pub mod hll;
pub mod intset;
pub mod lcs;
pub mod prefetch;
