//! Hexadecimal floating-point text, as C's `strtod` and `strtold` read it: `0x1.8p-2`.
//!
//! Shared by the 64-bit and the 80-bit reader: both want more bits than they keep, the exponent, and whether
//! anything was lost below ("sticky"), and round from there.

/// A positive binary number: `mantissa * 2^exponent`, plus something below the last bit if `sticky`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hex {
    pub mantissa: u128,
    pub exponent: i64,
    pub sticky: bool,
}

/// Whether an unsigned text announces a hexadecimal number.
pub(super) fn is_hex(text: &[u8]) -> bool {
    matches!(text, [b'0', b'x' | b'X', ..])
}

/// Reads all of an unsigned text that [`is_hex`]; the mantissa comes out with its top bit set, or zero.
pub(super) fn parse(text: &[u8]) -> Option<Hex> {
    let mut hex = Hex { mantissa: 0, exponent: 0, sticky: false };
    let mut at = 2;
    let (mut digits, mut point) = (0usize, false);
    while let Some(&byte) = text.get(at) {
        if byte == b'.' && !point {
            point = true;
        } else if let Some(digit) = (byte as char).to_digit(16) {
            digits += 1;
            push_digit(&mut hex, digit);
            hex.exponent -= if point { 4 } else { 0 };
        } else {
            break;
        }
        at += 1;
    }
    if digits == 0 {
        return None;
    }
    if at < text.len() {
        if !matches!(text[at], b'p' | b'P') {
            return None;
        }
        hex.exponent = hex.exponent.saturating_add(parse_exponent(&text[at + 1..])?);
    }
    if hex.mantissa != 0 {
        let shift = hex.mantissa.leading_zeros();
        hex.mantissa <<= shift;
        hex.exponent = hex.exponent.saturating_sub(i64::from(shift));
    }
    Some(hex)
}

/// Takes in one more digit. What no longer fits counts only as "something was there".
fn push_digit(hex: &mut Hex, digit: u32) {
    if hex.mantissa.leading_zeros() >= 4 {
        hex.mantissa = hex.mantissa << 4 | u128::from(digit);
    } else {
        hex.exponent += 4;
        hex.sticky |= digit != 0;
    }
}

/// Reads a decimal exponent with an optional sign. Absurdly large ones saturate: they overflow anyway.
pub(super) fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        // Far beyond every exponent and every text length, and far from overflowing a sum.
        value = (value * 10 + i64::from(byte - b'0')).min(1 << 50);
    }
    Some(if negative { -value } else { value })
}

/// Takes one leading `+` or `-` off; true when it was a minus.
pub(super) fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_beyond_128_bits_are_kept_as_sticky() {
        let exact = parse(b"0x1.8p-2").unwrap();
        assert_eq!(exact, Hex { mantissa: 3 << 126, exponent: -129, sticky: false });
        let long = parse(format!("0x8{}71", "0".repeat(30)).as_bytes()).unwrap();
        assert_eq!(long, Hex { mantissa: 1 << 127 | 7, exponent: 4, sticky: true });
        assert_eq!(parse(b"0x0.000").unwrap().mantissa, 0);
    }

    #[test]
    fn incomplete_hexadecimal_is_refused() {
        for text in ["0x", "0x.", "0x.p1", "0x1p", "0x1p+", "0x1g", "0x1.p", "0x1.2.3"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
