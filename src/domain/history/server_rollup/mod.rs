//! What is kept of the reports of servers when the reports themselves are deleted: of each number the least, the mean, the most and
//! the 95th percentile of an hour and of a day, and for a week when the reports came.

mod block;
mod collector;
pub mod report_times;

pub use block::{DamagedBlock, MOST_BLOCK_METRICS, RollupBlock};
pub use collector::{MOST_SLOT_METRICS, ReportCollector};

use std::collections::BTreeMap;

/// A number over an hour or a day. `least` ≤ `mean` ≤ `most` and `least` ≤ `p95` ≤ `most`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricSummary {
    pub least: f64,
    /// Of all samples, each with the same weight.
    pub mean: f64,
    pub most: f64,
    /// The least sample that 95 of 100 samples do not exceed (nearest rank): up to 19 samples, the most.
    pub p95: f64,
    /// How many reports had the number.
    pub samples: u64,
}

/// The reports of an hour or a day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportSummary {
    pub reports: u64,
    /// Keyed by path: `cpu`, `memory.used`, `load.0`, `metrics.queue`.
    pub metrics: BTreeMap<String, MetricSummary>,
}

/// How long a summary is, and how many are kept in one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RollupStep {
    /// The hours of a day (UTC) are a block.
    Hour,
    /// 32 days are a block, counted from 1970-01-01.
    Day,
}

impl RollupStep {
    pub const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// In milliseconds.
    pub const fn millis(self) -> i64 {
        match self {
            Self::Hour => 3_600_000,
            Self::Day => 24 * 3_600_000,
        }
    }

    const fn slots(self) -> i64 {
        match self {
            Self::Hour => 24,
            Self::Day => 32,
        }
    }

    /// The hour or the day of a moment, counted from 1970-01-01.
    pub const fn of(self, at: crate::Timestamp) -> i64 {
        at.millis().div_euclid(self.millis())
    }

    /// The first millisecond of an hour or a day.
    pub const fn starts_at(self, number: i64) -> crate::Timestamp {
        crate::Timestamp::from_millis(number.saturating_mul(self.millis()))
    }

    /// The block of an hour or a day.
    pub const fn block(self, number: i64) -> i64 {
        number.div_euclid(self.slots())
    }

    /// The place of an hour or a day in its block.
    pub fn slot(self, number: i64) -> u8 {
        u8::try_from(number.rem_euclid(self.slots())).unwrap_or(0)
    }

    /// The hour or the day at a place of a block.
    pub fn number(self, block: i64, slot: u8) -> i64 {
        block
            .saturating_mul(self.slots())
            .saturating_add(i64::from(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn each_hour_and_day_has_one_place_in_one_block() {
        for (step, at, number, block, slot) in [
            (RollupStep::Hour, 0, 0, 0, 0),
            (RollupStep::Hour, 3_599_999, 0, 0, 0),
            (RollupStep::Hour, 3_600_000, 1, 0, 1),
            (RollupStep::Hour, 86_399_999, 23, 0, 23),
            (RollupStep::Hour, 86_400_000, 24, 1, 0),
            (RollupStep::Hour, -1, -1, -1, 23),
            (RollupStep::Day, 86_399_999, 0, 0, 0),
            (RollupStep::Day, 31 * 86_400_000, 31, 0, 31),
            (RollupStep::Day, 32 * 86_400_000, 32, 1, 0),
            (RollupStep::Day, -1, -1, -1, 31),
        ] {
            let found = step.of(Timestamp::from_millis(at));
            assert_eq!(found, number, "{step:?} {at}");
            assert_eq!(
                (step.block(number), step.slot(number)),
                (block, slot),
                "{step:?} {at}"
            );
            assert_eq!(step.number(block, slot), number, "{step:?} {at}");
            assert!(step.starts_at(number).millis() <= at);
            assert!(step.starts_at(number + 1).millis() > at);
        }
    }
}
