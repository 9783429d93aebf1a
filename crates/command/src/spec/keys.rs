//! Key specs: where a command's keys are among its words, and what it does with them.

use crate::args::Args;

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
#[derive(Clone, Copy, Debug)]
pub enum Begin {
    /// At this word.
    Index(usize),
    /// After this keyword, searched from this word on (from the end when negative).
    Keyword(&'static str, i32),
    /// It is one key, which this finds; COMMAND INFO does not say where.
    Found(fn(&Args<'_>) -> Option<usize>),
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

/// Finds the keys among a command's words, and what becomes of each; `None` when the words make no sense.
pub type FindKeys = fn(&Args<'_>) -> Option<Vec<(usize, KeyFlags)>>;

/// The words do not fit the key specs; the handler will say what is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKeys;

impl KeySpec {
    pub(crate) fn positions(&self, args: &Args<'_>) -> Result<impl Iterator<Item = usize> + use<>, InvalidKeys> {
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
            Begin::Found(find) => return Ok(find(args).map_or(0..0, |at| at..at + 1).step_by(1)),
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
