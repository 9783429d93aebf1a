//! Removing members: ZREM, ZREMRANGEBYLEX, ZREMRANGEBYRANK, ZREMRANGEBYSCORE.

use super::bounds::{lex_bounds, ranks, score_bounds};
use command::spec::work::{LONG_ELEMENTS, Work, between_places};
use command::spec::{Elements, Flags, Group, KeyFlags, KeySpec, Place, Run, Shape, double, integer, key, string};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::{Event, Key, LockedKeys, Slot};
use std::ops::Range;
use value::SortedSet;

const ZREM_EVENT: Event = Event::zset("zrem");

pub static ZREM: CommandSpec = CommandSpec {
    name: "ZREM",
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Removes members.",
    complexity: "O(M log N), with the size of the sorted set and the number of members to remove",
    arity: -3,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    elements: Some(Elements::every(2, 1).place(Place::Own)),
    args: &[key("key"), string("member").multiple()],
    history: &[("2.4.0", "Takes several members.")],
    reply: Shape::INTEGER,
    run: Run::Keyed(zrem),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

pub static ZREMRANGEBYLEX: CommandSpec = CommandSpec {
    name: "ZREMRANGEBYLEX",
    group: Group::SortedSet,
    since: "2.8.9",
    summary: "Removes the members of a range of names, in a sorted set whose scores are all equal.",
    complexity: "O(M log N), with the size of the sorted set and the number of members removed",
    arity: 4,
    flags: Flags::WRITE,
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    args: &[key("key"), string("min"), string("max")],
    reply: Shape::INTEGER,
    run: Run::Keyed(zremrangebylex),
    work: Work::Told(names_to_remove),
    ..CommandSpec::DEFAULT
};

pub static ZREMRANGEBYRANK: CommandSpec = CommandSpec {
    name: "ZREMRANGEBYRANK",
    group: Group::SortedSet,
    since: "2.0.0",
    summary: "Removes the members of a range of places.",
    complexity: "O(M log N), with the size of the sorted set and the number of members removed",
    arity: 4,
    flags: Flags::WRITE,
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    args: &[key("key"), integer("start"), integer("stop")],
    reply: Shape::INTEGER,
    run: Run::Keyed(zremrangebyrank),
    work: Work::Told(|args, keys, located| between_places(args, 2, keys, &located[0])),
    ..CommandSpec::DEFAULT
};

pub static ZREMRANGEBYSCORE: CommandSpec = CommandSpec {
    name: "ZREMRANGEBYSCORE",
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Removes the members of a range of scores.",
    complexity: "O(M log N), with the size of the sorted set and the number of members removed",
    arity: 4,
    flags: Flags::WRITE,
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    elements: Some(Elements::at(2).place(Place::Bound)),
    args: &[key("key"), double("min"), double("max")],
    reply: Shape::INTEGER,
    run: Run::Keyed(zremrangebyscore),
    work: Work::Told(scores_to_remove),
    ..CommandSpec::DEFAULT
};

fn zrem(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let removed = match keys.slot(&cx.key(0)) {
        Slot::Occupied(mut occupied) => {
            occupied.note_use();
            occupied.update::<SortedSet, _>(|set, update| {
                let removed = args.from(2).filter(|member| set.remove(member).is_some()).count();
                if removed > 0 {
                    update.changed(removed as u64, ZREM_EVENT);
                }
                removed
            })?
        }
        Slot::Vacant(_) => 0,
    };
    cx.reply.int(removed as i64);
    Ok(())
}

fn zremrangebyrank(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (start, stop) = (args.int(2)?, args.int(3)?);
    remove(cx, keys, Event::zset("zremrangebyrank"), |set| ranks(start, stop, set.len()))
}

/// How many members are to be removed; 0 where the set has too few for that to be many.
fn scores_to_remove(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let large = keys.peek_large::<SortedSet>(&located[0]).filter(|set| set.len() >= LONG_ELEMENTS);
    let (Some(set), Ok((min, max))) = (large, score_bounds(args.word(2), args.word(3))) else { return 0 };
    set.ranks_of_scores(min, max).len()
}

/// The same for ZREMRANGEBYLEX.
fn names_to_remove(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let large = keys.peek_large::<SortedSet>(&located[0]).filter(|set| set.len() >= LONG_ELEMENTS);
    let (Some(set), Ok((min, max))) = (large, lex_bounds(args.word(2), args.word(3))) else { return 0 };
    set.ranks_of_lex(min, max, false, 0).len()
}

fn zremrangebyscore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (min, max) = score_bounds(args.word(2), args.word(3))?;
    remove(cx, keys, Event::zset("zremrangebyscore"), |set| set.ranks_of_scores(min, max))
}

fn zremrangebylex(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (min, max) = lex_bounds(args.word(2), args.word(3))?;
    remove(cx, keys, Event::zset("zremrangebylex"), |set| set.ranks_of_lex(min, max, false, 0))
}

fn remove(
    cx: &mut Ctx<'_>,
    keys: &mut LockedKeys<'_>,
    event: Event,
    which: impl FnOnce(&SortedSet) -> Range<usize>,
) -> CommandResult {
    let removed = match keys.slot(&cx.key(0)) {
        Slot::Occupied(mut occupied) => {
            occupied.note_use();
            occupied.update::<SortedSet, _>(|set, update| {
                let which = which(set);
                let removed = which.len();
                if removed > 0 {
                    set.remove_ranks(which, &mut |_, _| {});
                    update.changed(removed as u64, event);
                }
                removed
            })?
        }
        Slot::Vacant(_) => 0,
    };
    cx.reply.int(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn the_last_member_takes_the_key_with_it() {
        let mut server = TestServer::new();
        for line in ["ZREM z a b", "ZREMRANGEBYRANK z 0 -1", "ZREMRANGEBYSCORE z -inf inf", "ZREMRANGEBYLEX z - +"] {
            server.run("ZADD z 1 a 1 b");
            server.events();
            server.journal();
            assert_eq!(server.show(line), "(integer) 2", "{line}");
            let event = line.split(' ').next().expect("a name").to_lowercase();
            assert_eq!(server.events(), [format!("0 {event} z"), "0 del z".to_owned()]);
            assert_eq!(server.journal(), [format!("0 {line}")]);
            assert_eq!(server.show(line), "(integer) 0", "{line}");
            assert!(server.events().is_empty() && server.journal().is_empty());
        }
    }
}
