//! Bitmaps: strings as sequences of bits.

mod bit;
mod count;
mod field;
mod op;

use command::{CommandError, CommandSpec, Ctx};
use engine::event::Event;
use engine::{Key, LockedKeys};
use value::string::{Scratch, Str};

pub static COMMANDS: &[&CommandSpec] =
    &[&count::BITCOUNT, &field::BITFIELD, &field::BITFIELD_RO, &op::BITOP, &count::BITPOS, &bit::GETBIT, &bit::SETBIT];

/// What every change of single bits is announced as.
const SETBIT_EVENT: Event = Event::string("setbit");

/// Reads a string; `None` when there is no key.
fn read_string<'s>(
    keys: &'s mut LockedKeys<'_>,
    key: &Key<'_>,
    scratch: &'s mut Scratch,
) -> Result<Option<&'s [u8]>, CommandError> {
    match keys.read(key) {
        Some(entry) => Ok(Some(Str::of(entry.value()).ok_or(CommandError::WRONG_TYPE)?.bytes(scratch))),
        None => Ok(None),
    }
}

/// The offset of a bit, which must lie within the longest string there may be. With `width`, `#n` means the nth
/// field of that many bits.
fn offset(cx: &Ctx<'_>, word: &[u8], width: Option<u32>) -> Result<u64, CommandError> {
    let (digits, scale) = match (word, width) {
        ([b'#', digits @ ..], Some(width)) => (digits, u64::from(width)),
        _ => (word, 1),
    };
    let len_max = cx.server.tunables.limits.proto_max_bulk_len.get();
    let number = base::num::parse_i64(digits).and_then(|number| u64::try_from(number).ok());
    let offset = number.and_then(|number| number.checked_mul(scale)).filter(|offset| offset / 8 < len_max);
    offset.ok_or(CommandError::BIT_OFFSET)
}
