//! Long commands that run elsewhere: what their client, others and the logs see of it.

use crate::testing::TestServer;
use command::dispatch::Flow;
use command::long::LONG_ELEMENTS;
use structures::lock::Sharing;

/// A server with two sets of three members, for which that is much.
fn server() -> TestServer {
    let mut server = TestServer::new();
    server.run_long_elsewhere(1);
    server.run("SADD a 1 2 x");
    server.run("SADD b 2 3 x");
    server.journal();
    server.events();
    server
}

#[test]
fn a_long_command_answers_and_is_logged_and_announced_when_it_is_back() {
    let mut server = server();
    assert_eq!(server.send(0, "SUNIONSTORE c a b"), Flow::Away);
    assert!(server.journal().is_empty());
    server.execute();
    assert_eq!(server.journal(), ["0 SUNIONSTORE c a b"]);
    assert_eq!(server.events(), ["0 new c", "0 sunionstore c"]);
    assert_eq!(server.answer(0).as_deref(), Some("(integer) 4"));
    assert_eq!(server.show("SCARD c"), "(integer) 4");
    assert_eq!(server.show("SCARD a"), "(integer) 3");
}

#[test]
fn it_counts_as_one_call_and_its_error_as_one_error() {
    let mut server = server();
    server.run("RPUSH list 1");
    server.run("CONFIG RESETSTAT");
    server.send(0, "SUNION a b");
    server.execute();
    server.answer(0);
    server.send(0, "SUNION a b list");
    server.execute();
    let error = server.answer(0).expect("it ran");
    assert!(error.contains("WRONGTYPE"), "{error}");
    let stats = server.show("INFO commandstats");
    assert!(stats.contains("cmdstat_sunion:calls=2"), "{stats}");
    assert!(stats.contains("failed_calls=1"), "{stats}");
    let stats = server.show("INFO stats");
    assert!(stats.contains("keyspace_hits:"), "{stats}");
}

#[test]
fn who_names_its_keys_waits_and_tries_again_and_others_go_on() {
    let mut server = server();
    server.send(0, "SUNIONSTORE c a b");
    let other = server.connect();
    assert_eq!(server.send(other, "SADD a 4"), Flow::Deferred);
    let third = server.connect();
    assert_eq!(server.run_on(third, "SET k v").to_string(), "OK");
    assert_eq!(server.send(third, "FLUSHALL"), Flow::Deferred);
    assert!(server.told_to_retry().is_empty());
    server.execute();
    assert_eq!(server.told_to_retry(), [other, third]);
    server.answer(0);
    assert_eq!(server.run_on(other, "SADD a 4").to_string(), "(integer) 1");
    assert_eq!(server.run_on(third, "FLUSHALL").to_string(), "OK");
}

#[test]
fn a_transaction_waits_with_its_queue() {
    let mut server = server();
    let other = server.connect();
    server.run_on(other, "MULTI");
    server.run_on(other, "SCARD c");
    server.send(0, "SUNIONSTORE c a b");
    assert_eq!(server.send(other, "EXEC"), Flow::Deferred);
    server.execute();
    assert_eq!(server.run_on(other, "EXEC").to_string(), "1) (integer) 4");
}

#[test]
fn a_watched_key_that_a_long_command_changes_fails_the_transaction() {
    let mut server = server();
    let other = server.connect();
    server.run_on(other, "WATCH c");
    server.send(0, "SUNIONSTORE c a b");
    server.execute();
    server.answer(0);
    server.run_on(other, "MULTI");
    server.run_on(other, "PING");
    assert_eq!(server.run_on(other, "EXEC").to_string(), "(nil)");
}

#[test]
fn keys_that_are_away_are_still_listed_with_their_types() {
    let mut server = server();
    server.send(0, "SUNIONSTORE c a b");
    let other = server.connect();
    assert_eq!(server.run_on(other, "DBSIZE").to_string(), "(integer) 2");
    let found = server.run_on(other, "SCAN 0 COUNT 1000 TYPE set").to_string();
    assert!(found.contains("\"a\"") && found.contains("\"b\""), "{found}");
    server.execute();
    assert_eq!(server.run_on(other, "DBSIZE").to_string(), "(integer) 3");
}

#[test]
fn in_a_transaction_and_with_muted_replies_nothing_is_different() {
    let mut server = server();
    server.run("MULTI");
    server.run("SUNIONSTORE c a b");
    assert_eq!(server.show("EXEC"), "1) (integer) 4");
    let other = server.connect();
    server.send(other, "CLIENT REPLY OFF");
    assert_eq!(server.send(other, "SUNIONSTORE d a b"), Flow::Away);
    server.execute();
    assert_eq!(server.show("SCARD d"), "(integer) 4");
}

/// A server with more than one worker to lock its shards, and with keys for which KEYS is long.
fn shared_server() -> TestServer {
    let mut server = TestServer::with(Sharing::Shared);
    server.run_long_elsewhere(3);
    for key in ["a", "b", "c", "d"] {
        server.run(&format!("SET {key} 1"));
    }
    server.journal();
    server.events();
    server
}

#[test]
fn a_visit_of_all_keys_runs_elsewhere_and_nobody_waits_for_it() {
    let mut server = shared_server();
    let other = server.connect();
    for command in ["KEYS *", "SCAN 0 COUNT 4", "INFO keysizes", "INFO everything", "INFO"] {
        assert_eq!(server.send(0, command), Flow::Away, "{command}");
        assert_eq!(server.run_on(other, "GET a").to_string(), "\"1\"");
        assert_eq!(server.run_on(other, "MGET a b c d").to_string().lines().count(), 4);
        server.execute();
        assert!(server.answer(0).is_some(), "{command}");
    }
}

#[test]
fn it_sees_the_keyspace_as_it_is_when_it_runs() {
    let mut server = shared_server();
    server.run("DEL b");
    server.run("SET old 1 PX 10");
    let other = server.connect();
    server.send(0, "KEYS *");
    server.run_on(other, "DEL a");
    server.run_on(other, "SET e 1");
    server.execute();
    let mut listed: Vec<String> = server.answer(0).expect("it ran").lines().map(|line| line[3..].to_owned()).collect();
    listed.sort();
    assert_eq!(listed, ["\"c\"", "\"d\"", "\"e\"", "\"old\""]);
}

#[test]
fn few_keys_small_counts_and_one_worker_are_served_at_once() {
    let mut server = shared_server();
    for command in ["SCAN 0 COUNT 2", "INFO server", "INFO stats cpu", "DBSIZE", "KEYS", "SCAN 0 COUNT x"] {
        server.show(command);
    }
    server.run("DEL a b");
    assert_eq!(server.show("KEYS *").lines().count(), 2);
    let mut alone = TestServer::new();
    alone.run_long_elsewhere(1);
    alone.run("SET a 1");
    assert_eq!(alone.show("KEYS *"), "1) \"a\"");
}

#[test]
fn what_a_scan_elsewhere_deletes_is_logged_and_announced_once() {
    let mut server = shared_server();
    server.run("SET old 1 PX 10");
    server.advance_ms(10);
    server.journal();
    server.events();
    assert_eq!(server.send(0, "SCAN 0 COUNT 100"), Flow::Away);
    server.execute();
    assert!(!server.answer(0).expect("it ran").contains("old"));
    assert_eq!(server.journal(), ["0 DEL old"]);
    assert_eq!(server.events(), ["0 expired old"]);
    server.worker.publish_counters();
    assert!(server.show("INFO stats").contains("expired_keys:1"));
}

#[test]
fn a_visit_lists_keys_that_are_away_and_wakes_nobody_who_waits_for_them() {
    let mut server = shared_server();
    server.run("SADD set1 one two three four");
    server.run("SADD set2 five six seven eight");
    assert_eq!(server.send(0, "KEYS *"), Flow::Away);
    let (second, third) = (server.connect(), server.connect());
    assert_eq!(server.send(second, "SUNIONSTORE set3 set1 set2"), Flow::Away);
    assert_eq!(server.send(third, "SCARD set1"), Flow::Deferred);
    server.execute_first();
    assert!(server.told_to_retry().is_empty());
    let listed = server.answer(0).expect("it ran");
    assert!(listed.contains("set1") && listed.contains("set2"), "{listed}");
    server.execute();
    assert_eq!(server.told_to_retry(), [third]);
}

#[test]
fn a_visit_is_counted_logged_and_in_the_protocol_of_its_client() {
    let mut server = shared_server();
    server.run("CONFIG RESETSTAT");
    server.server.tunables.slowlog_log_slower_than.store(0, std::sync::atomic::Ordering::Relaxed);
    server.advance_ms(0);
    server.send(0, "KEYS *");
    server.execute();
    server.answer(0);
    assert!(server.show("SLOWLOG GET").contains("\"KEYS\""));
    assert!(server.show("INFO commandstats").contains("cmdstat_keys:calls=1,"));
    // Whoever hangs up meanwhile is missed by nobody.
    let other = server.connect();
    server.send(other, "KEYS *");
    server.hang_up(other);
    server.execute();
    server.send(0, "KEYS *");
    server.execute();
    assert_eq!(server.answer(0).expect("it ran").lines().count(), 4);
}

#[test]
fn in_a_transaction_a_visit_runs_where_it_is() {
    let mut server = shared_server();
    server.run("MULTI");
    server.run("KEYS *");
    server.run("SET e 1");
    server.run("SCAN 0 COUNT 100");
    let replies = server.show("EXEC");
    assert!(replies.contains("\"a\"") && replies.contains("\"e\""), "{replies}");
}

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
    ] {
        assert_eq!(server.send(0, long), Flow::Away, "{long}");
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
        ("COPY list there DB 1", 1),
        ("ZRANGE zset 0 x", 1),
        ("ZRANGEBYSCORE zset x y", 1),
    ] {
        assert_eq!(server.show(short).lines().count(), lines, "{short}");
    }
}
