//! Long commands that run elsewhere: what their client, others and the logs see of it.

use crate::new_server;
use command::session::waiting::Executor;
use command::spec::work::LONG_ELEMENTS;
use dispatch::testing::TestServer;

/// A server with two sets of three members, for which that is much.
fn server() -> TestServer {
    let mut server = new_server();
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
    assert_eq!(server.send(0, "SUNIONSTORE c a b"), "long");
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
    let _mark = base::marks::expect("a command waits for a detached key");
    let mut server = server();
    server.send(0, "SUNIONSTORE c a b");
    let other = server.connect();
    assert_eq!(server.send(other, "SADD a 4"), "detached");
    let third = server.connect();
    assert_eq!(server.run_on(third, "SET k v").to_string(), "OK");
    assert_eq!(server.send(third, "FLUSHALL"), "detached");
    assert!(server.told_to_retry().is_empty());
    server.execute();
    assert_eq!(server.told_to_retry(), [other, third]);
    server.answer(0);
    assert_eq!(server.run_on(other, "SADD a 4").to_string(), "(integer) 1");
    assert_eq!(server.run_on(third, "FLUSHALL").to_string(), "OK");
}

#[test]
fn a_transaction_waits_with_its_queue() {
    let _mark = base::marks::expect("a transaction waits for a detached key");
    let mut server = server();
    let other = server.connect();
    server.run_on(other, "MULTI");
    server.run_on(other, "SCARD c");
    server.send(0, "SUNIONSTORE c a b");
    assert_eq!(server.send(other, "EXEC"), "detached");
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
    // The scan is to be answered at once.
    server.server.executor.as_mut().expect("there is one").long_elements = LONG_ELEMENTS;
    assert_eq!(server.run_on(other, "DBSIZE").to_string(), "(integer) 2");
    let sizes = server.run_on(other, "INFO keysizes").to_string();
    assert!(sizes.contains("db0_distrib_sets_items:2=2"), "{sizes}");
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
    assert_eq!(server.send(other, "SUNIONSTORE d a b"), "long");
    server.execute();
    assert_eq!(server.show("SCARD d"), "(integer) 4");
}

#[test]
fn a_sort_that_stores_holds_its_two_keys_and_one_by_other_keys_runs_where_it_is() {
    let mut server = server();
    let other = server.connect();
    assert_eq!(server.send(0, "SORT a ALPHA STORE c LIMIT 0 2"), "long");
    assert_eq!(server.run_on(other, "SET k v").to_string(), "OK");
    assert_eq!(server.send(other, "LLEN c"), "detached");
    server.execute();
    assert_eq!(server.answer(0).as_deref(), Some("(integer) 2"));
    assert_eq!(server.journal(), ["0 SET k v", "0 SORT a ALPHA STORE c LIMIT 0 2"]);
    assert_eq!(server.show("LRANGE c 0 -1"), "1) \"1\"\n2) \"2\"");
    assert_eq!(server.show("SORT a ALPHA BY w_* STORE c"), "(integer) 3");
    assert_eq!(server.show("SORT a BY nosort GET w_* STORE c"), "(integer) 3");
    // The last one counts, and what is no option of its own is none.
    assert_eq!(server.send(0, "SORT a ALPHA BY STORE STORE c STORE d"), "long");
    server.execute();
    assert_eq!(server.run_on(other, "LLEN d").to_string(), "(integer) 3");
}

#[test]
fn very_many_keys_are_detached_for_much_work_only() {
    let mut server = new_server();
    let keys: Vec<String> = (0..5000).map(|number| format!("k{number}")).collect();
    let union = format!("SUNIONSTORE all {}", keys.join(" "));
    for key in &keys {
        server.run(&format!("SADD {key} one two three"));
    }
    server.run_long_elsewhere(LONG_ELEMENTS);
    assert_eq!(server.show(&union), "(integer) 3");
    let members: Vec<String> = (0..100).map(|number| format!("m{number}")).collect();
    for key in &keys[..2000] {
        server.run(&format!("SADD {key} {}", members.join(" ")));
    }
    assert_eq!(server.send(0, &union), "long");
    server.execute();
    assert_eq!(server.answer(0).as_deref(), Some("(integer) 103"));
}

/// A server with keys for which KEYS is long.
fn shared_server() -> TestServer {
    let mut server = new_server();
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
        assert_eq!(server.send(0, command), "long", "{command}");
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
fn few_keys_and_small_counts_are_served_at_once() {
    let mut server = shared_server();
    for command in ["SCAN 0 COUNT 2", "INFO server", "INFO stats cpu", "DBSIZE", "KEYS", "SCAN 0 COUNT x"] {
        server.show(command);
    }
    server.run("DEL a b");
    assert_eq!(server.show("KEYS *").lines().count(), 2);
}

#[test]
fn what_a_scan_elsewhere_deletes_is_logged_and_announced_once() {
    let mut server = shared_server();
    server.run("SET old 1 PX 10");
    server.advance_ms(10);
    server.journal();
    server.events();
    assert_eq!(server.send(0, "SCAN 0 COUNT 100"), "long");
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
    assert_eq!(server.send(0, "KEYS *"), "long");
    let (second, third) = (server.connect(), server.connect());
    assert_eq!(server.send(second, "SUNIONSTORE set3 set1 set2"), "long");
    assert_eq!(server.send(third, "SCARD set1"), "detached");
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
    server.server.tunables.latency.slowlog_log_slower_than.set(0);
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

#[test]
fn where_no_thread_is_left_for_it_a_long_command_runs_on_its_worker() {
    let _mark = base::marks::expect("nobody is there to run a long command");
    let mut server = server();
    let (executor, jobs) = Executor::new(1);
    server.server.executor = Some(executor);
    drop(jobs);
    assert_eq!(server.show("SUNIONSTORE c a b"), "(integer) 4");
    assert_eq!(server.show("SCARD a"), "(integer) 3");
    assert!(!server.server.keyspace.has_detached());
}
