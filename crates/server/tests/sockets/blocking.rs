//! Clients that wait for keys, served by clients of other workers.

use crate::support::{Client, start_server, until};
use resp::client::Value;
use russet_server::testing::TestServer;
use std::time::{Duration, Instant};

fn clients<const COUNT: usize>(server: &TestServer) -> [Client; COUNT] {
    std::array::from_fn(|_| {
        let mut client = Client::connect(server.addr());
        client.run("PING");
        client
    })
}

fn waiting(admin: &mut Client, count: usize) {
    let line = format!("blocked_clients:{count}\r");
    until("clients to wait", || admin.text("INFO clients").contains(&line));
}

fn pair(key: &str, element: &str) -> Option<Value> {
    Some(Value::Array(vec![Value::Bulk(key.into()), Value::Bulk(element.into())]))
}

#[test]
fn waiters_of_all_workers_are_served_in_their_order() {
    let server = start_server(&[]);
    let [mut admin, mut one, mut two, mut three, mut four] = clients(&server);
    for (number, client) in [&mut one, &mut two, &mut three, &mut four].into_iter().enumerate() {
        client.send(&[b"BLPOP", b"jobs", b"0"]);
        waiting(&mut admin, number + 1);
    }
    assert!(admin.text("CLIENT LIST").contains("flags=b"));
    assert!(admin.text("INFO clients").contains("total_blocking_keys:1\r"));
    assert_eq!(admin.int("RPUSH jobs a b c"), 3);
    assert_eq!(one.receive(), pair("jobs", "a"));
    assert_eq!(two.receive(), pair("jobs", "b"));
    assert_eq!(three.receive(), pair("jobs", "c"));
    waiting(&mut admin, 1);
    assert_eq!(admin.int("EXISTS jobs"), 0);
}

#[test]
fn commands_behind_one_that_waits_follow_it() {
    let server = start_server(&[]);
    let [mut admin, mut one] = clients(&server);
    one.send_raw(b"SET a 1\r\nBLPOP l 0\r\nSET a 2\r\nBLPOP l 0\r\nGET a\r\n");
    assert!(one.receive().is_some());
    waiting(&mut admin, 1);
    one.send_raw(b"PING\r\n");
    assert_eq!(admin.text("GET a"), "1");
    assert_eq!(admin.int("RPUSH l x"), 1);
    assert_eq!(one.receive(), pair("l", "x"));
    assert_eq!(one.receive(), Some(Value::Simple(b"OK".to_vec())));
    waiting(&mut admin, 1);
    assert_eq!(admin.int("RPUSH l y"), 1);
    assert_eq!(one.receive(), pair("l", "y"));
    assert_eq!(one.receive(), Some(Value::Bulk(b"2".to_vec())));
    assert_eq!(one.receive(), Some(Value::Simple(b"PONG".to_vec())));
}

#[test]
fn who_hangs_up_while_waiting_takes_nothing() {
    let server = start_server(&[]);
    let [mut admin, mut gone, mut killed, mut served] = clients(&server);
    let id = killed.int("CLIENT ID");
    for (number, client) in [&mut gone, &mut killed, &mut served].into_iter().enumerate() {
        client.send(&[b"BLMOVE", b"l", b"m", b"LEFT", b"RIGHT", b"0"]);
        waiting(&mut admin, number + 1);
    }
    drop(gone);
    waiting(&mut admin, 2);
    assert_eq!(admin.int(&format!("CLIENT KILL ID {id}")), 1);
    killed.expect_closed();
    waiting(&mut admin, 1);
    assert_eq!(admin.int("RPUSH l a"), 1);
    assert_eq!(served.receive(), Some(Value::Bulk(b"a".to_vec())));
    assert_eq!(admin.int("LLEN m"), 1);
    assert!(admin.text("INFO clients").contains("total_blocking_keys:0\r"));
}

#[test]
fn timeouts_come_on_time_and_unblock_at_once() {
    let server = start_server(&[]);
    let [mut admin, mut one] = clients(&server);
    let id = one.int("CLIENT ID");
    let begin = Instant::now();
    assert_eq!(one.run("BLPOP l 0.05"), Value::NullArray);
    assert!(begin.elapsed() >= Duration::from_millis(50), "{:?}", begin.elapsed());
    one.send(&[b"BRPOP", b"l", b"1000"]);
    waiting(&mut admin, 1);
    assert_eq!(admin.int(&format!("CLIENT UNBLOCK {id}")), 1);
    assert_eq!(one.receive(), Some(Value::NullArray));
    one.send(&[b"BRPOP", b"l", b"1000"]);
    waiting(&mut admin, 1);
    assert_eq!(admin.int(&format!("CLIENT UNBLOCK {id} ERROR")), 1);
    assert_eq!(one.receive(), Some(Value::Error(b"UNBLOCKED client unblocked via CLIENT UNBLOCK".to_vec())));
    assert_eq!(one.run("PING"), Value::Simple(b"PONG".to_vec()));
}

#[test]
fn the_end_of_a_pause_does_not_end_a_wait() {
    let server = start_server(&[]);
    let [mut admin, mut one] = clients(&server);
    one.send(&[b"BLPOP", b"l", b"0"]);
    waiting(&mut admin, 1);
    one.send(&[b"SET", b"k", b"v"]);
    admin.ok("CLIENT PAUSE 100000 WRITE");
    admin.ok("CLIENT UNPAUSE");
    waiting(&mut admin, 1);
    assert_eq!(admin.run("GET k"), Value::NullBulk);
    assert_eq!(admin.int("RPUSH l a"), 1);
    assert_eq!(one.receive(), pair("l", "a"));
    assert_eq!(one.receive(), Some(Value::Simple(b"OK".to_vec())));
}

#[test]
fn a_queue_of_many_workers_loses_no_job_and_runs_none_twice() {
    const JOBS: usize = 3000;
    let server = start_server(&[]);
    let addr = server.addr();
    let worker = move || {
        let mut client = Client::connect(addr);
        let mut done = Vec::new();
        loop {
            // Of two queues, so that servers and waiters meet in several shards.
            match client.run("BLPOP high low 30") {
                Value::Array(job) => match &job[1] {
                    Value::Bulk(job) if job == b"stop" => return done,
                    Value::Bulk(job) => done.push(String::from_utf8(job.clone()).unwrap()),
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
        }
    };
    let workers: Vec<_> = (0..6).map(|_| std::thread::spawn(worker)).collect();
    let producers: Vec<_> = (0..3)
        .map(|producer| {
            std::thread::spawn(move || {
                let mut client = Client::connect(addr);
                for job in 0..JOBS / 3 {
                    let queue = if job % 3 == 0 { "high" } else { "low" };
                    assert!(client.int(&format!("RPUSH {queue} {producer}-{job}")) > 0);
                }
            })
        })
        .collect();
    producers.into_iter().for_each(|producer| producer.join().unwrap());
    let mut admin = Client::connect(addr);
    for _ in 0..6 {
        admin.int("RPUSH low stop");
    }
    let mut done: Vec<String> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
    done.sort();
    let mut wanted: Vec<String> =
        (0..3).flat_map(|producer| (0..JOBS / 3).map(move |job| format!("{producer}-{job}"))).collect();
    wanted.sort();
    assert_eq!(done, wanted);
    assert_eq!(admin.int("EXISTS high low"), 0);
}
