//! Options of when a collection leaves its compact encoding.

use crate::setting::Setting;
use crate::spec::{COUNT, Effect::*, I32_MAX, LONG_COUNT, MEMORY, SIZE, int, option};

options! {
    encoding: Encoding;

    option("hash-max-listpack-entries", SIZE, "512", Live, "Fields above which a hash becomes a table.")
        .alias(&["hash-max-ziplist-entries"]) => hash_max_listpack_entries: Setting<usize>,
    option(
        "hash-max-listpack-value",
        MEMORY,
        "64",
        Live,
        "Bytes of a field or value above which a hash becomes a table.",
    )
    .alias(&["hash-max-ziplist-value"]) => hash_max_listpack_value: Setting<usize>,
    option(
        "list-max-listpack-size",
        int(-I32_MAX - 1, I32_MAX),
        "-2",
        Live,
        "Size of a list's blocks: elements if positive, else -1 to -5 for 4, 8, 16, 32 or 64 kb.",
    )
    .alias(&["list-max-ziplist-size"]) => list_max_listpack_size: Setting<i64>,
    option(
        "list-compress-depth",
        COUNT,
        "0",
        NoMeaning("blocks are packed tightly to begin with, and always ready to be read"),
        "Blocks at each end of a list that stay uncompressed; 0 compresses none.",
    ),
    option("set-max-intset-entries", SIZE, "512", Live, "Members above which a set of integers changes its encoding.")
        => set_max_intset_entries: Setting<usize>,
    option("set-max-listpack-entries", SIZE, "128", Live, "Members above which a set becomes a table.")
        => set_max_listpack_entries: Setting<usize>,
    option("set-max-listpack-value", SIZE, "64", Live, "Bytes of a member above which a set becomes a table.")
        => set_max_listpack_value: Setting<usize>,
    option("zset-max-listpack-entries", SIZE, "128", Live, "Members above which a sorted set becomes a tree.")
        .alias(&["zset-max-ziplist-entries"]) => zset_max_listpack_entries: Setting<usize>,
    option("zset-max-listpack-value", MEMORY, "64", Live, "Bytes of a member above which a sorted set becomes a tree.")
        .alias(&["zset-max-ziplist-value"]) => zset_max_listpack_value: Setting<usize>,
    option("hll-sparse-max-bytes", MEMORY, "3000", Live, "Bytes above which a HyperLogLog becomes dense.")
        => hll_sparse_max_bytes: Setting<usize>,
    option("stream-node-max-bytes", MEMORY, "4096", Live, "Bytes of a stream's block; 0 is no limit.")
        => stream_node_max_bytes: Setting<usize>,
    option("stream-node-max-entries", LONG_COUNT, "100", Live, "Entries of a stream's block; 0 is no limit.")
        => stream_node_max_entries: Setting<i64>,
}
