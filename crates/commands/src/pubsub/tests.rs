//! Messages on their way between sessions of one worker. What clients see of it is in the spec scripts and the socket
//! tests.

use crate::testing::TestServer;
use base::rng::Rng;
use command::clients::channels::{Kind, is_match};
use resp::Proto;
use resp::client::Value;
use std::collections::BTreeSet;

/// A message in one line: who hears it, and its words.
fn shown(delivered: Vec<(usize, Value)>) -> Vec<String> {
    delivered.into_iter().map(|(session, value)| format!("{session}: {}", words(&value))).collect()
}

fn words(value: &Value) -> String {
    let (kind, parts) = match value {
        Value::Array(parts) => ("", parts),
        Value::Push(parts) => ("> ", parts),
        other => return other.to_string(),
    };
    let part = |part: &Value| match part {
        Value::Bulk(text) => String::from_utf8_lossy(text).into_owned(),
        other => other.to_string(),
    };
    format!("{kind}{}", parts.iter().map(part).collect::<Vec<_>>().join(" "))
}

fn all(server: &mut TestServer, session: usize, line: &str) -> Vec<String> {
    server.run_all(session, line).iter().map(words).collect()
}

/// Sessions besides the first one, which publishes.
fn with_listeners(lines: &[&str]) -> TestServer {
    let mut server = TestServer::new();
    for line in lines {
        let session = server.connect();
        server.run_all(session, line);
    }
    server
}

#[test]
fn a_message_goes_to_each_subscriber_once_for_each_way() {
    let mut server = with_listeners(&["SUBSCRIBE a b", "PSUBSCRIBE a* ?", "SSUBSCRIBE a", "SUBSCRIBE c"]);
    server.run_all(1, "PSUBSCRIBE a*");
    assert_eq!(server.show("PUBLISH a x"), "(integer) 4");
    let mut delivered = shown(server.deliver());
    assert_eq!(delivered.remove(0), "1: message a x");
    delivered.sort();
    assert_eq!(delivered, ["1: pmessage a* a x", "2: pmessage ? a x", "2: pmessage a* a x"]);
    assert_eq!(server.show("SPUBLISH a x"), "(integer) 1");
    assert_eq!(shown(server.deliver()), ["3: smessage a x"]);
    assert_eq!(server.show("PUBLISH d x"), "(integer) 1");
    assert_eq!(server.show("PUBLISH dd x"), "(integer) 0");
    assert_eq!(shown(server.deliver()), ["2: pmessage ? d x"]);
}

#[test]
fn messages_of_one_channel_are_delivered_together_and_those_of_several_in_order() {
    let mut server = with_listeners(&["SUBSCRIBE a b", "SUBSCRIBE a"]);
    for line in ["PUBLISH a 1", "PUBLISH a 2", "PUBLISH b 3", "PUBLISH a 4"] {
        server.run(line);
    }
    let wanted = ["1: message a 1", "1: message a 2", "2: message a 1", "2: message a 2", "1: message b 3"];
    assert_eq!(shown(server.deliver())[..5], wanted);
    // Who hears a message in two ways hears it twice before the next one.
    server.run_all(1, "UNSUBSCRIBE b");
    server.run_all(2, "PSUBSCRIBE *");
    server.run("PUBLISH a 1");
    server.run("PUBLISH a 2");
    let to_second = shown(server.deliver()).into_iter().filter(|line| line.starts_with('2')).collect::<Vec<_>>();
    let wanted = ["2: message a 1", "2: pmessage * a 1", "2: message a 2", "2: pmessage * a 2"];
    assert_eq!(to_second, wanted);
}

#[test]
fn a_message_is_written_in_the_protocol_of_its_receiver() {
    let mut server = with_listeners(&["SUBSCRIBE a", "HELLO 3"]);
    server.run_all(2, "SUBSCRIBE a");
    server.run("PUBLISH a 1");
    server.run("PUBLISH a 2");
    let wanted = ["1: message a 1", "1: message a 2", "2: > message a 1", "2: > message a 2"];
    assert_eq!(shown(server.deliver()), wanted);
}

#[test]
fn who_publishes_to_itself_hears_it_right_behind_the_reply() {
    let mut server = TestServer::new();
    server.set_proto(Proto::Resp3);
    server.connect();
    assert_eq!(all(&mut server, 0, "SUBSCRIBE a"), ["> subscribe a (integer) 1"]);
    server.run_all(1, "SUBSCRIBE a");
    assert_eq!(all(&mut server, 0, "PUBLISH a x"), ["(integer) 2", "> message a x"]);
    assert_eq!(shown(server.deliver()), ["1: message a x"]);
    assert!(!server.server.channels.has_backlog(0));
    // But behind what others have published before, in the mailbox.
    let other = server.connect();
    server.run_all(other, "PUBLISH a 1");
    assert_eq!(all(&mut server, 0, "PUBLISH a 2"), ["(integer) 2"]);
    let wanted = ["0: > message a 1", "0: > message a 2", "1: message a 1", "1: message a 2"];
    assert_eq!(shown(server.deliver()), wanted);
}

#[test]
fn subscriptions_change_when_messages_before_them_are_delivered() {
    let mut server = with_listeners(&["SUBSCRIBE a", "PING", "PSUBSCRIBE *"]);
    server.run("PUBLISH a 1");
    for (session, line) in [(1, "UNSUBSCRIBE"), (1, "RESET"), (1, "QUIT"), (2, "SUBSCRIBE a"), (3, "PUNSUBSCRIBE *")] {
        assert_eq!(server.send(session, line), "messages", "{line}");
        server.give_up(session);
    }
    assert_eq!(shown(server.deliver()), ["1: message a 1", "3: pmessage * a 1"]);
    assert_eq!(all(&mut server, 1, "UNSUBSCRIBE"), ["unsubscribe a (integer) 0"]);
    assert_eq!(server.show("PUBLISH a 2"), "(integer) 1");
}

#[test]
fn nothing_is_left_of_subscriptions_that_are_over() {
    let mut server = with_listeners(&["SUBSCRIBE a b", "PSUBSCRIBE a*", "SSUBSCRIBE s"]);
    server.run_all(1, "SSUBSCRIBE s");
    let left = |server: &TestServer| Kind::ALL.map(|kind| server.server.channels.len(kind));
    assert_eq!(left(&server), [2, 1, 1]);
    let memory = server.show("CLIENT LIST");
    assert!(memory.contains(" flags=P db=0 sub=2 psub=0 ssub=1 "), "{memory}");
    server.hang_up(1);
    assert_eq!(left(&server), [0, 1, 1]);
    assert_eq!(server.run_all(2, "RESET").len(), 1);
    server.hang_up(3);
    assert_eq!(left(&server), [0, 0, 0]);
    assert_eq!(server.show("PUBLISH a 1"), "(integer) 0");
    assert_eq!(server.show("PUBSUB CHANNELS"), "(empty array)");
    assert!(server.deliver().is_empty());
}

#[test]
fn very_many_subscriptions_are_counted_in_the_clients_memory() {
    let mut server = TestServer::new();
    let one = server.connect();
    let memory = |server: &mut TestServer| {
        let list = server.show("CLIENT LIST ID 2");
        let field = list.split(' ').find_map(|field| field.strip_prefix("tot-mem=")).expect("a field");
        field.parse::<usize>().expect("a number")
    };
    let before = memory(&mut server);
    for batch in 0..100 {
        let names: String = (0..100).map(|number| format!(" channel:{batch}:{number}")).collect();
        assert_eq!(server.run_all(one, &format!("SUBSCRIBE{names}")).len(), 100);
    }
    assert_eq!(server.server.channels.len(Kind::Channel), 10_000);
    assert!(memory(&mut server) > before + 10_000 * 100);
    assert_eq!(server.run_all(one, "UNSUBSCRIBE").len(), 10_000);
    assert_eq!(memory(&mut server), before);
}

#[test]
fn publishers_wait_while_too_much_is_to_be_delivered() {
    let mut server = with_listeners(&["SUBSCRIBE a"]);
    let publisher = server.connect();
    let big = format!("PUBLISH a {}", "x".repeat(6 << 20));
    for _ in 0..3 {
        server.run_all(publisher, &big);
    }
    // So do changes, if somebody listens to events.
    for line in ["PUBLISH a x", "SET k v"] {
        assert_eq!(server.send(publisher, line), "busy", "{line}");
        server.give_up(publisher);
    }
    server.run("DEBUG EVENTS STOP");
    assert_eq!(server.show("SET k v"), "OK");
    assert_eq!(server.deliver().len(), 3);
    assert_eq!(server.show("PUBLISH a x"), "(integer) 1");
}

#[test]
fn events_are_published_only_to_channels_and_of_classes_that_somebody_wants() {
    let mut server = with_listeners(&["SUBSCRIBE __keyspace@0__:k __keyevent@0__:del"]);
    server.events();
    let classes = engine::Class::parse(b"KEg").expect("letters");
    server.server.tunables.general.notify_keyspace_events.set(classes);
    server.advance_ms(0);
    for line in ["SET k v", "EXPIRE k 100", "DEL k", "SET other v", "DEL other", "RPUSH l x"] {
        server.run(line);
    }
    let wanted = [
        "1: message __keyspace@0__:k expire",
        "1: message __keyspace@0__:k del",
        "1: message __keyevent@0__:del k",
        "1: message __keyevent@0__:del other",
    ];
    assert_eq!(shown(server.deliver()), wanted);
}

#[test]
fn who_deletes_what_has_expired_announces_it_before_what_comes_after() {
    let mut server = with_listeners(&["PSUBSCRIBE __key*"]);
    let classes = engine::Class::parse(b"KA").expect("letters");
    server.server.tunables.general.notify_keyspace_events.set(classes);
    server.advance_ms(0);
    server.run("SET a 1 PX 10");
    server.run("SET b 1 PX 10");
    server.run("SET c 1 PX 10");
    server.deliver();
    server.advance_ms(100);
    server.run("SET a 2");
    server.run("SCAN 0 COUNT 100");
    server.sweep();
    let mut heard: Vec<String> = shown(server.deliver()).iter().map(|line| line[34..].to_owned()).collect();
    assert_eq!(heard[..2], ["a expired", "a set"]);
    heard[2..].sort();
    assert_eq!(heard[2..], ["b expired", "c expired"]);
}

/// Random sessions subscribe, unsubscribe, publish, reset and leave; a model knows who has subscribed to what.
#[test]
fn whatever_clients_do_messages_go_to_those_who_have_subscribed() {
    const NAMES: [&str; 5] = ["a", "ab", "b", "", "*"];
    const PATTERNS: [&str; 5] = ["a*", "*", "?b", "", "[ab]"];
    for seed in 0..30 {
        let mut random = Rng::seed(seed);
        let mut server = TestServer::new();
        let mut sessions: Vec<usize> = (0..4).map(|_| server.connect()).collect();
        // Session, kind, name.
        let mut model: BTreeSet<(usize, usize, &str)> = BTreeSet::new();
        for _ in 0..300 {
            let at = random.below(4) as usize;
            let session = sessions[at];
            let kind = random.below(3) as usize;
            let letter = ["", "P", "S"][kind];
            let names = if kind == 1 { PATTERNS } else { NAMES };
            let some: Vec<&str> = (0..1 + random.below(3)).map(|_| names[random.below(5) as usize]).collect();
            let words: String = some.iter().map(|name| format!(" '{name}'")).collect();
            match random.below(10) {
                0..4 => {
                    let replies = server.run_all(session, &format!("{letter}SUBSCRIBE{words}"));
                    assert_eq!(replies.len(), some.len());
                    model.extend(some.iter().map(|name| (session, kind, *name)));
                }
                4..6 => {
                    server.run_all(session, &format!("{letter}UNSUBSCRIBE{words}"));
                    model.retain(|known| !some.iter().any(|name| *known == (session, kind, *name)));
                }
                6 => {
                    server.run_all(session, &format!("{letter}UNSUBSCRIBE"));
                    model.retain(|known| (known.0, known.1) != (session, kind));
                }
                7 => {
                    if random.below(2) == 0 {
                        server.run_all(session, "RESET");
                    } else {
                        server.hang_up(session);
                        sessions[at] = server.connect();
                    }
                    model.retain(|known| known.0 != session);
                }
                _ => {
                    let mut wanted = Vec::new();
                    for number in 0..1 + random.below(3) {
                        let (channel, is_shard) = (NAMES[random.below(5) as usize], random.below(4) == 0);
                        let command = if is_shard { "SPUBLISH" } else { "PUBLISH" };
                        let before = wanted.len();
                        wanted.extend(model.iter().filter_map(|known| {
                            let line = line_heard(known.1, known.2, channel, is_shard)?;
                            Some(format!("{}: {line} {number}", known.0))
                        }));
                        let count = wanted.len() - before;
                        let reply = server.show(&format!("{command} '{channel}' {number}"));
                        assert_eq!(reply, format!("(integer) {count}"), "seed {seed}");
                    }
                    let mut heard = shown(server.deliver());
                    heard.sort();
                    wanted.sort();
                    assert_eq!(heard, wanted, "seed {seed}");
                }
            }
            compare_names(&server, &model, seed);
        }
    }
}

/// What a subscription to a name hears of a message in a channel, but for the message.
fn line_heard(kind: usize, name: &str, channel: &str, is_shard: bool) -> Option<String> {
    match kind {
        0 if !is_shard && name == channel => Some(format!("message {channel}")),
        1 if !is_shard && is_match(name.as_bytes(), channel.as_bytes()) => Some(format!("pmessage {name} {channel}")),
        2 if is_shard && name == channel => Some(format!("smessage {channel}")),
        _ => None,
    }
}

/// Panics unless the shared tables know exactly the names of the model.
fn compare_names(server: &TestServer, model: &BTreeSet<(usize, usize, &str)>, seed: u64) {
    let channels = &server.server.channels;
    for kind in Kind::ALL {
        let of_kind = model.iter().filter(|known| known.1 == kind as usize);
        let different: BTreeSet<&str> = of_kind.map(|known| known.2).collect();
        assert_eq!(channels.len(kind), different.len(), "seed {seed}");
        let mut known: Vec<String> = Vec::new();
        channels.each_name(kind, |name| known.push(String::from_utf8_lossy(name).into_owned()));
        known.sort();
        assert_eq!(known, different.into_iter().collect::<Vec<_>>(), "seed {seed}");
    }
    assert!(!channels.has_backlog(0), "all is delivered");
}
