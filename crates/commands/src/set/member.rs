//! Members of one set, by name: SADD, SREM, SISMEMBER, SMISMEMBER; all of them: SCARD, SMEMBERS.

use super::{limits, reply_member};
use command::spec::{Elements, Flags, Group, KeyFlags, KeySpec, Run, Shape, Work, key, string};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Slot};
use value::Set;

const SADD_EVENT: Event = Event::set("sadd");
const SREM_EVENT: Event = Event::set("srem");

pub static SADD: CommandSpec = CommandSpec {
    name: "SADD",
    group: Group::Set,
    since: "1.0.0",
    summary: "Adds members to a set, which is made if there is none.",
    complexity: "O(1) per member",
    arity: -3,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::INSERT))],
    elements: Some(Elements::every(2, 1)),
    args: &[key("key"), string("member").multiple()],
    history: &[("2.4.0", "Takes several members.")],
    reply: Shape::INTEGER,
    run: Run::Keyed(sadd),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

pub static SREM: CommandSpec = CommandSpec {
    name: "SREM",
    summary: "Removes members from a set; the key goes with the last of them.",
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    run: Run::Keyed(srem),
    work: Work::Words,
    ..SADD
};

pub static SISMEMBER: CommandSpec = CommandSpec {
    name: "SISMEMBER",
    summary: "Tells whether a set has a member.",
    complexity: "O(1)",
    arity: 3,
    flags: Flags::READONLY.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RO)],
    elements: Some(Elements::at(2)),
    args: &[key("key"), string("member")],
    history: &[],
    run: Run::Keyed(sismember),
    ..SADD
};

pub static SMISMEMBER: CommandSpec = CommandSpec {
    name: "SMISMEMBER",
    since: "6.2.0",
    summary: "Tells of each of several members whether a set has it.",
    complexity: "O(1) per member",
    arity: -3,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    elements: Some(Elements::every(2, 1)),
    args: &[key("key"), string("member").multiple()],
    reply: Shape::ARRAY,
    run: Run::Keyed(smismember),
    work: Work::Words,
    ..SISMEMBER
};

pub static SCARD: CommandSpec = CommandSpec {
    name: "SCARD",
    summary: "Gives the number of members of a set.",
    arity: 2,
    elements: None,
    args: &[key("key")],
    run: Run::Keyed(scard),
    ..SISMEMBER
};

pub static SMEMBERS: CommandSpec = CommandSpec {
    name: "SMEMBERS",
    summary: "Gives all members of a set.",
    complexity: "O(N) with the number of members",
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output_order"],
    reply: Shape::SET,
    run: Run::Keyed(smembers),
    work: Work::Sum(0),
    ..SCARD
};

fn sadd(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let limits = limits(cx);
    let given = args.len() - 2;
    let add_all = |set: &mut Set| args.from(2).filter(|member| set.add(member, &limits)).count();
    let added = match keys.slot(&cx.key(0)) {
        Slot::Occupied(mut occupied) => {
            occupied.note_use();
            occupied.update::<Set, _>(|set, update| {
                set.expect(given, &limits);
                let added = add_all(set);
                if added > 0 {
                    update.changed(added as u64, SADD_EVENT);
                }
                added
            })?
        }
        Slot::Vacant(vacant) => {
            let mut set = Set::for_first(args.word(2), given, &limits);
            let added = add_all(&mut set);
            vacant.create(set, added as u64, SADD_EVENT);
            added
        }
    };
    cx.reply.int(added as i64);
    Ok(())
}

fn srem(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let removed = match keys.slot(&cx.key(0)) {
        Slot::Occupied(mut occupied) => {
            occupied.note_use();
            occupied.update::<Set, _>(|set, update| {
                let removed = args.from(2).filter(|member| set.remove(member)).count();
                if removed > 0 {
                    update.changed(removed as u64, SREM_EVENT);
                }
                removed
            })?
        }
        Slot::Vacant(_) => 0,
    };
    cx.reply.int(removed as i64);
    Ok(())
}

fn sismember(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let set = keys.read_as::<Set>(&cx.key(0))?;
    cx.reply.int(i64::from(set.is_some_and(|set| set.contains(args.word(2)))));
    Ok(())
}

fn smismember(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let set = keys.read_as::<Set>(&cx.key(0))?;
    cx.reply.array(args.len() - 2);
    for member in args.from(2) {
        cx.reply.int(i64::from(set.is_some_and(|set| set.contains(member))));
    }
    Ok(())
}

fn scard(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let set = keys.read_as::<Set>(&cx.key(0))?;
    cx.reply.int(set.map_or(0, Set::len) as i64);
    Ok(())
}

fn smembers(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let Some(set) = keys.read_as::<Set>(&cx.key(0))? else {
        cx.reply.set(0);
        return Ok(());
    };
    cx.reply.set(set.len());
    for member in set.iter() {
        reply_member(cx.reply, &member);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn only_what_changes_is_announced_and_logged() {
        let mut server = TestServer::new();
        assert_eq!(server.show("SADD s a b a"), "(integer) 2");
        assert_eq!(server.show("SADD s a b"), "(integer) 0");
        assert_eq!(server.show("SREM s x y"), "(integer) 0");
        assert_eq!(server.show("SREM none x"), "(integer) 0");
        assert_eq!(server.show("SREM s a x a"), "(integer) 1");
        assert_eq!(server.show("SREM s b"), "(integer) 1");
        assert_eq!(server.show("EXISTS s"), "(integer) 0");
        assert_eq!(server.journal(), ["0 SADD s a b a", "0 SREM s a x a", "0 SREM s b"]);
        assert_eq!(server.events(), ["0 new s", "0 sadd s", "0 srem s", "0 srem s", "0 del s"]);
    }

    #[test]
    fn members_are_found_in_every_encoding() {
        let mut server = TestServer::new();
        for (members, encoding) in [("1 2 3", "intset"), ("1 b 3", "listpack"), (&"x".repeat(65), "hashtable")] {
            server.run("DEL s");
            server.run(&format!("SADD s {members}"));
            assert_eq!(server.show("OBJECT ENCODING s"), format!("\"{encoding}\""));
            let count = members.split(' ').count();
            assert_eq!(server.show("SCARD s"), format!("(integer) {count}"));
            for member in members.split(' ') {
                assert_eq!(server.show(&format!("SISMEMBER s {member}")), "(integer) 1");
            }
            assert_eq!(server.show("SISMEMBER s 03"), "(integer) 0");
            assert_eq!(server.show("SISMEMBER s none"), "(integer) 0");
        }
        assert_eq!(server.show("SISMEMBER none x"), "(integer) 0");
        assert_eq!(server.show("SMEMBERS none"), "(empty array)");
    }

    #[test]
    fn other_types_are_refused_before_anything_changes() {
        let mut server = TestServer::new();
        server.run("SET k v");
        server.journal();
        for command in ["SADD k a", "SREM k a", "SISMEMBER k a", "SMISMEMBER k a", "SCARD k", "SMEMBERS k"] {
            assert!(server.show(command).contains("WRONGTYPE"), "{command}");
        }
        assert!(server.journal().is_empty());
    }
}
