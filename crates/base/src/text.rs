//! Quoted text: taking apart the lines of redis.conf and of inline commands, and showing bytes to people.

/// Splits a line into arguments at white space, or `None` when its quotes are unbalanced.
///
/// Inside `"..."` a backslash escapes: `\n \r \t \b \a`, `\xHH`, and any other byte stands for itself. Inside `'...'`
/// only `\'` is special. A closing quote must be followed by white space or the end. The line ends at a NUL.
pub fn split_args(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let line = memchr::memchr(0, line).map_or(line, |end| &line[..end]);
    let mut args = Vec::new();
    let mut rest = line;
    loop {
        let start = rest.iter().position(|&byte| !is_space(byte));
        let Some(start) = start else {
            return Some(args);
        };
        let (arg, after) = take_arg(&rest[start..])?;
        args.push(arg);
        rest = after;
    }
}

/// White space as C knows it.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// What ends an argument without quotes: fewer characters than are skipped between arguments.
fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0)
}

/// Takes one argument off a line that does not begin with white space.
fn take_arg(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut arg = Vec::new();
    loop {
        match rest {
            [] => return Some((arg, rest)),
            [quote @ (b'"' | b'\''), quoted @ ..] => {
                // A quote may open anywhere in an argument, but where it closes the argument ends.
                let after =
                    if *quote == b'"' { take_double(quoted, &mut arg)? } else { take_single(quoted, &mut arg)? };
                return after.first().is_none_or(|&byte| is_space(byte)).then_some((arg, after));
            }
            [byte, ..] if ends_word(*byte) => return Some((arg, rest)),
            [byte, after @ ..] => {
                arg.push(*byte);
                rest = after;
            }
        }
    }
}

/// Reads up to a closing `"`; returns what follows it.
fn take_double<'a>(mut rest: &'a [u8], arg: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [] => return None,
            [b'"', after @ ..] => return Some(after),
            [b'\\', b'x', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                arg.push(hex_value(*high) << 4 | hex_value(*low));
                rest = after;
            }
            [b'\\', escaped, after @ ..] => {
                arg.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                rest = after;
            }
            [byte, after @ ..] => {
                arg.push(*byte);
                rest = after;
            }
        }
    }
}

/// Reads up to a closing `'`; returns what follows it.
fn take_single<'a>(mut rest: &'a [u8], arg: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [] => return None,
            [b'\\', b'\'', after @ ..] => {
                arg.push(b'\'');
                rest = after;
            }
            [b'\'', after @ ..] => return Some(after),
            [byte, after @ ..] => {
                arg.push(*byte);
                rest = after;
            }
        }
    }
}

fn hex_value(digit: u8) -> u8 {
    (digit as char).to_digit(16).expect("the caller has tested for a hexadecimal digit") as u8
}

/// Appends bytes in double quotes with everything unprintable escaped, as MONITOR and redis-cli show them.
pub fn write_repr(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend_from_slice(&[b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
    out.push(b'"');
}

/// Whether two texts are equal but for the case of ASCII letters: how command and option names compare.
#[inline]
pub fn eq_ignore_case(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// What a C program sees of a text: nothing from the first NUL on.
pub fn c_string(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Option<Vec<String>> {
        let words = split_args(line.as_bytes())?;
        Some(words.into_iter().map(|word| String::from_utf8_lossy(&word).into_owned()).collect())
    }

    #[test]
    fn words_split_with_quotes_and_escapes() {
        let some = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
        assert_eq!(split("set key  value"), some(&["set", "key", "value"]));
        assert_eq!(split(r#"set k "a b\n\x41""#), some(&["set", "k", "a b\nA"]));
        assert_eq!(split(r"set k 'it\'s'"), some(&["set", "k", "it's"]));
        assert_eq!(split(r#"set k """#), some(&["set", "k", ""]));
        assert_eq!(split("   "), some(&[]));
        assert_eq!(split(r#"set "open"#), None);
        assert_eq!(split(r#"set "a"b"#), None);
    }

    #[test]
    fn repr_quotes_what_cannot_be_read() {
        let mut out = Vec::new();
        write_repr(&mut out, b"a\"\\\n\x01z");
        assert_eq!(out, br#""a\"\\\n\x01z""#);
    }
}
