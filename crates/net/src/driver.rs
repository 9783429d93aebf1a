//! What moves bytes between sockets and the loop.
//!
//! The loop says what it wants in terms that suit a system that reports when a socket is ready (epoll) as well as one
//! that reports when an operation is done (io_uring):
//!
//! - It *receives into* memory of its own, only after an event said that there is something. A driver of completions
//!   has the bytes in its own buffers by then, and copies them out.
//! - It *sends from* an [`Output`], of which the driver takes what it can. What it takes it may have given to the
//!   system already, or may hold (blobs by reference) until the system is done with it; it is as good as sent, and the
//!   loop forgets it. A driver that takes only a part says with an event when it would take more. So the loop bounds
//!   what it keeps, the driver what it holds.
//! - All that was sent in a turn may be submitted together by the [`Driver::wait`] that follows.

use crate::stream::Stream;
use base::Output;
use std::io;
use std::time::Duration;

/// What a driver reports to the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// There is something in the worker's mailbox.
    Mail,
    /// Somebody wants to connect.
    Connections,
    /// Something changed about the connection in `slot`.
    Socket {
        slot: usize,
        /// [`Driver::receive`] has something to give: bytes, the end, or an error.
        readable: bool,
        /// [`Driver::send`] takes bytes again.
        writable: bool,
        /// The other end sends no more. There may still be something to receive.
        read_closed: bool,
    },
}

/// A way to wait for sockets and to move their bytes; each loop has its own.
pub trait Driver {
    /// A connection's socket, and what the driver knows of it.
    type Socket;

    /// Takes over a connection: from now on, events name it by `slot`. What has arrived already is reported too.
    ///
    /// # Errors
    /// The system cannot watch it. It is closed.
    fn adopt(&mut self, stream: Stream, slot: usize) -> io::Result<Self::Socket>;

    /// Closes a connection. No event of its slot follows; what `send` took is still sent.
    fn release(&mut self, socket: Self::Socket);

    /// Waits until something happens, for `timeout` at the longest, and gives every event to `note`.
    ///
    /// # Errors
    /// The system can wait no more. To be interrupted is no error, and ends the wait.
    fn wait(&mut self, timeout: Duration, note: impl FnMut(Event)) -> io::Result<()>;

    /// Receives what is there, as [`io::Read::read`] does: 0 is the end. Less than was asked for means that there is no
    /// more for now.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`]: nothing is there, until an event. Others: the connection is broken.
    fn receive(&mut self, socket: &mut Self::Socket, into: &mut [u8]) -> io::Result<usize>;

    /// Takes from the front of `output` as much as can be sent or held, and returns whether that was all. If not, an
    /// event says when there is room.
    ///
    /// # Errors
    /// The connection is broken.
    fn send(&mut self, socket: &mut Self::Socket, output: &mut Output) -> io::Result<bool>;
}

/// A connection's socket as a [`io::Read`].
pub(crate) struct Receiver<'a, D: Driver>(pub &'a mut D, pub &'a mut D::Socket);

impl<D: Driver> io::Read for Receiver<'_, D> {
    #[inline]
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.receive(self.1, into)
    }
}
