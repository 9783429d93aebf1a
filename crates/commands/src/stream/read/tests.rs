//! Reading and waiting, on a server whose messages the tests hand on themselves.

use crate::testing::TestServer;

/// One entry of one stream, as it is shown.
fn entry(stream: &str, id: &str, value: &str) -> Option<String> {
    Some(format!("1) 1) \"{stream}\"\n   2) 1) 1) \"{id}\"\n         2) 1) \"f\"\n            2) \"{value}\""))
}

#[test]
fn the_last_id_is_that_of_the_time_at_which_the_reader_came() {
    let mut server = TestServer::new();
    server.run("XADD s 1 f a");
    let (one, other) = (server.wait("XREAD BLOCK 0 STREAMS s $"), server.wait("XREAD BLOCK 0 STREAMS t s $ $"));
    server.run("XADD s 2 f b");
    assert_eq!(server.answer(one), entry("s", "2-0", "b"));
    assert_eq!(server.answer(other), entry("s", "2-0", "b"));
    let reader = server.wait("XREAD COUNT 1 BLOCK 0 STREAMS s 2");
    for line in ["MULTI", "XADD s 3 f c", "XADD s 4 f d", "EXEC"] {
        server.run(line);
    }
    assert_eq!(server.answer(reader), entry("s", "3-0", "c"));
}

#[test]
fn a_wait_ends_at_its_time_which_is_told_in_milliseconds() {
    let mut server = TestServer::new();
    let reader = server.wait("XREAD BLOCK 1500 STREAMS s $");
    assert_eq!(server.gives_up_in_ms(reader), Some(1500));
    let reader = server.wait("XREAD BLOCK 0 STREAMS s 0");
    assert_eq!(server.gives_up_in_ms(reader), None);
    server.run("RPUSH s a");
    assert_eq!(server.answer(reader), None, "a list is no stream");
    server.run("DEL s");
    server.run("XADD s 1 f v");
    assert_eq!(server.answer(reader), entry("s", "1-0", "v"));
}

#[test]
fn names_that_look_like_options_are_names() {
    let mut server = TestServer::new();
    for line in ["XGROUP CREATE s STREAMS $ MKSTREAM", "XGROUP CREATE t STREAMS $ MKSTREAM"] {
        server.run(line);
    }
    let line = "XREADGROUP COUNT 5 NOACK GROUP STREAMS STREAMS BLOCK 0 STREAMS s t > >";
    let reader = server.wait(line);
    server.run("XADD t 7 f v");
    assert_eq!(server.answer(reader), entry("t", "7-0", "v"));
    server.run("XADD s 8 f w");
    assert_eq!(Some(server.show(line)), entry("s", "8-0", "w"));
    assert_eq!(server.show(&format!("COMMAND GETKEYS {line}")), "1) \"s\"\n2) \"t\"");
    let reader = server.wait("XREADGROUP NOACK GROUP STREAMS GROUP BLOCK 0 STREAMS s >");
    server.run("XADD s 9 f x");
    assert_eq!(server.answer(reader), entry("s", "9-0", "x"));
}

#[test]
fn who_reads_for_a_group_that_goes_is_told_and_others_wait_on() {
    let mut server = TestServer::new();
    for line in ["XGROUP CREATE s g $ MKSTREAM", "XGROUP CREATE s h $"] {
        server.run(line);
    }
    let (one, other) = (
        server.wait("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"),
        server.wait("XREADGROUP GROUP h c BLOCK 0 STREAMS s >"),
    );
    server.run("XGROUP DESTROY s g");
    let told = server.answer(one).expect("it is told");
    assert!(told.contains("NOGROUP No such key 's' or consumer group 'g'"), "{told}");
    assert_eq!(server.answer(other), None);
    server.run("DEL s");
    assert!(server.answer(other).expect("it is told").contains("NOGROUP"));
}

#[test]
fn transactions_that_watch_a_stream_hear_of_its_entries_and_not_of_its_groups() {
    let mut server = TestServer::new();
    let other = server.connect();
    for line in ["XADD s 1 f v", "XADD s 2 f v", "XGROUP CREATE s g 0"] {
        server.run(line);
    }
    let outcome = |server: &mut TestServer, line: &str| {
        server.run("WATCH s");
        server.run_on(other, line);
        server.run("MULTI");
        server.run("PING");
        server.show("EXEC")
    };
    for line in [
        "XREADGROUP GROUP g c STREAMS s >",
        "XCLAIM s g d 0 1",
        "XACK s g 1",
        "XGROUP CREATE s h 0",
        "XGROUP CREATECONSUMER s g e",
        "XGROUP SETID s g 0",
        "XGROUP DELCONSUMER s g d",
        "XGROUP DESTROY s h",
        "XSETID s 5",
        "XDEL s 4",
    ] {
        assert_eq!(outcome(&mut server, line), "1) PONG", "{line}");
    }
    for line in ["XADD s 6 f v", "XACKDEL s g IDS 1 2", "XDEL s 1", "XTRIM s MAXLEN 0"] {
        assert_eq!(outcome(&mut server, line), "(nil)", "{line}");
    }
}
