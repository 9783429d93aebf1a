//! A connection to the server that is compared with.

use crate::support::shown;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub struct Reference {
    stream: BufReader<TcpStream>,
}

impl Reference {
    pub fn connect(port: &str) -> Result<Reference, String> {
        let address = format!("127.0.0.1:{port}");
        let stream = TcpStream::connect(&address).map_err(|error| format!("{address}: {error}"))?;
        let set = stream.set_read_timeout(Some(Duration::from_secs(20))).and_then(|()| stream.set_nodelay(true));
        set.map_err(|error| error.to_string())?;
        Ok(Reference { stream: BufReader::new(stream) })
    }

    /// Runs a script; its answer as the tests of the engine show it.
    pub fn eval(&mut self, script: &str) -> Result<String, String> {
        let request = format!("*3\r\n$4\r\nEVAL\r\n${}\r\n{script}\r\n$1\r\n0\r\n", script.len());
        self.stream.get_mut().write_all(request.as_bytes()).map_err(|error| error.to_string())?;
        self.answer().map_err(|error| format!("{error}, in answer to\n{script}"))
    }

    fn answer(&mut self) -> Result<String, std::io::Error> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        let Some((&kind, rest)) = line.trim_ascii_end().split_first() else {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        };
        if kind != b'$' || rest == b"-1" {
            return Ok(format!("{}{}", char::from(kind), shown(rest)));
        }
        let length: usize = String::from_utf8_lossy(rest).parse().map_err(|_| std::io::ErrorKind::InvalidData)?;
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes)?;
        Ok(format!("\"{}\"", shown(&bytes[..length])))
    }
}
