//! Strings: how bytes are stored, and the encoding names that Redis has for them.
//!
//! * A text that is exactly how an `i64` prints is stored as that integer ("int").
//! * Other bytes are stored in the entry, and from 16 KiB on in a block of their own. Redis 8.2 calls a string that was
//!   set as a whole "embstr" when it fits into 64 bytes together with key and deadline, and every other "raw"; a
//!   string that was edited in place (APPEND, SETRANGE, SETBIT) is "raw" whatever its length, which the entry's user
//!   flag remembers. (Redis does not go back to "embstr" when the deadline goes; here the name follows what is there.)

use crate::Object;
use base::blob::Blob;
use structures::dict::{EntryRef, NewValue, ValueRef};

/// Longest string, together with its key, that Redis embeds in the key's object: 64 bytes less its own fields.
const EMBEDDED_LEN_MAX: usize = 41;
/// What a deadline takes of that.
const DEADLINE_LEN: usize = 8;

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
            ValueRef::Tagged(_) | ValueRef::Boxed(_) => None,
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
    let len = match entry.value() {
        ValueRef::Int(_) => return "int",
        ValueRef::Bytes(bytes) => bytes.len(),
        ValueRef::Unit => 0,
        ValueRef::Blob(_) | ValueRef::Tagged(_) | ValueRef::Boxed(_) => return "raw",
    };
    let taken = entry.key().len() + entry.deadline().map_or(0, |_| DEADLINE_LEN);
    if len + taken <= EMBEDDED_LEN_MAX && !entry.user_flag() { "embstr" } else { "raw" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;
    use structures::hash::Hasher;

    #[test]
    fn key_value_and_deadline_share_the_room_of_embstr() {
        let hasher = Hasher::new(1, 2);
        for (key_len, deadline, longest) in [(1, None, 40), (20, None, 21), (41, None, 0), (20, Some(1 << 41), 13)] {
            let key = vec![b'k'; key_len];
            for (len, name) in [(longest, "embstr"), (longest + 1, "raw")] {
                let mut table = Table::new(hasher);
                table.set(hasher.hash(&key), &key, NewValue::Bytes(&vec![b'x'; len]), deadline);
                let entry = table.get(hasher.hash(&key), &key).expect("just set");
                assert_eq!(encoding_name(&entry), name, "key of {key_len} bytes, value of {len}");
            }
        }
    }
}
