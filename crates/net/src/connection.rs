//! One connection: its socket, what arrived of an unfinished command, and what is still to be sent.

use crate::Next;
use crate::driver::{Driver, Receiver};
use base::Output;
use std::io::{self, Read};

/// Bytes read at a time, at the most, into the buffer that all connections of a worker share.
pub(crate) const READ_LEN: usize = 64 * 1024;
/// Bytes read at a time, at the most, of a string whose length is known.
const READ_LEN_MAX: usize = 256 * 1024;
/// Most that is reserved for a string whose length a client announced before it sent any of it.
const RESERVE_AT_ONCE_MAX: usize = 4 * 1024 * 1024;
/// Later, so many times what it has sent is reserved, so that the little that is there then is the most that is moved.
const RESERVE_FACTOR: usize = 16;

/// A connection of state `C`, over a driver's socket `K`.
pub(crate) struct Connection<C, K> {
    pub id: u64,
    pub socket: K,
    pub state: C,
    /// Input that is not a whole command yet.
    pub input: Vec<u8>,
    /// What is to be sent.
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
    /// It may go on.
    pub resumed: bool,
    /// Close once all output is sent.
    pub closing: bool,
    /// Close at the end of its turn.
    pub doomed: bool,
    /// A turn stopped in the middle of `input`: it may hold whole commands, for which no event will come.
    pub unparsed: bool,
    /// What it was given last, or sent, was long.
    pub heavy: bool,
    /// What it sent last was in the middle of a long string: more is read at once.
    pub bulky: bool,
    /// In the list of connections to be served this turn.
    pub listed: bool,
    /// Between being prepared and the end of its turn.
    pub in_turn: bool,
    /// Bytes that the unfinished command in `input` is known to need, as far as is known.
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
            doomed: false,
            unparsed: false,
            heavy: false,
            bulky: false,
            listed: false,
            in_turn: false,
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
        let before = self.input.len();
        let missing = self.need.saturating_sub(before);
        let ahead = missing.clamp(READ_LEN / 4, READ_LEN_MAX);
        self.make_room(ahead, missing);
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

    /// Makes room for `ahead` more bytes of input. Where more is known to be `missing`, room for all of it is made as
    /// soon as enough of it has come: nothing is copied twice, and nobody reserves by an announcement alone.
    fn make_room(&mut self, ahead: usize, missing: usize) {
        let len = self.input.len();
        if ahead <= self.input.capacity() - len {
            return;
        }
        if missing < ahead {
            return self.input.reserve(ahead);
        }
        let trusted = (len * RESERVE_FACTOR).max(RESERVE_AT_ONCE_MAX);
        self.input.reserve_exact(missing.min(trusted).max(ahead));
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

    /// What is to become of it after its commands.
    #[inline]
    pub fn note(&mut self, next: Next) {
        self.waiting = matches!(next, Next::Wait | Next::Pending | Next::SendFirst | Next::DeliverFirst);
        self.pending = next == Next::Pending;
        self.resume_when_sent = next == Next::SendFirst;
        self.closing |= next == Next::Close;
        self.unparsed |= self.waiting && !self.input.is_empty();
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

    /// Sends of the output what the socket takes, and returns how many bytes. `Err` when the connection is broken.
    #[inline]
    pub fn flush(&mut self, driver: &mut impl Driver<Socket = K>) -> io::Result<usize> {
        if !self.writable {
            return Ok(0);
        }
        let before = self.output.len();
        self.writable = driver.send(&mut self.socket, &mut self.output)?;
        Ok(before - self.output.len())
    }
}
