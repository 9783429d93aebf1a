//! `bit`: operations on numbers as 32 bits with a sign.

use super::{add, publish};
use crate::raw::raise::Raise;
use crate::raw::stack::{Function, Kind, Stack};

/// Added to a number, this leaves its 32 lowest bits, rounded to even, in the lowest bits of the sum: 2^52 + 2^51.
const TO_BITS: f64 = 6_755_399_441_055_744.0;

pub(super) fn open(stack: &mut Stack<'_>, globals: i32) -> Result<(), Raise> {
    const FUNCTIONS: [(&str, Function); 12] = [
        ("tobit", |stack| unary(stack, |bits| bits)),
        ("bnot", |stack| unary(stack, |bits| !bits)),
        ("bswap", |stack| unary(stack, u32::swap_bytes)),
        ("band", |stack| fold(stack, |a, b| a & b)),
        ("bor", |stack| fold(stack, |a, b| a | b)),
        ("bxor", |stack| fold(stack, |a, b| a ^ b)),
        ("lshift", |stack| shift(stack, u32::wrapping_shl)),
        ("rshift", |stack| shift(stack, u32::wrapping_shr)),
        ("arshift", |stack| shift(stack, |bits, by| (bits as i32).wrapping_shr(by) as u32)),
        ("rol", |stack| shift(stack, u32::rotate_left)),
        ("ror", |stack| shift(stack, u32::rotate_right)),
        ("tohex", tohex),
    ];
    stack.push_table(0, FUNCTIONS.len())?;
    let library = stack.top();
    for (name, function) in FUNCTIONS {
        add(stack, library, name, function)?;
    }
    publish(stack, globals, "bit")
}

fn bits(stack: &Stack<'_>, number: i32) -> Result<u32, Raise> {
    Ok((stack.expect_number(number)? + TO_BITS).to_bits() as u32)
}

fn push(stack: &mut Stack<'_>, bits: u32) -> Result<i32, Raise> {
    stack.push_number(f64::from(bits as i32));
    Ok(1)
}

fn unary(stack: &mut Stack<'_>, of: fn(u32) -> u32) -> Result<i32, Raise> {
    stack.reserve(1)?;
    let bits = bits(stack, 1)?;
    push(stack, of(bits))
}

fn fold(stack: &mut Stack<'_>, of: fn(u32, u32) -> u32) -> Result<i32, Raise> {
    let mut all = bits(stack, 1)?;
    for number in (2..=stack.top()).rev() {
        all = of(all, bits(stack, number)?);
    }
    stack.reserve(1)?;
    push(stack, all)
}

/// Only the five lowest bits of the second argument count.
fn shift(stack: &mut Stack<'_>, of: fn(u32, u32) -> u32) -> Result<i32, Raise> {
    let (bits, by) = (bits(stack, 1)?, bits(stack, 2)? & 31);
    stack.reserve(1)?;
    push(stack, of(bits, by))
}

/// tohex(number [, digits]): in capitals if the count of digits is negative. Any count above 8 is 8 (CVE-2024-31449).
fn tohex(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let bits = bits(stack, 1)?;
    let digits = match stack.kind(2) {
        Kind::None => 8,
        _ => self::bits(stack, 2)? as i32,
    };
    let text = if digits < 0 { format!("{bits:08X}") } else { format!("{bits:08x}") };
    let shown = digits.unsigned_abs().min(8) as usize;
    stack.reserve(1)?;
    stack.push_bytes(&text.as_bytes()[8 - shown..])?;
    Ok(1)
}
