//! RESP, the protocol between clients and the server: requests in, replies out, both versions 2 and 3.
//!
//! Sans-IO: everything works on byte slices and vectors that the caller owns; no sockets, no clock, no threads.
//!
//! * [`request`]: the server's side of reading: multibulk and inline commands, as offsets into the caller's buffer.
//! * [`reply`]: the server's side of writing: one writer that knows RESP2 and RESP3, over an output that can hold
//!   big values by reference.
//! * [`client`]: the other end of the wire, for tests, benchmarks and tools.
//!
//! This crate is on the path of every command. The parser allocates nothing per command but what the caller's
//! argument vector grows by, and writing a small reply is one capacity check and a few stores.
#![forbid(unsafe_code)]

pub mod client;
pub mod reply;
pub mod request;

pub use reply::{Blob, Deferred, Mark, Output, Proto, ReplyWriter};
pub use request::{Arg, Limits, ProtocolError, RequestParser, Status};
