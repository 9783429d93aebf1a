//! The ends of ranges: ranks, scores (`5`, `(5`, `-inf`) and names (`[a`, `(a`, `-`, `+`).

use command::CommandError;
use std::ops::{Bound, Range};
use value::sorted_set::Lex;

/// An end of a range of scores.
fn score_bound(word: &[u8]) -> Result<Bound<f64>, CommandError> {
    let (word, exclusive) = match word.strip_prefix(b"(") {
        Some(rest) => (rest, true),
        None => (word, false),
    };
    let score = base::num::parse_f64_bound(word).ok_or(CommandError::NOT_SCORE_RANGE)?;
    Ok(if exclusive { Bound::Excluded(score) } else { Bound::Included(score) })
}

/// Both ends of a range of scores.
pub(super) fn score_bounds(min: &[u8], max: &[u8]) -> Result<(Bound<f64>, Bound<f64>), CommandError> {
    Ok((score_bound(min)?, score_bound(max)?))
}

/// Whether a score is not above the bound.
pub(super) fn is_up_to(score: f64, max: Bound<f64>) -> bool {
    match max {
        Bound::Included(most) => score <= most,
        Bound::Excluded(above) => score < above,
        Bound::Unbounded => true,
    }
}

/// Whether a score is not below the bound.
pub(super) fn is_from(score: f64, min: Bound<f64>) -> bool {
    match min {
        Bound::Included(least) => score >= least,
        Bound::Excluded(below) => score > below,
        Bound::Unbounded => true,
    }
}

/// An end of a range of names.
fn lex_bound(word: &[u8]) -> Result<Lex<'_>, CommandError> {
    match word {
        b"-" => Ok(Lex::First),
        b"+" => Ok(Lex::Last),
        [b'[', name @ ..] => Ok(Lex::Included(name)),
        [b'(', name @ ..] => Ok(Lex::Excluded(name)),
        _ => Err(CommandError::NOT_LEX_RANGE),
    }
}

/// Both ends of a range of names.
pub(super) fn lex_bounds<'a>(min: &'a [u8], max: &'a [u8]) -> Result<(Lex<'a>, Lex<'a>), CommandError> {
    Ok((lex_bound(min)?, lex_bound(max)?))
}

/// The ranks from `start` to `stop`, both included; negative ones are counted from the end.
pub(super) fn ranks(start: i64, stop: i64, len: usize) -> Range<usize> {
    let count = len as i64;
    let from_end = |at: i64| if at < 0 { at.saturating_add(count).max(-1) } else { at };
    let start = from_end(start).max(0).min(count);
    let end = from_end(stop).min(count - 1) + 1;
    start as usize..end.max(start) as usize
}
