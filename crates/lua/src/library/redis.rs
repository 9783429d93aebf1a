//! `redis`, which is also called `server`: what scripts ask of the server, and how they make replies.

use super::{add, push_read_only};
use crate::engine::Purpose;
use crate::host::{REPL_AOF, REPL_REPLICA};
use crate::push::{Push, push_error};
use crate::raw::raise::Raise;
use crate::raw::stack::{Function, Kind, Stack};
use crate::raw::walk::{truncate, until_zero};
use sha1::{Digest, Sha1};

const NO_ARGUMENT: &str = "ERR Please specify at least one argument for this redis lib call";
const WRONG_ARGUMENT: &str = "ERR Lua redis lib command arguments must be strings or integers";
const NO_CALL: &str = "ERR redis.call/pcall can only be called inside a script invocation";

const LOG_LEVELS: [(&str, u8); 4] = [("LOG_DEBUG", 0), ("LOG_VERBOSE", 1), ("LOG_NOTICE", 2), ("LOG_WARNING", 3)];

const REPL_FLAGS: [(&str, u8); 5] = [
    ("REPL_NONE", 0),
    ("REPL_AOF", REPL_AOF),
    ("REPL_REPLICA", REPL_REPLICA),
    ("REPL_SLAVE", REPL_REPLICA),
    ("REPL_ALL", REPL_AOF | REPL_REPLICA),
];

/// What `redis` says about the server.
#[derive(Clone, Debug)]
pub struct Api {
    pub purpose: Purpose,
    /// `redis.REDIS_VERSION`
    pub version: &'static str,
    /// `redis.REDIS_VERSION_NUM`: a byte for each part.
    pub version_number: u32,
}

pub(super) fn open(stack: &mut Stack<'_>, globals: i32, api: &Api) -> Result<(), Raise> {
    const FUNCTIONS: [(&str, Function); 9] = [
        ("call", call),
        ("pcall", pcall),
        ("error_reply", error_reply),
        ("status_reply", status_reply),
        ("sha1hex", sha1hex),
        ("log", log),
        ("setresp", setresp),
        ("set_repl", set_repl),
        ("acl_check_cmd", acl_check_cmd),
    ];
    const ONLY_SCRIPTS: [(&str, Function); 3] =
        [("replicate_commands", replicate_commands), ("breakpoint", breakpoint), ("debug", debug)];
    stack.push_table(0, 32)?;
    let library = stack.top();
    let more = if api.purpose == Purpose::Scripts { &ONLY_SCRIPTS[..] } else { &[] };
    for &(name, function) in FUNCTIONS.iter().chain(more) {
        add(stack, library, name, function)?;
    }
    add_constants(stack, library, api)?;
    push_read_only(stack, library)?;
    stack.set_field(globals, "server")?;
    stack.get_field(globals, "server");
    stack.set_field(globals, "redis")?;
    stack.pop(1);
    Ok(())
}

/// Puts what is no function into the table in a slot.
pub(super) fn add_constants(stack: &mut Stack<'_>, library: i32, api: &Api) -> Result<(), Raise> {
    for (name, value) in LOG_LEVELS.into_iter().chain(REPL_FLAGS) {
        stack.push_number(f64::from(value));
        stack.set_field(library, name)?;
    }
    stack.push_bytes(api.version.as_bytes())?;
    stack.set_field(library, "REDIS_VERSION")?;
    stack.push_number(f64::from(api.version_number));
    stack.set_field(library, "REDIS_VERSION_NUM")
}

fn call(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    if run(stack)? { Err(Raise::Value) } else { Ok(1) }
}

fn pcall(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let result = run(stack);
    if let Err(Raise::Table(text)) = result {
        stack.reserve(3)?;
        push_error(stack, text.as_bytes(), false)?;
    } else {
        result?;
    }
    Ok(1)
}

/// Runs the command whose words are the arguments, and pushes its reply; whether that is an error.
fn run(stack: &mut Stack<'_>) -> Result<bool, Raise> {
    let count = stack.top();
    if count == 0 {
        return Err(Raise::Table(NO_ARGUMENT));
    }
    let result = stack.with_words(count, |stack, words| {
        let context = stack.context;
        let mut push = Push::new(stack)?;
        let is_error = context.ask_host(|host| {
            host.call(words, &mut push);
            push.is_error()
        });
        push.finish()?;
        is_error.ok_or(Raise::Table(NO_CALL))
    });
    result.unwrap_or(Err(Raise::Table(WRONG_ARGUMENT)))
}

/// Pushes an error as Redis makes one of a text: without line ends after it, and with a code in front.
fn error_reply(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let text = match one_string(stack) {
        Some(text) => text,
        None => return wrong_reply(stack),
    };
    let text = until_zero(&text);
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let length = text.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
    let has_code = text[..length].contains(&b' ');
    let code: &[u8] = if has_code { b"" } else { b"ERR " };
    push_error(stack, &[code, &text[..length]].concat(), false)?;
    Ok(1)
}

fn status_reply(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let text = match one_string(stack) {
        Some(text) => text,
        None => return wrong_reply(stack),
    };
    stack.push_table(0, 1)?;
    stack.push_bytes(&text)?;
    stack.set_field(stack.top() - 1, "ok")?;
    Ok(1)
}

/// The only argument, if that is a string.
fn one_string(stack: &Stack<'_>) -> Option<Vec<u8>> {
    if stack.top() == 1 { stack.bytes(1).map(<[u8]>::to_vec) } else { None }
}

fn wrong_reply(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    push_error(stack, b"ERR wrong number or type of arguments", false)?;
    Ok(1)
}

fn sha1hex(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if stack.top() != 1 {
        return Err(Raise::Table("ERR wrong number of arguments"));
    }
    let digest = Sha1::digest(stack.text(1));
    let hex: Vec<u8> =
        digest.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect();
    stack.push_bytes(&hex)?;
    Ok(1)
}

fn log(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let count = stack.top();
    if count < 2 {
        return Err(Raise::Table("ERR redis.log() requires two arguments or more."));
    }
    let Some(level) = stack.number(1) else {
        return Err(Raise::Table("ERR First argument must be a number (log level)."));
    };
    let level = truncate(level) as i32;
    let Some(&(_, level)) = LOG_LEVELS.iter().find(|(_, known)| i32::from(*known) == level) else {
        return Err(Raise::Table("ERR Invalid log level."));
    };
    let mut line = Vec::new();
    for number in 2..=count {
        if matches!(stack.kind(number), Kind::String | Kind::Number) {
            if number > 2 {
                line.push(b' ');
            }
            line.extend_from_slice(stack.text(number));
        }
    }
    stack.context.ask_host(|host| host.log(level, &line));
    Ok(0)
}

fn setresp(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    if stack.top() != 1 {
        return Err(Raise::Table("ERR redis.setresp() requires one argument."));
    }
    let version = match truncate(stack.number(1).unwrap_or_default()) as i32 {
        2 => 2,
        3 => 3,
        _ => return Err(Raise::Table("ERR RESP version must be 2 or 3.")),
    };
    stack.context.ask_host(|host| host.set_resp(version));
    Ok(0)
}

fn set_repl(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    if stack.top() != 1 {
        return Err(Raise::Table("ERR redis.set_repl() requires one argument."));
    }
    let flags = truncate(stack.number(1).unwrap_or_default()) as i32;
    if flags & !i32::from(REPL_AOF | REPL_REPLICA) != 0 {
        let text = "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.";
        return Err(Raise::Table(text));
    }
    stack.context.ask_host(|host| host.set_repl(flags as u8));
    Ok(0)
}

fn acl_check_cmd(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let count = stack.top();
    if count == 0 {
        return Err(Raise::Table(NO_ARGUMENT));
    }
    let context = stack.context;
    let answer = stack.with_words(count, |_, words| Ok(context.ask_host(|host| host.may_run(words)).flatten()));
    match answer.unwrap_or(Err(Raise::Table(WRONG_ARGUMENT)))? {
        Some(may) => stack.push_boolean(may),
        None => return Err(Raise::Table("ERR Invalid command passed to redis.acl_check_cmd()")),
    }
    Ok(1)
}

/// Effects are always what is replicated, as since Redis 7.
fn replicate_commands(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    stack.push_boolean(true);
    Ok(1)
}

/// There is no debugger: a script goes on as it does where none is attached.
fn breakpoint(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    stack.push_boolean(false);
    Ok(1)
}

fn debug(_: &mut Stack<'_>) -> Result<i32, Raise> {
    Ok(0)
}
