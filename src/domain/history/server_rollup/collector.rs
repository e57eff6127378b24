//! Collects the numbers of reports, one report after another. Of each number it keeps only the largest twentieth, of which the 95th
//! percentile follows, so a day of reports, one each second, takes some megabytes.

use std::collections::BTreeMap;

use super::{MetricSummary, ReportSummary};

/// The maximum number of metrics of an hour or a day, as of a report.
pub const MOST_SLOT_METRICS: usize = 200;

/// Numbers beyond this size count as this size: the largest one that is stored.
const LARGEST: f64 = 3.4e38;

/// The reports of an hour or a day.
#[derive(Clone, Debug)]
pub struct ReportCollector {
    reports: u64,
    /// How many of the largest numbers the percentile may need.
    room: usize,
    metrics: BTreeMap<String, Collected>,
}

impl ReportCollector {
    /// A collector for at most `most` reports. Of more, the percentile would be too low.
    pub fn new(most: u64) -> Self {
        Self {
            reports: 0,
            room: usize::try_from(most / 20)
                .unwrap_or(usize::MAX)
                .saturating_add(1),
            metrics: BTreeMap::new(),
        }
    }

    /// Adds the numbers of a report, by path. Beyond `MOST_SLOT_METRICS`, further metrics are omitted.
    pub fn add(&mut self, numbers: &[(String, f64)]) {
        self.reports += 1;
        for (path, number) in numbers {
            if !number.is_finite() {
                continue;
            }
            let number = number.clamp(-LARGEST, LARGEST);
            if let Some(known) = self.metrics.get_mut(path) {
                known.add(number, self.room);
            } else if self.metrics.len() < MOST_SLOT_METRICS {
                self.metrics.insert(path.clone(), Collected::first(number));
            }
        }
    }

    /// The reports so far.
    pub fn summary(self) -> ReportSummary {
        let summary = |(path, collected): (String, Collected)| (path, collected.summary(self.room));
        ReportSummary {
            reports: self.reports,
            metrics: self.metrics.into_iter().map(summary).collect(),
        }
    }
}

#[derive(Clone, Debug)]
struct Collected {
    least: f64,
    most: f64,
    sum: f64,
    count: u64,
    /// The largest numbers, in any order: at least as many as there is room for, at most twice as many.
    largest: Vec<f64>,
}

impl Collected {
    fn first(number: f64) -> Self {
        Self {
            least: number,
            most: number,
            sum: number,
            count: 1,
            largest: vec![number],
        }
    }

    fn add(&mut self, number: f64, room: usize) {
        self.least = self.least.min(number);
        self.most = self.most.max(number);
        self.sum += number;
        self.count += 1;
        self.largest.push(number);
        if self.largest.len() >= room.saturating_mul(2) {
            self.largest
                .select_nth_unstable_by(room - 1, |one, other| other.total_cmp(one));
            self.largest.truncate(room);
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "there are far fewer than 2^53 reports"
    )]
    fn summary(mut self, room: usize) -> MetricSummary {
        self.largest
            .sort_unstable_by(|one, other| other.total_cmp(one));
        self.largest.truncate(room);
        let rank = (self.count * 95).div_ceil(100);
        let from_top = usize::try_from(self.count - rank).unwrap_or(usize::MAX);
        let p95 = self.largest.get(from_top).or(self.largest.last());
        MetricSummary {
            least: self.least,
            // A sum is rounded, and must not move the mean beyond the samples.
            mean: (self.sum / self.count as f64).clamp(self.least, self.most),
            most: self.most,
            p95: p95.copied().unwrap_or(self.most),
            samples: self.count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(numbers: &[f64]) -> MetricSummary {
        let mut collector = ReportCollector::new(numbers.len() as u64);
        for number in numbers {
            collector.add(&[("cpu".to_owned(), *number)]);
        }
        let summary = collector.summary();
        assert_eq!(summary.reports, numbers.len() as u64);
        summary.metrics["cpu"]
    }

    #[test]
    fn few_numbers_have_the_most_as_percentile() {
        let up_to = |count: i32| (1..=count).map(f64::from).collect::<Vec<f64>>();
        for (count, p95) in [
            (1, 1.0),
            (2, 2.0),
            (19, 19.0),
            (20, 19.0),
            (21, 20.0),
            (39, 38.0),
            (40, 38.0),
            (41, 39.0),
            (100, 95.0),
        ] {
            let found = summary(&up_to(count));
            let expected = MetricSummary {
                least: 1.0,
                mean: (f64::from(count) + 1.0) / 2.0,
                most: f64::from(count),
                p95,
                samples: u64::from(count.unsigned_abs()),
            };
            assert_eq!(found, expected, "{count}");
            let mut backward = up_to(count);
            backward.reverse();
            assert_eq!(summary(&backward), expected, "{count}");
        }
    }

    #[test]
    fn the_mean_of_equal_numbers_is_that_number() {
        for number in [0.1, -0.1, 0.7, 1e300, -1e300, 5e-324] {
            let found = summary(&[number; 3]);
            assert_eq!(
                (found.least, found.most),
                (found.mean, found.p95),
                "{number}"
            );
            assert!(found.mean.abs() <= LARGEST);
        }
    }

    #[test]
    fn a_number_that_some_reports_omit_counts_for_the_others() {
        let mut collector = ReportCollector::new(4);
        for report in [
            &[("a", 1.0), ("b", 5.0)][..],
            &[("a", 3.0)],
            &[],
            &[("b", f64::NAN)],
        ] {
            let numbers: Vec<(String, f64)> = report
                .iter()
                .map(|(path, number)| ((*path).to_owned(), *number))
                .collect();
            collector.add(&numbers);
        }
        let found = collector.summary();
        assert_eq!(found.reports, 4);
        assert_eq!(
            (found.metrics["a"].mean, found.metrics["a"].samples),
            (2.0, 2)
        );
        assert_eq!(
            (found.metrics["b"].p95, found.metrics["b"].samples),
            (5.0, 1)
        );
    }

    #[test]
    fn the_first_200_metrics_are_kept() {
        for (count, kept) in [(199, 199), (200, 200), (201, 200)] {
            let mut collector = ReportCollector::new(2);
            let numbers: Vec<(String, f64)> =
                (0..count).map(|n| (format!("{n:03}"), 1.0)).collect();
            collector.add(&numbers);
            collector.add(&numbers);
            let found = collector.summary();
            assert_eq!(found.metrics.len(), kept);
            assert!(found.metrics.values().all(|one| one.samples == 2));
        }
    }

    proptest::proptest! {
        #[test]
        fn a_summary_equals_that_of_all_numbers_in_order(
            numbers in proptest::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::ZERO, 1..200),
            more in 0_u64..50,
        ) {
            let mut collector = ReportCollector::new(numbers.len() as u64 + more);
            for number in &numbers {
                collector.add(&[("cpu".to_owned(), *number)]);
            }
            let found = collector.summary().metrics["cpu"];
            let mut sorted: Vec<f64> = numbers.iter().map(|number| number.clamp(-LARGEST, LARGEST)).collect();
            sorted.sort_by(f64::total_cmp);
            let at = |rank: usize| sorted[rank - 1];
            proptest::prop_assert_eq!(found.least, at(1));
            proptest::prop_assert_eq!(found.most, at(sorted.len()));
            proptest::prop_assert_eq!(found.p95, at((sorted.len() * 95).div_ceil(100)));
            proptest::prop_assert!(found.least <= found.mean && found.mean <= found.most);
            let mean = sorted.iter().map(|number| number / sorted.len() as f64).sum::<f64>();
            let size = sorted.iter().fold(0.0_f64, |size, number| size.max(number.abs()));
            proptest::prop_assert!((found.mean - mean).abs() <= size * 1e-9);
        }
    }
}
