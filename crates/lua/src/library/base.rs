//! The functions without a library: those of Lua that Redis has, and guards for what they must not do.

use super::{Guard, add, confine, take};
use crate::raw::raise::Raise;
use crate::raw::stack::{Kind, Stack};
use crate::raw::state::Collector;
use crate::raw::state::Native;
use crate::raw::walk::until_zero;
use std::ffi::CString;

/// What Lua says, too, when a table that must not be changed is.
const READ_ONLY: &str = "Attempt to modify a readonly table";

/// More results than this are too many for the stack of Lua (`LUAI_MAXCSTACK`).
const RESULTS_MAX: i64 = 8_000;

/// Work of a full collection, for `Stack::work`.
const COLLECTION: u32 = 100;

pub(super) fn open(stack: &mut Stack<'_>, stock: i32, globals: i32) -> Result<(), Raise> {
    for name in
        ["assert", "error", "gcinfo", "ipairs", "rawequal", "select", "tonumber", "tostring", "type", "_VERSION"]
    {
        take(stack, stock, globals, name, None)?;
    }
    for name in ["getmetatable", "rawget"] {
        take(stack, stock, globals, name, Some(Guard::Reads))?;
    }
    for name in ["rawset", "setmetatable"] {
        take(stack, stock, globals, name, Some(Guard::Writes))?;
    }
    stack.push(Native::Xpcall);
    stack.set_field(globals, "xpcall")?;
    stack.push(Native::Pcall);
    stack.set_field(globals, "pcall")?;
    stack.push(Native::Next);
    stack.push_value(stack.top());
    stack.push(Native::Pairs);
    stack.set_field(globals, "pairs")?;
    stack.set_field(globals, "next")?;
    add(stack, globals, "collectgarbage", collectgarbage)?;
    add(stack, globals, "load", load)?;
    add(stack, globals, "loadstring", loadstring)?;
    add(stack, globals, "unpack", unpack)
}

/// `__newindex` of read-only tables.
pub(super) fn refuse_to_change(_: &mut Stack<'_>) -> Result<i32, Raise> {
    Err(Raise::at(READ_ONLY))
}

/// `__index` of the globals.
pub(super) fn missing_global(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    if !matches!(stack.kind(2), Kind::String | Kind::Number) {
        return Err(Raise::at("Second argument to luaProtectedTableError must be a string or number"));
    }
    let name = until_zero(stack.text(2));
    Err(Raise::at([b"Script attempted to access nonexistent global variable '", name, b"'"].concat()))
}

fn collectgarbage(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    const OPTIONS: [&str; 7] = ["stop", "restart", "collect", "count", "step", "setpause", "setstepmul"];
    let option = if stack.is_given(1) {
        let option = stack.expect_text(1)?;
        let known = OPTIONS.iter().find(|known| known.as_bytes() == until_zero(option));
        *known.ok_or_else(|| Raise::invalid_option(1, option))?
    } else {
        "collect"
    };
    let argument = stack.optional_int(2, 0)?;
    stack.context.library.collector_was_changed.set(true);
    let answer = match option {
        "stop" => stack.collector(Collector::Stop),
        "restart" => stack.collector(Collector::Restart),
        "collect" => stack.collector(Collector::Collect),
        "step" => {
            stack.work(COLLECTION)?;
            let ended = stack.collector(Collector::Step(argument)) != 0;
            stack.push_boolean(ended);
            return Ok(1);
        }
        "setpause" => stack.collector(Collector::SetPause(argument)),
        "setstepmul" => stack.collector(Collector::SetStepMultiplier(argument)),
        _ => {
            stack.push_number(stack.context.memory.used() as f64 / 1024.0);
            return Ok(1);
        }
    };
    stack.work(COLLECTION)?;
    stack.push_number(f64::from(answer));
    Ok(1)
}

/// load(function [, name]): the pieces are put together first, so that no script runs while the parser does.
fn load(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let name = if stack.is_given(2) { chunk_name(stack.expect_text(2)?) } else { c"=(load)".into() };
    if stack.kind(1) != Kind::Function {
        return Err(stack.wrong_kind(1, "function"));
    }
    let mut source = Vec::new();
    loop {
        stack.push_value(1);
        if let Err(raise) = stack.call(0, 1) {
            if !matches!(raise, Raise::Value) {
                return Err(raise);
            }
            return nil_and_top(stack);
        }
        let top = stack.top();
        match stack.kind(top) {
            Kind::Nil => break,
            Kind::String | Kind::Number => {
                let piece = stack.text(top);
                if piece.is_empty() {
                    break;
                }
                source.extend_from_slice(piece);
            }
            _ => {
                stack.push_bytes(b"reader function must return a string")?;
                return nil_and_top(stack);
            }
        }
        stack.pop(1);
        if stack.context.memory.lacks(source.len()) {
            return Err(Raise::Memory);
        }
    }
    load_text(stack, &source, name)
}

fn loadstring(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let source = stack.expect_text(1)?.to_vec();
    let name = chunk_name(if stack.is_given(2) { stack.expect_text(2)? } else { &source });
    load_text(stack, &source, name)
}

/// A name as C has it: it ends before a zero.
fn chunk_name(name: &[u8]) -> CString {
    CString::new(until_zero(name)).unwrap_or_default()
}

fn load_text(stack: &mut Stack<'_>, source: &[u8], name: CString) -> Result<i32, Raise> {
    if stack.load(source, &name)? {
        confine(stack)?;
        return Ok(1);
    }
    nil_and_top(stack)
}

/// How Lua returns an error that is not raised.
fn nil_and_top(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let top = stack.top();
    stack.reserve(2)?;
    stack.push_nil();
    stack.push_value(top);
    Ok(2)
}

/// unpack(list [, from [, to]]), with a bound to the number of results that no arithmetic passes by (CVE-2025-46817).
fn unpack(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    stack.expect_table(1)?;
    let from = stack.optional_int(2, 1)?;
    let to = stack.optional_int(3, stack.length(1) as i32)?;
    if from > to {
        return Ok(0);
    }
    let count = i64::from(to) - i64::from(from) + 1;
    if count >= RESULTS_MAX || stack.reserve(count as i32).is_err() {
        return Err(Raise::at("too many results to unpack"));
    }
    for index in from..=to {
        stack.get_index(1, index);
    }
    Ok(count as i32)
}
