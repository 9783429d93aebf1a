//! Sorted sets: members ordered by score.

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[];
