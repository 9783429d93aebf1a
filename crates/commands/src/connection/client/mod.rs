//! CLIENT: connections, one's own and others'.

mod filter;
mod help;
mod kill;
pub mod line;
mod list;
mod pause;
pub mod settings;
mod tracking;

use command::CommandSpec;
use command::spec::{ArgSpec, Flags, Group, Run, one_of, token};

/// Flags of subcommands about one's own connection.
const OWN: Flags = Flags::NOSCRIPT.or(Flags::LOADING).or(Flags::STALE);
/// Flags of those about others.
const OTHERS: Flags = OWN.or(Flags::ADMIN);

/// What several subcommands take.
const ON_OR_OFF: ArgSpec = one_of("enabled", &[token("on", "ON"), token("off", "OFF")]);

/// What all subcommands share.
const SUBCOMMAND: CommandSpec = CommandSpec { group: Group::Connection, flags: OWN, ..CommandSpec::DEFAULT };

pub static CLIENT: CommandSpec = CommandSpec {
    name: "CLIENT",
    group: Group::Connection,
    since: "2.4.0",
    summary: "Holds the commands about connections.",
    complexity: "That of the subcommand.",
    arity: -2,
    acl_no_group: true,
    subcommands: &[
        &tracking::CACHING,
        &settings::CAPA,
        &settings::GETNAME,
        &tracking::GETREDIR,
        &help::HELP,
        &settings::ID,
        &settings::IMPORT_SOURCE,
        &list::INFO,
        &kill::KILL,
        &list::LIST,
        &settings::NO_EVICT,
        &settings::NO_TOUCH,
        &pause::PAUSE,
        &settings::REPLY,
        &settings::SETINFO,
        &settings::SETNAME,
        &tracking::TRACKING,
        &tracking::TRACKINGINFO,
        &pause::UNBLOCK,
        &pause::UNPAUSE,
    ],
    run: Run::Container,
    ..CommandSpec::DEFAULT
};
