//! What commands are told about a deadline: a number and what it means, and on what it depends whether the deadline
//! changes.

use command::Args;

/// What a number means as a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeUnit {
    pub seconds: bool,
    pub from_now: bool,
}

impl TimeUnit {
    pub const EX: TimeUnit = TimeUnit { seconds: true, from_now: true };
    pub const PX: TimeUnit = TimeUnit { seconds: false, from_now: true };
    pub const EXAT: TimeUnit = TimeUnit { seconds: true, from_now: false };
    pub const PXAT: TimeUnit = TimeUnit { seconds: false, from_now: false };

    /// What the keyword at `at` says.
    pub fn of(args: &Args<'_>, at: usize) -> Option<TimeUnit> {
        const KEYWORDS: [(&str, TimeUnit); 4] =
            [("EX", TimeUnit::EX), ("PX", TimeUnit::PX), ("EXAT", TimeUnit::EXAT), ("PXAT", TimeUnit::PXAT)];
        KEYWORDS.into_iter().find(|(keyword, _)| args.is(at, keyword)).map(|(_, unit)| unit)
    }

    /// The deadline in Unix milliseconds that a number means; `None` when it is too far away, on either side.
    pub fn unix_ms(self, number: i64, now_ms: i64) -> Option<i64> {
        let ms = if self.seconds { number.checked_mul(1000)? } else { number };
        if self.from_now { ms.checked_add(now_ms) } else { Some(ms) }
    }
}

/// On what a new deadline depends (EXPIRE, HEXPIRE).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    pub nx: bool,
    pub xx: bool,
    pub gt: bool,
    pub lt: bool,
}

impl Conditions {
    /// Adds the condition at `at`; false when the word is none.
    pub fn add(&mut self, args: &Args<'_>, at: usize) -> bool {
        match () {
            () if args.is(at, "NX") => self.nx = true,
            () if args.is(at, "XX") => self.xx = true,
            () if args.is(at, "GT") => self.gt = true,
            () if args.is(at, "LT") => self.lt = true,
            () => return false,
        }
        true
    }

    /// Whether a new deadline may take the place of an old one. None counts as later than any other.
    pub fn allow(self, old: Option<u64>, new: i64) -> bool {
        match old {
            None => !self.xx && !self.gt,
            Some(old) => {
                let old = old as i64;
                !self.nx && (!self.gt || new > old) && (!self.lt || new < old)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_number_or_are_none() {
        assert_eq!(TimeUnit::EX.unix_ms(2, 5), Some(2005));
        assert_eq!(TimeUnit::EXAT.unix_ms(-2, 5), Some(-2000));
        assert_eq!(TimeUnit::PXAT.unix_ms(i64::MAX, 5), Some(i64::MAX));
        assert_eq!(TimeUnit::PX.unix_ms(i64::MAX, 5), None);
        assert_eq!(TimeUnit::EXAT.unix_ms(i64::MIN / 1000 - 1, 5), None);
        assert_eq!(TimeUnit::EX.unix_ms(i64::MAX, 5), None);
    }

    #[test]
    fn no_deadline_is_later_than_any() {
        let conditions = |nx, xx, gt, lt| Conditions { nx, xx, gt, lt };
        for (conditions, allowed) in [
            (conditions(false, false, false, false), [true; 3]),
            (conditions(true, false, false, false), [true, false, false]),
            (conditions(false, true, false, false), [false, true, true]),
            (conditions(false, false, true, false), [false, true, false]),
            (conditions(false, false, false, true), [true, false, true]),
            (conditions(false, true, false, true), [false, false, true]),
        ] {
            let all = [None, Some(5), Some(20)].map(|old| conditions.allow(old, 10));
            assert_eq!(all, allowed, "{conditions:?}");
        }
    }
}
