//! What came before listpacks, to be read only: ziplists, and zipmaps before them.
//!
//! ```text
//! ziplist    bytes:u32  last:u32  elements:u16  before element  before element ...  0xff
//! before     bytes of the element before this one, with its own `before`: one byte, or 0xfe and u32
//! element    00llllll bytes           up to 63 bytes          0xf1..=0xfd               0..=12
//!            01llllll l bytes         up to 16,383 bytes      0xfe i8, 0xc0 i16,        integers
//!            10...... l:u32 bytes     more                    0xf0 i24, 0xd0 i32, 0xe0 i64
//!
//! zipmap     pairs:u8  field value  field value ...  0xff
//! field      len string                       len: one byte up to 253, or 0xfe and u32
//! value      len free string and `free` bytes that mean nothing
//! ```
//!
//! Integers are little endian, lengths within a ziplist's elements big endian. `last` is the place of the last element.
//! A count that does not fit is 65,535 in a ziplist, and anything from 254 on in a zipmap.

use super::BadFormat;
use super::listpack::integer;
use structures::packed::PackedElement;

const HEADER: usize = 10;
const END: u8 = 0xff;
const MANY: u16 = u16::MAX;
/// Announces a length of 4 bytes, where a byte stands for a length.
const WIDE: u8 = 0xfe;

/// A ziplist that was checked as a whole.
#[derive(Clone)]
pub(super) struct Ziplist<'a> {
    elements: &'a [u8],
    left: usize,
}

/// What stands before an element: bytes of the one before it, and its own size.
fn before(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.first()? {
        END => None,
        WIDE => Some((u32::from_le_bytes(*bytes[1..].first_chunk()?) as usize, 5)),
        len => Some((usize::from(len), 1)),
    }
}

/// An element, and its bytes.
fn element(bytes: &[u8]) -> Option<(PackedElement<'_>, usize)> {
    let integer_of = |width: usize| Some((PackedElement::Int(integer(bytes.get(1..=width)?)), 1 + width));
    let string_of = |header: usize, len: usize| {
        let string = bytes.get(header..header.checked_add(len)?)?;
        Some((PackedElement::of(string), header + len))
    };
    let &mark = bytes.first()?;
    match mark {
        0..0x40 => string_of(1, usize::from(mark)),
        0x40..0x80 => string_of(2, usize::from(mark & 0x3f) << 8 | usize::from(*bytes.get(1)?)),
        0x80..0xc0 => string_of(5, u32::from_be_bytes(*bytes[1..].first_chunk()?) as usize),
        0xc0 => integer_of(2),
        0xd0 => integer_of(4),
        0xe0 => integer_of(8),
        0xf0 => integer_of(3),
        0xfe => integer_of(1),
        0xf1..=0xfd => Some((PackedElement::Int(i64::from(mark - 0xf1)), 1)),
        _ => None,
    }
}

impl<'a> Ziplist<'a> {
    pub fn check(bytes: &'a [u8]) -> Result<Ziplist<'a>, BadFormat> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(BadFormat)?;
        let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| header[at + byte])) as usize;
        let (total, last, counted) = (word(0), word(4), u16::from_le_bytes([header[8], header[9]]));
        let Some((&END, elements)) = rest.split_last() else { return Err(BadFormat) };
        let (mut at, mut left, mut size_before) = (0, 0, 0);
        let mut last_at = 0;
        while at < elements.len() {
            let (announced, own) = before(&elements[at..]).ok_or(BadFormat)?;
            let (_, size) = element(&elements[at + own..]).ok_or(BadFormat)?;
            if announced != size_before {
                return Err(BadFormat);
            }
            (last_at, size_before) = (at, own + size);
            at += own + size;
            left += 1;
        }
        let counted = counted == MANY || usize::from(counted) == left;
        let sound = total == bytes.len() && last == HEADER + last_at && counted;
        if sound { Ok(Ziplist { elements, left }) } else { Err(BadFormat) }
    }

    /// Elements that are left.
    pub fn len(&self) -> usize {
        self.left
    }
}

impl<'a> Iterator for Ziplist<'a> {
    type Item = PackedElement<'a>;

    fn next(&mut self) -> Option<PackedElement<'a>> {
        let (_, own) = before(self.elements)?;
        let (element, size) = element(&self.elements[own..])?;
        self.elements = &self.elements[own + size..];
        self.left -= 1;
        Some(element)
    }
}

/// Fields and values of a zipmap that was checked as a whole, in turn.
#[derive(Clone)]
pub(super) struct Zipmap<'a> {
    pairs: &'a [u8],
    at_value: bool,
}

/// A field or a value, and its bytes.
fn part(bytes: &[u8], is_value: bool) -> Option<(&[u8], usize)> {
    let (len, own) = match *bytes.first()? {
        END => return None,
        WIDE => (u32::from_le_bytes(*bytes[1..].first_chunk()?) as usize, 5),
        len => (usize::from(len), 1),
    };
    let (free, header) = if is_value { (usize::from(*bytes.get(own)?), own + 1) } else { (0, own) };
    let end = header.checked_add(len)?;
    let string = bytes.get(header..end)?;
    (end + free <= bytes.len()).then_some((string, end + free))
}

impl<'a> Zipmap<'a> {
    pub fn check(bytes: &'a [u8]) -> Result<Zipmap<'a>, BadFormat> {
        let (&counted, rest) = bytes.split_first().ok_or(BadFormat)?;
        let Some((&END, pairs)) = rest.split_last() else { return Err(BadFormat) };
        let (mut at, mut parts) = (0, 0);
        while at < pairs.len() {
            at += part(&pairs[at..], parts % 2 == 1).ok_or(BadFormat)?.1;
            parts += 1;
        }
        let counted = counted >= WIDE || usize::from(counted) * 2 == parts;
        if counted && parts % 2 == 0 { Ok(Zipmap { pairs, at_value: false }) } else { Err(BadFormat) }
    }
}

impl<'a> Iterator for Zipmap<'a> {
    type Item = PackedElement<'a>;

    fn next(&mut self) -> Option<PackedElement<'a>> {
        let (string, size) = part(self.pairs, self.at_value)?;
        self.pairs = &self.pairs[size..];
        self.at_value = !self.at_value;
        Some(PackedElement::of(string))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::rng::Rng;

    /// "a", 1, 13, 300, -5, 70000, 9999999, 2^40 and 70 times "x", as Redis 8.2.3 took them from RESTORE.
    fn ziplist() -> Vec<u8> {
        let mut bytes = b"\x00\x00\x00\x00\x00\x00\x00\x00\x09\x00".to_vec();
        bytes.extend(b"\x00\x01a\x03\xf2\x02\xfe\x0d\x03\xc0\x2c\x01\x04\xfe\xfb\x03\xf0\x70\x11\x01\x05\xd0\x7f\x96");
        bytes.extend(b"\x98\x00\x06\xe0\x00\x00\x00\x00\x00\x01\x00\x00");
        let last = bytes.len() as u32;
        bytes.extend(b"\x0a\x40\x46");
        bytes.extend([b'x'; 70]);
        bytes.push(END);
        let total = bytes.len() as u32;
        bytes[..4].copy_from_slice(&total.to_le_bytes());
        bytes[4..8].copy_from_slice(&last.to_le_bytes());
        bytes
    }

    #[test]
    fn elements_of_every_form_are_read() {
        let bytes = ziplist();
        let long = [b'x'; 70];
        let [int, string] = [PackedElement::Int, |_| PackedElement::Bytes(b"a")];
        let read = Ziplist::check(&bytes).expect("a sound ziplist");
        assert_eq!(read.len(), 9);
        let expected = [string(0), int(1), int(13), int(300), int(-5), int(70_000), int(9_999_999), int(1 << 40)];
        assert!(read.eq(expected.into_iter().chain([PackedElement::Bytes(&long)])));
    }

    #[test]
    fn pairs_of_a_zipmap_are_read_past_what_is_free() {
        let bytes = b"\x02\x01a\x01\x02bxx\xfe\x02\x00\x00\x00cc\x02\x0012\xff";
        let read: Vec<_> = Zipmap::check(bytes).expect("a sound zipmap").map(|part| part.to_vec()).collect();
        assert_eq!(read, [b"a".to_vec(), b"b".to_vec(), b"cc".to_vec(), b"12".to_vec()]);
        for refused in
            [&b""[..], b"\xff", b"\x01\xff", b"\x01\x01a\xff", b"\x01\x01a\x01\x05b\xff", b"\x00\x01a\x01\x00b\xff"]
        {
            assert!(Zipmap::check(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn damage_is_refused_or_read_to_the_end() {
        let sound = ziplist();
        for seed in 0..20_000 {
            let mut rng = Rng::seed(seed);
            let mut bytes = sound.clone();
            for _ in 0..=rng.below(2) {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] = rng.below(256) as u8;
            }
            if let Ok(read) = Ziplist::check(&bytes) {
                assert_eq!(read.len(), read.clone().count(), "seed {seed}");
            }
            if let Ok(read) = Zipmap::check(&bytes) {
                assert_eq!(read.count() % 2, 0, "seed {seed}");
            }
        }
    }
}
