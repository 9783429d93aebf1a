//! Names and values of a block: how one is written, and read from its front.
//!
//! ```text
//!  first byte      layout                     what
//!  0x00..=0x7f     [n]                        an integer 0..=127
//!  0x80..=0xef     [0x80 + len] bytes         a string of up to 111 bytes
//!  0xf0..=0xf7     [0xf0 + n - 1] n bytes     an integer of n bytes, little endian, two's complement
//!  0xf8, 0xf9, 0xfa   [mark] len bytes        a longer string, its length in 1, 2 or 4 bytes
//! ```
//!
//! `Packed` writes a length behind each string too; here entries are what is walked backwards, not their elements.

use crate::packed::PackedElement;

const SHORT: u8 = 0x80;
const SHORT_MAX: usize = 0x6f;
const INT: u8 = 0xf0;
const LONG_1: u8 = 0xf8;
const LONG_2: u8 = 0xf9;
const LONG_4: u8 = 0xfa;

/// Appends an element.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, element: PackedElement<'_>) {
    match element {
        PackedElement::Int(value @ 0..=127) => out.push(value as u8),
        PackedElement::Int(value) => {
            // One bit more than the number has, for the sign.
            let bits = 65 - (value ^ (value >> 63)).leading_zeros() as usize;
            let width = bits.div_ceil(8);
            out.push(INT + width as u8 - 1);
            out.extend_from_slice(&value.to_le_bytes()[..width]);
        }
        PackedElement::Bytes(bytes) => {
            match bytes.len() {
                len @ 0..=SHORT_MAX => out.push(SHORT + len as u8),
                len if len <= usize::from(u8::MAX) => out.extend_from_slice(&[LONG_1, len as u8]),
                len if len <= usize::from(u16::MAX) => {
                    out.push(LONG_2);
                    out.extend_from_slice(&(len as u16).to_le_bytes());
                }
                len => {
                    let len = u32::try_from(len).expect("strings are shorter than 4 GiB");
                    out.push(LONG_4);
                    out.extend_from_slice(&len.to_le_bytes());
                }
            }
            out.extend_from_slice(bytes);
        }
    }
}

/// Takes the element at the front of `bytes` off it.
#[inline]
pub(super) fn take<'a>(bytes: &mut &'a [u8]) -> PackedElement<'a> {
    let mark = bytes[0];
    let (start, len) = match mark {
        0..SHORT => {
            *bytes = &bytes[1..];
            return PackedElement::Int(i64::from(mark));
        }
        SHORT..INT => (1, usize::from(mark - SHORT)),
        INT..LONG_1 => {
            let width = usize::from(mark - INT) + 1;
            let mut value = [0; 8];
            value[8 - width..].copy_from_slice(&bytes[1..=width]);
            *bytes = &bytes[1 + width..];
            return PackedElement::Int(i64::from_le_bytes(value) >> (64 - 8 * width));
        }
        LONG_1 => (2, usize::from(bytes[1])),
        LONG_2 => (3, usize::from(u16::from_le_bytes([bytes[1], bytes[2]]))),
        _ => (5, u32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize),
    };
    let string = &bytes[start..start + len];
    *bytes = &bytes[start + len..];
    PackedElement::Bytes(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_back_in_order() {
        let mut strings: Vec<Vec<u8>> = [0, 1, 111, 112, 255, 256, 65_535, 65_536].map(|len| vec![b'x'; len]).to_vec();
        for bits in 0..64 {
            for near in -2..=2 {
                let number = (1i128 << bits) + near;
                strings.extend([number, -number].map(|number| number.to_string().into_bytes()));
            }
        }
        let mut bytes = Vec::new();
        for string in &strings {
            put(&mut bytes, PackedElement::of(string));
        }
        let mut rest = &bytes[..];
        for string in &strings {
            assert_eq!(take(&mut rest), PackedElement::of(string));
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn short_things_take_few_bytes() {
        let len = |string: &[u8]| {
            let mut bytes = Vec::new();
            put(&mut bytes, PackedElement::of(string));
            bytes.len()
        };
        assert_eq!([len(b"127"), len(b"128"), len(b"-1"), len(b"32768"), len(b"click")], [1, 3, 2, 4, 6]);
    }
}
