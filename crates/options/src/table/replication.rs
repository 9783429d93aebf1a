//! Options of primaries and replicas.

use crate::spec::{BOOL, COUNT, Effect::*, I32_MAX, Kind, LONG_COUNT, PORT, Special, TEXT, int, option, signed_memory};

const LATER: &str = "replication";

options! {
    replication: Replication;

    option(
        "replicaof",
        Kind::Special(Special::ReplicaOf),
        "",
        NotYet(LATER),
        "Host and port of the primary to follow.",
    )
    .alias(&["slaveof"])
    .immutable()
    .vital(),
    option("masterauth", TEXT, "", NotYet(LATER), "Password that a replica gives to its primary.")
        .alias(&["primaryauth"])
        .secret(),
    option("masteruser", TEXT, "", NotYet(LATER), "User that a replica gives to its primary.")
        .alias(&["primaryuser"])
        .secret(),
    option("replica-serve-stale-data", BOOL, "yes", NotYet(LATER), "Answer while the link to the primary is down.")
        .alias(&["slave-serve-stale-data"]),
    option("replica-read-only", BOOL, "yes", NotYet(LATER), "Refuse writes on a replica.").alias(&["slave-read-only"]),
    option("replica-priority", COUNT, "100", NotYet(LATER), "Rank for promotion, lowest first; 0 is never promoted.")
        .alias(&["slave-priority"]),
    option("replica-announced", BOOL, "yes", NotYet(LATER), "Show the replica to Sentinel."),
    option("replica-announce-ip", TEXT, "", NotYet(LATER), "Address that a replica tells its primary.")
        .alias(&["slave-announce-ip"]),
    option("replica-announce-port", PORT, "0", NotYet(LATER), "Port that a replica tells its primary; 0 is its own.")
        .alias(&["slave-announce-port"]),
    option("replica-ignore-maxmemory", BOOL, "yes", NotYet(LATER), "Leave eviction to the primary.")
        .alias(&["slave-ignore-maxmemory"]),
    option("replica-lazy-flush", BOOL, "no", NotYet(LATER), "Free old data in the background before a full sync.")
        .alias(&["slave-lazy-flush"]),
    option("replica-ignore-disk-write-errors", BOOL, "no", NotYet(LATER), "Go on when a replica cannot write to disk."),
    option(
        "replica-full-sync-buffer-limit",
        signed_memory(0),
        "0",
        NotYet(LATER),
        "Bytes of writes kept during a full sync; 0 takes the limit of the output buffer.",
    ),
    option("repl-ping-replica-period", int(1, I32_MAX), "10", NotYet(LATER), "Seconds between pings to replicas.")
        .alias(&["repl-ping-slave-period"]),
    option("repl-timeout", int(1, I32_MAX), "60", NotYet(LATER), "Seconds of silence after which a link is down."),
    option(
        "repl-backlog-size",
        signed_memory(1),
        "1048576",
        NotYet(LATER),
        "Bytes of the stream kept for replicas that come back.",
    ),
    option(
        "repl-backlog-ttl",
        LONG_COUNT,
        "3600",
        NotYet(LATER),
        "Seconds without replicas after which it is freed; 0 never.",
    ),
    option("repl-disable-tcp-nodelay", BOOL, "no", NotYet(LATER), "Send fewer and later packets to replicas."),
    option("repl-diskless-sync", BOOL, "yes", NotYet(LATER), "Send a full sync without a file in between."),
    option(
        "repl-diskless-sync-delay",
        COUNT,
        "5",
        NotYet(LATER),
        "Seconds to wait for more replicas before a full sync.",
    ),
    option("repl-diskless-sync-max-replicas", COUNT, "0", NotYet(LATER), "Replicas that end the wait; 0 is no limit."),
    option(
        "repl-diskless-load",
        Kind::Enum(&["disabled", "on-empty-db", "swapdb"]),
        "disabled",
        NotYet(LATER),
        "When a replica loads a full sync without a file in between.",
    ),
    option("repl-rdb-channel", BOOL, "yes", NotYet(LATER), "Send a full sync over a connection of its own.").hidden(),
    option(
        "repl-mptcp",
        BOOL,
        "no",
        NoMeaning("multipath TCP is not supported"),
        "Follow the primary with multipath TCP.",
    )
    .immutable_here(),
    option(
        "dual-channel-replication-enabled",
        BOOL,
        "no",
        NotYet(LATER),
        "Send a full sync and the stream at the same time.",
    ),
    option(
        "min-replicas-to-write",
        COUNT,
        "0",
        NotYet(LATER),
        "Replicas without which writes are refused; 0 needs none.",
    )
    .alias(&["min-slaves-to-write"])
    .vital(),
    option("min-replicas-max-lag", COUNT, "10", NotYet(LATER), "Seconds of lag after which a replica does not count.")
        .alias(&["min-slaves-max-lag"]),
    option(
        "propagation-error-behavior",
        Kind::Enum(&["ignore", "panic", "panic-on-replicas"]),
        "ignore",
        NotYet(LATER),
        "What to do when a command from the primary or the log fails.",
    ),
}
