//! HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT, HPERSIST: set deadlines of fields, or take them away.
//!
//! All forms are logged as HPEXPIREAT with the fields that it changed. A deadline that is past already deletes the
//! fields, and is logged as that.

use super::options::{FIELDS, deadline, fields};
use super::{HDEL_EVENT, HEXPIRE_EVENT, HPERSIST_EVENT, living};
use crate::deadline::{Conditions, TimeUnit};
use command::spec::{ArgSpec, Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, one_of, token, unix_time};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, Log, Slot};
use smallvec::SmallVec;
use value::Hash;
use value::string::Scratch;

const CONDITION: ArgSpec =
    one_of("condition", &[token("nx", "NX"), token("xx", "XX"), token("gt", "GT"), token("lt", "LT")]).optional();

pub static HEXPIRE: CommandSpec = CommandSpec {
    name: "HEXPIRE",
    group: Group::Hash,
    since: "7.4.0",
    summary: "Lets fields of a hash expire after a number of seconds.",
    complexity: "O(N) with the number of fields given",
    arity: -6,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE))],
    args: &[key("key"), integer("seconds"), CONDITION, FIELDS],
    reply: Shape::ARRAY,
    run: Run::Keyed(|cx, keys, args| expire(cx, keys, args, TimeUnit::EX)),
    ..CommandSpec::DEFAULT
};

pub static HPEXPIRE: CommandSpec = CommandSpec {
    name: "HPEXPIRE",
    summary: "Lets fields of a hash expire after a number of milliseconds.",
    args: &[key("key"), integer("milliseconds"), CONDITION, FIELDS],
    run: Run::Keyed(|cx, keys, args| expire(cx, keys, args, TimeUnit::PX)),
    ..HEXPIRE
};

pub static HEXPIREAT: CommandSpec = CommandSpec {
    name: "HEXPIREAT",
    summary: "Lets fields of a hash expire at a Unix time in seconds.",
    args: &[key("key"), unix_time("unix-time-seconds"), CONDITION, FIELDS],
    run: Run::Keyed(|cx, keys, args| expire(cx, keys, args, TimeUnit::EXAT)),
    ..HEXPIRE
};

pub static HPEXPIREAT: CommandSpec = CommandSpec {
    name: "HPEXPIREAT",
    summary: "Lets fields of a hash expire at a Unix time in milliseconds.",
    args: &[key("key"), unix_time("unix-time-milliseconds"), CONDITION, FIELDS],
    run: Run::Keyed(|cx, keys, args| expire(cx, keys, args, TimeUnit::PXAT)),
    ..HEXPIRE
};

pub static HPERSIST: CommandSpec = CommandSpec {
    name: "HPERSIST",
    summary: "Takes the deadlines of fields of a hash away, so that they stay.",
    arity: -5,
    args: &[key("key"), FIELDS],
    run: Run::Keyed(hpersist),
    ..HEXPIRE
};

// What is answered for each field.
const NO_FIELD: i64 = -2;
const NO_DEADLINE: i64 = -1;
const NOT_MET: i64 = 0;
const DONE: i64 = 1;
const DELETED: i64 = 2;

/// A parsed HEXPIRE of any form.
struct Request {
    deadline: u64,
    conditions: Conditions,
    /// Place of the first field.
    from: usize,
}

fn parse(cx: &Ctx<'_>, args: &Args<'_>, unit: TimeUnit) -> Result<Request, CommandError> {
    let deadline = deadline(unit, cx, args, 2)?;
    let mut conditions = Conditions::default();
    let at = if conditions.add(args, 3) { 4 } else { 3 };
    Ok(Request { deadline, conditions, from: fields(args, at, CommandError::FIELDS_NUMBER_TO_EXPIRE)? })
}

fn expire(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, unit: TimeUnit) -> CommandResult {
    let key = cx.key(0);
    let occupied = match keys.slot(&key) {
        Slot::Occupied(occupied) => occupied,
        Slot::Vacant(_) => {
            let from = parse(cx, args, unit)?.from;
            return none(cx, args, from);
        }
    };
    occupied.expect::<Hash>()?;
    let request = parse(cx, args, unit)?;
    let now_ms = cx.now().unix_ms as u64;
    cx.reply.array(args.len() - request.from);
    occupied.update(|hash: &mut Hash, update| {
        hash.hold_deadlines();
        let mut changed: SmallVec<[&[u8]; 8]> = SmallVec::new();
        let past = request.deadline <= now_ms;
        for name in args.from(request.from) {
            let answer = match living(hash, update, name) {
                None => NO_FIELD,
                Some(field) if !request.conditions.allow(field.deadline, request.deadline as i64) => NOT_MET,
                Some(_) if past => {
                    hash.remove(name);
                    changed.push(name);
                    DELETED
                }
                Some(_) => {
                    hash.set_deadline(name, Some(request.deadline), now_ms);
                    changed.push(name);
                    DONE
                }
            };
            cx.reply.int(answer);
        }
        if changed.is_empty() {
            return;
        }
        update.changed(changed.len() as u64, if past { HDEL_EVENT } else { HEXPIRE_EVENT });
        if past {
            log_deleted(update.log(), key.bytes, &changed);
        } else {
            let condition = (request.conditions != Conditions::default()).then(|| args.word(3));
            log_deadline(update.log(), key.bytes, request.deadline, condition, &changed);
        }
    })?;
    Ok(())
}

/// The answer when there is no hash.
fn none(cx: &mut Ctx<'_>, args: &Args<'_>, from: usize) -> CommandResult {
    cx.reply.array(args.len() - from);
    (from..args.len()).for_each(|_| cx.reply.int(NO_FIELD));
    Ok(())
}

/// Logs that fields were deleted instead of being given a deadline in the past.
pub(super) fn log_deleted(mut log: Log<'_>, key: &[u8], fields: &[&[u8]]) {
    for field in fields {
        log.write(&[b"HDEL", key, field]);
    }
}

/// Logs a deadline as a time that means the same whenever it is read.
pub(super) fn log_deadline(mut log: Log<'_>, key: &[u8], deadline: u64, condition: Option<&[u8]>, fields: &[&[u8]]) {
    if !log.is_on() {
        return;
    }
    let (mut at, mut number) = (Scratch::default(), Scratch::default());
    let mut words: Vec<&[u8]> = vec![b"HPEXPIREAT", key, at.print(deadline as i64)];
    words.extend(condition);
    words.extend([b"FIELDS", number.print(fields.len() as i64)]);
    words.extend(fields);
    log.write(&words);
}

fn hpersist(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let parse = || fields(args, 2, CommandError::FIELDS_NUMBER);
    let occupied = match keys.slot(&cx.key(0)) {
        Slot::Occupied(occupied) => occupied,
        Slot::Vacant(_) => return none(cx, args, parse()?),
    };
    occupied.expect::<Hash>()?;
    let from = parse()?;
    let now_ms = cx.now().unix_ms as u64;
    cx.reply.array(args.len() - from);
    occupied.update(|hash: &mut Hash, update| {
        let mut persisted = 0;
        for name in args.from(from) {
            let answer = match living(hash, update, name) {
                None => NO_FIELD,
                Some(field) if field.deadline.is_none() => NO_DEADLINE,
                Some(_) => {
                    hash.set_deadline(name, None, now_ms);
                    persisted += 1;
                    DONE
                }
            };
            cx.reply.int(answer);
        }
        if persisted > 0 {
            update.changed(persisted, HPERSIST_EVENT);
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    fn ints(server: &mut TestServer, line: &str) -> Vec<i64> {
        let resp::client::Value::Array(all) = server.run(line) else { panic!("an array for {line}") };
        let int = |value| if let resp::client::Value::Integer(int) = value { int } else { panic!("{value:?}") };
        all.into_iter().map(int).collect()
    }

    fn with_hash(limit: usize) -> TestServer {
        let mut server = TestServer::new();
        super::super::limit_packed(&server, limit, 64);
        server.run("HSET h f 1 g 2 i 3");
        server.journal();
        server.events();
        server
    }

    #[test]
    fn fields_expire_when_they_should_and_their_hash_with_them() {
        for limit in [512, 0] {
            let mut server = with_hash(limit);
            assert_eq!(ints(&mut server, "HPEXPIRE h 100 FIELDS 3 f no g"), [1, -2, 1]);
            assert_eq!(server.events(), ["0 hexpire h"]);
            assert_eq!(server.journal(), ["0 HPEXPIREAT h 1700000000100 FIELDS 2 f g"]);
            server.advance_ms(99);
            assert_eq!(server.show("HGET h f"), "\"1\"");
            server.advance_ms(1);
            assert_eq!(server.show("HGETALL h"), "1) \"i\"\n2) \"3\"");
            assert_eq!(server.show("HLEN h"), "(integer) 3");
            assert!(server.journal().is_empty());
            assert_eq!(server.show("HGET h f"), "(nil)");
            assert_eq!(server.show("HLEN h"), "(integer) 2");
            assert_eq!(server.journal(), ["0 HDEL h f"]);
            assert_eq!(server.events(), ["0 hexpired h"]);
            assert_eq!(ints(&mut server, "HEXPIRE h 5 FIELDS 2 g i"), [-2, 1]);
            server.advance_ms(5000);
            assert_eq!(server.show("HEXISTS h i"), "(integer) 0");
            assert_eq!(server.events(), ["0 hexpired h", "0 hexpire h", "0 hexpired h", "0 del h"]);
            assert_eq!(server.show("EXISTS h"), "(integer) 0");
        }
    }

    #[test]
    fn the_sweep_expires_fields_on_time() {
        for limit in [512, 0] {
            let mut server = with_hash(limit);
            server.run("HPEXPIRE h 100 FIELDS 2 f g");
            server.run("HPEXPIRE h 300 FIELDS 1 i");
            server.journal();
            server.events();
            server.advance_ms(116);
            server.sweep();
            assert_eq!(server.journal().len(), 2, "one record for each field");
            assert_eq!(server.events(), ["0 hexpired h"]);
            assert_eq!(server.show("HLEN h"), "(integer) 1");
            server.advance_ms(200);
            server.sweep();
            assert_eq!(server.events(), ["0 hexpired h", "0 del h"]);
            assert_eq!(server.show("EXISTS h"), "(integer) 0");
        }
    }

    #[test]
    fn conditions_compare_with_the_deadline_there_is() {
        for limit in [512, 0] {
            let mut server = with_hash(limit);
            for (command, reply) in [
                ("HEXPIRE h 10 XX FIELDS 1 f", 0),
                ("HEXPIRE h 10 GT FIELDS 1 f", 0),
                ("HEXPIRE h 100 LT FIELDS 1 f", 1),
                ("HEXPIRE h 100 LT FIELDS 1 f", 0),
                ("HEXPIRE h 100 gt FIELDS 1 f", 0),
                ("HEXPIRE h 200 NX FIELDS 1 f", 0),
                ("HEXPIRE h 200 XX FIELDS 1 f", 1),
                ("HEXPIRE h 300 GT FIELDS 1 f", 1),
                ("HPERSIST h FIELDS 1 f", 1),
                ("HPERSIST h FIELDS 1 f", -1),
                ("HEXPIRE h 50 NX FIELDS 1 f", 1),
                ("HTTL h FIELDS 1 f", 50),
                ("HEXPIRE h 0 GT FIELDS 1 f", 0),
                ("HEXPIRE h 0 FIELDS 1 f", 2),
                ("HTTL h FIELDS 1 f", -2),
            ] {
                assert_eq!(ints(&mut server, command), [reply], "{command}");
            }
        }
    }

    #[test]
    fn a_past_deadline_deletes() {
        let mut server = with_hash(512);
        assert_eq!(ints(&mut server, "HEXPIREAT h 1 FIELDS 3 f f no"), [2, -2, -2]);
        assert_eq!(server.journal(), ["0 HDEL h f"]);
        assert_eq!(server.events(), ["0 hdel h"]);
        assert_eq!(ints(&mut server, "HPEXPIRE h 0 FIELDS 2 g i"), [2, 2]);
        assert_eq!(server.journal(), ["0 HDEL h g", "0 HDEL h i"]);
        assert_eq!(server.events(), ["0 hdel h", "0 del h"]);
    }
}
