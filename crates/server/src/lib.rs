//! The server: options, wiring, log, signals. The only crate that sees all the others.

// Not `forbid`: `alloc` talks to the allocator's control tree.
#![deny(unsafe_code)]

mod alloc;
mod apply;
mod boot;
mod host;
mod listen;
pub mod logger;
mod service;
pub mod testing;

pub use boot::{BootError, Running, start};

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Our own version, beside that of Redis which clients are told.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
