//! Commands of group bitmap.

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[];
