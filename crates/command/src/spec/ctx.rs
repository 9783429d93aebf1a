//! What a handler is given besides the locked keys and its words.

use super::registry::Command;
use crate::args::Args;
use crate::clients::{Deliveries, channels};
use crate::error::CommandError;
use crate::server::Server;
use crate::server::worker::WorkerState;
use crate::session::Session;
use crate::session::waiting::{Block, Waiting};
use base::clock::Now;
use engine::Key;
use resp::ReplyWriter;
use value::Object;

/// A number of seconds. Redis reads it as a `long double`, so what is too large for a double is only out of range.
fn seconds(text: &[u8]) -> Option<f64> {
    base::num::parse_f64(text).or_else(|| {
        base::num::LongDouble::parse(text)?;
        let nearest = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
        Some(match nearest {
            // Next to nothing, and yet not for ever.
            Some(0.0) => f64::MIN_POSITIVE,
            _ if text.starts_with(b"-") => f64::NEG_INFINITY,
            _ => f64::INFINITY,
        })
    })
}

/// Who calls a handler. Gates, accounting and what a handler may do follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client, by a command of its own.
    Client,
    /// EXEC, for a command that was queued.
    Transaction,
    /// Somebody who serves a client that waited.
    Waiter,
    /// The executor, for a long command.
    Executor,
}

impl Origin {
    /// Whether the client may be made to wait for a key.
    fn may_block(self) -> bool {
        match self {
            Origin::Client | Origin::Waiter => true,
            Origin::Transaction | Origin::Executor => false,
        }
    }
}

/// The context of one call.
pub struct Ctx<'a> {
    pub server: &'a Server,
    pub worker: &'a WorkerState,
    pub session: &'a mut Session,
    pub reply: &'a mut ReplyWriter,
    /// The keys that the key specs found, in order, located.
    pub keys: &'a [Key<'a>],
    pub command: &'a Command,
    pub origin: Origin,
    /// The way to other clients.
    pub deliveries: &'a Deliveries<'a>,
    /// What the handler waits for, if it cannot go on.
    pub block: Option<Block>,
}

impl<'a> Ctx<'a> {
    /// The clock, as read at the beginning of this turn.
    #[inline]
    pub fn now(&self) -> Now {
        self.worker.now
    }

    /// The n-th key.
    #[inline]
    pub fn key(&self, at: usize) -> Key<'a> {
        self.keys[at]
    }

    /// The name of the command for error texts, in small letters ("config|get" for a subcommand).
    pub fn name(&self) -> &'a str {
        &self.command.full_name
    }

    /// Makes the client wait until a key of the command holds what it `wants`, or the time has come. False where
    /// nothing may wait, as in a transaction: the handler answers as after a timeout.
    ///
    /// The handler has tried already, and writes nothing if this is true; it runs again when there is something to be
    /// had. Keys that the key specs mark as INSERT are what it fills then, all others are what it waits for.
    pub fn block(&mut self, deadline_us: Option<u64>, wants: fn(&Object) -> bool) -> bool {
        self.block_for(Block::until_filled(deadline_us, wants))
    }

    /// Makes the client wait for nothing but the time: the answer is what `timed_out` writes then, or when CLIENT
    /// UNBLOCK ends the wait. False where nothing may wait.
    pub fn block_for_time(&mut self, deadline_us: Option<u64>, timed_out: fn(&mut ReplyWriter)) -> bool {
        self.block_for(Block { timed_out, ..Block::until_filled(deadline_us, |_| false) })
    }

    /// The same, for a command that waits for other things than a key to be filled, or would mean something else by
    /// then.
    pub fn block_for(&mut self, block: Block) -> bool {
        if !self.origin.may_block() {
            return false;
        }
        self.block = Some(block);
        true
    }

    /// Whether the command can wait for messages that are on their way to its client, and be tried again behind them.
    pub fn may_wait_for_messages(&self) -> bool {
        self.origin == Origin::Client
    }

    /// Lets the command wait for messages that are on their way to its client.
    pub fn wait_for_messages(&mut self) {
        self.session.waiting = Waiting::Messages;
    }

    /// Ends all subscriptions of the client, which hears first what was published before. False when the command has to
    /// wait for that, and is tried again.
    pub fn unsubscribe_all(&mut self) -> bool {
        let may_wait = self.may_wait_for_messages();
        let is_done = channels::unsubscribe_all(self.server, self.worker, self.session, may_wait);
        if !is_done {
            self.wait_for_messages();
        }
        is_done
    }

    /// Whether the command runs as part of a transaction.
    pub fn in_transaction(&self) -> bool {
        self.origin == Origin::Transaction
    }

    /// The word at `at` as the timeout of a command that waits, in seconds with fractions: when it is over, in
    /// microseconds of the monotonic clock, and `None` for 0, which is never.
    pub fn wait_deadline(&self, args: &Args<'_>, at: usize) -> Result<Option<u64>, CommandError> {
        let seconds = seconds(args.word(at)).ok_or(CommandError::TIMEOUT_NOT_FLOAT)?;
        // Rounded up to milliseconds, as in Redis; and the time at which it ends must have a number there.
        let millis = (seconds * 1000.0).ceil();
        if millis >= i64::MAX as f64 {
            return Err(CommandError::TIMEOUT_OUT_OF_RANGE);
        } else if millis < 0.0 {
            return Err(CommandError::TIMEOUT_NEGATIVE);
        }
        self.deadline_in(millis as i64)
    }

    /// The same for a timeout in whole milliseconds.
    pub fn wait_deadline_ms(&self, args: &Args<'_>, at: usize) -> Result<Option<u64>, CommandError> {
        let millis = base::num::parse_i64(args.word(at)).ok_or(CommandError::TIMEOUT_NOT_INTEGER)?;
        if millis < 0 {
            return Err(CommandError::TIMEOUT_NEGATIVE);
        }
        self.deadline_in(millis)
    }

    /// When so many milliseconds will be over, which must have a number; `None` for 0, which is never.
    fn deadline_in(&self, millis: i64) -> Result<Option<u64>, CommandError> {
        self.now().unix_ms.checked_add(millis).ok_or(CommandError::TIMEOUT_OUT_OF_RANGE)?;
        let micros = (millis as u64).saturating_mul(1000);
        Ok((millis > 0).then(|| self.now().mono_us.saturating_add(micros)))
    }

    /// Replies with the lines of a HELP subcommand.
    pub fn help(&mut self, container: &str, lines: &[&str]) {
        self.reply.array(lines.len() + 3);
        self.reply
            .simple(&format!("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container.to_uppercase()));
        for line in lines {
            self.reply.simple(line);
        }
        self.reply.simple("HELP");
        self.reply.simple("    Print this help.");
    }

    /// The word at `at` as the number of a database that there is.
    pub fn database(&self, args: &Args<'_>, at: usize) -> Result<usize, CommandError> {
        let number = usize::try_from(args.int32(at)?).map_err(|_| CommandError::INVALID_DB)?;
        if number < self.server.keyspace.databases() { Ok(number) } else { Err(CommandError::INVALID_DB) }
    }
}
