//! The pictures of a monitor's latency and status in a range.

use std::time::Duration;

use crate::actions::Error;
use crate::actions::history::{latency, uptime};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::chart::latency_chart::LatencyChart;
use crate::domain::history::chart::scene::Scene;
use crate::domain::history::chart::status_chart::StatusChart;
use crate::domain::history::range::HistoryRange;
use crate::domain::monitor::MonitorId;
use crate::store::Reader;
use crate::store::guild::guild_setting;

/// Steps of a picture are so long at least that most of them have a check, but for ranges of less than 20 of them.
const SHORTEST_STEP: Duration = Duration::from_secs(120);

/// What a picture shows.
#[derive(Clone, Debug)]
pub struct ChartRequest {
    pub guild: GuildId,
    pub monitor: MonitorId,
    pub range: HistoryRange,
    /// The range as it was typed.
    pub range_name: String,
    /// How long single checks are kept.
    pub kept_checks: Duration,
}

/// The scene of the picture.
///
/// # Errors
/// `NotFound` if the guild has no such monitor, or it was removed before the range.
pub async fn latency_scene(
    reader: &Reader,
    request: &ChartRequest,
    now: Timestamp,
) -> Result<Scene, Error> {
    let (id, range) = (request.monitor, request.range);
    let found = uptime::one(reader, request.guild, id, range, now).await?;
    let observed = uptime::observed(reader, range, now).await?;
    let checks_from = latency::checks_from(request.kept_checks, now);
    let steps = latency::steps(found.monitor.kind, range, Some(step(range)), checks_from);
    let series = latency::series(reader, id, steps).await?;
    let chart = LatencyChart {
        name: &found.monitor.name,
        range_name: &request.range_name,
        range,
        zone: guild_setting::timezone(reader, request.guild).await?,
        series: &series,
        periods: &uptime::periods(&found.monitor, &observed, range),
    };
    Ok(chart.scene())
}

/// The time between two figures.
fn step(range: HistoryRange) -> Duration {
    let length = range.length();
    (length / 100).max(SHORTEST_STEP.min(length / 20))
}

/// The scene of the status alone, for a monitor whose checks have no latency.
///
/// # Errors
/// `NotFound` if the guild has no such monitor, or it was removed before the range.
pub async fn status_scene(
    reader: &Reader,
    request: &ChartRequest,
    now: Timestamp,
) -> Result<Scene, Error> {
    let range = request.range;
    let found = uptime::one(reader, request.guild, request.monitor, range, now).await?;
    let observed = uptime::observed(reader, range, now).await?;
    let chart = StatusChart {
        name: &found.monitor.name,
        range_name: &request.range_name,
        range,
        zone: guild_setting::timezone(reader, request.guild).await?,
        periods: &uptime::periods(&found.monitor, &observed, range),
    };
    Ok(chart.scene())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_a_check_each_unless_the_range_is_short() {
        for (minutes, seconds) in [
            (24 * 60, 864),
            (201, 120),
            (200, 120),
            (60, 120),
            (40, 120),
            (39, 117),
            (1, 3),
        ] {
            let range = HistoryRange {
                from: Timestamp::from_millis(0),
                to: Timestamp::from_millis(minutes * 60_000),
            };
            assert_eq!(step(range).as_secs(), seconds, "{minutes} min");
        }
    }
}
