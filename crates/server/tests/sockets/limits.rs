//! What a client can make the server hold, and what happens to one that goes too far.

use crate::support::{Client, ok, start_server, until};
use resp::client::{Value, encode_command};
use russet_server::testing::TestServer;
use std::io::{ErrorKind, Write};
use std::sync::atomic::Ordering::Relaxed;

/// Output and unfinished input that the server holds for all clients.
fn held(server: &TestServer) -> (usize, usize) {
    let (mut output, mut input) = (0, 0);
    server.server().clients.each(|client| {
        output += client.output_memory.load(Relaxed);
        input += client.query_buffer.load(Relaxed) + client.query_buffer_free.load(Relaxed);
    });
    (output, input)
}

#[test]
fn a_client_that_never_reads_is_not_served_beyond_a_turns_replies() {
    let server = start_server(&[]);
    let mut other = Client::connect(server.addr());
    other.run_words(&[b"SET", b"big", &vec![b'x'; 600_000]]);
    let mut greedy = Client::connect(server.addr());
    let mut pipeline = Vec::new();
    for _ in 0..1000 {
        encode_command(&mut pipeline, &[b"GET", b"big"]);
    }
    greedy.stream.set_nonblocking(true).unwrap();
    // It asks for gigabytes, until neither side's buffers take more requests.
    let mut refused = 0;
    let mut rounds = 0;
    while refused < 20 && rounds < 20_000 {
        rounds += 1;
        match greedy.stream.write(&pipeline) {
            Ok(_) => refused = 0,
            Err(error) if error.kind() == ErrorKind::WouldBlock => refused += 1,
            Err(error) => panic!("{error}"),
        }
        assert_eq!(other.run("PING"), Value::Simple(b"PONG".to_vec()));
        let (output, input) = held(&server);
        assert!(output < 4 << 20, "{output} bytes of output after {rounds} rounds");
        assert!(input < 1 << 20, "{input} bytes of input after {rounds} rounds");
    }
    assert_eq!(refused, 20, "the server went on reading");
}

#[test]
pub fn the_hard_output_limit_closes_and_is_counted() {
    let server = start_server(&["--client-output-buffer-limit", "normal 1mb 0 0"]);
    let mut other = Client::connect(server.addr());
    other.int("SETRANGE big 67108863 x");
    let mut greedy = Client::connect(server.addr());
    greedy.send(&[b"GET", b"big"]);
    let clients = &server.server().clients;
    until("the client to be closed", || clients.output_limit_closed.load(Relaxed) == 1);
    until("the client to be gone", || clients.len() == 1);
    assert!(other.text("INFO stats").contains("client_output_buffer_limit_disconnections:1\r\n"));
}

#[test]
fn replies_over_the_hard_limit_are_not_sent_even_to_one_who_reads() {
    let server = start_server(&["--client-output-buffer-limit", "normal 100000 0 0"]);
    let mut other = Client::connect(server.addr());
    other.run_words(&[b"SET", b"big", &vec![b'x'; 60_000]]);
    other.int("HSET h f v");
    // One reply; one that repeats itself without end; several of a pipeline, of which what comes behind does not run;
    // and a transaction, which runs to its end.
    for (number, pipeline) in [
        &["MGET big big"] as &[&str],
        &["HRANDFIELD h -999999999"],
        &["SET before 1", "GET big", "GET big", "SET behind 1"],
        &["MULTI", "GET big", "GET big", "SET in-it 1", "EXEC"],
    ]
    .iter()
    .enumerate()
    {
        let mut greedy = Client::connect(server.addr());
        let mut bytes = Vec::new();
        for line in *pipeline {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            encode_command(&mut bytes, &words);
        }
        greedy.send_raw(&bytes);
        greedy.expect_closed();
        let closed = server.server().clients.output_limit_closed.load(Relaxed);
        assert_eq!(closed, number as u64 + 1, "{pipeline:?}");
    }
    assert_eq!(other.int("EXISTS before in-it"), 2);
    assert_eq!(other.int("EXISTS behind"), 0);
    // What is short enough goes on.
    assert_eq!(other.text("GET big").len(), 60_000);
}

#[test]
fn the_soft_output_limit_closes_a_client_of_which_nothing_is_heard() {
    let server = start_server(&["--client-output-buffer-limit", "normal 0 1mb 1"]);
    let mut other = Client::connect(server.addr());
    other.int("SETRANGE big 67108863 x");
    let mut greedy = Client::connect(server.addr());
    greedy.send(&[b"GET", b"big"]);
    let clients = &server.server().clients;
    until("the client to be closed", || {
        other.run("PING");
        clients.output_limit_closed.load(Relaxed) == 1
    });
    until("the client to be gone", || clients.len() == 1);
}

#[test]
pub fn the_query_buffer_limit_closes_and_is_counted() {
    let server = start_server(&["--client-query-buffer-limit", "1mb"]);
    let mut other = Client::connect(server.addr());
    let mut greedy = Client::connect(server.addr());
    greedy.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$33554432\r\n");
    // Closed in the middle of it, so that writing may fail.
    let _ = greedy.stream.write_all(&vec![b'x'; 8 << 20]);
    until("the client to be gone", || server.server().clients.len() == 1);
    assert_eq!(server.server().clients.input_limit_closed.load(Relaxed), 1);
    assert!(other.text("INFO stats").contains("client_query_buffer_limit_disconnections:1\r\n"));
    assert_eq!(other.int("EXISTS k"), 0);
}

#[test]
fn a_whole_command_over_the_query_buffer_limit_is_not_run() {
    let server = start_server(&["--client-query-buffer-limit", "1mb"]);
    let mut other = Client::connect(server.addr());
    let mut greedy = Client::connect(server.addr());
    let fits = vec![b'x'; (1 << 20) - 100];
    assert_eq!(greedy.run_words(&[b"SET", b"fits", &fits]), ok());
    let mut command = Vec::new();
    encode_command(&mut command, &[b"SET", b"k", &[b'x'; 1 << 20]]);
    // Closed near its end, so that writing may fail.
    let _ = greedy.stream.write_all(&command);
    until("the client to be gone", || server.server().clients.len() == 1);
    assert_eq!(server.server().clients.input_limit_closed.load(Relaxed), 1);
    assert_eq!((other.int("EXISTS fits"), other.int("EXISTS k")), (1, 0));
}

#[test]
pub fn clients_beyond_maxclients_are_told_and_closed() {
    let server = start_server(&["--maxclients", "3"]);
    let mut inside: Vec<Client> = (0..3).map(|_| Client::connect(server.addr())).collect();
    for client in &mut inside {
        client.run("PING");
    }
    let mut outside = Client::connect(server.addr());
    assert_eq!(outside.receive(), Some(Value::Error(b"ERR max number of clients reached".to_vec())));
    outside.expect_closed();
    assert!(inside[0].text("INFO stats").contains("rejected_connections:1\r\n"));
    drop(inside.pop());
    until("a place to be free", || server.server().clients.len() == 2);
    assert_eq!(Client::connect(server.addr()).run("PING"), Value::Simple(b"PONG".to_vec()));
}

#[test]
fn exactly_maxclients_are_served_however_many_workers_take_them_in() {
    let server = start_server(&["--maxclients", "20", "--threads", "4"]);
    for round in 1..=10 {
        let mut clients: Vec<Client> = std::thread::scope(|scope| {
            let addr = server.addr();
            let connect = move || (0..10).map(|_| Client::connect(addr)).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(connect)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let served = |client: &mut Client| {
            // A refused client may be gone before it says anything.
            let _ = client.stream.write_all(b"PING\r\n");
            client.receive() == Some(Value::Simple(b"PONG".to_vec()))
        };
        assert_eq!(clients.iter_mut().filter_map(|client| served(client).then_some(())).count(), 20);
        assert_eq!(server.server().clients.rejected.load(Relaxed), round * 20);
        drop(clients);
        until("all to be gone", || server.server().clients.len() == 0);
    }
}

#[test]
fn above_maxmemory_what_takes_memory_is_refused_within_a_pipeline_too() {
    let server = start_server(&[]);
    let mut client = Client::connect(server.addr());
    let oom = Value::Error(b"OOM command not allowed when used memory > 'maxmemory'.".to_vec());
    let info = client.text("INFO memory");
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("a field of INFO");
    let limit = used.parse::<u64>().unwrap() + (32 << 20);
    client.ok(&format!("CONFIG SET maxmemory {limit}"));
    // Each takes more than the limit leaves: the second of one turn must see what the first has taken.
    let mut pipeline = Vec::new();
    for number in 0..10 {
        encode_command(&mut pipeline, &[b"SETRANGE", format!("k{number}").as_bytes(), b"40000000", b"x"]);
    }
    client.send_raw(&pipeline);
    assert_eq!(client.receive(), Some(Value::Integer(40_000_001)));
    for _ in 1..10 {
        assert_eq!(client.receive(), Some(oom.clone()));
    }
    let mut other = Client::connect(server.addr());
    until("the other workers to notice", || other.run("APPEND k v") == oom);
    assert_eq!(other.int("STRLEN k0"), 40_000_001);
    other.int("DEL k0");
    until("it to be freed", || other.run("SET k v") == ok());
}

#[test]
pub fn silent_clients_are_closed_after_the_timeout_but_monitors_are_not() {
    let server = start_server(&[]);
    let mut busy = Client::connect(server.addr());
    let mut monitor = Client::connect(server.addr());
    monitor.ok("MONITOR");
    let mut silent = Client::connect(server.addr());
    silent.run("PING");
    busy.ok("CONFIG SET timeout 1");
    until("the silent client to be gone", || {
        busy.run("PING");
        server.server().clients.len() == 2
    });
    silent.expect_closed();
    assert!(monitor.receive().is_some());
}

#[test]
fn connections_that_are_gone_leave_nothing() {
    let server = start_server(&[]);
    let mut client = Client::connect(server.addr());
    for round in 0..30 {
        let mut many: Vec<Client> = (0..100).map(|_| Client::connect(server.addr())).collect();
        for (number, other) in many.iter_mut().enumerate() {
            match number % 3 {
                // Gone with a reply on its way, in the middle of a command, and without a word.
                0 => other.send(&[b"GET", b"k"]),
                1 => other.send_raw(b"*2\r\n$3\r\nGE"),
                _ => {}
            }
        }
        drop(many);
        until("all to be gone", || server.server().clients.accepted.load(Relaxed) >= (round + 1) * 100);
    }
    until("all to be gone", || server.server().clients.len() == 1);
    assert_eq!(client.text("CLIENT LIST").lines().count(), 1);
    assert!(client.text("INFO clients").contains("connected_clients:1\r\n"));
    assert_eq!(held(&server).0, 0);
}
