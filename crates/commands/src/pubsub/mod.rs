//! Commands that send messages to channels, and listen to them. Who hears what is `command::clients::channels`'
//! business.

mod publish;
mod state;
mod subscribe;
#[cfg(test)]
mod tests;

use command::CommandSpec;
use command::spec::Flags;

/// Flags of all of them but PUBSUB itself.
const ANY_TIME: Flags = Flags::PUBSUB.or(Flags::LOADING).or(Flags::STALE);

pub static COMMANDS: &[&CommandSpec] = &[
    &publish::PUBLISH,
    &publish::SPUBLISH,
    &state::PUBSUB,
    &subscribe::PSUBSCRIBE,
    &subscribe::PUNSUBSCRIBE,
    &subscribe::SSUBSCRIBE,
    &subscribe::SUBSCRIBE,
    &subscribe::SUNSUBSCRIBE,
    &subscribe::UNSUBSCRIBE,
];
