//! A set against its model, and its conversion points as observed on Redis 8.2.3.

use super::*;
use base::rng::Rng;
use std::collections::BTreeSet;

fn limits() -> Limits {
    Limits { intset_entries: 5, listpack_entries: 8, listpack_value: 10, hasher: Hasher::new(1, 2) }
}

/// As SADD adds to an absent set.
fn set_of(members: &str, limits: &Limits) -> Set {
    let members: Vec<_> = members.split(' ').map(str::as_bytes).collect();
    let mut set = Set::for_first(members[0], members.len(), limits);
    members.iter().for_each(|member| {
        set.add(member, limits);
    });
    set
}

fn shown(set: &Set) -> String {
    let members: Vec<_> = set.iter().map(|member| String::from_utf8(member.to_vec()).unwrap()).collect();
    members.join(" ")
}

#[test]
fn a_new_set_takes_its_encoding_from_first_member_and_number() {
    let limits = limits();
    for (members, encoding) in [
        ("5 4 3 2 1", "intset"),
        ("5 4 3 2 1 6", "listpack"),
        ("0 1 2 3 4 5 6 7", "listpack"),
        ("0 1 2 3 4 5 6 7 8", "hashtable"),
        ("1 2 a", "listpack"),
        ("01", "listpack"),
        ("aaaaaaaaaa", "listpack"),
        ("aaaaaaaaaaa", "hashtable"),
        ("a b c d a a a a a", "hashtable"),
        ("-9223372036854775808 9223372036854775807", "intset"),
        ("9223372036854775808", "hashtable"),
    ] {
        assert_eq!(set_of(members, &limits).encoding_name(), encoding, "{members}");
    }
}

#[test]
fn small_sets_show_their_members_in_order() {
    let limits = limits();
    assert_eq!(shown(&set_of("5 -4 300000 2", &limits)), "-4 2 5 300000");
    assert_eq!(shown(&set_of("5 -4 2 b a", &limits)), "-4 2 5 b a");
    let mut set = set_of("c a 7 b", &limits);
    assert!(set.remove(b"a") && !set.remove(b"x") && set.remove(b"7"));
    assert_eq!(shown(&set), "c b");
}

#[test]
fn a_growing_set_is_converted_where_redis_does_it() {
    let mut limits = limits();
    let grown = |members: &str, more: &str, limits: &Limits| {
        let mut set = set_of(members, limits);
        let more: Vec<_> = more.split(' ').collect();
        set.expect(more.len(), limits);
        more.iter().for_each(|member| {
            set.add(member.as_bytes(), limits);
        });
        set.encoding_name()
    };
    assert_eq!(grown("1 2 3 4", "5", &limits), "intset");
    assert_eq!(grown("1 2 3 4 5", "6", &limits), "hashtable");
    assert_eq!(grown("1 2 3", "1 1 1 1 1 1", &limits), "hashtable");
    assert_eq!(grown("1 2 3 4 5", "a", &limits), "listpack");
    assert_eq!(grown("1 2 3 4 5", "aaaaaaaaaaa", &limits), "hashtable");
    assert_eq!(grown("1 12345678901", "a", &limits), "hashtable");
    assert_eq!(grown("a b c d e f g", "h", &limits), "listpack");
    assert_eq!(grown("a b c d e f g h", "i", &limits), "hashtable");
    assert_eq!(grown("a b c d e f g h", "a", &limits), "listpack");
    limits.listpack_entries = 4;
    assert_eq!(grown("1 2 3 4", "a", &limits), "hashtable");
    assert_eq!(grown("1 2 3", "a", &limits), "listpack");
}

#[test]
fn every_encoding_agrees_with_a_set_of_the_standard_library() {
    for (entries, numbers) in [(2000, true), (2000, false), (30, true), (30, false), (0, false)] {
        let hasher = Hasher::new(1, 2);
        let limits = Limits { intset_entries: entries, listpack_entries: entries, listpack_value: 64, hasher };
        let mut rng = Rng::seed(entries as u64);
        let member = |rng: &mut Rng| {
            let number = rng.below(900) as i64 - 400;
            if numbers || number % 2 == 0 { number.to_string() } else { format!("m{number}") }.into_bytes()
        };
        let (mut set, mut model) = (set_of("0", &limits), BTreeSet::from([b"0".to_vec()]));
        for step in 0..4000 {
            let member = member(&mut rng);
            if rng.below(3) == 0 {
                assert_eq!(set.remove(&member), model.remove(&member));
            } else {
                assert_eq!(set.add(&member, &limits), model.insert(member.clone()));
            }
            assert_eq!(set.contains(&member), model.contains(&member));
            if step % 500 == 0 {
                let members: BTreeSet<_> = set.iter().map(|member| member.to_vec()).collect();
                assert_eq!((set.len(), set.iter().len(), &members), (model.len(), model.len(), &model));
                assert_eq!(set.clone().iter().map(|member| member.to_vec()).collect::<BTreeSet<_>>(), model);
                assert!(set.iter().all(|member| set.contains_member(&member)));
            }
        }
    }
}
