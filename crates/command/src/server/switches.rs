//! What DEBUG switches on and off, for tests.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The work that the server does of its own accord, and what it checks.
pub struct Switches {
    /// DEBUG SET-ACTIVE-EXPIRE.
    pub active_expire: AtomicBool,
    /// DEBUG PAUSE-CRON.
    pub pause_cron: AtomicBool,
    /// DEBUG SET-SKIP-CHECKSUM-VALIDATION: payloads and files are read whatever their checksums are.
    pub skip_checksum: AtomicBool,
}

impl Default for Switches {
    fn default() -> Switches {
        let off = || AtomicBool::new(false);
        Switches { active_expire: AtomicBool::new(true), pause_cron: off(), skip_checksum: off() }
    }
}

impl Switches {
    /// Whether keys past their deadline are looked for.
    pub fn sweeps(&self) -> bool {
        self.active_expire.load(Relaxed) && !self.pause_cron.load(Relaxed)
    }
}
