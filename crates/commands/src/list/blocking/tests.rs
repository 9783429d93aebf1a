//! What BLPOP and its like do at once, and what they take for a list and for a timeout. How clients wait and are served
//! is a matter of the path of commands, and tested there: `crates/dispatch/tests/path/blocking.rs`.

use crate::testing::TestServer;

#[test]
fn what_is_there_is_taken_at_once_and_logged_as_a_pop() {
    let mut server = TestServer::new();
    server.run("RPUSH b 1 2 3 4 5 6");
    assert_eq!(server.show("BLPOP a b 0"), "1) \"b\"\n2) \"1\"");
    assert_eq!(server.show("BRPOP b a 0"), "1) \"b\"\n2) \"6\"");
    assert_eq!(server.show("BLMOVE b c LEFT RIGHT 0"), "\"2\"");
    assert_eq!(server.show("BRPOPLPUSH b c 0"), "\"5\"");
    assert_eq!(server.show("BLMPOP 0 2 a b LEFT COUNT 2"), "1) \"b\"\n2) 1) \"3\"\n   2) \"4\"");
    let logged = ["0 LPOP b", "0 RPOP b", "0 LMOVE b c LEFT RIGHT", "0 RPOPLPUSH b c", "0 LPOP b 2"];
    assert_eq!(server.journal()[1..], logged);
}

#[test]
fn a_key_of_another_type_is_waited_out() {
    let mut server = TestServer::new();
    let waiter = server.wait("BLPOP k 0");
    server.run("SET k v");
    assert_eq!(server.answer(waiter), None);
    server.run("DEL k");
    server.run("RPUSH k a");
    assert_eq!(server.answer(waiter).as_deref(), Some("1) \"k\"\n2) \"a\""));
}

#[test]
fn timeouts_have_fractions_and_limits() {
    let mut server = TestServer::new();
    for (timeout, ms) in [
        ("0", None),
        ("1", Some(1000)),
        ("0.0001", Some(1)),
        ("1.5", Some(1500)),
        ("-0.0001", None),
        ("1e-400", Some(1)),
    ] {
        let waiter = server.wait(&format!("BLPOP l {timeout}"));
        assert_eq!(server.gives_up_in_ms(waiter), ms, "{timeout}");
    }
    for (timeout, error) in [
        ("x", "timeout is not a float or out of range"),
        ("nan", "timeout is not a float or out of range"),
        ("-1", "timeout is negative"),
        ("inf", "timeout is out of range"),
        ("1e300", "timeout is out of range"),
        ("1e400", "timeout is out of range"),
        ("9223372036854775", "timeout is out of range"),
    ] {
        assert_eq!(server.show(&format!("BLPOP l {timeout}")), format!("(error) ERR {error}"), "{timeout}");
    }
    assert_eq!(server.show("BLMPOP x 1 l TOP"), "(error) ERR syntax error");
    assert_eq!(server.show("BLMOVE l m LEFT TOP x"), "(error) ERR syntax error");
}
