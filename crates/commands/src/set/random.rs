//! Members by chance: SPOP and SRANDMEMBER.
//!
//! What SPOP took is logged by name, as SREM, so that a replica or a later start takes the same; a whole set is logged
//! as DEL.

use super::reply_member;
use crate::random::{Room, to_draw};
use command::spec::work::{Work, count_word, counted};
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx, OwnedArgs};
use engine::{Event, Key, LockedKeys, Slot, Update};
use value::Set;
use value::set::Member;

const SPOP_EVENT: Event = Event::set("spop");
/// Members named in one logged SREM.
const LOGGED_TOGETHER: usize = 1024;

pub static SPOP: CommandSpec = CommandSpec {
    name: "SPOP",
    group: Group::Set,
    since: "1.0.0",
    summary: "Removes random members from a set and gives them.",
    complexity: "O(1), or O(N) with the count",
    arity: -2,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))],
    args: &[key("key"), integer("count").optional().since("3.2.0")],
    history: &[("3.2.0", "The count.")],
    tips: &["nondeterministic_output"],
    reply: Shape::BULK.or(Shape::NULL).or(Shape::SET),
    run: Run::Keyed(spop),
    work: Work::Told(|args, keys, located| counted(count_word(args, 2), keys, &located[0])),
    ..CommandSpec::DEFAULT
};

pub static SRANDMEMBER: CommandSpec = CommandSpec {
    name: "SRANDMEMBER",
    summary: "Gives random members of a set.",
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), integer("count").optional().since("2.6.0")],
    history: &[("2.6.0", "The count.")],
    reply: Shape::BULK.or(Shape::NULL).or(Shape::ARRAY),
    run: Run::Keyed(srandmember),
    work: Work::Told(to_draw),
    ..SPOP
};

/// Members taken one by one, to be logged together.
struct Taken<'k> {
    key: &'k [u8],
    on: bool,
    taken: OwnedArgs,
    count: usize,
}

impl<'k> Taken<'k> {
    fn new(on: bool, key: &Key<'k>) -> Taken<'k> {
        Taken { key: key.bytes, on, taken: OwnedArgs::default(), count: 0 }
    }

    fn note(&mut self, member: &Member<'_>) {
        self.count += 1;
        if self.on {
            member.with_bytes(|bytes| self.taken.push(bytes));
        }
    }

    /// Logs what was noted, if it is enough for a record, or the last of it.
    fn flush(&mut self, update: &mut Update<'_>, last: bool) {
        if self.count == LOGGED_TOGETHER || (last && self.count > 0) {
            let mut words: Vec<&[u8]> = vec![b"SREM", self.key];
            let taken = self.taken.args();
            words.extend(taken.from(0));
            update.log_as(&words);
            self.taken = OwnedArgs::default();
            self.count = 0;
        }
    }
}

fn spop(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let count = match args.len() {
        2 => None,
        3 => {
            let count = args.int(2).ok().and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or(CommandError::MUST_BE_POSITIVE)?)
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let key = cx.key(0);
    let mut occupied = match keys.slot(&key) {
        Slot::Occupied(occupied) => occupied,
        Slot::Vacant(_) => {
            if count.is_some() {
                cx.reply.set(0)
            } else {
                cx.reply.null()
            }
            return Ok(());
        }
    };
    let set = occupied.get::<Set>()?;
    if let Some(count) = count {
        let len = set.len();
        cx.reply.set(count.min(len));
        if count >= len {
            set.iter().for_each(|member| reply_member(cx.reply, &member));
            let lazy = cx.server.tunables.memory.lazyfree_lazy_server_del.get();
            occupied.log_as(&[if lazy { b"UNLINK" } else { b"DEL" }, key.bytes]);
            occupied.add_dirty(len as u64 - 1);
            occupied.fire(SPOP_EVENT);
            occupied.delete(Event::DEL);
            return Ok(());
        }
    }
    occupied.note_use();
    let mut noted = Taken::new(occupied.is_logged(), &key);
    occupied.update::<Set, _>(|set, update| {
        let wanted = count.unwrap_or(1);
        let mut taken = 0;
        // Its own generator: the one of the effects is lent with them.
        let mut rng = update.rng().clone();
        while taken < wanted
            && set.remove_random(&mut rng, |member| {
                reply_member(cx.reply, member);
                noted.note(member);
            })
        {
            taken += 1;
            noted.flush(update, taken == wanted);
        }
        *update.rng() = rng;
        if taken > 0 {
            update.changed(taken as u64, SPOP_EVENT);
        }
    })?;
    Ok(())
}

fn srandmember(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let count = match args.len() {
        2 => None,
        3 => Some(args.int_between(2, -i64::MAX, i64::MAX)?),
        _ => return Err(CommandError::SYNTAX),
    };
    let mut rng = keys.rng().clone();
    let result = reply_random(cx, keys.read_as::<Set>(&cx.key(0))?, count, &mut rng);
    *keys.rng() = rng;
    result
}

fn reply_random(cx: &mut Ctx<'_>, set: Option<&Set>, count: Option<i64>, rng: &mut base::rng::Rng) -> CommandResult {
    let Some(set) = set else {
        if count.is_some() {
            cx.reply.array(0)
        } else {
            cx.reply.null()
        }
        return Ok(());
    };
    match count {
        None => {
            let member = set.random(rng).expect("a set in the keyspace has members");
            reply_member(cx.reply, &member);
        }
        Some(count @ 0..) => {
            let count = usize::try_from(count).unwrap_or(usize::MAX).min(set.len());
            cx.reply.array(count);
            set.sample(count, rng, |member| reply_member(cx.reply, member));
        }
        Some(repeats) => {
            let repeats = repeats.unsigned_abs();
            let room = Room::of(cx, usize::try_from(repeats).unwrap_or(usize::MAX))?;
            cx.reply.array(repeats as usize);
            for _ in 0..repeats {
                let member = set.random(rng).expect("a set in the keyspace has members");
                reply_member(cx.reply, &member);
                if !room.is_left(cx.reply)? {
                    break;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;
    use resp::client::Value;

    fn members(reply: Value) -> Vec<Value> {
        if let Value::Array(members) = reply { members } else { panic!("no members: {reply:?}") }
    }

    #[test]
    fn what_is_popped_is_logged_by_name() {
        let mut server = TestServer::new();
        server.run("SADD s a");
        assert_eq!(server.show("SPOP s"), "\"a\"");
        assert_eq!(server.journal(), ["0 SADD s a", "0 SREM s a"]);
        assert_eq!(server.events(), ["0 new s", "0 sadd s", "0 spop s", "0 del s"]);
        server.run("SADD s a b c");
        assert_eq!(members(server.run("SPOP s 7")).len(), 3);
        assert_eq!(server.journal(), ["0 SADD s a b c", "0 DEL s"]);
        assert_eq!(server.events(), ["0 new s", "0 sadd s", "0 spop s", "0 del s"]);
        for line in ["SPOP s", "SPOP s 3", "SRANDMEMBER s", "SRANDMEMBER s 3"] {
            assert_eq!(server.show(line), if line.ends_with('3') { "(empty array)" } else { "(nil)" }, "{line}");
        }
        assert!(server.journal().is_empty() && server.events().is_empty());
    }

    #[test]
    fn many_popped_members_are_logged_in_several_records() {
        let mut server = TestServer::new();
        for number in 0..3000 {
            server.run(&format!("SADD s {number}"));
        }
        server.journal();
        assert_eq!(members(server.run("SPOP s 2500")).len(), 2500);
        let words: Vec<usize> = server.journal().iter().map(|record| record.split(' ').count() - 3).collect();
        assert_eq!(words, [1024, 1024, 452]);
        assert_eq!(server.show("SCARD s"), "(integer) 500");
        server.run("SPOP s 0");
        assert!(server.journal().is_empty());
    }

    #[test]
    fn counts_decide_about_repeats() {
        let mut server = TestServer::new();
        server.run("SADD s a b c d e");
        for (count, len) in [("0", 0), ("3", 3), ("5", 5), ("9223372036854775807", 5), ("-1", 1), ("-40", 40)] {
            assert_eq!(members(server.run(&format!("SRANDMEMBER s {count}"))).len(), len, "{count}");
        }
        let too_long = "(error) ERR reply exceeds maximum allowed size (proto-max-bulk-len)";
        assert_eq!(server.show("SRANDMEMBER s -9223372036854775807"), too_long);
        server.server.tunables.limits.proto_max_bulk_len.set(1000);
        server.run_words(0, &[b"SADD", b"t", &[b'x'; 400]]);
        assert_eq!(server.show("SRANDMEMBER t -100"), too_long);
        assert_eq!(members(server.run("SRANDMEMBER t -2")).len(), 2);
    }
}
