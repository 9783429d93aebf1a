//! What the commands share that draw elements at random: HRANDFIELD, SRANDMEMBER and ZRANDMEMBER.

use command::spec::work::counted;
use command::{Args, CommandError, Ctx};
use engine::{Key, LockedKeys};
use resp::{Mark, ReplyWriter};

/// Of so many times the wanted elements, they are drawn until enough are different; of fewer, all are walked.
pub const DRAW_FROM: usize = 3;

/// What the words behind the key ask for.
pub struct Count {
    pub number: usize,
    pub distinct: bool,
    /// Values or scores too.
    pub in_pairs: bool,
}

impl Count {
    /// Reads the count, and the word that asks for pairs.
    pub fn parse(args: &Args<'_>, pairs: &str) -> Result<Count, CommandError> {
        let number = args.int_between(2, -i64::MAX, i64::MAX)?;
        let in_pairs = args.is(3, pairs);
        if args.len() > 4 || (args.len() == 4 && !in_pairs) {
            return Err(CommandError::SYNTAX);
        }
        if in_pairs && !(-i64::MAX / 2..=i64::MAX / 2).contains(&number) {
            return Err(CommandError::OUT_OF_RANGE);
        }
        Ok(Count { number: number.unsigned_abs() as usize, distinct: number >= 0, in_pairs })
    }
}

/// How many elements the count behind the key asks for: [`command::spec::Work`] of the commands that draw.
pub fn to_draw(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let key = &located[0];
    match if args.len() > 2 { args.int(2).unwrap_or(0) } else { 0 } {
        // A negative count draws again and again, however few there are.
        repeats @ ..0 if keys.elements(key) > 0 => usize::try_from(repeats.unsigned_abs()).unwrap_or(usize::MAX),
        count => counted(usize::try_from(count).unwrap_or(0), keys, key),
    }
}

/// Bytes of the shortest element in a reply: its length line and two line ends.
const ELEMENT_BYTES_MIN: u64 = 6;

/// Room for the reply of a client that asks for a few elements a billion times: it must not take all memory.
pub struct Room {
    output_limit: usize,
    start: Mark,
    bytes_max: u64,
}

impl Room {
    /// Room for `elements`, if there is a chance that they fit.
    pub fn of(cx: &Ctx<'_>, elements: usize) -> Result<Room, CommandError> {
        let bytes_max = cx.server.tunables.limits.proto_max_bulk_len.get();
        let fits = (elements as u64).saturating_mul(ELEMENT_BYTES_MIN) <= bytes_max;
        let output_limit = cx.worker.output_limit(&cx.session.info);
        if fits || output_limit != usize::MAX {
            return Ok(Room { output_limit, start: cx.reply.out.mark(), bytes_max });
        }
        Err(CommandError::REPLY_TOO_LONG)
    }

    /// Whether there is room for more. There is none, and no error, for a client that is closed for its replies'
    /// length.
    pub fn is_left(&self, reply: &ReplyWriter) -> Result<bool, CommandError> {
        if reply.out.len_since(self.start) as u64 > self.bytes_max {
            return Err(CommandError::REPLY_TOO_LONG);
        }
        Ok(reply.out.len() < self.output_limit)
    }
}

/// Gives `wanted` of the `len` elements that are walked, at most all: each is taken with the chance that is just right
/// for those still wanted of those still to come.
pub fn sample<T>(
    elements: impl Iterator<Item = T>,
    len: usize,
    wanted: usize,
    draw: &mut dyn FnMut() -> u64,
    mut give: impl FnMut(T),
) {
    let (mut wanted, mut left) = (wanted as u64, len as u64);
    for element in elements {
        if wanted > 0 && (wanted == left || draw() % left < wanted) {
            give(element);
            wanted -= 1;
        }
        left -= 1;
    }
}
