//! A server, a client over a socket, and waiting with a bound.

use resp::client::{Value, decode, encode_command};
use russet_server::testing::TestServer;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// No wait is longer; only a failure comes near it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Starts a server with as many workers as this run of the tests is about.
pub fn start_server(args: &[&str]) -> TestServer {
    let threads = crate::WORKERS.to_string();
    TestServer::start(&[&["--threads", &threads], args].concat())
}

pub struct Client {
    pub stream: TcpStream,
    input: Vec<u8>,
}

impl Client {
    pub fn connect(addr: SocketAddr) -> Client {
        let stream = TcpStream::connect(addr).expect("the server listens");
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client { stream, input: Vec::new() }
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    pub fn send(&mut self, words: &[&[u8]]) {
        let mut bytes = Vec::new();
        encode_command(&mut bytes, words);
        self.send_raw(&bytes);
    }

    /// The next reply; `None` when the server has closed the connection.
    pub fn receive(&mut self) -> Option<Value> {
        loop {
            if let Some((value, len)) = decode(&self.input).expect("the server speaks RESP") {
                self.input.drain(..len);
                return Some(value);
            }
            let mut buffer = vec![0; 256 * 1024];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(len) => self.input.extend_from_slice(&buffer[..len]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no reply: {error}"),
            }
        }
    }

    /// Sends a command, its words as in a shell without quotes, and gives the reply.
    pub fn run(&mut self, line: &str) -> Value {
        let words: Vec<&[u8]> = line.split_ascii_whitespace().map(str::as_bytes).collect();
        self.run_words(&words)
    }

    pub fn run_words(&mut self, words: &[&[u8]]) -> Value {
        self.send(words);
        self.receive().expect("the connection stays")
    }

    /// The text of a reply that is a string.
    pub fn text(&mut self, line: &str) -> String {
        match self.run(line) {
            Value::Bulk(text) | Value::Simple(text) | Value::Verbatim(_, text) => String::from_utf8(text).unwrap(),
            other => panic!("{line}: {other:?}"),
        }
    }

    pub fn int(&mut self, line: &str) -> i64 {
        match self.run(line) {
            Value::Integer(number) => number,
            other => panic!("{line}: {other:?}"),
        }
    }

    pub fn ok(&mut self, line: &str) {
        assert_eq!(self.run(line), ok(), "{line}");
    }

    /// Ends the sending side, and gives all that still comes.
    pub fn finish(mut self) -> Vec<u8> {
        self.stream.shutdown(Shutdown::Write).unwrap();
        let mut rest = std::mem::take(&mut self.input);
        self.stream.read_to_end(&mut rest).expect("the server closes in order");
        rest
    }

    pub fn expect_closed(&mut self) {
        let reply = self.receive();
        assert_eq!(reply, None, "the server should have closed the connection");
    }
}

pub fn ok() -> Value {
    Value::Simple(b"OK".to_vec())
}

/// Asks until it is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain for: {what}");
        std::thread::yield_now();
    }
}

/// A directory for one test, removed at its end.
pub struct Scratch(pub std::path::PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("russet-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
