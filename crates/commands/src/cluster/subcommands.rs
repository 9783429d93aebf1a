//! CLUSTER and its subcommands.

use super::disabled;
use crate::help;
use command::CommandSpec;
use command::spec::{ArgSpec, Flags, Group, Run, Shape, block, integer, one_of, string, token};

pub static CLUSTER: CommandSpec = CommandSpec {
    name: "CLUSTER",
    group: Group::Cluster,
    since: "3.0.0",
    summary: "Commands about the cluster.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    subcommands: &[
        &ADDSLOTS,
        &ADDSLOTSRANGE,
        &BUMPEPOCH,
        &COUNT_FAILURE_REPORTS,
        &COUNTKEYSINSLOT,
        &DELSLOTS,
        &DELSLOTSRANGE,
        &FAILOVER,
        &FLUSHSLOTS,
        &FORGET,
        &GETKEYSINSLOT,
        &HELP,
        &INFO,
        &KEYSLOT,
        &LINKS,
        &MEET,
        &MYID,
        &MYSHARDID,
        &NODES,
        &REPLICAS,
        &REPLICATE,
        &RESET,
        &SAVECONFIG,
        &SET_CONFIG_EPOCH,
        &SETSLOT,
        &SHARDS,
        &SLAVES,
        &SLOT_STATS,
        &SLOTS,
    ],
    run: Run::Container,
    ..CommandSpec::DEFAULT
};

const NONDETERMINISTIC: &[&str] = &["nondeterministic_output"];

/// What is asked of a node.
const QUESTION: CommandSpec = CommandSpec {
    group: Group::Cluster,
    since: "3.0.0",
    arity: 2,
    flags: Flags::STALE,
    run: Run::Session(disabled),
    ..CommandSpec::DEFAULT
};

/// What changes a node.
const ORDER: CommandSpec =
    CommandSpec { flags: Flags::ADMIN.or(Flags::STALE).or(Flags::NO_ASYNC_LOADING), reply: Shape::SIMPLE, ..QUESTION };

const SLOTS_GIVEN: &[ArgSpec] = &[integer("slot").multiple()];
const RANGES: &[ArgSpec] = &[block("range", &[integer("start-slot"), integer("end-slot")]).multiple()];
const NODE: &[ArgSpec] = &[string("node-id")];

static ADDSLOTS: CommandSpec = CommandSpec {
    name: "ADDSLOTS",
    summary: "Gives slots to this node.",
    complexity: "O(N) with the number of slots",
    arity: -3,
    args: SLOTS_GIVEN,
    ..ORDER
};

static ADDSLOTSRANGE: CommandSpec = CommandSpec {
    name: "ADDSLOTSRANGE",
    since: "7.0.0",
    summary: "Gives ranges of slots to this node.",
    complexity: "O(N) with the number of slots",
    arity: -4,
    args: RANGES,
    ..ORDER
};

static BUMPEPOCH: CommandSpec =
    CommandSpec { name: "BUMPEPOCH", summary: "Raises the configuration epoch.", tips: NONDETERMINISTIC, ..ORDER };

static COUNT_FAILURE_REPORTS: CommandSpec = CommandSpec {
    name: "COUNT-FAILURE-REPORTS",
    summary: "Counts the nodes that say that a node has failed.",
    complexity: "O(N) with the number of reports",
    arity: 3,
    flags: Flags::ADMIN.or(Flags::STALE),
    args: NODE,
    tips: NONDETERMINISTIC,
    reply: Shape::INTEGER,
    ..QUESTION
};

static COUNTKEYSINSLOT: CommandSpec = CommandSpec {
    name: "COUNTKEYSINSLOT",
    summary: "Counts the keys of a slot.",
    arity: 3,
    args: &[integer("slot")],
    reply: Shape::INTEGER,
    ..QUESTION
};

static DELSLOTS: CommandSpec =
    CommandSpec { name: "DELSLOTS", summary: "Takes slots from the nodes that have them.", ..ADDSLOTS };

static DELSLOTSRANGE: CommandSpec = CommandSpec {
    name: "DELSLOTSRANGE",
    summary: "Takes ranges of slots from the nodes that have them.",
    ..ADDSLOTSRANGE
};

static FAILOVER: CommandSpec = CommandSpec {
    name: "FAILOVER",
    summary: "Makes a replica take the place of its primary.",
    arity: -2,
    args: &[one_of("options", &[token("force", "FORCE"), token("takeover", "TAKEOVER")]).optional()],
    ..ORDER
};

static FLUSHSLOTS: CommandSpec =
    CommandSpec { name: "FLUSHSLOTS", summary: "Makes this node forget who has which slots.", ..ORDER };

static FORGET: CommandSpec =
    CommandSpec { name: "FORGET", summary: "Makes this node forget another.", arity: 3, args: NODE, ..ORDER };

static GETKEYSINSLOT: CommandSpec = CommandSpec {
    name: "GETKEYSINSLOT",
    summary: "Lists keys of a slot.",
    complexity: "O(N) with the number of keys asked for",
    arity: 4,
    args: &[integer("slot"), integer("count")],
    tips: NONDETERMINISTIC,
    reply: Shape::ARRAY,
    ..QUESTION
};

static HELP: CommandSpec = CommandSpec { group: Group::Cluster, run: Run::Session(disabled), ..help::HELP };

static INFO: CommandSpec = CommandSpec {
    name: "INFO",
    summary: "Shows the state of the cluster as this node sees it.",
    tips: NONDETERMINISTIC,
    reply: Shape::VERBATIM,
    ..QUESTION
};

static KEYSLOT: CommandSpec = CommandSpec {
    name: "KEYSLOT",
    summary: "Computes the slot of a key.",
    complexity: "O(N) with the length of the key",
    arity: 3,
    args: &[string("key")],
    reply: Shape::INTEGER,
    ..QUESTION
};

static LINKS: CommandSpec = CommandSpec {
    name: "LINKS",
    since: "7.0.0",
    summary: "Lists the connections between this node and others.",
    complexity: "O(N) with the number of nodes",
    tips: NONDETERMINISTIC,
    reply: Shape::ARRAY,
    ..QUESTION
};

static MEET: CommandSpec = CommandSpec {
    name: "MEET",
    summary: "Introduces this node to another.",
    arity: -4,
    args: &[string("ip"), integer("port"), integer("cluster-bus-port").since("4.0.0").optional()],
    history: &[("4.0.0", "The port of the cluster bus can be given.")],
    ..ORDER
};

static MYID: CommandSpec =
    CommandSpec { name: "MYID", summary: "Shows the identity of this node.", reply: Shape::BULK, ..QUESTION };

static MYSHARDID: CommandSpec = CommandSpec {
    name: "MYSHARDID",
    since: "7.2.0",
    summary: "Shows the identity of this node's shard.",
    tips: NONDETERMINISTIC,
    ..MYID
};

static NODES: CommandSpec = CommandSpec {
    name: "NODES",
    summary: "Describes the nodes of the cluster, a line each.",
    complexity: "O(N) with the number of nodes",
    tips: NONDETERMINISTIC,
    reply: Shape::VERBATIM,
    ..QUESTION
};

static REPLICAS: CommandSpec = CommandSpec {
    name: "REPLICAS",
    since: "5.0.0",
    summary: "Describes the replicas of a primary.",
    complexity: "O(N) with the number of replicas",
    reply: Shape::ARRAY,
    ..COUNT_FAILURE_REPORTS
};

static REPLICATE: CommandSpec =
    CommandSpec { name: "REPLICATE", summary: "Makes this node a replica of another.", arity: 3, args: NODE, ..ORDER };

static RESET: CommandSpec = CommandSpec {
    name: "RESET",
    summary: "Makes this node leave the cluster.",
    complexity: "O(N) with the number of known nodes, and with the number of keys of a replica",
    arity: -2,
    flags: Flags::ADMIN.or(Flags::STALE).or(Flags::NOSCRIPT),
    args: &[one_of("reset-type", &[token("hard", "HARD"), token("soft", "SOFT")]).optional()],
    ..ORDER
};

static SAVECONFIG: CommandSpec =
    CommandSpec { name: "SAVECONFIG", summary: "Writes the configuration of the cluster to disk.", ..ORDER };

static SET_CONFIG_EPOCH: CommandSpec = CommandSpec {
    name: "SET-CONFIG-EPOCH",
    summary: "Sets the configuration epoch of a new node.",
    arity: 3,
    args: &[integer("config-epoch")],
    ..ORDER
};

static SETSLOT: CommandSpec = CommandSpec {
    name: "SETSLOT",
    summary: "Says which node has a slot, or between which it moves.",
    arity: -4,
    args: &[
        integer("slot"),
        one_of(
            "subcommand",
            &[
                string("importing").display("node-id").token("IMPORTING"),
                string("migrating").display("node-id").token("MIGRATING"),
                string("node").display("node-id").token("NODE"),
                token("stable", "STABLE"),
            ],
        ),
    ],
    ..ORDER
};

static SHARDS: CommandSpec = CommandSpec {
    name: "SHARDS",
    since: "7.0.0",
    summary: "Shows the shards of the cluster, with their slots and nodes.",
    complexity: "O(N) with the number of nodes",
    flags: Flags::LOADING.or(Flags::STALE),
    tips: NONDETERMINISTIC,
    reply: Shape::ARRAY,
    ..QUESTION
};

static SLAVES: CommandSpec =
    CommandSpec { name: "SLAVES", since: "3.0.0", deprecated: Some(("5.0.0", "`CLUSTER REPLICAS`")), ..REPLICAS };

static SLOT_STATS: CommandSpec = CommandSpec {
    name: "SLOT-STATS",
    since: "8.2.0",
    summary: "Shows how slots of this node are used.",
    complexity: "O(N) with the number of slots; O(N*log(N)) with ORDERBY",
    arity: -4,
    args: &[one_of(
        "filter",
        &[
            block("slotsrange", &[integer("start-slot"), integer("end-slot")]).token("SLOTSRANGE"),
            block(
                "orderby",
                &[
                    string("metric"),
                    integer("limit").token("LIMIT").optional(),
                    one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]).optional(),
                ],
            )
            .token("ORDERBY"),
        ],
    )],
    tips: &["nondeterministic_output", "request_policy:all_shards"],
    ..SHARDS
};

static SLOTS: CommandSpec = CommandSpec {
    name: "SLOTS",
    since: "3.0.0",
    summary: "Shows which nodes have which slots.",
    deprecated: Some(("7.0.0", "`CLUSTER SHARDS`")),
    history: &[("4.0.0", "Identities of nodes are shown."), ("7.0.0", "More about the nodes' addresses is shown.")],
    ..SHARDS
};
