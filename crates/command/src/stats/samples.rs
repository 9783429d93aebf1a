//! What INFO tells about the last seconds: rates ("per second") and recent maxima, from samples that are taken
//! ten times a second.
//!
//! A rate is the mean of the last sixteen samples, as Redis computes it: about 1.6 seconds. Nothing of it is on
//! the path of a command; the counters are there anyway, and one worker looks at them from its cron.

use crate::clients::ClientInfo;
use base::clock::Now;
use parking_lot::Mutex;

/// Samples that a rate is the mean of.
const SAMPLES: usize = 16;
/// Seconds over which the largest buffers of clients are remembered.
const BUFFER_SECONDS: usize = 8;

/// How fast one counter grows with respect to another.
#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    value: u64,
    base: u64,
    ring: [u64; SAMPLES],
    at: usize,
}

impl Rate {
    /// Takes a sample: growth of `value` for each `unit` by which `base` grew.
    fn sample(&mut self, value: u64, base: u64, unit: u64) {
        let grown = value.saturating_sub(self.value);
        let passed = base.saturating_sub(self.base);
        // A counter that was reset in between counts as one that stood still.
        self.ring[self.at] =
            if passed == 0 { 0 } else { (u128::from(grown) * u128::from(unit) / u128::from(passed)) as u64 };
        self.at = (self.at + 1) % SAMPLES;
        (self.value, self.base) = (value, base);
    }

    fn mean(&self) -> u64 {
        self.ring.iter().sum::<u64>() / SAMPLES as u64
    }
}

/// What INFO prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    pub ops_per_sec: u64,
    pub net_in_per_sec: u64,
    pub net_out_per_sec: u64,
    pub turns_per_sec: u64,
    /// Mean duration of a turn in microseconds.
    pub turn_us: u64,
    /// Largest buffers of any client.
    pub input_buffer_max: usize,
    pub output_buffer_max: usize,
    /// Unix seconds at which memory was at its peak.
    pub peak_time: i64,
}

#[derive(Default)]
struct State {
    ops: Rate,
    net_in: Rate,
    net_out: Rate,
    turns: Rate,
    turn_us: Rate,
    second: u64,
    buffers: [(usize, usize); BUFFER_SECONDS],
    peak: u64,
    peak_time: i64,
}

/// The sampler.
#[derive(Default)]
pub struct Samples(Mutex<State>);

impl Samples {
    /// Forgets all rates (CONFIG RESETSTAT).
    pub fn reset(&self) {
        let mut state = self.0.lock();
        let (peak, peak_time) = (state.peak, state.peak_time);
        *state = State { peak, peak_time, ..State::default() };
    }

    /// Notes the highest memory use; the host knows how much, not when.
    pub fn note_peak(&self, peak: u64, now: Now) {
        let mut state = self.0.lock();
        if peak > state.peak {
            (state.peak, state.peak_time) = (peak, now.unix_ms / 1000);
        }
    }

    pub fn recent(&self) -> Recent {
        let state = self.0.lock();
        let widest = |pick: fn(&(usize, usize)) -> usize| state.buffers.iter().map(pick).max().unwrap_or(0);
        Recent {
            ops_per_sec: state.ops.mean(),
            net_in_per_sec: state.net_in.mean(),
            net_out_per_sec: state.net_out.mean(),
            turns_per_sec: state.turns.mean(),
            turn_us: state.turn_us.mean(),
            input_buffer_max: widest(|(input, _)| *input),
            output_buffer_max: widest(|(_, output)| *output),
            peak_time: state.peak_time,
        }
    }
}

/// Input and output buffers of one client, in bytes.
pub fn buffers(client: &ClientInfo) -> (usize, usize) {
    use std::sync::atomic::Ordering::Relaxed;
    let input = client.query_buffer.load(Relaxed) + client.query_buffer_free.load(Relaxed);
    (input, client.output_memory.load(Relaxed))
}

/// The counters of all workers together, of which rates are made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    pub processed: u64,
    pub net_in: u64,
    pub net_out: u64,
    pub turns: u64,
    pub turn_us: u64,
}

impl Samples {
    /// Takes a sample; returns whether a second has begun since the last one.
    pub fn take(&self, totals: Totals, now: Now) -> bool {
        let second = now.mono_us / 1_000_000;
        let mut state = self.0.lock();
        state.ops.sample(totals.processed, now.mono_us, 1_000_000);
        state.net_in.sample(totals.net_in, now.mono_us, 1_000_000);
        state.net_out.sample(totals.net_out, now.mono_us, 1_000_000);
        state.turns.sample(totals.turns, now.mono_us, 1_000_000);
        state.turn_us.sample(totals.turn_us, totals.turns, 1);
        std::mem::replace(&mut state.second, second) != second
    }

    /// Notes the largest input and output buffer of any client in this second, in bytes.
    pub fn note_buffers(&self, widest: (usize, usize), now: Now) {
        let second = (now.mono_us / 1_000_000) as usize;
        self.0.lock().buffers[second % BUFFER_SECONDS] = widest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_mean_of_sixteen_samples() {
        let mut rate = Rate::default();
        for tenth in 1..=16 {
            rate.sample(tenth * 50, tenth * 100_000, 1_000_000);
        }
        assert_eq!(rate.mean(), 500);
        // A reset counter and a clock that stands still give nothing, and nothing overflows.
        rate.sample(0, 1_700_000, 1_000_000);
        rate.sample(10, 1_700_000, 1_000_000);
        assert_eq!(rate.mean(), 500 * 14 / 16);
    }
}
