//! Writing replies: one set of methods for RESP2 and RESP3, over an [`Output`] that goes to the socket.
//!
//! What each type becomes in RESP2 follows Redis: maps are flat arrays, sets and pushes are arrays, doubles,
//! big numbers and verbatim strings are bulk strings, booleans are 1 and 0.
//!
//! A handler that knows the number of elements only afterwards opens a [`Deferred`] and closes it when it knows.
//! Handlers write as they go; whoever finds out half-way that the reply must be an error goes back to a [`Mark`].

use std::ops::Range;

#[cfg(test)]
mod tests;

pub use base::Blob;
pub use base::output::{Mark, Output};

/// Blobs at least this long are sent by reference; below, copying is cheaper than one more slice for the kernel.
pub const BY_REFERENCE_MIN: usize = 16 * 1024;

/// The version of the protocol a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proto {
    #[default]
    Resp2,
    Resp3,
}

/// The place of a header whose count is not known yet. They nest; the one opened last must be closed first.
#[derive(Debug)]
#[must_use = "an aggregate without its header is a broken reply"]
pub struct Deferred {
    at: Mark,
}

/// Writes replies in the connection's protocol version.
#[derive(Debug, Default)]
pub struct ReplyWriter {
    pub proto: Proto,
    pub out: Output,
}

impl ReplyWriter {
    pub fn new(proto: Proto) -> Self {
        ReplyWriter { proto, out: Output::default() }
    }

    #[inline]
    fn is_resp3(&self) -> bool {
        self.proto == Proto::Resp3
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.out.put(b"+OK\r\n");
    }

    /// A simple string. Line breaks cannot be part of one: they become spaces.
    #[inline]
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error, code included (`ERR syntax error`). As in Redis, line breaks at the end are dropped, and each byte
    /// of others becomes a space.
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        let end = text.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
        self.line(b'-', &text[..end]);
    }

    /// The answer to a broken protocol; the caller closes behind it.
    pub fn protocol_error(&mut self, error: crate::ProtocolError) {
        let mut text = b"ERR ".to_vec();
        error.append_to(&mut text);
        self.line(b'-', &text);
    }

    #[inline]
    pub fn int(&mut self, number: i64) {
        self.number_line(b':', number);
    }

    /// A bulk string.
    #[inline]
    pub fn bulk(&mut self, text: &[u8]) {
        if text.len() > TOGETHER_MAX {
            self.header(b'$', text.len());
            self.out.put(text);
            self.out.put(b"\r\n");
            return;
        }
        // One check of the room for all three parts.
        let bytes = self.out.room(text.len() + HEADER_MAX + 2);
        push_header(bytes, b'$', text.len());
        bytes.extend_from_slice(text);
        bytes.extend_from_slice(b"\r\n");
    }

    /// A number as a bulk string.
    #[inline]
    pub fn bulk_int(&mut self, number: i64) {
        self.bulk(itoa::Buffer::new().format(number).as_bytes());
    }

    /// A part of a blob as a bulk string: by reference when it is big, else copied.
    #[inline]
    pub fn blob(&mut self, blob: &Blob, range: Range<usize>) {
        if range.len() < BY_REFERENCE_MIN {
            self.bulk(&blob[range]);
            return;
        }
        self.header(b'$', range.len());
        self.out.share(blob.clone(), range);
        self.out.put(b"\r\n");
    }

    /// Nothing, where a value could be.
    #[inline]
    pub fn null(&mut self) {
        match self.proto {
            Proto::Resp2 => self.out.put(b"$-1\r\n"),
            Proto::Resp3 => self.out.put(b"_\r\n"),
        }
    }

    /// Nothing, where an array could be.
    #[inline]
    pub fn null_array(&mut self) {
        match self.proto {
            Proto::Resp2 => self.out.put(b"*-1\r\n"),
            Proto::Resp3 => self.out.put(b"_\r\n"),
        }
    }

    /// The header of an array; its `len` elements follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.header(b'*', len);
    }

    /// The header of a map; `len` pairs follow, key and value in turn.
    #[inline]
    pub fn map(&mut self, len: usize) {
        if self.is_resp3() { self.header(b'%', len) } else { self.header(b'*', len * 2) }
    }

    #[inline]
    pub fn set(&mut self, len: usize) {
        self.header(if self.is_resp3() { b'~' } else { b'*' }, len);
    }

    /// The header of a message that answers no command.
    #[inline]
    pub fn push(&mut self, len: usize) {
        self.header(if self.is_resp3() { b'>' } else { b'*' }, len);
    }

    /// The header of attributes in front of a reply, as for a map. RESP2 has none: false says to write no pairs.
    #[must_use = "without the header there must be no pairs"]
    pub fn attribute(&mut self, len: usize) -> bool {
        if self.is_resp3() {
            self.header(b'|', len);
        }
        self.is_resp3()
    }

    /// A floating-point number, printed as Redis prints it.
    #[inline]
    pub fn double(&mut self, number: f64) {
        // Scores are integers mostly, which print faster as such; a negative zero is none.
        const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;
        let integer = number as i64;
        if !self.is_resp3() && number.abs() <= INTEGER_MAX && (integer as f64).to_bits() == number.to_bits() {
            return self.bulk_int(integer);
        }
        self.any_double(number);
    }

    fn any_double(&mut self, number: f64) {
        let resp3 = self.is_resp3();
        // Digits and header are in one block.
        let bytes = self.out.room(DOUBLE_MAX + 2 * HEADER_MAX);
        if resp3 {
            bytes.push(b',');
        }
        let start = bytes.len();
        base::num::write_f64(bytes, number);
        if !resp3 {
            // The header goes in front once the length is known: a few bytes move.
            let len = bytes.len() - start;
            push_header(bytes, b'$', len);
            let header = bytes.len() - start - len;
            bytes[start..].rotate_right(header);
        }
        bytes.extend_from_slice(b"\r\n");
    }

    #[inline]
    pub fn bool(&mut self, truth: bool) {
        let line: &[u8; 4] = match (self.proto, truth) {
            (Proto::Resp3, true) => b"#t\r\n",
            (Proto::Resp3, false) => b"#f\r\n",
            (Proto::Resp2, true) => b":1\r\n",
            (Proto::Resp2, false) => b":0\r\n",
        };
        self.out.put(line);
    }

    /// A number of any length, in decimal.
    pub fn big_number(&mut self, digits: &str) {
        if self.is_resp3() { self.line(b'(', digits.as_bytes()) } else { self.bulk(digits.as_bytes()) }
    }

    /// A text that clients show as it is; `format` is `txt` or `mkd`.
    pub fn verbatim(&mut self, format: &[u8; 3], text: &[u8]) {
        if !self.is_resp3() {
            self.bulk(text);
            return;
        }
        self.header(b'=', text.len() + 4);
        self.out.put(format);
        self.out.put(b":");
        self.out.put(text);
        self.out.put(b"\r\n");
    }

    /// Bytes that are a reply, or part of one, already.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.put(bytes);
    }

    /// Begins an aggregate of unknown length; its elements follow, then one of the `set_*_len` methods.
    pub fn deferred_array(&mut self) -> Deferred {
        Deferred { at: self.out.open_deferred() }
    }

    /// Closes it as an array of `len` elements.
    pub fn set_array_len(&mut self, deferred: Deferred, len: usize) {
        self.close(deferred, b'*', len);
    }

    /// Closes it as a map of `len` pairs.
    pub fn set_map_len(&mut self, deferred: Deferred, len: usize) {
        let (kind, len) = if self.is_resp3() { (b'%', len) } else { (b'*', len * 2) };
        self.close(deferred, kind, len);
    }

    /// Closes it as a set of `len` elements.
    pub fn set_set_len(&mut self, deferred: Deferred, len: usize) {
        let kind = if self.is_resp3() { b'~' } else { b'*' };
        self.close(deferred, kind, len);
    }

    /// Closes it as a push of `len` elements.
    pub fn set_push_len(&mut self, deferred: Deferred, len: usize) {
        let kind = if self.is_resp3() { b'>' } else { b'*' };
        self.close(deferred, kind, len);
    }

    fn close(&mut self, deferred: Deferred, kind: u8, len: usize) {
        let mut text = itoa::Buffer::new();
        let digits = text.format(len).as_bytes();
        let mut header = [0; HEADER_MAX];
        header[0] = kind;
        header[1..=digits.len()].copy_from_slice(digits);
        header[digits.len() + 1..digits.len() + 3].copy_from_slice(b"\r\n");
        self.out.close_deferred(deferred.at, &header[..digits.len() + 3]);
    }

    /// `kind`, the text with its line breaks made spaces, and the line's end.
    fn line(&mut self, kind: u8, text: &[u8]) {
        self.out.put(&[kind]);
        if memchr::memchr2(b'\r', b'\n', text).is_none() {
            self.out.put(text);
        } else {
            let spaced = |&byte: &u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte };
            self.out.put(&text.iter().map(spaced).collect::<Vec<u8>>());
        }
        self.out.put(b"\r\n");
    }

    /// A length line.
    #[inline]
    fn header(&mut self, kind: u8, len: usize) {
        push_header(self.out.room(HEADER_MAX), kind, len);
    }

    #[inline]
    fn number_line(&mut self, kind: u8, number: i64) {
        if (0..100).contains(&number) {
            self.header(kind, number as usize);
        } else {
            push_long_number(self.out.room(HEADER_MAX), kind, itoa::Buffer::new().format(number));
        }
    }
}

/// The longest length line: its kind, twenty digits, and the line's end.
const HEADER_MAX: usize = 1 + 20 + 2;
const _: () = assert!(HEADER_MAX <= base::output::HEADER_MAX);

/// A string up to this length is written in one piece; of a longer one, each block is filled.
const TOGETHER_MAX: usize = 1024;

/// The longest double that is printed: `-2.2250738585072014e-308`, with room to spare.
const DOUBLE_MAX: usize = 40;

/// Small lengths, nearly all, are a single store.
#[inline]
fn push_header(bytes: &mut Vec<u8>, kind: u8, len: usize) {
    if len < 10 {
        bytes.extend_from_slice(&[kind, b'0' + len as u8, b'\r', b'\n']);
    } else if len < 100 {
        bytes.extend_from_slice(&[kind, b'0' + (len / 10) as u8, b'0' + (len % 10) as u8, b'\r', b'\n']);
    } else {
        push_long_number(bytes, kind, itoa::Buffer::new().format(len));
    }
}

fn push_long_number(bytes: &mut Vec<u8>, kind: u8, digits: &str) {
    bytes.push(kind);
    bytes.extend_from_slice(digits.as_bytes());
    bytes.extend_from_slice(b"\r\n");
}
