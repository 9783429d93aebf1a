//! XTRIM, and what XADD has of it: the options of trimming, and how what was trimmed is logged.
//!
//! Trimming about a number removes whole blocks only, so what is logged is what came of it, as an exact number or id: a
//! replica may have other blocks.

use super::id;
use command::spec::work::{LONG_ELEMENTS, Work};
use command::spec::{ArgSpec, Flags, Group, KeyFlags, KeySpec, Run, Shape, block, integer, key, one_of, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, Key, LockedKeys, Log, Slot};
use value::Stream;
use value::stream::{Keep, References, StreamId};

pub(super) const TRIMMED: Event = Event::stream("xtrim");

/// Entries that go with their block in the time that others need for one.
const AT_ONCE: usize = 20;

const STRATEGY: ArgSpec = one_of("strategy", &[token("maxlen", "MAXLEN"), token("minid", "MINID").since("6.2.0")]);
const OPERATOR: ArgSpec = one_of("operator", &[token("equal", "="), token("approximately", "~")]).optional();
const LIMIT: ArgSpec = integer("count").token("LIMIT").optional().since("6.2.0");

/// What becomes of the references of entries that go.
pub(super) const CONDITION: ArgSpec =
    one_of("condition", &[token("keepref", "KEEPREF"), token("delref", "DELREF"), token("acked", "ACKED")]).optional();

/// How XADD names its trimming.
pub(super) const TRIM: ArgSpec = block("trim", &[STRATEGY, OPERATOR, string("threshold"), LIMIT]).optional();

pub static XTRIM: CommandSpec = CommandSpec {
    name: "XTRIM",
    group: Group::Stream,
    since: "5.0.0",
    summary: "Deletes entries from the front of a stream.",
    complexity: "O(N), N being the number of entries that are deleted, most of them a block at a time",
    arity: -4,
    flags: Flags::WRITE,
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    args: &[key("key"), block("trim", &[STRATEGY, OPERATOR, string("threshold"), LIMIT, CONDITION])],
    history: &[
        ("6.2.0", "The strategy `MINID` and the option `LIMIT`."),
        ("8.2.0", "The options `KEEPREF`, `DELREF` and `ACKED`."),
    ],
    tips: &["nondeterministic_output"],
    reply: Shape::INTEGER,
    run: Run::Keyed(xtrim),
    work: Work::Told(to_trim),
    ..CommandSpec::DEFAULT
};

/// The word that names what becomes of references, if it is one.
pub(super) fn references(args: &Args<'_>, at: usize) -> Option<References> {
    [("KEEPREF", References::Keep), ("DELREF", References::Delete), ("ACKED", References::Acknowledged)]
        .into_iter()
        .find_map(|(word, references)| args.is(at, word).then_some(references))
}

/// The options of XTRIM, or those of XADD before its id.
#[derive(Debug, Default)]
pub(super) struct Options {
    keep: Option<Keep>,
    about: bool,
    /// The word that says what is kept; the one before it may be the `~`.
    threshold: usize,
    limit: Option<usize>,
    references: Option<References>,
    /// Whether there must be a stream already.
    pub no_make: bool,
}

impl Options {
    /// Reads options from word 2 on, up to the first word that is none; returns its place.
    pub fn parse(args: &Args<'_>, for_xadd: bool) -> Result<(Options, usize), CommandError> {
        let mut options = Options::default();
        let mut at = 2;
        while at < args.len() {
            let has_value = at + 1 < args.len();
            if has_value && (args.is(at, "MAXLEN") || args.is(at, "MINID")) {
                at = options.strategy(args, at)?;
            } else if has_value && args.is(at, "LIMIT") {
                let limit = args.int(at + 1)?;
                options.limit = Some(usize::try_from(limit).map_err(|_| CommandError::TRIM_LIMIT)?);
                at += 2;
            } else if for_xadd && args.is(at, "NOMKSTREAM") {
                options.no_make = true;
                at += 1;
            } else if options.references.is_none() && references(args, at).is_some() {
                options.references = references(args, at);
                at += 1;
            } else {
                break;
            }
        }
        Ok((options, at))
    }

    fn strategy(&mut self, args: &Args<'_>, at: usize) -> Result<usize, CommandError> {
        if self.keep.is_some() {
            return Err(CommandError::TRIM_TWICE);
        }
        let mut threshold = at + 1;
        if threshold + 1 < args.len() && matches!(args.word(threshold), b"~" | b"=") {
            self.about = args.word(threshold) == b"~";
            threshold += 1;
        }
        self.threshold = threshold;
        self.keep = Some(if args.is(at, "MAXLEN") {
            Keep::Last(usize::try_from(args.int(threshold)?).map_err(|_| CommandError::TRIM_MAXLEN)?)
        } else {
            Keep::From(id::exact(args.word(threshold), 0)?)
        });
        Ok(threshold + 1)
    }

    /// Refuses what does not go together, and completes what is left out.
    pub fn complete(&mut self, cx: &Ctx<'_>) -> Result<(), CommandError> {
        match (self.limit, self.keep) {
            (Some(_), None) => return Err(CommandError::TRIM_LIMIT_ALONE),
            (Some(_), Some(_)) if !self.about => return Err(CommandError::TRIM_LIMIT_EXACT),
            (Some(0), _) => self.limit = Some(usize::MAX),
            (Some(_), _) => {}
            (None, _) => {
                let entries = cx.server.tunables.encoding.stream_node_max_entries.get();
                let most = entries.saturating_mul(100).min(1_000_000);
                self.limit = Some(if most > 0 { most as usize } else { 10_000 });
            }
        }
        Ok(())
    }

    /// Trims a stream; returns how many entries that deleted.
    pub fn trim(&self, stream: &mut Stream) -> usize {
        let Some(keep) = self.keep else { return 0 };
        let references = self.references.unwrap_or(References::Keep);
        if self.about {
            stream.trim_about(keep, self.limit.unwrap_or(usize::MAX), references)
        } else {
            stream.trim(keep, references)
        }
    }

    /// Words that are to be logged in place of others, with their numbers: what came of trimming about something.
    pub fn rewritten(&self, stream: &Stream) -> Vec<(usize, Vec<u8>)> {
        let Some(keep) = self.keep.filter(|_| self.about) else { return Vec::new() };
        let kept = match keep {
            Keep::Last(_) => stream.len().to_string(),
            Keep::From(_) => stream.entries().first().map_or(StreamId::MAX, |first| first.id).to_string(),
        };
        vec![(self.threshold - 1, b"=".to_vec()), (self.threshold, kept.into_bytes())]
    }
}

/// Logs the command with some of its words replaced, if there are any.
pub(super) fn log_rewritten(mut log: Log<'_>, args: &Args<'_>, rewritten: &[(usize, Vec<u8>)]) {
    if rewritten.is_empty() {
        return;
    }
    let mut words: Vec<&[u8]> = args.from(0).collect();
    for (at, word) in rewritten {
        words[*at] = word;
    }
    log.write(&words);
}

/// The entries that XTRIM will delete, as work.
fn to_trim(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let Some(stream) = keys.peek_large::<Stream>(&located[0]) else { return 0 };
    let Ok((options, _)) = Options::parse(args, false) else { return 0 };
    let entries = match options.keep {
        Some(Keep::Last(count)) => stream.len().saturating_sub(count),
        Some(Keep::From(id)) => match id.previous() {
            Some(last) => stream.entries().count_about(StreamId::MIN, last, LONG_ELEMENTS * AT_ONCE),
            None => 0,
        },
        None => 0,
    };
    match options.references {
        Some(References::Delete | References::Acknowledged) => entries * (1 + stream.groups().len()),
        Some(References::Keep) | None => entries / AT_ONCE,
    }
}

fn xtrim(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (mut options, end) = Options::parse(args, false)?;
    if end < args.len() {
        return Err(CommandError::SYNTAX);
    }
    options.complete(cx)?;
    let deleted = match keys.slot(&cx.key(0)) {
        Slot::Vacant(_) => 0,
        Slot::Occupied(occupied) => occupied.update::<Stream, _>(|stream, update| {
            let deleted = options.trim(stream);
            if deleted > 0 {
                update.changed(deleted as u64, TRIMMED);
                if update.is_logged() {
                    log_rewritten(update.log(), args, &options.rewritten(stream));
                }
            }
            deleted
        })?,
    };
    cx.reply.int(deleted as i64);
    Ok(())
}
