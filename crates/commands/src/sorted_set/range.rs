//! Ranges of a sorted set: ZRANGE, its older names, and ZRANGESTORE.
//!
//! A range is by place, by score or by name, from either end. The options are checked first, then the bounds, and only
//! then the key, as in Redis.

use super::bounds::{is_from, is_up_to, lex_bounds, ranks, score_bounds};
use super::{form, reply_member, reply_score, store};
use command::spec::work::{LONG_ELEMENTS, Work, between_places};
use command::spec::{
    ArgKind, ArgSpec, Elements, Flags, Group, KeyFlags, KeySpec, Place, Run, Shape, arg, block, double, integer, key,
    one_of, string, token,
};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, Key, LockedKeys};
use resp::{Proto, ReplyWriter};
use std::ops::{Bound, Range};
use structures::packed::PackedElement;
use value::SortedSet;
use value::sorted_set::Lex;

const ZRANGESTORE_EVENT: Event = Event::zset("zrangestore");

const LIMIT: ArgSpec = block("limit", &[integer("offset"), integer("count")]).token("LIMIT").optional();

pub static ZRANGE: CommandSpec = CommandSpec {
    name: "ZRANGE",
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Gives the members of a range of places, scores or names.",
    complexity: "O(log N + M), with the size of the sorted set and the number of members given",
    arity: -4,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[
        key("key"),
        string("start"),
        string("stop"),
        one_of("sortby", &[token("byscore", "BYSCORE"), token("bylex", "BYLEX")]).optional().since("6.2.0"),
        token("rev", "REV").optional().since("6.2.0"),
        LIMIT.since("6.2.0"),
        token("withscores", "WITHSCORES").optional(),
    ],
    history: &[("6.2.0", "Takes the options `REV`, `BYSCORE`, `BYLEX` and `LIMIT`.")],
    reply: Shape::ARRAY,
    run: Run::Keyed(zrange),
    work: Work::Told(|args, keys, located| asked_for(args, 2, keys, &located[0], BY_OPTIONS)),
    ..CommandSpec::DEFAULT
};

pub static ZRANGEBYLEX: CommandSpec = CommandSpec {
    name: "ZRANGEBYLEX",
    group: Group::SortedSet,
    since: "2.8.9",
    summary: "Gives the members of a range of names, in a sorted set whose scores are all equal.",
    complexity: "O(log N + M), with the size of the sorted set and the number of members given",
    arity: -4,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), string("min"), string("max"), LIMIT],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `BYLEX` argument")),
    reply: Shape::ARRAY,
    run: Run::Keyed(zrangebylex),
    work: Work::Told(|args, keys, located| asked_for(args, 2, keys, &located[0], BY_LEX)),
    ..CommandSpec::DEFAULT
};

pub static ZRANGEBYSCORE: CommandSpec = CommandSpec {
    name: "ZRANGEBYSCORE",
    group: Group::SortedSet,
    since: "1.0.5",
    summary: "Gives the members of a range of scores.",
    complexity: "O(log N + M), with the size of the sorted set and the number of members given",
    arity: -4,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    elements: Some(Elements::at(2).place(Place::Bound)),
    args: &[
        key("key"),
        double("min"),
        double("max"),
        token("withscores", "WITHSCORES").optional().since("2.0.0"),
        LIMIT,
    ],
    history: &[("2.0.0", "Takes the option `WITHSCORES`.")],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `BYSCORE` argument")),
    reply: Shape::ARRAY,
    run: Run::Keyed(zrangebyscore),
    work: Work::Told(|args, keys, located| asked_for(args, 2, keys, &located[0], BY_SCORE)),
    ..CommandSpec::DEFAULT
};

pub static ZRANGESTORE: CommandSpec = CommandSpec {
    name: "ZRANGESTORE",
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Stores the members of a range of places, scores or names under another key.",
    complexity: "O(log N + M), with the size of the sorted set and the number of members stored",
    arity: -5,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::at(1, KeyFlags::OW.or(KeyFlags::UPDATE)), KeySpec::at(2, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[
        key("dst"),
        arg("src", ArgKind::Key(1)),
        string("min"),
        string("max"),
        one_of("sortby", &[token("byscore", "BYSCORE"), token("bylex", "BYLEX")]).optional(),
        token("rev", "REV").optional(),
        LIMIT,
    ],
    reply: Shape::INTEGER,
    run: Run::Keyed(zrangestore),
    work: Work::Told(|args, keys, located| asked_for(args, 3, keys, &located[1], STORES)),
    ..CommandSpec::DEFAULT
};

pub static ZREVRANGE: CommandSpec = CommandSpec {
    name: "ZREVRANGE",
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Gives the members of a range of places, the highest score first.",
    complexity: "O(log N + M), with the size of the sorted set and the number of members given",
    arity: -4,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), integer("start"), integer("stop"), token("withscores", "WITHSCORES").optional()],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` argument")),
    reply: Shape::ARRAY,
    run: Run::Keyed(zrevrange),
    work: Work::Told(|args, keys, located| between_places(args, 2, keys, &located[0])),
    ..CommandSpec::DEFAULT
};

pub static ZREVRANGEBYLEX: CommandSpec = CommandSpec {
    name: "ZREVRANGEBYLEX",
    summary: "Gives the members of a range of names, the last first, in a sorted set whose scores are all equal.",
    args: &[key("key"), string("max"), string("min"), LIMIT],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")),
    run: Run::Keyed(zrevrangebylex),
    work: Work::Told(|args, keys, located| asked_for(args, 2, keys, &located[0], BY_LEX_REVERSED)),
    ..ZRANGEBYLEX
};

pub static ZREVRANGEBYSCORE: CommandSpec = CommandSpec {
    name: "ZREVRANGEBYSCORE",
    since: "2.2.0",
    summary: "Gives the members of a range of scores, the highest first.",
    args: &[key("key"), double("max"), double("min"), token("withscores", "WITHSCORES").optional(), LIMIT],
    history: &[("2.1.6", "Bounds can be exclusive.")],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")),
    run: Run::Keyed(zrevrangebyscore),
    work: Work::Told(|args, keys, located| asked_for(args, 2, keys, &located[0], BY_SCORE_REVERSED)),
    ..ZRANGEBYSCORE
};

/// What a range goes by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// What is asked for, before the bounds are read.
#[derive(Clone, Copy)]
struct Options {
    by: By,
    reverse: bool,
    with_scores: bool,
    /// How many to pass over, and how many to give; negative: all.
    limit: Option<(i64, i64)>,
}

/// The options that a command's name settles.
#[derive(Clone, Copy)]
struct Fixed {
    by: Option<By>,
    reverse: Option<bool>,
    stores: bool,
}

impl Options {
    fn parse(args: &Args<'_>, first: usize, fixed: Fixed) -> Result<Options, CommandError> {
        let (mut by, mut reverse) = (fixed.by, fixed.reverse);
        let mut with_scores = false;
        let mut limit = None;
        let mut at = first;
        while at < args.len() {
            if !fixed.stores && args.is(at, "WITHSCORES") {
                with_scores = true;
            } else if args.is(at, "LIMIT") && at + 2 < args.len() {
                limit = Some((args.int(at + 1)?, args.int(at + 2)?));
                at += 2;
            } else if reverse.is_none() && args.is(at, "REV") {
                reverse = Some(true);
            } else if by.is_none() && args.is(at, "BYLEX") {
                by = Some(By::Lex);
            } else if by.is_none() && args.is(at, "BYSCORE") {
                by = Some(By::Score);
            } else {
                return Err(CommandError::SYNTAX);
            }
            at += 1;
        }
        let options = Options { by: by.unwrap_or(By::Rank), reverse: reverse.unwrap_or(false), with_scores, limit };
        if limit.is_some_and(|(_, count)| count != -1) && options.by == By::Rank {
            return Err(CommandError::ZRANGE_LIMIT);
        }
        if with_scores && options.by == By::Lex {
            return Err(CommandError::ZRANGE_WITHSCORES);
        }
        Ok(options)
    }
}

/// A range, as it was asked for.
enum Span<'a> {
    Rank(i64, i64),
    Score(Bound<f64>, Bound<f64>),
    Lex(Lex<'a>, Lex<'a>),
}

impl<'a> Span<'a> {
    /// Reads the bounds at `at`; backwards ranges by score or name have the upper one first.
    fn parse(args: &Args<'a>, at: usize, options: Options) -> Result<Span<'a>, CommandError> {
        let (mut min, mut max) = (args.word(at), args.word(at + 1));
        if options.by == By::Rank {
            return Ok(Span::Rank(args.int(at)?, args.int(at + 1)?));
        }
        if options.reverse {
            (min, max) = (max, min);
        }
        match options.by {
            By::Lex => lex_bounds(min, max).map(|(min, max)| Span::Lex(min, max)),
            By::Score | By::Rank => score_bounds(min, max).map(|(min, max)| Span::Score(min, max)),
        }
    }

    /// The ranks of what is asked for, counted from the front.
    fn ranks(&self, set: &SortedSet, options: Options) -> Range<usize> {
        let found = match *self {
            Span::Rank(start, stop) => {
                let found = ranks(start, stop, set.len());
                return if options.reverse { set.len() - found.end..set.len() - found.start } else { found };
            }
            Span::Score(min, max) => set.ranks_of_scores(min, max),
            Span::Lex(min, max) => {
                let skip = options.limit.map_or(0, |(skip, _)| usize::try_from(skip).unwrap_or(0));
                set.ranks_of_lex(min, max, options.reverse, skip)
            }
        };
        let Some((skip, count)) = options.limit else { return found };
        let Ok(skip) = usize::try_from(skip) else { return 0..0 };
        let skip = skip.min(found.len());
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(found.len() - skip);
        if options.reverse {
            found.end - skip - count..found.end - skip
        } else {
            found.start + skip..found.start + skip + count
        }
    }
}

const BY_OPTIONS: Fixed = Fixed { by: None, reverse: None, stores: false };
const STORES: Fixed = Fixed { stores: true, ..BY_OPTIONS };
const BY_RANK_REVERSED: Fixed = Fixed { by: Some(By::Rank), reverse: Some(true), stores: false };
const BY_SCORE: Fixed = Fixed { by: Some(By::Score), reverse: Some(false), stores: false };
const BY_SCORE_REVERSED: Fixed = Fixed { reverse: Some(true), ..BY_SCORE };
const BY_LEX: Fixed = Fixed { by: Some(By::Lex), reverse: Some(false), stores: false };
const BY_LEX_REVERSED: Fixed = Fixed { reverse: Some(true), ..BY_LEX };

/// How many members a range has whose bounds are at `at`; 0 where the set has too few for that to be many. To count
/// them is a search for each bound, which finds in the cache what the command itself will look for.
fn asked_for(args: &Args<'_>, at: usize, keys: &LockedKeys<'_>, key: &Key<'_>, fixed: Fixed) -> usize {
    if args.len() == at + 2 && fixed.by.is_none() {
        return between_places(args, at, keys, key);
    }
    let Some(set) = keys.peek_large::<SortedSet>(key).filter(|set| set.len() >= LONG_ELEMENTS) else { return 0 };
    let Ok(options) = Options::parse(args, at + 2, fixed) else { return 0 };
    if options.limit.is_some_and(|(_, count)| usize::try_from(count).is_ok_and(|count| count < LONG_ELEMENTS)) {
        return 0;
    }
    Span::parse(args, at, options).map_or(0, |span| span.ranks(set, options).len())
}

fn zrange(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    range(cx, keys, args, BY_OPTIONS)
}

fn zrevrange(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    range(cx, keys, args, BY_RANK_REVERSED)
}

fn zrangebyscore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    range(cx, keys, args, BY_SCORE)
}

fn zrevrangebyscore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    range(cx, keys, args, BY_SCORE_REVERSED)
}

fn zrangebylex(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    range(cx, keys, args, BY_LEX)
}

fn zrevrangebylex(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    range(cx, keys, args, BY_LEX_REVERSED)
}

fn range(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, fixed: Fixed) -> CommandResult {
    let options = Options::parse(args, 4, fixed)?;
    let span = Span::parse(args, 2, options)?;
    let Some(set) = keys.read_as::<SortedSet>(&cx.key(0))? else {
        cx.reply.array(0);
        return Ok(());
    };
    if let (Span::Score(min, max), Some((skip, count))) = (&span, options.limit)
        && let (Ok(skip), Ok(count)) = (usize::try_from(skip), usize::try_from(count))
    {
        page(cx.reply, set, (*min, *max), (skip, count), options);
        return Ok(());
    }
    let found = span.ranks(set, options);
    header(cx.reply, found.len(), options.with_scores);
    if options.reverse {
        set.range(found).rev().for_each(|pair| element(cx.reply, pair, options.with_scores));
    } else {
        set.range(found).for_each(|pair| element(cx.reply, pair, options.with_scores));
    }
    Ok(())
}

/// Replies with a page of a range of scores: one search, however long the range is.
fn page(
    reply: &mut ReplyWriter,
    set: &SortedSet,
    (min, max): (Bound<f64>, Bound<f64>),
    (skip, count): (usize, usize),
    options: Options,
) {
    let deferred = reply.deferred_array();
    let mut given = 0;
    let mut give = |pair| {
        element(reply, pair, options.with_scores);
        given += 1;
    };
    if options.reverse {
        let found = set.up_to_score(max).rev().skip(skip).take(count);
        found.take_while(|&(_, score)| is_from(score, min)).for_each(&mut give);
    } else {
        let found = set.from_score(min).skip(skip).take(count);
        found.take_while(|&(_, score)| is_up_to(score, max)).for_each(&mut give);
    }
    let flat = options.with_scores && reply.proto == Proto::Resp2;
    reply.set_array_len(deferred, if flat { given * 2 } else { given });
}

/// The header of a reply with so many members: with scores, RESP3 has pairs.
pub(super) fn header(reply: &mut ReplyWriter, members: usize, with_scores: bool) {
    let flat = with_scores && reply.proto == Proto::Resp2;
    reply.array(if flat { members * 2 } else { members });
}

/// One member of such a reply.
#[inline]
pub(super) fn element(reply: &mut ReplyWriter, (member, score): (PackedElement<'_>, f64), with_scores: bool) {
    if with_scores && reply.proto == Proto::Resp3 {
        reply.array(2);
    }
    reply_member(reply, member);
    if with_scores {
        reply_score(reply, score);
    }
}

fn zrangestore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let options = Options::parse(args, 5, STORES)?;
    let span = Span::parse(args, 3, options)?;
    let (hasher, limits) = form(cx);
    let result = match keys.read_as::<SortedSet>(&cx.key(1))? {
        Some(set) => {
            let ranks = span.ranks(set, options);
            // Redis puts the members in one by one. While the result is small, a negative zero becomes a positive one;
            // it stops being small at the first long member or at one too many, or it never is small if the number is
            // known before.
            let is_long = |(member, _): (PackedElement<'_>, f64)| !limits.allow(0, member.len());
            let mut pairs = set.range(ranks.clone());
            let known = matches!(span, Span::Rank(..)) && !limits.allow(ranks.len(), 0);
            let before_long = match options.reverse {
                true => pairs.rposition(is_long).map(|last| ranks.len() - 1 - last),
                false => pairs.position(is_long),
            };
            let small = if known { 0 } else { before_long.unwrap_or(ranks.len()).min(limits.entries) };
            let small = if options.reverse { ranks.len() - small.min(ranks.len())..ranks.len() } else { 0..small };
            let pairs = set.range(ranks).enumerate();
            let pairs =
                pairs.map(|(at, (member, score))| (member, if small.contains(&at) { score + 0.0 } else { score }));
            Some(SortedSet::of_sorted(pairs, hasher, limits))
        }
        None => None,
    };
    store(cx, keys, result, ZRANGESTORE_EVENT);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn pages_of_scores_are_those_of_the_whole_range() {
        let mut server = TestServer::new();
        for number in 0..1000 {
            server.run(&format!("ZADD z {} m{number}", number % 250));
        }
        let all = server.show("ZRANGEBYSCORE z 10 (20");
        assert_eq!(server.show("ZCOUNT z 10 (20"), "(integer) 40");
        assert_eq!(server.show("ZRANGEBYSCORE z 10 (20 LIMIT 0 1000"), all);
        assert_eq!(server.show("ZRANGEBYSCORE z 10 (20 LIMIT 0 -1"), all);
        let lines = |text: String| {
            text.lines().filter_map(|line| Some(line.split_once(") ")?.1.to_owned())).collect::<Vec<_>>()
        };
        let members = lines(all);
        for skip in 0..41 {
            let page = lines(server.show(&format!("ZRANGEBYSCORE z 10 (20 LIMIT {skip} 5")));
            let expected: Vec<_> = members.iter().skip(skip).take(5).cloned().collect();
            assert!(page == expected, "{skip}");
            let page = lines(server.show(&format!("ZREVRANGEBYSCORE z (20 10 LIMIT {skip} 5")));
            let expected: Vec<_> = members.iter().rev().skip(skip).take(5).cloned().collect();
            assert!(page == expected, "{skip}");
        }
    }
}
