//! The path of a command: parse, plan, gates, lock, run, commit, reply.
//!
//! The only crate that calls handlers, and the crate `commands` knows nothing of it. It knows no command by name: all
//! that is special about one is declared in its [`CommandSpec`](command::CommandSpec). Sans-IO: bytes come in as
//! slices, replies leave as output.

#![forbid(unsafe_code)]

mod account;
mod batch;
pub mod blocking;
mod call;
mod deliver;
mod exec;
pub mod fanout;
mod gates;
pub mod long;
pub mod pipeline;
mod run;
mod shapes;
pub mod testing;
mod worker;

pub use run::Flow;
pub use worker::Worker;

use command::clients::{channels, tracking};
use command::{Server, Session};

/// Ends what a connection began, when it is closed.
pub fn close(server: &Server, worker: &Worker, session: &mut Session) {
    blocking::abandon(server, session);
    tracking::end(server, session);
    channels::unsubscribe_all(server, &worker.state, session, false);
    server.clients.remove(session.id);
}
