//! Commands of group connection.

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[];
