//! SETBIT and GETBIT: one bit of a string.

use super::{SETBIT_EVENT, offset, read_string};
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, NewValue, Occupied, Slot, Vacant};
use std::sync::Arc;
use value::string::{Scratch, Str};

pub static SETBIT: CommandSpec = CommandSpec {
    name: "SETBIT",
    group: Group::Bitmap,
    since: "2.2.0",
    summary: "Sets one bit of a string, which is made longer if it ends before.",
    complexity: "O(1)",
    arity: 4,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))],
    args: &[key("key"), integer("offset"), integer("value")],
    reply: Shape::INTEGER,
    run: Run::Keyed(setbit),
    ..CommandSpec::DEFAULT
};

pub static GETBIT: CommandSpec = CommandSpec {
    name: "GETBIT",
    group: Group::Bitmap,
    since: "2.2.0",
    summary: "Gives one bit of a string.",
    complexity: "O(1)",
    arity: 3,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), integer("offset")],
    reply: Shape::INTEGER,
    run: Run::Keyed(getbit),
    ..CommandSpec::DEFAULT
};

/// A bit by the number of its byte and its mask in it.
#[derive(Clone, Copy)]
struct Place {
    byte: usize,
    mask: u8,
}

impl Place {
    fn of(offset: u64) -> Place {
        Place { byte: (offset / 8) as usize, mask: 0x80 >> (offset % 8) }
    }

    fn get(self, bytes: &[u8]) -> bool {
        bytes.get(self.byte).is_some_and(|byte| byte & self.mask != 0)
    }

    fn set(self, bytes: &mut [u8], on: bool) {
        let byte = &mut bytes[self.byte];
        *byte = if on { *byte | self.mask } else { *byte & !self.mask };
    }
}

fn setbit(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let place = Place::of(offset(cx, args.word(2), None)?);
    let on = match args.word(3) {
        b"0" => false,
        b"1" => true,
        _ => return Err(CommandError::BIT_VALUE),
    };
    let old = match keys.slot(&cx.key(0)) {
        Slot::Occupied(occupied) => change(occupied, place, on)?,
        Slot::Vacant(vacant) => {
            create(vacant, place, on);
            false
        }
    };
    cx.reply.int(i64::from(old));
    Ok(())
}

/// Sets a bit of a string that is there; returns the old one.
fn change(mut occupied: Occupied<'_>, place: Place, on: bool) -> Result<bool, CommandError> {
    let len = match Str::of(occupied.value()).ok_or(CommandError::WRONG_TYPE)? {
        Str::Int(integer) => {
            occupied.set_raw();
            Str::Int(integer).len()
        }
        other => other.len(),
    };
    occupied.note_use();
    let grown = place.byte >= len;
    let edited = occupied.edit_bytes_if(len.max(place.byte + 1), SETBIT_EVENT, |bytes| {
        let old = place.get(bytes);
        place.set(bytes, on);
        (u64::from(grown || old != on), old)
    });
    edited.ok_or(CommandError::STRING_TOO_LONG)
}

fn create(vacant: Vacant<'_>, place: Place, on: bool) {
    const SMALL: usize = 64;
    let len = place.byte + 1;
    let mut small = [0; SMALL];
    let mut large = Vec::new();
    let bytes: &mut [u8] = if len <= SMALL {
        &mut small[..len]
    } else {
        large.resize(len, 0);
        &mut large[..]
    };
    place.set(bytes, on);
    let value = if large.is_empty() { NewValue::Bytes(&small[..len]) } else { NewValue::Blob(Arc::new(large)) };
    vacant.insert(value, None, SETBIT_EVENT).set_raw();
}

fn getbit(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let place = Place::of(offset(cx, args.word(2), None)?);
    let mut scratch = Scratch::default();
    let bytes = read_string(keys, &cx.key(0), &mut scratch)?;
    cx.reply.int(i64::from(place.get(bytes.unwrap_or_default())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn only_a_change_is_announced() {
        let mut server = TestServer::new();
        assert_eq!(server.show("SETBIT k 7 1"), "(integer) 0");
        assert_eq!(server.events(), ["0 new k", "0 setbit k"]);
        assert_eq!(server.journal(), ["0 SETBIT k 7 1"]);
        assert_eq!(server.show("SETBIT k 7 1"), "(integer) 1");
        assert_eq!(server.show("SETBIT k 6 0"), "(integer) 0");
        assert!(server.events().is_empty() && server.journal().is_empty());
        assert_eq!(server.show("SETBIT k 100 0"), "(integer) 0");
        assert_eq!(server.events(), ["0 setbit k"]);
        assert_eq!(server.show("STRLEN k"), "(integer) 13");
    }

    #[test]
    fn integers_and_long_strings_have_bits_too() {
        let mut server = TestServer::new();
        server.run("SET k 123");
        assert_eq!(server.show("GETBIT k 2"), "(integer) 1");
        assert_eq!(server.show("SETBIT k 7 0"), "(integer) 1");
        assert_eq!(server.show("GET k"), "\"023\"");
        assert_eq!(server.show("SETBIT k 400000 1"), "(integer) 0");
        assert_eq!(server.show("GETBIT k 400000"), "(integer) 1");
        assert_eq!(server.show("SETBIT new 300000 1"), "(integer) 0");
        assert_eq!(server.show("STRLEN new"), "(integer) 37501");
        assert_eq!(server.show("SETBIT new 300000 0"), "(integer) 1");
    }

    #[test]
    fn offsets_end_where_strings_do() {
        let mut server = TestServer::new();
        for offset in ["-1", "4294967296", "x", "01", ""] {
            assert!(server.show(&format!("GETBIT k \"{offset}\"")).contains("ERR bit offset is not"), "{offset}");
        }
        assert_eq!(server.show("GETBIT k 4294967295"), "(integer) 0");
    }
}
