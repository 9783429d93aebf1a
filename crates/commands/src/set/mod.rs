//! Sets: strings without order, each there once.

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[];
