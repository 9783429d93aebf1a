//! Finding the first bit of a kind.

use super::clamp;
use std::ops::Range;

/// The position, counted from the start of the string, of the first bit equal to `bit` within a range of bits.
/// The range is cut to the string: that a search for a zero may succeed just after the end is for BITPOS to say.
pub fn position(bytes: &[u8], bit: bool, range: Range<u64>) -> Option<u64> {
    let range = clamp(bytes, range);
    if range.is_empty() {
        return None;
    }
    // With this flip, the wanted bits are ones.
    let flip = if bit { 0 } else { 0xff };
    let first = (range.start / 8) as usize;
    let head = (bytes[first] ^ flip) & (0xff >> (range.start % 8));
    let (at, byte) = if head != 0 {
        (first, head)
    } else {
        let rest = &bytes[first + 1..range.end.div_ceil(8) as usize];
        let at = first + 1 + find_other(rest, flip)?;
        (at, bytes[at] ^ flip)
    };
    let found = at as u64 * 8 + u64::from(byte.leading_zeros());
    (found < range.end).then_some(found)
}

/// The first byte that differs from `skip`. Whole blocks are compared at once, without a branch per byte.
fn find_other(bytes: &[u8], skip: u8) -> Option<usize> {
    const BLOCK: usize = 64;
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let same = blocks.iter().take_while(|block| block.iter().fold(0, |seen, byte| seen | (byte ^ skip)) == 0);
    let start = same.count() * BLOCK;
    bytes[start..].iter().position(|&byte| byte != skip).map(|at| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_walk_over_the_bits_finds() {
        let mut seed = 7u64;
        for round in 0..200 {
            let mut bytes = vec![if round % 2 == 0 { 0 } else { 0xff }; round];
            for _ in 0..round % 4 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (seed >> 33) as usize % bytes.len().max(1);
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << (seed >> 61));
            }
            let bits = bytes.len() as u64 * 8;
            let get = |at: u64| bytes[(at / 8) as usize] & (0x80 >> (at % 8)) != 0;
            for (start, end) in
                [(0, bits), (3, bits), (9, bits + 5), (17, bits.saturating_sub(3)), (bits, bits), (5, 4)]
            {
                for bit in [false, true] {
                    let expected = (start..end.min(bits)).find(|&at| get(at) == bit);
                    assert_eq!(position(&bytes, bit, start..end), expected, "round {round}, {start}..{end}, {bit}");
                }
            }
        }
    }
}
