//! PFADD.

use super::{PFADD_EVENT, bytes_of, corrupted, sparse_max_bytes, with_scratch};
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, NewValue, Occupied, Slot};
use structures::hll::{self, Encoding};

pub static PFADD: CommandSpec = CommandSpec {
    name: "PFADD",
    group: Group::HyperLogLog,
    since: "2.8.9",
    summary: "Adds elements to a HyperLogLog, which is created if there is none.",
    complexity: "O(1) for each element",
    arity: -2,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::INSERT))],
    args: &[key("key"), string("element").optional().multiple()],
    reply: Shape::INTEGER,
    run: Run::Keyed(pfadd),
    ..CommandSpec::DEFAULT
};

fn pfadd(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let sparse_max = sparse_max_bytes(cx);
    let changed = match keys.slot(&cx.key(0)) {
        Slot::Occupied(mut occupied) => {
            let (_, encoding) = bytes_of(occupied.value())?;
            occupied.note_use();
            match encoding {
                Encoding::Dense => add_dense(&mut occupied, args)?,
                Encoding::Sparse => add_sparse(&mut occupied, args, sparse_max)?,
            }
        }
        Slot::Vacant(vacant) => {
            let mut value = hll::create_sparse();
            let changes = add_all(&mut value, args, sparse_max)?;
            // That it was made is a change, also with no element: the cached count starts as one to be computed.
            hll::invalidate_cache(&mut value);
            let mut occupied = vacant.insert(NewValue::Bytes(&value), None, PFADD_EVENT);
            occupied.set_raw();
            occupied.add_dirty(changes);
            true
        }
    };
    cx.reply.int(i64::from(changed));
    Ok(())
}

/// Adds the elements to a value of either encoding; returns how many raised a register.
fn add_all(value: &mut Vec<u8>, args: &Args<'_>, sparse_max: usize) -> Result<u64, CommandError> {
    let mut changes = 0;
    for element in args.from(2) {
        changes += u64::from(hll::add(value, element, sparse_max).map_err(corrupted)?);
    }
    Ok(changes)
}

/// In place: the length of a dense value never changes.
fn add_dense(occupied: &mut Occupied<'_>, args: &Args<'_>) -> Result<bool, CommandError> {
    let added = occupied.edit_bytes_if(hll::DENSE_SIZE, PFADD_EVENT, |value| {
        let changes = args.from(2).filter(|element| hll::add_dense(value, element)).count() as u64;
        (changes, changes > 0)
    });
    added.ok_or(CommandError::STRING_TOO_LONG)
}

/// On a copy, since a value of this encoding grows as it fills; the copy is written back if it changed.
fn add_sparse(occupied: &mut Occupied<'_>, args: &Args<'_>, sparse_max: usize) -> Result<bool, CommandError> {
    with_scratch(|copy| {
        copy.extend_from_slice(bytes_of(occupied.value())?.0);
        let changes = add_all(copy, args, sparse_max)?;
        if changes == 0 {
            return Ok(false);
        }
        let written = occupied.edit_bytes_if(copy.len(), PFADD_EVENT, |value| {
            value.copy_from_slice(copy);
            (changes, true)
        });
        written.ok_or(CommandError::STRING_TOO_LONG)
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn only_a_raised_register_is_announced() {
        let mut server = TestServer::new();
        assert_eq!(server.show("PFADD h"), "(integer) 1");
        assert_eq!(server.events(), ["0 new h", "0 pfadd h"]);
        assert_eq!(server.show("PFADD h"), "(integer) 0");
        assert_eq!(server.show("PFADD h a b"), "(integer) 1");
        assert_eq!(server.events(), ["0 pfadd h"]);
        assert_eq!(server.journal(), ["0 PFADD h", "0 PFADD h a b"]);
        assert_eq!(server.show("PFADD h b a"), "(integer) 0");
        assert!(server.events().is_empty() && server.journal().is_empty());
    }

    #[test]
    fn a_new_value_has_no_cached_count() {
        let mut server = TestServer::new();
        server.run("PFADD h");
        assert_eq!(server.run("GETRANGE h 15 15"), resp::client::Value::Bulk(vec![0x80]));
        assert_eq!(server.show("PFCOUNT h"), "(integer) 0");
    }

    #[test]
    fn each_raised_register_is_a_change() {
        let mut server = TestServer::new();
        server.run("PFADD h a b c");
        assert_eq!(server.worker.effects.counters.dirty, 4);
        server.run("PFADD h d e");
        assert_eq!(server.worker.effects.counters.dirty, 6);
    }

    #[test]
    fn dense_values_take_elements_in_place() {
        let mut server = TestServer::new();
        server.run("PFADD h a");
        server.run("PFDEBUG TODENSE h");
        server.run("EXPIRE h 100");
        assert_eq!(server.show("PFADD h a"), "(integer) 0");
        assert_eq!(server.show("PFADD h b c"), "(integer) 1");
        assert_eq!(server.show("PFCOUNT h"), "(integer) 3");
        assert_eq!(server.show("STRLEN h"), "(integer) 12304");
        assert_eq!(server.show("TTL h"), "(integer) 100");
    }

    #[test]
    fn a_full_sparse_value_becomes_dense() {
        let mut server = TestServer::new();
        for number in 0..3000 {
            server.run(&format!("PFADD h {number}"));
        }
        assert_eq!(server.show("PFDEBUG ENCODING h"), "dense");
        assert_eq!(server.show("PFCOUNT h"), "(integer) 3004");
    }

    #[test]
    fn other_strings_are_refused() {
        let mut server = TestServer::new();
        server.run("SET s foo");
        server.run("SET i 12");
        for command in ["PFADD s a", "PFADD i", "PFCOUNT s", "PFCOUNT i none", "PFMERGE s", "PFMERGE new i"] {
            assert!(server.show(command).contains("WRONGTYPE Key is not a valid HyperLogLog"), "{command}");
        }
        server.run("SET c \"HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x00\"");
        for command in ["PFADD c a", "PFCOUNT c", "PFCOUNT c s", "PFMERGE c", "PFMERGE new c", "PFDEBUG GETREG c"] {
            assert!(server.show(command).contains("INVALIDOBJ Corrupted HLL object detected"), "{command}");
        }
        assert_eq!(server.show("EXISTS new"), "(integer) 0");
    }
}
