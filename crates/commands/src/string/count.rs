//! Strings as numbers: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT. A key that is not there counts from zero, and the
//! deadline stays.
//!
//! Integers are 64 bits wide and changed in place. INCRBYFLOAT adds as C's 80-bit `long double` does, and is logged as
//! SET with the sum, so that a replica need not be able to add the same way.

use base::num::LongDouble;
use command::spec::{ArgSpec, Flags, Group, KeyFlags, KeySpec, Run, Shape, double, integer, key};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, NewValue, Slot, ValueRef};
use value::string::{Scratch, Str};

/// What the integer commands have in common.
const INTEGER: CommandSpec = CommandSpec {
    group: Group::String,
    since: "1.0.0",
    complexity: "O(1)",
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))],
    reply: Shape::INTEGER,
    ..CommandSpec::DEFAULT
};

const KEY_ONLY: &[ArgSpec] = &[key("key")];

pub static INCR: CommandSpec = CommandSpec {
    name: "INCR",
    summary: "Adds one to the integer that a key holds.",
    arity: 2,
    args: KEY_ONLY,
    run: Run::Keyed(incr),
    ..INTEGER
};

pub static DECR: CommandSpec = CommandSpec {
    name: "DECR",
    summary: "Takes one from the integer that a key holds.",
    arity: 2,
    args: KEY_ONLY,
    run: Run::Keyed(decr),
    ..INTEGER
};

pub static INCRBY: CommandSpec = CommandSpec {
    name: "INCRBY",
    summary: "Adds to the integer that a key holds.",
    arity: 3,
    args: &[key("key"), integer("increment")],
    run: Run::Keyed(incrby),
    ..INTEGER
};

pub static DECRBY: CommandSpec = CommandSpec {
    name: "DECRBY",
    summary: "Takes from the integer that a key holds.",
    arity: 3,
    args: &[key("key"), integer("decrement")],
    run: Run::Keyed(decrby),
    ..INTEGER
};

pub static INCRBYFLOAT: CommandSpec = CommandSpec {
    name: "INCRBYFLOAT",
    since: "2.6.0",
    summary: "Adds to the number that a key holds, with decimals.",
    arity: 3,
    args: &[key("key"), double("increment")],
    reply: Shape::BULK,
    run: Run::Keyed(incrbyfloat),
    ..INTEGER
};

fn incr(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    add(cx, keys, 1)
}

fn decr(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    add(cx, keys, -1)
}

fn incrby(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    add(cx, keys, args.int(2)?)
}

fn decrby(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let decrement = args.int(2)?;
    add(cx, keys, decrement.checked_neg().ok_or(CommandError::DECREMENT_OVERFLOW)?)
}

#[inline]
fn add(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, increment: i64) -> CommandResult {
    const EVENT: Event = Event::string("incrby");
    let sum = match keys.slot(&cx.key(0)) {
        Slot::Occupied(mut occupied) => {
            let held = match occupied.value() {
                ValueRef::Int(integer) => integer,
                other => Str::of(other).ok_or(CommandError::WRONG_TYPE)?.integer().ok_or(CommandError::NOT_INTEGER)?,
            };
            let sum = held.checked_add(increment).ok_or(CommandError::OVERFLOW)?;
            occupied.set_int(sum, EVENT);
            sum
        }
        Slot::Vacant(vacant) => {
            vacant.insert(NewValue::Int(increment), None, EVENT);
            increment
        }
    };
    cx.reply.int(sum);
    Ok(())
}

fn incrbyfloat(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const EVENT: Event = Event::string("incrbyfloat");
    let key = cx.key(0);
    let slot = keys.slot(&key);
    let held = match &slot {
        Slot::Occupied(occupied) => {
            let string = Str::of(occupied.value()).ok_or(CommandError::WRONG_TYPE)?;
            LongDouble::parse(string.bytes(&mut Scratch::default())).ok_or(CommandError::NOT_FLOAT)?
        }
        Slot::Vacant(_) => LongDouble::ZERO,
    };
    let increment = LongDouble::parse(args.word(2)).ok_or(CommandError::NOT_FLOAT)?;
    let sum = held.checked_add(increment).ok_or(CommandError::NAN_OR_INFINITY)?;
    let mut text = Vec::with_capacity(32);
    sum.write(&mut text);
    // Stored as text even when it is the text of an integer, as Redis does.
    let mut occupied = match slot {
        Slot::Occupied(mut occupied) => {
            occupied.set_value(NewValue::Bytes(&text), EVENT);
            occupied
        }
        Slot::Vacant(vacant) => vacant.insert(NewValue::Bytes(&text), None, EVENT),
    };
    occupied.log_as(&[b"SET", key.bytes, &text, b"KEEPTTL"]);
    cx.reply.bulk(&text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn counting_keeps_the_deadline() {
        let mut server = TestServer::new();
        server.run("SET k 5 PX 10");
        assert_eq!(server.show("INCR k"), "(integer) 6");
        assert_eq!(server.show("DECRBY k 10"), "(integer) -4");
        assert_eq!(server.show("INCRBYFLOAT k 0.5"), "\"-3.5\"");
        server.advance_ms(10);
        assert_eq!(server.show("INCR k"), "(integer) 1");
        assert_eq!(
            server.journal(),
            [
                "0 SET k 5 PXAT 1700000000010",
                "0 INCR k",
                "0 DECRBY k 10",
                "0 SET k -3.5 KEEPTTL",
                "0 DEL k",
                "0 INCR k",
            ]
        );
        assert_eq!(
            server.events(),
            [
                "0 new k",
                "0 set k",
                "0 expire k",
                "0 incrby k",
                "0 incrby k",
                "0 incrbyfloat k",
                "0 expired k",
                "0 new k",
                "0 incrby k",
            ]
        );
    }

    #[test]
    fn sums_beyond_64_bits_are_refused() {
        let mut server = TestServer::new();
        server.run("SET k 9223372036854775807");
        assert_eq!(server.show("INCR k"), "(error) ERR increment or decrement would overflow");
        assert_eq!(server.show("DECRBY k -9223372036854775808"), "(error) ERR decrement would overflow");
        assert_eq!(server.show("INCRBY k -9223372036854775808"), "(integer) -1");
        assert_eq!(server.show("GET k"), "\"-1\"");
    }

    #[test]
    fn texts_that_are_no_numbers_are_kept() {
        let mut server = TestServer::new();
        for text in ["", " 1", "1.5x", "01x", &"1".repeat(20_000)] {
            server.run(&format!("SET k \"{text}\""));
            assert_eq!(server.show("INCR k"), "(error) ERR value is not an integer or out of range", "{text}");
            assert_eq!(server.show("INCRBYFLOAT k 1"), "(error) ERR value is not a valid float", "{text}");
            assert_eq!(server.show("GET k"), format!("\"{text}\""));
        }
        assert_eq!(server.show("INCRBYFLOAT new inf"), "(error) ERR increment would produce NaN or Infinity");
        assert_eq!(server.show("GET new"), "(nil)");
    }

    #[test]
    fn text_and_integer_follow_each_other() {
        let mut server = TestServer::new();
        assert_eq!(server.show("INCRBYFLOAT k 3.0e3"), "\"3000\"");
        assert_eq!(server.show("INCR k"), "(integer) 3001");
        assert_eq!(server.show("APPEND k 1"), "(integer) 5");
        assert_eq!(server.show("INCR k"), "(integer) 30012");
    }
}
