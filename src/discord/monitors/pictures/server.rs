//! The scene of what a server reports, for replies.

use super::latency::NamedRange;
use crate::actions::history::charts::server_metrics::{self, MetricsRequest};
use crate::discord::DiscordState;
use crate::discord::ui::error::CommandError;
use crate::domain::discord_id::GuildId;
use crate::domain::history::chart::scene::Scene;
use crate::domain::monitor::MonitorId;

/// Processors, memory, disks and load of a server in a range.
pub(in crate::discord) async fn scene(
    app: &DiscordState,
    guild: GuildId,
    server: MonitorId,
    shown: NamedRange,
) -> Result<Scene, CommandError> {
    let request = MetricsRequest {
        guild,
        server,
        range: shown.range,
        range_name: shown.name,
    };
    Ok(server_metrics::scene(&app.store.reader, &request).await?)
}
