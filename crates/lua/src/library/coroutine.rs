//! `coroutine`: creating and resuming are ours, to find out about scripts that have to end; see `raw/coroutine.rs`.

use super::{add, publish, take};
use crate::raw::raise::Raise;
use crate::raw::stack::{Kind, Stack};

pub(super) fn open(stack: &mut Stack<'_>, stock: i32, globals: i32) -> Result<(), Raise> {
    stack.push_table(0, 6)?;
    let library = stack.top();
    stack.get_field(stock, "coroutine");
    let stock = stack.top();
    for name in ["running", "status", "yield"] {
        take(stack, stock, library, name, None)?;
    }
    stack.pop(1);
    add(stack, library, "create", create)?;
    add(stack, library, "resume", resume)?;
    add(stack, library, "wrap", wrap)?;
    publish(stack, globals, "coroutine")
}

fn create(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    if stack.kind(1) != Kind::Function || stack.is_native(1) {
        return Err(Raise::argument(1, "Lua function expected"));
    }
    stack.push_coroutine(1)?;
    Ok(1)
}

fn resume(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    if stack.kind(1) != Kind::Thread {
        return Err(Raise::argument(1, "coroutine expected"));
    }
    let (is_fine, values) = stack.resume(1, stack.top() - 1)?;
    stack.reserve(1)?;
    stack.push_boolean(is_fine);
    stack.insert(stack.top() - values);
    Ok(values + 1)
}

fn wrap(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    create(stack)?;
    stack.push_method(call_wrapped, 1);
    Ok(1)
}

/// What `wrap` returns: an error of the coroutine is raised, and says where, if it is a text.
fn call_wrapped(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let arguments = stack.top();
    stack.reserve(3)?;
    stack.push_upvalue(0);
    stack.insert(1);
    let (is_fine, values) = stack.resume(1, arguments)?;
    if is_fine {
        return Ok(values);
    }
    let top = stack.top();
    if matches!(stack.kind(top), Kind::String | Kind::Number) {
        let mut message = stack.place();
        message.extend_from_slice(stack.text(top));
        stack.reserve(1)?;
        stack.push_bytes(&message)?;
    }
    Err(Raise::Value)
}
