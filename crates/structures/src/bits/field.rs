//! Integer fields inside a string: any width from 1 to 64 bits, at any bit.
//!
//! A field is big endian, top bit first. Unsigned fields end at 63 bits, because replies are signed 64-bit
//! integers; that limit is checked by BITFIELD's parser and by [`FieldType::new`].

/// What to do with a value that does not fit its field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Keep the low bits.
    #[default]
    Wrap,
    /// Stop at the nearest limit.
    Sat,
    /// Leave the field alone and report it.
    Fail,
}

/// The type of a field: `i5` or `u8` in the notation of BITFIELD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldType {
    signed: bool,
    width: u32,
}

impl FieldType {
    /// `None` when the width is outside 1 to 64 (signed) or 1 to 63 (unsigned).
    pub fn new(signed: bool, width: u32) -> Option<FieldType> {
        let max = if signed { 64 } else { 63 };
        (1..=max).contains(&width).then_some(FieldType { signed, width })
    }

    pub fn is_signed(self) -> bool {
        self.signed
    }

    pub fn width(self) -> u32 {
        self.width
    }

    fn limits(self) -> (i128, i128) {
        if self.signed {
            (-1i128 << (self.width - 1), (1i128 << (self.width - 1)) - 1)
        } else {
            (0, (1i128 << self.width) - 1)
        }
    }

    /// The number that the low `width` bits of a word stand for.
    fn interpret(self, bits: u64) -> i64 {
        let unused = u64::BITS - self.width;
        if self.signed { (bits << unused) as i64 >> unused } else { (bits << unused >> unused) as i64 }
    }

    /// The value that SET stores; `None` when it does not fit and the policy is to fail.
    pub fn set(self, value: i64, overflow: Overflow) -> Option<i64> {
        // An unsigned field reads the argument as an unsigned number: -1 is far too large, not too small.
        let exact = if self.signed { i128::from(value) } else { i128::from(value as u64) };
        let (_, max) = self.limits();
        // Redis takes a number so low that its distance to the maximum exceeds 63 bits for one that is too high.
        let looks_high = self.signed && self.width < 64 && max - exact > i128::from(i64::MAX);
        if looks_high && overflow == Overflow::Sat { Some(max as i64) } else { self.fit(exact, overflow) }
    }

    /// The value that INCRBY stores; `None` when it does not fit and the policy is to fail.
    pub fn increment(self, old: i64, by: i64, overflow: Overflow) -> Option<i64> {
        self.fit(i128::from(old) + i128::from(by), overflow)
    }

    fn fit(self, exact: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = self.limits();
        if (min..=max).contains(&exact) {
            return Some(exact as i64);
        }
        match overflow {
            Overflow::Wrap => Some(self.interpret(exact as u64)),
            Overflow::Sat => Some(exact.clamp(min, max) as i64),
            Overflow::Fail => None,
        }
    }
}

/// Bytes that a field of 64 bits can touch.
const SPAN: usize = 9;

/// Reads a field. Bits beyond the string are zero.
pub fn field_get(bytes: &[u8], offset: u64, field: FieldType) -> i64 {
    let mut span = [0; 16];
    let first = usize::try_from(offset / 8).unwrap_or(usize::MAX).min(bytes.len());
    let there = &bytes[first..bytes.len().min(first.saturating_add(SPAN))];
    span[..there.len()].copy_from_slice(there);
    let word = u128::from_be_bytes(span) << (offset % 8) >> (u128::BITS - field.width);
    field.interpret(word as u64)
}

/// Writes the low bits of `value` to a field, which must lie within the string.
pub fn field_set(bytes: &mut [u8], offset: u64, field: FieldType, value: i64) {
    let first = (offset / 8) as usize;
    let touched = (offset % 8 + u64::from(field.width)).div_ceil(8) as usize;
    let there = &mut bytes[first..first + touched];
    let mut span = [0; 16];
    span[..touched].copy_from_slice(there);
    let shift = u128::BITS - (offset % 8) as u32 - field.width;
    let mask = (u128::MAX >> (u128::BITS - field.width)) << shift;
    let word = u128::from_be_bytes(span) & !mask | (value as u128) << shift & mask;
    there.copy_from_slice(&word.to_be_bytes()[..touched]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(signed: bool, width: u32) -> FieldType {
        FieldType::new(signed, width).unwrap()
    }

    #[test]
    fn what_is_set_is_read_back_and_the_neighbours_stay() {
        let mut seed = 3u64;
        for width in 1..=64 {
            for offset in 0..24 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                for (signed, fill) in [(true, 0), (true, 0xff), (false, 0), (false, 0xff)] {
                    let Some(field) = FieldType::new(signed, width) else {
                        continue;
                    };
                    let mut bytes = vec![fill; 12];
                    let value = field.interpret(seed ^ seed >> 29);
                    field_set(&mut bytes, offset, field, value);
                    assert_eq!(field_get(&bytes, offset, field), value);
                    for at in (0..offset).chain(offset + u64::from(width)..96) {
                        let bit = bytes[(at / 8) as usize] >> (7 - at % 8) & 1;
                        assert_eq!(bit, fill & 1, "bit {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn bits_beyond_the_string_read_as_zero() {
        let bytes = [0xff, 0xff];
        assert_eq!(field_get(&bytes, 12, field(false, 8)), 0xf0);
        assert_eq!(field_get(&bytes, 12, field(true, 8)), -16);
        assert_eq!(field_get(&bytes, 16, field(true, 64)), 0);
        assert_eq!(field_get(&bytes, u64::MAX, field(true, 64)), 0);
    }

    /// Answers of Redis 8.2.3 to BITFIELD b OVERFLOW ... SET / INCRBY.
    #[test]
    fn overflow_follows_the_policy_as_redis_does() {
        use Overflow::{Fail, Sat, Wrap};
        let (i8, u8, i64, u63) = (field(true, 8), field(false, 8), field(true, 64), field(false, 63));
        assert_eq!(u8.set(-1, Sat), Some(255));
        assert_eq!(u8.set(-1, Wrap), Some(255));
        assert_eq!(u8.set(-1, Fail), None);
        assert_eq!(u63.set(-5, Sat), Some(i64::MAX));
        assert_eq!(i8.set(-129, Sat), Some(-128));
        assert_eq!(i8.set(i64::MAX, Sat), Some(127));
        assert_eq!(i8.set(i64::MIN, Sat), Some(127));
        assert_eq!(i8.set(i64::MIN, Fail), None);
        assert_eq!(i8.set(200, Wrap), Some(-56));
        assert_eq!(i8.increment(127, i64::MIN, Sat), Some(-128));
        assert_eq!(i8.increment(-128, i64::MAX, Sat), Some(127));
        assert_eq!(i8.increment(127, 1, Wrap), Some(-128));
        assert_eq!(u8.increment(255, i64::MIN, Sat), Some(0));
        assert_eq!(u8.increment(255, 1, Wrap), Some(0));
        assert_eq!(u8.increment(255, 1, Fail), None);
        assert_eq!(i64.increment(i64::MIN, -1, Sat), Some(i64::MIN));
        assert_eq!(i64.increment(i64::MIN, -1, Wrap), Some(i64::MAX));
        assert_eq!(u63.increment(i64::MAX, i64::MAX, Sat), Some(i64::MAX));
    }

    #[test]
    fn widths_have_limits() {
        assert!(FieldType::new(true, 64).is_some() && FieldType::new(false, 63).is_some());
        assert!([(true, 0), (true, 65), (false, 0), (false, 64)].iter().all(|&(s, w)| FieldType::new(s, w).is_none()));
    }
}
