//! structures: to be written.
pub mod bits;
pub mod hll;
pub mod intset;
pub mod lcs;
