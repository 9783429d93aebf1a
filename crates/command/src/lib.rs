//! What a command is, and the path every command takes: resolve, gates, plan, lock, run, commit, reply.
//!
//! Knows no command by name: the commands themselves are in the crate above, and declare all that is special
//! about them in their [`CommandSpec`](spec::CommandSpec).

#![forbid(unsafe_code)]

pub mod acllog;
pub mod args;
pub mod blocking;
pub mod clients;
pub mod commandlog;
pub mod counter;
pub mod ctx;
pub mod dispatch;
pub mod error;
pub mod histogram;
pub mod host;
pub mod latency;
pub mod long;
pub mod memory;
pub mod pause;
pub mod pipeline;
pub mod registry;
pub mod samples;
pub mod server;
pub mod session;
pub mod spec;
pub mod stats;
pub mod testing;
pub mod tracking;
pub mod tunables;
pub mod version;
pub mod worker;

pub use args::{Args, OwnedArgs};
pub use ctx::Ctx;
pub use error::{CommandError, CommandResult};
pub use server::Server;
pub use session::Session;
pub use spec::CommandSpec;
pub use worker::{Worker, WorkerState};
