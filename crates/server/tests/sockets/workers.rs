//! What one client does to others, whichever worker each of them is on.

use crate::support::{Client, Scratch, ok, start_server, until};
use resp::client::Value;
use russet_server::testing::TestServer;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Clients on all workers: a connection goes to the worker with the fewest.
fn clients(server: &TestServer, count: usize) -> Vec<Client> {
    let mut clients: Vec<Client> = (0..count).map(|_| Client::connect(server.addr())).collect();
    clients.iter_mut().for_each(|client| assert_eq!(client.run("PING"), Value::Simple(b"PONG".to_vec())));
    let mut workers = std::collections::HashSet::new();
    server.server().clients.each(|client| {
        workers.insert(client.worker);
    });
    assert_eq!(workers.len(), crate::WORKERS, "the clients are spread");
    clients
}

#[test]
fn client_kill_reaches_clients_of_every_worker() {
    let server = start_server(&[]);
    let mut others = clients(&server, 6);
    let mut admin = others.pop().unwrap();
    for other in &mut others {
        let id = other.int("CLIENT ID");
        assert_eq!(admin.int(&format!("CLIENT KILL ID {id}")), 1);
        other.expect_closed();
        until("the client to be gone", || server.server().clients.get(id as u64).is_none());
        assert_eq!(admin.int(&format!("CLIENT KILL ID {id}")), 0);
    }
    assert_eq!(admin.text("CLIENT LIST").lines().count(), 1);
}

#[test]
fn writes_paused_on_all_workers_go_on_with_unpause() {
    let server = start_server(&[]);
    let mut others = clients(&server, 6);
    let mut admin = others.pop().unwrap();
    admin.ok("CLIENT PAUSE 600000 WRITE");
    for (number, other) in others.iter_mut().enumerate() {
        assert_eq!(other.run("GET 0"), Value::NullBulk, "reads are not paused");
        // A write, and a read behind it that has to wait for it.
        other.send_raw(format!("SET {number} v\r\nGET {number}\r\n").as_bytes());
    }
    assert_eq!(admin.int("DBSIZE"), 0);
    admin.ok("CLIENT UNPAUSE");
    for other in &mut others {
        assert_eq!(other.receive(), Some(ok()));
        assert_eq!(other.receive(), Some(Value::Bulk(b"v".to_vec())));
    }
    assert_eq!(admin.int("DBSIZE"), 5);
}

#[test]
fn everything_paused_goes_on_when_the_time_is_over() {
    let server = start_server(&[]);
    let mut others = clients(&server, 6);
    let begin = Instant::now();
    others[0].ok("CLIENT PAUSE 300 ALL");
    for other in &mut others {
        other.send_raw(b"PING\r\nPING again\r\n");
    }
    for other in &mut others {
        assert_eq!(other.receive(), Some(Value::Simple(b"PONG".to_vec())));
        assert_eq!(other.receive(), Some(Value::Bulk(b"again".to_vec())));
        assert!(begin.elapsed() >= Duration::from_millis(299));
    }
}

#[test]
fn a_client_that_leaves_while_paused_is_let_go() {
    let server = start_server(&[]);
    let mut others = clients(&server, 6);
    let admin = &mut others.remove(0);
    admin.ok("CLIENT PAUSE 600000 WRITE");
    for other in &mut others {
        other.send_raw(b"SET k v\r\n");
    }
    drop(others);
    until("the clients to be gone", || server.server().clients.len() == 1);
    admin.ok("CLIENT UNPAUSE");
    assert_eq!(admin.int("EXISTS k"), 0);
}

#[test]
fn monitors_see_the_commands_of_every_worker() {
    let server = start_server(&[]);
    let mut others = clients(&server, 6);
    let mut monitors = others.split_off(4);
    monitors.iter_mut().for_each(|monitor| monitor.ok("MONITOR"));
    for round in 0..5 {
        for (number, other) in others.iter_mut().enumerate() {
            other.ok(&format!("SET k{number} {round}"));
        }
    }
    for monitor in &mut monitors {
        let mut seen = Vec::new();
        for _ in 0..20 {
            match monitor.receive() {
                Some(Value::Simple(line)) => seen.push(String::from_utf8(line).unwrap()),
                other => panic!("{other:?}"),
            }
        }
        for number in 0..4 {
            let of_one: Vec<&String> = seen.iter().filter(|line| line.contains(&format!("\"k{number}\""))).collect();
            assert_eq!(of_one.len(), 5);
            for (round, line) in of_one.into_iter().enumerate() {
                assert!(line.ends_with(&format!("\"SET\" \"k{number}\" \"{round}\"")), "{line}");
            }
        }
    }
}

#[test]
fn the_longest_turn_is_known_by_time_and_by_commands() {
    let server = start_server(&[]);
    let mut client = Client::connect(server.addr());
    client.send_raw(&b"PING\r\n".repeat(50));
    (0..50).for_each(|_| assert_eq!(client.receive(), Some(Value::Simple(b"PONG".to_vec()))));
    let figure = |text: &str, name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.expect("the field is there").parse().expect("it is a number")
    };
    until("the figures to be published", || {
        let debug = client.text("INFO debug");
        let (most, longest) = (figure(&debug, "eventloop_cmd_per_cycle_max"), figure(&debug, "eventloop_duration_max"));
        (50..=60).contains(&most) && longest > 0 && figure(&debug, "eventloop_duration_cron_sum") > 0
    });
}

#[test]
pub fn a_unix_socket_is_served_and_its_file_goes_with_the_server() {
    let scratch = Scratch::new("unix");
    let path = scratch.path("socket");
    let server = start_server(&["--unixsocket", &path, "--unixsocketperm", "700"]);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"CLIENT INFO\r\nQUIT\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.contains(&format!("addr={path}:0")) && reply.ends_with("+OK\r\n"), "{reply}");
    drop(server);
    assert!(!std::path::Path::new(&path).exists());
}
