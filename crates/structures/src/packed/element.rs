//! One element of a packed buffer: how it is written, and how it is read from either end.
//!
//! ```text
//!  first byte      layout                                      what
//!  0x80..=0xff     [0x80 + n]                                  an integer 0..=127, one byte in all
//!  0x00..=0x6f     [len] bytes [len]                           a string of up to 111 bytes
//!  0x70..=0x77     [0x70 + n - 1] n bytes, LE [0x70 + n - 1]   an integer of n bytes, two's complement
//!  0x78            [0x78] len:u16 bytes len:u16 [0x78]         a string of up to 65,535 bytes
//!  0x79            [0x79] len:u32 bytes len:u32 [0x79]         a longer string
//! ```
//!
//! An element reads the same from its front as from its back, so a walk costs the same in both directions. Strings that
//! are the canonical decimal form of an `i64` become integers in `PackedElement::of`; they are printed again on
//! reading.

/// The longest string with a length of one byte.
const SHORT_MAX: usize = 0x6f;
const INT: u8 = 0x70;
const INT_MAX: u8 = 0x77;
const MEDIUM: u8 = 0x78;
const LONG: u8 = 0x79;
const SMALL_INT: u8 = 0x80;

/// The most bytes that an `i64` takes in decimal.
const DECIMAL_MAX: usize = 20;

/// An element, borrowed from the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackedElement<'a> {
    /// A string that is an integer in canonical decimal form.
    Int(i64),
    /// Any other string.
    Bytes(&'a [u8]),
}

/// The integer that prints as exactly these bytes.
pub fn parse_int(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if bytes.len() > DECIMAL_MAX || digits.is_empty() || (digits[0] == b'0' && bytes.len() > 1) {
        return None;
    }
    let mut value = 0i64;
    for &digit in digits {
        let digit = i64::from(digit.checked_sub(b'0').filter(|&digit| digit <= 9)?);
        // Counted downwards, for there is one more negative number.
        value = value.checked_mul(10)?.checked_sub(digit)?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// An integer's decimal form.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    bytes: [u8; DECIMAL_MAX],
    start: u8,
}

impl Decimal {
    pub fn new(value: i64) -> Decimal {
        let mut bytes = [0; DECIMAL_MAX];
        let mut start = DECIMAL_MAX;
        let mut left = value.unsigned_abs();
        loop {
            start -= 1;
            bytes[start] = b'0' + (left % 10) as u8;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        if value < 0 {
            start -= 1;
            bytes[start] = b'-';
        }
        Decimal { bytes, start: start as u8 }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[usize::from(self.start)..]
    }
}

impl<'a> PackedElement<'a> {
    /// The element for a string: an integer where it is one.
    #[inline]
    pub fn of(bytes: &'a [u8]) -> PackedElement<'a> {
        match parse_int(bytes) {
            Some(value) => PackedElement::Int(value),
            None => PackedElement::Bytes(bytes),
        }
    }

    /// Calls `read` with the string.
    #[inline]
    pub fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            PackedElement::Int(value) => read(Decimal::new(*value).as_bytes()),
            PackedElement::Bytes(bytes) => read(bytes),
        }
    }

    /// Appends the string.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        self.with_bytes(|bytes| out.extend_from_slice(bytes));
    }

    /// The string, copied.
    pub fn to_vec(&self) -> Vec<u8> {
        self.with_bytes(<[u8]>::to_vec)
    }

    /// The string's length.
    pub fn len(&self) -> usize {
        self.with_bytes(<[u8]>::len)
    }

    /// Whether the string is empty.
    pub fn is_empty(&self) -> bool {
        matches!(self, PackedElement::Bytes([]))
    }

    /// The bytes that the element takes in Redis' listpack, for the thresholds that clients see there.
    pub fn listpack_bytes(&self) -> usize {
        let data = match *self {
            PackedElement::Int(0..=127) => 1,
            PackedElement::Int(-4096..=4095) => 2,
            PackedElement::Int(value) if i16::try_from(value).is_ok() => 3,
            PackedElement::Int(-8_388_608..=8_388_607) => 4,
            PackedElement::Int(value) if i32::try_from(value).is_ok() => 5,
            PackedElement::Int(_) => 9,
            PackedElement::Bytes(bytes) => match bytes.len() {
                len @ 0..64 => 1 + len,
                len @ 64..4096 => 2 + len,
                len => 5 + len,
            },
        };
        let back = match data {
            0..=127 => 1,
            128..16_383 => 2,
            16_383..2_097_151 => 3,
            2_097_151..268_435_455 => 4,
            _ => 5,
        };
        data + back
    }

    /// The bytes that the element takes here.
    #[inline]
    pub fn packed_bytes(&self) -> usize {
        match *self {
            PackedElement::Int(0..=127) => 1,
            PackedElement::Int(value) => int_width(value) + 2,
            PackedElement::Bytes(bytes) => match bytes.len() {
                len @ 0..=SHORT_MAX => len + 2,
                len if len <= usize::from(u16::MAX) => len + 6,
                len => len + 10,
            },
        }
    }

    /// Writes the element into exactly `packed_bytes` bytes.
    #[inline]
    pub(super) fn encode(&self, out: &mut [u8]) {
        let end = out.len();
        match *self {
            PackedElement::Int(value @ 0..=127) => out[0] = SMALL_INT + value as u8,
            PackedElement::Int(value) => {
                let width = end - 2;
                out[0] = INT + width as u8 - 1;
                out[1..=width].copy_from_slice(&value.to_le_bytes()[..width]);
                out[end - 1] = out[0];
            }
            PackedElement::Bytes(bytes) if bytes.len() <= SHORT_MAX => {
                out[0] = bytes.len() as u8;
                out[1..end - 1].copy_from_slice(bytes);
                out[end - 1] = bytes.len() as u8;
            }
            PackedElement::Bytes(bytes) => {
                let wide = bytes.len() > usize::from(u16::MAX);
                let width = if wide { 4 } else { 2 };
                let len = u32::try_from(bytes.len()).expect("strings are shorter than 4 GiB").to_le_bytes();
                out[0] = if wide { LONG } else { MEDIUM };
                out[1..=width].copy_from_slice(&len[..width]);
                out[1 + width..end - 1 - width].copy_from_slice(bytes);
                out[end - 1 - width..end - 1].copy_from_slice(&len[..width]);
                out[end - 1] = out[0];
            }
        }
    }
}

fn int_width(value: i64) -> usize {
    let magnitude = if value < 0 { !value } else { value };
    // One bit more, for the sign.
    (65 - magnitude.leading_zeros() as usize).div_ceil(8)
}

fn word(bytes: &[u8]) -> usize {
    let mut word = [0; 4];
    word[..bytes.len()].copy_from_slice(bytes);
    u32::from_le_bytes(word) as usize
}

/// The element at the start of `bytes`, and the bytes it takes.
#[inline(always)]
pub(super) fn first(bytes: &[u8]) -> (PackedElement<'_>, usize) {
    let head = bytes[0];
    match head {
        0..INT => {
            let len = usize::from(head);
            (PackedElement::Bytes(&bytes[1..=len]), len + 2)
        }
        SMALL_INT.. => (PackedElement::Int(i64::from(head - SMALL_INT)), 1),
        INT..=INT_MAX => {
            let width = usize::from(head - INT) + 1;
            let mut value = [0; 8];
            value[8 - width..].copy_from_slice(&bytes[1..=width]);
            (PackedElement::Int(i64::from_le_bytes(value) >> (64 - 8 * width)), width + 2)
        }
        _ => {
            let width = if head == LONG { 4 } else { 2 };
            let len = word(&bytes[1..=width]);
            (PackedElement::Bytes(&bytes[1 + width..1 + width + len]), len + 2 * width + 2)
        }
    }
}

/// The bytes of the element at the start of `bytes`.
#[inline(always)]
pub(super) fn size_of_first(bytes: &[u8]) -> usize {
    size(bytes[0], || word(&bytes[1..3]), || word(&bytes[1..5]))
}

/// The bytes of the element at the end of `bytes`.
#[inline(always)]
pub(super) fn size_of_last(bytes: &[u8]) -> usize {
    let end = bytes.len() - 1;
    size(bytes[end], || word(&bytes[end - 2..end]), || word(&bytes[end - 4..end]))
}

#[inline(always)]
fn size(mark: u8, medium: impl FnOnce() -> usize, long: impl FnOnce() -> usize) -> usize {
    match mark {
        0..INT => usize::from(mark) + 2,
        SMALL_INT.. => 1,
        INT..=INT_MAX => usize::from(mark - INT) + 3,
        MEDIUM => medium() + 6,
        _ => long() + 10,
    }
}

/// The size of the element at the start of bytes that may be anything: `None` unless it is whole and
/// written as `encode` writes it.
pub(super) fn checked_first(bytes: &[u8]) -> Option<usize> {
    let size = match *bytes.first()? {
        mark @ (MEDIUM | LONG) => {
            let width = if mark == LONG { 4 } else { 2 };
            word(bytes.get(1..=width)?) + 2 * width + 2
        }
        mark if mark > LONG && mark < SMALL_INT => return None,
        _ => size_of_first(bytes),
    };
    let own = bytes.get(..size)?;
    let element = first(own).0;
    let mut again = vec![0; element.packed_bytes()];
    element.encode(&mut again);
    (again == own).then_some(size)
}
