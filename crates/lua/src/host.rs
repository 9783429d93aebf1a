//! Who runs scripts: what they can ask for, and how they are stopped.

use crate::push::Push;

/// The other side of the functions that scripts have beyond those of Lua.
///
/// While a method runs, no script does; a method that takes long holds up its script.
pub trait Host {
    /// `redis.call` and `redis.pcall`: runs a command, and pushes one reply. The words are at least one.
    fn call(&mut self, words: &[&[u8]], reply: &mut Push<'_, '_>);

    /// Whether the script may go on: asked some ten thousand times a second.
    fn interrupt(&mut self) -> Interrupt;

    /// `redis.log`: a line of the level from 0 (debug) to 3 (warning).
    fn log(&mut self, level: u8, text: &[u8]);

    /// `redis.setresp`: the version of the protocol, 2 or 3, that the replies of commands follow from now on.
    fn set_resp(&mut self, version: u8);

    /// `redis.set_repl`: where effects go from now on; see [`REPL_AOF`] and [`REPL_REPLICA`].
    fn set_repl(&mut self, flags: u8);

    /// `redis.acl_check_cmd`: whether the user may run this; `None` if there is no such command.
    fn may_run(&mut self, words: &[&[u8]]) -> Option<bool>;
}

/// Effects go to the append-only file.
pub const REPL_AOF: u8 = 1;
/// Effects go to replicas.
pub const REPL_REPLICA: u8 = 2;

/// What becomes of a script that is asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interrupt {
    Continue,
    /// The script ends with this error, which it cannot catch.
    Kill(&'static str),
}
