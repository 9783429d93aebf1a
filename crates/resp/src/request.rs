//! Reading commands: the multibulk form (`*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`) and the inline form (`GET k\r\n`).
//!
//! The caller owns the buffer. [`RequestParser::parse`] looks at the bytes from the first one of the current command
//! and reports the arguments as offsets into them, so nothing is copied. When the command is not complete the parser
//! remembers how far it came; called again with more bytes behind the same ones, it goes on from there. Each byte of
//! a big argument is therefore looked at a bounded number of times, however many pieces it arrives in.
//!
//! What is accepted and refused was observed on Redis 8.2.3, including its oddities:
//!
//! * The line of a count ends at `\r`; the byte behind it is skipped without a look. The two bytes behind a bulk
//!   string are skipped likewise.
//! * A line is searched for its end up to the first NUL byte only. A line with a NUL never ends, and is refused
//!   once it is longer than the limit.
//! * Whether a `$` was missing is decided when the line is complete, not before.
//! * Counts are plain decimals: no `+`, no leading zeros, no `-0`.
//!
//! One thing differs on purpose. Redis finds out that a line is too long only when a read ends inside of it, so a
//! line a little over 64 KiB passes or fails depending on how it was cut into packets. Here a line fails exactly
//! when Redis would refuse it if it came byte by byte: the outcome never depends on the packets.

use std::fmt;

use memchr::memchr2;

mod inline;
#[cfg(test)]
mod tests;

/// Bulk strings at least this long are worth a buffer of their own size; see [`RequestParser::big_bulk`].
pub const BIG_BULK_MIN: usize = 32 * 1024;

/// What a client may send before it has authenticated.
const UNAUTHENTICATED_ARGS_MAX: u64 = 10;
const UNAUTHENTICATED_BULK_MAX: u64 = 16_384;

/// What a connection may send at the moment. Look it up anew for each command: AUTH changes it for the next one.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `proto-max-bulk-len`.
    pub max_bulk_len: u64,
    /// Most arguments of one command.
    pub max_multibulk: u64,
    /// Longest inline command, and longest line of a count.
    pub max_inline: usize,
    /// When false, a command has at most 10 arguments of at most 16,384 bytes each.
    pub authenticated: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_bulk_len: 512 * 1024 * 1024,
            max_multibulk: i32::MAX as u64,
            max_inline: 64 * 1024,
            authenticated: true,
        }
    }
}

/// One argument, as offsets into the `input` it was parsed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arg {
    pub start: usize,
    pub end: usize,
}

impl Arg {
    /// The argument's bytes.
    #[inline]
    pub fn of(self, input: &[u8]) -> &[u8] {
        &input[self.start..self.end]
    }

    #[inline]
    pub fn len(self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// How far a call to [`RequestParser::parse`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// One command; its arguments (at least one) are in `args`.
    Complete { consumed: usize },
    /// A blank line or a count of zero or less: nothing to run and nothing to answer.
    Empty { consumed: usize },
    /// More bytes are needed: in total at least `need`, which is more than there are now. Inside a bulk string it is
    /// where that string ends, a number the client chose: a caller that allocates by it bounds how far ahead.
    Incomplete { need: usize },
}

/// The client broke the protocol: answer with `-ERR` and this text, then close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// Something else stood where the `$` of a bulk string belongs.
    ExpectedDollar(u8),
    InvalidMultibulkLength,
    InvalidBulkLength,
    TooBigMultibulkCount,
    TooBigBulkCount,
    TooBigInline,
    UnbalancedQuotes,
    UnauthenticatedMultibulkLength,
    UnauthenticatedBulkLength,
}

impl ProtocolError {
    /// Appends the text byte for byte. Unlike `Display` it keeps an offending byte that is not ASCII as it is.
    pub fn append_to(self, out: &mut Vec<u8>) {
        if let ProtocolError::ExpectedDollar(got) = self {
            out.extend_from_slice(b"Protocol error: expected '$', got '");
            out.extend_from_slice(&[got, b'\'']);
        } else {
            out.extend_from_slice(b"Protocol error: ");
            out.extend_from_slice(self.what().as_bytes());
        }
    }

    fn what(self) -> &'static str {
        match self {
            ProtocolError::ExpectedDollar(_) => "expected '$'",
            ProtocolError::InvalidMultibulkLength => "invalid multibulk length",
            ProtocolError::InvalidBulkLength => "invalid bulk length",
            ProtocolError::TooBigMultibulkCount => "too big mbulk count string",
            ProtocolError::TooBigBulkCount => "too big bulk count string",
            ProtocolError::TooBigInline => "too big inline request",
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in request",
            ProtocolError::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            ProtocolError::UnauthenticatedBulkLength => "unauthenticated bulk length",
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ProtocolError::ExpectedDollar(got) => {
                write!(f, "Protocol error: expected '$', got '{}'", char::from(got))
            }
            other => write!(f, "Protocol error: {}", other.what()),
        }
    }
}

impl std::error::Error for ProtocolError {}

/// Whether a command of this name is a browser talking HTTP to us (`POST` and `Host:` lines, in any case).
///
/// Redis then logs a possible attack and closes at once: no answer, and answers to earlier commands that are not sent
/// yet are dropped, although those commands ran. It is no error of the protocol: the multibulk form counts as well.
/// So this is for the dispatcher to ask, about names it does not know. As in Redis, a name ends at a NUL here.
pub fn is_cross_protocol_attack(name: &[u8]) -> bool {
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}

/// Parses one connection's stream of commands. Holds only how far it came inside the current one.
#[derive(Debug, Default)]
pub struct RequestParser {
    /// Arguments of the current multibulk command still to come; 0 when its count has not been read, or when the
    /// command is inline.
    remaining: u64,
    /// Where the next unread line or bulk string begins.
    pos: usize,
    /// Up to here the current line is known not to end. It only grows within a command; less than where the current
    /// line begins says nothing about it.
    scanned: usize,
    /// The length of the bulk string that begins at `pos`, when its header has been read.
    bulk_len: Option<u64>,
}

/// Which line of a count is being read; they differ in the error of an endless one.
#[derive(Clone, Copy)]
enum CountLine {
    Multibulk,
    Bulk,
}

/// A count as found by the careful path: the number, or none when it is not one, and where the next line begins.
type Count = Option<(Option<i64>, usize)>;

impl RequestParser {
    /// Parses the command that begins with `input`'s first byte, or goes on with it when the last call said
    /// [`Status::Incomplete`]; then `input` has the same bytes in front and `args` is as it was left.
    ///
    /// Inline commands are unescaped in place, so afterwards the consumed part of `input` is good for nothing but
    /// reading the arguments. After an error the stream is out of step: the connection can only be closed.
    #[inline]
    pub fn parse(&mut self, input: &mut [u8], limits: &Limits, args: &mut Vec<Arg>) -> Result<Status, ProtocolError> {
        if self.remaining == 0 {
            args.clear();
        }
        self.parse_behind(input, 0, limits, args)
    }

    /// As `parse`, but arguments are added behind those that are in `args`, as offsets from `base` bytes in front of
    /// `input`. So the arguments of many commands can be gathered without being copied.
    #[inline]
    pub fn parse_behind(
        &mut self,
        input: &mut [u8],
        base: usize,
        limits: &Limits,
        args: &mut Vec<Arg>,
    ) -> Result<Status, ProtocolError> {
        if self.remaining != 0 {
            let (pos, remaining) = (self.pos, self.remaining);
            return self.parse_args(input, base, limits, args, pos, remaining);
        }
        match input.first() {
            Some(b'*') => {}
            Some(_) => return self.parse_inline(input, base, limits, args),
            None => return Ok(Status::Incomplete { need: 1 }),
        }
        let (count, pos) = match short_count(input, 1) {
            Some(found) => found,
            None => match self.long_count(input, 0, limits.max_inline, CountLine::Multibulk)? {
                // A negative count is an empty command like zero.
                Some((Some(count), pos)) => (u64::try_from(count).unwrap_or(0), pos),
                Some((None, _)) => return Err(ProtocolError::InvalidMultibulkLength),
                None => {
                    return Ok(Status::Incomplete { need: input.len() + 1 });
                }
            },
        };
        if count == 0 {
            self.reset();
            return Ok(Status::Empty { consumed: pos });
        }
        if count > limits.max_multibulk {
            return Err(ProtocolError::InvalidMultibulkLength);
        }
        if !limits.authenticated && count > UNAUTHENTICATED_ARGS_MAX {
            return Err(ProtocolError::UnauthenticatedMultibulkLength);
        }
        self.parse_args(input, base, limits, args, pos, count)
    }

    /// Reads `remaining` bulk strings from `pos` on.
    #[inline]
    fn parse_args(
        &mut self,
        input: &[u8],
        base: usize,
        limits: &Limits,
        args: &mut Vec<Arg>,
        mut pos: usize,
        mut remaining: u64,
    ) -> Result<Status, ProtocolError> {
        let mut known_len = self.bulk_len;
        while remaining > 0 {
            let len = match known_len.take() {
                Some(len) => len,
                None => {
                    let found = match short_bulk_header(input, pos) {
                        Some(found) => found,
                        None => match self.long_bulk_header(input, pos, limits.max_inline)? {
                            Some(found) => found,
                            None => {
                                self.suspend(pos, remaining, None);
                                return Ok(Status::Incomplete { need: input.len() + 1 });
                            }
                        },
                    };
                    check_bulk_len(found.0, limits)?;
                    pos = found.1;
                    found.0
                }
            };
            // The two bytes behind the string are not looked at, but they must have come.
            if ((input.len() - pos) as u64) < len.saturating_add(2) {
                self.suspend(pos, remaining, Some(len));
                return Ok(Status::Incomplete { need: pos.saturating_add(len as usize).saturating_add(2) });
            }
            let end = pos + len as usize;
            args.push(Arg { start: base + pos, end: base + end });
            pos = end + 2;
            remaining -= 1;
        }
        self.reset();
        Ok(Status::Complete { consumed: pos })
    }

    /// Forgets the current command: what comes next is the first byte of a new one.
    #[inline]
    pub fn reset(&mut self) {
        *self = RequestParser::default();
    }

    /// Inside a bulk string of [`BIG_BULK_MIN`] or more: how many bytes `input` must have for it to be complete.
    pub fn big_bulk(&self) -> Option<usize> {
        let len = usize::try_from(self.bulk_len?).ok()?;
        (len >= BIG_BULK_MIN).then(|| self.pos.saturating_add(len).saturating_add(2))
    }

    /// Remembers where the command broke off.
    fn suspend(&mut self, pos: usize, remaining: u64, bulk_len: Option<u64>) {
        self.pos = pos;
        self.remaining = remaining;
        self.bulk_len = bulk_len;
    }

    #[cold]
    fn long_bulk_header(
        &mut self,
        input: &[u8],
        pos: usize,
        max_line: usize,
    ) -> Result<Option<(u64, usize)>, ProtocolError> {
        let Some((number, next)) = self.long_count(input, pos, max_line, CountLine::Bulk)? else {
            return Ok(None);
        };
        if input[pos] != b'$' {
            return Err(ProtocolError::ExpectedDollar(input[pos]));
        }
        match number.map(u64::try_from) {
            Some(Ok(len)) => Ok(Some((len, next))),
            Some(Err(_)) | None => Err(ProtocolError::InvalidBulkLength),
        }
    }

    /// Reads the line of a count that begins at `start`, whatever it looks like. None: it is not complete.
    #[cold]
    fn long_count(
        &mut self,
        input: &[u8],
        start: usize,
        max_line: usize,
        line: CountLine,
    ) -> Result<Count, ProtocolError> {
        let error = match line {
            CountLine::Multibulk => ProtocolError::TooBigMultibulkCount,
            CountLine::Bulk => ProtocolError::TooBigBulkCount,
        };
        let Some(end) = self.find_line_end(input, start, b'\r', max_line, error)? else {
            return Ok(None);
        };
        if end + 1 >= input.len() {
            return Ok(None);
        }
        Ok(Some((base::num::parse_i64(input.get(start + 1..end).unwrap_or_default()), end + 2)))
    }

    /// Finds the byte that ends the line beginning at `start`. None: not there yet. A NUL hides all behind it.
    fn find_line_end(
        &mut self,
        input: &[u8],
        start: usize,
        terminator: u8,
        max_line: usize,
        error: ProtocolError,
    ) -> Result<Option<usize>, ProtocolError> {
        // An end at offset `max_line` is still in time: before its byte came, the line was not over the limit.
        let window = input.len().min(start.saturating_add(max_line).saturating_add(1));
        let from = self.scanned.clamp(start, window);
        match memchr2(terminator, 0, &input[from..window]) {
            Some(found) if input[from + found] == terminator => {
                self.scanned = from + found;
                return Ok(Some(from + found));
            }
            // Stay at the NUL, so that the next call stops at it again.
            Some(found) => self.scanned = from + found,
            None => self.scanned = window,
        }
        if input.len() - start > max_line { Err(error) } else { Ok(None) }
    }

    #[cold]
    fn parse_inline(
        &mut self,
        input: &mut [u8],
        base: usize,
        limits: &Limits,
        args: &mut Vec<Arg>,
    ) -> Result<Status, ProtocolError> {
        let first = args.len();
        let found = self.find_line_end(input, 0, b'\n', limits.max_inline, ProtocolError::TooBigInline)?;
        let Some(newline) = found else {
            return Ok(Status::Incomplete { need: input.len() + 1 });
        };
        self.reset();
        let line = &mut input[..newline];
        let len = line.strip_suffix(b"\r").map_or(newline, <[u8]>::len);
        inline::split_in_place(&mut line[..len], args).map_err(|inline::Unbalanced| ProtocolError::UnbalancedQuotes)?;
        for arg in &mut args[first..] {
            *arg = Arg { start: base + arg.start, end: base + arg.end };
        }
        let consumed = newline + 1;
        Ok(if args.len() == first { Status::Empty { consumed } } else { Status::Complete { consumed } })
    }
}

/// Refuses a bulk string that is longer than the connection may send.
#[inline]
fn check_bulk_len(len: u64, limits: &Limits) -> Result<(), ProtocolError> {
    if len > limits.max_bulk_len {
        return Err(ProtocolError::InvalidBulkLength);
    }
    if !limits.authenticated && len > UNAUTHENTICATED_BULK_MAX {
        return Err(ProtocolError::UnauthenticatedBulkLength);
    }
    Ok(())
}

/// Reads `$n\r\n` with n of at most nine digits; none when anything is unusual or missing.
#[inline(always)]
fn short_bulk_header(input: &[u8], pos: usize) -> Option<(u64, usize)> {
    // Nearly all lengths have one or two digits: one load tells.
    if let Some(eight) = input.get(pos..)?.first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let byte = |at: u32| (word >> (8 * at)) as u8;
        let (first, second) = (byte(1).wrapping_sub(b'0'), byte(2).wrapping_sub(b'0'));
        if byte(0) == b'$' && byte(2) == b'\r' && first <= 9 {
            return Some((u64::from(first), pos + 4));
        }
        if byte(0) == b'$' && byte(3) == b'\r' && first.wrapping_sub(1) <= 8 && second <= 9 {
            return Some((u64::from(first) * 10 + u64::from(second), pos + 5));
        }
    }
    if *input.get(pos)? != b'$' {
        return None;
    }
    short_count(input, pos + 1)
}

/// Reads a canonical number of at most nine digits that is followed by `\r` and one more byte; none when anything is
/// unusual or missing, which the careful path then sorts out. Returns the number and where the next line begins.
#[inline(always)]
fn short_count(input: &[u8], at: usize) -> Option<(u64, usize)> {
    let rest = input.get(at..)?;
    let digit = |byte: u8| u64::from(byte.wrapping_sub(b'0'));
    // Nearly all counts have one or two digits.
    match *rest {
        [a, b'\r', _, ..] if digit(a) <= 9 => Some((digit(a), at + 3)),
        [a, b, b'\r', _, ..] if digit(a).wrapping_sub(1) <= 8 && digit(b) <= 9 => {
            Some((digit(a) * 10 + digit(b), at + 4))
        }
        [a, ..] if digit(a).wrapping_sub(1) <= 8 => {
            let mut number = 0;
            for (i, &byte) in rest.iter().take(10).enumerate() {
                if digit(byte) > 9 {
                    return (byte == b'\r' && rest.len() > i + 1).then_some((number, at + i + 2));
                }
                number = number * 10 + digit(byte);
            }
            None
        }
        _ => None,
    }
}
