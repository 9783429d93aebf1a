//! `table`: Lua's own, with guards. Sorting can take long, and is found out about when a script has to end.

use super::{Guard, take};
use crate::raw::raise::Raise;
use crate::raw::stack::Stack;

/// Fills the table in a slot.
pub(super) fn open(stack: &mut Stack<'_>, stock: i32, library: i32) -> Result<(), Raise> {
    for name in ["concat", "foreachi", "getn", "maxn", "remove", "setn"] {
        take(stack, stock, library, name, None)?;
    }
    take(stack, stock, library, "foreach", Some(Guard::Reads))?;
    take(stack, stock, library, "insert", Some(Guard::Writes))?;
    stack.get_field(stock, "sort");
    stack.guard(Guard::Sorts(count_comparison));
    stack.set_field(library, "sort")
}

/// Called before each comparison of a long sort.
fn count_comparison(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    stack.work(1)?;
    Ok(0)
}
