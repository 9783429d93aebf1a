//! Moving an element from one list to another: LMOVE and RPOPLPUSH.

use super::{ends, limit, popped, pushed};
use command::spec::{ArgKind, ArgSpec, Flags, Group, KeyFlags, KeySpec, Run, Shape, arg, key, one_of, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Key, LockedKeys, Slot};
use smallvec::SmallVec;
use structures::blocks::BlockLimit;
use value::List;
use value::list::End;

pub const KEYS: &[KeySpec] = &[
    KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE)),
    KeySpec::at(2, KeyFlags::RW.or(KeyFlags::INSERT)),
];
pub const SOURCE: ArgSpec = key("source");
pub const DESTINATION: ArgSpec = arg("destination", ArgKind::Key(1));
pub const WHERE_FROM: ArgSpec = one_of("wherefrom", &[token("left", "LEFT"), token("right", "RIGHT")]);
pub const WHERE_TO: ArgSpec = one_of("whereto", &[token("left", "LEFT"), token("right", "RIGHT")]);

pub static LMOVE: CommandSpec = CommandSpec {
    name: "LMOVE",
    group: Group::List,
    since: "6.2.0",
    summary: "Moves an element from an end of one list to an end of another.",
    arity: 5,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: KEYS,
    args: &[SOURCE, DESTINATION, WHERE_FROM, WHERE_TO],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(lmove),
    ..CommandSpec::DEFAULT
};

pub static RPOPLPUSH: CommandSpec = CommandSpec {
    name: "RPOPLPUSH",
    group: Group::List,
    since: "1.2.0",
    summary: "Moves the last element of one list to the head of another.",
    arity: 3,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: KEYS,
    args: &[SOURCE, DESTINATION],
    deprecated: Some(("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")),
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(rpoplpush),
    ..CommandSpec::DEFAULT
};

/// An element on its way.
pub type Carried = SmallVec<[u8; 64]>;

fn lmove(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (from, to) = (ends::end(args, 3)?, ends::end(args, 4)?);
    reply_moved(cx, keys, from, to)
}

fn rpoplpush(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    reply_moved(cx, keys, End::Back, End::Front)
}

fn reply_moved(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, from: End, to: End) -> CommandResult {
    match transfer(keys, (&cx.key(0), from), (&cx.key(1), to), limit(cx))? {
        Some(element) => cx.reply.bulk(&element),
        None => cx.reply.null(),
    }
    Ok(())
}

/// Moves an element; `None` when there is no source.
pub fn transfer(
    keys: &mut LockedKeys<'_>,
    (source, from): (&Key<'_>, End),
    (destination, to): (&Key<'_>, End),
    limit: BlockLimit,
) -> Result<Option<Carried>, CommandError> {
    let Some(mut found) = keys.slot(source).occupied() else {
        return Ok(None);
    };
    if source.bytes == destination.bytes {
        let element = found.update::<List, _>(|list, update| {
            let element = carry(list, from);
            list.pop(from, |_| ());
            list.make_room(1, element.len(), limit);
            list.push(to, &element);
            list.shrink(limit);
            update.changed(1, pushed(to));
            update.changed(0, popped(from));
            element
        })?;
        return Ok(Some(element));
    }
    let element = carry(found.get::<List>()?, from);
    put(keys, (destination, to), &element, limit)?;
    let found = keys.slot(source).occupied().expect("nothing removed the source");
    found.update::<List, _>(|list, update| {
        list.pop(from, |_| ());
        list.shrink(limit);
        update.changed(0, popped(from));
    })?;
    Ok(Some(element))
}

/// A copy of the element at an end of a list.
fn carry(list: &List, end: End) -> Carried {
    let element = list.get(if end == End::Front { 0 } else { list.len() - 1 });
    element.expect("a list in the keyspace is never empty").with_bytes(Carried::from_slice)
}

/// Pushes the element onto its destination.
fn put(keys: &mut LockedKeys<'_>, (key, end): (&Key<'_>, End), element: &[u8], limit: BlockLimit) -> CommandResult {
    let add = |list: &mut List| {
        list.make_room(1, element.len(), limit);
        list.push(end, element);
    };
    match keys.slot(key) {
        Slot::Occupied(occupied) => occupied.update::<List, _>(|list, update| {
            add(list);
            update.changed(1, pushed(end));
        })?,
        Slot::Vacant(vacant) => {
            let mut list = List::new();
            add(&mut list);
            vacant.create(list, 1, pushed(end));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn an_element_moves_between_any_ends() {
        let mut server = TestServer::new();
        server.run("RPUSH a 1 2 3 4");
        for (ends, element) in [("LEFT LEFT", 1), ("LEFT RIGHT", 2), ("RIGHT LEFT", 4), ("RIGHT RIGHT", 3)] {
            assert_eq!(server.show(&format!("LMOVE a b {ends}")), format!("\"{element}\""));
        }
        assert_eq!(server.show("LRANGE b 0 -1"), "1) \"4\"\n2) \"1\"\n3) \"2\"\n4) \"3\"");
        assert_eq!(server.show("LMOVE a b LEFT LEFT"), "(nil)");
        assert_eq!(server.show("RPOPLPUSH b a"), "\"3\"");
        assert_eq!(server.journal()[5], "0 RPOPLPUSH b a");
    }

    #[test]
    fn a_list_can_be_rotated_even_with_one_element() {
        let mut server = TestServer::new();
        server.run("RPUSH l a");
        assert_eq!(server.show("LMOVE l l LEFT RIGHT"), "\"a\"");
        server.run("RPUSH l b c");
        assert_eq!(server.show("RPOPLPUSH l l"), "\"c\"");
        assert_eq!(server.show("LRANGE l 0 -1"), "1) \"c\"\n2) \"a\"\n3) \"b\"");
    }

    #[test]
    fn a_destination_of_another_type_changes_nothing() {
        let mut server = TestServer::new();
        server.run("RPUSH l a");
        server.run("SET s v");
        assert!(server.show("LMOVE l s LEFT LEFT").contains("WRONGTYPE"));
        assert!(server.show("LMOVE s l LEFT LEFT").contains("WRONGTYPE"));
        assert_eq!(server.show("LMOVE missing s LEFT LEFT"), "(nil)");
        assert_eq!(server.show("LMOVE l s LEFT TOP"), "(error) ERR syntax error");
        assert_eq!(server.show("LLEN l"), "(integer) 1");
        assert_eq!(server.journal().len(), 2);
    }
}
