//! Looking at members without walking: ZCARD, ZCOUNT, ZLEXCOUNT, ZMSCORE, ZRANK, ZREVRANK, ZSCORE.

use super::bounds::{lex_bounds, score_bounds};
use super::reply_score;
use command::spec::Work;
use command::spec::{Elements, Flags, Group, KeyFlags, KeySpec, Place, Run, Shape, double, key, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use value::SortedSet;

pub static ZCARD: CommandSpec = CommandSpec {
    name: "ZCARD",
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Gives the number of members of a sorted set.",
    complexity: "O(1)",
    arity: 2,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO)],
    args: &[key("key")],
    reply: Shape::INTEGER,
    run: Run::Keyed(zcard),
    ..CommandSpec::DEFAULT
};

pub static ZCOUNT: CommandSpec = CommandSpec {
    name: "ZCOUNT",
    group: Group::SortedSet,
    since: "2.0.0",
    summary: "Counts the members whose scores are within bounds.",
    complexity: "O(log N), with the size of the sorted set",
    arity: 4,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    elements: Some(Elements::at(2).place(Place::Bound)),
    args: &[key("key"), double("min"), double("max")],
    reply: Shape::INTEGER,
    run: Run::Keyed(zcount),
    ..CommandSpec::DEFAULT
};

pub static ZLEXCOUNT: CommandSpec = CommandSpec {
    name: "ZLEXCOUNT",
    group: Group::SortedSet,
    since: "2.8.9",
    summary: "Counts the members within bounds, in a sorted set whose scores are all equal.",
    complexity: "O(log N), with the size of the sorted set",
    arity: 4,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), string("min"), string("max")],
    reply: Shape::INTEGER,
    run: Run::Keyed(zlexcount),
    ..CommandSpec::DEFAULT
};

pub static ZMSCORE: CommandSpec = CommandSpec {
    name: "ZMSCORE",
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Gives the scores of members.",
    complexity: "O(N), with the number of members asked for",
    arity: -3,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    elements: Some(Elements::every(2, 1)),
    args: &[key("key"), string("member").multiple()],
    reply: Shape::ARRAY,
    run: Run::Keyed(zmscore),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

pub static ZRANK: CommandSpec = CommandSpec {
    name: "ZRANK",
    group: Group::SortedSet,
    since: "2.0.0",
    summary: "Gives the place of a member, counted from the lowest score.",
    complexity: "O(log N), with the size of the sorted set",
    arity: -3,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    elements: Some(Elements::at(2).place(Place::Own)),
    args: &[key("key"), string("member"), token("withscore", "WITHSCORE").optional()],
    history: &[("7.2.0", "Gives the score too, with `WITHSCORE`.")],
    reply: Shape::INTEGER.or(Shape::ARRAY).or(Shape::NULL),
    run: Run::Keyed(zrank),
    ..CommandSpec::DEFAULT
};

pub static ZREVRANK: CommandSpec = CommandSpec {
    name: "ZREVRANK",
    summary: "Gives the place of a member, counted from the highest score.",
    run: Run::Keyed(zrevrank),
    ..ZRANK
};

pub static ZSCORE: CommandSpec = CommandSpec {
    name: "ZSCORE",
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Gives the score of a member.",
    complexity: "O(1)",
    arity: 3,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    elements: Some(Elements::at(2)),
    args: &[key("key"), string("member")],
    reply: Shape::DOUBLE.or(Shape::NULL),
    run: Run::Keyed(zscore),
    ..CommandSpec::DEFAULT
};

fn zcard(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let len = keys.read_as::<SortedSet>(&cx.key(0))?.map_or(0, SortedSet::len);
    cx.reply.int(len as i64);
    Ok(())
}

fn zcount(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (min, max) = score_bounds(args.word(2), args.word(3))?;
    let set = keys.read_as::<SortedSet>(&cx.key(0))?;
    cx.reply.int(set.map_or(0, |set| set.ranks_of_scores(min, max).len()) as i64);
    Ok(())
}

fn zlexcount(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (min, max) = lex_bounds(args.word(2), args.word(3))?;
    let set = keys.read_as::<SortedSet>(&cx.key(0))?;
    cx.reply.int(set.map_or(0, |set| set.ranks_of_lex(min, max, false, 0).len()) as i64);
    Ok(())
}

fn zscore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    match keys.read_as::<SortedSet>(&cx.key(0))?.and_then(|set| set.score(args.word(2))) {
        Some(score) => reply_score(cx.reply, score),
        None => cx.reply.null(),
    }
    Ok(())
}

fn zmscore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let set = keys.read_as::<SortedSet>(&cx.key(0))?;
    cx.reply.array(args.len() - 2);
    for member in args.from(2) {
        match set.and_then(|set| set.score(member)) {
            Some(score) => reply_score(cx.reply, score),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

fn zrank(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    rank(cx, keys, args, |rank, _| rank)
}

fn zrevrank(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    rank(cx, keys, args, |rank, len| len - 1 - rank)
}

fn rank(
    cx: &mut Ctx<'_>,
    keys: &mut LockedKeys<'_>,
    args: &Args<'_>,
    counted: fn(usize, usize) -> usize,
) -> CommandResult {
    if args.len() > 4 {
        return Err(CommandError::wrong_arity(cx.name()));
    }
    let with_score = args.len() == 4;
    if with_score && !args.is(3, "WITHSCORE") {
        return Err(CommandError::SYNTAX);
    }
    let found = match keys.read_as::<SortedSet>(&cx.key(0))? {
        Some(set) => set.rank_and_score(args.word(2)).map(|(rank, score)| (counted(rank, set.len()), score)),
        None => None,
    };
    match found {
        Some((rank, score)) => {
            if with_score {
                cx.reply.array(2);
            }
            cx.reply.int(rank as i64);
            if with_score {
                reply_score(cx.reply, score);
            }
        }
        None if with_score => cx.reply.null_array(),
        None => cx.reply.null(),
    }
    Ok(())
}
