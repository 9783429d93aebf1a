//! What the notation means, and that printing and parsing are inverse.

use super::*;
use crate::client::Protocol::{Resp2, Resp3};

fn bulk(text: &str) -> Value {
    Value::Bulk(text.into())
}

fn expected(text: &str) -> Pattern {
    let lines: Vec<&str> = text.lines().collect();
    parse(&lines).unwrap_or_else(|error| panic!("{error} in:\n{text}"))
}

fn fits(text: &str, value: &Value, protocol: Protocol) -> bool {
    matches(&expected(text), value, protocol, &mut Variables::new())
}

/// A value that nests everything in everything.
fn nested() -> Value {
    Value::Array(vec![
        Value::Array(vec![bulk("a"), Value::Array(vec![Value::Integer(1), Value::Null(Null::Bulk)])]),
        Value::Map(vec![
            (bulk("key => \n"), Value::Set(vec![bulk("m"), Value::Double(b"1.5".to_vec())])),
            (Value::Integer(2), Value::Array(vec![])),
        ]),
        Value::Error(b"ERR no".to_vec()),
        Value::Simple(b"with 'odd' signs".to_vec()),
        Value::Array((0..12).map(Value::Integer).collect()),
    ])
}

#[test]
fn a_printed_value_is_matched_by_its_own_text() {
    let text = print(&nested()).join("\n");
    // The null of RESP3 is another one, so only RESP2 fits; sets and maps are derived there.
    let Value::Array(mut items) = nested() else { unreachable!() };
    items[1] = Value::Array(vec![
        bulk("key => \n"),
        Value::Array(vec![bulk("m"), bulk("1.5")]),
        Value::Integer(2),
        Value::Array(vec![]),
    ]);
    assert!(fits(&text, &Value::Array(items), Resp2), "{text}");
}

#[test]
fn nulls_are_told_apart_in_resp2_and_are_one_in_resp3() {
    assert!(fits("(nil)", &Value::Null(Null::Bulk), Resp2));
    assert!(!fits("(nil)", &Value::Null(Null::Array), Resp2));
    assert!(fits("(nil array)", &Value::Null(Null::Array), Resp2));
    assert!(fits("(nil array)", &Value::Null(Null::Resp3), Resp3));
    assert!(!fits("(nil)", &Value::Null(Null::Bulk), Resp3));
}

#[test]
fn resp3_types_are_not_weakened_on_resp3() {
    for (text, resp2, resp3) in [
        ("(double) 2.5", bulk("2.5"), Value::Double(b"2.5".to_vec())),
        ("(true)", Value::Integer(1), Value::Boolean(true)),
        ("(verbatim) \"x\"", bulk("x"), Value::Verbatim(b"x".to_vec())),
        ("1~ \"x\"", Value::Array(vec![bulk("x")]), Value::Set(vec![bulk("x")])),
    ] {
        assert!(fits(text, &resp2, Resp2), "{text}");
        assert!(fits(text, &resp3, Resp3), "{text}");
        assert!(!fits(text, &resp2, Resp3), "{text}");
        assert!(!fits(text, &resp3, Resp2), "{text}");
        assert_eq!(common_form(&resp3, &resp2), Some(resp3));
    }
}

#[test]
fn matchers_accept_what_varies_and_nothing_else() {
    for (text, value, fit) in [
        ("(integer) 95..100", Value::Integer(95), true),
        ("(integer) 95..100", Value::Integer(101), false),
        ("(integer) -5..-1", Value::Integer(-3), true),
        ("(double) 0.5..1", Value::Double(b"0.75".to_vec()), true),
        ("~ v[0-9]+", bulk("v12"), true),
        ("~ v[0-9]+", Value::Integer(12), false),
        ("(error) ~ ERR *", Value::Error(b"ERR any".to_vec()), true),
        ("any", Value::Null(Null::Resp3), true),
        ("1) any\n...", Value::Array(vec![bulk("a"), bulk("b")]), true),
        ("1) any", Value::Array(vec![bulk("a"), bulk("b")]), false),
        ("unordered\n1) \"a\"\n2) \"b\"", Value::Array(vec![bulk("b"), bulk("a")]), true),
        ("unordered\n1) \"a\"\n2) \"b\"", Value::Array(vec![bulk("b"), bulk("b")]), false),
    ] {
        assert_eq!(fits(text, &value, Resp3), fit, "{text} on {value:?}");
    }
}

#[test]
fn an_unordered_map_keeps_its_pairs_together_in_resp2() {
    let text = "unordered\n1# \"a\" => \"1\"\n2# \"b\" => \"2\"";
    let flat = |words: [&str; 4]| Value::Array(words.map(bulk).to_vec());
    assert!(fits(text, &flat(["b", "2", "a", "1"]), Resp2));
    assert!(!fits(text, &flat(["b", "1", "a", "2"]), Resp2));
}

#[test]
fn unordered_may_stand_inside_an_element() {
    let value = Value::Array(vec![bulk("0"), Value::Array(vec![bulk("y"), bulk("x")])]);
    assert!(fits("1) \"0\"\n2) unordered\n   1) \"x\"\n   2) \"y\"", &value, Resp3));
}

#[test]
fn a_captured_value_is_kept_as_text() {
    let mut vars = Variables::new();
    assert!(matches(&expected("any as $id"), &Value::Integer(7), Resp3, &mut vars));
    assert_eq!(vars["id"], b"7");
}

#[test]
fn answers_that_are_no_conversion_of_each_other_have_no_common_form() {
    let pair = Value::Array(vec![bulk("a"), Value::Double(b"1".to_vec())]);
    let resp3 = Value::Array(vec![pair]);
    let resp2 = Value::Array(vec![bulk("a"), bulk("1")]);
    assert_eq!(common_form(&resp3, &resp2), None);
}

#[test]
fn broken_notation_is_refused() {
    for text in ["(integer) x", "\"a\" b", "1) \"a\"\n3) \"b\"", "OK\nOK", "unordered\nOK", "?"] {
        let lines: Vec<&str> = text.lines().collect();
        assert!(parse(&lines).is_err(), "{text}");
    }
}
