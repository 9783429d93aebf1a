//! Many commands at once: whole or in pieces, small or large, read at once or late.

use crate::support::{Client, ok, start_server, until};
use base::rng::Rng;
use resp::client::{Value, encode_command};
use russet_server::testing::TestServer;
use std::io::{Read, Write};

/// Commands of all shapes, the same replies each time they run.
fn mixed_pipeline() -> Vec<u8> {
    let big = vec![b'x'; 70_000];
    let mut bytes = Vec::new();
    encode_command(&mut bytes, &[b"FLUSHALL"]);
    for number in 0..150 {
        let text = number.to_string();
        encode_command(&mut bytes, &[b"SET", text.as_bytes(), if number % 30 == 0 { &big } else { b"value" }]);
        encode_command(&mut bytes, &[b"GET", text.as_bytes()]);
        encode_command(&mut bytes, &[b"APPEND", b"all", text.as_bytes()]);
        match number % 5 {
            0 => bytes.extend_from_slice(b"PING inline\r\n\r\n"),
            1 => encode_command(&mut bytes, &[b"NOSUCHCOMMAND", b"a"]),
            2 => encode_command(&mut bytes, &[b"INCR", b"all"]),
            3 => encode_command(&mut bytes, &[b"ECHO", b""]),
            _ => encode_command(&mut bytes, &[b"MGET", b"1", b"2", b"none"]),
        }
    }
    bytes
}

/// Sends the bytes in the given pieces, closes the sending side, and gives all replies.
fn replies(server: &TestServer, pieces: &[&[u8]]) -> Vec<u8> {
    let client = Client::connect(server.addr());
    let mut writer = client.stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut all = Vec::new();
            (&client.stream).read_to_end(&mut all).expect("the server closes in order");
            all
        });
        for piece in pieces {
            writer.write_all(piece).unwrap();
        }
        writer.shutdown(std::net::Shutdown::Write).unwrap();
        reader.join().unwrap()
    })
}

#[test]
fn any_split_of_a_pipeline_gives_the_same_replies_also_after_half_a_close() {
    let server = start_server(&[]);
    let pipeline = mixed_pipeline();
    let whole = replies(&server, &[&pipeline]);
    assert!(whole.len() > 300_000 && whole.ends_with(b"\r\n"), "{} bytes", whole.len());
    let mut rng = Rng::seed(5);
    for _ in 0..12 {
        let longest = 1 + rng.below(20_000);
        let mut rest = pipeline.as_slice();
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let len = (1 + rng.below(longest) as usize).min(rest.len());
            let (piece, behind) = rest.split_at(len);
            pieces.push(piece);
            rest = behind;
        }
        assert!(replies(&server, &pieces) == whole, "pieces of up to {longest} bytes");
    }
}

#[test]
fn a_client_that_reads_late_gets_every_reply() {
    let server = start_server(&[]);
    let mut client = Client::connect(server.addr());
    let (small, large) = (vec![b's'; 90_000], vec![b'l'; 700_000]);
    client.run_words(&[b"SET", b"small", &small]);
    client.run_words(&[b"SET", b"large", &large]);
    // Replies of every phase: turns that end for too many of them, with commands behind them postponed or unparsed.
    let mut pipeline = Vec::new();
    let mut expected = Vec::new();
    let mut rng = Rng::seed(11);
    for _ in 0..170 {
        let (name, value): (&[u8], _) = if rng.below(3) == 0 { (b"large", &large) } else { (b"small", &small) };
        encode_command(&mut pipeline, &[b"GET", name]);
        expected.push(value.len());
    }
    client.send_raw(&pipeline);
    // Another client's commands go on meanwhile.
    let mut other = Client::connect(server.addr());
    for _ in 0..50 {
        other.ok("SET other 1");
    }
    for (number, len) in expected.into_iter().enumerate() {
        match client.receive() {
            Some(Value::Bulk(value)) => assert_eq!(value.len(), len, "reply {number}"),
            reply => panic!("reply {number}: {reply:?}"),
        }
    }
    client.ok("SET after 1");
}

#[test]
fn values_of_eight_mebibytes_go_both_ways_in_a_pipeline() {
    let server = start_server(&[]);
    let mut client = Client::connect(server.addr());
    let values: Vec<Vec<u8>> = (0..3).map(|byte| vec![b'a' + byte; 8 << 20]).collect();
    let mut pipeline = Vec::new();
    for (number, value) in values.iter().enumerate() {
        encode_command(&mut pipeline, &[b"SET", number.to_string().as_bytes(), value]);
        encode_command(&mut pipeline, &[b"GET", number.to_string().as_bytes()]);
        encode_command(&mut pipeline, &[b"STRLEN", number.to_string().as_bytes()]);
    }
    let mut writer = client.stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| writer.write_all(&pipeline).unwrap());
        for value in &values {
            assert_eq!(client.receive(), Some(ok()));
            assert!(client.receive() == Some(Value::Bulk(value.clone())), "a value came back changed");
            assert_eq!(client.receive(), Some(Value::Integer(8 << 20)));
        }
    });
}

#[test]
fn quit_is_answered_and_what_follows_is_not() {
    let server = start_server(&[]);
    let mut client = Client::connect(server.addr());
    client.send_raw(b"PING\r\nQUIT\r\nPING\r\n");
    assert_eq!(client.finish(), b"+PONG\r\n+OK\r\n");
}

#[test]
fn a_protocol_error_is_answered_after_what_came_before_it_and_closes() {
    let server = start_server(&[]);
    for (bytes, error) in [
        (&b"*1\r\nfoo\r\n"[..], &b"-ERR Protocol error: expected '$', got 'f'\r\n"[..]),
        (b"*1000000000000\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*1\r\n$-5\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
        (b"SET a \"b\r\n", b"-ERR Protocol error: unbalanced quotes in request\r\n"),
    ] {
        let mut client = Client::connect(server.addr());
        client.send_raw(&[b"PING\r\n", bytes].concat());
        assert_eq!(client.receive(), Some(Value::Simple(b"PONG".to_vec())));
        let text = error[1..].strip_suffix(b"\r\n").unwrap().to_vec();
        assert_eq!(client.receive(), Some(Value::Error(text)));
        client.expect_closed();
    }
}

#[test]
fn a_protocol_error_behind_commands_that_wait_is_answered_when_they_have_run() {
    let server = start_server(&[]);
    let (mut admin, mut client) = (Client::connect(server.addr()), Client::connect(server.addr()));
    let error = Some(Value::Error(b"ERR Protocol error: expected '$', got 'f'".to_vec()));
    admin.ok("CLIENT PAUSE 600000 WRITE");
    client.send_raw(b"SET k v\r\nGET k\r\n*1\r\nfoo\r\n");
    until("the client waits", || admin.text("INFO clients").contains("blocked_clients:1"));
    admin.ok("CLIENT UNPAUSE");
    assert_eq!(client.receive(), Some(ok()));
    assert_eq!(client.receive(), Some(Value::Bulk(b"v".to_vec())));
    assert_eq!(client.receive(), error);
    client.expect_closed();
    // Replies so long that they are sent before more commands run.
    let large = vec![b'l'; 700_000];
    admin.run_words(&[b"SET", b"large", &large]);
    let mut client = Client::connect(server.addr());
    client.send_raw(b"GET large\r\nGET large\r\nGET large\r\n*1\r\nfoo\r\n");
    for _ in 0..3 {
        assert_eq!(client.receive(), Some(Value::Bulk(large.clone())));
    }
    assert_eq!(client.receive(), error);
    client.expect_closed();
}

#[test]
fn a_long_command_is_answered_in_its_place_also_after_half_a_close() {
    let server = start_server(&[]);
    let mut pipeline = Vec::new();
    for set in [b"a", b"b"] {
        let members: Vec<String> = (0..20_000).map(|member| format!("{member}{}", char::from(set[0]))).collect();
        let words = [&b"SADD"[..], set].into_iter().chain(members.iter().map(String::as_bytes));
        encode_command(&mut pipeline, &words.collect::<Vec<_>>());
    }
    for _ in 0..3 {
        encode_command(&mut pipeline, &[b"SUNIONSTORE", b"c", b"a", b"b"]);
        encode_command(&mut pipeline, &[b"SADD", b"c", b"one more"]);
        encode_command(&mut pipeline, &[b"SCARD", b"c"]);
    }
    let expected = format!(":20000\r\n:20000\r\n{}", ":40000\r\n:1\r\n:40001\r\n".repeat(3));
    assert_eq!(String::from_utf8(replies(&server, &[&pipeline])).unwrap(), expected);
}
