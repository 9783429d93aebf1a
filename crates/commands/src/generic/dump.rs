//! DUMP, RESTORE, RESTORE-ASKING: a value as bytes, to be kept elsewhere or taken to another server.

use crate::rdb::{loading, owned, saving};
use command::spec::{Category, Flags, Group, KeyFlags, KeySpec, Run, Shape, Work, integer, key, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Delivery, Event, Key, LockedKeys, Place};
use persist::rdb::{decode, encode, payload};
use std::sync::atomic::Ordering::Relaxed;
use value::string::Scratch;

pub static DUMP: CommandSpec = CommandSpec {
    name: "DUMP",
    since: "2.6.0",
    summary: "Gives what a key holds as bytes for RESTORE.",
    complexity: "O(N) with the bytes of the value",
    arity: 2,
    work: Work::Sum(0),
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key")],
    tips: &["nondeterministic_output"],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(dump),
    ..CommandSpec::DEFAULT
};

pub static RESTORE: CommandSpec = CommandSpec {
    name: "RESTORE",
    since: "2.6.0",
    summary: "Gives a key the value that DUMP gave as bytes.",
    complexity: "O(N) with the bytes of the value; O(N*log(N)) with the members of a sorted set",
    arity: -4,
    work: Work::Told(elements_at_least),
    flags: Flags::WRITE.or(Flags::DENYOOM),
    acl_extra: &[Category::Dangerous],
    keys: &[KeySpec::at(1, KeyFlags::OW.or(KeyFlags::UPDATE))],
    args: &[
        key("key"),
        integer("ttl"),
        string("serialized-value"),
        token("replace", "REPLACE").optional().since("3.0.0"),
        token("absttl", "ABSTTL").optional().since("5.0.0"),
        integer("seconds").token("IDLETIME").optional().since("5.0.0"),
        integer("frequency").token("FREQ").optional().since("5.0.0"),
    ],
    history: &[("3.0.0", "Takes REPLACE."), ("5.0.0", "Takes ABSTTL."), ("5.0.0", "Takes IDLETIME and FREQ.")],
    reply: Shape::SIMPLE,
    run: Run::Keyed(restore),
    ..CommandSpec::DEFAULT
};

pub static RESTORE_ASKING: CommandSpec = CommandSpec {
    name: "RESTORE-ASKING",
    group: Group::Server,
    since: "3.0.0",
    summary: "RESTORE for a slot that is on its way to this node of a cluster.",
    flags: RESTORE.flags.or(Flags::ASKING).or(Flags::SYSCMD),
    acl_extra: &[Category::Keyspace, Category::Dangerous],
    ..RESTORE
};

/// About as many elements as the payload may have, if they are not tiny.
fn elements_at_least(args: &Args<'_>, _: &mut LockedKeys<'_>, _: &[Key<'_>]) -> usize {
    const BYTES_OF_ONE: usize = 16;
    args.get(3).map_or(0, |payload| payload.len() / BYTES_OF_ONE)
}

const RESTORED: Event = Event::generic("restore");

fn dump(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let saving = saving(cx);
    match keys.view(&cx.key(0)) {
        Some(value) => {
            let mut bytes = Vec::new();
            encode(value, &saving, &mut bytes);
            payload::seal(&mut bytes);
            cx.reply.bulk(&bytes);
        }
        None => cx.reply.null(),
    }
    Ok(())
}

/// What follows the payload.
#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    /// At most one of both is given.
    idle_seconds: Option<u64>,
    frequency: Option<u8>,
}

impl Options {
    fn parse(args: &Args<'_>) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut at = 4;
        while at < args.len() {
            let more = at + 1 < args.len();
            if args.is(at, "REPLACE") {
                options.replace = true;
            } else if args.is(at, "ABSTTL") {
                options.absolute = true;
            } else if args.is(at, "IDLETIME") && more && options.frequency.is_none() {
                at += 1;
                let seconds = u64::try_from(args.int(at)?).map_err(|_| CommandError::IDLETIME)?;
                options.idle_seconds = Some(seconds);
            } else if args.is(at, "FREQ") && more && options.idle_seconds.is_none() {
                at += 1;
                options.frequency = Some(u8::try_from(args.int(at)?).map_err(|_| CommandError::FREQ)?);
            } else {
                return Err(CommandError::SYNTAX);
            }
            at += 1;
        }
        Ok(options)
    }

    /// The deadline that the time given means; none for 0.
    fn deadline(&self, ttl: i64, now_ms: u64) -> Result<Option<u64>, CommandError> {
        let ttl = u64::try_from(ttl).map_err(|_| CommandError::INVALID_TTL)?;
        let last = i64::MAX as u64;
        match ttl {
            0 => Ok(None),
            _ if self.absolute => Ok(Some(ttl)),
            _ => ttl.checked_add(now_ms).filter(|at| *at <= last).map(Some).ok_or(CommandError::INVALID_TTL),
        }
    }
}

fn restore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let options = Options::parse(args)?;
    let (place, now_ms) = (Place { db: keys.db, key: cx.key(0) }, keys.now_ms());
    if !options.replace && keys.holds(&place) {
        return Err(CommandError::BUSY_KEY);
    }
    let deadline = options.deadline(args.int(2)?, now_ms)?;
    let skip_checksum = cx.server.switches.skip_checksum.load(Relaxed);
    let open = if skip_checksum { payload::open_unchecked } else { payload::open };
    let (bytes, dialect) = open(args.word(3)).map_err(|_| CommandError::BAD_PAYLOAD)?;
    let loading = loading(cx, bytes.len());
    let (decoded, _) = decode(bytes, dialect, &loading).map_err(|_| CommandError::BAD_DATA)?;
    if deadline.is_some_and(|deadline| deadline <= now_ms) {
        // It is gone before it is there; so is what it replaces.
        if keys.delete(&place.key, Event::DEL) {
            let lazy = cx.server.tunables.memory.lazyfree_lazy_server_del.get();
            let how: &[u8] = if lazy { b"UNLINK" } else { b"DEL" };
            keys.log_as_in(place.db, &[how, place.key.bytes]);
        }
    } else {
        let recency = keys.recency();
        let lru = match recency.lfu {
            true => options.frequency.map(|frequency| recency.used(frequency)),
            false => options.idle_seconds.map(|seconds| recency.idle_for(seconds)),
        };
        keys.deliver(&place, Delivery { value: owned(decoded), deadline, lru }, RESTORED);
        if let Some(deadline) = deadline.filter(|_| !options.absolute && keys.is_logged()) {
            log(keys, args, deadline);
        }
    }
    cx.reply.ok();
    Ok(())
}

/// Logs the moment instead of the time to live.
#[cold]
fn log(keys: &mut LockedKeys<'_>, args: &Args<'_>, deadline: u64) {
    let mut digits = Scratch::default();
    let mut words: Vec<&[u8]> = vec![args.word(0), args.word(1), digits.print(deadline as i64)];
    words.extend(args.from(3));
    words.push(b"ABSTTL");
    keys.log_as(&words);
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;
    use resp::client::Value;

    fn dumped(server: &mut TestServer, key: &str) -> Vec<u8> {
        match server.run(&format!("DUMP {key}")) {
            Value::Bulk(bytes) => bytes.to_vec(),
            other => panic!("{other}"),
        }
    }

    fn restore(server: &mut TestServer, words: &[&[u8]]) -> String {
        let mut all: Vec<&[u8]> = vec![b"RESTORE"];
        all.extend(words);
        server.run_words(0, &all).to_string()
    }

    /// One key of every type and encoding, with what shows its content.
    const VALUES: [(&str, &str); 12] = [
        ("SET k 12345", "GET k"),
        ("SET k some\\x20text", "GET k"),
        ("RPUSH k a b 3 -70000 9999999999999", "LRANGE k 0 -1"),
        ("SADD k 1 2 -300000", "SMEMBERS k"),
        ("SADD k 1 two", "SMEMBERS k"),
        ("SADD k x23456789012345678901234567890123456789012345678901234567890123456", "SMEMBERS k"),
        ("HSET k a 1 b two", "HGETALL k"),
        ("HSETEX k EX 50 FIELDS 2 a 1 b two", "HPEXPIRETIME k FIELDS 3 a b c"),
        ("HSET k a x23456789012345678901234567890123456789012345678901234567890123456", "HGETALL k"),
        ("ZADD k 1 a 2.5 b -inf c", "ZRANGE k 0 -1 WITHSCORES"),
        ("ZADD k 1e30 x23456789012345678901234567890123456789012345678901234567890123456", "ZRANGE k 0 -1 WITHSCORES"),
        ("GEOADD k 13.361389 38.115556 Palermo", "ZRANGE k 0 -1 WITHSCORES"),
    ];

    #[test]
    fn every_type_is_restored_with_its_encoding() {
        for (make, show) in VALUES {
            let mut server = TestServer::new();
            server.run(make);
            let before = (server.show(show), server.show("OBJECT ENCODING k"), server.show("DEBUG DIGEST-VALUE k"));
            let bytes = dumped(&mut server, "k");
            assert_eq!(restore(&mut server, &[b"k", b"0", &bytes, b"REPLACE"]), "OK");
            let after = (server.show(show), server.show("OBJECT ENCODING k"), server.show("DEBUG DIGEST-VALUE k"));
            assert_eq!(after, before, "{make}");
            assert_eq!(dumped(&mut server, "k"), bytes, "{make}");
        }
    }

    #[test]
    fn what_is_logged_is_the_moment() {
        let mut server = TestServer::new();
        server.run("SET k v");
        let bytes = dumped(&mut server, "k");
        server.journal();
        server.events();
        let words = |server: &TestServer| -> Vec<String> {
            let line = server.journal().join("|");
            line.split(' ').filter(|word| word.is_ascii()).map(str::to_owned).collect()
        };
        assert_eq!(restore(&mut server, &[b"n", b"0", &bytes]), "OK");
        assert_eq!(words(&server)[..4], ["0", "RESTORE", "n", "0"]);
        assert_eq!(server.events(), ["0 new n", "0 restore n"]);
        assert_eq!(restore(&mut server, &[b"n", b"5000", &bytes, b"replace"]), "OK");
        assert_eq!(words(&server), ["0", "RESTORE", "n", "1700000005000", "replace", "ABSTTL"]);
        assert_eq!(server.events(), ["0 new n", "0 restore n", "0 overwritten n"]);
        assert_eq!(server.show("PTTL n"), "(integer) 5000");
        assert_eq!(restore(&mut server, &[b"n", b"5000", &bytes, b"REPLACE", b"ABSTTL"]), "OK");
        assert_eq!((server.journal(), server.events()), (vec!["0 DEL n".into()], vec!["0 del n".into()]));
        assert_eq!(restore(&mut server, &[b"n", b"5000", &bytes, b"REPLACE", b"ABSTTL"]), "OK");
        assert!(server.journal().is_empty() && server.events().is_empty());
    }

    #[test]
    fn a_restored_hash_expires_its_fields() {
        let mut server = TestServer::new();
        server.run("HSETEX k PX 500 FIELDS 1 a 1");
        server.run("HSET k b 2");
        let bytes = dumped(&mut server, "k");
        server.run("DEL k");
        server.advance_ms(600);
        assert_eq!(restore(&mut server, &[b"k", b"0", &bytes]), "OK");
        assert_eq!(server.show("HGETALL k"), "1) \"b\"\n2) \"2\"");
        server.sweep();
        assert_eq!(server.show("HLEN k"), "(integer) 1");
    }

    #[test]
    fn idle_time_and_frequency_come_along() {
        let mut server = TestServer::new();
        server.run("SET k v");
        let bytes = dumped(&mut server, "k");
        assert_eq!(restore(&mut server, &[b"n", b"0", &bytes, b"IDLETIME", b"1000"]), "OK");
        assert_eq!(server.show("OBJECT IDLETIME n"), "(integer) 1000");
        server.server.tunables.memory.maxmemory_policy.set(options::Policy::AllkeysLfu);
        server.advance_ms(0);
        assert_eq!(restore(&mut server, &[b"n", b"0", &bytes, b"REPLACE", b"FREQ", b"100"]), "OK");
        assert_eq!(server.show("OBJECT FREQ n"), "(integer) 100");
        assert_eq!(restore(&mut server, &[b"n", b"0", &bytes, b"REPLACE", b"IDLETIME", b"100"]), "OK");
        assert_eq!(server.show("OBJECT FREQ n"), "(integer) 5");
    }

    #[test]
    fn errors_come_in_the_order_of_redis_and_change_nothing() {
        let mut server = TestServer::new();
        server.run("SET k v");
        let bytes = dumped(&mut server, "k");
        let mut damaged = bytes.clone();
        damaged[1] ^= 1;
        let busy = "(error) BUSYKEY Target key name already exists.";
        let ttl = "(error) ERR Invalid TTL value, must be >= 0";
        let footer = "(error) ERR DUMP payload version or checksum are wrong";
        let cases: [(&[&[u8]], &str); 12] = [
            (&[b"k", b"0", &bytes], busy),
            (&[b"k", b"x", b"junk"], busy),
            (&[b"k", b"0", &bytes, b"FOO"], "(error) ERR syntax error"),
            (&[b"k", b"0", &bytes, b"IDLETIME"], "(error) ERR syntax error"),
            (&[b"k", b"0", &bytes, b"IDLETIME", b"1", b"FREQ", b"1"], "(error) ERR syntax error"),
            (&[b"k", b"0", &bytes, b"IDLETIME", b"-1"], "(error) ERR Invalid IDLETIME value, must be >= 0"),
            (&[b"k", b"0", &bytes, b"FREQ", b"256"], "(error) ERR Invalid FREQ value, must be >= 0 and <= 255"),
            (&[b"n", b"x", b"junk"], "(error) ERR value is not an integer or out of range"),
            (&[b"n", b"-1", b"junk"], ttl),
            (&[b"n", b"9223372036854775807", &bytes], ttl),
            (&[b"k", b"0", &damaged, b"REPLACE"], footer),
            (&[b"k", b"0", b"short", b"REPLACE"], footer),
        ];
        for (words, error) in cases {
            assert_eq!(restore(&mut server, words), error);
        }
        let mut nothing = b"\x02\x00".to_vec();
        persist::rdb::payload::seal(&mut nothing);
        assert_eq!(restore(&mut server, &[b"k", b"0", &nothing, b"REPLACE"]), "(error) ERR Bad data format");
        assert_eq!(server.show("GET k"), "\"v\"");
        assert_eq!(server.show("DUMP n"), "(nil)");
    }
}
