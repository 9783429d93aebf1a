//! Setting one string: SET, and the older commands that do parts of what it does: SETEX, PSETEX, SETNX, GETSET.
//!
//! A deadline that has passed already is set like any other: the key is there until somebody looks at it. What is
//! logged never depends on when it is read again: times relative to now become PXAT, and the old value that GET asks
//! for is nobody's business there.

use super::options::{Family, Options, deadline, is_news};
use super::reply_string;
use crate::deadline::TimeUnit;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, one_of, string, token, unix_time};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Log, Slot};
use value::string::{Str, from_bytes};

pub static SET: CommandSpec = CommandSpec {
    name: "SET",
    group: Group::String,
    since: "1.0.0",
    summary: "Sets a key to a string, whatever it held before.",
    complexity: "O(1)",
    arity: -3,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE).or(KeyFlags::VARIABLE))
        .notes("RW and ACCESS due to the optional `GET` argument")],
    find_keys: Some(set_keys),
    args: &[
        key("key"),
        string("value"),
        one_of("condition", &[token("nx", "NX"), token("xx", "XX")]).optional().since("2.6.12"),
        token("get", "GET").optional().since("6.2.0"),
        one_of(
            "expiration",
            &[
                integer("seconds").token("EX").since("2.6.12"),
                integer("milliseconds").token("PX").since("2.6.12"),
                unix_time("unix-time-seconds").token("EXAT").since("6.2.0"),
                unix_time("unix-time-milliseconds").token("PXAT").since("6.2.0"),
                token("keepttl", "KEEPTTL").since("6.0.0"),
            ],
        )
        .optional(),
    ],
    history: &[
        ("2.6.12", "`EX`, `PX`, `NX` and `XX`."),
        ("6.0.0", "`KEEPTTL`."),
        ("6.2.0", "`GET`, `EXAT` and `PXAT`."),
        ("7.0.0", "`NX` and `GET` together."),
    ],
    reply: Shape::SIMPLE.or(Shape::BULK).or(Shape::NULL),
    run: Run::Keyed(set),
    ..CommandSpec::DEFAULT
};

pub static SETEX: CommandSpec = CommandSpec {
    name: "SETEX",
    group: Group::String,
    since: "2.0.0",
    summary: "Sets a key to a string that expires after some seconds.",
    complexity: "O(1)",
    arity: 4,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::at(1, KeyFlags::OW.or(KeyFlags::UPDATE))],
    args: &[key("key"), integer("seconds"), string("value")],
    deprecated: Some(("2.6.12", "`SET` with the `EX` argument")),
    reply: Shape::SIMPLE,
    run: Run::Keyed(setex),
    ..CommandSpec::DEFAULT
};

pub static PSETEX: CommandSpec = CommandSpec {
    name: "PSETEX",
    group: Group::String,
    since: "2.6.0",
    summary: "Sets a key to a string that expires after some milliseconds.",
    complexity: "O(1)",
    arity: 4,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::at(1, KeyFlags::OW.or(KeyFlags::UPDATE))],
    args: &[key("key"), integer("milliseconds"), string("value")],
    deprecated: Some(("2.6.12", "`SET` with the `PX` argument")),
    reply: Shape::SIMPLE,
    run: Run::Keyed(psetex),
    ..CommandSpec::DEFAULT
};

pub static SETNX: CommandSpec = CommandSpec {
    name: "SETNX",
    group: Group::String,
    since: "1.0.0",
    summary: "Sets a key to a string unless the key is there already.",
    complexity: "O(1)",
    arity: 3,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::OW.or(KeyFlags::INSERT))],
    args: &[key("key"), string("value")],
    deprecated: Some(("2.6.12", "`SET` with the `NX` argument")),
    reply: Shape::INTEGER,
    run: Run::Keyed(setnx),
    ..CommandSpec::DEFAULT
};

pub static GETSET: CommandSpec = CommandSpec {
    name: "GETSET",
    group: Group::String,
    since: "1.0.0",
    summary: "Sets a key to a string, and gives the string it held before.",
    complexity: "O(1)",
    arity: 3,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))],
    args: &[key("key"), string("value")],
    deprecated: Some(("6.2.0", "`SET` with the `!GET` argument")),
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(getset),
    ..CommandSpec::DEFAULT
};

/// What SET does to its key: it reads the old value only for GET.
fn set_keys(args: &Args<'_>) -> Option<Vec<(usize, KeyFlags)>> {
    let reads = (3..args.len()).any(|at| args.is(at, "GET"));
    let access = if reads { KeyFlags::RW.or(KeyFlags::ACCESS) } else { KeyFlags::OW };
    Some(vec![(1, access.or(KeyFlags::UPDATE))])
}

fn set(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    if args.len() > 3 {
        return set_with_options(cx, keys, args);
    }
    keys.slot(&cx.key(0)).set(from_bytes(args.word(2)), None, Event::SET);
    cx.reply.ok();
    Ok(())
}

fn set_with_options(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let options = Options::parse(args, 3, Family::Set)?;
    let deadline = options.deadline(args, cx.now().unix_ms, "set")?;
    let key = cx.key(0);
    let mut slot = keys.slot(&key);
    let proceed = match &mut slot {
        Slot::Occupied(occupied) => {
            if options.get {
                occupied.count_hit();
                reply_string(cx.reply, Str::of(occupied.value()).ok_or(CommandError::WRONG_TYPE)?);
            }
            options.condition.holds_for(occupied.value())?
        }
        Slot::Vacant(vacant) => {
            if options.get {
                vacant.count_miss();
                cx.reply.null();
            }
            options.condition.holds_for_none()
        }
    };
    if !proceed {
        if !options.get {
            cx.reply.null();
        }
        return Ok(());
    }
    let kept = match &slot {
        Slot::Occupied(occupied) if options.keep_ttl => occupied.deadline(),
        Slot::Occupied(_) | Slot::Vacant(_) => None,
    };
    let mut occupied = slot.set(from_bytes(args.word(2)), deadline.or(kept), Event::SET);
    if deadline.is_some() {
        occupied.fire(Event::EXPIRE);
    }
    if occupied.is_logged() {
        match deadline {
            Some(deadline) if options.is_relative() => {
                log_expiring(occupied.log(), key.bytes, args.word(2), deadline);
            }
            Some(deadline) if options.is_news() => {
                log_expiring(occupied.log(), key.bytes, args.word(2), deadline);
            }
            None if options.get || options.is_news() => log_plainly(occupied.log(), args),
            Some(_) | None => {}
        }
    }
    if !options.get {
        cx.reply.ok();
    }
    Ok(())
}

/// Logs SET with an absolute deadline.
fn log_expiring(mut log: Log<'_>, key: &[u8], value: &[u8], deadline: u64) {
    let mut text = itoa::Buffer::new();
    log.write(&[b"SET", key, value, b"PXAT", text.format(deadline).as_bytes()]);
}

/// Logs SET as it was sent but for GET, and for conditions that not everybody knows: they held.
fn log_plainly(mut log: Log<'_>, args: &Args<'_>) {
    let mut words: Vec<&[u8]> = args.from(0).take(3).collect();
    let mut at = 3;
    while at < args.len() {
        if args.is(at, "IFEQ") {
            words.extend(args.from(at).take(2));
            at += 2;
            continue;
        }
        if is_news(args, at) {
            at += 2;
            continue;
        }
        if !args.is(at, "GET") {
            words.push(args.word(at));
        }
        at += 1;
    }
    log.write(&words);
}

fn setex(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    set_expiring(cx, keys, args, TimeUnit::EX)
}

fn psetex(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    set_expiring(cx, keys, args, TimeUnit::PX)
}

fn set_expiring(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, unit: TimeUnit) -> CommandResult {
    let deadline = deadline(unit, args.int(2)?, cx.now().unix_ms, cx.name())?;
    let key = cx.key(0);
    let value = args.word(3);
    let mut occupied = keys.slot(&key).set(from_bytes(value), Some(deadline), Event::SET);
    occupied.fire(Event::EXPIRE);
    if occupied.is_logged() {
        log_expiring(occupied.log(), key.bytes, value, deadline);
    }
    cx.reply.ok();
    Ok(())
}

fn setnx(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    match keys.slot(&cx.key(0)) {
        Slot::Occupied(_) => cx.reply.int(0),
        Slot::Vacant(vacant) => {
            vacant.insert(from_bytes(args.word(2)), None, Event::SET);
            cx.reply.int(1);
        }
    }
    Ok(())
}

fn getset(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let key = cx.key(0);
    let mut slot = keys.slot(&key);
    match &mut slot {
        Slot::Occupied(occupied) => {
            occupied.count_hit();
            reply_string(cx.reply, Str::of(occupied.value()).ok_or(CommandError::WRONG_TYPE)?);
        }
        Slot::Vacant(vacant) => {
            vacant.count_miss();
            cx.reply.null();
        }
    }
    let value = args.word(2);
    slot.set(from_bytes(value), None, Event::SET).log_as(&[b"SET", key.bytes, value]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    const NOW: i64 = 1_700_000_000_000;

    #[test]
    fn a_value_replaces_what_was_there_with_its_deadline() {
        let mut server = TestServer::new();
        assert_eq!(server.show("SET k v EX 10"), "OK");
        assert_eq!(server.show("SET k w"), "OK");
        server.advance_ms(20_000);
        assert_eq!(server.show("GET k"), "\"w\"");
        for value in ["12", "a", &"b".repeat(100), &"c".repeat(20_000), "", "-5"] {
            server.run(&format!("SET k \"{value}\""));
            assert_eq!(server.show("GET k"), format!("\"{value}\""));
        }
    }

    #[test]
    fn conditions_decide() {
        let mut server = TestServer::new();
        assert_eq!(server.show("SET k v XX"), "(nil)");
        assert_eq!(server.show("SET k v IFEQ v"), "(nil)");
        assert_eq!(server.show("SET k v NX"), "OK");
        assert_eq!(server.show("SET k w NX"), "(nil)");
        assert_eq!(server.show("SET k w IFEQ x"), "(nil)");
        assert_eq!(server.show("SET k 7 IFEQ v"), "OK");
        assert_eq!(server.show("SET k 8 IFEQ 07 GET"), "\"7\"");
        assert_eq!(server.show("SET k 8 IFEQ 7 GET"), "\"7\"");
        assert_eq!(server.show("SET k x XX GET"), "\"8\"");
        assert_eq!(server.show("SET new x XX GET"), "(nil)");
        assert_eq!(server.show("SET new x NX GET"), "(nil)");
        assert_eq!(server.show("GET new"), "\"x\"");
        assert_eq!(
            server.journal(),
            ["0 SET k v NX", "0 SET k 7 IFEQ v", "0 SET k 8 IFEQ 7", "0 SET k x XX", "0 SET new x NX"]
        );
    }

    #[test]
    fn conditions_on_other_values_and_digests_decide_and_are_not_logged() {
        let mut server = TestServer::new();
        assert_eq!(server.show("SET k v IFDEQ 0000000000000000"), "(nil)");
        assert_eq!(server.show("SET k v IFNE v"), "OK");
        assert_eq!(server.show("SET k w IFNE v"), "(nil)");
        assert_eq!(server.show("SET k w IFNE x KEEPTTL"), "OK");
        let digest = server.show("DIGEST k").trim_matches('"').to_owned();
        assert_eq!(server.show(&format!("SET k x IFDNE {digest}")), "(nil)");
        assert_eq!(server.show(&format!("SET k x IFDEQ {} PXAT 1800000000000", digest.to_uppercase())), "OK");
        assert_eq!(server.show(&format!("SET k y IFDNE {digest} GET")), "\"x\"");
        assert_eq!(server.show(&format!("SET k z IFDEQ {digest} GET")), "\"y\"");
        assert_eq!(server.show("SET new z IFDNE 0123456789abcdef"), "OK");
        assert_eq!(
            server.journal(),
            ["0 SET k v", "0 SET k w KEEPTTL", "0 SET k x PXAT 1800000000000", "0 SET k y", "0 SET new z"]
        );
        for digest in ["123", "0123456789abcdeg", "00123456789abcdef", "+123456789abcdef"] {
            let refused = "(error) ERR digest must be exactly 16 hexadecimal characters";
            assert_eq!(server.show(&format!("SET k v IFDEQ {digest}")), refused);
            assert_eq!(server.show(&format!("SET k v IFDNE {digest} FOO")), "(error) ERR syntax error");
        }
        server.run("RPUSH l a");
        for option in ["IFNE a", "IFDEQ 0123456789abcdef", "IFDNE 0123456789abcdef"] {
            assert!(server.show(&format!("SET l v {option}")).starts_with("(error) WRONGTYPE"), "{option}");
        }
    }

    #[test]
    fn relative_deadlines_are_logged_as_absolute_ones() {
        let mut server = TestServer::new();
        for (line, logged) in [
            ("SET k v ex 10 nx", format!("0 SET k v PXAT {}", NOW + 10_000)),
            ("SET k v GET PX 10", format!("0 SET k v PXAT {}", NOW + 10)),
            ("SET k v EX 10 EX 20", format!("0 SET k v PXAT {}", NOW + 20_000)),
            ("SET k v EXAT 1800000000", "0 SET k v PXAT 1800000000000".to_owned()),
            ("SET k v PXAT 1800000000000 GET", "0 SET k v PXAT 1800000000000 GET".to_owned()),
            ("SET k v get keepttl GET", "0 SET k v keepttl".to_owned()),
            ("SET k get ifeq v GET", "0 SET k get ifeq v".to_owned()),
            ("SET k v ifeq get GET", "0 SET k v ifeq get".to_owned()),
            ("setex k 5 v", format!("0 SET k v PXAT {}", NOW + 5_000)),
            ("psetex k 5 v", format!("0 SET k v PXAT {}", NOW + 5)),
            ("getset k w", "0 SET k w".to_owned()),
        ] {
            server.run(line);
            assert_eq!(server.journal(), [logged], "{line}");
        }
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut server = TestServer::new();
        server.run("SET k old");
        server.journal();
        server.events();
        for options in [
            "FOO",
            "EX",
            "EX 1 PX 1",
            "EX 1 KEEPTTL",
            "KEEPTTL EX 1",
            "PERSIST",
            "NX XX",
            "IFEQ",
            "IFEQ a NX",
            "XX IFEQ a",
            "IFEQ a IFEQ a",
            "IFNE",
            "IFNE a NX",
            "XX IFDNE 0123456789abcdef",
            "IFEQ a IFNE a",
        ] {
            assert_eq!(server.show(&format!("SET k v {options}")), "(error) ERR syntax error", "{options}");
        }
        let expire = "(error) ERR invalid expire time in 'set' command";
        for options in ["EX 0", "PX -1", "EX 9223372036854775807", "PX 9223372036854775807", "EXAT 9223372036854775"] {
            let answer = server.show(&format!("SET k v {options}"));
            let fine = options.starts_with("EXAT");
            assert_eq!(answer, if fine { "OK" } else { expire }, "{options}");
        }
        assert_eq!(server.show("SET k v EX x"), "(error) ERR value is not an integer or out of range");
        assert_eq!(server.show("PSETEX k 0 v"), "(error) ERR invalid expire time in 'psetex' command");
        assert_eq!(server.journal().len(), 1);
        assert_eq!(server.events(), ["0 overwritten k", "0 set k", "0 expire k"]);
    }

    #[test]
    fn keepttl_keeps_the_deadline() {
        let mut server = TestServer::new();
        server.run("SET k v PX 10");
        assert_eq!(server.show("SET k other KEEPTTL"), "OK");
        server.advance_ms(9);
        assert_eq!(server.show("GET k"), "\"other\"");
        server.advance_ms(1);
        assert_eq!(server.show("GET k"), "(nil)");
        server.run("SET k v KEEPTTL");
        server.advance_ms(1_000_000);
        assert_eq!(server.show("GET k"), "\"v\"");
    }

    #[test]
    fn a_passed_deadline_is_found_by_the_next_command() {
        let mut server = TestServer::new();
        assert_eq!(server.show("SET k v PXAT 1"), "OK");
        assert_eq!(server.show("SET k w NX PXAT 1"), "OK");
        assert_eq!(server.show("SETNX k x"), "(integer) 1");
        assert_eq!(server.show("SETNX k y"), "(integer) 0");
        assert_eq!(server.journal(), ["0 SET k v PXAT 1", "0 DEL k", "0 SET k w NX PXAT 1", "0 DEL k", "0 SETNX k x"]);
        assert_eq!(
            server.events(),
            [
                "0 new k",
                "0 set k",
                "0 expire k",
                "0 expired k",
                "0 new k",
                "0 set k",
                "0 expire k",
                "0 expired k",
                "0 new k",
                "0 set k",
            ]
        );
    }

    #[test]
    fn getset_gives_the_old_value() {
        let mut server = TestServer::new();
        assert_eq!(server.show("GETSET k v"), "(nil)");
        assert_eq!(server.show("GETSET k 5"), "\"v\"");
        assert_eq!(server.show("GETSET k w"), "\"5\"");
    }
}
