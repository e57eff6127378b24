//! The scene of a monitor's latency, for replies.

use crate::actions::history::charts::latency_chart::{ChartRequest, latency_scene};
use crate::discord::DiscordState;
use crate::discord::ui::error::CommandError;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::chart::scene::Scene;
use crate::domain::history::range::HistoryRange;
use crate::domain::monitor::MonitorId;

/// A range, and how its picture names it.
#[derive(Clone, Debug)]
pub(in crate::discord) struct NamedRange {
    pub range: HistoryRange,
    pub name: String,
}

impl NamedRange {
    /// The last 24 hours.
    pub(in crate::discord) fn last_day(now: Timestamp) -> Self {
        let range = HistoryRange {
            from: now.minus(std::time::Duration::from_secs(24 * 3600)),
            to: now,
        };
        let name = "24h".to_owned();
        Self { range, name }
    }
}

/// The latency of a monitor in a range.
pub(in crate::discord) async fn scene(
    app: &DiscordState,
    guild: GuildId,
    monitor: MonitorId,
    shown: NamedRange,
) -> Result<Scene, CommandError> {
    let request = ChartRequest {
        guild,
        monitor,
        range: shown.range,
        range_name: shown.name,
        kept_checks: app.kept_checks,
    };
    Ok(latency_scene(&app.store.reader, &request, app.now()).await?)
}
