//! What the commands about fields' deadlines share: `FIELDS numfields field ...`, and times.

use command::spec::{ArgSpec, block, integer, string};
use command::{Args, CommandError};

/// Deadlines are below this many milliseconds since the epoch (the year 4199), as in Redis.
const DEADLINE_END_MS: i64 = 1 << 46;

/// The words `FIELDS numfields field [field ...]`.
pub(super) const FIELDS: ArgSpec = block("fields", &[integer("numfields"), string("field").multiple()]).token("FIELDS");

/// Reads `FIELDS numfields` at `at`; gives the place of the first field, of which all that follow are.
pub(super) fn fields(args: &Args<'_>, at: usize, not_a_number: CommandError) -> Result<usize, CommandError> {
    if !args.is(at, "FIELDS") {
        return Err(CommandError::FIELDS_MISSING);
    }
    let number = args.get(at + 1).and_then(base::num::parse_i64).filter(|&number| number > 0).ok_or(not_a_number)?;
    if number != args.len() as i64 - at as i64 - 2 {
        return Err(CommandError::FIELDS_MISMATCH);
    }
    Ok(at + 2)
}

/// What a time given in a command means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub seconds: bool,
    pub from_now: bool,
}

impl Time {
    pub const SECONDS: Time = Time { seconds: true, from_now: true };
    pub const MILLISECONDS: Time = Time { seconds: false, from_now: true };
    pub const AT_SECONDS: Time = Time { seconds: true, from_now: false };
    pub const AT_MILLISECONDS: Time = Time { seconds: false, from_now: false };

    /// What the keyword at `at` says.
    pub fn of(args: &Args<'_>, at: usize) -> Option<Time> {
        const KEYWORDS: [(&str, Time); 4] = [
            ("EX", Time::SECONDS),
            ("PX", Time::MILLISECONDS),
            ("EXAT", Time::AT_SECONDS),
            ("PXAT", Time::AT_MILLISECONDS),
        ];
        KEYWORDS.into_iter().find(|(keyword, _)| args.is(at, keyword)).map(|(_, time)| time)
    }

    /// The deadline in Unix milliseconds that the word at `at` gives. It may be past already.
    pub fn deadline(self, args: &Args<'_>, at: usize, now_ms: u64, command: &str) -> Result<u64, CommandError> {
        let number = args.int(at)?;
        if number < 0 {
            return Err(CommandError::NEGATIVE_EXPIRE);
        }
        let ms = number.checked_mul(if self.seconds { 1000 } else { 1 });
        let ms = ms.and_then(|ms| ms.checked_add(if self.from_now { now_ms as i64 } else { 0 }));
        match ms {
            Some(ms) if ms < DEADLINE_END_MS => Ok(ms as u64),
            _ => Err(CommandError::invalid_expire(command)),
        }
    }
}

/// Where HGETEX and HSETEX may have a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiration {
    /// As it is, for HGETEX; none, for HSETEX.
    Unsaid,
    /// PERSIST, or KEEPTTL.
    Word,
    At(u64),
}

#[cfg(test)]
mod tests {
    use super::*;
    use command::OwnedArgs;

    #[test]
    fn times_have_an_end() {
        let ask = |time: Time, number: i64| {
            let words: OwnedArgs = [number.to_string().as_bytes()].into_iter().collect();
            time.deadline(&words.args(), 0, 5, "hexpire").ok()
        };
        assert_eq!(ask(Time::SECONDS, 2), Some(2005));
        assert_eq!(ask(Time::AT_MILLISECONDS, (1 << 46) - 1), Some((1 << 46) - 1));
        assert_eq!(ask(Time::AT_MILLISECONDS, 1 << 46), None);
        assert_eq!(ask(Time::MILLISECONDS, (1 << 46) - 5), None);
        assert_eq!(ask(Time::SECONDS, i64::MAX), None);
        assert_eq!(ask(Time::AT_SECONDS, 0), Some(0));
        assert_eq!(ask(Time::AT_SECONDS, -1), None);
    }
}
