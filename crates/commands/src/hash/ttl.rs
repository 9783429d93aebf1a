//! HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME: when fields expire.

use super::options::{FIELDS, fields};
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, key};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use value::Hash;

pub static HTTL: CommandSpec = CommandSpec {
    name: "HTTL",
    group: Group::Hash,
    since: "7.4.0",
    summary: "Gives the seconds that fields of a hash still have to live.",
    complexity: "O(N) with the number of fields given",
    arity: -5,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), FIELDS],
    tips: &["nondeterministic_output"],
    reply: Shape::ARRAY,
    run: Run::Keyed(|cx, keys, args| ttl(cx, keys, args, |deadline, now| seconds(deadline - now))),
    ..CommandSpec::DEFAULT
};

pub static HPTTL: CommandSpec = CommandSpec {
    name: "HPTTL",
    summary: "Gives the milliseconds that fields of a hash still have to live.",
    run: Run::Keyed(|cx, keys, args| ttl(cx, keys, args, |deadline, now| deadline - now)),
    ..HTTL
};

pub static HEXPIRETIME: CommandSpec = CommandSpec {
    name: "HEXPIRETIME",
    summary: "Gives the Unix times in seconds at which fields of a hash expire.",
    tips: &[],
    run: Run::Keyed(|cx, keys, args| ttl(cx, keys, args, |deadline, _| seconds(deadline))),
    ..HTTL
};

pub static HPEXPIRETIME: CommandSpec = CommandSpec {
    name: "HPEXPIRETIME",
    summary: "Gives the Unix times in milliseconds at which fields of a hash expire.",
    run: Run::Keyed(|cx, keys, args| ttl(cx, keys, args, |deadline, _| deadline)),
    ..HEXPIRETIME
};

fn seconds(ms: i64) -> i64 {
    (ms + 999) / 1000
}

fn ttl(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, show: fn(i64, i64) -> i64) -> CommandResult {
    const NO_FIELD: i64 = -2;
    const NO_DEADLINE: i64 = -1;
    let now_ms = keys.now_ms();
    let hash = keys.read_as::<Hash>(&cx.key(0))?;
    let from = fields(args, 2, CommandError::FIELDS_NUMBER)?;
    cx.reply.array(args.len() - from);
    for name in args.from(from) {
        let found = hash.and_then(|hash| hash.get(name)).filter(|field| !field.is_past(now_ms));
        let answer = match found.map(|field| field.deadline) {
            None => NO_FIELD,
            Some(None) => NO_DEADLINE,
            Some(Some(deadline)) => show(deadline as i64, now_ms as i64),
        };
        cx.reply.int(answer);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn parts_of_a_second_count_as_one() {
        let mut server = TestServer::new();
        server.run("HSET h f 1 g 2");
        server.run("HPEXPIRE h 1400 FIELDS 1 f");
        for (command, reply) in
            [("HTTL", 2u64), ("HPTTL", 1400), ("HEXPIRETIME", 1_700_000_002), ("HPEXPIRETIME", 1_700_000_001_400)]
        {
            let expected = format!("1) (integer) {reply}\n2) (integer) -1\n3) (integer) -2");
            assert_eq!(server.show(&format!("{command} h FIELDS 3 f g no")), expected);
        }
        assert_eq!(server.show("HTTL no FIELDS 1 f"), "1) (integer) -2");
    }
}
