//! Where the server listens, changed while it runs; the texts are those of Redis 8.2.3.

use crate::support::{Client, PATIENCE, ok, start_server};
use resp::client::Value;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};

/// A port that nobody had a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Makes the server listen on another port, and tells which.
fn move_to_free_port(client: &mut Client) -> u16 {
    // Between finding a free port and taking it, another program may take it.
    let port = (0..20).find_map(|_| {
        let port = free_port();
        (client.run(&format!("CONFIG SET port {port}")) == ok()).then_some(port)
    });
    port.expect("one of twenty is still free")
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn refused(option: &str, why: &str) -> Value {
    Value::Error(format!("ERR CONFIG SET failed (possibly related to argument '{option}') - {why}").into_bytes())
}

fn is_refused(addr: SocketAddr) -> bool {
    TcpStream::connect_timeout(&addr, PATIENCE).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[test]
pub fn a_new_port_takes_the_place_of_the_old_one_and_connections_stay() {
    let server = start_server(&[]);
    let mut client = Client::connect(server.addr());
    let port = move_to_free_port(&mut client);
    assert!(is_refused(server.addr()));
    assert_eq!(Client::connect(local(port)).run("PING"), Value::Simple(b"PONG".to_vec()));
    let info = client.text("INFO server");
    assert!(info.contains(&format!("tcp_port:{port}\r\n")), "{info}");
    assert!(info.contains(&format!("listener0:name=tcp,bind=127.0.0.1,port={port}\r\n")), "{info}");
}

#[test]
fn a_port_that_cannot_be_had_changes_nothing() {
    let server = start_server(&[]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = Client::connect(server.addr());
    let taken = taken.local_addr().unwrap().port();
    let why = "Unable to listen on this port. Check server logs.";
    assert_eq!(client.run(&format!("CONFIG SET port {taken}")), refused("port", why));
    assert_eq!(client.run(&format!("CONFIG SET timeout 9 port {taken}")), refused("port", why));
    assert_eq!(Client::connect(server.addr()).run("PING"), Value::Simple(b"PONG".to_vec()));
    let options = client.run("CONFIG GET port timeout");
    let text = |text: &str| Value::Bulk(text.as_bytes().to_vec());
    assert_eq!(options, Value::Array(vec![text("port"), text("0"), text("timeout"), text("0")]));
}

#[test]
pub fn addresses_can_be_exchanged_one_by_one() {
    let server = start_server(&[]);
    let mut client = Client::connect(server.addr());
    let port = move_to_free_port(&mut client);
    let why = "Failed to bind to specified addresses.";
    // No machine has this address: it is kept for documents.
    for bind in ["192.0.2.1", "127.0.0.1 127.0.0.1", "127.0.0.1 192.0.2.1"] {
        let reply = client.run_words(&[b"CONFIG", b"SET", b"bind", bind.as_bytes()]);
        assert_eq!(reply, refused("bind", why), "{bind}");
        assert_eq!(client.text("INFO server").matches("listener0:name=tcp,bind=127.0.0.1,").count(), 1, "{bind}");
        Client::connect(local(port)).run("PING");
    }
    let both = b"-192.0.2.1 127.0.0.1";
    assert_eq!(client.run_words(&[b"CONFIG", b"SET", b"bind", both]), ok(), "one may be missing");
    Client::connect(local(port)).run("PING");
    assert_eq!(client.run_words(&[b"CONFIG", b"SET", b"bind", b"*"]), ok(), "in place of one address of the port");
    Client::connect(local(port)).run("PING");
    assert_eq!(client.run_words(&[b"CONFIG", b"SET", b"bind", b""]), ok());
    assert!(is_refused(local(port)));
    assert_eq!(client.run("CONFIG SET bind 127.0.0.1"), ok());
    Client::connect(local(port)).run("PING");
}

#[test]
fn more_clients_than_the_system_has_descriptors_for_are_refused_with_what_is_possible() {
    let server = start_server(&[]);
    let mut client = Client::connect(server.addr());
    match client.run("CONFIG SET maxclients 4294967295") {
        Value::Error(text) => {
            let text = String::from_utf8(text).unwrap();
            let why =
                "argument 'maxclients') - The operating system is not able to handle the specified number of clients";
            assert!(text.contains(why), "{text}");
            assert_eq!(client.run("CONFIG GET maxclients").to_string().matches("10000").count(), 1);
        }
        // A system without a limit.
        other => assert_eq!(other, ok()),
    }
}
