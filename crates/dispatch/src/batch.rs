//! The parsed commands of a turn, by connection, and fetching what they need into the cache.

use command::stats::WorkerStats;
use command::{Args, Server};
use engine::Key;
use resp::Arg;
use smallvec::SmallVec;
use std::ops::Range;
use value::probe::{PROBES, Probe};

/// A key found by the plan: its word, and where it lives.
#[derive(Clone, Copy)]
pub(crate) struct PlannedKey {
    pub word: Arg,
    pub hash: u64,
    pub shard: u16,
    pub db: u32,
}

impl PlannedKey {
    pub fn key(self, buf: &[u8]) -> Key<'_> {
        Key { bytes: self.word.of(buf), hash: self.hash, shard: self.shard }
    }
}

/// A parsed command.
pub(crate) struct Parsed {
    /// Dense id, or `None` when the words call nothing: looked up again for the error.
    pub command: Option<usize>,
    pub words: Range<usize>,
    pub keys: Range<usize>,
    /// The key specs did not fit the words.
    pub invalid_keys: bool,
    pub bytes: usize,
}

/// The parsed commands of one connection.
pub(crate) struct ParsedBatch {
    pub commands: Range<usize>,
    pub end: End,
}

/// What follows the commands of a parsed batch.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// The rest, from `at` on, is no whole command.
    Incomplete {
        at: usize,
        need: usize,
    },
    /// The parsed batch is full; there may be more from `at` on.
    Full {
        at: usize,
    },
    Error(resp::ProtocolError),
}

/// How far keys were fetched into the cache: those whose buckets, and those whose entries were asked for, counted from
/// the first.
#[derive(Clone, Copy, Default)]
pub(crate) struct Fetched {
    buckets: usize,
    entries: usize,
}

/// Keys that are fetched together, so that the processor looks up the pages of several at once; few enough for all that
/// is fetched to stay in the nearest cache until its turn.
const TOGETHER: usize = 32;

impl Fetched {
    /// Makes sure that the keys up to `end` were fetched: if not, fetches the entries of the next [`TOGETHER`], and the
    /// buckets of as many behind them.
    #[inline]
    pub fn advance(&mut self, server: &Server, stats: &WorkerStats, keys: &[PlannedKey], end: usize) {
        if end > self.entries {
            self.fetch(server, stats, keys, end);
        }
    }

    fn fetch(&mut self, server: &Server, stats: &WorkerStats, keys: &[PlannedKey], end: usize) {
        let entries = end.max(self.entries + TOGETHER).min(keys.len());
        let buckets = (entries + TOGETHER).min(keys.len());
        let keyspace = &server.keyspace;
        prefetch(&keys[self.buckets..buckets], |key| keyspace.bucket_address(key.db as usize, key.shard, key.hash), 1);
        prefetch(&keys[self.entries..entries], |key| keyspace.entry_address(key.db as usize, key.shard, key.hash), 2);
        stats.prefetches.add(1);
        stats.prefetched_keys.add((entries - self.entries) as u64);
        *self = Fetched { buckets, entries };
    }
}

/// Prefetches so many cache lines of each key, beginning at the address that `locate` gives. All addresses are found
/// first: with nothing between them, prefetches overlap best.
#[inline]
fn prefetch(keys: &[PlannedKey], locate: impl Fn(&PlannedKey) -> usize, lines: usize) {
    let mut addresses = [0; TOGETHER];
    for keys in keys.chunks(TOGETHER) {
        for (address, key) in addresses.iter_mut().zip(keys) {
            *address = locate(key);
        }
        for &address in addresses[..keys.len()].iter().filter(|&&address| address != 0) {
            for line in 0..lines {
                structures::prefetch::prefetch_read(std::ptr::without_provenance::<u8>(address + 64 * line));
            }
        }
    }
}

/// Fetches the elements that commands from the first on will look for, as long as all have the same key; returns how
/// many commands that were. Like `Fetched`, for what lies behind a single key.
pub(crate) fn prefetch_elements(
    server: &Server,
    input: &[u8],
    words: &[Arg],
    keys: &[PlannedKey],
    commands: &[Parsed],
) -> usize {
    let key_of = |parsed: &Parsed| match &keys[parsed.keys.clone()] {
        [key] => Some(*key),
        _ => None,
    };
    let Some(first) = commands.first().and_then(key_of) else { return 1 };
    let mut probes: SmallVec<[Probe<'_>; PROBES]> = SmallVec::new();
    let mut covered = 0;
    for parsed in commands {
        let elements = parsed.command.and_then(|id| server.registry.by_id(id).spec.elements);
        let (Some(elements), Some(key)) = (elements, key_of(parsed)) else { break };
        if probes.len() == PROBES || (key.hash, key.db) != (first.hash, first.db) {
            break;
        }
        let args = Args::new(input, &words[parsed.words.clone()]);
        probes.extend(elements.probes(args).take(PROBES - probes.len()));
        covered += 1;
    }
    // A single one would gain nothing.
    if probes.len() > 1 {
        server.keyspace.prefetch_elements(first.db as usize, first.shard, first.hash, &probes);
    }
    covered.max(1)
}

/// Room for the commands of a turn, used again for every turn.
#[derive(Default)]
pub struct Batch {
    pub(crate) parsed: Vec<Parsed>,
    pub(crate) words: Vec<Arg>,
    pub(crate) keys: Vec<PlannedKey>,
    pub(crate) by_connection: Vec<ParsedBatch>,
    /// The parsed batch that `run_next` runs.
    pub(crate) next: usize,
    pub(crate) fetched: Fetched,
}

impl Batch {
    /// Keys that the by_connection name.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// Words kept for the next turn; what a command of very many words took is given back.
    const WORDS_KEPT: usize = 1 << 14;

    pub(crate) fn clear(&mut self) {
        self.parsed.clear();
        self.words.clear();
        self.keys.clear();
        self.by_connection.clear();
        self.next = 0;
        self.fetched = Fetched::default();
        if self.words.capacity() > Self::WORDS_KEPT {
            self.words.shrink_to(Self::WORDS_KEPT);
            self.keys.shrink_to(Self::WORDS_KEPT);
        }
    }

    /// Forgets the last parsed batch.
    pub(crate) fn pop_last(&mut self) {
        let Some(current) = self.by_connection.pop() else { return };
        if let Some(first) = self.parsed.get(current.commands.start) {
            self.words.truncate(first.words.start);
            self.keys.truncate(first.keys.start);
        }
        self.parsed.truncate(current.commands.start);
        let keys = self.keys.len();
        self.fetched = Fetched { buckets: self.fetched.buckets.min(keys), entries: self.fetched.entries.min(keys) };
    }
}
