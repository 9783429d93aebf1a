//! What a command is, and what it is given: specs, arguments, errors, sessions, what workers share.
//!
//! Knows no command by name, and calls no handler: the commands are in the crate `commands`, the path that a command
//! takes is in the crate `dispatch`, both above this one.

#![forbid(unsafe_code)]

pub mod args;
pub mod clients;
pub mod error;
pub mod server;
pub mod session;
pub mod spec;
pub mod stats;

pub use args::{Args, OwnedArgs};
pub use base::version;
pub use error::{CommandError, CommandResult};
pub use server::Server;
pub use server::worker::WorkerState;
pub use session::Session;
pub use spec::CommandSpec;
pub use spec::ctx::{Ctx, Origin};
