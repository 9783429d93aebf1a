//! An expected reply: parsed from the notation of the scripts, matched against a value.
//!
//! The notation is close to what redis-cli prints, with every RESP type told apart. A pattern is
//! written in its RESP3 form; on a RESP2 connection the matching converts it as the protocol does:
//! a map becomes a flat array, a set or push an array, a double, big number or verbatim text a bulk
//! string, a boolean 1 or 0. What does not follow this rule is written out under `resp2:` and
//! `resp3:`.

mod parse;
mod print;

pub use parse::parse;
pub use print::{print, print_one_line};

use crate::client::Protocol;
use crate::text::glob;
use crate::value::{Null, Value};
use std::collections::HashMap;

/// The variables a case has captured so far (`any as $name`).
pub type Variables = HashMap<String, Vec<u8>>;

/// The kinds of aggregates, by the mark behind the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    Array,
    Set,
    Push,
}

/// How a text is expected: exactly, or by a glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    Exact(Vec<u8>),
    Glob(Vec<u8>),
}

impl Text {
    fn fits(&self, text: &[u8]) -> bool {
        match self {
            Text::Exact(expected) => expected == text,
            Text::Glob(pattern) => glob(pattern, text),
        }
    }
}

/// One expected value.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// Any value, kept under a name when there is one.
    Any(Option<String>),
    /// A simple, bulk or verbatim string that fits a glob.
    AnyText(Vec<u8>),
    Simple(Vec<u8>),
    Error(Text),
    Bulk(Vec<u8>),
    Integer(Option<(i64, i64)>),
    Double(Vec<u8>),
    DoubleBetween(f64, f64),
    Boolean(bool),
    Nil,
    NilArray,
    Verbatim(Text),
    BigNumber(Vec<u8>),
    Items {
        kind: Aggregate,
        items: Vec<Pattern>,
        unordered: bool,
        /// Ends with `...`: more elements may follow.
        open: bool,
    },
    Map {
        pairs: Vec<(Pattern, Pattern)>,
        unordered: bool,
        open: bool,
    },
}

/// Whether `value` is what the pattern says, on a connection of this protocol.
pub fn matches(pattern: &Pattern, value: &Value, protocol: Protocol, vars: &mut Variables) -> bool {
    let resp2 = protocol == Protocol::Resp2;
    if resp2 && value.is_resp3() {
        return false;
    }
    match (pattern, value) {
        (Pattern::Any(name), value) => {
            if let Some(name) = name {
                vars.insert(name.clone(), plain_text(value));
            }
            true
        }
        (Pattern::AnyText(wanted), Value::Simple(text) | Value::Bulk(text) | Value::Verbatim(text)) => {
            glob(wanted, text)
        }
        (Pattern::Simple(wanted), Value::Simple(text)) => wanted == text,
        (Pattern::Error(wanted), Value::Error(text)) => wanted.fits(text),
        (Pattern::Bulk(wanted), Value::Bulk(text)) => wanted == text,
        (Pattern::Integer(range), Value::Integer(number)) => {
            range.is_none_or(|(low, high)| (low..=high).contains(number))
        }
        (Pattern::Double(wanted), Value::Double(text)) => wanted == text,
        (Pattern::Double(wanted), Value::Bulk(text)) => resp2 && wanted == text,
        (Pattern::DoubleBetween(low, high), Value::Double(text)) => between(*low, *high, text),
        (Pattern::DoubleBetween(low, high), Value::Bulk(text)) => resp2 && between(*low, *high, text),
        (Pattern::Boolean(wanted), Value::Boolean(flag)) => wanted == flag,
        (Pattern::Boolean(wanted), Value::Integer(number)) => resp2 && i64::from(*wanted) == *number,
        (Pattern::Nil, Value::Null(null)) => *null == if resp2 { Null::Bulk } else { Null::Resp3 },
        (Pattern::NilArray, Value::Null(null)) => *null == if resp2 { Null::Array } else { Null::Resp3 },
        (Pattern::Verbatim(wanted), Value::Verbatim(text)) => wanted.fits(text),
        (Pattern::Verbatim(wanted), Value::Bulk(text)) => resp2 && wanted.fits(text),
        (Pattern::BigNumber(wanted), Value::BigNumber(text)) => wanted == text,
        (Pattern::BigNumber(wanted), Value::Bulk(text)) => resp2 && wanted == text,
        (Pattern::Items { kind, items, unordered, open }, value) => {
            let found = match (kind, value) {
                (Aggregate::Array, Value::Array(found)) => found,
                (Aggregate::Set, Value::Set(found)) => found,
                (Aggregate::Push, Value::Push(found)) => found,
                (Aggregate::Set | Aggregate::Push, Value::Array(found)) if resp2 => found,
                _ => return false,
            };
            let items: Vec<&Pattern> = items.iter().collect();
            let found: Vec<&Value> = found.iter().collect();
            groups_match(&items, &found, 1, *unordered, *open, protocol, vars)
        }
        (Pattern::Map { pairs, unordered, open }, value) => {
            let found: Vec<&Value> = match value {
                Value::Map(found) => found.iter().flat_map(|(key, value)| [key, value]).collect(),
                Value::Array(found) if resp2 => found.iter().collect(),
                _ => return false,
            };
            let items: Vec<&Pattern> = pairs.iter().flat_map(|(key, value)| [key, value]).collect();
            groups_match(&items, &found, 2, *unordered, *open, protocol, vars)
        }
        _ => false,
    }
}

/// Matches elements in groups of `size` (1 for a list, 2 for the pairs of a map). Unordered groups
/// are assigned greedily: the first group that fits is taken, which is enough as long as no two
/// patterns of one reply overlap.
fn groups_match(
    items: &[&Pattern],
    found: &[&Value],
    size: usize,
    unordered: bool,
    open: bool,
    protocol: Protocol,
    vars: &mut Variables,
) -> bool {
    if found.len() < items.len() || (!open && found.len() > items.len()) {
        return false;
    }
    let mut fits = |wanted: &[&Pattern], got: &[&Value]| {
        wanted.iter().zip(got).all(|(pattern, value)| matches(pattern, value, protocol, vars))
    };
    if !unordered {
        return fits(items, found);
    }
    let mut left: Vec<&[&Value]> = found.chunks(size).collect();
    items.chunks(size).all(|wanted| match left.iter().position(|got| fits(wanted, got)) {
        Some(at) => {
            left.swap_remove(at);
            true
        }
        None => false,
    })
}

fn between(low: f64, high: f64, text: &[u8]) -> bool {
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .is_some_and(|number: f64| (low..=high).contains(&number))
}

/// What a captured value becomes as an argument of a later command.
fn plain_text(value: &Value) -> Vec<u8> {
    match value {
        Value::Simple(text)
        | Value::Error(text)
        | Value::Bulk(text)
        | Value::Double(text)
        | Value::Verbatim(text)
        | Value::BigNumber(text) => text.clone(),
        Value::Integer(number) => number.to_string().into_bytes(),
        // A cursor and the elements: the cursor is what a later command needs.
        Value::Array(items) => items.first().map(plain_text).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The RESP3 form that describes both answers, if one does: `None` when the RESP2 answer is not
/// the derived conversion of the RESP3 one.
pub fn common_form(resp3: &Value, resp2: &Value) -> Option<Value> {
    Some(match (resp3, resp2) {
        (Value::Null(_), Value::Null(null)) => Value::Null(*null),
        (Value::Array(a), Value::Array(b)) => Value::Array(common_items(a, b)?),
        (Value::Set(a), Value::Array(b)) => Value::Set(common_items(a, b)?),
        (Value::Push(a), Value::Array(b)) => Value::Push(common_items(a, b)?),
        (Value::Map(a), Value::Array(b)) => {
            let flat: Vec<Value> = a.iter().flat_map(|(k, v)| [k.clone(), v.clone()]).collect();
            let common = common_items(&flat, b)?;
            let pairs = common.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone()));
            Value::Map(pairs.collect())
        }
        (Value::Double(a) | Value::Verbatim(a) | Value::BigNumber(a), Value::Bulk(b)) => {
            (a == b).then(|| resp3.clone())?
        }
        (Value::Boolean(a), Value::Integer(b)) => (i64::from(*a) == *b).then(|| resp3.clone())?,
        (a, b) => (a == b).then(|| resp3.clone())?,
    })
}

fn common_items(a: &[Value], b: &[Value]) -> Option<Vec<Value>> {
    if a.len() != b.len() {
        return None;
    }
    a.iter().zip(b).map(|(a, b)| common_form(a, b)).collect()
}

#[cfg(test)]
mod tests;
