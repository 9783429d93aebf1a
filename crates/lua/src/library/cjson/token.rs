//! The words of a document.
//!
//! The reader is as lenient as lua-cjson: numbers are what `strtod` of C reads, a zero byte ends the document, and text
//! is any bytes at all.

use std::borrow::Cow;

#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    String(Cow<'a, [u8]>),
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Error(&'static str),
}

impl Token<'_> {
    /// What messages call it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::String(_) => "T_STRING",
            Token::Number(_) => "T_NUMBER",
            Token::Boolean(_) => "T_BOOLEAN",
            Token::Null => "T_NULL",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::End => "T_END",
            Token::Error(text) => text,
        }
    }
}

pub(super) struct Tokens<'a> {
    document: &'a [u8],
    /// What comes next.
    place: usize,
    /// Where the last token begins, or where it is wrong.
    start: usize,
    /// Whether numbers may be read that JSON does not have.
    allows_invalid: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(document: &'a [u8], allows_invalid: bool) -> Tokens<'a> {
        Tokens { document, place: 0, start: 0, allows_invalid }
    }

    /// The place of the last token, as messages count.
    pub(super) fn character(&self) -> usize {
        self.start + 1
    }

    /// How many bytes were read.
    pub(super) fn place(&self) -> usize {
        self.place
    }

    /// The byte at a place; zero at the end.
    fn at(&self, place: usize) -> u8 {
        self.document.get(place).copied().unwrap_or(0)
    }

    pub(super) fn next(&mut self) -> Token<'a> {
        while matches!(self.at(self.place), b' ' | b'\t' | b'\n' | b'\r') {
            self.place += 1;
        }
        self.start = self.place;
        let single = match self.at(self.place) {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b':' => Token::Colon,
            b',' => Token::Comma,
            0 => return Token::End,
            b'"' => return self.string(),
            b'-' | b'0'..=b'9' => {
                let is_wrong = !self.allows_invalid && is_invalid(&self.document[self.place..]);
                return if is_wrong { Token::Error("invalid number") } else { self.number() };
            }
            b't' if self.takes(b"true") => return Token::Boolean(true),
            b'f' if self.takes(b"false") => return Token::Boolean(false),
            b'n' if self.takes(b"null") => return Token::Null,
            b'+' | b'i' | b'I' | b'n' | b'N' if self.allows_invalid && is_invalid(&self.document[self.place..]) => {
                return self.number();
            }
            _ => return Token::Error("invalid token"),
        };
        self.place += 1;
        single
    }

    fn takes(&mut self, word: &[u8]) -> bool {
        let is_there = self.document[self.place..].starts_with(word);
        if is_there {
            self.place += word.len();
        }
        is_there
    }

    fn number(&mut self) -> Token<'a> {
        let (number, length) = read_number(&self.document[self.place..]);
        if length == 0 {
            return Token::Error("invalid number");
        }
        self.place += length;
        Token::Number(number)
    }

    fn string(&mut self) -> Token<'a> {
        let begin = self.place + 1;
        let rest = &self.document[begin..];
        let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0)).unwrap_or(rest.len());
        self.place = begin + plain;
        if self.at(self.place) == b'"' {
            self.place += 1;
            return Token::String(Cow::Borrowed(&rest[..plain]));
        }
        let mut text = rest[..plain].to_vec();
        loop {
            match self.at(self.place) {
                b'"' => {
                    self.place += 1;
                    return Token::String(Cow::Owned(text));
                }
                0 => return self.wrong("unexpected end of string"),
                b'\\' => {
                    if let Err(what) = self.escape(&mut text) {
                        return self.wrong(what);
                    }
                }
                byte => {
                    text.push(byte);
                    self.place += 1;
                }
            }
        }
    }

    fn wrong(&mut self, what: &'static str) -> Token<'a> {
        self.start = self.place;
        Token::Error(what)
    }

    /// Reads what begins with a backslash.
    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), &'static str> {
        let byte = match self.at(self.place + 1) {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 0x0c,
            b'r' => b'\r',
            b'u' => {
                let (point, length) = self.code_point().ok_or("invalid unicode escape code")?;
                let mut encoded = [0; 4];
                text.extend_from_slice(point.encode_utf8(&mut encoded).as_bytes());
                self.place += length;
                return Ok(());
            }
            _ => return Err("invalid escape code"),
        };
        text.push(byte);
        self.place += 2;
        Ok(())
    }

    /// The character that one or two escapes stand for, and their length.
    fn code_point(&self) -> Option<(char, usize)> {
        let high = self.four_digits(self.place + 2)?;
        if !(0xd800..0xe000).contains(&high) {
            return Some((char::from_u32(high)?, 6));
        }
        if high >= 0xdc00 || self.at(self.place + 6) != b'\\' || self.at(self.place + 7) != b'u' {
            return None;
        }
        let low = self.four_digits(self.place + 8)?;
        if !(0xdc00..0xe000).contains(&low) {
            return None;
        }
        let point = 0x1_0000 + ((high & 0x3ff) << 10 | (low & 0x3ff));
        Some((char::from_u32(point)?, 12))
    }

    fn four_digits(&self, place: usize) -> Option<u32> {
        let digits = self.document.get(place..place + 4)?;
        digits.iter().try_fold(0, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?))
    }
}

/// Whether a number begins in a way that JSON does not have.
fn is_invalid(text: &[u8]) -> bool {
    let at = |place: usize| text.get(place).copied().unwrap_or(0);
    if at(0) == b'+' {
        return true;
    }
    let digits = usize::from(at(0) == b'-');
    match at(digits) {
        b'0' => at(digits + 1) | 0x20 == b'x' || at(digits + 1).is_ascii_digit(),
        // Whatever comes before the digits is not looked at any closer.
        byte if byte <= b'9' => false,
        _ => has_prefix(&text[digits..], b"inf") || has_prefix(&text[digits..], b"nan"),
    }
}

fn has_prefix(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// What `strtod` reads: the number, and how many bytes it has; none if there is no number.
fn read_number(text: &[u8]) -> (f64, usize) {
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let is_negative = text.first() == Some(&b'-');
    let (number, length) = read_unsigned(&text[sign..]);
    if length == 0 {
        return (0.0, 0);
    }
    (if is_negative { -number } else { number }, sign + length)
}

fn read_unsigned(text: &[u8]) -> (f64, usize) {
    if has_prefix(text, b"0x")
        && let Some(found) = read_hex(text)
    {
        return found;
    }
    if has_prefix(text, b"inf") {
        return (f64::INFINITY, if has_prefix(text, b"infinity") { 8 } else { 3 });
    }
    if has_prefix(text, b"nan") {
        return (f64::NAN, 3 + payload(&text[3..]));
    }
    let whole = digits(text);
    let mut length = whole;
    if text.get(length) == Some(&b'.') {
        let fraction = digits(&text[length + 1..]);
        if whole + fraction > 0 {
            length += 1 + fraction;
        }
    }
    if length == 0 {
        return (0.0, 0);
    }
    length += exponent(&text[length..], b'e');
    if length == whole && whole <= 15 {
        // What needs no rounding.
        let number = text[..whole].iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
        return (number as f64, length);
    }
    let number = std::str::from_utf8(&text[..length]).ok().and_then(|text| text.parse().ok());
    (number.unwrap_or_default(), length)
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// How long an exponent is, if there is one that has digits.
fn exponent(text: &[u8], letter: u8) -> usize {
    if text.first().is_none_or(|byte| byte | 0x20 != letter) {
        return 0;
    }
    let sign = usize::from(matches!(text.get(1), Some(b'-' | b'+')));
    match digits(&text[1 + sign..]) {
        0 => 0,
        count => 1 + sign + count,
    }
}

/// What may follow "nan": some letters in parentheses.
fn payload(text: &[u8]) -> usize {
    let Some(inner) = text.strip_prefix(b"(") else { return 0 };
    let letters = inner.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    if inner.get(letters) == Some(&b')') { letters + 2 } else { 0 }
}

/// A hexadecimal number; `None` if it is only the zero before the `x`.
fn read_hex(text: &[u8]) -> Option<(f64, usize)> {
    let count = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let mut digits = count(&text[2..]);
    let mut length = 2 + digits;
    if text.get(length) == Some(&b'.') {
        let fraction = count(&text[length + 1..]);
        if digits + fraction > 0 {
            length += 1 + fraction;
            digits += fraction;
        }
    }
    if digits == 0 {
        return None;
    }
    length += exponent(&text[length..], b'p');
    // Refused is only what is too large or too small.
    let number = base::num::parse_f64(&text[..length]);
    let is_small = text[..length].windows(2).any(|pair| pair.eq_ignore_ascii_case(b"p-"));
    Some((number.unwrap_or(if is_small { 0.0 } else { f64::INFINITY }), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, number, length) in [
            ("1", 1.0, 1),
            ("-1.5e3x", -1500.0, 6),
            ("1e", 1.0, 1),
            ("1e+", 1.0, 1),
            ("1.", 1.0, 2),
            ("-.5", -0.5, 3),
            ("0x10", 16.0, 4),
            ("0x", 0.0, 1),
            ("0x.8", 0.5, 4),
            ("0x1p4", 16.0, 5),
            ("0x1p-99999", 0.0, 10),
            ("0x1p99999", f64::INFINITY, 9),
            ("+Infinityx", f64::INFINITY, 9),
            ("12345678901234567890", 12_345_678_901_234_567_890.0, 20),
            ("1e400", f64::INFINITY, 5),
            ("-", 0.0, 0),
            (".", 0.0, 0),
        ] {
            assert_eq!(read_number(text.as_bytes()), (number, length), "{text}");
        }
        assert_eq!(read_number(b"nan(abc)x").1, 8);
    }
}
