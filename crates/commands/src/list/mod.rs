//! Lists: sequences that are pushed to and popped from at both ends.

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[];
