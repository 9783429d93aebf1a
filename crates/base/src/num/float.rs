//! Doubles from text, and the one fixed-precision form.
//!
//! Redis 8.2 has two readers with different manners, both observed on the real server:
//!
//! * [`parse_f64`] for values that are stored (ZADD, ZINCRBY): hexadecimal allowed; a number too large for a
//!   double, or one that is not zero but would be stored as zero, is refused.
//! * [`parse_f64_bound`] for the ends of a range (ZRANGEBYSCORE, ZCOUNT): no hexadecimal; the text ends at the
//!   first NUL; nothing at all is zero; what is too large is infinite and what is too small is zero.
//!
//! Both refuse NaN, spaces and anything left over.

use super::hex;
use std::io::Write;

/// Reads a double that is about to be stored. See the head of the file.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let (negative, digits) = hex::split_sign(text);
    if hex::is_hex(digits) {
        let value = round_hex(hex::parse(digits)?)?;
        return Some(if negative { -value } else { value });
    }
    let value = parse_decimal(digits)?;
    let lost = if value == 0.0 { has_nonzero_digit(digits) } else { value.is_infinite() && !names_infinity(digits) };
    if lost {
        return None;
    }
    Some(if negative { -value } else { value })
}

/// Reads one end of a range of scores, without a leading `(`. See the head of the file.
pub fn parse_f64_bound(text: &[u8]) -> Option<f64> {
    let text = memchr::memchr(0, text).map_or(text, |end| &text[..end]);
    if text.is_empty() {
        return Some(0.0);
    }
    let (negative, digits) = hex::split_sign(text);
    let value = parse_decimal(digits)?;
    Some(if negative { -value } else { value })
}

/// Reads an unsigned decimal number, or infinity by name.
fn parse_decimal(digits: &[u8]) -> Option<f64> {
    // The crate would take a second sign, and it knows NaN; nobody here may.
    match digits.first()? {
        b'0'..=b'9' | b'.' => fast_float2::parse(digits).ok(),
        _ => names_infinity(digits).then_some(f64::INFINITY),
    }
}

/// Whether an unsigned text is one of the names of infinity.
pub(super) fn names_infinity(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity")
}

/// Whether the number before the exponent is not zero.
fn has_nonzero_digit(digits: &[u8]) -> bool {
    digits.iter().take_while(|byte| !matches!(byte, b'e' | b'E')).any(|byte| matches!(byte, b'1'..=b'9'))
}

/// Rounds to 53 bits, to nearest with ties to even; `None` when the value leaves the range of a double.
fn round_hex(hex: hex::Hex) -> Option<f64> {
    if hex.mantissa == 0 {
        return Some(0.0);
    }
    let top = hex.exponent.saturating_add(127);
    if !(-1075..=1023).contains(&top) {
        return None;
    }
    // A subnormal keeps fewer bits: its last bit is always worth 2^-1074.
    let drop = (75 + (-1022 - top).max(0)) as u32;
    let half = 1u128 << (drop - 1);
    let mut kept = hex.mantissa.checked_shr(drop).unwrap_or(0) as u64;
    let rest = hex.mantissa & (half | (half - 1));
    if rest > half || (rest == half && (hex.sticky || kept & 1 == 1)) {
        kept += 1;
    }
    // The hidden bit of `kept` carries into the exponent field, and so does a rounding overflow.
    let exponent_field = (top + 1022).max(0) as u64;
    let value = f64::from_bits((exponent_field << 52) + kept);
    (value != 0.0 && value.is_finite()).then_some(value)
}

/// Appends a double with 17 significant digits, trailing zeros dropped: C's `%.17g`.
///
/// Redis still uses this form where ZSCAN walks a sorted set in its large encoding.
pub fn write_f64_17g(out: &mut Vec<u8>, value: f64) {
    write_f64_g(out, value, 17);
}

/// The most digits that [`write_f64_g`] writes.
const PRECISION_MAX: usize = 17;

/// Appends a double with up to `precision` significant digits (at least 1, at most 17), trailing zeros dropped: C's
/// `%.*g`.
pub fn write_f64_g(out: &mut Vec<u8>, value: f64, precision: usize) {
    let precision = precision.clamp(1, PRECISION_MAX);
    if value.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    // The exact rounding is the standard library's; only the layout is ours: "d.ddde-nnn" with as many digits as are
    // asked for.
    let mut text = [0; PRECISION_MAX + 8];
    let mut rest = &mut text[..];
    write!(rest, "{:.*e}", precision - 1, value.abs()).expect("there is room for the digits and an exponent");
    let left = rest.len();
    let text = &text[..text.len() - left];
    let at = text.iter().position(|&byte| byte == b'e').expect("the format always writes an exponent");
    let exponent = super::parse_i64(&text[at + 1..]).expect("the exponent is a small integer") as i32;
    let mut digits = [0; PRECISION_MAX];
    let mut used = 0;
    for (index, &digit) in text[..at].iter().filter(|&&byte| byte != b'.').enumerate() {
        digits[index] = digit;
        if digit != b'0' || index == 0 {
            used = index + 1;
        }
    }
    let digits = &digits[..used];
    if !(-4..precision as i32).contains(&exponent) {
        out.push(digits[0]);
        if used > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        return out.extend_from_slice(format!("e{sign}{:02}", exponent.unsigned_abs()).as_bytes());
    }
    write_plain(out, digits, exponent);
}

/// Writes digits without an exponent; the first digit is worth `10^exponent`.
pub(super) fn write_plain(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + (-exponent - 1) as usize, b'0');
        return out.extend_from_slice(digits);
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        out.extend_from_slice(digits);
        return out.resize(out.len() + whole - digits.len(), b'0');
    }
    out.extend_from_slice(&digits[..whole]);
    out.push(b'.');
    out.extend_from_slice(&digits[whole..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> bool {
        parse_f64(text.as_bytes()).is_none()
    }

    #[test]
    fn stored_doubles_are_read_as_redis_reads_them() {
        for (text, value) in [
            ("1", 1.0),
            ("+1", 1.0),
            ("inf", f64::INFINITY),
            ("-INFINITY", f64::NEG_INFINITY),
            ("0x10", 16.0),
            ("0x1.8p-2", 0.375),
            ("-0x1p3", -8.0),
            ("0x.8", 0.5),
            ("0X1P+3", 8.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("+.5", 0.5),
            ("5.e3", 5000.0),
            ("1e-310", 1e-310),
            ("2.5e-324", 5e-324),
            ("0x1p-1074", 5e-324),
            ("0x1.8p-1075", 5e-324),
            ("0e999", 0.0),
            ("0e-999", 0.0),
            ("0x0p-9999999", 0.0),
            ("1.797693134862315807e308", f64::MAX),
            ("0x1.0000000000000800000001p0", 1.0000000000000002),
            ("0x1.00000000000008p0", 1.0),
            ("0x1.00000000000018p0", 1.0000000000000004),
            ("00012", 12.0),
        ] {
            assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
        }
        assert!(parse_f64(b"-0").unwrap().is_sign_negative());
    }

    #[test]
    fn what_is_no_double_or_leaves_its_range_is_refused() {
        for text in [
            "",
            " 1",
            "1 ",
            "\t1",
            "1\n",
            "1\0",
            "\x001",
            "nan",
            "-nan",
            "nan(1)",
            "in",
            "infin",
            "infx",
            "0x",
            "0x.p1",
            "0x1p",
            "1e",
            "1e+",
            ".",
            "-",
            "+",
            "e5",
            "++1",
            "+-1",
            "--1",
            "1_0",
            "1d5",
            "1f",
            "1,5",
            "1e5.0",
            "0e",
            "0b1",
            "1e0x5",
            "1e400",
            "-1e400",
            "1e-400",
            "2.4e-324",
            "0x1p2000",
            "0x1p-2000",
            "0x1p-1075",
            "1.7976931348623159e308",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "0x1p99999999999",
            "0x1.fffffffffffff8p1023",
        ] {
            assert!(refused(text), "{text:?}");
        }
    }

    #[test]
    fn range_ends_are_read_leniently() {
        for (text, value) in [
            ("", 0.0),
            ("\0", 0.0),
            ("1\0x", 1.0),
            ("+1", 1.0),
            ("-.5", -0.5),
            ("0.", 0.0),
            ("1e400", f64::INFINITY),
            ("-1e400", f64::NEG_INFINITY),
            ("1e-400", 0.0),
            ("inf", f64::INFINITY),
            ("-infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse_f64_bound(text.as_bytes()), Some(value), "{text:?}");
        }
        for text in ["nan", "1e", ".", "+", "-", " 1", "0x1", "infinit", "++1", "(1"] {
            assert_eq!(parse_f64_bound(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn hexadecimal_survives_a_round_trip() {
        let mut rng = crate::rng::Rng::seed(2);
        for _ in 0..5_000 {
            let value = f64::from_bits(rng.next_u64() >> 1);
            if !value.is_finite() || value == 0.0 {
                continue;
            }
            let bits = value.to_bits();
            let (field, fraction) = ((bits >> 52) as i64, bits & ((1 << 52) - 1));
            let lead = u8::from(field > 0);
            let text = format!("0x{lead}.{fraction:013x}p{}", field.max(1) - 1023);
            assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
        }
    }

    #[test]
    fn fewer_digits_are_laid_out_as_in_c() {
        for (value, precision, text) in [
            (0.1, 14, "0.1"),
            (1.0 / 3.0, 14, "0.33333333333333"),
            (1e15, 14, "1e+15"),
            (123_456_789_012_345.0, 14, "1.2345678901234e+14"),
            (12_345_678_901_234.0, 14, "12345678901234"),
            (99_999_999_999_999.9, 14, "1e+14"),
            (1e-5, 14, "1e-05"),
            (-0.0, 14, "-0"),
            (f64::MAX, 14, "1.7976931348623e+308"),
            (5e-324, 3, "4.94e-324"),
            (0.05, 1, "0.05"),
            (15.0, 1, "2e+01"),
        ] {
            let mut out = Vec::new();
            write_f64_g(&mut out, value, precision);
            assert_eq!(out, text.as_bytes(), "{value} with {precision}");
        }
    }

    #[test]
    fn seventeen_digits_are_laid_out_as_in_c() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (0.1, "0.10000000000000001"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1.0000000000000001e-05"),
            (-1.5, "-1.5"),
            (1e300, "1.0000000000000001e+300"),
            (f64::NEG_INFINITY, "-inf"),
            (2251799813685249.5, "2251799813685249.5"),
        ] {
            let mut out = Vec::new();
            write_f64_17g(&mut out, value);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
