//! Options of what a client may use.

use crate::setting::{BufferLimitsSetting, Setting};
use crate::spec::{Action, BOOL, Effect::*, Kind, LONG_COUNT, SIZE, Special, int, memory, option, signed_memory};

/// The least that Redis allows for the two limits on input.
const ONE_MB: u64 = 1 << 20;

options! {
    limits: Limits;

    option(
        "maxclients",
        Kind::UInt { min: 1, max: u32::MAX as u64 },
        "10000",
        Live,
        "Clients that may be connected at the same time.",
    )
    .action(Action::MakeRoom) => maxclients: Setting<usize>,
    option(
        "client-output-buffer-limit",
        Kind::Special(Special::BufferLimits),
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        Live,
        "Per class, bytes of unread replies that drop a client: hard, soft, seconds of soft.",
    )
    .multi() => client_output_buffer_limit: BufferLimitsSetting,
    option(
        "client-query-buffer-limit",
        memory(ONE_MB),
        "1073741824",
        Live,
        "Bytes that a client may send before its commands are run.",
    ) => client_query_buffer_limit: Setting<u64>,
    option("proto-max-bulk-len", signed_memory(ONE_MB), "536870912", Live, "Bytes of the longest argument.")
        => proto_max_bulk_len: Setting<u64>,
    option(
        "maxmemory-clients",
        Kind::MemoryOrPercent,
        "0",
        NotYet("eviction of clients"),
        "Memory of all clients, in bytes or percent of maxmemory, above which the largest go; 0 is no limit.",
    ),
    option(
        "busy-reply-threshold",
        LONG_COUNT,
        "5000",
        NotYet("scripts"),
        "Milliseconds after which other clients are told that a script is busy.",
    )
    .alias(&["lua-time-limit"]),
    option(
        "lua-enable-deprecated-api",
        BOOL,
        "no",
        NotYet("scripts"),
        "Offer the parts of the Lua library that were withdrawn.",
    )
    .immutable()
    .hidden(),
    option(
        "tracking-table-max-keys",
        SIZE,
        "1000000",
        Live,
        "Keys that are remembered for client tracking; 0 is no limit.",
    ) => tracking_table_max_keys: Setting<usize>,
    option(
        "prefetch-batch-max-size",
        int(0, 128),
        "16",
        NoMeaning("batches follow the event loop"),
        "Commands whose keys are fetched ahead.",
    ),
    option(
        "vset-force-single-threaded-execution",
        BOOL,
        "no",
        NotYet("vector sets"),
        "Search vector sets in the client's own thread.",
    ),
    option(
        "loading-process-events-interval-bytes",
        int(1024, i32::MAX as i64),
        "524288",
        NoMeaning("loading does not block the event loops"),
        "Bytes loaded between looks at the clients.",
    )
    .hidden(),
    option(
        "active-expire-effort",
        int(1, 10),
        "1",
        NoMeaning("keys are indexed by deadline"),
        "Effort of finding expired keys.",
    ),
    option(
        "lazyexpire-nested-arbitrary-keys",
        BOOL,
        "yes",
        NoMeaning("an expired key is never seen"),
        "Delete expired keys met by a command that does not name them.",
    )
    .hidden(),
}
