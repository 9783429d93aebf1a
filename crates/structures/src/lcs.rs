//! The longest common subsequence of two strings, as LCS reports it.
//!
//! The classic table has a cell per pair of positions: L(i, j) is the length for the first i bytes of `a` and the
//! first j bytes of `b`. We keep one *bit* per cell instead, and compute 64 cells at once (Hyyrö, "Bit-parallel
//! LCS-length computation revisited", 2004): in row j, bit i is clear where L(i + 1, j) = L(i, j) + 1.
//!
//! There are often many longest subsequences; which one is reported is part of the answer. Redis walks back from
//! the end: over equal bytes diagonally; else to the shorter `a` if that is strictly better than the shorter `b`.
//! So the walk must know whether L(i - 1, j) > L(i, j - 1). Both are L(i, j) or one less, and:
//!
//! * L(i - 1, j) = L(i, j) is bit i - 1 of row j;
//! * L(i, j) - L(i, j - 1) is 0 or 1, hence equal to the parity of the bits below i in which rows j and j - 1
//!   differ. To look at one word only, the parity up to each word's start is kept: one bit per word.
//!
//! Memory: about |a| * |b| / 8 bytes, against 4 * |a| * |b| for the table, and as much again for the masks at most. The
//! length alone needs a single row, and masks.

/// A stretch of equal bytes: `len` bytes from `a_start` and from `b_start`. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    pub a_start: usize,
    pub b_start: usize,
    pub len: usize,
}

impl Match {
    /// The last byte in `a` that belongs to the match, as LCS IDX prints ranges.
    pub fn a_end(&self) -> usize {
        self.a_start + self.len - 1
    }

    pub fn b_end(&self) -> usize {
        self.b_start + self.len - 1
    }
}

/// The length of the longest common subsequence.
pub fn length(a: &[u8], b: &[u8]) -> usize {
    // The cost is the same either way, but the masks are smaller for the shorter string.
    let (a, b) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let masks = Masks::new(a, b);
    let mut row = vec![u64::MAX; masks.words];
    for &byte in b {
        masks.advance(&mut row, byte);
    }
    increments(&row)
}

/// Bits that are clear in a row: the length it stands for.
fn increments(row: &[u64]) -> usize {
    row.iter().map(|word| word.count_zeros() as usize).sum()
}

/// For each byte that `b` has, where it occurs in `a`.
struct Masks {
    words: usize,
    /// Where the mask of a byte begins; [`Masks::NONE`] for bytes that `b` does not have.
    starts: [usize; 256],
    bits: Vec<u64>,
}

impl Masks {
    const NONE: usize = usize::MAX;

    fn new(a: &[u8], b: &[u8]) -> Masks {
        let words = a.len().div_ceil(64);
        let mut starts = [Self::NONE; 256];
        let mut end = 0;
        for &byte in b {
            let start = &mut starts[usize::from(byte)];
            if *start == Self::NONE {
                *start = end;
                end += words;
            }
        }
        let mut bits = vec![0; end];
        for (at, &byte) in a.iter().enumerate() {
            let start = starts[usize::from(byte)];
            if start != Self::NONE {
                bits[start + at / 64] |= 1 << (at % 64);
            }
        }
        Masks { words, starts, bits }
    }

    /// Turns a row into the next one, for one more byte of `b`.
    fn advance(&self, row: &mut [u64], byte: u8) {
        let mask = &self.bits[self.starts[usize::from(byte)]..][..self.words];
        let mut carry = false;
        for (word, &mask) in row.iter_mut().zip(mask) {
            let hits = *word & mask;
            let (sum, first) = word.overflowing_add(hits);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first | second;
            *word = sum | *word & !mask;
        }
    }
}

/// The longest common subsequence of two strings, ready to be walked.
pub struct Lcs<'a> {
    a: &'a [u8],
    b: &'a [u8],
    words: usize,
    /// Rows 0 to |b|, each of `words` words.
    rows: Vec<u64>,
    /// For each row, a bit per word: the parity of what differs from the row before, below that word.
    parities: Vec<u64>,
}

impl<'a> Lcs<'a> {
    /// Compares two strings. The caller has checked that the memory is bearable.
    pub fn new(a: &'a [u8], b: &'a [u8]) -> Lcs<'a> {
        let masks = Masks::new(a, b);
        let words = masks.words;
        let parity_words = words.div_ceil(64);
        let mut rows = vec![u64::MAX; words * (b.len() + 1)];
        let mut parities = vec![0; parity_words * (b.len() + 1)];
        for (j, &byte) in b.iter().enumerate() {
            let (old, new) = rows[j * words..(j + 2) * words].split_at_mut(words);
            new.copy_from_slice(old);
            masks.advance(new, byte);
            let parities = &mut parities[(j + 1) * parity_words..][..parity_words];
            let mut parity = 0;
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                parities[at / 64] |= parity << (at % 64);
                parity ^= u64::from((old ^ *new).count_ones() & 1);
            }
        }
        Lcs { a, b, words, rows, parities }
    }

    /// The length of the subsequence.
    pub fn len(&self) -> usize {
        increments(&self.rows[self.b.len() * self.words..])
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The subsequence itself.
    pub fn string(&self) -> Vec<u8> {
        let matches = self.matches(0);
        let stretches = matches.iter().rev().map(|m| &self.a[m.a_start..m.a_start + m.len]);
        stretches.flatten().copied().collect()
    }

    /// The stretches of equal bytes that make up the subsequence, from the end of the strings to the beginning.
    /// Those shorter than `len_min` are left out.
    pub fn matches(&self, len_min: usize) -> Vec<Match> {
        let mut matches = Vec::new();
        let (mut i, mut j) = (self.a.len(), self.b.len());
        while i > 0 && j > 0 {
            let equal = self.a[..i].iter().rev().zip(self.b[..j].iter().rev());
            let len = equal.take_while(|(x, y)| x == y).count();
            i -= len;
            j -= len;
            if len > 0 {
                if len >= len_min {
                    matches.push(Match { a_start: i, b_start: j, len });
                }
            } else if self.shorter_a_is_better(i, j) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        matches
    }

    /// Whether L(i - 1, j) > L(i, j - 1), for two positions after different bytes.
    fn shorter_a_is_better(&self, i: usize, j: usize) -> bool {
        let (word, bit) = ((i - 1) / 64, (i - 1) % 64);
        let row = self.rows[j * self.words + word];
        if row >> bit & 1 == 0 {
            return false;
        }
        let differ = row ^ self.rows[(j - 1) * self.words + word];
        let within = (differ << (63 - bit)).count_ones() & 1;
        let before = self.parities[j * self.words.div_ceil(64) + word / 64] >> (word % 64) & 1;
        u64::from(within) != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table and the walk as the command's documentation describes them.
    fn model(a: &[u8], b: &[u8]) -> Vec<Match> {
        let mut table = vec![vec![0u32; b.len() + 1]; a.len() + 1];
        for i in 1..=a.len() {
            for j in 1..=b.len() {
                table[i][j] =
                    if a[i - 1] == b[j - 1] { table[i - 1][j - 1] + 1 } else { table[i - 1][j].max(table[i][j - 1]) };
            }
        }
        let mut matches: Vec<Match> = Vec::new();
        let (mut i, mut j, mut joined) = (a.len(), b.len(), false);
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                (i, j) = (i - 1, j - 1);
                match matches.last_mut().filter(|_| joined) {
                    Some(last) => *last = Match { a_start: i, b_start: j, len: last.len + 1 },
                    None => matches.push(Match { a_start: i, b_start: j, len: 1 }),
                }
                joined = true;
                continue;
            }
            joined = false;
            if table[i - 1][j] > table[i][j - 1] { i -= 1 } else { j -= 1 }
        }
        matches
    }

    #[test]
    fn agrees_with_the_classic_table() {
        let mut seed = 5u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for round in 0..150 {
            let letters = 1 + next(if round % 3 == 0 { 250 } else { 5 });
            let long = if round % 10 == 0 { 4300 } else { 200 };
            let a: Vec<u8> = (0..next(long)).map(|_| next(letters) as u8).collect();
            let b: Vec<u8> = (0..next(if long > 200 { 60 } else { 200 })).map(|_| next(letters) as u8).collect();
            for (a, b) in [(&a, &b), (&b, &a)] {
                let expected = model(a, b);
                let len: usize = expected.iter().map(|m| m.len).sum();
                let lcs = Lcs::new(a, b);
                assert_eq!((length(a, b), lcs.len(), lcs.string().len()), (len, len, len));
                assert_eq!(lcs.matches(0), expected);
                assert!(lcs.matches(3).iter().all(|m| m.len >= 3 && expected.contains(m)));
            }
        }
    }

    /// LCS k1 k2 IDX on Redis 8.2.3.
    #[test]
    fn reports_ranges_from_the_end() {
        let lcs = Lcs::new(b"ohmytext", b"mynewtext");
        assert_eq!(lcs.string(), b"mytext");
        let (tail, head) = (Match { a_start: 4, b_start: 5, len: 4 }, Match { a_start: 2, b_start: 0, len: 2 });
        assert_eq!(lcs.matches(0), [tail, head]);
        assert_eq!(lcs.matches(4), [tail]);
        assert_eq!((tail.a_end(), tail.b_end()), (7, 8));
    }

    #[test]
    fn empty_strings_have_nothing_in_common() {
        assert_eq!(length(b"", b"abc"), 0);
        assert!(Lcs::new(b"", b"").is_empty() && Lcs::new(b"abc", b"").matches(0).is_empty());
    }

    #[test]
    fn masks_are_made_for_the_bytes_that_are_looked_for() {
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(Masks::new(&every, b"").bits.len(), 0);
        assert_eq!(Masks::new(&every, b"aba").bits.len(), 2 * 256 / 64);
    }
}
