//! Tests of writing replies: the bytes of each type, and that an output keeps its order whatever is done to it.

use std::sync::Arc;

use super::*;
use crate::client::{Value, decode};
use base::rng::Rng;

/// What `write` comes to in RESP2 and in RESP3.
fn both(write: impl Fn(&mut ReplyWriter)) -> (String, String) {
    let [resp2, resp3] = [Proto::Resp2, Proto::Resp3].map(|proto| {
        let mut writer = ReplyWriter::new(proto);
        write(&mut writer);
        assert_eq!(writer.out.len(), writer.out.to_vec().len());
        writer.out.to_vec().escape_ascii().to_string().replace("\\r\\n", "|")
    });
    (resp2, resp3)
}

#[track_caller]
fn check(write: impl Fn(&mut ReplyWriter), resp2: &str, resp3: &str) {
    assert_eq!(both(write), (resp2.to_owned(), resp3.to_owned()));
}

fn below(rng: &mut Rng, bound: usize) -> usize {
    rng.below(bound as u64) as usize
}

#[test]
fn every_type_is_written_as_redis_writes_it() {
    check(|w| w.ok(), "+OK|", "+OK|");
    check(|w| w.simple("a\r\nb\n"), "+a  b |", "+a  b |");
    check(|w| w.error("ERR x"), "-ERR x|", "-ERR x|");
    check(|w| w.error(b"\nE x\n\r y\r\n\n"), "- E x   y|", "- E x   y|");
    check(|w| w.error("\n"), "-|", "-|");
    let error = crate::ProtocolError::ExpectedDollar(b'\n');
    let text = "-ERR Protocol error: expected \\'$\\', got \\' \\'|";
    check(|w| w.protocol_error(error), text, text);
    check(|w| w.bulk(b""), "$0||", "$0||");
    check(|w| w.bulk_int(-12), "$3|-12|", "$3|-12|");
    check(|w| w.null(), "$-1|", "_|");
    check(|w| w.null_array(), "*-1|", "_|");
    check(|w| w.array(3), "*3|", "*3|");
    check(|w| w.map(7), "*14|", "%7|");
    check(|w| w.set(100), "*100|", "~100|");
    check(|w| w.push(2), "*2|", ">2|");
    check(|w| assert_eq!(w.attribute(1), w.proto == Proto::Resp3), "", "|1|");
    check(|w| w.bool(true), ":1|", "#t|");
    check(|w| w.bool(false), ":0|", "#f|");
    check(|w| w.double(-3.25), "$5|-3.25|", ",-3.25|");
    check(|w| w.double(3.0), "$1|3|", ",3|");
    check(|w| w.double(f64::INFINITY), "$3|inf|", ",inf|");
    check(|w| w.double(f64::NEG_INFINITY), "$4|-inf|", ",-inf|");
    check(|w| w.double(f64::NAN), "$3|nan|", ",nan|");
    check(|w| w.big_number("-99"), "$3|-99|", "(-99|");
    check(|w| w.verbatim(b"txt", b"a\nb"), "$3|a\\nb|", "=7|txt:a\\nb|");
    check(|w| w.raw(b"x"), "x", "x");
}

#[test]
fn numbers_of_every_length_are_printed_in_full() {
    let powers = (0..19).map(|power| 10i64.pow(power));
    for number in powers.flat_map(|power| [power - 1, power, power + 1, -power]).chain([i64::MIN, i64::MAX]) {
        check(|w| w.int(number), &format!(":{number}|"), &format!(":{number}|"));
        if let Ok(len) = usize::try_from(number) {
            check(|w| w.array(len), &format!("*{len}|"), &format!("*{len}|"));
        }
    }
    for len in [9, 10, 99, 100, 1000] {
        let text = "x".repeat(len);
        check(|w| w.bulk(text.as_bytes()), &format!("${len}|{text}|"), &format!("${len}|{text}|"));
    }
}

#[test]
fn big_blobs_are_sent_by_reference() {
    let blob: Blob = Arc::new(vec![b'b'; BY_REFERENCE_MIN + 10]);
    let mut writer = ReplyWriter::default();
    writer.blob(&blob, 3..BY_REFERENCE_MIN + 2);
    assert_eq!(Arc::strong_count(&blob), 1, "one byte too short");
    writer.blob(&blob, 3..BY_REFERENCE_MIN + 3);
    assert_eq!(Arc::strong_count(&blob), 2);
    assert!(writer.out.slices().any(|slice| slice.as_ptr() == blob[3..].as_ptr()));
    assert!(writer.out.memory() >= 2 * BY_REFERENCE_MIN);
    writer.out.clear();
    assert_eq!((Arc::strong_count(&blob), writer.out.len()), (1, 0));
}

#[test]
fn deferred_headers_land_in_front_of_their_elements() {
    let write = |w: &mut ReplyWriter| {
        let outer = w.deferred_array();
        let map = w.deferred_array();
        w.ok();
        w.int(1);
        w.set_map_len(map, 1);
        let set = w.deferred_array();
        w.set_set_len(set, 0);
        let push = w.deferred_array();
        w.set_push_len(push, 0);
        w.set_array_len(outer, 3);
    };
    check(write, "*3|*2|+OK|:1|*0|*0|", "*3|%1|+OK|:1|~0|>0|");
}

/// Writes a random array, some of it big and some by reference, and the same plainly into `plain`.
fn write_random(rng: &mut Rng, writer: &mut ReplyWriter, blob: &Blob, depth: usize) -> Vec<u8> {
    let mut plain = Vec::new();
    let (deferred, count) = (writer.deferred_array(), below(rng, 5));
    for _ in 0..count {
        match below(rng, 4) {
            0 if depth > 0 => plain.extend(write_random(rng, writer, blob, depth - 1)),
            1 => {
                let end = below(rng, blob.len());
                writer.blob(blob, end / 3..end);
                plain.extend(format!("${}\r\n", end - end / 3).bytes());
                plain.extend_from_slice(&blob[end / 3..end]);
                plain.extend(b"\r\n");
            }
            2 => {
                let text = &blob[..below(rng, 6000)];
                writer.bulk(text);
                plain.extend(format!("${}\r\n", text.len()).bytes());
                plain.extend_from_slice(text);
                plain.extend(b"\r\n");
            }
            _ => {
                writer.int(5);
                plain.extend(b":5\r\n");
            }
        }
    }
    writer.set_array_len(deferred, count);
    [format!("*{count}\r\n").as_bytes(), &plain].concat()
}

#[test]
fn partial_writes_send_every_byte_once_and_in_order() {
    let mut rng = Rng::seed(4);
    let blob: Blob = Arc::new((0..60_000u32).map(|i| (i * 7 / 3) as u8).collect());
    for _ in 0..150 {
        let mut writer = ReplyWriter::default();
        let (mut expected, mut sent) = (Vec::new(), Vec::new());
        for _ in 0..below(&mut rng, 12) {
            let mark = writer.out.mark();
            let reply = write_random(&mut rng, &mut writer, &blob, 3);
            assert_eq!(writer.out.len_since(mark), reply.len());
            match below(&mut rng, 5) {
                0 => writer.out.truncate(mark),
                1 => {
                    // Moved to another connection's output and back.
                    let mut other = Output::default();
                    other.append(&mut writer.out);
                    assert!(writer.out.is_empty());
                    writer.out.append(&mut other);
                    expected.extend(reply);
                }
                _ => expected.extend(reply),
            }
            let left = writer.out.len();
            assert_eq!(left, expected.len() - sent.len());
            assert!(writer.out.slices().all(|slice| !slice.is_empty()));
            let all = writer.out.to_vec();
            assert!(all == expected[sent.len()..], "the output lost its order");
            let step = below(&mut rng, left + 1);
            sent.extend_from_slice(&all[..step]);
            writer.out.advance(step);
        }
        sent.extend(writer.out.to_vec());
        assert!(sent == expected);
        writer.out.advance(writer.out.len());
        assert_eq!((writer.out.slices().count(), Arc::strong_count(&blob)), (0, 1));
    }
}

/// A random reply without nulls of RESP2, which RESP3 does not have.
fn random_value(rng: &mut Rng, depth: usize) -> Value {
    let text = |rng: &mut Rng| (0..below(rng, 20)).map(|_| rng.next_u64() as u8).collect::<Vec<_>>();
    let values = |rng: &mut Rng| (0..below(rng, 4)).map(|_| random_value(rng, depth - 1)).collect();
    match below(rng, if depth == 0 { 8 } else { 11 }) {
        0 => Value::Simple(format!("s{}", below(rng, 1000)).into_bytes()),
        1 => Value::Error(format!("ERR {}", below(rng, 1000)).into_bytes()),
        2 => Value::Integer((rng.next_u64() >> below(rng, 64)) as i64),
        3 => Value::Bulk(text(rng)),
        4 => Value::Null,
        5 => Value::Double((rng.next_u64() as i32) as f64 / 1024.0),
        6 => Value::Bool(below(rng, 2) == 0),
        7 => Value::Verbatim(*b"txt", text(rng)),
        8 => Value::Array(values(rng)),
        9 => Value::Set(values(rng)),
        _ => Value::Map((0..below(rng, 4)).map(|_| (random_value(rng, 0), random_value(rng, depth - 1))).collect()),
    }
}

fn write_value(writer: &mut ReplyWriter, value: &Value) {
    match value {
        Value::Simple(text) => writer.simple(std::str::from_utf8(text).expect("made of ASCII")),
        Value::Error(text) => writer.error(text),
        Value::Integer(number) => writer.int(*number),
        Value::Bulk(text) => writer.bulk(text),
        Value::Null => writer.null(),
        Value::Double(number) => writer.double(*number),
        Value::Bool(truth) => writer.bool(*truth),
        Value::Verbatim(format, text) => writer.verbatim(format, text),
        Value::Array(values) => {
            writer.array(values.len());
            values.iter().for_each(|value| write_value(writer, value));
        }
        Value::Set(values) => {
            writer.set(values.len());
            values.iter().for_each(|value| write_value(writer, value));
        }
        Value::Map(pairs) => {
            writer.map(pairs.len());
            for (key, value) in pairs {
                write_value(writer, key);
                write_value(writer, value);
            }
        }
        other => panic!("random_value does not make {other:?}"),
    }
}

/// What a RESP2 client gets instead.
fn in_resp2(value: Value) -> Value {
    match value {
        Value::Null => Value::NullBulk,
        Value::Bool(truth) => Value::Integer(i64::from(truth)),
        Value::Verbatim(_, text) => Value::Bulk(text),
        Value::Double(number) => {
            let mut text = Vec::new();
            base::num::write_f64(&mut text, number);
            Value::Bulk(text)
        }
        Value::Array(values) | Value::Set(values) => Value::Array(values.into_iter().map(in_resp2).collect()),
        Value::Map(pairs) => {
            Value::Array(pairs.into_iter().flat_map(|(key, value)| [in_resp2(key), in_resp2(value)]).collect())
        }
        same => same,
    }
}

#[test]
fn what_is_written_is_what_a_client_reads() {
    let mut rng = Rng::seed(5);
    for _ in 0..2000 {
        let value = random_value(&mut rng, 4);
        for proto in [Proto::Resp2, Proto::Resp3] {
            let mut writer = ReplyWriter::new(proto);
            write_value(&mut writer, &value);
            let expected = if proto == Proto::Resp3 { value.clone() } else { in_resp2(value.clone()) };
            let bytes = writer.out.to_vec();
            assert_eq!(decode(&bytes), Ok(Some((expected, bytes.len()))));
        }
    }
}
