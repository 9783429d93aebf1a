//! XSETID: what a stream knows of entries that are gone. Replication and files use it; people hardly do.

use super::id;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Slot};
use value::Stream;
use value::stream::StreamId;

pub static XSETID: CommandSpec = CommandSpec {
    name: "XSETID",
    group: Group::Stream,
    since: "5.0.0",
    summary: "Sets the last id of a stream, and what it remembers of entries that are gone.",
    arity: -3,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE))],
    args: &[
        key("key"),
        string("last-id"),
        integer("entries-added").token("ENTRIESADDED").optional().since("7.0.0"),
        string("max-deleted-id").token("MAXDELETEDID").optional().since("7.0.0"),
    ],
    history: &[("7.0.0", "The options `ENTRIESADDED` and `MAXDELETEDID`.")],
    reply: Shape::SIMPLE,
    run: Run::Keyed(xsetid),
    ..CommandSpec::DEFAULT
};

fn xsetid(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let last_id = id::exact(args.word(2), 0)?;
    let (mut added, mut max_deleted) = (None, None);
    for at in (3..args.len()).step_by(2) {
        if at + 1 == args.len() {
            return Err(CommandError::SYNTAX);
        } else if args.is(at, "ENTRIESADDED") {
            added = Some(u64::try_from(args.int(at + 1)?).map_err(|_| CommandError::XSETID_ADDED)?);
        } else if args.is(at, "MAXDELETEDID") {
            let given = id::exact(args.word(at + 1), 0)?;
            if last_id < given {
                return Err(CommandError::XSETID_BELOW_GIVEN);
            }
            max_deleted = Some(given);
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    let Slot::Occupied(occupied) = keys.slot(&cx.key(0)) else { return Err(CommandError::NO_SUCH_KEY) };
    occupied.update::<Stream, _>(|stream, update| {
        if last_id < stream.max_deleted() {
            return Err(CommandError::XSETID_BELOW_DELETED);
        }
        if stream.entries().last().is_some_and(|last| last_id < last.id) {
            return Err(CommandError::XSETID_BELOW_LAST);
        }
        if added.is_some_and(|added| added < stream.len() as u64) {
            return Err(CommandError::XSETID_ADDED_TOO_FEW);
        }
        // As in Redis, the id of none changes nothing.
        stream.set_last_id(last_id, added, max_deleted.filter(|&id| id != StreamId::MIN));
        update.changed_unobserved(1, Event::stream("xsetid"));
        Ok(())
    })??;
    cx.reply.ok();
    Ok(())
}
