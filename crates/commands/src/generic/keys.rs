//! KEYS, RANDOMKEY: commands about all keys of a database.
//!
//! They visit the shards one after the other, and KEYS each of them a part at a time, so nobody waits for more than
//! that; with many keys KEYS runs on another thread. What is there all the time KEYS lists once, but it is no snapshot:
//! of a key that is renamed meanwhile it may list both names or neither. In a transaction all shards are held.

use base::glob::glob_match;
use command::spec::{Category, Flags, Run, Shape, Work, pattern};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, ShardView};

pub static KEYS: CommandSpec = CommandSpec {
    name: "KEYS",
    since: "1.0.0",
    summary: "Lists all keys whose names match a pattern.",
    complexity: "O(N) with the number of keys in the database",
    arity: 2,
    flags: Flags::READONLY,
    acl_extra: &[Category::Dangerous],
    args: &[pattern("pattern")],
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
    reply: Shape::ARRAY,
    run: Run::Visit(keys_matching),
    work: Work::Told(|_, keys, _| count_keys(keys) as usize),
    ..CommandSpec::DEFAULT
};

pub static RANDOMKEY: CommandSpec = CommandSpec {
    name: "RANDOMKEY",
    since: "1.0.0",
    summary: "Picks a key, each with the same chance.",
    arity: 1,
    flags: Flags::READONLY,
    tips: &["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Visit(random_key),
    ..CommandSpec::DEFAULT
};

/// Draws until RANDOMKEY gives up: only while expired keys must not be deleted, or others keep emptying shards.
const DRAWS: usize = 100;

fn keys_matching(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let pattern = args.word(1);
    let every = pattern == b"*";
    let (db, now_ms) = (keys.db, keys.now_ms());
    let mut found = 0;
    let header = cx.reply.deferred_array();
    keys.visit_keys(db, |entry| {
        let live = entry.deadline().is_none_or(|deadline| deadline > now_ms);
        if live && (every || glob_match(pattern, entry.key(), false)) {
            cx.reply.bulk(entry.key());
            found += 1;
        }
    });
    cx.reply.set_array_len(header, found);
    Ok(())
}

fn random_key(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    for _ in 0..DRAWS {
        let total = count_keys(keys);
        if total == 0 {
            break;
        }
        if let Some(key) = draw(keys, total) {
            cx.reply.bulk(&key);
            return Ok(());
        }
    }
    cx.reply.null();
    Ok(())
}

/// Keys of the database, shard after shard; those past their deadline count until they are deleted.
pub fn count_keys(keys: &mut LockedKeys<'_>) -> u64 {
    let db = keys.db;
    let mut total = 0;
    keys.visit(|shard| total += shard.db(db).len() as u64);
    total
}

/// Draws one of `total` keys: the shard by its share of them, then a key of it. `None` when that has expired, or
/// when the shards meanwhile hold fewer keys.
fn draw(keys: &mut LockedKeys<'_>, total: u64) -> Option<Vec<u8>> {
    let (db, keyspace) = (keys.db, keys.keyspace());
    let mut drawn = keys.rng().below(total);
    for shard in 0..keyspace.shards() {
        let here = keys.visit_one(shard, |shard| {
            let len = shard.db(db).len() as u64;
            if drawn < len {
                return Some(live_key(shard, db, |key| keyspace.key(key)));
            }
            drawn -= len;
            None
        });
        if let Some(key) = here {
            return key;
        }
    }
    None
}

/// A key of one shard; those found expired are deleted.
fn live_key<'k>(
    shard: &mut ShardView<'_>,
    db: usize,
    locate: impl for<'b> Fn(&'b [u8]) -> engine::Key<'b> + 'k,
) -> Option<Vec<u8>> {
    for _ in 0..DRAWS {
        let key = shard.random(db)?.key().to_vec();
        if shard.reap(db, &locate(&key)) {
            return Some(key);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;
    use std::collections::HashMap;

    #[test]
    fn keys_lists_what_matches_and_has_not_expired() {
        let mut server = TestServer::new();
        for key in ["apple", "apricot", "banana"] {
            server.run(&format!("SET {key} 1"));
        }
        server.run("SET avocado 1 PX 10");
        server.advance_ms(10);
        server.journal();
        server.events();
        let mut lines: Vec<String> = server.show("KEYS a*").lines().map(|line| line[3..].to_owned()).collect();
        lines.sort();
        assert_eq!(lines, ["\"apple\"", "\"apricot\""]);
        assert!(server.events().is_empty(), "KEYS deletes nothing");
        assert_eq!(server.show("KEYS nothing"), "(empty array)");
        assert_eq!(server.show("DBSIZE"), "(integer) 4");
    }

    #[test]
    fn every_key_has_the_same_chance() {
        const KEYS: usize = 50;
        const DRAWS: usize = 20_000;
        let mut server = TestServer::new();
        assert_eq!(server.show("RANDOMKEY"), "(nil)");
        for number in 0..KEYS {
            server.run(&format!("SET key{number} 1"));
        }
        let mut drawn: HashMap<String, usize> = HashMap::new();
        for _ in 0..DRAWS {
            *drawn.entry(server.show("RANDOMKEY")).or_default() += 1;
        }
        assert_eq!(drawn.len(), KEYS);
        let expected = (DRAWS / KEYS) as f64;
        let chi_square: f64 = drawn.values().map(|&count| (count as f64 - expected).powi(2) / expected).sum();
        // 49 degrees of freedom: 85.4 is exceeded with a chance of 0.001; the draws are seeded.
        assert!(chi_square < 85.4, "chi square {chi_square}");
    }

    #[test]
    fn randomkey_deletes_the_expired_keys_it_meets() {
        let mut server = TestServer::new();
        for number in 0..500 {
            server.run(&format!("SET old{number} 1 PX 10"));
        }
        server.run("SET new 1");
        server.advance_ms(10);
        server.events();
        assert_eq!(server.show("RANDOMKEY"), "\"new\"");
        assert!(server.events().iter().all(|event| event.starts_with("0 expired old")));
        server.run("DEL new");
        assert_eq!(server.show("RANDOMKEY"), "(nil)");
        assert_eq!(server.show("DBSIZE"), "(integer) 0");
    }
}
