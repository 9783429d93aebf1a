//! The 24 bits an entry keeps for eviction: when it was last used (LRU), or how often (LFU).
//!
//! * LRU: seconds of the clock, modulo 2^24 (about 194 days).
//! * LFU: minutes of the clock modulo 2^16 above an 8-bit counter. The counter grows by chance, ever more rarely
//!   (`lfu-log-factor`), and loses one every `lfu-decay-time` minutes, so that 255 means about a million uses.

use base::rng::Rng;

/// Largest value of the 24 bits.
pub const MASK: u32 = (1 << 24) - 1;
/// Counter of a new key under LFU: it must not be the first to go before it had a chance to be used.
pub const LFU_INITIAL: u32 = 5;

/// How a use of a key is written down; fixed for one turn of the event loop.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recency {
    /// LFU when true, LRU otherwise.
    pub lfu: bool,
    /// Seconds since the epoch.
    pub seconds: u32,
    pub lfu_log_factor: u32,
    /// Minutes for the counter to lose one; 0 never.
    pub lfu_decay_time: u32,
}

impl Recency {
    fn minutes(&self) -> u32 {
        (self.seconds / 60) & 0xffff
    }

    /// The bits of a key that was just created.
    #[inline]
    pub fn initial(&self) -> u32 {
        if self.lfu { (self.minutes() << 8) | LFU_INITIAL } else { self.seconds & MASK }
    }

    /// The bits after a use.
    #[inline]
    pub fn touched(&self, bits: u32, rng: &mut Rng) -> u32 {
        if !self.lfu {
            return self.seconds & MASK;
        }
        let counter = self.frequency(bits);
        let counter = if counter == 255 {
            255
        } else {
            let above = counter.saturating_sub(LFU_INITIAL);
            let chance = 1.0 / f64::from(above * self.lfu_log_factor + 1);
            counter + u32::from(rng.f64() < chance)
        };
        (self.minutes() << 8) | counter
    }

    /// The LFU counter as of now: what is stored, less what decayed since.
    pub fn frequency(&self, bits: u32) -> u32 {
        let stored = bits & 0xff;
        if self.lfu_decay_time == 0 {
            return stored;
        }
        let elapsed = self.minutes().wrapping_sub(bits >> 8) & 0xffff;
        stored.saturating_sub(elapsed / self.lfu_decay_time)
    }

    /// The bits of a key that was not used for so many seconds, under LRU.
    pub fn idle_for(&self, seconds: u64) -> u32 {
        self.seconds.wrapping_sub(seconds as u32) & MASK
    }

    /// The bits of a key that was used so often, under LFU.
    pub fn used(&self, frequency: u8) -> u32 {
        self.minutes() << 8 | u32::from(frequency)
    }

    /// Seconds since the last use, under LRU.
    pub fn idle_seconds(&self, bits: u32) -> u32 {
        (self.seconds & MASK).wrapping_sub(bits) & MASK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_survives_the_wrap_of_the_clock() {
        let recency = Recency { seconds: MASK + 5, ..Recency::default() };
        assert_eq!(recency.idle_seconds(MASK - 4), 9);
        assert_eq!(recency.idle_for(9), MASK - 4 - 1 + 1);
        assert_eq!(recency.idle_seconds(recency.idle_for(20_000_000)), 20_000_000 & MASK);
    }

    #[test]
    fn frequency_grows_ever_more_rarely_and_decays() {
        let mut rng = Rng::seed(1);
        let mut recency = Recency { lfu: true, seconds: 6000, lfu_log_factor: 10, lfu_decay_time: 1 };
        let mut bits = recency.initial();
        for _ in 0..1000 {
            bits = recency.touched(bits, &mut rng);
        }
        let counter = recency.frequency(bits);
        assert!((10..60).contains(&counter), "{counter} after 1000 uses");
        recency.seconds += 60 * 5;
        assert_eq!(recency.frequency(bits), counter - 5);
    }
}
