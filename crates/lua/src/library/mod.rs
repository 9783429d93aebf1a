//! What scripts can call: the libraries, and the tables in which they are.
//!
//! The table of global variables is not shown to scripts. They read through it, but what they can name, `_G`, is a
//! read-only view of it; and so each library is one (see `Stack::push_view`). What is Lua's own stays so where it is
//! safe, with a guard before it where that is needed; the rest is here.

mod base;
mod bit;
pub(crate) mod cjson;
mod cmsgpack;
mod coroutine;
mod math;
mod pattern;
mod redis;
mod string;
mod structs;
mod table;

use crate::raw::raise::Raise;
use crate::raw::stack::{Function, Stack};
use crate::raw::state::{Guard, Kept};
use std::cell::Cell;

/// What functions remember from call to call.
#[derive(Default)]
pub(crate) struct LibraryState {
    /// Whether the script has stopped the collector, or set its pace.
    pub(crate) collector_was_changed: Cell<bool>,
    random: Cell<math::Random>,
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
    bit::open(stack, globals)?;
    structs::open(stack, globals)?;
    cjson::open(stack, globals)?;
    cmsgpack::open(stack, globals)?;
    open_stock(stack, stock, globals, "math", math::open)?;
    open_stock(stack, stock, globals, "table", table::open)?;
    open_stock(stack, stock, globals, "os", |stack, stock, library| take(stack, stock, library, "clock", None))?;
    open_stock(stack, stock, globals, "string", string::open)?;
    give_strings_methods(stack, globals)?;

    // The metatable that scripts see is a view of another one, which looks the same.
    stack.push_table(0, 2)?;
    stack.push_table(0, 1)?;
    let (metatable, shown) = (globals + 1, globals + 2);
    for table in [metatable, shown] {
        stack.push_function(base::missing_global);
        stack.set_field(table, "__index")?;
    }
    push_read_only(stack, shown)?;
    stack.set_field(metatable, "__metatable")?;
    stack.pop(1);
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

/// As [`add`], for a function whose upvalue is a copy of the value in a slot.
fn add_method(stack: &mut Stack<'_>, table: i32, upvalue: i32, name: &str, function: Function) -> Result<(), Raise> {
    stack.push_value(upvalue);
    stack.push_method(function, 1);
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

/// Makes a library that has functions of one that comes with Lua.
fn open_stock(
    stack: &mut Stack<'_>,
    stock: i32,
    globals: i32,
    name: &str,
    fill: fn(&mut Stack<'_>, i32, i32) -> Result<(), Raise>,
) -> Result<(), Raise> {
    stack.reserve(8)?;
    stack.get_field(stock, name);
    let stock = stack.top();
    stack.push_table(0, 32)?;
    fill(stack, stock, stock + 1)?;
    publish(stack, globals, name)?;
    stack.pop(1);
    Ok(())
}

/// Makes the functions of `string` methods of strings. Scripts see a read-only metatable of strings, in which is the
/// read-only library; Lua itself goes to what is behind that at once (CVE-2025-46818).
fn give_strings_methods(stack: &mut Stack<'_>, globals: i32) -> Result<(), Raise> {
    stack.reserve(12)?;
    let bottom = stack.top();
    let (string, metatable, shown, view) = (bottom + 1, bottom + 2, bottom + 3, bottom + 4);
    stack.push_bytes(b"")?;
    stack.push_table(0, 2)?;
    stack.push_table(0, 1)?;
    stack.get_field(globals, "string");
    if stack.push_metatable(view) {
        stack.get_field(view + 1, "__index");
        stack.set_field(metatable, "__index")?;
    }
    stack.set_top(view);
    stack.set_field(shown, "__index")?;
    push_read_only(stack, shown)?;
    stack.set_field(metatable, "__metatable")?;
    stack.set_top(metatable);
    stack.set_metatable(string);
    stack.pop(1);
    Ok(())
}

/// Pops a table that is a library, and puts a view of it into the globals.
fn publish(stack: &mut Stack<'_>, globals: i32, name: &str) -> Result<(), Raise> {
    let library = stack.top();
    push_read_only(stack, library)?;
    stack.set_field(globals, name)?;
    stack.pop(1);
    Ok(())
}
