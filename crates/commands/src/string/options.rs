//! The options that SET, GETEX and MSETEX share: a deadline, and a condition.
//!
//! Words are read from left to right. What excludes each other is a syntax error wherever it stands; the same option
//! may come twice, and then the last one counts. A value is looked at only when all words are known to be options.

use crate::deadline::TimeUnit;
use command::{Args, CommandError};
use engine::ValueRef;
use value::Object;
use value::string::{Scratch, Str};
use xxhash_rust::xxh3::xxh3_64;

/// When to set a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Condition<'a> {
    #[default]
    Always,
    /// NX
    IfAbsent,
    /// XX
    IfPresent,
    /// IFEQ: only over this value.
    IfEqual(&'a [u8]),
    /// IFNE: over any other value, or none.
    IfNotEqual(&'a [u8]),
    /// IFDEQ: only over a value with this digest.
    IfDigest(u64),
    /// IFDNE: over a value with any other digest, or none.
    IfNotDigest(u64),
}

impl<'a> Condition<'a> {
    /// The condition that two words state about a value; `None` when the first is no such option.
    pub fn on_value(option: &[u8], word: &'a [u8]) -> Option<Result<Condition<'a>, CommandError>> {
        let condition = match &option.to_ascii_uppercase()[..] {
            b"IFEQ" => Ok(Condition::IfEqual(word)),
            b"IFNE" => Ok(Condition::IfNotEqual(word)),
            b"IFDEQ" => digest(word).map(Condition::IfDigest),
            b"IFDNE" => digest(word).map(Condition::IfNotDigest),
            _ => return None,
        };
        Some(condition)
    }

    /// Whether it lets a command change a key that is not there.
    pub fn holds_for_none(self) -> bool {
        match self {
            Condition::Always | Condition::IfAbsent | Condition::IfNotEqual(_) | Condition::IfNotDigest(_) => true,
            Condition::IfPresent | Condition::IfEqual(_) | Condition::IfDigest(_) => false,
        }
    }

    /// ... and one that holds this; a condition about strings is an error where it is none.
    pub fn holds_for(self, value: ValueRef<'_, Object>) -> Result<bool, CommandError> {
        let string = || Str::of(value).ok_or(CommandError::WRONG_TYPE);
        let scratch = &mut Scratch::default();
        Ok(match self {
            Condition::Always | Condition::IfPresent => true,
            Condition::IfAbsent => false,
            Condition::IfEqual(expected) => string()?.bytes(scratch) == expected,
            Condition::IfNotEqual(unwanted) => string()?.bytes(scratch) != unwanted,
            Condition::IfDigest(expected) => xxh3_64(string()?.bytes(scratch)) == expected,
            Condition::IfNotDigest(unwanted) => xxh3_64(string()?.bytes(scratch)) != unwanted,
        })
    }
}

/// A digest as DIGEST prints it: sixteen hexadecimal digits.
fn digest(word: &[u8]) -> Result<u64, CommandError> {
    let is_digest = word.len() == 16 && word.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(word).ok().filter(|_| is_digest).ok_or(CommandError::NOT_DIGEST)?;
    u64::from_str_radix(text, 16).map_err(|_| CommandError::NOT_DIGEST)
}

/// Whose options are read: the others are syntax errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Set,
    GetEx,
    MSetEx,
}

/// What the options say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options<'a> {
    /// The unit, and the word with the value.
    pub expiry: Option<(TimeUnit, usize)>,
    pub keep_ttl: bool,
    pub persist: bool,
    pub get: bool,
    pub condition: Condition<'a>,
    /// Where a condition about the value stands, until all words are read.
    value_condition: Option<usize>,
}

impl<'a> Options<'a> {
    /// Reads the words from `from` on.
    pub fn parse(args: &Args<'a>, from: usize, family: Family) -> Result<Options<'a>, CommandError> {
        let mut options = Options::default();
        let mut at = from;
        while at < args.len() {
            at += options.take(args, at, family).ok_or(CommandError::SYNTAX)?;
        }
        if let Some(at) = options.value_condition {
            options.condition =
                Condition::on_value(args.word(at), args.word(at + 1)).unwrap_or(Err(CommandError::SYNTAX))?;
        }
        Ok(options)
    }

    /// Reads one option; returns how many words it has, `None` when it does not belong here.
    fn take(&mut self, args: &Args<'a>, at: usize, family: Family) -> Option<usize> {
        if let Some(unit) = TimeUnit::of(args, at) {
            let fits = !self.keep_ttl && !self.persist && self.expiry.is_none_or(|(before, _)| before == unit);
            if !fits || at + 1 >= args.len() {
                return None;
            }
            self.expiry = Some((unit, at + 1));
            return Some(2);
        }
        if family == Family::GetEx {
            self.persist = args.is(at, "PERSIST") && self.expiry.is_none();
            return self.persist.then_some(1);
        }
        if args.is(at, "NX") {
            return self.set_condition(Condition::IfAbsent);
        }
        if args.is(at, "XX") {
            return self.set_condition(Condition::IfPresent);
        }
        if args.is(at, "KEEPTTL") {
            self.keep_ttl = self.expiry.is_none();
            return self.keep_ttl.then_some(1);
        }
        if family == Family::MSetEx {
            return None;
        }
        if args.is(at, "GET") {
            self.get = true;
            return Some(1);
        }
        let is_condition = ["IFEQ", "IFNE", "IFDEQ", "IFDNE"].iter().any(|option| args.is(at, option));
        if is_condition && self.condition == Condition::Always && self.value_condition.is_none() {
            self.value_condition = Some(at);
            return (at + 1 < args.len()).then_some(2);
        }
        None
    }

    fn set_condition(&mut self, condition: Condition<'a>) -> Option<usize> {
        let fits = self.condition == Condition::Always || self.condition == condition;
        let fits = fits && self.value_condition.is_none();
        self.condition = condition;
        fits.then_some(1)
    }

    /// The deadline in Unix milliseconds, if one is given.
    pub fn deadline(&self, args: &Args<'_>, now_ms: i64, command: &str) -> Result<Option<u64>, CommandError> {
        match self.expiry {
            Some((unit, at)) => deadline(unit, args.int(at)?, now_ms, command).map(Some),
            None => Ok(None),
        }
    }

    /// Whether there is a condition that servers before Redis 8.4 do not know.
    pub fn is_news(&self) -> bool {
        matches!(self.condition, Condition::IfNotEqual(_) | Condition::IfDigest(_) | Condition::IfNotDigest(_))
    }

    /// Whether the deadline has to be written down as another one than was sent.
    pub fn is_relative(&self) -> bool {
        self.expiry.is_some_and(|(unit, _)| unit != TimeUnit::PXAT)
    }
}

/// Whether such a condition stands here.
pub(super) fn is_news(args: &Args<'_>, at: usize) -> bool {
    ["IFNE", "IFDEQ", "IFDNE"].iter().any(|option| args.is(at, option))
}

/// A deadline in Unix milliseconds. It may be in the past, but times of zero and less are refused, and so is what
/// does not fit a signed 64-bit number.
pub(super) fn deadline(unit: TimeUnit, value: i64, now_ms: i64, command: &str) -> Result<u64, CommandError> {
    match unit.unix_ms(value, now_ms) {
        Some(ms) if value > 0 => Ok(ms as u64),
        _ => Err(CommandError::invalid_expire(command)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_beyond_the_range_are_refused() {
        let refused = Err(CommandError::invalid_expire("set"));
        assert_eq!(deadline(TimeUnit::EX, 10, 5, "set"), Ok(10_005));
        assert_eq!(deadline(TimeUnit::EXAT, 10, 5, "set"), Ok(10_000));
        assert_eq!(deadline(TimeUnit::PXAT, i64::MAX, 5, "set"), Ok(i64::MAX as u64));
        assert_eq!(deadline(TimeUnit::PX, i64::MAX, 5, "set"), refused);
        assert_eq!(deadline(TimeUnit::EXAT, i64::MAX / 1000 + 1, 5, "set"), refused);
        assert_eq!(deadline(TimeUnit::PXAT, 0, 5, "set"), refused);
        assert_eq!(deadline(TimeUnit::PX, -4, 5, "set"), refused);
    }
}
