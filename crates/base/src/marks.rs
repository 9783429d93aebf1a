//! Marks: rare branches, and the one test of each that must reach it.
//!
//! A branch that is rarely taken says [`mark!`](crate::mark) with a name of its own. The test that is there for it
//! calls [`expect`] with that name, and fails at its end unless the branch was reached meanwhile: so it cannot come to
//! pass by without anybody's notice. `cargo xtask tidy` sees to it that every mark has exactly one test, and every test
//! its mark.
//!
//! Only what happens on the test's own thread counts, so that tests beside each other do not mistake each other's hits
//! for theirs. Builds without debug assertions have no marks.

use std::cell::RefCell;

thread_local! {
    /// Names that tests of this thread expect, and whether each was reached.
    static EXPECTED: RefCell<Vec<(&'static str, bool)>> = const { RefCell::new(Vec::new()) };
}

/// Marks a rare branch.
#[macro_export]
macro_rules! mark {
    ($name:literal) => {
        if cfg!(debug_assertions) {
            $crate::marks::reached($name);
        }
    };
}

/// Notes that a marked branch was reached; [`mark!`](crate::mark) calls it.
#[cold]
pub fn reached(name: &str) {
    EXPECTED.with_borrow_mut(|expected| {
        expected.iter_mut().filter(|(expected, _)| *expected == name).for_each(|(_, reached)| *reached = true);
    });
}

/// Expects that a marked branch is reached on this thread before the value that is returned goes out of scope.
#[must_use = "the mark is to be reached while this is kept"]
pub fn expect(name: &'static str) -> Expected {
    EXPECTED.with_borrow_mut(|expected| expected.push((name, false)));
    Expected { name }
}

/// A mark that is to be reached.
pub struct Expected {
    name: &'static str,
}

impl Drop for Expected {
    fn drop(&mut self) {
        let reached = EXPECTED.with_borrow_mut(|expected| {
            let at = expected.iter().rposition(|(name, _)| *name == self.name);
            at.is_some_and(|at| expected.swap_remove(at).1)
        });
        // Under Miri tests do less.
        if cfg!(all(debug_assertions, not(miri))) && !std::thread::panicking() {
            assert!(reached, "the mark \"{}\" was not reached", self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rare(is_rare: bool) {
        if is_rare {
            crate::mark!("the rare branch of a test");
        }
    }

    #[test]
    fn a_mark_that_is_reached_is_noted() {
        let _mark = expect("the rare branch of a test");
        rare(true);
    }

    #[test]
    fn a_mark_that_is_not_reached_fails_its_test() {
        let missed = std::panic::catch_unwind(|| {
            let _mark = Expected { name: "another name" };
            rare(true);
        });
        assert_eq!(missed.is_err(), cfg!(debug_assertions));
    }

    #[test]
    fn what_other_threads_reach_does_not_count() {
        let missed = std::thread::spawn(|| {
            let _mark = Expected { name: "the rare branch of a test" };
            std::thread::spawn(|| rare(true)).join().expect("it does nothing");
        });
        assert_eq!(missed.join().is_err(), cfg!(debug_assertions));
    }
}
