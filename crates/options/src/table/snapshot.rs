//! Options of RDB files.

use crate::setting::Setting;
use crate::spec::{BOOL, Effect::*, I32_MAX, Kind, Special, TextRule, int, option};

const LATER: &str = "snapshots";

options! {
    snapshot: Snapshot;

    option(
        "save",
        Kind::Special(Special::Save),
        "3600 1 300 100 60 10000",
        NotYet("snapshots (nothing is saved, and all data is gone when the server stops)"),
        "Pairs of seconds and changes: save when that many keys changed in that time; empty never saves.",
    )
    .idle("")
    .multi(),
    option(
        "dbfilename",
        Kind::Text { rule: TextRule::FileName { noun: "dbfilename filename", may_be_empty: true }, keep_empty: true },
        "dump.rdb",
        NotYet(LATER),
        "Name of the RDB file in dir.",
    )
    .protected(),
    option("rdbcompression", BOOL, "yes", Live, "Compress long strings in what DUMP gives, and in RDB files.")
        => rdbcompression: Setting<bool>,
    option("rdbchecksum", BOOL, "yes", NotYet(LATER), "Write a checksum to RDB files, and check it.").immutable(),
    option("stop-writes-on-bgsave-error", BOOL, "yes", NotYet(LATER), "Refuse writes after a snapshot failed."),
    option("rdb-save-incremental-fsync", BOOL, "yes", NotYet(LATER), "Sync an RDB file piece by piece."),
    option(
        "rdb-del-sync-files",
        BOOL,
        "no",
        NotYet(LATER),
        "Delete RDB files of replication when it needs them no more.",
    ),
    option(
        "rdb-version-check",
        Kind::Enum(&["strict", "relaxed"]),
        "strict",
        NotYet(LATER),
        "Whether to refuse RDB files of a later version.",
    ),
    option(
        "sanitize-dump-payload",
        Kind::Enum(&["no", "yes", "clients"]),
        "no",
        NoMeaning("what is loaded is always checked"),
        "Check the inner structure of values that are loaded.",
    ),
    option(
        "rdb-key-save-delay",
        int(-I32_MAX - 1, I32_MAX),
        "0",
        NotYet(LATER),
        "Microseconds to wait after each saved key, for tests.",
    )
    .hidden(),
    option(
        "key-load-delay",
        int(-I32_MAX - 1, I32_MAX),
        "0",
        NotYet(LATER),
        "Microseconds to wait after each loaded key, for tests.",
    )
    .hidden(),
}
