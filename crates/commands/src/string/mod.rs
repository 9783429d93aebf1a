//! Strings.

mod get;

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[&get::GET];
