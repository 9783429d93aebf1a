//! TTL, PTTL, EXPIRETIME, PEXPIRETIME: when a key will expire.

use command::spec::{Flags, KeyFlags, KeySpec, Run, Shape, key};
use command::{CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, Lookup};

/// Answers for a key that is not there, and for one without a deadline.
const NO_KEY: i64 = -2;
const NO_DEADLINE: i64 = -1;

pub static TTL: CommandSpec = CommandSpec {
    name: "TTL",
    since: "1.0.0",
    summary: "Tells how many seconds a key has left to live.",
    arity: 2,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key")],
    history: &[("2.8.0", "Answers -2 when there is no such key.")],
    tips: &["nondeterministic_output"],
    reply: Shape::INTEGER,
    run: Run::Keyed(|cx, keys, _| answer(cx, keys, |deadline, now| rounded(deadline.saturating_sub(now)))),
    ..CommandSpec::DEFAULT
};

pub static PTTL: CommandSpec = CommandSpec {
    name: "PTTL",
    since: "2.6.0",
    summary: "Tells how many milliseconds a key has left to live.",
    run: Run::Keyed(|cx, keys, _| answer(cx, keys, u64::saturating_sub)),
    ..TTL
};

pub static EXPIRETIME: CommandSpec = CommandSpec {
    name: "EXPIRETIME",
    since: "7.0.0",
    summary: "Tells at which Unix time, in seconds, a key will expire.",
    history: &[],
    tips: &[],
    run: Run::Keyed(|cx, keys, _| answer(cx, keys, |deadline, _| rounded(deadline))),
    ..TTL
};

pub static PEXPIRETIME: CommandSpec = CommandSpec {
    name: "PEXPIRETIME",
    summary: "Tells at which Unix time, in milliseconds, a key will expire.",
    run: Run::Keyed(|cx, keys, _| answer(cx, keys, |deadline, _| deadline)),
    ..EXPIRETIME
};

/// Seconds, to the nearest.
fn rounded(ms: u64) -> u64 {
    (ms + 500) / 1000
}

fn answer(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, shown: fn(u64, u64) -> u64) -> CommandResult {
    let now_ms = keys.now_ms();
    let number = match keys.lookup(&cx.key(0), Lookup::PEEK) {
        None => NO_KEY,
        Some(entry) => entry.deadline().map_or(NO_DEADLINE, |deadline| shown(deadline, now_ms) as i64),
    };
    cx.reply.int(number);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn seconds_are_rounded_to_the_nearest() {
        let mut server = TestServer::new();
        server.run("SET k v PX 1500");
        assert_eq!(server.show("TTL k"), "(integer) 2");
        assert_eq!(server.show("PTTL k"), "(integer) 1500");
        server.advance_ms(1);
        assert_eq!(server.show("TTL k"), "(integer) 1");
        server.run("PEXPIREAT k 33177117420500");
        assert_eq!(server.show("EXPIRETIME k"), "(integer) 33177117421");
        assert_eq!(server.show("PEXPIRETIME k"), "(integer) 33177117420500");
    }

    #[test]
    fn the_latest_deadline_there_is_does_not_overflow() {
        let mut server = TestServer::new();
        server.run("SET k v");
        server.run("PEXPIREAT k 9223372036854775807");
        assert_eq!(server.show("EXPIRETIME k"), "(integer) 9223372036854776");
        assert_eq!(server.show("PEXPIRETIME k"), "(integer) 9223372036854775807");
    }

    #[test]
    fn no_key_and_no_deadline_have_answers_of_their_own() {
        let mut server = TestServer::new();
        server.run("SET k v");
        for command in ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"] {
            assert_eq!(server.show(&format!("{command} k")), "(integer) -1");
            assert_eq!(server.show(&format!("{command} missing")), "(integer) -2");
        }
    }
}
