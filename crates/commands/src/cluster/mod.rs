//! Commands of group cluster, as a server answers that is in no cluster: with one error for all of them.
//!
//! Their specs are whole, because clients read them (COMMAND INFO), and arity is checked before anything else.

mod subcommands;

use command::spec::{Category, Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, pattern, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static COMMANDS: &[&CommandSpec] = &[&ASKING, &subcommands::CLUSTER, &CLUSTERSCAN, &READONLY, &READWRITE];

/// What commands about the connection have in common.
const CONNECTION: CommandSpec = CommandSpec {
    group: Group::Cluster,
    since: "3.0.0",
    arity: 1,
    flags: Flags::LOADING.or(Flags::STALE).or(Flags::FAST),
    acl_extra: &[Category::Connection],
    reply: Shape::SIMPLE,
    run: Run::Session(disabled),
    ..CommandSpec::DEFAULT
};

static ASKING: CommandSpec = CommandSpec {
    name: "ASKING",
    summary: "Lets the next command use a slot that this node is about to take over.",
    flags: Flags::FAST,
    ..CONNECTION
};

static READONLY: CommandSpec =
    CommandSpec { name: "READONLY", summary: "Lets this connection read from a replica of the cluster.", ..CONNECTION };

static READWRITE: CommandSpec = CommandSpec {
    name: "READWRITE",
    summary: "Sends reads of this connection to primaries of the cluster again.",
    ..CONNECTION
};

/// Of Valkey 9.1. The cursor stands where a key would, because it says which slot is visited.
static CLUSTERSCAN: CommandSpec = CommandSpec {
    name: "CLUSTERSCAN",
    group: Group::Cluster,
    since: "9.1.0",
    summary: "Visits the keys of the cluster, slot by slot.",
    complexity: "O(N) with the number of keys returned",
    arity: -2,
    flags: Flags::READONLY.or(Flags::EXTENSION),
    acl_extra: &[Category::Keyspace],
    keys: &[KeySpec::at(1, KeyFlags::NOT_KEY)],
    args: &[
        string("cursor"),
        pattern("match-pattern").token("MATCH").optional(),
        integer("count").token("COUNT").optional(),
        string("type").token("TYPE").optional(),
        integer("slot").token("SLOT").optional(),
    ],
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    reply: Shape::ARRAY,
    run: Run::Session(disabled),
    ..CommandSpec::DEFAULT
};

fn disabled(_: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    Err(CommandError::NO_CLUSTER)
}
