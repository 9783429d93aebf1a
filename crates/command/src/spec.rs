//! What a command is: everything the server knows about it, declared once, beside its handler.
//!
//! Dispatch, arity, the lock plan, ACL categories, gates, all COMMAND subcommands, statistics and the documents
//! are derived from the spec and never restated.

use crate::args::Args;
use crate::ctx::Ctx;
use crate::error::CommandResult;
pub use crate::long::Work;
use base::num::{parse_f64, parse_f64_bound};
use engine::{Key, Keyspace, LockedKeys};
use value::probe::Probe;

/// A handler: it reads its arguments, reaches values through the locked keys, and writes its reply.
pub type Handler = fn(&mut Ctx<'_>, &mut LockedKeys<'_>, &Args<'_>) -> CommandResult;

/// How a command runs, which is to say: what is locked for it.
#[derive(Clone, Copy)]
pub enum Run {
    /// The shards of its keys.
    Keyed(Handler),
    /// Nothing: it concerns the connection or the server, not values.
    Session(Handler),
    /// Nothing beforehand: it visits the shards one after the other. In a transaction: all.
    Visit(Handler),
    /// All shards.
    Global(Handler),
    /// EXEC: what its queued commands need.
    Exec,
    /// A container: only its subcommands run.
    Container,
}

/// The groups of the command reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Bitmap,
    Connection,
    Generic,
    Geo,
    Hash,
    HyperLogLog,
    List,
    Server,
    Set,
    SortedSet,
    String,
    Transactions,
}

impl Group {
    /// As COMMAND DOCS names it.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Bitmap => "bitmap",
            Group::Connection => "connection",
            Group::Generic => "generic",
            Group::Geo => "geo",
            Group::Hash => "hash",
            Group::HyperLogLog => "hyperloglog",
            Group::List => "list",
            Group::Server => "server",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::String => "string",
            Group::Transactions => "transactions",
        }
    }

    /// The ACL category that membership implies.
    const fn category(self) -> Option<Category> {
        Some(match self {
            Group::Bitmap => Category::Bitmap,
            Group::Connection => Category::Connection,
            Group::Generic => Category::Keyspace,
            Group::Geo => Category::Geo,
            Group::Hash => Category::Hash,
            Group::HyperLogLog => Category::HyperLogLog,
            Group::List => Category::List,
            Group::Server => return None,
            Group::Set => Category::Set,
            Group::SortedSet => Category::SortedSet,
            Group::String => Category::String,
            Group::Transactions => Category::Transaction,
        })
    }
}

/// Flags of a command, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u32);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $bit:literal $text:literal;)*) => {
        impl Flags {
            pub const NONE: Flags = Flags(0);
            $($(#[$doc])* pub const $name: Flags = Flags(1 << $bit);)*
            /// Name of each flag that COMMAND INFO shows, in its order; the others have an empty name.
            pub const NAMES: &'static [(Flags, &'static str)] = &[$((Flags::$name, $text)),*];
        }
    };
}

flags! {
    WRITE = 0 "write";
    READONLY = 1 "readonly";
    /// Refused when memory is over its limit.
    DENYOOM = 2 "denyoom";
    ADMIN = 3 "admin";
    PUBSUB = 4 "pubsub";
    NOSCRIPT = 5 "noscript";
    BLOCKING = 6 "blocking";
    /// Allowed while a data set is loaded.
    LOADING = 7 "loading";
    /// Allowed on a replica with stale data.
    STALE = 8 "stale";
    SKIP_MONITOR = 9 "skip_monitor";
    SKIP_SLOWLOG = 10 "skip_slowlog";
    ASKING = 11 "asking";
    FAST = 12 "fast";
    /// Allowed before AUTH.
    NO_AUTH = 13 "no_auth";
    MAY_REPLICATE = 14 "";
    NO_MANDATORY_KEYS = 20 "no_mandatory_keys";
    NO_ASYNC_LOADING = 15 "no_async_loading";
    NO_MULTI = 16 "no_multi";
    /// COMMAND GETKEYS has to look at the arguments.
    MOVABLEKEYS = 17 "movablekeys";
    ALLOW_BUSY = 18 "allow_busy";
    TOUCHES_ARBITRARY_KEYS = 19 "";
    /// Runs at once inside MULTI instead of being queued.
    NOT_QUEUED = 21 "";
    /// Needs `enable-debug-command`.
    DEBUG = 22 "";
    /// Only a Valkey server has it, or ours alone.
    EXTENSION = 23 "";
    /// COMMAND DOCS calls it a command of the system itself.
    SYSCMD = 24 "";
}

impl Flags {
    pub const fn or(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
    #[inline]
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
    #[inline]
    pub const fn any(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }
}

macro_rules! categories {
    ($($name:ident $text:literal,)*) => {
        /// ACL categories, in the order in which ACL CAT lists them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Category { $($name,)* }
        impl Category {
            pub const ALL: &'static [Category] = &[$(Category::$name),*];
            pub const fn name(self) -> &'static str {
                match self { $(Category::$name => $text,)* }
            }
        }
    };
}

categories! {
    Keyspace "keyspace", Read "read", Write "write", Set "set", SortedSet "sortedset", List "list", Hash "hash",
    String "string", Bitmap "bitmap", HyperLogLog "hyperloglog", Geo "geo", Stream "stream", PubSub "pubsub",
    Admin "admin", Fast "fast", Slow "slow", Blocking "blocking", Dangerous "dangerous", Connection "connection",
    Transaction "transaction", Scripting "scripting",
}

/// What a command does with a key: access, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFlags(pub u32);

impl KeyFlags {
    pub const RO: KeyFlags = KeyFlags(1 << 0);
    pub const RW: KeyFlags = KeyFlags(1 << 1);
    pub const OW: KeyFlags = KeyFlags(1 << 2);
    pub const RM: KeyFlags = KeyFlags(1 << 3);
    pub const ACCESS: KeyFlags = KeyFlags(1 << 4);
    pub const UPDATE: KeyFlags = KeyFlags(1 << 5);
    pub const INSERT: KeyFlags = KeyFlags(1 << 6);
    pub const DELETE: KeyFlags = KeyFlags(1 << 7);
    pub const NOT_KEY: KeyFlags = KeyFlags(1 << 8);
    pub const INCOMPLETE: KeyFlags = KeyFlags(1 << 9);
    pub const VARIABLE: KeyFlags = KeyFlags(1 << 10);

    /// Names as COMMAND INFO shows them, in its order.
    pub const NAMES: &'static [(KeyFlags, &'static str)] = &[
        (KeyFlags::RO, "RO"),
        (KeyFlags::RW, "RW"),
        (KeyFlags::OW, "OW"),
        (KeyFlags::RM, "RM"),
        (KeyFlags::ACCESS, "access"),
        (KeyFlags::UPDATE, "update"),
        (KeyFlags::INSERT, "insert"),
        (KeyFlags::DELETE, "delete"),
        (KeyFlags::NOT_KEY, "not_key"),
        (KeyFlags::INCOMPLETE, "incomplete"),
        (KeyFlags::VARIABLE, "variable_flags"),
    ];

    pub const fn or(self, other: KeyFlags) -> KeyFlags {
        KeyFlags(self.0 | other.0)
    }
    pub const fn any(self, other: KeyFlags) -> bool {
        self.0 & other.0 != 0
    }
}

/// Where the keys begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At this word.
    Index(usize),
    /// After this keyword, searched from this word on (from the end when negative).
    Keyword(&'static str, i32),
    /// Not told.
    Unknown,
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// From the beginning to `last` (relative to it; negative: from the end of the command), every `step` words. A
    /// `limit` of n > 1 takes an nth of the words.
    Range { last: i32, step: usize, limit: usize },
    /// The word at `count` says how many; they begin at `first`, every `step` words (relative to the beginning).
    Number { count: usize, first: usize, step: usize },
    /// Not told.
    Unknown,
}

/// Where a command's keys are among its words.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    pub flags: KeyFlags,
    pub begin: Begin,
    pub find: Find,
    pub notes: &'static str,
}

impl KeySpec {
    /// One key, at word `at`.
    pub const fn at(at: usize, flags: KeyFlags) -> KeySpec {
        KeySpec { flags, begin: Begin::Index(at), find: Find::Range { last: 0, step: 1, limit: 0 }, notes: "" }
    }

    /// Keys from word `at` to word `last` counted from the end (-1 is the last word), every `step` words.
    pub const fn range(at: usize, last: i32, step: usize, flags: KeyFlags) -> KeySpec {
        KeySpec { flags, begin: Begin::Index(at), find: Find::Range { last, step, limit: 0 }, notes: "" }
    }

    /// `numkeys` at word `at`, the keys behind it.
    pub const fn numkeys(at: usize, flags: KeyFlags) -> KeySpec {
        KeySpec { flags, begin: Begin::Index(at), find: Find::Number { count: 0, first: 1, step: 1 }, notes: "" }
    }

    /// One key after a keyword that is searched from word `from` on.
    pub const fn keyword(keyword: &'static str, from: i32, flags: KeyFlags) -> KeySpec {
        let find = Find::Range { last: 0, step: 1, limit: 0 };
        KeySpec { flags, begin: Begin::Keyword(keyword, from), find, notes: "" }
    }

    pub const fn notes(self, notes: &'static str) -> KeySpec {
        KeySpec { notes, ..self }
    }
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    String,
    Integer,
    Double,
    /// A key, by the index of its key spec.
    Key(usize),
    Pattern,
    UnixTime,
    PureToken,
    OneOf,
    Block,
}

/// An argument, as COMMAND DOCS tells it.
#[derive(Clone, Copy, Debug)]
pub struct ArgSpec {
    pub name: &'static str,
    /// Shown instead of the name in a syntax line; the name when empty.
    pub display: &'static str,
    pub kind: ArgKind,
    pub token: &'static str,
    /// The key spec that an argument which is no key belongs to (a pattern of SORT).
    pub key_spec: Option<usize>,
    pub since: &'static str,
    pub deprecated_since: &'static str,
    pub summary: &'static str,
    pub optional: bool,
    pub multiple: bool,
    pub multiple_token: bool,
    pub children: &'static [ArgSpec],
}

/// An argument of some kind.
pub const fn arg(name: &'static str, kind: ArgKind) -> ArgSpec {
    ArgSpec {
        name,
        display: "",
        kind,
        token: "",
        key_spec: None,
        since: "",
        deprecated_since: "",
        summary: "",
        optional: false,
        multiple: false,
        multiple_token: false,
        children: &[],
    }
}
/// A key that the first key spec finds.
pub const fn key(name: &'static str) -> ArgSpec {
    arg(name, ArgKind::Key(0))
}
pub const fn string(name: &'static str) -> ArgSpec {
    arg(name, ArgKind::String)
}
pub const fn integer(name: &'static str) -> ArgSpec {
    arg(name, ArgKind::Integer)
}
pub const fn double(name: &'static str) -> ArgSpec {
    arg(name, ArgKind::Double)
}
pub const fn unix_time(name: &'static str) -> ArgSpec {
    arg(name, ArgKind::UnixTime)
}
pub const fn pattern(name: &'static str) -> ArgSpec {
    arg(name, ArgKind::Pattern)
}
/// A keyword without a value.
pub const fn token(name: &'static str, token: &'static str) -> ArgSpec {
    arg(name, ArgKind::PureToken).token(token)
}
/// One of several.
pub const fn one_of(name: &'static str, children: &'static [ArgSpec]) -> ArgSpec {
    ArgSpec { children, ..arg(name, ArgKind::OneOf) }
}
/// Several, together.
pub const fn block(name: &'static str, children: &'static [ArgSpec]) -> ArgSpec {
    ArgSpec { children, ..arg(name, ArgKind::Block) }
}

impl ArgSpec {
    pub const fn token(self, token: &'static str) -> ArgSpec {
        ArgSpec { token, ..self }
    }
    pub const fn optional(self) -> ArgSpec {
        ArgSpec { optional: true, ..self }
    }
    pub const fn multiple(self) -> ArgSpec {
        ArgSpec { multiple: true, ..self }
    }
    pub const fn multiple_token(self) -> ArgSpec {
        ArgSpec { multiple_token: true, multiple: true, ..self }
    }
    pub const fn since(self, since: &'static str) -> ArgSpec {
        ArgSpec { since, ..self }
    }
    pub const fn deprecated_since(self, deprecated_since: &'static str) -> ArgSpec {
        ArgSpec { deprecated_since, ..self }
    }
    pub const fn key_spec(self, index: usize) -> ArgSpec {
        ArgSpec { key_spec: Some(index), ..self }
    }
    pub const fn display(self, display: &'static str) -> ArgSpec {
        ArgSpec { display, ..self }
    }
}

/// The types a reply can have, as bits; spec tests hold each reply against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape(pub u32);

impl Shape {
    pub const SIMPLE: Shape = Shape(1 << 0);
    pub const INTEGER: Shape = Shape(1 << 1);
    pub const BULK: Shape = Shape(1 << 2);
    pub const NULL: Shape = Shape(1 << 3);
    pub const ARRAY: Shape = Shape(1 << 4);
    pub const MAP: Shape = Shape(1 << 5);
    pub const SET: Shape = Shape(1 << 6);
    pub const DOUBLE: Shape = Shape(1 << 7);
    pub const BOOL: Shape = Shape(1 << 8);
    pub const VERBATIM: Shape = Shape(1 << 9);
    pub const ANY: Shape = Shape(u32::MAX);
    pub const fn or(self, other: Shape) -> Shape {
        Shape(self.0 | other.0)
    }
}

/// Which words of a command are elements of the collection at its one key, so that a pipeline can fetch them into the cache
/// before it runs. Options that move the words do no harm but that nothing is gained.
#[derive(Clone, Copy, Debug)]
pub struct Elements {
    pub first: usize,
    /// How far it is from one to the next, up to the last word; 0 if there is only the first.
    pub step: usize,
    pub place: Place,
}

/// What of the order of a sorted set the command will touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing.
    None,
    /// The places of its elements.
    Own,
    /// These places, and those where the scores before them belong.
    Score,
    /// These places, and those after the increments before them.
    Rise,
    /// The words are no elements but scores, where a range begins.
    Bound,
}

impl Elements {
    /// This word.
    pub const fn at(first: usize) -> Elements {
        Elements::every(first, 0)
    }

    /// The word `first`, and from there on one in `step`.
    pub const fn every(first: usize, step: usize) -> Elements {
        Elements { first, step, place: Place::None }
    }

    pub const fn place(self, place: Place) -> Elements {
        Elements { place, ..self }
    }

    /// What a call with these words will look for.
    pub(crate) fn probes<'a>(self, args: Args<'a>) -> impl Iterator<Item = Probe<'a>> {
        let end = if self.step == 0 { args.len().min(self.first + 1) } else { args.len() };
        (self.first..end).step_by(self.step.max(1)).filter_map(move |at| self.probe(&args, at))
    }

    #[inline]
    fn probe<'a>(self, args: &Args<'a>, at: usize) -> Option<Probe<'a>> {
        use value::probe::Place as Touched;
        let word = args.word(at);
        let place = match self.place {
            Place::None => Touched::None,
            Place::Own => Touched::Own,
            Place::Score => Touched::Score(parse_f64(args.word(at - 1))?),
            Place::Rise => Touched::Rise(parse_f64(args.word(at - 1))?),
            Place::Bound => {
                let score = parse_f64_bound(word.strip_prefix(b"(").unwrap_or(word))?;
                return Some(Probe { element: None, place: Touched::Score(score) });
            }
        };
        Some(Probe { element: Some(word), place })
    }
}

/// Finds the keys among a command's words, and what becomes of each; `None` when the words make no sense.
pub type FindKeys = fn(&Args<'_>) -> Option<Vec<(usize, KeyFlags)>>;

/// A command.
#[derive(Clone, Copy)]
pub struct CommandSpec {
    /// In capitals.
    pub name: &'static str,
    pub group: Group,
    pub since: &'static str,
    pub summary: &'static str,
    pub complexity: &'static str,
    /// Number of words with the name: exactly so many, or at least so many when negative.
    pub arity: i32,
    pub flags: Flags,
    /// Categories that do not follow from flags and group.
    pub acl_extra: &'static [Category],
    /// Whether the group's category does not apply.
    pub acl_no_group: bool,
    pub keys: &'static [KeySpec],
    /// Where the key specs cannot tell all, as with SET, whose access depends on GET.
    pub find_keys: Option<FindKeys>,
    /// For commands of one key.
    pub elements: Option<Elements>,
    pub args: &'static [ArgSpec],
    /// Version and what changed in it.
    pub history: &'static [(&'static str, &'static str)],
    /// Since when, and what to use instead.
    pub deprecated: Option<(&'static str, &'static str)>,
    pub tips: &'static [&'static str],
    pub reply: Shape,
    pub subcommands: &'static [&'static CommandSpec],
    pub run: Run,
    /// For commands with that flag: whether a call may reach keys that the plan cannot find, and so needs all shards.
    pub touches_arbitrary_keys: fn(&Args<'_>) -> bool,
    /// What its time depends on, where it may take long: then another thread runs it.
    pub work: Work,
}

impl CommandSpec {
    /// What most commands leave as it is.
    pub const DEFAULT: CommandSpec = CommandSpec {
        name: "",
        group: Group::Generic,
        since: "1.0.0",
        summary: "",
        complexity: "O(1)",
        arity: 1,
        flags: Flags::NONE,
        acl_extra: &[],
        acl_no_group: false,
        keys: &[],
        find_keys: None,
        elements: None,
        args: &[],
        history: &[],
        deprecated: None,
        tips: &[],
        reply: Shape::ANY,
        subcommands: &[],
        run: Run::Container,
        touches_arbitrary_keys: |_| true,
        work: Work::Little,
    };

    /// Whether a call with these words needs all shards for the keys that it may reach.
    #[inline]
    pub fn needs_all_shards(&self, args: &Args<'_>) -> bool {
        self.flags.has(Flags::TOUCHES_ARBITRARY_KEYS) && (self.touches_arbitrary_keys)(args)
    }

    /// The keys that the key specs find among these words, located in a keyspace, and whether the words fit the key specs.
    pub fn locate<'a>(&self, args: &Args<'a>, keyspace: &Keyspace) -> (Vec<Key<'a>>, bool) {
        let mut keys = Vec::new();
        let fit = self.for_each_key(args, |at, _| keys.push(keyspace.key(args.word(at)))).is_ok();
        (keys, fit)
    }

    /// Whether so many words are right.
    #[inline]
    pub const fn takes(&self, words: usize) -> bool {
        if self.arity >= 0 { words == self.arity as usize } else { words >= self.arity.unsigned_abs() as usize }
    }

    /// The ACL categories, in the order of [`Category::ALL`].
    pub fn categories(&self) -> impl Iterator<Item = Category> + '_ {
        let flags = self.flags;
        Category::ALL.iter().copied().filter(move |&category| {
            self.acl_extra.contains(&category)
                || (!self.acl_no_group && self.group.category() == Some(category))
                || match category {
                    Category::Write => flags.has(Flags::WRITE),
                    Category::Read => flags.has(Flags::READONLY) && !self.acl_extra.contains(&Category::Scripting),
                    Category::Admin | Category::Dangerous => flags.has(Flags::ADMIN),
                    Category::Fast => flags.has(Flags::FAST),
                    Category::Slow => !flags.has(Flags::FAST),
                    Category::Blocking => flags.has(Flags::BLOCKING),
                    Category::PubSub => flags.has(Flags::PUBSUB),
                    _ => false,
                }
        })
    }

    /// Calls `found` with the position of each key and its spec. `Err` when the words do not fit the key specs
    /// (a count that is no number, or more than there are words).
    #[inline]
    pub fn for_each_key(&self, args: &Args<'_>, mut found: impl FnMut(usize, &KeySpec)) -> Result<(), InvalidKeys> {
        let mut result = Ok(());
        for spec in self.keys {
            match spec.positions(args) {
                Ok(positions) => positions.for_each(|at| found(at, spec)),
                Err(invalid) => result = Err(invalid),
            }
        }
        result
    }
}

/// The words do not fit the key specs; the handler will say what is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKeys;

impl KeySpec {
    fn positions(&self, args: &Args<'_>) -> Result<impl Iterator<Item = usize> + use<>, InvalidKeys> {
        let none = || Ok((0..0).step_by(1));
        let words = args.len();
        let first = match self.begin {
            Begin::Index(at) => at,
            Begin::Keyword(keyword, from) => {
                let hit = if from >= 0 {
                    (from as usize..words).find(|&at| args.is(at, keyword))
                } else {
                    let last = words.saturating_sub(from.unsigned_abs() as usize);
                    (1..=last).rev().find(|&at| args.is(at, keyword))
                };
                match hit {
                    Some(at) => at + 1,
                    None => return none(),
                }
            }
            Begin::Unknown => return none(),
        };
        if first >= words {
            return none();
        }
        let (start, end, step) = match self.find {
            Find::Range { last, step, limit } => {
                let end = if last >= 0 {
                    first + last as usize + 1
                } else {
                    let all = (words + 1).saturating_sub(last.unsigned_abs() as usize);
                    if limit > 1 { first + all.saturating_sub(first) / limit } else { all }
                };
                (first, end, step)
            }
            Find::Number { count, first: offset, step } => {
                let count = args.get(first + count).and_then(base::num::parse_i64).ok_or(InvalidKeys)?;
                let count = usize::try_from(count).map_err(|_| InvalidKeys)?;
                let start = first + offset;
                let end = count.checked_mul(step).and_then(|span| span.checked_add(start)).ok_or(InvalidKeys)?;
                if end > words + step - 1 {
                    return Err(InvalidKeys);
                }
                (start, end, step)
            }
            Find::Unknown => return none(),
        };
        Ok((start..end.min(words).max(start)).step_by(step))
    }
}
