//! Commands of group server.

mod acl;
mod command;
mod commandlog;
mod config;
mod debug;
mod flush;
mod info;
mod lastsave;
mod latency;
mod latency_graph;
mod logs;
mod lolwut;
mod memory;
mod module;
mod monitor;
mod role;
mod shutdown;
mod slowlog;
mod time;

use ::command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[
    &acl::ACL,
    &command::COMMAND,
    &commandlog::COMMANDLOG,
    &config::CONFIG,
    &flush::DBSIZE,
    &debug::DEBUG,
    &flush::FLUSHALL,
    &flush::FLUSHDB,
    &info::INFO,
    &lastsave::LASTSAVE,
    &latency::LATENCY,
    &lolwut::LOLWUT,
    &memory::MEMORY,
    &module::MODULE,
    &monitor::MONITOR,
    &role::ROLE,
    &shutdown::SHUTDOWN,
    &slowlog::SLOWLOG,
    &flush::SWAPDB,
    &time::TIME,
];
