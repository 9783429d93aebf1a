//! The words of a command, lent from the buffer they arrived in.

use crate::error::CommandError;
use base::text::eq_ignore_case;
use resp::Arg;
use std::ops::Index;

/// The words of a command; word 0 is its name.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    buf: &'a [u8],
    words: &'a [Arg],
}

impl<'a> Args<'a> {
    /// `words` are ranges of `buf`.
    #[inline]
    pub fn new(buf: &'a [u8], words: &'a [Arg]) -> Args<'a> {
        Args { buf, words }
    }

    #[inline]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// The word at `at`, with the buffer's lifetime.
    #[inline]
    pub fn word(&self, at: usize) -> &'a [u8] {
        self.words[at].of(self.buf)
    }

    #[inline]
    pub fn get(&self, at: usize) -> Option<&'a [u8]> {
        self.words.get(at).map(|word| word.of(self.buf))
    }

    /// All words from `from` on.
    pub fn from(&self, from: usize) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone + use<'a> {
        let buf = self.buf;
        self.words[from.min(self.words.len())..].iter().map(move |word| word.of(buf))
    }

    /// Whether the word at `at` is this keyword, in any case.
    #[inline]
    pub fn is(&self, at: usize, keyword: &str) -> bool {
        self.get(at).is_some_and(|word| eq_ignore_case(word, keyword.as_bytes()))
    }

    /// The word at `at` as an integer, or "value is not an integer or out of range".
    #[inline]
    pub fn int(&self, at: usize) -> Result<i64, CommandError> {
        base::num::parse_i64(self.word(at)).ok_or(CommandError::NOT_INTEGER)
    }

    /// The word at `at` as an integer within a range, or "value is out of range".
    pub fn int_within(&self, at: usize, min: i64, max: i64) -> Result<i64, CommandError> {
        let value = self.int(at)?;
        if (min..=max).contains(&value) { Ok(value) } else { Err(CommandError::OUT_OF_RANGE) }
    }

    /// The word at `at` as an integer within a range that the error names.
    pub fn int_between(&self, at: usize, min: i64, max: i64) -> Result<i64, CommandError> {
        let value = self.int(at)?;
        if (min..=max).contains(&value) { Ok(value) } else { Err(CommandError::not_between(min, max)) }
    }

    /// The word at `at` as an integer of 32 bits (a database number, for one).
    pub fn int32(&self, at: usize) -> Result<i64, CommandError> {
        self.int_between(at, i64::from(i32::MIN), i64::from(i32::MAX))
    }

    /// The word at `at` as a double, or "value is not a valid float".
    pub fn float(&self, at: usize) -> Result<f64, CommandError> {
        base::num::parse_f64(self.word(at)).ok_or(CommandError::NOT_FLOAT)
    }

    /// Bytes of a request with these words, in RESP.
    pub fn request_len(&self) -> usize {
        let header = |number: usize| 1 + number.max(1).ilog10() as usize + 1 + 2;
        header(self.len()) + self.from(0).map(|word| header(word.len()) + word.len() + 2).sum::<usize>()
    }

    /// Copies of all words, for logs.
    pub fn to_vecs(&self) -> Vec<Vec<u8>> {
        self.from(0).map(<[u8]>::to_vec).collect()
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];
    #[inline]
    fn index(&self, at: usize) -> &[u8] {
        self.words[at].of(self.buf)
    }
}

/// Words that own their bytes: queued by MULTI, or made by the server itself.
#[derive(Clone, Debug, Default)]
pub struct OwnedArgs {
    buf: Vec<u8>,
    words: Vec<Arg>,
}

impl OwnedArgs {
    pub fn copy(args: &Args<'_>) -> OwnedArgs {
        let mut owned = OwnedArgs { buf: Vec::new(), words: Vec::with_capacity(args.len()) };
        for word in args.from(0) {
            owned.push(word);
        }
        owned
    }

    pub fn push(&mut self, word: &[u8]) {
        let start = self.buf.len();
        self.buf.extend_from_slice(word);
        self.words.push(Arg { start, end: self.buf.len() });
    }

    pub fn args(&self) -> Args<'_> {
        Args::new(&self.buf, &self.words)
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.buf.capacity() + self.words.capacity() * size_of::<Arg>()
    }
}

impl<'a> FromIterator<&'a [u8]> for OwnedArgs {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(words: I) -> OwnedArgs {
        let mut owned = OwnedArgs::default();
        for word in words {
            owned.push(word);
        }
        owned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_words_read_like_lent_ones() {
        let owned: OwnedArgs = [&b"SET"[..], b"key", b"12"].into_iter().collect();
        let args = owned.args();
        assert_eq!(args.len(), 3);
        assert!(args.is(0, "set"));
        assert_eq!(OwnedArgs::from_iter([&b"client"[..], b"list"]).args().request_len(), 26);
        assert_eq!(args.int(2), Ok(12));
        assert_eq!(args.int(1), Err(CommandError::NOT_INTEGER));
        assert_eq!(args.int_within(2, 0, 11), Err(CommandError::OUT_OF_RANGE));
        assert_eq!(args.get(3), None);
        assert_eq!(OwnedArgs::copy(&args).args().to_vecs(), args.to_vecs());
    }
}
