//! The driver over the system's readiness, edge-triggered (epoll, through `mio`): a socket is registered once, a short read or
//! write means that it is drained or full, and each read and write is a system call of its own.

use crate::driver::{Driver, Event};
use crate::stream::Stream;
use mio::{Events, Poll, Token, Waker};
use resp::Output;
use std::io::{self, IoSlice, Read, Write};
use std::time::Duration;

const POST: Token = Token(usize::MAX);
pub(crate) const CONNECTIONS: Token = Token(usize::MAX - 1);
/// Slices given to one system call.
const SLICES_MAX: usize = 64;

/// A driver over epoll, or what the system has in its place.
pub struct Epoll {
    poll: Poll,
    events: Events,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        Ok(Epoll { poll: Poll::new()?, events: Events::with_capacity(1024) })
    }

    /// What gets the loop out of its wait, with [`Event::Post`].
    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), POST)
    }

    pub(crate) fn registry(&self) -> &mio::Registry {
        self.poll.registry()
    }
}

impl Driver for Epoll {
    type Socket = Stream;

    fn adopt(&mut self, mut stream: Stream, slot: usize) -> io::Result<Stream> {
        stream.register(self.poll.registry(), Token(slot))?;
        Ok(stream)
    }

    fn release(&mut self, mut stream: Stream) {
        stream.deregister(self.poll.registry());
    }

    #[inline]
    fn wait(&mut self, timeout: Duration, mut note: impl FnMut(Event)) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        }
        for event in &self.events {
            note(match event.token() {
                POST => Event::Post,
                CONNECTIONS => Event::Connections,
                Token(slot) => Event::Socket {
                    slot,
                    readable: event.is_readable() || event.is_read_closed() || event.is_error(),
                    writable: event.is_writable() || event.is_error(),
                    read_closed: event.is_read_closed(),
                },
            });
        }
        Ok(())
    }

    #[inline]
    fn receive(&mut self, stream: &mut Stream, into: &mut [u8]) -> io::Result<usize> {
        stream.read(into)
    }

    #[inline]
    fn send(&mut self, stream: &mut Stream, output: &mut Output) -> io::Result<bool> {
        while !output.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let mut count = 0;
            let mut offered = 0;
            for (to, from) in slices.iter_mut().zip(output.slices()) {
                *to = IoSlice::new(from);
                offered += from.len();
                count += 1;
            }
            let sent = if count == 1 { stream.write(&slices[0]) } else { stream.write_vectored(&slices[..count]) };
            let sent = match sent {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if sent == offered && sent == output.len() {
                output.clear();
                break;
            }
            output.advance(sent);
            if sent < offered {
                // A short write: the socket is full, and will tell when it is not.
                return Ok(false);
            }
        }
        Ok(true)
    }
}
