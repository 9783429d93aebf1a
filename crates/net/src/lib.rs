//! Sockets and the event loop of a worker.
//!
//! Each worker thread runs one [`EventLoop`]: it accepts (one of them), reads, hands the bytes to its
//! [`Service`], and writes what the service answered, once per connection and turn. Connections never change
//! their worker. How bytes move is a [`Driver`]'s business: [`Epoll`] is the one there is, and the trait leaves room for one that
//! is told of completions.
//!
//! A connection that does not take its replies is not read from until it has: what a client can make the
//! server hold is bounded by one turn's replies.

#![forbid(unsafe_code)]

mod connection;
mod driver;
mod epoll;
mod event_loop;
mod listener;
mod post;
mod stream;
#[cfg(test)]
mod testing;

pub use driver::{Driver, Event};
pub use epoll::Epoll;
pub use event_loop::{EventLoop, IoStats, Port};
pub use listener::{CannotListen, Listener, Listeners, TcpOptions, Wanted};
pub use post::{Mail, Post};
pub use stream::{Peer, Stream};

use resp::ReplyWriter;

/// What becomes of a connection after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Read on.
    Read,
    /// Commands wait: do not read until the loop is told to resume.
    Wait,
    /// The same, for something that is sure to come soon: a client that sends no more is still given its answer.
    Pending,
    /// Send what is written, then resume.
    SendFirst,
    /// Send what is written, then close.
    Close,
}

/// What a service did with the input of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Bytes of the input that are done with.
    pub consumed: usize,
    /// Total bytes that the rest is known to need; 0 when not known.
    pub need: usize,
    pub next: Next,
}

/// What a message does to a connection.
pub enum Order<M> {
    /// Close it at once.
    Close(u64),
    /// Send it these bytes.
    Send(u64, std::sync::Arc<Vec<u8>>),
    /// Hand it this message, if it is still there.
    Tell(u64, M),
    /// Let this connection try again, if it waits.
    Resume(u64),
    /// Let every connection that waits try again.
    ResumeAll,
    /// Nothing.
    None,
}

/// What answers connections. One for each worker; never shared.
pub trait Service {
    /// State of a connection.
    type Conn;
    /// What other workers can tell this one.
    type Message: Send;

    /// Called at the beginning of each turn, before anything else.
    fn begin_turn(&mut self);
    /// Called after each turn; gives the milliseconds after which to turn again at the latest.
    fn end_turn(&mut self) -> u64;
    /// How a connection that is accepted now is set up.
    fn tcp_options(&self) -> TcpOptions;
    /// A connection came; `Err` refuses it with these bytes. Gives its id, unique over all workers.
    fn open(&mut self, peer: &Peer) -> Result<(u64, Self::Conn), Vec<u8>>;
    /// Bytes came: they are answered now.
    fn input(&mut self, conn: &mut Self::Conn, input: &mut [u8], reply: &mut ReplyWriter) -> Turn;
    /// Bytes came, which `answer_next` will be given once others of this turn are prepared too: time to look ahead.
    fn prepare(&mut self, conn: &mut Self::Conn, input: &mut [u8]);
    /// Whether so much is prepared that it should be answered before more is.
    fn has_prepared_enough(&self) -> bool;
    /// Answers, of the connections that were prepared, the first that was not answered yet. Between `prepare` and this, other
    /// connections may be given to `input`, but this one to nothing.
    fn answer_next(&mut self, conn: &mut Self::Conn, input: &mut [u8], reply: &mut ReplyWriter) -> Turn;
    /// Commands that waited may go on.
    fn resume(&mut self, conn: &mut Self::Conn, reply: &mut ReplyWriter) -> Next;
    /// Bytes of input kept, and of output not yet sent, after a turn; `false` closes the connection (a limit).
    fn after_turn(&mut self, conn: &mut Self::Conn, io: IoStats) -> bool;
    /// Whether a connection should be closed for what time has made of it: silent for too long, for example. Asked
    /// once a second.
    fn is_over(&mut self, conn: &mut Self::Conn) -> bool;
    fn message(&mut self, message: Self::Message) -> Order<Self::Message>;
    /// What is due by now, one thing at a time; asked once a turn, until there is no more.
    fn due(&mut self) -> Option<Order<Self::Message>>;
    /// A message to one connection, which may end its waiting; `None` when it does not. What it writes is sent in any case.
    fn tell(&mut self, conn: &mut Self::Conn, message: Self::Message, reply: &mut ReplyWriter) -> Option<Next>;
    fn closed(&mut self, conn: Self::Conn);
}
