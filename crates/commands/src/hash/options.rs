//! What the commands about fields' deadlines share: `FIELDS numfields field ...`, and times.

use crate::deadline::TimeUnit;
use command::spec::{ArgSpec, block, integer, string};
use command::{Args, CommandError, Ctx};

/// Deadlines are below this many milliseconds since the epoch (the year 4199), as in Redis.
const DEADLINE_END_MS: i64 = 1 << 46;

/// The words `FIELDS numfields field [field ...]`.
pub(super) const FIELDS: ArgSpec = block("fields", &[integer("numfields"), string("field").multiple()]).token("FIELDS");

/// Reads `FIELDS numfields` at `at`; returns the place of the first field, of which all that follow are.
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

/// The deadline in Unix milliseconds that the word at `at` gives. It may be past already.
pub(super) fn deadline(unit: TimeUnit, cx: &Ctx<'_>, args: &Args<'_>, at: usize) -> Result<u64, CommandError> {
    let number = args.int(at)?;
    if number < 0 {
        return Err(CommandError::NEGATIVE_EXPIRE);
    }
    match unit.unix_ms(number, cx.now().unix_ms) {
        Some(ms) if ms < DEADLINE_END_MS => Ok(ms as u64),
        _ => Err(CommandError::invalid_expire(cx.name())),
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
