//! Commands about the connection itself.

mod auth;
mod client;
mod ping;
mod reset;
mod select;

use command::CommandSpec;
use command::spec::Flags;

/// Flags of what a client may say at any time, before AUTH and while a script hangs included.
const ALWAYS: Flags =
    Flags::NOSCRIPT.or(Flags::LOADING).or(Flags::STALE).or(Flags::FAST).or(Flags::NO_AUTH).or(Flags::ALLOW_BUSY);

pub static COMMANDS: &[&CommandSpec] = &[
    &auth::AUTH,
    &client::CLIENT,
    &ping::ECHO,
    &auth::HELLO,
    &ping::PING,
    &ping::QUIT,
    &reset::RESET,
    &select::SELECT,
];
