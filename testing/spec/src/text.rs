//! The pieces of a script line: arguments as redis-cli splits them, quoted bytes, and globs.
//!
//! Everything is bytes, because Redis strings are bytes; a script file itself is UTF-8, and bytes
//! outside of printable ASCII are written `\xHH` inside double quotes.

/// One argument of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub bytes: Vec<u8>,
    /// Quoted arguments are literal; variables and globs are recognised in unquoted ones only.
    pub quoted: bool,
}

/// Splits a line into arguments: blanks separate, `"..."` takes escapes, `'...'` is literal but for
/// `\'`. As an addition of ours, `"x"*1000` is the quoted text a thousand times.
pub fn split_args(line: &str) -> Result<Vec<Token>, String> {
    let bytes = line.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        while at < bytes.len() && bytes[at].is_ascii_whitespace() {
            at += 1;
        }
        if at == bytes.len() {
            return Ok(tokens);
        }
        let token = if bytes[at] == b'"' {
            let (content, used) = unquote(&bytes[at..])?;
            at += used;
            Token { bytes: content, quoted: true }
        } else if bytes[at] == b'\'' {
            let (content, used) = unquote_single(&bytes[at..])?;
            at += used;
            Token { bytes: content, quoted: true }
        } else {
            let start = at;
            while at < bytes.len() && !bytes[at].is_ascii_whitespace() {
                at += 1;
            }
            Token { bytes: bytes[start..at].to_vec(), quoted: false }
        };
        if at < bytes.len() && !bytes[at].is_ascii_whitespace() {
            return Err(format!("a blank is missing after the quotes in: {line}"));
        }
        tokens.push(token);
    }
}

/// Reads `"..."`, with an optional `*N` behind it, at the start of `input`. Returns the content and
/// how many bytes of the input it took.
pub fn unquote(input: &[u8]) -> Result<(Vec<u8>, usize), String> {
    let mut content = Vec::new();
    let mut at = 1;
    loop {
        match input.get(at) {
            None => return Err("quotes are not closed".into()),
            Some(b'"') => break,
            Some(b'\\') => at += unescape(&input[at..], &mut content)?,
            Some(&byte) => {
                content.push(byte);
                at += 1;
            }
        }
    }
    at += 1;
    if input.get(at) == Some(&b'*') {
        let digits = input[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        let count: usize = std::str::from_utf8(&input[at + 1..at + 1 + digits])
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or("a count is missing after \"...\"*")?;
        content = content.repeat(count);
        at += 1 + digits;
    }
    Ok((content, at))
}

/// Decodes the escape at the start of `input` (a backslash) and returns its length.
fn unescape(input: &[u8], content: &mut Vec<u8>) -> Result<usize, String> {
    let letter = *input.get(1).ok_or("a backslash at the end of the line")?;
    if letter == b'x' {
        let hex = input.get(2..4).and_then(|h| std::str::from_utf8(h).ok()).unwrap_or("");
        let byte = u8::from_str_radix(hex, 16).map_err(|_| format!("bad escape \\x{hex}"))?;
        content.push(byte);
        return Ok(4);
    }
    content.push(match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        other => other,
    });
    Ok(2)
}

fn unquote_single(input: &[u8]) -> Result<(Vec<u8>, usize), String> {
    let mut content = Vec::new();
    let mut at = 1;
    loop {
        match input.get(at) {
            None => return Err("quotes are not closed".into()),
            Some(b'\'') => return Ok((content, at + 1)),
            Some(b'\\') if input.get(at + 1) == Some(&b'\'') => {
                content.push(b'\'');
                at += 2;
            }
            Some(&byte) => {
                content.push(byte);
                at += 1;
            }
        }
    }
}

/// Writes bytes as `"..."` so that [`unquote`] gives them back. A long run of one byte becomes
/// `"x"*N`, to keep scripts with large values readable.
pub fn quote(bytes: &[u8]) -> String {
    if bytes.len() > 64 && bytes.iter().all(|b| *b == bytes[0]) {
        return format!("{}*{}", quote(&bytes[..1]), bytes.len());
    }
    let mut out = String::from("\"");
    for &byte in bytes {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b' '..=b'~' => out.push(byte as char),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// Writes an argument the way a person would: in quotes only where it needs them.
pub fn quote_if_needed(bytes: &[u8]) -> String {
    let plain = |b: &u8| b.is_ascii_graphic() && !b"\"'\\~".contains(b);
    if !bytes.is_empty() && bytes.iter().all(plain) {
        String::from_utf8_lossy(bytes).into_owned()
    } else {
        quote(bytes)
    }
}

/// Whether `text` as a whole fits the glob: `*` any bytes, `?` one byte, `[a-f0-9]` one byte of a
/// class, `[...]+` one or more of it, and a backslash takes the next byte literally.
pub fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let Some(&first) = pattern.first() else {
        return text.is_empty();
    };
    match first {
        b'*' => (0..=text.len()).any(|skip| glob(&pattern[1..], &text[skip..])),
        b'?' => !text.is_empty() && glob(&pattern[1..], &text[1..]),
        b'[' => glob_class(pattern, text),
        b'\\' if pattern.len() > 1 => text.first() == Some(&pattern[1]) && glob(&pattern[2..], &text[1..]),
        _ => text.first() == Some(&first) && glob(&pattern[1..], &text[1..]),
    }
}

fn glob_class(pattern: &[u8], text: &[u8]) -> bool {
    let Some(end) = pattern.iter().position(|b| *b == b']') else {
        return text.first() == Some(&b'[') && glob(&pattern[1..], &text[1..]);
    };
    let class = &pattern[1..end];
    let many = pattern.get(end + 1) == Some(&b'+');
    let rest = &pattern[end + 1 + usize::from(many)..];
    let fitting = text.iter().take_while(|b| in_class(class, **b)).count();
    let most = if many { fitting } else { fitting.min(1) };
    (1..=most).rev().any(|used| glob(rest, &text[used..]))
}

fn in_class(class: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while at < class.len() {
        if class.get(at + 1) == Some(&b'-') && at + 2 < class.len() {
            if (class[at]..=class[at + 2]).contains(&byte) {
                return true;
            }
            at += 3;
        } else {
            if class[at] == byte {
                return true;
            }
            at += 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Vec<u8>> {
        split_args(line).unwrap().into_iter().map(|t| t.bytes).collect()
    }

    #[test]
    fn arguments_split_at_blanks_and_keep_quoted_bytes() {
        assert_eq!(words("SET k  \"a b\\x00\\n\""), [&b"SET"[..], b"k", b"a b\0\n"]);
        assert_eq!(words("SET '' 'it\\'s'"), [&b"SET"[..], b"", b"it's"]);
        assert_eq!(words("APPEND k \"ab\"*3"), [&b"APPEND"[..], b"k", b"ababab"]);
    }

    #[test]
    fn broken_quotes_are_refused() {
        for line in ["GET \"a", "GET 'a", "GET \"a\"b", "GET \"\\xZZ\"", "GET \"a\"*"] {
            assert!(split_args(line).is_err(), "{line}");
        }
    }

    #[test]
    fn quoted_text_reads_back_as_the_same_bytes() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in [&all[..], b"", b"plain", &[b'x'; 500]] {
            let text = quote(bytes);
            assert_eq!(unquote(text.as_bytes()).unwrap(), (bytes.to_vec(), text.len()));
        }
    }

    #[test]
    fn globs_match_the_whole_text() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbcd", false),
            ("a?c", "abc", true),
            ("[0-9]+", "1234", true),
            ("[0-9]+", "", false),
            ("[0-9]+4", "1234", true),
            ("v[.0-9]+-[ab]", "v1.2-b", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
        ] {
            assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), fits, "{pattern} on {text}");
        }
    }
}
