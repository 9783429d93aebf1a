//! The server as its clients meet it: real sockets, two workers, no reply taken for granted.
//!
//! Nothing here sleeps to let something happen: a test waits for a reply, for the end of a connection, or for a
//! counter, each within a bound of time that only a failure reaches.
//!
//! `one_worker.rs` beside this file runs the same tests on servers of one worker.

// All of it is test code, its helpers too.
#![allow(clippy::unwrap_used)]

mod all;
mod live;
mod process;

use all::support;

/// Workers of the servers that are tested.
const WORKERS: usize = 2;
