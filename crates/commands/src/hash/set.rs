//! Setting and deleting fields: HSET, HMSET, HSETNX, HDEL.

use super::{HDEL_EVENT, HSET_EVENT, living, rules};
use command::spec::Work;
use command::spec::{ArgSpec, Elements, Flags, Group, KeyFlags, KeySpec, Run, Shape, block, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, Slot};
use value::Hash;
use value::hash::{Rules, Ttl};

const DATA: ArgSpec = block("data", &[string("field"), string("value")]).multiple();

pub static HSET: CommandSpec = CommandSpec {
    name: "HSET",
    group: Group::Hash,
    since: "2.0.0",
    summary: "Sets fields of a hash to values.",
    complexity: "O(N) with the number of fields given",
    arity: -4,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE))],
    elements: Some(Elements::every(2, 2)),
    args: &[key("key"), DATA],
    history: &[("4.0.0", "Takes several fields with their values.")],
    reply: Shape::INTEGER,
    run: Run::Keyed(hset),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

pub static HMSET: CommandSpec = CommandSpec {
    name: "HMSET",
    summary: "Sets several fields of a hash to values.",
    history: &[],
    deprecated: Some(("4.0.0", "`HSET` with multiple field-value pairs")),
    reply: Shape::SIMPLE,
    run: Run::Keyed(hmset),
    ..HSET
};

pub static HSETNX: CommandSpec = CommandSpec {
    name: "HSETNX",
    summary: "Sets a field of a hash to a value unless it is there already.",
    complexity: "O(1)",
    arity: 4,
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::INSERT))],
    elements: Some(Elements::at(2)),
    args: &[key("key"), string("field"), string("value")],
    history: &[],
    run: Run::Keyed(hsetnx),
    ..HSET
};

pub static HDEL: CommandSpec = CommandSpec {
    name: "HDEL",
    group: Group::Hash,
    since: "2.0.0",
    summary: "Deletes fields of a hash, and the hash when none is left.",
    complexity: "O(N) with the number of fields given",
    arity: -3,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    elements: Some(Elements::every(2, 1)),
    args: &[key("key"), string("field").multiple()],
    history: &[("2.4.0", "Takes several fields.")],
    reply: Shape::INTEGER,
    run: Run::Keyed(hdel),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

fn hset(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let added = set_pairs(cx, keys, args)?;
    cx.reply.int(added);
    Ok(())
}

fn hmset(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    set_pairs(cx, keys, args)?;
    cx.reply.ok();
    Ok(())
}

/// Sets the pairs from word 2 on; returns how many fields are new.
#[inline]
fn set_pairs(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> Result<i64, CommandError> {
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::wrong_arity(cx.name()));
    }
    let rules = rules(cx);
    let pairs = (args.len() - 2) / 2;
    match keys.slot(&cx.key(0)) {
        Slot::Occupied(occupied) => Ok(occupied.update(|hash: &mut Hash, update| {
            let added = put_pairs(hash, args, pairs, &rules);
            update.changed(pairs as u64, HSET_EVENT);
            added
        })?),
        Slot::Vacant(vacant) => {
            let mut hash = Hash::new();
            let added = put_pairs(&mut hash, args, pairs, &rules);
            vacant.create(hash, pairs as u64, HSET_EVENT);
            Ok(added)
        }
    }
}

#[inline]
fn put_pairs(hash: &mut Hash, args: &Args<'_>, pairs: usize, rules: &Rules) -> i64 {
    if pairs > 1 {
        let longest = args.from(2).map(<[u8]>::len).max().unwrap_or(0);
        hash.expect(pairs, longest, rules);
    }
    let set = |at: usize| i64::from(hash.set(args.word(at), args.word(at + 1), Ttl::Clear, rules));
    (2..args.len()).step_by(2).map(set).sum()
}

fn hsetnx(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let rules = rules(cx);
    let (name, value) = (args.word(2), args.word(3));
    let added = match keys.slot(&cx.key(0)) {
        Slot::Occupied(occupied) => occupied.update(|hash: &mut Hash, update| {
            if living(hash, update, name).is_some() {
                return false;
            }
            hash.set(name, value, Ttl::Clear, &rules);
            update.changed(1, HSET_EVENT);
            true
        })?,
        Slot::Vacant(vacant) => {
            let mut hash = Hash::new();
            hash.set(name, value, Ttl::Clear, &rules);
            vacant.create(hash, 1, HSET_EVENT);
            true
        }
    };
    cx.reply.int(i64::from(added));
    Ok(())
}

fn hdel(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let Slot::Occupied(occupied) = keys.slot(&cx.key(0)) else {
        cx.reply.int(0);
        return Ok(());
    };
    let deleted = occupied.update(|hash: &mut Hash, update| {
        let deleted = args.from(2).filter(|name| hash.remove(name)).count();
        if deleted > 0 {
            update.changed(deleted as u64, HDEL_EVENT);
        }
        deleted
    })?;
    cx.reply.int(deleted as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn fields_are_set_and_deleted() {
        let mut server = TestServer::new();
        assert_eq!(server.show("HSET h a 1 b 2 a 3"), "(integer) 2");
        assert_eq!(server.show("HSET h a 4"), "(integer) 0");
        assert_eq!(server.show("HMSET h c 5"), "OK");
        assert_eq!(server.show("HSETNX h c 6"), "(integer) 0");
        assert_eq!(server.show("HSETNX h d 6"), "(integer) 1");
        assert_eq!(server.show("HMGET h a b c d"), "1) \"4\"\n2) \"2\"\n3) \"5\"\n4) \"6\"");
        assert_eq!(server.show("HDEL h a no a b"), "(integer) 2");
        assert_eq!(server.show("HDEL h no"), "(integer) 0");
        assert_eq!(server.show("HDEL h c d"), "(integer) 2");
        assert_eq!(server.show("EXISTS h"), "(integer) 0");
        assert_eq!(server.show("HDEL h c"), "(integer) 0");
        assert_eq!(
            server.journal(),
            [
                "0 HSET h a 1 b 2 a 3",
                "0 HSET h a 4",
                "0 HMSET h c 5",
                "0 HSETNX h d 6",
                "0 HDEL h a no a b",
                "0 HDEL h c d"
            ]
        );
        assert_eq!(
            server.events(),
            ["0 new h", "0 hset h", "0 hset h", "0 hset h", "0 hset h", "0 hdel h", "0 hdel h", "0 del h"]
        );
    }

    #[test]
    fn an_odd_word_is_refused_before_the_key_is_looked_at() {
        let mut server = TestServer::new();
        server.run("SET s x");
        assert_eq!(server.show("HSET s a 1 b"), "(error) ERR wrong number of arguments for 'hset' command");
        assert_eq!(server.show("HMSET h a 1 b"), "(error) ERR wrong number of arguments for 'hmset' command");
        assert!(server.show("HSET s a 1").starts_with("(error) WRONGTYPE"));
        assert_eq!(server.show("EXISTS h"), "(integer) 0");
    }

    #[test]
    fn many_or_long_fields_make_a_table() {
        let mut server = TestServer::new();
        super::super::limit_packed(&server, 2, 4);
        for (fields, encoding) in [
            ("a 1 b 1234", "listpack"),
            ("a 12345", "hashtable"),
            ("abcde 1", "hashtable"),
            ("a 1 b 2 c 3", "hashtable"),
            ("a 1 a 1 a 1", "hashtable"),
        ] {
            server.run("DEL h");
            server.run(&format!("HSET h {fields}"));
            assert_eq!(server.show("OBJECT ENCODING h"), format!("\"{encoding}\""), "{fields}");
        }
    }
}
