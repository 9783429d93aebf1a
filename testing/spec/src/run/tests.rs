//! The runner against a server made of canned replies: what passes, what fails, and what is said.

use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

/// A server that answers each command by `reply`, on any number of connections.
fn serve(reply: fn(&str) -> &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut received = Vec::new();
                let mut chunk = [0; 4096];
                while let Ok(length) = stream.read(&mut chunk) {
                    received.extend_from_slice(&chunk[..length]);
                    // A command is an array of bulk strings, so the parser of replies reads it.
                    while let Ok(Some((command, used))) = crate::value::parse(&received) {
                        received.drain(..used);
                        let _ = stream.write_all(reply(&words(&command)).as_bytes());
                    }
                    if length == 0 {
                        return;
                    }
                }
            });
        }
    });
    addr
}

fn words(command: &Value) -> String {
    let Value::Array(items) = command else { panic!("{command:?}") };
    let word = |item: &Value| match item {
        Value::Bulk(text) => String::from_utf8_lossy(text).into_owned(),
        other => panic!("{other:?}"),
    };
    items.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn canned(command: &str) -> &'static str {
    match command {
        "FLUSHALL" => "+OK\r\n",
        "HELLO 3" => "%0\r\n",
        "GET k" => "$1\r\nv\r\n",
        "CLIENT ID" => ":42\r\n",
        "CLIENT KILL 42" => "+OK\r\n",
        "PUSH 3" => ":3\r\n",
        "PUSH 1" | "PUSH 2" => ":0\r\n",
        "DEBUG JOURNAL START" => "+OK\r\n",
        "DEBUG JOURNAL READ" => "*1\r\n*2\r\n:0\r\n*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n",
        _ => "-ERR unknown\r\n",
    }
}

fn outcome(text: &str, target: Target) -> Outcome {
    let script = Script::parse(Path::new("t.spec"), text).unwrap();
    run(serve(canned), &script, Protocol::Resp2, target)
}

#[test]
fn a_script_that_holds_passes() {
    let text = "# c\n> GET k\n\"v\"\n> CLIENT ID\nany as $id\n> CLIENT KILL $id\nOK\n\
                [c2] each 1..3> PUSH {}\n(integer) 3\njournal:\nDEL k\n";
    let outcome = outcome(text, Target::Russet);
    assert!(outcome.failures.is_empty(), "{}", outcome.failures[0]);
    assert_eq!(outcome.passed, 1);
}

#[test]
fn a_failure_names_line_expectation_and_answer_and_ends_its_case_only() {
    let text = "# a\n> GET k\n\"w\"\n> GET x\n\"never reached\"\n\n# b\n> GET k\n\"v\"\n";
    let outcome = outcome(text, Target::Redis);
    assert_eq!((outcome.passed, outcome.failures.len()), (1, 1));
    let shown = outcome.failures[0].to_string();
    assert!(shown.starts_with("t.spec:2: in \"a\""), "{shown}");
    assert!(shown.contains("expected:\n    \"w\"\n  got:\n    \"v\""), "{shown}");
}

#[test]
fn a_wrong_journal_fails() {
    let text = "# a\n> GET k\n\"v\"\njournal:\nSET k v\n";
    assert_eq!(outcome(text, Target::Russet).failures.len(), 1);
}

#[test]
fn conditions_choose_the_server() {
    let text = "# a\nonly: russet reason\n> GET k\n\"v\"\n\n# b\nrequires: valkey\n> GET k\n\"v\"\n";
    for (target, passed) in [(Target::Russet, 2), (Target::Redis, 0), (Target::Valkey, 1)] {
        assert_eq!(outcome(text, target).passed, passed, "{target:?}");
    }
}

#[test]
fn every_combination_of_configs_is_run() {
    let script = Script::parse(Path::new("t"), "# c\nconfig: a 1 | 2\nconfig: b 3 | 4\n").unwrap();
    let all = variants(&script.cases[0]);
    assert_eq!(all.len(), 4);
    assert!(all.contains(&vec![("a", "2"), ("b", "3")]));
}
