//! BITCOUNT and BITPOS: counting bits and finding the first of a kind.

use super::read_string;
use command::spec::work::{LONG_ELEMENTS, Work};
use command::spec::{ArgSpec, Flags, Group, KeyFlags, KeySpec, Run, Shape, block, integer, key, one_of, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Key, LockedKeys};
use std::ops::Range;
use structures::bits;
use value::string::Scratch;

const UNIT: ArgSpec = one_of("unit", &[token("byte", "BYTE"), token("bit", "BIT")]).optional().since("7.0.0");

pub static BITCOUNT: CommandSpec = CommandSpec {
    name: "BITCOUNT",
    group: Group::Bitmap,
    since: "2.6.0",
    summary: "Counts the bits that are set in a string or a part of it.",
    complexity: "O(N) in the length of the part",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), block("range", &[integer("start"), integer("end"), UNIT]).optional()],
    history: &[("7.0.0", "Positions can be given in bits.")],
    reply: Shape::INTEGER,
    run: Run::Keyed(bitcount),
    work: Work::Told(to_count),
    ..CommandSpec::DEFAULT
};

pub static BITPOS: CommandSpec = CommandSpec {
    name: "BITPOS",
    group: Group::Bitmap,
    since: "2.8.7",
    summary: "Finds the first bit that is set, or the first that is not, in a string or a part of it.",
    complexity: "O(N) in the length of the part",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[
        key("key"),
        integer("bit"),
        block("range", &[integer("start"), block("end-unit-block", &[integer("end"), UNIT]).optional()]).optional(),
    ],
    history: &[("7.0.0", "Positions can be given in bits.")],
    reply: Shape::INTEGER,
    run: Run::Keyed(bitpos),
    work: Work::Told(to_search),
    ..CommandSpec::DEFAULT
};

/// A part of a string, as the client gave it: either number may count from the end.
#[derive(Clone, Copy)]
struct Part {
    start: i64,
    /// `None`: to the end of the string.
    end: Option<i64>,
    /// Both count bits instead of bytes.
    bits: bool,
}

impl Part {
    const WHOLE: Part = Part { start: 0, end: None, bits: false };

    /// What the words of BITCOUNT say.
    fn to_count(args: &Args<'_>) -> Result<Part, CommandError> {
        match args.len() {
            2 => Ok(Part::WHOLE),
            4 | 5 => {
                let (start, end) = (args.int(2)?, args.int(3)?);
                Ok(Part { start, end: Some(end), bits: unit_is_bit(args, 4)? })
            }
            _ => Err(CommandError::SYNTAX),
        }
    }

    /// What the words of BITPOS say.
    fn to_search(args: &Args<'_>) -> Result<Part, CommandError> {
        match args.len() {
            3 => Ok(Part::WHOLE),
            4..=6 => {
                let start = args.int(3)?;
                let bits = unit_is_bit(args, 5)?;
                let end = if args.len() > 4 { Some(args.int(4)?) } else { None };
                Ok(Part { start, end, bits })
            }
            _ => Err(CommandError::SYNTAX),
        }
    }

    /// Whether both ends count from the end of the string, the later one first.
    fn is_backwards(self) -> bool {
        self.start < 0 && self.end.is_some_and(|end| end < self.start)
    }

    /// The bits of a string of `len` bytes that this means; empty when there are none.
    fn of(self, len: usize) -> Range<u64> {
        let unit: u64 = if self.bits { 1 } else { 8 };
        let total = (len as u64 * 8 / unit) as i64;
        let (start, end) = (self.start, self.end.unwrap_or(-1));
        let from_start = |at: i64| if at < 0 { at.saturating_add(total).max(0) } else { at };
        let (start, end) = (from_start(start), from_start(end).min(total - 1));
        if start > end { 0..0 } else { start as u64 * unit..(end as u64 + 1) * unit }
    }
}

/// Whether the word at `at` says that positions are bits; bytes when there is no such word.
fn unit_is_bit(args: &Args<'_>, at: usize) -> Result<bool, CommandError> {
    if args.len() <= at || args.is(at, "BYTE") {
        return Ok(false);
    }
    if args.is(at, "BIT") { Ok(true) } else { Err(CommandError::SYNTAX) }
}

/// Bytes that are looked at in the time that others need for an element.
const BYTES_AT_ONCE: u64 = 2048;
/// Bits that a search looks at before it is called long.
const FIRST_PART: u64 = 1 << 23;

/// The part of a string that a command is about, as work; 0 where the string is too short for that to be much.
fn work(
    keys: &LockedKeys<'_>,
    key: &Key<'_>,
    part: impl FnOnce() -> Result<Part, CommandError>,
    ends_early: impl FnOnce(&[u8], Range<u64>) -> bool,
) -> usize {
    let as_work = |bits: u64| (bits / 8 / BYTES_AT_ONCE) as usize;
    let Some(bytes) = keys.peek_string(key).filter(|bytes| as_work(bytes.len() as u64 * 8) >= LONG_ELEMENTS) else {
        return 0;
    };
    let Ok(part) = part() else { return 0 };
    let range = part.of(bytes.len());
    let work = as_work(range.end - range.start);
    if work >= LONG_ELEMENTS && ends_early(bytes, range) { 0 } else { work }
}

fn to_count(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    work(keys, &located[0], || Part::to_count(args), |_, _| false)
}

fn to_search(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let bit = args.word(2) == b"1";
    let near =
        |bytes: &[u8], range: Range<u64>| bits::position(bytes, bit, range.start..range.start + FIRST_PART).is_some();
    work(keys, &located[0], || Part::to_search(args), near)
}

fn bitcount(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let part = Part::to_count(args)?;
    let mut scratch = Scratch::default();
    let count = match read_string(keys, &cx.key(0), &mut scratch)? {
        // BITPOS sees the first byte where both ends lie before the string; for BITCOUNT their order counts first.
        Some(_) if part.is_backwards() => 0,
        Some(bytes) => bits::count_range(bytes, part.of(bytes.len())),
        None => 0,
    };
    cx.reply.int(count as i64);
    Ok(())
}

fn bitpos(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let bit = match args.int(2)? {
        0 => false,
        1 => true,
        _ => return Err(CommandError::BIT_WANTED),
    };
    let part = Part::to_search(args)?;
    let mut scratch = Scratch::default();
    let found = match read_string(keys, &cx.key(0), &mut scratch)? {
        Some(bytes) => find(bytes, bit, part),
        // Nothing is a string of zeros without end.
        None if bit => None,
        None => Some(0),
    };
    cx.reply.int(found.map_or(-1, |at| at as i64));
    Ok(())
}

fn find(bytes: &[u8], bit: bool, part: Part) -> Option<u64> {
    let range = part.of(bytes.len());
    if range.is_empty() {
        return None;
    }
    let end = range.end;
    // A string without an end of the search goes on with zeros: one is right behind its last byte.
    bits::position(bytes, bit, range).or((!bit && part.end.is_none()).then_some(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestServer;

    #[test]
    fn parts_are_cut_to_the_string() {
        let part = |start, end, bits| Part { start, end: Some(end), bits }.of(3);
        assert_eq!(part(0, -1, false), 0..24);
        assert_eq!(part(-2, -1, false), 8..24);
        assert_eq!(part(-100, -50, false), 0..8);
        assert_eq!(part(3, 9, true), 3..10);
        assert_eq!(part(i64::MIN, i64::MAX, true), 0..24);
        assert!(part(-1, -2, false).is_empty());
        assert_eq!(part(-4, -9, false), 0..8);
        assert!(part(5, 2, true).is_empty());
        assert!(Part::WHOLE.of(0).is_empty());
    }

    #[test]
    fn ends_before_the_string_in_the_wrong_order_are_the_first_byte_to_bitpos_only() {
        let mut server = TestServer::new();
        server.run("SET k d");
        assert_eq!(server.show("BITPOS k 1 -1 -3"), "(integer) 1");
        assert_eq!(server.show("BITPOS k 1 -9 -10 BIT"), "(integer) -1");
        assert_eq!(server.show("BITPOS k 0 -9 -10 BIT"), "(integer) 0");
        assert_eq!(server.show("BITCOUNT k -1 -3"), "(integer) 0");
        assert_eq!(server.show("BITCOUNT k -9 -10 BIT"), "(integer) 0");
    }

    #[test]
    fn a_zero_is_found_behind_the_end_only_when_no_end_is_given() {
        let mut server = TestServer::new();
        server.run("SET k \"\\xff\\xff\"");
        assert_eq!(server.show("BITPOS k 0"), "(integer) 16");
        assert_eq!(server.show("BITPOS k 0 -1"), "(integer) 16");
        assert_eq!(server.show("BITPOS k 0 2"), "(integer) -1");
        assert_eq!(server.show("BITPOS k 0 0 -1"), "(integer) -1");
        assert_eq!(server.show("BITPOS k 1 3 -1 BIT"), "(integer) 3");
        assert_eq!(server.show("BITPOS none 0"), "(integer) 0");
        assert_eq!(server.show("BITPOS none 1"), "(integer) -1");
        server.run("SET k \"\"");
        assert_eq!(server.show("BITPOS k 0"), "(integer) -1");
    }

    #[test]
    fn every_encoding_is_counted() {
        let mut server = TestServer::new();
        server.run("SET k 123");
        assert_eq!(server.show("BITCOUNT k"), "(integer) 10");
        assert_eq!(server.show("BITCOUNT k -2 -1"), "(integer) 7");
        assert_eq!(server.show("BITCOUNT k 2 9 BIT"), "(integer) 3");
        server.run(&format!("SET k {}", "a".repeat(20_000)));
        assert_eq!(server.show("BITCOUNT k"), "(integer) 60000");
        assert_eq!(server.show("BITCOUNT none 0 -1"), "(integer) 0");
        assert!(server.show("BITCOUNT k 0").contains("ERR syntax error"));
    }
}
