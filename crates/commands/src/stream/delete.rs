//! Deleting entries by their ids: XDEL and XDELEX, and how XDELEX and XACKDEL are written.

use super::id;
use super::trim::{CONDITION, references};
use command::spec::work::Work;
use command::spec::{ArgSpec, Flags, Group, KeyFlags, KeySpec, Run, Shape, block, integer, key, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, LockedKeys, Slot};
use resp::ReplyWriter;
use value::Stream;
use value::stream::{Deletion, References};

pub(super) const DELETED: Event = Event::stream("xdel");

pub(super) const IDS: ArgSpec = block("ids", &[integer("numids"), string("id").multiple()]).token("IDS");

pub static XDEL: CommandSpec = CommandSpec {
    name: "XDEL",
    group: Group::Stream,
    since: "5.0.0",
    summary: "Deletes entries of a stream, and tells how many there were.",
    complexity: "O(log N) for each entry, with the size of the stream",
    arity: -3,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    args: &[key("key"), string("id").multiple()],
    reply: Shape::INTEGER,
    run: Run::Keyed(xdel),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

pub static XDELEX: CommandSpec = CommandSpec {
    name: "XDELEX",
    group: Group::Stream,
    since: "8.2.0",
    summary: "Deletes entries of a stream, with a say in what becomes of their being pending.",
    complexity: "O(log N) for each entry and group, with the size of the stream",
    arity: -5,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::DELETE))],
    args: &[key("key"), CONDITION, IDS],
    reply: Shape::ARRAY,
    run: Run::Keyed(xdelex),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

/// What XDELEX and XACKDEL are told about: which ids, and what becomes of references to them.
pub(super) struct Condemned {
    pub references: References,
    /// The words that are ids.
    pub first: usize,
    pub count: usize,
}

impl Condemned {
    /// Reads options and ids, which come in any order, from this word on.
    pub fn parse(args: &Args<'_>, from: usize) -> Result<Condemned, CommandError> {
        let (mut condition, mut ids) = (None, None);
        let mut at = from;
        while at < args.len() {
            if condition.is_none() && references(args, at).is_some() {
                condition = references(args, at);
                at += 1;
            } else if ids.is_none() && args.is(at, "IDS") && at + 1 < args.len() {
                let count = base::num::parse_i64(args.word(at + 1)).and_then(|count| usize::try_from(count).ok());
                let count = count.filter(|&count| count > 0).ok_or(CommandError::IDS_NUMBER)?;
                let first = at + 2;
                if count > args.len() - first {
                    return Err(CommandError::IDS_MISMATCH);
                }
                ids = Some((first, count));
                at = first + count;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        let (first, count) = ids.ok_or(CommandError::SYNTAX)?;
        Ok(Condemned { references: condition.unwrap_or(References::Keep), first, count })
    }

    /// The ids, which are looked at only where there is a stream.
    pub fn ids(&self, args: &Args<'_>) -> Result<Vec<value::stream::StreamId>, CommandError> {
        args.from(self.first).take(self.count).map(|word| id::exact(word, 0)).collect()
    }

    /// Replies that none of the ids is there.
    pub fn reply_missing(&self, reply: &mut ReplyWriter) {
        reply.array(self.count);
        (0..self.count).for_each(|_| reply.int(-1));
    }
}

fn xdel(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let deleted = match keys.slot(&cx.key(0)) {
        Slot::Vacant(_) => 0,
        Slot::Occupied(occupied) => {
            occupied.expect::<Stream>()?;
            let ids = id::all(args, 2)?;
            occupied.update::<Stream, _>(|stream, update| {
                let is_deleted = |id| stream.delete(id, References::Keep) == Deletion::Deleted;
                let deleted = ids.into_iter().map(is_deleted).filter(|&deleted| deleted).count();
                if deleted > 0 {
                    update.changed(deleted as u64, DELETED);
                }
                deleted
            })?
        }
    };
    cx.reply.int(deleted as i64);
    Ok(())
}

fn xdelex(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let slot = keys.slot(&cx.key(0));
    if let Slot::Occupied(occupied) = &slot {
        occupied.expect::<Stream>()?;
    }
    let condemned = Condemned::parse(args, 2)?;
    let Slot::Occupied(occupied) = slot else {
        condemned.reply_missing(cx.reply);
        return Ok(());
    };
    let ids = condemned.ids(args)?;
    occupied.update::<Stream, _>(|stream, update| {
        cx.reply.array(ids.len());
        let mut deleted = 0;
        for id in ids {
            let deletion = stream.delete(id, condemned.references);
            deleted += u64::from(deletion == Deletion::Deleted);
            cx.reply.int(match deletion {
                Deletion::Missing => -1,
                Deletion::Deleted => 1,
                Deletion::Referenced => 2,
            });
        }
        if deleted > 0 {
            update.changed(deleted, DELETED);
        }
    })?;
    Ok(())
}
