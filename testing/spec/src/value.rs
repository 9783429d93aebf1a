//! A RESP value as it came over the wire, and its parser.
//!
//! Nothing is converted: a double keeps its text, and the two nulls of RESP2 stay different, since
//! the exact bytes are what a spec script is about.

/// Which of the nulls arrived: RESP2 has two spellings, RESP3 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Null {
    Bulk,
    Array,
    Resp3,
}

/// One reply or push message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Simple(Vec<u8>),
    Error(Vec<u8>),
    Integer(i64),
    Bulk(Vec<u8>),
    Null(Null),
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Set(Vec<Value>),
    Push(Vec<Value>),
    /// The text of the double, exactly as sent.
    Double(Vec<u8>),
    Boolean(bool),
    /// The text behind the `txt:` prefix.
    Verbatim(Vec<u8>),
    BigNumber(Vec<u8>),
}

impl Value {
    /// Whether RESP2 has no such type. The elements of an aggregate are not looked at.
    pub fn is_resp3(&self) -> bool {
        match self {
            Value::Null(null) => *null == Null::Resp3,
            Value::Simple(_) | Value::Error(_) | Value::Integer(_) | Value::Bulk(_) | Value::Array(_) => false,
            Value::Map(_)
            | Value::Set(_)
            | Value::Push(_)
            | Value::Double(_)
            | Value::Boolean(_)
            | Value::Verbatim(_)
            | Value::BigNumber(_) => true,
        }
    }
}

/// Parses one value at the start of `input`: `None` when more bytes are needed, otherwise the value
/// and its length in bytes.
pub fn parse(input: &[u8]) -> Result<Option<(Value, usize)>, String> {
    let mut at = 0;
    match parse_at(input, &mut at) {
        Ok(value) => Ok(Some((value, at))),
        Err(Stop::Incomplete) => Ok(None),
        Err(Stop::Malformed(what)) => Err(what),
    }
}

enum Stop {
    Incomplete,
    Malformed(String),
}

fn parse_at(input: &[u8], at: &mut usize) -> Result<Value, Stop> {
    let line = take_line(input, at)?;
    let Some((&kind, rest)) = line.split_first() else {
        return Err(Stop::Malformed("an empty line instead of a reply".into()));
    };
    Ok(match kind {
        b'+' => Value::Simple(rest.to_vec()),
        b'-' => Value::Error(rest.to_vec()),
        b':' => Value::Integer(number(rest)?),
        b'$' => match number(rest)? {
            -1 => Value::Null(Null::Bulk),
            length => Value::Bulk(take_body(input, at, length)?),
        },
        b'!' => {
            let length = number(rest)?;
            Value::Error(take_body(input, at, length)?)
        }
        b'=' => {
            let length = number(rest)?;
            let body = take_body(input, at, length)?;
            match body.strip_prefix(b"txt:") {
                Some(text) => Value::Verbatim(text.to_vec()),
                None => return Err(Stop::Malformed("a verbatim string that is not txt".into())),
            }
        }
        b'*' => match number(rest)? {
            -1 => Value::Null(Null::Array),
            count => Value::Array(take_values(input, at, count)?),
        },
        b'~' => Value::Set(take_values(input, at, number(rest)?)?),
        b'>' => Value::Push(take_values(input, at, number(rest)?)?),
        b'%' => {
            let mut pairs = Vec::new();
            for _ in 0..number(rest)? {
                pairs.push((parse_at(input, at)?, parse_at(input, at)?));
            }
            Value::Map(pairs)
        }
        b',' => Value::Double(rest.to_vec()),
        b'#' => Value::Boolean(rest == b"t"),
        b'(' => Value::BigNumber(rest.to_vec()),
        b'_' => Value::Null(Null::Resp3),
        _ => {
            let shown = String::from_utf8_lossy(line);
            return Err(Stop::Malformed(format!("not a RESP reply: {shown}")));
        }
    })
}

fn take_line<'a>(input: &'a [u8], at: &mut usize) -> Result<&'a [u8], Stop> {
    let rest = &input[*at..];
    let end = rest.windows(2).position(|pair| pair == b"\r\n").ok_or(Stop::Incomplete)?;
    *at += end + 2;
    Ok(&rest[..end])
}

fn take_body(input: &[u8], at: &mut usize, length: i64) -> Result<Vec<u8>, Stop> {
    let length = usize::try_from(length).map_err(|_| Stop::Malformed(format!("a length of {length} bytes")))?;
    let rest = &input[*at..];
    if rest.len() < length + 2 {
        return Err(Stop::Incomplete);
    }
    if &rest[length..length + 2] != b"\r\n" {
        return Err(Stop::Malformed("a bulk string is longer than it says".into()));
    }
    *at += length + 2;
    Ok(rest[..length].to_vec())
}

fn take_values(input: &[u8], at: &mut usize, count: i64) -> Result<Vec<Value>, Stop> {
    (0..count).map(|_| parse_at(input, at)).collect()
}

fn number(digits: &[u8]) -> Result<i64, Stop> {
    std::str::from_utf8(digits)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Stop::Malformed(format!("not a number: {}", digits.escape_ascii())))
}

/// Encodes a command as an array of bulk strings.
pub fn encode_command<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        let arg = arg.as_ref();
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_told_apart() {
        for (wire, value) in [
            (&b"+OK\r\n"[..], Value::Simple(b"OK".to_vec())),
            (b"-ERR no\r\n", Value::Error(b"ERR no".to_vec())),
            (b":-3\r\n", Value::Integer(-3)),
            (b"$3\r\na\r\n\r\n", Value::Bulk(b"a\r\n".to_vec())),
            (b"$-1\r\n", Value::Null(Null::Bulk)),
            (b"*-1\r\n", Value::Null(Null::Array)),
            (b"_\r\n", Value::Null(Null::Resp3)),
            (b",1.50\r\n", Value::Double(b"1.50".to_vec())),
            (b"#t\r\n", Value::Boolean(true)),
            (b"=5\r\ntxt:a\r\n", Value::Verbatim(b"a".to_vec())),
            (b"~1\r\n:1\r\n", Value::Set(vec![Value::Integer(1)])),
            (b"%1\r\n+a\r\n:1\r\n", Value::Map(vec![(Value::Simple(b"a".to_vec()), Value::Integer(1))])),
        ] {
            assert_eq!(parse(wire), Ok(Some((value, wire.len()))));
        }
    }

    #[test]
    fn a_reply_cut_anywhere_waits_for_more() {
        let wire = b"*2\r\n$3\r\nabc\r\n%1\r\n+k\r\n*-1\r\n";
        for cut in 0..wire.len() {
            assert_eq!(parse(&wire[..cut]), Ok(None), "cut at {cut}");
        }
    }

    #[test]
    fn bytes_that_are_no_reply_are_refused() {
        for wire in [&b"hello\r\n"[..], b":x\r\n", b"$1\r\nab\r\n", b"\r\n"] {
            assert!(parse(wire).is_err(), "{}", wire.escape_ascii());
        }
    }
}
