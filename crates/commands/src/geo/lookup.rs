//! Looking at places: GEODIST, GEOHASH, GEOPOS.

use super::earth::distance;
use super::hash::Position;
use super::{Unit, reply_distance, reply_position};
use command::spec::{Elements, Flags, Group, KeyFlags, KeySpec, Run, Shape, key, one_of, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;
use value::SortedSet;

pub static GEODIST: CommandSpec = CommandSpec {
    name: "GEODIST",
    group: Group::Geo,
    since: "3.2.0",
    summary: "Gives the distance between two places.",
    complexity: "O(1)",
    arity: -4,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[
        key("key"),
        string("member1"),
        string("member2"),
        one_of("unit", &[token("m", "M"), token("km", "KM"), token("ft", "FT"), token("mi", "MI")]).optional(),
    ],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(geodist),
    ..CommandSpec::DEFAULT
};

pub static GEOHASH: CommandSpec = CommandSpec {
    name: "GEOHASH",
    group: Group::Geo,
    since: "3.2.0",
    summary: "Gives the geohashes of places, as eleven letters each.",
    complexity: "O(M), with the number of places asked for",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    elements: Some(Elements::every(2, 1)),
    args: &[key("key"), string("member").multiple().optional()],
    reply: Shape::ARRAY,
    run: Run::Keyed(geohash),
    ..CommandSpec::DEFAULT
};

pub static GEOPOS: CommandSpec = CommandSpec {
    name: "GEOPOS",
    group: Group::Geo,
    since: "3.2.0",
    summary: "Gives the positions of places.",
    complexity: "O(M), with the number of places asked for",
    arity: -2,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    elements: Some(Elements::every(2, 1)),
    args: &[key("key"), string("member").multiple().optional()],
    reply: Shape::ARRAY,
    run: Run::Keyed(geopos),
    ..CommandSpec::DEFAULT
};

fn geodist(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let unit = match args.len() {
        4 => Unit::METRES,
        5 => Unit::parse(args, 4)?,
        _ => return Err(CommandError::SYNTAX),
    };
    let set = keys.read_as::<SortedSet>(&cx.key(0))?;
    let find = |at: usize| set?.score(args.word(at)).map(Position::of_score);
    match find(2).zip(find(3)) {
        Some((one, other)) => reply_distance(cx.reply, distance(one, other) / unit.metres),
        None => cx.reply.null(),
    }
    Ok(())
}

fn geohash(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let set = keys.read_as::<SortedSet>(&cx.key(0))?;
    cx.reply.array(args.len() - 2);
    for member in args.from(2) {
        match set.and_then(|set| set.score(member)) {
            Some(score) => cx.reply.bulk(&Position::of_score(score).geohash()),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

fn geopos(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let set = keys.read_as::<SortedSet>(&cx.key(0))?;
    cx.reply.array(args.len() - 2);
    for member in args.from(2) {
        match set.and_then(|set| set.score(member)) {
            Some(score) => reply_position(cx.reply, Position::of_score(score)),
            None => cx.reply.null_array(),
        }
    }
    Ok(())
}
