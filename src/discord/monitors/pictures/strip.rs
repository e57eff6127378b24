//! The scene of what monitors were on each day, for replies.

use crate::actions::history::charts::day_figures;
use crate::actions::history::uptime::MonitorUptime;
use crate::discord::DiscordState;
use crate::discord::ui::error::CommandError;
use crate::domain::discord_id::GuildId;
use crate::domain::history::chart::scene::Scene;
use crate::domain::history::range::HistoryRange;
use crate::domain::text;
use crate::store::guild::guild_setting;

/// The days of the first monitors of a list, in a range of at most 92 days.
pub(in crate::discord) async fn scene(
    app: &DiscordState,
    guild: GuildId,
    monitors: &[MonitorUptime],
    range: HistoryRange,
) -> Result<Scene, CommandError> {
    let reader = &app.store.reader;
    let zone = guild_setting::timezone(reader, guild).await?;
    let days = day_figures::of(reader, monitors, range, zone, app.now()).await?;
    let local = |at| text::local_minute(at, zone);
    Ok(days.strip(&format!("{} to {}", local(range.from), local(range.to))))
}
