//! The binding to Lua 5.1: all of this crate that is unsafe.
//!
//! The rule that everything here serves: **no error of Lua leaves a frame of Rust.** Lua raises by longjmp. Rust calls
//! what could raise in two ways only:
//!
//! * *protected*: `lua_pcall`, `lua_load` and `lua_resume` return errors as a status;
//! * *inside* (`memory.rs`): the one reason why most functions of Lua raise, that memory is refused, does not occur
//!   then.
//!
//! What Lua calls is C (`errors.c`), which calls Rust, gets a mark if an error is to be raised, and raises it. A panic
//! does not cross C either: it ends the process at the border.
//!
//! | file | what |
//! |---|---|
//! | `errors.c` | trampoline, hook, guards of Lua's own functions: the frames that errors may leave |
//! | `memory.rs` | the allocator, its limit |
//! | `context.rs` | what an interpreter has beside Lua's state; interrupts |
//! | `stack.rs` | the stack, safely |
//! | `state.rs` | creating, loading, keeping values, read-only views |
//! | `coroutine.rs` | resuming coroutines |
//! | `raise.rs` | errors and their words |
//! | `walk.rs` | values as replies |
//! | `dump.rs` | what bytecode says about globals |

pub(crate) mod context;
mod coroutine;
mod dump;
mod memory;
pub(crate) mod raise;
pub(crate) mod stack;
pub(crate) mod state;
pub(crate) mod walk;
