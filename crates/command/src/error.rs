//! The errors a command answers with: the only place where their texts stand.
//!
//! The first word of a text is the error's code; INFO counts errors by it.

use std::borrow::Cow;
use std::fmt;

/// An error reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError(Cow<'static, str>);

/// What a handler gives back: the reply is written already, or nothing of it counts.
pub type CommandResult = Result<(), CommandError>;

impl CommandError {
    pub const WRONG_TYPE: CommandError =
        CommandError::fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
    pub const SYNTAX: CommandError = CommandError::fixed("ERR syntax error");
    pub const NOT_INTEGER: CommandError = CommandError::fixed("ERR value is not an integer or out of range");
    pub const NOT_FLOAT: CommandError = CommandError::fixed("ERR value is not a valid float");
    pub const OUT_OF_RANGE: CommandError = CommandError::fixed("ERR value is out of range");
    pub const MUST_BE_POSITIVE: CommandError = CommandError::fixed("ERR value is out of range, must be positive");
    pub const NO_SUCH_KEY: CommandError = CommandError::fixed("ERR no such key");
    pub const SAME_OBJECT: CommandError = CommandError::fixed("ERR source and destination objects are the same");
    pub const INDEX_OUT_OF_RANGE: CommandError = CommandError::fixed("ERR index out of range");
    pub const INVALID_DB: CommandError = CommandError::fixed("ERR DB index is out of range");
    pub const OVERFLOW: CommandError = CommandError::fixed("ERR increment or decrement would overflow");
    pub const STRING_TOO_LONG: CommandError =
        CommandError::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    pub const NO_AUTH: CommandError = CommandError::fixed("NOAUTH Authentication required.");
    pub const WRONG_PASS: CommandError =
        CommandError::fixed("WRONGPASS invalid username-password pair or user is disabled.");
    pub const EXEC_ABORT: CommandError =
        CommandError::fixed("EXECABORT Transaction discarded because of previous errors.");
    pub const NOT_IN_MULTI: CommandError = CommandError::fixed("ERR Command not allowed inside a transaction");

    /// An error whose text never varies.
    pub const fn fixed(text: &'static str) -> CommandError {
        CommandError(Cow::Borrowed(text))
    }

    /// An error with something of the request in its text.
    pub fn of(text: impl Into<String>) -> CommandError {
        CommandError(Cow::Owned(text.into()))
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    pub fn unknown_command(name: &[u8], args: impl Iterator<Item = Vec<u8>>) -> CommandError {
        // Redis shows at most 128 bytes of the name and of all arguments together.
        const SHOWN_MAX: usize = 128;
        let mut shown = String::new();
        for arg in args {
            if shown.len() >= SHOWN_MAX {
                break;
            }
            let room = SHOWN_MAX - shown.len();
            shown.push_str(&format!("'{}' ", lossy(&arg[..arg.len().min(room)])));
        }
        let name = lossy(&name[..name.len().min(SHOWN_MAX)]);
        CommandError::of(format!("ERR unknown command '{name}', with args beginning with: {shown}"))
    }

    pub fn unknown_subcommand(name: &[u8], container: &str) -> CommandError {
        let name = lossy(&name[..name.len().min(128)]);
        CommandError::of(format!("ERR unknown subcommand '{name}'. Try {} HELP.", container.to_uppercase()))
    }

    pub fn wrong_arity(full_name: &str) -> CommandError {
        CommandError::of(format!("ERR wrong number of arguments for '{full_name}' command"))
    }

    pub fn invalid_expire(command: &str) -> CommandError {
        CommandError::of(format!("ERR invalid expire time in '{command}' command"))
    }
}

/// Bytes as text: those that are not UTF-8 keep their value as Latin-1, so that nothing is lost from sight.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CommandError {}
