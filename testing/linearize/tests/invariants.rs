//! What must hold whatever the order was: money is neither made nor lost, and every INCR counts.
//!
//! These need no search, and so can run many more commands than a history may have.

use base::rng::Rng;
use resp::client::Value;
use russet_linearize::harness::{Connection, server};

const ACCOUNTS: u64 = 6;
const EACH: i64 = 1000;
const ALL: &str = "MGET a0 a1 a2 a3 a4 a5";

fn numbers(reply: &Value) -> Vec<i64> {
    let Value::Array(values) = reply else { panic!("not an array: {reply}") };
    let number = |value: &Value| match value {
        Value::Bulk(bytes) => base::num::parse_i64(bytes).expect("balances are numbers"),
        other => panic!("not a balance: {other}"),
    };
    values.iter().map(number).collect()
}

fn sum(connection: &mut Connection) -> i64 {
    numbers(&connection.run(ALL)).iter().sum()
}

/// Two accounts, different ones, and an amount.
fn draw(rng: &mut Rng) -> (String, String, i64) {
    let from = rng.below(ACCOUNTS);
    let to = (from + 1 + rng.below(ACCOUNTS - 1)) % ACCOUNTS;
    (format!("a{from}"), format!("a{to}"), rng.below(50) as i64)
}

fn transfer(connection: &mut Connection, rng: &mut Rng) {
    let (from, to, amount) = draw(rng);
    let amount = amount.to_string();
    let reply =
        connection.send(&[vec!["MULTI"], vec!["DECRBY", &from, &amount], vec!["INCRBY", &to, &amount], vec!["EXEC"]]);
    assert!(matches!(reply, Value::Array(_)), "{reply}");
}

/// Reads both balances and writes them anew, until nobody came between; returns how often somebody did.
fn transfer_watching(connection: &mut Connection, rng: &mut Rng) -> u64 {
    let (from, to, amount) = draw(rng);
    let mut voided = 0;
    loop {
        connection.send(&[vec!["WATCH", &from, &to]]);
        let balances = numbers(&connection.send(&[vec!["MGET", &from, &to]]));
        std::thread::yield_now();
        let (less, more) = ((balances[0] - amount).to_string(), (balances[1] + amount).to_string());
        match connection.send(&[vec!["MULTI"], vec!["MSET", &from, &less, &to, &more], vec!["EXEC"]]) {
            Value::NullArray => voided += 1,
            Value::Array(_) => return voided,
            other => panic!("EXEC: {other}"),
        }
    }
}

#[test]
fn transfers_keep_the_sum_that_readers_see() {
    let server = server(8);
    let connections: Vec<Connection> = (0..8).map(|number| Connection::new(&server, number)).collect();
    let mut first = Connection::new(&server, 0);
    for account in 0..ACCOUNTS {
        first.run(&format!("SET a{account} {EACH}"));
    }
    let total = EACH * ACCOUNTS as i64;
    std::thread::scope(|scope| {
        for (number, mut connection) in connections.into_iter().enumerate() {
            let mut rng = Rng::seed(number as u64);
            scope.spawn(move || {
                for _ in 0..1000 {
                    match number {
                        0..3 => transfer(&mut connection, &mut rng),
                        3..6 => {
                            transfer_watching(&mut connection, &mut rng);
                        }
                        _ => assert_eq!(sum(&mut connection), total, "seen by a reader"),
                    }
                }
            });
        }
    });
    assert_eq!(sum(&mut first), total);
}

#[test]
fn no_incr_is_lost_and_none_counts_twice() {
    const TIMES: i64 = 2000;
    let server = server(8);
    let mut seen: Vec<i64> = std::thread::scope(|scope| {
        let count = |number| {
            let mut connection = Connection::new(&server, number);
            scope.spawn(move || -> Vec<i64> {
                let one = || match connection.run("INCR n") {
                    Value::Integer(count) => count,
                    other => panic!("INCR: {other}"),
                };
                std::iter::repeat_with(one).take(TIMES as usize).collect()
            })
        };
        let threads: Vec<_> = (0..8).map(count).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<i64>>| {
            let counts = thread.join().expect("no thread panicked");
            assert!(counts.is_sorted(), "a client saw the counter go back");
            counts
        };
        threads.into_iter().flat_map(join).collect()
    });
    seen.sort_unstable();
    assert_eq!(seen, (1..=8 * TIMES).collect::<Vec<_>>());
}
