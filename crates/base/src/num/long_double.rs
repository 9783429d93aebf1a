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
            round(hex.mantissa, hex.exponent, hex.sticky, hex.mantissa != 0)?
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
    let quotient = (quotient << more) | ((rest << more) / divisor);
    round(quotient, -i64::from(up + more), (rest << more) % divisor != 0, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What INCRBYFLOAT answers, in the words of the table below.
    fn sum(a: &str, b: &str) -> String {
        let (Some(a), Some(b)) = (LongDouble::parse(a.as_bytes()), LongDouble::parse(b.as_bytes())) else {
            return "not a float".to_string();
        };
        let Some(sum) = a.checked_add(b) else {
            return "not finite".to_string();
        };
        let mut out = Vec::new();
        sum.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// Value, increment and answer of INCRBYFLOAT, captured from Redis 8.2.3: edges first, then random ones.
    const CAPTURED: &[(&str, &str, &str)] = &[
        ("0.1", "0.2", "0.3"),
        ("3.0e3", "200", "3200"),
        ("-0", "-0", "0"),
        ("-1e-400", "0", "0"),
        ("1e-4950", "0", "0"),
        ("-0.000000000000000004", "0", "0"),
        ("-0.000000000000000006", "0", "-0.00000000000000001"),
        ("0.000000000000000005", "0", "0"),
        ("1e4932", "-1e4932", "0"),
        ("1e4932", "1e4932", "not finite"),
        ("1e4933", "0", "not a float"),
        ("1e-4951", "0", "not a float"),
        ("0x1p-16446", "0", "not a float"),
        ("0x1.8p-16446", "0", "0"),
        ("inf", "-inf", "not finite"),
        ("inf", "1", "not finite"),
        ("nan", "1", "not a float"),
        ("0x10", "0x.8", "16.5"),
        (" 1", "1", "not a float"),
        ("1 ", "1", "not a float"),
        ("1e", "1", "not a float"),
        ("", "1", "not a float"),
        ("+-1", "0", "not a float"),
        (".", "0", "not a float"),
        ("5.", "+.5", "5.5"),
        ("-34594914011559518.0714", "-34594914011559518.0714", "-69189828023119036.14453125"),
        ("-13e-4187", "1.82e-4951", "not a float"),
        ("-629110064.049", "0x31e8fdf61b3d40a4d5p-12758", "-629110064.04899999999906868"),
        ("144115188075855869.5", "0.450872039692635", "144115188075855869.953125"),
        ("-0x1c6e261.1efd79d1dp-44", "0.0000000000357895600", "-0.00000169454025948"),
        ("-0.6878967052760525", "-157567392100363e-4442", "-0.6878967052760525"),
        ("9429310471067194", "443.089", "9429310471067637.0888671875"),
        ("-0.9071570071516861", "0x5de.13p30", "1612839911423.09284293651580811"),
        ("-0.5771188288911008", "+449.17", "448.59288117110889921"),
        ("+4.6493805676", "9", "13.6493805676"),
        ("0.000000000000669", "-0.000000000000669", "0"),
        ("975.358", "0.119276378", "975.477276378"),
        ("+0.000000000000000015", "37.102353385502638396", "37.10235338550263841"),
        ("0.3384258710772664", "0.5002482054404496038e-22", "0.3384258710772664"),
        ("+0.0161031970901", "20393640", "20393640.0161031970892509"),
        ("537447742.681486826507154", "0x3f0aa76f0d62.0p40", "76212638908970509537378304"),
        ("+0.00000000000000000134451436810", "-682129575", "-682129575"),
        ("-53979269049056", "-53979269049056", "-107958538098112"),
        ("36893488147419103229.125", "0x17796b2473113.9d1p-159", "36893488147419103230"),
        ("-382.39408", "1.5e-17", "-382.39407999999999999"),
        ("+5e-18", "0x3a7f67b57de6cad7acp-3324", "0"),
        ("573e-1609", "0.000000000269", "0.000000000269"),
        ("-4.11491123359341909573e21", "+0.16328343601352313", "-4114911233593419095808"),
        ("74.89", "-99999999999999999.999999999999999999", "-99999999999999925.109375"),
        ("110680464442257309696.500000001", "1.0000000000560", "110680464442257309696"),
        ("+1e-17", "-18446744073709551616.125", "-18446744073709551616"),
        ("5.4951021187107941040e-28", "-0.000000000000011", "-0.000000000000011"),
        ("+92233720368547758065.25", "0x3e5d7c.12a93eaff990eb39p-21", "92233720368547758064"),
        ("-1.2483105665872032768e30", "-5e-18", "-1248310566587203276786358026240"),
        ("-273.470", "-20423805807485", "-20423805807758.46999931335449219"),
        ("-702.149", "0x34bd6f4381eb2a13bd5e.2ep-18", "950078999075932102.8125"),
        ("+8.0882", "-0x1d.e7746dp9", "-15302.82137641601562539"),
        ("1e-17", "+69555049491775339.00037982233197140", "69555049491775339"),
        ("229081397270599969e-456", "-229081397270599969e-456", "0"),
        ("-0.6824561662313707", "0xe279b5e.f8f251e6734b6p-91", "-0.6824561662313707"),
        ("+0.000032744271", "-1.82e-4951", "not a float"),
        ("-126994586061310358664346e-1738", "3531359.000000006", "3531359.00000000599993655"),
        ("31728933565096151e-4094", "232.748547", "232.748547"),
        ("0xd48fc790df9.1ca81698p39", "897.853110", "8030351672082661647056896"),
        ("-0", "-0", "0"),
        ("+646122.0003592385", "0.4962146891194543", "646122.49657392761940855"),
        ("-0x39775e161aa9b31677p-15836", "2035742426279e5154", "not a float"),
        ("303.81", "-303.81", "0"),
        ("+0x20eed178e9d50f5c7ap-13036", "+2.5e-17", "0.00000000000000002"),
        ("0.885711625580118", "+9618157650885203", "9618157650885203.8857421875"),
        ("265", "-0.0000000000000093314211066368", "264.99999999999999067"),
        ("-0.1", "0.1307877221024895225e-19", "-0.1"),
        ("0x55b3.8d6ep-181", "-0x9a65447f45.171fp-187", "0"),
        ("0.0000000000000652825", "-545.206", "-545.20599999999993474"),
        ("204285623192169320e-149", "+0.007704440342668484", "0.00770444034266848"),
        ("4.14253995570393379749e-16", "377.81", "377.81000000000000041"),
        ("+0.07048651241627035", "9223372036854775808", "9223372036854775808"),
        ("0x6a1cbf23ee.bcad963e51cec15eap189", "-0x6a1cbf23ee.bcad963e51cec15eap189", "0"),
        ("+221360928884514619392", "16992186e-1152", "221360928884514619392"),
        ("+0xfad60232e9e14d5dbf.59p128", "-0xfad60232e9e14d5dbf.59p128", "0"),
        ("0.999999999999999999999", "+2305843009213693954.25", "2305843009213693955.25"),
        ("2.5e-17", "0.00397312614100826850", "0.00397312614100829"),
        ("+218", "-0x271147177cc0880bdep-14963", "218"),
        ("711652", "0x801a5be.f147d1afaf966da96ep60", "154866982320469882139836416"),
        ("-870.31586", "5764607523034234895.25", "5764607523034234024.5"),
    ];

    #[test]
    fn sums_are_those_of_redis() {
        for (a, b, expected) in CAPTURED {
            assert_eq!(sum(a, b), *expected, "{a} + {b}");
        }
    }

    #[test]
    fn the_largest_number_is_printed_in_full() {
        let text = sum("1.18973149535723176502e4932", "0");
        assert_eq!(text.len(), 4_933);
        assert!(text.starts_with("11897314953572317650212638530309702051690633222946"));
        assert_eq!(sum("1.18973149535723176508e4932", "0"), "not a float");
    }

    #[test]
    fn long_texts_are_read_up_to_the_limit() {
        assert_eq!(sum(&format!("{}1", "0".repeat(5_118)), "1"), "2");
        assert_eq!(sum(&format!("{}1", "0".repeat(5_119)), "1"), "not a float");
    }

    #[test]
    fn what_is_printed_reads_back_when_it_is_short_enough() {
        let mut rng = crate::rng::Rng::seed(4);
        for _ in 0..2_000 {
            // Up to 47 bits with up to 17 of them behind the point have at most 17 decimals.
            let value = (rng.next_u64() >> 17) as f64 / (1u64 << rng.below(18)) as f64;
            let exact = format!("{value:.17}");
            let expected = exact.trim_end_matches('0').trim_end_matches('.');
            assert_eq!(sum(expected, "0"), expected);
        }
    }
}
