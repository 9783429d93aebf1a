//! The words by which a client names an end or an element: LEFT and RIGHT, and numbers that count from either end.

use command::{Args, CommandError};
use value::list::End;

/// LEFT or RIGHT.
pub fn end(args: &Args<'_>, at: usize) -> Result<End, CommandError> {
    if args.is(at, "LEFT") {
        Ok(End::Front)
    } else if args.is(at, "RIGHT") {
        Ok(End::Back)
    } else {
        Err(CommandError::SYNTAX)
    }
}

/// The number of the element that `index` names in a list of `len`; from the end when negative.
pub fn index(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add(len as i64)? } else { index };
    usize::try_from(index).ok().filter(|&index| index < len)
}

/// The first element of the range that two words name in a list of `len`, and how many there are.
pub fn range(start: i64, stop: i64, len: usize) -> (usize, usize) {
    let len = len as i64;
    let absolute = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let (start, stop) = (absolute(start).max(0), absolute(stop).min(len - 1));
    if start > stop { (0, 0) } else { (start as usize, (stop - start + 1) as usize) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_from_either_end() {
        assert_eq!([-4, -3, -1, 0, 2, 3].map(|at| index(at, 3)), [None, Some(0), Some(2), Some(0), Some(2), None]);
        assert_eq!(index(i64::MIN, 3), None);
    }

    #[test]
    fn ranges_are_cut_to_the_list() {
        for ((start, stop), expected) in [
            ((0, -1), (0, 3)),
            ((-100, 100), (0, 3)),
            ((1, 1), (1, 1)),
            ((2, 1), (0, 0)),
            ((3, 10), (0, 0)),
            ((-1, -1), (2, 1)),
            ((0, -4), (0, 0)),
            ((i64::MIN, i64::MAX), (0, 3)),
            ((i64::MAX, i64::MIN), (0, 0)),
        ] {
            assert_eq!(range(start, stop, 3), expected, "{start} {stop}");
        }
        assert_eq!(range(0, -1, 0), (0, 0));
    }
}
