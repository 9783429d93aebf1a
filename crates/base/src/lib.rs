//! base: what every other crate may lean on, and which leans on none of them.
//!
//! Numbers and text exactly as Redis reads and prints them, checksums, slots, glob patterns, output as a chain of
//! blocks, a seeded generator of random numbers, and time as a value. No IO, no global state, no `unsafe`; only
//! [`clock::SystemClock`] asks the machine for anything.

#![forbid(unsafe_code)]

pub mod blob;
pub mod clock;
pub mod crc64;
pub mod event_class;
pub mod glob;
pub mod marks;
pub mod num;
pub mod output;
pub mod rng;
pub mod slot;
pub mod text;
pub mod throttle;
pub mod units;
pub mod version;

pub use blob::Blob;
pub use output::Output;
