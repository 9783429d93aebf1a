//! Changing elements in their places, or taking them out: LSET, LREM and LTRIM.

use super::{FIRST_PART, ends, limit, search_work};
use command::spec::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, Key, LockedKeys, Slot};
use value::List;
use value::list::{Element, End};

pub static LSET: CommandSpec = CommandSpec {
    name: "LSET",
    group: Group::List,
    since: "1.0.0",
    summary: "Replaces one element of a list.",
    complexity: "O(N), N being a small part of the elements between the nearer end and the one replaced",
    arity: 4,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE))],
    args: &[key("key"), integer("index"), string("element")],
    reply: Shape::SIMPLE,
    run: Run::Keyed(lset),
    ..CommandSpec::DEFAULT
};

pub static LREM: CommandSpec = CommandSpec {
    name: "LREM",
    group: Group::List,
    since: "1.0.0",
    summary: "Takes elements out of a list that are equal to one.",
    complexity: "O(N), N being the number of elements",
    arity: 4,
    flags: Flags::WRITE,
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    args: &[key("key"), integer("count"), string("element")],
    reply: Shape::INTEGER,
    run: Run::Keyed(lrem),
    work: Work::Told(to_look_through),
    ..CommandSpec::DEFAULT
};

pub static LTRIM: CommandSpec = CommandSpec {
    name: "LTRIM",
    group: Group::List,
    since: "1.0.0",
    summary: "Takes all elements out of a list but those from one number to another.",
    complexity: "O(N), N being the number of elements that are taken out",
    arity: 4,
    flags: Flags::WRITE,
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    args: &[key("key"), integer("start"), integer("stop")],
    reply: Shape::SIMPLE,
    run: Run::Keyed(ltrim),
    ..CommandSpec::DEFAULT
};

fn lset(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const LSET: Event = Event::list("lset");
    let limit = limit(cx);
    let element = args.word(3);
    let occupied = keys.slot(&cx.key(0)).occupied().ok_or(CommandError::NO_SUCH_KEY)?;
    occupied.expect::<List>()?;
    let index = args.int(2)?;
    occupied.update::<List, _>(|list, update| {
        // Redis makes room before it looks for the element.
        list.make_room(1, element.len(), limit);
        let index = ends::index(index, list.len()).ok_or(CommandError::INDEX_OUT_OF_RANGE)?;
        list.replace(index, element);
        list.shrink(limit);
        update.changed(1, LSET);
        Ok::<(), CommandError>(())
    })??;
    cx.reply.ok();
    Ok(())
}

fn lrem(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const LREM: Event = Event::list("lrem");
    let count = args.int_between(2, -i64::MAX, i64::MAX)?;
    let limit = limit(cx);
    let removed = match keys.slot(&cx.key(0)) {
        Slot::Occupied(occupied) => occupied.update::<List, _>(|list, update| {
            let end = if count < 0 { End::Back } else { End::Front };
            let most = if count == 0 { usize::MAX } else { count.unsigned_abs() as usize };
            let removed = list.remove_equal(end, args.word(3), most);
            if removed > 0 {
                list.shrink(limit);
                update.changed(removed as u64, LREM);
            }
            removed
        })?,
        Slot::Vacant(_) => 0,
    };
    cx.reply.int(removed as i64);
    Ok(())
}

/// The elements that LREM will compare, as work: all of them where it takes out all that are equal.
fn to_look_through(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    search_work(keys, &located[0], |list| {
        let (count, sought) = (args.int(2).unwrap_or(0), Element::of(args.word(3)));
        let equal = |element: &Element<'_>| *element == sought;
        let found = if count < 0 {
            list.iter_back_from(usize::MAX).take(FIRST_PART).filter(equal).count()
        } else {
            list.iter().take(FIRST_PART).filter(equal).count()
        };
        count != 0 && found as u64 >= count.unsigned_abs()
    })
}

fn ltrim(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const LTRIM: Event = Event::list("ltrim");
    let (start, stop) = (args.int(2)?, args.int(3)?);
    let limit = limit(cx);
    if let Slot::Occupied(occupied) = keys.slot(&cx.key(0)) {
        occupied.update::<List, _>(|list, update| {
            let len = list.len();
            let (first, count) = ends::range(start, stop, len);
            list.remove(first + count..len);
            list.remove(0..first);
            list.shrink(limit);
            // One that takes nothing out is an event as well, though no change to be logged.
            update.changed((len - count) as u64, LTRIM);
        })?;
    }
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn lset_replaces_one_element() {
        let mut server = TestServer::new();
        assert_eq!(server.show("LSET l x v"), "(error) ERR no such key");
        server.run("RPUSH l a b c");
        assert_eq!(server.show("LSET l 0 1"), "OK");
        assert_eq!(server.show("LSET l -1 3"), "OK");
        assert_eq!(server.show("LSET l 3 4"), "(error) ERR index out of range");
        assert_eq!(server.show("LSET l x 4"), "(error) ERR value is not an integer or out of range");
        assert_eq!(server.show("LRANGE l 0 -1"), "1) \"1\"\n2) \"b\"\n3) \"3\"");
        server.run("SET s v");
        assert!(server.show("LSET s x v").contains("WRONGTYPE"));
    }

    #[test]
    fn lrem_takes_from_the_end_that_the_sign_names() {
        for size in [2, -2] {
            let mut server = TestServer::new();
            server.server.tunables.encoding.list_max_listpack_size.set(size);
            server.run("RPUSH l a b a b a");
            assert_eq!(server.show("LREM l 1 a"), "(integer) 1");
            assert_eq!(server.show("LREM l -1 a"), "(integer) 1");
            assert_eq!(server.show("LRANGE l 0 -1"), "1) \"b\"\n2) \"a\"\n3) \"b\"");
            assert_eq!(server.show("LREM l -9223372036854775807 b"), "(integer) 2");
            assert_eq!(server.show("LREM l 0 x"), "(integer) 0");
            assert_eq!(server.show("LREM l 0 a"), "(integer) 1");
            assert_eq!(server.show("EXISTS l"), "(integer) 0");
            assert_eq!(server.events().last().map(String::as_str), Some("0 del l"));
            assert_eq!(server.journal().len(), 5);
        }
    }

    #[test]
    fn ltrim_keeps_a_range_or_deletes_the_list() {
        for size in [2, -2] {
            let mut server = TestServer::new();
            server.server.tunables.encoding.list_max_listpack_size.set(size);
            server.run("RPUSH l a b c d e");
            server.run("LTRIM l 1 -2");
            assert_eq!(server.show("LRANGE l 0 -1"), "1) \"b\"\n2) \"c\"\n3) \"d\"");
            server.run("LTRIM l -1 -1");
            assert_eq!(server.show("LRANGE l 0 -1"), "1) \"d\"");
            server.run("LTRIM l 1 0");
            assert_eq!(server.show("EXISTS l"), "(integer) 0");
            assert_eq!(server.show("LTRIM l 0 1"), "OK");
        }
    }

    #[test]
    fn a_list_that_is_half_of_the_limit_is_a_listpack_again() {
        let mut server = TestServer::new();
        server.server.tunables.encoding.list_max_listpack_size.set(4);
        server.run("RPUSH l a b c d e");
        server.run("LTRIM l 0 2");
        assert_eq!(server.show("OBJECT ENCODING l"), "\"quicklist\"");
        server.run("LTRIM l 0 1");
        assert_eq!(server.show("OBJECT ENCODING l"), "\"listpack\"");
    }
}
