//! Strings as bitmaps: counting, searching, combining, and integer fields of any width.
//!
//! Bit 0 is the top bit of byte 0, as in SETBIT. A string that ends before a bit is read as zero there. Nothing
//! here grows a string: the caller does, since growing is where the limits of a server apply.

mod count;
mod field;
mod op;
mod position;

pub use count::{count, count_range};
pub use field::{FieldType, Overflow, field_get, field_set};
pub use op::{Op, op};
pub use position::position;

use std::ops::Range;

/// A range of bits cut to the bits that exist.
fn clamp(bytes: &[u8], range: Range<u64>) -> Range<u64> {
    let end = range.end.min(bytes.len() as u64 * 8);
    range.start.min(end)..end
}
