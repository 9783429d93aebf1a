//! Several sorted sets or sets put together: ZUNION, ZINTER, ZDIFF, their STORE forms, and ZINTERCARD.
//!
//! A set counts as a sorted set whose scores are all 1. Sources are gone through from the smallest to the largest, so
//! that sums are made in the order in which Redis makes them. Where members are looked up in a large set, they go in
//! batches whose cache misses overlap.

use super::range::{element, header};
use super::{form, store};
use command::spec::{
    ArgKind, ArgSpec, Flags, Group, KeyFlags, KeySpec, Run, Shape, Work, arg, integer, key, one_of, token,
};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys};
use smallvec::SmallVec;
use structures::hash::Hasher;
use structures::packed::PackedElement;
use value::sorted_set::{Builder, Limits, compare_members};
use value::{Object, Set, SortedSet, set, sorted_set};

const WEIGHTS: ArgSpec = integer("weight").token("WEIGHTS").multiple().optional();
const AGGREGATE: ArgSpec =
    one_of("aggregate", &[token("sum", "SUM"), token("min", "MIN"), token("max", "MAX")]).token("AGGREGATE").optional();

pub static ZDIFF: CommandSpec = CommandSpec {
    name: "ZDIFF",
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Gives the members of a sorted set that others do not have.",
    complexity: "O(N K + M log M), with the size of the first sorted set, the number of keys and the size of the result",
    arity: -3,
    flags: Flags::READONLY.or(Flags::MOVABLEKEYS),
    keys: &[KeySpec::numkeys(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[integer("numkeys"), key("key").multiple(), token("withscores", "WITHSCORES").optional()],
    reply: Shape::ARRAY,
    run: Run::Keyed(zdiff),
    work: Work::Sum(0),
    ..CommandSpec::DEFAULT
};

pub static ZDIFFSTORE: CommandSpec = CommandSpec {
    name: "ZDIFFSTORE",
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Stores the members of a sorted set that others do not have.",
    complexity: "O(N K + M log M), with the size of the first sorted set, the number of keys and the size of the result",
    arity: -4,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::MOVABLEKEYS),
    keys: &[KeySpec::at(1, KeyFlags::OW.or(KeyFlags::UPDATE)), KeySpec::numkeys(2, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("destination"), integer("numkeys"), arg("key", ArgKind::Key(1)).multiple()],
    reply: Shape::INTEGER,
    run: Run::Keyed(zdiffstore),
    work: Work::Sum(1),
    ..CommandSpec::DEFAULT
};

pub static ZINTER: CommandSpec = CommandSpec {
    name: "ZINTER",
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Gives the members that all of several sorted sets have, with their scores put together.",
    complexity: "O(N K + M log M), with the size of the smallest sorted set, the number of keys and the size of the result",
    arity: -3,
    flags: Flags::READONLY.or(Flags::MOVABLEKEYS),
    keys: &[KeySpec::numkeys(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[
        integer("numkeys"),
        key("key").multiple(),
        WEIGHTS,
        AGGREGATE,
        token("withscores", "WITHSCORES").optional(),
    ],
    reply: Shape::ARRAY,
    run: Run::Keyed(zinter),
    work: Work::Least(0),
    ..CommandSpec::DEFAULT
};

pub static ZINTERCARD: CommandSpec = CommandSpec {
    name: "ZINTERCARD",
    group: Group::SortedSet,
    since: "7.0.0",
    summary: "Counts the members that all of several sorted sets have.",
    complexity: "O(N K), with the size of the smallest sorted set and the number of keys",
    arity: -3,
    flags: Flags::READONLY.or(Flags::MOVABLEKEYS),
    keys: &[KeySpec::numkeys(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[integer("numkeys"), key("key").multiple(), integer("limit").token("LIMIT").optional()],
    reply: Shape::INTEGER,
    run: Run::Keyed(zintercard),
    work: Work::Least(0),
    ..CommandSpec::DEFAULT
};

pub static ZINTERSTORE: CommandSpec = CommandSpec {
    name: "ZINTERSTORE",
    group: Group::SortedSet,
    since: "2.0.0",
    summary: "Stores the members that all of several sorted sets have, with their scores put together.",
    complexity: "O(N K + M log M), with the size of the smallest sorted set, the number of keys and the size of the result",
    arity: -4,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::MOVABLEKEYS),
    keys: &[KeySpec::at(1, KeyFlags::OW.or(KeyFlags::UPDATE)), KeySpec::numkeys(2, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("destination"), integer("numkeys"), arg("key", ArgKind::Key(1)).multiple(), WEIGHTS, AGGREGATE],
    reply: Shape::INTEGER,
    run: Run::Keyed(zinterstore),
    work: Work::Least(1),
    ..CommandSpec::DEFAULT
};

pub static ZUNION: CommandSpec = CommandSpec {
    name: "ZUNION",
    summary: "Gives the members of all of several sorted sets, with their scores put together.",
    complexity: "O(N + M log M), with the sizes of all sorted sets and of the result",
    run: Run::Keyed(zunion),
    work: Work::Sum(0),
    ..ZINTER
};

pub static ZUNIONSTORE: CommandSpec = CommandSpec {
    name: "ZUNIONSTORE",
    summary: "Stores the members of all of several sorted sets, with their scores put together.",
    complexity: "O(N + M log M), with the sizes of all sorted sets and of the result",
    run: Run::Keyed(zunionstore),
    work: Work::Sum(1),
    ..ZINTERSTORE
};

/// How many members are looked up together.
const BATCH: usize = 16;
/// The most members of all sources for which a union is made by sorting.
const SORTED_MAX: usize = 512;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Inter,
    Diff,
}

/// What becomes of the scores of a member that several sources have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    #[inline]
    fn of(self, one: f64, other: f64) -> f64 {
        match self {
            Aggregate::Sum => {
                let sum = one + other;
                // Both infinities together are nothing.
                if sum.is_nan() { 0.0 } else { sum }
            }
            Aggregate::Min => {
                if one > other {
                    other
                } else {
                    one
                }
            }
            Aggregate::Max => {
                if one < other {
                    other
                } else {
                    one
                }
            }
        }
    }
}

/// One of the sorted sets, with its weight.
#[derive(Clone, Copy)]
struct Source<'a> {
    members: Members<'a>,
    weight: f64,
}

#[derive(Clone, Copy)]
enum Members<'a> {
    None,
    Set(&'a Set),
    Sorted(&'a SortedSet),
}

type Sources<'a> = SmallVec<[Source<'a>; 4]>;

/// A member with its score.
type Pair<'a> = (PackedElement<'a>, f64);

impl<'a> Source<'a> {
    fn of(value: Option<&'a Object>) -> Result<Source<'a>, CommandError> {
        let members = match value {
            None => Members::None,
            Some(Object::Set(set)) => Members::Set(set),
            Some(Object::SortedSet(set)) => Members::Sorted(set),
            Some(Object::List(_) | Object::Hash(_) | Object::Stream(_) | Object::Detached(_)) => {
                return Err(CommandError::WRONG_TYPE);
            }
        };
        Ok(Source { members, weight: 1.0 })
    }

    fn len(&self) -> usize {
        match self.members {
            Members::None => 0,
            Members::Set(set) => set.len(),
            Members::Sorted(set) => set.len(),
        }
    }

    fn weighted(&self, score: f64) -> f64 {
        let weighted = self.weight * score;
        // Nothing times infinity is nothing.
        if weighted.is_nan() { 0.0 } else { weighted }
    }

    fn iter(&self) -> Iter<'a> {
        let walk = match self.members {
            Members::None => Walk::None,
            Members::Set(set) => Walk::Set(set.iter()),
            Members::Sorted(set) => Walk::Sorted(set.iter()),
        };
        Iter { walk, source: *self }
    }

    /// The scores of a batch of members, as far as they are there. As in Redis, nothing times infinity stays no number
    /// here, which sums make 0 and the others pass over.
    fn scores(&self, batch: &[Pair<'_>]) -> [Option<f64>; BATCH] {
        let mut scores = [None; BATCH];
        match self.members {
            Members::None => {}
            Members::Set(set) => {
                for (score, (member, _)) in scores.iter_mut().zip(batch) {
                    *score = set.contains_member(member).then_some(1.0);
                }
            }
            Members::Sorted(set) => set.scores(batch.iter().map(|(member, _)| *member), &mut scores),
        }
        scores.map(|score| score.map(|score| self.weight * score))
    }
}

/// The members of a source with their weighted scores.
struct Iter<'a> {
    walk: Walk<'a>,
    source: Source<'a>,
}

enum Walk<'a> {
    None,
    Set(set::Iter<'a>),
    Sorted(sorted_set::Iter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Pair<'a>;

    #[inline]
    fn next(&mut self) -> Option<Pair<'a>> {
        let (member, score) = match &mut self.walk {
            Walk::None => return None,
            Walk::Set(members) => (members.next()?, 1.0),
            Walk::Sorted(pairs) => pairs.next()?,
        };
        Some((member, self.source.weighted(score)))
    }
}

/// The words of such a command.
struct Request {
    aggregate: Aggregate,
    with_scores: bool,
    /// The most that ZINTERCARD counts; 0: all.
    limit: usize,
}

/// Which of the options a command has.
#[derive(Clone, Copy)]
struct Kind {
    operation: Operation,
    stores: bool,
    counts: bool,
}

impl Kind {
    const fn gives(operation: Operation) -> Kind {
        Kind { operation, stores: false, counts: false }
    }
    const fn stores(operation: Operation) -> Kind {
        Kind { operation, stores: true, counts: false }
    }
}

/// The number of keys, which stands at `at`.
fn number_of_keys(cx: &Ctx<'_>, args: &Args<'_>, at: usize) -> Result<usize, CommandError> {
    let number = args.int(at)?;
    let number = usize::try_from(number).ok().filter(|&number| number > 0);
    let number = number.ok_or_else(|| CommandError::no_input_keys(cx.name()))?;
    if number > args.len() - at - 1 { Err(CommandError::SYNTAX) } else { Ok(number) }
}

impl Request {
    /// Reads the options from `at` on, the sources' weights among them.
    fn parse(args: &Args<'_>, mut at: usize, kind: Kind, sources: &mut Sources<'_>) -> Result<Request, CommandError> {
        let mut request = Request { aggregate: Aggregate::Sum, with_scores: false, limit: 0 };
        let combines = kind.operation != Operation::Diff && !kind.counts;
        while at < args.len() {
            let left = args.len() - at - 1;
            if combines && left >= sources.len() && args.is(at, "WEIGHTS") {
                for source in sources.iter_mut() {
                    at += 1;
                    source.weight = args.float(at).map_err(|_| CommandError::WEIGHT_NOT_FLOAT)?;
                }
            } else if combines && left >= 1 && args.is(at, "AGGREGATE") {
                at += 1;
                request.aggregate = if args.is(at, "SUM") {
                    Aggregate::Sum
                } else if args.is(at, "MIN") {
                    Aggregate::Min
                } else if args.is(at, "MAX") {
                    Aggregate::Max
                } else {
                    return Err(CommandError::SYNTAX);
                };
            } else if !kind.stores && !kind.counts && args.is(at, "WITHSCORES") {
                request.with_scores = true;
            } else if kind.counts && left >= 1 && args.is(at, "LIMIT") {
                at += 1;
                let limit = args.int(at).ok().and_then(|limit| usize::try_from(limit).ok());
                request.limit = limit.ok_or(CommandError::LIMIT_NEGATIVE)?;
            } else {
                return Err(CommandError::SYNTAX);
            }
            at += 1;
        }
        Ok(request)
    }
}

fn zunion(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    give(cx, keys, args, Kind::gives(Operation::Union))
}

fn zinter(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    give(cx, keys, args, Kind::gives(Operation::Inter))
}

fn zdiff(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    give(cx, keys, args, Kind::gives(Operation::Diff))
}

fn zunionstore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    save(cx, keys, args, Kind::stores(Operation::Union), Event::zset("zunionstore"))
}

fn zinterstore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    save(cx, keys, args, Kind::stores(Operation::Inter), Event::zset("zinterstore"))
}

fn zdiffstore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    save(cx, keys, args, Kind::stores(Operation::Diff), Event::zset("zdiffstore"))
}

/// Reads the sources; then the options, for Redis checks them in this order.
fn prepare<'s>(
    cx: &Ctx<'_>,
    keys: &'s mut LockedKeys<'_>,
    args: &Args<'_>,
    kind: Kind,
) -> Result<(Sources<'s>, Request), CommandError> {
    let at = if kind.stores { 2 } else { 1 };
    let number = number_of_keys(cx, args, at)?;
    let first = usize::from(kind.stores);
    let values = keys.read_all(&cx.keys[first..first + number])?;
    let mut sources: Sources<'s> = values.into_iter().map(Source::of).collect::<Result<_, _>>()?;
    let request = Request::parse(args, at + 1 + number, kind, &mut sources)?;
    if kind.operation != Operation::Diff {
        sources.sort_by_key(Source::len);
    }
    Ok((sources, request))
}

fn give(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, kind: Kind) -> CommandResult {
    let (hasher, _) = form(cx);
    let (sources, request) = prepare(cx, keys, args, kind)?;
    match Combined::of(kind.operation, &sources, request.aggregate, hasher) {
        Combined::Pairs(pairs) => {
            header(cx.reply, pairs.len(), request.with_scores);
            pairs.into_iter().for_each(|pair| element(cx.reply, pair, request.with_scores));
        }
        Combined::Built(builder) => {
            // Never packed, for a packed set would lose the sign of a zero.
            let set = builder.finish(Limits { entries: 0, value: 0 });
            header(cx.reply, set.len(), request.with_scores);
            set.iter().for_each(|pair| element(cx.reply, pair, request.with_scores));
        }
    }
    Ok(())
}

fn save(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, kind: Kind, event: Event) -> CommandResult {
    let (hasher, limits) = form(cx);
    let result = {
        let (sources, request) = prepare(cx, keys, args, kind)?;
        match Combined::of(kind.operation, &sources, request.aggregate, hasher) {
            Combined::Pairs(pairs) => SortedSet::of_sorted(pairs.iter().copied(), hasher, limits),
            Combined::Built(builder) => builder.finish(limits),
        }
    };
    store(cx, keys, Some(result), event);
    Ok(())
}

fn zintercard(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let kind = Kind { operation: Operation::Inter, stores: false, counts: true };
    let (sources, request) = prepare(cx, keys, args, kind)?;
    let limit = if request.limit == 0 { usize::MAX } else { request.limit };
    let mut count = 0;
    intersect(&sources, Aggregate::Sum, &mut |_| {
        count += 1;
        count < limit
    });
    cx.reply.int(count as i64);
    Ok(())
}

/// A result: in order, or yet to be put in order.
enum Combined<'a> {
    Pairs(Vec<Pair<'a>>),
    Built(Box<Builder>),
}

impl<'a> Combined<'a> {
    fn of(operation: Operation, sources: &[Source<'a>], aggregate: Aggregate, hasher: Hasher) -> Combined<'a> {
        let mut pairs = Vec::new();
        match operation {
            Operation::Union if sources.iter().map(Source::len).sum::<usize>() > SORTED_MAX => {
                return Combined::Built(Box::new(unite(sources, aggregate, hasher)));
            }
            Operation::Union => {
                pairs.extend(sources.iter().flat_map(Source::iter));
                // Equal members stay in the order of their sources.
                pairs.sort_by(|one, other| compare_members(&one.0, &other.0));
                pairs.dedup_by(|later, kept| {
                    let same = later.0 == kept.0 || compare_members(&later.0, &kept.0).is_eq();
                    if same {
                        kept.1 = aggregate.of(kept.1, later.1);
                    }
                    same
                });
            }
            Operation::Inter => intersect(sources, aggregate, &mut |pair| {
                pairs.push(pair);
                true
            }),
            Operation::Diff => subtract(sources, &mut pairs),
        }
        pairs.sort_unstable_by(|one, other| {
            let by_score = one.1.partial_cmp(&other.1).expect("scores are numbers");
            by_score.then_with(|| compare_members(&one.0, &other.0))
        });
        Combined::Pairs(pairs)
    }
}

/// Goes through the members of a source in batches, as long as `visit` says so.
fn in_batches<'a>(source: &Source<'a>, visit: &mut dyn FnMut(&[Pair<'a>]) -> bool) {
    let mut pairs = source.iter();
    let mut batch: SmallVec<[Pair<'a>; BATCH]> = SmallVec::new();
    loop {
        batch.clear();
        batch.extend(pairs.by_ref().take(BATCH));
        if batch.is_empty() || !visit(&batch) {
            return;
        }
    }
}

/// The members of all sources, large ones with their index.
fn unite(sources: &[Source<'_>], aggregate: Aggregate, hasher: Hasher) -> Builder {
    let largest = sources.iter().map(Source::len).max().unwrap_or(0);
    let mut builder = Builder::new(hasher, largest);
    for source in sources {
        in_batches(source, &mut |batch| {
            builder.upsert_batch(batch, &mut |old, score| old.map_or(score, |old| aggregate.of(old, score)));
            true
        });
    }
    builder
}

/// Calls `found` with the members that all sources have, as long as it says so. The first source is the smallest.
fn intersect<'a>(sources: &[Source<'a>], aggregate: Aggregate, found: &mut dyn FnMut(Pair<'a>) -> bool) {
    let Some((first, others)) = sources.split_first() else { return };
    in_batches(first, &mut |batch| {
        let mut scores: [Option<f64>; BATCH] = std::array::from_fn(|at| batch.get(at).map(|pair| pair.1));
        for other in others {
            for (score, theirs) in scores.iter_mut().zip(other.scores(batch)) {
                *score = score.zip(theirs).map(|(one, other)| aggregate.of(one, other));
            }
        }
        let both = batch.iter().zip(scores).filter_map(|((member, _), score)| Some((*member, score?)));
        both.into_iter().all(&mut *found)
    });
}

/// The members of the first source that no other has.
fn subtract<'a>(sources: &[Source<'a>], pairs: &mut Vec<Pair<'a>>) {
    let Some((first, others)) = sources.split_first() else { return };
    in_batches(first, &mut |batch| {
        let mut gone = [false; BATCH];
        for other in others {
            for (gone, theirs) in gone.iter_mut().zip(other.scores(batch)) {
                *gone |= theirs.is_some();
            }
        }
        pairs.extend(batch.iter().zip(gone).filter(|(_, gone)| !gone).map(|(pair, _)| *pair));
        true
    });
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;
    use base::rng::Rng;
    use std::collections::BTreeMap;

    type Model = BTreeMap<String, f64>;

    fn fill(server: &mut TestServer, key: &str, rng: &mut Rng, members: u64, universe: u64) -> Model {
        let mut model = Model::new();
        for _ in 0..members {
            let (member, score) = (format!("{}", rng.below(universe)), rng.below(50) as f64);
            server.run(&format!("ZADD {key} {score} {member}"));
            model.insert(member, score);
        }
        model
    }

    fn show(model: &Model) -> String {
        let mut pairs: Vec<_> = model.iter().collect();
        pairs.sort_by(|a, b| a.1.partial_cmp(b.1).unwrap().then_with(|| a.0.cmp(b.0)));
        pairs.iter().map(|(member, score)| format!("{member} {score} ")).collect()
    }

    fn found(server: &mut TestServer, line: &str) -> String {
        let text = server.show(line);
        let words: Vec<_> = text.lines().filter_map(|line| line.split_once(") ")).collect();
        words.iter().map(|(_, word)| format!("{} ", word.trim_matches('"'))).collect()
    }

    #[test]
    fn small_and_large_results_agree_with_maps() {
        let mut rng = Rng::seed(11);
        for (members, universe) in [(5, 10), (60, 90), (700, 1500), (1500, 1500)] {
            let mut server = TestServer::new();
            let x = fill(&mut server, "x", &mut rng, members, universe);
            let y = fill(&mut server, "y", &mut rng, members * 2, universe);
            let mut union = x.clone();
            y.iter().for_each(|(member, score)| *union.entry(member.clone()).or_default() += score * 2.0);
            let both = |(member, score): (&String, &f64)| Some((member.clone(), score.max(*y.get(member)?)));
            let inter: Model = x.iter().filter_map(both).collect();
            let only = x.iter().filter(|(member, _)| !y.contains_key(*member));
            let diff: Model = only.map(|(member, score)| (member.clone(), *score)).collect();
            assert_eq!(found(&mut server, "ZUNION 2 x y WEIGHTS 1 2 WITHSCORES"), show(&union));
            assert_eq!(found(&mut server, "ZINTER 2 x y AGGREGATE MAX WITHSCORES"), show(&inter));
            assert_eq!(found(&mut server, "ZDIFF 2 x y WITHSCORES"), show(&diff));
            assert_eq!(server.show("ZINTERCARD 2 y x"), format!("(integer) {}", inter.len()));
            server.run("ZUNIONSTORE d 2 x y WEIGHTS 1 2");
            assert_eq!(found(&mut server, "ZRANGE d 0 -1 WITHSCORES"), show(&union));
            assert_eq!(server.show("ZINTERSTORE d 2 x y AGGREGATE MAX"), format!("(integer) {}", inter.len()));
            assert_eq!(found(&mut server, "ZRANGE d 0 -1 WITHSCORES"), show(&inter));
            assert_eq!(server.show("ZDIFFSTORE d 2 x y"), format!("(integer) {}", diff.len()));
            assert_eq!(found(&mut server, "ZRANGE d 0 -1 WITHSCORES"), show(&diff));
        }
    }

    #[test]
    fn a_target_may_be_a_source_and_an_empty_result_deletes_it() {
        let mut server = TestServer::new();
        server.run("ZADD z 1 a 2 b");
        server.run("SADD s b c");
        server.events();
        assert_eq!(server.show("ZUNIONSTORE z 2 z s"), "(integer) 3");
        assert_eq!(found(&mut server, "ZRANGE z 0 -1 WITHSCORES"), "a 1 c 1 b 3 ");
        assert_eq!(server.show("ZINTERSTORE s 2 s none"), "(integer) 0");
        assert_eq!(server.show("EXISTS s"), "(integer) 0");
        assert_eq!(server.events(), ["0 overwritten z", "0 zunionstore z", "0 del s"]);
    }
}
