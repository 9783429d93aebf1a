//! `string`: what searches and repeats is ours, because it can take long or much; the rest is Lua's own.

use super::pattern::Matcher;
use super::{add, take};
use crate::raw::raise::Raise;
use crate::raw::stack::{Kind, Stack};
use crate::raw::state::Native;
use memchr::memmem;

/// What makes a text a pattern.
const SPECIALS: &[u8] = b"^$*+?.([%-";

/// Fills the table in a slot.
pub(super) fn open(stack: &mut Stack<'_>, stock: i32, library: i32) -> Result<(), Raise> {
    for name in ["byte", "char", "dump", "format", "len", "lower", "reverse", "sub", "upper"] {
        take(stack, stock, library, name, None)?;
    }
    add(stack, library, "find", find)?;
    add(stack, library, "match", find_match)?;
    add(stack, library, "gmatch", gmatch)?;
    add(stack, library, "gfind", gmatch)?;
    add(stack, library, "gsub", gsub)?;
    add(stack, library, "rep", rep)
}

fn rep(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let length = stack.expect_text(1)?.len();
    let count = usize::try_from(stack.expect_int(2)?).unwrap_or(0);
    let total = length.checked_mul(count).ok_or(Raise::Memory)?;
    if stack.context.memory.lacks(total) {
        return Err(Raise::Memory);
    }
    stack.with_bytes(1, |stack, bytes| stack.push_bytes(&bytes.repeat(count)))?;
    Ok(1)
}

fn find(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    search(stack, true)
}

fn find_match(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    search(stack, false)
}

/// Makes the first two arguments strings, and lends them.
fn with_subject_and_pattern(
    stack: &mut Stack<'_>,
    body: impl FnOnce(&mut Stack<'_>, &[u8], &[u8]) -> Result<i32, Raise>,
) -> Result<i32, Raise> {
    stack.expect_text(1)?;
    stack.expect_text(2)?;
    stack.with_bytes(1, |stack, subject| stack.with_bytes(2, |stack, pattern| body(stack, subject, pattern)))
}

fn search(stack: &mut Stack<'_>, finds: bool) -> Result<i32, Raise> {
    with_subject_and_pattern(stack, |stack, subject, pattern| {
        let from = stack.optional_integer(3, 1)?;
        // A negative place counts from the end.
        let from = if from < 0 { from.saturating_add(subject.len() as i64 + 1).max(0) } else { from };
        let from = usize::try_from((from - 1).max(0)).unwrap_or(usize::MAX).min(subject.len());
        if finds && (stack.truth(4) || !is_pattern(pattern)) {
            let Some(at) = memmem::find(&subject[from..], pattern) else { return nothing(stack) };
            stack.push_number((from + at + 1) as f64);
            stack.push_number((from + at + pattern.len()) as f64);
            return Ok(2);
        }
        let (is_anchored, pattern) = anchor(pattern);
        let mut matcher = Matcher::new(subject, pattern, stack.context);
        for start in from..=subject.len() {
            if let Some(end) = matcher.run(start)? {
                if !finds {
                    return push_captures(stack, &matcher, matcher.values(), start, end);
                }
                stack.push_number((start + 1) as f64);
                stack.push_number(end as f64);
                return Ok(2 + push_captures(stack, &matcher, matcher.captures(), start, end)?);
            }
            if is_anchored {
                break;
            }
        }
        nothing(stack)
    })
}

fn is_pattern(text: &[u8]) -> bool {
    crate::raw::walk::until_zero(text).iter().any(|byte| SPECIALS.contains(byte))
}

/// Whether a pattern is tied to the start, and what it is besides.
fn anchor(pattern: &[u8]) -> (bool, &[u8]) {
    pattern.strip_prefix(b"^").map_or((false, pattern), |rest| (true, rest))
}

fn nothing(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    stack.push_nil();
    Ok(1)
}

fn push_captures(
    stack: &mut Stack<'_>,
    matcher: &Matcher<'_>,
    count: usize,
    start: usize,
    end: usize,
) -> Result<i32, Raise> {
    stack.reserve(count as i32 + 2)?;
    for index in 0..count {
        matcher.push_capture(stack, index, start, end)?;
    }
    Ok(count as i32)
}

fn gmatch(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    stack.expect_text(1)?;
    stack.expect_text(2)?;
    stack.set_top(2);
    stack.push_number(0.0);
    stack.push_method(next_match, 3);
    Ok(1)
}

/// The iterator of `gmatch`; its upvalues are subject, pattern and where to go on.
fn next_match(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    stack.set_top(0);
    for index in 0..3 {
        stack.push_upvalue(index);
    }
    let from = stack.number(3).unwrap_or_default() as usize;
    with_subject_and_pattern(stack, |stack, subject, pattern| {
        let mut matcher = Matcher::new(subject, pattern, stack.context);
        for start in from..=subject.len() {
            if let Some(end) = matcher.run(start)? {
                // What is empty must not be found again.
                stack.push_number((end + usize::from(end == start)) as f64);
                stack.set_upvalue(2);
                return push_captures(stack, &matcher, matcher.values(), start, end);
            }
        }
        Ok(0)
    })
}

fn gsub(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let length = stack.expect_text(1)?.len();
    stack.expect_text(2)?;
    let count_max = stack.optional_int(4, (length + 1) as i32)?;
    match stack.kind(3) {
        Kind::String | Kind::Function | Kind::Table => {}
        Kind::Number => {
            stack.text(3);
        }
        _ => return Err(Raise::argument(3, "string/function/table expected")),
    }
    with_subject_and_pattern(stack, |stack, subject, pattern| {
        let (is_anchored, pattern) = anchor(pattern);
        let mut matcher = Matcher::new(subject, pattern, stack.context);
        let (mut out, mut place, mut count) = (Vec::new(), 0, 0);
        while count < count_max {
            let found = matcher.run(place)?;
            if let Some(end) = found {
                count += 1;
                replace(stack, &matcher, &mut out, (place, end), subject)?;
                if stack.context.memory.lacks(out.len()) {
                    return Err(Raise::Memory);
                }
            }
            match found {
                Some(end) if end > place => place = end,
                _ if place < subject.len() => {
                    out.push(subject[place]);
                    place += 1;
                }
                _ => break,
            }
            if is_anchored {
                break;
            }
        }
        out.extend_from_slice(&subject[place..]);
        stack.push_bytes(&out)?;
        stack.push_number(f64::from(count));
        Ok(2)
    })
}

/// Adds what replaces the match.
fn replace(
    stack: &mut Stack<'_>,
    matcher: &Matcher<'_>,
    out: &mut Vec<u8>,
    (start, end): (usize, usize),
    subject: &[u8],
) -> Result<(), Raise> {
    let top = stack.top();
    match stack.kind(3) {
        Kind::String => return fill_in(stack, matcher, out, (start, end), subject),
        Kind::Function => {
            stack.push_value(3);
            let captures = push_captures(stack, matcher, matcher.values(), start, end)?;
            stack.call(captures, 1)?;
        }
        _ => {
            matcher.push_capture(stack, 0, start, end)?;
            if stack.get(3) == Kind::Nil && stack.push_metatable(3) {
                // The table may have another way to find the value.
                stack.set_top(top);
                stack.push(Native::Index);
                stack.push_value(3);
                matcher.push_capture(stack, 0, start, end)?;
                stack.call(2, 1)?;
            }
        }
    }
    match stack.kind(top + 1) {
        Kind::String | Kind::Number => out.extend_from_slice(stack.text(top + 1)),
        _ if !stack.truth(top + 1) => out.extend_from_slice(&subject[start..end]),
        kind => return Err(Raise::at(format!("invalid replacement value (a {})", kind.name()))),
    }
    stack.set_top(top);
    Ok(())
}

/// Adds the text of the third argument, with captures in the places of `%0` to `%9`.
fn fill_in(
    stack: &Stack<'_>,
    matcher: &Matcher<'_>,
    out: &mut Vec<u8>,
    (start, end): (usize, usize),
    subject: &[u8],
) -> Result<(), Raise> {
    let text = stack.bytes(3).unwrap_or_default();
    let mut index = 0;
    while let Some(&byte) = text.get(index) {
        index += 1;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        // At the end this is the zero that C has there.
        let escaped = text.get(index).copied().unwrap_or(0);
        index += 1;
        match escaped {
            b'0' => out.extend_from_slice(&subject[start..end]),
            b'1'..=b'9' => match matcher.capture(usize::from(escaped - b'1'), start, end)? {
                super::pattern::Captured::Bytes(start, end) => out.extend_from_slice(&subject[start..end]),
                super::pattern::Captured::Position(position) => base::num::write_u64(out, position as u64),
            },
            _ => out.push(escaped),
        }
    }
    Ok(())
}
