//! Notifications that are not about outages. Each is stored as an incident that ends at once, and is updated if more of
//! the same happens.

use super::kind::{self, StoredKind};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::notifications::storage_limit::UsageKind;
use crate::store::engine::usage;
use crate::store::{StoreError, Tx};

/// Adds an incident for a notification that is not about outages. It ends at once.
pub async fn announce(
    tx: &mut Tx<'_>,
    guild: GuildId,
    kind: &NotificationKind,
    now: Timestamp,
) -> Result<IncidentId, StoreError> {
    let (stored, details) = kind::to_row(kind);
    let id = sqlx::query_scalar(
        "INSERT INTO incidents (guild_id, scope, kind, details, follows_id, opened_at, created_at, joined_at, ended_at)
         VALUES ($1, '', $2, $3, $5, $4, $4, $4, $4) RETURNING id",
    )
    .bind(guild.to_row())
    .bind(stored)
    .bind(details)
    .bind(now.millis())
    .bind(kind.follows().map(|incident| incident.0))
    .fetch_one(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    usage::enforce(tx, guild, UsageKind::Incidents).await?;
    Ok(IncidentId(id))
}

/// The latest incident of a guild with the kind of `like` that was added or updated since the given time, with its
/// details.
pub async fn latest(
    tx: &mut Tx<'_>,
    guild: GuildId,
    like: &NotificationKind,
    since: Timestamp,
) -> Result<Option<(IncidentId, NotificationKind)>, StoreError> {
    let found: Option<(i64, Option<String>)> = sqlx::query_as(
        "SELECT id, details FROM incidents
         WHERE guild_id = $1 AND kind = $2 AND kind <> 'incident' AND joined_at >= $3 ORDER BY id DESC LIMIT 1",
    )
    .bind(guild.to_row())
    .bind(StoredKind::from(like).as_str())
    .bind(since.millis())
    .fetch_optional(&mut *tx.connection)
    .await?;
    let Some((id, details)) = found else {
        return Ok(None);
    };
    let known = kind::from_row(StoredKind::from(like).as_str(), details.as_deref())?;
    Ok(Some((IncidentId(id), known)))
}

/// Replaces the kind and the details of an incident, so that its messages are updated.
pub async fn update_kind(
    tx: &mut Tx<'_>,
    id: IncidentId,
    kind: &NotificationKind,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (stored, details) = kind::to_row(kind);
    sqlx::query(
        "UPDATE incidents SET kind = $2, details = $3, joined_at = $4, revision = revision + 1 WHERE id = $1",
    )
    .bind(id.0)
    .bind(stored)
    .bind(details)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

/// An incident for a notification that is not about outages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    pub id: IncidentId,
    pub guild: GuildId,
    pub kind: NotificationKind,
}

/// All incidents with the kind of `like`, with their details.
pub async fn all_of_kind(
    tx: &mut Tx<'_>,
    like: &NotificationKind,
) -> Result<Vec<Announcement>, StoreError> {
    let rows: Vec<(i64, i64, Option<String>)> = sqlx::query_as(
        "SELECT id, guild_id, details FROM incidents WHERE kind = $1 AND kind <> 'incident' ORDER BY id",
    )
    .bind(StoredKind::from(like).as_str())
    .fetch_all(&mut *tx.connection)
    .await?;
    let read = |(id, guild, details): (i64, i64, Option<String>)| {
        Ok(Announcement {
            id: IncidentId(id),
            guild: GuildId::from_row(guild),
            kind: kind::from_row(StoredKind::from(like).as_str(), details.as_deref())?,
        })
    };
    rows.into_iter().map(read).collect()
}
