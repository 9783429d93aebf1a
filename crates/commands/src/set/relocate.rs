//! SMOVE: a member goes from one set to another.

use super::limits;
use command::spec::{ArgKind, Flags, Group, KeyFlags, KeySpec, Run, Shape, arg, key, string};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Slot};
use value::Set;

pub static SMOVE: CommandSpec = CommandSpec {
    name: "SMOVE",
    group: Group::Set,
    since: "1.0.0",
    summary: "Moves a member from one set to another.",
    arity: 4,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[
        KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE)),
        KeySpec::at(2, KeyFlags::RW.or(KeyFlags::INSERT)),
    ],
    args: &[key("source"), arg("destination", ArgKind::Key(1)), string("member")],
    reply: Shape::INTEGER,
    run: Run::Keyed(smove),
    ..CommandSpec::DEFAULT
};

fn smove(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let limits = limits(cx);
    let (source, destination, member) = (cx.key(0), cx.key(1), args.word(3));
    let Slot::Occupied(mut occupied) = keys.slot(&source) else {
        cx.reply.int(0);
        return Ok(());
    };
    let there = occupied.get::<Set>()?.contains(member);
    if let Slot::Occupied(occupied) = keys.slot(&destination) {
        occupied.expect::<Set>()?;
    }
    if !there || source.bytes == destination.bytes {
        cx.reply.int(i64::from(there));
        return Ok(());
    }
    let mut from = keys.slot(&source).occupied().expect("the source was there just now");
    from.note_use();
    from.update::<Set, _>(|set, update| {
        set.remove(member);
        update.changed(1, Event::set("srem"));
    })?;
    match keys.slot(&destination) {
        Slot::Occupied(mut occupied) => {
            occupied.note_use();
            occupied.update::<Set, _>(|set, update| {
                if set.add(member, &limits) {
                    update.changed(1, Event::set("sadd"));
                }
            })?;
        }
        Slot::Vacant(vacant) => {
            let mut set = Set::for_first(member, 1, &limits);
            set.add(member, &limits);
            vacant.create(set, 1, Event::set("sadd"));
        }
    }
    cx.reply.int(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn the_last_member_takes_its_set_along() {
        let mut server = TestServer::new();
        server.run("SADD a x");
        assert_eq!(server.show("SMOVE a b x"), "(integer) 1");
        assert_eq!(server.events(), ["0 new a", "0 sadd a", "0 srem a", "0 del a", "0 new b", "0 sadd b"]);
        assert_eq!(server.journal(), ["0 SADD a x", "0 SMOVE a b x"]);
        assert_eq!(server.show("SMOVE b b x"), "(integer) 1");
        assert_eq!(server.show("SMOVE b b y"), "(integer) 0");
        assert_eq!(server.show("SMOVE a b x"), "(integer) 0");
        assert!(server.events().is_empty() && server.journal().is_empty());
    }

    #[test]
    fn a_member_that_the_destination_has_is_only_removed() {
        let mut server = TestServer::new();
        server.run("SADD a x y");
        server.run("SADD b x");
        server.events();
        assert_eq!(server.show("SMOVE a b x"), "(integer) 1");
        assert_eq!(server.events(), ["0 srem a"]);
        assert_eq!(server.show("SCARD b"), "(integer) 1");
    }
}
