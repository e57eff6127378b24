//! The picture of a summary: the downtime of all monitors by weekday and hour.

use crate::actions::Error;
use crate::actions::history::charts::day_range;
use crate::actions::history::charts::weekday_hours::{self, HoursRequest};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::chart::scene::Scene;
use crate::domain::history::summary::RangeSummary;
use crate::domain::text;
use crate::store::Reader;
use crate::store::guild::guild_setting;
use crate::store::history::monitor_history::HistoryScope;

/// Whether a summary has a picture: a monitor was offline, and the range has few enough days.
pub fn is_worth_it(summary: &RangeSummary) -> bool {
    summary.offline() > 0 && day_range::is_in_days(summary.range)
}

/// The scene of the picture.
///
/// # Errors
/// `Invalid` for more days than such a picture may have.
pub async fn scene(
    reader: &Reader,
    guild: GuildId,
    summary: &RangeSummary,
    now: Timestamp,
) -> Result<Scene, Error> {
    let zone = guild_setting::timezone(reader, guild).await?;
    let local = |at| text::local_minute(at, zone);
    let range = summary.range;
    let request = HoursRequest {
        guild,
        scope: HistoryScope::All,
        range,
        range_name: format!("{} to {}", local(range.from), local(range.to)),
    };
    weekday_hours::scene(reader, &request, now).await
}
