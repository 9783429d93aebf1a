//! Numbers to text and back, in exactly the forms Redis accepts and prints.
//!
//! Clients compare these bytes, and many of them parse what they get with strict readers, so "almost the
//! same number" is a bug. Integers live here; doubles in [`float`] and [`grisu`]; the 80-bit arithmetic of
//! INCRBYFLOAT and HINCRBYFLOAT in [`long_double`].

mod bigint;
mod float;
mod grisu;
mod hex;
mod long_double;

pub use float::{parse_f64, parse_f64_bound, write_f64_17g, write_f64_g};
pub use grisu::{write_f64, write_f64_digits};
pub use long_double::LongDouble;

/// The longest text of an `i64`: a sign and nineteen digits.
const I64_TEXT_BYTES_MAX: usize = 20;

/// Reads an integer as Redis does: no space, no `+`, no leading zero, no `-0`, and all of `i64`.
///
/// SET calls this for every value, so texts that cannot be integers leave on the first two tests.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (&first, rest) = text.split_first()?;
    if text.len() > I64_TEXT_BYTES_MAX {
        return None;
    }
    if first != b'-' {
        return i64::try_from(parse_u64(text)?).ok();
    }
    // A negative number must have a first digit of 1 to 9, which also refuses "-0".
    if rest.first() == Some(&b'0') {
        return None;
    }
    0i64.checked_sub_unsigned(parse_u64(rest)?)
}

/// Reads an unsigned integer under the same strict rules as [`parse_i64`].
#[inline]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    let (&first, rest) = text.split_first()?;
    if !first.is_ascii_digit() || text.len() > I64_TEXT_BYTES_MAX {
        return None;
    }
    if first == b'0' {
        return rest.is_empty().then_some(0);
    }
    let mut value = u64::from(first - b'0');
    // Nineteen digits always fit; only the twentieth can overflow.
    let (safe, last) = rest.split_at(rest.len().min(18));
    for &byte in safe {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    for &byte in last {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// Appends an integer in decimal.
#[inline]
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends an unsigned integer in decimal.
#[inline]
pub fn write_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// How many decimal digits a number has; zero has one.
#[inline]
pub fn digits10(value: u64) -> usize {
    value.checked_ilog10().unwrap_or(0) as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_strictly() {
        for (text, value) in [
            ("0", 0),
            ("7", 7),
            ("-1", -1),
            ("1234567890123456789", 1_234_567_890_123_456_789),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), Some(value), "{text}");
        }
        for text in [
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "01",
            "-01",
            "-0",
            "1a",
            "a1",
            "--1",
            "0x1",
            "1.0",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "99999999999999999999",
            "100000000000000000000",
            "1\0",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn unsigned_integers_reach_their_full_range() {
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64(b"18446744073709551616"), None);
        assert_eq!(parse_u64(b"99999999999999999999"), None);
        assert_eq!(parse_u64(b"-1"), None);
        assert_eq!(parse_u64(b"00"), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut rng = crate::rng::Rng::seed(1);
        for _ in 0..2_000 {
            let value = (rng.next_u64() >> rng.below(64)) as i64;
            let mut text = Vec::new();
            write_i64(&mut text, value);
            assert_eq!(parse_i64(&text), Some(value));
            let mut text = Vec::new();
            write_u64(&mut text, value as u64);
            assert_eq!(parse_u64(&text), Some(value as u64));
            assert_eq!(digits10(value as u64), text.len());
        }
    }
}
