//! Buckets of latencies, each 2 % wide: what history keeps of a latency, so that any figure made of them is within 1 %.

use std::time::Duration;

/// The ratio of the upper to the lower limit of a bucket.
const WIDTH: f64 = 1.02;

/// A bucket of latencies: from 1.02^index µs, included, to 1.02^(index + 1) µs. The first one also has those under 1 µs.
///
/// Buckets below 50 µs are narrower than a microsecond. Most of them stay empty, and the others have one latency each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LatencyBucket(u16);

impl LatencyBucket {
    /// The bucket of `u64::MAX` µs: 2240 is ln(2^64) ÷ ln(1.02), rounded down.
    pub const LARGEST: Self = Self(2240);

    /// The bucket of a latency, in whole microseconds.
    pub fn of(latency: Duration) -> Self {
        Self::from_micros(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the logarithm of a number from 1 to 2^64 gives 0 to 2240"
    )]
    #[expect(
        clippy::cast_precision_loss,
        reason = "an error of 2^-53 changes no bucket by more than that"
    )]
    pub fn from_micros(micros: u64) -> Self {
        let index = (micros.max(1) as f64).ln() / WIDTH.ln();
        Self(index as u16).min(Self::LARGEST)
    }

    /// `None` beyond the largest bucket.
    pub fn from_index(index: u16) -> Option<Self> {
        (index <= Self::LARGEST.0).then_some(Self(index))
    }

    pub const fn index(self) -> u16 {
        self.0
    }

    /// The geometric middle of the bucket: within 1 % of every latency in it, from 1 µs on.
    pub fn value(self) -> Duration {
        Duration::from_secs_f64(self.middle() / 1e6)
    }

    /// The geometric middle of the bucket in whole microseconds. Rounding adds up to 0.5 µs to the error of 1 %: at 50 µs it
    /// is 2 %, and below that more.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the middle of the largest bucket is above u64::MAX, and becomes that"
    )]
    pub fn value_micros(self) -> u64 {
        self.middle().round() as u64
    }

    /// In microseconds.
    fn middle(self) -> f64 {
        WIDTH.powf(f64::from(self.0) + 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_in_buckets_of_two_percent() {
        for (micros, index, value) in [
            (0, 0, 1),
            (1, 0, 1),
            (2, 35, 2),
            (50, 197, 50),
            (100, 232, 100),
            (101, 233, 102),
            (1_000, 348, 993),
            (1_019, 349, 1_013),
            (1_000_000, 697, 996_827),
            (10_000_000, 813, 9_913_790),
            (u64::MAX, 2240, u64::MAX),
        ] {
            let bucket = LatencyBucket::from_micros(micros);
            assert_eq!(
                (bucket.index(), bucket.value_micros()),
                (index, value),
                "{micros}"
            );
            assert_eq!(
                LatencyBucket::of(Duration::from_micros(micros)),
                bucket,
                "{micros}"
            );
        }
    }

    #[test]
    fn latencies_are_cut_to_whole_microseconds() {
        for (nanos, index) in [(0, 0), (999, 0), (1_999, 0), (2_000, 35)] {
            let bucket = LatencyBucket::of(Duration::from_nanos(nanos));
            assert_eq!(bucket.index(), index, "{nanos}");
        }
        assert_eq!(LatencyBucket::of(Duration::MAX), LatencyBucket::LARGEST);
    }

    #[test]
    fn no_bucket_is_beyond_the_largest() {
        for (index, is_bucket) in [(0, true), (2240, true), (2241, false), (u16::MAX, false)] {
            let bucket = LatencyBucket::from_index(index);
            assert_eq!(
                bucket.map(LatencyBucket::index),
                is_bucket.then_some(index),
                "{index}"
            );
        }
    }

    #[test]
    fn the_value_of_every_bucket_is_in_that_bucket() {
        // From here on (100 µs), half a bucket is at least a microsecond wide.
        for index in 233..=2240 {
            let bucket = LatencyBucket::from_index(index).unwrap();
            assert_eq!(LatencyBucket::of(bucket.value()), bucket, "{index}");
        }
    }

    /// Latencies of every magnitude.
    fn micros() -> impl proptest::strategy::Strategy<Value = u64> {
        use proptest::prelude::Strategy;
        (proptest::num::u64::ANY, 0_u32..64).prop_map(|(number, shift)| number >> shift)
    }

    #[expect(clippy::cast_precision_loss, reason = "a share is compared with 1 %")]
    fn error_of(value: f64, micros: u64) -> f64 {
        (value / micros as f64 - 1.0).abs()
    }

    proptest::proptest! {
        #[test]
        fn the_value_is_within_one_percent(micros in micros()) {
            let bucket = LatencyBucket::from_micros(micros);
            let micros = micros.max(1);
            let error = error_of(bucket.value().as_secs_f64() * 1e6, micros);
            proptest::prop_assert!(error <= 0.010_001, "{micros}: {error}");
        }

        #[expect(clippy::cast_precision_loss, reason = "a share is compared with 1 %")]
        #[test]
        fn whole_microseconds_add_half_a_microsecond(micros in micros()) {
            let micros = micros.max(1);
            let value = LatencyBucket::from_micros(micros).value_micros() as f64;
            let error = error_of(value, micros);
            proptest::prop_assert!(error <= 0.01 + 0.5 / micros as f64, "{micros}: {error}");
        }

        #[test]
        fn a_higher_latency_is_never_in_a_lower_bucket(one in micros(), other in micros()) {
            let order = LatencyBucket::from_micros(one).cmp(&LatencyBucket::from_micros(other));
            proptest::prop_assert!(order.is_eq() || order == one.cmp(&other));
        }
    }
}
