//! Matching the rest of a glob pattern, from a star on, without trying every place in the text.
//!
//! Between two stars stands a *piece*, whose elements take one byte each. The first place at which a piece fits is as
//! good as any other, for it leaves the most text to the pieces behind it; and the last piece must fit at the end of
//! the text. So each piece is searched for once:
//!
//! - One of plain bytes, by substring search, in linear time.
//! - One with `?` or classes, by following all places at which it may have begun at once, one bit each (the method is
//!   known as Shift-And). That is a 64th of the product of both lengths. Where even that is too much, the piece is not
//!   found: a pattern of many thousand such elements, on a text of millions of bytes.

use super::{MAX_STARS, fold, for_each_range, match_one, stars_len};
use memchr::memmem;

/// Words of 64 bits that a search with wildcards may go through: about half a second.
const STEPS_MAX: usize = 1 << 29;

/// Whether all of `text`, or an end of it, matches `pattern`. Behind `stars` of them in the whole pattern, it begins
/// with something else, and is not empty.
pub(super) fn match_behind_star(pattern: &[u8], text: &[u8], ignore_case: bool, mut stars: usize) -> bool {
    let folded;
    let (mut pattern, mut text) = (pattern, text);
    if ignore_case {
        // What is folded already stays so: only plain pieces need it.
        folded = text.to_ascii_lowercase();
        text = &folded;
    }
    loop {
        let piece = Piece::parse(pattern, ignore_case);
        let rest = &pattern[piece.len..];
        if rest.is_empty() {
            return text.len() >= piece.elements && fits_at(pattern, &text[text.len() - piece.elements..], ignore_case);
        }
        let Some(at) = piece.find(pattern, text, ignore_case) else {
            return false;
        };
        text = &text[at + piece.elements..];
        pattern = &rest[stars_len(rest)..];
        if pattern.is_empty() {
            return true;
        }
        stars += 1;
        if stars > MAX_STARS {
            return false;
        }
    }
}

/// Whether a piece fits at the beginning of `text`, which is long enough.
fn fits_at(piece: &[u8], text: &[u8], ignore_case: bool) -> bool {
    let mut at = 0;
    text.iter().all(|&byte| {
        let (matched, len) = match_one(&piece[at..], byte, ignore_case);
        at += len;
        matched
    })
}

/// What stands in front of the next star.
struct Piece {
    /// Bytes of the pattern.
    len: usize,
    elements: usize,
    /// The bytes that it takes, folded where case is ignored; `None` where there is a choice.
    plain: Option<Vec<u8>>,
}

impl Piece {
    fn parse(pattern: &[u8], ignore_case: bool) -> Piece {
        let (mut len, mut elements) = (0, 0);
        let mut plain = Some(Vec::new());
        loop {
            let byte = match &pattern[len..] {
                [] | [b'*', ..] => return Piece { len, elements, plain },
                [b'?', ..] => {
                    len += 1;
                    None
                }
                [b'[', class @ ..] => {
                    len += 1 + for_each_range(class, ignore_case, |_, _| {}).1;
                    None
                }
                [b'\\', escaped, ..] => {
                    len += 2;
                    Some(*escaped)
                }
                [byte, ..] => {
                    len += 1;
                    Some(*byte)
                }
            };
            elements += 1;
            match (byte, &mut plain) {
                (Some(byte), Some(plain)) => plain.push(fold(byte, ignore_case)),
                (Some(_), None) => {}
                (None, _) => plain = None,
            }
        }
    }

    /// Where the piece, with which `pattern` begins, fits first.
    fn find(&self, pattern: &[u8], text: &[u8], ignore_case: bool) -> Option<usize> {
        if text.len() < self.elements {
            return None;
        }
        match &self.plain {
            Some(plain) => memmem::find(text, plain),
            None => self.find_with_choices(&pattern[..self.len], text, ignore_case),
        }
    }

    fn find_with_choices(&self, piece: &[u8], text: &[u8], ignore_case: bool) -> Option<usize> {
        let words = self.elements.div_ceil(64);
        if words.saturating_mul(text.len() + 256) > STEPS_MAX {
            return None;
        }
        let takers = takers(piece, words, ignore_case);
        let last = 1 << ((self.elements - 1) % 64);
        // Bit i: the elements up to number i fit the bytes before this place.
        let mut state = vec![0u64; words];
        for (at, &byte) in text.iter().enumerate() {
            let mut carry = 1;
            for (bits, taker) in state.iter_mut().zip(&takers[usize::from(byte) * words..]) {
                let next = (*bits << 1 | carry) & taker;
                carry = *bits >> 63;
                *bits = next;
            }
            if state[words - 1] & last != 0 {
                return Some(at + 1 - self.elements);
            }
        }
        None
    }
}

/// For each byte, as so many words, which elements of a piece take it.
fn takers(piece: &[u8], words: usize, ignore_case: bool) -> Vec<u64> {
    let mut takers = vec![0u64; 256 * words];
    let (mut at, mut element) = (0, 0);
    while at < piece.len() {
        let (word, bit) = (element / 64, 1 << (element % 64));
        let mut add = |byte: u8| takers[usize::from(byte) * words + word] |= bit;
        let len = match &piece[at..] {
            [b'?', ..] => {
                (0..=u8::MAX).for_each(add);
                1
            }
            [b'[', class @ ..] => {
                let mut listed = [false; 256];
                let (negated, len) = for_each_range(class, ignore_case, |first, last| {
                    listed[usize::from(first)..=usize::from(last)].fill(true);
                });
                (0..=u8::MAX).filter(|&byte| listed[usize::from(byte)] != negated).for_each(add);
                1 + len
            }
            [b'\\', escaped, ..] => {
                add(fold(*escaped, ignore_case));
                2
            }
            [byte, ..] => {
                add(fold(*byte, ignore_case));
                1
            }
            [] => unreachable!("not at the end"),
        };
        at += len;
        element += 1;
    }
    takers
}
