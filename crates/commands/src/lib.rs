//! The commands: one folder for each group, one file for each family, with spec, handler and tests together.

#![forbid(unsafe_code)]

mod bitmap;
mod cluster;
mod connection;
mod deadline;
pub mod docs;
mod generic;
mod geo;
mod hash;
mod help;
mod hyperloglog;
mod list;
mod pubsub;
mod random;
mod rdb;
mod server;
mod set;
mod sorted_set;
mod stream;
mod string;
#[cfg(test)]
mod testing;
mod transactions;
#[cfg(test)]
mod work_tests;

use command::CommandSpec;

/// All commands, by group.
pub static COMMANDS: &[&[&CommandSpec]] = &[
    bitmap::COMMANDS,
    cluster::COMMANDS,
    connection::COMMANDS,
    generic::COMMANDS,
    geo::COMMANDS,
    hash::COMMANDS,
    hyperloglog::COMMANDS,
    list::COMMANDS,
    pubsub::COMMANDS,
    server::COMMANDS,
    set::COMMANDS,
    sorted_set::COMMANDS,
    stream::COMMANDS,
    string::COMMANDS,
    transactions::COMMANDS,
];
