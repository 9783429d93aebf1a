//! Reading a string, and changing its key's deadline or taking it away with that: GET, GETDEL, GETEX, STRLEN.

use super::options::{Family, Options};
use super::reply_string;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, one_of, token, unix_time};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Slot, ValueRef};
use value::string::Str;

pub static GET: CommandSpec = CommandSpec {
    name: "GET",
    group: Group::String,
    since: "1.0.0",
    summary: "Gives the string that a key holds.",
    complexity: "O(1)",
    arity: 2,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key")],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(get),
    ..CommandSpec::DEFAULT
};

pub static GETDEL: CommandSpec = CommandSpec {
    name: "GETDEL",
    group: Group::String,
    since: "6.2.0",
    summary: "Gives the string that a key holds, and deletes the key.",
    complexity: "O(1)",
    arity: 2,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))],
    args: &[key("key")],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(getdel),
    ..CommandSpec::DEFAULT
};

pub static GETEX: CommandSpec = CommandSpec {
    name: "GETEX",
    group: Group::String,
    since: "6.2.0",
    summary: "Gives the string that a key holds, and changes or removes the time at which the key expires.",
    complexity: "O(1)",
    arity: -2,
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
    ],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(getex),
    ..CommandSpec::DEFAULT
};

pub static STRLEN: CommandSpec = CommandSpec {
    name: "STRLEN",
    group: Group::String,
    since: "2.2.0",
    summary: "Gives the length of the string that a key holds.",
    complexity: "O(1)",
    arity: 2,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO)],
    args: &[key("key")],
    reply: Shape::INTEGER,
    run: Run::Keyed(strlen),
    ..CommandSpec::DEFAULT
};

fn get(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let Some(entry) = keys.read(&cx.key(0)) else {
        cx.reply.null();
        return Ok(());
    };
    match entry.value() {
        ValueRef::Bytes(bytes) => cx.reply.bulk(bytes),
        ValueRef::Int(integer) => cx.reply.bulk_int(integer),
        ValueRef::Blob(blob) => cx.reply.blob(blob, 0..blob.len()),
        ValueRef::Unit => cx.reply.bulk(b""),
        ValueRef::Tagged(_) | ValueRef::Boxed(_) => return Err(CommandError::WRONG_TYPE),
    }
    Ok(())
}

fn getdel(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let key = cx.key(0);
    let mut occupied = match keys.slot(&key) {
        Slot::Occupied(occupied) => occupied,
        Slot::Vacant(mut vacant) => {
            vacant.count_miss();
            cx.reply.null();
            return Ok(());
        }
    };
    occupied.count_hit();
    reply_string(cx.reply, Str::of(occupied.value()).ok_or(CommandError::WRONG_TYPE)?);
    occupied.log_as(&[b"DEL", key.bytes]);
    occupied.delete(Event::DEL);
    Ok(())
}

fn getex(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const PERSIST: Event = Event::generic("persist");
    let options = Options::parse(args, 2, Family::GetEx)?;
    if args.len() == 2 {
        return get(cx, keys, args);
    }
    let now = cx.now().unix_ms;
    let key = cx.key(0);
    let mut occupied = match keys.slot(&key) {
        Slot::Occupied(occupied) => occupied,
        Slot::Vacant(mut vacant) => {
            vacant.count_miss();
            cx.reply.null();
            return Ok(());
        }
    };
    occupied.count_hit();
    let string = Str::of(occupied.value()).ok_or(CommandError::WRONG_TYPE)?;
    let deadline = options.deadline(args, now, "getex")?;
    reply_string(cx.reply, string);
    occupied.note_use();
    match deadline {
        Some(deadline) if deadline <= now as u64 => {
            let name: &[u8] = if occupied.expires_lazily() { b"UNLINK" } else { b"DEL" };
            occupied.log_as(&[name, key.bytes]);
            occupied.delete(Event::DEL);
        }
        Some(deadline) => {
            occupied.set_deadline(Some(deadline), Event::EXPIRE);
            if occupied.is_logged() {
                let deadline = itoa::Buffer::new().format(deadline).to_owned();
                occupied.log_as(&[b"PEXPIREAT", key.bytes, deadline.as_bytes()]);
            }
        }
        None if occupied.deadline().is_some() => {
            occupied.set_deadline(None, PERSIST);
            occupied.log_as(&[b"PERSIST", key.bytes]);
        }
        None => {}
    }
    Ok(())
}

fn strlen(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let len = match keys.read(&cx.key(0)) {
        Some(entry) => Str::of(entry.value()).ok_or(CommandError::WRONG_TYPE)?.len(),
        None => 0,
    };
    cx.reply.int(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;
    use engine::Class;

    #[test]
    fn absent_keys_are_null_and_missed() {
        let mut server = TestServer::new();
        server.server.tunables.general.notify_keyspace_events.set(Class::KEY_MISS);
        server.advance_ms(0);
        for line in ["GET k", "GETDEL k", "GETEX k EX abc"] {
            assert_eq!(server.show(line), "(nil)", "{line}");
            assert_eq!(server.events(), ["0 keymiss k"], "{line}");
        }
        assert_eq!(server.show("STRLEN k"), "(integer) 0");
        assert!(server.journal().is_empty());
    }

    #[test]
    fn strings_are_read_whatever_their_encoding() {
        let mut server = TestServer::new();
        for text in ["", "12", "-9223372036854775808", "007", &"x".repeat(40_000)] {
            server.run(&format!("SET k \"{text}\""));
            assert_eq!(server.show("STRLEN k"), format!("(integer) {}", text.len()));
            for line in ["GET k", "GETEX k PERSIST", "GETDEL k"] {
                assert_eq!(server.show(line), format!("\"{text}\""), "{line}");
            }
        }
    }

    #[test]
    fn getdel_is_logged_as_del() {
        let mut server = TestServer::new();
        server.run("SET k v");
        assert_eq!(server.show("GETDEL k"), "\"v\"");
        assert_eq!(server.show("GET k"), "(nil)");
        assert_eq!(server.journal(), ["0 SET k v", "0 DEL k"]);
        assert_eq!(server.events(), ["0 new k", "0 set k", "0 del k"]);
    }

    #[test]
    fn getex_changes_the_deadline_only() {
        let mut server = TestServer::new();
        server.run("SET k v");
        assert_eq!(server.show("GETEX k EX 10"), "\"v\"");
        assert_eq!(server.show("GETEX k PERSIST"), "\"v\"");
        assert_eq!(server.show("GETEX k PERSIST"), "\"v\"");
        assert_eq!(server.show("GETEX k PXAT 1700000000001"), "\"v\"");
        assert_eq!(
            server.journal(),
            ["0 SET k v", "0 PEXPIREAT k 1700000010000", "0 PERSIST k", "0 PEXPIREAT k 1700000000001"]
        );
        assert_eq!(server.events(), ["0 new k", "0 set k", "0 expire k", "0 persist k", "0 expire k"]);
        server.advance_ms(1);
        assert_eq!(server.show("GETEX k"), "(nil)");
    }

    #[test]
    fn getex_deletes_when_the_time_has_passed() {
        let mut server = TestServer::new();
        server.run("SET k v");
        server.journal();
        assert_eq!(server.show("GETEX k PXAT 1700000000000"), "\"v\"");
        assert_eq!(server.journal(), ["0 DEL k"]);
        assert_eq!(server.events(), ["0 new k", "0 set k", "0 del k"]);
    }

    #[test]
    fn getex_refuses_what_excludes_each_other() {
        let mut server = TestServer::new();
        server.run("SET k v");
        for options in ["EX", "EX 1 PX 1", "PERSIST EX 1", "EX 1 PERSIST", "KEEPTTL", "NX", "GET", "IFEQ v"] {
            assert_eq!(server.show(&format!("GETEX k {options}")), "(error) ERR syntax error", "{options}");
        }
        assert_eq!(server.show("GETEX k EX 0"), "(error) ERR invalid expire time in 'getex' command");
        server.journal();
        assert_eq!(server.show("GETEX k PX 10 PX 20"), "\"v\"");
        assert_eq!(server.journal(), ["0 PEXPIREAT k 1700000000020"]);
    }
}
