//! Natural numbers of any size: just enough arithmetic to round decimal text to 80-bit floating point exactly,
//! and to print it.
//!
//! Little-endian words without trailing zero words. Everything is the school method; the numbers have at most
//! some thousand words, and ordinary inputs do not come here at all.

use std::cmp::Ordering;

/// Nineteen digits fit in a word.
const DIGITS_PER_WORD: usize = 19;
const WORD_BASE: u64 = 10u64.pow(DIGITS_PER_WORD as u32);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BigUint {
    words: Vec<u64>,
}

impl BigUint {
    pub fn from_u64(value: u64) -> BigUint {
        let mut big = BigUint { words: vec![value] };
        big.trim();
        big
    }

    /// Reads decimal digits; the caller has checked that they are nothing else.
    pub fn from_digits(digits: &[u8]) -> BigUint {
        let mut big = BigUint::from_u64(0);
        for chunk in digits.chunks(DIGITS_PER_WORD) {
            let value = chunk.iter().fold(0, |sum, &byte| sum * 10 + u64::from(byte - b'0'));
            big.mul_add(10u64.pow(chunk.len() as u32), value);
        }
        big
    }

    pub fn is_zero(&self) -> bool {
        self.words.is_empty()
    }

    pub fn bits(&self) -> usize {
        self.words.last().map_or(0, |&top| self.words.len() * 64 - top.leading_zeros() as usize)
    }

    pub fn mul_pow10(&mut self, mut power: usize) {
        while power > 0 {
            let step = power.min(DIGITS_PER_WORD);
            self.mul_add(10u64.pow(step as u32), 0);
            power -= step;
        }
    }

    /// `self = self * factor + summand`.
    fn mul_add(&mut self, factor: u64, summand: u64) {
        let mut carry = u128::from(summand);
        for word in &mut self.words {
            carry += u128::from(*word) * u128::from(factor);
            *word = carry as u64;
            carry >>= 64;
        }
        if carry != 0 {
            self.words.push(carry as u64);
        }
    }

    pub fn shift_left(&mut self, bits: usize) {
        if self.is_zero() {
            return;
        }
        let (words, bits) = (bits / 64, bits % 64);
        if bits != 0 {
            self.mul_add(1 << bits, 0);
        }
        self.words.splice(0..0, std::iter::repeat_n(0, words));
    }

    fn halve(&mut self) {
        let mut carry = 0;
        for word in self.words.iter_mut().rev() {
            let low = *word << 63;
            *word = *word >> 1 | carry;
            carry = low;
        }
        self.trim();
    }

    fn compare(&self, other: &BigUint) -> Ordering {
        let by_len = self.words.len().cmp(&other.words.len());
        by_len.then_with(|| self.words.iter().rev().cmp(other.words.iter().rev()))
    }

    /// `self -= other`, which must not be larger.
    fn subtract(&mut self, other: &BigUint) {
        let mut borrow = false;
        for (index, word) in self.words.iter_mut().enumerate() {
            let (value, first) = word.overflowing_sub(other.words.get(index).copied().unwrap_or(0));
            let (value, second) = value.overflowing_sub(u64::from(borrow));
            *word = value;
            borrow = first || second;
        }
        debug_assert!(!borrow, "the subtrahend is not larger");
        self.trim();
    }

    fn trim(&mut self) {
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }

    /// The highest 128 bits (fewer if there are fewer), how many lie below them, and whether any of those is set.
    pub fn top(&self) -> (u128, usize, bool) {
        let below = self.bits().saturating_sub(128);
        let (word, bit) = (below / 64, below % 64);
        let at = |index: usize| u128::from(self.words.get(word + index).copied().unwrap_or(0));
        let mut value = (at(0) | at(1) << 64) >> bit;
        if bit != 0 {
            value |= at(2) << (128 - bit);
        }
        let lost = self.words.iter().take(word).any(|&word| word != 0) || at(0) & ((1 << bit) - 1) != 0;
        (value, below, lost)
    }

    /// `self / other` scaled to 66 or 67 bits: the quotient, its power of two, and whether there is a rest.
    pub fn divide(mut self, mut other: BigUint) -> (u128, i64, bool) {
        const QUOTIENT_BITS: i64 = 67;
        let shift = QUOTIENT_BITS - 1 + other.bits() as i64 - self.bits() as i64;
        if shift > 0 {
            self.shift_left(shift as usize);
        } else {
            other.shift_left(-shift as usize);
        }
        other.shift_left(QUOTIENT_BITS as usize);
        let mut quotient = 0;
        for _ in 0..=QUOTIENT_BITS {
            quotient <<= 1;
            if self.compare(&other) != Ordering::Less {
                self.subtract(&other);
                quotient |= 1;
            }
            other.halve();
        }
        (quotient, -shift, !self.is_zero())
    }

    /// Appends the decimal digits; zero is one digit.
    pub fn write_decimal(mut self, out: &mut Vec<u8>) {
        let mut chunks = Vec::new();
        while !self.is_zero() {
            let mut rest = 0;
            for word in self.words.iter_mut().rev() {
                let value = u128::from(rest) << 64 | u128::from(*word);
                *word = (value / u128::from(WORD_BASE)) as u64;
                rest = (value % u128::from(WORD_BASE)) as u64;
            }
            chunks.push(rest);
            self.trim();
        }
        super::write_u64(out, chunks.pop().unwrap_or(0));
        for chunk in chunks.iter().rev() {
            out.extend_from_slice(format!("{chunk:019}").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_survive_a_round_trip() {
        for text in ["0", "7", "18446744073709551616", "1000000000000000000000000000000000000000000000000000000000001"]
        {
            let mut out = Vec::new();
            BigUint::from_digits(text.as_bytes()).write_decimal(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn top_and_divide_agree_with_u128() {
        let mut rng = crate::rng::Rng::seed(3);
        for _ in 0..500 {
            let (a, b) = (rng.next_u64() | 1, rng.next_u64() >> rng.below(60) | 1);
            let mut big = BigUint::from_u64(a);
            big.shift_left(rng.below(200) as usize);
            let (value, below, lost) = big.top();
            assert_eq!((value >> value.trailing_zeros()) as u64, a >> a.trailing_zeros());
            assert!(!lost && below == big.bits().saturating_sub(128));
            let (quotient, exponent, rest) = BigUint::from_u64(a).divide(BigUint::from_u64(b));
            let scaled = (u128::from(a) << 64) / u128::from(b);
            let bits = 128 - quotient.leading_zeros();
            assert!((66..=67).contains(&bits), "{bits}");
            let expected = if exponent >= -64 { scaled >> (64 + exponent) } else { scaled };
            let actual = if exponent >= -64 { quotient } else { quotient >> (-64 - exponent) };
            assert_eq!(actual, expected);
            let _ = rest;
        }
    }
}
