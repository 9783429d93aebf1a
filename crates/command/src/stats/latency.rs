//! The latency monitor: for each event, the worst durations of the last 160 seconds in which it was slow.

use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};

/// Samples kept for each event.
pub const SAMPLES_MAX: usize = 160;

/// One second in which an event was slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Unix seconds.
    pub time: i64,
    pub ms: u32,
}

/// The samples of one event.
#[derive(Clone, Debug, Default)]
pub struct Series {
    pub samples: VecDeque<Sample>,
    pub max_ms: u32,
}

/// The monitor.
#[derive(Default)]
pub struct LatencyMonitor(Mutex<BTreeMap<&'static str, Series>>);

impl LatencyMonitor {
    /// Notes that an event took so long; the caller compared it with `latency-monitor-threshold`.
    pub fn add(&self, event: &'static str, time: i64, ms: u32) {
        let mut events = self.0.lock();
        let series = events.entry(event).or_default();
        series.max_ms = series.max_ms.max(ms);
        match series.samples.back_mut() {
            Some(last) if last.time == time => last.ms = last.ms.max(ms),
            _ => {
                if series.samples.len() == SAMPLES_MAX {
                    series.samples.pop_front();
                }
                series.samples.push_back(Sample { time, ms });
            }
        }
    }

    pub fn all(&self) -> Vec<(&'static str, Series)> {
        self.0.lock().iter().map(|(event, series)| (*event, series.clone())).collect()
    }

    pub fn get(&self, event: &[u8]) -> Option<Series> {
        let events = self.0.lock();
        events.iter().find(|(name, _)| name.as_bytes() == event).map(|(_, series)| series.clone())
    }

    /// Forgets these events (all when none is named); returns how many.
    pub fn reset(&self, names: &[&[u8]]) -> usize {
        let mut events = self.0.lock();
        let before = events.len();
        events.retain(|event, _| !names.is_empty() && !names.contains(&event.as_bytes()));
        before - events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_a_second_keeps_the_worst() {
        let monitor = LatencyMonitor::default();
        monitor.add("command", 10, 5);
        monitor.add("command", 10, 9);
        monitor.add("command", 11, 2);
        let series = monitor.get(b"command").expect("was added");
        assert_eq!(series.samples, [Sample { time: 10, ms: 9 }, Sample { time: 11, ms: 2 }]);
        assert_eq!(series.max_ms, 9);
        assert_eq!(monitor.reset(&[b"nothing"]), 0);
        assert_eq!(monitor.reset(&[]), 1);
    }
}
