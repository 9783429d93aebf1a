//! Redis' listpack: elements in one piece of bytes, readable from both ends.
//!
//! ```text
//! bytes:u32  elements:u16  element back  element back ...  0xff
//!
//! 0xxxxxxx                    0..=127             10llllll bytes               up to 63 bytes
//! 110xxxxx x                  -4096..=4095        1110llll l bytes             up to 4095 bytes
//! 0xf1 i16, 0xf2 i24,         integers            0xf0 l:u32 bytes             more
//! 0xf3 i32, 0xf4 i64
//! ```
//!
//! Numbers are little endian, but for the two forms that share a byte with their mark. `back` is the length of the
//! element before it, in groups of 7 bits, the lowest group last; all but the first have the upper bit set. More
//! elements than 65,534 are counted as 65,535.

use super::BadFormat;
use structures::packed::PackedElement;

const HEADER: usize = 6;
const END: u8 = 0xff;
/// What stands for more elements than there is room for.
const MANY: u16 = u16::MAX;

const INT_13: u8 = 0xc0;
const STRING_12: u8 = 0xe0;
const STRING_32: u8 = 0xf0;
const INT_16: u8 = 0xf1;
const INT_24: u8 = 0xf2;
const INT_32: u8 = 0xf3;
const INT_64: u8 = 0xf4;
const STRING_6: u8 = 0x80;

/// A listpack in the making.
pub(super) struct Builder {
    bytes: Vec<u8>,
    elements: usize,
}

impl Builder {
    pub fn new() -> Builder {
        Builder { bytes: vec![0; HEADER], elements: 0 }
    }

    pub fn len(&self) -> usize {
        self.elements
    }

    /// Bytes that it would take if it were finished now.
    pub fn byte_len(&self) -> usize {
        self.bytes.len() + 1
    }

    pub fn push(&mut self, element: PackedElement<'_>) {
        let start = self.bytes.len();
        match element {
            PackedElement::Int(integer) => put_integer(&mut self.bytes, integer),
            PackedElement::Bytes(string) => put_string(&mut self.bytes, string),
        }
        let len = self.bytes.len() - start;
        put_back(&mut self.bytes, len);
        self.elements += 1;
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(END);
        let bytes = u32::try_from(self.bytes.len()).expect("packed collections are smaller than 4 GiB");
        let elements = u16::try_from(self.elements).unwrap_or(MANY);
        self.bytes[..4].copy_from_slice(&bytes.to_le_bytes());
        self.bytes[4..HEADER].copy_from_slice(&elements.to_le_bytes());
        self.bytes
    }
}

fn put_integer(out: &mut Vec<u8>, integer: i64) {
    match integer {
        0..=127 => out.push(integer as u8),
        -4096..=4095 => out.extend([INT_13 | (integer >> 8) as u8 & 0x1f, integer as u8]),
        _ => {
            let (mark, width) = match integer {
                -0x8000..=0x7fff => (INT_16, 2),
                -0x80_0000..=0x7f_ffff => (INT_24, 3),
                -0x8000_0000..=0x7fff_ffff => (INT_32, 4),
                _ => (INT_64, 8),
            };
            out.push(mark);
            out.extend_from_slice(&integer.to_le_bytes()[..width]);
        }
    }
}

fn put_string(out: &mut Vec<u8>, string: &[u8]) {
    match string.len() {
        len @ 0..64 => out.push(STRING_6 | len as u8),
        len @ 64..4096 => out.extend([STRING_12 | (len >> 8) as u8, len as u8]),
        len => {
            out.push(STRING_32);
            out.extend_from_slice(&(len as u32).to_le_bytes());
        }
    }
    out.extend_from_slice(string);
}

/// Bytes of the length behind an element of so many.
fn back_size(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

/// Appends the length behind an element of so many bytes.
fn put_back(out: &mut Vec<u8>, len: usize) {
    let size = back_size(len);
    for group in (0..size).rev() {
        let upper = if group + 1 == size { 0 } else { 0x80 };
        out.push((len >> (7 * group)) as u8 & 0x7f | upper);
    }
}

/// The length behind an element, whose bytes are these.
fn read_back(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |len, byte| len << 7 | usize::from(byte & 0x7f))
}

/// A number of 1 to 8 bytes.
pub(super) fn integer(bytes: &[u8]) -> i64 {
    let mut word = [0; 8];
    let width = bytes.len();
    word[8 - width..].copy_from_slice(bytes);
    i64::from_le_bytes(word) >> (64 - 8 * width)
}

/// The element at the beginning, and its bytes without the length behind it.
fn first(bytes: &[u8]) -> Option<(PackedElement<'_>, usize)> {
    let integer_of = |width: usize| Some((PackedElement::Int(integer(bytes.get(1..=width)?)), 1 + width));
    let string_of = |header: usize, len: usize| {
        let string = bytes.get(header..header.checked_add(len)?)?;
        Some((PackedElement::of(string), header + len))
    };
    let &mark = bytes.first()?;
    match mark {
        0..STRING_6 => Some((PackedElement::Int(i64::from(mark)), 1)),
        STRING_6..INT_13 => string_of(1, usize::from(mark & 0x3f)),
        INT_13..STRING_12 => {
            let word = i64::from(mark & 0x1f) << 8 | i64::from(*bytes.get(1)?);
            // 13 bits, of which the first is the sign.
            Some((PackedElement::Int(word << 51 >> 51), 2))
        }
        STRING_12..STRING_32 => string_of(2, usize::from(mark & 0x0f) << 8 | usize::from(*bytes.get(1)?)),
        STRING_32 => {
            let len = bytes[1..].first_chunk().map(|len| u32::from_le_bytes(*len))?;
            string_of(5, len as usize)
        }
        INT_16 => integer_of(2),
        INT_24 => integer_of(3),
        INT_32 => integer_of(4),
        INT_64 => integer_of(8),
        _ => None,
    }
}

/// The element at the beginning, and its bytes with the length behind it, which is right.
fn checked_first(bytes: &[u8]) -> Option<(PackedElement<'_>, usize)> {
    let (element, len) = first(bytes)?;
    let size = back_size(len);
    let back = bytes.get(len..len + size)?;
    // Only the first group has no upper bit.
    let linked = back.iter().enumerate().all(|(at, byte)| (byte & 0x80 == 0) == (at == 0));
    (linked && read_back(back) == len).then_some((element, len + size))
}

/// A listpack that was checked as a whole.
#[derive(Clone)]
pub(super) struct Listpack<'a> {
    elements: &'a [u8],
    left: usize,
}

impl<'a> Listpack<'a> {
    pub fn check(bytes: &'a [u8]) -> Result<Listpack<'a>, BadFormat> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(BadFormat)?;
        let [b0, b1, b2, b3, c0, c1] = *header;
        let (counted, total) = (u16::from_le_bytes([c0, c1]), u32::from_le_bytes([b0, b1, b2, b3]));
        let Some((&END, elements)) = rest.split_last() else { return Err(BadFormat) };
        if total as usize != bytes.len() {
            return Err(BadFormat);
        }
        let (mut at, mut left) = (0, 0);
        while at < elements.len() {
            at += checked_first(&elements[at..]).ok_or(BadFormat)?.1;
            left += 1;
        }
        if counted != MANY && usize::from(counted) != left { Err(BadFormat) } else { Ok(Listpack { elements, left }) }
    }

    /// Elements that are left.
    pub fn len(&self) -> usize {
        self.left
    }
}

impl<'a> Iterator for Listpack<'a> {
    type Item = PackedElement<'a>;

    fn next(&mut self) -> Option<PackedElement<'a>> {
        let (element, size) = checked_first(self.elements)?;
        self.elements = &self.elements[size..];
        self.left -= 1;
        Some(element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::rng::Rng;

    fn listpack(elements: &[PackedElement<'_>]) -> Vec<u8> {
        let mut builder = Builder::new();
        elements.iter().for_each(|element| builder.push(*element));
        let bytes = builder.byte_len();
        let listpack = builder.finish();
        assert_eq!(listpack.len(), bytes);
        listpack
    }

    fn strings() -> Vec<Vec<u8>> {
        let lengths = [0, 1, 63, 64, 124, 125, 126, 127, 4095, 4096, 16_377, 16_378, 16_379, 70_000, 2_097_146];
        let mut strings: Vec<Vec<u8>> = lengths.map(|len| vec![b'x'; len]).to_vec();
        for bits in [0, 6, 7, 12, 13, 15, 16, 23, 24, 31, 32, 63] {
            for near in -2..=2 {
                let number = (1i128 << bits) + near;
                strings.extend([number, -number].map(|number| number.to_string().into_bytes()));
            }
        }
        strings
    }

    #[test]
    fn elements_of_every_form_come_back_in_order() {
        let strings = strings();
        let elements: Vec<_> = strings.iter().map(|string| PackedElement::of(string)).collect();
        let bytes = listpack(&elements);
        let read = Listpack::check(&bytes).expect("it was just written");
        assert_eq!(read.len(), elements.len());
        assert!(read.eq(elements));
    }

    /// Sizes are those that `OBJECT ENCODING` follows.
    #[test]
    fn an_element_takes_what_redis_reckons_with() {
        for string in strings() {
            let element = PackedElement::of(&string);
            assert_eq!(listpack(&[element]).len(), 7 + element.listpack_bytes(), "{} bytes", string.len());
        }
    }

    #[test]
    fn many_elements_are_not_counted() {
        let bytes = listpack(&vec![PackedElement::Int(1); 70_000]);
        assert_eq!(bytes[4..6], [0xff, 0xff]);
        assert_eq!(Listpack::check(&bytes).map(|it| it.len()), Ok(70_000));
    }

    #[test]
    fn damaged_listpacks_are_refused_or_read_to_their_end() {
        let strings = strings();
        let elements: Vec<_> = strings.iter().skip(1).take(8).map(|string| PackedElement::of(string)).collect();
        let sound = listpack(&elements);
        for seed in 0..20_000 {
            let mut rng = Rng::seed(seed);
            let mut bytes = sound.clone();
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = rng.below(256) as u8;
            if let Ok(read) = Listpack::check(&bytes) {
                assert_eq!(read.len(), read.clone().count(), "seed {seed}");
            }
        }
        for refused in [&sound[..sound.len() - 1], b"\x07\0\0\0\0\0", b"\x08\0\0\0\0\0\xff", b"\x07\0\0\0\x01\0\xff"] {
            assert!(Listpack::check(refused).is_err());
        }
    }
}
