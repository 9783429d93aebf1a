//! Seeded fuzzing without a special compiler: each target makes its input from a seed and panics at what it finds.
//!
//! * [`protocol`]: a stream of requests means the same however it arrives.
//! * [`config`]: any configuration file is taken or refused, and what was taken can be printed and read again.
//! * [`commands`]: any commands, in any order, on many sessions: each is answered exactly once; [`grammar`] draws them.
//! * [`rdb`]: any bytes are a value or none, and a value survives being written.
//! * [`models`], [`streams`]: each structure does what the plainest one does, and takes or refuses damaged bytes.
//!
//! A round is one seed, so a finding is repeated by its seed alone. The tests of this crate run a few rounds of each,
//! from seeds that are others every day; `cargo run -p russet-fuzz --release -- TARGET ROUNDS [SEED]` runs many, from
//! today's seed unless one is named.

#![forbid(unsafe_code)]

pub mod commands;
pub mod config;
pub mod grammar;
pub mod models;
pub mod protocol;
pub mod rdb;
pub mod streams;

use base::rng::Rng;

/// A target's name, and its round.
pub type Target = (&'static str, fn(&mut Rng));

pub const TARGETS: &[Target] = &[
    ("resp", protocol::round),
    ("config", config::round),
    ("commands", commands::round),
    ("packed", models::packed),
    ("blocks", models::blocks),
    ("sorted-sets", models::sorted_sets),
    ("dict", models::dict),
    ("intset", models::intset),
    ("hyperloglog", models::hyperloglog),
    ("bitmaps", models::bitmaps),
    ("lcs", models::subsequence),
    ("streams", streams::entries),
    ("stream-groups", streams::groups),
    ("rdb", rdb::round),
    ("lzf", rdb::lzf),
];

/// The first seed of today: days are so far from each other that their seeds do not meet.
pub fn seed_of_today() -> u64 {
    const SECONDS: u64 = 24 * 60 * 60;
    let day = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() / SECONDS);
    day * 1_000_000_000
}

/// Random bytes, or pieces of the target's own language, or a damaged mixture of both.
pub(crate) fn soup(rng: &mut Rng, pieces: &[&[u8]], most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..1 + rng.below(most) {
        match rng.below(8) {
            0 => bytes.extend((0..rng.below(12)).map(|_| rng.below(256) as u8)),
            1 => bytes.extend(rng.below(2000).to_string().into_bytes()),
            _ => bytes.extend_from_slice(pick(rng, pieces)),
        }
    }
    if rng.below(4) == 0 && !bytes.is_empty() {
        let at = rng.below(bytes.len() as u64) as usize;
        bytes[at] = rng.below(256) as u8;
    }
    bytes
}

/// Awkward words, for whatever takes any.
pub(crate) const VALUES: &[&[u8]] = &[
    b"",
    b"0",
    b"1",
    b"-1",
    b"2",
    b"10",
    b"100",
    b"-100",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"1.5",
    b"-0",
    b"inf",
    b"-inf",
    b"nan",
    b"1e400",
    b"0x10",
    b"*",
    b"a*",
    b"[",
    b"\\",
    b"(1",
    b"[a",
    b"+",
    b"-",
    b"$",
    b"NX",
    b"XX",
    b"EX",
    b"PX",
    b"GET",
    b"LIMIT",
    b"COUNT",
    b"MATCH",
    b"WITHSCORES",
    b"BY",
    b"STORE",
    b"LEFT",
    b"RIGHT",
    b"AND",
    b"NOT",
    b"BIT",
    b"SET",
    b"INCRBY",
    b"u8",
    b"i64",
    b"#1",
    b"OVERFLOW",
    b"KEEPTTL",
    b"PERSIST",
    b"REPLACE",
    b"DB",
    b"ABSTTL",
    b"a",
    b"b",
    b"c",
    b"\0\xff\r\n",
    b"value that is longer than what lies in line in an entry of the table",
];

pub(crate) fn pick<'a, T: ?Sized>(rng: &mut Rng, from: &[&'a T]) -> &'a T {
    from[rng.below(from.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeds that found something once. What a seed of `commands` means changes with the specs, so what those find
    /// becomes a test beside the command.
    const FOUND: &[(&str, u64)] = &[("blocks", 1_017_639), ("blocks", 2_019_277), ("blocks", 3_015_151)];

    #[test]
    fn what_was_found_once_is_not_found_again() {
        for (found, seed) in FOUND {
            let (_, round) = TARGETS.iter().find(|(name, _)| name == found).expect("a target");
            round(&mut Rng::seed(*seed));
        }
    }

    #[test]
    fn a_few_rounds_of_every_target_find_nothing() {
        let first = seed_of_today();
        println!("from seed {first}");
        for (name, round) in TARGETS {
            let rounds = match *name {
                "commands" => 40,
                "resp" | "config" => 3000,
                _ => 200,
            };
            for seed in first..first + rounds {
                let result = std::panic::catch_unwind(|| round(&mut Rng::seed(seed)));
                assert!(result.is_ok(), "{name}: seed {seed}; again by: cargo run -p russet-fuzz -- {name} 1 {seed}");
            }
        }
    }
}
