//! PFCOUNT.
//!
//! A value carries its cardinality as it was last computed. Counting a single key whose value has changed since
//! writes it anew, so a command that reads changes bytes: that is logged, and ends transactions that watch the
//! key, but is no event.

use super::{bytes_of, corrupted, read};
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, key};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::event::Event;
use engine::{LockedKeys, Lookup, Slot};
use structures::hll::{self, Registers};

pub static PFCOUNT: CommandSpec = CommandSpec {
    name: "PFCOUNT",
    group: Group::HyperLogLog,
    since: "2.8.9",
    summary: "Estimates how many different elements were added to HyperLogLogs.",
    complexity: "O(1) for one key, nearly free unless it changed; O(N) in the number of keys for several",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RW.or(KeyFlags::ACCESS))
        .notes("RW because it may change the internal representation of the key, and propagate to replicas")],
    args: &[key("key").multiple()],
    reply: Shape::INTEGER,
    run: Run::Keyed(pfcount),
    ..CommandSpec::DEFAULT
};

fn pfcount(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let cardinality = if cx.keys.len() == 1 { count_one(cx, keys)? } else { count_union(cx, keys)? };
    cx.reply.int(cardinality as i64);
    Ok(())
}

fn count_one(cx: &Ctx<'_>, keys: &mut LockedKeys<'_>) -> Result<u64, CommandError> {
    let key = cx.key(0);
    let Some((bytes, _)) = read(keys, &key, Lookup::READ)? else {
        return Ok(0);
    };
    if let Some(cardinality) = hll::cached(bytes) {
        return Ok(cardinality);
    }
    let Slot::Occupied(mut occupied) = keys.slot(&key) else {
        return Ok(0);
    };
    let len = bytes_of(occupied.value())?.0.len();
    let counted = occupied.edit_bytes_if(len, Event::NONE, |value| match hll::count(value) {
        Ok(count) => (u64::from(count.refreshed), Ok(count.cardinality)),
        Err(damage) => (0, Err(corrupted(damage))),
    });
    counted.unwrap_or(Err(CommandError::STRING_TOO_LONG))
}

fn count_union(cx: &Ctx<'_>, keys: &mut LockedKeys<'_>) -> Result<u64, CommandError> {
    let mut registers = Registers::new();
    for key in cx.keys {
        if let Some((bytes, _)) = read(keys, key, Lookup::READ)? {
            registers.merge_from(bytes).map_err(corrupted)?;
        }
    }
    Ok(hll::count_registers(&registers))
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn the_first_count_after_a_change_is_kept_in_the_value() {
        let mut server = TestServer::new();
        server.run("PFADD h a");
        server.events();
        server.journal();
        assert_eq!(server.show("GETRANGE h 8 15"), "\"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\"");
        assert_eq!(server.show("PFCOUNT h"), "(integer) 1");
        assert_eq!(server.show("GETRANGE h 8 15"), "\"\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"");
        assert_eq!(server.journal(), ["0 PFCOUNT h"]);
        assert_eq!(server.show("PFCOUNT h"), "(integer) 1");
        assert!(server.events().is_empty() && server.journal().is_empty());
    }

    #[test]
    fn unions_change_nothing() {
        let mut server = TestServer::new();
        server.run("PFADD a x y");
        server.run("PFADD b y z");
        server.journal();
        assert_eq!(server.show("PFCOUNT a b none"), "(integer) 3");
        assert_eq!(server.show("PFCOUNT none other"), "(integer) 0");
        assert_eq!(server.show("PFCOUNT none"), "(integer) 0");
        assert!(server.journal().is_empty());
    }
}
