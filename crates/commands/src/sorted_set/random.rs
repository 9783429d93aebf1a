//! ZRANDMEMBER: members drawn at random, each with the same chance.

use super::range::{element, header};
use super::reply_member;
use crate::random::{Count, DRAW_FROM, Room, sample, to_draw};
use command::spec::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, block, integer, key, token};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use resp::ReplyWriter;
use std::collections::HashSet;
use value::SortedSet;

pub static ZRANDMEMBER: CommandSpec = CommandSpec {
    name: "ZRANDMEMBER",
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Gives random members.",
    complexity: "O(M log N), with the size of the sorted set and the number of members asked for",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), block("options", &[integer("count"), token("withscores", "WITHSCORES").optional()]).optional()],
    tips: &["nondeterministic_output"],
    reply: Shape::BULK.or(Shape::NULL).or(Shape::ARRAY),
    run: Run::Keyed(zrandmember),
    work: Work::Told(to_draw),
    ..CommandSpec::DEFAULT
};

fn zrandmember(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let count = if args.len() > 2 { Some(Count::parse(args, "WITHSCORES")?) } else { None };
    let mut rng = keys.rng().clone();
    let draw = &mut || rng.next_u64();
    let result = match (keys.read_as::<SortedSet>(&cx.key(0))?, count) {
        (None, None) => {
            cx.reply.null();
            Ok(())
        }
        (None, Some(_)) => {
            cx.reply.array(0);
            Ok(())
        }
        (Some(set), None) => {
            let (member, _) = set.random(draw()).expect("a sorted set in the keyspace is never empty");
            reply_member(cx.reply, member);
            Ok(())
        }
        (Some(set), Some(count)) if count.distinct => {
            give_distinct(cx.reply, set, &count, draw);
            Ok(())
        }
        (Some(set), Some(count)) => {
            Room::of(cx, count.number).and_then(|room| give_repeated(cx.reply, set, &count, &room, draw))
        }
    };
    *keys.rng() = rng;
    result
}

fn give_distinct(reply: &mut ReplyWriter, set: &SortedSet, count: &Count, draw: &mut dyn FnMut() -> u64) {
    let wanted = count.number.min(set.len());
    header(reply, wanted, count.in_pairs);
    if wanted.saturating_mul(DRAW_FROM) > set.len() || set.packed().is_some() {
        sample(set.iter(), set.len(), wanted, draw, |pair| element(reply, pair, count.in_pairs));
        return;
    }
    let mut drawn = HashSet::with_capacity(wanted);
    while drawn.len() < wanted {
        let rank = (draw() % set.len() as u64) as usize;
        if drawn.insert(rank) {
            let pair = set.by_rank(rank).expect("the rank is below the length");
            element(reply, pair, count.in_pairs);
        }
    }
}

fn give_repeated(
    reply: &mut ReplyWriter,
    set: &SortedSet,
    count: &Count,
    room: &Room,
    draw: &mut dyn FnMut() -> u64,
) -> CommandResult {
    header(reply, count.number, count.in_pairs);
    let few: Vec<_> = if set.packed().is_some() { set.iter().collect() } else { Vec::new() };
    for _ in 0..count.number {
        let word = draw();
        let pair = match few.len() as u64 {
            0 => set.random(word).expect("a sorted set in the keyspace is never empty"),
            len => few[(word % len) as usize],
        };
        element(reply, pair, count.in_pairs);
        if !room.is_left(reply)? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;
    use resp::client::Value;
    use std::collections::HashMap;

    fn filled(members: usize) -> TestServer {
        let mut server = TestServer::new();
        for number in 0..members {
            server.run(&format!("ZADD z {number} m{number}"));
        }
        server
    }

    fn texts(value: Value) -> Vec<String> {
        let Value::Array(items) = value else { panic!("an array: {value:?}") };
        let text =
            |item| if let Value::Bulk(bytes) = item { String::from_utf8(bytes.to_vec()).unwrap() } else { panic!() };
        items.into_iter().map(text).collect()
    }

    #[test]
    fn every_member_has_the_same_chance() {
        for members in [12, 200] {
            let mut server = filled(members);
            for count in [1, members / 5, members - 2, -(members as i64) as usize] {
                let count = count as i64;
                let rounds = 200 * members / count.unsigned_abs() as usize;
                let mut drawn: HashMap<String, usize> = HashMap::new();
                for _ in 0..rounds {
                    let found = texts(server.run(&format!("ZRANDMEMBER z {count}")));
                    assert_eq!(found.len(), count.unsigned_abs() as usize);
                    found.into_iter().for_each(|member| *drawn.entry(member).or_default() += 1);
                }
                assert_eq!(drawn.len(), members);
                assert!(drawn.values().all(|&times| (100..320).contains(&times)), "{members} {count} {drawn:?}");
            }
        }
    }

    #[test]
    fn a_positive_count_gives_no_member_twice() {
        for members in [12, 200] {
            let mut server = filled(members);
            for count in [1, 5, members / 4, members, members + 5, usize::MAX >> 1] {
                let mut found = texts(server.run(&format!("ZRANDMEMBER z {count}")));
                assert_eq!(found.len(), count.min(members));
                found.sort();
                found.dedup();
                assert_eq!(found.len(), count.min(members));
            }
            let pairs = texts(server.run("ZRANDMEMBER z 7 WITHSCORES"));
            assert!(pairs.len() == 14 && pairs.chunks(2).all(|pair| pair[0] == format!("m{}", pair[1])));
        }
    }

    #[test]
    fn a_count_without_end_is_refused() {
        let mut server = filled(3);
        server.server.tunables.limits.proto_max_bulk_len.set(1000);
        let too_long = "(error) ERR reply exceeds maximum allowed size (proto-max-bulk-len)";
        assert_eq!(server.show("ZRANDMEMBER z -9223372036854775807"), too_long);
        assert_eq!(server.show("ZRANDMEMBER z -500"), too_long);
        assert_eq!(server.show("ZRANDMEMBER z -4611686018427387904 WITHSCORES"), "(error) ERR value is out of range");
    }
}
