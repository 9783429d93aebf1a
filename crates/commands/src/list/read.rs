//! Looking at a list: LLEN, LINDEX, LRANGE and LPOS.

use super::{FIRST_PART, ends, reply_element, search_work};
use command::spec::work::{Work, between_places};
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Key, LockedKeys};
use value::List;
use value::list::Element;

pub static LLEN: CommandSpec = CommandSpec {
    name: "LLEN",
    group: Group::List,
    since: "1.0.0",
    summary: "Gives the number of elements of a list.",
    arity: 2,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO)],
    args: &[key("key")],
    reply: Shape::INTEGER,
    run: Run::Keyed(llen),
    ..CommandSpec::DEFAULT
};

/// What the reading commands share.
const READ: CommandSpec = CommandSpec {
    group: Group::List,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    ..CommandSpec::DEFAULT
};

pub static LINDEX: CommandSpec = CommandSpec {
    name: "LINDEX",
    since: "1.0.0",
    summary: "Gives one element of a list by its number.",
    complexity: "O(N), N being a small part of the elements between the nearer end and the one asked for",
    arity: 3,
    args: &[key("key"), integer("index")],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(lindex),
    ..READ
};

pub static LRANGE: CommandSpec = CommandSpec {
    name: "LRANGE",
    since: "1.0.0",
    summary: "Gives the elements of a list from one number to another.",
    complexity: "O(S+N), S being the distance of the first from the nearer end, N the number of elements given",
    arity: 4,
    args: &[key("key"), integer("start"), integer("stop")],
    reply: Shape::ARRAY,
    run: Run::Keyed(lrange),
    work: Work::Told(|args, keys, located| between_places(args, 2, keys, &located[0])),
    ..READ
};

pub static LPOS: CommandSpec = CommandSpec {
    name: "LPOS",
    since: "6.0.6",
    summary: "Finds elements of a list and gives their numbers.",
    complexity: "O(N), N being the number of elements that are compared",
    arity: -3,
    args: &[
        key("key"),
        string("element"),
        integer("rank").token("RANK").optional(),
        integer("num-matches").token("COUNT").optional(),
        integer("len").token("MAXLEN").optional(),
    ],
    reply: Shape::INTEGER.or(Shape::NULL).or(Shape::ARRAY),
    run: Run::Keyed(lpos),
    work: Work::Told(to_compare),
    ..READ
};

fn llen(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let len = keys.read_as::<List>(&cx.key(0))?.map_or(0, List::len);
    cx.reply.int(len as i64);
    Ok(())
}

fn lindex(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let Some(list) = keys.read_as::<List>(&cx.key(0))? else {
        cx.reply.null();
        return Ok(());
    };
    match ends::index(args.int(2)?, list.len()).and_then(|index| list.get(index)) {
        Some(element) => reply_element(cx.reply, element),
        None => cx.reply.null(),
    }
    Ok(())
}

fn lrange(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (start, stop) = (args.int(2)?, args.int(3)?);
    let Some(list) = keys.read_as::<List>(&cx.key(0))? else {
        cx.reply.array(0);
        return Ok(());
    };
    let (first, count) = ends::range(start, stop, list.len());
    cx.reply.array(count);
    list.iter_from(first).take(count).for_each(|element| reply_element(cx.reply, element));
    Ok(())
}

/// What LPOS looks for.
struct Search {
    /// Matches to pass over.
    skip: u64,
    backwards: bool,
    /// `None`: one match, given as a number of its own; 0: all.
    count: Option<u64>,
    /// Elements to compare at most.
    compare: usize,
}

impl Search {
    fn parse(args: &Args<'_>) -> Result<Search, CommandError> {
        let mut search = Search { skip: 0, backwards: false, count: None, compare: usize::MAX };
        let natural = |at: usize| base::num::parse_i64(args.word(at)).and_then(|number| u64::try_from(number).ok());
        for at in (3..args.len()).step_by(2) {
            let value = at + 1;
            if value == args.len() {
                return Err(CommandError::SYNTAX);
            } else if args.is(at, "RANK") {
                let rank = args.int_between(value, -i64::MAX, i64::MAX)?;
                search.skip = rank.unsigned_abs().checked_sub(1).ok_or(CommandError::LPOS_RANK)?;
                search.backwards = rank < 0;
            } else if args.is(at, "COUNT") {
                search.count = Some(natural(value).ok_or(CommandError::LPOS_COUNT)?);
            } else if args.is(at, "MAXLEN") {
                let most = natural(value).ok_or(CommandError::LPOS_MAXLEN)?;
                search.compare = if most == 0 { usize::MAX } else { most as usize };
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(search)
    }

    /// Calls `found` with the number of each match, until there are enough; returns whether there were.
    fn run<'a>(
        &self,
        elements: impl Iterator<Item = Element<'a>>,
        sought: &[u8],
        mut found: impl FnMut(usize),
    ) -> bool {
        let sought = Element::of(sought);
        let (mut skip, mut left) = (self.skip, self.count.map_or(1, |count| if count == 0 { u64::MAX } else { count }));
        for (number, element) in elements.take(self.compare).enumerate() {
            if element != sought {
                continue;
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            found(number);
            left -= 1;
            if left == 0 {
                return true;
            }
        }
        false
    }

    /// The same for a list, from the end that RANK says.
    fn run_in(&self, list: &List, sought: &[u8], mut found: impl FnMut(usize)) -> bool {
        if self.backwards {
            let last = list.len() - 1;
            self.run(list.iter_back_from(last), sought, |number| found(last - number))
        } else {
            self.run(list.iter(), sought, found)
        }
    }
}

/// The elements that will be compared, as work.
fn to_compare(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    search_work(keys, &located[0], |list| {
        // What is not understood is refused at once.
        Search::parse(args).map_or(true, |search| {
            let first = Search { compare: search.compare.min(FIRST_PART), ..search };
            search.compare <= FIRST_PART || first.run_in(list, args.word(2), |_| {})
        })
    })
}

fn lpos(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let search = Search::parse(args)?;
    let mut found = Vec::new();
    if let Some(list) = keys.read_as::<List>(&cx.key(0))? {
        search.run_in(list, args.word(2), |number| found.push(number));
    }
    match (search.count, found.first()) {
        (Some(_), _) => {
            cx.reply.array(found.len());
            found.iter().for_each(|&number| cx.reply.int(number as i64));
        }
        (None, Some(&number)) => cx.reply.int(number as i64),
        (None, None) => cx.reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn elements_are_found_by_number_in_either_encoding() {
        for size in [2, -2] {
            let mut server = TestServer::new();
            server.server.tunables.encoding.list_max_listpack_size.set(size);
            server.run("RPUSH l a 2 c 4 e");
            assert_eq!(server.show("LINDEX l 1"), "\"2\"");
            assert_eq!(server.show("LINDEX l -1"), "\"e\"");
            assert_eq!(server.show("LINDEX l 5"), "(nil)");
            assert_eq!(server.show("LINDEX missing x"), "(nil)");
            assert!(server.show("LINDEX l x").contains("not an integer"));
            assert_eq!(server.show("LRANGE l 1 -2"), "1) \"2\"\n2) \"c\"\n3) \"4\"");
            assert_eq!(server.show("LRANGE l 3 1"), "(empty array)");
            assert_eq!(server.show("LRANGE missing 0 -1"), "(empty array)");
            assert_eq!(server.show("LLEN l"), "(integer) 5");
            assert_eq!(server.show("LLEN missing"), "(integer) 0");
        }
    }

    #[test]
    fn lpos_counts_from_either_end() {
        for size in [2, -2] {
            let mut server = TestServer::new();
            server.server.tunables.encoding.list_max_listpack_size.set(size);
            server.run("RPUSH l a b c a b c");
            for (words, reply) in [
                ("a", "(integer) 0"),
                ("x", "(nil)"),
                ("a RANK 2", "(integer) 3"),
                ("a RANK -1", "(integer) 3"),
                ("a RANK 3", "(nil)"),
                ("c MAXLEN 2", "(nil)"),
                ("c MAXLEN 3", "(integer) 2"),
                ("a RANK -1 MAXLEN 2", "(nil)"),
                ("b COUNT 0", "1) (integer) 1\n2) (integer) 4"),
                ("b COUNT 1", "1) (integer) 1"),
                ("b RANK -1 COUNT 9223372036854775807", "1) (integer) 4\n2) (integer) 1"),
                ("x COUNT 0", "(empty array)"),
            ] {
                assert_eq!(server.show(&format!("LPOS l {words}")), reply, "{words}");
            }
            assert_eq!(server.show("LPOS missing a"), "(nil)");
            assert_eq!(server.show("LPOS missing a COUNT 1"), "(empty array)");
        }
    }

    #[test]
    fn options_of_lpos_are_checked_before_the_key() {
        let mut server = TestServer::new();
        server.run("SET s v");
        for (words, error) in [
            ("RANK", "ERR syntax error"),
            ("FOO 1", "ERR syntax error"),
            ("RANK x", "ERR value is not an integer or out of range"),
            ("COUNT -1", "ERR COUNT can't be negative"),
            ("MAXLEN x", "ERR MAXLEN can't be negative"),
        ] {
            assert_eq!(server.show(&format!("LPOS s a {words}")), format!("(error) {error}"), "{words}");
        }
        assert!(server.show("LPOS s a RANK 0").contains("ERR RANK can't be zero"));
        assert!(server.show("LPOS s a RANK -9223372036854775808").contains("value must between"));
        assert!(server.show("LPOS s a").contains("WRONGTYPE"));
    }
}
