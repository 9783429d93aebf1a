//! HSETEX: sets fields together with a deadline, on a condition about all of them. As in Valkey 9.1, one about the key
//! may be added.
//!
//! It is logged with the deadline as PXAT, or, when that is past already, as the HDEL that it comes to.

use super::expire::log_deleted;
use super::options::{Expiration, deadline};
use super::{HDEL_EVENT, HEXPIRE_EVENT, HSET_EVENT, living, rules};
use crate::deadline::TimeUnit;
use command::spec::{
    Flags, Group, KeyFlags, KeySpec, Run, Shape, block, integer, key, one_of, string, token, unix_time,
};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, Occupied, Slot, Update};
use value::Hash;
use value::hash::{Rules, Ttl};
use value::string::Scratch;

pub static HSETEX: CommandSpec = CommandSpec {
    name: "HSETEX",
    group: Group::Hash,
    since: "8.0.0",
    summary: "Sets fields of a hash to values, with a time at which they expire.",
    complexity: "O(N) with the number of fields given",
    arity: -6,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE))],
    args: &[
        key("key"),
        one_of("condition", &[token("fnx", "FNX"), token("fxx", "FXX")]).optional(),
        one_of(
            "expiration",
            &[
                integer("seconds").token("EX"),
                integer("milliseconds").token("PX"),
                unix_time("unix-time-seconds").token("EXAT"),
                unix_time("unix-time-milliseconds").token("PXAT"),
                token("keepttl", "KEEPTTL"),
            ],
        )
        .optional(),
        block("fields", &[integer("numfields"), block("data", &[string("field"), string("value")]).multiple()])
            .token("FIELDS"),
    ],
    reply: Shape::INTEGER,
    run: Run::Keyed(hsetex),
    ..CommandSpec::DEFAULT
};

/// What has to hold of the key, or of all fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Always,
    Absent,
    Present,
}

impl Condition {
    /// What the word at `at` says, if it is one of these.
    fn of(args: &Args<'_>, at: usize, absent: &str, present: &str) -> Option<Condition> {
        let present = args.is(at, present).then_some(Condition::Present);
        if args.is(at, absent) { Some(Condition::Absent) } else { present }
    }
}

/// The parsed words.
struct Request {
    of_key: Condition,
    of_fields: Condition,
    expiration: Expiration,
    /// Place of the keyword that the time stands behind.
    time_at: usize,
    /// Place of the first field.
    from: usize,
}

impl Request {
    fn parse(cx: &Ctx<'_>, args: &Args<'_>) -> Result<Request, CommandError> {
        let (of_key, of_fields) = (Condition::Always, Condition::Always);
        let mut request = Request { of_key, of_fields, expiration: Expiration::Unsaid, time_at: 0, from: 0 };
        let mut at = 2;
        while at < args.len() && !args.is(at, "FIELDS") {
            at += request.option(cx, args, at)?;
        }
        let wrong_arity = || CommandError::wrong_arity(cx.name());
        // The number is looked at only where a field and a value follow.
        if at + 3 >= args.len() {
            return Err(wrong_arity());
        }
        let number =
            base::num::parse_i64(args.word(at + 1)).filter(|number| (1..=i64::from(i32::MAX)).contains(number));
        let number = number.ok_or(CommandError::FIELDS_NUMBER_TO_SET)?;
        request.from = at + 2;
        if number * 2 != (args.len() - request.from) as i64 {
            return Err(wrong_arity());
        }
        Ok(request)
    }

    /// Reads one option; returns how many words it has.
    fn option(&mut self, cx: &Ctx<'_>, args: &Args<'_>, at: usize) -> Result<usize, CommandError> {
        if let Some(condition) = Condition::of(args, at, "NX", "XX") {
            if self.of_key != Condition::Always && self.of_key != condition {
                return Err(CommandError::SYNTAX);
            }
            self.of_key = condition;
            return Ok(1);
        }
        if let Some(condition) = Condition::of(args, at, "FNX", "FXX") {
            if self.of_fields != Condition::Always {
                return Err(CommandError::FIELD_CONDITIONS);
            }
            self.of_fields = condition;
            return Ok(1);
        }
        let unit = TimeUnit::of(args, at);
        if unit.is_none() && !args.is(at, "KEEPTTL") {
            return Err(CommandError::unknown_argument(args.word(at)));
        }
        if self.expiration != Expiration::Unsaid {
            return Err(CommandError::FIELD_EXPIRATIONS);
        }
        let Some(unit) = unit else {
            self.expiration = Expiration::Word;
            return Ok(1);
        };
        if at + 1 >= args.len() {
            return Err(CommandError::wrong_arity(cx.name()));
        }
        self.expiration = Expiration::At(deadline(unit, cx, args, at + 1)?);
        self.time_at = at;
        Ok(2)
    }

    /// Whether the conditions hold of a hash that is there.
    fn holds(&self, hash: &mut Hash, update: &mut Update<'_>, args: &Args<'_>) -> bool {
        let mut names = args.from(self.from).step_by(2);
        match self.of_fields {
            _ if self.of_key == Condition::Absent => false,
            Condition::Always => true,
            Condition::Absent => names.all(|name| living(hash, update, name).is_none()),
            Condition::Present => names.all(|name| living(hash, update, name).is_some()),
        }
    }

    fn set(&self, hash: &mut Hash, args: &Args<'_>, rules: &Rules) {
        let longest = args.from(self.from).map(<[u8]>::len).max().unwrap_or(0);
        hash.expect((args.len() - self.from) / 2, longest, rules);
        let ttl = if self.expiration == Expiration::Word { Ttl::Keep } else { Ttl::Clear };
        for at in (self.from..args.len()).step_by(2) {
            hash.set(args.word(at), args.word(at + 1), ttl, rules);
            if let Expiration::At(deadline) = self.expiration
                && deadline > rules.now_ms
            {
                hash.set_deadline(args.word(at), Some(deadline), rules.now_ms);
            }
        }
    }
}

fn hsetex(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let request = Request::parse(cx, args)?;
    let (key, rules) = (cx.key(0), rules(cx));
    let fields = ((args.len() - request.from) / 2) as u64;
    let occupied = match keys.slot(&key) {
        Slot::Vacant(_) if [request.of_key, request.of_fields].contains(&Condition::Present) => {
            cx.reply.int(0);
            return Ok(());
        }
        Slot::Vacant(vacant) => {
            let mut hash = Hash::new();
            request.set(&mut hash, args, &rules);
            vacant.create(hash, fields, HSET_EVENT)
        }
        Slot::Occupied(occupied) => {
            let done = occupied.update(|hash: &mut Hash, update| {
                // What KEEPTTL keeps is the deadline of a field that lives.
                if request.expiration == Expiration::Word {
                    for name in args.from(request.from).step_by(2) {
                        living(hash, update, name);
                    }
                }
                if !request.holds(hash, update, args) {
                    return false;
                }
                request.set(hash, args, &rules);
                update.changed(fields, HSET_EVENT);
                true
            })?;
            if !done {
                cx.reply.int(0);
                return Ok(());
            }
            match keys.slot(&key) {
                Slot::Occupied(occupied) => occupied,
                Slot::Vacant(_) => unreachable!("the hash has the fields just set"),
            }
        }
    };
    if let Expiration::At(deadline) = request.expiration {
        note_deadline(occupied, key.bytes, args, &request, deadline)?;
    }
    cx.reply.int(1);
    Ok(())
}

/// Announces and logs the deadline of the fields that were set; deletes them if it is past.
fn note_deadline(
    mut occupied: Occupied<'_>,
    key: &[u8],
    args: &Args<'_>,
    request: &Request,
    deadline: u64,
) -> CommandResult {
    if deadline > occupied.now_ms() {
        occupied.fire(HEXPIRE_EVENT);
        if occupied.is_logged() {
            let mut scratch = Scratch::default();
            let mut words: Vec<&[u8]> = args.from(0).collect();
            words[request.time_at] = b"PXAT";
            words[request.time_at + 1] = scratch.print(deadline as i64);
            occupied.log_as(&words);
        }
        return Ok(());
    }
    Ok(occupied.update(|hash: &mut Hash, update| {
        // As if the deadlines had been set first.
        hash.hold_deadlines();
        let mut names: Vec<&[u8]> = args.from(request.from).step_by(2).collect();
        names.retain(|name| hash.remove(name));
        update.changed(0, HDEL_EVENT);
        log_deleted(update.log(), key, &names);
    })?)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn fields_are_set_with_a_deadline() {
        for limit in [512, 0] {
            let mut server = TestServer::new();
            super::super::limit_packed(&server, limit, 64);
            assert_eq!(server.show("HSETEX h PX 100 FIELDS 2 f 1 g 2"), "(integer) 1");
            assert_eq!(server.show("HPTTL h FIELDS 2 f g"), "1) (integer) 100\n2) (integer) 100");
            assert_eq!(server.show("HSETEX h KEEPTTL FIELDS 2 f 3 i 4"), "(integer) 1");
            assert_eq!(server.show("HPTTL h FIELDS 2 f i"), "1) (integer) 100\n2) (integer) -1");
            assert_eq!(server.show("HSETEX h FIELDS 1 g 5"), "(integer) 1");
            assert_eq!(server.show("HPTTL h FIELDS 1 g"), "1) (integer) -1");
            assert_eq!(
                server.journal(),
                [
                    "0 HSETEX h PXAT 1700000000100 FIELDS 2 f 1 g 2",
                    "0 HSETEX h KEEPTTL FIELDS 2 f 3 i 4",
                    "0 HSETEX h FIELDS 1 g 5"
                ]
            );
            assert_eq!(server.events(), ["0 new h", "0 hset h", "0 hexpire h", "0 hset h", "0 hset h"]);
        }
    }

    #[test]
    fn conditions_are_about_all_fields() {
        let mut server = TestServer::new();
        assert_eq!(server.show("HSETEX h FXX FIELDS 1 f 1"), "(integer) 0");
        assert_eq!(server.show("EXISTS h"), "(integer) 0");
        assert_eq!(server.show("HSETEX h FNX FIELDS 1 f 1"), "(integer) 1");
        assert_eq!(server.show("HSETEX h FXX FIELDS 2 f 2 g 2"), "(integer) 0");
        assert_eq!(server.show("HSETEX h FNX FIELDS 2 f 2 g 2"), "(integer) 0");
        assert_eq!(server.show("HSETEX h EX 5 FXX FIELDS 1 f 2"), "(integer) 1");
        assert_eq!(server.show("HGETALL h"), "1) \"f\"\n2) \"2\"");
        assert_eq!(server.journal(), ["0 HSETEX h FNX FIELDS 1 f 1", "0 HSETEX h PXAT 1700000005000 FXX FIELDS 1 f 2"]);
    }

    #[test]
    fn a_past_deadline_deletes_what_was_set() {
        let mut server = TestServer::new();
        server.run("HSET kept a 1");
        assert_eq!(server.show("HSETEX kept PXAT 1 FIELDS 1 f 1"), "(integer) 1");
        assert_eq!(server.show("OBJECT ENCODING kept"), "\"listpackex\"");
        server.run("DEL kept");
        server.journal();
        server.events();
        assert_eq!(server.show("HSETEX h PXAT 1 FIELDS 2 f 1 g 2"), "(integer) 1");
        assert_eq!(server.show("EXISTS h"), "(integer) 0");
        assert_eq!(server.journal(), ["0 HDEL h f", "0 HDEL h g"]);
        assert_eq!(server.events(), ["0 new h", "0 hset h", "0 hdel h", "0 del h"]);
    }
}
