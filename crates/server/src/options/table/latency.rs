//! Options of the logs of slow commands and of latency statistics.

use crate::options::spec::{BOOL, Effect::*, Kind, LONG_COUNT, OptionSpec, Special, int, option};

const THRESHOLD: Kind = int(-1, i64::MAX);

pub(super) static OPTIONS: &[OptionSpec] = &[
    option(
        "slowlog-log-slower-than",
        THRESHOLD,
        "10000",
        Live,
        "Microseconds above which a command is logged as slow; 0 logs all, -1 none.",
    )
    .alias(&["commandlog-execution-slower-than"]),
    option("slowlog-max-len", LONG_COUNT, "128", Live, "Entries kept in the log of slow commands.")
        .alias(&["commandlog-slow-execution-max-len"]),
    option(
        "commandlog-request-larger-than",
        THRESHOLD,
        "1048576",
        Live,
        "Bytes above which a request is logged as large; -1 logs none.",
    ),
    option("commandlog-large-request-max-len", LONG_COUNT, "128", Live, "Entries kept in the log of large requests."),
    option(
        "commandlog-reply-larger-than",
        THRESHOLD,
        "1048576",
        Live,
        "Bytes above which a reply is logged as large; -1 logs none.",
    ),
    option("commandlog-large-reply-max-len", LONG_COUNT, "128", Live, "Entries kept in the log of large replies."),
    option(
        "latency-monitor-threshold",
        LONG_COUNT,
        "0",
        Live,
        "Milliseconds above which the latency monitor records an event; 0 turns it off.",
    ),
    option("latency-tracking", BOOL, "yes", Live, "Keep a histogram of latency for each command."),
    option(
        "latency-tracking-info-percentiles",
        Kind::Special(Special::Percentiles),
        "50 99 99.9",
        Live,
        "Percentiles of latency that INFO shows.",
    ),
];
