//! Packing and unpacking are inverse, damage is always noticed, and a week is small.

use std::f64::consts::TAU;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::sample::Index;

use super::*;
use crate::history::testing::Generator;

/// 2026-11-23T00:00:00Z, a Monday.
const MONDAY: i64 = 1_795_392_000_000;

fn check(millis: i64, index: u16, class: u8) -> ArchivedCheck {
    ArchivedCheck {
        at: Timestamp::from_millis(millis),
        latency: LatencyBucket::from_index(index).unwrap(),
        class: ResultClass::from_code(class),
    }
}

/// Checks once a minute, up to 5 ms late, with a log-normal latency that has a daily wave and this deviation, 1 % spikes and
/// two outages.
fn checks(number: u32, deviation: f64) -> Vec<ArchivedCheck> {
    let mut generator = Generator::new(17);
    let mut checks = Vec::new();
    for minute in 0..number {
        let late = generator.below(6);
        let wave = 1.0 + 0.3 * (f64::from(minute) / 1_440.0 * TAU).sin();
        let spike = match generator.below(100) {
            0 => 5.0 + 15.0 * generator.share(),
            _ => 1.0,
        };
        let mut latency = generator.latency(deviation).mul_f64(wave * spike);
        let mut class = ResultClass::UP;
        if (3_000..3_045).contains(&minute) || (7_000..7_200).contains(&minute) {
            latency = std::time::Duration::from_millis(10_000 + u64::from(generator.below(4)));
            class = ResultClass::from_code(2);
        }
        checks.push(ArchivedCheck {
            at: Timestamp::from_millis(MONDAY + i64::from(minute) * 60_000 + i64::from(late)),
            latency: LatencyBucket::of(latency),
            class,
        });
    }
    checks
}

fn bytes_per_check(deviation: f64) -> f64 {
    let week = checks(10_080, deviation);
    let blob = encode(&week).unwrap();
    assert_eq!(decode(&blob).as_ref(), Ok(&week));
    f64::from(u32::try_from(blob.len()).unwrap()) / 10_080.0
}

#[test]
fn a_week_of_checks_takes_about_a_byte_each() {
    for (deviation, most) in [(0.15, 1.07), (0.2, 1.11), (0.3, 1.18)] {
        let bytes = bytes_per_check(deviation);
        assert!(bytes <= most, "deviation {deviation}: {bytes:.3} B a check");
    }
}

#[test]
fn an_hour_of_checks_takes_less_than_three_bytes_each() {
    let block = encode(&checks(60, 0.2)).unwrap();
    assert!(block.len() < 180, "{} B", block.len());
}

#[test]
fn a_block_has_the_documented_bytes() {
    assert_eq!(encode(&[]).unwrap()[..2], [1, 0]);
    let three = [check(1_000, 3, 0), check(2_001, 4, 0), check(3_000, 3, 255)];
    let block = encode(&three).unwrap();
    assert_eq!(block[..2], [1, 3]);
    let content = [
        &[0xd0, 0x0f, 0xd0, 0x0f][..], // 1,000 ms and steps of 1,000 ms
        &[4, 2, 0],                    // 1 ms and 0 ms late
        &[6, 6, 2, 0],                 // bucket 3, then one more than expected and as expected
        &[8, 0, 2, 255, 1],            // two are up, one is unknown
    ];
    assert_eq!(block[6..], content.concat());
    let crc = crc32fast::hash(&[&block[..2], &block[6..]].concat());
    assert_eq!(block[2..6], crc.to_le_bytes());
}

#[test]
fn a_block_has_a_limited_number_of_checks() {
    let mut many = vec![check(0, 300, 0); MAX_CHECKS];
    let blob = encode(&many).unwrap();
    assert_eq!(decode(&blob).map(|checks| checks.len()), Ok(MAX_CHECKS));
    let one = encode(&many[..1]).unwrap();
    assert_eq!(
        append(Some(&blob), &[one]),
        Err(AppendError::TooMany(TooManyChecks(MAX_CHECKS + 1)))
    );
    many.push(check(0, 300, 0));
    assert_eq!(encode(&many), Err(TooManyChecks(MAX_CHECKS + 1)));
    let mut claimed = vec![VERSION];
    varint::write(&mut claimed, 700_001);
    assert_eq!(decode(&claimed), Err(DamagedArchive::TooMany(700_001)));
}

#[test]
fn blocks_are_appended_in_the_order_of_their_times() {
    let block = |checks: &[ArchivedCheck]| encode(checks).unwrap();
    let week = block(&[check(1_000, 1, 0), check(3_000, 2, 0)]);
    // The clock was set back, and one check has the time of another.
    let late = block(&[check(4_000, 3, 0), check(2_000, 4, 1)]);
    let equal = block(&[check(3_000, 5, 0), check(3_000, 2, 0)]);
    let appended = append(Some(&week), &[&late[..], &equal, &block(&[])]).unwrap();
    let expected = [
        check(1_000, 1, 0),
        check(2_000, 4, 1),
        check(3_000, 2, 0),
        check(3_000, 5, 0),
        check(3_000, 2, 0),
        check(4_000, 3, 0),
    ];
    assert_eq!(decode(&appended).unwrap(), expected);
    assert_eq!(append(None, &[&week]).unwrap(), week);
    assert_eq!(append(None, &[] as &[Vec<u8>]).unwrap(), block(&[]));
}

#[test]
fn the_damaged_one_of_several_blocks_is_named() {
    let good = encode(&[check(1_000, 1, 0)]).unwrap();
    let mut damaged = good.clone();
    damaged[8] ^= 1;
    assert_eq!(
        append(Some(&damaged), &[&good]),
        Err(AppendError::Week(DamagedArchive::Checksum))
    );
    let error = append(Some(&good), &[&good, &damaged]).unwrap_err();
    let damage = DamagedArchive::Checksum;
    assert_eq!(error, AppendError::Block { index: 1, damage });
    assert_eq!(
        error.to_string(),
        "block 1: the archived checks do not match their checksum"
    );
}

#[test]
fn every_damaged_bit_and_every_truncation_is_noticed() {
    let hour = encode(&checks(60, 0.2)).unwrap();
    for bit in 0..8 * hour.len() {
        let mut damaged = hour.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&damaged).is_err(), "bit {bit}");
    }
    for length in 0..hour.len() {
        assert!(decode(&hour[..length]).is_err(), "{length} B");
    }
    let longer = [&hour[..], &[0]].concat();
    assert_eq!(decode(&longer), Err(DamagedArchive::Checksum));
}

/// A block of any content, with a correct checksum.
fn sealed(count: u64, content: &[u8]) -> Vec<u8> {
    let mut block = vec![VERSION];
    varint::write(&mut block, count);
    let checksum = checksum(&block, content);
    [&block[..], &checksum.to_le_bytes(), content].concat()
}

/// Contents of blocks with this number of checks: the time of the first one, the step, and three streams.
const CONTENTS: [(u64, &[u8], Result<usize, DamagedArchive>); 16] = [
    // No checks, without and with more bytes.
    (0, &[], Ok(0)),
    (0, &[0], MALFORMED),
    // One check: bucket 4, up. Without content, with more bytes, and with a stream that ends early.
    (1, &[0, 2, 0, 2, 8, 4, 0, 1], Ok(1)),
    (1, &[], Err(DamagedArchive::Truncated)),
    (1, &[0, 2, 0, 2, 8, 4, 0, 1, 0], MALFORMED),
    (1, &[0, 2, 0, 2, 8, 4, 0], Err(DamagedArchive::Truncated)),
    // One time and one latency for two checks; two times, two latencies, a run of two and a run of none for one.
    (2, &[0, 2, 0, 2, 8, 4, 0, 2], MALFORMED),
    (1, &[0, 2, 2, 0, 2, 8, 4, 0, 1], MALFORMED),
    (1, &[0, 2, 0, 4, 8, 8, 4, 0, 1], MALFORMED),
    (1, &[0, 2, 0, 2, 8, 4, 0, 2], MALFORMED),
    (1, &[0, 2, 0, 2, 8, 4, 0, 0], MALFORMED),
    // A bucket before the first one, the largest one, and the one after that.
    (1, &[0, 2, 0, 2, 1, 4, 0, 1], MALFORMED),
    (1, &[0, 2, 0, 4, 0x80, 0x23, 4, 0, 1], Ok(1)),
    (1, &[0, 2, 0, 4, 0x82, 0x23, 4, 0, 1], MALFORMED),
    // A stream that claims to be compressed, and a claim of many checks without any.
    (1, &[0, 2, 0, 3, 8, 4, 0, 1], MALFORMED),
    (700_000, &[0, 2, 0, 2, 8, 4, 0, 1], MALFORMED),
];
const MALFORMED: Result<usize, DamagedArchive> = Err(DamagedArchive::Malformed);

#[test]
fn content_that_is_no_block_is_rejected_although_its_checksum_is_right() {
    for (count, content, expected) in CONTENTS {
        let decoded = decode(&sealed(count, content));
        let read = decoded.map(|checks| checks.len());
        assert_eq!(read, expected, "{count} checks: {content:?}");
    }
}

#[test]
fn unknown_versions_are_rejected() {
    let block = encode(&[check(1_000, 1, 0)]).unwrap();
    for version in [0, 2, 255] {
        let mut other = block.clone();
        other[0] = version;
        assert_eq!(decode(&other), Err(DamagedArchive::UnknownVersion(version)));
    }
    assert_eq!(decode(&[]), Err(DamagedArchive::Truncated));
}

/// Fewer checks than this, in any order, at any time.
fn any_checks(limit: usize) -> impl Strategy<Value = Vec<ArchivedCheck>> {
    let millis = proptest::prop_oneof![
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX),
        MONDAY..MONDAY + 600_000,
        0_i64..5
    ];
    let class = proptest::prop_oneof![Just(0), Just(2), any::<u8>()];
    let one = (millis, 0_u16..=2240, class);
    vec(
        one.prop_map(|(millis, index, class)| check(millis, index, class)),
        0..limit,
    )
}

proptest::proptest! {
    #[test]
    fn blocks_round_trip(checks in any_checks(100)) {
        let block = encode(&checks).unwrap();
        proptest::prop_assert_eq!(decode(&block), Ok(checks));
    }

    #[test]
    fn appending_keeps_every_check(parts in vec(any_checks(20), 0..5)) {
        let blocks: Vec<Vec<u8>> = parts.iter().map(|checks| encode(checks).unwrap()).collect();
        let mut expected = parts.concat();
        expected.sort_by_key(|check| check.at);
        let at_once = append(None, &blocks).unwrap();
        let one_by_one = blocks.iter().fold(encode(&[]).unwrap(), |week, block| append(Some(&week), &[block]).unwrap());
        proptest::prop_assert_eq!(decode(&at_once), Ok(expected));
        proptest::prop_assert_eq!(at_once, one_by_one);
    }

    #[test]
    fn any_bytes_are_rejected(bytes in vec(any::<u8>(), 0..300)) {
        proptest::prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn changed_bytes_are_noticed(checks in any_checks(40), changes in vec((any::<Index>(), any::<u8>()), 1..4)) {
        let block = encode(&checks).unwrap();
        let mut changed = block.clone();
        for (index, byte) in changes {
            let index = index.index(changed.len());
            changed[index] = byte;
        }
        proptest::prop_assert!(changed == block || decode(&changed).is_err());
    }

    #[test]
    fn any_content_with_a_right_checksum_is_read_or_rejected(count in 0_u64..800_000, content in vec(any::<u8>(), 0..200)) {
        if let Ok(checks) = decode(&sealed(count, &content)) {
            proptest::prop_assert_eq!(checks.len() as u64, count);
        }
    }

    #[test]
    fn changed_content_with_a_right_checksum_is_read_or_rejected(
        checks in any_checks(40),
        change in (any::<Index>(), any::<u8>()),
    ) {
        let block = encode(&checks).unwrap();
        let count = checks.len() as u64;
        let mut content = block[sealed(count, &[]).len()..].to_vec();
        if !content.is_empty() {
            let index = change.0.index(content.len());
            content[index] = change.1;
        }
        if let Ok(read) = decode(&sealed(count, &content)) {
            proptest::prop_assert_eq!(read.len(), checks.len());
        }
    }
}
