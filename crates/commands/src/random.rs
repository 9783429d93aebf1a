//! What the commands share that draw elements at random: HRANDFIELD and ZRANDMEMBER.

use command::{Args, CommandError};

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

/// Gives `wanted` of the `len` elements that are walked, at most all: each is taken with the chance that is just right for those
/// still wanted of those still to come.
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
