//! The client's side of the wire, for tests, benchmarks and tools: commands out, replies in.
//!
//! Plain and complete rather than fast: each call of [`decode`] starts at the reply's first byte.

use std::fmt;

mod display;
#[cfg(test)]
mod tests;

/// Deeper nesting than this is refused.
const DEPTH_MAX: usize = 128;

/// One reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Simple(Vec<u8>),
    Error(Vec<u8>),
    Integer(i64),
    Bulk(Vec<u8>),
    /// `$-1`, the null of RESP2 where a string could be.
    NullBulk,
    /// `*-1`, the null of RESP2 where an array could be.
    NullArray,
    /// `_`, the null of RESP3.
    Null,
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Set(Vec<Value>),
    Push(Vec<Value>),
    /// A reply with attributes in front of it.
    Attributed(Vec<(Value, Value)>, Box<Value>),
    Double(f64),
    Bool(bool),
    BigNumber(Vec<u8>),
    Verbatim([u8; 3], Vec<u8>),
    BlobError(Vec<u8>),
}

/// The bytes are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadReply {
    /// Where it went wrong.
    pub at: usize,
    pub what: &'static str,
}

impl fmt::Display for BadReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad reply at byte {}: {}", self.at, self.what)
    }
}

impl std::error::Error for BadReply {}

/// Appends a command in its multibulk form.
pub fn encode_command(out: &mut Vec<u8>, args: &[&[u8]]) {
    let mut text = itoa::Buffer::new();
    out.push(b'*');
    out.extend_from_slice(text.format(args.len()).as_bytes());
    out.extend_from_slice(b"\r\n");
    for arg in args {
        out.push(b'$');
        out.extend_from_slice(text.format(arg.len()).as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
}

/// Reads the first reply: it and the number of its bytes. None: it is not complete.
pub fn decode(input: &[u8]) -> Result<Option<(Value, usize)>, BadReply> {
    let mut decoder = Decoder { input, pos: 0, depth: 0 };
    Ok(decoder.value()?.map(|value| (value, decoder.pos)))
}

struct Decoder<'a> {
    input: &'a [u8],
    pos: usize,
    depth: usize,
}

/// None where the input ends too early.
type Decoded<T> = Result<Option<T>, BadReply>;

/// Unwraps a [`Decoded`], or returns that the input ended.
macro_rules! complete {
    ($decoded:expr) => {
        match $decoded? {
            Some(value) => value,
            None => return Ok(None),
        }
    };
}

impl Decoder<'_> {
    fn bad<T>(&self, what: &'static str) -> Decoded<T> {
        Err(BadReply { at: self.pos, what })
    }

    fn value(&mut self) -> Decoded<Value> {
        if self.depth == DEPTH_MAX {
            return self.bad("nested too deeply");
        }
        let Some(&kind) = self.input.get(self.pos) else {
            return Ok(None);
        };
        if !b"+-:$*_,#(=!%~>|".contains(&kind) {
            return self.bad("unknown type");
        }
        let line = complete!(self.line()).to_vec();
        Ok(Some(match kind {
            b'+' => Value::Simple(line),
            b'-' => Value::Error(line),
            b'(' => Value::BigNumber(line),
            b':' => match parse::<i64>(&line) {
                Some(number) => Value::Integer(number),
                None => return self.bad("not an integer"),
            },
            b',' => match parse::<f64>(&line) {
                Some(number) => Value::Double(number),
                None => return self.bad("not a double"),
            },
            b'#' => match line.as_slice() {
                b"t" => Value::Bool(true),
                b"f" => Value::Bool(false),
                _ => return self.bad("not a boolean"),
            },
            b'_' => Value::Null,
            b'$' | b'*' if line == b"-1" => {
                if kind == b'$' {
                    Value::NullBulk
                } else {
                    Value::NullArray
                }
            }
            _ => {
                let Some(len) = parse::<usize>(&line) else {
                    return self.bad("not a length");
                };
                complete!(self.sized(kind, len))
            }
        }))
    }

    /// Reads what follows a length line.
    fn sized(&mut self, kind: u8, len: usize) -> Decoded<Value> {
        Ok(Some(match kind {
            b'$' => Value::Bulk(complete!(self.text(len))),
            b'!' => Value::BlobError(complete!(self.text(len))),
            b'=' => {
                let text = complete!(self.text(len));
                match text.as_slice() {
                    &[a, b, c, b':', ref rest @ ..] => Value::Verbatim([a, b, c], rest.to_vec()),
                    _ => return self.bad("verbatim string without a format"),
                }
            }
            b'%' => Value::Map(complete!(self.pairs(len))),
            b'|' => {
                let attributes = complete!(self.pairs(len));
                self.depth += 1;
                let value = complete!(self.value());
                self.depth -= 1;
                Value::Attributed(attributes, Box::new(value))
            }
            b'*' => Value::Array(complete!(self.values(len))),
            b'~' => Value::Set(complete!(self.values(len))),
            b'>' => Value::Push(complete!(self.values(len))),
            _ => return self.bad("unknown type"),
        }))
    }

    /// The text of a line behind its first byte, and past its end.
    fn line(&mut self) -> Decoded<&[u8]> {
        let rest = &self.input[self.pos + 1..];
        let Some(len) = memchr::memchr(b'\r', rest) else {
            return Ok(None);
        };
        match rest.get(len + 1) {
            None => Ok(None),
            Some(b'\n') => {
                self.pos += len + 3;
                Ok(Some(&rest[..len]))
            }
            Some(_) => self.bad("a line with a carriage return inside"),
        }
    }

    fn text(&mut self, len: usize) -> Decoded<Vec<u8>> {
        let rest = &self.input[self.pos..];
        if rest.len() < len.saturating_add(2) {
            return Ok(None);
        }
        if &rest[len..len + 2] != b"\r\n" {
            return self.bad("a bulk string of another length");
        }
        self.pos += len + 2;
        Ok(Some(rest[..len].to_vec()))
    }

    fn values(&mut self, len: usize) -> Decoded<Vec<Value>> {
        self.depth += 1;
        // The length is the sender's claim: nothing is reserved for it.
        let mut values = Vec::new();
        for _ in 0..len {
            values.push(complete!(self.value()));
        }
        self.depth -= 1;
        Ok(Some(values))
    }

    fn pairs(&mut self, len: usize) -> Decoded<Vec<(Value, Value)>> {
        self.depth += 1;
        let mut pairs = Vec::new();
        for _ in 0..len {
            let key = complete!(self.value());
            pairs.push((key, complete!(self.value())));
        }
        self.depth -= 1;
        Ok(Some(pairs))
    }
}

fn parse<T: std::str::FromStr>(line: &[u8]) -> Option<T> {
    std::str::from_utf8(line).ok()?.parse().ok()
}
