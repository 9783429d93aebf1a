//! Commands of group generic.

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[];
