//! lua: scripts in Lua 5.1, as Redis runs them.
//!
//! This crate compiles and runs scripts, and knows nothing of commands, keys or the protocol: who runs a script passes
//! a [`Host`], which runs commands for it, and [`Results`], which gets what the script returns. All that others see is
//! here, and could stand before another engine: [`Engine`] with its dozen of methods, and the three traits and types
//! that values pass through.
//!
//! An engine belongs to one thread at a time. Its scripts cannot change what others of its scripts see: globals and
//! libraries are read-only, and what could get around that is not there. They cannot take more memory than they are
//! allowed, nor go on when [`Host::interrupt`] says that they have to end.
//!
//! The interpreter is that of lua.org, built by another crate. What it must not do is kept from it in `raw`, where all
//! unsafe code is.

mod engine;
mod host;
mod library;
mod push;
mod raw;
mod results;

pub use engine::{Call, Chunk, CompileError, Engine, Failure, Purpose, ScriptError, Settings};
pub use host::{Host, Interrupt, REPL_AOF, REPL_REPLICA};
pub use push::Push;
pub use results::Results;
