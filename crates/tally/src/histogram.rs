//! How many took how long, in buckets that double: any quantile can be told within a factor of two, and histograms of several
//! processes can be added up.

use core::time::Duration;

/// How many buckets there are. The last one has no upper end.
pub const BUCKETS: usize = 22;

/// The upper end of the first bucket, in microseconds; that of the last but one is 67 s.
const FIRST_MICROS: u64 = 64;

/// Times, counted by their length.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Histogram {
    /// How many fell in each bucket, those of other buckets not among them.
    pub counts: [u64; BUCKETS],
    /// All of them together, in microseconds.
    pub sum_micros: u64,
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // The number of the highest bit, counted in units of the first bucket; what just fits a bucket belongs into it.
        let bucket = (u64::BITS - (micros.saturating_sub(1) / FIRST_MICROS).leading_zeros()) as usize;
        self.counts[bucket.min(BUCKETS - 1)] += 1;
        self.sum_micros = self.sum_micros.saturating_add(micros);
    }

    /// The upper end of a bucket, which belongs to it; `None` for the last.
    pub fn upper_end(bucket: usize) -> Option<Duration> {
        (bucket < BUCKETS - 1).then(|| Duration::from_micros(FIRST_MICROS << bucket))
    }

    /// All that were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |all, count| all.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_falls_where_its_ends_say() {
        let micros = [0, 1, 63, 64, 65, 128, 129, 1000, 67_108_864, 67_108_865, u64::MAX];
        for micros in micros {
            let took = Duration::from_micros(micros);
            let mut histogram = Histogram::default();
            histogram.record(took);
            let bucket = histogram.counts.iter().position(|count| *count == 1).unwrap();
            assert!(Histogram::upper_end(bucket).is_none_or(|end| took <= end), "{micros}");
            assert!(
                bucket == 0 || Histogram::upper_end(bucket - 1).is_some_and(|end| took > end),
                "{micros}"
            );
            assert_eq!((histogram.count(), histogram.sum_micros), (1, micros));
        }
        assert_eq!(Histogram::upper_end(BUCKETS - 2), Some(Duration::from_micros(67_108_864)));
        assert_eq!(Histogram::upper_end(BUCKETS - 1), None);
    }
}
