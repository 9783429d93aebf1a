//! Saying things less often than they happen.
//!
//! What a stranger can cause is logged at a bounded rate, so that nobody fills a disk by connecting. What was left out
//! is counted, and said with the next line.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Allows one line in so many milliseconds; for all threads.
#[derive(Debug)]
pub struct Throttle {
    every_ms: u64,
    /// When the next line is allowed.
    next_ms: AtomicU64,
    left_out: AtomicU64,
}

/// How many lines were left out since the last one, as the end of this one's text; nothing for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut(pub u64);

impl Throttle {
    pub const fn every_ms(every_ms: u64) -> Throttle {
        Throttle { every_ms, next_ms: AtomicU64::new(0), left_out: AtomicU64::new(0) }
    }

    /// Whether a line may be written now, on a clock that never goes back.
    pub fn pass(&self, now_ms: u64) -> Option<LeftOut> {
        let next = self.next_ms.load(Relaxed);
        let passes =
            now_ms >= next && self.next_ms.compare_exchange(next, now_ms + self.every_ms, Relaxed, Relaxed).is_ok();
        if passes {
            return Some(LeftOut(self.left_out.swap(0, Relaxed)));
        }
        self.left_out.fetch_add(1, Relaxed);
        None
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => write!(f, " ({count} more like this were not logged)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_passes_in_its_time_and_says_what_was_left_out() {
        let throttle = Throttle::every_ms(1000);
        assert_eq!(throttle.pass(5), Some(LeftOut(0)));
        for now in [5, 6, 1004] {
            assert_eq!(throttle.pass(now), None);
        }
        let more = throttle.pass(1005).expect("its time has come");
        assert_eq!(more.to_string(), " (3 more like this were not logged)");
        assert_eq!(throttle.pass(2004), None);
        assert_eq!(throttle.pass(9000), Some(LeftOut(1)));
        assert_eq!(LeftOut(0).to_string(), "");
    }
}
