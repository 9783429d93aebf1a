//! Commands of group hyperloglog.

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[];
