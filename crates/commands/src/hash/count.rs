//! Fields as numbers: HINCRBY and HINCRBYFLOAT. A field that is not there counts from zero, and its deadline stays.
//!
//! HINCRBYFLOAT adds as C's 80-bit `long double` does, and is logged with the sum, so that a replica need not be able
//! to add the same way.

use super::rules;
use base::num::LongDouble;
use command::spec::{Elements, Flags, Group, KeyFlags, KeySpec, Run, Shape, double, integer, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Slot, Update};
use value::Hash;
use value::hash::{Rules, Ttl};
use value::string::{Scratch, Str};

pub static HINCRBY: CommandSpec = CommandSpec {
    name: "HINCRBY",
    group: Group::Hash,
    since: "2.0.0",
    summary: "Adds to the integer that a field of a hash holds.",
    complexity: "O(1)",
    arity: 4,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))],
    elements: Some(Elements::at(2)),
    args: &[key("key"), string("field"), integer("increment")],
    reply: Shape::INTEGER,
    run: Run::Keyed(hincrby),
    ..CommandSpec::DEFAULT
};

pub static HINCRBYFLOAT: CommandSpec = CommandSpec {
    name: "HINCRBYFLOAT",
    since: "2.6.0",
    summary: "Adds to the number that a field of a hash holds, with decimals.",
    args: &[key("key"), string("field"), double("increment")],
    reply: Shape::BULK,
    run: Run::Keyed(hincrbyfloat),
    ..HINCRBY
};

/// Replaces the value of a field by what `add` makes of it (`None`: it is not there); the deadline stays.
fn change<R>(
    hash: &mut Hash,
    update: &mut Update<'_>,
    name: &[u8],
    rules: &Rules,
    add: impl FnOnce(Option<Str<'_>>) -> Result<R, CommandError>,
    set: impl FnOnce(&R, &mut Hash),
) -> Result<R, CommandError> {
    let found = hash.get(name);
    let past = found.is_some_and(|field| field.is_past(rules.now_ms));
    let sum = add(found.filter(|_| !past).map(|field| field.value));
    if past {
        hash.remove(name);
        update.field_expired(name);
    }
    let sum = sum?;
    set(&sum, hash);
    Ok(sum)
}

fn hincrby(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const EVENT: Event = Event::hash("hincrby");
    let increment = args.int(3)?;
    let (name, rules) = (args.word(2), rules(cx));
    let set = |sum: &i64, hash: &mut Hash| {
        hash.set(name, Scratch::default().print(*sum), Ttl::Keep, &rules);
    };
    let sum = match keys.slot(&cx.key(0)) {
        Slot::Occupied(occupied) => occupied.update(|hash: &mut Hash, update| {
            let add = |held: Option<Str<'_>>| {
                let held = held.map_or(Some(0), Str::integer).ok_or(CommandError::HASH_NOT_INTEGER)?;
                held.checked_add(increment).ok_or(CommandError::OVERFLOW)
            };
            let sum = change(hash, update, name, &rules, add, set)?;
            update.changed(1, EVENT);
            Ok::<i64, CommandError>(sum)
        })??,
        Slot::Vacant(vacant) => {
            let mut hash = Hash::new();
            set(&increment, &mut hash);
            vacant.create(hash, 1, EVENT);
            increment
        }
    };
    cx.reply.int(sum);
    Ok(())
}

fn hincrbyfloat(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const EVENT: Event = Event::hash("hincrbyfloat");
    let increment = LongDouble::parse(args.word(3)).ok_or(CommandError::NOT_FLOAT)?;
    // A sum with anything tells whether a number is finite.
    LongDouble::ZERO.checked_add(increment).ok_or(CommandError::INFINITE_INCREMENT)?;
    let (key, name, rules) = (cx.key(0), args.word(2), rules(cx));
    let text_of = |sum: LongDouble| {
        let mut text = Vec::with_capacity(32);
        sum.write(&mut text);
        text
    };
    let set = |text: &Vec<u8>, hash: &mut Hash| {
        hash.set(name, text, Ttl::Keep, &rules);
    };
    let text = match keys.slot(&key) {
        Slot::Occupied(occupied) => occupied.update(|hash: &mut Hash, update| {
            let add = |held: Option<Str<'_>>| {
                let mut scratch = Scratch::default();
                let held = held.map_or(Some(LongDouble::ZERO), |held| LongDouble::parse(held.bytes(&mut scratch)));
                let held = held.ok_or(CommandError::HASH_NOT_FLOAT)?;
                held.checked_add(increment).map(text_of).ok_or(CommandError::NAN_OR_INFINITY)
            };
            let text = change(hash, update, name, &rules, add, set)?;
            update.changed(1, EVENT);
            Ok::<Vec<u8>, CommandError>(text)
        })??,
        Slot::Vacant(vacant) => {
            let mut hash = Hash::new();
            let text = text_of(increment);
            set(&text, &mut hash);
            vacant.create(hash, 1, EVENT);
            text
        }
    };
    keys.log_as(&[b"HSETEX", key.bytes, b"KEEPTTL", b"FIELDS", b"1", name, &text]);
    cx.reply.bulk(&text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn fields_count_in_every_encoding() {
        let mut server = TestServer::new();
        for limit in [512, 0] {
            super::super::limit_packed(&server, limit, 64);
            server.run("DEL h");
            assert_eq!(server.show("HINCRBY h f 5"), "(integer) 5");
            assert_eq!(server.show("HINCRBY h f -7"), "(integer) -2");
            assert_eq!(server.show("HINCRBYFLOAT h f 0.5"), "\"-1.5\"");
            assert_eq!(server.show("HINCRBY h f 1"), "(error) ERR hash value is not an integer");
            assert_eq!(server.show("HINCRBYFLOAT h g 3.0e3"), "\"3000\"");
            assert_eq!(server.show("HINCRBY h g 1"), "(integer) 3001");
        }
    }

    #[test]
    fn what_is_not_a_number_or_too_large_is_refused() {
        let mut server = TestServer::new();
        server.run("HSET h max 9223372036854775807 t x e \"\" inf inf");
        server.journal();
        for (line, error) in [
            ("HINCRBY h max 1", "ERR increment or decrement would overflow"),
            ("HINCRBY h t x", "ERR value is not an integer or out of range"),
            ("HINCRBY h t 1", "ERR hash value is not an integer"),
            ("HINCRBY h e 1", "ERR hash value is not an integer"),
            ("HINCRBYFLOAT h t nan", "ERR value is not a valid float"),
            ("HINCRBYFLOAT h t inf", "ERR value is NaN or Infinity"),
            ("HINCRBYFLOAT h e 1", "ERR hash value is not a float"),
            ("HINCRBYFLOAT h inf 1", "ERR increment would produce NaN or Infinity"),
        ] {
            assert_eq!(server.show(line), format!("(error) {error}"), "{line}");
        }
        assert!(server.journal().is_empty());
    }

    #[test]
    fn a_sum_with_decimals_is_logged_as_such() {
        let mut server = TestServer::new();
        server.run("HINCRBYFLOAT h f 1.5");
        server.run("HINCRBY h g 2");
        assert_eq!(server.journal(), ["0 HSETEX h KEEPTTL FIELDS 1 f 1.5", "0 HINCRBY h g 2"]);
        assert_eq!(server.events(), ["0 new h", "0 hincrbyfloat h", "0 hincrby h"]);
    }
}
