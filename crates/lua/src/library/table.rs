//! `table`: Lua's own, with guards. Sorting can take long, and is found out about when a script has to end.

use super::{Guard, take};
use crate::raw::raise::Raise;
use crate::raw::stack::Stack;

/// As many values are moved in one unit of work.
const MOVES: i32 = 8;

/// Fills the table in a slot.
pub(super) fn open(stack: &mut Stack<'_>, stock: i32, library: i32) -> Result<(), Raise> {
    for name in ["concat", "foreachi", "getn", "maxn", "remove", "setn"] {
        take(stack, stock, library, name, None)?;
    }
    take(stack, stock, library, "foreach", Some(Guard::Reads))?;
    take(stack, stock, library, "insert", Some(Guard::Inserts(insert)))?;
    stack.get_field(stock, "sort");
    stack.guard(Guard::Sorts(count_comparison));
    stack.set_field(library, "sort")
}

/// insert(table, place, value), of what moves so much that it has to be interrupted.
fn insert(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let place = stack.expect_int(2)?;
    let end = (stack.length(1) as i32).saturating_add(1).max(place);
    for index in (place..end).rev() {
        if index % MOVES == 0 {
            stack.work(1)?;
        }
        stack.get_index(1, index);
        stack.set_index(1, index + 1)?;
    }
    stack.set_top(3);
    stack.set_index(1, place)?;
    Ok(0)
}

/// Called before each comparison of a long sort.
fn count_comparison(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    stack.work(1)?;
    Ok(0)
}
