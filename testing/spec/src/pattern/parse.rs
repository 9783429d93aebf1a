//! Reads the notation of an expected reply.
//!
//! Nested aggregates are told by columns, as redis-cli prints them: the marks `1)`, `2)` of one
//! aggregate stand in one column. The parser works on a grid of lines; a mark that was read is
//! overwritten with blanks, so the first element, which shares its line with the marks of its
//! parents, looks like all others.

use super::{Aggregate, Pattern, Text};
use crate::text::unquote;

/// Parses a whole expectation block.
pub fn parse(lines: &[&str]) -> Result<Pattern, String> {
    let mut grid = Grid { lines: lines.iter().map(|l| l.trim_end().as_bytes().to_vec()).collect(), at: 0 };
    let pattern = grid.value(0)?;
    match grid.lines.get(grid.at) {
        None => Ok(pattern),
        Some(line) => Err(format!("not part of the reply above: {}", String::from_utf8_lossy(line))),
    }
}

struct Grid {
    lines: Vec<Vec<u8>>,
    at: usize,
}

impl Grid {
    /// The text of the current line from `column` on, if everything before it is blank.
    fn rest(&self, column: usize) -> Option<&[u8]> {
        let line = self.lines.get(self.at)?;
        let (before, rest) = line.split_at_checked(column)?;
        before.iter().all(|b| *b == b' ').then_some(rest)
    }

    fn value(&mut self, column: usize) -> Result<Pattern, String> {
        let rest = self.rest(column).ok_or("a reply is missing here")?;
        if rest.trim_ascii() == b"unordered" {
            self.at += 1;
            return match self.value(column)? {
                Pattern::Items { kind, items, open, .. } => Ok(Pattern::Items { kind, items, open, unordered: true }),
                Pattern::Map { pairs, open, .. } => Ok(Pattern::Map { pairs, open, unordered: true }),
                _ => Err("unordered needs an array, a set or a map below it".into()),
            };
        }
        match mark(rest) {
            Some((_, sign, _)) => self.aggregate(column, sign),
            None => {
                let pattern = leaf(rest.trim_ascii())?;
                self.at += 1;
                Ok(pattern)
            }
        }
    }

    fn aggregate(&mut self, column: usize, sign: u8) -> Result<Pattern, String> {
        let mut items = Vec::new();
        let mut pairs = Vec::new();
        let mut open = false;
        while let Some(rest) = self.rest(column) {
            if rest.trim_ascii() == b"..." {
                self.at += 1;
                open = true;
                break;
            }
            let Some((index, found, length)) = mark(rest) else { break };
            if found != sign {
                break;
            }
            if index != items.len() + pairs.len() + 1 {
                return Err(format!("element {index} is out of order"));
            }
            let inner = column + length;
            self.blank(inner);
            if sign == b'#' {
                let (key, length) = self.map_key(inner)?;
                self.blank(inner + length);
                pairs.push((key, self.value(inner + length)?));
            } else {
                items.push(self.value(inner)?);
            }
        }
        Ok(match sign {
            b'#' => Pattern::Map { pairs, unordered: false, open },
            b'~' => Pattern::Items { kind: Aggregate::Set, items, unordered: false, open },
            b'>' => Pattern::Items { kind: Aggregate::Push, items, unordered: false, open },
            _ => Pattern::Items { kind: Aggregate::Array, items, unordered: false, open },
        })
    }

    fn blank(&mut self, until: usize) {
        self.lines[self.at][..until].fill(b' ');
    }

    /// The key of a map entry, and how far behind `column` its value begins.
    fn map_key(&self, column: usize) -> Result<(Pattern, usize), String> {
        let rest = self.rest(column).ok_or("a map key is missing")?;
        let arrow = b" => ";
        let key_length = if rest.first() == Some(&b'"') {
            unquote(rest)?.1
        } else {
            rest.windows(arrow.len()).position(|w| w == arrow).ok_or("` => ` is missing")?
        };
        if !rest[key_length..].starts_with(arrow) {
            return Err("` => ` is missing behind a map key".into());
        }
        Ok((leaf(&rest[..key_length])?, key_length + arrow.len()))
    }
}

/// Reads `12) `, `12# `, `12~ ` or `12> `: the index, the sign and the length with blanks.
fn mark(rest: &[u8]) -> Option<(usize, u8, usize)> {
    let blanks = rest.iter().take_while(|b| **b == b' ').count();
    let digits = rest[blanks..].iter().take_while(|b| b.is_ascii_digit()).count();
    let index = std::str::from_utf8(&rest[blanks..blanks + digits]).ok()?.parse().ok()?;
    let sign = *rest.get(blanks + digits)?;
    if !b")#~>".contains(&sign) || rest.get(blanks + digits + 1) != Some(&b' ') {
        return None;
    }
    Some((index, sign, blanks + digits + 2))
}

/// Parses a value that stands on one line.
fn leaf(text: &[u8]) -> Result<Pattern, String> {
    let shown = || String::from_utf8_lossy(text).into_owned();
    if let Some(pattern) = fixed(text) {
        return Ok(pattern);
    }
    if let Some(name) = text.strip_prefix(b"any as $") {
        return Ok(Pattern::Any(Some(String::from_utf8_lossy(name).into_owned())));
    }
    if text.first() == Some(&b'"') {
        return Ok(Pattern::Bulk(whole_quoted(text)?));
    }
    if let Some(pattern) = text.strip_prefix(b"~ ") {
        return Ok(Pattern::AnyText(maybe_quoted(pattern)?));
    }
    if let Some(rest) = text.strip_prefix(b"(integer) ") {
        return integer(rest).ok_or_else(|| format!("not an integer or a range: {}", shown()));
    }
    if let Some(rest) = text.strip_prefix(b"(double) ") {
        return Ok(double(rest));
    }
    if let Some(rest) = text.strip_prefix(b"(error) ") {
        return Ok(Pattern::Error(text_or_glob(rest, false)?));
    }
    if let Some(rest) = text.strip_prefix(b"(verbatim) ") {
        return Ok(Pattern::Verbatim(text_or_glob(rest, true)?));
    }
    if let Some(rest) = text.strip_prefix(b"(bignum) ") {
        return Ok(Pattern::BigNumber(rest.to_vec()));
    }
    if let Some(rest) = text.strip_prefix(b"(status) ") {
        return Ok(Pattern::Simple(maybe_quoted(rest)?));
    }
    if is_bare(text) {
        return Ok(Pattern::Simple(text.to_vec()));
    }
    Err(format!("not a reply in our notation: {}", shown()))
}

fn fixed(text: &[u8]) -> Option<Pattern> {
    let empty = |kind| Pattern::Items { kind, items: Vec::new(), unordered: false, open: false };
    Some(match text {
        b"any" => Pattern::Any(None),
        b"(nil)" => Pattern::Nil,
        b"(nil array)" => Pattern::NilArray,
        b"(true)" => Pattern::Boolean(true),
        b"(false)" => Pattern::Boolean(false),
        b"(empty array)" => empty(Aggregate::Array),
        b"(empty set)" => empty(Aggregate::Set),
        b"(empty push)" => empty(Aggregate::Push),
        b"(empty map)" => Pattern::Map { pairs: Vec::new(), unordered: false, open: false },
        _ => return None,
    })
}

/// Whether a simple string can be written without `(status)`.
pub(super) fn is_bare(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_alphabetic)
        && text.last() != Some(&b' ')
        && text.iter().all(|b| b.is_ascii_alphanumeric() || b" _.-".contains(b))
        && !text.starts_with(b"any")
        && text != b"unordered"
}

fn integer(text: &[u8]) -> Option<Pattern> {
    let text = std::str::from_utf8(text).ok()?;
    if text == "any" {
        return Some(Pattern::Integer(None));
    }
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    Some(Pattern::Integer(Some((low.parse().ok()?, high.parse().ok()?))))
}

fn double(text: &[u8]) -> Pattern {
    let range = std::str::from_utf8(text).ok().and_then(|text| {
        let (low, high) = text.split_once("..")?;
        Some(Pattern::DoubleBetween(low.parse().ok()?, high.parse().ok()?))
    });
    range.unwrap_or_else(|| Pattern::Double(text.to_vec()))
}

fn text_or_glob(text: &[u8], quoted: bool) -> Result<Text, String> {
    Ok(match text.strip_prefix(b"~ ") {
        Some(pattern) => Text::Glob(maybe_quoted(pattern)?),
        None if quoted => Text::Exact(whole_quoted(text)?),
        None => Text::Exact(text.to_vec()),
    })
}

fn maybe_quoted(text: &[u8]) -> Result<Vec<u8>, String> {
    if text.first() == Some(&b'"') { whole_quoted(text) } else { Ok(text.to_vec()) }
}

fn whole_quoted(text: &[u8]) -> Result<Vec<u8>, String> {
    if text.first() != Some(&b'"') {
        return Err(format!("quotes are missing around: {}", String::from_utf8_lossy(text)));
    }
    let (content, length) = unquote(text)?;
    if length != text.len() {
        return Err(format!("text behind the quotes: {}", String::from_utf8_lossy(text)));
    }
    Ok(content)
}
