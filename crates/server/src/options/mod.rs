//! Options: what `redis.conf`, the command line and `CONFIG` can say.
//!
//! Every option is declared once, in `table/`: its name and aliases, its kind (which fixes how a value is
//! checked and printed), its default, who may change it, what it does here, and a line of documentation.
//! Everything else is derived from that list: `CONFIG GET`, `CONFIG SET` with Redis' error texts, the
//! configuration file, the command line, `CONFIG REWRITE` and the documentation.
//!
//! * `spec`: how an option is declared.
//! * `table`: the declarations, by topic.
//! * `value` and `parse`: a checked value, how it is read and how it is printed.
//! * `store`: `Options`, the values of a running server; atomic changes with rollback.
//! * `file`: the configuration file; `rewrite`: writing it back.
//! * `cli`: the arguments of the program.
//! * `docs`: the table of options as Markdown.
//!
//! Values are bytes, not text: Redis accepts a password with any byte in it. Nothing here is on the path of
//! a command; code that needs a value often follows it through `Apply` into an atomic of its own.

pub mod cli;
pub mod docs;
pub mod file;
mod parse;
mod rewrite;
mod spec;
mod store;
mod table;
mod value;

#[cfg(test)]
mod tests;

pub use cli::{Invocation, invocation};
pub use docs::options_markdown;
pub use file::ConfigFileError;
pub use rewrite::{RewriteError, rewrite, rewrite_with};
pub use spec::{Access, Effect, Kind, OptionSpec, Special};
pub use store::{Apply, Options, RenamedCommand};
pub use table::{find, table};
pub use value::{BufferLimit, KeyspaceEvents, SavePoint, Value};

/// The version of Redis that this server presents to its clients and in its messages.
pub use command::version::REDIS as REDIS_VERSION;
