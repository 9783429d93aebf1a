//! Is the lock plan right? Clients on threads of their own run random commands on a few hot keys of one server in
//! this process; what they saw must be explained by some order in which the commands ran one at a time.
//!
//! ```text
//!   generate ---> threads / lockstep ---> history ---> checker <--- model
//!   programs      clients on a server     who asked    search for   what one command does
//!   from seeds    (or on a broken one)    what, when   an order     when it runs alone
//! ```
//!
//! * [`operation`] has the commands, and draws random programs of them; [`collections`] those about hashes, sets and
//!   sorted sets.
//! * [`model`] is the server as it should be, in a few lines: values, and who watches what.
//! * [`checker`] looks for an order (Wing and Gong's search with Lowe's memory of what failed).
//! * [`harness`] builds a server without sockets; [`client`] sends it operations, and can do so wrongly on purpose:
//!   a checker that has never found a bug proves nothing, so the tests seed some.
//! * [`mod@run`] lets clients loose, in windows: between two windows nothing runs and all keys are read back, so that
//!   each search is short and starts from a known state.
//!
//! Three kinds of work: values (strings, transactions that watch), queues (lists that clients wait for) and collections
//! (hashes, sets, and sorted sets that clients wait for). A client that waits gives up after a while. It may do so only
//! while its keys are empty: the answer counts from the moment at which it gives up, so an element that was pushed
//! before that and given to nobody is a violation, the lost wake-up.
//!
//! Clients have a worker each, or share one as they do on a server of one worker.
//!
//! Limits: no streams, no deadlines, one database.

#![forbid(unsafe_code)]

pub mod checker;
pub mod client;
pub mod collections;
pub mod harness;
pub mod model;
pub mod operation;
pub mod run;
