//! Bytes that no client would send, seeded: the server answers or closes, and goes on.

use crate::support::{Client, start_server, until};
use base::rng::Rng;
use resp::client::Value;
use std::io::{Read, Write};

/// Pieces of the protocol, so that noise gets past the first byte.
const PIECES: &[&[u8]] = &[
    b"*3\r\n",
    b"$3\r\n",
    b"SET\r\n",
    b"*-1\r\n",
    b"$-1\r\n",
    b"$0\r\n",
    b"\r\n",
    b"*0\r\n",
    b"GET k\r\n",
    b"$1\r\nk\r\n",
    b"*1\r\n$4\r\nPING\r\n",
    b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
    b"HELLO 3\r\n",
    b"MULTI\r\n",
    b"EXEC\r\n",
    b"\"",
    b"'\\x",
    b"\0",
    b"*2147483647\r\n",
    b"$536870912\r\n",
    b"MONITOR\r\n",
    b"CLIENT REPLY OFF\r\n",
    b"SETRANGE k 100000 x\r\n",
    b"RESET\r\n",
    b"\n\n",
    b"POST / HTTP/1.1\r\n",
    b"DEL k\r\n",
];

fn noise(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..1 + rng.below(40) {
        if rng.below(4) == 0 {
            bytes.extend((0..rng.below(50)).map(|_| rng.below(256) as u8));
        } else {
            bytes.extend_from_slice(PIECES[rng.below(PIECES.len() as u64) as usize]);
        }
    }
    bytes
}

#[test]
fn noise_never_ends_the_server() {
    let server = start_server(&[]);
    let mut rng = Rng::seed(0x6e6f_6973);
    for _ in 0..400 {
        let client = Client::connect(server.addr());
        for _ in 0..1 + rng.below(4) {
            // The server may have closed it already.
            if (&client.stream).write_all(&noise(&mut rng)).is_err() {
                break;
            }
        }
        let _ = client.stream.shutdown(std::net::Shutdown::Write);
        if rng.below(2) == 0 {
            let mut replies = Vec::new();
            let _ = (&client.stream).read_to_end(&mut replies);
        }
    }
    let mut client = Client::connect(server.addr());
    assert_eq!(client.run("PING"), Value::Simple(b"PONG".to_vec()));
    until("the others to be gone", || server.server().clients.len() == 1);
}
