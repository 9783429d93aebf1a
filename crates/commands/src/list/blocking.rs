//! Popping that waits for an element: BLPOP, BRPOP, BLMPOP, BLMOVE and BRPOPLPUSH.
//!
//! Each tries at once; with nothing there it waits (see `dispatch::blocking`), and the same handler runs again when one
//! of its keys has become a list. What is logged is the pop that took place, never the wait.

use super::pop::{mpop, mpop_words};
use super::transfer::{DESTINATION, KEYS, SOURCE, WHERE_FROM, WHERE_TO, transfer};
use super::{ends, limit, popped, reply_element};
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, double, integer, key, one_of, token};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, Slot};
use value::list::End;
use value::{List, Object};

/// What BLPOP and BRPOP share.
const POP: CommandSpec = CommandSpec {
    group: Group::List,
    since: "2.0.0",
    complexity: "O(N), N being the number of keys",
    arity: -3,
    flags: Flags::WRITE.or(Flags::BLOCKING),
    keys: &[KeySpec::range(1, -2, 1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))],
    args: &[key("key").multiple(), double("timeout")],
    history: &[("6.0.0", "A `timeout` with fractions of a second.")],
    reply: Shape::ARRAY.or(Shape::NULL),
    ..CommandSpec::DEFAULT
};

pub static BLPOP: CommandSpec = CommandSpec {
    name: "BLPOP",
    summary: "Takes the first element of the first list that is there, or waits for one.",
    run: Run::Keyed(blpop),
    ..POP
};

pub static BRPOP: CommandSpec = CommandSpec {
    name: "BRPOP",
    summary: "Takes the last element of the first list that is there, or waits for one.",
    run: Run::Keyed(brpop),
    ..POP
};

pub static BLMPOP: CommandSpec = CommandSpec {
    name: "BLMPOP",
    group: Group::List,
    since: "7.0.0",
    summary: "Takes elements from an end of the first list that is there, or waits for one.",
    complexity: "O(N+M), N being the number of keys, M that of the elements that are taken",
    arity: -5,
    flags: Flags::WRITE.or(Flags::BLOCKING).or(Flags::MOVABLEKEYS),
    keys: &[KeySpec::numkeys(2, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))],
    args: &[
        double("timeout"),
        integer("numkeys"),
        key("key").multiple(),
        one_of("where", &[token("left", "LEFT"), token("right", "RIGHT")]),
        integer("count").token("COUNT").optional(),
    ],
    reply: Shape::ARRAY.or(Shape::NULL),
    run: Run::Keyed(blmpop),
    ..CommandSpec::DEFAULT
};

pub static BLMOVE: CommandSpec = CommandSpec {
    name: "BLMOVE",
    group: Group::List,
    since: "6.2.0",
    summary: "Moves an element from an end of one list to an end of another, or waits for one.",
    arity: 6,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::BLOCKING),
    keys: KEYS,
    args: &[SOURCE, DESTINATION, WHERE_FROM, WHERE_TO, double("timeout")],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(blmove),
    ..CommandSpec::DEFAULT
};

pub static BRPOPLPUSH: CommandSpec = CommandSpec {
    name: "BRPOPLPUSH",
    group: Group::List,
    since: "2.2.0",
    summary: "Moves the last element of one list to the head of another, or waits for one.",
    arity: 4,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::BLOCKING),
    keys: KEYS,
    args: &[SOURCE, DESTINATION, double("timeout")],
    history: &[("6.0.0", "A `timeout` with fractions of a second.")],
    deprecated: Some(("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")),
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(brpoplpush),
    ..CommandSpec::DEFAULT
};

/// What they all wait for.
fn is_list(object: &Object) -> bool {
    matches!(object, Object::List(_))
}

fn blpop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    pop(cx, keys, args, End::Front)
}

fn brpop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    pop(cx, keys, args, End::Back)
}

fn pop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, end: End) -> CommandResult {
    let deadline = cx.wait_deadline(args, args.len() - 1)?;
    let limit = limit(cx);
    for key in cx.keys {
        let Slot::Occupied(occupied) = keys.slot(key) else { continue };
        occupied.update::<List, _>(|list, update| {
            cx.reply.array(2);
            cx.reply.bulk(key.bytes);
            list.pop(end, |element| reply_element(cx.reply, element));
            list.shrink(limit);
            update.changed(1, popped(end));
        })?;
        keys.log_as(&[if end == End::Front { b"LPOP" } else { b"RPOP" }, key.bytes]);
        return Ok(());
    }
    if !cx.block(deadline, is_list) {
        cx.reply.null_array();
    }
    Ok(())
}

fn blmpop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (end, count) = mpop_words(args, 2)?;
    let deadline = cx.wait_deadline(args, 1)?;
    if !mpop(cx, keys, end, count)? && !cx.block(deadline, is_list) {
        cx.reply.null_array();
    }
    Ok(())
}

fn blmove(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (from, to) = (ends::end(args, 3)?, ends::end(args, 4)?);
    let deadline = cx.wait_deadline(args, 5)?;
    let moved = [&b"LMOVE"[..], args.word(1), args.word(2), args.word(3), args.word(4)];
    move_or_wait(cx, keys, (from, to), deadline, &moved)
}

fn brpoplpush(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let deadline = cx.wait_deadline(args, 3)?;
    let moved = [&b"RPOPLPUSH"[..], args.word(1), args.word(2)];
    move_or_wait(cx, keys, (End::Back, End::Front), deadline, &moved)
}

/// Moves an element and has that logged as `moved`, or waits for one.
fn move_or_wait(
    cx: &mut Ctx<'_>,
    keys: &mut LockedKeys<'_>,
    (from, to): (End, End),
    deadline: Option<u64>,
    moved: &[&[u8]],
) -> CommandResult {
    if let Some(element) = transfer(keys, (&cx.key(0), from), (&cx.key(1), to), limit(cx))? {
        cx.reply.bulk(&element);
        keys.log_as(moved);
    } else if !cx.block(deadline, is_list) {
        cx.reply.null();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
