//! Tables as documents. It is a loop, so that how deep they may be is a matter of options, and not of the stack of
//! Rust.

use super::{Invalid, Options};
use crate::raw::raise::Raise;
use crate::raw::stack::{Kind, Stack};
use base::num::{write_f64_g, write_i64};

/// Integers up to here have no more digits than are written of any number.
const DIGITS: [f64; 15] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14];

/// A table that is being written, and is on the stack; above it, of an object, the key.
enum Frame {
    Array { written: i32, length: i32 },
    Object { is_first: bool },
}

/// Writes the value on top, which is popped.
pub(super) fn encode(stack: &mut Stack<'_>, options: &Options, out: &mut Vec<u8>) -> Result<(), Raise> {
    let mut frames: Vec<Frame> = Vec::new();
    loop {
        if let Some(frame) = value(stack, options, out, frames.len())? {
            if stack.context.memory.lacks(out.len()) {
                return Err(Raise::Memory);
            }
            frames.push(frame);
        }
        if !next(stack, options, out, &mut frames)? {
            return Ok(());
        }
    }
}

/// Writes the value on top and pops it; of a table only the beginning, for which there is a frame.
fn value(stack: &mut Stack<'_>, options: &Options, out: &mut Vec<u8>, depth: usize) -> Result<Option<Frame>, Raise> {
    let top = stack.top();
    match stack.kind(top) {
        Kind::String => string(out, stack.bytes(top).unwrap_or_default()),
        Kind::Number => number(out, stack.number(top).unwrap_or_default(), options)?,
        Kind::Boolean => out.extend_from_slice(if stack.truth(top) { b"true" } else { b"false" }),
        Kind::Nil => out.extend_from_slice(b"null"),
        Kind::LightUserdata if stack.is_null(top) => out.extend_from_slice(b"null"),
        Kind::Table => return table(stack, options, out, depth + 1).map(Some),
        kind => return Err(refused(kind, "type not supported")),
    }
    stack.pop(1);
    Ok(None)
}

fn refused(kind: Kind, why: &str) -> Raise {
    Raise::at(format!("Cannot serialise {}: {why}", kind.name()))
}

fn table(stack: &mut Stack<'_>, options: &Options, out: &mut Vec<u8>, depth: usize) -> Result<Frame, Raise> {
    if depth > options.encode_depth as usize || stack.reserve(4).is_err() {
        return Err(Raise::at(format!("Cannot serialise, excessive nesting ({depth})")));
    }
    stack.check_memory()?;
    match list_length(stack, options)? {
        Some(length) => {
            out.push(b'[');
            Ok(Frame::Array { written: 0, length })
        }
        None => {
            out.push(b'{');
            stack.push_nil();
            Ok(Frame::Object { is_first: true })
        }
    }
}

/// The length of the table on top, if it is to be a list: all keys are integers from 1 on, with not too many gaps, and
/// there are some.
fn list_length(stack: &mut Stack<'_>, options: &Options) -> Result<Option<i32>, Raise> {
    let key = stack.top() + 1;
    let (mut most, mut count) = (0, 0.0);
    stack.push_nil();
    while stack.next_pair() {
        stack.pop(1);
        let number = if stack.kind(key) == Kind::Number { stack.number(key).unwrap_or_default() } else { 0.0 };
        if number < 1.0 || number.fract() != 0.0 {
            stack.pop(1);
            return Ok(None);
        }
        if number > f64::from(most) {
            // An `int` of C: what does not fit becomes the smallest there is.
            most = if number > f64::from(i32::MAX) { i32::MIN } else { number as i32 };
        }
        count += 1.0;
    }
    let ratio = f64::from(options.sparse_ratio);
    if ratio > 0.0 && f64::from(most) > count * ratio && most > options.sparse_safe {
        if options.sparse_converts {
            return Ok(None);
        }
        return Err(refused(Kind::Table, "excessively sparse array"));
    }
    Ok((most > 0).then_some(most))
}

/// Pushes the next value that is to be written, after what comes before it. False when all is done.
fn next(stack: &mut Stack<'_>, options: &Options, out: &mut Vec<u8>, frames: &mut Vec<Frame>) -> Result<bool, Raise> {
    while let Some(frame) = frames.last_mut() {
        match frame {
            Frame::Array { written, length } if *written < *length => {
                if *written > 0 {
                    out.push(b',');
                }
                *written += 1;
                stack.get_index(stack.top(), *written);
                return Ok(true);
            }
            Frame::Array { .. } => out.push(b']'),
            Frame::Object { is_first } => {
                if stack.next_pair() {
                    if !std::mem::take(is_first) {
                        out.push(b',');
                    }
                    key(stack, options, out)?;
                    return Ok(true);
                }
                out.push(b'}');
            }
        }
        stack.pop(1);
        frames.pop();
    }
    Ok(false)
}

/// Writes the key below the top.
fn key(stack: &Stack<'_>, options: &Options, out: &mut Vec<u8>) -> Result<(), Raise> {
    let key = stack.top() - 1;
    match stack.kind(key) {
        Kind::String => string(out, stack.bytes(key).unwrap_or_default()),
        Kind::Number => {
            out.push(b'"');
            number(out, stack.number(key).unwrap_or_default(), options)?;
            out.push(b'"');
        }
        kind => return Err(refused(kind, "table key must be a number or string")),
    }
    out.push(b':');
    Ok(())
}

fn number(out: &mut Vec<u8>, number: f64, options: &Options) -> Result<(), Raise> {
    if !number.is_finite() {
        match options.encode_invalid {
            Invalid::Refused => return Err(refused(Kind::Number, "must not be NaN or Inf")),
            Invalid::Null => {
                out.extend_from_slice(b"null");
                return Ok(());
            }
            Invalid::Written => {}
        }
    }
    let precision = options.precision as usize;
    if number.abs() < DIGITS[precision] && number.fract() == 0.0 && (number != 0.0 || number.is_sign_positive()) {
        write_i64(out, number as i64);
    } else {
        write_f64_g(out, number, precision);
    }
    Ok(())
}

/// For each byte, what stands for it after a backslash; `u` for a number, zero for itself.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut byte = 0;
    while byte < 32 {
        escapes[byte] = b'u';
        byte += 1;
    }
    escapes[127] = b'u';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes[b'/' as usize] = b'/';
    escapes[0x08] = b'b';
    escapes[b'\t' as usize] = b't';
    escapes[b'\n' as usize] = b'n';
    escapes[0x0c] = b'f';
    escapes[b'\r' as usize] = b'r';
    escapes
};

fn string(out: &mut Vec<u8>, mut bytes: &[u8]) {
    out.push(b'"');
    while let Some(plain) = bytes.iter().position(|&byte| ESCAPES[usize::from(byte)] != 0) {
        out.extend_from_slice(&bytes[..plain]);
        match ESCAPES[usize::from(bytes[plain])] {
            b'u' => out.extend_from_slice(format!("\\u{:04x}", bytes[plain]).as_bytes()),
            escape => out.extend([b'\\', escape]),
        }
        bytes = &bytes[plain + 1..];
    }
    out.extend_from_slice(bytes);
    out.push(b'"');
}
