//! Errors that functions in Rust raise, and how Lua words them.

use super::stack::{Kind, Stack};
use super::walk::{truncate, until_zero};
use crate::push::push_error;
use mlua_sys::{self as ffi, lua_Debug};
use std::borrow::Cow;
use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;

/// What Lua itself says, too.
const NO_MEMORY: &str = "not enough memory";

pub(crate) enum Raise {
    /// The value on top of the stack.
    Value,
    Memory,
    /// The script has to end: no protected call catches this.
    Killed,
    /// A text, after the place of the call in the script.
    At(Text),
    /// A text as it is.
    Plain(Text),
    /// A table with a text as its field `err`: how functions of `redis` raise.
    Table(&'static str),
    /// An argument is wrong: its number and the reason.
    Argument(i32, Text),
}

/// What an error says: any bytes, as scripts have a part in it.
pub(crate) struct Text(Cow<'static, [u8]>);

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Text {
        Text(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(Cow::Owned(text.into_bytes()))
    }
}

impl From<Vec<u8>> for Text {
    fn from(text: Vec<u8>) -> Text {
        Text(Cow::Owned(text))
    }
}

impl Raise {
    pub(crate) fn at(text: impl Into<Text>) -> Raise {
        Raise::At(text.into())
    }

    pub(crate) fn argument(number: i32, text: impl Into<Text>) -> Raise {
        Raise::Argument(number, text.into())
    }

    /// An argument is none of the words that it could be.
    pub(crate) fn invalid_option(number: i32, option: &[u8]) -> Raise {
        Raise::argument(number, [b"invalid option '", until_zero(option), b"'"].concat())
    }

    /// Puts the error on top of the stack.
    pub(crate) fn push(self, stack: &mut Stack<'_>) {
        match self {
            Raise::Value => {}
            Raise::Memory => stack.push_error(NO_MEMORY.as_bytes()),
            Raise::Killed => stack.push_killed(),
            Raise::At(Text(text)) => {
                let mut message = stack.place();
                message.extend_from_slice(&text);
                stack.push_error(&message);
            }
            Raise::Plain(Text(text)) => stack.push_error(&text),
            Raise::Table(text) => {
                if stack.reserve(3).and_then(|()| push_error(stack, text.as_bytes(), false)).is_err() {
                    stack.push_error(NO_MEMORY.as_bytes());
                }
            }
            Raise::Argument(number, Text(text)) => {
                let mut message = stack.place();
                message.extend_from_slice(stack.wrong_argument(number).as_bytes());
                message.extend_from_slice(&[b" (", &text[..], b")"].concat());
                stack.push_error(&message);
            }
        }
    }
}

impl Stack<'_> {
    fn push_error(&mut self, message: &[u8]) {
        // What the function pushed is not needed any more, and could have used up the room.
        if self.reserve(1).is_err() {
            self.pop(1);
        }
        self.push_bytes_anyway(message);
    }

    pub(super) fn push_killed(&mut self) {
        let why = self.context.killed().unwrap_or("Script killed");
        self.push_error(why.as_bytes());
    }

    /// "file:line: " of whoever called the function that runs; nothing if that was not a script.
    pub(crate) fn place(&self) -> Vec<u8> {
        match self.activation(1, c"Sl") {
            Some(activation) if activation.line() > 0 => {
                let mut place = activation.short_source().to_vec();
                place.extend_from_slice(format!(":{}: ", activation.line()).as_bytes());
                place
            }
            _ => Vec::new(),
        }
    }

    /// The words of Lua for a wrong argument of the function that runs, but for the reason.
    fn wrong_argument(&self, number: i32) -> String {
        let Some(activation) = self.activation(0, c"n") else {
            return format!("bad argument #{number}");
        };
        let name = String::from_utf8_lossy(activation.name().unwrap_or(b"?"));
        let is_method = activation.is_method();
        match number {
            1 if is_method => format!("calling '{name}' on bad self"),
            _ => format!("bad argument #{} to '{name}'", number - i32::from(is_method)),
        }
    }

    /// Facts about a function that is being run: level 0 is the one that runs, 1 the one that called it.
    pub(crate) fn activation(&self, level: i32, what: &CStr) -> Option<Activation> {
        let mut activation = MaybeUninit::<lua_Debug>::zeroed();
        // SAFETY: the fields of the record are numbers and pointers, of which zero is a value; Lua fills in those that
        // the letters of `what` ask for, none of which ("n", "S", "l") pushes anything.
        unsafe {
            if ffi::lua_getstack(self.state, level, activation.as_mut_ptr()) == 0 {
                return None;
            }
            ffi::lua_getinfo(self.state, what.as_ptr(), activation.as_mut_ptr());
            Some(Activation(activation.assume_init()))
        }
    }

    /// That argument `number` is not of the kind that is expected.
    pub(crate) fn wrong_kind(&self, number: i32, expected: &str) -> Raise {
        Raise::argument(number, format!("{expected} expected, got {}", self.kind(number).name()))
    }

    /// An argument that has to be a table.
    pub(crate) fn expect_table(&self, number: i32) -> Result<(), Raise> {
        if self.kind(number) == Kind::Table { Ok(()) } else { Err(self.wrong_kind(number, "table")) }
    }

    /// An argument that has to be a string, or a number, which becomes one.
    pub(crate) fn expect_text(&mut self, number: i32) -> Result<&[u8], Raise> {
        match self.kind(number) {
            Kind::String | Kind::Number => Ok(self.text(number)),
            _ => Err(self.wrong_kind(number, "string")),
        }
    }

    /// An argument that has to be a number, or text that reads as one.
    pub(crate) fn expect_number(&self, number: i32) -> Result<f64, Raise> {
        self.number(number).ok_or_else(|| self.wrong_kind(number, "number"))
    }

    /// As [`Stack::expect_number`], without its fraction.
    pub(crate) fn expect_integer(&self, number: i32) -> Result<i64, Raise> {
        self.expect_number(number).map(truncate)
    }

    /// As [`Stack::expect_integer`], for what C has in an `int`.
    pub(crate) fn expect_int(&self, number: i32) -> Result<i32, Raise> {
        self.expect_integer(number).map(|integer| integer as i32)
    }

    /// Whether an argument is there, and not nil.
    pub(crate) fn is_given(&self, number: i32) -> bool {
        !matches!(self.kind(number), Kind::None | Kind::Nil)
    }

    /// As [`Stack::expect_integer`], for one that may be missing or nil.
    pub(crate) fn optional_integer(&self, number: i32, default: i64) -> Result<i64, Raise> {
        if self.is_given(number) { self.expect_integer(number) } else { Ok(default) }
    }

    /// As [`Stack::expect_int`], for one that may be missing or nil.
    pub(crate) fn optional_int(&self, number: i32, default: i32) -> Result<i32, Raise> {
        if self.is_given(number) { self.expect_int(number) } else { Ok(default) }
    }
}

/// What Lua says about a function that is being run.
pub(crate) struct Activation(lua_Debug);

impl Activation {
    fn name(&self) -> Option<&[u8]> {
        self.text(self.0.name)
    }

    fn is_method(&self) -> bool {
        self.text(self.0.namewhat) == Some(b"method")
    }

    pub(crate) fn is_native(&self) -> bool {
        self.text(self.0.what) == Some(b"C")
    }

    /// The name of the chunk: a file after `@`, or the text itself.
    pub(crate) fn source(&self) -> &[u8] {
        self.text(self.0.source).unwrap_or_default()
    }

    /// The name of the chunk as messages have it.
    fn short_source(&self) -> &[u8] {
        self.text(self.0.short_src.as_ptr()).unwrap_or_default()
    }

    /// -1 for a function that has no lines.
    pub(crate) fn line(&self) -> i32 {
        self.0.currentline
    }

    fn text(&self, start: *const c_char) -> Option<&[u8]> {
        // SAFETY: such texts end in a zero; they are constants, part of this record, or names in the code of the
        // function, which lives as long as it runs.
        (!start.is_null()).then(|| unsafe { CStr::from_ptr(start) }.to_bytes())
    }
}
