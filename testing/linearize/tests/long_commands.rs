//! Commands that run elsewhere, with their keys taken away, are as atomic as all others.

use base::rng::Rng;
use resp::client::Value;
use russet_linearize::harness::{Connection, server_with_executors};
use std::sync::atomic::{AtomicBool, Ordering};

const SETS: u64 = 5;
const MEMBERS: usize = 40;
const TIMES: usize = 400;

fn all_sets() -> String {
    (0..SETS).map(|set| format!(" s{set}")).collect()
}

/// Members of an array, which must have no doubles.
fn members(reply: &Value) -> usize {
    let Value::Array(members) = reply else { panic!("an array: {reply}") };
    let mut members: Vec<String> = members.iter().map(ToString::to_string).collect();
    members.sort();
    members.dedup();
    members.len()
}

/// Moves a member that is known to be in one of the sets; returns whether it was in this one.
fn transfer(connection: &mut Connection, rng: &mut Rng) -> bool {
    let (from, to, member) = (rng.below(SETS), rng.below(SETS), rng.below(MEMBERS as u64));
    connection.run_waiting(&format!("SMOVE s{from} s{to} m{member}")) == Value::Integer(1)
}

/// Moves what it finds in a set it has looked at, in a transaction that fails if the set has changed.
fn transfer_watching(connection: &mut Connection, rng: &mut Rng) -> bool {
    let (from, to) = (rng.below(SETS), rng.below(SETS));
    connection.run_waiting(&format!("WATCH s{from}"));
    let Value::Array(found) = connection.run_waiting(&format!("SMEMBERS s{from}")) else { panic!("a set") };
    let Some(Value::Bulk(member)) = found.first() else {
        connection.run_waiting("UNWATCH");
        return false;
    };
    let member = String::from_utf8(member.clone()).expect("names are ASCII");
    connection.run_waiting("MULTI");
    connection.run_waiting(&format!("SREM s{from} {member}"));
    connection.run_waiting(&format!("SADD s{to} {member}"));
    match connection.run_waiting("EXEC") {
        Value::Array(replies) => {
            assert_eq!(replies[0], Value::Integer(1), "it was watched, so it was still there");
            true
        }
        _ => false,
    }
}

#[test]
fn no_member_is_lost_nor_seen_twice_while_unions_run_elsewhere() {
    let server = server_with_executors(8, 3);
    let mut first = Connection::new(&server, 0);
    for member in 0..MEMBERS {
        first.run_waiting(&format!("SADD s{} m{member}", member as u64 % SETS));
    }
    first.run_waiting(&format!("SUNIONSTORE copy{}", all_sets()));
    let connections: Vec<Connection> = (0..8).map(|number| Connection::new(&server, number)).collect();
    let moved: Vec<usize> = std::thread::scope(|scope| {
        let play = |(number, mut connection): (usize, Connection)| {
            scope.spawn(move || {
                let mut rng = Rng::seed(number as u64);
                (0..TIMES).filter(|_| turn(number, &mut connection, &mut rng)).count()
            })
        };
        let threads: Vec<_> = connections.into_iter().enumerate().map(play).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panicked")).collect()
    });
    assert!(moved[..3].iter().all(|&moved| moved > 0), "members moved meanwhile: {moved:?}");
    assert_eq!(members(&first.run_waiting(&format!("SUNION{}", all_sets()))), MEMBERS);
    assert!(!server.keyspace.has_detached(), "all keys are back");
}

/// One command, or transaction, of client `number`; returns whether it moved something.
fn turn(number: usize, connection: &mut Connection, rng: &mut Rng) -> bool {
    match number {
        0..2 => transfer(connection, rng),
        2 => transfer_watching(connection, rng),
        3 | 4 => {
            let seen = members(&connection.run_waiting(&format!("SUNION{}", all_sets())));
            assert_eq!(seen, MEMBERS, "in a union that ran elsewhere");
            false
        }
        5 => {
            connection.run_waiting(&format!("SUNIONSTORE copy{}", all_sets()));
            false
        }
        6 => {
            assert_eq!(connection.run_waiting("SCARD copy"), Value::Integer(MEMBERS as i64));
            false
        }
        _ => {
            // All shards: the transaction waits until nothing is away.
            connection.run_waiting("MULTI");
            connection.run_waiting("DBSIZE");
            connection.run_waiting(&format!("SUNION{}", all_sets()));
            let Value::Array(replies) = connection.run_waiting("EXEC") else { panic!("nothing was watched") };
            assert_eq!(members(&replies[1]), MEMBERS, "in a transaction");
            false
        }
    }
}

/// The keys of a reply, which must have no doubles.
fn names(reply: &Value) -> Vec<String> {
    let Value::Array(keys) = reply else { panic!("an array: {reply}") };
    let mut names: Vec<String> = keys.iter().map(ToString::to_string).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "a key is listed twice");
    names
}

/// Adds and deletes keys, a hundred at a time, so that tables grow and shrink below those who visit them.
fn churn(connection: &mut Connection, rng: &mut Rng) {
    let numbers: Vec<u64> = (0..100).map(|_| rng.below(20_000)).collect();
    let pairs: String = numbers.iter().map(|number| format!(" comes{number} 1")).collect();
    connection.run_waiting(&format!("MSET{pairs}"));
    let keys: String = (0..120).map(|_| format!(" comes{}", rng.below(20_000))).collect();
    connection.run_waiting(&format!("DEL{keys}"));
}

#[test]
fn every_key_that_stays_is_listed_once_while_others_come_and_go_and_are_away() {
    const STAY: usize = 3000;
    let server = server_with_executors(5, 2);
    let mut first = Connection::new(&server, 0);
    for number in 0..STAY {
        first.run_waiting(&format!("SET stays{number} 1"));
    }
    first.run_waiting("SADD stays-set1 one two three");
    first.run_waiting("SADD stays-set2 three four five");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 1..4 {
            let mut connection = Connection::new(&server, number);
            let done = &done;
            scope.spawn(move || {
                let mut rng = Rng::seed(number as u64);
                while !done.load(Ordering::Relaxed) {
                    if number < 3 {
                        churn(&mut connection, &mut rng);
                    } else {
                        connection.run_waiting("SUNIONSTORE comes-union stays-set1 stays-set2");
                    }
                }
            });
        }
        let mut connection = Connection::new(&server, 4);
        let lists: Vec<Value> = (0..60).map(|_| connection.run_waiting("KEYS *")).collect();
        // Nothing may panic before: the other threads would go on for ever.
        done.store(true, Ordering::Relaxed);
        for list in lists {
            let stayed = names(&list).into_iter().filter(|name| name.starts_with("\"stays")).count();
            assert_eq!(stayed, STAY + 2);
        }
    });
}

/// Draws members from sets, and puts them back into others: nobody else may have one meanwhile.
fn draw_and_put_back(connection: &mut Connection, rng: &mut Rng, drawn: &[AtomicBool]) -> usize {
    let (from, to) = (rng.below(SETS), rng.below(SETS));
    let Value::Array(members) = connection.run_waiting(&format!("SPOP s{from} {}", 1 + rng.below(9))) else {
        panic!("members")
    };
    let numbers: Vec<usize> = members.iter().map(number_of).collect();
    for &number in &numbers {
        assert!(!drawn[number].swap(true, Ordering::SeqCst), "member {number} was drawn already");
    }
    for &number in &numbers {
        drawn[number].store(false, Ordering::SeqCst);
        assert_eq!(connection.run_waiting(&format!("SADD s{to} {number}")), Value::Integer(1));
    }
    numbers.len()
}

fn number_of(member: &Value) -> usize {
    let Value::Bulk(bytes) = member else { panic!("a member: {member}") };
    std::str::from_utf8(bytes).ok().and_then(|number| number.parse().ok()).expect("members are numbers")
}

/// Puts an element of its own into a list that others change, finds it, and takes it out.
fn insert_find_remove(connection: &mut Connection, rng: &mut Rng, own: usize) {
    let list = rng.below(2);
    let Value::Integer(len) = connection.run_waiting(&format!("LINSERT l{list} AFTER pivot own{own}")) else {
        panic!("a length")
    };
    assert!(len > 40, "the pivot is there");
    let Value::Integer(place) = connection.run_waiting(&format!("LPOS l{list} own{own}")) else { panic!("a place") };
    assert!(place > 20, "{place}");
    assert_eq!(connection.run_waiting(&format!("LPOS l{} own{own}", 1 - list)), Value::NullBulk);
    assert_eq!(connection.run_waiting(&format!("LREM l{list} {} own{own}", rng.below(2))), Value::Integer(1));
}

#[test]
fn what_is_drawn_inserted_and_removed_elsewhere_is_so_once() {
    let server = server_with_executors(6, 3);
    let mut first = Connection::new(&server, 0);
    let filler: String = (0..20).map(|number| format!(" filler{number}")).collect();
    for list in 0..2 {
        first.run_waiting(&format!("RPUSH l{list}{filler} pivot{filler}"));
    }
    for member in 0..MEMBERS {
        first.run_waiting(&format!("SADD s{} {member}", member as u64 % SETS));
    }
    let drawn: Vec<AtomicBool> = (0..MEMBERS).map(|_| AtomicBool::new(false)).collect();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let (mut connection, drawn) = (Connection::new(&server, number), &drawn);
            scope.spawn(move || {
                let mut rng = Rng::seed(number as u64);
                let mut draws = 0;
                for _ in 0..TIMES {
                    if number < 3 {
                        draws += draw_and_put_back(&mut connection, &mut rng, drawn);
                    } else {
                        insert_find_remove(&mut connection, &mut rng, number);
                    }
                }
                assert!(number >= 3 || draws > 0, "members were drawn");
            });
        }
    });
    assert_eq!(members(&first.run_waiting(&format!("SUNION{}", all_sets()))), MEMBERS);
    assert_eq!(first.run_waiting("LLEN l0"), Value::Integer(41));
    assert_eq!(first.run_waiting("LLEN l1"), Value::Integer(41));
    assert!(!server.keyspace.has_detached(), "all keys are back");
}
