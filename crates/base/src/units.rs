//! Amounts of memory: as redis.conf writes them, and as INFO shows them to people.

/// Longer texts are no amounts, whatever they say.
const DIGITS_MAX: usize = 127;

/// Reads an amount such as `100`, `1k` (1,000) or `1kb` (1,024), in bytes.
///
/// The suffixes are `b`, `k`, `kb`, `m`, `mb`, `g`, `gb`, in any case. As in Redis, leading zeros are fine and
/// no digits at all mean zero. Unlike Redis, an amount beyond 64 bits is refused and not cut to its low bits.
pub fn parse_memory(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    if digits.len() > DIGITS_MAX {
        return None;
    }
    let scale: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    let number = if digits.is_empty() { 0 } else { digits.parse::<u64>().ok()? };
    number.checked_mul(scale)
}

/// Reads a share such as `5%`: a strict integer and a percent sign. Whether 101 is too much, the option decides.
pub fn parse_percent(text: &str) -> Option<u64> {
    crate::num::parse_u64(text.strip_suffix('%')?.as_bytes())
}

/// Appends an amount as INFO's `..._human` fields show it: `512B`, `1.23M`.
pub fn write_bytes_human(out: &mut Vec<u8>, bytes: u64) {
    const UNITS: &[u8] = b"KMGTP";
    let power = bytes.checked_ilog2().unwrap_or(0) / 10;
    if power == 0 || power as usize > UNITS.len() {
        crate::num::write_u64(out, bytes);
        return out.push(b'B');
    }
    // A division by a power of two is exact in a double, until the bits run out far beyond two decimals.
    let amount = bytes as f64 / (1u64 << (power * 10)) as f64;
    out.extend_from_slice(format!("{amount:.2}").as_bytes());
    out.push(UNITS[power as usize - 1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_redis_reads_them() {
        for (text, bytes) in [
            ("0", 0),
            ("1", 1),
            ("1B", 1),
            ("1k", 1_000),
            ("1KB", 1_024),
            ("2m", 2_000_000),
            ("1Mb", 1 << 20),
            ("1g", 1_000_000_000),
            ("1gb", 1 << 30),
            ("007k", 7_000),
            ("", 0),
            ("k", 0),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_memory(text), Some(bytes), "{text}");
        }
        for text in [
            "-1",
            "+1",
            " 1",
            "1 ",
            "1 k",
            "1.5g",
            "1t",
            "1tb",
            "1kk",
            "1bb",
            "10%",
            "0x10",
            "99999999999g",
            "1e3",
            "é",
        ] {
            assert_eq!(parse_memory(text), None, "{text}");
        }
        assert_eq!(parse_memory(&format!("{}1", "0".repeat(120))), Some(1));
        assert_eq!(parse_memory(&format!("{}1", "0".repeat(130))), None);
    }

    #[test]
    fn shares_are_strict_integers() {
        assert_eq!(parse_percent("5%"), Some(5));
        assert_eq!(parse_percent("0%"), Some(0));
        assert_eq!(parse_percent("101%"), Some(101));
        for text in ["5", "%", "-5%", "+5%", "1.5%", "5 %", "5%%", "050%", "1k%"] {
            assert_eq!(parse_percent(text), None, "{text}");
        }
    }

    #[test]
    fn people_see_two_decimals() {
        for (bytes, text) in [
            (0, "0B"),
            (1_023, "1023B"),
            (1_024, "1.00K"),
            (1_032, "1.01K"),
            (1_152, "1.12K"),
            (1_408, "1.38K"),
            (2_176, "2.12K"),
            ((1 << 20) - 1, "1024.00K"),
            (123_456_789, "117.74M"),
            ((1 << 40) - 1, "1024.00G"),
            (1 << 50, "1.00P"),
            ((1 << 60) - 1, "1024.00P"),
            (1 << 60, "1152921504606846976B"),
        ] {
            let mut out = Vec::new();
            write_bytes_human(&mut out, bytes);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
