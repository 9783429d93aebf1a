//! SSCAN: the members of a set, a few with every call.
//!
//! A small set is given as a whole. The cursor of a table is that of its own scan, so a member that is there from the
//! first call to the last is given at least once. A call ends when it has met `COUNT` members, or has made ten times as
//! many steps.

use super::reply_member;
use crate::generic::scan::{Of, Options, elements_to_meet, reply_page};
use command::spec::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, pattern};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use resp::{Output, ReplyWriter};
use value::Set;

pub static SSCAN: CommandSpec = CommandSpec {
    name: "SSCAN",
    group: Group::Set,
    since: "2.8.0",
    summary: "Goes through the members of a set, a few with every call.",
    complexity: "O(1) for a call, O(N) for all calls until the cursor is 0 again, with the number of members",
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
    run: Run::Keyed(sscan),
    work: Work::Told(|args, keys, located| elements_to_meet(args, keys, &located[0], Of::Members)),
    ..CommandSpec::DEFAULT
};

fn sscan(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    Options::cursor(args, 2)?;
    let Some(set) = keys.read_as::<Set>(&cx.key(0))? else {
        reply_page(cx.reply, 0, 0, &mut Output::default());
        return Ok(());
    };
    let options = Options::parse(args, 2, Of::Members)?;
    let mut given = 0;
    let mut members = ReplyWriter::new(cx.reply.proto);
    let next = options.walk(|place, met| {
        set.scan(place, &mut |member| {
            *met += 1;
            if member.with_bytes(|bytes| options.matches(bytes)) {
                given += 1;
                reply_member(&mut members, member);
            }
        })
    });
    let count = given;
    reply_page(cx.reply, next, count, &mut members.out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;
    use resp::client::Value;
    use std::collections::HashSet;

    #[test]
    fn members_that_stay_are_all_given_whatever_comes_and_goes() {
        let mut server = TestServer::new();
        for number in 0..2000 {
            server.run(&format!("SADD s stays{number}"));
        }
        let (mut seen, mut cursor, mut round) = (HashSet::new(), "0".to_owned(), 0);
        loop {
            let Value::Array(parts) = server.run(&format!("SSCAN s {cursor}")) else { panic!("two parts") };
            let [Value::Bulk(next), Value::Array(members)] = &parts[..] else { panic!("a cursor and members") };
            assert!(members.len() < 60);
            seen.extend(members.iter().map(ToString::to_string));
            round += 1;
            server.run(&format!("SADD s comes{round} comes{}", round * 7));
            server.run(&format!("SREM s comes{}", round / 2));
            cursor = String::from_utf8_lossy(next).into_owned();
            if cursor == "0" {
                break;
            }
        }
        assert!((0..2000).all(|number| seen.contains(&format!("\"stays{number}\""))));
    }
}
