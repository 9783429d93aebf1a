//! Cluster slots: which of the 16,384 a key belongs to.
//!
//! A slot is the CRC16 (XMODEM: polynomial 0x1021, from zero, nothing reflected) of the key, or of its hash tag:
//! the part between the first `{` and the next `}`, if there is something between them. Keys with one tag share a
//! slot, and with us also a shard.

/// The number of slots.
pub const SLOTS: u16 = 16_384;

const POLYNOMIAL: u16 = 0x1021;

static CRC16: [u16; 256] = crc16_table();

const fn crc16_table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ POLYNOMIAL } else { crc << 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

/// CRC16/XMODEM.
#[inline]
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| crc << 8 ^ CRC16[usize::from((crc >> 8) as u8 ^ byte)])
}

/// The part of a key that decides where it lives: its tag, or all of it.
#[inline]
pub fn hash_tag(key: &[u8]) -> &[u8] {
    let Some(open) = find_brace(key) else {
        return key;
    };
    let inside = &key[open + 1..];
    match memchr::memchr(b'}', inside) {
        None | Some(0) => key,
        Some(close) => &inside[..close],
    }
}

/// Where a key's first `{` is. Most keys are short and have none: eight bytes at a time are soon looked through.
#[inline]
fn find_brace(key: &[u8]) -> Option<usize> {
    const SHORT: usize = 32;
    /// Whether one of eight bytes is a `{`: the usual test for a zero byte, after the brace was made zero.
    fn has_brace(word: u64) -> bool {
        let zeroed = word ^ u64::from_ne_bytes([b'{'; 8]);
        zeroed.wrapping_sub(0x0101_0101_0101_0101) & !zeroed & 0x8080_8080_8080_8080 != 0
    }
    if key.len() > SHORT || key.len() < 8 {
        return memchr::memchr(b'{', key);
    }
    let (words, _) = key.as_chunks::<8>();
    let last = key.last_chunk::<8>().map_or(0, |last| u64::from_ne_bytes(*last));
    let found = words.iter().fold(has_brace(last), |found, word| found | has_brace(u64::from_ne_bytes(*word)));
    if found { memchr::memchr(b'{', key) } else { None }
}

/// The slot of a key.
#[inline]
pub fn key_slot(key: &[u8]) -> u16 {
    crc16(hash_tag(key)) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_has_the_published_check_value() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(crc16(b""), 0);
    }

    #[test]
    fn the_tag_is_between_the_first_brace_and_the_next() {
        for (key, tag) in [
            ("user", "user"),
            ("{user}.name", "user"),
            ("a{b}c{d}", "b"),
            ("a{}c{d}", "a{}c{d}"),
            ("a{{b}}c", "{b"),
            ("a{b", "a{b"),
            ("a}b{c}", "c"),
            ("", ""),
            ("{", "{"),
        ] {
            assert_eq!(hash_tag(key.as_bytes()), tag.as_bytes(), "{key}");
        }
    }
    #[test]
    fn crc16_has_the_check_value_of_xmodem() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn a_tag_is_found_wherever_it_is() {
        for len in 0..50 {
            let plain = vec![b'x'; len];
            assert_eq!(hash_tag(&plain), &plain[..]);
            for at in 0..len {
                let mut key = plain.clone();
                key.splice(at..at, *b"{t}");
                assert_eq!(hash_tag(&key), b"t", "{}", String::from_utf8_lossy(&key));
            }
        }
    }

    #[test]
    fn hash_tags_follow_the_cluster_specification() {
        for (key, tag) in [
            ("{user1000}.following", "user1000"),
            ("foo{}{bar}", "foo{}{bar}"),
            ("foo{{bar}}zap", "{bar"),
            ("foo{bar}{zap}", "bar"),
            ("plain", "plain"),
            ("open{brace", "open{brace"),
        ] {
            assert_eq!(hash_tag(key.as_bytes()), tag.as_bytes(), "{key}");
        }
        assert_eq!(key_slot(b"foo"), 12_182);
        assert_eq!(key_slot(b"{user1000}.following"), key_slot(b"{user1000}.followers"));
    }
}
