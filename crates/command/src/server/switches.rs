//! What DEBUG switches off, for tests.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The work that the server does of its own accord.
pub struct Switches {
    /// DEBUG SET-ACTIVE-EXPIRE.
    pub active_expire: AtomicBool,
    /// DEBUG PAUSE-CRON.
    pub pause_cron: AtomicBool,
}

impl Default for Switches {
    fn default() -> Switches {
        Switches { active_expire: AtomicBool::new(true), pause_cron: AtomicBool::new(false) }
    }
}

impl Switches {
    /// Whether keys past their deadline are looked for.
    pub fn sweeps(&self) -> bool {
        self.active_expire.load(Relaxed) && !self.pause_cron.load(Relaxed)
    }
}
