//! Numbers in as few bytes as they need: 7 bits to a byte, the lowest first; all but the last byte have the upper bit
//! set.
//!
//! Limits: only what `put` wrote can be taken. Other bytes may panic or become any number.

/// Appends a number.
#[inline]
pub fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes the number at the front of `bytes` off it.
#[inline]
pub fn take(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut at) = (0, 0);
    loop {
        let byte = bytes[at];
        number |= u64::from(byte & 0x7f) << (7 * at);
        at += 1;
        if byte < 0x80 {
            *bytes = &bytes[at..];
            return number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_order() {
        let numbers = [0, 1, 127, 128, 16_383, 16_384, 1 << 35, u64::MAX - 1, u64::MAX];
        let mut bytes = Vec::new();
        numbers.iter().for_each(|&number| put(&mut bytes, number));
        assert_eq!(bytes.len(), 3 + 2 * 2 + 3 + 6 + 10 + 10);
        let mut rest = &bytes[..];
        numbers.iter().for_each(|&number| assert_eq!(take(&mut rest), number));
        assert!(rest.is_empty());
    }
}
