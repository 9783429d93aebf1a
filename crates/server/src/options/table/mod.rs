//! The declarations of all options, by topic, and the search by name.
//!
//! `CONFIG GET` answers in the order of this list. To add an option, declare it in the file of its topic;
//! nothing else needs to be told. Which names and defaults must be here is checked against a list captured
//! from Redis (`testing/reference/config-get-redis-8.2.tsv`).

mod aof;
mod cluster;
mod encoding;
mod general;
mod latency;
mod limits;
mod memory;
mod network;
mod replication;
mod snapshot;
mod tls;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::spec::OptionSpec;

/// The topics, in the order of the documentation.
pub(super) static TOPICS: &[(&str, &[OptionSpec])] = &[
    ("Network", network::OPTIONS),
    ("General", general::OPTIONS),
    ("Limits", limits::OPTIONS),
    ("Memory and eviction", memory::OPTIONS),
    ("Encodings", encoding::OPTIONS),
    ("Latency and slow commands", latency::OPTIONS),
    ("Snapshots", snapshot::OPTIONS),
    ("Append-only file", aof::OPTIONS),
    ("Replication", replication::OPTIONS),
    ("Cluster", cluster::OPTIONS),
    ("TLS", tls::OPTIONS),
];

/// An option found by one of its names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Its position in the table.
    pub at: usize,
    /// The name it was found by, in lower case.
    pub name: &'static str,
    pub spec: &'static OptionSpec,
}

static TABLE: LazyLock<Vec<&'static OptionSpec>> =
    LazyLock::new(|| TOPICS.iter().flat_map(|(_, options)| options.iter()).collect());

static BY_NAME: LazyLock<HashMap<&'static str, Found>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for (at, spec) in TABLE.iter().enumerate() {
        for name in std::iter::once(&spec.name).chain(spec.aliases) {
            names.insert(*name, Found { at, name, spec });
        }
    }
    names
});

/// All options, in order.
#[must_use]
pub fn table() -> &'static [&'static OptionSpec] {
    &TABLE
}

/// The option with this name or alias, in any case.
#[must_use]
pub fn find(name: &[u8]) -> Option<&'static OptionSpec> {
    lookup(name).map(|found| found.spec)
}

/// As `find`, with the position and the name as it is declared.
pub(super) fn lookup(name: &[u8]) -> Option<Found> {
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    BY_NAME.get(name.as_str()).copied()
}
