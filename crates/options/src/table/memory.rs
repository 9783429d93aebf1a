//! Options of memory, eviction and freeing.

use crate::setting::{Policy, Setting};
use crate::spec::{Action, BOOL, COUNT, Effect::*, Kind, MEMORY, TEXT, int, memory, option};

const NO_DEFRAG: &str = "the allocator is not defragmented";

options! {
    memory: Memory;

    option(
        "maxmemory",
        MEMORY,
        "0",
        Live,
        "Bytes of memory above which commands that may need more are refused; 0 is no limit.",
    ) => maxmemory: Setting<u64>,
    option(
        "maxmemory-policy",
        Kind::Enum(Policy::WORDS),
        "noeviction",
        NotYet("eviction (the policy only decides whether keys count idle time or frequency of use)"),
        "Which keys make room when maxmemory is reached.",
    ) => maxmemory_policy: Setting<Policy>,
    option("maxmemory-samples", int(1, 64), "5", NotYet("eviction"), "Keys compared to choose one to evict."),
    option(
        "maxmemory-eviction-tenacity",
        int(0, 100),
        "10",
        NotYet("eviction"),
        "Time that a command may spend on eviction, from 0, little, to 100, no limit.",
    ),
    option("lfu-log-factor", COUNT, "10", Live, "How many accesses the frequency counter takes to saturate.")
        => lfu_log_factor: Setting<u32>,
    option("lfu-decay-time", COUNT, "1", Live, "Minutes after which the frequency counter falls by one.")
        => lfu_decay_time: Setting<u32>,
    option("lazyfree-lazy-eviction", BOOL, "no", NotYet("eviction"), "Free evicted values in the background."),
    option(
        "lazyfree-lazy-expire",
        BOOL,
        "no",
        Live,
        "Log the end of expired keys as UNLINK, not DEL; large values are always freed in the background.",
    )
        => lazyfree_lazy_expire: Setting<bool>,
    option(
        "lazyfree-lazy-server-del",
        BOOL,
        "no",
        Live,
        "Log keys that other commands delete as UNLINK, not DEL; large values are always freed in the background.",
    )
        => lazyfree_lazy_server_del: Setting<bool>,
    option(
        "lazyfree-lazy-user-del",
        BOOL,
        "no",
        NoMeaning("DEL always frees large values in the background, as UNLINK does"),
        "Make DEL free values in the background, as UNLINK does.",
    ),
    option("lazyfree-lazy-user-flush", BOOL, "no", Live, "Make FLUSHALL and FLUSHDB asynchronous by default.")
        => lazyfree_lazy_user_flush: Setting<bool>,
    option("activerehashing", BOOL, "yes", NoMeaning("growth is always incremental"), "Rehash in the background."),
    option("activedefrag", BOOL, "no", NoMeaning(NO_DEFRAG), "Move values to defragment memory."),
    option(
        "active-defrag-ignore-bytes",
        memory(1),
        "104857600",
        NoMeaning(NO_DEFRAG),
        "Wasted bytes below which nothing is moved.",
    ),
    option(
        "active-defrag-threshold-lower",
        int(0, 1000),
        "10",
        NoMeaning(NO_DEFRAG),
        "Percent wasted at which to start.",
    ),
    option(
        "active-defrag-threshold-upper",
        int(0, 1000),
        "100",
        NoMeaning(NO_DEFRAG),
        "Percent wasted at which to work hardest.",
    ),
    option("active-defrag-cycle-min", int(1, 99), "1", NoMeaning(NO_DEFRAG), "Least percent of time for it."),
    option("active-defrag-cycle-max", int(1, 99), "25", NoMeaning(NO_DEFRAG), "Most percent of time for it."),
    option("active-defrag-cycle-us", int(0, 100_000), "500", NoMeaning(NO_DEFRAG), "Microseconds of work at a time."),
    option(
        "active-defrag-max-scan-fields",
        int(1, i64::MAX),
        "1000",
        NoMeaning(NO_DEFRAG),
        "Elements above which a collection is visited in steps.",
    ),
    option(
        "jemalloc-bg-thread",
        BOOL,
        "yes",
        Live,
        "Let the allocator give memory back in a thread of its own.",
    )
    .action(Action::AllocatorThread),
    option("hash-seed", TEXT, "", NoMeaning("the seed is always random"), "Seed of the hash function.")
        .immutable_here(),
}
