//! Options of when a collection leaves its compact encoding.

use crate::options::spec::{COUNT, Effect::*, I32_MAX, LONG_COUNT, MEMORY, OptionSpec, SIZE, int, option};

pub(super) static OPTIONS: &[OptionSpec] = &[
    option("hash-max-listpack-entries", SIZE, "512", Live, "Fields above which a hash becomes a table.")
        .alias(&["hash-max-ziplist-entries"]),
    option(
        "hash-max-listpack-value",
        MEMORY,
        "64",
        Live,
        "Bytes of a field or value above which a hash becomes a table.",
    )
    .alias(&["hash-max-ziplist-value"]),
    option(
        "list-max-listpack-size",
        int(-I32_MAX - 1, I32_MAX),
        "-2",
        Live,
        "Size of a list's blocks: elements if positive, else -1 to -5 for 4, 8, 16, 32 or 64 kb.",
    )
    .alias(&["list-max-ziplist-size"]),
    option(
        "list-compress-depth",
        COUNT,
        "0",
        Live,
        "Blocks at each end of a list that stay uncompressed; 0 compresses none.",
    ),
    option("set-max-intset-entries", SIZE, "512", Live, "Members above which a set of integers changes its encoding."),
    option("set-max-listpack-entries", SIZE, "128", Live, "Members above which a set becomes a table."),
    option("set-max-listpack-value", SIZE, "64", Live, "Bytes of a member above which a set becomes a table."),
    option("zset-max-listpack-entries", SIZE, "128", Live, "Members above which a sorted set becomes a tree.")
        .alias(&["zset-max-ziplist-entries"]),
    option("zset-max-listpack-value", MEMORY, "64", Live, "Bytes of a member above which a sorted set becomes a tree.")
        .alias(&["zset-max-ziplist-value"]),
    option("hll-sparse-max-bytes", MEMORY, "3000", Live, "Bytes above which a HyperLogLog becomes dense."),
    option("stream-node-max-bytes", MEMORY, "4096", Live, "Bytes of a stream's block; 0 is no limit."),
    option("stream-node-max-entries", LONG_COUNT, "100", Live, "Entries of a stream's block; 0 is no limit."),
];
