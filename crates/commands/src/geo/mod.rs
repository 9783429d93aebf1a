//! Geo: sorted sets whose scores are places on earth.

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[];
