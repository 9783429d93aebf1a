//! Looking at a stream: XRANGE, XREVRANGE and XLEN.

use super::{id, reply_entries};
use command::spec::work::{LONG_ELEMENTS, Work, counted};
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Key, LockedKeys};
use value::Stream;
use value::stream::StreamId;

pub static XLEN: CommandSpec = CommandSpec {
    name: "XLEN",
    group: Group::Stream,
    since: "5.0.0",
    summary: "Gives the number of entries of a stream.",
    arity: 2,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO)],
    args: &[key("key")],
    reply: Shape::INTEGER,
    run: Run::Keyed(xlen),
    ..CommandSpec::DEFAULT
};

/// What XRANGE and XREVRANGE share.
const RANGE: CommandSpec = CommandSpec {
    group: Group::Stream,
    since: "5.0.0",
    complexity: "O(log N + M), with the size of the stream and the number of entries given",
    arity: -4,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    history: &[("6.2.0", "Ends that are not included.")],
    reply: Shape::ARRAY.or(Shape::NULL),
    ..CommandSpec::DEFAULT
};

pub static XRANGE: CommandSpec = CommandSpec {
    name: "XRANGE",
    summary: "Gives the entries of a range of ids.",
    args: &[key("key"), string("start"), string("end"), integer("count").token("COUNT").optional()],
    run: Run::Keyed(xrange),
    work: Work::Told(|args, keys, located| asked_for(args, keys, &located[0], false)),
    ..RANGE
};

pub static XREVRANGE: CommandSpec = CommandSpec {
    name: "XREVRANGE",
    summary: "Gives the entries of a range of ids, the last first.",
    args: &[key("key"), string("end"), string("start"), integer("count").token("COUNT").optional()],
    run: Run::Keyed(xrevrange),
    work: Work::Told(|args, keys, located| asked_for(args, keys, &located[0], true)),
    ..RANGE
};

fn xlen(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let len = keys.read_as::<Stream>(&cx.key(0))?.map_or(0, Stream::len);
    cx.reply.int(len as i64);
    Ok(())
}

/// What is asked for.
struct Query {
    from: StreamId,
    to: StreamId,
    /// The most entries; `None` for all.
    count: Option<usize>,
}

impl Query {
    fn parse(args: &Args<'_>, reversed: bool) -> Result<Query, CommandError> {
        let (start, end) = if reversed { (3, 2) } else { (2, 3) };
        let mut query = Query { from: id::start(args.word(start))?, to: id::end(args.word(end))?, count: None };
        for at in (4..args.len()).step_by(2) {
            if !args.is(at, "COUNT") || at + 1 == args.len() {
                return Err(CommandError::SYNTAX);
            }
            query.count = Some(usize::try_from(args.int(at + 1)?).unwrap_or(0));
        }
        Ok(query)
    }
}

/// The entries that will be given, as work.
fn asked_for(args: &Args<'_>, keys: &LockedKeys<'_>, key: &Key<'_>, reversed: bool) -> usize {
    let Ok(query) = Query::parse(args, reversed) else { return 0 };
    let most = query.count.unwrap_or(usize::MAX);
    if most < LONG_ELEMENTS {
        return counted(most, keys, key);
    }
    let Some(stream) = keys.peek_large::<Stream>(key) else { return keys.elements(key) };
    stream.entries().count_about(query.from, query.to, LONG_ELEMENTS).min(most)
}

fn xrange(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    range(cx, keys, args, false)
}

fn xrevrange(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    range(cx, keys, args, true)
}

fn range(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, reversed: bool) -> CommandResult {
    let query = Query::parse(args, reversed)?;
    let Some(stream) = keys.read_as::<Stream>(&cx.key(0))? else {
        cx.reply.array(0);
        return Ok(());
    };
    if query.count == Some(0) {
        cx.reply.null_array();
        return Ok(());
    }
    let (entries, most) = (stream.entries().range(query.from, query.to), query.count.unwrap_or(usize::MAX));
    if reversed {
        reply_entries(cx.reply, entries.rev().take(most));
    } else {
        reply_entries(cx.reply, entries.take(most));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn ranges_are_the_same_in_either_form_and_direction() {
        for (entries, long) in [(3, false), (300, true)] {
            let mut server = TestServer::new();
            (1..=entries).for_each(|number| drop(server.run(&format!("XADD s {number} f {number}"))));
            assert_eq!(server.show("XLEN s"), format!("(integer) {entries}"));
            assert_eq!(server.show("XRANGE s 2 2"), "1) 1) \"2-0\"\n   2) 1) \"f\"\n      2) \"2\"");
            assert_eq!(server.show("XREVRANGE s (3-0 2"), server.show("XRANGE s 2 (3-0"));
            assert_eq!(server.show("XRANGE s (1 + COUNT 1"), server.show("XRANGE s 2 2"));
            assert_eq!(server.show("XREVRANGE s 2 - COUNT 1"), server.show("XRANGE s 2 2"));
            assert_eq!(server.show("XRANGE s 3 2"), "(empty array)");
            assert_eq!(server.show("XRANGE s - + COUNT 0"), "(nil)");
            assert_eq!(server.show("OBJECT ENCODING s"), "\"stream\"");
            let usage = server.show("MEMORY USAGE s");
            assert_eq!(usage.len() > "(integer) 999".len(), long, "{usage}");
        }
    }
}
