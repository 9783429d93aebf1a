//! One connection: its socket, what arrived of an unfinished command, and what is still to be sent.

use crate::Next;
use crate::stream::Stream;
use resp::{Output, ReplyWriter};
use std::io::{self, IoSlice, Read};

/// Bytes read at a time, at the least, into the buffer that all connections of a worker share.
pub(crate) const READ_LEN: usize = 64 * 1024;
/// Most that is reserved ahead for a bulk string whose length a client announced.
const RESERVE_AHEAD_MAX: usize = 4 * 1024 * 1024;
/// Slices given to one system call.
const SLICES_MAX: usize = 64;

pub(crate) struct Connection<C> {
    pub id: u64,
    pub stream: Stream,
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

impl<C> Connection<C> {
    pub fn new(id: u64, stream: Stream, state: C) -> Connection<C> {
        Connection {
            id,
            stream,
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
    pub fn read_shared(&mut self, shared: &mut [u8]) -> Got {
        match self.stream.read(shared) {
            Ok(0) => Got::End,
            Ok(len) => {
                self.readable = len == shared.len() || self.read_closed;
                Got::Bytes(len)
            }
            Err(error) => self.read_failed(&error),
        }
    }

    /// Reads behind the unfinished input.
    pub fn read_more(&mut self) -> Got {
        let ahead = self.need.saturating_sub(self.input.len()).clamp(READ_LEN / 4, RESERVE_AHEAD_MAX);
        let before = self.input.len();
        self.input.reserve(ahead);
        // `read_to_end` fills spare capacity without clearing it first; what it read before an error stays.
        let result = self.stream.by_ref().take(ahead as u64).read_to_end(&mut self.input);
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

    /// Sends as much of `output` as the socket takes; tells how much, and whether that was all. `Err` when the connection is broken.
    pub fn send(stream: &mut Stream, output: &mut Output) -> io::Result<(usize, bool)> {
        let mut total = 0;
        while !output.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let mut count = 0;
            let mut offered = 0;
            for (to, from) in slices.iter_mut().zip(output.slices()) {
                *to = IoSlice::new(from);
                offered += from.len();
                count += 1;
            }
            let sent = match if count == 1 {
                io::Write::write(stream, &slices[0])
            } else {
                stream.write_vectored(&slices[..count])
            } {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok((total, false)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            total += sent;
            if sent == offered && sent == output.len() {
                output.clear();
                break;
            }
            output.advance(sent);
            if sent < offered {
                // A short write: the socket is full, and will tell when it is not.
                return Ok((total, false));
            }
        }
        Ok((total, true))
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

    /// Sends what is pending.
    pub fn flush(&mut self) -> io::Result<usize> {
        if !self.writable || self.output.is_empty() {
            return Ok(0);
        }
        let (sent, all) = Self::send(&mut self.stream, &mut self.output)?;
        self.writable = all;
        if all {
            // A connection at rest holds no buffer.
            self.output = Output::default();
        }
        Ok(sent)
    }
}
