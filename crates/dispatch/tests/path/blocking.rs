//! Clients that wait for keys, on a server whose messages the tests hand on themselves.

use crate::new_server;
use std::sync::atomic::Ordering;

#[test]
fn waiters_are_served_in_the_order_in_which_they_came() {
    let mut server = new_server();
    let waiters: Vec<usize> = (0..3).map(|_| server.wait("BLPOP l 0")).collect();
    assert_eq!(server.show("RPUSH l a b"), "(integer) 2");
    assert_eq!(server.answer(waiters[0]).as_deref(), Some("1) \"l\"\n2) \"a\""));
    assert_eq!(server.answer(waiters[1]).as_deref(), Some("1) \"l\"\n2) \"b\""));
    assert_eq!(server.answer(waiters[2]), None);
    assert_eq!(server.show("EXISTS l"), "(integer) 0");
    assert_eq!(server.journal(), ["0 RPUSH l a b", "0 LPOP l", "0 LPOP l"]);
    assert_eq!(server.events(), ["0 new l", "0 rpush l", "0 lpop l", "0 lpop l", "0 del l"]);
}

#[test]
fn a_client_waiting_for_several_keys_is_served_once() {
    let mut server = new_server();
    let one = server.wait("BRPOP a b c a 0");
    let two = server.wait("BLPOP c b 0");
    assert!(server.show("INFO clients").contains("total_blocking_keys:3"));
    server.run("RPUSH c 1");
    server.run("RPUSH b 2");
    server.run("RPUSH a 3");
    assert_eq!(server.answer(one).as_deref(), Some("1) \"c\"\n2) \"1\""));
    assert_eq!(server.answer(two).as_deref(), Some("1) \"b\"\n2) \"2\""));
    assert_eq!(server.show("LLEN a"), "(integer) 1");
    assert!(server.show("INFO clients").contains("total_blocking_keys:0"));
}

#[test]
fn the_whole_transaction_comes_before_anybody_is_served() {
    let mut server = new_server();
    let waiter = server.wait("BLPOP a b 0");
    for line in ["MULTI", "RPUSH b 1", "RPUSH a 2", "LPUSH a 3", "DEL b", "EXEC"] {
        server.run(line);
    }
    assert_eq!(server.answer(waiter).as_deref(), Some("1) \"a\"\n2) \"3\""));
    let waiter = server.wait("BLPOP x 0");
    for line in ["MULTI", "RPUSH x 1", "DEL x", "EXEC"] {
        server.run(line);
    }
    assert_eq!(server.answer(waiter), None);
}

#[test]
fn an_element_goes_down_a_chain_of_lists_in_any_shards() {
    let _mark = base::marks::expect("a plan takes all shards because waiters keep coming");
    let mut server = new_server();
    let links: Vec<usize> = (0..20).map(|at| server.wait(&format!("BLMOVE l{at} l{} LEFT RIGHT 0", at + 1))).collect();
    let last = server.wait("BRPOP l20 0");
    assert_eq!(server.show("RPUSH l0 e"), "(integer) 1");
    for link in links {
        assert_eq!(server.answer(link).as_deref(), Some("\"e\""));
    }
    assert_eq!(server.answer(last).as_deref(), Some("1) \"l20\"\n2) \"e\""));
    assert_eq!(server.show("DBSIZE"), "(integer) 0");
    assert_eq!(server.journal().len(), 22);
}

#[test]
fn lists_that_wait_for_each_other_pass_an_element_round() {
    let _mark = base::marks::expect("a plan takes more shards for those who wait");
    let mut server = new_server();
    let there = server.wait("BLMOVE a b LEFT RIGHT 0");
    let back = server.wait("BLMOVE b a LEFT RIGHT 0");
    let same = server.wait("BLMOVE a a LEFT RIGHT 0");
    server.run("RPUSH a e");
    for waiter in [there, back, same] {
        assert_eq!(server.answer(waiter).as_deref(), Some("\"e\""));
    }
    assert_eq!(server.show("LRANGE a 0 -1"), "1) \"e\"");
}

#[test]
fn an_error_on_the_way_is_the_answer() {
    let mut server = new_server();
    let mover = server.wait("BLMOVE l s LEFT LEFT 0");
    let other = server.wait("BLPOP s l 0");
    let last = server.wait("BLPOP l 0");
    server.run("SET s v");
    server.run("RPUSH l a");
    let error = "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
    assert_eq!(server.answer(mover).as_deref(), Some(error));
    assert_eq!(server.answer(other).as_deref(), Some(error));
    assert_eq!(server.answer(last).as_deref(), Some("1) \"l\"\n2) \"a\""));
}

#[test]
fn whatever_makes_a_list_wakes_its_waiters() {
    for make in ["RENAME s k", "COPY s k", "LMOVE s k LEFT LEFT", "RENAMENX s k"] {
        let mut server = new_server();
        let waiter = server.wait("BLPOP k 0");
        server.run("RPUSH s a");
        server.run(make);
        assert_eq!(server.answer(waiter).as_deref(), Some("1) \"k\"\n2) \"a\""), "{make}");
    }
    for over in ["RENAME s k", "COPY s k REPLACE"] {
        let mut server = new_server();
        let waiter = server.wait("BLPOP k 0");
        server.run("SET k v");
        server.run("RPUSH s a");
        server.run(over);
        assert_eq!(server.answer(waiter).as_deref(), Some("1) \"k\"\n2) \"a\""), "{over}");
    }
    for to_db_1 in ["MOVE k 1", "COPY k k DB 1", "SWAPDB 0 1"] {
        let mut server = new_server();
        let session = server.connect();
        server.run_on(session, "SELECT 1");
        server.wait_on(session, "BLPOP k 0");
        server.run("RPUSH k a");
        assert_eq!(server.answer(session), None, "another database");
        server.run(to_db_1);
        assert_eq!(server.answer(session).as_deref(), Some("1) \"k\"\n2) \"a\""), "{to_db_1}");
    }
}

#[test]
fn who_is_unblocked_killed_or_gone_takes_nothing() {
    let _mark = base::marks::expect("a wait that is not served is passed over");
    let mut server = new_server();
    let (one, two) = (server.wait("BLPOP l m 0"), server.wait("BLMOVE l d LEFT LEFT 5"));
    assert_eq!(server.show("CLIENT UNBLOCK 2"), "(integer) 1");
    assert_eq!(server.show("CLIENT UNBLOCK 2"), "(integer) 0");
    assert_eq!(server.show("CLIENT UNBLOCK 3 ERROR"), "(integer) 1");
    server.run("RPUSH l a");
    assert_eq!(server.answer(one).as_deref(), Some("(nil)"));
    assert_eq!(server.answer(two).as_deref(), Some("(error) UNBLOCKED client unblocked via CLIENT UNBLOCK"));
    assert_eq!(server.show("LLEN l"), "(integer) 1");
    server.run("DEL l");
    let (gone, killed, served) = (server.wait("BLPOP l 0"), server.wait("BLPOP l 0"), server.wait("BLPOP l 0"));
    server.hang_up(gone);
    assert_eq!(server.show("CLIENT KILL ID 5"), "(integer) 1");
    server.run("RPUSH l a");
    assert_eq!(server.answer(served).as_deref(), Some("1) \"l\"\n2) \"a\""));
    server.hang_up(killed);
    assert!(server.show("INFO clients").contains("total_blocking_keys:0"));
}

#[test]
fn who_is_killed_when_it_is_about_to_be_served_takes_nothing() {
    let _mark = base::marks::expect("a waiting client is gone before it is served");
    let mut server = new_server();
    let (killed, served) = (server.wait("BLPOP l 0"), server.wait("BLPOP l 0"));
    // As if who serves it had claimed the wait just before the killer.
    server.parts(killed).2.info.killed.store(true, Ordering::Relaxed);
    server.run("RPUSH l a");
    assert_eq!(server.answer(killed), None);
    assert_eq!(server.answer(served).as_deref(), Some("1) \"l\"\n2) \"a\""));
}

#[test]
fn nothing_waits_in_a_transaction() {
    let mut server = new_server();
    server.run("MULTI");
    for line in ["BLPOP l 0", "BLMOVE l m LEFT LEFT 0", "BRPOPLPUSH l m 0", "BLMPOP 0 1 l LEFT"] {
        server.run(line);
    }
    assert_eq!(server.show("EXEC"), "1) (nil)\n2) (nil)\n3) (nil)\n4) (nil)");
}

#[test]
fn very_many_keys_are_waited_for_without_looking_at_each_pair_of_them() {
    let mut server = new_server();
    let keys: Vec<String> = (0..100_000).map(|at| format!("k{}", at % 60_000)).collect();
    let waiters: Vec<usize> = (0..4).map(|_| server.wait(&format!("BLPOP {} 0", keys.join(" ")))).collect();
    assert!(server.show("INFO clients").contains("total_blocking_keys:60000"));
    for waiter in waiters {
        server.run("RPUSH k777 a");
        assert_eq!(server.answer(waiter).as_deref(), Some("1) \"k777\"\n2) \"a\""));
    }
    assert!(server.show("INFO clients").contains("total_blocking_keys:0"));
}
