//! What the next check is expected to be, from those before it. The archive stores only the differences from that, which are
//! small numbers. Reading and writing predict the same, so a prediction may be wrong, but never lossy.
//!
//! A single outlier does not change what is expected; two in a row do.

use crate::history::latency::bucket::LatencyBucket;

/// Differences up to this take one byte (as a signed varint).
const NEAR: i64 = 64;

/// Predicts times: the next slot, as far after the last one as checks usually are. After a break, it is a slot again: the
/// endpoint keeps its slots (`endpoints/schedule.rs`), and a check is a few milliseconds late.
///
/// Times are milliseconds. All arithmetic wraps, so that any time can follow any other.
#[derive(Debug)]
pub(super) struct SlotPrediction {
    step: i64,
    /// The slot of the last check.
    slot: i64,
    was_far: bool,
}

impl SlotPrediction {
    /// Begins with the time of the first check. `step` is at least 1.
    pub(super) fn new(first: i64, step: i64) -> Self {
        Self {
            step: step.max(1),
            slot: first,
            was_far: false,
        }
    }

    pub(super) fn next(&self) -> i64 {
        self.slot.wrapping_add(self.step)
    }

    /// Learns when the check was.
    pub(super) fn learn(&mut self, at: i64) {
        let next = self.next();
        let late = at.wrapping_sub(next);
        let steps = late.wrapping_add(self.step / 2).div_euclid(self.step);
        let nearest = next.wrapping_add(steps.wrapping_mul(self.step));
        let is_far = at.wrapping_sub(nearest).unsigned_abs() >= NEAR.unsigned_abs();
        self.slot = if is_far && self.was_far { at } else { nearest };
        self.was_far = is_far;
    }
}

/// Returns the usual time from one check to the next, in milliseconds, at least 1.
///
/// The median is off by as much as checks are late; the mean of the times near it is not.
pub(super) fn usual_step(times: &[i64]) -> i64 {
    let steps = times.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let mut steps: Vec<i64> = steps.collect();
    if steps.is_empty() {
        return 1;
    }
    let middle = steps.len() / 2;
    let median = *steps.select_nth_unstable(middle).1;
    let (mut sum, mut number) = (0, 0);
    for step in steps {
        let offset = step.wrapping_sub(median);
        if offset.unsigned_abs() < NEAR.unsigned_abs() {
            sum += offset;
            number += 1;
        }
    }
    // Rounded to the nearest; the median itself is always near.
    let offset = (2 * sum + number).div_euclid(2 * number);
    median.saturating_add(offset).max(1)
}

/// Predicts latencies: their mean, of about the last sixteen. Differences from it vary less than differences from the last one.
#[derive(Debug, Default)]
pub(super) struct LatencyPrediction {
    /// In 1/256 bucket; `None` before the first check.
    mean: Option<i64>,
    was_far: bool,
}

impl LatencyPrediction {
    /// The index of the expected bucket.
    pub(super) fn next(&self) -> i64 {
        self.mean.map_or(0, |mean| (mean + 128) >> 8)
    }

    /// Learns in which bucket the latency was.
    pub(super) fn learn(&mut self, latency: LatencyBucket) {
        let index = i64::from(latency.index());
        let is_far = (index - self.next()).abs() >= NEAR;
        self.mean = match self.mean {
            Some(mean) if !is_far => Some(mean + (((index << 8) - mean) >> 4)),
            Some(mean) if !self.was_far => Some(mean),
            _ => Some(index << 8),
        };
        self.was_far = is_far;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_step_is_exact_although_checks_are_late() {
        for (times, step, why) in [
            (vec![], 1, "no checks"),
            (vec![7], 1, "one check"),
            (vec![0, 60_000], 60_000, "two checks"),
            (
                vec![0, 60_005, 120_000, 180_004, 240_001],
                60_000,
                "late by up to 5 ms",
            ),
            (
                vec![0, 60_005, 120_000, 720_001, 780_000, 840_000],
                60_000,
                "a break",
            ),
            (
                vec![0, 60_000, 70_000, 80_000, 120_000, 180_000, 240_000],
                60_000,
                "retries",
            ),
            (vec![5, 5, 5, 5], 1, "equal times"),
            (vec![9_000, 6_000, 3_000], 1, "the clock runs back"),
            (vec![i64::MAX, i64::MIN], 1, "the clock wraps"),
            (vec![0, i64::MAX], i64::MAX, "the longest step"),
        ] {
            assert_eq!(usual_step(&times), step, "{why}");
        }
    }

    /// The differences of these times from what is predicted.
    fn lateness(times: &[i64]) -> Vec<i64> {
        let mut prediction = SlotPrediction::new(times[0], 60_000);
        let mut late = Vec::new();
        for at in &times[1..] {
            late.push(at - prediction.next());
            prediction.learn(*at);
        }
        late
    }

    #[test]
    fn times_are_measured_from_the_slot() {
        for (times, late, why) in [
            (vec![0, 60_003, 120_001], vec![3, 1], "late"),
            (vec![0, 60_800, 120_001], vec![800, 1], "very late once"),
            (
                vec![0, 60_064, 120_064, 180_064],
                vec![64, 64, 0],
                "the clock was set",
            ),
            (
                vec![0, 60_063, 120_063, 180_063],
                vec![63, 63, 63],
                "set by less than a byte",
            ),
            (
                vec![0, 600_003, 660_001],
                vec![540_003, 1],
                "after a break, in the slot",
            ),
            (
                vec![0, 10_000, 60_002],
                vec![-50_000, 2],
                "a retry, then the slot",
            ),
            (
                vec![0, -3_600_000, -3_539_999],
                vec![-3_660_000, 1],
                "the clock was set back by an hour",
            ),
        ] {
            assert_eq!(lateness(&times), late, "{why}");
        }
    }

    #[test]
    fn one_spike_does_not_change_the_expected_latency_and_two_do() {
        let mut prediction = LatencyPrediction::default();
        let mut expected = Vec::new();
        for index in [500, 500, 516, 500, 700, 500, 813, 813, 813, 500, 500, 500] {
            expected.push(prediction.next());
            prediction.learn(LatencyBucket::from_index(index).unwrap());
        }
        assert_eq!(
            expected,
            [0, 500, 500, 501, 501, 501, 501, 501, 813, 813, 813, 500]
        );
    }

    #[test]
    fn the_expected_bucket_is_never_beyond_the_largest() {
        let mut prediction = LatencyPrediction::default();
        for _ in 0..100 {
            prediction.learn(LatencyBucket::LARGEST);
            assert_eq!(prediction.next(), 2240);
        }
    }
}
