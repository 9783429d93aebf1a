//! PFDEBUG and PFSELFTEST: looking inside a HyperLogLog.

use super::{bytes_of, corrupted, with_scratch};
use base::text::eq_ignore_case;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::event::Event;
use engine::{LockedKeys, Occupied, Slot};
use structures::hll::{self, Encoding};

pub static PFDEBUG: CommandSpec = CommandSpec {
    name: "PFDEBUG",
    group: Group::HyperLogLog,
    since: "2.8.9",
    summary: "Shows or converts the encoding of a HyperLogLog.",
    complexity: "N/A",
    arity: 3,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::ADMIN).or(Flags::SYSCMD),
    keys: &[KeySpec::at(2, KeyFlags::RW.or(KeyFlags::ACCESS))],
    args: &[string("subcommand"), key("key")],
    reply: Shape::ARRAY.or(Shape::BULK).or(Shape::INTEGER).or(Shape::SIMPLE),
    run: Run::Keyed(pfdebug),
    ..CommandSpec::DEFAULT
};

pub static PFSELFTEST: CommandSpec = CommandSpec {
    name: "PFSELFTEST",
    group: Group::HyperLogLog,
    since: "2.8.9",
    summary: "Checks registers and estimates of HyperLogLogs on this machine.",
    complexity: "N/A",
    arity: 1,
    flags: Flags::ADMIN.or(Flags::SYSCMD),
    reply: Shape::SIMPLE,
    run: Run::Session(pfselftest),
    ..CommandSpec::DEFAULT
};

fn pfdebug(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    if args.is(1, "SIMD") {
        return simd(cx, args);
    }
    let Slot::Occupied(mut occupied) = keys.slot(&cx.key(0)) else {
        return Err(CommandError::HLL_NO_KEY);
    };
    let (bytes, encoding) = bytes_of(occupied.value())?;
    let subcommand = args.word(1);
    let is = |name: &str| eq_ignore_case(subcommand, name.as_bytes());
    if is("GETREG") {
        return getreg(cx, &mut occupied);
    }
    if is("DECODE") {
        cx.reply.bulk(hll::decode(bytes).ok_or(CommandError::HLL_NOT_SPARSE)?.as_bytes());
    } else if is("ENCODING") {
        cx.reply.simple(match encoding {
            Encoding::Dense => "dense",
            Encoding::Sparse => "sparse",
        });
    } else if is("TODENSE") {
        cx.reply.int(i64::from(make_dense(&mut occupied)?));
    } else {
        return Err(CommandError::unknown_pfdebug(subcommand));
    }
    Ok(())
}

/// Redis switches its vector code on and off here. Ours has no such switch; the word is only checked.
fn simd(cx: &mut Ctx<'_>, args: &Args<'_>) -> CommandResult {
    let state = match () {
        () if args.is(2, "ON") => "enabled",
        () if args.is(2, "OFF") => "disabled",
        () => return Err(CommandError::HLL_SIMD),
    };
    cx.reply.simple(state);
    Ok(())
}

fn getreg(cx: &mut Ctx<'_>, occupied: &mut Occupied<'_>) -> CommandResult {
    make_dense(occupied)?;
    let registers = hll::registers(bytes_of(occupied.value())?.0).map_err(corrupted)?;
    cx.reply.array(hll::REGISTERS);
    for &register in registers.as_slice() {
        cx.reply.int(i64::from(register));
    }
    Ok(())
}

/// Makes a value dense; returns whether it was not.
fn make_dense(occupied: &mut Occupied<'_>) -> Result<bool, CommandError> {
    with_scratch(|copy| {
        copy.extend_from_slice(bytes_of(occupied.value())?.0);
        if !hll::to_dense(copy).map_err(corrupted)? {
            return Ok(false);
        }
        let written = occupied.edit_bytes_if(copy.len(), Event::NONE, |value| {
            value.copy_from_slice(copy);
            (1, true)
        });
        written.ok_or(CommandError::STRING_TOO_LONG)
    })
}

fn pfselftest(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    hll::self_test().map_err(|failure| CommandError::self_test_failed(&failure.to_string()))?;
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn a_value_is_shown_and_converted() {
        let mut server = TestServer::new();
        server.run("PFADD h a");
        assert_eq!(server.show("PFDEBUG DECODE h"), "\"Z:12711 v:2,1 Z:3672\"");
        assert_eq!(server.show("PFDEBUG ENCODING h"), "sparse");
        server.events();
        server.journal();
        assert_eq!(server.show("PFDEBUG TODENSE h"), "(integer) 1");
        assert_eq!(server.journal(), ["0 PFDEBUG TODENSE h"]);
        assert_eq!(server.show("PFDEBUG TODENSE h"), "(integer) 0");
        assert!(server.events().is_empty() && server.journal().is_empty());
        assert!(server.show("PFDEBUG DECODE h").contains("ERR HLL encoding is not sparse"));
        assert_eq!(server.show("PFDEBUG GETREG h").lines().count(), 16_384);
    }

    #[test]
    fn the_key_is_looked_at_before_the_subcommand() {
        let mut server = TestServer::new();
        assert!(server.show("PFDEBUG FOO h").contains("ERR The specified key does not exist"));
        server.run("PFADD h");
        assert!(server.show("PFDEBUG FOO h").contains("ERR Unknown PFDEBUG subcommand 'FOO'"));
        assert_eq!(server.show("PFDEBUG SIMD on"), "enabled");
        assert!(server.show("PFDEBUG SIMD foo").contains("ERR Argument must be ON or OFF"));
    }
}
