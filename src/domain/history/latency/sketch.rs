//! Counts of latencies in buckets, of which any percentile follows within 1 %. The sketches of days, endpoints or places add
//! up: percentiles over all of them are as exact as those of one. (The idea is that of DDSketch: Masson, Rim, Lee 2019.)

use std::fmt;
use std::time::Duration;

use super::bucket::LatencyBucket;
use crate::history::varint::{self, VarintReader};

/// The first byte of an encoded sketch.
const VERSION: u8 = 1;

/// Counts below this one share a byte with the number of empty buckets before them, if there are at most three.
const LARGE: u64 = 32;

/// In how many parts a quantile is measured, so that 0.07 of 100 latencies are 7, which they are not as a binary fraction.
const PARTS: u128 = 1_000_000;

/// Counts of latencies in buckets that are 2 % wide. At most 2,241 counts; about a hundred for the checks of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencySketch {
    /// The index of the bucket of the first count.
    first: u16,
    /// Neither the first nor the last one is zero.
    counts: Vec<u64>,
    total: u64,
}

/// Why bytes are not a sketch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamagedSketch {
    /// Another version of Rollcall wrote it, or the first byte is damaged.
    UnknownVersion(u8),
    /// The bytes end within a number, or there are none.
    Truncated,
    /// A bucket beyond the largest one, or a small count in the form of a large one.
    Malformed,
    /// The counts add up to more than 64 bits.
    TooMany,
}

impl fmt::Display for DamagedSketch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownVersion(version) => {
                write!(out, "the latency sketch has the unknown version {version}")
            }
            Self::Truncated => out.write_str("the latency sketch is truncated"),
            Self::Malformed => out.write_str("the latency sketch has an impossible bucket"),
            Self::TooMany => out.write_str("the latency sketch has too many checks"),
        }
    }
}

impl std::error::Error for DamagedSketch {}

impl LatencySketch {
    /// Counts one latency.
    pub fn record(&mut self, latency: LatencyBucket) {
        self.add(latency.index(), 1);
    }

    /// Adds the counts of another sketch, as if its latencies had been recorded here.
    pub fn merge(&mut self, other: &Self) {
        let Some(last) = other.last() else { return };
        self.cover(other.first, last);
        let offset = usize::from(other.first - self.first);
        for (count, more) in self.counts[offset..].iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.total = self.total.saturating_add(other.total);
    }

    /// The number of latencies.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// Returns the latency at a quantile, such as 0.95, within 1 %; `None` if there are no latencies.
    ///
    /// It is the nearest rank: the smallest latency such that at least this share of all latencies is not above it. So 0 is
    /// the smallest latency, and 1 the largest. Quantiles are rounded to millionths; those outside 0 to 1 count as 0 or 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 1,000,000"
    )]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let parts = (quantile.clamp(0.0, 1.0) * 1e6).round() as u128;
        let total = u128::from(self.total);
        let rank = (parts * total).div_ceil(PARTS).max(1);
        let mut reached = 0;
        for (index, count) in self.buckets() {
            reached += u128::from(count);
            if reached >= rank {
                return LatencyBucket::from_index(index).map(LatencyBucket::value);
            }
        }
        None
    }

    /// Encodes the sketch: a version byte, then a varint for each bucket that is not empty: the number of empty buckets before
    /// it times 32, plus its count. A count of 32 or more is a varint of its own, after this one.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + 2 * self.counts.len());
        bytes.push(VERSION);
        let mut next = 0;
        for (index, count) in self.buckets() {
            let small = if count < LARGE { count } else { 0 };
            varint::write(&mut bytes, u64::from(index - next) * LARGE + small);
            if count >= LARGE {
                varint::write(&mut bytes, count);
            }
            next = index + 1;
        }
        bytes
    }

    /// Decodes what `encode` returned. Other bytes may be a sketch by accident, because there is no checksum.
    ///
    /// # Errors
    /// `DamagedSketch` for bytes that `encode` never returns.
    pub fn decode(bytes: &[u8]) -> Result<Self, DamagedSketch> {
        let mut sketch = Self::default();
        sketch.merge_encoded(bytes)?;
        Ok(sketch)
    }

    /// Adds the counts of an encoded sketch: faster than to decode it and to merge the result.
    ///
    /// # Errors
    /// As `decode`. Then nothing was added.
    pub fn merge_encoded(&mut self, bytes: &[u8]) -> Result<(), DamagedSketch> {
        let mut range: Option<(u16, u16)> = None;
        each_bucket(bytes, |index, _| {
            range = Some((range.map_or(index, |(first, _)| first), index));
        })?;
        let Some((first, last)) = range else {
            return Ok(());
        };
        self.cover(first, last);
        each_bucket(bytes, |index, count| self.add(index, count))
    }

    fn add(&mut self, index: u16, count: u64) {
        self.cover(index, index);
        let counted = &mut self.counts[usize::from(index - self.first)];
        *counted = counted.saturating_add(count);
        self.total = self.total.saturating_add(count);
    }

    /// Makes room for the counts of these buckets. The caller fills the first and the last one.
    fn cover(&mut self, first: u16, last: u16) {
        if self.counts.is_empty() {
            self.first = first;
        }
        if first < self.first {
            let missing = usize::from(self.first - first);
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = first;
        }
        let length = usize::from(last.saturating_sub(self.first)) + 1;
        if length > self.counts.len() {
            self.counts.resize(length, 0);
        }
    }

    /// The index of the last bucket that is not empty.
    fn last(&self) -> Option<u16> {
        let beyond = self.counts.len().checked_sub(1)?;
        Some(self.first + u16::try_from(beyond).ok()?)
    }

    /// The indexes of the buckets that are not empty, each with its count.
    fn buckets(&self) -> impl Iterator<Item = (u16, u64)> {
        let all = (self.first..).zip(self.counts.iter().copied());
        all.filter(|(_, count)| *count > 0)
    }
}

/// Calls `each` for the index and the count of every bucket of an encoded sketch, in order.
fn each_bucket(bytes: &[u8], mut each: impl FnMut(u16, u64)) -> Result<(), DamagedSketch> {
    let mut numbers = VarintReader::new(bytes);
    let version = numbers.byte().ok_or(DamagedSketch::Truncated)?;
    if version != VERSION {
        return Err(DamagedSketch::UnknownVersion(version));
    }
    let (mut next, mut total) = (0_u64, 0_u64);
    while !numbers.rest().is_empty() {
        let number = numbers.unsigned().ok_or(DamagedSketch::Truncated)?;
        let (skipped, small) = (number / LARGE, number % LARGE);
        let count = match small {
            0 => numbers.unsigned().ok_or(DamagedSketch::Truncated)?,
            small => small,
        };
        let bucket = u16::try_from(next + skipped)
            .ok()
            .and_then(LatencyBucket::from_index)
            .filter(|_| small > 0 || count >= LARGE)
            .ok_or(DamagedSketch::Malformed)?;
        total = total.checked_add(count).ok_or(DamagedSketch::TooMany)?;
        each(bucket.index(), count);
        next = u64::from(bucket.index()) + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::Strategy;

    use super::*;
    use crate::history::testing::Generator;

    fn sketch_of(latencies: &[u64]) -> LatencySketch {
        let mut sketch = LatencySketch::default();
        for micros in latencies {
            sketch.record(LatencyBucket::from_micros(*micros));
        }
        sketch
    }

    /// Latencies of every magnitude.
    fn latencies() -> impl Strategy<Value = Vec<u64>> {
        let one = (proptest::num::u64::ANY, 0_u32..64).prop_map(|(number, shift)| number >> shift);
        vec(one, 0..300)
    }

    #[test]
    fn a_quantile_is_the_nearest_rank() {
        // 1 ms, 2 ms and so on to 100 ms: quantile 0.07 is 7 ms.
        let hundred: Vec<u64> = (1..=100).map(|millis| millis * 1_000).collect();
        let sketch = sketch_of(&hundred);
        for (quantile, millis) in [
            (0.0, 1),
            (0.01, 1),
            (0.010_001, 2),
            (0.07, 7),
            (0.5, 50),
            (0.500_000_4, 50),
            (0.95, 95),
            (0.99, 99),
            (0.999, 100),
            (1.0, 100),
            (-1.0, 1),
            (2.0, 100),
            (f64::NAN, 1),
        ] {
            let expected = LatencyBucket::from_micros(millis * 1_000).value();
            assert_eq!(sketch.quantile(quantile), Some(expected), "{quantile}");
        }
        let one = sketch_of(&[5_000]);
        assert_eq!(one.quantile(0.0), one.quantile(1.0));
        assert_eq!(LatencySketch::default().quantile(0.5), None);
    }

    #[test]
    fn buckets_are_encoded_with_the_empty_ones_before_them() {
        for (latencies, encoded) in [
            (&[][..], vec![1]),
            // Two in the first bucket, then 34 empty ones: 34 × 32 + 1 is 0x441.
            (&[0, 1, 2], vec![1, 2, 0xc1, 8]),
            (&[1; 31], vec![1, 31]),
            (&[1; 32], vec![1, 0, 32]),
            (&[u64::MAX], vec![1, 0x81, 0xb0, 4]),
        ] {
            assert_eq!(sketch_of(latencies).encode(), encoded, "{latencies:?}");
        }
    }

    #[test]
    fn damaged_sketches_are_rejected() {
        let mut too_many = vec![VERSION, 0];
        varint::write(&mut too_many, u64::MAX);
        assert_eq!(
            LatencySketch::decode(&too_many).map(|sketch| sketch.count()),
            Ok(u64::MAX)
        );
        too_many.push(1);
        for (bytes, damage) in [
            (&[][..], DamagedSketch::Truncated),
            (&[0], DamagedSketch::UnknownVersion(0)),
            (&[2, 1], DamagedSketch::UnknownVersion(2)),
            (&[1, 0], DamagedSketch::Truncated),
            (&[1, 0x80], DamagedSketch::Truncated),
            (&[1, 0, 0x80], DamagedSketch::Truncated),
            (&[1, 0, 0], DamagedSketch::Malformed),
            (&[1, 0, 31], DamagedSketch::Malformed),
            // Bucket 2241, alone and after the largest one.
            (&[1, 0xa1, 0xb0, 4], DamagedSketch::Malformed),
            (&[1, 0x81, 0xb0, 4, 1], DamagedSketch::Malformed),
            (&too_many, DamagedSketch::TooMany),
        ] {
            assert_eq!(LatencySketch::decode(bytes), Err(damage), "{bytes:?}");
        }
    }

    #[test]
    fn the_counts_of_a_day_and_of_an_hour_are_small() {
        for (checks, most) in [(1_440, 160), (60, 60)] {
            let mut generator = Generator::new(7);
            let mut sketch = LatencySketch::default();
            for _ in 0..checks {
                let spike = if generator.below(100) == 0 { 10 } else { 1 };
                sketch.record(LatencyBucket::of(generator.latency(0.2) * spike));
            }
            let length = sketch.encode().len();
            assert!(length <= most, "{checks} checks take {length} B");
        }
    }

    #[test]
    fn sketches_of_a_year_stay_within_one_percent() {
        let mut generator = Generator::new(11);
        let (mut year, mut all) = (LatencySketch::default(), Vec::new());
        for day in 0..365_u32 {
            let mut latencies = Vec::new();
            for _ in 0..24 {
                // Slower from day to day, so that the days differ.
                latencies.push(generator.latency(0.2) * (100 + day) / 100);
            }
            let mut sketch = LatencySketch::default();
            for latency in &latencies {
                sketch.record(LatencyBucket::of(*latency));
            }
            year.merge(&LatencySketch::decode(&sketch.encode()).unwrap());
            all.extend(latencies);
        }
        all.sort_unstable();
        for (quantile, rank) in [(0.5, 4_380), (0.95, 8_322), (0.99, 8_673)] {
            let (found, exact) = (year.quantile(quantile).unwrap(), all[rank - 1]);
            let error = (found.as_secs_f64() / exact.as_secs_f64() - 1.0).abs();
            assert!(error <= 0.01, "{quantile}: {found:?}, exactly {exact:?}");
        }
    }

    proptest::proptest! {
        #[expect(clippy::cast_precision_loss, reason = "a share is compared with 1 %")]
        #[test]
        fn a_quantile_is_within_one_percent(mut latencies in latencies(), parts in 0_u32..=1_000_000) {
            let found = sketch_of(&latencies).quantile(f64::from(parts) / 1e6);
            latencies.sort_unstable();
            let rank = (latencies.len() * parts as usize).div_ceil(1_000_000).max(1);
            let exact = latencies.get(rank - 1).map(|micros| (*micros).max(1));
            proptest::prop_assert_eq!(found.is_some(), exact.is_some());
            if let (Some(found), Some(exact)) = (found, exact) {
                let error = (found.as_secs_f64() * 1e6 / exact as f64 - 1.0).abs();
                proptest::prop_assert!(error <= 0.010_001, "{:?} {}", found, exact);
            }
        }

        #[test]
        fn merging_is_recording_all(one in latencies(), other in latencies()) {
            let mut merged = sketch_of(&one);
            merged.merge(&sketch_of(&other));
            let mut encoded = sketch_of(&one);
            encoded.merge_encoded(&sketch_of(&other).encode()).unwrap();
            proptest::prop_assert_eq!(&encoded, &merged);
            let all = [one, other].concat();
            proptest::prop_assert_eq!(merged.count(), all.len() as u64);
            proptest::prop_assert_eq!(merged, sketch_of(&all));
        }

        #[test]
        fn sketches_round_trip(latencies in latencies()) {
            let sketch = sketch_of(&latencies);
            proptest::prop_assert_eq!(LatencySketch::decode(&sketch.encode()), Ok(sketch));
        }

        #[test]
        fn any_bytes_are_a_sketch_or_rejected(mut bytes in vec(proptest::num::u8::ANY, 0..200)) {
            let before = sketch_of(&[1, 2_000, 3]);
            let mut sum = before.clone();
            if sum.merge_encoded(&bytes).is_err() {
                proptest::prop_assert_eq!(sum, before);
            }
            bytes.insert(0, VERSION);
            if let Ok(sketch) = LatencySketch::decode(&bytes) {
                proptest::prop_assert!(sketch.counts.len() <= 2_241);
                proptest::prop_assert_eq!(LatencySketch::decode(&sketch.encode()), Ok(sketch));
            }
        }
    }
}
