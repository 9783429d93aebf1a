//! Options of the cluster.

use crate::spec::{
    BOOL, COUNT, Effect::*, I32_MAX, Kind, LONG_COUNT, MEMORY, PORT, TEXT, TextRule, int, option, signed_memory, text,
};

const LATER: &str = "the cluster";

options! {
    cluster: Cluster;

    option("cluster-enabled", BOOL, "no", NotYet(LATER), "Be a node of a cluster.").immutable().vital(),
    option(
        "cluster-config-file",
        TEXT,
        "nodes.conf",
        NotYet(LATER),
        "File in which a node keeps its view of the cluster.",
    )
    .immutable(),
    option(
        "cluster-config-save-behavior",
        Kind::Enum(&["sync", "best-effort"]),
        "sync",
        NotYet(LATER),
        "Whether a node stops when it cannot write that file.",
    ),
    option("cluster-port", PORT, "0", NotYet(LATER), "Port of the cluster bus; 0 is the port plus 10000.").immutable(),
    option(
        "cluster-node-timeout",
        LONG_COUNT,
        "15000",
        NotYet(LATER),
        "Milliseconds of silence after which a node is down.",
    ),
    option("cluster-ping-interval", LONG_COUNT, "0", NotYet(LATER), "Milliseconds between pings of the cluster bus.")
        .hidden(),
    option(
        "cluster-replica-validity-factor",
        COUNT,
        "10",
        NotYet(LATER),
        "Timeouts without the primary after which a replica is too old.",
    )
    .alias(&["cluster-slave-validity-factor"]),
    option("cluster-replica-no-failover", BOOL, "no", NotYet(LATER), "Never promote this replica.")
        .alias(&["cluster-slave-no-failover"]),
    option(
        "cluster-migration-barrier",
        COUNT,
        "1",
        NotYet(LATER),
        "Replicas that a primary keeps when others need one.",
    ),
    option(
        "cluster-allow-replica-migration",
        BOOL,
        "yes",
        NotYet(LATER),
        "Let replicas move to primaries that have none.",
    ),
    option("cluster-require-full-coverage", BOOL, "yes", NotYet(LATER), "Refuse commands while a slot has no node."),
    option("cluster-allow-reads-when-down", BOOL, "no", NotYet(LATER), "Answer reads while the cluster is down."),
    option(
        "cluster-allow-pubsubshard-when-down",
        BOOL,
        "yes",
        NotYet(LATER),
        "Publish on shard channels while the cluster is down.",
    ),
    option(
        "cluster-link-sendbuf-limit",
        MEMORY,
        "0",
        NotYet(LATER),
        "Bytes waiting on a link of the bus that drop it; 0 is no limit.",
    ),
    option("cluster-announce-ip", TEXT, "", NotYet(LATER), "Address that the node gives to others."),
    option("cluster-announce-port", PORT, "0", NotYet(LATER), "Port that the node gives to others; 0 is its own."),
    option(
        "cluster-announce-tls-port",
        PORT,
        "0",
        NotYet(LATER),
        "TLS port that the node gives to others; 0 is its own.",
    ),
    option(
        "cluster-announce-bus-port",
        PORT,
        "0",
        NotYet(LATER),
        "Port of the bus that the node gives to others; 0 is its own.",
    ),
    option(
        "cluster-announce-hostname",
        text(TextRule::HostName),
        "",
        NotYet(LATER),
        "Host name that the node gives to clients.",
    ),
    option("cluster-announce-human-nodename", TEXT, "", NotYet(LATER), "Name of the node in messages."),
    option(
        "cluster-announce-client-ipv4",
        text(TextRule::Ipv4),
        "",
        NotYet(LATER),
        "IPv4 address that the node gives to clients.",
    ),
    option(
        "cluster-announce-client-ipv6",
        text(TextRule::Ipv6),
        "",
        NotYet(LATER),
        "IPv6 address that the node gives to clients.",
    ),
    option(
        "cluster-announce-client-port",
        PORT,
        "0",
        NotYet(LATER),
        "Port that the node gives to clients; 0 is its own.",
    ),
    option(
        "cluster-announce-client-tls-port",
        PORT,
        "0",
        NotYet(LATER),
        "TLS port that the node gives to clients; 0 is its own.",
    ),
    option(
        "cluster-preferred-endpoint-type",
        Kind::Enum(&["ip", "hostname", "unknown-endpoint"]),
        "ip",
        NotYet(LATER),
        "What clients are told to connect to.",
    ),
    option("cluster-slot-stats-enabled", BOOL, "no", NotYet(LATER), "Keep statistics per slot."),
    option(
        "cluster-compatibility-sample-ratio",
        int(0, 100),
        "0",
        NotYet(LATER),
        "Percent of commands checked for what a cluster would refuse.",
    ),
    option("cluster-databases", int(1, I32_MAX), "1", NotYet(LATER), "Number of databases of a cluster.")
        .immutable_here(),
    option(
        "cluster-blacklist-ttl",
        int(i64::MIN, i64::MAX),
        "60",
        NotYet(LATER),
        "Seconds for which a forgotten node stays away.",
    ),
    option(
        "cluster-manual-failover-timeout",
        int(1, I32_MAX),
        "5000",
        NotYet(LATER),
        "Milliseconds that a manual failover may take.",
    ),
    option(
        "cluster-slot-migration-log-max-len",
        LONG_COUNT,
        "1000",
        NotYet(LATER),
        "Entries kept about past slot migrations.",
    ),
    option(
        "slot-migration-max-failover-repl-bytes",
        signed_memory(0),
        "0",
        NotYet(LATER),
        "Bytes a migrating slot may lag behind when it changes its owner.",
    ),
}
