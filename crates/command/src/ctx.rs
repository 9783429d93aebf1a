//! What a handler is given besides the locked keys and its words.

use crate::args::Args;
use crate::error::CommandError;
use crate::registry::Command;
use crate::server::Server;
use crate::session::Session;
use crate::worker::WorkerState;
use base::clock::Now;
use engine::Key;
use resp::ReplyWriter;

/// The context of one call.
pub struct Ctx<'a> {
    pub server: &'a Server,
    pub worker: &'a WorkerState,
    pub session: &'a mut Session,
    pub reply: &'a mut ReplyWriter,
    /// The keys that the key specs found, in order, located.
    pub keys: &'a [Key<'a>],
    pub command: &'a Command,
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

    /// Parses a database number.
    pub fn db_number(&self, args: &Args<'_>, at: usize) -> Option<usize> {
        let number = args.get(at).and_then(base::num::parse_i64)?;
        usize::try_from(number).ok().filter(|&db| db < self.server.keyspace.databases())
    }
}
