//! How long the checks of a monitor took, step by step: of single checks, or of days where those are not kept.

use std::collections::HashMap;
use std::time::Duration;

use super::checks::MonitorChecks;
use crate::domain::Timestamp;
use crate::domain::history::iso_week::IsoWeek;
use crate::domain::history::latency::series::{LatencyPoint, LatencySeries, LatencySteps};
use crate::domain::history::range::HistoryRange;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::store::history::daily_stats::{self, DayStats};
use crate::store::{Reader, StoreError};

/// Since when single checks are kept, of `keep` altogether. They are deleted by whole weeks.
pub fn checks_from(keep: Duration, now: Timestamp) -> Timestamp {
    IsoWeek::of(now.minus(keep)).starts_at()
}

/// The steps of a series of a monitor. Only endpoints have single checks.
pub fn steps(
    kind: MonitorKind,
    range: HistoryRange,
    asked: Option<Duration>,
    checks_from: Timestamp,
) -> LatencySteps {
    let has_checks = kind == MonitorKind::Endpoint;
    LatencySteps::of(range, asked, has_checks.then_some(checks_from))
}

/// The series of a monitor. A step with checks that cannot be read, which the log says, has only the others.
pub async fn series(
    reader: &Reader,
    monitor: MonitorId,
    steps: LatencySteps,
) -> Result<LatencySeries, StoreError> {
    let mut series = LatencySeries::new(steps);
    if steps.are_days {
        let (first, last) = steps.days();
        let stored = daily_stats::load(reader, &[monitor], first, last).await?;
        add_days(&mut series, stored);
        return Ok(series);
    }
    let checks = MonitorChecks::open(reader, monitor).await?;
    for week in checks.weeks(reader, steps.range).await? {
        let found = checks.week(reader, week, steps.range).await?;
        found.checks.iter().for_each(|check| series.record(check));
    }
    Ok(series)
}

fn add_days(series: &mut LatencySeries, stored: HashMap<(MonitorId, i64), DayStats>) {
    for stats in stored.into_values() {
        let point = LatencyPoint {
            checks: stats.checks,
            failures: stats.failures,
            latencies: stats.latencies,
        };
        series.add_day(stats.day, &point);
    }
}
