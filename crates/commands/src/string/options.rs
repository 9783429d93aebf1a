//! The options that SET, GETEX and MSETEX share: a deadline, and a condition.
//!
//! Words are read from left to right. What excludes each other is a syntax error wherever it stands; the same option
//! may come twice, and then the last one counts. A value is looked at only when all words are known to be options.

use command::{Args, CommandError};

/// How a deadline is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Seconds from now.
    Ex,
    /// Milliseconds from now.
    Px,
    /// Unix time in seconds.
    ExAt,
    /// Unix time in milliseconds.
    PxAt,
}

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
    pub expiry: Option<(Unit, usize)>,
    pub keep_ttl: bool,
    pub persist: bool,
    pub get: bool,
    pub condition: Condition<'a>,
}

impl<'a> Options<'a> {
    /// Reads the words from `from` on.
    pub fn parse(args: &Args<'a>, from: usize, family: Family) -> Result<Options<'a>, CommandError> {
        let mut options = Options::default();
        let mut at = from;
        while at < args.len() {
            at += options.take(args, at, family).ok_or(CommandError::SYNTAX)?;
        }
        Ok(options)
    }

    /// Reads one option; gives how many words it has, `None` when it does not belong here.
    fn take(&mut self, args: &Args<'a>, at: usize, family: Family) -> Option<usize> {
        if let Some(unit) = unit(args, at) {
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
        if args.is(at, "IFEQ") && self.condition == Condition::Always {
            self.condition = Condition::IfEqual(args.get(at + 1)?);
            return Some(2);
        }
        None
    }

    fn set_condition(&mut self, condition: Condition<'a>) -> Option<usize> {
        let fits = self.condition == Condition::Always || self.condition == condition;
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

    /// Whether the deadline has to be written down as another one than was sent.
    pub fn is_relative(&self) -> bool {
        self.expiry.is_some_and(|(unit, _)| unit != Unit::PxAt)
    }
}

fn unit(args: &Args<'_>, at: usize) -> Option<Unit> {
    const UNITS: [(&str, Unit); 4] = [("EX", Unit::Ex), ("PX", Unit::Px), ("EXAT", Unit::ExAt), ("PXAT", Unit::PxAt)];
    UNITS.into_iter().find(|(name, _)| args.is(at, name)).map(|(_, unit)| unit)
}

/// A deadline in Unix milliseconds. It may be in the past, but times of zero and less are refused, and so is what
/// does not fit a signed 64-bit number.
pub(super) fn deadline(unit: Unit, value: i64, now_ms: i64, command: &str) -> Result<u64, CommandError> {
    let ms = match unit {
        Unit::Px | Unit::PxAt => Some(value),
        Unit::Ex | Unit::ExAt => value.checked_mul(1000),
    };
    let ms = match unit {
        Unit::Ex | Unit::Px => ms.and_then(|ms| ms.checked_add(now_ms)),
        Unit::ExAt | Unit::PxAt => ms,
    };
    match ms {
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
        assert_eq!(deadline(Unit::Ex, 10, 5, "set"), Ok(10_005));
        assert_eq!(deadline(Unit::ExAt, 10, 5, "set"), Ok(10_000));
        assert_eq!(deadline(Unit::PxAt, i64::MAX, 5, "set"), Ok(i64::MAX as u64));
        assert_eq!(deadline(Unit::Px, i64::MAX, 5, "set"), refused);
        assert_eq!(deadline(Unit::ExAt, i64::MAX / 1000 + 1, 5, "set"), refused);
        assert_eq!(deadline(Unit::PxAt, 0, 5, "set"), refused);
        assert_eq!(deadline(Unit::Px, -4, 5, "set"), refused);
    }
}
