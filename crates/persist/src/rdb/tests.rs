//! Whole values: there and back, and as Redis 8.2.3 wrote and read them.

use super::*;
use base::rng::Rng;
use structures::blocks::BlockLimit;
use structures::hash::Hasher;
use structures::packed::PackedElement;
use value::hash::{Field, Rules, Ttl};
use value::list::End;
use value::stream::{BlockLimits, Group, References, StreamId};
use value::string::{Scratch, Str};
use value::{Hash, List, Object, Set, SortedSet, Stream, View, set, sorted_set};

const NOW: u64 = 1_700_000_000_000;
const LIST_LIMIT: i64 = -2;

pub(super) fn loading() -> Loading {
    let hasher = Hasher::new(1, 2);
    Loading {
        hash: Rules { entries_max: 512, value_max: 64, hasher, now_ms: NOW },
        list: BlockLimit::from_config(LIST_LIMIT),
        set: set::Limits { intset_entries: 512, listpack_entries: 128, listpack_value: 64, hasher },
        zset: sorted_set::Limits { entries: 128, value: 64 },
        hasher,
        string_max: 512 << 20,
    }
}

pub(super) fn saving(compress: bool) -> Saving {
    Saving { compress, list: BlockLimit::from_config(LIST_LIMIT) }
}

fn encoded(value: View<'_>, compress: bool) -> Vec<u8> {
    let mut out = Vec::new();
    encode(value, &saving(compress), &mut out);
    out
}

/// What clients see of a collection.
#[derive(Debug, PartialEq)]
enum Content {
    Str(Vec<u8>),
    List(Vec<Vec<u8>>),
    /// Members; of a hash with values and deadlines, of a sorted set with scores. In any order.
    Others(Vec<(Vec<u8>, Vec<u8>, Option<u64>)>),
    /// All that is written of it, so that nothing is left out.
    Stream(Vec<u8>),
}

fn content(object: &Object) -> Content {
    let text = |string: Str<'_>| string.bytes(&mut Scratch::default()).to_vec();
    let mut all: Vec<_> = match object {
        Object::List(list) => return Content::List(list.iter().map(|element| element.to_vec()).collect()),
        Object::Set(set) => set.iter().map(|member| (member.to_vec(), vec![], None)).collect(),
        Object::Hash(hash) => {
            hash.iter().map(|Field { name, value, deadline }| (text(name), text(value), deadline)).collect()
        }
        Object::SortedSet(zset) => {
            zset.iter().map(|(member, score)| (member.to_vec(), (score + 0.0).to_le_bytes().to_vec(), None)).collect()
        }
        Object::Stream(_) => return Content::Stream(encoded(View::Object(object), false)),
        Object::Detached(_) => unreachable!("nothing is detached here"),
    };
    all.sort();
    Content::Others(all)
}

/// What is read from bytes, which must be used up; and its encoding.
fn decoded(bytes: &[u8]) -> Result<(Content, &'static str), BadFormat> {
    let (decoded, used) = decode(bytes, Dialect::Redis, &loading())?;
    assert_eq!(used, bytes.len());
    Ok(match decoded {
        Decoded::Str(string) => (Content::Str(string.to_vec()), "string"),
        Decoded::Object(object) => {
            match &object {
                Object::List(list) => list.check(),
                Object::Set(_) => {}
                Object::Hash(hash) => hash.check(),
                Object::SortedSet(zset) => zset.check(),
                Object::Stream(stream) => stream.check(),
                Object::Detached(_) => unreachable!("no bytes are a placeholder"),
            }
            (content(&object), object.encoding_name())
        }
    })
}

fn string(rng: &mut Rng) -> Vec<u8> {
    match rng.below(12) {
        0 => (rng.next_u64() as i64 >> rng.below(64)).to_string().into_bytes(),
        1 => vec![b'r'; rng.below(70) as usize],
        2 => format!("{:03}", rng.below(1000)).into_bytes(),
        3 if rng.below(20) == 0 => vec![b'l'; rng.below(20_000) as usize],
        4 if rng.below(6) == 0 => (0..rng.below(300)).map(|_| rng.below(256) as u8).collect(),
        _ => (0..rng.below(8)).map(|_| rng.below(256) as u8).collect(),
    }
}

fn score(rng: &mut Rng) -> f64 {
    match rng.below(6) {
        0 => rng.f64(),
        1 => -1e300 * rng.f64(),
        2 => f64::INFINITY,
        3 => f64::from_bits(rng.next_u64() & !(1 << 62)),
        _ => rng.below(100) as f64,
    }
}

fn stream(rng: &mut Rng, len: u64) -> Stream {
    let limits = BlockLimits::from_config(4096, 1 + rng.below(100) as usize);
    let mut stream = Stream::new();
    for _ in 0..len {
        let bits = rng.below(40);
        let id = StreamId::new(stream.last_id().ms + 1 + rng.below(1 << bits), rng.below(3));
        let fields: Vec<_> = (0..1 + rng.below(3)).map(|_| (string(rng), string(rng))).collect();
        stream.append(id, fields.iter().map(|(name, value)| (&name[..], &value[..])), &limits);
    }
    for name in 0..rng.below(4) {
        let read = (rng.below(2) == 0).then(|| rng.below(len + 1));
        stream.add_group(name.to_string().as_bytes(), Group::new(stream.last_id(), read));
    }
    let ids: Vec<_> = stream.entries().iter().map(|entry| entry.id).collect();
    for id in ids {
        if let Some(group) = stream.group_mut(rng.below(3).to_string().as_bytes()) {
            let (consumer, _) = group.find_or_add(&string(rng), NOW as i64);
            group.give(id, consumer, NOW as i64, rng.below(300));
            group.consumer_mut(consumer).active_ms = (rng.below(3) > 0).then_some(NOW as i64);
        }
        if rng.below(3) == 0 {
            stream.delete(id, References::Keep);
        }
    }
    stream
}

fn collection(rng: &mut Rng) -> Object {
    let loading = loading();
    let bits = rng.below(11);
    let len = 1 + rng.below(1 << bits);
    match rng.below(5) {
        0 => {
            let mut list = List::new();
            for _ in 0..len {
                let string = string(rng);
                list.make_room(1, string.len(), loading.list);
                list.push(if rng.below(2) == 0 { End::Front } else { End::Back }, &string);
            }
            Object::List(list)
        }
        1 => {
            let numbers = rng.below(2) == 0;
            let width = rng.below(64);
            let mut member =
                || if numbers { (rng.next_u64() as i64 >> width).to_string().into_bytes() } else { string(rng) };
            let first = member();
            let mut set = Set::for_first(&first, len as usize, &loading.set);
            set.add(&first, &loading.set);
            for _ in 1..len {
                set.add(&member(), &loading.set);
            }
            Object::Set(set)
        }
        2 => {
            let mut hash = Hash::new();
            let timed = rng.below(2) == 0;
            for _ in 0..len {
                let name = string(rng);
                hash.set(&name, &string(rng), Ttl::Clear, &loading.hash);
                if timed && rng.below(2) == 0 {
                    let bits = rng.below(40);
                    hash.set_deadline(&name, Some(NOW + 1 + rng.below(1 << bits)), NOW);
                }
            }
            Object::Hash(hash)
        }
        3 => Object::Stream(Box::new(stream(rng, len))),
        _ => {
            let mut zset = SortedSet::default();
            for _ in 0..len {
                let (member, score) = (string(rng), score(rng));
                zset.insert((loading.hasher, loading.zset), &member, score);
            }
            Object::SortedSet(zset)
        }
    }
}

#[test]
fn every_collection_comes_back() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..1500 {
        let mut rng = Rng::seed(seed);
        let object = collection(&mut rng);
        let bytes = encoded(View::Object(&object), rng.below(2) == 0);
        let (read, encoding) = decoded(&bytes).unwrap_or_else(|_| panic!("seed {seed}"));
        assert_eq!(read, content(&object), "seed {seed}");
        // What was larger once may be small enough to be packed again; nothing else changes.
        let large = matches!(object.encoding_name(), "quicklist" | "hashtable" | "skiplist");
        if !large || object.len() > 512 {
            assert_eq!(encoding, object.encoding_name(), "seed {seed}");
        }
        seen.insert((object.type_name(), encoding));
    }
    assert_eq!(seen.len(), 11, "{seen:?}");
}

#[test]
fn every_string_comes_back() {
    for seed in 0..3000 {
        let mut rng = Rng::seed(seed);
        let bytes = string(&mut rng);
        let value = match base::num::parse_i64(&bytes) {
            Some(integer) => Str::Int(integer),
            None => Str::Bytes(&bytes),
        };
        let written = encoded(View::Str(value), rng.below(2) == 0);
        assert_eq!(written, encoded(View::Str(Str::Bytes(&bytes)), written[1] == mark::LZF), "seed {seed}");
        assert_eq!(decoded(&written), Ok((Content::Str(bytes), "string")), "seed {seed}");
    }
}

#[test]
fn damaged_values_are_refused_or_whole() {
    let mut refused = 0;
    for seed in 0..4000 {
        let mut rng = Rng::seed(seed);
        let mut bytes = encoded(View::Object(&collection(&mut rng)), rng.below(2) == 0);
        bytes.truncate(4096);
        for _ in 0..=rng.below(3) {
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = rng.below(256) as u8;
        }
        match decode(&bytes, Dialect::Redis, &loading()) {
            Ok((Decoded::Object(object), _)) => {
                let again = encoded(View::Object(&object), false);
                assert_eq!(decoded(&again).map(|(read, _)| read), Ok(content(&object)), "seed {seed}");
            }
            Ok((Decoded::Str(_), _)) => {}
            Err(BadFormat) => refused += 1,
        }
    }
    assert!(refused > 1000, "{refused}");
}

/// What Redis 8.2.3 has in DUMP for values that are built by these steps.
#[test]
fn bytes_are_those_of_redis() {
    let how = loading();
    let element = |text: &'static str| PackedElement::of(text.as_bytes()).to_vec();
    let mut list = List::new();
    for text in ["a", "1", "300", "-5", "70000", "9999999", "99999999999"] {
        list.push(End::Back, &element(text));
    }
    let list_bytes = b"\x12\x01\x02\x27\x27\0\0\0\x07\0\x81a\x02\x01\x01\xc1\x2c\x02\xdf\xfb\x02\xf2\x70\x11\x01\x04\xf3\x7f\x96\x98\0\x05\
                       \xf4\xff\xe7\x76\x48\x17\0\0\0\x09\xff";
    let mut ints = Set::for_first(b"1", 3, &how.set);
    for text in ["1", "2", "300"] {
        ints.add(text.as_bytes(), &how.set);
    }
    let mut packed_set = Set::for_first(b"a", 3, &how.set);
    for text in ["1", "2", "a"] {
        packed_set.add(text.as_bytes(), &how.set);
    }
    let mut hash = Hash::new();
    hash.set(b"a", b"1", Ttl::Clear, &how.hash);
    hash.set(b"b", b"xyz", Ttl::Clear, &how.hash);
    let mut timed = hash.clone();
    timed.set_deadline(b"a", Some(4_000_000_000_000), NOW);
    let mut table = hash.clone();
    table.remove(b"b");
    table.expect(1, 100, &how.hash);
    let mut timed_table = table.clone();
    timed_table.set_deadline(b"a", Some(4_000_000_000_000), NOW);
    let mut zset = SortedSet::default();
    for (member, score) in [("a", 1.0), ("b", 2.5), ("c", f64::INFINITY), ("d", f64::NEG_INFINITY), ("f", 0.1)] {
        zset.insert((how.hasher, how.zset), member.as_bytes(), score);
    }
    let mut ranked = SortedSet::new(how.hasher, how.zset, 1000, 0);
    for (member, score) in [("b", 2.5), ("d", f64::NEG_INFINITY), ("e", -0.0)] {
        ranked.insert((how.hasher, how.zset), member.as_bytes(), score);
    }
    let cases: [(Object, &[u8]); 9] = [
        (Object::List(list), list_bytes),
        (Object::Set(ints), b"\x0b\x0e\x02\0\0\0\x03\0\0\0\x01\0\x02\0\x2c\x01"),
        (Object::Set(packed_set), b"\x14\x0e\x0e\0\0\0\x03\0\x01\x01\x02\x01\x81a\x02\xff"),
        (Object::Hash(hash), b"\x10\x14\x14\0\0\0\x04\0\x81a\x02\x01\x01\x81b\x02\x83xyz\x04\xff"),
        (
            Object::Hash(timed),
            b"\x19\0\x40\x94\x52\xa3\x03\0\0\x20\x20\0\0\0\x06\0\x81a\x02\x01\x01\xf4\0\x40\x94\x52\xa3\x03\0\0\x09\
              \x81b\x02\x83xyz\x04\0\x01\xff",
        ),
        (Object::Hash(table), b"\x04\x01\x01a\xc0\x01"),
        (Object::Hash(timed_table), b"\x18\0\x40\x94\x52\xa3\x03\0\0\x01\x01\x01a\xc0\x01"),
        (
            Object::SortedSet(zset),
            b"\x11\x2d\x2d\0\0\0\x0a\0\x81d\x02\x84-inf\x05\x81f\x02\x830.1\x04\x81a\x02\x01\x01\x81b\x02\x832.5\x04\
              \x81c\x02\x83inf\x04\xff",
        ),
        (
            Object::SortedSet(ranked),
            b"\x05\x03\x01b\0\0\0\0\0\0\x04\x40\x01e\0\0\0\0\0\0\0\x80\x01d\0\0\0\0\0\0\xf0\xff",
        ),
    ];
    for (object, bytes) in cases {
        assert_eq!(encoded(View::Object(&object), false), bytes, "{} {}", object.type_name(), object.encoding_name());
    }
}

#[test]
fn large_lists_are_cut_where_redis_cuts_them() {
    let mut list = List::new();
    for element in [&[b'x'; 4000][..], &[b'y'; 4100], &[b'z'; 4050], &[b'p'; 8193], b"1", &[b'q'; 8192]] {
        list.make_room(1, element.len(), loading().list);
        list.push(End::Back, element);
    }
    let bytes = encoded(View::Object(&Object::List(list)), false);
    // 4000 and 4100 bytes are one node; 4050 would not fit; 8193 are a node without a listpack.
    assert_eq!(bytes[..5], [kind::LIST_QUICKLIST_2, 5, node::PACKED as u8, mark::BITS_14 | 31, 0xb6]);
    assert!(matches!(decoded(&bytes), Ok((Content::List(elements), "quicklist")) if elements.len() == 6));
}

/// The dialects have the same number for different kinds.
#[test]
fn hashes_of_valkey_are_read_from_valkey_only() {
    let valkey = b"\x16\x02\x01a\xc0\x01\0\x40\x94\x52\xa3\x03\0\0\x01b\x03xyz\xff\xff\xff\xff\xff\xff\xff\xff";
    let (decoded, _) = decode(valkey, Dialect::Valkey, &loading()).expect("a hash");
    let Decoded::Object(object) = decoded else { panic!("no string") };
    let fields = [(b"a".to_vec(), b"1".to_vec(), Some(4_000_000_000_000)), (b"b".to_vec(), b"xyz".to_vec(), None)];
    assert_eq!(content(&object), Content::Others(fields.to_vec()));
    assert!(decode(valkey, Dialect::Redis, &loading()).is_err());
    let early = b"\x16\x01\x81\0\0\x03\xa3\x52\x94\x40\0\x01a\xc0\x01";
    assert!(decode(early, Dialect::Redis, &loading()).is_ok());
    assert!(decode(early, Dialect::Valkey, &loading()).is_err());
}

#[test]
fn announced_lengths_reserve_nothing() {
    let huge = [0x81, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    for kind in 0..=26 {
        let mut bytes = vec![kind];
        bytes.extend(huge);
        bytes.extend(huge);
        assert!(decode(&bytes, Dialect::Redis, &loading()).is_err(), "kind {kind}");
        let mut compressed = vec![kind, mark::LZF, 2];
        compressed.extend(huge);
        compressed.extend(b"\0a");
        assert!(decode(&compressed, Dialect::Redis, &loading()).is_err(), "kind {kind}");
    }
}

#[test]
fn limits_without_bounds_do_not_make_reading_slow() {
    let mut how = loading();
    how.hash.entries_max = usize::MAX;
    how.set.listpack_entries = usize::MAX;
    how.set.intset_entries = usize::MAX;
    let mut fields = listpack::Builder::new();
    let mut members = vec![kind::SET];
    let mut writer = write::Writer { out: &mut members, compress: false };
    writer.length(200_000);
    for number in 0..200_000 {
        fields.push(PackedElement::Int(number));
        // Falling, so that each would be put in front of all others.
        writer.integer(-number);
    }
    let mut hash = vec![kind::HASH_LISTPACK];
    write::Writer { out: &mut hash, compress: false }.string(&fields.finish());
    for bytes in [hash, members] {
        let (decoded, _) = decode(&bytes, Dialect::Redis, &how).expect("a sound value");
        let Decoded::Object(object) = decoded else { panic!("no string") };
        assert_eq!(object.encoding_name(), "hashtable");
    }
}
