//! An interpreter of Lua: what is done to it as a whole, rather than to its stack.

use super::context::{Context, allocate};
use super::dump;
use super::raise::Raise;
use super::stack::{Function, Kind, Stack};
use mlua_sys::{self as ffi, lua_State};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null;

/// What begins a chunk of bytecode, which is never loaded.
const BYTECODE: u8 = 0x1b;

/// Chunks longer than this are refused: the lexer of Lua counts some things as `int`.
const SOURCE_MAX: usize = 1 << 30;

pub(crate) struct State {
    state: *mut lua_State,
    context: Box<Context>,
}

// SAFETY: nothing of an interpreter or its context belongs to a thread, and both are reached through this owner only.
unsafe impl Send for State {}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: the state was made by `new`, and nobody uses it any more. There are no finalizers that it could call.
        unsafe { ffi::lua_close(self.state) };
    }
}

impl State {
    pub(crate) fn new() -> State {
        let context = Box::new(Context::new());
        // SAFETY: the context outlives the state, as it is in a box that is dropped later.
        let state = unsafe { ffi::lua_newstate(allocate, (&raw const *context).cast_mut().cast()) };
        assert!(!state.is_null(), "memory is not refused yet");
        context.running.set(state);
        context.hook_usually();
        State { state, context }
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// The stack of the main thread, on which nothing runs.
    pub(crate) fn stack(&mut self) -> Stack<'_> {
        // SAFETY: the state lives as long as it is borrowed, and outside of calls memory is inside.
        unsafe { Stack::new(self.state, &self.context) }
    }
}

/// A value that the interpreter keeps for us.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) struct Kept(c_int);

/// Functions of Lua that are kept, and what is put before them.
pub(crate) enum Guard {
    /// Reads its first argument, through views too.
    Reads,
    /// Changes its first argument, which must not be a view.
    Writes,
    /// `insert`: what takes long is done by another function.
    Inserts(Function),
    /// `sort`: what takes long calls a function before each comparison.
    Sorts(Function),
}

/// Functions that are in `errors.c` as a whole.
pub(crate) enum Native {
    Next,
    /// Its upvalue is on top of the stack.
    Pairs,
    Pcall,
    Xpcall,
    /// A table at a key, metamethods and all.
    Index,
}

unsafe extern "C-unwind" {
    fn russet_lua_reads(state: *mut lua_State) -> c_int;
    fn russet_lua_writes(state: *mut lua_State) -> c_int;
    fn russet_lua_xpcall(state: *mut lua_State) -> c_int;
    fn russet_lua_next(state: *mut lua_State) -> c_int;
    fn russet_lua_pairs(state: *mut lua_State) -> c_int;
    fn russet_lua_pcall(state: *mut lua_State) -> c_int;
    fn russet_lua_less(state: *mut lua_State) -> c_int;
    fn russet_lua_insert(state: *mut lua_State) -> c_int;
    fn russet_lua_sort(state: *mut lua_State) -> c_int;
    fn russet_lua_index(state: *mut lua_State) -> c_int;
}

unsafe extern "C" {
    static mut russet_lua_viewed: c_char;
}

impl Stack<'_> {
    /// Pops the value on top, and keeps it.
    pub(crate) fn keep(&mut self) -> Result<Kept, Raise> {
        self.reserve(2)?;
        assert!(self.top() > 0);
        // SAFETY: there is a value on top, which this pops, and room; it raises for want of memory only.
        let reference = unsafe { ffi::luaL_ref(self.state, ffi::LUA_REGISTRYINDEX) };
        self.popped(1);
        Ok(Kept(reference))
    }

    pub(crate) fn push_kept(&mut self, kept: Kept) {
        // SAFETY: there is room.
        self.push_with(|state| unsafe { ffi::lua_rawgeti_(state, ffi::LUA_REGISTRYINDEX, kept.0) });
    }

    pub(crate) fn release(&mut self, kept: Kept) {
        // SAFETY: a reference that was given out; this raises for want of memory only.
        unsafe { ffi::luaL_unref(self.state, ffi::LUA_REGISTRYINDEX, kept.0) };
    }

    /// Makes the table on top the one of the global variables, and pops it.
    pub(crate) fn set_globals(&mut self) {
        assert!(self.kind(self.top()) == Kind::Table);
        // SAFETY: a table is on top.
        unsafe { ffi::lua_replace(self.state, ffi::LUA_GLOBALSINDEX) };
        self.popped(1);
    }

    pub(crate) fn push_globals(&mut self) {
        // SAFETY: there is room.
        self.push_with(|state| unsafe { ffi::lua_pushvalue(state, ffi::LUA_GLOBALSINDEX) });
    }

    /// Pushes a read-only view of a table: reading sees through it, writing calls `refuse`, which raises an error.
    pub(crate) fn push_view(&mut self, table: i32, refuse: Function) -> Result<(), Raise> {
        self.reserve(6)?;
        self.push_table(0, 0)?;
        let view = self.top();
        self.push_table(0, 4)?;
        let metatable = self.top();
        self.push_value(table);
        self.set_field(metatable, "__index")?;
        self.push_function(refuse);
        self.set_field(metatable, "__newindex")?;
        // SAFETY: there is room; of the static, only the address is used.
        self.push_with(|state| unsafe { ffi::lua_pushlightuserdata(state, (&raw mut russet_lua_viewed).cast()) });
        self.push_value(table);
        self.set(metatable)?;
        self.set_metatable(view);
        Ok(())
    }

    /// Loads the libraries that come with Lua into the table of global variables.
    pub(crate) fn open_libraries(&mut self) -> Result<(), Raise> {
        let libraries: [(ffi::lua_CFunction, &CStr); 5] = [
            (ffi::luaopen_base, c""),
            (ffi::luaopen_os, c"os"),
            (ffi::luaopen_table, c"table"),
            (ffi::luaopen_string, c"string"),
            (ffi::luaopen_math, c"math"),
        ];
        for (open, name) in libraries {
            self.push_native(open);
            self.push_bytes(name.to_bytes())?;
            self.call(1, 0)?;
        }
        Ok(())
    }

    fn push_native(&mut self, function: ffi::lua_CFunction) {
        // SAFETY: there is room.
        self.push_with(|state| unsafe { ffi::lua_pushcclosure(state, function, 0) });
    }

    /// Makes the functions on top upvalues of `function`, which replaces them.
    fn close_over(&mut self, function: ffi::lua_CFunction, upvalues: i32) {
        assert!(self.kind(self.top() - upvalues + 1) == Kind::Function);
        // SAFETY: the upvalues are on top.
        unsafe { ffi::lua_pushcclosure(self.state, function, upvalues) };
        self.popped(upvalues - 1);
    }

    /// Puts a guard before the function on top, which is one of Lua's own.
    pub(crate) fn guard(&mut self, guard: Guard) {
        match guard {
            Guard::Reads => self.close_over(russet_lua_reads, 1),
            Guard::Writes => self.close_over(russet_lua_writes, 1),
            Guard::Inserts(instead) => {
                // SAFETY: there is room.
                self.push_with(|state| unsafe { ffi::lua_pushlightuserdata(state, instead as *mut c_void) });
                self.close_over(russet_lua_insert, 2);
            }
            Guard::Sorts(before) => {
                self.push_closure(before, russet_lua_less);
                self.close_over(russet_lua_sort, 2);
            }
        }
    }

    pub(crate) fn push(&mut self, native: Native) {
        match native {
            Native::Next => self.push_native(russet_lua_next),
            Native::Pcall => self.push_native(russet_lua_pcall),
            Native::Index => self.push_native(russet_lua_index),
            Native::Xpcall => self.push_native(russet_lua_xpcall),
            Native::Pairs => self.close_over(russet_lua_pairs, 1),
        }
    }

    /// Compiles a chunk: pushes it as a function, or else what is wrong with it as a string.
    ///
    /// The collector stands still meanwhile, because the parser of Lua 5.1 holds a string that the collector does not
    /// see (CVE-2025-49844). What looks like bytecode is compiled as the text that it is not. See also [`SOURCE_MAX`]
    /// (CVE-2025-46819).
    pub(crate) fn load(&mut self, source: &[u8], name: &CStr) -> Result<bool, Raise> {
        if source.len() > SOURCE_MAX {
            return Err(Raise::at("chunk has too many characters"));
        }
        let blank: &[u8] = if source.first() == Some(&BYTECODE) { b" " } else { b"" };
        let mut pieces = Pieces { pieces: [blank, source], next: 0 };
        let memory = &self.context.memory;
        let before = memory.enter();
        let mut status = 0;
        // SAFETY: there is room; loading is protected, so it does not raise; the pieces outlive it.
        self.push_with(|state| unsafe {
            ffi::lua_gc(state, ffi::LUA_GCSTOP, 0);
            memory.leave(false);
            status = ffi::lua_load(state, next_piece, (&raw mut pieces).cast(), name.as_ptr());
            memory.leave(before);
            ffi::lua_gc(state, ffi::LUA_GCRESTART, 0);
        });
        Ok(status == 0)
    }

    /// Whether the function on top, which is not one of C or Rust, assigns to global variables.
    pub(crate) fn assigns_globals(&mut self) -> bool {
        let mut dump: Vec<u8> = Vec::new();
        // SAFETY: a function is on top; dumping only reads it, and hands its pieces to the writer, for which the vector
        // is.
        let status = unsafe { ffi::lua_dump_(self.state, write_piece, (&raw mut dump).cast()) };
        status != 0 || dump::assigns_globals(&dump)
    }

    /// Makes the table on top the environment of the function in a slot, and pops it.
    pub(crate) fn set_environment(&mut self, function: i32) {
        assert!(self.kind(self.top()) == Kind::Table && self.kind(function) == Kind::Function);
        // SAFETY: the function is there, and a table is on top.
        unsafe { ffi::lua_setfenv(self.state, function) };
        self.popped(1);
    }

    /// Whether the function in a slot is written in C or Rust.
    pub(crate) fn is_native(&self, index: i32) -> bool {
        // SAFETY: the slot is there.
        self.kind(index) == Kind::Function && unsafe { ffi::lua_iscfunction(self.state, index) != 0 }
    }

    /// One of the things that can be asked of the collector.
    pub(crate) fn collector(&mut self, what: Collector) -> i32 {
        let (what, argument) = match what {
            Collector::Stop => (ffi::LUA_GCSTOP, 0),
            Collector::Restart => (ffi::LUA_GCRESTART, 0),
            Collector::Collect => (ffi::LUA_GCCOLLECT, 0),
            Collector::Step(argument) => (ffi::LUA_GCSTEP, argument),
            Collector::SetPause(argument) => (ffi::LUA_GCSETPAUSE, argument),
            Collector::SetStepMultiplier(argument) => (ffi::LUA_GCSETSTEPMUL, argument),
        };
        // SAFETY: the collector may run here: there are no finalizers, and all that is borrowed is on the stack.
        unsafe { ffi::lua_gc(self.state, what, argument) }
    }
}

pub(crate) enum Collector {
    Stop,
    Restart,
    Collect,
    Step(c_int),
    SetPause(c_int),
    SetStepMultiplier(c_int),
}

struct Pieces<'a> {
    pieces: [&'a [u8]; 2],
    next: usize,
}

/// `lua_Reader`.
unsafe extern "C-unwind" fn next_piece(_: *mut lua_State, pieces: *mut c_void, length: *mut usize) -> *const c_char {
    // SAFETY: `load` passes its pieces, and Lua a place for the length.
    unsafe {
        let pieces = &mut *pieces.cast::<Pieces<'_>>();
        while let Some(piece) = pieces.pieces.get(pieces.next) {
            pieces.next += 1;
            if !piece.is_empty() {
                *length = piece.len();
                return piece.as_ptr().cast();
            }
        }
        *length = 0;
        null()
    }
}

/// `lua_Writer`.
unsafe extern "C-unwind" fn write_piece(
    _: *mut lua_State,
    piece: *const c_void,
    length: usize,
    dump: *mut c_void,
) -> c_int {
    if length > 0 {
        // SAFETY: `assigns_globals` passes its vector, and Lua a piece of this length.
        unsafe { (*dump.cast::<Vec<u8>>()).extend_from_slice(std::slice::from_raw_parts(piece.cast(), length)) };
    }
    0
}

/// For `errors.c`: an error was caught and is on top of the stack. Negative if it is to be raised again, which is then
/// on top; if not, and if it is to be unwrapped, a table is replaced by its field `err`, or followed by nil.
#[unsafe(no_mangle)]
extern "C" fn russet_lua_caught(state: *mut lua_State, unwrap: c_int) -> c_int {
    // SAFETY: the caller is a function of a state of ours, that runs and has the stack for itself.
    let (context, mut stack, before) = unsafe {
        let context = Context::of(state);
        let before = context.memory.enter();
        (context, Stack::new(state, context), before)
    };
    let mut result = 0;
    if context.killed().is_some() {
        stack.push_killed();
        result = -1;
    } else if unwrap != 0 {
        let top = stack.top();
        if stack.kind(top) == Kind::Table && stack.get_field(top, "err") != Kind::Nil {
            stack.replace(top);
        }
    }
    context.memory.leave(before);
    result
}
