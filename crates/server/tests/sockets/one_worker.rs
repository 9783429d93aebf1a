//! The tests over sockets, on servers of one worker: what is another worker's business elsewhere is its own there.

// All of it is test code, its helpers too.
#![allow(clippy::unwrap_used)]

mod all;

use all::support;

/// Workers of the servers that are tested.
const WORKERS: usize = 1;
