//! Reading a whole hash: HGETALL, HKEYS, HVALS.

use super::reply_string;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, Work, key};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use resp::ReplyWriter;
use value::Hash;
use value::hash::Field;

pub static HGETALL: CommandSpec = CommandSpec {
    name: "HGETALL",
    group: Group::Hash,
    since: "2.0.0",
    summary: "Gives all fields of a hash with their values.",
    complexity: "O(N) with the number of fields",
    arity: 2,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key")],
    tips: &["nondeterministic_output_order"],
    reply: Shape::MAP,
    run: Run::Keyed(hgetall),
    work: Work::Sum(0),
    ..CommandSpec::DEFAULT
};

pub static HKEYS: CommandSpec = CommandSpec {
    name: "HKEYS",
    summary: "Gives the names of all fields of a hash.",
    reply: Shape::ARRAY,
    run: Run::Keyed(hkeys),
    work: Work::Sum(0),
    ..HGETALL
};

pub static HVALS: CommandSpec = CommandSpec {
    name: "HVALS",
    summary: "Gives the values of all fields of a hash.",
    run: Run::Keyed(hvals),
    work: Work::Sum(0),
    ..HKEYS
};

fn hgetall(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let now_ms = keys.now_ms();
    let Some(hash) = keys.read_as::<Hash>(&cx.key(0))? else {
        cx.reply.map(0);
        return Ok(());
    };
    if hash.next_deadline().is_none() {
        cx.reply.map(hash.len());
        hash.iter().for_each(|field| show(cx.reply, &field));
        return Ok(());
    }
    let header = cx.reply.deferred_array();
    let mut len = 0;
    for field in hash.iter().filter(|field| !field.is_past(now_ms)) {
        show(cx.reply, &field);
        len += 1;
    }
    cx.reply.set_map_len(header, len);
    Ok(())
}

fn show(reply: &mut ReplyWriter, field: &Field<'_>) {
    reply_string(reply, field.name);
    reply_string(reply, field.value);
}

fn hkeys(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    each(cx, keys, |reply, field| reply_string(reply, field.name))
}

fn hvals(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    each(cx, keys, |reply, field| reply_string(reply, field.value))
}

fn each(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, show: fn(&mut ReplyWriter, &Field<'_>)) -> CommandResult {
    let now_ms = keys.now_ms();
    let Some(hash) = keys.read_as::<Hash>(&cx.key(0))? else {
        cx.reply.array(0);
        return Ok(());
    };
    let header = cx.reply.deferred_array();
    let mut len = 0;
    for field in hash.iter().filter(|field| !field.is_past(now_ms)) {
        show(cx.reply, &field);
        len += 1;
    }
    cx.reply.set_array_len(header, len);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn a_whole_hash_is_given_in_every_encoding() {
        let mut server = TestServer::new();
        for limit in [512, 0] {
            super::super::limit_packed(&server, limit, 64);
            assert_eq!(server.show("HGETALL h"), "(empty array)");
            server.run("HSET h f 1");
            assert_eq!(server.show("HGETALL h"), "1) \"f\"\n2) \"1\"");
            assert_eq!(server.show("HKEYS h"), "1) \"f\"");
            assert_eq!(server.show("HVALS h"), "1) \"1\"");
            server.run("DEL h");
        }
    }
}
