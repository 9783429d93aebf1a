//! LZF: the compression of strings in RDB files. Fast rather than strong; the format is Marc Lehmann's.
//!
//! ```text
//! first byte   layout                      what
//! 0x00..=0x1f  [n] n + 1 bytes             these bytes
//! 0x20..=0xdf  [l d] [d]                   l + 2 bytes again, from d + 1 bytes back
//! 0xe0..=0xff  [7 d] [l] [d]               l + 9 bytes again, from d + 1 bytes back
//! ```
//!
//! `l` are the upper three bits of the first byte, `d` has its lower five bits as the upper ones of 13. What is
//! repeated may reach into what it makes: 100 times the same byte are that byte and a repetition from 1 back.

use super::BadFormat;

/// The most bytes that one compressed byte can become.
pub const EXPANSION: usize = MATCH_MAX.div_ceil(3);

const LITERALS_MAX: usize = 32;
const MATCH_MIN: usize = 3;
const MATCH_MAX: usize = 264;
const DISTANCE_MAX: usize = 1 << 13;

/// Fewest and most bits of the index of places by what is there.
const INDEX_BITS: (u32, u32) = (8, 14);

/// The slot for the three bytes at `at`.
fn slot(bytes: &[u8], at: usize, bits: u32) -> usize {
    const SPREAD: u32 = 0x9e37_79b1;
    let word = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], 0]);
    (word.wrapping_mul(SPREAD) >> (32 - bits)) as usize
}

fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

fn put_literals(out: &mut Vec<u8>, literals: &[u8]) {
    for run in literals.chunks(LITERALS_MAX) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

fn put_match(out: &mut Vec<u8>, distance: usize, len: usize) {
    const LONG: usize = 7;
    let (back, code) = (distance - 1, len - 2);
    if code < LONG {
        out.push((code << 5) as u8 | (back >> 8) as u8);
    } else {
        out.push((LONG << 5) as u8 | (back >> 8) as u8);
        out.push((code - LONG) as u8);
    }
    out.push(back as u8);
}

/// Appends the bytes, compressed, to `out`; returns whether that took at most `most` bytes. If not, `out` is as it was.
pub fn compress(bytes: &[u8], most: usize, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let bits = (usize::BITS - bytes.len().leading_zeros()).clamp(INDEX_BITS.0, INDEX_BITS.1);
    // Places, counted from 1; 0 is none.
    let mut index = vec![0u32; 1 << bits];
    let (mut at, mut literals) = (0, 0);
    while at + MATCH_MIN <= bytes.len() && at < u32::MAX as usize {
        let place = &mut index[slot(bytes, at, bits)];
        let seen = std::mem::replace(place, at as u32 + 1) as usize;
        let len = match seen.checked_sub(1) {
            Some(seen) if at - seen <= DISTANCE_MAX => {
                common(&bytes[seen..], &bytes[at..bytes.len().min(at + MATCH_MAX)])
            }
            _ => 0,
        };
        if len < MATCH_MIN {
            at += 1;
            continue;
        }
        put_literals(out, &bytes[literals..at]);
        put_match(out, at + 1 - seen, len);
        let end = at + len;
        // What is repeated may go on differently: its last places are worth knowing.
        for place in (end - 2..end).filter(|place| place + MATCH_MIN <= bytes.len()) {
            index[slot(bytes, place, bits)] = place as u32 + 1;
        }
        (at, literals) = (end, end);
        if out.len() - start > most {
            break;
        }
    }
    put_literals(out, &bytes[literals..]);
    let fits = out.len() - start <= most;
    if !fits {
        out.truncate(start);
    }
    fits
}

/// The `len` bytes that these are compressed from.
pub fn decompress(bytes: &[u8], len: usize) -> Result<Vec<u8>, BadFormat> {
    if len > bytes.len().saturating_mul(EXPANSION) {
        return Err(BadFormat);
    }
    let mut out = Vec::with_capacity(len);
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        let first = usize::from(first);
        if first < LITERALS_MAX {
            let (literals, after) = after.split_at_checked(first + 1).ok_or(BadFormat)?;
            if out.len() + literals.len() > len {
                return Err(BadFormat);
            }
            out.extend_from_slice(literals);
            rest = after;
            continue;
        }
        let (more, after) = if first >> 5 == 7 { after.split_first().ok_or(BadFormat)? } else { (&0, after) };
        let (&low, after) = after.split_first().ok_or(BadFormat)?;
        let count = (first >> 5) + usize::from(*more) + 2;
        let distance = ((first & 0x1f) << 8 | usize::from(low)) + 1;
        let from = out.len().checked_sub(distance).ok_or(BadFormat)?;
        if out.len() + count > len {
            return Err(BadFormat);
        }
        repeat(&mut out, from, count);
        rest = after;
    }
    if out.len() == len { Ok(out) } else { Err(BadFormat) }
}

/// Appends `count` bytes that begin at `from`, some of which may only come to be by that.
fn repeat(out: &mut Vec<u8>, from: usize, mut count: usize) {
    while count > 0 {
        let piece = count.min(out.len() - from);
        out.extend_from_within(from..from + piece);
        count -= piece;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::rng::Rng;

    fn compressed(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(compress(bytes, usize::MAX, &mut out));
        out
    }

    #[test]
    fn any_bytes_come_back() {
        for seed in 0..300 {
            let mut rng = Rng::seed(seed);
            let letters = 1 + rng.below(255);
            let bits = rng.below(16);
            let len = rng.below(1 << bits);
            let mut bytes: Vec<u8> = (0..len).map(|_| rng.below(letters) as u8).collect();
            let again = bytes.clone();
            bytes.extend_from_slice(&again[..rng.below(len + 1) as usize]);
            let small = compressed(&bytes);
            assert!(small.len() <= bytes.len() + bytes.len() / LITERALS_MAX + 1);
            assert_eq!(decompress(&small, bytes.len()), Ok(bytes), "seed {seed}");
        }
    }

    #[test]
    fn repetitions_take_next_to_nothing_and_reach_far() {
        assert_eq!(compressed(&[b'a'; 100]), b"\x00a\xe0\x5a\x00");
        let mut bytes: Vec<u8> = (0..DISTANCE_MAX).map(|n| (n * 7 + n / 256) as u8).collect();
        bytes.extend_from_within(..300);
        assert_eq!(decompress(&compressed(&bytes), bytes.len()), Ok(bytes));
    }

    /// What Redis 8.2.3 wrote for strings of these.
    #[test]
    fn what_redis_compressed_is_read() {
        assert_eq!(decompress(b"\x01aa\xe0\x0a\x00", 21), Ok(vec![b'a'; 21]));
        assert_eq!(decompress(b"\x03abca\xe0\x0a\x02\x00c", 24), Ok(b"abc".repeat(8)));
    }

    #[test]
    fn more_than_allowed_is_not_written() {
        let mut out = b"before".to_vec();
        assert!(!compress(b"no two bytes of it", 10, &mut out));
        assert_eq!(out, b"before");
    }

    #[test]
    fn what_was_never_compressed_is_refused() {
        let refused: [(&[u8], usize); 8] = [
            (b"\x01a", 2),
            (b"\x01aa", 3),
            (b"\x01aa", 1),
            (b"\x00a\x20\x01", 4),
            (b"\x20\x00", 3),
            (b"\x00a\xe0\x00", 10),
            (b"\x00a\x20", 4),
            (b"\x00a\xe0\xff\x00", 1 << 40),
        ];
        for (bytes, len) in refused {
            assert_eq!(decompress(bytes, len), Err(BadFormat), "{bytes:?}");
        }
    }
}
