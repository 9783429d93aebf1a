//! `struct`: numbers and strings as bytes, laid out as a format says.
//!
//! | letter | what | | letter | what |
//! |---|---|---|---|---|
//! | `>` `<` | big, little endian | | `b` `B` | 1 byte, signed or not |
//! | `!n` | align to at most n | | `h` `H` | 2 bytes |
//! | `x` | a zero | | `l` `L` | 8 bytes |
//! | `f` `d` | float, double | | `T` | 8 bytes, not signed |
//! | `s` | a string and a zero | | `in` `In` | n bytes, or 4 |
//! | `cn` | n bytes, or 1; `c0`: as many as the number before it says | | | |

use super::{add, publish};
use crate::raw::raise::Raise;
use crate::raw::stack::Stack;
use crate::raw::walk::{truncate, until_zero};

const INTEGER_MAX: usize = 32;

/// The alignment of `!` alone.
const ALIGN_DEFAULT: usize = 8;

pub(super) fn open(stack: &mut Stack<'_>, globals: i32) -> Result<(), Raise> {
    stack.push_table(0, 3)?;
    let library = stack.top();
    add(stack, library, "pack", pack)?;
    add(stack, library, "unpack", unpack)?;
    add(stack, library, "size", size)?;
    publish(stack, globals, "struct")
}

/// A format that is being read.
struct Format {
    text: Vec<u8>,
    next: usize,
    big_endian: bool,
    align: usize,
}

impl Format {
    fn of(stack: &mut Stack<'_>) -> Result<Format, Raise> {
        let text = until_zero(stack.expect_text(1)?).to_vec();
        Ok(Format { text, next: 0, big_endian: cfg!(target_endian = "big"), align: 1 })
    }

    /// The next letter, and how many bytes it takes, as far as it says so.
    fn next(&mut self) -> Result<Option<(u8, usize)>, Raise> {
        let Some(&letter) = self.text.get(self.next) else { return Ok(None) };
        self.next += 1;
        let size = match letter {
            b'B' | b'b' | b'x' => 1,
            b'H' | b'h' => 2,
            b'L' | b'l' | b'T' | b'd' => 8,
            b'f' => 4,
            b'c' => self.number(1)?,
            b'i' | b'I' => {
                let size = self.number(4)?;
                if size > INTEGER_MAX {
                    let text = format!("integral size {size} is larger than limit of {INTEGER_MAX}");
                    return Err(Raise::at(text));
                }
                size
            }
            _ => 0,
        };
        Ok(Some((letter, size)))
    }

    /// The number here, which fits an `int` of C (CVE-2020-14147).
    fn number(&mut self, default: usize) -> Result<usize, Raise> {
        let Some(digit) = self.text.get(self.next).filter(|byte| byte.is_ascii_digit()) else { return Ok(default) };
        let mut number = i32::from(digit - b'0');
        self.next += 1;
        while let Some(digit) = self.text.get(self.next).filter(|byte| byte.is_ascii_digit()) {
            let longer = number.checked_mul(10).and_then(|number| number.checked_add(i32::from(digit - b'0')));
            number = longer.ok_or_else(|| Raise::at("integral size overflow"))?;
            self.next += 1;
        }
        Ok(number as usize)
    }

    /// How many bytes there are before a value of this size, so that it is aligned.
    fn padding(&self, place: usize, letter: u8, size: usize) -> usize {
        let size = size.min(self.align);
        if size == 0 || letter == b'c' { 0 } else { size.wrapping_sub(place & (size - 1)) & (size - 1) }
    }

    /// A letter that stands for no value.
    fn control(&mut self, letter: u8) -> Result<(), Raise> {
        match letter {
            b' ' => {}
            b'>' => self.big_endian = true,
            b'<' => self.big_endian = false,
            b'!' => {
                let align = self.number(ALIGN_DEFAULT)?;
                if !align.is_power_of_two() {
                    return Err(Raise::at(format!("alignment {align} is not a power of 2")));
                }
                self.align = align;
            }
            _ => {
                return Err(Raise::argument(1, [b"invalid format option '", &[letter][..], b"'"].concat()));
            }
        }
        Ok(())
    }
}

fn is_integer(letter: u8) -> bool {
    matches!(letter, b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I')
}

fn pack(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let mut format = Format::of(stack)?;
    // What is missing is called nil.
    stack.reserve(2)?;
    stack.push_nil();
    let mut out: Vec<u8> = Vec::new();
    let mut argument = 2;
    while let Some((letter, size)) = format.next()? {
        let place = out.len();
        out.resize(place + format.padding(place, letter, size), 0);
        match letter {
            _ if is_integer(letter) => {
                let number = stack.expect_number(argument)?;
                argument += 1;
                pack_integer(&mut out, number, size, format.big_endian);
            }
            b'x' => out.push(0),
            b'f' => {
                let number = stack.expect_number(argument)? as f32;
                argument += 1;
                out.extend(if format.big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
            }
            b'd' => {
                let number = stack.expect_number(argument)?;
                argument += 1;
                out.extend(if format.big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
            }
            b'c' | b's' => {
                let bytes = stack.expect_text(argument)?;
                argument += 1;
                let size = if size == 0 { bytes.len() } else { size };
                if bytes.len() < size {
                    return Err(Raise::argument(argument, "string too short"));
                }
                out.extend_from_slice(&bytes[..size]);
                if letter == b's' {
                    out.push(0);
                }
            }
            _ => format.control(letter)?,
        }
        if stack.context.memory.lacks(out.len()) {
            return Err(Raise::Memory);
        }
    }
    stack.reserve(1)?;
    stack.push_bytes(&out)?;
    Ok(1)
}

fn pack_integer(out: &mut Vec<u8>, number: f64, size: usize, big_endian: bool) {
    // What does not fit becomes what a cast of C makes of it on this machine.
    let bits = if number < 0.0 { truncate(number) as u64 } else { cast_unsigned(number) };
    let mut bytes = [0; INTEGER_MAX];
    bytes[..8].copy_from_slice(&bits.to_le_bytes());
    if big_endian {
        bytes[..size].reverse();
    }
    out.extend_from_slice(&bytes[..size]);
}

fn cast_unsigned(number: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    if number < HALF || number.is_nan() {
        truncate(number) as u64
    } else {
        (truncate(number - HALF) as u64) ^ (1 << 63)
    }
}

fn unpack(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let mut format = Format::of(stack)?;
    stack.expect_text(2)?;
    let from = stack.optional_integer(3, 1)?;
    // A negative place is taken for one far behind the end.
    if from == 0 {
        return Err(Raise::argument(3, "offset must be 1 or greater"));
    }
    stack.with_bytes(2, |stack, data| {
        let bottom = stack.top();
        let mut place = (from as usize).wrapping_sub(1);
        while let Some((letter, size)) = format.next()? {
            place = place.wrapping_add(format.padding(place, letter, size));
            let rest = rest_of(data, place, size)?;
            stack.reserve(4)?;
            let used = match letter {
                _ if is_integer(letter) => {
                    let is_signed = letter.is_ascii_lowercase();
                    stack.push_number(unpack_integer(&rest[..size], is_signed, format.big_endian));
                    size
                }
                b'f' => {
                    let bytes = [rest[0], rest[1], rest[2], rest[3]];
                    let number = if format.big_endian { f32::from_be_bytes(bytes) } else { f32::from_le_bytes(bytes) };
                    stack.push_number(f64::from(number));
                    size
                }
                b'd' => {
                    let mut bytes = [0; 8];
                    bytes.copy_from_slice(&rest[..8]);
                    let number = if format.big_endian { f64::from_be_bytes(bytes) } else { f64::from_le_bytes(bytes) };
                    stack.push_number(number);
                    size
                }
                b'c' if size == 0 => {
                    let length = stack.number(stack.top()).filter(|_| stack.top() > bottom);
                    let length = length.ok_or_else(|| Raise::at("format 'c0' needs a previous size"))?;
                    stack.pop(1);
                    let length = cast_unsigned(length) as usize;
                    stack.push_bytes(&rest_of(data, place, length)?[..length])?;
                    length
                }
                b'c' => {
                    stack.push_bytes(&rest[..size])?;
                    size
                }
                b's' => {
                    let end = rest.iter().position(|&byte| byte == 0);
                    let end = end.ok_or_else(|| Raise::at("unfinished string in data"))?;
                    stack.push_bytes(&rest[..end])?;
                    end + 1
                }
                b'x' => size,
                _ => {
                    format.control(letter)?;
                    size
                }
            };
            place += used;
        }
        stack.push_number((place + 1) as f64);
        Ok(stack.top() - bottom)
    })
}

/// What there is from a place on, which has to be as many bytes at least.
fn rest_of(data: &[u8], place: usize, size: usize) -> Result<&[u8], Raise> {
    let rest = data.get(place..).filter(|rest| rest.len() >= size);
    rest.ok_or_else(|| Raise::argument(2, "data string too short"))
}

fn unpack_integer(bytes: &[u8], is_signed: bool, big_endian: bool) -> f64 {
    let shift = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
    let number = if big_endian { bytes.iter().fold(0, shift) } else { bytes.iter().rev().fold(0, shift) };
    if !is_signed {
        return number as f64;
    }
    // Of a shift by more than there are bits, the machine takes the lowest six bits.
    let mask = u64::MAX.wrapping_shl((bytes.len() as u32 * 8).wrapping_sub(1));
    let extended = if number & mask == 0 { number } else { number | mask };
    extended as i64 as f64
}

fn size(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let mut format = Format::of(stack)?;
    let mut place: usize = 0;
    while let Some((letter, size)) = format.next()? {
        place += format.padding(place, letter, size);
        match letter {
            b's' => return Err(Raise::argument(1, "option 's' has no fixed size")),
            b'c' if size == 0 => return Err(Raise::argument(1, "option 'c0' has no fixed size")),
            _ if !letter.is_ascii_alphanumeric() => format.control(letter)?,
            _ => {}
        }
        place += size;
    }
    stack.push_number(place as f64);
    Ok(1)
}
