//! One connection: its socket, what arrived of an unfinished command, and what is still to be sent.

use crate::Next;
use crate::driver::{Driver, Receiver};
use resp::{Output, ReplyWriter};
use std::io::{self, Read};

/// Bytes read at a time, at the least, into the buffer that all connections of a worker share.
pub(crate) const READ_LEN: usize = 64 * 1024;
/// Most that is reserved ahead for a bulk string whose length a client announced.
const RESERVE_AHEAD_MAX: usize = 4 * 1024 * 1024;

/// A connection of state `C`, over a driver's socket `K`.
pub(crate) struct Connection<C, K> {
    pub id: u64,
    pub socket: K,
    pub state: C,
    /// Input that is not a whole command yet.
    pub input: Vec<u8>,
    /// Output that the socket did not take.
    pub output: Output,
    pub readable: bool,
    pub writable: bool,
    /// The other end has closed its side: read on until nothing is left.
    pub read_closed: bool,
    /// Commands wait inside the service.
    pub waiting: bool,
    /// ... only until the output is sent.
    pub resume_when_sent: bool,
    /// ... for something that comes soon.
    pub pending: bool,
    /// Told to resume.
    pub resumed: bool,
    /// Close once all output is sent.
    pub closing: bool,
    /// A turn stopped in the middle of `input`: it may hold whole commands, for which no event will come.
    pub unparsed: bool,
    /// What it was given last was long.
    pub heavy: bool,
    /// In the list of connections to be served this turn.
    pub listed: bool,
    /// Bytes that the unfinished command in `input` is known to need, as far as it told.
    pub need: usize,
}

/// What one attempt to read brought.
pub(crate) enum Got {
    /// So many bytes.
    Bytes(usize),
    Nothing,
    /// Closed by the other end, or broken.
    End,
}

impl<C, K> Connection<C, K> {
    pub fn new(id: u64, socket: K, state: C) -> Connection<C, K> {
        Connection {
            id,
            socket,
            state,
            input: Vec::new(),
            output: Output::default(),
            readable: true,
            writable: true,
            read_closed: false,
            waiting: false,
            resume_when_sent: false,
            pending: false,
            resumed: false,
            closing: false,
            unparsed: false,
            heavy: false,
            listed: false,
            need: 0,
        }
    }

    /// Reads into the shared buffer; for connections without unfinished input.
    pub fn read_shared(&mut self, driver: &mut impl Driver<Socket = K>, shared: &mut [u8]) -> Got {
        match driver.receive(&mut self.socket, shared) {
            Ok(0) => Got::End,
            Ok(len) => {
                self.readable = len == shared.len() || self.read_closed;
                Got::Bytes(len)
            }
            Err(error) => self.read_failed(&error),
        }
    }

    /// Reads behind the unfinished input.
    pub fn read_more(&mut self, driver: &mut impl Driver<Socket = K>) -> Got {
        let ahead = self.need.saturating_sub(self.input.len()).clamp(READ_LEN / 4, RESERVE_AHEAD_MAX);
        let before = self.input.len();
        self.input.reserve(ahead);
        // `read_to_end` fills spare capacity without clearing it first; what it read before an error stays.
        let result = Receiver(driver, &mut self.socket).take(ahead as u64).read_to_end(&mut self.input);
        let len = self.input.len() - before;
        match result {
            Ok(_) if len == ahead => Got::Bytes(len),
            Ok(_) if len == 0 => Got::End,
            Ok(_) => {
                self.read_closed = true;
                Got::Bytes(len)
            }
            Err(error) if len == 0 => self.read_failed(&error),
            Err(error) => {
                // An error other than "no more" was told once and may not be told again: the next read finds the end.
                self.readable = self.read_closed || error.kind() != io::ErrorKind::WouldBlock;
                Got::Bytes(len)
            }
        }
    }

    fn read_failed(&mut self, error: &io::Error) -> Got {
        match error.kind() {
            io::ErrorKind::WouldBlock => {
                self.readable = false;
                Got::Nothing
            }
            io::ErrorKind::Interrupted => Got::Bytes(0),
            _ => Got::End,
        }
    }

    /// Drops what is done with from the front of the unfinished input.
    pub fn consume(&mut self, consumed: usize) {
        if consumed >= self.input.len() {
            // A connection at rest holds no buffer.
            self.input = Vec::new();
        } else if consumed > 0 {
            self.input.drain(..consumed);
        }
    }

    /// What is to become of it after a turn.
    #[inline]
    pub fn note(&mut self, next: Next) {
        self.waiting = matches!(next, Next::Wait | Next::Pending | Next::SendFirst);
        self.pending = next == Next::Pending;
        self.resume_when_sent = next == Next::SendFirst;
        self.unparsed |= self.waiting && !self.input.is_empty();
    }

    /// Notes what is to become of it, and takes over what there is to be sent, to send it when it is served.
    pub fn keep(&mut self, next: Next, reply: &mut ReplyWriter) {
        self.note(next);
        self.closing |= next == Next::Close;
        self.output.append(&mut reply.out);
    }

    /// Whether there is something to read, and nothing left of before: no input, no output, nothing that waits.
    #[inline]
    pub fn is_at_rest(&self) -> bool {
        self.readable && !self.is_held() && self.input.is_empty()
    }

    /// Whether nothing may be answered for now: commands wait, replies are not taken, or it is over.
    #[inline]
    pub fn is_held(&self) -> bool {
        self.waiting || self.closing || !self.output.is_empty()
    }

    /// Whether a client that is to wait has gone. Half a connection does not wait: what it waits for, it could
    /// not ask to stop.
    pub fn is_waiting_for_nobody(&self) -> bool {
        self.waiting && !self.resume_when_sent && !self.pending && self.read_closed
    }

    /// Sends of `output` what the socket takes; tells how many bytes. `Err` when the connection is broken.
    #[inline]
    pub fn send(&mut self, driver: &mut impl Driver<Socket = K>, output: &mut Output) -> io::Result<usize> {
        let before = output.len();
        self.writable = driver.send(&mut self.socket, output)?;
        Ok(before - output.len())
    }

    /// Sends what is pending.
    pub fn flush(&mut self, driver: &mut impl Driver<Socket = K>) -> io::Result<usize> {
        if !self.writable || self.output.is_empty() {
            return Ok(0);
        }
        // A connection at rest holds no buffer: the empty one stays.
        let mut output = std::mem::take(&mut self.output);
        let sent = self.send(driver, &mut output)?;
        if !output.is_empty() {
            self.output = output;
        }
        Ok(sent)
    }
}
