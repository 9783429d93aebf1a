//! Splitting an inline command into its arguments, in place.
//!
//! A quoted argument never gets longer by taking its quotes and escapes away, so the result is written over the
//! line it came from and the arguments stay offsets into the caller's buffer, like those of the multibulk form.
//!
//! The rules: blanks separate; `"..."` knows `\n \r \t \b \a \xHH`, and `\c` is c for any other c; `'...'` knows
//! `\'` only. Quotes may begin in the middle of an argument (`a"b c"` is `ab c`), but a closing quote must be followed
//! by a blank or the end. Outside of quotes a backslash is an ordinary byte. Vertical tab and form feed are
//! blanks between arguments and behind a closing quote, but do not end an argument without quotes.

use super::Arg;

/// A quote was not closed, or closed in the middle of an argument.
#[derive(Debug)]
pub(super) struct Unbalanced;

/// Splits `line`, which has no line end any more, and appends its arguments to `args`.
pub(super) fn split_in_place(line: &mut [u8], args: &mut Vec<Arg>) -> Result<(), Unbalanced> {
    let mut read = 0;
    loop {
        while line.get(read).copied().is_some_and(is_blank) {
            read += 1;
        }
        if read == line.len() {
            return Ok(());
        }
        let start = read;
        let mut write = start;
        loop {
            match line.get(read) {
                None | Some(b' ' | b'\t' | b'\r' | b'\n' | 0) => break,
                Some(&quote @ (b'"' | b'\'')) => {
                    (read, write) = copy_quoted(line, read + 1, write, quote)?;
                    break;
                }
                Some(&byte) => {
                    line[write] = byte;
                    read += 1;
                    write += 1;
                }
            }
        }
        args.push(Arg { start, end: write });
    }
}

/// Copies what is between quotes from `read` to `write`; returns both positions behind it.
fn copy_quoted(line: &mut [u8], mut read: usize, mut write: usize, quote: u8) -> Result<(usize, usize), Unbalanced> {
    loop {
        let (byte, width) = match line[read..] {
            [] => return Err(Unbalanced),
            [close, ref behind @ ..] if close == quote => {
                return match behind.first() {
                    Some(&next) if !is_blank(next) => Err(Unbalanced),
                    _ => Ok((read + 1, write)),
                };
            }
            [b'\\', b'\'', ..] if quote == b'\'' => (b'\'', 2),
            [b'\\', b'x', high, low, ..] if quote == b'"' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex_digit(high) << 4 | hex_digit(low), 4)
            }
            [b'\\', escaped, ..] if quote == b'"' => (unescape(escaped), 2),
            [byte, ..] => (byte, 1),
        };
        line[write] = byte;
        read += width;
        write += 1;
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte - b'A' + 10,
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}
