//! A histogram of durations: fixed memory, about 3% precision, one writer.
//!
//! Buckets are powers of two of nanoseconds, each cut in 32 equal parts (as HdrHistogram does it, in two
//! significant digits). Values up to 2^40 ns (18 minutes) are told apart; longer ones count as that.

use crate::stats::counter::Counter;

const PARTS_LOG2: u32 = 5;
const PARTS: usize = 1 << PARTS_LOG2;
/// Two to this power is more than any value.
pub const EXPONENT_MAX: u32 = 40;
const BUCKETS: usize = (EXPONENT_MAX - PARTS_LOG2 + 1) as usize * PARTS;

/// What one worker counts. Others read it while it runs, so what they see of it does not add up to anything but itself:
/// they ask a [`Distribution`].
pub struct Histogram(Box<[Counter]>);

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram((0..BUCKETS).map(|_| Counter::default()).collect())
    }
}

/// The bucket of a value, and the largest value that falls into a bucket.
#[inline]
fn bucket_of(nanos: u64) -> usize {
    let nanos = nanos.min((1 << EXPONENT_MAX) - 1);
    if nanos < PARTS as u64 {
        return nanos as usize;
    }
    let exponent = 63 - nanos.leading_zeros();
    let part = (nanos >> (exponent - PARTS_LOG2)) as usize & (PARTS - 1);
    (exponent - PARTS_LOG2 + 1) as usize * PARTS + part
}

fn upper_bound(bucket: usize) -> u64 {
    if bucket < PARTS {
        return bucket as u64;
    }
    let exponent = (bucket / PARTS) as u32 - 1 + PARTS_LOG2;
    let part = (bucket % PARTS) as u64;
    (1 << exponent) + ((part + 1) << (exponent - PARTS_LOG2)) - 1
}

impl Histogram {
    #[inline]
    pub fn record(&self, nanos: u64) {
        self.0[bucket_of(nanos)].add(1);
    }

    pub fn reset(&self) {
        self.0.iter().for_each(|count| count.set(0));
    }
}

/// What histograms had counted when they were added: nobody writes to it, and the total is the sum of its buckets.
pub struct Distribution {
    counts: Box<[u64]>,
    total: u64,
}

impl Default for Distribution {
    fn default() -> Distribution {
        Distribution { counts: vec![0; BUCKETS].into(), total: 0 }
    }
}

impl Distribution {
    pub fn add(&mut self, histogram: &Histogram) {
        for (sum, count) in self.counts.iter_mut().zip(&histogram.0) {
            let count = count.get();
            *sum += count;
            self.total += count;
        }
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    /// The value, in nanoseconds, that `percentile` (0 to 100) of all values do not exceed.
    pub fn percentile(&self, percentile: f64) -> u64 {
        let wanted = ((percentile.clamp(0.0, 100.0) / 100.0 * self.total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper_bound(bucket);
            }
        }
        0
    }

    /// How many values are at most so many nanoseconds.
    pub fn count_up_to(&self, nanos: u64) -> u64 {
        self.counts.iter().take(bucket_of(nanos) + 1).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_the_bucket_that_bounds_it() {
        let mut value = 1u64;
        while value < 1 << 41 {
            for value in [value - 1, value, value + 1] {
                let clamped = value.min((1 << EXPONENT_MAX) - 1);
                let bound = upper_bound(bucket_of(value));
                assert!(bound >= clamped && bound <= clamped + clamped / 32 + 1, "{value}: {bound}");
            }
            value = value * 3 / 2 + 1;
        }
    }

    #[test]
    fn percentiles_are_within_the_precision() {
        let histogram = Histogram::default();
        (1..=1000).for_each(|micros| histogram.record(micros * 1000));
        let mut counted = Distribution::default();
        counted.add(&histogram);
        let median = counted.percentile(50.0);
        assert!((500_000..=516_000).contains(&median), "{median}");
        assert_eq!(counted.total(), 1000);
        assert_eq!(counted.count_up_to(1 << 39), 1000);
    }

    #[test]
    fn what_was_counted_adds_up_while_the_counting_goes_on() {
        let histogram = Histogram::default();
        let ends = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ends.load(std::sync::atomic::Ordering::Relaxed) {
                    (0..=EXPONENT_MAX).for_each(|power| histogram.record(1 << power));
                }
            });
            for _ in 0..1000 {
                let mut counted = Distribution::default();
                counted.add(&histogram);
                assert_eq!(counted.count_up_to(1 << EXPONENT_MAX), counted.total());
                let most = counted.percentile(100.0);
                assert_eq!(counted.count_up_to(most), counted.total());
            }
            ends.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}
