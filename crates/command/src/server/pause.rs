//! CLIENT PAUSE: commands wait until it is over.

use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

/// What is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Paused {
    Nothing,
    /// Commands that may write.
    Writes,
    All,
}

/// The pause in force.
#[derive(Default)]
pub struct Pause {
    what: AtomicU8,
    until_ms: AtomicI64,
}

impl Pause {
    /// Pauses until a time. A pause in force is never shortened nor weakened by another.
    pub fn start(&self, what: Paused, until_ms: i64, now_ms: i64) {
        let in_force = self.now(now_ms);
        self.until_ms.fetch_max(until_ms, Ordering::Relaxed);
        if in_force == Paused::Nothing {
            self.until_ms.store(until_ms, Ordering::Relaxed);
        }
        self.what.store(what.max(in_force) as u8, Ordering::Release);
    }

    pub fn end(&self) {
        self.what.store(Paused::Nothing as u8, Ordering::Release);
        self.until_ms.store(0, Ordering::Relaxed);
    }

    /// Ends a pause whose time has come; returns whether this call was the one that did.
    #[inline]
    pub fn end_if_over(&self, now_ms: i64) -> bool {
        let what = self.what.load(Ordering::Relaxed);
        what != Paused::Nothing as u8
            && now_ms >= self.until_ms.load(Ordering::Relaxed)
            && self.what.compare_exchange(what, Paused::Nothing as u8, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// What is paused at this time.
    #[inline]
    pub fn now(&self, now_ms: i64) -> Paused {
        let what = match self.what.load(Ordering::Relaxed) {
            0 => return Paused::Nothing,
            1 => Paused::Writes,
            _ => Paused::All,
        };
        if now_ms < self.until_ms.load(Ordering::Relaxed) { what } else { Paused::Nothing }
    }

    /// When the pause ends, in unix milliseconds.
    pub fn until_ms(&self) -> i64 {
        self.until_ms.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_not_shortened_by_a_second_one() {
        let pause = Pause::default();
        pause.start(Paused::All, 1000, 0);
        pause.start(Paused::Writes, 500, 0);
        assert_eq!(pause.now(999), Paused::All);
        assert_eq!(pause.now(1000), Paused::Nothing);
        pause.start(Paused::Writes, 1500, 1200);
        assert_eq!(pause.now(1300), Paused::Writes);
        pause.end();
        assert_eq!(pause.now(1300), Paused::Nothing);
    }
}
