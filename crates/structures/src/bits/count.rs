//! Counting the bits that are set.
//!
//! The plain function is fast enough to be memory-bound only with a population count in hardware. The build must
//! run on every x86-64, so the faster instructions are looked for at run time; both versions are the same
//! source, compiled twice.

use super::clamp;
use std::ops::Range;

/// Below this the choice of a version costs more than it saves.
const SMALL: usize = 32;

/// How many bits are set.
pub fn count(bytes: &[u8]) -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if bytes.len() > SMALL && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") {
        // SAFETY: the processor has just said that it has the two features the function is compiled for.
        return unsafe { count_avx2(bytes) };
    }
    count_plain(bytes)
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx2,popcnt")]
fn count_avx2(bytes: &[u8]) -> u64 {
    count_plain(bytes)
}

#[inline(always)]
fn count_plain(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<8>();
    let words: u64 = words.iter().map(|word| u64::from(u64::from_le_bytes(*word).count_ones())).sum();
    words + tail.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

/// How many of the bits in a range are set. Bits beyond the string count as zero.
pub fn count_range(bytes: &[u8], range: Range<u64>) -> u64 {
    let range = clamp(bytes, range);
    if range.is_empty() {
        return 0;
    }
    let (first, last) = ((range.start / 8) as usize, ((range.end - 1) / 8) as usize);
    // The bits of the first and the last byte that lie outside the range are counted and taken off again.
    let before = bytes[first] & !(0xff >> (range.start % 8));
    let after = bytes[last] & (0x7f >> ((range.end - 1) % 8));
    count(&bytes[first..=last]) - u64::from(before.count_ones()) - u64::from(after.count_ones())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_agree_with_counting_bit_by_bit() {
        let bytes: Vec<u8> = (0..300u32).map(|i| (i.wrapping_mul(0x9e37_79b1) >> 13) as u8).collect();
        for start in 0..40 {
            for end in start..bytes.len() {
                let part = &bytes[start..end];
                let expected: u64 = part.iter().map(|byte| u64::from(byte.count_ones())).sum();
                assert_eq!((count(part), count_plain(part)), (expected, expected));
            }
        }
    }

    #[test]
    fn a_range_counts_only_its_own_bits() {
        let bytes = [0b1010_0110, 0xff, 0, 0b0001_1000, 0x81];
        let bit = |at: u64| u64::from(bytes.get((at / 8) as usize).is_some_and(|b| b & (0x80 >> (at % 8)) != 0));
        for start in 0..48 {
            for end in 0..48 {
                assert_eq!(count_range(&bytes, start..end), (start..end).map(bit).sum(), "{start}..{end}");
            }
        }
        assert_eq!(count_range(&bytes, 3..u64::MAX), 14);
        assert_eq!(count_range(&[], 0..u64::MAX), 0);
    }
}
