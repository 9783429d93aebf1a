//! Writing the parts of which values are made: lengths, strings.

use super::{lzf, mark};

/// Strings up to this length may be written as the integer that they are.
const INTEGER_LEN_MAX: usize = 11;
/// Strings up to this length are not compressed.
const PLAIN_LEN_MAX: usize = 20;
/// What compression must save.
const SAVED_MIN: usize = 4;

/// Where bytes go.
pub(super) struct Writer<'o> {
    pub out: &'o mut Vec<u8>,
    /// Whether long strings are compressed.
    pub compress: bool,
}

impl Writer<'_> {
    pub fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub fn length(&mut self, length: u64) {
        match length {
            0..64 => self.byte(mark::BITS_6 | length as u8),
            64..16_384 => self.bytes(&[mark::BITS_14 | (length >> 8) as u8, length as u8]),
            16_384..=0xffff_ffff => {
                self.byte(mark::BITS_32);
                self.bytes(&(length as u32).to_be_bytes());
            }
            _ => {
                self.byte(mark::BITS_64);
                self.bytes(&length.to_be_bytes());
            }
        }
    }

    /// An integer as a string: in binary up to 32 bits, else as its digits.
    pub fn integer(&mut self, integer: i64) {
        if let Ok(integer) = i8::try_from(integer) {
            self.byte(mark::INT_8);
            self.bytes(&integer.to_le_bytes());
        } else if let Ok(integer) = i16::try_from(integer) {
            self.byte(mark::INT_16);
            self.bytes(&integer.to_le_bytes());
        } else if let Ok(integer) = i32::try_from(integer) {
            self.byte(mark::INT_32);
            self.bytes(&integer.to_le_bytes());
        } else {
            let mut digits = Vec::new();
            base::num::write_i64(&mut digits, integer);
            self.length(digits.len() as u64);
            self.bytes(&digits);
        }
    }

    pub fn string(&mut self, string: &[u8]) {
        let integer = (string.len() <= INTEGER_LEN_MAX).then(|| base::num::parse_i64(string)).flatten();
        if let Some(integer) = integer.filter(|&integer| i32::try_from(integer).is_ok()) {
            return self.integer(integer);
        }
        if self.compress && string.len() > PLAIN_LEN_MAX && self.compressed(string) {
            return;
        }
        self.length(string.len() as u64);
        self.bytes(string);
    }

    /// Writes a string compressed, if that saves enough.
    fn compressed(&mut self, string: &[u8]) -> bool {
        let mut packed = Vec::new();
        let saves = lzf::compress(string, string.len() - SAVED_MIN, &mut packed);
        if saves {
            self.byte(mark::LZF);
            self.length(packed.len() as u64);
            self.length(string.len() as u64);
            self.bytes(&packed);
        }
        saves
    }
}
