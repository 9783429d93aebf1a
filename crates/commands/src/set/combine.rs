//! What several sets make together: SINTER, SUNION, SDIFF, the same stored, and SINTERCARD.
//!
//! All sources are looked up first, in their order, so that hits, misses and WRONGTYPE are as in Redis; then all are
//! lent at once. Where the order of the reply does not matter, members go to the reply as they are found, and no result
//! is built.

use super::{limits, reply_member};
use command::spec::{ArgKind, Flags, Group, KeyFlags, KeySpec, Run, Shape, Work, arg, integer, key};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, Key, LockedKeys, NewValue, Slot};
use std::ops::ControlFlow;
use value::set::algebra::{by_size, difference, filter, intersection, is_difference_asked, union, union_in_pieces};
use value::set::{Limits, Member};
use value::{Kind, Object, Set};

pub static SINTER: CommandSpec = CommandSpec {
    name: "SINTER",
    group: Group::Set,
    since: "1.0.0",
    summary: "Gives the members that all of several sets have.",
    complexity: "O(N*M) with the members of the smallest set and the number of sets",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key").multiple()],
    tips: &["nondeterministic_output_order"],
    reply: Shape::SET,
    run: Run::Keyed(sinter),
    work: Work::Least(0),
    ..CommandSpec::DEFAULT
};

pub static SUNION: CommandSpec = CommandSpec {
    name: "SUNION",
    summary: "Gives the members that any of several sets has.",
    complexity: "O(N) with the members of all sets",
    run: Run::Keyed(sunion),
    work: Work::Sum(0),
    ..SINTER
};

pub static SDIFF: CommandSpec = CommandSpec {
    name: "SDIFF",
    summary: "Gives the members of the first set that no other set has.",
    complexity: "O(N) with the members of all sets",
    run: Run::Keyed(sdiff),
    work: Work::Sum(0),
    ..SINTER
};

pub static SINTERSTORE: CommandSpec = CommandSpec {
    name: "SINTERSTORE",
    summary: "Stores the members that all of several sets have.",
    arity: -3,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[
        KeySpec::at(1, KeyFlags::OW.or(KeyFlags::UPDATE)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.or(KeyFlags::ACCESS)),
    ],
    args: &[key("destination"), arg("key", ArgKind::Key(1)).multiple()],
    tips: &[],
    reply: Shape::INTEGER,
    run: Run::Keyed(sinterstore),
    work: Work::Least(1),
    ..SINTER
};

pub static SUNIONSTORE: CommandSpec = CommandSpec {
    name: "SUNIONSTORE",
    summary: "Stores the members that any of several sets has.",
    complexity: SUNION.complexity,
    run: Run::Keyed(sunionstore),
    work: Work::Sum(1),
    ..SINTERSTORE
};

pub static SDIFFSTORE: CommandSpec = CommandSpec {
    name: "SDIFFSTORE",
    summary: "Stores the members of the first set that no other set has.",
    complexity: SDIFF.complexity,
    run: Run::Keyed(sdiffstore),
    work: Work::Sum(1),
    ..SINTERSTORE
};

pub static SINTERCARD: CommandSpec = CommandSpec {
    name: "SINTERCARD",
    since: "7.0.0",
    summary: "Gives the number of members that all of several sets have.",
    arity: -3,
    flags: Flags::READONLY.or(Flags::MOVABLEKEYS),
    keys: &[KeySpec::numkeys(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[integer("numkeys"), key("key").multiple(), integer("limit").token("LIMIT").optional()],
    tips: &[],
    reply: Shape::INTEGER,
    run: Run::Keyed(sintercard),
    work: Work::Least(0),
    ..SINTER
};

/// The sets of these keys, `None` for those that are not there.
fn lend<'k>(keys: &'k mut LockedKeys<'_>, sources: &[Key<'_>]) -> Result<Vec<Option<&'k Set>>, CommandError> {
    for source in sources {
        keys.read_as::<Set>(source)?;
    }
    Ok(keys.lend_all(sources).into_iter().map(|object| object.and_then(Set::of)).collect())
}

/// Replies with the members that `give` hands out, as a set.
fn reply_members(cx: &mut Ctx<'_>, give: impl FnOnce(&mut dyn FnMut(&Member<'_>))) {
    let header = cx.reply.deferred_array();
    let mut count = 0;
    give(&mut |member| {
        reply_member(cx.reply, member);
        count += 1;
    });
    cx.reply.set_set_len(header, count);
}

fn reply_set(cx: &mut Ctx<'_>, set: &Set) {
    cx.reply.set(set.len());
    set.iter().for_each(|member| reply_member(cx.reply, &member));
}

/// Goes on with the next member, always.
fn each<'a>(mut visit: impl FnMut(&Member<'a>)) -> impl FnMut(&Member<'a>) -> ControlFlow<()> {
    move |member| {
        visit(member);
        ControlFlow::Continue(())
    }
}

fn sinter(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let sets: Option<Vec<&Set>> = lend(keys, cx.keys)?.into_iter().collect();
    let Some(sets) = sets else {
        cx.reply.set(0);
        return Ok(());
    };
    let sorted = by_size(&sets);
    reply_members(cx, |give| filter(sorted[0], &sorted[1..], true, each(give)));
    Ok(())
}

fn sunion(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let limits = limits(cx);
    let sets: Vec<&Set> = lend(keys, cx.keys)?.into_iter().flatten().collect();
    let Some(sorted) = union_in_pieces(&sets) else {
        reply_set(cx, &union(&sets, &limits));
        return Ok(());
    };
    reply_members(cx, |give| {
        for (number, set) in sorted.iter().enumerate() {
            filter(set, &sorted[..number], false, each(&mut *give));
        }
    });
    Ok(())
}

fn sdiff(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let limits = limits(cx);
    let sets = lend(keys, cx.keys)?;
    let Some(first) = sets[0] else {
        cx.reply.set(0);
        return Ok(());
    };
    let mut others: Vec<&Set> = sets[1..].iter().copied().flatten().collect();
    if !is_difference_asked(first, &others) {
        reply_set(cx, &difference(first, &others, &limits));
        return Ok(());
    }
    others.sort_by_key(|set| std::cmp::Reverse(set.len()));
    reply_members(cx, |give| filter(first, &others, false, each(give)));
    Ok(())
}

/// Stores what `combine` makes of the sources: nothing of it deletes the destination.
fn store(
    cx: &mut Ctx<'_>,
    keys: &mut LockedKeys<'_>,
    event: Event,
    combine: impl FnOnce(&[Option<&Set>], &Limits) -> Option<Set>,
) -> CommandResult {
    let limits = limits(cx);
    let result = combine(&lend(keys, &cx.keys[1..])?, &limits).filter(|set| !set.is_empty());
    let count = result.as_ref().map_or(0, Set::len);
    match (keys.slot(&cx.key(0)), result) {
        (slot, Some(set)) => {
            slot.set(NewValue::Boxed(Box::new(Object::Set(set))), None, event);
        }
        (Slot::Occupied(occupied), None) => occupied.delete(Event::DEL),
        (Slot::Vacant(_), None) => {}
    }
    cx.reply.int(count as i64);
    Ok(())
}

fn sinterstore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    store(cx, keys, Event::set("sinterstore"), |sets, limits| {
        let sets: Option<Vec<&Set>> = sets.iter().copied().collect();
        sets.map(|sets| intersection(&sets, limits))
    })
}

fn sunionstore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    store(cx, keys, Event::set("sunionstore"), |sets, limits| {
        let sets: Vec<&Set> = sets.iter().copied().flatten().collect();
        Some(union(&sets, limits))
    })
}

fn sdiffstore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    store(cx, keys, Event::set("sdiffstore"), |sets, limits| {
        let (first, others) = sets.split_first()?;
        let others: Vec<&Set> = others.iter().copied().flatten().collect();
        first.map(|first| difference(first, &others, limits))
    })
}

fn sintercard(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let numkeys = args.int(1).ok().and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0);
    let numkeys = numkeys.ok_or(CommandError::NUMKEYS_NOT_POSITIVE)?;
    if numkeys > args.len() - 2 {
        return Err(CommandError::TOO_MANY_KEYS);
    }
    let mut limit = 0;
    let mut at = 2 + numkeys;
    while at < args.len() {
        if !args.is(at, "LIMIT") || at + 1 == args.len() {
            return Err(CommandError::SYNTAX);
        }
        let given = args.int(at + 1).ok().and_then(|limit| usize::try_from(limit).ok());
        limit = given.ok_or(CommandError::NEGATIVE_LIMIT)?;
        at += 2;
    }
    let sets: Option<Vec<&Set>> = lend(keys, cx.keys)?.into_iter().collect();
    let mut count = 0;
    if let Some(sets) = sets {
        let sorted = by_size(&sets);
        filter(sorted[0], &sorted[1..], true, |_| {
            count += 1;
            if count == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }
    cx.reply.int(count as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn a_source_may_be_the_destination() {
        let mut server = TestServer::new();
        server.run("SADD a 1 2 3");
        server.run("SADD b 2 3 4");
        assert_eq!(server.show("SINTERSTORE a a b"), "(integer) 2");
        assert_eq!(server.show("SUNIONSTORE b a b"), "(integer) 3");
        assert_eq!(server.show("SDIFFSTORE b b a"), "(integer) 1");
        assert_eq!(server.show("SMEMBERS b"), "1) \"4\"");
    }

    #[test]
    fn an_empty_result_deletes_the_destination() {
        let mut server = TestServer::new();
        server.run("SET d v EX 100");
        server.journal();
        server.events();
        assert_eq!(server.show("SINTERSTORE d none d2"), "(integer) 0");
        assert_eq!(server.events(), ["0 del d"]);
        assert_eq!(server.journal(), ["0 SINTERSTORE d none d2"]);
        assert_eq!(server.show("SUNIONSTORE d none"), "(integer) 0");
        assert!(server.events().is_empty() && server.journal().is_empty());
    }

    #[test]
    fn a_result_replaces_another_type_and_its_deadline() {
        let mut server = TestServer::new();
        server.run("SET d v EX 100");
        server.run("SADD a 1");
        server.events();
        assert_eq!(server.show("SUNIONSTORE d a"), "(integer) 1");
        assert_eq!(server.events(), ["0 overwritten d", "0 type_changed d", "0 sunionstore d"]);
        assert_eq!(server.show("TTL d"), "(integer) -1");
    }

    #[test]
    fn large_sets_are_combined_as_small_ones_are() {
        let mut server = TestServer::new();
        for number in 0..1000 {
            server.run(&format!("SADD a m{number}"));
            server.run(&format!("SADD b m{}", number + 500));
        }
        for (command, count) in
            [("SINTER a b", 500), ("SUNION a b", 1500), ("SDIFF a b", 500), ("SUNION a b a b a", 1500)]
        {
            let resp::client::Value::Array(members) = server.run(command) else { panic!("{command}: no members") };
            assert_eq!(members.len(), count, "{command}");
        }
        assert_eq!(server.show("SINTERCARD 2 a b LIMIT 77"), "(integer) 77");
        assert_eq!(server.show("SUNIONSTORE d a b"), "(integer) 1500");
        assert_eq!(server.show("SINTERCARD 3 a b d"), "(integer) 500");
        assert_eq!(server.show("SDIFFSTORE d d a a a"), "(integer) 500");
        assert_eq!(server.show("SISMEMBER d m1499"), "(integer) 1");
    }
}
