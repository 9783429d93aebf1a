//! LCS: the longest common subsequence of two strings.
//!
//! Redis fills a table of four bytes for each pair of positions, and refuses when that would be more than
//! `proto-max-bulk-len`. Ours takes one bit, but the limit is kept, because it bounds the time as well.

use command::spec::Work;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Key, LockedKeys, Lookup};
use structures::lcs::{self, Lcs, Match};
use value::string::{Scratch, Str};

pub static LCS: CommandSpec = CommandSpec {
    name: "LCS",
    group: Group::String,
    since: "7.0.0",
    summary: "Gives the longest sequence of bytes that two strings have in common, its length, or where it is.",
    complexity: "O(N*M), N and M being the lengths of the strings",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec {
        find: command::spec::Find::Range { last: 1, step: 1, limit: 0 },
        ..KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))
    }],
    args: &[
        key("key1"),
        key("key2"),
        token("len", "LEN").optional(),
        token("idx", "IDX").optional(),
        integer("min-match-len").token("MINMATCHLEN").optional(),
        token("withmatchlen", "WITHMATCHLEN").optional(),
    ],
    reply: Shape::BULK.or(Shape::INTEGER).or(Shape::MAP),
    run: Run::Keyed(lcs),
    work: Work::Told(to_compare),
    ..CommandSpec::DEFAULT
};

#[derive(Default)]
struct Options {
    len: bool,
    idx: bool,
    with_match_len: bool,
    min_match_len: usize,
}

/// Pairs of bytes that are compared in the time that others need for an element.
const PAIRS_AT_ONCE: usize = 2048;

/// Bytes that are read in that time.
const BYTES_AT_ONCE: usize = 64;

/// All bytes, and all pairs of them, as work.
fn to_compare(_: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let [a, b] = [0, 1].map(|at| keys.peek_string(&located[at]).map_or(0, <[u8]>::len));
    a.saturating_mul(b) / PAIRS_AT_ONCE + (a + b) / BYTES_AT_ONCE
}

fn lcs(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    // Both are looked up before either is judged, so that misses count as in Redis.
    let (a, b) = (length(keys, &cx.key(0)), length(keys, &cx.key(1)));
    let (a, b) = (a.ok_or(CommandError::LCS_NOT_STRINGS)?, b.ok_or(CommandError::LCS_NOT_STRINGS)?);
    let options = parse(args)?;
    // Nothing is copied that will be refused.
    check_size(a, b, super::string_len_max(cx))?;
    let (a, b) = (fetch(keys, &cx.key(0)), fetch(keys, &cx.key(1)));
    if options.len {
        cx.reply.int(lcs::length(&a, &b) as i64);
        return Ok(());
    }
    let lcs = Lcs::new(&a, &b);
    if !options.idx {
        cx.reply.bulk(&lcs.string());
        return Ok(());
    }
    cx.reply.map(2);
    cx.reply.bulk(b"matches");
    let matches = lcs.matches(options.min_match_len);
    cx.reply.array(matches.len());
    for found in matches {
        reply_match(cx, found, options.with_match_len);
    }
    cx.reply.bulk(b"len");
    cx.reply.int(lcs.len() as i64);
    Ok(())
}

/// The string's length, 0 when the key is not there; `None` for another type.
fn length(keys: &mut LockedKeys<'_>, key: &Key<'_>) -> Option<usize> {
    keys.read(key).map_or(Some(0), |entry| Str::of(entry.value()).map(Str::len))
}

/// The bytes of the string that was there just now.
fn fetch(keys: &mut LockedKeys<'_>, key: &Key<'_>) -> Vec<u8> {
    let entry = keys.lookup(key, Lookup::SILENT);
    let string = entry.and_then(|entry| Str::of(entry.value()));
    string.map_or_else(Vec::new, |string| string.bytes(&mut Scratch::default()).to_vec())
}

fn parse(args: &Args<'_>) -> Result<Options, CommandError> {
    let mut options = Options::default();
    let mut at = 3;
    while at < args.len() {
        if args.is(at, "IDX") {
            options.idx = true;
        } else if args.is(at, "LEN") {
            options.len = true;
        } else if args.is(at, "WITHMATCHLEN") {
            options.with_match_len = true;
        } else if args.is(at, "MINMATCHLEN") && at + 1 < args.len() {
            options.min_match_len = usize::try_from(args.int(at + 1)?).unwrap_or(0);
            at += 1;
        } else {
            return Err(CommandError::SYNTAX);
        }
        at += 1;
    }
    if options.idx && options.len { Err(CommandError::LCS_LEN_AND_IDX) } else { Ok(options) }
}

fn check_size(a: usize, b: usize, len_max: u64) -> CommandResult {
    const CELL_BYTES: u128 = 4;
    if a.max(b) >= u32::MAX as usize - 1 {
        return Err(CommandError::LCS_TOO_LONG);
    }
    let table = (a as u128 + 1) * (b as u128 + 1) * CELL_BYTES;
    if table > u128::from(len_max) { Err(CommandError::LCS_TOO_MUCH_MEMORY) } else { Ok(()) }
}

fn reply_match(cx: &mut Ctx<'_>, found: Match, with_len: bool) {
    cx.reply.array(if with_len { 3 } else { 2 });
    for (start, end) in [(found.a_start, found.a_end()), (found.b_start, found.b_end())] {
        cx.reply.array(2);
        cx.reply.int(start as i64);
        cx.reply.int(end as i64);
    }
    if with_len {
        cx.reply.int(found.len as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestServer;

    #[test]
    fn text_length_and_places() {
        let mut server = TestServer::new();
        server.run("MSET a ohmytext b mynewtext n 12 m 112");
        assert_eq!(server.show("LCS a b"), "\"mytext\"");
        assert_eq!(server.show("LCS a b LEN"), "(integer) 6");
        assert_eq!(server.show("LCS a none LEN"), "(integer) 0");
        assert_eq!(server.show("LCS n m"), "\"12\"");
        let places = server.show("LCS a b IDX MINMATCHLEN 3 WITHMATCHLEN");
        assert_eq!(places.matches("(integer)").count(), 6, "one match and the length: {places}");
    }

    #[test]
    fn options_are_checked() {
        let mut server = TestServer::new();
        server.run("MSET a abc b bcd");
        assert_eq!(server.show("LCS a b MINMATCHLEN"), "(error) ERR syntax error");
        assert_eq!(server.show("LCS a b LEN IDX FOO"), "(error) ERR syntax error");
        assert_eq!(server.show("LCS a b LEN IDX"), format!("(error) {}", CommandError::LCS_LEN_AND_IDX));
    }

    #[test]
    fn the_limit_is_that_of_a_table_of_four_bytes() {
        const MIB: u64 = 1 << 20;
        assert_eq!(check_size(511, 511, MIB), Ok(()));
        assert_eq!(check_size(511, 512, MIB), Err(CommandError::LCS_TOO_MUCH_MEMORY));
        assert_eq!(check_size(0, u32::MAX as usize - 1, u64::MAX), Err(CommandError::LCS_TOO_LONG));
    }
}
