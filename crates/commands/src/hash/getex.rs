//! HGETEX: reads fields, and sets their deadlines or takes them away.
//!
//! It is logged as HPEXPIREAT, HPERSIST or HDEL, with all the fields that it named; not at all when no field changed.

use super::expire::{log_deadline, log_deleted};
use super::options::{Expiration, FIELDS, deadline, fields};
use super::{HDEL_EVENT, HEXPIRE_EVENT, HPERSIST_EVENT, living, reply_string};
use crate::deadline::TimeUnit;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, one_of, token, unix_time};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, Slot, Update};
use smallvec::SmallVec;
use value::Hash;

pub static HGETEX: CommandSpec = CommandSpec {
    name: "HGETEX",
    group: Group::Hash,
    since: "8.0.0",
    summary: "Gives the values of fields of a hash, and changes or removes the time at which the fields expire.",
    complexity: "O(N) with the number of fields given",
    arity: -5,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))
        .notes("RW and UPDATE because it changes the TTL")],
    args: &[
        key("key"),
        one_of(
            "expiration",
            &[
                integer("seconds").token("EX"),
                integer("milliseconds").token("PX"),
                unix_time("unix-time-seconds").token("EXAT"),
                unix_time("unix-time-milliseconds").token("PXAT"),
                token("persist", "PERSIST"),
            ],
        )
        .optional(),
        FIELDS,
    ],
    reply: Shape::ARRAY,
    run: Run::Keyed(hgetex),
    ..CommandSpec::DEFAULT
};

/// Reads the expiration, if any, and the place of the first field.
fn parse(cx: &Ctx<'_>, args: &Args<'_>) -> Result<(Expiration, usize), CommandError> {
    let (expiration, at) = match TimeUnit::of(args, 2) {
        Some(unit) => (Expiration::At(deadline(unit, cx, args, 3)?), 4),
        None if args.is(2, "PERSIST") => (Expiration::Word, 3),
        None => (Expiration::Unsaid, 2),
    };
    // A time leaves room for `FIELDS numfields`, as the arity does without one.
    if at + 2 > args.len() {
        return Err(CommandError::wrong_arity(cx.name()));
    }
    Ok((expiration, fields(args, at, CommandError::FIELDS_NUMBER)?))
}

fn hgetex(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let key = cx.key(0);
    let slot = keys.slot(&key);
    if let Slot::Occupied(occupied) = &slot {
        occupied.expect::<Hash>()?;
    }
    let (expiration, from) = parse(cx, args)?;
    cx.reply.array(args.len() - from);
    let Slot::Occupied(occupied) = slot else {
        (from..args.len()).for_each(|_| cx.reply.null());
        return Ok(());
    };
    occupied.update(|hash: &mut Hash, update| {
        if expiration != Expiration::Unsaid {
            hash.hold_deadlines();
        }
        let changed = change(cx, hash, update, args, from, expiration);
        let fields: SmallVec<[&[u8]; 8]> = args.from(from).collect();
        match expiration {
            _ if changed.is_empty() => {}
            Expiration::Unsaid => {}
            Expiration::Word => {
                update.changed(changed.len() as u64, HPERSIST_EVENT);
                let words = [b"HPERSIST", key.bytes].into_iter().chain(args.from(from - 2));
                update.log_as(&words.collect::<Vec<_>>());
            }
            Expiration::At(deadline) if deadline <= update.now_ms() => {
                update.changed(changed.len() as u64, HDEL_EVENT);
                log_deleted(update.log(), key.bytes, &changed);
            }
            Expiration::At(deadline) => {
                update.changed(changed.len() as u64, HEXPIRE_EVENT);
                log_deadline(update.log(), key.bytes, deadline, None, &fields);
            }
        }
    })?;
    Ok(())
}

/// Replies with the fields and changes them; gives those that are others now.
fn change<'a>(
    cx: &mut Ctx<'_>,
    hash: &mut Hash,
    update: &mut Update<'_>,
    args: &Args<'a>,
    from: usize,
    expiration: Expiration,
) -> SmallVec<[&'a [u8]; 8]> {
    let now_ms = update.now_ms();
    let mut changed = SmallVec::new();
    for name in args.from(from) {
        let Some(field) = living(hash, update, name) else {
            cx.reply.null();
            continue;
        };
        reply_string(cx.reply, field.value);
        match expiration {
            Expiration::Unsaid => continue,
            Expiration::Word if field.deadline.is_none() => continue,
            Expiration::Word => drop(hash.set_deadline(name, None, now_ms)),
            Expiration::At(deadline) if deadline <= now_ms => drop(hash.remove(name)),
            Expiration::At(deadline) => drop(hash.set_deadline(name, Some(deadline), now_ms)),
        }
        changed.push(name);
    }
    changed
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn fields_are_read_and_their_deadlines_changed() {
        for limit in [512, 0] {
            let mut server = TestServer::new();
            super::super::limit_packed(&server, limit, 64);
            server.run("HSET h f 1 g 2 i 3");
            server.journal();
            server.events();
            assert_eq!(server.show("HGETEX h FIELDS 2 f no"), "1) \"1\"\n2) (nil)");
            assert_eq!(server.show("HGETEX h PERSIST FIELDS 1 f"), "1) \"1\"");
            assert_eq!(server.show("HGETEX h EX 10 FIELDS 1 no"), "1) (nil)");
            assert!(server.journal().is_empty() && server.events().is_empty());
            assert_eq!(server.show("HGETEX h PX 10 FIELDS 2 f no"), "1) \"1\"\n2) (nil)");
            assert_eq!(server.show("HPTTL h FIELDS 1 f"), "1) (integer) 10");
            assert_eq!(server.show("HGETEX h PERSIST FIELDS 2 f g"), "1) \"1\"\n2) \"2\"");
            assert_eq!(server.show("HPTTL h FIELDS 1 f"), "1) (integer) -1");
            assert_eq!(server.show("HGETEX h PXAT 1 FIELDS 2 f no"), "1) \"1\"\n2) (nil)");
            assert_eq!(server.show("HGET h f"), "(nil)");
            assert_eq!(
                server.journal(),
                ["0 HPEXPIREAT h 1700000000010 FIELDS 2 f no", "0 HPERSIST h FIELDS 2 f g", "0 HDEL h f"]
            );
            assert_eq!(server.events(), ["0 hexpire h", "0 hpersist h", "0 hdel h"]);
        }
    }
}
