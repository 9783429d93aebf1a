//! Tests of DEBUG over a server without sockets.

use crate::testing::TestServer;
use resp::Proto;

#[test]
fn unknown_subcommands_and_wrong_counts_share_an_error() {
    let mut server = TestServer::new();
    for (line, name) in [("NOSUCH", "NOSUCH"), ("OBJECT", "OBJECT"), ("object a b", "object"), ("JOURNAL X", "JOURNAL")]
    {
        let error =
            format!("(error) ERR unknown subcommand or wrong number of arguments for '{name}'. Try DEBUG HELP.");
        assert_eq!(server.show(&format!("DEBUG {line}")), error);
    }
}

#[test]
fn populate_makes_strings_and_logs_nothing() {
    let mut server = TestServer::new();
    assert_eq!(server.show("DEBUG POPULATE 3 pre 4"), "OK");
    assert_eq!(server.show("GET pre:2"), "\"valu\"");
    assert_eq!(server.show("DEBUG POPULATE 1"), "OK");
    assert_eq!(server.show("GET key:0"), "\"value:0\"");
    assert!(server.journal().is_empty());
    for line in ["x", "-1", "1 a b", "1 a -5"] {
        let error = "(error) ERR value is out of range, must be positive";
        assert_eq!(server.show(&format!("DEBUG POPULATE {line}")), error);
    }
    let too_long = "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    assert_eq!(server.show("DEBUG POPULATE 1 k 9223372036854775807"), too_long);
}

#[test]
fn digests_depend_on_data_and_not_on_order() {
    let zeros = "0".repeat(40);
    let mut one = TestServer::new();
    assert_eq!(one.show("DEBUG DIGEST"), zeros);
    one.run("DEBUG POPULATE 2 a");
    one.run("DEBUG POPULATE 2 b");
    let mut other = TestServer::new();
    other.run("DEBUG POPULATE 2 b");
    other.run("DEBUG POPULATE 2 a");
    let digest = one.show("DEBUG DIGEST");
    assert_eq!(other.show("DEBUG DIGEST"), digest);
    other.run("DEBUG POPULATE 1 c");
    assert_ne!(other.show("DEBUG DIGEST"), digest);
    let values = one.show("DEBUG DIGEST-VALUE a:0 b:0 nothing");
    let lines: Vec<&str> = values.lines().map(|line| &line[3..]).collect();
    assert_eq!((lines[0], lines[2]), (lines[1], zeros.as_str()));
}

#[test]
fn objects_tell_how_they_are_stored() {
    let mut server = TestServer::new();
    server.run("DEBUG POPULATE 1 k 1");
    let object = server.show("DEBUG OBJECT k:0");
    assert!(object.contains(" refcount:1 encoding:embstr serializedlength:2 lru:"), "{object}");
    assert_eq!(server.show("DEBUG OBJECT nothing"), "(error) ERR no such key");
    assert!(server.show("DEBUG SDSLEN k:0").starts_with("key_sds_len:3, key_sds_avail:0, "));
    assert_eq!(server.show("DEBUG LISTPACK k:0"), "(error) ERR Not a listpack encoded object.");
    assert!(server.show("DEBUG HTSTATS 0").contains("number of elements: 1"));
    assert_eq!(server.show("DEBUG HTSTATS 99"), "(error) ERR Out of range database");
}

#[test]
fn every_type_of_the_protocol_has_a_sample() {
    let mut server = TestServer::new();
    for kind in ["string", "integer", "double", "null", "array", "set", "map", "attrib", "verbatim", "true", "bignum"] {
        for proto in [Proto::Resp2, Proto::Resp3] {
            server.set_proto(proto);
            let shown = server.show(&format!("DEBUG PROTOCOL {kind}"));
            assert!(!shown.starts_with("(error)"), "{kind}: {shown}");
        }
    }
    server.set_proto(Proto::Resp2);
    assert_eq!(server.show("DEBUG PROTOCOL push"), "(error) ERR RESP2 is not supported by this command");
    assert!(server.show("DEBUG PROTOCOL foo").contains("Wrong protocol type name"));
}

#[test]
fn journal_and_events_are_read_in_order_and_once() {
    let mut server = TestServer::new();
    assert_eq!(server.show("DEBUG JOURNAL START"), "OK");
    assert_eq!(server.show("DEBUG EVENTS START"), "OK");
    let journal = &server.server.keyspace.journal;
    let record = |words: &[&[u8]]| engine::journal::Record::new(1, words);
    journal.append(vec![record(&[b"SET", b"a", b"b"])]);
    journal.append(vec![record(&[b"DEL", b"a"]), record(&[b"DEL", b"b"])]);
    let fired = |event| engine::effects::Fired { db: 2, event, key: b"k".to_vec() };
    server.server.events.add(vec![fired(engine::Event::NEW), fired(engine::Event::SET)]);
    let shown = server.show("DEBUG JOURNAL READ");
    let words: Vec<&str> = shown.split('"').skip(1).step_by(2).collect();
    assert_eq!(words, ["SET", "a", "b", "MULTI", "DEL", "a", "DEL", "b", "EXEC"]);
    assert_eq!(server.show("DEBUG JOURNAL READ"), "(empty array)");
    assert_eq!(server.show("DEBUG EVENTS READ"), "1) 1) (integer) 2\n   2) \"set\"\n   3) \"k\"");
    assert_eq!(server.show("DEBUG EVENTS READ"), "(empty array)");
}

#[test]
fn what_cannot_be_done_says_so() {
    let mut server = TestServer::new();
    let option = "(error) ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.";
    assert_eq!(server.show("DEBUG RELOAD FOO"), option);
    assert!(server.show("DEBUG RELOAD NOSAVE").starts_with("(error) ERR this server has no RDB file"));
    assert!(server.show("DEBUG LOADAOF").starts_with("(error) ERR this server has no append-only file"));
    assert_eq!(server.show("DEBUG ERROR \"MY error\""), "(error) MY error");
    assert_eq!(server.show("DEBUG STRINGMATCH-TEST"), "Apparently Redis did not crash: test passed");
    // As in Redis, no time at all.
    for time in ["0", "-1", "1e18", "nan", "x"] {
        assert_eq!(server.show(&format!("DEBUG SLEEP {time}")), "OK");
    }
    let before = server.server.replid.lock().clone();
    assert_eq!(server.show("DEBUG CHANGE-REPL-ID"), "OK");
    let after = server.server.replid.lock().clone();
    assert!(before != after && after.len() == 40);
}
