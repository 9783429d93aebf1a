//! Taking elements from the ends: LPOP, RPOP and LMPOP.

use super::ends;
use super::{AT_ONCE, limit, popped, reply_element};
use command::spec::work::{Work, count_word, counted};
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, one_of, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Key, LockedKeys, Occupied, Slot};
use resp::ReplyWriter;
use structures::blocks::BlockLimit;
use value::List;
use value::list::End;

/// What LPOP and RPOP share.
const POP: CommandSpec = CommandSpec {
    group: Group::List,
    since: "1.0.0",
    complexity: "O(N), N being the number of elements that are taken",
    arity: -2,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))],
    args: &[key("key"), integer("count").optional().since("6.2.0")],
    history: &[("6.2.0", "The `count`.")],
    reply: Shape::BULK.or(Shape::NULL).or(Shape::ARRAY),
    work: Work::Told(|args, keys, located| counted(count_word(args, 2) / AT_ONCE, keys, &located[0])),
    ..CommandSpec::DEFAULT
};

pub static LPOP: CommandSpec =
    CommandSpec { name: "LPOP", summary: "Takes the first elements of a list out.", run: Run::Keyed(lpop), ..POP };

pub static RPOP: CommandSpec =
    CommandSpec { name: "RPOP", summary: "Takes the last elements of a list out.", run: Run::Keyed(rpop), ..POP };

pub static LMPOP: CommandSpec = CommandSpec {
    name: "LMPOP",
    group: Group::List,
    since: "7.0.0",
    summary: "Takes elements from an end of the first list that is there.",
    complexity: "O(N+M), N being the number of keys, M that of the elements that are taken",
    arity: -4,
    flags: Flags::WRITE.or(Flags::MOVABLEKEYS),
    keys: &[KeySpec::numkeys(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))],
    args: &[
        integer("numkeys"),
        key("key").multiple(),
        one_of("where", &[token("left", "LEFT"), token("right", "RIGHT")]),
        integer("count").token("COUNT").optional(),
    ],
    reply: Shape::ARRAY.or(Shape::NULL),
    run: Run::Keyed(lmpop),
    work: Work::Told(to_pop),
    ..CommandSpec::DEFAULT
};

fn lpop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    pop(cx, keys, args, End::Front)
}

fn rpop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    pop(cx, keys, args, End::Back)
}

fn pop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, end: End) -> CommandResult {
    if args.len() > 3 {
        return Err(CommandError::wrong_arity(cx.name()));
    }
    let count = match args.get(2) {
        None => None,
        Some(word) => {
            let count = base::num::parse_i64(word).and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or(CommandError::MUST_BE_POSITIVE)?)
        }
    };
    let limit = limit(cx);
    match (keys.slot(&cx.key(0)), count) {
        (Slot::Vacant(_), None) => cx.reply.null(),
        (Slot::Vacant(_), Some(_)) => cx.reply.null_array(),
        (Slot::Occupied(occupied), None) => occupied.update::<List, _>(|list, update| {
            list.pop(end, |element| reply_element(cx.reply, element));
            list.shrink(limit);
            update.changed(1, popped(end));
        })?,
        (Slot::Occupied(occupied), Some(count)) => pop_many(cx.reply, occupied, end, count, limit).map(|_| ())?,
    }
    Ok(())
}

/// Takes up to `count` elements out and replies with them as an array; returns how many there were.
pub fn pop_many(
    reply: &mut ReplyWriter,
    occupied: Occupied<'_>,
    end: End,
    count: usize,
    limit: BlockLimit,
) -> Result<usize, CommandError> {
    let taken = occupied.update::<List, _>(|list, update| {
        let count = count.min(list.len());
        reply.array(count);
        if count == 0 {
            return 0;
        }
        // One removal of all of them moves less than many of one.
        let rest = list.len() - count;
        match end {
            End::Front => list.iter().take(count).for_each(|element| reply_element(reply, element)),
            End::Back => list.iter_back_from(usize::MAX).take(count).for_each(|element| reply_element(reply, element)),
        }
        list.remove(if end == End::Front { 0..count } else { rest..rest + count });
        list.shrink(limit);
        update.changed(count as u64, popped(end));
        count
    })?;
    Ok(taken)
}

/// The words of LMPOP and BLMPOP behind `numkeys` at word `at`: the end and the count.
pub fn mpop_words(args: &Args<'_>, at: usize) -> Result<(End, usize), CommandError> {
    let numkeys = base::num::parse_i64(args.word(at)).and_then(|number| usize::try_from(number).ok());
    let numkeys = numkeys.filter(|&number| number > 0).ok_or(CommandError::NUMKEYS_NOT_POSITIVE)?;
    let place = numkeys.checked_add(at + 1).filter(|&place| place < args.len()).ok_or(CommandError::SYNTAX)?;
    let end = ends::end(args, place)?;
    match args.len() - place {
        1 => Ok((end, 1)),
        3 if args.is(place + 1, "COUNT") => {
            let count = base::num::parse_i64(args.word(place + 2)).and_then(|count| usize::try_from(count).ok());
            Ok((end, count.filter(|&count| count > 0).ok_or(CommandError::COUNT_NOT_POSITIVE)?))
        }
        _ => mpop_tail_error(args, place),
    }
}

/// What is wrong with the words behind the end: the first one that is.
fn mpop_tail_error(args: &Args<'_>, place: usize) -> Result<(End, usize), CommandError> {
    let count = args.get(place + 2).filter(|_| args.is(place + 1, "COUNT"));
    let bad = count.is_some_and(|count| base::num::parse_i64(count).is_none_or(|count| count <= 0));
    Err(if bad { CommandError::COUNT_NOT_POSITIVE } else { CommandError::SYNTAX })
}

/// The elements that LMPOP will take from the first key that is there, as work.
fn to_pop(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let count = mpop_words(args, 1).map_or(0, |(_, count)| count) / AT_ONCE;
    located.iter().map(|key| counted(count, keys, key)).find(|&count| count > 0).unwrap_or(0)
}

fn lmpop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (end, count) = mpop_words(args, 1)?;
    if !mpop(cx, keys, end, count)? {
        cx.reply.null_array();
    }
    Ok(())
}

/// Pops from the first of the keys that is there; returns whether there was one.
pub fn mpop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, end: End, count: usize) -> Result<bool, CommandError> {
    let limit = limit(cx);
    for key in cx.keys {
        if mpop_one(cx.reply, keys, key, end, count, limit)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Pops from one key if it is there, replies with its name and the elements, and has it logged as LPOP or RPOP.
pub fn mpop_one(
    reply: &mut ReplyWriter,
    keys: &mut LockedKeys<'_>,
    key: &Key<'_>,
    end: End,
    count: usize,
    limit: BlockLimit,
) -> Result<bool, CommandError> {
    let Slot::Occupied(occupied) = keys.slot(key) else {
        return Ok(false);
    };
    occupied.expect::<List>()?;
    reply.array(2);
    reply.bulk(key.bytes);
    let taken = pop_many(reply, occupied, end, count, limit)?;
    let name: &[u8] = if end == End::Front { b"LPOP" } else { b"RPOP" };
    keys.log_as(&[name, key.bytes, itoa::Buffer::new().format(taken).as_bytes()]);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn a_list_goes_with_its_last_element() {
        let mut server = TestServer::new();
        server.run("RPUSH l a 2");
        assert_eq!(server.show("LPOP l"), "\"a\"");
        assert_eq!(server.show("RPOP l"), "\"2\"");
        assert_eq!(server.show("RPOP l"), "(nil)");
        assert_eq!(server.show("EXISTS l"), "(integer) 0");
        assert_eq!(server.events(), ["0 new l", "0 rpush l", "0 lpop l", "0 rpop l", "0 del l"]);
        assert_eq!(server.journal(), ["0 RPUSH l a 2", "0 LPOP l", "0 RPOP l"]);
    }

    #[test]
    fn a_count_takes_as_many_as_there_are() {
        let mut server = TestServer::new();
        assert_eq!(server.show("LPOP l 1"), "(nil)");
        server.run("RPUSH l a b c d e");
        assert_eq!(server.show("LPOP l 0"), "(empty array)");
        assert_eq!(server.show("RPOP l 2"), "1) \"e\"\n2) \"d\"");
        assert_eq!(server.show("LPOP l 4611686018427387904"), "1) \"a\"\n2) \"b\"\n3) \"c\"");
        assert_eq!(server.journal().len(), 3);
        for count in ["x", "-1", "9223372036854775808"] {
            let reply = server.show(&format!("LPOP l {count}"));
            assert_eq!(reply, "(error) ERR value is out of range, must be positive");
        }
        assert!(server.show("LPOP l 1 2").contains("wrong number of arguments for 'lpop' command"));
    }

    #[test]
    fn lmpop_pops_from_the_first_list_and_is_logged_as_a_pop() {
        let mut server = TestServer::new();
        server.run("RPUSH b 1 2 3");
        assert_eq!(server.show("LMPOP 2 a b RIGHT COUNT 2"), "1) \"b\"\n2) 1) \"3\"\n   2) \"2\"");
        assert_eq!(server.show("LMPOP 2 a b LEFT"), "1) \"b\"\n2) 1) \"1\"");
        assert_eq!(server.show("LMPOP 2 a b LEFT"), "(nil)");
        assert_eq!(server.journal(), ["0 RPUSH b 1 2 3", "0 RPOP b 2", "0 LPOP b 1"]);
    }

    #[test]
    fn words_of_lmpop_are_checked_before_the_keys() {
        let mut server = TestServer::new();
        server.run("SET s v");
        for (words, error) in [
            ("0 s LEFT", "ERR numkeys should be greater than 0"),
            ("x s LEFT", "ERR numkeys should be greater than 0"),
            ("9223372036854775807 s LEFT", "ERR syntax error"),
            ("2 s LEFT", "ERR syntax error"),
            ("1 s MIDDLE", "ERR syntax error"),
            ("1 s LEFT COUNT", "ERR syntax error"),
            ("1 s LEFT COUNT 0", "ERR count should be greater than 0"),
            ("1 s LEFT COUNT 0 COUNT 1", "ERR count should be greater than 0"),
            ("1 s LEFT COUNT 1 COUNT 1", "ERR syntax error"),
            ("1 s LEFT", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ] {
            assert_eq!(server.show(&format!("LMPOP {words}")), format!("(error) {error}"), "{words}");
        }
    }
}
