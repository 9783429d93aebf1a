//! Strings: how bytes are stored, and the encoding names that Redis has for them.
//!
//! * A text that is exactly how an `i64` prints is stored as that integer ("int").
//! * Other bytes are stored in the entry, and from 16 KiB on in a block of their own. Redis calls a string of
//!   at most 44 bytes that was set as a whole "embstr", and every other "raw"; a string that was edited in place
//!   (APPEND, SETRANGE, SETBIT) is "raw" whatever its length, which the entry's user flag remembers.

use crate::Object;
use base::blob::Blob;
use structures::dict::{EntryRef, NewValue, ValueRef};

/// Longest string that Redis embeds in its object: `OBJECT ENCODING` says "embstr" up to here, in bytes.
pub const EMBSTR_LEN_MAX: usize = 44;

/// The value to store for these bytes: an integer where they are the text of one.
#[inline]
pub fn from_bytes(bytes: &[u8]) -> NewValue<'_, Object> {
    match base::num::parse_i64(bytes) {
        Some(integer) => NewValue::Int(integer),
        None => NewValue::Bytes(bytes),
    }
}

/// A string value, lent.
#[derive(Clone, Copy, Debug)]
pub enum Str<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Blob(&'a Blob),
}

impl<'a> Str<'a> {
    /// The string in an entry; `None` when the entry holds another type.
    #[inline]
    pub fn of(value: ValueRef<'a, Object>) -> Option<Str<'a>> {
        match value {
            ValueRef::Int(integer) => Some(Str::Int(integer)),
            ValueRef::Bytes(bytes) => Some(Str::Bytes(bytes)),
            ValueRef::Blob(blob) => Some(Str::Blob(blob)),
            ValueRef::Unit => Some(Str::Bytes(b"")),
            ValueRef::Boxed(_) => None,
        }
    }

    /// The bytes; an integer is printed into `scratch`.
    #[inline]
    pub fn bytes<'s>(self, scratch: &'s mut Scratch) -> &'s [u8]
    where
        'a: 's,
    {
        match self {
            Str::Int(integer) => scratch.print(integer),
            Str::Bytes(bytes) => bytes,
            Str::Blob(blob) => blob,
        }
    }

    /// Length in bytes, without printing.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(self) -> usize {
        match self {
            Str::Int(integer) => Scratch::default().print(integer).len(),
            Str::Bytes(bytes) => bytes.len(),
            Str::Blob(blob) => blob.len(),
        }
    }

    /// The integer that the string stands for, if it is one.
    #[inline]
    pub fn integer(self) -> Option<i64> {
        match self {
            Str::Int(integer) => Some(integer),
            Str::Bytes(bytes) => base::num::parse_i64(bytes),
            Str::Blob(_) => None,
        }
    }
}

/// Room to print one integer in.
#[derive(Default)]
pub struct Scratch(itoa::Buffer);

impl Scratch {
    #[inline]
    pub fn print(&mut self, integer: i64) -> &[u8] {
        self.0.format(integer).as_bytes()
    }
}

/// "int", "embstr" or "raw".
pub fn encoding_name(entry: &EntryRef<'_, Object>) -> &'static str {
    match entry.value() {
        ValueRef::Int(_) => "int",
        ValueRef::Bytes(bytes) if bytes.len() <= EMBSTR_LEN_MAX && !entry.user_flag() => "embstr",
        ValueRef::Unit => "embstr",
        ValueRef::Bytes(_) | ValueRef::Blob(_) | ValueRef::Boxed(_) => "raw",
    }
}
