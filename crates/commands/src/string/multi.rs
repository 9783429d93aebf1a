//! Several strings at once: MGET, MSET, MSETNX, MSETEX. All keys are locked together, so nobody sees half of it.

use super::options::{Condition, Family, Options};
use super::reply_string;
use command::spec::{
    ArgSpec, Begin, Find, Flags, Group, KeyFlags, KeySpec, Run, Shape, block, integer, key, one_of, string, token,
    unix_time,
};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Slot};
use value::string::{Str, from_bytes};

pub static MGET: CommandSpec = CommandSpec {
    name: "MGET",
    group: Group::String,
    since: "1.0.0",
    summary: "Gives the strings that some keys hold, and null for each that holds none.",
    complexity: "O(N), N being the number of keys",
    arity: -2,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key").multiple()],
    tips: &["request_policy:multi_shard"],
    reply: Shape::ARRAY,
    run: Run::Keyed(mget),
    ..CommandSpec::DEFAULT
};

const DATA: ArgSpec = block("data", &[key("key"), string("value")]).multiple();

pub static MSET: CommandSpec = CommandSpec {
    name: "MSET",
    group: Group::String,
    since: "1.0.1",
    summary: "Sets some keys to strings.",
    complexity: "O(N), N being the number of keys",
    arity: -3,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::range(1, -1, 2, KeyFlags::OW.or(KeyFlags::UPDATE))],
    args: &[DATA],
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    reply: Shape::SIMPLE,
    run: Run::Keyed(mset),
    ..CommandSpec::DEFAULT
};

pub static MSETNX: CommandSpec = CommandSpec {
    name: "MSETNX",
    group: Group::String,
    since: "1.0.1",
    summary: "Sets some keys to strings, unless one of them is there already.",
    complexity: "O(N), N being the number of keys",
    arity: -3,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::range(1, -1, 2, KeyFlags::OW.or(KeyFlags::INSERT))],
    args: &[DATA],
    reply: Shape::INTEGER,
    run: Run::Keyed(msetnx),
    ..CommandSpec::DEFAULT
};

pub static MSETEX: CommandSpec = CommandSpec {
    name: "MSETEX",
    group: Group::String,
    since: "8.4.0",
    summary: "Sets some keys to strings that expire together, if all or none of the keys are there.",
    complexity: "O(N), N being the number of keys",
    arity: -4,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::MOVABLEKEYS).or(Flags::EXTENSION),
    keys: &[KeySpec {
        flags: KeyFlags::OW.or(KeyFlags::UPDATE),
        begin: Begin::Index(1),
        find: Find::Number { count: 0, first: 1, step: 2 },
        notes: "",
    }],
    args: &[
        integer("numkeys"),
        DATA,
        one_of("condition", &[token("nx", "NX"), token("xx", "XX")]).optional(),
        one_of(
            "expiration",
            &[
                integer("seconds").token("EX"),
                integer("milliseconds").token("PX"),
                unix_time("unix-time-seconds").token("EXAT"),
                unix_time("unix-time-milliseconds").token("PXAT"),
                token("keepttl", "KEEPTTL"),
            ],
        )
        .optional(),
    ],
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    reply: Shape::INTEGER,
    run: Run::Keyed(msetex),
    ..CommandSpec::DEFAULT
};

fn mget(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.array(cx.keys.len());
    for key in cx.keys {
        match keys.read(key).and_then(|entry| Str::of(entry.value())) {
            Some(string) => reply_string(cx.reply, string),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

fn mset(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    check_pairs(cx, args)?;
    set_all(cx, keys, args);
    cx.reply.ok();
    Ok(())
}

fn msetnx(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    check_pairs(cx, args)?;
    let free = !cx.keys.iter().any(|key| keys.exists(key));
    if free {
        set_all(cx, keys, args);
    }
    cx.reply.int(i64::from(free));
    Ok(())
}

/// The words after the name must be pairs.
fn check_pairs(cx: &Ctx<'_>, args: &Args<'_>) -> CommandResult {
    if args.len().is_multiple_of(2) { Err(CommandError::wrong_arity(cx.name())) } else { Ok(()) }
}

fn set_all(cx: &Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) {
    for (at, key) in cx.keys.iter().enumerate() {
        keys.slot(key).set(from_bytes(args.word(2 + 2 * at)), None, Event::SET);
    }
}

fn msetex(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let count = args.int(1).ok().filter(|count| (1..=i64::from(i32::MAX)).contains(count));
    let count = count.ok_or(CommandError::INVALID_NUMKEYS)? as usize;
    let after = 2 + 2 * count;
    if after > args.len() {
        return Err(CommandError::SYNTAX);
    }
    let options = Options::parse(args, after, Family::MSetEx)?;
    let deadline = options.deadline(args, cx.now().unix_ms, "msetex")?;
    let proceed = match options.condition {
        Condition::IfAbsent => !cx.keys.iter().any(|key| keys.exists(key)),
        Condition::IfPresent => cx.keys.iter().all(|key| keys.exists(key)),
        Condition::Always
        | Condition::IfEqual(_)
        | Condition::IfNotEqual(_)
        | Condition::IfDigest(_)
        | Condition::IfNotDigest(_) => true,
    };
    if proceed {
        for (at, key) in cx.keys.iter().enumerate() {
            let slot = keys.slot(key);
            let kept = match &slot {
                Slot::Occupied(occupied) if options.keep_ttl => occupied.deadline(),
                Slot::Occupied(_) | Slot::Vacant(_) => None,
            };
            let mut occupied = slot.set(from_bytes(args.word(3 + 2 * at)), deadline.or(kept), Event::SET);
            if deadline.is_some() {
                occupied.fire(Event::EXPIRE);
            }
        }
        if let Some(deadline) = deadline.filter(|_| options.is_relative() && keys.is_logged()) {
            let text = itoa::Buffer::new().format(deadline).to_owned();
            let mut words: Vec<&[u8]> = args.from(0).take(after).collect();
            words.extend([b"PXAT", text.as_bytes()]);
            keys.log_as(&words);
        }
    }
    cx.reply.int(i64::from(proceed));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn later_pairs_win() {
        let mut server = TestServer::new();
        assert_eq!(server.show("MSET a 1 b 2 a 3"), "OK");
        assert_eq!(server.show("MGET a none b a"), "1) \"3\"\n2) (nil)\n3) \"2\"\n4) \"3\"");
        assert_eq!(server.show("MSETNX c 1 c 2"), "(integer) 1");
        assert_eq!(server.show("MSETNX d 1 c 3"), "(integer) 0");
        assert_eq!(server.show("MGET c d"), "1) \"2\"\n2) (nil)");
        assert_eq!(server.journal(), ["0 MSET a 1 b 2 a 3", "0 MSETNX c 1 c 2"]);
        assert_eq!(
            server.events(),
            [
                "0 new a",
                "0 set a",
                "0 new b",
                "0 set b",
                "0 overwritten a",
                "0 set a",
                "0 new c",
                "0 set c",
                "0 overwritten c",
                "0 set c",
            ]
        );
        assert_eq!(server.show("MSET a 1 b"), "(error) ERR wrong number of arguments for 'mset' command");
        assert_eq!(server.show("MSETNX a 1 b"), "(error) ERR wrong number of arguments for 'msetnx' command");
    }

    #[test]
    fn msetex_sets_all_or_none() {
        let mut server = TestServer::new();
        assert_eq!(server.show("MSETEX 2 a 1 b 2 XX"), "(integer) 0");
        assert_eq!(server.show("MSETEX 2 a 1 b 2 NX EX 10"), "(integer) 1");
        assert_eq!(server.show("MSETEX 2 c 1 b 2 NX"), "(integer) 0");
        assert_eq!(server.show("MSETEX 1 a 5 KEEPTTL XX"), "(integer) 1");
        assert_eq!(server.journal(), ["0 MSETEX 2 a 1 b 2 PXAT 1700000010000", "0 MSETEX 1 a 5 KEEPTTL XX"]);
        server.events();
        server.advance_ms(10_000);
        assert_eq!(server.show("MGET a b"), "1) (nil)\n2) (nil)");
        assert_eq!(server.show("MSETEX 2 a 1 a 2 PXAT 1800000000000"), "(integer) 1");
        assert_eq!(server.journal(), ["0 DEL a", "0 DEL b", "0 MSETEX 2 a 1 a 2 PXAT 1800000000000"]);
        assert_eq!(
            server.events(),
            [
                "0 expired a",
                "0 expired b",
                "0 new a",
                "0 set a",
                "0 expire a",
                "0 overwritten a",
                "0 set a",
                "0 expire a",
            ]
        );
    }

    #[test]
    fn msetex_refuses_counts_that_do_not_fit() {
        let mut server = TestServer::new();
        for line in ["0 a 1", "-1 a 1", "x a 1", "2147483648 a 1", "9223372036854775807 a 1"] {
            let answer = server.show(&format!("MSETEX {line}"));
            assert_eq!(answer, "(error) ERR invalid numkeys value or out of range", "{line}");
        }
        for line in [
            "2 a 1",
            "2 a 1 b",
            "2147483647 a 1",
            "1 a 1 b 2",
            "1 a 1 EX",
            "1 a 1 NX XX",
            "1 a 1 EX 1 KEEPTTL",
            "1 a 1 GET",
            "1 a 1 IFEQ 2",
        ] {
            assert_eq!(server.show(&format!("MSETEX {line}")), "(error) ERR syntax error", "{line}");
        }
        assert_eq!(server.show("MSETEX 1 a 1 EX 0"), "(error) ERR invalid expire time in 'msetex' command");
        assert!(server.journal().is_empty());
    }
}
