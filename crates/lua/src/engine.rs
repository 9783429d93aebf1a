//! An engine: compiles scripts, keeps them, runs them.

use crate::host::Host;
use crate::library::{self, Api};
use crate::raw::raise::Raise;
use crate::raw::stack::{Kind, Stack};
use crate::raw::state::{Collector, Kept, State};
use crate::raw::walk::until_zero;
use crate::results::Results;
use std::ffi::CString;
use std::sync::atomic::{AtomicU64, Ordering};

/// What Lua itself begins with: a collection starts when there is twice as much as after the last, and goes twice as
/// fast as memory is asked for.
const PAUSE: i32 = 200;
const STEP_MULTIPLIER: i32 = 200;

/// The error of a table that says nothing.
const UNKNOWN_ERROR: &[u8] = b"ERR unknown error";

/// What an engine is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Scripts as EVAL gets them: keys and arguments are global variables.
    Scripts,
    /// Functions of libraries: keys and arguments are passed to them.
    Functions,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub purpose: Purpose,
    /// Bytes that a script may take.
    pub memory_max: usize,
    /// `redis.REDIS_VERSION`
    pub version: &'static str,
    /// `redis.REDIS_VERSION_NUM`: a byte for each part.
    pub version_number: u32,
}

/// Something an engine can call: a script, or a function of a library. It is of use to the engine only that made it.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk {
    engine: u64,
    kept: Kept,
}

/// A script that is no Lua, in the words of the compiler: `user_script:1: unexpected symbol near '='`.
#[derive(Debug, PartialEq, Eq)]
pub struct CompileError(pub Vec<u8>);

/// Why a script has failed.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Failure {
    /// It raised an error.
    Error,
    /// The host ended it.
    Killed,
}

#[derive(Debug, PartialEq, Eq)]
pub struct ScriptError {
    pub failure: Failure,
    /// With its code: `ERR user_script:1: boom`.
    pub message: Vec<u8>,
    /// The name of the chunk that raised it, which for a file is after `@`.
    pub source: Option<Vec<u8>>,
    pub line: Option<i32>,
    /// Whether it is one that the host has counted already, when a command failed with it.
    pub counted: bool,
}

/// What a script gets.
#[derive(Clone, Copy, Default)]
pub struct Call<'a> {
    pub keys: &'a [&'a [u8]],
    pub arguments: &'a [&'a [u8]],
}

pub struct Engine {
    /// Tells the chunks of different engines apart.
    id: u64,
    state: State,
    settings: Settings,
    globals: Kept,
    handler: Kept,
}

impl Engine {
    pub fn new(settings: Settings) -> Engine {
        static ENGINES: AtomicU64 = AtomicU64::new(0);
        let mut state = State::new();
        let (globals, handler) =
            prepare(&mut state, &settings).unwrap_or_else(|_| unreachable!("memory is not limited yet"));
        Engine { id: ENGINES.fetch_add(1, Ordering::Relaxed), state, settings, globals, handler }
    }

    /// Forgets everything: its chunks are of no use any more.
    pub fn reset(&mut self) {
        *self = Engine::new(self.settings.clone());
    }

    /// Bytes in use, compiled scripts among them.
    pub fn memory(&self) -> usize {
        self.state.context().memory.used()
    }

    /// Bytes that a script may take, from the next call on.
    pub fn set_memory_max(&mut self, bytes: usize) {
        self.settings.memory_max = bytes;
    }

    /// Compiles a script, and keeps it until it is [released](Engine::release). Its name is what its errors begin with.
    pub fn compile(&mut self, name: &str, source: &[u8]) -> Result<Chunk, CompileError> {
        let chunk = self.compile_inner(name, source);
        self.clean_up();
        chunk.map(|kept| Chunk { engine: self.id, kept })
    }

    fn compile_inner(&mut self, name: &str, source: &[u8]) -> Result<Kept, CompileError> {
        self.state.context().memory.allow(self.settings.memory_max);
        let name = CString::new(format!("@{name}")).map_err(|_| CompileError(b"a name with a zero byte".to_vec()))?;
        let mut stack = self.state.stack();
        let compiled = stack.load(source, &name).and_then(|is_fine| {
            if !is_fine {
                return Err(Raise::Value);
            }
            library::confine(&mut stack)?;
            stack.keep()
        });
        compiled.map_err(|raise| CompileError(message(&mut stack, raise)))
    }

    /// Forgets a chunk.
    pub fn release(&mut self, chunk: Chunk) {
        assert_eq!(chunk.engine, self.id, "a chunk of another engine");
        self.state.stack().release(chunk.kept);
    }

    /// Runs a chunk; what it returns goes to `results`, unless it fails.
    pub fn call(
        &mut self,
        chunk: &Chunk,
        call: Call<'_>,
        host: &mut dyn Host,
        results: &mut dyn Results,
    ) -> Result<(), ScriptError> {
        assert_eq!(chunk.engine, self.id, "a chunk of another engine");
        self.state.context().memory.allow(self.settings.memory_max);
        let (purpose, globals, handler) = (self.settings.purpose, self.globals, self.handler);
        let mut stack = self.state.stack();
        let context = stack.context;
        let outcome = context.with_host(host, || {
            stack.push_kept(handler);
            stack.push_kept(chunk.kept);
            let arguments = push_call(&mut stack, purpose, globals, call)?;
            stack.call_handled(arguments, 1)
        });
        context.memory.allow(usize::MAX);
        let result = match outcome {
            Ok(()) => {
                stack.tell(results);
                Ok(())
            }
            Err(raise) => Err(script_error(&mut stack, raise)),
        };
        self.clean_up();
        result
    }

    /// What a script could leave behind beside garbage.
    fn clean_up(&mut self) {
        let mut stack = self.state.stack();
        stack.set_top(0);
        stack.context.hook_usually();
        if stack.context.library.collector_was_changed.replace(false) {
            stack.collector(Collector::SetPause(PAUSE));
            stack.collector(Collector::SetStepMultiplier(STEP_MULTIPLIER));
            stack.collector(Collector::Restart);
        }
    }

    /// Collects a little garbage; whether that ended a round.
    pub fn collect_some(&mut self) -> bool {
        self.state.stack().collector(Collector::Step(0)) != 0
    }

    /// Collects all garbage.
    pub fn collect(&mut self) {
        self.state.stack().collector(Collector::Collect);
    }
}

/// Makes the globals and the handler of errors.
fn prepare(state: &mut State, settings: &Settings) -> Result<(Kept, Kept), Raise> {
    let api = Api { purpose: settings.purpose, version: settings.version, version_number: settings.version_number };
    let mut stack = state.stack();
    let globals = library::open(&mut stack, &api)?;
    stack.push_function(handle_error);
    let handler = stack.keep()?;
    stack.set_top(0);
    stack.collector(Collector::Collect);
    Ok((globals, handler))
}

/// Pushes keys and arguments, as tables on the stack or in the globals; how many arguments that makes.
fn push_call(stack: &mut Stack<'_>, purpose: Purpose, globals: Kept, call: Call<'_>) -> Result<i32, Raise> {
    match purpose {
        Purpose::Functions => {
            push_list(stack, call.keys)?;
            push_list(stack, call.arguments)?;
            Ok(2)
        }
        Purpose::Scripts => {
            stack.push_kept(globals);
            let globals = stack.top();
            push_list(stack, call.keys)?;
            stack.set_field(globals, "KEYS")?;
            push_list(stack, call.arguments)?;
            stack.set_field(globals, "ARGV")?;
            stack.pop(1);
            Ok(0)
        }
    }
}

fn push_list(stack: &mut Stack<'_>, words: &[&[u8]]) -> Result<(), Raise> {
    stack.push_table(words.len(), 0)?;
    let list = stack.top();
    for (index, word) in (1..).zip(words) {
        stack.push_bytes(word)?;
        stack.set_index(list, index)?;
    }
    Ok(())
}

/// What every error passes that no `pcall` catches: makes a table of it, with the place where it was raised.
pub(crate) fn handle_error(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    if stack.kind(1) != Kind::Table {
        let mut error = b"ERR ".to_vec();
        error.extend_from_slice(&stack.described(1));
        stack.set_top(0);
        stack.push_table(0, 3)?;
        stack.push_bytes(&error)?;
        stack.set_field(1, "err")?;
    }
    stack.set_top(1);
    let raised = match stack.activation(1, c"Sl") {
        Some(native) if native.is_native() => stack.activation(2, c"Sl"),
        activation => activation,
    };
    if let Some(raised) = raised {
        stack.push_bytes(raised.source())?;
        stack.set_field(1, "source")?;
        stack.push_number(f64::from(raised.line()));
        stack.set_field(1, "line")?;
    }
    Ok(1)
}

/// What an error says, with its code.
fn script_error(stack: &mut Stack<'_>, raise: Raise) -> ScriptError {
    let failure = if stack.context.killed().is_some() { Failure::Killed } else { Failure::Error };
    let top = stack.top();
    if !matches!(raise, Raise::Value) || stack.kind(top) != Kind::Table {
        let mut text = b"ERR ".to_vec();
        text.extend_from_slice(&message(stack, raise));
        return ScriptError { failure, message: text, source: None, line: None, counted: false };
    }
    let message = match stack.get_field(top, "err") {
        Kind::String | Kind::Number => until_zero(stack.text(top + 1)).to_vec(),
        _ => UNKNOWN_ERROR.to_vec(),
    };
    let source = match stack.get_field(top, "source") {
        Kind::String => stack.bytes(top + 2).map(<[u8]>::to_vec),
        _ => None,
    };
    stack.get_field(top, "line");
    let line = stack.number(top + 3).map(|line| line as i32);
    let counted = stack.get_field(top, crate::push::COUNTED) == Kind::Boolean && stack.truth(top + 4);
    ScriptError { failure, message, source, line, counted }
}

/// The text of an error that is on top of the stack, or is what `raise` says.
fn message(stack: &mut Stack<'_>, raise: Raise) -> Vec<u8> {
    raise.push(stack);
    let top = stack.top();
    stack.described(top)
}
