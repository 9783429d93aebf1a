//! Putting members in and changing their scores: ZADD, ZINCRBY.
//!
//! Everything is checked before anything is changed: a score that is no number leaves the sorted set as it was.

use super::{form, reply_score};
use command::spec::Work;
use command::spec::{
    Elements, Flags, Group, KeyFlags, KeySpec, Place, Run, Shape, block, double, integer, key, one_of, string, token,
};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Slot};
use smallvec::SmallVec;
use structures::hash::Hasher;
use structures::ranked::Change;
use value::SortedSet;
use value::sorted_set::Limits;

const ZADD_EVENT: Event = Event::zset("zadd");
const ZINCR_EVENT: Event = Event::zset("zincr");

pub static ZADD: CommandSpec = CommandSpec {
    name: "ZADD",
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Puts members with their scores into a sorted set, or gives members other scores.",
    complexity: "O(log N) for each member, with the size of the sorted set",
    arity: -4,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE))],
    elements: Some(Elements::every(3, 2).place(Place::Score)),
    args: &[
        key("key"),
        one_of("condition", &[token("nx", "NX"), token("xx", "XX")]).optional().since("3.0.2"),
        one_of("comparison", &[token("gt", "GT"), token("lt", "LT")]).optional().since("6.2.0"),
        token("change", "CH").optional().since("3.0.2"),
        token("increment", "INCR").optional().since("3.0.2"),
        block("data", &[double("score"), string("member")]).multiple(),
    ],
    history: &[
        ("2.4.0", "Takes several members."),
        ("3.0.2", "Takes the options `XX`, `NX`, `CH` and `INCR`."),
        ("6.2.0", "Takes the options `GT` and `LT`."),
    ],
    reply: Shape::INTEGER.or(Shape::DOUBLE).or(Shape::NULL),
    run: Run::Keyed(zadd),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

pub static ZINCRBY: CommandSpec = CommandSpec {
    name: "ZINCRBY",
    group: Group::SortedSet,
    since: "1.2.0",
    summary: "Adds to the score of a member, which is put in if it is not there.",
    complexity: "O(log N), with the size of the sorted set",
    arity: 4,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))],
    elements: Some(Elements::at(3).place(Place::Rise)),
    args: &[key("key"), integer("increment"), string("member")],
    reply: Shape::DOUBLE,
    run: Run::Keyed(zincrby),
    ..CommandSpec::DEFAULT
};

/// The options of ZADD.
#[derive(Clone, Copy, Default)]
struct Options {
    /// Only new members.
    nx: bool,
    /// Only members that are there.
    xx: bool,
    /// Members that are there get greater scores only.
    gt: bool,
    /// The same, lower scores only.
    lt: bool,
    /// The reply counts updates too.
    ch: bool,
    incr: bool,
}

impl Options {
    /// Reads the options; returns the place of the first score.
    fn parse(args: &Args<'_>) -> Result<(Options, usize), CommandError> {
        let mut options = Options::default();
        let mut at = 2;
        while at < args.len() {
            let option = match args.word(at).len() {
                2 if args.is(at, "NX") => &mut options.nx,
                2 if args.is(at, "XX") => &mut options.xx,
                2 if args.is(at, "GT") => &mut options.gt,
                2 if args.is(at, "LT") => &mut options.lt,
                2 if args.is(at, "CH") => &mut options.ch,
                4 if args.is(at, "INCR") => &mut options.incr,
                _ => break,
            };
            *option = true;
            at += 1;
        }
        let words = args.len() - at;
        if words == 0 || words % 2 == 1 {
            return Err(CommandError::SYNTAX);
        }
        if options.nx && options.xx {
            return Err(CommandError::ZADD_NX_XX);
        }
        if (options.gt && (options.nx || options.lt)) || (options.lt && options.nx) {
            return Err(CommandError::ZADD_GT_LT_NX);
        }
        if options.incr && words > 2 {
            return Err(CommandError::ZADD_INCR_PAIRS);
        }
        Ok((options, at))
    }

    /// The score for a member that has the score `old`; none to leave it.
    #[inline]
    fn decide(&self, old: Option<f64>, score: f64) -> Option<f64> {
        let Some(old) = old else { return (!self.xx).then_some(score) };
        let score = if self.incr { old + score } else { score };
        let left = self.nx || (self.gt && score <= old) || (self.lt && score >= old);
        (!left).then_some(score)
    }
}

/// Members and their scores.
pub(crate) type Pairs<'a> = SmallVec<[(f64, &'a [u8]); 1]>;

/// What adding did.
#[derive(Default)]
struct Outcome {
    added: u64,
    updated: u64,
    /// The score of the last member, if it was not left.
    score: Option<f64>,
}

impl Outcome {
    /// Adds all pairs; an increment that gives no number adds nothing.
    #[inline]
    fn of(
        set: &mut SortedSet,
        form: (Hasher, Limits),
        options: Options,
        pairs: &Pairs<'_>,
    ) -> Result<Outcome, CommandError> {
        let mut outcome = Outcome::default();
        for &(score, member) in pairs {
            let mut decided = None;
            let change = set.upsert(form, member, |old| {
                decided = options.decide(old, score);
                decided.filter(|score| !score.is_nan())
            });
            if decided.is_some_and(f64::is_nan) {
                return Err(CommandError::SCORE_NAN);
            }
            outcome.score = decided;
            match change {
                Change::Inserted => outcome.added += 1,
                Change::Updated(_) => outcome.updated += 1,
                Change::Same => {}
            }
        }
        Ok(outcome)
    }
}

fn zadd(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (options, first) = Options::parse(args)?;
    let mut pairs = Pairs::new();
    for at in (first..args.len()).step_by(2) {
        pairs.push((args.float(at)?, args.word(at + 1)));
    }
    add(cx, keys, options, &pairs)
}

fn zincrby(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    // The words are those of ZADD: an option in place of the increment is one, and then a word is missing.
    let (options, first) = Options::parse(args)?;
    let mut pairs = Pairs::new();
    pairs.push((args.float(first)?, args.word(first + 1)));
    add(cx, keys, Options { incr: true, ..options }, &pairs)
}

/// Adds scores as ZADD with these options (NX, XX, CH) does, for GEOADD.
pub(crate) fn add_scores(
    cx: &mut Ctx<'_>,
    keys: &mut LockedKeys<'_>,
    (nx, xx, ch): (bool, bool, bool),
    pairs: Pairs<'_>,
) -> CommandResult {
    add(cx, keys, Options { nx, xx, ch, ..Options::default() }, &pairs)
}

fn add(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, options: Options, pairs: &Pairs<'_>) -> CommandResult {
    let form = form(cx);
    let event = if options.incr { ZINCR_EVENT } else { ZADD_EVENT };
    let outcome = match keys.slot(&cx.key(0)) {
        Slot::Occupied(mut occupied) => {
            occupied.note_use();
            occupied.update::<SortedSet, _>(|set, update| {
                set.expect(form, pairs.len());
                let outcome = Outcome::of(set, form, options, pairs)?;
                if outcome.added + outcome.updated > 0 {
                    update.changed(outcome.added + outcome.updated, event);
                }
                Ok::<_, CommandError>(outcome)
            })??
        }
        Slot::Vacant(_) if options.xx => Outcome::default(),
        Slot::Vacant(vacant) => {
            // As in Redis, the number of pairs and the first member choose the form to begin with.
            let first = pairs.first().map_or(0, |(_, member)| member.len());
            let mut set = SortedSet::new(form.0, form.1, pairs.len(), first);
            let outcome = Outcome::of(&mut set, form, options, pairs)?;
            vacant.create(set, outcome.added + outcome.updated, event);
            outcome
        }
    };
    match outcome.score {
        _ if !options.incr => {
            let changed = if options.ch { outcome.added + outcome.updated } else { outcome.added };
            cx.reply.int(changed as i64);
        }
        Some(score) => reply_score(cx.reply, score),
        None => cx.reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn only_what_changed_is_announced() {
        let mut server = TestServer::new();
        assert_eq!(server.show("ZADD z 1 a 2 b"), "(integer) 2");
        assert_eq!(server.events(), ["0 new z", "0 zadd z"]);
        assert_eq!(server.journal(), ["0 ZADD z 1 a 2 b"]);
        for line in ["ZADD z 1 a", "ZADD z XX 1 c", "ZADD z NX 5 a", "ZADD z GT CH 0 a", "ZADD new XX 1 a"] {
            assert_eq!(server.show(line), "(integer) 0", "{line}");
        }
        assert_eq!(server.show("ZADD z NX INCR 5 a"), "(nil)");
        assert_eq!(server.show("ZINCRBY z 0 a"), "\"1\"");
        assert!(server.events().is_empty() && server.journal().is_empty());
        assert_eq!(server.show("ZINCRBY z 1.5 a"), "\"2.5\"");
        assert_eq!(server.events(), ["0 zincr z"]);
    }

    #[test]
    fn a_score_that_is_none_changes_nothing() {
        let mut server = TestServer::new();
        assert!(server.show("ZADD z 1 a nan b").contains("not a valid float"));
        server.run("ZADD z inf a");
        server.journal();
        assert!(server.show("ZINCRBY z -inf a").contains("resulting score is not a number"));
        assert_eq!(server.show("ZSCORE z a"), "\"inf\"");
        assert_eq!(server.show("ZCARD z"), "(integer) 1");
        assert!(server.journal().is_empty());
    }

    #[test]
    fn a_sorted_set_grows_out_of_its_small_form() {
        let mut server = TestServer::new();
        for number in 0..500 {
            server.run(&format!("ZADD z {} m{number}", number * 7919 % 500));
            let encoding = if number < 128 { "\"listpack\"" } else { "\"skiplist\"" };
            assert_eq!(server.show("OBJECT ENCODING z"), encoding);
        }
        for number in (0..500).step_by(7) {
            let rank = number * 7919 % 500;
            assert_eq!(server.show(&format!("ZRANK z m{number}")), format!("(integer) {rank}"));
            assert_eq!(server.show(&format!("ZREVRANK z m{number}")), format!("(integer) {}", 499 - rank));
        }
    }
}
