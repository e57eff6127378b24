//! The downtime of the monitors of a guild by weekday and hour.

use crate::actions::Error;
use crate::actions::history::charts::day_range;
use crate::actions::history::uptime;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::chart::hours::heat_map::WeekHeatMap;
use crate::domain::history::chart::hours::weekday_hours::WeekdayHours;
use crate::domain::history::chart::scene::Scene;
use crate::domain::history::range::HistoryRange;
use crate::store::Reader;
use crate::store::guild::guild_setting;
use crate::store::history::monitor_history::{self, HistoryScope};

/// Which monitors of a guild are shown, and when.
#[derive(Clone, Debug)]
pub struct HoursRequest {
    pub guild: GuildId,
    pub scope: HistoryScope,
    pub range: HistoryRange,
    /// The range as it was typed.
    pub range_name: String,
}

/// The picture of the monitors in their scope, of any number: it adds them up, and keeps the spans of 32 at a time. A monitor that
/// changes its status very often counts from when its spans are known.
///
/// # Errors
/// `Invalid` for more than 92 days.
pub async fn scene(
    reader: &Reader,
    request: &HoursRequest,
    now: Timestamp,
) -> Result<Scene, Error> {
    let range = request.range;
    day_range::check(range)?;
    let zone = guild_setting::timezone(reader, request.guild).await?;
    let monitors = monitor_history::monitors(reader, request.guild, &request.scope, range).await?;
    let observed = uptime::observed(reader, range, now).await?;
    let mut hours = WeekdayHours::new(range, zone, &observed);
    let count = u64::try_from(monitors.len()).unwrap_or(u64::MAX);
    let add = |monitor| hours.add(&uptime::periods(&monitor, &observed, range).offline);
    monitor_history::each(reader, monitors, range, add).await?;
    let map = WeekHeatMap {
        range_name: &request.range_name,
        zone,
        hours: &hours,
        monitors: count,
    };
    Ok(map.scene())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    /// Wednesday, 2026-11-25, 00:00 UTC.
    const DAY: i64 = 20_782;

    #[tokio::test]
    async fn monitors_of_the_guild_are_added_up_in_its_zone() {
        let store = TestStore::open().await;
        for (guild, target) in [
            (1, "tcp://192.0.2.1:1"),
            (1, "tcp://192.0.2.2:1"),
            (2, "tcp://192.0.2.3:1"),
        ] {
            store.add_endpoint(GuildId(guild), target).await;
        }
        store
            .execute_all(
                "UPDATE monitors SET created_at = 20000 * 86400000;
                 DELETE FROM status_spans;
                 INSERT INTO status_spans (monitor_id, began_at, status) SELECT id, created_at, 1 FROM monitors;
                 INSERT INTO status_spans (monitor_id, began_at, status)
                 SELECT id, 20782 * 86400000 + 36000000, 3 FROM monitors;
                 INSERT INTO status_spans (monitor_id, began_at, status)
                 SELECT id, 20782 * 86400000 + 36000000 + id * 1200000, 1 FROM monitors;
                 INSERT INTO guild_settings (guild_id, timezone) VALUES (1, 'Europe/Berlin');
                 DELETE FROM observation_windows;
                 INSERT INTO observation_windows (started_at, confirmed_at) VALUES (0, 20790 * 86400000)",
            )
            .await;
        let request = HoursRequest {
            guild: GuildId(1),
            scope: HistoryScope::All,
            range: HistoryRange {
                from: Timestamp::start_of_day(DAY - 7),
                to: Timestamp::start_of_day(DAY + 1),
            },
            range_name: "8d".to_owned(),
        };
        let now = Timestamp::start_of_day(DAY + 2);
        let found = scene(&store.reader, &request, now).await.unwrap();
        assert_eq!(
            found.description,
            "Downtime of 2 monitors by weekday and hour, 8d, in the time zone Europe/Berlin. 1 h in total. Most from Wed 11:00 1 h."
        );
        let long = HoursRequest {
            range: HistoryRange {
                from: Timestamp::start_of_day(DAY - 93),
                ..request.range
            },
            ..request
        };
        let refused = scene(&store.reader, &long, now).await.unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("at most 92 days. Example: `90d`")
        );
    }
}
