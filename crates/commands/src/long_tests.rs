//! Long commands that run elsewhere: what their client, others and the logs see of it.

use crate::testing::TestServer;
use command::dispatch::Flow;

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
