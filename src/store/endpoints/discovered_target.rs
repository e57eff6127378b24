//! The targets of a guild's endpoints with their labels, for programs that find what to check by them.

use sqlx::Row as _;

use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::target::Target;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::status::Status;
use crate::store::devices::device::status_of;
use crate::store::engine::unreadable::StoredTable;
use crate::store::monitors::series::MonitorLabels;
use crate::store::{Reader, StoreError};

/// The target of an endpoint with its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredTarget {
    pub labels: MonitorLabels,
    pub target: Target,
    pub status: Status,
}

/// The targets of all endpoints of a guild, in the order of their ids.
pub async fn of_guild(
    reader: &Reader,
    guild: GuildId,
) -> Result<Vec<DiscoveredTarget>, StoreError> {
    let rows = sqlx::query(
        "SELECT m.id, m.name, m.group_name, m.status, t.target
         FROM endpoint_targets t
         JOIN monitors m ON m.id = t.monitor_id
         WHERE t.guild_id = $1 ORDER BY m.id",
    )
    .bind(guild.to_row())
    .fetch_all(&reader.pool)
    .await?;
    reader.unreadable.skip(StoredTable::Monitors, &rows, |row| {
        let target: &str = row.try_get("target")?;
        let status: &str = row.try_get("status")?;
        Ok(DiscoveredTarget {
            labels: MonitorLabels {
                id: MonitorId(row.try_get("id")?),
                kind: MonitorKind::Endpoint,
                name: row.try_get("name")?,
                group: row.try_get("group_name")?,
            },
            target: target
                .parse()
                .map_err(|_| StoreError::Damaged("target".into()))?,
            status: status_of(status)?,
        })
    })
}
