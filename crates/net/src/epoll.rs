//! The driver over the system's readiness, edge-triggered (epoll, through `mio`): a socket is registered once, a short
//! read or write means that it is drained or full, and each read and write is a system call of its own.

use crate::driver::{Driver, Event};
use crate::stream::Stream;
use base::Output;
use mio::{Events, Poll, Registry, Token, Waker};
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::BorrowedFd;
use std::time::Duration;

const MAIL: Token = Token(usize::MAX);
const CONNECTIONS: Token = Token(usize::MAX - 1);
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

    /// What gets the loop out of its wait, with [`Event::Mail`].
    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), MAIL)
    }

    pub(crate) fn registry(&self) -> &Registry {
        self.poll.registry()
    }
}

/// Makes a loop wait for connections, with [`Event::Connections`]. Of several loops that wait for the same listener,
/// one is woken.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn watch_listener(registry: &Registry, listener: BorrowedFd<'_>) -> io::Result<()> {
    use rustix::event::epoll::{EventData, EventFlags, add};
    let flags = EventFlags::IN | EventFlags::ET | EventFlags::EXCLUSIVE;
    Ok(add(registry, listener, EventData::new_u64(CONNECTIONS.0 as u64), flags)?)
}

/// The same where all loops are woken: one of them will get each connection, and the others find none.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn watch_listener(registry: &Registry, listener: BorrowedFd<'_>) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    registry.register(&mut mio::unix::SourceFd(&listener.as_raw_fd()), CONNECTIONS, mio::Interest::READABLE)
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
                MAIL => Event::Mail,
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
            let (sent, offered) = write_some(stream, output);
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

/// Offers the system as much as one call takes; returns what it took, and how much that could have been.
#[inline]
fn write_some(stream: &mut Stream, output: &Output) -> (io::Result<usize>, usize) {
    let mut parts = output.slices();
    let first = parts.next().unwrap_or_default();
    if first.len() == output.len() {
        return (stream.write(first), first.len());
    }
    let mut slices = [IoSlice::new(first); SLICES_MAX];
    let mut count = 1;
    let mut offered = first.len();
    for (to, from) in slices[1..].iter_mut().zip(parts) {
        *to = IoSlice::new(from);
        offered += from.len();
        count += 1;
    }
    (stream.write_vectored(&slices[..count]), offered)
}
