//! Calls drawn from what the specs say of their arguments.
//!
//! A drawn call fits the grammar of its command: keys from a few names, each with a type that it mostly has; numbers on
//! and beside the edges of what fits; tokens, optional parts, repeated parts, one of several; and where a number says
//! how many words follow, so many do. [`mutate`] then spoils some calls, for what a client gets wrong: a word too few,
//! one twice, two in each other's place.

use crate::{VALUES, pick, soup};
use base::rng::Rng;
use command::CommandSpec;
use command::spec::registry::Command;
use command::spec::{ArgKind, ArgSpec, Group};

pub type Words = Vec<Vec<u8>>;

/// Nothing lies between the small numbers and those at the edges: so many members, or bytes, a command would really
/// make.
const INTEGERS: &[&[u8]] = &[
    b"0",
    b"1",
    b"-1",
    b"2",
    b"3",
    b"-3",
    b"10",
    b"100",
    b"-100",
    b"127",
    b"128",
    b"255",
    b"256",
    b"9223372036854775806",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775807",
    b"-9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551615",
    b"18446744073709551616",
];
const DOUBLES: &[&[u8]] = &[
    b"0",
    b"1",
    b"-1",
    b"1.5",
    b"-0",
    b"3.0e3",
    b"89.9",
    b"180",
    b"1e-320",
    b"1e308",
    b"1e400",
    b"inf",
    b"-inf",
    b"nan",
    b"(1",
    b"9007199254740993",
];
/// Long ago, and far ahead, in seconds and in milliseconds.
const TIMES: &[&[u8]] = &[b"1", b"1700000000", b"1700000000000", b"4102444800", b"4102444800000"];
const PATTERNS: &[&[u8]] = &[b"*", b"?", b"[a-c]*", b"k*", b"w_*->f", b"#", b"\\", b"[", b""];
/// Members, fields, elements and the like: few, so that they meet again.
const NAMES: &[&[u8]] = &[b"a", b"b", b"c", b"d", b"1", b"2", b"", b"\0\xff\r\n"];

/// A call of a command that its grammar allows.
pub fn call(rng: &mut Rng, command: &Command) -> Words {
    let mut call = Call { rng, group: command.spec.group, words: Vec::new() };
    for name in command.full_name.split('|') {
        let name = call.in_some_case(name);
        call.words.push(name);
    }
    call.sequence(command.spec.args);
    call.words
}

/// Calls that make a key of each type, with a few elements.
pub fn fill(rng: &mut Rng) -> Vec<Words> {
    let number = rng.below(3);
    let elements: Vec<&str> = ["a 1", "b 2", "c 3", "1 4"].into_iter().take(1 + rng.below(4) as usize).collect();
    let names = || elements.iter().map(|pair| pair.split(' ').next().unwrap_or_default());
    let swapped =
        || elements.iter().filter_map(|pair| pair.split_once(' ')).map(|(name, value)| format!("{value} {name}"));
    let lines = [
        format!("SET {} 10", name_of("string", number)),
        format!("RPUSH {} {}", name_of("list", number), elements.join(" ")),
        format!("HSET {} {}", name_of("hash", number), elements.join(" ")),
        format!("SADD {} {}", name_of("set", number), names().collect::<Vec<_>>().join(" ")),
        format!("ZADD {} {}", name_of("zset", number), swapped().collect::<Vec<_>>().join(" ")),
        format!("PFADD {} {}", name_of("hll", number), elements.join(" ")),
        format!("GEOADD {} 10 40 a 10.5 40.5 b", name_of("geo", number)),
        format!("XADD {} * {}", name_of("stream", number), elements.join(" ")),
        format!("XGROUP CREATE {} a 0", name_of("stream", number)),
    ];
    lines.iter().map(|line| line.split(' ').map(|word| word.as_bytes().to_vec()).collect()).collect()
}

/// The name of a key for a type. The first of each type are in one shard.
fn name_of(kind: &str, number: u64) -> String {
    if number == 0 { format!("{{tag}}{kind}") } else { format!("{kind}{number}") }
}

/// Whether a command has a grammar: a container has none of its own.
pub fn has_grammar(spec: &CommandSpec) -> bool {
    spec.subcommands.is_empty()
}

struct Call<'r> {
    rng: &'r mut Rng,
    group: Group,
    words: Words,
}

impl Call<'_> {
    fn chance(&mut self, of: u64) -> bool {
        self.rng.below(of) == 0
    }

    fn one_of(&mut self, from: &[&[u8]]) -> Vec<u8> {
        pick(self.rng, from).to_vec()
    }

    fn in_some_case(&mut self, word: &str) -> Vec<u8> {
        if self.chance(8) { word.to_lowercase().into_bytes() } else { word.to_uppercase().into_bytes() }
    }

    /// Arguments one after the other.
    fn sequence(&mut self, args: &[ArgSpec]) {
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let times = self.times(arg);
            match rest.as_slice().first() {
                // A number that says how many follow: `numkeys key [key ...]`.
                Some(next) if arg.kind == ArgKind::Integer && arg.name.starts_with("num") && next.multiple => {
                    let count = self.times(next);
                    self.words.push(count.to_string().into_bytes());
                    self.argument(next, count);
                    rest.next();
                }
                // As many of these as of those: `STREAMS key [key ...] id [id ...]`.
                Some(next) if matches!(arg.kind, ArgKind::Key(_)) && arg.multiple && next.multiple => {
                    self.argument(arg, times);
                    self.argument(next, times);
                    rest.next();
                }
                _ => self.argument(arg, times),
            }
        }
    }

    /// How often an argument is there.
    fn times(&mut self, arg: &ArgSpec) -> u64 {
        if arg.optional && self.chance(2) {
            0
        } else if arg.multiple {
            1 + self.rng.below(3)
        } else {
            1
        }
    }

    fn argument(&mut self, arg: &ArgSpec, times: u64) {
        for time in 0..times {
            if !arg.token.is_empty() && (time == 0 || arg.multiple_token) {
                let token = self.in_some_case(arg.token);
                self.words.push(token);
            }
            self.once(arg);
        }
    }

    fn once(&mut self, arg: &ArgSpec) {
        match arg.kind {
            ArgKind::PureToken => return,
            ArgKind::Block => return self.sequence(arg.children),
            ArgKind::OneOf => {
                let child = self.rng.below(arg.children.len() as u64) as usize;
                let child = ArgSpec { optional: false, ..arg.children[child] };
                let times = self.times(&child);
                return self.argument(&child, times);
            }
            ArgKind::String
            | ArgKind::Integer
            | ArgKind::Double
            | ArgKind::Key(_)
            | ArgKind::Pattern
            | ArgKind::UnixTime => {}
        }
        let word = match arg.kind {
            _ if self.chance(32) => self.one_of(VALUES),
            ArgKind::Key(_) => self.key(),
            ArgKind::Integer | ArgKind::UnixTime if self.chance(3) => self.one_of(INTEGERS),
            ArgKind::Double if self.chance(3) => self.one_of(DOUBLES),
            ArgKind::Integer | ArgKind::Double => {
                let below = if self.chance(2) { 3 } else { 12 };
                self.rng.below(below).to_string().into_bytes()
            }
            ArgKind::UnixTime => self.one_of(TIMES),
            ArgKind::Pattern => self.one_of(PATTERNS),
            _ => self.string(arg.name),
        };
        self.words.push(word);
    }

    /// A key that is mostly of the command's type, if others leave it so.
    fn key(&mut self) -> Vec<u8> {
        let kinds: &[&str] = &["string", "list", "hash", "set", "zset", "hll", "geo", "stream"];
        let own = match self.group.name() {
            "bitmap" => "string",
            "hyperloglog" => "hll",
            "sorted-set" => "zset",
            name if kinds.contains(&name) => name,
            _ => pick(self.rng, kinds),
        };
        let kind = if self.chance(12) { pick(self.rng, kinds) } else { own };
        name_of(kind, self.rng.below(3)).into_bytes()
    }

    /// A string, by what the grammar calls it.
    fn string(&mut self, name: &str) -> Vec<u8> {
        match name {
            "username" => self.one_of(&[b"default", b"", b"nobody"]),
            "rule" => self.one_of(&[b"on", b"nopass", b"~*", b"+@all", b"-", b"nosuch"]),
            // Of commands whose words are a command.
            "command" => self.one_of(&[b"GET", b"SET", b"MGET", b"NONE"]),
            "arg" => self.key(),
            "subcommand" => self.one_of(&[b"GETREG", b"DECODE", b"ENCODING", b"TODENSE", b"SIMD"]),
            "serialized-value" => {
                let mut payload = self.one_of(crate::rdb::SOUND);
                persist::rdb::payload::seal(&mut payload);
                payload
            }
            "encoding" => self.one_of(&[b"u8", b"i8", b"u1", b"i64", b"u63", b"u64", b"i5"]),
            "offset" => self.one_of(&[b"0", b"7", b"#1", b"100", b"-1"]),
            "min" | "max" | "start" | "stop" | "end" => {
                self.one_of(&[b"-", b"+", b"[a", b"(b", b"[c", b"0", b"-1", b"(1", b"-inf", b"+inf", b"$"])
            }
            "id" | "last-id" | "lastid" | "max-deleted-id" => {
                self.one_of(&[b"*", b"0", b"$", b">", b"1-1", b"1-2", b"1-*", b"5-0", b"0-0", b"4102444800000-0"])
            }
            "group" | "consumer" => self.one_of(&[b"a", b"b", b"c"]),
            "min-idle-time" | "threshold" => self.one_of(&[b"0", b"1", b"1-1", b"100", b"-1"]),
            "value" | "increment" | "element" | "member" if self.chance(2) => {
                self.one_of(&[b"1", b"2", b"3", b"10", b"-5"])
            }
            _ if self.chance(6) => self.one_of(VALUES),
            _ => self.one_of(NAMES),
        }
    }
}

/// Spoils a call.
pub fn mutate(rng: &mut Rng, words: &mut Words) {
    let any = |rng: &mut Rng, words: &Words| rng.below(words.len() as u64) as usize;
    for _ in 0..1 + rng.below(2) {
        let at = any(rng, words);
        match rng.below(6) {
            0 if words.len() > 1 => {
                words.remove(at);
            }
            1 => words.insert(at, words[at].clone()),
            2 => {
                let other = any(rng, words);
                words.swap(at, other);
            }
            3 => words.truncate(at.max(1)),
            4 => words[at] = soup(rng, VALUES, 3),
            _ => words.push(pick(rng, VALUES).to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use command::spec::{block, integer, key, one_of, string, token};

    static SPEC: CommandSpec = CommandSpec {
        name: "TAKE",
        args: &[
            integer("numkeys"),
            key("key").multiple(),
            one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]),
            block("limit", &[integer("offset"), integer("count")]).token("LIMIT").optional(),
            string("field").token("GET").multiple_token(),
        ],
        ..CommandSpec::DEFAULT
    };

    fn calls() -> impl Iterator<Item = Vec<String>> {
        let registry = command::spec::registry::Registry::new(&[&[&SPEC]], &[]).expect("one name");
        let show = |word: Vec<u8>| String::from_utf8_lossy(&word).to_uppercase();
        (0..500).map(move |seed| {
            let words = call(&mut Rng::seed(seed), registry.by_id(0));
            words.into_iter().map(show).collect()
        })
    }

    #[test]
    fn drawn_calls_fit_the_grammar() {
        let (mut limits, mut gets) = (0, 0);
        for words in calls() {
            assert_eq!(words[0], "TAKE");
            let keys: usize = words[1].parse().expect("the number of keys");
            assert!((1..=3).contains(&keys), "{words:?}");
            let mut rest = &words[2 + keys..];
            assert!(["ASC", "DESC"].contains(&rest[0].as_str()), "{words:?}");
            rest = &rest[1..];
            if rest[0] == "LIMIT" {
                limits += 1;
                rest = &rest[3..];
            }
            assert!(rest.len() % 2 == 0 && rest.chunks(2).all(|pair| pair[0] == "GET"), "{words:?}");
            gets += usize::from(rest.len() > 2);
        }
        assert!((150..350).contains(&limits), "optional parts are there and are not: {limits}");
        assert!((150..450).contains(&gets), "parts are repeated: {gets}");
    }

    #[test]
    fn mutations_leave_at_least_a_word_and_change_most_calls() {
        let changed = calls().enumerate().filter(|(seed, words)| {
            let mut spoilt: Words = words.iter().map(|word| word.clone().into_bytes()).collect();
            let before = spoilt.clone();
            mutate(&mut Rng::seed(*seed as u64), &mut spoilt);
            assert!(!spoilt.is_empty());
            spoilt != before
        });
        assert!(changed.count() > 400);
    }
}
