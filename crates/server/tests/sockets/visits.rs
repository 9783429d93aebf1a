//! Commands about the whole keyspace, which visit it on another thread: the order of replies, and the ends of clients
//! and of the server meanwhile.

use crate::support::{Client, start_server, until};
use resp::client::Value;
use russet_server::testing::TestServer;

const KEYS: usize = 60_000;

fn filled() -> TestServer {
    let server = start_server(&[]);
    let mut client = Client::connect(server.addr());
    for from in (0..KEYS).step_by(1000) {
        let pairs: String = (from..from + 1000).map(|number| format!(" key:{number} {number}")).collect();
        client.ok(&format!("MSET{pairs}"));
    }
    server
}

/// The number of different keys that a reply lists, which must list none twice.
fn listed(reply: Option<Value>) -> usize {
    let Some(Value::Array(keys)) = reply else { panic!("a list of keys") };
    let mut names: Vec<Vec<u8>> =
        keys.into_iter().map(|key| if let Value::Bulk(name) = key { name } else { panic!("a key") }).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "listed twice");
    all
}

#[test]
fn replies_keep_the_order_of_their_commands() {
    let server = filled();
    let mut client = Client::connect(server.addr());
    let pong = Some(Value::Simple(b"PONG".to_vec()));
    for _ in 0..3 {
        client.send_raw(b"PING\r\nKEYS *\r\nPING\r\nSCAN 0 COUNT 1000000\r\nDBSIZE\r\nKEYS nothing*\r\nPING\r\n");
        assert_eq!(client.receive(), pong);
        assert_eq!(listed(client.receive()), KEYS);
        assert_eq!(client.receive(), pong);
        let Some(Value::Array(mut page)) = client.receive() else { panic!("a page") };
        assert_eq!((listed(page.pop()), page.pop()), (KEYS, Some(Value::Bulk(b"0".to_vec()))));
        assert_eq!(client.receive(), Some(Value::Integer(KEYS as i64)));
        assert_eq!(client.receive(), Some(Value::Array(vec![])));
        assert_eq!(client.receive(), pong);
    }
    client.send_raw(b"PING\r\nKEYS nothing*\r\nPING\r\n");
    assert_eq!(client.finish(), b"+PONG\r\n*0\r\n+PONG\r\n");
}

#[test]
fn muted_it_is_not_answered_and_in_a_transaction_it_is() {
    let server = filled();
    let mut client = Client::connect(server.addr());
    client.send_raw(b"CLIENT REPLY SKIP\r\nKEYS *\r\nPING\r\n");
    assert_eq!(client.receive(), Some(Value::Simple(b"PONG".to_vec())));
    client.ok("MULTI");
    client.run("KEYS *");
    let Value::Array(mut replies) = client.run("EXEC") else { panic!("a transaction") };
    assert_eq!(listed(replies.pop()), KEYS);
}

#[test]
fn clients_may_go_or_be_killed_meanwhile() {
    let server = filled();
    let mut admin = Client::connect(server.addr());
    let gone = |id: i64| until("the client to be gone", || server.server().clients.get(id as u64).is_none());
    for round in 0..20 {
        let mut client = Client::connect(server.addr());
        let id = client.int("CLIENT ID");
        client.send_raw(b"KEYS *\r\nSET after it\r\n");
        if round % 2 == 0 {
            drop(client);
        } else {
            // It may have been answered before.
            admin.int(&format!("CLIENT KILL ID {id}"));
        }
        gone(id);
    }
    admin.send_raw(b"KEYS key:*\r\n");
    assert_eq!(listed(admin.receive()), KEYS);
}

#[test]
fn the_server_ends_while_visits_are_under_way() {
    for _ in 0..3 {
        let server = filled();
        let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(server.addr())).collect();
        clients.iter_mut().for_each(|client| client.send_raw(&b"KEYS *\r\n".repeat(5)));
        drop(server);
    }
}
