//! A value of Lua as a reply: what it is, and in which order its parts come.
//!
//! Tables can be nested as deep as there is stack, and be part of themselves, so this is a loop and no recursion.

use super::stack::{Kind, Stack};
use crate::push::COUNTED;
use crate::results::Results;
use mlua_sys as ffi;

/// What is told in the place of what is nested too deep.
const TOO_DEEP: &[u8] = b"ERR reached lua stack limit";

/// A table that is being told about, which stays on the stack meanwhile, with its key and value above it.
enum Frame {
    Array { told: usize, length: usize },
    MapKey,
    MapValue,
    Set,
}

impl Stack<'_> {
    /// Tells about the value on top, which is popped.
    pub(crate) fn tell(&mut self, results: &mut dyn Results) {
        let bottom = self.top() - 1;
        let mut frames: Vec<Frame> = Vec::new();
        self.tell_one(results, &mut frames);
        while let Some(frame) = frames.last_mut() {
            match frame {
                Frame::Array { told, length } if *told < *length => {
                    *told += 1;
                    let index = *told;
                    self.get_index(self.top(), index as i32);
                    self.tell_one(results, &mut frames);
                }
                Frame::Array { .. } => {
                    frames.pop();
                    self.pop(1);
                }
                Frame::MapKey => {
                    if self.next_pair() {
                        *frame = Frame::MapValue;
                        self.push_value(self.top() - 1);
                        self.tell_one(results, &mut frames);
                    } else {
                        frames.pop();
                        self.pop(1);
                    }
                }
                Frame::MapValue => {
                    *frame = Frame::MapKey;
                    self.tell_one(results, &mut frames);
                }
                Frame::Set => {
                    if self.next_pair() {
                        self.pop(1);
                        self.push_value(self.top());
                        self.tell_one(results, &mut frames);
                    } else {
                        frames.pop();
                        self.pop(1);
                    }
                }
            }
        }
        debug_assert_eq!(self.top(), bottom);
    }

    /// Goes from the key on top, below which is its table, to the next key and its value; or to none, and is left with
    /// the table.
    ///
    /// The key has to be nil or what this function put there, and the table must not have been changed since then.
    pub(crate) fn next_pair(&mut self) -> bool {
        // SAFETY: the key is nil or one of the table, which nobody changes while a reply is made of it; there is room.
        let there = unsafe { ffi::lua_next(self.state, self.top() - 1) != 0 };
        self.popped(if there { -1 } else { 1 });
        there
    }

    /// Tells about the value on top and pops it, or, if it has parts, leaves it there and adds a frame.
    fn tell_one(&mut self, results: &mut dyn Results, frames: &mut Vec<Frame>) {
        let top = self.top();
        match self.kind(top) {
            Kind::String => results.bulk(self.bytes(top).unwrap_or_default()),
            Kind::Boolean => results.boolean(self.truth(top)),
            Kind::Number => results.integer(truncate(self.number(top).unwrap_or_default())),
            Kind::Table => return self.tell_table(results, frames),
            _ => results.nil(),
        }
        self.pop(1);
    }

    fn tell_table(&mut self, results: &mut dyn Results, frames: &mut Vec<Frame>) {
        let table = self.top();
        if self.reserve(6).is_err() {
            results.error(TOO_DEEP, false);
            return self.pop(1);
        }
        let length = match self.plain_length(table) {
            Some(length) => length,
            None => {
                if self.tell_record(table, results) {
                    return self.pop(1);
                }
                if self.get_field(table, "map") == Kind::Table {
                    results.map(self.count_pairs());
                    self.replace(table);
                    self.push_nil();
                    return frames.push(Frame::MapKey);
                }
                self.pop(1);
                if self.get_field(table, "set") == Kind::Table {
                    results.set(self.count_pairs());
                    self.replace(table);
                    self.push_nil();
                    return frames.push(Frame::Set);
                }
                self.pop(1);
                self.count_elements(table)
            }
        };
        results.array(length);
        frames.push(Frame::Array { told: 0, length });
    }

    /// The length of a table whose keys are those of a list and nothing else. It saves looking for each key that has a
    /// meaning.
    fn plain_length(&mut self, table: i32) -> Option<usize> {
        let mut length = 0;
        self.push_nil();
        while self.next_pair() {
            self.pop(1);
            // Lua has the keys of a list first, and in order.
            if self.kind(table + 1) != Kind::Number || self.number(table + 1) != Some((length + 1) as f64) {
                self.pop(1);
                return None;
            }
            length += 1;
        }
        Some(length)
    }

    /// Tells about a table that stands for one value: `{err=}`, `{ok=}` and the like.
    fn tell_record(&mut self, table: i32, results: &mut dyn Results) -> bool {
        let top = self.top();
        if self.get_field(table, "err") == Kind::String {
            let counted = self.get_field(table, COUNTED) == Kind::Boolean && self.truth(top + 2);
            results.error(until_zero(self.bytes(top + 1).unwrap_or_default()), counted);
        } else if self.get_field(table, "ok") == Kind::String {
            results.status(until_zero(self.bytes(top + 2).unwrap_or_default()));
        } else if self.get_field(table, "double") == Kind::Number {
            results.double(self.number(top + 3).unwrap_or_default());
        } else if self.get_field(table, "big_number") == Kind::String {
            results.big_number(self.bytes(top + 4).unwrap_or_default());
        } else if !self.tell_verbatim(table, results) {
            self.set_top(top);
            return false;
        }
        self.set_top(top);
        true
    }

    fn tell_verbatim(&mut self, table: i32, results: &mut dyn Results) -> bool {
        if self.reserve(4).is_err() || self.get_field(table, "verbatim_string") != Kind::Table {
            return false;
        }
        let verbatim = self.top();
        if self.get_field(verbatim, "format") != Kind::String || self.get_field(verbatim, "string") != Kind::String {
            return false;
        }
        let format = self.bytes(verbatim + 1).unwrap_or_default();
        results.verbatim(format, self.bytes(verbatim + 2).unwrap_or_default());
        true
    }

    /// How many pairs the table on top has.
    fn count_pairs(&mut self) -> usize {
        self.push_nil();
        let mut count = 0;
        while self.next_pair() {
            self.pop(1);
            count += 1;
        }
        count
    }

    /// How many elements there are before the first nil.
    fn count_elements(&mut self, table: i32) -> usize {
        let mut count = 0;
        loop {
            let there = self.get_index(table, count + 1) != Kind::Nil;
            self.pop(1);
            if !there {
                return count as usize;
            }
            count += 1;
        }
    }
}

/// A number without its fraction, as a cast of C has it on most machines: what does not fit becomes the smallest
/// integer.
pub(crate) fn truncate(number: f64) -> i64 {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if (-BOUND..BOUND).contains(&number) { number as i64 } else { i64::MIN }
}

/// A text as C has it.
pub(crate) fn until_zero(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or_default()
}
