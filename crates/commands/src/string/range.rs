//! Parts of a string: GETRANGE, SUBSTR, SETRANGE, APPEND.

use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, NewValue, Occupied, Slot};
use std::ops::Range;
use std::sync::Arc;
use value::string::{Scratch, Str, from_bytes};

/// GETRANGE under both its names.
const PART: CommandSpec = CommandSpec {
    group: Group::String,
    complexity: "O(N), N being the length of the part",
    arity: 4,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), integer("start"), integer("end")],
    reply: Shape::BULK,
    run: Run::Keyed(getrange),
    ..CommandSpec::DEFAULT
};

pub static GETRANGE: CommandSpec =
    CommandSpec { name: "GETRANGE", since: "2.4.0", summary: "Gives a part of the string that a key holds.", ..PART };

pub static SUBSTR: CommandSpec = CommandSpec {
    name: "SUBSTR",
    since: "1.0.0",
    summary: "Gives a part of the string that a key holds, under an old name.",
    deprecated: Some(("2.0.0", "`GETRANGE`")),
    ..PART
};

pub static SETRANGE: CommandSpec = CommandSpec {
    name: "SETRANGE",
    group: Group::String,
    since: "2.2.0",
    summary: "Overwrites a part of the string that a key holds, which grows as needed.",
    complexity: "O(N), N being the length of the value, plus that of the string when it has to move",
    arity: 4,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE))],
    args: &[key("key"), integer("offset"), string("value")],
    reply: Shape::INTEGER,
    run: Run::Keyed(setrange),
    ..CommandSpec::DEFAULT
};

pub static APPEND: CommandSpec = CommandSpec {
    name: "APPEND",
    group: Group::String,
    since: "2.0.0",
    summary: "Adds to the end of the string that a key holds.",
    complexity: "O(N), N being the length of the value, plus that of the string when it has to move",
    arity: 3,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::INSERT))],
    args: &[key("key"), string("value")],
    reply: Shape::INTEGER,
    run: Run::Keyed(append),
    ..CommandSpec::DEFAULT
};

fn getrange(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (start, end) = (args.int(2)?, args.int(3)?);
    let Some(entry) = keys.read(&cx.key(0)) else {
        cx.reply.bulk(b"");
        return Ok(());
    };
    let string = Str::of(entry.value()).ok_or(CommandError::WRONG_TYPE)?;
    match string {
        Str::Blob(blob) => cx.reply.blob(blob, part(start, end, blob.len())),
        Str::Int(_) | Str::Bytes(_) => {
            let mut scratch = Scratch::default();
            let bytes = string.bytes(&mut scratch);
            cx.reply.bulk(&bytes[part(start, end, bytes.len())]);
        }
    }
    Ok(())
}

/// The part from `start` to `end`, both included, of `len` bytes. Negative ends count from behind; what lies outside is
/// cut off.
fn part(start: i64, end: i64, len: usize) -> Range<usize> {
    if len == 0 || (start < 0 && end < 0 && start > end) {
        return 0..0;
    }
    let len = len as i64;
    let from_front = |at: i64| if at < 0 { (at + len).max(0) } else { at };
    let (start, end) = (from_front(start), from_front(end).min(len - 1));
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}

fn setrange(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const EVENT: Event = Event::string("setrange");
    let offset = usize::try_from(args.int(2)?).map_err(|_| CommandError::OFFSET_OUT_OF_RANGE)?;
    let value = args.word(3);
    let end = offset.saturating_add(value.len());
    let len_max = super::string_len_max(cx);
    let len = match keys.slot(&cx.key(0)) {
        Slot::Occupied(mut occupied) => {
            let old = Str::of(occupied.value()).ok_or(CommandError::WRONG_TYPE)?.len();
            if value.is_empty() {
                old
            } else {
                check_len(end, len_max)?;
                let len = old.max(end);
                edit(&mut occupied, len, EVENT, |bytes| bytes[offset..end].copy_from_slice(value));
                len
            }
        }
        Slot::Vacant(_) if value.is_empty() => 0,
        Slot::Vacant(vacant) => {
            check_len(end, len_max)?;
            let mut bytes = vec![0; end];
            bytes[offset..].copy_from_slice(value);
            vacant.insert(NewValue::Blob(Arc::new(bytes)), None, EVENT).set_raw();
            end
        }
    };
    cx.reply.int(len as i64);
    Ok(())
}

fn append(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const EVENT: Event = Event::string("append");
    let value = args.word(2);
    let len_max = super::string_len_max(cx);
    let len = match keys.slot(&cx.key(0)) {
        Slot::Occupied(mut occupied) => {
            let old = Str::of(occupied.value()).ok_or(CommandError::WRONG_TYPE)?.len();
            let len = old.saturating_add(value.len());
            check_len(len, len_max)?;
            edit(&mut occupied, len, EVENT, |bytes| bytes[old..].copy_from_slice(value));
            len
        }
        Slot::Vacant(vacant) => {
            vacant.insert(from_bytes(value), None, EVENT);
            value.len()
        }
    };
    cx.reply.int(len as i64);
    Ok(())
}

fn check_len(len: usize, len_max: u64) -> CommandResult {
    if len as u64 > len_max { Err(CommandError::STRING_TOO_LONG) } else { Ok(()) }
}

/// Edits a string in place, as `len` bytes. An integer becomes bytes first.
fn edit(occupied: &mut Occupied<'_>, len: usize, event: Event, change: impl FnOnce(&mut [u8])) {
    occupied.note_use();
    if let Some(Str::Int(integer)) = Str::of(occupied.value()) {
        let mut bytes = Scratch::default().print(integer).to_vec();
        bytes.resize(len, 0);
        change(&mut bytes);
        occupied.set_value(NewValue::Blob(Arc::new(bytes)), event);
        occupied.set_raw();
    } else if let Some(bytes) = occupied.edit_bytes(len, event) {
        change(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestServer;

    #[test]
    fn parts_are_cut_at_the_ends() {
        assert_eq!(part(0, -1, 5), 0..5);
        assert_eq!(part(-3, -2, 5), 2..4);
        assert_eq!(part(3, 100, 5), 3..5);
        assert_eq!(part(-100, -50, 5), 0..1);
        assert_eq!(part(i64::MIN, i64::MAX, 5), 0..5);
        for (start, end) in [(-1, -3), (3, 2), (5, 9), (i64::MAX, i64::MIN)] {
            assert!(part(start, end, 5).is_empty(), "{start} {end}");
        }
        assert!(part(0, 0, 0).is_empty());
    }

    #[test]
    fn every_encoding_is_read_in_parts() {
        let mut server = TestServer::new();
        for text in ["12345", "abcde", &"xyz".repeat(10_000)] {
            server.run(&format!("SET k {text}"));
            assert_eq!(server.show("GETRANGE k 1 3"), format!("\"{}\"", &text[1..4]));
            assert_eq!(server.show("SUBSTR k 0 -2"), format!("\"{}\"", &text[..text.len() - 1]));
        }
        assert_eq!(server.show("GETRANGE none 0 -1"), "\"\"");
    }

    /// The string is kept as bytes beside the server, over the border between in line and blob.
    #[test]
    fn edits_agree_with_a_model() {
        let mut server = TestServer::new();
        let mut model: Vec<u8> = Vec::new();
        let mut rng = base::rng::Rng::seed(3);
        let mut longest = 0;
        for round in 0..400 {
            let value: Vec<u8> = vec![b'a' + (round % 26) as u8; rng.below(800) as usize];
            if rng.below(2) == 0 {
                server.run_words(0, &[b"APPEND", b"k", &value]);
                model.extend_from_slice(&value);
            } else {
                let offset = rng.below(model.len() as u64 + 50) as usize;
                server.run_words(0, &[b"SETRANGE", b"k", offset.to_string().as_bytes(), &value]);
                if !value.is_empty() {
                    model.resize(model.len().max(offset + value.len()), 0);
                    model[offset..offset + value.len()].copy_from_slice(&value);
                }
            }
            if round % 130 == 129 {
                let number = rng.next_u64() as i64;
                model = number.to_string().into_bytes();
                server.run_words(0, &[b"SET", b"k", &model]);
            }
            longest = longest.max(model.len());
            assert_eq!(server.run_words(0, &[b"GET", b"k"]), resp::client::Value::Bulk(model.clone()), "{round}");
        }
        assert!(longest > 16 * 1024, "both encodings were met");
    }

    #[test]
    fn nothing_written_is_nothing_done() {
        let mut server = TestServer::new();
        assert_eq!(server.show("SETRANGE k 600000000 \"\""), "(integer) 0");
        assert_eq!(server.show("SETRANGE k 536870912 a"), format!("(error) {}", CommandError::STRING_TOO_LONG));
        assert_eq!(server.show("SETRANGE k -1 a"), "(error) ERR offset is out of range");
        assert!(server.journal().is_empty() && server.events().is_empty());
        assert_eq!(server.show("APPEND k \"\""), "(integer) 0");
        assert_eq!(server.show("APPEND k \"\""), "(integer) 0");
        assert_eq!(server.show("SETRANGE k 0 \"\""), "(integer) 0");
        assert_eq!(server.journal(), ["0 APPEND k ", "0 APPEND k "]);
        assert_eq!(server.events(), ["0 new k", "0 append k", "0 append k"]);
    }
}
