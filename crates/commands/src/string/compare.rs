//! Commands that act on a string only if it is the expected one, or tell how to recognise it: DELIFEQ, DELEX, DIGEST.
//!
//! A digest is the 64-bit XXH3 of the bytes: clients compute it themselves, and need not send a long value to say that
//! they have seen it. It is no protection against those who want two values to look the same.

use super::options::Condition;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, key, one_of, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys};
use value::string::{Scratch, Str};
use xxhash_rust::xxh3::xxh3_64;

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

pub static DELEX: CommandSpec = CommandSpec {
    name: "DELEX",
    group: Group::String,
    since: "8.4.0",
    summary: "Deletes a key, if it holds a string that meets a condition.",
    complexity: "O(1); O(N) with the length of the string for digests",
    arity: -2,
    flags: Flags::WRITE.or(Flags::FAST).or(Flags::EXTENSION),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    args: &[
        key("key"),
        one_of(
            "condition",
            &[
                string("ifeq-value").token("IFEQ"),
                string("ifne-value").token("IFNE"),
                string("ifdeq-digest").token("IFDEQ"),
                string("ifdne-digest").token("IFDNE"),
            ],
        )
        .optional(),
    ],
    reply: Shape::INTEGER,
    run: Run::Keyed(delex),
    ..CommandSpec::DEFAULT
};

pub static DIGEST: CommandSpec = CommandSpec {
    name: "DIGEST",
    group: Group::String,
    since: "8.4.0",
    summary: "Gives the digest of a string.",
    complexity: "O(N) with the length of the string",
    arity: 2,
    flags: Flags::READONLY.or(Flags::FAST).or(Flags::EXTENSION),
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key")],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(digest),
    ..CommandSpec::DEFAULT
};

fn digest(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    match keys.read(&cx.key(0)) {
        Some(entry) => {
            let string = Str::of(entry.value()).ok_or(CommandError::WRONG_TYPE)?;
            let digest = xxh3_64(string.bytes(&mut Scratch::default()));
            cx.reply.bulk(format!("{digest:016x}").as_bytes());
        }
        None => cx.reply.null(),
    }
    Ok(())
}

fn delex(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let condition = match args.len() {
        2 => Condition::Always,
        4 => Condition::on_value(args.word(2), args.word(3)).unwrap_or(Err(CommandError::SYNTAX))?,
        _ => return Err(CommandError::SYNTAX),
    };
    delete_if(cx, keys, condition)
}

fn delifeq(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    delete_if(cx, keys, Condition::IfEqual(args.word(2)))
}

/// Deletes the key if what it holds meets the condition. Logged as DEL: that it did is known then.
fn delete_if(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, condition: Condition<'_>) -> CommandResult {
    let key = cx.key(0);
    let mut deleted = false;
    if let Some(mut occupied) = keys.slot(&key).occupied() {
        deleted = condition.holds_for(occupied.value())?;
        if deleted {
            occupied.log_as(&[b"DEL", key.bytes]);
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

    /// Published with redis/redis#14496: the digest begins with zeros.
    const VALUE: &str = "v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd";

    #[test]
    fn digests_are_sixteen_digits_of_xxh3() {
        let mut server = TestServer::new();
        assert_eq!(server.show("DIGEST k"), "(nil)");
        for (value, digest) in [(VALUE, "00006c38adf31777"), ("", "2d06800538d394c2")] {
            server.run(&format!("SET k \"{value}\""));
            assert_eq!(server.show("DIGEST k"), format!("\"{digest}\""));
        }
        server.run("SET k 12");
        let of_integer = server.show("DIGEST k");
        server.run("SET k 1");
        server.run("APPEND k 2");
        assert_eq!(server.show("DIGEST k"), of_integer, "however it is stored");
        server.run("RPUSH l a");
        assert!(server.show("DIGEST l").starts_with("(error) WRONGTYPE"));
    }

    #[test]
    fn what_meets_the_condition_is_deleted() {
        let mut server = TestServer::new();
        server.run(&format!("SET k {VALUE}"));
        server.run("RPUSH l a");
        server.journal();
        for (command, reply) in [
            ("DELEX k IFEQ a", "(integer) 0"),
            (&format!("DELEX k IFNE {VALUE}"), "(integer) 0"),
            ("DELEX k IFDEQ 0000000000000000", "(integer) 0"),
            ("DELEX k IFDNE 00006C38ADF31777", "(integer) 0"),
            ("DELEX none IFNE a", "(integer) 0"),
            ("DELEX k IFDEQ 6c38adf31777", "(error) ERR digest must be exactly 16 hexadecimal characters"),
            ("DELEX k NX", "(error) ERR syntax error"),
            ("DELEX k NX a", "(error) ERR syntax error"),
            ("DELEX k IFEQ a IFEQ a", "(error) ERR syntax error"),
            ("DELEX l IFNE a", "(error) WRONGTYPE Operation against a key holding the wrong kind of value"),
        ] {
            assert_eq!(server.show(command), reply, "{command}");
        }
        assert!(server.journal().is_empty());
        assert_eq!(server.show("DELEX k ifdeq 00006c38adf31777"), "(integer) 1");
        assert_eq!(server.show("DELEX l"), "(integer) 1");
        assert_eq!(server.journal(), ["0 DEL k", "0 DEL l"]);
    }
}
