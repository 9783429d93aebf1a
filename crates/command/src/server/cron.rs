//! What one worker does for the server ten times a second, and what CONFIG RESETSTAT resets.

use super::Server;
use crate::stats::samples::{self, Totals};
use base::clock::Now;

impl Server {
    /// Takes the samples; one worker calls this about ten times a second.
    pub fn cron(&self, now: Now) {
        if self.switches.pause_cron.load(std::sync::atomic::Ordering::Relaxed) {
            return;
        }
        let totals = Totals {
            processed: self.sum(|stats| stats.processed.get()),
            net_in: self.sum(|stats| stats.net_in.get()),
            net_out: self.sum(|stats| stats.net_out.get()),
            turns: self.sum(|stats| stats.turns.get()),
            turn_us: self.sum(|stats| stats.turn_nanos.get()) / 1000,
        };
        // This looks at every client: once a second is enough.
        if self.samples.take(totals, now) {
            let mut widest = (0, 0);
            self.clients.each(|client| {
                let (input, output) = samples::buffers(client);
                widest = (widest.0.max(input), widest.1.max(output));
            });
            self.samples.note_buffers(widest, now);
        }
        self.samples.note_peak(self.memory.calibrate(self), now);
    }

    /// CONFIG RESETSTAT.
    pub fn reset_stats(&self) {
        use std::sync::atomic::Ordering::Relaxed;
        self.workers.iter().for_each(|worker| worker.stats.reset());
        self.errors.reset();
        self.samples.reset();
        let clients = &self.clients;
        for counter in [
            &clients.accepted,
            &clients.rejected,
            &clients.input_limit_closed,
            &clients.output_limit_closed,
            &clients.auth_denied,
        ] {
            counter.store(0, Relaxed);
        }
        self.keyspace.reclaimer.stats().freed.store(0, Relaxed);
    }
}
