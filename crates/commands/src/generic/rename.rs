//! RENAME, RENAMENX, COPY, MOVE: what a key holds goes to another key, or to another database.

use command::spec::{ArgKind, Flags, KeyFlags, KeySpec, Run, Shape, Work, arg, integer, key, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Place};

const RENAMED_FROM: Event = Event::generic("rename_from");
const RENAMED_TO: Event = Event::generic("rename_to");
const MOVED_FROM: Event = Event::generic("move_from");
const MOVED_TO: Event = Event::generic("move_to");
const COPIED_TO: Event = Event::generic("copy_to");

const SOURCE: KeySpec = KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE));

pub static RENAME: CommandSpec = CommandSpec {
    name: "RENAME",
    since: "1.0.0",
    summary: "Gives a key another name, over what that name held.",
    arity: 3,
    flags: Flags::WRITE,
    keys: &[SOURCE, KeySpec::at(2, KeyFlags::OW.or(KeyFlags::UPDATE))],
    args: &[key("key"), arg("newkey", ArgKind::Key(1))],
    reply: Shape::SIMPLE,
    run: Run::Keyed(rename),
    ..CommandSpec::DEFAULT
};

pub static RENAMENX: CommandSpec = CommandSpec {
    name: "RENAMENX",
    summary: "Gives a key another name if that is free.",
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[SOURCE, KeySpec::at(2, KeyFlags::OW.or(KeyFlags::INSERT))],
    history: &[("3.2.0", "Answers 0, no longer an error, when both names are the same.")],
    reply: Shape::INTEGER,
    run: Run::Keyed(renamenx),
    ..RENAME
};

pub static COPY: CommandSpec = CommandSpec {
    name: "COPY",
    since: "6.2.0",
    summary: "Copies what a key holds to another key.",
    complexity: "O(N) with the number of elements; O(1) for a string",
    arity: -3,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS)), KeySpec::at(2, KeyFlags::OW.or(KeyFlags::UPDATE))],
    args: &[
        key("source"),
        arg("destination", ArgKind::Key(1)),
        integer("destination-db").token("DB").optional(),
        token("replace", "REPLACE").optional(),
    ],
    reply: Shape::INTEGER,
    run: Run::Keyed(copy),
    work: Work::Told(|_, keys, located| keys.elements(&located[0])),
    ..CommandSpec::DEFAULT
};

pub static MOVE: CommandSpec = CommandSpec {
    name: "MOVE",
    since: "1.0.0",
    summary: "Moves a key to another database if it is not there already.",
    arity: 3,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))],
    args: &[key("key"), integer("db")],
    reply: Shape::INTEGER,
    run: Run::Keyed(move_key),
    ..CommandSpec::DEFAULT
};

/// Both names of a RENAME; it fails when the first is not there.
fn both<'a>(cx: &Ctx<'a>, keys: &mut LockedKeys<'_>) -> Result<(Place<'a>, Place<'a>), CommandError> {
    let [from, to] = [0, 1].map(|at| Place { db: keys.db, key: cx.key(at) });
    if keys.holds(&from) { Ok((from, to)) } else { Err(CommandError::NO_SUCH_KEY) }
}

fn rename(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let (from, to) = both(cx, keys)?;
    if !from.is(&to) {
        keys.relocate(&from, &to, RENAMED_FROM, RENAMED_TO);
    }
    cx.reply.ok();
    Ok(())
}

fn renamenx(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let (from, to) = both(cx, keys)?;
    let renamed = !keys.holds(&to) && keys.relocate(&from, &to, RENAMED_FROM, RENAMED_TO);
    cx.reply.int(i64::from(renamed));
    Ok(())
}

fn copy(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let mut to_db = keys.db;
    let mut replace = false;
    let mut at = 3;
    while at < args.len() {
        if args.is(at, "REPLACE") {
            replace = true;
        } else if args.is(at, "DB") && at + 1 < args.len() {
            at += 1;
            to_db = cx.database(args, at)?;
        } else {
            return Err(CommandError::SYNTAX);
        }
        at += 1;
    }
    let from = Place { db: keys.db, key: cx.key(0) };
    let to = Place { db: to_db, key: cx.key(1) };
    if from.is(&to) {
        return Err(CommandError::SAME_OBJECT);
    }
    let copied = keys.duplicate(&from, &to, replace, COPIED_TO);
    cx.reply.int(i64::from(copied));
    Ok(())
}

fn move_key(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let from = Place { db: keys.db, key: cx.key(0) };
    let to = Place { db: cx.database(args, 2)?, key: from.key };
    if from.is(&to) {
        return Err(CommandError::SAME_OBJECT);
    }
    let moved = keys.holds(&from) && !keys.holds(&to) && keys.relocate(&from, &to, MOVED_FROM, MOVED_TO);
    cx.reply.int(i64::from(moved));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn a_renamed_key_keeps_value_and_deadline_whatever_its_new_shard() {
        let mut server = TestServer::new();
        for number in 0..100 {
            server.run(&format!("SET from{number} value{number} EX {}", number + 10));
            assert_eq!(server.show(&format!("RENAME from{number} to{number}")), "OK");
            assert_eq!(server.show(&format!("GET to{number}")), format!("\"value{number}\""));
            assert_eq!(server.show(&format!("TTL to{number}")), format!("(integer) {}", number + 10));
            assert_eq!(server.show(&format!("EXISTS from{number}")), "(integer) 0");
        }
    }

    #[test]
    fn rename_tells_in_the_order_of_redis() {
        let mut server = TestServer::new();
        server.run("SET a 1");
        server.run("SET b 2 EX 100");
        server.journal();
        server.events();
        assert_eq!(server.show("RENAME a a"), "OK");
        assert!(server.events().is_empty() && server.journal().is_empty());
        assert_eq!(server.show("RENAMENX a b"), "(integer) 0");
        assert_eq!(server.show("RENAME a b"), "OK");
        assert_eq!(server.events(), ["0 new b", "0 rename_from a", "0 rename_to b", "0 overwritten b"]);
        assert_eq!(server.journal(), ["0 RENAME a b"]);
        assert_eq!(server.show("TTL b"), "(integer) -1");
        assert_eq!(server.show("RENAME a b"), "(error) ERR no such key");
        assert_eq!(server.show("RENAMENX a a"), "(error) ERR no such key");
        assert_eq!(server.show("RENAMENX b b"), "(integer) 0");
    }

    #[test]
    fn a_large_string_is_copied_by_reference_and_then_changes_alone() {
        let mut server = TestServer::new();
        server.run_words(0, &[b"SET", b"a", &[b'x'; 20_000]]);
        assert_eq!(server.show("COPY a b"), "(integer) 1");
        assert_eq!(server.show("COPY a b"), "(integer) 0");
        assert_eq!(server.show("COPY a b REPLACE"), "(integer) 1");
        server.run("APPEND b y");
        assert_eq!(server.show("STRLEN a"), "(integer) 20000");
        assert_eq!(server.show("STRLEN b"), "(integer) 20001");
    }

    #[test]
    fn copies_and_moves_reach_other_databases() {
        let mut server = TestServer::new();
        server.run("SET a 1 EX 50");
        server.journal();
        server.events();
        assert_eq!(server.show("COPY a a DB 1"), "(integer) 1");
        assert_eq!(server.show("MOVE a 1"), "(integer) 0");
        assert_eq!(server.show("MOVE a 2"), "(integer) 1");
        assert_eq!(server.events(), ["1 new a", "1 copy_to a", "2 new a", "0 move_from a", "2 move_to a"]);
        assert_eq!(server.journal(), ["0 COPY a a DB 1", "0 MOVE a 2"]);
        assert_eq!(server.show("MOVE a 2"), "(integer) 0");
        server.run("SELECT 2");
        assert_eq!(server.show("TTL a"), "(integer) 50");
    }

    #[test]
    fn the_target_must_be_another_key_of_a_database_that_exists() {
        let mut server = TestServer::new();
        let same = "(error) ERR source and destination objects are the same";
        let range = "(error) ERR DB index is out of range";
        for (command, reply) in [
            ("COPY a a", same),
            ("COPY a a DB 0", same),
            ("MOVE a 0", same),
            ("COPY a b DB 16", range),
            ("MOVE a -1", range),
            ("COPY a b DB", "(error) ERR syntax error"),
            ("COPY a b DB 99 FOO", range),
            ("MOVE a x", "(error) ERR value is not an integer or out of range"),
            ("COPY a b REPLACE DB 1 DB 2", "(integer) 0"),
        ] {
            assert_eq!(server.show(command), reply, "{command}");
        }
    }

    #[test]
    fn a_watched_key_notices_that_it_was_renamed_away_or_over() {
        let mut server = TestServer::new();
        server.run("SET a 1");
        let (one, two) = (server.connect(), server.connect());
        server.run_on(one, "WATCH a");
        server.run_on(two, "WATCH b");
        server.run("RENAME a b");
        for session in [one, two] {
            server.run_on(session, "MULTI");
            assert_eq!(server.run_on(session, "EXEC").to_string(), "(nil)");
        }
    }
}
