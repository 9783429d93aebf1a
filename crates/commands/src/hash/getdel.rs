//! HGETDEL: reads fields and deletes them. It is logged as HDEL.

use super::options::{FIELDS, fields};
use super::{HDEL_EVENT, living, reply_string};
use command::spec::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, key};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{LockedKeys, Slot};
use value::Hash;

pub static HGETDEL: CommandSpec = CommandSpec {
    name: "HGETDEL",
    group: Group::Hash,
    since: "8.0.0",
    summary: "Gives the values of fields of a hash, and deletes the fields.",
    complexity: "O(N) with the number of fields given",
    arity: -5,
    flags: Flags::WRITE.or(Flags::FAST),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))],
    args: &[key("key"), FIELDS],
    reply: Shape::ARRAY,
    run: Run::Keyed(hgetdel),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

fn hgetdel(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let key = cx.key(0);
    let slot = keys.slot(&key);
    if let Slot::Occupied(occupied) = &slot {
        occupied.expect::<Hash>()?;
    }
    let from = fields(args, 2, CommandError::FIELDS_NUMBER)?;
    cx.reply.array(args.len() - from);
    let Slot::Occupied(occupied) = slot else {
        (from..args.len()).for_each(|_| cx.reply.null());
        return Ok(());
    };
    occupied.update(|hash: &mut Hash, update| {
        let mut deleted = 0;
        for name in args.from(from) {
            match living(hash, update, name) {
                Some(field) => reply_string(cx.reply, field.value),
                None => {
                    cx.reply.null();
                    continue;
                }
            }
            hash.remove(name);
            deleted += 1;
        }
        if deleted > 0 {
            update.changed(deleted, HDEL_EVENT);
            let words: Vec<&[u8]> = [b"HDEL", key.bytes].into_iter().chain(args.from(from)).collect();
            update.log_as(&words);
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn fields_are_given_once() {
        let mut server = TestServer::new();
        server.run("HSET h f 1 g 2");
        assert_eq!(server.show("HGETDEL h FIELDS 3 f f no"), "1) \"1\"\n2) (nil)\n3) (nil)");
        assert_eq!(server.show("HGETDEL h FIELDS 1 no"), "1) (nil)");
        assert_eq!(server.show("HGETDEL h FIELDS 1 g"), "1) \"2\"");
        assert_eq!(server.show("HGETDEL h FIELDS 1 g"), "1) (nil)");
        assert_eq!(server.journal(), ["0 HSET h f 1 g 2", "0 HDEL h f f no", "0 HDEL h g"]);
        assert_eq!(server.events(), ["0 new h", "0 hset h", "0 hdel h", "0 hdel h", "0 del h"]);
    }
}
