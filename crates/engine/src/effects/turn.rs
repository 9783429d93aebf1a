//! What holds for a turn of the event loop.

use crate::recency::Recency;

/// The time and the settings of a turn. All commands of the turn see the same.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Milliseconds since the epoch: what "now" means for expiry.
    pub now_ms: u64,
    pub recency: Recency,
    /// False while expired keys must stay where they are (CLIENT PAUSE, DEBUG): they are only not seen.
    pub may_expire: bool,
    /// Whether a key deleted for its age is logged as UNLINK rather than DEL.
    pub lazy_expire: bool,
}

impl Default for Turn {
    fn default() -> Turn {
        Turn { now_ms: 0, recency: Recency::default(), may_expire: true, lazy_expire: false }
    }
}
