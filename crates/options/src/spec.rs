//! How an option is declared.
//!
//! A declaration is a row `option(name, kind, default, effect, summary)`, followed by what is unusual about it
//! (`.immutable()`, `.alias(&[..])`, ...) and, if the server reads the option while it runs, by its target:
//! `=> name: type` makes a field of that type, which always has the option's value (see `options!`). Invariants,
//! checked by the tests: names are lower case and unique over names and aliases, the default text is a valid value of
//! its kind, and every value of that kind fits the target.

use crate::parse::initial;
use crate::setting::Target;
use crate::table::Tunables;
use crate::value::Value;

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
    /// Who sets it relies on it: where it has no effect yet, it is refused, while others are warned about.
    pub vital: bool,
    /// The value that asks for nothing, where that is not the default.
    pub idle: Option<&'static str>,
    /// The value must not appear in any log.
    pub secret: bool,
    /// Where the value is kept for readers.
    pub(crate) target: Option<fn(&Tunables) -> &dyn Target>,
    /// What a new value does besides.
    pub action: Option<Action>,
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
    /// As above, and Redis does not have it. Who writes back all that `CONFIG GET *` returned, as backups and test
    /// suites do, leaves out Redis' immutable options only; so this one may be set to the value that it has.
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

/// What a new value of an option does at once; it may fail, and the value is refused then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The server listens where `bind` and `port` say.
    Listen,
    /// The directory becomes the working directory of the process.
    ChangeDirectory,
    /// The log takes the level.
    SetLogLevel,
    /// The limit of open files makes room for so many clients.
    MakeRoom,
    /// The allocator has a thread of its own, or not.
    AllocatorThread,
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
pub(crate) const I32_MAX: i64 = i32::MAX as i64;
pub(crate) const BOOL: Kind = Kind::Bool;
/// 0 to 2147483647.
pub(crate) const COUNT: Kind = int(0, I32_MAX);
/// 0 to 9223372036854775807.
pub(crate) const LONG_COUNT: Kind = int(0, i64::MAX);
/// As `LONG_COUNT`, with the error texts of Redis' unsigned types.
pub(crate) const SIZE: Kind = Kind::UInt { min: 0, max: i64::MAX as u64 };
pub(crate) const PORT: Kind = int(0, 65_535);
/// A text; empty means that it is not set.
pub(crate) const TEXT: Kind = text(TextRule::Any);
/// A text of which the empty one is a value like any other.
pub(crate) const TEXT_OR_EMPTY: Kind = Kind::Text { rule: TextRule::Any, keep_empty: true };
/// A number of bytes, in Redis an unsigned type.
pub(crate) const MEMORY: Kind = Kind::Memory { min: 0, max: i64::MAX as u64, signed: false };

pub(crate) const fn int(min: i64, max: i64) -> Kind {
    Kind::Int { min, max }
}

pub(crate) const fn text(rule: TextRule) -> Kind {
    Kind::Text { rule, keep_empty: false }
}

/// A number of bytes of at least `min`, in Redis a signed type.
pub(crate) const fn signed_memory(min: u64) -> Kind {
    Kind::Memory { min, max: i64::MAX as u64, signed: true }
}

/// A number of bytes of at least `min`, in Redis an unsigned type.
pub(crate) const fn memory(min: u64) -> Kind {
    Kind::Memory { min, max: i64::MAX as u64, signed: false }
}

/// Declares a mutable, visible option.
pub(crate) const fn option(
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
        vital: false,
        idle: None,
        secret: false,
        target: None,
        action: None,
        summary,
    }
}

impl OptionSpec {
    pub(crate) const fn immutable(mut self) -> Self {
        self.access = Access::Immutable;
        self
    }

    pub(crate) const fn immutable_here(mut self) -> Self {
        self.access = Access::ImmutableHere;
        self
    }

    pub(crate) const fn protected(mut self) -> Self {
        self.access = Access::Protected;
        self
    }

    pub(crate) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(crate) const fn multi(mut self) -> Self {
        self.multi = true;
        self
    }

    pub(crate) const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(crate) const fn clamp(mut self, min: i64, max: i64) -> Self {
        self.clamp = Some((min, max));
        self
    }

    pub(crate) const fn default_from(mut self, default: Default) -> Self {
        self.default = default;
        self
    }

    pub(crate) const fn vital(mut self) -> Self {
        self.vital = true;
        self
    }

    pub(crate) const fn idle(mut self, value: &'static str) -> Self {
        self.idle = Some(value);
        self
    }

    pub(crate) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(crate) const fn action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    pub(crate) const fn to(mut self, target: fn(&Tunables) -> &dyn Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Hands a value to the option's target, if it has one.
    pub(crate) fn publish(&self, tunables: &Tunables, value: &Value) {
        if let Some(target) = self.target {
            target(tunables).take(value);
        }
    }

    /// Whether a value asks the server for nothing.
    fn is_idle(&self, value: &Value) -> bool {
        match self.idle {
            Some(text) => value.text() == text.as_bytes(),
            None => *value == initial(self),
        }
    }

    /// Why this value must be refused, if so: it asks for what others rely on, and the server does not do that yet.
    #[must_use]
    pub fn refusal(&self, value: &Value) -> Option<String> {
        match self.effect {
            Effect::NotYet(what) if self.vital && !self.is_idle(value) => {
                Some(format!("it cannot be kept yet; missing: {what}"))
            }
            Effect::Live | Effect::NoMeaning(_) | Effect::NotYet(_) => None,
        }
    }

    /// A line for the log about a value that changes nothing here.
    #[must_use]
    pub fn warning(&self, value: &Value) -> Option<String> {
        let name = self.name;
        match self.effect {
            Effect::Live => None,
            _ if self.is_idle(value) => None,
            Effect::NoMeaning(why) => Some(format!("Option {name} has no effect: {why}")),
            Effect::NotYet(what) => Some(format!("Option {name} has no effect yet; missing: {what}")),
        }
    }
}
