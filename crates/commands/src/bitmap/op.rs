//! BITOP: strings combined bit by bit into another.

use base::Blob;
use command::spec::Work;
use command::spec::{ArgKind, Flags, Group, KeyFlags, KeySpec, Run, Shape, arg, key, one_of, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::event::Event;
use engine::{Key, LockedKeys, NewValue};
use std::ops::Range;
use std::sync::Arc;
use structures::bits::{self, Op};
use value::string::{Scratch, Str};

pub static BITOP: CommandSpec = CommandSpec {
    name: "BITOP",
    group: Group::Bitmap,
    since: "2.6.0",
    summary: "Combines strings bit by bit and stores the result.",
    complexity: "O(N) in the length of the longest string",
    arity: -4,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[
        KeySpec::at(2, KeyFlags::OW.or(KeyFlags::UPDATE)),
        KeySpec::range(3, -1, 1, KeyFlags::RO.or(KeyFlags::ACCESS)),
    ],
    args: &[
        one_of(
            "operation",
            &[
                token("and", "AND"),
                token("or", "OR"),
                token("xor", "XOR"),
                token("not", "NOT"),
                token("diff", "DIFF"),
                token("diff1", "DIFF1"),
                token("andor", "ANDOR"),
                token("one", "ONE"),
            ],
        ),
        key("destkey"),
        arg("key", ArgKind::Key(1)).multiple(),
    ],
    reply: Shape::INTEGER,
    run: Run::Keyed(bitop),
    work: Work::Told(to_combine),
    ..CommandSpec::DEFAULT
};

const OPERATIONS: [(&str, Op); 8] = [
    ("AND", Op::And),
    ("OR", Op::Or),
    ("XOR", Op::Xor),
    ("NOT", Op::Not),
    ("DIFF", Op::Diff),
    ("DIFF1", Op::Diff1),
    ("ANDOR", Op::AndOr),
    ("ONE", Op::One),
];

/// Bytes that are combined in the time that others need for an element, memory for the result included.
const BYTES_AT_ONCE: usize = 256;

/// The bytes of all sources, as work.
fn to_combine(_: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let bytes = |key| keys.peek_string(key).map_or(0, <[u8]>::len);
    located.iter().skip(1).map(bytes).sum::<usize>() / BYTES_AT_ONCE
}

fn bitop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (name, op) = OPERATIONS.into_iter().find(|(name, _)| args.is(1, name)).ok_or(CommandError::SYNTAX)?;
    let several = args.len() > 4;
    match op {
        Op::Not if several => return Err(CommandError::BITOP_NOT_SOURCES),
        Op::Diff | Op::Diff1 | Op::AndOr if !several => return Err(CommandError::bitop_sources(name)),
        _ => {}
    }
    let sources = Sources::read(cx, keys)?;
    let mut result = Vec::new();
    bits::op(&mut result, &sources.slices(), op);
    let len = result.len();
    let dest = cx.key(0);
    if len == 0 {
        keys.delete(&dest, Event::DEL);
    } else {
        keys.slot(&dest).set(NewValue::Blob(Arc::new(result)), None, Event::SET).set_raw();
    }
    cx.reply.int(len as i64);
    Ok(())
}

/// The strings to combine. Long ones are held by reference; short ones are copied, since they live in the table
/// that is about to change.
#[derive(Default)]
struct Sources {
    short: Vec<u8>,
    all: Vec<Source>,
}

enum Source {
    Short(Range<usize>),
    Long(Blob),
}

impl Sources {
    fn read(cx: &Ctx<'_>, keys: &mut LockedKeys<'_>) -> Result<Sources, CommandError> {
        let mut sources = Sources::default();
        for key in &cx.keys[1..] {
            let start = sources.short.len();
            let string = match keys.read(key) {
                Some(entry) => Str::of(entry.value()).ok_or(CommandError::WRONG_TYPE)?,
                None => Str::Bytes(b""),
            };
            let source = match string {
                Str::Blob(blob) => Source::Long(blob.clone()),
                short => {
                    sources.short.extend_from_slice(short.bytes(&mut Scratch::default()));
                    Source::Short(start..sources.short.len())
                }
            };
            sources.all.push(source);
        }
        Ok(sources)
    }

    fn slices(&self) -> Vec<&[u8]> {
        self.all.iter().map(|source| self.slice(source)).collect()
    }

    fn slice<'a>(&'a self, source: &'a Source) -> &'a [u8] {
        match source {
            Source::Short(range) => &self.short[range.clone()],
            Source::Long(blob) => blob.as_slice(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn the_destination_may_be_a_source() {
        let mut server = TestServer::new();
        server.run("MSET a abc b \"\\x01\\x02\"");
        assert_eq!(server.show("BITOP OR a a b none"), "(integer) 3");
        assert_eq!(server.show("GET a"), "\"abc\"");
        assert_eq!(server.show("BITOP XOR a a a"), "(integer) 3");
        assert_eq!(server.show("GET a"), "\"\\x00\\x00\\x00\"");
        assert_eq!(server.show("BITOP NOT b b"), "(integer) 2");
        assert_eq!(server.show("GET b"), "\"\\xfe\\xfd\"");
    }

    #[test]
    fn an_empty_result_deletes_the_destination() {
        let mut server = TestServer::new();
        server.run("SET d x PX 1000");
        server.journal();
        server.events();
        assert_eq!(server.show("BITOP AND d none"), "(integer) 0");
        assert_eq!(server.events(), ["0 del d"]);
        assert_eq!(server.journal(), ["0 BITOP AND d none"]);
        assert_eq!(server.show("BITOP AND d none"), "(integer) 0");
        assert!(server.events().is_empty() && server.journal().is_empty());
    }

    #[test]
    fn long_sources_and_results_are_combined() {
        let mut server = TestServer::new();
        server.run("SETBIT a 200000 1");
        server.run("SETBIT b 200000 1");
        server.run("SETBIT b 7 1");
        assert_eq!(server.show("BITOP DIFF d b a"), "(integer) 25001");
        assert_eq!(server.show("BITCOUNT d"), "(integer) 1");
        assert_eq!(server.show("BITPOS d 1"), "(integer) 7");
    }

    #[test]
    fn the_number_of_sources_is_checked_first() {
        let mut server = TestServer::new();
        assert!(server.show("BITOP FOO d a").contains("ERR syntax error"));
        assert!(server.show("BITOP NOT d a b").contains("single source key"));
        for op in ["DIFF", "DIFF1", "ANDOR"] {
            let error = format!("ERR BITOP {op} must be called with at least two source keys.");
            assert!(server.show(&format!("BITOP {op} d a")).contains(&error));
        }
    }
}
