//! Replies held against the shapes that the specs declare, in debug builds.
//!
//! A command is answered by one whole reply, in the protocol of its connection and of a type that its spec's `reply`
//! has; or, if the spec says so, by push messages. Anything else is a mistake of the handler or of the declaration, and
//! ends the test or the server that finds it.
//!
//! A [`Shape`] names the types of RESP3. In RESP2 a map, a set and a push are arrays, a double and a verbatim text are
//! bulk strings, and a truth is an integer: so are they held here.

use command::spec::Shape;
use command::spec::registry::Command;
use resp::client::{Value, decode};
use resp::{Mark, Proto, ReplyWriter};

/// Holds what was written since `mark` against what the command declares.
///
/// # Panics
/// When it is something else.
pub fn check(command: &Command, reply: &ReplyWriter, mark: Mark) {
    let bytes = written_since(reply, mark);
    if let Err(what) = judge(command.spec.reply, reply.proto, &bytes) {
        panic!("{} answered \"{}\": {what}", command.full_name, bytes.escape_ascii());
    }
}

/// Makes sure that a handler whose client is to wait has written nothing.
///
/// # Panics
/// When it has.
pub fn check_nothing(command: &Command, reply: &ReplyWriter, mark: Mark) {
    let bytes = written_since(reply, mark);
    assert!(bytes.is_empty(), "{} waits, but answered \"{}\"", command.full_name, bytes.escape_ascii());
}

fn written_since(reply: &ReplyWriter, mark: Mark) -> Vec<u8> {
    let mut before = reply.out.len() - reply.out.len_since(mark);
    let mut bytes = Vec::new();
    for slice in reply.out.slices() {
        let skipped = before.min(slice.len());
        bytes.extend_from_slice(&slice[skipped..]);
        before -= skipped;
    }
    bytes
}

fn judge(shape: Shape, proto: Proto, bytes: &[u8]) -> Result<(), String> {
    let mut rest = bytes;
    let (mut replies, mut pushes) = (0, 0);
    while !rest.is_empty() {
        let (value, len) = match decode(rest) {
            Ok(Some(found)) => found,
            Ok(None) => return Err("it ends too early".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        if !is_of(proto, &value) {
            return Err(format!("it is not {proto:?}"));
        }
        if !shape.any(shapes_of(proto, &value)) {
            return Err(format!("the spec declares {shape:?}"));
        }
        // A push of RESP2 looks like any other array.
        let is_push = matches!(value, Value::Push(_)) || shape == Shape::PUSHES;
        *(if is_push { &mut pushes } else { &mut replies }) += 1;
        rest = &rest[len..];
    }
    match (replies, pushes) {
        (1, _) => Ok(()),
        (0, 1..) if shape == Shape::PUSHES => Ok(()),
        (0, 0) if shape.any(Shape::NOTHING) => Ok(()),
        _ => Err(format!("{replies} replies")),
    }
}

/// The shapes that a value may be meant as.
fn shapes_of(proto: Proto, value: &Value) -> Shape {
    let resp2 = |shape: Shape, others: Shape| if proto == Proto::Resp2 { shape.or(others) } else { shape };
    match value {
        Value::Simple(_) => Shape::SIMPLE,
        Value::Integer(_) => resp2(Shape::INTEGER, Shape::BOOL),
        Value::Bulk(_) => resp2(Shape::BULK, Shape::DOUBLE.or(Shape::VERBATIM).or(Shape::BIG_NUMBER)),
        Value::Null | Value::NullBulk | Value::NullArray => Shape::NULL,
        Value::Array(_) => resp2(Shape::ARRAY, Shape::MAP.or(Shape::SET).or(Shape::PUSHES)),
        Value::Map(_) => Shape::MAP,
        Value::Set(_) => Shape::SET,
        Value::Push(_) => Shape::PUSHES,
        Value::Double(_) => Shape::DOUBLE,
        Value::Bool(_) => Shape::BOOL,
        Value::Verbatim(..) => Shape::VERBATIM,
        Value::Attributed(_, value) => shapes_of(proto, value),
        Value::BigNumber(_) => Shape::BIG_NUMBER,
        Value::Error(_) | Value::BlobError(_) => Shape::ERROR,
    }
}

/// Whether the whole of a value is in the types of a protocol.
fn is_of(proto: Proto, value: &Value) -> bool {
    let resp3 = proto == Proto::Resp3;
    let all = |values: &[Value]| values.iter().all(|value| is_of(proto, value));
    let all_pairs =
        |pairs: &[(Value, Value)]| pairs.iter().all(|(key, value)| is_of(proto, key) && is_of(proto, value));
    match value {
        Value::Simple(_) | Value::Error(_) | Value::Integer(_) | Value::Bulk(_) => true,
        Value::NullBulk | Value::NullArray => !resp3,
        Value::Null | Value::Double(_) | Value::Bool(_) => resp3,
        Value::BigNumber(_) | Value::Verbatim(..) | Value::BlobError(_) => resp3,
        Value::Array(values) => all(values),
        Value::Set(values) | Value::Push(values) => resp3 && all(values),
        Value::Map(pairs) => resp3 && all_pairs(pairs),
        Value::Attributed(pairs, value) => resp3 && all_pairs(pairs) && is_of(proto, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(shape: Shape, proto: Proto, bytes: &[u8]) -> bool {
        judge(shape, proto, bytes).is_ok()
    }

    #[test]
    fn a_reply_has_one_of_the_types_declared() {
        let shape = Shape::MAP.or(Shape::NULL);
        for (proto, bytes, fits) in [
            (Proto::Resp3, &b"%1\r\n+a\r\n,1.5\r\n"[..], true),
            (Proto::Resp3, b"_\r\n", true),
            (Proto::Resp3, b"|1\r\n+a\r\n:1\r\n_\r\n", true),
            (Proto::Resp3, b"*0\r\n", false),
            (Proto::Resp2, b"*2\r\n+a\r\n$3\r\n1.5\r\n", true),
            (Proto::Resp2, b"*-1\r\n", true),
            (Proto::Resp2, b"$1\r\na\r\n", false),
        ] {
            assert_eq!(holds(shape, proto, bytes), fits, "{proto:?} {}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_resp2_has_no_type_for_is_declared_as_resp3_has_it() {
        for (shape, bytes) in [
            (Shape::DOUBLE, &b"$3\r\n1.5\r\n"[..]),
            (Shape::VERBATIM, b"$1\r\na\r\n"),
            (Shape::BOOL, b":1\r\n"),
            (Shape::SET, b"*0\r\n"),
        ] {
            assert!(holds(shape, Proto::Resp2, bytes));
            assert!(!holds(shape, Proto::Resp3, bytes));
        }
    }

    #[test]
    fn a_reply_is_of_its_protocol_as_deep_as_it_goes() {
        assert!(!holds(Shape::ARRAY, Proto::Resp2, b"*1\r\n_\r\n"));
        assert!(!holds(Shape::ARRAY, Proto::Resp3, b"*1\r\n*-1\r\n"));
        assert!(!holds(Shape::NULL, Proto::Resp3, b"$-1\r\n"));
        assert!(!holds(Shape::MAP, Proto::Resp3, b"%1\r\n+a\r\n$-1\r\n"));
    }

    #[test]
    fn there_is_one_whole_reply_but_of_those_who_push() {
        for bytes in [&b""[..], b"+OK\r\n+OK\r\n", b"*2\r\n:1\r\n", b"$2\r\na\r\n", b"-ERR no\r\n"] {
            assert!(!holds(Shape::SIMPLE.or(Shape::ARRAY).or(Shape::BULK), Proto::Resp2, bytes));
        }
        assert!(holds(Shape::PUSHES, Proto::Resp3, b">1\r\n+a\r\n>1\r\n+b\r\n"));
        assert!(holds(Shape::PUSHES, Proto::Resp2, b"*1\r\n+a\r\n*1\r\n+b\r\n"));
        assert!(!holds(Shape::PUSHES, Proto::Resp3, b""));
        assert!(holds(Shape::SIMPLE.or(Shape::NOTHING), Proto::Resp3, b""));
        assert!(!holds(Shape::PUSHES, Proto::Resp3, b"*1\r\n+a\r\n"));
        assert!(!holds(Shape::UNDECLARED, Proto::Resp2, b"+OK\r\n"), "a spec that declares nothing");
        let push_behind = b"+OK\r\n>1\r\n+a\r\n";
        assert!(holds(Shape::SIMPLE.or(Shape::PUSHES), Proto::Resp3, push_behind));
        assert!(!holds(Shape::SIMPLE, Proto::Resp3, push_behind));
    }
}
