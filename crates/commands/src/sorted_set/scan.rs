//! ZSCAN: the members of a sorted set, a few with every call.
//!
//! A packed set is given as a whole. The cursor of a large one is that of its index by member, so a member that is
//! there from the first call to the last is given at least once. A call ends when it has met `COUNT` members, or has
//! made ten times as many steps. Large sets print scores with seventeen digits here, as Redis does.

use super::reply_member;
use crate::generic::scan::{Of, Options, elements_to_meet, reply_page};
use command::spec::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, pattern};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use resp::{Output, ReplyWriter};
use value::SortedSet;

pub static ZSCAN: CommandSpec = CommandSpec {
    name: "ZSCAN",
    group: Group::SortedSet,
    since: "2.8.0",
    summary: "Goes through the members and scores of a sorted set, a few with every call.",
    complexity: "O(1) for a call, O(N) for all calls until the cursor is 0 again, with the size of the sorted set",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[
        key("key"),
        integer("cursor"),
        pattern("pattern").token("MATCH").optional(),
        integer("count").token("COUNT").optional(),
    ],
    tips: &["nondeterministic_output"],
    reply: Shape::ARRAY,
    run: Run::Keyed(zscan),
    work: Work::Told(|args, keys, located| elements_to_meet(args, keys, &located[0], Of::Members)),
    ..CommandSpec::DEFAULT
};

fn zscan(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    Options::cursor(args, 2)?;
    let Some(set) = keys.read_as::<SortedSet>(&cx.key(0))? else {
        reply_page(cx.reply, 0, 0, &mut Output::default());
        return Ok(());
    };
    let options = Options::parse(args, 2, Of::Members)?;
    let mut given = 0;
    let mut members = ReplyWriter::new(cx.reply.proto);
    let mut text = Vec::new();
    let packed = set.packed().is_some();
    let next = options.walk(|place, met| {
        set.scan(place, &mut |member, score| {
            *met += 1;
            if member.with_bytes(|member| options.matches(member)) {
                given += 1;
                reply_member(&mut members, member);
                text.clear();
                if packed {
                    base::num::write_f64(&mut text, score);
                } else {
                    base::num::write_f64_17g(&mut text, score);
                }
                members.bulk(&text);
            }
        })
    });
    let count = 2 * given;
    reply_page(cx.reply, next, count, &mut members.out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;
    use resp::client::Value;
    use std::collections::HashSet;

    #[test]
    fn members_that_stay_are_all_given() {
        let mut server = TestServer::new();
        for number in 0..1000 {
            server.run(&format!("ZADD z {number} stays{number}"));
        }
        let (mut cursor, mut seen) = ("0".to_owned(), HashSet::new());
        for round in 0.. {
            assert!(round < 1000, "the scan ends");
            let Value::Array(parts) = server.run(&format!("ZSCAN z {cursor} COUNT 20 MATCH stays*")) else { panic!() };
            let [Value::Bulk(next), Value::Array(pairs)] = &parts[..] else { panic!("{parts:?}") };
            for pair in pairs.chunks(2) {
                let [Value::Bulk(member), Value::Bulk(score)] = pair else { panic!("{pair:?}") };
                assert_eq!(member[..], [b"stays", &score[..]].concat());
                seen.insert(member.to_vec());
            }
            cursor = String::from_utf8_lossy(next).into_owned();
            for number in 0..20 {
                server.run(&format!("ZADD z 1 comes{}", (round * 31 + number) % 5000));
                server.run(&format!("ZREM z comes{}", (round * 17 + number) % 5000));
            }
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen.len(), 1000);
    }
}
