//! Popping that waits for a member: BZPOPMIN, BZPOPMAX and BZMPOP.
//!
//! Each tries at once; with nothing there it waits (see `dispatch::blocking`), and the same handler runs again when one
//! of its keys has become a sorted set. What is logged is the pop that took place.

use super::pop::{End, Request, mpop, take};
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, double, integer, key, one_of, token};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, Slot};
use value::{Object, SortedSet};

/// What BZPOPMIN and BZPOPMAX share.
const POP: CommandSpec = CommandSpec {
    group: Group::SortedSet,
    since: "5.0.0",
    complexity: "O(log N), N being the size of the sorted set",
    arity: -3,
    flags: Flags::WRITE.or(Flags::BLOCKING).or(Flags::FAST),
    keys: &[KeySpec::range(1, -2, 1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))],
    args: &[key("key").multiple(), double("timeout")],
    history: &[("6.0.0", "A `timeout` with fractions of a second.")],
    reply: Shape::ARRAY.or(Shape::NULL),
    ..CommandSpec::DEFAULT
};

pub static BZPOPMIN: CommandSpec = CommandSpec {
    name: "BZPOPMIN",
    summary: "Takes the member with the lowest score out of the first sorted set that is there, or waits for one.",
    run: Run::Keyed(bzpopmin),
    ..POP
};

pub static BZPOPMAX: CommandSpec = CommandSpec {
    name: "BZPOPMAX",
    summary: "Takes the member with the highest score out of the first sorted set that is there, or waits for one.",
    run: Run::Keyed(bzpopmax),
    ..POP
};

pub static BZMPOP: CommandSpec = CommandSpec {
    name: "BZMPOP",
    group: Group::SortedSet,
    since: "7.0.0",
    summary: "Takes members out of the first of several sorted sets that is there, or waits for one.",
    complexity: "O(K + M log N), with the number of keys, the size of the sorted set and the number of members taken",
    arity: -5,
    flags: Flags::WRITE.or(Flags::BLOCKING).or(Flags::MOVABLEKEYS),
    keys: &[KeySpec::numkeys(2, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))],
    args: &[
        double("timeout"),
        integer("numkeys"),
        key("key").multiple(),
        one_of("where", &[token("min", "MIN"), token("max", "MAX")]),
        integer("count").token("COUNT").optional(),
    ],
    reply: Shape::ARRAY.or(Shape::NULL),
    run: Run::Keyed(bzmpop),
    ..CommandSpec::DEFAULT
};

/// What they all wait for.
fn is_sorted_set(object: &Object) -> bool {
    matches!(object, Object::SortedSet(_))
}

fn bzpopmin(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    bzpop(cx, keys, args, End::Min)
}

fn bzpopmax(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    bzpop(cx, keys, args, End::Max)
}

fn bzpop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, end: End) -> CommandResult {
    let deadline = cx.wait_deadline(args, args.len() - 1)?;
    for key in cx.keys {
        let Slot::Occupied(occupied) = keys.slot(key) else { continue };
        let reply = &mut *cx.reply;
        occupied.update::<SortedSet, _>(|set, update| {
            reply.array(3);
            reply.bulk(key.bytes);
            take(reply, set, update, end, 1, false);
        })?;
        keys.log_as(&[end.command(), key.bytes]);
        return Ok(());
    }
    if !cx.block(deadline, is_sorted_set) {
        cx.reply.null_array();
    }
    Ok(())
}

fn bzmpop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let request = Request::parse(args, 2)?;
    let deadline = cx.wait_deadline(args, 1)?;
    for at in 0..request.keys {
        if mpop(cx, keys, at, &request)? {
            return Ok(());
        }
    }
    if !cx.block(deadline, is_sorted_set) {
        cx.reply.null_array();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn what_is_there_is_taken_at_once_and_logged_as_a_pop() {
        let mut server = TestServer::new();
        server.run("ZADD z 1 a 2 b 3 c 4 d");
        assert_eq!(server.show("BZPOPMIN none z 0"), "1) \"z\"\n2) \"a\"\n3) \"1\"");
        assert_eq!(server.show("BZPOPMAX z 0"), "1) \"z\"\n2) \"d\"\n3) \"4\"");
        server.run("BZMPOP 0 2 none z MIN COUNT 5");
        assert_eq!(server.journal()[1..], ["0 ZPOPMIN z", "0 ZPOPMAX z", "0 ZPOPMIN z 2"]);
    }

    #[test]
    fn a_sorted_set_that_comes_is_given_to_who_waits_and_a_list_is_not() {
        let mut server = TestServer::new();
        let (low, high) = (server.wait("BZPOPMIN y z 0"), server.wait("BZPOPMAX z 0"));
        let (several, list) = (server.wait("BZMPOP 0 2 z y MIN COUNT 2"), server.wait("BLPOP z 0"));
        server.run("ZADD z 1 a 2 b 3 c 4 d 5 e");
        assert_eq!(server.answer(low).as_deref(), Some("1) \"z\"\n2) \"a\"\n3) \"1\""));
        assert_eq!(server.answer(high).as_deref(), Some("1) \"z\"\n2) \"e\"\n3) \"5\""));
        assert!(server.answer(several).is_some_and(|reply| reply.contains("\"b\"") && reply.contains("\"c\"")));
        assert_eq!(server.show("ZCARD z"), "(integer) 1");
        server.run("DEL z");
        server.run("RPUSH z 1");
        assert_eq!(server.answer(list).as_deref(), Some("1) \"z\"\n2) \"1\""));
    }

    #[test]
    fn words_come_before_the_timeout() {
        let mut server = TestServer::new();
        assert_eq!(server.show("BZMPOP x 1 z TOP"), "(error) ERR syntax error");
        assert_eq!(server.show("BZMPOP x 1 z MIN"), "(error) ERR timeout is not a float or out of range");
        assert_eq!(server.show("BZPOPMIN z -1"), "(error) ERR timeout is negative");
        server.run("SET s v");
        assert!(server.show("BZPOPMIN s 0").contains("WRONGTYPE"));
    }
}
