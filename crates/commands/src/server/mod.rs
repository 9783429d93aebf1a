//! Commands of group server.

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[];
