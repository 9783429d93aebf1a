//! Options of the logs of slow commands and of latency statistics.

use crate::setting::Setting;
use crate::spec::{BOOL, Effect::*, Kind, LONG_COUNT, Special, int, option};

const THRESHOLD: Kind = int(-1, i64::MAX);

options! {
    latency: Latency;

    option(
        "slowlog-log-slower-than",
        THRESHOLD,
        "10000",
        Live,
        "Microseconds above which a command is logged as slow; 0 logs all, -1 none.",
    )
    .alias(&["commandlog-execution-slower-than"]) => slowlog_log_slower_than: Setting<i64>,
    option("slowlog-max-len", LONG_COUNT, "128", Live, "Entries kept in the log of slow commands.")
        .alias(&["commandlog-slow-execution-max-len"]) => slowlog_max_len: Setting<usize>,
    option(
        "commandlog-request-larger-than",
        THRESHOLD,
        "1048576",
        Live,
        "Bytes above which a request is logged as large; -1 logs none.",
    ) => commandlog_request_larger_than: Setting<i64>,
    option("commandlog-large-request-max-len", LONG_COUNT, "128", Live, "Entries kept in the log of large requests.")
        => commandlog_large_request_max_len: Setting<usize>,
    option(
        "commandlog-reply-larger-than",
        THRESHOLD,
        "1048576",
        Live,
        "Bytes above which a reply is logged as large; -1 logs none.",
    ) => commandlog_reply_larger_than: Setting<i64>,
    option("commandlog-large-reply-max-len", LONG_COUNT, "128", Live, "Entries kept in the log of large replies.")
        => commandlog_large_reply_max_len: Setting<usize>,
    option(
        "latency-monitor-threshold",
        LONG_COUNT,
        "0",
        Live,
        "Milliseconds above which the latency monitor records an event; 0 turns it off.",
    ) => latency_monitor_threshold: Setting<u64>,
    option("latency-tracking", BOOL, "yes", Live, "Keep a histogram of latency for each command.")
        => latency_tracking: Setting<bool>,
    option(
        "latency-tracking-info-percentiles",
        Kind::Special(Special::Percentiles),
        "50 99 99.9",
        Live,
        "Percentiles of latency that INFO shows.",
    ),
}
