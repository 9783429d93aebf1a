//! BITFIELD and BITFIELD_RO: integers of any width anywhere in a string.
//!
//! All operations are parsed before the first runs. If one of them writes, the string is first made long enough
//! for all that do, even for one that will fail by its OVERFLOW rule; the new length is then logged, too.

use super::{SETBIT_EVENT, offset, read_string};
use command::spec::{ArgSpec, Flags, Group, KeyFlags, KeySpec, Run, Shape, block, integer, key, one_of, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::event::Event;
use engine::{LockedKeys, NewValue, Slot};
use smallvec::SmallVec;
use structures::bits::{FieldType, Overflow, field_get, field_set};
use value::string::{Scratch, Str};

const GET: ArgSpec = block("get-block", &[string("encoding"), integer("offset")]).token("GET");

pub static BITFIELD: CommandSpec = CommandSpec {
    name: "BITFIELD",
    group: Group::Bitmap,
    since: "3.2.0",
    summary: "Reads, sets and increments integers of any width in a string.",
    complexity: "O(1) for each operation",
    arity: -2,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE).or(KeyFlags::VARIABLE))
        .notes("This command allows both access and modification of the key")],
    find_keys: Some(bitfield_keys),
    args: &[
        key("key"),
        one_of(
            "operation",
            &[
                GET,
                block(
                    "write",
                    &[
                        one_of("overflow-block", &[token("wrap", "WRAP"), token("sat", "SAT"), token("fail", "FAIL")])
                            .token("OVERFLOW")
                            .optional(),
                        one_of(
                            "write-operation",
                            &[
                                block("set-block", &[string("encoding"), integer("offset"), integer("value")])
                                    .token("SET"),
                                block("incrby-block", &[string("encoding"), integer("offset"), integer("increment")])
                                    .token("INCRBY"),
                            ],
                        ),
                    ],
                ),
            ],
        )
        .optional()
        .multiple(),
    ],
    reply: Shape::ARRAY,
    run: Run::Keyed(bitfield),
    ..CommandSpec::DEFAULT
};

/// What BITFIELD does to its key: with nothing but GET (and OVERFLOW, which alone changes nothing) it only reads.
fn bitfield_keys(args: &Args<'_>) -> Option<Vec<(usize, KeyFlags)>> {
    let mut at = 2;
    while at < args.len() {
        at += if args.is(at, "GET") && at + 2 < args.len() {
            3
        } else if args.is(at, "OVERFLOW") && at + 1 < args.len() {
            2
        } else {
            return Some(vec![(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))]);
        };
    }
    Some(vec![(1, KeyFlags::RO.or(KeyFlags::ACCESS))])
}

pub static BITFIELD_RO: CommandSpec = CommandSpec {
    name: "BITFIELD_RO",
    group: Group::Bitmap,
    since: "6.0.0",
    summary: "Reads integers of any width in a string.",
    complexity: "O(1) for each operation",
    arity: -2,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), GET.optional().multiple_token()],
    reply: Shape::ARRAY,
    run: Run::Keyed(bitfield_ro),
    ..CommandSpec::DEFAULT
};

#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64),
    Increment(i64),
}

#[derive(Clone, Copy)]
struct Operation {
    action: Action,
    field: FieldType,
    offset: u64,
    overflow: Overflow,
}

impl Operation {
    fn writes(&self) -> bool {
        !matches!(self.action, Action::Get)
    }

    /// Bytes that a string needs for this field.
    fn span(&self) -> usize {
        (self.offset + u64::from(self.field.width())).div_ceil(8) as usize
    }

    /// Runs on a string that is long enough, if it writes: the reply (`None`: it would overflow), and whether the
    /// field changed.
    fn run(&self, bytes: &mut [u8]) -> (Option<i64>, bool) {
        let old = field_get(bytes, self.offset, self.field);
        let new = match self.action {
            Action::Get => return (Some(old), false),
            Action::Set(value) => self.field.set(value, self.overflow),
            Action::Increment(by) => self.field.increment(old, by, self.overflow),
        };
        let Some(new) = new else { return (None, false) };
        field_set(bytes, self.offset, self.field, new);
        let reply = if matches!(self.action, Action::Set(_)) { old } else { new };
        (Some(reply), new != old)
    }
}

type Operations = SmallVec<[Operation; 4]>;

fn parse(cx: &Ctx<'_>, args: &Args<'_>) -> Result<Operations, CommandError> {
    let mut operations = Operations::new();
    let mut overflow = Overflow::Wrap;
    let mut at = 2;
    while at < args.len() {
        let left = args.len() - at - 1;
        if args.is(at, "OVERFLOW") && left >= 1 {
            overflow = parse_overflow(args, at + 1)?;
            at += 2;
            continue;
        }
        let words = match () {
            () if args.is(at, "GET") && left >= 2 => 3,
            () if (args.is(at, "SET") || args.is(at, "INCRBY")) && left >= 3 => 4,
            () => return Err(CommandError::SYNTAX),
        };
        let field = parse_type(args.word(at + 1))?;
        let offset = offset(cx, args.word(at + 2), Some(field.width()))?;
        let action = match words {
            3 => Action::Get,
            _ if args.is(at, "SET") => Action::Set(args.int(at + 3)?),
            _ => Action::Increment(args.int(at + 3)?),
        };
        operations.push(Operation { action, field, offset, overflow });
        at += words;
    }
    Ok(operations)
}

fn parse_overflow(args: &Args<'_>, at: usize) -> Result<Overflow, CommandError> {
    let rules = [("WRAP", Overflow::Wrap), ("SAT", Overflow::Sat), ("FAIL", Overflow::Fail)];
    let found = rules.into_iter().find(|(name, _)| args.is(at, name));
    found.map(|(_, overflow)| overflow).ok_or(CommandError::BITFIELD_OVERFLOW)
}

fn parse_type(word: &[u8]) -> Result<FieldType, CommandError> {
    let (signed, width) = match word {
        [b'i', width @ ..] => (true, width),
        [b'u', width @ ..] => (false, width),
        _ => return Err(CommandError::BITFIELD_TYPE),
    };
    let width = base::num::parse_i64(width).and_then(|width| u32::try_from(width).ok());
    width.and_then(|width| FieldType::new(signed, width)).ok_or(CommandError::BITFIELD_TYPE)
}

fn bitfield(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let operations = parse(cx, args)?;
    let Some(needed) = operations.iter().filter(|one| one.writes()).map(Operation::span).max() else {
        return read(cx, keys, &operations);
    };
    let mut replies: SmallVec<[Option<i64>; 4]> = SmallVec::new();
    // A string that had to grow counts each write as a change, whatever it wrote.
    let mut run = |bytes: &mut [u8], grown: bool| {
        let mut changes = 0;
        for operation in &operations {
            let (reply, changed) = operation.run(bytes);
            changes += u64::from(changed || (grown && operation.writes() && reply.is_some()));
            replies.push(reply);
        }
        (changes, ())
    };
    match keys.slot(&cx.key(0)) {
        Slot::Occupied(mut occupied) => {
            Str::of(occupied.value()).ok_or(CommandError::WRONG_TYPE)?;
            occupied.note_use();
            occupied.set_raw();
            let len = Str::of(occupied.value()).map_or(0, Str::len);
            let grown = needed > len;
            let edited = occupied.edit_bytes_if(len.max(needed), SETBIT_EVENT, |bytes| run(bytes, grown));
            edited.ok_or(CommandError::STRING_TOO_LONG)?;
        }
        Slot::Vacant(vacant) => {
            let mut bytes = vec![0; needed];
            let (changes, ()) = run(&mut bytes, true);
            let event = if changes > 0 { SETBIT_EVENT } else { Event::NONE };
            let mut occupied = vacant.insert(NewValue::Blob(bytes.into()), None, event);
            occupied.set_raw();
            occupied.add_dirty(changes.saturating_sub(1));
        }
    }
    cx.reply.array(replies.len());
    for reply in replies {
        match reply {
            Some(number) => cx.reply.int(number),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

fn bitfield_ro(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let operations = parse(cx, args)?;
    if operations.iter().any(Operation::writes) {
        return Err(CommandError::BITFIELD_RO);
    }
    read(cx, keys, &operations)
}

/// Runs operations that only read.
fn read(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, operations: &[Operation]) -> CommandResult {
    let mut scratch = Scratch::default();
    let bytes = read_string(keys, &cx.key(0), &mut scratch)?.unwrap_or_default();
    cx.reply.array(operations.len());
    for operation in operations {
        cx.reply.int(field_get(bytes, operation.offset, operation.field));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn operations_run_in_order() {
        let mut server = TestServer::new();
        let reply = server.show("BITFIELD k SET u8 0 255 GET u8 0 INCRBY u8 0 1 OVERFLOW SAT SET i8 #1 1000 GET i8 #1");
        let lines: Vec<_> = reply.lines().map(|line| line.rsplit(' ').next().unwrap_or_default()).collect();
        assert_eq!(lines, ["0", "255", "0", "0", "127"]);
        assert_eq!(server.events(), ["0 new k", "0 setbit k"]);
        assert_eq!(server.journal().len(), 1);
    }

    #[test]
    fn a_failed_write_changes_nothing_but_the_length() {
        let mut server = TestServer::new();
        server.run("BITFIELD k SET u8 0 1");
        server.events();
        server.journal();
        assert_eq!(server.show("BITFIELD k OVERFLOW FAIL INCRBY u8 0 255"), "1) (nil)");
        assert!(server.events().is_empty() && server.journal().is_empty());
        assert_eq!(server.show("BITFIELD k OVERFLOW FAIL SET u8 80 256"), "1) (nil)");
        assert_eq!(server.show("STRLEN k"), "(integer) 11");
        assert!(server.events().is_empty());
        assert_eq!(server.journal(), ["0 BITFIELD k OVERFLOW FAIL SET u8 80 256"]);
    }

    #[test]
    fn what_only_reads_leaves_everything_as_it_is() {
        let mut server = TestServer::new();
        server.run("SET k 123");
        assert_eq!(server.show("BITFIELD k GET u8 0"), "1) (integer) 49");
        assert_eq!(server.show("BITFIELD none GET u8 0"), "1) (integer) 0");
        assert_eq!(server.show("EXISTS none"), "(integer) 0");
        assert!(server.show("BITFIELD_RO k SET u8 0 1").contains("only supports the GET"));
    }

    #[test]
    fn types_and_offsets_are_strict() {
        let mut server = TestServer::new();
        for field in ["u64", "i65", "u0", "x8", "U8", "u08", "u8x", "u+8", ""] {
            assert!(server.show(&format!("BITFIELD k GET \"{field}\" 0")).contains("Invalid bitfield type"), "{field}");
        }
        for offset in ["-1", "#-1", "#x", "#536870912", "4294967296", "#99999999999999999", ""] {
            assert!(server.show(&format!("BITFIELD k GET u8 \"{offset}\"")).contains("bit offset is not"), "{offset}");
        }
        assert_eq!(server.show("BITFIELD k GET u8 #536870911 GET u8 4294967289").lines().count(), 2);
    }
}
