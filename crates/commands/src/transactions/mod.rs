//! Commands of group transactions.

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[];
