//! A checked value of an option, and how it is printed.
//!
//! `Value` is what the rest of the server sees; its variant follows from the option's kind. `Value::text` is
//! what `CONFIG GET` answers. Invariant: a value printed and parsed again is the same value, which the tests
//! check for every option.

use crate::spec::{Kind, Special};
use base::event_class::Class;

/// The words of `shutdown-on-sigint` and `shutdown-on-sigterm`; `default` is the empty set.
pub(super) const SHUTDOWN_WORDS: [&str; 4] = ["save", "nosave", "now", "force"];

/// The classes of clients that have an output buffer limit, as `CONFIG GET` names them.
pub(super) const BUFFER_CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

/// A checked value of an option.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Bool(bool),
    Int(i64),
    UInt(u64),
    /// Bytes.
    Memory(u64),
    /// A percentage where a number of bytes could stand.
    Percent(u8),
    Octal(u32),
    /// The position of the word in the declaration, and the word.
    Enum(usize, &'static str),
    Text(Vec<u8>),
    Save(Vec<SavePoint>),
    /// The limits of normal clients, replicas and subscribers.
    BufferLimits([BufferLimit; 3]),
    OomScores([i32; 3]),
    /// The addresses of `bind`.
    List(Vec<Vec<u8>>),
    KeyspaceEvents(Class),
    Percentiles(Vec<f64>),
    /// A set of `SHUTDOWN_WORDS`, bit by bit.
    ShutdownOptions(u8),
    /// The primary's host and port, if there is one.
    ReplicaOf(Option<(Vec<u8>, u16)>),
}

/// Save when at least `changes` keys changed within `seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavePoint {
    pub seconds: u64,
    pub changes: u32,
}

/// When to drop a client that does not read its replies. Zero is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferLimit {
    pub hard: u64,
    pub soft: u64,
    pub soft_seconds: u32,
}

impl Value {
    /// The value as `CONFIG GET` reports it.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        match self {
            Value::Text(text) => text.clone(),
            Value::List(items) => items.join(&b' '),
            Value::Bool(value) => if *value { "yes" } else { "no" }.into(),
            Value::Int(value) => value.to_string().into_bytes(),
            Value::UInt(value) | Value::Memory(value) => value.to_string().into_bytes(),
            Value::Percent(value) => format!("{value}%").into_bytes(),
            Value::Octal(value) => format!("{value:o}").into_bytes(),
            Value::Enum(_, word) => (*word).into(),
            Value::Save(points) => join(points.iter().map(|p| format!("{} {}", p.seconds, p.changes))),
            Value::BufferLimits(limits) => join(
                BUFFER_CLASSES
                    .iter()
                    .zip(limits)
                    .map(|(class, limit)| format!("{class} {} {} {}", limit.hard, limit.soft, limit.soft_seconds)),
            ),
            Value::OomScores(scores) => join(scores.iter().map(ToString::to_string)),
            Value::KeyspaceEvents(classes) => classes.letters().into_bytes(),
            Value::Percentiles(list) => join(list.iter().map(|p| percentile_text(*p))),
            Value::ShutdownOptions(0) => "default".into(),
            Value::ShutdownOptions(set) => join(
                SHUTDOWN_WORDS
                    .iter()
                    .enumerate()
                    .filter(|(bit, _)| set & (1 << bit) != 0)
                    .map(|(_, word)| (*word).to_owned()),
            ),
            Value::ReplicaOf(None) => Vec::new(),
            Value::ReplicaOf(Some((host, port))) => [host, format!(" {port}").as_bytes()].concat(),
        }
    }

    /// The values to write after the directive's name, one entry per line; none if the directive is to be
    /// left out of the file.
    pub(super) fn file_lines(&self, kind: &Kind) -> Vec<Vec<u8>> {
        match self {
            Value::Text(text) => {
                let keep_empty = matches!(kind, Kind::Text { keep_empty: true, .. });
                if text.is_empty() && !keep_empty { Vec::new() } else { vec![quote(text)] }
            }
            Value::KeyspaceEvents(classes) => vec![quote(classes.letters().as_bytes())],
            Value::Memory(bytes) => vec![memory_text(*bytes).into_bytes()],
            Value::Save(points) if !points.is_empty() => {
                points.iter().map(|p| format!("{} {}", p.seconds, p.changes).into_bytes()).collect()
            }
            Value::BufferLimits(limits) => (0..limits.len()).map(|at| limit_line(limits, at)).collect(),
            Value::ReplicaOf(None) => Vec::new(),
            Value::Save(_)
            | Value::List(_)
            | Value::Percentiles(_)
            | Value::Bool(_)
            | Value::Int(_)
            | Value::UInt(_)
            | Value::Percent(_)
            | Value::Octal(_)
            | Value::Enum(..)
            | Value::OomScores(_)
            | Value::ShutdownOptions(_)
            | Value::ReplicaOf(Some(_)) => {
                let text = self.text();
                vec![if text.is_empty() { b"\"\"".to_vec() } else { text }]
            }
        }
    }

    /// True if the variant is the one that the kind's values have.
    pub(super) fn fits(&self, kind: &Kind) -> bool {
        match kind {
            Kind::Bool => matches!(self, Value::Bool(_)),
            Kind::Int { .. } => matches!(self, Value::Int(_)),
            Kind::UInt { .. } => matches!(self, Value::UInt(_)),
            Kind::Memory { .. } => matches!(self, Value::Memory(_)),
            Kind::MemoryOrPercent => matches!(self, Value::Memory(_) | Value::Percent(_)),
            Kind::Octal { .. } => matches!(self, Value::Octal(_)),
            Kind::Enum(_) => matches!(self, Value::Enum(..)),
            Kind::Text { .. } => matches!(self, Value::Text(_)),
            Kind::Special(special) => match special {
                Special::Save => matches!(self, Value::Save(_)),
                Special::BufferLimits => matches!(self, Value::BufferLimits(_)),
                Special::OomScores => matches!(self, Value::OomScores(_)),
                Special::Bind => matches!(self, Value::List(_)),
                Special::KeyspaceEvents => matches!(self, Value::KeyspaceEvents(_)),
                Special::Percentiles => matches!(self, Value::Percentiles(_)),
                Special::ShutdownOptions => matches!(self, Value::ShutdownOptions(_)),
                Special::ReplicaOf => matches!(self, Value::ReplicaOf(_)),
                Special::Directory => matches!(self, Value::Text(_)),
            },
        }
    }
}

fn join(parts: impl Iterator<Item = String>) -> Vec<u8> {
    parts.collect::<Vec<_>>().join(" ").into_bytes()
}

/// A percentile with at most six decimals and no trailing zeros.
fn percentile_text(percentile: f64) -> String {
    let text = format!("{percentile:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// One class of output buffer limits as a line of the file, which uses today's word for a replica.
fn limit_line(limits: &[BufferLimit; 3], at: usize) -> Vec<u8> {
    let class = if at == 1 { "replica" } else { BUFFER_CLASSES[at] };
    let limit = limits[at];
    let (hard, soft) = (memory_text(limit.hard), memory_text(limit.soft));
    format!("{class} {hard} {soft} {}", limit.soft_seconds).into_bytes()
}

/// A number of bytes in the largest unit that divides it.
pub(super) fn memory_text(bytes: u64) -> String {
    for (shift, unit) in [(30, "gb"), (20, "mb"), (10, "kb")] {
        if bytes != 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

/// A text in double quotes, with the escapes that the file's parser understands.
pub(super) fn quote(text: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    base::text::write_repr(&mut quoted, text);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_print_without_trailing_zeros() {
        for (given, printed) in [(50.0, "50"), (99.9, "99.9"), (1.123_456_789, "1.123457"), (0.0, "0")] {
            assert_eq!(percentile_text(given), printed);
        }
    }

    #[test]
    fn memory_prints_in_the_largest_exact_unit() {
        for (bytes, text) in [(0, "0"), (1, "1"), (1024, "1kb"), (1500, "1500"), (3 << 20, "3mb"), (5 << 30, "5gb")] {
            assert_eq!(memory_text(bytes), text);
        }
    }
}
