//! A small blocking RESP client for spec scripts.
//!
//! It sends what it is told and hands back one value at a time, push messages included: which of
//! them arrives first is part of what a script checks.

use crate::value::{self, Value};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long an answer may take before the server counts as hung.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// The protocol a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    Resp2,
    Resp3,
}

/// Why no value could be read.
#[derive(Debug)]
pub enum ReadError {
    Timeout,
    Closed,
    Malformed(String),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReadError::Timeout => write!(f, "no answer in time"),
            ReadError::Closed => write!(f, "the server closed the connection"),
            ReadError::Malformed(what) => write!(f, "{what}"),
        }
    }
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    /// What the connection speaks now; [`Client::note_command`] keeps it in step with HELLO.
    pub protocol: Protocol,
}

impl Client {
    /// Connects, and switches to RESP3 when asked to.
    pub fn connect(addr: SocketAddr, protocol: Protocol) -> Result<Client, String> {
        let stream = TcpStream::connect_timeout(&addr, REPLY_TIMEOUT)
            .map_err(|error| format!("cannot connect to {addr}: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let mut client = Client { stream, received: Vec::new(), protocol };
        if protocol == Protocol::Resp3 {
            match client.call(&["HELLO", "3"])? {
                Value::Map(_) => {}
                other => return Err(format!("HELLO 3 answered {other:?}")),
            }
        }
        Ok(client)
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).map_err(|error| format!("cannot send: {error}"))
    }

    /// Sends one command.
    pub fn send<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<(), String> {
        self.send_raw(&value::encode_command(args))
    }

    /// Reads the next value, waiting at most `timeout` for it.
    pub fn read(&mut self, timeout: Duration) -> Result<Value, ReadError> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some((value, length)) = value::parse(&self.received).map_err(ReadError::Malformed)? {
                self.received.drain(..length);
                return Ok(value);
            }
            self.receive(deadline)?;
        }
    }

    /// Asks for everything a replica gets, and passes over the snapshot: from here on `read` gives
    /// the commands that the server sends to its replicas.
    pub fn become_replica(&mut self, timeout: Duration) -> Result<(), ReadError> {
        let deadline = Instant::now() + timeout;
        self.send(&["SYNC"]).map_err(ReadError::Malformed)?;
        loop {
            // Line feeds keep the connection alive while the snapshot is made.
            let blank = self.received.iter().take_while(|b| **b == b'\n').count();
            self.received.drain(..blank);
            if let Some(end) = self.received.windows(2).position(|pair| pair == b"\r\n") {
                let head = String::from_utf8_lossy(&self.received[..end]).into_owned();
                let length = head.strip_prefix('$').and_then(|n| n.parse::<usize>().ok());
                let length = length.ok_or(ReadError::Malformed(format!("SYNC answered {head}")))?;
                let total = end + 2 + length;
                while self.received.len() < total {
                    self.receive(deadline)?;
                }
                self.received.drain(..total);
                return Ok(());
            }
            self.receive(deadline)?;
        }
    }

    /// Waits for more bytes, until the deadline at most.
    fn receive(&mut self, deadline: Instant) -> Result<(), ReadError> {
        let mut chunk = [0; 16 * 1024];
        loop {
            // A timeout of zero would mean "wait for ever" to the socket.
            let left = deadline.saturating_duration_since(Instant::now());
            self.stream
                .set_read_timeout(Some(left.max(Duration::from_millis(1))))
                .map_err(|error| ReadError::Malformed(error.to_string()))?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(ReadError::Closed),
                Ok(length) => {
                    self.received.extend_from_slice(&chunk[..length]);
                    return Ok(());
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                        if Instant::now() >= deadline {
                            return Err(ReadError::Timeout);
                        }
                    }
                    ErrorKind::Interrupted => {}
                    _ => return Err(ReadError::Closed),
                },
            }
        }
    }

    /// Ends the connection, and waits until the server has ended it too: then it counts nothing of it any more.
    pub fn close(mut self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        // A server that is not there any more has closed it already.
        if self.stream.shutdown(Shutdown::Write).is_ok() {
            while self.receive(deadline).is_ok() {}
        }
    }

    /// Sends a command and waits for its reply.
    pub fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<Value, String> {
        self.send(args)?;
        self.read(REPLY_TIMEOUT).map_err(|error| error.to_string())
    }

    /// Follows the protocol when a command that changes it has succeeded.
    pub fn note_command(&mut self, args: &[Vec<u8>], reply: &Value) {
        let Some(name) = args.first() else { return };
        if matches!(reply, Value::Error(_)) {
            return;
        }
        if name.eq_ignore_ascii_case(b"HELLO") {
            match args.get(1).map(Vec::as_slice) {
                Some(b"2") => self.protocol = Protocol::Resp2,
                Some(b"3") => self.protocol = Protocol::Resp3,
                _ => {}
            }
        } else if name.eq_ignore_ascii_case(b"RESET") {
            self.protocol = Protocol::Resp2;
        }
    }
}
