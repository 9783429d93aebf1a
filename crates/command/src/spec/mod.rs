//! What a command is: everything the server knows about it, declared once, beside its handler.
//!
//! Dispatch, arity, the lock plan, ACL categories, gates, all COMMAND subcommands, statistics and the documents
//! are derived from the spec and never restated.

pub mod ctx;
mod docs;
mod keys;
mod probes;
pub mod registry;
pub mod work;

pub use docs::{ArgKind, ArgSpec, arg, block, double, integer, key, one_of, pattern, string, token, unix_time};
pub use keys::{Begin, Find, FindKeys, InvalidKeys, KeyFlags, KeySpec};
pub use probes::{Elements, Place};
pub use work::Work;

use crate::args::Args;
use crate::error::CommandResult;
use ctx::Ctx;
use engine::{Key, Keyspace, LockedKeys};

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
    Cluster,
    Connection,
    Generic,
    Geo,
    Hash,
    HyperLogLog,
    List,
    PubSub,
    Server,
    Set,
    SortedSet,
    Stream,
    String,
    Transactions,
}

impl Group {
    /// As COMMAND DOCS names it.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Bitmap => "bitmap",
            Group::Cluster => "cluster",
            Group::Connection => "connection",
            Group::Generic => "generic",
            Group::Geo => "geo",
            Group::Hash => "hash",
            Group::HyperLogLog => "hyperloglog",
            Group::List => "list",
            Group::PubSub => "pubsub",
            Group::Server => "server",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Stream => "stream",
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
            // A flag says which of them are in the category.
            Group::PubSub => return None,
            Group::Cluster | Group::Server => return None,
            Group::Set => Category::Set,
            Group::SortedSet => Category::SortedSet,
            Group::Stream => Category::Stream,
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
    /// Needs `enable-module-command`.
    MODULE = 25 "";
    /// COMMAND DOCS calls it a command of the system itself.
    SYSCMD = 24 "";
    /// A client that has subscribed to something and speaks RESP2 may use it.
    FOR_SUBSCRIBERS = 26 "";
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

/// The types that a reply can have, as bits, in the words of RESP3; what RESP2 makes of them follows. Debug builds hold
/// each reply against it (`crates/dispatch/src/shapes.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape(pub u32);

impl Shape {
    /// What every spec begins with: a command that declares nothing else must not answer.
    pub const UNDECLARED: Shape = Shape(0);
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
    pub const BIG_NUMBER: Shape = Shape(1 << 10);
    /// An error that the handler writes itself; one that it returns is always possible.
    pub const ERROR: Shape = Shape(1 << 11);
    /// Push messages: any number beside the one reply or, if nothing else is declared, at least one instead of it.
    pub const PUSHES: Shape = Shape(1 << 12);
    /// No reply at all, as CLIENT REPLY OFF has none.
    pub const NOTHING: Shape = Shape(1 << 13);
    /// Whatever can be a reply.
    pub const ANY: Shape = Shape(!Self::NOTHING.0);
    pub const fn or(self, other: Shape) -> Shape {
        Shape(self.0 | other.0)
    }
    pub const fn any(self, other: Shape) -> bool {
        self.0 & other.0 != 0
    }
}

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
        reply: Shape::UNDECLARED,
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

    /// The keys that the key specs find among these words, located in a keyspace, and whether the words fit the key
    /// specs.
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
