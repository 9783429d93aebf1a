//! Documents as tables. It is a loop, so that how deep they may be is a matter of options, and not of the stack of
//! Rust.

use super::Options;
use super::token::{Token, Tokens};
use crate::raw::raise::Raise;
use crate::raw::stack::{ELEMENTS_MAX, Stack};

/// A table that is being filled, and is on the stack; above it, of an object, the key of the value that is read.
enum Frame {
    Array { length: usize },
    Object { pairs: usize },
}

/// Pushes what a document holds.
pub(super) fn decode(stack: &mut Stack<'_>, options: &Options, document: &[u8]) -> Result<(), Raise> {
    if document.len() >= 2 && (document[0] == 0 || document[1] == 0) {
        return Err(Raise::at("JSON parser does not support UTF-16 or UTF-32"));
    }
    let tokens = Tokens::new(document, options.decode_invalid);
    Decoder { tokens, depth_max: options.decode_depth as usize, frames: Vec::new() }.run(stack)
}

struct Decoder<'a> {
    tokens: Tokens<'a>,
    depth_max: usize,
    frames: Vec<Frame>,
}

impl<'a> Decoder<'a> {
    fn run(&mut self, stack: &mut Stack<'_>) -> Result<(), Raise> {
        let mut token = self.tokens.next();
        loop {
            // A table that is not empty begins with another value.
            if let Some(first) = self.value(stack, token)? {
                token = first;
                continue;
            }
            if !self.place(stack)? {
                break;
            }
            token = self.tokens.next();
        }
        match self.tokens.next() {
            Token::End => Ok(()),
            token => Err(self.expected("the end", &token)),
        }
    }

    /// Pushes the value that begins with a token; of a table that is not empty only the table itself, and the answer is
    /// the token that its first value begins with.
    fn value(&mut self, stack: &mut Stack<'_>, token: Token<'a>) -> Result<Option<Token<'a>>, Raise> {
        match token {
            Token::String(text) => stack.push_bytes(&text)?,
            Token::Number(number) => stack.push_number(number),
            Token::Boolean(value) => stack.push_boolean(value),
            Token::Null => stack.push_null(),
            Token::ArrayBegin => {
                self.descend(stack)?;
                let first = self.tokens.next();
                if first != Token::ArrayEnd {
                    self.frames.push(Frame::Array { length: 0 });
                    return Ok(Some(first));
                }
            }
            Token::ObjectBegin => {
                self.descend(stack)?;
                let first = self.tokens.next();
                if first != Token::ObjectEnd {
                    self.frames.push(Frame::Object { pairs: 0 });
                    self.key(stack, first)?;
                    return Ok(Some(self.tokens.next()));
                }
            }
            token => return Err(self.expected("value", &token)),
        }
        Ok(None)
    }

    fn descend(&mut self, stack: &mut Stack<'_>) -> Result<(), Raise> {
        let depth = self.frames.len() + 1;
        if depth > self.depth_max || stack.reserve(4).is_err() {
            let place = self.tokens.place();
            return Err(Raise::at(format!("Found too many nested data structures ({depth}) at character {place}")));
        }
        stack.push_table(0, 0)
    }

    /// Pushes a key.
    fn key(&mut self, stack: &mut Stack<'_>, token: Token<'a>) -> Result<(), Raise> {
        match token {
            Token::String(text) => stack.push_bytes(&text)?,
            token => return Err(self.expected("object key string", &token)),
        }
        match self.tokens.next() {
            Token::Colon => Ok(()),
            token => Err(self.expected("colon", &token)),
        }
    }

    /// Puts the value on top where it belongs, and so the tables that it completes. Whether another value follows; if
    /// not, the document is on top.
    fn place(&mut self, stack: &mut Stack<'_>) -> Result<bool, Raise> {
        while let Some(frame) = self.frames.last_mut() {
            let top = stack.top();
            let count = match frame {
                Frame::Array { length } => {
                    *length += 1;
                    stack.set_index(top - 1, *length as i32)?;
                    *length
                }
                Frame::Object { pairs } => {
                    *pairs += 1;
                    stack.set(top - 2)?;
                    *pairs
                }
            };
            if count > ELEMENTS_MAX {
                return Err(Raise::Memory);
            }
            match (frame, self.tokens.next()) {
                (Frame::Array { .. }, Token::ArrayEnd) | (Frame::Object { .. }, Token::ObjectEnd) => {
                    self.frames.pop();
                }
                (Frame::Array { .. }, Token::Comma) => return Ok(true),
                (Frame::Object { .. }, Token::Comma) => {
                    let token = self.tokens.next();
                    self.key(stack, token)?;
                    return Ok(true);
                }
                (Frame::Array { .. }, token) => return Err(self.expected("comma or array end", &token)),
                (Frame::Object { .. }, token) => return Err(self.expected("comma or object end", &token)),
            }
        }
        Ok(false)
    }

    fn expected(&self, what: &str, found: &Token<'_>) -> Raise {
        let (found, character) = (found.name(), self.tokens.character());
        Raise::at(format!("Expected {what} but found {found} at character {character}"))
    }
}
