//! Transactions: MULTI and EXEC, WATCH. What EXEC does is in `dispatch::exec`, since it runs other commands.

mod multi;
mod watch;

use command::CommandSpec;

pub static COMMANDS: &[&CommandSpec] = &[&multi::DISCARD, &multi::EXEC, &multi::MULTI, &watch::UNWATCH, &watch::WATCH];
