//! Streams against payloads of real servers.

use super::*;
use crate::rdb::{Dialect, Saving, decode, encode};
use value::stream::{BlockLimits, Keep, References};
use value::{Object, View};

/// A stream, how it came to be, and its bytes.
#[derive(Debug, Default)]
struct Case {
    name: &'static str,
    steps: Vec<Vec<&'static str>>,
    older: Vec<u8>,
    bytes: Vec<u8>,
}

fn hex(digits: &str) -> impl Iterator<Item = u8> + '_ {
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("two hexadecimal digits");
    (0..digits.len()).step_by(2).map(digit)
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let text = include_str!("vectors.txt");
    for section in text.split("\n\n").skip(1) {
        let mut case = Case::default();
        for line in section.lines() {
            match line.split_at(2) {
                ("# ", name) => case.name = name,
                ("> ", step) => case.steps.push(step.split(' ').collect()),
                ("< ", digits) => case.older.extend(hex(digits)),
                (_, digits) => case.bytes.extend(hex(digits)),
            }
        }
        cases.push(case);
    }
    cases
}

fn id(text: &str) -> StreamId {
    let (ms, seq) = text.split_once('-').expect("ids are whole");
    StreamId::new(ms.parse().expect("a number"), seq.parse().expect("a number"))
}

/// Does what a command does; times are not those of the real server.
fn apply(stream: &mut Stream, step: &[&str]) {
    match *step {
        ["XADD", _, new, ref fields @ ..] => {
            let pairs = fields.chunks(2).map(|pair| (pair[0].as_bytes(), pair[1].as_bytes()));
            stream.append(id(new), pairs, &BlockLimits::from_config(4096, 3));
        }
        ["XDEL", _, ref ids @ ..] => ids.iter().for_each(|gone| _ = stream.delete(id(gone), References::Keep)),
        ["XTRIM", _, "MAXLEN", count] => {
            stream.trim(Keep::Last(count.parse().expect("a number")), References::Keep);
        }
        ["XTRIM", _, "MINID", first] => _ = stream.trim(Keep::From(id(first)), References::Keep),
        ["XSETID", _, last, "ENTRIESADDED", added, "MAXDELETEDID", deleted] => {
            stream.set_last_id(id(last), added.parse().ok(), Some(id(deleted)));
        }
        ["XGROUP", "CREATE", _, name, last, ref options @ ..] => {
            let read = options.last().and_then(|read| read.parse().ok());
            stream.add_group(name.as_bytes(), Group::new(id(last), read));
        }
        ["XGROUP", "CREATECONSUMER", _, name, consumer] => {
            stream.group_mut(name.as_bytes()).expect("a group").find_or_add(consumer.as_bytes(), 0);
        }
        ["XREADGROUP", "GROUP", name, consumer, "COUNT", count, ..] => {
            let reader = stream.reader(name.as_bytes()).expect("a group");
            let group = reader.group;
            let (consumer, _) = group.find_or_add(consumer.as_bytes(), 0);
            let from = group.last_delivered.next().expect("there is more");
            let entries = reader.entries.range(from, StreamId::MAX);
            for entry in entries.take(count.parse().expect("a number")) {
                reader.progress.deliver(group, entry.id);
                group.give(entry.id, consumer, 0, 1);
            }
        }
        ["XACK", _, name, done] => {
            assert!(stream.group_mut(name.as_bytes()).expect("a group").acknowledge(id(done)));
        }
        ["XCLAIM", _, name, consumer, _, ref ids @ .., "TIME", time, "RETRYCOUNT", count] => {
            let group = stream.group_mut(name.as_bytes()).expect("a group");
            let (consumer, _) = group.find_or_add(consumer.as_bytes(), 0);
            let (time, count) = (time.parse().expect("a number"), count.parse().expect("a number"));
            ids.iter().for_each(|claimed| group.give(id(claimed), consumer, time, count));
        }
        ref other => panic!("{other:?}"),
    }
}

fn read(bytes: &[u8]) -> Stream {
    match decode(bytes, Dialect::Redis, &crate::rdb::tests::loading()) {
        Ok((crate::rdb::Decoded::Object(Object::Stream(stream)), used)) => {
            assert_eq!(used, bytes.len());
            stream.check();
            *stream
        }
        other => panic!("{other:?}"),
    }
}

fn written(stream: Stream) -> Vec<u8> {
    let mut out = Vec::new();
    let saving = Saving { compress: false, ..crate::rdb::tests::saving(false) };
    encode(View::Object(&Object::Stream(Box::new(stream))), &saving, &mut out);
    out
}

/// Takes over when consumers were seen, and when entries were delivered.
fn copy_times(stream: &mut Stream, from: &Stream) {
    for (name, wanted) in from.groups() {
        let group = stream.group_mut(name).expect("both have it");
        for (_, consumer) in wanted.consumers() {
            let own = group.find(consumer.name()).expect("both have it");
            let own = group.consumer_mut(own);
            (own.seen_ms, own.active_ms) = (consumer.seen_ms, consumer.active_ms);
        }
        for (id, nack) in wanted.pending(StreamId::MIN, StreamId::MAX) {
            group.nack_mut(id).expect("both have it").delivered_ms = nack.delivered_ms;
        }
    }
}

#[test]
fn bytes_are_those_of_redis() {
    let cases = cases();
    assert_eq!(cases.len(), 12);
    for case in cases.iter().filter(|case| case.older.is_empty()) {
        let read = read(&case.bytes);
        let mut built = Stream::new();
        case.steps.iter().for_each(|step| apply(&mut built, step));
        copy_times(&mut built, &read);
        assert_eq!(written(built), case.bytes, "{}", case.name);
        assert_eq!(written(read), case.bytes, "{}", case.name);
    }
}

#[test]
fn older_kinds_become_what_redis_makes_of_them() {
    let mut kinds = Vec::new();
    for case in cases().iter().filter(|case| !case.older.is_empty()) {
        assert_eq!(written(read(&case.older)), case.bytes, "{}", case.name);
        kinds.push(case.older[0]);
    }
    assert_eq!(kinds, [kind::STREAM, kind::STREAM_2]);
}

/// Where a byte of a payload is wrong, the whole is refused or is another sound stream.
#[test]
fn every_damaged_byte_is_found_or_harmless() {
    for case in cases() {
        let bytes = if case.older.is_empty() { &case.bytes } else { &case.older };
        for at in 0..bytes.len() {
            assert!(decode(&bytes[..at], Dialect::Redis, &crate::rdb::tests::loading()).is_err(), "cut at {at}");
            for flip in [0x01, 0x02, 0x04, 0x10, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                let read = decode(&damaged, Dialect::Redis, &crate::rdb::tests::loading());
                if let Ok((crate::rdb::Decoded::Object(Object::Stream(stream)), _)) = read {
                    stream.check();
                    let again = written(*stream);
                    assert_eq!(written(self::read(&again)), again);
                }
            }
        }
    }
}

/// A listpack of these elements as the only block, and so many entries announced.
fn with_block(elements: &[i64], len: u8) -> Vec<u8> {
    let mut listpack = Builder::new();
    elements.iter().for_each(|&element| listpack.push(PackedElement::Int(element)));
    let mut bytes = vec![kind::STREAM_3, 1];
    let writer = &mut Writer { out: &mut bytes, compress: false };
    writer.string(&StreamId::new(5, 0).to_bytes());
    writer.string(&listpack.finish());
    // Last id 9-0, first id 0-0, nothing deleted, as many added as there are, no groups.
    writer.bytes(&[len, 9, 0, 0, 0, 0, 0, len, 0]);
    bytes
}

#[test]
fn a_block_that_disagrees_with_itself_is_refused() {
    // Two entries: 5-0 with the name 1 of the block, 7-0 with one of its own.
    let sound = [2, 0, 1, 1, 0, 2, 0, 0, 30, 4, 0, 2, 0, 1, 8, 40, 6];
    let decoded = |elements: &[i64], len| {
        let bytes = with_block(elements, len);
        decode(&bytes, Dialect::Redis, &crate::rdb::tests::loading()).map(|_| ())
    };
    assert_eq!(decoded(&sound, 2), Ok(()));
    assert!(decoded(&sound, 1).is_err(), "it has two entries");
    let changes = [
        (0, 1, "one of them lives"),
        (0, -1, "fewer than none"),
        (1, 1, "one of them is deleted"),
        (2, 0, "no name, and so none in the first entry"),
        (2, 1000, "more names than elements"),
        (4, 1, "the names do not end"),
        (5, 3, "the first is deleted"),
        (5, 6, "no such flag"),
        (9, 5, "the first is of four elements"),
        (11, -1, "an id below the first"),
        (11, 0, "the same id again"),
        (11, 5, "an id above the last"),
        (13, 2, "more fields than there are"),
        (13, -1, "fewer fields than none"),
        (16, 4, "the second is of six elements"),
    ];
    for (at, value, why) in changes {
        let mut elements = sound;
        elements[at] = value;
        assert!(decoded(&elements, 2).is_err(), "{why}");
    }
    for len in 0..sound.len() {
        assert!(decoded(&sound[..len], 2).is_err(), "{len} elements");
    }
    assert!(decoded(&[0, 0, 1, 1, 0], 0).is_err(), "a block without entries");
}

#[test]
fn groups_that_disagree_with_themselves_are_refused() {
    let decoded = |groups: &[u8]| {
        let head = [kind::STREAM_3, 0, 0, 9, 0, 0, 0, 0, 0, 0];
        let bytes = [&head, groups].concat();
        decode(&bytes, Dialect::Redis, &crate::rdb::tests::loading()).map(|_| ())
    };
    let group = |name: &[u8], pending: &[u8], consumers: &[(&[u8], &[u8])]| {
        let nack = |seq: &u8| [&StreamId::new(1, u64::from(*seq)).to_bytes()[..], &[0; 8], &[1]].concat();
        let mut bytes = [&[name.len() as u8], name, &[9, 0, 0, pending.len() as u8]].concat();
        bytes.extend(pending.iter().flat_map(nack));
        bytes.push(consumers.len() as u8);
        for (name, ids) in consumers {
            bytes.extend([&[name.len() as u8], *name, &[0; 16], &[ids.len() as u8]].concat());
            bytes.extend(ids.iter().flat_map(|seq| StreamId::new(1, u64::from(*seq)).to_bytes()));
        }
        bytes
    };
    let one =
        |pending: &[u8], consumers: &[(&[u8], &[u8])]| decoded(&[&[1][..], &group(b"g", pending, consumers)].concat());
    assert_eq!(one(&[], &[]), Ok(()));
    assert_eq!(one(&[1, 2, 3], &[(b"a", &[1, 3]), (b"b", &[2])]), Ok(()));
    assert!(one(&[1, 2], &[(b"a", &[1])]).is_err(), "nobody has the second");
    assert!(one(&[1], &[(b"a", &[1]), (b"b", &[1])]).is_err(), "two have the same");
    assert!(one(&[1], &[(b"a", &[1, 1])]).is_err(), "one has it twice");
    assert!(one(&[1], &[(b"a", &[1, 2])]).is_err(), "it is not pending");
    assert!(one(&[2, 1], &[(b"a", &[1, 2])]).is_err(), "not in order");
    assert!(one(&[], &[(b"a", &[]), (b"a", &[])]).is_err(), "the same consumer twice");
    let two = |names: [&[u8]; 2]| decoded(&[&[2][..], &group(names[0], &[], &[]), &group(names[1], &[], &[])].concat());
    assert_eq!(two([b"g", b"h"]), Ok(()));
    assert!(two([b"g", b"g"]).is_err(), "the same group twice");
}
