//! When the reports of an hour came, in one or two bytes each: thresholds are proposed by the gaps of a week, which is longer than the
//! reports themselves are kept.
//!
//! The first time is its distance from the beginning of the hour, the second one its distance from the first; of the others it is how
//! much their gap differs from the one before. All are varints, in milliseconds.

use crate::Timestamp;
use crate::history::varint::{self, VarintReader};

/// Packs times in order. `start` is the beginning of the hour.
pub fn encode(start: Timestamp, times: &[Timestamp]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * times.len());
    let (mut last, mut gap) = (start.millis(), 0_i64);
    for at in times {
        let next = at.millis().wrapping_sub(last);
        varint::write_signed(&mut bytes, next.wrapping_sub(gap));
        (last, gap) = (at.millis(), next);
    }
    bytes
}

/// Unpacks times; `None` if the bytes are damaged.
pub fn decode(start: Timestamp, bytes: &[u8]) -> Option<Vec<Timestamp>> {
    let mut reader = VarintReader::new(bytes);
    let mut times = Vec::new();
    let (mut last, mut gap) = (start.millis(), 0_i64);
    while !reader.rest().is_empty() {
        gap = gap.wrapping_add(reader.signed()?);
        last = last.wrapping_add(gap);
        times.push(Timestamp::from_millis(last));
    }
    Some(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 1_795_996_800_000;

    fn times(millis: &[i64]) -> Vec<Timestamp> {
        millis
            .iter()
            .map(|millis| Timestamp::from_millis(HOUR + millis))
            .collect()
    }

    #[test]
    fn a_report_each_minute_takes_two_bytes() {
        let start = Timestamp::from_millis(HOUR);
        let each_minute: Vec<i64> = (0..60)
            .map(|minute| minute * 60_000 + 500 + minute * 37 % 50)
            .collect();
        let each_minute = times(&each_minute);
        let bytes = encode(start, &each_minute);
        assert!(bytes.len() <= 2 * 60 + 4, "{}", bytes.len());
        assert_eq!(decode(start, &bytes), Some(each_minute));
    }

    #[test]
    fn bytes_that_end_within_a_time_are_refused() {
        let start = Timestamp::from_millis(HOUR);
        let bytes = encode(start, &times(&[3_000_000]));
        assert_eq!(decode(start, &bytes[..bytes.len() - 1]), None);
        assert_eq!(decode(start, &[]), Some(Vec::new()));
    }

    proptest::proptest! {
        #[test]
        fn times_are_read_as_they_were_written(mut millis in proptest::collection::vec(0..3_600_000_i64, 0..100)) {
            millis.sort_unstable();
            let start = Timestamp::from_millis(HOUR);
            let written = times(&millis);
            proptest::prop_assert_eq!(decode(start, &encode(start, &written)), Some(written));
        }
    }
}
