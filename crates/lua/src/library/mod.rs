//! What scripts can call: the libraries, and the tables in which they are.
//!
//! The table of global variables is not shown to scripts. They read through it, but what they can name, `_G`, is a read-only view of
//! it; and so each library is one (see `Stack::push_view`). What is Lua's own stays so where it is safe, with a guard before it
//! where that is needed; the rest is here.

mod base;
mod coroutine;
mod redis;

use crate::raw::raise::Raise;
use crate::raw::stack::{Function, Stack};
use crate::raw::state::{Guard, Kept};
use std::cell::Cell;

/// What functions remember from call to call.
#[derive(Default)]
pub(crate) struct LibraryState {
    /// Whether the script has stopped the collector, or set its pace.
    pub(crate) collector_was_changed: Cell<bool>,
    /// What scripts see of the globals.
    pub(crate) view: Cell<Option<Kept>>,
    /// Bytes that are put together, used again and again.
    pub(crate) buffer: Cell<Vec<u8>>,
}

/// Makes the globals, puts all libraries into them, and returns them.
pub(crate) fn open(stack: &mut Stack<'_>, api: &Api) -> Result<Kept, Raise> {
    stack.open_libraries()?;
    stack.push_globals();
    let stock = stack.top();
    stack.push_table(0, 64)?;
    let globals = stack.top();
    base::open(stack, stock, globals)?;
    coroutine::open(stack, stock, globals)?;
    redis::open(stack, globals, api)?;

    stack.push_table(0, 1)?;
    stack.push_function(base::missing_global);
    stack.set_field(stack.top() - 1, "__index")?;
    stack.set_metatable(globals);
    push_read_only(stack, globals)?;
    stack.push_value(stack.top());
    stack.set_field(globals, "_G")?;
    let view = stack.keep()?;
    stack.context.library.view.set(Some(view));
    stack.push_value(globals);
    stack.set_globals();
    let table = stack.keep()?;
    stack.pop(1);
    Ok(table)
}

/// Gives the chunk on top an environment in which it can change no globals: if it tries to, the view of them.
pub(crate) fn confine(stack: &mut Stack<'_>) -> Result<(), Raise> {
    if stack.assigns_globals()
        && let Some(view) = stack.context.library.view.get()
    {
        stack.reserve(1)?;
        let chunk = stack.top();
        stack.push_kept(view);
        stack.set_environment(chunk);
    }
    Ok(())
}

pub(crate) use redis::Api;

/// Pushes a read-only view of a table.
fn push_read_only(stack: &mut Stack<'_>, table: i32) -> Result<(), Raise> {
    stack.push_view(table, base::refuse_to_change)
}

/// Puts a function into the table in a slot.
fn add(stack: &mut Stack<'_>, table: i32, name: &str, function: Function) -> Result<(), Raise> {
    stack.push_function(function);
    stack.set_field(table, name)
}

/// Puts one of Lua's own functions into a table.
fn take(stack: &mut Stack<'_>, stock: i32, table: i32, name: &str, guard: Option<Guard>) -> Result<(), Raise> {
    stack.get_field(stock, name);
    if let Some(guard) = guard {
        stack.guard(guard);
    }
    stack.set_field(table, name)
}

/// Pops a table that is a library, and puts a view of it into the globals.
fn publish(stack: &mut Stack<'_>, globals: i32, name: &str) -> Result<(), Raise> {
    let library = stack.top();
    push_read_only(stack, library)?;
    stack.set_field(globals, name)?;
    stack.pop(1);
    Ok(())
}
