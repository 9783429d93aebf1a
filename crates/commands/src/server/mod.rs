//! Commands of group server.

mod flush;

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[&flush::DBSIZE, &flush::FLUSHALL, &flush::FLUSHDB, &flush::SWAPDB];
