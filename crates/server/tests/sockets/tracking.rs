//! Clients that cache what they read, and are told when it changes.

use crate::support::{Client, start_server};
use base::rng::Rng;
use resp::client::Value;
use russet_server::testing::TestServer;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A client that speaks RESP3 and keeps what it is told.
struct Cacher {
    client: Client,
    told: VecDeque<Value>,
}

impl Cacher {
    fn connect(addr: SocketAddr) -> Cacher {
        let mut cacher = Cacher { client: Client::connect(addr), told: VecDeque::new() };
        cacher.run("HELLO 3");
        cacher
    }

    fn tracking(addr: SocketAddr, options: &str) -> Cacher {
        let mut cacher = Cacher::connect(addr);
        assert_eq!(cacher.run(&format!("CLIENT TRACKING ON {options}")), crate::support::ok());
        cacher
    }

    /// The reply of a command; what the client is told in between is kept.
    fn run(&mut self, line: &str) -> Value {
        let mut value = self.client.run(line);
        while matches!(value, Value::Push(_)) {
            self.told.push_back(value);
            value = self.client.receive().expect("the connection stays");
        }
        value
    }

    /// The keys of each message so far, `None` for all keys. What was changed before is told before a PING is answered.
    fn told(&mut self) -> Vec<Option<Vec<String>>> {
        self.run("PING");
        self.told.drain(..).map(keys_of).collect()
    }
}

/// A server, a client that writes, and one that tracks keys.
fn start(options: &str) -> (TestServer, Client, Cacher) {
    let server = start_server(&[]);
    let (writer, cacher) = (Client::connect(server.addr()), Cacher::tracking(server.addr(), options));
    (server, writer, cacher)
}

fn keys_of(message: Value) -> Option<Vec<String>> {
    let Value::Push(parts) = message else { panic!("no message: {message:?}") };
    assert_eq!(parts[0], Value::Bulk(b"invalidate".to_vec()));
    match &parts[1] {
        Value::Null => None,
        Value::Array(keys) => {
            let text = |key: &Value| match key {
                Value::Bulk(key) => String::from_utf8(key.clone()).unwrap(),
                other => panic!("no key: {other:?}"),
            };
            Some(keys.iter().map(text).collect())
        }
        other => panic!("no keys: {other:?}"),
    }
}

fn keys(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn a_key_that_was_read_is_told_of_once() {
    let (_server, mut writer, mut cacher) = start("");
    assert_eq!(cacher.told(), []);
    cacher.run("MGET a b");
    writer.ok("SET other 1");
    writer.ok("SET a 1");
    writer.ok("SET a 2");
    assert_eq!(cacher.told(), [keys(&["a"])]);
    assert!(writer.text("INFO clients").contains("tracking_clients:1\r"));
    assert!(writer.text("INFO stats").contains("tracking_total_keys:1\r\ntracking_total_items:1\r"));
    // Its own changes, too.
    cacher.run("SET b 1");
    assert_eq!(cacher.told(), [keys(&["b"])]);
    cacher.run("GET a");
    cacher.run("CLIENT TRACKING OFF");
    writer.ok("SET a 3");
    assert_eq!(cacher.told(), []);
    assert!(writer.text("INFO clients").contains("tracking_clients:0\r"));
}

#[test]
fn noloop_leaves_out_ones_own_changes() {
    let (_server, mut writer, mut cacher) = start("NOLOOP");
    cacher.run("GET a");
    cacher.run("SET a 1");
    assert_eq!(cacher.told(), []);
    cacher.run("GET a");
    writer.ok("SET a 2");
    assert_eq!(cacher.told(), [keys(&["a"])]);
}

#[test]
fn caching_is_about_one_command_or_transaction() {
    let (_server, mut writer, mut cacher) = start("OPTIN");
    for line in ["GET a", "CLIENT CACHING YES", "GET b", "GET c"] {
        cacher.run(line);
    }
    writer.ok("MSET a 1 b 1 c 1");
    assert_eq!(cacher.told(), [keys(&["b"])]);
    for line in ["CLIENT CACHING YES", "MULTI", "GET a", "GET b", "EXEC", "GET c"] {
        cacher.run(line);
    }
    for key in ["a", "b", "c"] {
        writer.ok(&format!("SET {key} 2"));
    }
    assert_eq!(cacher.told(), [keys(&["a"]), keys(&["b"])]);
}

#[test]
fn caching_is_not_about_what_follows_a_command_that_waited() {
    let (_server, mut writer, mut cacher) = start("OPTOUT");
    for line in ["CLIENT CACHING NO", "BLPOP none 0.01", "GET a", "CLIENT CACHING NO", "GET b"] {
        cacher.run(line);
    }
    writer.ok("MSET a 1 b 1");
    assert_eq!(cacher.told(), [keys(&["a"])]);
}

#[test]
fn broadcasts_are_by_prefix_and_by_transaction() {
    let server = start_server(&[]);
    let mut writer = Client::connect(server.addr());
    let mut all = Cacher::tracking(server.addr(), "BCAST");
    let mut some = Cacher::tracking(server.addr(), "BCAST PREFIX user: PREFIX obj: NOLOOP");
    writer.ok("MSET user:2 1 obj:1 1 user:1 1 other 1");
    assert_eq!(all.told(), [keys(&["obj:1", "other", "user:1", "user:2"])]);
    assert_eq!(some.told(), [keys(&["obj:1"]), keys(&["user:1", "user:2"])]);
    writer.send_raw(b"MULTI\r\nSET other 2\r\nINCR other\r\nDEL user:1\r\nEXEC\r\n");
    for _ in 0..5 {
        writer.receive().unwrap();
    }
    assert_eq!(all.told(), [keys(&["other", "user:1"])]);
    assert_eq!(some.told(), [keys(&["user:1"])]);
    some.run("SET user:1 1");
    assert_eq!(some.told(), []);
    assert_eq!(all.told(), [keys(&["user:1"])]);
    assert!(writer.text("INFO stats").contains("tracking_total_prefixes:3\r"));
}

#[test]
fn what_ends_or_empties_keys_is_told() {
    let (_server, mut writer, mut cacher) = start("");
    writer.run("HSET h f 1");
    writer.ok("SET soon 1");
    for line in ["GET soon", "HGETALL h", "ZRANGE z 0 -1"] {
        cacher.run(line);
    }
    assert_eq!(writer.int("ZADD z 1 a"), 1);
    assert_eq!(writer.int("HDEL h f"), 1);
    assert_eq!(writer.int("PEXPIRE soon 1"), 1);
    assert_eq!(cacher.told(), [keys(&["z"]), keys(&["h"]), keys(&["soon"])]);
    cacher.run("GET soon");
    // It is gone by now or goes in a moment, and nobody has to ask for it.
    let mut told = Vec::new();
    crate::support::until("the key to expire", || {
        told.extend(cacher.told());
        writer.int("DBSIZE") == 1
    });
    told.extend(cacher.told());
    assert!(told.is_empty() || told == [keys(&["soon"])], "{told:?}");
    cacher.run("GET z");
    writer.ok("FLUSHALL");
    writer.ok("SET z 1");
    assert_eq!(cacher.told(), [None]);
}

#[test]
fn another_client_can_be_told() {
    let server = start_server(&[]);
    let mut writer = Client::connect(server.addr());
    let mut target = Cacher::connect(server.addr());
    let Value::Integer(id) = target.run("CLIENT ID") else { panic!("no id") };
    let mut cacher = Cacher::tracking(server.addr(), &format!("REDIRECT {id}"));
    assert_eq!(cacher.run("CLIENT GETREDIR"), Value::Integer(id));
    cacher.run("GET a");
    writer.ok("SET a 1");
    assert_eq!(target.told(), [keys(&["a"])]);
    assert_eq!(cacher.told(), []);
    cacher.run("GET a");
    drop(target);
    crate::support::until("the target to be gone", || !writer.text("CLIENT LIST").contains(&format!("id={id} ")));
    writer.ok("SET a 2");
    cacher.run("PING");
    let broken = vec![Value::Bulk(b"tracking-redir-broken".to_vec()), Value::Integer(id)];
    assert_eq!(cacher.told.pop_front(), Some(Value::Push(broken)));
    assert!(writer.text("CLIENT LIST").contains("flags=tR "));
}

#[test]
pub fn the_table_keeps_its_limit_and_tells_what_it_gives_up() {
    let server = start_server(&["--tracking-table-max-keys", "100"]);
    let mut cacher = Cacher::tracking(server.addr(), "");
    for number in 0..1000 {
        cacher.run(&format!("GET key:{number}"));
    }
    let told = cacher.told().len();
    let Value::Verbatim(_, info) = cacher.run("INFO stats") else { panic!("INFO is text") };
    let info = String::from_utf8(info).unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix("tracking_total_keys:")).unwrap();
    let kept: usize = line.parse().unwrap();
    assert_eq!(told + kept, 1000);
    assert!((50..=128).contains(&kept), "{kept} keys kept");
}

#[test]
fn long_commands_tell_at_their_end() {
    let server = start_server(&[]);
    let mut writer = Client::connect(server.addr());
    let mut reader = Cacher::tracking(server.addr(), "");
    let mut listener = Cacher::tracking(server.addr(), "BCAST");
    for first in (0..40_000).step_by(1000) {
        let mut words = vec!["SADD".to_owned(), "big".to_owned()];
        words.extend((first..first + 1000).map(|number| format!("m{number}")));
        let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
        writer.run_words(&words);
    }
    listener.told();
    reader.run("SCARD union");
    reader.run("SMEMBERS big");
    assert_eq!(writer.int("SUNIONSTORE union big big"), 40_000);
    assert_eq!(reader.told(), [keys(&["union"])]);
    assert_eq!(listener.told(), [keys(&["union"])]);
    assert_eq!(writer.int("SREM big m1"), 1);
    assert_eq!(reader.told(), [keys(&["big"])]);
}

/// Writers of several workers change few keys while clients of each kind cache them: when all is quiet, every cache
/// holds what the server holds.
#[test]
fn caches_are_right_in_the_end() {
    const KEYS: u64 = 20;
    const WRITERS: u64 = 4;
    let server = start_server(&[]);
    let writing = AtomicUsize::new(WRITERS as usize);
    std::thread::scope(|scope| {
        for seed in 0..WRITERS {
            let (addr, writing) = (server.addr(), &writing);
            scope.spawn(move || {
                let mut client = Client::connect(addr);
                let mut random = Rng::seed(seed);
                for _ in 0..3000 {
                    let (one, other) = (random.below(KEYS), random.below(KEYS));
                    match random.below(4) {
                        0 => drop(client.run(&format!("DEL k{one}"))),
                        1 => drop(client.run(&format!("COPY k{one} k{other} REPLACE"))),
                        _ => drop(client.run(&format!("INCRBY k{one} {}", random.below(1000)))),
                    }
                }
                writing.fetch_sub(1, Ordering::Release);
            });
        }
        for (seed, options) in ["", "OPTOUT", "BCAST", "BCAST PREFIX k1 PREFIX k2"].into_iter().enumerate() {
            let (addr, writing) = (server.addr(), &writing);
            scope.spawn(move || {
                let covers = |key: &str| !options.contains("PREFIX") || key.starts_with("k1") || key.starts_with("k2");
                let mut cacher = Cacher::tracking(addr, options);
                let mut cache: HashMap<String, Value> = HashMap::new();
                let mut random = Rng::seed(100 + seed as u64);
                let mut last = false;
                loop {
                    for _ in 0..50 {
                        let key = format!("k{}", random.below(KEYS));
                        if covers(&key) && !cache.contains_key(&key) {
                            let value = cacher.run(&format!("GET {key}"));
                            // What was told before the reply is older than the reply.
                            for key in cacher.told.drain(..).filter_map(keys_of).flatten() {
                                cache.remove(&key);
                            }
                            cache.insert(key, value);
                        }
                    }
                    for key in cacher.told().into_iter().flatten().flatten() {
                        cache.remove(&key);
                    }
                    if last {
                        break;
                    }
                    last = writing.load(Ordering::Acquire) == 0;
                }
                for (key, value) in &cache {
                    assert_eq!(*value, cacher.run(&format!("GET {key}")), "{options}: {key}");
                }
                assert!(cache.len() > 3, "{options}: only {} keys", cache.len());
            });
        }
    });
}

/// What comes for a pipeline, up to and with the reply to its last command, a PING.
fn up_to_pong(client: &mut Client, pipeline: &str) -> Vec<Value> {
    client.send_raw(pipeline.as_bytes());
    let mut all = Vec::new();
    while all.last() != Some(&Value::Simple(b"PONG".to_vec())) {
        all.push(client.receive().expect("the connection stays"));
    }
    all
}

#[test]
fn what_a_client_did_itself_it_is_told_before_the_reply_of_its_next_command() {
    let server = start_server(&[]);
    for options in ["", "BCAST", "OPTOUT"] {
        for next in ["RESET", "HELLO 2", "CLIENT TRACKING OFF", "GET k", "SUBSCRIBE c"] {
            let mut client = Client::connect(server.addr());
            client.run("HELLO 3");
            client.ok(&format!("CLIENT TRACKING ON {options}"));
            client.run("GET k");
            let all = up_to_pong(&mut client, &format!("SET k 1\r\n{next}\r\nPING\r\n"));
            assert_eq!(all.len(), 4, "{next}: {all:?}");
            assert_eq!(all[0], crate::support::ok());
            assert_eq!(keys_of(all[1].clone()), keys(&["k"]), "{options} {next}");
            let all = up_to_pong(&mut client, "PING\r\n");
            assert_eq!(all.len(), 1, "{options} {next}: {all:?}");
        }
    }
}

#[test]
fn nothing_is_told_behind_a_reset() {
    const KEYS: usize = 1500;
    let server = start_server(&[]);
    for round in 0..12 {
        let mut writer = Client::connect(server.addr());
        let mut client = Client::connect(server.addr());
        client.run("HELLO 3");
        client.ok(if round % 2 == 0 { "CLIENT TRACKING ON" } else { "CLIENT TRACKING ON BCAST" });
        let gets: String = (0..KEYS).map(|number| format!("GET key:{number}\r\n")).collect();
        client.send_raw(gets.as_bytes());
        (0..KEYS).for_each(|_| drop(client.receive()));
        let sets: String = (0..KEYS).map(|number| format!("SET key:{number} {round}\r\n")).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                writer.send_raw(sets.as_bytes());
                (0..KEYS).for_each(|_| drop(writer.receive()));
            });
            // Some of it is told, then comes the end in the middle of the rest.
            for _ in 0..1 + round * 10 {
                client.receive();
            }
            let all = up_to_pong(&mut client, "RESET\r\nPING\r\n");
            let (last, told) = all.split_last_chunk::<2>().map(|(told, last)| (last, told)).expect("two replies");
            assert_eq!(last[0], Value::Simple(b"RESET".to_vec()), "{last:?}");
            assert!(told.iter().all(|value| matches!(value, Value::Push(_))), "{told:?}");
        });
        // All is written by now, and nothing of it came.
        assert_eq!(client.run("PING"), Value::Simple(b"PONG".to_vec()));
    }
}

/// The keys in a message to a client that speaks RESP2.
fn message(value: Option<Value>) -> Value {
    let Some(Value::Array(mut parts)) = value else { panic!("no message: {value:?}") };
    assert_eq!(parts[..2], [b"message".to_vec(), b"__redis__:invalidate".to_vec()].map(Value::Bulk));
    parts.remove(2)
}

#[test]
fn a_subscriber_that_speaks_resp2_is_told_in_the_place_of_another_client() {
    let server = start_server(&[]);
    let mut writer = Client::connect(server.addr());
    let mut listener = Client::connect(server.addr());
    let id = listener.int("CLIENT ID");
    listener.run("SUBSCRIBE __redis__:invalidate");
    // The one that tracks may speak RESP2, too.
    let mut client = Client::connect(server.addr());
    client.ok(&format!("CLIENT TRACKING ON REDIRECT {id}"));
    client.run("MGET a b");
    writer.ok("MSET a 1 b 1 c 1");
    for key in ["a", "b"] {
        let wanted = Value::Array(vec![Value::Bulk(key.as_bytes().to_vec())]);
        assert_eq!(message(listener.receive()), wanted);
    }
    client.run("GET a");
    client.ok("SET a 2");
    assert_eq!(message(listener.receive()), Value::Array(vec![Value::Bulk(b"a".to_vec())]));
    client.run("GET a");
    writer.ok("FLUSHALL");
    assert_eq!(message(listener.receive()), Value::NullBulk);
    // Without any subscription there is no way to be told.
    listener.run("UNSUBSCRIBE");
    client.run("GET a");
    writer.ok("SET a 3");
    assert_eq!(listener.run("PING"), Value::Simple(b"PONG".to_vec()));
    client.ok("CLIENT TRACKING OFF");
    client.ok(&format!("CLIENT TRACKING ON BCAST PREFIX x: REDIRECT {id}"));
    listener.run("PSUBSCRIBE any*");
    writer.ok("MSET x:1 1 y:1 1");
    assert_eq!(message(listener.receive()), Value::Array(vec![Value::Bulk(b"x:1".to_vec())]));
}

#[test]
fn who_is_served_while_it_waits_is_told_behind_the_answer() {
    let server = start_server(&["--notify-keyspace-events", "EA"]);
    let mut writer = Client::connect(server.addr());
    for _ in 0..10 {
        let mut client = Cacher::tracking(server.addr(), "");
        client.run("LRANGE to 0 -1");
        client.client.send(&[b"SUBSCRIBE", b"__keyevent@0__:lpush"]);
        assert!(matches!(client.client.receive(), Some(Value::Push(_))));
        client.client.send(&[b"BLMOVE", b"from", b"to", b"LEFT", b"LEFT", b"0"]);
        let waits = || writer.text("INFO clients").contains("blocked_clients:1\r");
        crate::support::until("the client to wait", waits);
        assert_eq!(writer.int("RPUSH from a"), 1);
        assert_eq!(client.client.receive(), Some(Value::Bulk(b"a".to_vec())));
        let event = vec![Value::Bulk(b"message".to_vec()), Value::Bulk(b"__keyevent@0__:lpush".to_vec())];
        let Some(Value::Push(told)) = client.client.receive() else { panic!("an event") };
        assert_eq!(told[..2], event);
        assert_eq!(keys_of(client.client.receive().unwrap()), keys(&["to"]));
        writer.run("DEL to");
    }
}
