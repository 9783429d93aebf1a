//! The commands: one folder for each group, one file for each family, with spec, handler and tests together.

#![forbid(unsafe_code)]

mod bitmap;
mod connection;
pub mod docs;
mod generic;
mod hyperloglog;
mod server;
mod string;
#[cfg(test)]
mod testing;
mod transactions;

use command::CommandSpec;

/// All commands, by group.
pub static COMMANDS: &[&[&CommandSpec]] = &[
    bitmap::COMMANDS,
    connection::COMMANDS,
    generic::COMMANDS,
    hyperloglog::COMMANDS,
    server::COMMANDS,
    string::COMMANDS,
    transactions::COMMANDS,
];
