//! Time as a value.
//!
//! The engine has no clock of its own: the server reads one per turn of the event loop and hands the reading down, so
//! a command sees one moment throughout, and tests set the time instead of waiting for it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One reading: the calendar time, for expiry and for users, and a monotonic time, for durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    pub unix_ms: i64,
    pub unix_us: i64,
    /// Microseconds since the clock was made; never goes back.
    pub mono_us: u64,
}

/// Where readings come from.
pub trait Clock: Send + Sync {
    fn now(&self) -> Now;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    pub fn new() -> SystemClock {
        SystemClock { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        // A calendar set before 1970 reads as 1970: nothing of ours can expire before that.
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_us = unix.as_micros() as i64;
        Now { unix_ms: unix_us / 1_000, unix_us, mono_us: self.start.elapsed().as_micros() as u64 }
    }
}

/// A clock that stands still until a test moves it; its monotonic time moves along.
#[derive(Debug, Default)]
pub struct ManualClock {
    unix_us: AtomicI64,
    mono_us: AtomicI64,
}

impl ManualClock {
    pub fn at_ms(unix_ms: i64) -> ManualClock {
        ManualClock { unix_us: AtomicI64::new(unix_ms * 1_000), mono_us: AtomicI64::new(0) }
    }

    pub fn advance_ms(&self, ms: u32) {
        self.advance_us(u64::from(ms) * 1_000);
    }

    pub fn advance_us(&self, us: u64) {
        self.unix_us.fetch_add(us as i64, Ordering::SeqCst);
        self.mono_us.fetch_add(us as i64, Ordering::SeqCst);
    }

    /// Sets the calendar, forward or back, as an administrator may; the monotonic time stays.
    pub fn set_unix_ms(&self, unix_ms: i64) {
        self.unix_us.store(unix_ms * 1_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        let unix_us = self.unix_us.load(Ordering::SeqCst);
        Now { unix_ms: unix_us.div_euclid(1_000), unix_us, mono_us: self.mono_us.load(Ordering::SeqCst) as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = ManualClock::at_ms(1_000);
        clock.advance_us(1_500);
        assert_eq!(clock.now(), Now { unix_ms: 1_001, unix_us: 1_001_500, mono_us: 1_500 });
        clock.set_unix_ms(5);
        assert_eq!(clock.now(), Now { unix_ms: 5, unix_us: 5_000, mono_us: 1_500 });
        clock.advance_ms(2);
        assert_eq!(clock.now(), Now { unix_ms: 7, unix_us: 7_000, mono_us: 3_500 });
    }

    #[test]
    fn the_system_clock_is_past_2020_and_monotonic() {
        let clock = SystemClock::new();
        let (a, b) = (clock.now(), clock.now());
        assert!(a.unix_ms > 1_577_836_800_000 && a.unix_us / 1_000 == a.unix_ms);
        assert!(b.mono_us >= a.mono_us);
    }
}
