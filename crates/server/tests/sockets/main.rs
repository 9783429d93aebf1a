//! The server as its clients meet it: real sockets, two workers, no reply taken for granted.
//!
//! Nothing here sleeps to let something happen: a test waits for a reply, for the end of a connection, or for a
//! counter, each within a bound of time that only a failure reaches.

// All of it is test code, its helpers too.
#![allow(clippy::unwrap_used)]

mod blocking;
mod limits;
mod listening;
mod live;
mod noise;
mod pipelines;
mod process;
mod support;
mod tracking;
mod visits;
mod workers;
