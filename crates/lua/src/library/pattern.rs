//! The patterns of Lua 5.1, with a way out: matching by trial and error can take for ever, so steps are counted, and
//! the host is asked now and then whether to go on.
//!
//! Patterns end at a zero byte, as those of Lua 5.1 do. What the matcher needs of the pattern is read where it is;
//! nothing is compiled first, so errors are found only when they are come upon.

use crate::raw::context::Context;
use crate::raw::raise::Raise;
use crate::raw::stack::Stack;

const CAPTURES_MAX: usize = 32;

/// How deep trials may be nested: one for each item of the pattern that can match in several ways.
const DEPTH_MAX: u32 = 2_000;

/// Steps that count as one unit of work.
const STEPS: u32 = 32;

const ESCAPE: u8 = b'%';

#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    /// The capture is not closed yet.
    Open,
    /// It captures the position.
    Position,
    Bytes(usize),
}

#[derive(Clone, Copy)]
struct Capture {
    start: usize,
    length: Length,
}

pub(super) struct Matcher<'a> {
    subject: &'a [u8],
    pattern: &'a [u8],
    captures: [Capture; CAPTURES_MAX],
    level: usize,
    depth: u32,
    steps: u32,
    context: &'a Context,
}

/// What a capture is.
pub(super) enum Captured {
    Bytes(usize, usize),
    Position(usize),
}

type Match = Result<Option<usize>, Raise>;

impl<'a> Matcher<'a> {
    pub(super) fn new(subject: &'a [u8], pattern: &'a [u8], context: &'a Context) -> Matcher<'a> {
        let nothing = Capture { start: 0, length: Length::Open };
        let pattern = crate::raw::walk::until_zero(pattern);
        Matcher { subject, pattern, captures: [nothing; CAPTURES_MAX], level: 0, depth: 0, steps: STEPS, context }
    }

    /// Matches at a place in the subject; where the match ends.
    pub(super) fn run(&mut self, start: usize) -> Match {
        self.level = 0;
        self.trial(start, 0)
    }

    /// How many values a match has: its captures, or itself.
    pub(super) fn values(&self) -> usize {
        self.level.max(1)
    }

    pub(super) fn captures(&self) -> usize {
        self.level
    }

    /// A capture of the match from `start` to `end`, which itself counts as the first if there is none.
    pub(super) fn capture(&self, index: usize, start: usize, end: usize) -> Result<Captured, Raise> {
        if index >= self.level {
            return match index {
                0 => Ok(Captured::Bytes(start, end)),
                _ => Err(Raise::at("invalid capture index")),
            };
        }
        let Capture { start, length } = self.captures[index];
        match length {
            Length::Open => Err(Raise::at("unfinished capture")),
            Length::Position => Ok(Captured::Position(start + 1)),
            Length::Bytes(length) => Ok(Captured::Bytes(start, start + length)),
        }
    }

    /// Pushes a capture.
    pub(super) fn push_capture(
        &self,
        stack: &mut Stack<'_>,
        index: usize,
        start: usize,
        end: usize,
    ) -> Result<(), Raise> {
        match self.capture(index, start, end)? {
            Captured::Bytes(start, end) => stack.push_bytes(&self.subject[start..end]),
            Captured::Position(position) => {
                stack.push_number(position as f64);
                Ok(())
            }
        }
    }

    /// A byte of the pattern; zero at its end.
    fn at(&self, index: usize) -> u8 {
        self.pattern.get(index).copied().unwrap_or(0)
    }

    fn step(&mut self) -> Result<(), Raise> {
        self.steps -= 1;
        if self.steps == 0 {
            self.steps = STEPS;
            if !self.context.work(1) {
                return Err(Raise::Killed);
            }
        }
        Ok(())
    }

    /// Matches the rest of the pattern, from `item` on, with the subject from `place` on.
    fn trial(&mut self, place: usize, item: usize) -> Match {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Raise::at("pattern too complex"));
        }
        let result = self.items(place, item);
        self.depth -= 1;
        result
    }

    fn items(&mut self, mut place: usize, mut item: usize) -> Match {
        loop {
            self.step()?;
            match self.at(item) {
                0 => return Ok(Some(place)),
                b'(' if self.at(item + 1) == b')' => return self.open(place, item + 2, Length::Position),
                b'(' => return self.open(place, item + 1, Length::Open),
                b')' => return self.close(place, item + 1),
                b'$' if self.at(item + 1) == 0 => return Ok((place == self.subject.len()).then_some(place)),
                ESCAPE if self.at(item + 1) == b'b' => match self.balance(place, item + 2)? {
                    Some(end) => (place, item) = (end, item + 4),
                    None => return Ok(None),
                },
                ESCAPE if self.at(item + 1) == b'f' => match self.frontier(place, item + 2)? {
                    Some(next) => item = next,
                    None => return Ok(None),
                },
                ESCAPE if self.at(item + 1).is_ascii_digit() => match self.back_reference(place, item + 1)? {
                    Some(end) => (place, item) = (end, item + 2),
                    None => return Ok(None),
                },
                _ => {
                    let end = self.class_end(item)?;
                    let matches = self.matches_one(place, item, end);
                    match self.at(end) {
                        b'?' => {
                            if matches && let Some(found) = self.trial(place + 1, end + 1)? {
                                return Ok(Some(found));
                            }
                            item = end + 1;
                        }
                        b'*' => return self.longest(place, item, end),
                        b'+' if matches => return self.longest(place + 1, item, end),
                        b'-' => return self.shortest(place, item, end),
                        b'+' => return Ok(None),
                        _ if matches => (place, item) = (place + 1, end),
                        _ => return Ok(None),
                    }
                }
            }
        }
    }

    fn open(&mut self, place: usize, item: usize, length: Length) -> Match {
        if self.level >= CAPTURES_MAX {
            return Err(Raise::at("too many captures"));
        }
        self.captures[self.level] = Capture { start: place, length };
        self.level += 1;
        let found = self.trial(place, item)?;
        if found.is_none() {
            self.level -= 1;
        }
        Ok(found)
    }

    fn close(&mut self, place: usize, item: usize) -> Match {
        let open = (0..self.level).rev().find(|&index| self.captures[index].length == Length::Open);
        let index = open.ok_or_else(|| Raise::at("invalid pattern capture"))?;
        self.captures[index].length = Length::Bytes(place - self.captures[index].start);
        let found = self.trial(place, item)?;
        if found.is_none() {
            self.captures[index].length = Length::Open;
        }
        Ok(found)
    }

    /// `%bxy`: up to the `y` that belongs to the `x` here.
    fn balance(&mut self, place: usize, item: usize) -> Match {
        let (opening, closing) = (self.at(item), self.at(item + 1));
        if opening == 0 || closing == 0 {
            return Err(Raise::at("unbalanced pattern"));
        }
        if self.subject.get(place) != Some(&opening) {
            return Ok(None);
        }
        let mut depth = 1;
        for index in place + 1..self.subject.len() {
            self.step()?;
            let byte = self.subject[index];
            if byte == closing {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some(index + 1));
                }
            } else if byte == opening {
                depth += 1;
            }
        }
        Ok(None)
    }

    /// `%f[set]`: between a byte that is not in the set and one that is. Where the pattern goes on, if so.
    fn frontier(&mut self, place: usize, item: usize) -> Match {
        if self.at(item) != b'[' {
            return Err(Raise::at("missing '[' after '%f' in pattern"));
        }
        let end = self.class_end(item)?;
        let before = place.checked_sub(1).map_or(0, |index| self.subject[index]);
        let after = self.subject.get(place).copied().unwrap_or(0);
        let is_frontier = !self.in_set(before, item, end - 1) && self.in_set(after, item, end - 1);
        Ok(is_frontier.then_some(end))
    }

    /// `%1` to `%9`: what a capture has captured, again.
    fn back_reference(&mut self, place: usize, item: usize) -> Match {
        let index = usize::from(self.at(item)).wrapping_sub(usize::from(b'1'));
        if index >= self.level || self.captures[index].length == Length::Open {
            return Err(Raise::at("invalid capture index"));
        }
        let Capture { start, length } = self.captures[index];
        let Length::Bytes(length) = length else { return Ok(None) };
        let again = self.subject[place..].starts_with(&self.subject[start..start + length]);
        Ok(again.then_some(place + length))
    }

    /// `*` and `+`: as many as there are, then ever fewer.
    fn longest(&mut self, place: usize, item: usize, end: usize) -> Match {
        let mut count = 0;
        while self.matches_one(place + count, item, end) {
            self.step()?;
            count += 1;
        }
        loop {
            if let Some(found) = self.trial(place + count, end + 1)? {
                return Ok(Some(found));
            }
            if count == 0 {
                return Ok(None);
            }
            count -= 1;
        }
    }

    /// `-`: none, then ever more.
    fn shortest(&mut self, mut place: usize, item: usize, end: usize) -> Match {
        loop {
            if let Some(found) = self.trial(place, end + 1)? {
                return Ok(Some(found));
            }
            if !self.matches_one(place, item, end) {
                return Ok(None);
            }
            place += 1;
        }
    }

    /// Where the item ends that matches one byte.
    fn class_end(&mut self, item: usize) -> Result<usize, Raise> {
        match self.at(item) {
            ESCAPE if self.at(item + 1) == 0 => Err(Raise::at("malformed pattern (ends with '%')")),
            ESCAPE => Ok(item + 2),
            b'[' => {
                let mut end = item + 1 + usize::from(self.at(item + 1) == b'^');
                // A bracket that comes first is one of the set.
                loop {
                    let byte = self.at(end);
                    if byte == 0 {
                        return Err(Raise::at("malformed pattern (missing ']')"));
                    }
                    end += 1 + usize::from(byte == ESCAPE && self.at(end + 1) != 0);
                    if self.at(end) == b']' {
                        return Ok(end + 1);
                    }
                }
            }
            _ => Ok(item + 1),
        }
    }

    fn matches_one(&self, place: usize, item: usize, end: usize) -> bool {
        let Some(&byte) = self.subject.get(place) else { return false };
        match self.at(item) {
            b'.' => true,
            ESCAPE => in_class(byte, self.at(item + 1)),
            b'[' => self.in_set(byte, item, end - 1),
            literal => literal == byte,
        }
    }

    /// Whether a byte is in the set from the bracket at `item` to the one at `end`.
    fn in_set(&self, byte: u8, item: usize, end: usize) -> bool {
        let inverted = self.at(item + 1) == b'^';
        let mut index = item + 1 + usize::from(inverted);
        while index < end {
            let here = self.at(index);
            if here == ESCAPE {
                index += 1;
                if in_class(byte, self.at(index)) {
                    return !inverted;
                }
            } else if self.at(index + 1) == b'-' && index + 2 < end {
                index += 2;
                if (here..=self.at(index)).contains(&byte) {
                    return !inverted;
                }
            } else if here == byte {
                return !inverted;
            }
            index += 1;
        }
        inverted
    }
}

/// Whether a byte is in the class of a letter; in capitals, whether it is not. Anything else than such a letter stands
/// for itself.
fn in_class(byte: u8, class: u8) -> bool {
    let is_in = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => matches!(byte, b' ' | b'\t'..=b'\r'),
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return class == byte,
    };
    is_in != class.is_ascii_uppercase()
}
