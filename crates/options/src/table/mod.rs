//! The declarations of all options, by topic, and the search by name.
//!
//! `CONFIG GET` answers in the order of this list. To add an option, declare it in the file of its topic. A row that
//! ends in `=> name: type` makes a field of [`Tunables`], `tunables.topic.name`, for those who read the option while
//! the server runs; the others are read through [`Options`](crate::Options) at start. Which names and defaults must
//! be here is checked against a list captured from Redis (`testing/reference/config-get-redis-8.2.tsv`).

/// Declares the options of a topic: the static `OPTIONS`, and a struct with a field for each row that has a target.
///
/// `timeouts: Timeouts; option("timeout", ..) => timeout: Setting<u64>, option("port", ..)` makes
/// `struct Timeouts { pub timeout: Setting<u64> }` and two rows, the first of which leads to that field.
macro_rules! options {
    ($topic:ident: $Topic:ident; $($row:expr $(=> $field:ident: $type:ty)?),* $(,)?) => {
        /// The options of this topic that are read while the server runs.
        #[derive(Debug, Default)]
        pub struct $Topic {
            $($(pub $field: $type,)?)*
        }

        pub(super) static OPTIONS: &[crate::spec::OptionSpec] =
            &[$($row$(.to(|tunables| &tunables.$topic.$field))?),*];
    };
}

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

use crate::parse::initial;
use crate::spec::OptionSpec;

/// The topics, in the order of the documentation.
pub(crate) static TOPICS: &[(&str, &[OptionSpec])] = &[
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

/// The values of options that are read while the server runs, by topic: each always has the value that the store has.
#[derive(Debug)]
pub struct Tunables {
    pub network: network::Network,
    pub general: general::General,
    pub limits: limits::Limits,
    pub memory: memory::Memory,
    pub encoding: encoding::Encoding,
    pub latency: latency::Latency,
    pub snapshot: snapshot::Snapshot,
    pub aof: aof::Aof,
    pub replication: replication::Replication,
    pub cluster: cluster::Cluster,
    pub tls: tls::Tls,
}

impl Default for Tunables {
    /// The defaults of the table.
    fn default() -> Tunables {
        let tunables = Tunables {
            network: Default::default(),
            general: Default::default(),
            limits: Default::default(),
            memory: Default::default(),
            encoding: Default::default(),
            latency: Default::default(),
            snapshot: Default::default(),
            aof: Default::default(),
            replication: Default::default(),
            cluster: Default::default(),
            tls: Default::default(),
        };
        for spec in table().iter().filter(|spec| spec.target.is_some()) {
            spec.publish(&tunables, &initial(spec));
        }
        tunables
    }
}

impl Tunables {
    /// Whether a connection has to say AUTH.
    pub fn needs_password(&self) -> bool {
        !self.general.requirepass.is_empty()
    }
}

/// An option found by one of its names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
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
pub(crate) fn lookup(name: &[u8]) -> Option<Found> {
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    BY_NAME.get(name.as_str()).copied()
}
