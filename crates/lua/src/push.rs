//! Replies of commands as values of Lua, made where they are: on the stack of the script.
//!
//! A reply is pushed as it is written to a client: an array is announced with its length, then its elements follow.
//! Which of the types of RESP3 there are is the host's business; they become tables as Redis makes them: `{double=n}`,
//! `{map={...}}`, `{set={member=true}}`, `{big_number=text}`, `{verbatim_string={format=, string=}}`.

use crate::raw::raise::Raise;
use crate::raw::stack::{Kind, Stack};
use smallvec::SmallVec;

/// Slots that a container needs while it is filled: itself, the table in it, a key, a value.
const SLOTS: i32 = 6;

/// Where the values of one reply go.
pub struct Push<'p, 'a> {
    stack: &'p mut Stack<'a>,
    open: SmallVec<[Open; 4]>,
    /// What stands in the way of a complete reply; nothing is pushed after it.
    failure: Option<Raise>,
    /// The slot that the reply will be in.
    slot: i32,
    is_error: bool,
}

/// A container that is not complete.
struct Open {
    kind: Container,
    /// The slot of the table that the elements go to.
    table: i32,
    /// Values that are still to come: two for each pair of a map.
    missing: usize,
    /// Elements there are.
    filled: i32,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Container {
    Array,
    Map,
    Set,
}

impl<'p, 'a> Push<'p, 'a> {
    pub(crate) fn new(stack: &'p mut Stack<'a>) -> Result<Push<'p, 'a>, Raise> {
        stack.reserve(SLOTS)?;
        let slot = stack.top() + 1;
        Ok(Push { stack, open: SmallVec::new(), failure: None, slot, is_error: false })
    }

    /// Whether the reply is an error as a whole.
    pub(crate) fn is_error(&self) -> bool {
        self.is_error
    }

    /// Makes sure that there is one reply on top.
    pub(crate) fn finish(mut self) -> Result<(), Raise> {
        if self.stack.top() < self.slot {
            self.nil();
        }
        debug_assert!(
            self.failure.is_some() || self.open.is_empty() && self.stack.top() == self.slot,
            "an incomplete reply"
        );
        self.stack.set_top(self.slot.min(self.stack.top()));
        self.failure.map_or(Ok(()), Err)
    }

    /// Nothing: how the null of RESP3 looks.
    pub fn nil(&mut self) {
        self.value(|stack| {
            stack.push_nil();
            Ok(())
        });
    }

    /// The null of RESP2 is false.
    pub fn boolean(&mut self, value: bool) {
        self.value(|stack| {
            stack.push_boolean(value);
            Ok(())
        });
    }

    pub fn integer(&mut self, value: i64) {
        self.value(|stack| {
            stack.push_number(value as f64);
            Ok(())
        });
    }

    pub fn bulk(&mut self, bytes: &[u8]) {
        self.value(|stack| stack.push_bytes(bytes));
    }

    /// `{ok=text}`
    pub fn status(&mut self, text: &[u8]) {
        self.value(|stack| record(stack, "ok", |stack| stack.push_bytes(text)));
    }

    /// `{err=text}`. One that the host has `counted` in its statistics is marked, so that nobody counts it twice.
    pub fn error(&mut self, text: &[u8], counted: bool) {
        self.is_error |= self.open.is_empty();
        self.value(|stack| push_error(stack, text, counted));
    }

    /// `{double=number}`
    pub fn double(&mut self, value: f64) {
        self.value(|stack| {
            record(stack, "double", |stack| {
                stack.push_number(value);
                Ok(())
            })
        });
    }

    /// `{big_number=text}`
    pub fn big_number(&mut self, text: &[u8]) {
        self.value(|stack| record(stack, "big_number", |stack| stack.push_bytes(text)));
    }

    /// `{verbatim_string={format=, string=}}`
    pub fn verbatim(&mut self, format: &[u8], text: &[u8]) {
        self.value(|stack| {
            record(stack, "verbatim_string", |stack| {
                stack.push_table(0, 2)?;
                let table = stack.top();
                stack.push_bytes(format)?;
                stack.set_field(table, "format")?;
                stack.push_bytes(text)?;
                stack.set_field(table, "string")
            })
        });
    }

    /// A list: as many values follow.
    pub fn array(&mut self, length: usize) {
        self.container(Container::Array, length, length, |stack| stack.push_table(length, 0));
    }

    /// `{map={key=value}}`: as many pairs follow.
    pub fn map(&mut self, pairs: usize) {
        self.container(Container::Map, 2 * pairs, pairs, |stack| wrapped(stack, "map", pairs));
    }

    /// `{set={member=true}}`: as many values follow.
    pub fn set(&mut self, members: usize) {
        self.container(Container::Set, members, members, |stack| wrapped(stack, "set", members));
    }

    fn value(&mut self, push: impl FnOnce(&mut Stack<'a>) -> Result<(), Raise>) {
        if self.failure.is_some() {
            return;
        }
        if let Err(raise) = push(self.stack).and_then(|()| self.place()) {
            self.failure = Some(raise);
        }
    }

    fn container(
        &mut self,
        kind: Container,
        missing: usize,
        elements: usize,
        push: impl FnOnce(&mut Stack<'a>) -> Result<(), Raise>,
    ) {
        if self.failure.is_some() {
            return;
        }
        let pushed = if elements > crate::raw::stack::ELEMENTS_MAX {
            Err(Raise::Memory)
        } else {
            self.stack.reserve(SLOTS).and_then(|()| push(self.stack))
        };
        let result = pushed.and_then(|()| {
            if missing > 0 {
                self.open.push(Open { kind, table: self.stack.top(), missing, filled: 0 });
                return self.stack.reserve(SLOTS);
            }
            if kind != Container::Array {
                self.stack.pop(1);
            }
            self.place()
        });
        if let Err(raise) = result {
            self.failure = Some(raise);
        }
    }

    /// Puts the value on top where it belongs, and so the containers that it completes.
    fn place(&mut self) -> Result<(), Raise> {
        while let Some(open) = self.open.last_mut() {
            let (stack, table) = (&mut *self.stack, open.table);
            open.missing -= 1;
            match open.kind {
                Container::Array => {
                    open.filled += 1;
                    stack.set_index(table, open.filled)?;
                }
                // A key, which waits for its value.
                Container::Map if open.missing % 2 == 1 => return Ok(()),
                Container::Map => set_if_key(stack, table)?,
                Container::Set => {
                    stack.push_boolean(true);
                    set_if_key(stack, table)?;
                }
            }
            if open.missing > 0 {
                return Ok(());
            }
            if open.kind != Container::Array {
                // Left is the table that it is wrapped in.
                stack.pop(1);
            }
            self.open.pop();
        }
        Ok(())
    }
}

/// Sets the key and value on top, unless the key is nil, which no table can have.
fn set_if_key(stack: &mut Stack<'_>, table: i32) -> Result<(), Raise> {
    match stack.kind(stack.top() - 1) {
        Kind::Nil => {
            stack.pop(2);
            Ok(())
        }
        _ => stack.set(table),
    }
}

/// Pushes a table with one field.
fn record(
    stack: &mut Stack<'_>,
    name: &str,
    push: impl FnOnce(&mut Stack<'_>) -> Result<(), Raise>,
) -> Result<(), Raise> {
    stack.push_table(0, 1)?;
    let table = stack.top();
    push(stack)?;
    stack.set_field(table, name)
}

/// Pushes a table with one field, and on top of it the table in that.
fn wrapped(stack: &mut Stack<'_>, name: &str, elements: usize) -> Result<(), Raise> {
    stack.push_table(0, 1)?;
    let outer = stack.top();
    stack.push_table(0, elements)?;
    stack.push_value(outer + 1);
    stack.set_field(outer, name)
}

/// Pushes an error as a table.
pub(crate) fn push_error(stack: &mut Stack<'_>, text: &[u8], counted: bool) -> Result<(), Raise> {
    record(stack, "err", |stack| stack.push_bytes(text))?;
    if counted {
        let table = stack.top();
        stack.push_boolean(true);
        stack.set_field(table, COUNTED)?;
    }
    Ok(())
}

/// The field that marks errors that were counted.
pub(crate) const COUNTED: &str = "ignore_error_stats_update";
