//! Messages between clients of several workers.

use crate::support::{Client, PATIENCE, until};
use resp::client::{Value, encode_command};
use russet_server::testing::TestServer;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The servers that a test is about: with one worker, which shares nothing, or with several.
fn servers(options: &[&str]) -> impl Iterator<Item = TestServer> {
    let threads: &[&str] = if crate::WORKERS == 1 { &["1"] } else { &["2", "3"] };
    threads.iter().map(move |threads| TestServer::start(&[options, &["--threads", threads]].concat()))
}

/// The words of a message.
fn words(value: &Value) -> Vec<String> {
    let (Value::Array(parts) | Value::Push(parts)) = value else { panic!("no message: {value:?}") };
    let word = |part: &Value| match part {
        Value::Bulk(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Integer(number) => number.to_string(),
        other => other.to_string(),
    };
    parts.iter().map(word).collect()
}

fn receive(client: &mut Client) -> Vec<String> {
    words(&client.receive().expect("the connection stays"))
}

/// Sends a command that is answered by a message, and returns all that comes until it is.
fn until_confirmed(client: &mut Client, line: &str) -> Vec<Vec<String>> {
    let words: Vec<&[u8]> = line.split_ascii_whitespace().map(str::as_bytes).collect();
    client.send(&words);
    let what = words[0].to_ascii_lowercase();
    let mut before = Vec::new();
    loop {
        let message = receive(client);
        if message[0].as_bytes() == what {
            return before;
        }
        before.push(message);
    }
}

fn subscriber(addr: SocketAddr, line: &str) -> Client {
    let mut client = Client::connect(addr);
    until_confirmed(&mut client, line);
    client
}

#[test]
fn a_message_reaches_those_who_were_counted_and_nobody_else() {
    const MESSAGES: usize = 1500;
    for server in servers(&[]) {
        let addr = server.addr();
        let (counted, heard) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // They come and go in all the ways there are.
            for (begin, end) in [
                ("SUBSCRIBE c", "UNSUBSCRIBE c"),
                ("SUBSCRIBE x c", "UNSUBSCRIBE"),
                ("PSUBSCRIBE c*", "PUNSUBSCRIBE"),
                ("SSUBSCRIBE c", "SUNSUBSCRIBE c"),
                ("SUBSCRIBE c", "RESET"),
            ] {
                let (heard, is_over) = (&heard, &is_over);
                scope.spawn(move || {
                    let mut client = Client::connect(addr);
                    let mut count = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        let confirmations = begin.split(' ').count() - 1;
                        client.send(&begin.split(' ').map(str::as_bytes).collect::<Vec<_>>());
                        let mut left = confirmations;
                        while left > 0 {
                            let is_message = receive(&mut client)[0].ends_with("message");
                            count += usize::from(is_message);
                            left -= usize::from(!is_message);
                        }
                        client.send(&end.split(' ').map(str::as_bytes).collect::<Vec<_>>());
                        let mut left = if end == "RESET" { 1 } else { confirmations };
                        while left > 0 {
                            let reply = client.receive().expect("the connection stays");
                            let is_message =
                                reply != Value::Simple(b"RESET".to_vec()) && words(&reply)[0].ends_with("message");
                            count += usize::from(is_message);
                            left -= usize::from(!is_message);
                        }
                    }
                    heard.fetch_add(count, Ordering::Relaxed);
                });
            }
            let publishers: Vec<_> = ["PUBLISH", "PUBLISH", "SPUBLISH"]
                .into_iter()
                .map(|command| {
                    let counted = &counted;
                    scope.spawn(move || {
                        let mut client = Client::connect(addr);
                        for _ in 0..MESSAGES {
                            counted.fetch_add(client.int(&format!("{command} c x")) as usize, Ordering::Relaxed);
                        }
                    })
                })
                .collect();
            publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
            is_over.store(true, Ordering::Relaxed);
        });
        assert_eq!(counted.load(Ordering::Relaxed), heard.load(Ordering::Relaxed));
        assert!(counted.load(Ordering::Relaxed) > 0);
    }
}

#[test]
fn all_hear_the_messages_of_a_channel_in_one_order_and_those_of_a_publisher_in_its_own() {
    const MESSAGES: usize = 1000;
    for server in servers(&[]) {
        let addr = server.addr();
        let mut listeners: Vec<Client> = (0..4).map(|_| subscriber(addr, "SUBSCRIBE a")).collect();
        let mut everything: Vec<Client> = (0..2).map(|_| subscriber(addr, "PSUBSCRIBE *")).collect();
        std::thread::scope(|scope| {
            for publisher in 0..3 {
                scope.spawn(move || {
                    let mut client = Client::connect(addr);
                    let mut pipeline = Vec::new();
                    for number in 0..MESSAGES {
                        let channel: &[u8] = if number % 3 == 2 { b"b" } else { b"a" };
                        let text = format!("{publisher} {number}");
                        encode_command(&mut pipeline, &[b"PUBLISH", channel, text.as_bytes()]);
                    }
                    client.send_raw(&pipeline);
                    (0..MESSAGES).for_each(|_| drop(client.receive()));
                });
            }
            let heard: Vec<Vec<String>> = listeners
                .iter_mut()
                .map(|client| (0..3 * (MESSAGES - MESSAGES / 3)).map(|_| receive(client).remove(2)).collect())
                .collect();
            for other in &heard[1..] {
                assert!(*other == heard[0], "all listeners hear the same");
            }
            for client in &mut everything {
                let mut last = [None; 3];
                for _ in 0..3 * MESSAGES {
                    let text = receive(client).remove(3);
                    let (publisher, number) = text.split_once(' ').expect("two numbers");
                    let last = &mut last[publisher.parse::<usize>().unwrap()];
                    let number: usize = number.parse().unwrap();
                    assert_eq!(number, last.map_or(0, |last| last + 1), "in the order of its publisher");
                    *last = Some(number);
                }
            }
        });
    }
}

#[test]
fn what_was_published_before_a_subscription_ends_comes_before_that_is_confirmed() {
    for server in servers(&[]) {
        let mut publisher = Client::connect(server.addr());
        for end in ["UNSUBSCRIBE c", "UNSUBSCRIBE", "RESET", "QUIT"] {
            for _ in 0..50 {
                let mut client = subscriber(server.addr(), "SUBSCRIBE c");
                assert_eq!(publisher.int("PUBLISH c x"), 1);
                client.send(&end.split(' ').map(str::as_bytes).collect::<Vec<_>>());
                assert_eq!(receive(&mut client), ["message", "c", "x"], "{end}");
                assert!(client.receive().is_some());
                if end != "QUIT" {
                    assert_eq!(publisher.int("PUBLISH c x"), 0);
                }
                // And nothing from before a subscription comes behind it.
                let mut late = Client::connect(server.addr());
                publisher.int("PUBLISH c early");
                assert!(until_confirmed(&mut late, "SUBSCRIBE c").is_empty());
                publisher.int("PUBLISH c late");
                assert_eq!(receive(&mut late), ["message", "c", "late"]);
                until_confirmed(&mut late, "UNSUBSCRIBE c");
            }
        }
    }
}

#[test]
fn who_publishes_to_itself_hears_it_behind_the_reply_and_in_order_with_others() {
    for server in servers(&[]) {
        let addr = server.addr();
        let mut own = Client::connect(addr);
        own.run("HELLO 3");
        until_confirmed(&mut own, "SUBSCRIBE c");
        let mut other = subscriber(addr, "SUBSCRIBE c");
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut publisher = Client::connect(addr);
                (0..500).for_each(|_| assert_eq!(publisher.int("PUBLISH c theirs"), 2));
            });
            let mut heard = Vec::new();
            for number in 0..500 {
                own.send_raw(format!("PUBLISH c {number}\r\nPING\r\n").as_bytes());
                let mut replies = 0;
                let mut is_heard = false;
                while replies < 2 {
                    match own.receive().expect("the connection stays") {
                        Value::Push(parts) => {
                            let text = words(&Value::Push(parts)).remove(2);
                            is_heard |= text == number.to_string();
                            assert!(replies == 1 || text == "theirs", "behind the reply");
                            heard.push(text);
                        }
                        Value::Integer(2) => replies += 1,
                        reply => {
                            assert_eq!(reply, Value::Simple(b"PONG".to_vec()));
                            assert!(is_heard, "before the next command");
                            replies += 1;
                        }
                    }
                }
            }
            while heard.len() < 1000 {
                heard.push(receive(&mut own).remove(2));
            }
            let others: Vec<String> = (0..1000).map(|_| receive(&mut other).remove(2)).collect();
            assert!(heard == others, "both hear the same");
        });
    }
}

#[test]
fn a_subscriber_that_does_not_read_is_closed_and_the_others_do_not_notice() {
    for server in servers(&["--client-output-buffer-limit", "pubsub 4mb 1mb 60"]) {
        let addr = server.addr();
        let mut others: Vec<Client> = (0..3).map(|_| subscriber(addr, "SUBSCRIBE c")).collect();
        let stuck = subscriber(addr, "SUBSCRIBE c");
        let mut publisher = Client::connect(addr);
        let payload = vec![b'x'; 100_000];
        let clients = &server.server().clients;
        let begin = Instant::now();
        let mut sent = 0;
        while clients.output_limit_closed.load(Ordering::Relaxed) == 0 {
            assert!(begin.elapsed() < PATIENCE, "it is closed in the end");
            publisher.run_words(&[b"PUBLISH", b"c", &payload]);
            sent += 1;
            for client in &mut others {
                assert_eq!(receive(client)[2].len(), payload.len());
            }
        }
        assert!(sent > 40, "closed after {sent} messages");
        until("it to be gone", || clients.len() == 4);
        assert_eq!(publisher.int("PUBLISH c last"), 3);
        for client in &mut others {
            assert_eq!(receive(client)[2], "last");
        }
        assert!(publisher.text("INFO stats").contains("client_output_buffer_limit_disconnections:1\r"));
        drop(stuck);
    }
}

#[test]
fn a_publisher_that_is_faster_than_its_subscribers_worker_is_slowed_down() {
    // Each message has to be copied for many; what waits for that stays bounded, whatever the publisher sends.
    let server = TestServer::start(&["--client-output-buffer-limit", "pubsub 0 0 0"]);
    let addr = server.addr();
    let mut listeners: Vec<Client> = (0..20).map(|_| subscriber(addr, "SUBSCRIBE c")).collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut publisher = Client::connect(addr);
            let mut pipeline = Vec::new();
            (0..2000).for_each(|_| encode_command(&mut pipeline, &[b"PUBLISH", b"c", &[b'x'; 1000]]));
            publisher.send_raw(&pipeline);
            (0..2000).for_each(|_| assert_eq!(publisher.receive(), Some(Value::Integer(20))));
            done.store(true, Ordering::Relaxed);
        });
        for client in &mut listeners {
            (0..2000).for_each(|_| assert_eq!(receive(client)[2].len(), 1000));
        }
    });
    assert!(done.load(Ordering::Relaxed));
}

#[test]
fn connections_that_are_gone_have_no_subscriptions() {
    for server in servers(&[]) {
        let mut admin = Client::connect(server.addr());
        for _ in 0..10 {
            let many: Vec<Client> = (0..30).map(|_| subscriber(server.addr(), "SUBSCRIBE a b c")).collect();
            assert_eq!(admin.int("PUBLISH a x"), 30);
            drop(many);
            until("all to be gone", || admin.int("PUBLISH a x") == 0);
        }
        assert!(admin.text("INFO stats").contains("pubsub_channels:0\r"));
        assert!(admin.text("INFO clients").contains("pubsub_clients:0\r"));
    }
}

#[test]
fn an_event_is_heard_by_who_listened_before_it_looked() {
    // A client subscribes, then looks at a key: whatever changes the key afterwards it hears of.
    for server in servers(&[]) {
        let addr = server.addr();
        Client::connect(addr).ok("CONFIG SET notify-keyspace-events KEA");
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut writer = Client::connect(addr);
                for number in 1.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    writer.ok(&format!("SET k {number}"));
                }
            });
            let mut reader = Client::connect(addr);
            reader.run("HELLO 3");
            for _ in 0..200 {
                until_confirmed(&mut reader, "SUBSCRIBE __keyspace@0__:k");
                reader.send(&[b"GET", b"k"]);
                // The value, then an event of each later change; those of earlier ones come before it.
                while let Value::Push(_) = reader.receive().expect("the connection stays") {}
                assert_eq!(receive(&mut reader), ["message", "__keyspace@0__:k", "set"]);
                until_confirmed(&mut reader, "UNSUBSCRIBE");
            }
            is_over.store(true, Ordering::Relaxed);
        });
    }
}

#[test]
pub fn events_of_a_key_come_in_the_order_of_its_changes() {
    for server in servers(&[]) {
        let addr = server.addr();
        Client::connect(addr).ok("CONFIG SET notify-keyspace-events KA");
        let mut listeners: Vec<Client> = (0..2).map(|_| subscriber(addr, "SUBSCRIBE __keyspace@0__:k")).collect();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(move || {
                    let mut client = Client::connect(addr);
                    for _ in 0..500 {
                        client.run("SET k v NX");
                        client.run("DEL k");
                    }
                });
            }
        });
        Client::connect(addr).run("RPUSH k end");
        for client in &mut listeners {
            let mut is_there = false;
            loop {
                let event = receive(client).remove(2);
                match event.as_str() {
                    "rpush" => break,
                    "set" => assert!(!std::mem::replace(&mut is_there, true), "it was there already"),
                    "del" => assert!(std::mem::replace(&mut is_there, false), "it was not there"),
                    other => panic!("{other}"),
                }
            }
        }
    }
}

#[test]
fn keys_expire_on_time_without_anybody_asking() {
    for server in servers(&[]) {
        let mut admin = Client::connect(server.addr());
        admin.ok("CONFIG SET notify-keyspace-events Ex");
        let mut listener = subscriber(server.addr(), "SUBSCRIBE __keyevent@0__:expired");
        for _ in 0..10 {
            let begin = Instant::now();
            admin.ok("SET session v PX 30");
            assert_eq!(receive(&mut listener)[2], "session");
            let late = begin.elapsed().saturating_sub(Duration::from_millis(30));
            // It is much less, unless the machine is busy.
            assert!(late < Duration::from_secs(5), "{late:?}");
        }
        assert!(admin.text("INFO stats").contains("expiry_lag_ms:"));
    }
}

#[test]
fn a_command_may_be_behind_a_message_that_was_not_read_yet() {
    // With a reply of which the client takes a part at a time, a message comes behind it whole.
    for server in servers(&[]) {
        let mut other = Client::connect(server.addr());
        other.run_words(&[b"SET", b"big", &vec![b'x'; 3 << 20]]);
        let mut client = Client::connect(server.addr());
        client.run("HELLO 3");
        until_confirmed(&mut client, "SUBSCRIBE c");
        client.send(&[b"GET", b"big"]);
        for number in 0..100 {
            assert_eq!(other.int(&format!("PUBLISH c {number}")), 1);
        }
        let mut numbers = Vec::new();
        let mut is_read = false;
        while numbers.len() < 100 || !is_read {
            match client.receive().expect("the connection stays") {
                Value::Bulk(text) => is_read = text.len() == 3 << 20,
                message => numbers.push(words(&message).remove(2)),
            }
        }
        let wanted: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        assert_eq!(numbers, wanted);
        client.stream.set_nonblocking(true).unwrap();
        let nothing = std::io::Read::read(&mut client.stream, &mut [0]).expect_err("there is no more");
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    }
}
