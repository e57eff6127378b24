//! Blocks of summaries: the hours of a day or the days of a month in one value of the database, so that the names of metrics stand
//! there once.
//!
//! A block is a version byte, a CRC-32 of the rest, the names (a count, and each with its length) and the slots: a byte for its place,
//! the number of reports, and for each name a byte that says what follows. Counts and lengths are varints. A value is the upper 24 bits
//! of a 32-bit float, within 0.002 %. A number that did not change has one value, others have four.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{MetricSummary, ReportSummary};
use crate::history::varint::{self, VarintReader};

/// The first byte of a block.
const VERSION: u8 = 1;

/// The maximum number of metrics in a block: twice those of a slot, because names change.
pub const MOST_BLOCK_METRICS: usize = 400;

/// The longest name, in bytes: as in a report.
const LONGEST_NAME: usize = 128;

/// What the byte of a metric says: it is there; it has one value, because it did not change; it has a number of samples of its own,
/// because some reports omit it.
const PRESENT: u8 = 1;
const CONSTANT: u8 = 2;
const COUNTED: u8 = 4;

/// The bytes of a value.
const VALUE: usize = 3;

/// The summaries of a block by their places.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RollupBlock {
    slots: BTreeMap<u8, ReportSummary>,
}

/// Why bytes are not a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamagedBlock {
    /// Another version of Rollcall wrote it, or the first byte is damaged.
    UnknownVersion(u8),
    /// The bytes end too early.
    Truncated,
    /// The bytes have changed since they were written.
    Checksum,
    /// The checksum is right, but the content is not a block.
    Malformed,
}

impl fmt::Display for DamagedBlock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownVersion(version) => {
                write!(
                    out,
                    "the block of metrics has the unknown version {version}"
                )
            }
            Self::Truncated => out.write_str("the block of metrics is truncated"),
            Self::Checksum => out.write_str("the block of metrics does not match its checksum"),
            Self::Malformed => out.write_str("the block of metrics has a wrong format"),
        }
    }
}

impl std::error::Error for DamagedBlock {}

impl RollupBlock {
    /// The summaries by their places, in order.
    pub fn slots(&self) -> impl Iterator<Item = (u8, &ReportSummary)> {
        self.slots.iter().map(|(slot, summary)| (*slot, summary))
    }

    /// Sets the summary at a place, with values as they will be read again. One of more reports stays: since then, some of them were
    /// deleted. Metrics beyond `MOST_BLOCK_METRICS` are omitted: those that the block does not have yet.
    pub fn set(&mut self, slot: u8, summary: &ReportSummary) {
        if self
            .slots
            .get(&slot)
            .is_some_and(|known| known.reports > summary.reports)
        {
            return;
        }
        self.slots.remove(&slot);
        let mut names: BTreeSet<String> = self.names().into_iter().map(str::to_owned).collect();
        let mut kept = ReportSummary {
            reports: summary.reports,
            metrics: BTreeMap::new(),
        };
        for (name, metric) in &summary.metrics {
            let is_known = names.contains(name);
            if name.len() > LONGEST_NAME || (!is_known && names.len() >= MOST_BLOCK_METRICS) {
                continue;
            }
            names.insert(name.clone());
            kept.metrics.insert(name.clone(), as_stored(*metric));
        }
        self.slots.insert(slot, kept);
    }

    fn names(&self) -> BTreeSet<&str> {
        let slots = self.slots.values();
        slots
            .flat_map(|slot| slot.metrics.keys().map(String::as_str))
            .collect()
    }

    pub fn encode(&self) -> Vec<u8> {
        let names = self.names();
        let mut content = Vec::new();
        varint::write(&mut content, names.len() as u64);
        for name in &names {
            varint::write(&mut content, name.len() as u64);
            content.extend_from_slice(name.as_bytes());
        }
        for (slot, summary) in &self.slots {
            content.push(*slot);
            varint::write(&mut content, summary.reports);
            for name in &names {
                write_metric(&mut content, summary.metrics.get(*name), summary.reports);
            }
        }
        let mut block = vec![VERSION];
        block.extend_from_slice(&crc32fast::hash(&content).to_le_bytes());
        block.extend_from_slice(&content);
        block
    }

    /// Reads a block.
    ///
    /// # Errors
    /// `DamagedBlock` if the bytes are not what `encode` returned.
    pub fn decode(block: &[u8]) -> Result<Self, DamagedBlock> {
        let mut reader = VarintReader::new(block);
        let version = reader.byte().ok_or(DamagedBlock::Truncated)?;
        if version != VERSION {
            return Err(DamagedBlock::UnknownVersion(version));
        }
        let checksum = reader.bytes(4).ok_or(DamagedBlock::Truncated)?;
        if crc32fast::hash(reader.rest()).to_le_bytes() != checksum {
            return Err(DamagedBlock::Checksum);
        }
        content(&mut reader).ok_or(DamagedBlock::Malformed)
    }
}

fn content(reader: &mut VarintReader<'_>) -> Option<RollupBlock> {
    let names = names(reader)?;
    let mut slots = BTreeMap::new();
    while !reader.rest().is_empty() {
        let slot = reader.byte()?;
        let reports = reader.unsigned()?;
        let mut metrics = BTreeMap::new();
        for name in &names {
            if let Some(metric) = read_metric(reader, reports)? {
                metrics.insert(name.clone(), metric);
            }
        }
        slots.insert(slot, ReportSummary { reports, metrics });
    }
    Some(RollupBlock { slots })
}

fn names(reader: &mut VarintReader<'_>) -> Option<Vec<String>> {
    let count = usize::try_from(reader.unsigned()?).ok()?;
    if count > MOST_BLOCK_METRICS {
        return None;
    }
    let mut names = Vec::with_capacity(count);
    for _ in 0..count {
        let length = usize::try_from(reader.unsigned()?).ok()?;
        let name = std::str::from_utf8(reader.bytes(length)?).ok()?;
        names.push(name.to_owned());
    }
    Some(names)
}

fn write_metric(content: &mut Vec<u8>, metric: Option<&MetricSummary>, reports: u64) {
    let Some(metric) = metric else {
        content.push(0);
        return;
    };
    let is_constant = metric.least == metric.most;
    let is_counted = metric.samples != reports;
    let has = |is_so: bool, flag: u8| if is_so { flag } else { 0 };
    content.push(PRESENT | has(is_constant, CONSTANT) | has(is_counted, COUNTED));
    if is_counted {
        varint::write(content, metric.samples);
    }
    let values = [metric.least, metric.mean, metric.p95, metric.most];
    let count = if is_constant { 1 } else { values.len() };
    for value in values.into_iter().take(count) {
        content.extend_from_slice(&value_bytes(value));
    }
}

/// `None`: damaged. `Some(None)`: the slot does not have the metric.
fn read_metric(reader: &mut VarintReader<'_>, reports: u64) -> Option<Option<MetricSummary>> {
    let flags = reader.byte()?;
    if flags & PRESENT == 0 {
        return (flags == 0).then_some(None);
    }
    let samples = match flags & COUNTED {
        0 => reports,
        _ => reader.unsigned()?,
    };
    let least = read_value(reader)?;
    if flags & CONSTANT != 0 {
        return Some(Some(MetricSummary {
            least,
            mean: least,
            most: least,
            p95: least,
            samples,
        }));
    }
    let (mean, p95, most) = (
        read_value(reader)?,
        read_value(reader)?,
        read_value(reader)?,
    );
    Some(Some(MetricSummary {
        least,
        mean,
        most,
        p95,
        samples,
    }))
}

/// A summary with values as they are stored. Rounding keeps their order.
fn as_stored(metric: MetricSummary) -> MetricSummary {
    let stored = |value: f64| from_bytes(value_bytes(value));
    MetricSummary {
        least: stored(metric.least),
        mean: stored(metric.mean),
        most: stored(metric.most),
        p95: stored(metric.p95),
        samples: metric.samples,
    }
}

/// The nearest number with 24 bits. Those of a collector are so small that none becomes infinite.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the precision is what is given up"
)]
fn value_bytes(value: f64) -> [u8; VALUE] {
    let bits = (value as f32).to_bits().saturating_add(0x80);
    let [high, middle, low, _] = bits.to_be_bytes();
    [high, middle, low]
}

fn read_value(reader: &mut VarintReader<'_>) -> Option<f64> {
    let bytes: [u8; VALUE] = reader.bytes(VALUE)?.try_into().ok()?;
    Some(from_bytes(bytes)).filter(|value| value.is_finite())
}

fn from_bytes(bytes: [u8; VALUE]) -> f64 {
    let [high, middle, low] = bytes;
    f64::from(f32::from_bits(u32::from_be_bytes([high, middle, low, 0])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::server_rollup::ReportCollector;
    use crate::history::testing::Generator;

    fn metric(least: f64, mean: f64, p95: f64, most: f64, samples: u64) -> MetricSummary {
        MetricSummary {
            least,
            mean,
            most,
            p95,
            samples,
        }
    }

    fn slot(reports: u64, metrics: &[(&str, MetricSummary)]) -> ReportSummary {
        let metrics = metrics
            .iter()
            .map(|(name, metric)| ((*name).to_owned(), *metric));
        ReportSummary {
            reports,
            metrics: metrics.collect(),
        }
    }

    #[test]
    fn a_block_is_read_as_it_was_written() {
        let mut block = RollupBlock::default();
        let (one, other) = (
            metric(1.0, 2.5, 65_535.0, 65_536.0, 60),
            metric(-8.0, -8.0, -8.0, -8.0, 3),
        );
        block.set(7, &slot(60, &[("cpu", one), ("queue", other)]));
        block.set(23, &slot(10, &[("cpu", other)]));
        block.set(0, &slot(4, &[]));
        assert_eq!(RollupBlock::decode(&block.encode()), Ok(block.clone()));
        let slots: Vec<u8> = block.slots().map(|(slot, _)| slot).collect();
        assert_eq!(slots, [0, 7, 23]);
        assert_eq!(
            block.slots[&7].metrics["cpu"], one,
            "these values are exact"
        );
        assert_eq!(
            RollupBlock::decode(&RollupBlock::default().encode()),
            Ok(RollupBlock::default())
        );
    }

    #[test]
    fn a_summary_gives_way_to_one_of_as_many_reports_only() {
        let mut block = RollupBlock::default();
        for (reports, mean, shown) in [(5, 1.0, 1.0), (5, 2.0, 2.0), (4, 3.0, 2.0), (6, 4.0, 4.0)] {
            block.set(
                1,
                &slot(reports, &[("cpu", metric(mean, mean, mean, mean, reports))]),
            );
            assert_eq!(block.slots[&1].metrics["cpu"].mean, shown);
        }
    }

    #[test]
    fn a_block_has_at_most_400_metrics() {
        let named = |from: usize, to: usize| {
            let one = metric(0.0, 0.0, 0.0, 0.0, 1);
            let metrics = (from..to).map(|number| (format!("{number:03}"), one));
            ReportSummary {
                reports: 1,
                metrics: metrics.collect(),
            }
        };
        for (last, kept) in [(399, 399), (400, 400), (401, 400)] {
            let mut block = RollupBlock::default();
            block.set(0, &named(0, 200));
            block.set(1, &named(200, last));
            assert_eq!(block.names().len(), kept);
            block.set(2, &named(0, 200));
            assert_eq!(
                block.slots[&2].metrics.len(),
                200,
                "known names have their place"
            );
            assert_eq!(RollupBlock::decode(&block.encode()), Ok(block));
        }
        let mut block = RollupBlock::default();
        let one = metric(0.0, 0.0, 0.0, 0.0, 1);
        block.set(
            0,
            &slot(1, &[(&"x".repeat(128), one), (&"y".repeat(129), one)]),
        );
        assert_eq!(block.names().len(), 1);
    }

    #[test]
    fn damaged_blocks_are_refused() {
        let mut block = RollupBlock::default();
        block.set(3, &slot(2, &[("cpu", metric(1.0, 2.0, 3.0, 3.0, 2))]));
        let written = block.encode();
        for length in 0..written.len() {
            assert!(RollupBlock::decode(&written[..length]).is_err(), "{length}");
        }
        for index in 0..written.len() {
            let mut damaged = written.clone();
            damaged[index] ^= 0x10;
            assert!(RollupBlock::decode(&damaged).is_err(), "{index}");
        }
        let with_content = |content: &[u8]| {
            let mut block = vec![VERSION];
            block.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
            block.extend_from_slice(content);
            RollupBlock::decode(&block)
        };
        assert_eq!(with_content(&[0]), Ok(RollupBlock::default()));
        for content in [
            &[][..],
            &[0x91, 3],                            // 401 names
            &[1, 9, b'a'],                         // a name that ends early
            &[1, 1, 0xff],                         // a name that is no text
            &[0, 0],                               // a slot without a number of reports
            &[1, 1, b'a', 0, 1, 8],                // flags that do not exist
            &[1, 1, b'a', 0, 1, 3, 0x7f, 0x80, 0], // an infinite value
        ] {
            assert_eq!(
                with_content(content),
                Err(DamagedBlock::Malformed),
                "{content:?}"
            );
        }
    }

    /// Twenty metrics as agents report them, each minute: percentages, and totals that never change.
    fn twenty_metrics(generator: &mut Generator) -> ReportSummary {
        let mut collector = ReportCollector::new(60);
        for _ in 0..60 {
            let number = |index: i32| match index {
                0..6 => 1e6 * f64::from(index + 1),
                _ => f64::from(generator.below(10_000)) / 100.0,
            };
            let numbers: Vec<f64> = (0..20).map(number).collect();
            let names = (0..20).map(|index| format!("memory.figure_{index}"));
            collector.add(&names.zip(numbers).collect::<Vec<_>>());
        }
        collector.summary()
    }

    #[test]
    fn a_server_takes_five_kilobytes_for_the_hours_of_a_day_and_200_bytes_for_the_day() {
        let mut generator = Generator::new(7);
        for (slots, bytes) in [(24, 5_328), (32, 6_992)] {
            let mut block = RollupBlock::default();
            for slot in 0..slots {
                block.set(slot, &twenty_metrics(&mut generator));
            }
            assert_eq!(block.encode().len(), bytes, "{slots} slots");
        }
    }

    proptest::proptest! {
        #[test]
        fn rounding_keeps_the_order_and_is_within_0_002_percent(numbers in proptest::collection::vec(proptest::num::f32::NORMAL, 1..30)) {
            let mut collector = ReportCollector::new(30);
            for number in &numbers {
                collector.add(&[("cpu".to_owned(), f64::from(*number))]);
            }
            let exact = collector.summary();
            let mut block = RollupBlock::default();
            block.set(0, &exact);
            let read = RollupBlock::decode(&block.encode()).unwrap();
            proptest::prop_assert_eq!(&read, &block);
            let (exact, read) = (exact.metrics["cpu"], read.slots[&0].metrics["cpu"]);
            proptest::prop_assert!(read.least <= read.mean && read.mean <= read.most);
            proptest::prop_assert!(read.least <= read.p95 && read.p95 <= read.most);
            for (exact, read) in [(exact.least, read.least), (exact.p95, read.p95), (exact.most, read.most)] {
                proptest::prop_assert!((exact - read).abs() <= exact.abs() * 2e-5, "{} {}", exact, read);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Ok(block) = RollupBlock::decode(&bytes) {
                proptest::prop_assert_eq!(RollupBlock::decode(&block.encode()), Ok(block));
            }
        }
    }
}
