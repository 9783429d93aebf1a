//! PFMERGE.

use super::{PFADD_EVENT, bytes_of, corrupted, read, sparse_max_bytes, with_scratch};
use command::spec::{ArgKind, Flags, Group, KeyFlags, KeySpec, Run, Shape, arg, key};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, Lookup, NewValue, Slot};
use structures::hll::{self, Encoding, Registers};

pub static PFMERGE: CommandSpec = CommandSpec {
    name: "PFMERGE",
    group: Group::HyperLogLog,
    since: "2.8.9",
    summary: "Adds to a HyperLogLog all that was added to others.",
    complexity: "O(N) in the number of keys, with a large constant",
    arity: -2,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[
        KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::INSERT)),
        KeySpec::range(2, -1, 1, KeyFlags::RO.or(KeyFlags::ACCESS)),
    ],
    args: &[key("destkey"), arg("sourcekey", ArgKind::Key(1)).optional().multiple()],
    reply: Shape::SIMPLE,
    run: Run::Keyed(pfmerge),
    ..CommandSpec::DEFAULT
};

fn pfmerge(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let sparse_max = sparse_max_bytes(cx);
    let mut registers = Registers::new();
    let mut any_dense = false;
    // The destination comes first and is a part of the union.
    for key in cx.keys {
        if let Some((bytes, encoding)) = read(keys, key, Lookup::READ)? {
            any_dense |= encoding == Encoding::Dense;
            registers.merge_from(bytes).map_err(corrupted)?;
        }
    }
    match keys.slot(&cx.key(0)) {
        Slot::Occupied(mut occupied) => with_scratch(|copy| {
            copy.extend_from_slice(bytes_of(occupied.value())?.0);
            hll::merge_into(copy, &registers, any_dense, sparse_max).map_err(corrupted)?;
            let written = occupied.edit_bytes_if(copy.len(), PFADD_EVENT, |value| {
                value.copy_from_slice(copy);
                (1, ())
            });
            written.ok_or(CommandError::STRING_TOO_LONG)
        })?,
        Slot::Vacant(vacant) => {
            let mut value = hll::create_sparse();
            hll::merge_into(&mut value, &registers, any_dense, sparse_max).map_err(corrupted)?;
            vacant.insert(NewValue::Bytes(&value), None, PFADD_EVENT).set_raw();
        }
    }
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn the_destination_is_part_of_the_union_and_keeps_its_deadline() {
        let mut server = TestServer::new();
        server.run("PFADD a x");
        server.run("PFADD b y z");
        server.run("EXPIRE a 100");
        server.events();
        assert_eq!(server.show("PFMERGE a b none"), "OK");
        assert_eq!(server.events(), ["0 pfadd a"]);
        assert_eq!(server.show("PFCOUNT a"), "(integer) 3");
        assert_eq!(server.show("TTL a"), "(integer) 100");
        assert_eq!(server.show("PFDEBUG ENCODING a"), "sparse");
    }

    #[test]
    fn a_merge_counts_as_a_change_even_of_nothing() {
        let mut server = TestServer::new();
        assert_eq!(server.show("PFMERGE a"), "OK");
        assert_eq!(server.events(), ["0 new a", "0 pfadd a"]);
        assert_eq!(server.show("PFMERGE a"), "OK");
        assert_eq!(server.events(), ["0 pfadd a"]);
        assert_eq!(server.journal(), ["0 PFMERGE a", "0 PFMERGE a"]);
    }

    #[test]
    fn one_dense_source_makes_a_dense_result() {
        let mut server = TestServer::new();
        server.run("PFADD a x");
        server.run("PFADD b y");
        server.run("PFDEBUG TODENSE b");
        server.run("PFMERGE c a");
        assert_eq!(server.show("PFDEBUG ENCODING c"), "sparse");
        server.run("PFMERGE c b");
        assert_eq!(server.show("PFDEBUG ENCODING c"), "dense");
        assert_eq!(server.show("PFCOUNT c"), "(integer) 2");
    }
}
