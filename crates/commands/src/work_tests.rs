//! Which calls are long enough to run elsewhere: what the specs declare as [`Work`](command::spec::Work), and that a
//! command does there what it does where it is. How commands run elsewhere is a matter of their path:
//! `crates/dispatch/tests/path/long.rs`.

use crate::testing::TestServer;
use command::spec::work::LONG_ELEMENTS;

/// A server with a list and a sorted set that are large enough for ranges of them to be long.
fn large_server() -> TestServer {
    const ELEMENTS: usize = 25_000;
    let mut server = TestServer::new();
    for from in (0..ELEMENTS).step_by(1000) {
        let elements: String = (from..from + 1000).map(|number| format!(" {number}")).collect();
        server.run(&format!("RPUSH list{elements}"));
        let pairs: String = (from..from + 1000).map(|number| format!(" {number} member{number:05}")).collect();
        server.run(&format!("ZADD zset{pairs}"));
        let names: String = (from..from + 1000).map(|number| format!(" 0 name{number:05}")).collect();
        server.run(&format!("ZADD names{names}"));
    }
    server.run_long_elsewhere(LONG_ELEMENTS);
    server
}

#[test]
fn long_ranges_run_elsewhere_and_short_ones_at_once() {
    let mut server = large_server();
    for long in [
        "LRANGE list 0 -1",
        "LRANGE list -20000 -1",
        "LRANGE list 5 20000",
        "ZRANGE zset 0 -1",
        "ZRANGE zset 0 -1 REV WITHSCORES",
        "ZRANGE zset 100 (20000 BYSCORE",
        "ZRANGE zset +inf -inf BYSCORE REV LIMIT 0 -1",
        "ZRANGE zset 0 inf BYSCORE LIMIT 10 15000",
        "ZREVRANGE zset 0 99999999",
        "ZRANGEBYSCORE zset -inf +inf",
        "ZREVRANGEBYSCORE zset 20000 (5 WITHSCORES",
        "ZRANGEBYLEX names - +",
        "ZREVRANGEBYLEX names + [name00100",
        "ZRANGESTORE out zset 0 -1",
        "COPY zset other",
        "COPY zset other REPLACE",
        "ZREMRANGEBYRANK other 0 12000",
        "COPY zset other REPLACE",
        "ZREMRANGEBYSCORE other 100 15000",
        "ZREMRANGEBYLEX names [name00010 [name15000",
        "COPY list there DB 1",
    ] {
        assert_eq!(server.send(0, long), "long", "{long}");
        server.execute();
        assert!(server.answer(0).is_some(), "{long}");
    }
    for (short, lines) in [
        ("LRANGE list 0 9", 10),
        ("LRANGE list -10 -1", 10),
        ("LRANGE list 24990 -1", 10),
        ("LRANGE nothing 0 -1", 1),
        ("LRANGE list 20000 5", 1),
        ("LRANGE list 9223372036854775807 -9223372036854775808", 1),
        ("LRANGE list -9223372036854775808 9", 10),
        ("ZRANGE zset 0 9", 10),
        ("ZRANGE zset 100 105 BYSCORE", 6),
        ("ZRANGE zset 0 +inf BYSCORE LIMIT 0 10", 10),
        ("ZRANGE zset 0 -1 BYSCORE", 1),
        ("ZREVRANGE zset 0 9 WITHSCORES", 20),
        ("ZRANGEBYSCORE zset (5 (7", 1),
        ("ZRANGEBYLEX names [name00001 [name00004", 4),
        ("ZREVRANGEBYSCORE zset inf 0 LIMIT 20000 3", 3),
        ("ZRANGESTORE out zset 0 9", 1),
        ("ZREMRANGEBYSCORE zset 5 7", 1),
        ("ZREMRANGEBYRANK zset -2 -1", 1),
        ("COPY missing there DB 1", 1),
        ("ZREMRANGEBYLEX names [name00003 [name00009", 1),
        ("ZREMRANGEBYLEX names x y", 1),
        ("ZRANGE zset 0 x", 1),
        ("ZRANGEBYSCORE zset x y", 1),
    ] {
        assert_eq!(server.show(short).lines().count(), lines, "{short}");
    }
}

/// Two servers with the same large collections: one runs long commands elsewhere, the other where they are.
struct Twins {
    server: TestServer,
    in_place: TestServer,
}

impl Twins {
    /// After `commands`, which both have run.
    fn new(commands: &[String]) -> Twins {
        let mut twins = Twins { server: TestServer::new(), in_place: TestServer::new() };
        for server in [&mut twins.server, &mut twins.in_place] {
            commands.iter().for_each(|command| drop(server.run(command)));
            server.journal();
            server.events();
        }
        twins.server.run_long_elsewhere(LONG_ELEMENTS);
        twins
    }

    /// Runs a command that is long; returns its answer.
    fn long(&mut self, line: &str) -> String {
        assert_eq!(self.server.send(0, line), "long", "{line}");
        self.server.execute();
        self.server.answer(0).expect("it ran")
    }

    /// Runs commands that are long: they do, log and announce the same as where they are.
    fn all_long(&mut self, lines: &[&str]) {
        for line in lines {
            assert!(self.long(line) == self.in_place.show(line), "{line}");
            assert_eq!(self.server.journal(), self.in_place.journal(), "{line}");
            assert_eq!(self.server.events(), self.in_place.events(), "{line}");
        }
        assert_eq!(self.server.show("DEBUG DIGEST"), self.in_place.show("DEBUG DIGEST"));
    }

    /// Runs commands that are not.
    fn all_short(&mut self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.server.show(line), self.in_place.show(line), "{line}");
        }
    }
}

/// Commands of a thousand elements each, from numbers.
fn fill(command: &str, elements: usize, element: impl Fn(usize) -> String) -> Vec<String> {
    let commands = (0..elements).step_by(1000);
    commands.map(|from| (from..from + 1000).fold(command.to_owned(), |line, at| line + " " + &element(at))).collect()
}

#[test]
fn searches_of_long_lists_run_elsewhere_unless_they_soon_end() {
    let mut twins = Twins::new(&fill("RPUSH list", 120_000, |at| at.to_string()));
    twins.all_short(&[
        "LPOS list 5",
        "LPOS list 119999 RANK -1",
        "LPOS list x MAXLEN 5000",
        "LPOS list x RANK 0",
        "LREM list 1 7",
        "LREM list -1 119990",
        "LINSERT list AFTER 3 y",
        "LPOP list 10000",
        "LMPOP 2 none list RIGHT COUNT 5",
        "LMPOP 1 list RIGHT COUNT x",
        "LTRIM list 0 109000",
    ]);
    twins.all_long(&[
        "LPOS list x",
        "LPOS list 108000",
        "LPOS list 11000 RANK 2",
        "LPOS list 11000 COUNT 0 MAXLEN 50000",
        "LPOS list 11000 RANK -1",
        "LREM list 0 x",
        "LREM list 1 108000",
        "LREM list -2 11000",
        "LREM list x 108000",
        "LINSERT list BESIDE x y",
        "LINSERT list BEFORE x y",
        "LINSERT list AFTER 90000 y",
        "LMPOP 2 none list RIGHT COUNT 100000",
    ]);
    // Few, but of many bytes.
    let word = "x".repeat(1000);
    let mut twins = Twins::new(&fill("RPUSH wide", 12_000, |at| format!("{word}{at}")));
    twins.all_short(&["LPOS wide x MAXLEN 100"]);
    twins.all_long(&["LPOS wide x", "LREM wide 0 x"]);
    twins.all_short(&["LPOP wide 5000", "LREM wide 0 x"]);
}

#[test]
fn searches_of_an_area_with_many_places_run_elsewhere() {
    let place = |at: usize| format!("{}.{:03} {}.5 place{at}", at % 20, at / 20, 30 + at % 7);
    let mut twins = Twins::new(&fill("GEOADD map", 15_000, place));
    twins.all_short(&[
        "GEOSEARCH map FROMLONLAT 5 33 BYRADIUS 10 km",
        "GEOSEARCH map FROMLONLAT 10 33 BYRADIUS 3000 km COUNT 10 ANY",
        "GEOSEARCH map FROMMEMBER missing BYRADIUS 3000 km",
        "GEOSEARCH map FROMLONLAT 10 33 BYRADIUS 3000 parsec",
        "GEORADIUS map 10 33 10 m STORE near",
    ]);
    twins.all_long(&[
        "GEOSEARCH map FROMLONLAT 10 33 BYRADIUS 3000 km",
        "GEOSEARCH map FROMLONLAT 10 33 BYBOX 3000 3000 km COUNT 10 DESC",
        // None is near enough, and that takes a look at all.
        "GEOSEARCH map FROMLONLAT 35 33 BYRADIUS 1350 km COUNT 10 ANY",
        "GEOSEARCH map FROMLONLAT 10 33 BYRADIUS 3000 km COUNT 2000 ANY",
        "GEOSEARCH map BYPOLYGON 3 -10 20 40 20 10 60 WITHDIST",
        "GEOSEARCHSTORE found map FROMMEMBER place3 BYRADIUS 3000 km",
        "GEORADIUS map 10 33 3000 km WITHCOORD",
        "GEORADIUS map 10 33 3000 km STOREDIST found",
        "GEORADIUS_RO map 10 33 3000 km ASC",
        "GEORADIUSBYMEMBER map place3 3000 km STORE found",
        "GEORADIUSBYMEMBER_RO map place3 3000 km",
    ]);
}

#[test]
fn draws_pops_and_scans_of_many_run_elsewhere() {
    let mut commands = fill("SADD set", 30_000, |at| format!("member{at}"));
    commands.extend(fill("HSET hash", 12_000, |at| format!("field{at} {at}")));
    commands.extend(fill("ZADD zset", 40_000, |at| format!("{at} member{at}")));
    commands.push("SADD few one two".to_owned());
    let mut twins = Twins::new(&commands);
    for (line, elements) in [
        ("SRANDMEMBER set 10000", 10_000),
        ("SRANDMEMBER few -10000", 10_000),
        ("HRANDFIELD hash 20000", 12_000),
        ("HRANDFIELD hash -10000 WITHVALUES", 20_000),
        ("ZRANDMEMBER zset 15000", 15_000),
        ("ZRANDMEMBER zset -15000 WITHSCORES", 30_000),
    ] {
        assert_eq!(twins.long(line).lines().count(), elements, "{line}");
    }
    twins.all_short(&[
        "SRANDMEMBER few 10000000",
        "SRANDMEMBER missing -10000",
        "SRANDMEMBER set x",
        "HRANDFIELD hash 1 WITHSCORES",
        "SPOP few 20000",
        "SPOP missing 20000",
        "SPOP set -20000",
        "ZPOPMIN zset 5",
        "ZPOPMIN zset -5",
        "ZMPOP 2 none zset MIN COUNT 3",
        "ZMPOP 0 zset MIN COUNT 20000",
        "HSCAN hash 0",
        "SSCAN set 0 COUNT 9999",
        "ZSCAN zset 0 COUNT 99999 MATCH",
    ]);
    twins.server.journal();
    twins.server.events();
    twins.in_place.journal();
    twins.in_place.events();
    twins.all_long(&[
        "SRANDMEMBER hash -10000",
        "HSCAN hash 0 COUNT 20000",
        "HSCAN hash 0 COUNT 10000 NOVALUES MATCH *7",
        "SSCAN set 0 COUNT 100000",
        "ZSCAN zset 0 COUNT 10000",
        "ZPOPMIN zset 10000",
        "ZPOPMAX zset 10000",
        "ZMPOP 2 none zset MAX COUNT 12345",
    ]);
    // Which members SPOP takes is its own affair.
    assert_eq!(twins.long("SPOP set 20000").lines().count(), 20_000);
    assert_eq!(twins.server.show("SCARD set"), "(integer) 10000");
    let logged: usize = twins.server.journal().iter().map(|record| record.split(' ').count() - 3).sum();
    assert_eq!(logged, 20_000, "by name");
    assert_eq!(twins.server.events(), ["0 spop set"]);
    assert_eq!(twins.long("SPOP set 99999").lines().count(), 10_000);
    assert_eq!(twins.server.journal(), ["0 DEL set"]);
}

#[test]
fn long_strings_of_bits_are_counted_and_combined_elsewhere() {
    let commands =
        ["SETBIT bits 170000000 1", "SETBIT bits 100 1", "SET ones 1", "SET word tree", "SETRANGE text 5000 tree"];
    let mut twins = Twins::new(&commands.map(str::to_owned));
    twins.all_short(&[
        "BITCOUNT bits 0 1000000",
        "BITCOUNT bits x y",
        "BITCOUNT ones",
        "BITPOS bits 1",
        "BITPOS bits 0",
        "BITPOS bits 2",
        "BITOP OR small ones word",
        "LCS word text",
    ]);
    twins.server.journal();
    twins.server.events();
    twins.in_place.journal();
    twins.in_place.events();
    twins.all_long(&["BITCOUNT bits", "BITCOUNT bits 1 170000000 BIT", "BITPOS bits 1 13", "BITOP OR out ones bits"]);
    twins.all_long(&["BITOP NOT bits bits", "BITPOS bits 0 13"]);
    let mut twins = Twins::new(&["SETRANGE one 5999 x", "SETRANGE other 5999 y"].map(str::to_owned));
    twins.all_long(&["LCS one other LEN"]);
}

#[test]
fn many_words_for_one_key_run_elsewhere() {
    let mut twins = Twins::new(&["SADD set 1".to_owned()]);
    for command in ["SADD set", "SMISMEMBER set", "SREM set", "HMGET none", "HDEL none", "ZREM none", "ZMSCORE none"] {
        let numbers: String = (1..10_000).map(|number| format!(" {number}")).collect();
        twins.all_long(&[&format!("{command}{numbers}")]);
    }
    let pairs: String = (0..5000).map(|number| format!(" {number} {number}")).collect();
    twins.all_long(&[&format!("HSET hash{pairs}"), &format!("HMSET hash{pairs}"), &format!("ZADD zset{pairs}")]);
}

#[test]
fn a_copy_into_another_database_goes_with_the_key_of_that_database() {
    let mut commands = fill("SADD set", 10_000, |at| format!("member{at}"));
    commands.extend(["SADD other here", "SELECT 1", "SADD other there", "PEXPIRE other 100000"].map(str::to_owned));
    commands.extend(["SET set elsewhere", "SELECT 0"].map(str::to_owned));
    let mut twins = Twins::new(&commands);
    let (watcher, waiter) = (twins.server.connect(), twins.server.connect());
    for line in ["SELECT 1", "WATCH other", "MULTI", "PING"] {
        twins.server.run_on(watcher, line);
    }
    assert_eq!(twins.long("COPY set other DB 1"), "(integer) 0");
    twins.server.run_on(waiter, "SELECT 1");
    assert_eq!(twins.server.send(0, "COPY set other DB 1 REPLACE"), "long");
    assert_eq!(twins.server.send(waiter, "SCARD other"), "detached");
    twins.server.execute();
    assert_eq!(twins.server.answer(0).as_deref(), Some("(integer) 1"));
    assert_eq!(twins.server.run_on(waiter, "SCARD other").to_string(), "(integer) 10000");
    assert_eq!(twins.server.run_on(waiter, "PTTL other").to_string(), "(integer) -1");
    assert_eq!(twins.server.run_on(waiter, "GET set").to_string(), "\"elsewhere\"");
    assert_eq!(twins.server.run_on(watcher, "EXEC").to_string(), "(nil)");
    assert_eq!(twins.server.show("SMEMBERS other"), "1) \"here\"");
    assert_eq!(twins.server.journal(), ["0 COPY set other DB 1 REPLACE"]);
}

#[test]
fn long_streams_are_read_and_shortened_elsewhere() {
    let mut commands: Vec<String> = (1..=20_000).map(|id| format!("XADD s {id} f v")).collect();
    commands.push("XGROUP CREATE s g 0".to_owned());
    let mut twins = Twins::new(&commands);
    twins.all_short(&[
        "XRANGE s 1 5000",
        "XRANGE s - + COUNT 100",
        "XREVRANGE s + 15001",
        "XREAD COUNT 100 STREAMS s 0",
        "XREAD STREAMS s $",
        "XREADGROUP GROUP g c COUNT 5 STREAMS s >",
        "XTRIM s MAXLEN 19990",
        "XTRIM s MAXLEN ~ 15000",
        "XPENDING s g - + 100",
        "XINFO STREAM s",
        "XINFO STREAM s FULL COUNT 100",
    ]);
    twins.all_long(&[
        "XRANGE s - +",
        "XREVRANGE s + - COUNT 12000",
        "XREAD STREAMS s 0",
        "XREADGROUP GROUP g c STREAMS s >",
        "XREADGROUP GROUP g c STREAMS s 0",
        "XPENDING s g IDLE 1 - + 10",
        "XPENDING s g - + 12000",
        "XAUTOCLAIM s g d 0 0 COUNT 1000 JUSTID",
        "XINFO STREAM s FULL COUNT 0",
        "XTRIM s MAXLEN 5000 DELREF",
    ]);
    let ids: String = (1..10_000).map(|id| format!(" {id}")).collect();
    twins.all_long(&[&format!("XDEL s{ids}"), &format!("XACK s g{ids}"), &format!("XCLAIM s g e 0{ids}")]);
}
