//! Options of the append-only file.

use crate::spec::{BOOL, COUNT, Effect::*, Kind, TextRule, option, signed_memory, text};

const LATER: &str = "the append-only file";

options! {
    aof: Aof;

    option("appendonly", BOOL, "no", NotYet(LATER), "Keep a log of all writes.").vital(),
    option(
        "appendfsync",
        Kind::Enum(&["everysec", "always", "no"]),
        "everysec",
        NotYet(LATER),
        "When the log is synced: every second, before each reply, or when the kernel likes.",
    ),
    option(
        "appendfilename",
        text(TextRule::FileName { noun: "appendfilename filename", may_be_empty: false }),
        "appendonly.aof",
        NotYet(LATER),
        "How the names of the log's files begin.",
    )
    .immutable(),
    option(
        "appenddirname",
        text(TextRule::FileName { noun: "appenddirname dirname", may_be_empty: false }),
        "appendonlydir",
        NotYet(LATER),
        "Directory in dir for the log's files.",
    )
    .immutable(),
    option("no-appendfsync-on-rewrite", BOOL, "no", NotYet(LATER), "Do not sync the log while it is rewritten."),
    option(
        "auto-aof-rewrite-percentage",
        COUNT,
        "100",
        NotYet(LATER),
        "Growth in percent after which the log is rewritten; 0 never does it.",
    ),
    option(
        "auto-aof-rewrite-min-size",
        signed_memory(0),
        "67108864",
        NotYet(LATER),
        "Bytes below which the log is not rewritten.",
    ),
    option("aof-load-truncated", BOOL, "yes", NotYet(LATER), "Start with a log whose end is missing."),
    option("aof-use-rdb-preamble", BOOL, "yes", NotYet(LATER), "Rewrite the log as a snapshot."),
    option("aof-timestamp-enabled", BOOL, "no", NotYet(LATER), "Write times to the log, to restore up to one."),
    option("aof-rewrite-incremental-fsync", BOOL, "yes", NotYet(LATER), "Sync a rewritten log piece by piece."),
    option("aof-disable-auto-gc", BOOL, "no", NotYet(LATER), "Keep the log's old files.").hidden(),
}
