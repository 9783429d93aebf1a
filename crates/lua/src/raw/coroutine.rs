//! Resuming coroutines: as Lua does it, but counted and found out about when a script has to end.
//!
//! Each thread of Lua counts its own instructions, so one that makes ever new threads, each of them short, would never
//! be asked whether it may go on. Making and resuming are therefore counted as work. What ends a script ends its
//! coroutines, too: the error is raised again in whoever resumed.

use super::context::{Context, INSTRUCTIONS, set_hook};
use super::raise::Raise;
use super::stack::{Kind, Stack};
use mlua_sys::{self as ffi, lua_Debug, lua_State};
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

/// What resuming costs, for [`Stack::work`].
const WORK: u32 = 2;

unsafe extern "C-unwind" {
    /// Has `to` go on counting nested calls where `from` is.
    fn lua_setlevel(from: *mut lua_State, to: *mut lua_State);
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Status {
    Running,
    Suspended,
    /// It has resumed another one.
    Normal,
    Dead,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Suspended => "suspended",
            Status::Normal => "normal",
            Status::Dead => "dead",
        }
    }
}

impl Stack<'_> {
    /// Pushes a new coroutine that will run the function in a slot.
    pub(crate) fn push_coroutine(&mut self, function: i32) -> Result<(), Raise> {
        self.work(WORK)?;
        self.reserve(2)?;
        let mut thread = null_mut();
        // SAFETY: there is room.
        self.push_with(|state| thread = unsafe { ffi::lua_newthread(state) });
        self.push_value(function);
        // SAFETY: the function is on top, and a new thread has room for it.
        unsafe { ffi::lua_xmove(self.state, thread, 1) };
        self.popped(1);
        self.check_memory()
    }

    /// Resumes the coroutine in a slot with the values on top, which are replaced by what it yields or returns, or by
    /// an error. Whether it went well, and how many values there are.
    pub(crate) fn resume(&mut self, coroutine: i32, arguments: i32) -> Result<(bool, i32), Raise> {
        assert!(self.kind(coroutine) == Kind::Thread && coroutine <= self.top() - arguments);
        self.work(WORK)?;
        // SAFETY: the slot holds a thread.
        let thread = unsafe { ffi::lua_tothread(self.state, coroutine) };
        let status = self.status(thread);
        // SAFETY: the thread lives; this raises for want of memory only.
        if unsafe { ffi::lua_checkstack(thread, arguments) } == 0 {
            return Err(Raise::at("too many arguments to resume"));
        }
        if status != Status::Suspended {
            self.pop(arguments);
            self.reserve(1)?;
            self.push_bytes(format!("cannot resume {} coroutine", status.name()).as_bytes())?;
            return Ok((false, 1));
        }
        let code = self.switch_to(thread, arguments);
        if self.context.killed().is_some() {
            return Err(Raise::Killed);
        }
        let is_fine = code == 0 || code == ffi::LUA_YIELD;
        // SAFETY: the thread lives; what it leaves are its values, or an error on top.
        let values = if is_fine { unsafe { ffi::lua_gettop(thread) } } else { 1 };
        self.reserve(values + 1).map_err(|raise| match raise {
            Raise::At(_) => Raise::at("too many results to resume"),
            raise => raise,
        })?;
        // SAFETY: the thread has the values, and there is room for them.
        unsafe { ffi::lua_xmove(thread, self.state, values) };
        self.popped(-values);
        Ok((is_fine, values))
    }

    /// Moves arguments to a thread and runs it until it yields, ends or fails; the code is that of `lua_resume`.
    fn switch_to(&mut self, thread: *mut lua_State, arguments: i32) -> c_int {
        let context: &Context = self.context;
        // SAFETY: the arguments are on top, the thread has room for them, and is suspended. Resuming is protected.
        unsafe {
            ffi::lua_xmove(self.state, thread, arguments);
            lua_setlevel(self.state, thread);
            set_hook(thread, INSTRUCTIONS);
            let before = context.memory.enter();
            context.running.set(thread);
            context.memory.leave(false);
            let code = ffi::lua_resume_(thread, arguments);
            context.memory.leave(before);
            context.running.set(self.state);
            self.popped(arguments);
            code
        }
    }

    fn status(&self, thread: *mut lua_State) -> Status {
        if thread == self.state {
            return Status::Running;
        }
        // SAFETY: the thread lives; these only look at it.
        unsafe {
            match ffi::lua_status(thread) {
                ffi::LUA_YIELD => return Status::Suspended,
                0 => {}
                _ => return Status::Dead,
            }
            let mut activation = MaybeUninit::<lua_Debug>::zeroed();
            if ffi::lua_getstack(thread, 0, activation.as_mut_ptr()) > 0 {
                Status::Normal
            } else if ffi::lua_gettop(thread) == 0 {
                Status::Dead
            } else {
                Status::Suspended
            }
        }
    }
}
