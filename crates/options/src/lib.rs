//! Options: what `redis.conf`, the command line and `CONFIG` can say.
//!
//! Every option is declared once, in a row of `table/`: its name and aliases, its kind (which fixes how a value is
//! checked and printed), its default, who may change it, what it does here, a line of documentation, and, if commands
//! read it while the server runs, its field in `Tunables`. Everything else is derived from that list: `CONFIG GET`,
//! `CONFIG SET` with Redis' error texts, the configuration file, the command line, `CONFIG REWRITE`, what is warned
//! about, what the logs must not show, and the documentation.
//!
//! * `spec`: how an option is declared.
//! * `table`: the declarations, by topic, and `Tunables`.
//! * `setting`: where a value is kept for readers.
//! * `value` and `parse`: a checked value, how it is read and how it is printed.
//! * `store`: `Options`, the values of a running server; atomic changes with rollback.
//! * `file`: the configuration file; `rewrite`: writing it back; `users`: its `user` directives.
//! * `cli`: the arguments of the program.
//! * `docs`: the table of options as Markdown.
//!
//! Values are bytes, not text: Redis accepts a password with any byte in it. The crate reads and writes configuration
//! files and does no other IO; it knows neither commands nor the server.

#![forbid(unsafe_code)]

pub mod cli;
pub mod docs;
pub mod file;
mod parse;
mod rewrite;
mod setting;
mod spec;
mod store;
mod table;
mod users;
mod value;

#[cfg(test)]
mod tests;

pub use cli::{Invocation, invocation};
pub use docs::options_markdown;
pub use file::ConfigFileError;
pub use rewrite::{RewriteError, rewrite, rewrite_with};
pub use setting::{
    BufferLimitsSetting, ClientClass, LogLevel, Permission, Policy, Scalar, Setting, Target, TextSetting,
};
pub use spec::{Access, Action, Effect, Kind, OptionSpec, Special};
pub use store::{Actor, Options, RenamedCommand};
pub use table::{Tunables, find, table};
pub use value::{BufferLimit, SavePoint, Value};

/// The version of Redis that this server presents to its clients and in its messages.
pub use base::version::REDIS as REDIS_VERSION;
