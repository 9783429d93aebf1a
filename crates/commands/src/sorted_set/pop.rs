//! Taking members out from either end: ZPOPMIN, ZPOPMAX, ZMPOP.

use super::{range::header, reply_score};
use command::spec::work::{Work, count_word, counted};
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, one_of, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, Key, LockedKeys, Slot, Update};
use resp::{Proto, ReplyWriter};
use value::SortedSet;

pub static ZMPOP: CommandSpec = CommandSpec {
    name: "ZMPOP",
    group: Group::SortedSet,
    since: "7.0.0",
    summary: "Takes the members with the lowest or highest scores out of the first of several sorted sets that is there.",
    complexity: "O(K + M log N), with the number of keys, the size of the sorted set and the number of members taken",
    arity: -4,
    flags: Flags::WRITE.or(Flags::MOVABLEKEYS),
    keys: &[KeySpec::numkeys(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))],
    args: &[
        integer("numkeys"),
        key("key").multiple(),
        one_of("where", &[token("min", "MIN"), token("max", "MAX")]),
        integer("count").token("COUNT").optional(),
    ],
    reply: Shape::ARRAY.or(Shape::NULL),
    run: Run::Keyed(zmpop),
    work: Work::Told(to_pop),
    ..CommandSpec::DEFAULT
};

pub static ZPOPMAX: CommandSpec = CommandSpec {
    name: "ZPOPMAX",
    group: Group::SortedSet,
    since: "5.0.0",
    summary: "Takes out the members with the highest scores.",
    complexity: "O(M log N), with the size of the sorted set and the number of members taken",
    arity: -2,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))],
    args: &[key("key"), integer("count").optional()],
    reply: Shape::ARRAY,
    run: Run::Keyed(zpopmax),
    work: Work::Told(|args, keys, located| counted(count_word(args, 2), keys, &located[0])),
    ..CommandSpec::DEFAULT
};

pub static ZPOPMIN: CommandSpec = CommandSpec {
    name: "ZPOPMIN",
    group: Group::SortedSet,
    since: "5.0.0",
    summary: "Takes out the members with the lowest scores.",
    complexity: "O(M log N), with the size of the sorted set and the number of members taken",
    arity: -2,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))],
    args: &[key("key"), integer("count").optional()],
    reply: Shape::ARRAY,
    run: Run::Keyed(zpopmin),
    work: Work::Told(|args, keys, located| counted(count_word(args, 2), keys, &located[0])),
    ..CommandSpec::DEFAULT
};

/// The end to take from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Min,
    Max,
}

impl End {
    /// Reads the word at `at`.
    pub(super) fn parse(args: &Args<'_>, at: usize) -> Result<End, CommandError> {
        if args.is(at, "MIN") {
            Ok(End::Min)
        } else if args.is(at, "MAX") {
            Ok(End::Max)
        } else {
            Err(CommandError::SYNTAX)
        }
    }

    pub(super) fn event(self) -> Event {
        match self {
            End::Min => Event::zset("zpopmin"),
            End::Max => Event::zset("zpopmax"),
        }
    }

    /// The command that takes from this end.
    pub(super) fn command(self) -> &'static [u8] {
        match self {
            End::Min => b"ZPOPMIN",
            End::Max => b"ZPOPMAX",
        }
    }
}

fn zpopmin(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    zpop(cx, keys, args, End::Min)
}

fn zpopmax(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    zpop(cx, keys, args, End::Max)
}

fn zpop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, end: End) -> CommandResult {
    if args.len() > 3 {
        return Err(CommandError::SYNTAX);
    }
    let count = match args.get(2) {
        Some(_) => {
            let count = args.int(2).ok().and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or(CommandError::MUST_BE_POSITIVE)?)
        }
        None => None,
    };
    let Slot::Occupied(mut occupied) = keys.slot(&cx.key(0)) else {
        cx.reply.array(0);
        return Ok(());
    };
    occupied.note_use();
    let reply = &mut *cx.reply;
    occupied.update::<SortedSet, _>(|set, update| {
        let taken = count.unwrap_or(1).min(set.len());
        // Only with a count does RESP3 nest pairs.
        let nested = count.is_some() && reply.proto == Proto::Resp3;
        if nested {
            header(reply, taken, true);
        } else {
            reply.array(taken * 2);
        }
        take(reply, set, update, end, taken, nested);
    })?;
    Ok(())
}

/// Takes so many members out, and replies with each and its score.
pub(super) fn take(
    reply: &mut ReplyWriter,
    set: &mut SortedSet,
    update: &mut Update<'_>,
    end: End,
    count: usize,
    nested: bool,
) {
    if count == 0 {
        return;
    }
    let mut give = |member: &[u8], score: f64| {
        if nested {
            reply.array(2);
        }
        reply.bulk(member);
        reply_score(reply, score);
    };
    match end {
        End::Min => set.remove_ranks(0..count, &mut give),
        End::Max => {
            let start = set.len() - count;
            for (member, score) in set.range(start..set.len()).rev() {
                member.with_bytes(|member| give(member, score));
            }
            set.remove_ranks(start..set.len(), &mut |_, _| {});
        }
    }
    update.changed(count as u64, end.event());
}

/// The words of ZMPOP from `numkeys` on: how many keys, which end, how many members.
pub(super) struct Request {
    pub(super) keys: usize,
    pub(super) end: End,
    pub(super) count: usize,
}

impl Request {
    pub(super) fn parse(args: &Args<'_>, at: usize) -> Result<Request, CommandError> {
        let positive = |at: usize| args.int(at).ok().and_then(|it| usize::try_from(it).ok()).filter(|&it| it > 0);
        let keys = positive(at).ok_or(CommandError::NUMKEYS_NOT_POSITIVE)?;
        let place = keys.checked_add(at + 1).filter(|&place| place < args.len()).ok_or(CommandError::SYNTAX)?;
        let end = End::parse(args, place)?;
        let mut count = None;
        let mut at = place + 1;
        while at < args.len() {
            if count.is_some() || !args.is(at, "COUNT") || at + 1 == args.len() {
                return Err(CommandError::SYNTAX);
            }
            count = Some(positive(at + 1).ok_or(CommandError::COUNT_NOT_POSITIVE)?);
            at += 2;
        }
        Ok(Request { keys, end, count: count.unwrap_or(1) })
    }
}

/// The members that ZMPOP will take from the first key that is there.
fn to_pop(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let count = Request::parse(args, 1).map_or(0, |request| request.count);
    located.iter().map(|key| counted(count, keys, key)).find(|&count| count > 0).unwrap_or(0)
}

fn zmpop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let request = Request::parse(args, 1)?;
    for at in 0..request.keys {
        if mpop(cx, keys, at, &request)? {
            return Ok(());
        }
    }
    cx.reply.null_array();
    Ok(())
}

/// Takes from the key with this number, if it is there.
pub(super) fn mpop(
    cx: &mut Ctx<'_>,
    keys: &mut LockedKeys<'_>,
    at: usize,
    request: &Request,
) -> Result<bool, CommandError> {
    let key = cx.key(at);
    let Slot::Occupied(mut occupied) = keys.slot(&key) else { return Ok(false) };
    occupied.note_use();
    let reply = &mut *cx.reply;
    let end = request.end;
    occupied.update::<SortedSet, _>(|set, update| {
        let count = request.count.min(set.len());
        reply.array(2);
        reply.bulk(key.bytes);
        reply.array(count);
        take(reply, set, update, end, count, true);
        if update.is_logged() {
            let count = itoa::Buffer::new().format(count).to_owned();
            update.log_as(&[end.command(), key.bytes, count.as_bytes()]);
        }
    })?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn zmpop_is_logged_as_what_it_took() {
        let mut server = TestServer::new();
        server.run("ZADD z 1 a 2 b 3 c");
        server.journal();
        server.run("ZMPOP 2 none z MAX COUNT 2");
        server.run("ZMPOP 2 none z MIN COUNT 4611686018427387904");
        assert_eq!(server.journal(), ["0 ZPOPMAX z 2", "0 ZPOPMIN z 1"]);
        assert_eq!(server.events(), ["0 new z", "0 zadd z", "0 zpopmax z", "0 zpopmin z", "0 del z"]);
        assert_eq!(server.show("ZMPOP 1 z MIN"), "(nil)");
    }

    #[test]
    fn members_come_in_the_order_of_their_end() {
        let mut server = TestServer::new();
        for number in 0..300 {
            server.run(&format!("ZADD z {number} m{number}"));
        }
        assert_eq!(server.show("ZPOPMAX z 2"), "1) \"m299\"\n2) \"299\"\n3) \"m298\"\n4) \"298\"");
        assert_eq!(server.show("ZPOPMIN z"), "1) \"m0\"\n2) \"0\"");
        server.run("ZPOPMAX z 100000");
        assert_eq!(server.show("EXISTS z"), "(integer) 0");
    }
}
