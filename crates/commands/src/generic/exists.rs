//! EXISTS, TOUCH, TYPE.

use command::spec::{Flags, KeyFlags, KeySpec, Run, Shape, key};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, Lookup};

pub static EXISTS: CommandSpec = CommandSpec {
    name: "EXISTS",
    since: "1.0.0",
    summary: "Counts the given keys that are there; a key named twice counts twice.",
    complexity: "O(N) with the number of keys",
    arity: -2,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
    args: &[key("key").multiple()],
    history: &[("3.0.3", "Takes more than one key.")],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    reply: Shape::INTEGER,
    run: Run::Keyed(exists),
    ..CommandSpec::DEFAULT
};

pub static TOUCH: CommandSpec = CommandSpec {
    name: "TOUCH",
    since: "3.2.1",
    summary: "Marks keys as used just now, and counts those that are there.",
    history: &[],
    run: Run::Keyed(touch),
    ..EXISTS
};

pub static TYPE: CommandSpec = CommandSpec {
    name: "TYPE",
    since: "1.0.0",
    summary: "Names the type of what a key holds.",
    complexity: "O(1)",
    arity: 2,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO)],
    args: &[key("key")],
    reply: Shape::SIMPLE,
    run: Run::Keyed(type_of),
    ..CommandSpec::DEFAULT
};

fn exists(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let found = cx.keys.iter().filter(|key| keys.lookup(key, Lookup::PEEK).is_some()).count();
    cx.reply.int(found as i64);
    Ok(())
}

fn touch(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    // The one command that means it, even from a client that said CLIENT NO-TOUCH.
    let usual = keys.set_notes_use(true);
    let found = cx.keys.iter().filter(|key| keys.read(key).is_some()).count();
    keys.set_notes_use(usual);
    cx.reply.int(found as i64);
    Ok(())
}

fn type_of(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let found = keys.lookup(&cx.key(0), Lookup::PEEK);
    cx.reply.simple(found.map_or("none", |entry| value::type_name(&entry.value())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn a_key_named_twice_counts_twice() {
        let mut server = TestServer::new();
        server.run("SET a 1");
        assert_eq!(server.show("EXISTS a a missing"), "(integer) 2");
        assert_eq!(server.show("TOUCH a a missing"), "(integer) 2");
        assert_eq!(server.show("TYPE a"), "string");
        assert_eq!(server.show("TYPE missing"), "none");
    }

    #[test]
    fn only_touch_ends_the_idle_time_of_a_key() {
        let mut server = TestServer::new();
        server.run("SET a 1");
        server.advance_ms(20_000);
        server.run("EXISTS a");
        server.run("TYPE a");
        assert_eq!(server.show("OBJECT IDLETIME a"), "(integer) 20");
        server.run("TOUCH a");
        assert_eq!(server.show("OBJECT IDLETIME a"), "(integer) 0");
    }

    #[test]
    fn a_key_past_its_deadline_is_not_there() {
        let mut server = TestServer::new();
        server.run("SET a 1 PX 10");
        server.advance_ms(10);
        server.events();
        assert_eq!(server.show("TYPE a"), "none");
        assert_eq!(server.events(), ["0 expired a"]);
        assert_eq!(server.show("EXISTS a"), "(integer) 0");
    }
}
