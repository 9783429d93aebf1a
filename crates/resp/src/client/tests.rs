//! Tests of decoding and showing replies.

use super::*;

#[test]
fn every_type_is_decoded() {
    let bulk = |text: &str| Value::Bulk(text.as_bytes().to_vec());
    for (reply, value) in [
        ("+OK\r\n", Value::Simple(b"OK".to_vec())),
        ("-ERR x\r\n", Value::Error(b"ERR x".to_vec())),
        (":-5\r\n", Value::Integer(-5)),
        ("$3\r\na\rb\r\n", bulk("a\rb")),
        ("$-1\r\n", Value::NullBulk),
        ("*-1\r\n", Value::NullArray),
        ("_\r\n", Value::Null),
        ("*2\r\n:1\r\n*0\r\n", Value::Array(vec![Value::Integer(1), Value::Array(vec![])])),
        ("%1\r\n$1\r\na\r\n#t\r\n", Value::Map(vec![(bulk("a"), Value::Bool(true))])),
        ("~1\r\n#f\r\n", Value::Set(vec![Value::Bool(false)])),
        (">1\r\n$0\r\n\r\n", Value::Push(vec![bulk("")])),
        ("|1\r\n+a\r\n+b\r\n:1\r\n", {
            let pair = (Value::Simple(b"a".to_vec()), Value::Simple(b"b".to_vec()));
            Value::Attributed(vec![pair], Box::new(Value::Integer(1)))
        }),
        (",1.5\r\n", Value::Double(1.5)),
        (",-inf\r\n", Value::Double(f64::NEG_INFINITY)),
        ("(123456789012345678901234567890\r\n", Value::BigNumber(b"123456789012345678901234567890".to_vec())),
        ("=7\r\ntxt:a\nb\r\n", Value::Verbatim(*b"txt", b"a\nb".to_vec())),
        ("!3\r\nE x\r\n", Value::BlobError(b"E x".to_vec())),
    ] {
        let reply = reply.as_bytes();
        let followed = [reply, b"+more"].concat();
        assert_eq!(decode(&followed), Ok(Some((value, reply.len()))));
        for end in 0..reply.len() {
            assert_eq!(decode(&reply[..end]), Ok(None), "{} cut at {end}", reply.escape_ascii());
        }
    }
}

#[test]
fn what_is_no_reply_is_refused() {
    let deep = "*1\r\n".repeat(200);
    for reply in
        ["x\r\n", "+a\rb\r\n", ":x\r\n", ",x\r\n", "#x\r\n", "$x\r\n", "*-2\r\n", "$1\r\nabc", "=3\r\nabc\r\n", &deep]
    {
        assert!(decode(reply.as_bytes()).is_err(), "{reply:?}");
    }
    // A length is only a claim.
    assert_eq!(decode(b"*18446744073709551615\r\n"), Ok(None));
    assert_eq!(decode(b"$18446744073709551615\r\n"), Ok(None));
}

#[test]
fn replies_are_shown_in_columns() {
    let reply = b"*3\r\n$2\r\na\n\r\n*2\r\n:1\r\n_\r\n%2\r\n+k\r\n~1\r\n,2\r\n+l\r\n*0\r\n";
    let (value, _) = decode(reply).expect("a reply").expect("complete");
    let shown = concat!(
        "1) \"a\\n\"\n",
        "2) 1) (integer) 1\n",
        "   2) (nil)\n",
        "3) 1# k => 1~ (double) 2\n",
        "   2# l => (empty array)"
    );
    assert_eq!(value.to_string(), shown);
}
