//! `cmsgpack`: values as MessagePack, as lua-cmsgpack 0.4.0 does it. It knows neither binary strings nor extensions.

use super::{add, publish};
use crate::raw::raise::Raise;
use crate::raw::stack::{ELEMENTS_MAX, Function, Kind, Stack};

/// Tables nested deeper are written as nil.
const DEPTH_MAX: usize = 16;

pub(super) fn open(stack: &mut Stack<'_>, globals: i32) -> Result<(), Raise> {
    const FUNCTIONS: [(&str, Function); 4] =
        [("pack", pack), ("unpack", unpack), ("unpack_one", unpack_one), ("unpack_limit", unpack_limit)];
    const TEXTS: [(&str, &str); 4] = [
        ("_NAME", "cmsgpack"),
        ("_VERSION", "lua-cmsgpack 0.4.0"),
        ("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo"),
        ("_DESCRIPTION", "MessagePack C implementation for Lua"),
    ];
    stack.push_table(0, 8)?;
    let library = stack.top();
    for (name, function) in FUNCTIONS {
        add(stack, library, name, function)?;
    }
    for (name, text) in TEXTS {
        stack.push_bytes(text.as_bytes())?;
        stack.set_field(library, name)?;
    }
    publish(stack, globals, "cmsgpack")
}

fn pack(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let count = stack.top();
    if count == 0 {
        return Err(Raise::argument(0, "MessagePack pack needs input."));
    }
    if stack.reserve(count).is_err() {
        return Err(Raise::argument(0, "Too many arguments for MessagePack pack."));
    }
    stack.reserve(4)?;
    let mut out = stack.context.library.buffer.take();
    out.clear();
    let result = (1..=count).try_for_each(|number| {
        stack.push_value(number);
        pack_value(stack, &mut out, 0)
    });
    let result = result.and_then(|()| stack.push_bytes(&out));
    out.shrink_to(64 << 10);
    stack.context.library.buffer.set(out);
    result.map(|()| 1)
}

/// Writes the value on top, which is popped.
fn pack_value(stack: &mut Stack<'_>, out: &mut Vec<u8>, depth: usize) -> Result<(), Raise> {
    let top = stack.top();
    match stack.kind(top) {
        Kind::String => pack_bytes(out, stack.bytes(top).unwrap_or_default()),
        Kind::Boolean => out.push(if stack.truth(top) { 0xc3 } else { 0xc2 }),
        Kind::Number => pack_number(out, stack.number(top).unwrap_or_default()),
        Kind::Table if depth < DEPTH_MAX => {
            stack.reserve(4).map_err(|_| Raise::at("stack overflow (in function mp_encode_lua_table_as_array)"))?;
            match list_length(stack) {
                (length, true) => {
                    pack_header(out, length, [0x90, 0xdc, 0xdd]);
                    for index in 1..=length as i32 {
                        stack.get_index(top, index);
                        pack_value(stack, out, depth + 1)?;
                    }
                }
                (pairs, false) => {
                    pack_header(out, pairs, [0x80, 0xde, 0xdf]);
                    stack.push_nil();
                    while stack.next_pair() {
                        stack.push_value(top + 1);
                        pack_value(stack, out, depth + 1)?;
                        pack_value(stack, out, depth + 1)?;
                    }
                }
            }
        }
        _ => out.push(0xc0),
    }
    stack.pop(1);
    if stack.context.memory.lacks(out.len()) { Err(Raise::Memory) } else { Ok(()) }
}

/// How many keys the table on top has, and whether they are those of a list.
fn list_length(stack: &mut Stack<'_>) -> (usize, bool) {
    let key = stack.top() + 1;
    let (mut count, mut most, mut is_list) = (0, 0.0, true);
    stack.push_nil();
    while stack.next_pair() {
        stack.pop(1);
        let number = if stack.kind(key) == Kind::Number { stack.number(key).unwrap_or_default() } else { 0.0 };
        is_list &= number > 0.0 && is_integer(number);
        most = number.max(most);
        count += 1;
    }
    (count, is_list && most == count as f64)
}

/// Whether a number is an `int64_t`.
fn is_integer(number: f64) -> bool {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    (-BOUND..BOUND).contains(&number) && number.fract() == 0.0
}

/// The header of a table: the code of a short one, and those with lengths of 2 and 4 bytes.
fn pack_header(out: &mut Vec<u8>, length: usize, [short, two, four]: [u8; 3]) {
    match length {
        0..16 => out.push(short | length as u8),
        16..0x1_0000 => {
            out.push(two);
            out.extend((length as u16).to_be_bytes());
        }
        _ => {
            out.push(four);
            out.extend((length as u32).to_be_bytes());
        }
    }
}

fn pack_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        length @ 0..32 => out.push(0xa0 | length as u8),
        length @ 32..0x100 => out.extend([0xd9, length as u8]),
        length @ 0x100..0x1_0000 => {
            out.push(0xda);
            out.extend((length as u16).to_be_bytes());
        }
        length => {
            out.push(0xdb);
            out.extend((length as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(bytes);
}

fn pack_number(out: &mut Vec<u8>, number: f64) {
    if is_integer(number) {
        return pack_integer(out, number as i64);
    }
    let short = number as f32;
    if f64::from(short) == number {
        out.push(0xca);
        out.extend(short.to_be_bytes());
    } else {
        out.push(0xcb);
        out.extend(number.to_be_bytes());
    }
}

fn pack_integer(out: &mut Vec<u8>, number: i64) {
    let (code, bytes) = match number {
        -32..0x80 => return out.push(number as u8),
        0x80..0x100 => (0xcc, 1),
        0x100..0x1_0000 => (0xcd, 2),
        0x1_0000..0x1_0000_0000 => (0xce, 4),
        0x1_0000_0000.. => (0xcf, 8),
        -0x80..-32 => (0xd0, 1),
        -0x8000..-0x80 => (0xd1, 2),
        -0x8000_0000..-0x8000 => (0xd2, 4),
        ..-0x8000_0000 => (0xd3, 8),
    };
    out.push(code);
    out.extend_from_slice(&number.to_be_bytes()[8 - bytes..]);
}

fn unpack(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    unpack_from(stack, 0, 0)
}

fn unpack_one(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let offset = stack.optional_integer(2, 0)?;
    unpack_from(stack, 1, offset)
}

fn unpack_limit(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let limit = stack.expect_integer(2)?;
    let offset = stack.optional_integer(3, 0)?;
    unpack_from(stack, limit, offset)
}

/// Reads up to `limit` values; with neither limit nor offset all. Otherwise the first result is where to go on, or -1
/// at the end.
fn unpack_from(stack: &mut Stack<'_>, limit: i64, offset: i64) -> Result<i32, Raise> {
    let length = stack.expect_text(1)?.len();
    // Messages have the lower half of the number.
    if offset < 0 || limit < 0 {
        let text = format!("Invalid request to unpack with offset of {} and limit of {length}.", offset as i32);
        return Err(Raise::at(text));
    }
    if offset > length as i64 {
        return Err(Raise::at(format!("Start offset {} greater than input length {length}.", offset as i32)));
    }
    let reads_all = limit == 0 && offset == 0;
    stack.set_top(1);
    stack.with_bytes(1, |stack, bytes| {
        let mut reader = Reader { rest: &bytes[offset as usize..] };
        if !reads_all {
            stack.push_nil();
        }
        let mut count = 0;
        while !reader.rest.is_empty() && (reads_all || count < limit) {
            stack.reserve(4).map_err(|_| {
                Raise::at("stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)")
            })?;
            reader.value(stack, 0).map_err(|wrong| match wrong {
                Wrong::End => Raise::at("Missing bytes in input."),
                Wrong::Format => Raise::at("Bad data format in input."),
                Wrong::Raise(raise) => raise,
            })?;
            count += 1;
        }
        if reads_all {
            return Ok(count as i32);
        }
        let place = if reader.rest.is_empty() { -1.0 } else { (length - reader.rest.len()) as f64 };
        stack.reserve(1)?;
        stack.push_number(place);
        stack.replace(2);
        Ok(count as i32 + 1)
    })
}

struct Reader<'a> {
    rest: &'a [u8],
}

enum Wrong {
    End,
    Format,
    Raise(Raise),
}

impl From<Raise> for Wrong {
    fn from(raise: Raise) -> Wrong {
        Wrong::Raise(raise)
    }
}

/// Nested deeper, tables are refused, as are those that the stack of Lua has no room for.
const NESTED_MAX: usize = 2_500;

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], Wrong> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Wrong::End)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A number of so many bytes, the highest first.
    fn number(&mut self, bytes: usize) -> Result<u64, Wrong> {
        Ok(self.take(bytes)?.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// As [`Reader::number`], with a sign.
    fn signed(&mut self, bytes: usize) -> Result<i64, Wrong> {
        let unused = 64 - 8 * bytes as u32;
        Ok(((self.number(bytes)? << unused) as i64) >> unused)
    }

    /// Reads a value and pushes it.
    fn value(&mut self, stack: &mut Stack<'_>, depth: usize) -> Result<(), Wrong> {
        let code = self.take(1)?[0];
        match code {
            0x00..=0x7f => stack.push_number(f64::from(code)),
            0x80..=0x8f => return self.map(stack, usize::from(code & 15), depth),
            0x90..=0x9f => return self.list(stack, usize::from(code & 15), depth),
            0xa0..=0xbf => return self.string(stack, usize::from(code & 31)),
            0xc0 => stack.push_nil(),
            0xc2 | 0xc3 => stack.push_boolean(code == 0xc3),
            0xca => {
                let bits = self.number(4)? as u32;
                stack.push_number(f64::from(f32::from_bits(bits)));
            }
            0xcb => {
                let bits = self.number(8)?;
                stack.push_number(f64::from_bits(bits));
            }
            // One that does not fit an `int64_t` becomes negative.
            0xcc..=0xcf => {
                let number = self.number(1 << (code - 0xcc))? as i64;
                stack.push_number(number as f64);
            }
            0xd0..=0xd3 => {
                let number = self.signed(1 << (code - 0xd0))?;
                stack.push_number(number as f64);
            }
            0xd9..=0xdb => {
                let length = self.number(1 << (code - 0xd9))? as usize;
                return self.string(stack, length);
            }
            0xdc | 0xdd => {
                let length = self.number(2 << (code - 0xdc))? as usize;
                return self.list(stack, length, depth);
            }
            0xde | 0xdf => {
                let pairs = self.number(2 << (code - 0xde))? as usize;
                return self.map(stack, pairs, depth);
            }
            0xe0..=0xff => stack.push_number(f64::from(code as i8)),
            0xc1 | 0xc4..=0xc9 | 0xd4..=0xd8 => return Err(Wrong::Format),
        }
        Ok(())
    }

    fn string(&mut self, stack: &mut Stack<'_>, length: usize) -> Result<(), Wrong> {
        Ok(stack.push_bytes(self.take(length)?)?)
    }

    fn table(stack: &mut Stack<'_>, depth: usize, elements: usize, function: &str) -> Result<i32, Wrong> {
        if depth >= NESTED_MAX || stack.reserve(4).is_err() {
            return Err(Wrong::Raise(Raise::at(format!("stack overflow (in function {function})"))));
        }
        if elements > ELEMENTS_MAX {
            return Err(Wrong::Raise(Raise::Memory));
        }
        stack.push_table(0, 0)?;
        Ok(stack.top())
    }

    fn list(&mut self, stack: &mut Stack<'_>, length: usize, depth: usize) -> Result<(), Wrong> {
        let table = Self::table(stack, depth, length.min(self.rest.len()), "mp_decode_to_lua_array")?;
        for index in 1..=length {
            self.value(stack, depth + 1)?;
            stack.set_index(table, index as i32)?;
        }
        Ok(())
    }

    fn map(&mut self, stack: &mut Stack<'_>, pairs: usize, depth: usize) -> Result<(), Wrong> {
        let table = Self::table(stack, depth, pairs.min(self.rest.len()), "mp_decode_to_lua_hash")?;
        for _ in 0..pairs {
            self.value(stack, depth + 1)?;
            self.value(stack, depth + 1)?;
            match stack.kind(table + 1) {
                Kind::Nil => return Err(Wrong::Raise(Raise::Plain("table index is nil".into()))),
                Kind::Number if stack.number(table + 1).is_some_and(f64::is_nan) => {
                    return Err(Wrong::Raise(Raise::Plain("table index is NaN".into())));
                }
                _ => stack.set(table)?,
            }
        }
        Ok(())
    }
}
