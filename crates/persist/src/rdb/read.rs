//! Reading the parts of which values are made: lengths, strings, numbers. All of them check what is left first.

use super::{BadFormat, lzf, mark};
use std::borrow::Cow;

/// What is left to be read.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// The longest string there may be.
    string_max: usize,
}

/// A length, or the first byte of a string that has none.
enum Head {
    Length(u64),
    Special(u8),
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8], string_max: usize) -> Reader<'a> {
        Reader { bytes, string_max }
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], BadFormat> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(BadFormat)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], BadFormat> {
        let (taken, rest) = self.bytes.split_first_chunk::<N>().ok_or(BadFormat)?;
        self.bytes = rest;
        Ok(*taken)
    }

    pub fn byte(&mut self) -> Result<u8, BadFormat> {
        Ok(self.array::<1>()?[0])
    }

    /// A number of 8 bytes.
    pub fn int64(&mut self) -> Result<i64, BadFormat> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub fn double(&mut self) -> Result<f64, BadFormat> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    fn head(&mut self) -> Result<Head, BadFormat> {
        let first = self.byte()?;
        let length = match first & mark::FORM {
            mark::BITS_6 => u64::from(first),
            mark::BITS_14 => u64::from(first & !mark::FORM) << 8 | u64::from(self.byte()?),
            mark::FORM => return Ok(Head::Special(first)),
            _ => match first {
                mark::BITS_32 => u64::from(u32::from_be_bytes(self.array()?)),
                mark::BITS_64 => u64::from_be_bytes(self.array()?),
                _ => return Err(BadFormat),
            },
        };
        Ok(Head::Length(length))
    }

    pub fn length(&mut self) -> Result<u64, BadFormat> {
        match self.head()? {
            Head::Length(length) => Ok(length),
            Head::Special(_) => Err(BadFormat),
        }
    }

    /// A number of elements, each of which takes at least so many bytes; at least one.
    pub fn count(&mut self, bytes_min: usize) -> Result<usize, BadFormat> {
        let count = self.count_or_none(bytes_min)?;
        if count == 0 { Err(BadFormat) } else { Ok(count) }
    }

    /// As `count`, but there may be none.
    pub fn count_or_none(&mut self, bytes_min: usize) -> Result<usize, BadFormat> {
        let count = usize::try_from(self.length()?).map_err(|_| BadFormat)?;
        if count > self.left() / bytes_min { Err(BadFormat) } else { Ok(count) }
    }

    fn small_length(&mut self) -> Result<usize, BadFormat> {
        usize::try_from(self.length()?).map_err(|_| BadFormat)
    }

    /// A string, whatever it is written as.
    pub fn string(&mut self) -> Result<Cow<'a, [u8]>, BadFormat> {
        let integer = match self.head()? {
            Head::Length(length) => {
                let length = usize::try_from(length).map_err(|_| BadFormat)?;
                return Ok(Cow::Borrowed(self.take(length)?));
            }
            Head::Special(mark::INT_8) => i64::from(i8::from_le_bytes(self.array()?)),
            Head::Special(mark::INT_16) => i64::from(i16::from_le_bytes(self.array()?)),
            Head::Special(mark::INT_32) => i64::from(i32::from_le_bytes(self.array()?)),
            Head::Special(mark::LZF) => {
                let (packed, len) = (self.small_length()?, self.small_length()?);
                let packed = self.take(packed)?;
                if len > self.string_max {
                    return Err(BadFormat);
                }
                return Ok(Cow::Owned(lzf::decompress(packed, len)?));
            }
            Head::Special(_) => return Err(BadFormat),
        };
        let mut digits = Vec::new();
        base::num::write_i64(&mut digits, integer);
        Ok(Cow::Owned(digits))
    }

    /// A score as text, with its length in one byte; the highest lengths stand for what is no number, and for the
    /// infinities.
    pub fn score_text(&mut self) -> Result<f64, BadFormat> {
        match self.byte()? {
            255 => Ok(f64::NEG_INFINITY),
            254 => Ok(f64::INFINITY),
            253 => Err(BadFormat),
            len => score(self.take(usize::from(len))?),
        }
    }
}

/// A score as text.
pub(super) fn score(text: &[u8]) -> Result<f64, BadFormat> {
    base::num::parse_f64(text).filter(|score| !score.is_nan()).ok_or(BadFormat)
}
