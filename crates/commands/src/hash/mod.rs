//! Hashes: fields with values, each with a deadline of its own if need be.

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[];
