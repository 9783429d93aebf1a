//! Saying that entries are done: XACK, and XACKDEL, which deletes them, too.

use super::delete::{Condemned, DELETED, IDS};
use super::id;
use super::trim::CONDITION;
use command::spec::work::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Slot};
use value::Stream;
use value::stream::Deletion;

pub static XACK: CommandSpec = CommandSpec {
    name: "XACK",
    group: Group::Stream,
    since: "5.0.0",
    summary: "Acknowledges entries that were given to a group, and tells how many were pending.",
    complexity: "O(log N) for each entry, N being the number of entries pending",
    arity: -4,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE))],
    args: &[key("key"), string("group"), string("id").multiple()],
    reply: Shape::INTEGER,
    run: Run::Keyed(xack),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

pub static XACKDEL: CommandSpec = CommandSpec {
    name: "XACKDEL",
    group: Group::Stream,
    since: "8.2.0",
    summary: "Acknowledges entries that were given to a group, and deletes them.",
    complexity: "O(log N) for each entry and group, with the size of the stream",
    arity: -6,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE).or(KeyFlags::DELETE))],
    args: &[key("key"), string("group"), CONDITION, IDS],
    reply: Shape::ARRAY,
    run: Run::Keyed(xackdel),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

fn xack(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let done = match keys.slot(&cx.key(0)) {
        Slot::Vacant(_) => 0,
        Slot::Occupied(occupied) => occupied.update::<Stream, _>(|stream, update| {
            let Some(group) = stream.group_mut(args.word(2)) else { return Ok(0) };
            let ids = id::all(args, 3)?;
            let done = ids.into_iter().filter(|&id| group.acknowledge(id)).count();
            if done > 0 {
                update.changed_unobserved(done as u64, Event::NONE);
            }
            Ok::<_, CommandError>(done)
        })??,
    };
    cx.reply.int(done as i64);
    Ok(())
}

fn xackdel(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let slot = keys.slot(&cx.key(0));
    if let Slot::Occupied(occupied) = &slot {
        occupied.expect::<Stream>()?;
    }
    let condemned = Condemned::parse(args, 3)?;
    let Slot::Occupied(occupied) = slot else {
        condemned.reply_missing(cx.reply);
        return Ok(());
    };
    occupied.update::<Stream, _>(|stream, update| {
        if stream.group(args.word(2)).is_none() {
            condemned.reply_missing(cx.reply);
            return Ok(());
        }
        let ids = condemned.ids(args)?;
        cx.reply.array(ids.len());
        let (mut done, mut deleted) = (0, 0);
        for id in ids {
            if !stream.group_mut(args.word(2)).is_some_and(|group| group.acknowledge(id)) {
                cx.reply.int(-1);
                continue;
            }
            done += 1;
            // An entry that was gone already is done all the same.
            let deletion = stream.delete(id, condemned.references);
            deleted += u64::from(deletion == Deletion::Deleted);
            cx.reply.int(if deletion == Deletion::Referenced { 2 } else { 1 });
        }
        if deleted > 0 {
            update.changed(done, DELETED);
        } else if done > 0 {
            update.changed_unobserved(done, Event::NONE);
        }
        Ok::<_, CommandError>(())
    })??;
    Ok(())
}
