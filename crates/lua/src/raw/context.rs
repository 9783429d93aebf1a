//! What belongs to an interpreter beside Lua's own state: memory, the host of the running call, what functions in Rust
//! remember.
//!
//! Lua reaches it as the first argument of its allocator, functions in Rust through [`Stack`](super::stack::Stack). All
//! of it is in cells, since Lua can come by at any allocation, whoever else is looking at it.

use super::memory::{Memory, Pressure};
use super::stack::Stack;
use crate::host::{Host, Interrupt};
use crate::library::LibraryState;
use mlua_sys::{self as ffi, lua_Debug, lua_State};
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr::{NonNull, null_mut};

/// Instructions between two questions to the host: some 0.1 ms.
pub(super) const INSTRUCTIONS: c_int = 10_000;

/// How much may be done between two questions that is not counted as instructions, in units of about 100 ns.
const WORK: u32 = 1_000;

unsafe extern "C" {
    /// In `errors.c`: calls [`russet_lua_interrupt`], and raises what that says.
    fn russet_lua_hook(state: *mut lua_State, debug: *mut c_void);
}

pub(crate) struct Context {
    pub(crate) memory: Memory,
    /// Whom the running call speaks to. It is taken out while it is spoken to, so there is never a second way to it.
    host: Cell<Option<NonNull<dyn Host>>>,
    /// The thread (coroutine) of Lua that runs.
    pub(crate) running: Cell<*mut lua_State>,
    /// Why the script has to end. Once it is set, no instruction of Lua and no function in Rust is run any more.
    killed: Cell<Option<&'static str>>,
    /// Whether the next interrupt has to collect garbage.
    wants_collection: Cell<bool>,
    /// What is left of [`WORK`].
    work_left: Cell<u32>,
    pub(crate) library: LibraryState,
}

impl Context {
    pub(super) fn new() -> Context {
        Context {
            memory: Memory::new(),
            host: Cell::new(None),
            running: Cell::new(null_mut()),
            killed: Cell::new(None),
            wants_collection: Cell::new(false),
            work_left: Cell::new(WORK),
            library: LibraryState::default(),
        }
    }

    /// The context of the interpreter that `state` is a thread of.
    ///
    /// # Safety
    ///
    /// The state is one of ours, and lives as long as the answer is used.
    pub(super) unsafe fn of<'a>(state: *mut lua_State) -> &'a Context {
        let mut context = null_mut();
        // SAFETY: the state lives; its allocator's argument was set to its context, which outlives it.
        unsafe {
            ffi::lua_getallocf(state, &mut context);
            &*context.cast::<Context>()
        }
    }

    /// Runs `body`, during which functions in Rust can speak to `host`.
    pub(crate) fn with_host<R>(&self, host: &mut dyn Host, body: impl FnOnce() -> R) -> R {
        let pointer = NonNull::from(host);
        // SAFETY: only the lifetime is changed, and the pointer is taken back below, before the borrow ends.
        let pointer = unsafe { std::mem::transmute::<NonNull<dyn Host + '_>, NonNull<dyn Host>>(pointer) };
        self.killed.set(None);
        self.work_left.set(WORK);
        let before = self.host.replace(Some(pointer));
        let result = body();
        self.host.set(before);
        result
    }

    /// Speaks to the host of the running call; `None` if no call runs, or if the host is being spoken to already.
    pub(crate) fn ask_host<R>(&self, question: impl FnOnce(&mut dyn Host) -> R) -> Option<R> {
        let mut pointer = self.host.take()?;
        // SAFETY: it was made of a borrow that lasts as long as it is in the cell, and it is not in the cell now.
        let answer = question(unsafe { pointer.as_mut() });
        self.host.set(Some(pointer));
        Some(answer)
    }

    pub(crate) fn killed(&self) -> Option<&'static str> {
        self.killed.get()
    }

    /// Counts work that is not done in instructions, and asks the host now and then. False if the script has to end.
    pub(crate) fn work(&self, units: u32) -> bool {
        match self.work_left.get().checked_sub(units) {
            Some(left) => {
                self.work_left.set(left);
                self.killed.get().is_none()
            }
            None => {
                self.work_left.set(WORK);
                self.ask_whether_to_go_on()
            }
        }
    }

    fn ask_whether_to_go_on(&self) -> bool {
        if self.killed.get().is_some() {
            return false;
        }
        match self.ask_host(|host| host.interrupt()) {
            None | Some(Interrupt::Continue) => true,
            Some(Interrupt::Kill(why)) => {
                self.killed.set(Some(why));
                self.hook(1);
                false
            }
        }
    }

    /// Has the running thread call the hook every so many instructions.
    fn hook(&self, instructions: c_int) {
        let state = self.running.get();
        if !state.is_null() {
            // SAFETY: the running thread lives, and this call may be made at any time: it writes four fields.
            unsafe { set_hook(state, instructions) };
        }
    }

    pub(crate) fn hook_usually(&self) {
        self.hook(INSTRUCTIONS);
    }

    /// What happens every so many instructions. False if the script has to end.
    fn interrupt(&self, state: *mut lua_State) -> bool {
        if self.wants_collection.replace(false) {
            // SAFETY: the collector may run here as well as at any instruction. It runs no code of scripts, as these
            // cannot have finalizers: that takes a userdata or `newproxy`.
            unsafe { ffi::lua_gc(state, ffi::LUA_GCCOLLECT, 0) };
            self.memory.set_watermark();
            self.hook_usually();
        }
        self.ask_whether_to_go_on()
    }
}

/// Has `state` call the hook every so many instructions.
///
/// # Safety
///
/// The state lives.
pub(super) unsafe fn set_hook(state: *mut lua_State, instructions: c_int) {
    // SAFETY: the two types differ only in how the argument that is not used is called, and in that Lua's may unwind.
    unsafe {
        let hook = std::mem::transmute::<
            unsafe extern "C" fn(*mut lua_State, *mut c_void),
            unsafe extern "C-unwind" fn(*mut lua_State, *mut lua_Debug),
        >(russet_lua_hook);
        ffi::lua_sethook(state, Some(hook), ffi::LUA_MASKCOUNT, instructions);
    }
}

/// What Lua calls for memory.
///
/// # Safety
///
/// As Lua promises it: `context` is what the state was made with, and `block` has the size `old`.
pub(super) unsafe extern "C" fn allocate(
    context: *mut c_void,
    block: *mut c_void,
    old: usize,
    new: usize,
) -> *mut c_void {
    // SAFETY: the context outlives the state, and is only ever shared.
    let context = unsafe { &*context.cast::<Context>() };
    // SAFETY: as the caller promises.
    let (moved, pressure) = unsafe { context.memory.resize(block, old, new) };
    if pressure == Pressure::Watermark {
        context.wants_collection.set(true);
        context.hook(1);
    }
    moved
}

/// For `errors.c`: negative if the error on top of the stack is to be raised.
#[unsafe(no_mangle)]
extern "C" fn russet_lua_interrupt(state: *mut lua_State) -> c_int {
    // SAFETY: the caller is the hook of a state of ours, which runs.
    let context = unsafe { Context::of(state) };
    let before = context.memory.enter();
    let result = if context.interrupt(state) {
        0
    } else {
        // SAFETY: as above; a hook has room on the stack, and what it leaves there is the error.
        unsafe { Stack::new(state, context) }.push_killed();
        -1
    };
    context.memory.leave(before);
    result
}
