//! Ids as clients write them: `ms-seq`, `ms` alone, the ends `-` and `+`, and `(` before an end that is not included.

use command::{Args, CommandError};
use value::stream::StreamId;

/// The longest id that is read.
const LEN_MAX: usize = 127;

/// A number as C reads it where it is no plain one: behind spaces and a sign, with zeros in front, and below 0 counted
/// from the end.
fn number(text: &[u8]) -> Option<u64> {
    if let Some(number) = base::num::parse_i64(text) {
        return u64::try_from(number).ok();
    }
    let space = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'\x0b';
    let text = &text[text.iter().take_while(|byte| space(byte)).count()..];
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })?;
    Some(if negative { number.wrapping_neg() } else { number })
}

/// An id in two parts, of which the second may be missing. It ends at the first NUL, as C text does.
fn parts(word: &[u8]) -> Result<(u64, Option<&[u8]>), CommandError> {
    if word.len() > LEN_MAX {
        return Err(CommandError::STREAM_ID);
    }
    let text = word.split(|&byte| byte == 0).next().unwrap_or_default();
    let (ms, seq) = match text.iter().position(|&byte| byte == b'-') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    Ok((number(ms).ok_or(CommandError::STREAM_ID)?, seq))
}

/// An id; where it has one number only, the other is `seq`.
pub(super) fn exact(word: &[u8], seq: u64) -> Result<StreamId, CommandError> {
    let (ms, given) = parts(word)?;
    let seq = given.map_or(Some(seq), number).ok_or(CommandError::STREAM_ID)?;
    Ok(StreamId { ms, seq })
}

/// An id, or `-` or `+` for the lowest and the highest.
pub(super) fn any(word: &[u8], seq: u64) -> Result<StreamId, CommandError> {
    match word {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        word => exact(word, seq),
    }
}

/// All words from `at` on as ids.
pub(super) fn all(args: &Args<'_>, at: usize) -> Result<Vec<StreamId>, CommandError> {
    args.from(at).map(|word| exact(word, 0)).collect()
}

/// The start of a range, which is included unless a `(` is before it.
pub(super) fn start(word: &[u8]) -> Result<StreamId, CommandError> {
    match word {
        [b'(', id @ ..] => exact(id, 0)?.next().ok_or(CommandError::INTERVAL_START),
        word => any(word, 0),
    }
}

/// The end of a range.
pub(super) fn end(word: &[u8]) -> Result<StreamId, CommandError> {
    match word {
        [b'(', id @ ..] => exact(id, u64::MAX)?.previous().ok_or(CommandError::INTERVAL_END),
        word => any(word, u64::MAX),
    }
}

/// The id that an entry is to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewId {
    /// `*`: by the clock.
    Auto,
    /// `ms-*`: the next in this millisecond.
    AutoSeq(u64),
    Given(StreamId),
}

impl NewId {
    pub fn parse(word: &[u8]) -> Result<NewId, CommandError> {
        if word == b"*" {
            return Ok(NewId::Auto);
        }
        match parts(word)? {
            (ms, Some(b"*")) => Ok(NewId::AutoSeq(ms)),
            _ => exact(word, 0).map(NewId::Given),
        }
    }

    /// The id for a stream whose last one is this.
    pub fn resolve(self, last: StreamId, now_ms: u64) -> Result<StreamId, CommandError> {
        if last == StreamId::MAX {
            return Err(CommandError::XADD_EXHAUSTED);
        }
        let id = match self {
            NewId::Auto if now_ms > last.ms => Some(StreamId::new(now_ms, 0)),
            NewId::Auto => last.next(),
            NewId::AutoSeq(ms) if ms == last.ms => last.seq.checked_add(1).map(|seq| StreamId { ms, seq }),
            NewId::AutoSeq(ms) => Some(StreamId::new(ms, 0)),
            NewId::Given(id) => Some(id),
        };
        id.filter(|&id| id > last).ok_or(CommandError::XADD_NOT_ABOVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_c_reads_numbers() {
        let id = |ms, seq| Ok(StreamId::new(ms, seq));
        for (word, wanted) in [
            (&b"7"[..], id(7, 3)),
            (b"7-9", id(7, 9)),
            (b"18446744073709551615-0", id(u64::MAX, 0)),
            (b"+5-+6", id(5, 6)),
            (b" 5", id(5, 3)),
            (b"\x0b05-007", id(5, 7)),
            (b"1--01", id(1, u64::MAX)),
            (b"5\x00-9", id(5, 3)),
        ] {
            assert_eq!(exact(word, 3), wanted, "{word:?}");
        }
        let refused: [&[u8]; 16] = [
            b"",
            b"-",
            b"+",
            b"x",
            b"1x",
            b"1-",
            b"-1",
            b"1--1",
            b"1-1-1",
            b"1 ",
            b"0x10",
            b"*",
            b"1-*",
            b"(1",
            b"++1",
            b"18446744073709551616",
        ];
        assert!(refused.iter().all(|word| exact(word, 0).is_err()));
        assert!(exact(&[b'0'; 128], 0).is_err() && exact(&[b'0'; 127], 0).is_ok());
    }

    #[test]
    fn ranges_exclude_what_is_behind_a_parenthesis() {
        assert_eq!(start(b"(1"), Ok(StreamId::new(1, 1)));
        assert_eq!(end(b"(1"), Ok(StreamId::new(1, u64::MAX - 1)));
        assert_eq!((start(b"-"), end(b"+")), (Ok(StreamId::MIN), Ok(StreamId::MAX)));
        assert_eq!(end(b"(0-0"), Err(CommandError::INTERVAL_END));
        assert!(start(b"(-").is_err() && end(b"(+").is_err() && start(b"(").is_err());
    }

    #[test]
    fn new_ids_are_above_the_last() {
        let last = StreamId::new(5, 7);
        let resolve = |word: &[u8], now_ms| NewId::parse(word).and_then(|id| id.resolve(last, now_ms));
        assert_eq!(resolve(b"*", 6), Ok(StreamId::new(6, 0)));
        assert_eq!(resolve(b"*", 4), Ok(StreamId::new(5, 8)));
        assert_eq!(resolve(b"5-*", 0), Ok(StreamId::new(5, 8)));
        assert_eq!(resolve(b"9-*", 0), Ok(StreamId::new(9, 0)));
        assert_eq!(resolve(b"4-*", 0), Err(CommandError::XADD_NOT_ABOVE));
        assert_eq!(resolve(b"5-7", 0), Err(CommandError::XADD_NOT_ABOVE));
        assert_eq!(NewId::AutoSeq(5).resolve(StreamId::new(5, u64::MAX), 0), Err(CommandError::XADD_NOT_ABOVE));
        assert_eq!(NewId::Auto.resolve(StreamId::MAX, 0), Err(CommandError::XADD_EXHAUSTED));
    }
}
