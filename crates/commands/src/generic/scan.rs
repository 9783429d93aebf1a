//! SCAN: the keys of a database, a few with every call.
//!
//! The cursor holds the shard's number in its low bits and the place within the shard's table above: shards are
//! gone through one after the other, each as its table's own scan does it. A key that is there from the first call
//! to the last is given at least once, whatever happens in between. Any cursor may be given; places are below
//! 2^37 and shards below 2^15, so every cursor fits into 53 bits, for clients that read it as a double.
//!
//! A call ends when it has met `COUNT` keys, or has made ten times as many steps that met any number of them (a
//! step visits about eight). Empty shards are passed by at once.

use base::glob::glob_match;
use base::num::parse_i64;
use base::text::eq_ignore_case;
use command::spec::work::{LONG_ELEMENTS, Work, counted};
use command::spec::{Flags, Run, Shape, integer, pattern, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Key, LockedKeys, ShardView};
use resp::{Output, ReplyWriter};

pub static SCAN: CommandSpec = CommandSpec {
    name: "SCAN",
    since: "2.8.0",
    summary: "Goes through the keys of the database, a few with every call.",
    complexity: "O(1) for a call, O(N) for all calls until the cursor is 0 again, with the number of keys",
    arity: -2,
    flags: Flags::READONLY,
    args: &[
        integer("cursor"),
        pattern("pattern").token("MATCH").optional(),
        integer("count").token("COUNT").optional(),
        string("type").token("TYPE").optional().since("6.0.0"),
    ],
    history: &[("6.0.0", "Takes the option `TYPE`.")],
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    reply: Shape::ARRAY,
    run: Run::Visit(scan),
    work: Work::Told(keys_to_meet),
    ..CommandSpec::DEFAULT
};

/// Keys that a call is to meet unless told otherwise.
const COUNT: usize = 10;
/// Steps allowed for each key (or element of a collection) that is to be met.
const STEPS_PER_KEY: usize = 10;
/// Steps taken before the shard is let go, so that others get a turn when COUNT is large.
const STEPS_PER_LOCK: usize = 16;

/// What a scan is asked for: shared with the scans of collections.
pub struct Options<'a> {
    pub cursor: u64,
    pub count: usize,
    /// `None` for everything.
    pub pattern: Option<&'a [u8]>,
    /// The name of a type; SCAN only.
    pub type_name: Option<&'a [u8]>,
    /// HSCAN only.
    pub no_values: bool,
}

/// What is scanned: some options belong to one scan only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Keys,
    Fields,
    /// Of a set or a sorted set.
    Members,
}

impl<'a> Options<'a> {
    /// The cursor at `at`. It is looked at before the key is, the options afterwards.
    pub fn cursor(args: &Args<'a>, at: usize) -> Result<u64, CommandError> {
        parse_cursor(args.word(at)).ok_or(CommandError::INVALID_CURSOR)
    }

    /// Reads the cursor at `at` and the options behind it.
    pub fn parse(args: &Args<'a>, at: usize, of: Of) -> Result<Options<'a>, CommandError> {
        let cursor = Options::cursor(args, at)?;
        let mut options = Options { cursor, count: COUNT, pattern: None, type_name: None, no_values: false };
        let mut at = at + 1;
        while at < args.len() {
            if args.is(at, "NOVALUES") && of == Of::Fields {
                options.no_values = true;
                at += 1;
                continue;
            }
            if args.is(at, "NOVALUES") {
                return Err(CommandError::NOVALUES_NOT_HSCAN);
            }
            if at + 1 == args.len() {
                return Err(CommandError::SYNTAX);
            }
            let value = args.word(at + 1);
            if args.is(at, "COUNT") {
                let count = args.int(at + 1)?;
                options.count = usize::try_from(count).ok().filter(|&count| count > 0).ok_or(CommandError::SYNTAX)?;
            } else if args.is(at, "MATCH") {
                options.pattern = (value != b"*").then_some(value);
            } else if args.is(at, "TYPE") && of == Of::Keys {
                options.type_name = Some(value);
            } else {
                return Err(CommandError::SYNTAX);
            }
            at += 2;
        }
        Ok(options)
    }

    /// Goes through a collection, from the cursor on, until enough elements were met or enough steps made; gives the
    /// next cursor. `step` visits what is at a cursor, counts what it met, and gives the cursor after it.
    pub fn walk(&self, mut step: impl FnMut(u64, &mut usize) -> u64) -> u64 {
        let (mut place, mut met) = (self.cursor, 0);
        for _ in 0..self.count.saturating_mul(STEPS_PER_KEY) {
            place = step(place, &mut met);
            if place == 0 || met >= self.count {
                break;
            }
        }
        place
    }

    pub fn matches(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob_match(pattern, name, false))
    }
}

/// Replies with the next cursor and with elements that are written already.
pub fn reply_page(reply: &mut ReplyWriter, cursor: u64, count: usize, elements: &mut Output) {
    reply.array(2);
    reply.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    reply.array(count);
    reply.out.append(elements);
}

/// A cursor as Redis reads it, with C's `strtoull`: it ends at a zero byte; blanks and a sign in front are no mistake,
/// and a negative number wraps around. Only what is a well-formed negative integer of 64 bits is refused.
fn parse_cursor(word: &[u8]) -> Option<u64> {
    let word = word.split(|byte| *byte == 0).next().unwrap_or_default();
    if parse_i64(word).is_some_and(|number| number < 0) {
        return None;
    }
    let start = word.iter().position(|byte| !matches!(byte, b' ' | b'\t'..=b'\r'))?;
    let (negative, digits) = match &word[start..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0u64, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })?;
    Some(if negative { number.wrapping_neg() } else { number })
}

/// How far a call has come.
struct Progress {
    /// Place in the table of the current shard.
    place: u64,
    met: usize,
    steps_left: usize,
    /// The names that fit, written already, and how many they are.
    found: ReplyWriter,
    count: usize,
}

/// Keys that a call will meet, or more.
fn keys_to_meet(args: &Args<'_>, keys: &mut LockedKeys<'_>, _: &[Key<'_>]) -> usize {
    let count = Options::parse(args, 1, Of::Keys).map_or(0, |options| options.count);
    // To count the keys is more work than most calls are.
    if count < LONG_ELEMENTS { count } else { count.min(super::keys::count_keys(keys) as usize) }
}

/// Elements of a collection that a call will meet, or more.
pub fn elements_to_meet(args: &Args<'_>, keys: &LockedKeys<'_>, key: &Key<'_>, of: Of) -> usize {
    let count = if args.len() > 3 { Options::parse(args, 2, of).map_or(0, |options| options.count) } else { COUNT };
    counted(count, keys, key)
}

fn scan(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let options = Options::parse(args, 1, Of::Keys)?;
    let (db, shards) = (keys.db, keys.keyspace().shards());
    let mut shard = options.cursor as usize & (shards - 1);
    let mut progress = Progress {
        place: options.cursor >> shards.trailing_zeros(),
        met: 0,
        steps_left: options.count.saturating_mul(STEPS_PER_KEY),
        found: ReplyWriter::new(cx.reply.proto),
        count: 0,
    };
    while shard < shards && progress.met < options.count && progress.steps_left > 0 {
        keys.visit_one(shard, |view| steps(view, db, &options, &mut progress));
        if progress.place == 0 {
            shard += 1;
        }
    }
    let next = if shard == shards { 0 } else { progress.place << shards.trailing_zeros() | shard as u64 };
    reply_page(cx.reply, next, progress.count, &mut progress.found.out);
    Ok(())
}

/// Goes on in one shard, which is locked; `place` is 0 afterwards when the shard is done.
fn steps(view: &mut ShardView<'_>, db: usize, options: &Options<'_>, progress: &mut Progress) {
    for _ in 0..STEPS_PER_LOCK {
        if view.db(db).is_empty() {
            progress.place = 0;
            return;
        }
        let Progress { met, found, count, .. } = progress;
        progress.place = view.scan(db, progress.place, &mut |entry| {
            *met += 1;
            let of_type = |wanted| eq_ignore_case(value::type_name(&entry.value()).as_bytes(), wanted);
            if options.type_name.is_none_or(of_type) && options.matches(entry.key()) {
                found.bulk(entry.key());
                *count += 1;
            }
        });
        progress.steps_left -= 1;
        if progress.place == 0 || progress.met >= options.count || progress.steps_left == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;
    use base::rng::Rng;
    use resp::client::Value;
    use std::collections::HashSet;

    /// One call; returns the next cursor and the keys.
    fn step(server: &mut TestServer, cursor: &str, options: &str) -> (String, Vec<String>) {
        let Value::Array(parts) = server.run(&format!("SCAN {cursor} {options}")) else { panic!("two parts") };
        let [Value::Bulk(next), Value::Array(keys)] = &parts[..] else { panic!("a cursor and keys: {parts:?}") };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let key = |key: &Value| if let Value::Bulk(bytes) = key { text(bytes) } else { panic!("a key: {key:?}") };
        (text(next), keys.iter().map(key).collect())
    }

    #[test]
    fn keys_that_stay_are_all_given_whatever_comes_and_goes() {
        let mut rng = Rng::seed(3);
        for count in [1, 10, 100] {
            let mut server = TestServer::new();
            for number in 0..3000 {
                server.run(&format!("SET stays{number} 1"));
            }
            let mut seen = HashSet::new();
            let mut cursor = "0".to_owned();
            loop {
                let (next, keys) = step(&mut server, &cursor, &format!("COUNT {count}"));
                seen.extend(keys);
                for _ in 0..20 {
                    let number = rng.below(20_000);
                    let command = if rng.below(2) == 0 { "DEL" } else { "INCR" };
                    server.run(&format!("{command} comes{number}"));
                }
                cursor = next;
                if cursor == "0" {
                    break;
                }
            }
            for number in 0..3000 {
                assert!(seen.contains(&format!("stays{number}")), "stays{number} is missing, COUNT {count}");
            }
        }
    }

    #[test]
    fn without_changes_each_key_is_given_once_and_calls_are_bounded() {
        let mut server = TestServer::new();
        for number in 0..20_000 {
            server.run(&format!("SET key{number} 1"));
        }
        let (mut cursor, mut given, mut most) = ("0".to_owned(), Vec::new(), 0);
        loop {
            let (next, keys) = step(&mut server, &cursor, "COUNT 20");
            most = most.max(keys.len());
            given.extend(keys);
            cursor = next;
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(given.len(), 20_000);
        assert_eq!(given.iter().collect::<HashSet<_>>().len(), 20_000);
        assert!(most < 60, "{most} keys in a call with COUNT 20");
    }

    #[test]
    fn a_small_database_takes_one_call() {
        let mut server = TestServer::new();
        assert_eq!(step(&mut server, "0", ""), ("0".to_owned(), vec![]));
        for number in 0..9 {
            server.run(&format!("SET key{number} 1"));
        }
        let (cursor, keys) = step(&mut server, "0", "");
        assert_eq!((cursor.as_str(), keys.len()), ("0", 9));
        assert_eq!(step(&mut server, "0", "MATCH key3 TYPE STRING"), ("0".to_owned(), vec!["key3".to_owned()]));
        assert_eq!(step(&mut server, "0", "TYPE list").1, Vec::<String>::new());
        assert_eq!(step(&mut server, "18446744073709551615", "").0, "0");
    }

    #[test]
    fn expired_keys_are_deleted_instead_of_given() {
        let mut server = TestServer::new();
        server.run("SET old 1 PX 10");
        server.run("SET new 1");
        server.advance_ms(10);
        server.journal();
        server.events();
        assert_eq!(step(&mut server, "0", "MATCH n*").1, ["new"]);
        assert_eq!(server.events(), ["0 expired old"]);
        assert_eq!(server.journal(), ["0 DEL old"]);
    }

    #[test]
    fn cursors_are_read_leniently_and_options_are_not() {
        let mut server = TestServer::new();
        for cursor in ["00", "+0", "' 0'", "-00", "' -0'", "\"\\x0b0\"", "\"0\\x00a\"", "-18446744073709551615"] {
            assert_eq!(step(&mut server, cursor, "").0, "0");
        }
        for cursor in [
            "-1",
            "''",
            "0x1",
            "18446744073709551616",
            "'0 '",
            "1e1",
            "--1",
            "'- 1'",
            "\"\\x00\"",
            "-18446744073709551616",
        ] {
            assert_eq!(server.show(&format!("SCAN {cursor} FOO")), "(error) ERR invalid cursor");
        }
        for options in ["COUNT", "COUNT 0", "COUNT -1", "FOO bar", "MATCH", "COUNT 5 COUNT 0"] {
            assert_eq!(server.show(&format!("SCAN 0 {options}")), "(error) ERR syntax error");
        }
        assert_eq!(server.show("SCAN 0 COUNT x"), "(error) ERR value is not an integer or out of range");
        assert_eq!(server.show("SCAN 0 NOVALUES"), "(error) ERR NOVALUES option can only be used in HSCAN");
    }
}
