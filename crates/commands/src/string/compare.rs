//! Commands that act on a string only if it is the expected one: DELIFEQ.

use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys};
use value::string::{Scratch, Str};

pub static DELIFEQ: CommandSpec = CommandSpec {
    name: "DELIFEQ",
    group: Group::String,
    since: "9.0.0",
    summary: "Deletes a key if it holds this string.",
    complexity: "O(1)",
    arity: 3,
    flags: Flags::WRITE.or(Flags::FAST).or(Flags::EXTENSION),
    keys: &[KeySpec::at(1, KeyFlags::RM.or(KeyFlags::DELETE))],
    args: &[key("key"), string("value")],
    reply: Shape::INTEGER,
    run: Run::Keyed(delifeq),
    ..CommandSpec::DEFAULT
};

fn delifeq(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let db = keys.db;
    let key = cx.key(0);
    let mut deleted = false;
    if let Some(mut occupied) = keys.slot(&key).occupied() {
        let held = Str::of(occupied.value()).ok_or(CommandError::WRONG_TYPE)?;
        deleted = held.bytes(&mut Scratch::default()) == args.word(2);
        if deleted {
            occupied.fx().propagate_as(db, &[b"DEL", key.bytes]);
            occupied.delete(Event::DEL);
        }
    }
    cx.reply.int(i64::from(deleted));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn only_the_expected_value_is_deleted() {
        let mut server = TestServer::new();
        assert_eq!(server.show("DELIFEQ k 12"), "(integer) 0");
        server.run("SET k 12");
        assert_eq!(server.show("DELIFEQ k 012"), "(integer) 0");
        assert_eq!(server.show("DELIFEQ k 12"), "(integer) 1");
        assert_eq!(server.show("GET k"), "(nil)");
        assert_eq!(server.journal(), ["0 SET k 12", "0 DEL k"]);
        assert_eq!(server.events(), ["0 new k", "0 set k", "0 del k"]);
    }
}
