//! HRANDFIELD: fields drawn at random, each with the same chance.
//!
//! A positive count asks for different fields: with as many as there are, or more, all are given; else a share of them
//! is picked while all are walked, or, from a large hash, drawn until enough different ones are found. A negative count
//! draws again and again, and may give a field several times.

use super::reply_string;
use crate::random::{Count, DRAW_FROM, Room, sample, to_draw};
use command::spec::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, block, integer, key, token};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use resp::{Proto, ReplyWriter};
use std::collections::HashSet;
use value::Hash;
use value::hash::Field;
use value::string::Scratch;

pub static HRANDFIELD: CommandSpec = CommandSpec {
    name: "HRANDFIELD",
    group: Group::Hash,
    since: "6.2.0",
    summary: "Gives fields of a hash that are drawn at random.",
    complexity: "O(N) with the number of fields given",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), block("options", &[integer("count"), token("withvalues", "WITHVALUES").optional()]).optional()],
    tips: &["nondeterministic_output"],
    reply: Shape::BULK.or(Shape::NULL).or(Shape::ARRAY),
    run: Run::Keyed(hrandfield),
    work: Work::Told(to_draw),
    ..CommandSpec::DEFAULT
};

/// Fields past their deadline that one call deletes before it draws; it passes over those that are left.
const EXPIRED_FIRST_MAX: usize = 256;
/// Draws that may meet only fields past their deadline, before all fields are walked for one that lives.
const DRAWS_MAX: usize = 64;

fn hrandfield(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let count = if args.len() > 2 { Some(Count::parse(args, "WITHVALUES")?) } else { None };
    let key = cx.key(0);
    let now_ms = keys.now_ms();
    let mut past = Vec::new();
    if let Some(hash) = keys.read_as::<Hash>(&key)?
        && hash.next_deadline().is_some_and(|next| next <= now_ms)
    {
        let over = hash.iter().filter(|field| field.is_past(now_ms)).take(EXPIRED_FIRST_MAX);
        past.extend(over.map(|field| field.name.bytes(&mut Scratch::default()).to_vec()));
    }
    if !past.is_empty() {
        keys.expire_fields(&key, past.iter().map(Vec::as_slice));
    }
    // The lookup counts once: this one is the same.
    let mut rng = keys.rng().clone();
    let hash = keys.lend_as::<Hash>(&key);
    let draw = &mut || rng.next_u64();
    let result = match (hash, count) {
        (None, None) => {
            cx.reply.null();
            Ok(())
        }
        (None, Some(_)) => {
            cx.reply.array(0);
            Ok(())
        }
        (Some(hash), None) => {
            match draw_live(hash, now_ms, draw) {
                Some(field) => reply_string(cx.reply, field.name),
                None => cx.reply.null(),
            }
            Ok(())
        }
        (Some(hash), Some(Count { number, distinct: true, in_pairs })) => {
            give_distinct(cx.reply, hash, number, in_pairs, now_ms, draw);
            Ok(())
        }
        (Some(hash), Some(Count { number, distinct: false, in_pairs })) => {
            Room::of(cx, number).and_then(|room| give_repeated(cx.reply, hash, number, in_pairs, now_ms, &room, draw))
        }
    };
    *keys.rng() = rng;
    result
}

/// The header of an array of so many fields.
fn header(reply: &mut ReplyWriter, fields: usize, with_values: bool) {
    let flat = with_values && reply.proto == Proto::Resp2;
    reply.array(if flat { fields.saturating_mul(2) } else { fields });
}

fn give(reply: &mut ReplyWriter, field: &Field<'_>, with_values: bool) {
    if with_values && reply.proto == Proto::Resp3 {
        reply.array(2);
    }
    reply_string(reply, field.name);
    if with_values {
        reply_string(reply, field.value);
    }
}

/// One field that is not past its deadline.
fn draw_live<'h>(hash: &'h Hash, now_ms: u64, draw: &mut dyn FnMut() -> u64) -> Option<Field<'h>> {
    let drawn = (0..DRAWS_MAX).find_map(|_| hash.random(draw).filter(|field| !field.is_past(now_ms)));
    drawn.or_else(|| hash.iter().find(|field| !field.is_past(now_ms)))
}

fn give_distinct(
    reply: &mut ReplyWriter,
    hash: &Hash,
    number: usize,
    with_values: bool,
    now_ms: u64,
    draw: &mut dyn FnMut() -> u64,
) {
    let stale = hash.next_deadline().is_some_and(|next| next <= now_ms);
    let living = || hash.iter().filter(move |field| !field.is_past(now_ms));
    let live = if stale { living().count() } else { hash.len() };
    let wanted = number.min(live);
    header(reply, wanted, with_values);
    if stale || wanted.saturating_mul(DRAW_FROM) > live || hash.packed().is_some() {
        sample(living(), live, wanted, draw, |field| give(reply, &field, with_values));
        return;
    }
    let mut given = HashSet::with_capacity(wanted);
    while given.len() < wanted {
        let Some(field) = hash.random(draw) else { return };
        if given.insert(field.name.bytes(&mut Scratch::default()).to_vec()) {
            give(reply, &field, with_values);
        }
    }
}

fn give_repeated(
    reply: &mut ReplyWriter,
    hash: &Hash,
    number: usize,
    with_values: bool,
    now_ms: u64,
    room: &Room,
    draw: &mut dyn FnMut() -> u64,
) -> CommandResult {
    let start = reply.out.mark();
    header(reply, number, with_values);
    let few: Vec<Field<'_>> = match hash.packed() {
        Some(_) => hash.iter().filter(|field| !field.is_past(now_ms)).collect(),
        None => Vec::new(),
    };
    for _ in 0..number {
        let field = match few.len() as u64 {
            0 => draw_live(hash, now_ms, draw),
            len => few.get((draw() % len) as usize).copied(),
        };
        let Some(field) = field else {
            // Nothing lives: all is past its deadline and waits to be deleted.
            reply.out.truncate(start);
            reply.array(0);
            return Ok(());
        };
        give(reply, &field, with_values);
        if !room.is_left(reply)? {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;
    use resp::client::Value;
    use std::collections::BTreeMap;

    fn texts(value: Value) -> Vec<String> {
        let Value::Array(all) = value else { panic!("an array: {value:?}") };
        let text = |value: &Value| match value {
            Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => panic!("a string: {other:?}"),
        };
        all.iter().map(text).collect()
    }

    /// A hash of so many fields, in the encoding that the limit makes it.
    fn filled(fields: usize, limit: usize) -> TestServer {
        let mut server = TestServer::new();
        super::super::limit_packed(&server, limit, 64);
        for number in 0..fields {
            server.run(&format!("HSET h f{number} {number}"));
        }
        server
    }

    #[test]
    fn draws_are_fair_in_every_way_of_drawing() {
        for (limit, count, given) in [(512, 1, 1), (512, 7, 7), (512, -5, 5), (0, 3, 3), (0, 7, 7), (0, -5, 5)] {
            let mut server = filled(20, limit);
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            let rounds = 4000;
            for _ in 0..rounds {
                let fields = texts(server.run(&format!("HRANDFIELD h {count}")));
                assert_eq!(fields.len(), given);
                for field in fields {
                    *seen.entry(field).or_default() += 1;
                }
            }
            let fair = rounds * given / 20;
            assert_eq!(seen.len(), 20);
            assert!(seen.values().all(|&times| times.abs_diff(fair) < fair / 4 + 40), "{limit} {count}: {seen:?}");
        }
    }

    #[test]
    fn a_positive_count_gives_different_fields() {
        for limit in [512, 0] {
            let mut server = filled(30, limit);
            for count in [0, 1, 5, 10, 29, 30, 31, i64::MAX] {
                let mut fields = texts(server.run(&format!("HRANDFIELD h {count}")));
                fields.sort();
                fields.dedup();
                assert_eq!(fields.len() as i64, count.min(30), "{limit} {count}");
            }
            let pairs = texts(server.run("HRANDFIELD h 12 WITHVALUES"));
            assert_eq!(pairs.len(), 24);
            assert!(pairs.chunks(2).all(|pair| pair[0] == format!("f{}", pair[1])));
        }
    }

    #[test]
    fn a_count_without_end_is_refused() {
        let mut server = filled(3, 512);
        server.server.tunables.limits.proto_max_bulk_len.set(1000);
        let too_long = "(error) ERR reply exceeds maximum allowed size (proto-max-bulk-len)";
        assert_eq!(server.show("HRANDFIELD h -9223372036854775807"), too_long);
        assert_eq!(server.show("HRANDFIELD h -500"), too_long);
        assert_eq!(server.show("HRANDFIELD h -4611686018427387904 WITHVALUES"), "(error) ERR value is out of range");
    }
}
