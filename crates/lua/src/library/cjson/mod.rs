//! `cjson`: documents as tables, and tables as documents; as lua-cjson 2.1 does it in every respect that shows.
//!
//! Each function has the options as an upvalue, which it shares with the others of its library: `cjson.new` returns one
//! with options of its own. Options of `cjson` itself last from script to script.

mod decode;
mod encode;
mod token;

use super::{add_method, publish};
use crate::raw::raise::Raise;
use crate::raw::stack::{Function, Kind, Stack};

/// Tables and documents nested deeper are refused.
const DEPTH: i32 = 1_000;

/// What is kept of the buffer for documents.
const BUFFER_KEPT: usize = 64 << 10;

/// The options of one library.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    /// A list with too many gaps becomes an object, instead of being refused.
    sparse_converts: bool,
    /// It has too many, if its length is this many times that of its elements, ...
    sparse_ratio: i32,
    /// ... and more than this.
    sparse_safe: i32,
    encode_depth: i32,
    decode_depth: i32,
    precision: i32,
    encode_invalid: Invalid,
    decode_invalid: bool,
    /// Has no effect: the buffer is kept while it is small.
    keeps_buffer: bool,
}

/// What becomes of numbers that JSON does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Invalid {
    Refused,
    Written,
    Null,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            sparse_converts: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_depth: DEPTH,
            decode_depth: DEPTH,
            precision: 14,
            encode_invalid: Invalid::Refused,
            decode_invalid: true,
            keeps_buffer: true,
        }
    }
}

pub(super) fn open(stack: &mut Stack<'_>, globals: i32) -> Result<(), Raise> {
    push_library(stack)?;
    publish(stack, globals, "cjson")
}

fn new(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    push_library(stack)?;
    Ok(1)
}

fn push_library(stack: &mut Stack<'_>) -> Result<(), Raise> {
    const FUNCTIONS: [(&str, Function); 10] = [
        ("encode", encode),
        ("decode", decode),
        ("new", new),
        ("encode_sparse_array", encode_sparse_array),
        ("encode_max_depth", encode_max_depth),
        ("decode_max_depth", decode_max_depth),
        ("encode_number_precision", encode_number_precision),
        ("encode_keep_buffer", encode_keep_buffer),
        ("encode_invalid_numbers", encode_invalid_numbers),
        ("decode_invalid_numbers", decode_invalid_numbers),
    ];
    stack.reserve(8)?;
    stack.push_table(0, FUNCTIONS.len() + 3)?;
    let library = stack.top();
    stack.push_options(Options::default());
    for (name, function) in FUNCTIONS {
        add_method(stack, library, library + 1, name, function)?;
    }
    stack.pop(1);
    stack.push_null();
    stack.set_field(library, "null")?;
    stack.push_bytes(b"cjson")?;
    stack.set_field(library, "_NAME")?;
    stack.push_bytes(b"2.1.0")?;
    stack.set_field(library, "_VERSION")
}

fn encode(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    expect_one(stack)?;
    let options = stack.options().get();
    let mut out = stack.context.library.buffer.take();
    out.clear();
    let result = encode::encode(stack, &options, &mut out).and_then(|()| stack.push_bytes(&out));
    out.shrink_to(BUFFER_KEPT);
    stack.context.library.buffer.set(out);
    result.map(|()| 1)
}

fn decode(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    expect_one(stack)?;
    stack.expect_text(1)?;
    let options = stack.options().get();
    stack.with_bytes(1, |stack, document| decode::decode(stack, &options, document))?;
    Ok(1)
}

fn expect_one(stack: &Stack<'_>) -> Result<(), Raise> {
    if stack.top() == 1 { Ok(()) } else { Err(Raise::argument(1, "expected 1 argument")) }
}

fn expect_at_most(stack: &Stack<'_>, count: i32) -> Result<(), Raise> {
    if stack.top() <= count { Ok(()) } else { Err(Raise::argument(count + 1, "found too many arguments")) }
}

/// An argument that sets an option, if it is there.
fn integer(stack: &Stack<'_>, number: i32, present: i32, least: i32, most: i32) -> Result<i32, Raise> {
    if !stack.is_given(number) {
        return Ok(present);
    }
    let value = stack.expect_int(number)?;
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(Raise::argument(1, format!("expected integer between {least} and {most}")))
}

/// As [`integer`], for one that is true or false.
fn boolean(stack: &mut Stack<'_>, number: i32, present: bool) -> Result<bool, Raise> {
    if !stack.is_given(number) {
        return Ok(present);
    }
    if stack.kind(number) == Kind::Boolean {
        return Ok(stack.truth(number));
    }
    match stack.expect_text(number)? {
        b"off" => Ok(false),
        b"on" => Ok(true),
        other => Err(Raise::invalid_option(number, other)),
    }
}

/// Sets an option and pushes what it is now.
fn set_integer(stack: &mut Stack<'_>, most: i32, option: fn(&mut Options) -> &mut i32) -> Result<i32, Raise> {
    expect_at_most(stack, 1)?;
    let mut options = stack.options().get();
    let value = option(&mut options);
    *value = integer(stack, 1, *value, 1, most)?;
    let value = *value;
    stack.options().set(options);
    stack.push_number(f64::from(value));
    Ok(1)
}

fn set_boolean(stack: &mut Stack<'_>, option: fn(&mut Options) -> &mut bool) -> Result<i32, Raise> {
    expect_at_most(stack, 1)?;
    let mut options = stack.options().get();
    let value = option(&mut options);
    *value = boolean(stack, 1, *value)?;
    let value = *value;
    stack.options().set(options);
    stack.push_boolean(value);
    Ok(1)
}

/// Options before one that is refused are set.
fn encode_sparse_array(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    expect_at_most(stack, 3)?;
    let mut options = stack.options().get();
    options.sparse_converts = boolean(stack, 1, options.sparse_converts)?;
    stack.options().set(options);
    options.sparse_ratio = integer(stack, 2, options.sparse_ratio, 0, i32::MAX)?;
    stack.options().set(options);
    options.sparse_safe = integer(stack, 3, options.sparse_safe, 0, i32::MAX)?;
    stack.options().set(options);
    stack.push_boolean(options.sparse_converts);
    stack.push_number(f64::from(options.sparse_ratio));
    stack.push_number(f64::from(options.sparse_safe));
    Ok(3)
}

fn encode_max_depth(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    set_integer(stack, i32::MAX, |options| &mut options.encode_depth)
}

fn decode_max_depth(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    set_integer(stack, i32::MAX, |options| &mut options.decode_depth)
}

fn encode_number_precision(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    set_integer(stack, 14, |options| &mut options.precision)
}

fn encode_keep_buffer(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    set_boolean(stack, |options| &mut options.keeps_buffer)
}

fn decode_invalid_numbers(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    set_boolean(stack, |options| &mut options.decode_invalid)
}

fn encode_invalid_numbers(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    expect_at_most(stack, 1)?;
    let mut options = stack.options().get();
    if stack.kind(1) == Kind::Boolean {
        options.encode_invalid = if stack.truth(1) { Invalid::Written } else { Invalid::Refused };
    } else if stack.is_given(1) {
        options.encode_invalid = match stack.expect_text(1)? {
            b"off" => Invalid::Refused,
            b"on" => Invalid::Written,
            b"null" => Invalid::Null,
            other => return Err(Raise::invalid_option(1, other)),
        };
    }
    stack.options().set(options);
    match options.encode_invalid {
        Invalid::Refused => stack.push_boolean(false),
        Invalid::Written => stack.push_boolean(true),
        Invalid::Null => stack.push_bytes(b"null")?,
    }
    Ok(1)
}
