//! EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, PERSIST: set a key's deadline, or take it away.
//!
//! All forms are logged as PEXPIREAT, which means the same whenever it is replayed. A deadline that is past already
//! deletes the key, and is logged as that.

use crate::deadline::{Conditions, TimeUnit};
use command::spec::{ArgSpec, Flags, KeyFlags, KeySpec, Run, Shape, integer, key, one_of, token, unix_time};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Slot};
use value::string::Scratch;

const CONDITION: ArgSpec =
    one_of("condition", &[token("nx", "NX"), token("xx", "XX"), token("gt", "GT"), token("lt", "LT")])
        .optional()
        .since("7.0.0");

pub static EXPIRE: CommandSpec = CommandSpec {
    name: "EXPIRE",
    since: "1.0.0",
    summary: "Lets a key expire after a number of seconds.",
    arity: -3,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE))],
    args: &[key("key"), integer("seconds"), CONDITION],
    history: &[("7.0.0", "Takes the conditions `NX`, `XX`, `GT` and `LT`.")],
    reply: Shape::INTEGER,
    run: Run::Keyed(|cx, keys, args| expire(cx, keys, args, TimeUnit::EX)),
    ..CommandSpec::DEFAULT
};

pub static PEXPIRE: CommandSpec = CommandSpec {
    name: "PEXPIRE",
    since: "2.6.0",
    summary: "Lets a key expire after a number of milliseconds.",
    args: &[key("key"), integer("milliseconds"), CONDITION],
    run: Run::Keyed(|cx, keys, args| expire(cx, keys, args, TimeUnit::PX)),
    ..EXPIRE
};

pub static EXPIREAT: CommandSpec = CommandSpec {
    name: "EXPIREAT",
    since: "1.2.0",
    summary: "Lets a key expire at a Unix time in seconds.",
    args: &[key("key"), unix_time("unix-time-seconds"), CONDITION],
    run: Run::Keyed(|cx, keys, args| expire(cx, keys, args, TimeUnit::EXAT)),
    ..EXPIRE
};

pub static PEXPIREAT: CommandSpec = CommandSpec {
    name: "PEXPIREAT",
    since: "2.6.0",
    summary: "Lets a key expire at a Unix time in milliseconds.",
    args: &[key("key"), unix_time("unix-time-milliseconds"), CONDITION],
    run: Run::Keyed(|cx, keys, args| expire(cx, keys, args, TimeUnit::PXAT)),
    ..EXPIRE
};

pub static PERSIST: CommandSpec = CommandSpec {
    name: "PERSIST",
    since: "2.2.0",
    summary: "Takes a key's deadline away, so that it stays.",
    arity: 2,
    args: &[key("key")],
    history: &[],
    run: Run::Keyed(persist),
    ..EXPIRE
};

fn conditions(args: &Args<'_>) -> Result<Conditions, CommandError> {
    let mut all = Conditions::default();
    for at in 3..args.len() {
        if !all.add(args, at) {
            return Err(CommandError::unsupported_option(&args[at]));
        }
    }
    if all.nx && (all.xx || all.gt || all.lt) {
        return Err(CommandError::EXPIRE_NX);
    }
    if all.gt && all.lt { Err(CommandError::EXPIRE_GT_LT) } else { Ok(all) }
}

fn expire(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, unit: TimeUnit) -> CommandResult {
    let conditions = conditions(args)?;
    let now_ms = keys.now_ms() as i64;
    let deadline = unit.unix_ms(args.int(2)?, now_ms).ok_or_else(|| CommandError::invalid_expire(cx.name()))?;
    let key = cx.key(0);
    let Slot::Occupied(mut entry) = keys.slot(&key) else {
        cx.reply.int(0);
        return Ok(());
    };
    entry.note_use();
    if !conditions.allow(entry.deadline(), deadline) {
        cx.reply.int(0);
        return Ok(());
    }
    if deadline <= now_ms {
        entry.delete(Event::DEL);
        let how: &[u8] = if keys.expires_lazily() { b"UNLINK" } else { b"DEL" };
        keys.log_as(&[how, key.bytes]);
    } else {
        entry.set_deadline(Some(deadline as u64), Event::EXPIRE);
        if keys.is_logged() && unit != TimeUnit::PXAT {
            log(keys, args, deadline);
        }
    }
    cx.reply.int(1);
    Ok(())
}

/// Logs a deadline as PEXPIREAT, the conditions as they were said.
#[cold]
fn log(keys: &mut LockedKeys<'_>, args: &Args<'_>, deadline: i64) {
    let mut digits = Scratch::default();
    let mut words: Vec<&[u8]> = vec![b"PEXPIREAT", args.word(1), digits.print(deadline)];
    words.extend(args.from(3));
    keys.log_as(&words);
}

fn persist(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let mut persisted = false;
    if let Slot::Occupied(mut entry) = keys.slot(&cx.key(0)) {
        entry.note_use();
        persisted = entry.deadline().is_some();
        if persisted {
            entry.set_deadline(None, Event::generic("persist"));
        }
    }
    cx.reply.int(i64::from(persisted));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    fn with_key() -> TestServer {
        let mut server = TestServer::new();
        server.run("SET k v");
        server.journal();
        server.events();
        server
    }

    #[test]
    fn every_form_is_logged_as_the_moment_it_means() {
        let mut server = with_key();
        for command in ["EXPIRE k 100 NX", "PEXPIRE k 100001", "EXPIREAT k 1700000200 gt", "pexpireat k 1700000200001"]
        {
            assert_eq!(server.show(command), "(integer) 1", "{command}");
        }
        assert_eq!(
            server.journal(),
            [
                "0 PEXPIREAT k 1700000100000 NX",
                "0 PEXPIREAT k 1700000100001",
                "0 PEXPIREAT k 1700000200000 gt",
                "0 pexpireat k 1700000200001"
            ]
        );
        assert_eq!(server.events(), ["0 expire k"; 4]);
        assert_eq!(server.show("PERSIST k"), "(integer) 1");
        assert_eq!(server.show("PERSIST k"), "(integer) 0");
        assert_eq!(server.show("PERSIST missing"), "(integer) 0");
        assert_eq!(server.journal(), ["0 PERSIST k"]);
        assert_eq!(server.events(), ["0 persist k"]);
    }

    #[test]
    fn a_deadline_in_the_past_deletes() {
        let mut server = with_key();
        for command in ["EXPIRE k 0", "PEXPIRE k -1", "EXPIREAT k 1", "PEXPIREAT k -9223372036854775808"] {
            assert_eq!(server.show(command), "(integer) 1", "{command}");
            assert_eq!(server.journal(), ["0 DEL k"]);
            assert_eq!(server.events(), ["0 del k"]);
            assert_eq!(server.show(command), "(integer) 0");
            server.run("SET k v");
            server.journal();
            server.events();
        }
        server.worker.effects.turn.lazy_expire = true;
        server.run("EXPIRE k 0");
        assert_eq!(server.journal(), ["0 UNLINK k"]);
    }

    #[test]
    fn conditions_compare_with_the_deadline_there_is() {
        let mut server = with_key();
        let cases = [
            ("EXPIRE k 10 XX", 0),
            ("EXPIRE k 10 GT", 0),
            ("EXPIRE k -1 GT", 0),
            ("EXPIRE k 100 LT", 1),
            ("EXPIRE k 100 LT", 0),
            ("EXPIRE k 100 GT", 0),
            ("EXPIRE k 200 NX", 0),
            ("EXPIRE k 200 xx gt", 1),
            ("EXPIRE k 300 XX LT", 0),
            ("PERSIST k", 1),
            ("EXPIRE k 50 NX", 1),
        ];
        for (command, reply) in cases {
            assert_eq!(server.show(command), format!("(integer) {reply}"), "{command}");
        }
        assert_eq!(server.show("TTL k"), "(integer) 50");
    }

    #[test]
    fn what_cannot_be_a_time_is_refused_before_the_key_is_looked_at() {
        let mut server = with_key();
        let invalid = "(error) ERR invalid expire time in";
        let cases = [
            ("EXPIRE missing 9223372036854775807", format!("{invalid} 'expire' command")),
            ("EXPIRE k -9223372036854775808", format!("{invalid} 'expire' command")),
            ("PEXPIRE k 9223372036854775807", format!("{invalid} 'pexpire' command")),
            ("EXPIREAT k 9223372036854776", format!("{invalid} 'expireat' command")),
            ("EXPIRE missing x", "(error) ERR value is not an integer or out of range".to_owned()),
            ("EXPIRE k x FOO", "(error) ERR Unsupported option FOO".to_owned()),
        ];
        for (command, reply) in cases {
            assert_eq!(server.show(command), reply, "{command}");
        }
        assert!(server.journal().is_empty());
        assert_eq!(server.show("PEXPIREAT k 9223372036854775807"), "(integer) 1");
    }
}
