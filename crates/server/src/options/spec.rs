//! How an option is declared.
//!
//! A declaration is a constant expression: `option(name, kind, default, effect, summary)`, followed by
//! what is unusual about it (`.immutable()`, `.alias(&[..])`, ...). Invariants, checked by the tests: names
//! are lower case and unique over names and aliases, and the default text is a valid value of its kind.

/// One option: everything the server knows about it, apart from its value.
#[derive(Debug)]
pub struct OptionSpec {
    /// The name under which it is reported and written to the file.
    pub name: &'static str,
    /// Other names, which `CONFIG GET` reports as well (`slave-priority` for `replica-priority`).
    pub aliases: &'static [&'static str],
    /// What values it takes, which decides how they are checked and printed.
    pub kind: Kind,
    /// Where the value comes from when nobody sets it.
    pub default: Default,
    /// Who may change it while the server runs.
    pub access: Access,
    /// A hidden option answers to its exact name only, not to a pattern.
    pub hidden: bool,
    /// The directive may be repeated in the file, and its values add up.
    pub multi: bool,
    /// Values outside this range are accepted and then moved to its nearest end.
    pub clamp: Option<(i64, i64)>,
    /// What the option does in Russet.
    pub effect: Effect,
    /// One line of documentation, with units.
    pub summary: &'static str,
}

/// The value of an option that nobody has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// The value that this text means.
    Text(&'static str),
    /// The number of cores of the machine.
    Cores,
    /// The directory in which the server was started.
    WorkingDirectory,
}

/// Who may change an option while the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// `CONFIG SET` changes it.
    Mutable,
    /// Only the file and the command line set it.
    Immutable,
    /// As above, and Redis does not have it. What writes back all that `CONFIG GET *` told, as backups and test suites do,
    /// knows Redis' immutable options and leaves them out; so it may set this one to the value that it has.
    ImmutableHere,
    /// `CONFIG SET` changes it if `enable-protected-configs` allows that to the client.
    Protected,
}

/// What an option does in Russet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The server reads it and behaves accordingly.
    Live,
    /// It is accepted, kept and reported, but there is nothing here that it could change: says why.
    NoMeaning(&'static str),
    /// It is accepted, kept and reported; what it governs is not written yet: says what that is.
    NotYet(&'static str),
}

/// What values an option takes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `yes` or `no`.
    Bool,
    /// A signed integer in a range.
    Int { min: i64, max: i64 },
    /// An integer that cannot be negative, in a range; it differs from `Int` in its error texts.
    UInt { min: u64, max: u64 },
    /// A number of bytes, with an optional unit. `signed` only selects Redis' error text for overflow.
    Memory { min: u64, max: u64, signed: bool },
    /// A number of bytes, or a percentage up to 100 of `maxmemory`.
    MemoryOrPercent,
    /// File permissions, in octal.
    Octal { max: u32 },
    /// One of these words; in any case when read, as declared when printed.
    Enum(&'static [&'static str]),
    /// A text. `keep_empty`: the empty text is a value to be written to the file, not the absence of one.
    Text { rule: TextRule, keep_empty: bool },
    /// A kind that a single option has.
    Special(Special),
}

/// What a text must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextRule {
    /// Anything.
    Any,
    /// A plain file name; the word says whether messages call it a filename or a dirname.
    FileName { noun: &'static str, may_be_empty: bool },
    /// Letters, digits, hyphens and dots, shorter than 256 bytes.
    HostName,
    /// A locale that the server can collate by.
    Locale,
    /// A process title with known variables in braces.
    TitleTemplate,
    /// An IPv4 address, or nothing.
    Ipv4,
    /// An IPv6 address, or nothing.
    Ipv6,
}

/// The kinds with a grammar of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// `save <seconds> <changes> ...`
    Save,
    /// `client-output-buffer-limit <class> <hard> <soft> <soft seconds> ...`
    BufferLimits,
    /// `oom-score-adj-values <primary> <replica> <child>`
    OomScores,
    /// `bind <address> ...`
    Bind,
    /// `notify-keyspace-events <classes>`
    KeyspaceEvents,
    /// `latency-tracking-info-percentiles <p> ...`
    Percentiles,
    /// `shutdown-on-sigint`, `shutdown-on-sigterm`: a set of words
    ShutdownOptions,
    /// `replicaof <host> <port>`, or `replicaof no one`
    ReplicaOf,
    /// `dir <existing directory>`
    Directory,
}

impl Kind {
    /// True if a directive may have any number of values on its line.
    #[must_use]
    pub fn takes_many(&self) -> bool {
        match self {
            Kind::Special(special) => match special {
                Special::Save
                | Special::BufferLimits
                | Special::OomScores
                | Special::Bind
                | Special::Percentiles
                | Special::ShutdownOptions => true,
                Special::KeyspaceEvents | Special::ReplicaOf | Special::Directory => false,
            },
            Kind::Bool
            | Kind::Int { .. }
            | Kind::UInt { .. }
            | Kind::Memory { .. }
            | Kind::MemoryOrPercent
            | Kind::Octal { .. }
            | Kind::Enum(_)
            | Kind::Text { .. } => false,
        }
    }

    /// The kind in a word or two, for the documentation.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Kind::Bool => "yes or no".to_owned(),
            Kind::Int { min, max } => format!("integer, {}", range(i128::from(*min), i128::from(*max))),
            Kind::UInt { min, max } => format!("integer, {}", range(i128::from(*min), i128::from(*max))),
            Kind::Memory { .. } => "memory size".to_owned(),
            Kind::MemoryOrPercent => "memory size or percentage".to_owned(),
            Kind::Octal { max } => format!("octal, 0 to {max:o}"),
            Kind::Enum(words) => words.join(", "),
            Kind::Text { .. } => "text".to_owned(),
            Kind::Special(special) => match special {
                Special::Save => "pairs of seconds and changes",
                Special::BufferLimits => "class, hard limit, soft limit, soft seconds",
                Special::OomScores => "three integers, -2000 to 2000",
                Special::Bind => "addresses",
                Special::KeyspaceEvents => "event classes",
                Special::Percentiles => "percentiles, 0 to 100",
                Special::ShutdownOptions => "default, or some of save, nosave, now, force",
                Special::ReplicaOf => "host and port",
                Special::Directory => "existing directory",
            }
            .to_owned(),
        }
    }
}

/// A range in words; the ends that are only those of the machine's integers are left out.
fn range(min: i128, max: i128) -> String {
    if max >= i128::from(i32::MAX) {
        if min < i128::from(i32::MIN) + 1 { "any".to_owned() } else { format!("{min} or more") }
    } else {
        format!("{min} to {max}")
    }
}

/// The upper end of most counts and seconds, as in Redis.
pub(super) const I32_MAX: i64 = i32::MAX as i64;
pub(super) const BOOL: Kind = Kind::Bool;
/// 0 to 2147483647.
pub(super) const COUNT: Kind = int(0, I32_MAX);
/// 0 to 9223372036854775807.
pub(super) const LONG_COUNT: Kind = int(0, i64::MAX);
/// As `LONG_COUNT`, with the error texts of Redis' unsigned types.
pub(super) const SIZE: Kind = Kind::UInt { min: 0, max: i64::MAX as u64 };
pub(super) const PORT: Kind = int(0, 65_535);
/// A text; empty means that it is not set.
pub(super) const TEXT: Kind = text(TextRule::Any);
/// A text of which the empty one is a value like any other.
pub(super) const TEXT_OR_EMPTY: Kind = Kind::Text { rule: TextRule::Any, keep_empty: true };
/// A number of bytes, in Redis an unsigned type.
pub(super) const MEMORY: Kind = Kind::Memory { min: 0, max: i64::MAX as u64, signed: false };

pub(super) const fn int(min: i64, max: i64) -> Kind {
    Kind::Int { min, max }
}

pub(super) const fn text(rule: TextRule) -> Kind {
    Kind::Text { rule, keep_empty: false }
}

/// A number of bytes of at least `min`, in Redis a signed type.
pub(super) const fn signed_memory(min: u64) -> Kind {
    Kind::Memory { min, max: i64::MAX as u64, signed: true }
}

/// A number of bytes of at least `min`, in Redis an unsigned type.
pub(super) const fn memory(min: u64) -> Kind {
    Kind::Memory { min, max: i64::MAX as u64, signed: false }
}

/// Declares a mutable, visible option.
pub(super) const fn option(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    effect: Effect,
    summary: &'static str,
) -> OptionSpec {
    OptionSpec {
        name,
        aliases: &[],
        kind,
        default: Default::Text(default),
        access: Access::Mutable,
        hidden: false,
        multi: false,
        clamp: None,
        effect,
        summary,
    }
}

impl OptionSpec {
    pub(super) const fn immutable(mut self) -> Self {
        self.access = Access::Immutable;
        self
    }

    pub(super) const fn immutable_here(mut self) -> Self {
        self.access = Access::ImmutableHere;
        self
    }

    pub(super) const fn protected(mut self) -> Self {
        self.access = Access::Protected;
        self
    }

    pub(super) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(super) const fn multi(mut self) -> Self {
        self.multi = true;
        self
    }

    pub(super) const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(super) const fn clamp(mut self, min: i64, max: i64) -> Self {
        self.clamp = Some((min, max));
        self
    }

    pub(super) const fn default_from(mut self, default: Default) -> Self {
        self.default = default;
        self
    }
}
