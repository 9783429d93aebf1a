//! Arguments as COMMAND DOCS shows them.

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
