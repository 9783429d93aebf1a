//! Reading fields by name: HGET, HMGET, HSTRLEN, HEXISTS; and HLEN.

use super::{look_up, reply_string};
use command::spec::Work;
use command::spec::{Elements, Flags, Group, KeyFlags, KeySpec, Run, Shape, key, string};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use value::Hash;

pub static HGET: CommandSpec = CommandSpec {
    name: "HGET",
    group: Group::Hash,
    since: "2.0.0",
    summary: "Gives the value of a field of a hash.",
    arity: 3,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    elements: Some(Elements::at(2)),
    args: &[key("key"), string("field")],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(hget),
    ..CommandSpec::DEFAULT
};

pub static HMGET: CommandSpec = CommandSpec {
    name: "HMGET",
    summary: "Gives the values of several fields of a hash.",
    complexity: "O(N) with the number of fields asked for",
    arity: -3,
    elements: Some(Elements::every(2, 1)),
    args: &[key("key"), string("field").multiple()],
    reply: Shape::ARRAY,
    run: Run::Keyed(hmget),
    work: Work::Words,
    ..HGET
};

pub static HSTRLEN: CommandSpec = CommandSpec {
    name: "HSTRLEN",
    since: "3.2.0",
    summary: "Gives the length of the value of a field of a hash.",
    keys: &[KeySpec::at(1, KeyFlags::RO)],
    reply: Shape::INTEGER,
    run: Run::Keyed(hstrlen),
    ..HGET
};

pub static HEXISTS: CommandSpec = CommandSpec {
    name: "HEXISTS",
    since: "2.0.0",
    summary: "Tells whether a hash has a field.",
    run: Run::Keyed(hexists),
    ..HSTRLEN
};

pub static HLEN: CommandSpec = CommandSpec {
    name: "HLEN",
    since: "2.0.0",
    summary: "Gives the number of fields of a hash.",
    arity: 2,
    elements: None,
    args: &[key("key")],
    run: Run::Keyed(hlen),
    ..HSTRLEN
};

fn hget(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    look_up(keys, &cx.key(0), args.word(2), |field| match field {
        Some(field) => reply_string(cx.reply, field.value),
        None => cx.reply.null(),
    })
}

fn hmget(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let key = cx.key(0);
    let now_ms = keys.now_ms();
    let hash = keys.read_as::<Hash>(&key)?;
    let mut past = false;
    cx.reply.array(args.len() - 2);
    for name in args.from(2) {
        match hash.and_then(|hash| hash.get(name)) {
            Some(field) if field.is_past(now_ms) => {
                past = true;
                cx.reply.null();
            }
            Some(field) => reply_string(cx.reply, field.value),
            None => cx.reply.null(),
        }
    }
    if past {
        keys.expire_fields(&key, args.from(2));
    }
    Ok(())
}

fn hstrlen(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let len = look_up(keys, &cx.key(0), args.word(2), |field| field.map_or(0, |field| field.value.len()))?;
    cx.reply.int(len as i64);
    Ok(())
}

fn hexists(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let there = look_up(keys, &cx.key(0), args.word(2), |field| field.is_some())?;
    cx.reply.int(i64::from(there));
    Ok(())
}

fn hlen(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let len = keys.read_as::<Hash>(&cx.key(0))?.map_or(0, Hash::len);
    cx.reply.int(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn fields_are_read_in_every_encoding() {
        let mut server = TestServer::new();
        let long = "x".repeat(20_000);
        for (value, encoding) in [("x", "listpack"), ("-12", "listpack"), (long.as_str(), "hashtable")] {
            server.run("DEL h");
            server.run(&format!("HSET h f {value} 12 \"\""));
            assert_eq!(server.show("OBJECT ENCODING h"), format!("\"{encoding}\""));
            assert_eq!(server.show("HGET h f"), format!("\"{value}\""));
            assert_eq!(server.show("HSTRLEN h f"), format!("(integer) {}", value.len()));
            assert_eq!(server.show("HMGET h 12 no f 12"), format!("1) \"\"\n2) (nil)\n3) \"{value}\"\n4) \"\""));
            assert_eq!(server.show("HEXISTS h 12"), "(integer) 1");
            assert_eq!(server.show("HEXISTS h 012"), "(integer) 0");
            assert_eq!(server.show("HLEN h"), "(integer) 2");
        }
    }
}
