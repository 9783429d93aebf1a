//! Options of memory, eviction and freeing.

use crate::options::spec::{BOOL, COUNT, Effect::*, Kind, MEMORY, OptionSpec, TEXT, int, memory, option};

const NO_DEFRAG: &str = "the allocator is not defragmented";

pub(super) static OPTIONS: &[OptionSpec] = &[
    option(
        "maxmemory",
        MEMORY,
        "0",
        Live,
        "Bytes of memory above which commands that may need more are refused; 0 is no limit.",
    ),
    option(
        "maxmemory-policy",
        Kind::Enum(&[
            "volatile-lru",
            "volatile-lfu",
            "volatile-random",
            "volatile-ttl",
            "allkeys-lru",
            "allkeys-lfu",
            "allkeys-random",
            "noeviction",
        ]),
        "noeviction",
        Live,
        "Whether objects count idle time or frequency of use. No key is evicted yet, whatever the policy.",
    ),
    option("maxmemory-samples", int(1, 64), "5", NotYet("eviction"), "Keys compared to choose one to evict."),
    option(
        "maxmemory-eviction-tenacity",
        int(0, 100),
        "10",
        NotYet("eviction"),
        "Time that a command may spend on eviction, from 0, little, to 100, no limit.",
    ),
    option("lfu-log-factor", COUNT, "10", Live, "How many accesses the frequency counter takes to saturate."),
    option("lfu-decay-time", COUNT, "1", Live, "Minutes after which the frequency counter falls by one."),
    option("lazyfree-lazy-eviction", BOOL, "no", Live, "Free evicted values in the background."),
    option("lazyfree-lazy-expire", BOOL, "no", Live, "Free expired values in the background."),
    option("lazyfree-lazy-server-del", BOOL, "no", Live, "Free overwritten values in the background."),
    option("lazyfree-lazy-user-del", BOOL, "no", Live, "Make DEL free values in the background, as UNLINK does."),
    option("lazyfree-lazy-user-flush", BOOL, "no", Live, "Make FLUSHALL and FLUSHDB asynchronous by default."),
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
        NotYet("the allocator's own thread"),
        "Let the allocator give memory back in a thread of its own.",
    ),
    option("hash-seed", TEXT, "", NoMeaning("the seed is always random"), "Seed of the hash function.")
        .immutable_here(),
];
