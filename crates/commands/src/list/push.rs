//! Adding elements: LPUSH, RPUSH, LPUSHX, RPUSHX and LINSERT.

use super::{FIRST_PART, limit, pushed, search_work};
use command::spec::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, key, one_of, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, Key, LockedKeys, Slot};
use value::List;
use value::list::{Element, End};

/// What the four pushes share.
const PUSH: CommandSpec = CommandSpec {
    group: Group::List,
    complexity: "O(N), N being the number of elements that are added",
    arity: -3,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::INSERT))],
    args: &[key("key"), string("element").multiple()],
    reply: Shape::INTEGER,
    ..CommandSpec::DEFAULT
};

pub static LPUSH: CommandSpec = CommandSpec {
    name: "LPUSH",
    since: "1.0.0",
    summary: "Adds elements at the head of a list, which is created if need be.",
    history: &[("2.4.0", "More than one `element`.")],
    run: Run::Keyed(lpush),
    ..PUSH
};

pub static RPUSH: CommandSpec = CommandSpec {
    name: "RPUSH",
    since: "1.0.0",
    summary: "Adds elements at the tail of a list, which is created if need be.",
    history: &[("2.4.0", "More than one `element`.")],
    run: Run::Keyed(rpush),
    ..PUSH
};

pub static LPUSHX: CommandSpec = CommandSpec {
    name: "LPUSHX",
    since: "2.2.0",
    summary: "Adds elements at the head of a list that is there.",
    history: &[("4.0.0", "More than one `element`.")],
    run: Run::Keyed(lpushx),
    ..PUSH
};

pub static RPUSHX: CommandSpec = CommandSpec {
    name: "RPUSHX",
    since: "2.2.0",
    summary: "Adds elements at the tail of a list that is there.",
    history: &[("4.0.0", "More than one `element`.")],
    run: Run::Keyed(rpushx),
    ..PUSH
};

pub static LINSERT: CommandSpec = CommandSpec {
    name: "LINSERT",
    group: Group::List,
    since: "2.2.0",
    summary: "Puts an element in before or after the first one that is the pivot.",
    complexity: "O(N), N being the number of elements up to the pivot",
    arity: 5,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::INSERT))],
    args: &[
        key("key"),
        one_of("where", &[token("before", "BEFORE"), token("after", "AFTER")]),
        string("pivot"),
        string("element"),
    ],
    reply: Shape::INTEGER,
    run: Run::Keyed(linsert),
    work: Work::Told(to_look_through),
    ..CommandSpec::DEFAULT
};

fn lpush(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    push(cx, keys, args, End::Front, true)
}

fn rpush(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    push(cx, keys, args, End::Back, true)
}

fn lpushx(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    push(cx, keys, args, End::Front, false)
}

fn rpushx(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    push(cx, keys, args, End::Back, false)
}

fn push(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, end: End, create: bool) -> CommandResult {
    let limit = limit(cx);
    let elements = args.from(2);
    let count = elements.len();
    let add = |list: &mut List| {
        list.make_room(count, elements.clone().map(<[u8]>::len).sum(), limit);
        elements.for_each(|element| list.push(end, element));
        list.len()
    };
    let len = match keys.slot(&cx.key(0)) {
        Slot::Occupied(occupied) => occupied.update::<List, _>(|list, update| {
            update.changed(count as u64, pushed(end));
            add(list)
        })?,
        Slot::Vacant(vacant) if create => {
            let mut list = List::new();
            let len = add(&mut list);
            vacant.create(list, count as u64, pushed(end));
            len
        }
        Slot::Vacant(_) => 0,
    };
    cx.reply.int(len as i64);
    Ok(())
}

/// The elements that LINSERT will compare, as work.
fn to_look_through(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    search_work(keys, &located[0], |list| {
        let pivot = Element::of(args.word(3));
        list.iter().take(FIRST_PART).any(|element| element == pivot)
    })
}

fn linsert(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const LINSERT: Event = Event::list("linsert");
    let after = if args.is(2, "AFTER") {
        1
    } else if args.is(2, "BEFORE") {
        0
    } else {
        return Err(CommandError::SYNTAX);
    };
    let limit = limit(cx);
    let (pivot, element) = (args.word(3), args.word(4));
    let Slot::Occupied(occupied) = keys.slot(&cx.key(0)) else {
        cx.reply.int(0);
        return Ok(());
    };
    let len = occupied.update::<List, _>(|list, update| {
        // Redis makes room before it looks for the pivot.
        list.make_room(1, element.len(), limit);
        let pivot = list.position(pivot)?;
        list.insert(pivot + after, element);
        update.changed(1, LINSERT);
        Some(list.len())
    })?;
    cx.reply.int(len.map_or(-1, |len| len as i64));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn pushes_create_the_list_and_count_every_element() {
        let mut server = TestServer::new();
        assert_eq!(server.show("RPUSH l a b"), "(integer) 2");
        assert_eq!(server.show("LPUSH l 1 2"), "(integer) 4");
        assert_eq!(server.show("LRANGE l 0 -1"), "1) \"2\"\n2) \"1\"\n3) \"a\"\n4) \"b\"");
        assert_eq!(server.events(), ["0 new l", "0 rpush l", "0 lpush l"]);
        assert_eq!(server.journal(), ["0 RPUSH l a b", "0 LPUSH l 1 2"]);
    }

    #[test]
    fn pushes_with_x_need_a_list() {
        let mut server = TestServer::new();
        assert_eq!(server.show("LPUSHX l a"), "(integer) 0");
        assert_eq!(server.show("EXISTS l"), "(integer) 0");
        server.run("RPUSH l a");
        assert_eq!(server.show("LPUSHX l b c"), "(integer) 3");
        assert_eq!(server.show("RPUSHX l d"), "(integer) 4");
        assert_eq!(server.events(), ["0 new l", "0 rpush l", "0 lpush l", "0 rpush l"]);
        server.run("SET s v");
        for command in ["LPUSH", "RPUSH", "LPUSHX", "RPUSHX"] {
            assert!(server.show(&format!("{command} s a")).contains("WRONGTYPE"), "{command}");
        }
    }

    #[test]
    fn linsert_finds_the_first_pivot() {
        let mut server = TestServer::new();
        assert_eq!(server.show("LINSERT l BEFORE a b"), "(integer) 0");
        server.run("RPUSH l a b a");
        assert_eq!(server.show("LINSERT l after a 1"), "(integer) 4");
        assert_eq!(server.show("LINSERT l before b 2"), "(integer) 5");
        assert_eq!(server.show("LINSERT l before x 2"), "(integer) -1");
        assert_eq!(server.show("LINSERT l beside x 2"), "(error) ERR syntax error");
        assert_eq!(server.show("LRANGE l 0 -1"), "1) \"a\"\n2) \"1\"\n3) \"2\"\n4) \"b\"\n5) \"a\"");
        assert_eq!(server.journal().len(), 3);
        assert_eq!(server.events(), ["0 new l", "0 rpush l", "0 linsert l", "0 linsert l"]);
    }

    #[test]
    fn an_addition_over_the_limit_changes_the_encoding() {
        let mut server = TestServer::new();
        server.server.tunables.encoding.list_max_listpack_size.set(3);
        server.run("RPUSH l a b c");
        assert_eq!(server.show("OBJECT ENCODING l"), "\"listpack\"");
        server.run("LINSERT l BEFORE missing d");
        assert_eq!(server.show("OBJECT ENCODING l"), "\"quicklist\"");
        server.run("RPUSH l d");
        assert_eq!(server.show("LRANGE l 0 -1"), "1) \"a\"\n2) \"b\"\n3) \"c\"\n4) \"d\"");
    }
}
