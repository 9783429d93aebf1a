//! Sockets and the event loop of a worker.
//!
//! Each worker thread runs one [`EventLoop`]: it accepts, reads, hands the bytes to its [`Service`], and writes what
//! the service answered, once per connection and turn. All loops wait for new connections; the one that wakes up gives
//! each to the worker with the fewest, and to none that is stuck in a long turn. Connections never change their worker.
//! How bytes move is a [`Driver`]'s business: [`Epoll`] is the one there is, and the trait leaves room for one that is
//! told of completions.
//!
//! This crate knows bytes and connections. What the bytes mean is the service's business.
//!
//! A connection that does not take its replies is not read from until it has: what a client can make the server hold by
//! asking is bounded by one turn's replies. What it is sent without asking ([`Action::Push`]) is the service's to
//! bound: it is told after each turn how much is held, and closes whom it wants to.

#![forbid(unsafe_code)]

mod connection;
mod driver;
mod epoll;
mod event_loop;
mod listener;
mod mailbox;
mod stream;
#[cfg(test)]
mod testing;

pub use driver::{Driver, Event};
pub use epoll::Epoll;
pub use event_loop::{EventLoop, IoStats, LoopParts};
pub use listener::{CannotListen, Listener, ListenerKind, Listeners, TcpOptions, Wanted};
pub use mailbox::Mailbox;
pub use stream::{Peer, Stream};

use base::Output;

/// What becomes of a connection after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Read on.
    Read,
    /// Commands wait: do not read until the connection is resumed.
    Wait,
    /// The same, for something that is sure to come soon: a client that sends no more is still given its answer.
    Pending,
    /// Send what is written, then resume.
    SendFirst,
    /// Apply what is in the worker's mailbox by now, then resume, within this turn: what is pushed to the connection
    /// stands between the replies so far and those to come.
    DeliverFirst,
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

/// What the loop does for a message `M`, or because its time has come. `P` is what is pushed.
pub enum Action<M, P> {
    /// Closes this connection at once.
    Close(u64),
    /// Writes this to the outputs of these connections, those that are still there, through [`Service::push`].
    Push(Box<[u64]>, P),
    /// Hands a connection the message, through [`Service::deliver`], if it is still there.
    Deliver(u64, M),
    /// Lets this connection try again, if it waits.
    Resume(u64),
    /// Lets every connection that waits try again.
    ResumeAll,
}

/// What answers connections. One for each worker; never shared.
pub trait Service {
    /// State of a connection.
    type Conn;
    /// What other threads send to this one.
    type Message: Send;
    /// What is written to connections that did not ask for it just now.
    type Push;

    /// Called at the beginning of each turn, before anything else.
    fn begin_turn(&mut self);
    /// Called after each turn; returns the milliseconds after which to turn again at the latest.
    fn end_turn(&mut self) -> u64;
    /// How a connection that is accepted now is set up.
    fn tcp_options(&self) -> TcpOptions;
    /// A connection came; `Err` refuses it with these bytes. Returns its id, unique over all workers.
    fn open(&mut self, peer: &Peer) -> Result<(u64, Self::Conn), Vec<u8>>;
    /// Bytes came: they are answered now, behind what is in `output` already.
    fn input(&mut self, conn: &mut Self::Conn, input: &mut [u8], output: &mut Output) -> Turn;
    /// Bytes came, which `answer_next` will be given once others of this turn are prepared too: time to look ahead.
    fn prepare(&mut self, conn: &mut Self::Conn, input: &mut [u8]);
    /// Whether so much is prepared that it should be answered before more is.
    fn has_prepared_enough(&self) -> bool;
    /// Answers the oldest prepared connection; until then the loop passes that connection to `push` only.
    fn answer_next(&mut self, conn: &mut Self::Conn, input: &mut [u8], output: &mut Output) -> Turn;
    /// Commands that waited may go on.
    fn resume(&mut self, conn: &mut Self::Conn, output: &mut Output) -> Next;
    /// Bytes of input kept, and of output not yet sent, after a turn; `false` closes the connection (a limit).
    fn after_turn(&mut self, conn: &mut Self::Conn, io: IoStats) -> bool;
    /// Whether a connection should be closed for what time has made of it: silent for too long, for example. Asked
    /// once a second.
    fn is_over(&mut self, conn: &mut Self::Conn) -> bool;
    /// A message came. What has to be done for it is due.
    fn message(&mut self, message: Self::Message);
    /// What is due by now, one thing at a time; asked until there is no more, once a turn and after messages came.
    fn due(&mut self) -> Option<Action<Self::Message, Self::Push>>;
    /// A message to one connection, which may end its waiting; `None` when it does not. What it writes is sent in any
    /// case.
    fn deliver(&mut self, conn: &mut Self::Conn, message: Self::Message, output: &mut Output) -> Option<Next>;
    /// Writes to `output` what a connection is to be sent, in the form that is right for it now; nothing, if it should
    /// not have it any more.
    fn push(&mut self, conn: &mut Self::Conn, push: &Self::Push, output: &mut Output);
    fn closed(&mut self, conn: Self::Conn);
}
