//! XADD: adding an entry.

use super::id::NewId;
use super::limits;
use super::trim::{CONDITION, Options, TRIM, TRIMMED, log_rewritten};
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, block, key, one_of, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Slot};
use value::Stream;
use value::stream::{BLOCK_BYTES_MAX, StreamId};

const ADDED: Event = Event::stream("xadd");

/// The most fields of an entry: each takes some bytes besides its own.
const FIELDS_MAX: usize = BLOCK_BYTES_MAX / 32;

pub static XADD: CommandSpec = CommandSpec {
    name: "XADD",
    group: Group::Stream,
    since: "5.0.0",
    summary: "Adds an entry to a stream, which is created if need be.",
    complexity: "O(1), and O(N) for trimming, N being the number of entries that are deleted",
    arity: -5,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE))
        .notes("UPDATE instead of INSERT because of the optional trimming feature")],
    args: &[
        key("key"),
        token("nomkstream", "NOMKSTREAM").optional().since("6.2.0"),
        CONDITION,
        TRIM,
        one_of("id-selector", &[token("auto-id", "*"), string("id")]),
        block("data", &[string("field"), string("value")]).multiple(),
    ],
    history: &[
        ("6.2.0", "The option `NOMKSTREAM`, the strategy `MINID` and the option `LIMIT`."),
        ("7.0.0", "Ids of the form `<ms>-*`."),
        ("8.2.0", "The options `KEEPREF`, `DELREF` and `ACKED`."),
    ],
    tips: &["nondeterministic_output"],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(xadd),
    ..CommandSpec::DEFAULT
};

/// What is to be added, and what becomes of older entries.
struct Addition<'a> {
    id: NewId,
    id_at: usize,
    args: Args<'a>,
    options: Options,
}

impl<'a> Addition<'a> {
    fn parse(cx: &Ctx<'_>, args: &Args<'a>) -> Result<Addition<'a>, CommandError> {
        let (mut options, id_at) = Options::parse(args, true)?;
        let arity = || CommandError::wrong_arity(cx.name());
        let id = NewId::parse(args.get(id_at).ok_or_else(arity)?)?;
        options.complete(cx)?;
        let words = args.len() - id_at - 1;
        if words < 2 || words % 2 == 1 {
            return Err(arity());
        }
        if id == NewId::Given(StreamId::MIN) {
            return Err(CommandError::XADD_ZERO);
        }
        Ok(Addition { id, id_at, args: *args, options })
    }

    fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
        let args = self.args;
        (self.id_at + 1..args.len()).step_by(2).map(move |at| (args.word(at), args.word(at + 1)))
    }

    fn is_too_large(&self) -> bool {
        let bytes: usize = self.fields().map(|(name, value)| name.len() + value.len()).sum();
        bytes > BLOCK_BYTES_MAX || self.args.len() / 2 > FIELDS_MAX
    }

    /// Adds the entry, and trims; returns its id and how many entries went.
    fn apply(&self, cx: &Ctx<'_>, stream: &mut Stream) -> Result<(StreamId, usize), CommandError> {
        let id = self.id.resolve(stream.last_id(), cx.now().unix_ms as u64)?;
        if self.is_too_large() {
            return Err(CommandError::XADD_TOO_LARGE);
        }
        stream.append(id, self.fields(), &limits(cx));
        Ok((id, self.options.trim(stream)))
    }

    /// The words that are logged in place of others, with their numbers.
    fn rewritten(&self, stream: &Stream, id: StreamId) -> Vec<(usize, Vec<u8>)> {
        let mut rewritten = self.options.rewritten(stream);
        if !matches!(self.id, NewId::Given(_)) {
            rewritten.push((self.id_at, id.to_string().into_bytes()));
        }
        rewritten
    }
}

fn xadd(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let addition = Addition::parse(cx, args)?;
    let id = match keys.slot(&cx.key(0)) {
        Slot::Occupied(occupied) => occupied.update::<Stream, _>(|stream, update| {
            let (id, trimmed) = addition.apply(cx, stream)?;
            update.changed(1, ADDED);
            if trimmed > 0 {
                update.changed(0, TRIMMED);
            }
            if update.is_logged() {
                log_rewritten(update.log(), args, &addition.rewritten(stream, id));
            }
            Ok::<_, CommandError>(id)
        })??,
        Slot::Vacant(_) if addition.options.no_make => {
            cx.reply.null();
            return Ok(());
        }
        Slot::Vacant(vacant) => {
            let mut stream = Stream::new();
            let (id, trimmed) = addition.apply(cx, &mut stream)?;
            let rewritten = addition.rewritten(&stream, id);
            let mut occupied = vacant.create(stream, 1, ADDED);
            if trimmed > 0 {
                occupied.fire(TRIMMED);
            }
            log_rewritten(occupied.log(), args, &rewritten);
            id
        }
    };
    super::reply_id(cx.reply, id);
    Ok(())
}
