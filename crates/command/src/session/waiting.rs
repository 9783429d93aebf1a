//! All the ways in which a client waits, and what is known of each.

use super::Identity;
use crate::args::OwnedArgs;
use crate::clients::{ClientInfo, ForActor};
use crate::error::CommandResult;
use base::clock::Now;
use engine::{Detached, Effects, Wait, Wakes};
use resp::{Output, ReplyWriter};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use value::Object;

/// Why no command of a session runs at the moment.
#[derive(Default)]
pub enum Waiting {
    /// It does not wait.
    #[default]
    No,
    /// For the end of CLIENT PAUSE.
    Pause,
    /// For keys that a long command has detached.
    Detached,
    /// For shards that another thread holds for long.
    Busy,
    /// For messages that are on their way to it: they come before what its command does.
    Messages,
    /// For the long command that it asked for.
    Long(Running),
    /// For something to happen to a key.
    Keys(Blocked),
}

impl Waiting {
    #[inline]
    pub fn is_no(&self) -> bool {
        matches!(self, Waiting::No)
    }

    /// In one word, for tests and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Waiting::No => "no",
            Waiting::Pause => "pause",
            Waiting::Detached => "detached",
            Waiting::Busy => "busy",
            Waiting::Messages => "messages",
            Waiting::Long(_) => "long",
            Waiting::Keys(_) => "keys",
        }
    }

    /// Whether its command has not begun, and is to be tried again.
    pub fn is_retried(&self) -> bool {
        match self {
            Waiting::Pause | Waiting::Detached | Waiting::Busy | Waiting::Messages => true,
            Waiting::No | Waiting::Long(_) | Waiting::Keys(_) => false,
        }
    }

    /// Whether the end is sure to come soon: a client that sends no more is still given its answer.
    pub fn ends_soon(&self) -> bool {
        match self {
            Waiting::Detached | Waiting::Busy | Waiting::Messages | Waiting::Long(_) => true,
            Waiting::No | Waiting::Pause | Waiting::Keys(_) => false,
        }
    }

    /// The wait for a key that it is in.
    pub fn blocked(&self) -> Option<&Blocked> {
        if let Waiting::Keys(blocked) = self { Some(blocked) } else { None }
    }

    /// Ends the wait for a key, if it is this one.
    pub fn take_blocked(&mut self, wait: &Arc<Wait>) -> Option<Blocked> {
        match std::mem::take(self) {
            Waiting::Keys(blocked) if Arc::ptr_eq(&blocked.wait, wait) => Some(blocked),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Ends the wait for a long command.
    pub fn take_running(&mut self) -> Option<Running> {
        match std::mem::take(self) {
            Waiting::Long(running) => Some(running),
            other => {
                *self = other;
                None
            }
        }
    }
}

/// What a handler asks for that cannot go on.
pub struct Block {
    /// When to give up, in microseconds of the monotonic clock.
    pub deadline_us: Option<u64>,
    /// Whether this is the type of value that it waits for.
    pub wants: fn(&Object) -> bool,
    /// What has to happen to a key for another try.
    pub wakes: Wakes,
    /// The words to try again with, where those that were sent would mean something else by then (`$` of XREAD).
    pub words: Option<OwnedArgs>,
    /// Writes the answer when the time is over.
    pub timed_out: fn(&mut ReplyWriter),
}

impl Block {
    /// Until a key is filled with what is wanted.
    pub fn until_filled(deadline_us: Option<u64>, wants: fn(&Object) -> bool) -> Block {
        Block { deadline_us, wants, wakes: Wakes::FILLED, words: None, timed_out: ReplyWriter::null_array }
    }
}

/// What is done when a wait for a key is served.
pub struct Request {
    /// The command, by its number in the registry.
    pub command: usize,
    pub words: OwnedArgs,
    pub identity: Identity,
}

/// The wait for a key that a session is in.
pub struct Blocked {
    pub wait: Arc<Wait>,
    pub deadline_us: Option<u64>,
    /// Writes the answer when the time is over.
    pub timed_out: fn(&mut ReplyWriter),
    /// The client wants no answer (CLIENT REPLY).
    pub is_muted: bool,
    /// What it took to find out that it has to wait.
    pub spent: Spent,
}

/// How a wait for a key ended.
pub enum End {
    /// With this answer.
    Served {
        output: Output,
        failed: bool,
        /// What that took.
        nanos: u64,
    },
    TimedOut,
    /// By CLIENT UNBLOCK with ERROR.
    Unblocked,
}

/// Claims the wait that a client is in, on behalf of another.
pub fn claim(client: &ClientInfo) -> Option<Arc<Wait>> {
    client.wait.lock().clone().filter(|wait| wait.claim())
}

/// What a command took.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    /// Without the time for which it waited.
    pub nanos: u64,
    pub request_bytes: usize,
    pub reply_bytes: usize,
}

/// Where long commands go.
pub struct Executor {
    pub jobs: Sender<Box<Job>>,
    /// Elements from which a command goes there.
    pub long_elements: usize,
}

impl Executor {
    /// An executor, and the jobs that it is given.
    pub fn new(long_elements: usize) -> (Executor, Receiver<Box<Job>>) {
        let (jobs, receiver) = channel();
        (Executor { jobs, long_elements }, receiver)
    }
}

/// A long command on its way to the executor.
pub struct Job {
    pub identity: Identity,
    pub command: usize,
    pub args: OwnedArgs,
    /// Its keys; `None` for a command that visits the whole keyspace.
    pub detached: Option<Detached>,
    pub effects: Effects,
    pub now: Now,
}

/// A long command that has run.
pub struct Finished {
    pub client: u64,
    pub command: usize,
    pub args: OwnedArgs,
    /// What it did, and the keys that it detached, until its worker has taken over both.
    pub done: Option<(Effects, Option<Detached>)>,
    /// What its client has to hear of it itself.
    pub for_actor: ForActor,
    pub output: Output,
    pub outcome: CommandResult,
    pub nanos: u64,
}

/// What a session knows of the long command that it waits for.
pub struct Running {
    /// The client wants no answer (CLIENT REPLY).
    pub is_muted: bool,
    /// What it took before it was handed over.
    pub spent: Spent,
}
