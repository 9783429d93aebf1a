//! The 80-bit extended floating point of the x87, in software, for INCRBYFLOAT and HINCRBYFLOAT.
//!
//! Redis adds in C's `long double`, which on x86-64 has a 64-bit mantissa, and prints 17 decimals. Rust has no such
//! type, and a double in its place gives visibly other answers (0.1 + 0.2), so here it is: reading, adding and
//! printing, each rounded exactly, to nearest with ties to even. Observed on Redis 8.2:
//!
//! * Texts of 5,120 bytes and more are refused, and so are NaN and what overflows or vanishes.
//! * Infinity is read, but no sum with it is accepted.
//!
//! A number is `mantissa * 2^exponent`. The mantissa's top bit is set, except in zero and in subnormal numbers,
//! which have the smallest exponent. Infinity has an exponent of its own.

use super::bigint::BigUint;
use super::{float, hex};

/// The last bit of a subnormal number is worth 2^this.
const EXPONENT_MIN: i64 = -16_445;
/// The last bit of the largest numbers is worth 2^this.
const EXPONENT_MAX: i64 = 16_320;
const EXPONENT_INFINITE: i32 = i32::MAX;

/// Longer texts are refused by the server, whatever they say.
const TEXT_BYTES_MAX: usize = 5_119;

/// How many decimals are printed before trailing zeros are dropped.
const DECIMALS: usize = 17;

/// An 80-bit floating-point number; never NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongDouble {
    negative: bool,
    mantissa: u64,
    exponent: i32,
}

impl LongDouble {
    pub const ZERO: LongDouble = LongDouble { negative: false, mantissa: 0, exponent: EXPONENT_MIN as i32 };

    /// Reads all of a text as C's `strtold` does, within the limits at the head of the file.
    pub fn parse(text: &[u8]) -> Option<LongDouble> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let (negative, digits) = hex::split_sign(text);
        let value = if hex::is_hex(digits) {
            let hex = hex::parse(digits)?;
            round(u128::from(hex.mantissa), hex.exponent, hex.sticky, hex.mantissa != 0)?
        } else if float::names_infinity(digits) {
            LongDouble { negative: false, mantissa: 1 << 63, exponent: EXPONENT_INFINITE }
        } else {
            parse_decimal(digits)?
        };
        Some(LongDouble { negative, ..value })
    }

    pub fn is_infinite(self) -> bool {
        self.exponent == EXPONENT_INFINITE
    }

    /// The sum, unless it is not a finite number.
    pub fn checked_add(self, other: LongDouble) -> Option<LongDouble> {
        if self.is_infinite() || other.is_infinite() {
            return None;
        }
        let (mut big, mut small) = (self, other);
        if (big.exponent, big.mantissa) < (small.exponent, small.mantissa) {
            std::mem::swap(&mut big, &mut small);
        }
        // Two bits of head room for the carry, the other 62 below the last place for the part that is shifted
        // out. Whatever leaves even those is remembered as sticky; a single bit stands for it in the sum.
        const ROOM: u32 = 62;
        let high = u128::from(big.mantissa) << ROOM;
        let distance = (big.exponent - small.exponent) as u32;
        let wide = u128::from(small.mantissa) << ROOM;
        let low = wide.checked_shr(distance).unwrap_or(0);
        let sticky = low.checked_shl(distance).unwrap_or(0) != wide;
        let low = low | u128::from(sticky);
        let sum = if big.negative == small.negative { high + low } else { high - low };
        if sum == 0 {
            // Opposite numbers give +0; only two negative zeros stay negative.
            return Some(LongDouble { negative: big.negative && small.negative, ..LongDouble::ZERO });
        }
        let magnitude = round(sum, i64::from(big.exponent) - i64::from(ROOM), false, false)?;
        Some(LongDouble { negative: big.negative, ..magnitude })
    }

    /// Appends the number as Redis prints it: 17 decimals, less trailing zeros; no exponent; no negative zero.
    pub fn write(self, out: &mut Vec<u8>) {
        let start = out.len();
        if self.negative {
            out.push(b'-');
        }
        if self.is_infinite() {
            return out.extend_from_slice(b"inf");
        }
        if self.exponent >= 0 {
            let mut whole = BigUint::from_u64(self.mantissa);
            whole.shift_left(self.exponent as usize);
            return whole.write_decimal(out);
        }
        let (whole, decimals) = self.split_decimals();
        super::write_u64(out, whole);
        if decimals != 0 {
            let text = format!("{decimals:0DECIMALS$}");
            out.push(b'.');
            out.extend_from_slice(text.trim_end_matches('0').as_bytes());
        } else if whole == 0 {
            out.truncate(start);
            out.push(b'0');
        }
    }

    /// The whole part and 17 decimals, rounded, of a number with a negative exponent.
    fn split_decimals(self) -> (u64, u64) {
        let shift = -self.exponent as u32;
        let one = 10u64.pow(DECIMALS as u32);
        let whole = self.mantissa.checked_shr(shift).unwrap_or(0);
        let fraction = self.mantissa - whole.checked_shl(shift).unwrap_or(0);
        // 64 bits times 57 bits: the product always fits, and a shift of 122 or more leaves less than half.
        let scaled = u128::from(fraction) * u128::from(one);
        let Some(half) = 1u128.checked_shl(shift - 1).filter(|_| shift < 122) else {
            return (whole, 0);
        };
        let (mut decimals, rest) = ((scaled >> shift) as u64, scaled & (half * 2 - 1));
        if rest > half || (rest == half && decimals & 1 == 1) {
            decimals += 1;
        }
        if decimals == one { (whole + 1, 0) } else { (whole, decimals) }
    }
}

/// Rounds `value * 2^exponent` (and a little more if `sticky`) to 64 bits.
///
/// `None` on overflow, and on a result of zero when the caller knows that the number `is_nonzero`.
fn round(value: u128, exponent: i64, sticky: bool, is_nonzero: bool) -> Option<LongDouble> {
    if value == 0 {
        return (!is_nonzero).then_some(LongDouble::ZERO);
    }
    let bits = 128 - i64::from(value.leading_zeros());
    // How far the last bit must move up: to leave 64 bits, or to the last place of a subnormal number.
    let drop = (bits - 64).max(EXPONENT_MIN.saturating_sub(exponent));
    let exponent = exponent.saturating_add(drop);
    let mut kept = match drop {
        1.. => round_shift(value, u32::try_from(drop).unwrap_or(u32::MAX), sticky),
        _ => value << -drop,
    };
    let mut exponent = exponent;
    if kept >> 64 != 0 {
        kept >>= 1;
        exponent += 1;
    }
    if exponent > EXPONENT_MAX || (kept == 0 && is_nonzero) {
        return None;
    }
    Some(LongDouble { negative: false, mantissa: kept as u64, exponent: exponent as i32 })
}

/// Drops bits, at least one, rounding to nearest with ties to even.
fn round_shift(value: u128, drop: u32, sticky: bool) -> u128 {
    if drop > 128 {
        return 0;
    }
    let half = 1u128 << (drop - 1);
    let kept = value.checked_shr(drop).unwrap_or(0);
    let rest = value & (half | (half - 1));
    let up = rest > half || (rest == half && (sticky || kept & 1 == 1));
    kept + u128::from(up)
}

/// Reads an unsigned decimal text.
fn parse_decimal(text: &[u8]) -> Option<LongDouble> {
    let mantissa_len = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
    let (mantissa, tail) = text.split_at(mantissa_len);
    let mut exponent = if tail.is_empty() { 0 } else { hex::parse_exponent(&tail[1..])? };
    let point = memchr::memchr(b'.', mantissa);
    let mut digits = mantissa.to_vec();
    if let Some(point) = point {
        digits.remove(point);
        exponent -= (digits.len() - point) as i64;
    }
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let Some(first) = digits.iter().position(|&byte| byte != b'0') else {
        return Some(LongDouble::ZERO);
    };
    let last = digits.iter().rposition(|&byte| byte != b'0').unwrap_or(first);
    exponent += (digits.len() - 1 - last) as i64;
    round_decimal(&digits[first..=last], exponent)
}

/// Rounds `digits * 10^exponent`, with no zero at either end of the digits.
fn round_decimal(digits: &[u8], exponent: i64) -> Option<LongDouble> {
    // Out of reach by far; this also bounds the work below.
    let magnitude = exponent + digits.len() as i64;
    if !(-4_960..=4_940).contains(&magnitude) {
        return None;
    }
    if digits.len() <= 19 && (-19..=0).contains(&exponent) {
        return round_short(digits, -exponent as u32);
    }
    let mut number = BigUint::from_digits(digits);
    if exponent >= 0 {
        number.mul_pow10(exponent as usize);
        let (top, below, lost) = number.top();
        return round(top, below as i64, lost, true);
    }
    let mut divisor = BigUint::from_u64(1);
    divisor.mul_pow10(-exponent as usize);
    let (quotient, exponent, rest) = number.divide(divisor);
    round(quotient, exponent, rest, true)
}

/// The usual case, up to 19 digits with up to 19 of them behind the point, in two machine divisions.
fn round_short(digits: &[u8], decimals: u32) -> Option<LongDouble> {
    let number = digits.iter().fold(0u64, |sum, &byte| sum * 10 + u64::from(byte - b'0'));
    let divisor = u128::from(10u64.pow(decimals));
    let up = number.leading_zeros() + 64;
    let scaled = u128::from(number) << up;
    let (quotient, rest) = (scaled / divisor, scaled % divisor);
    // Against a large divisor that quotient may have just 64 bits, and rounding needs a few more.
    let more = quotient.leading_zeros().min(60);
    let quotient = quotient << more | (rest << more) / divisor;
    round(quotient, -i64::from(up + more), (rest << more) % divisor != 0, true)
}
