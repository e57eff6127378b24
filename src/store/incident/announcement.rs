//! Cards that tell of something else than outages: said once, and said anew where there is more of it.

use super::kind;
use crate::domain::Timestamp;
use crate::domain::grouping::IncidentId;
use crate::domain::monitor::GuildId;
use crate::domain::notification_kind::NotificationKind;
use crate::store::{StoreError, Tx};

/// A card that says something once, and is over with that.
pub async fn announce(
    tx: &mut Tx<'_>,
    guild: GuildId,
    kind: &NotificationKind,
    now: Timestamp,
) -> Result<IncidentId, StoreError> {
    let (stored, details) = kind::to_row(kind);
    let id = sqlx::query_scalar(
        "INSERT INTO incidents (guild_id, scope, kind, details, opened_at, joined_at, ended_at)
         VALUES ($1, '', $2, $3, $4, $4, $4) RETURNING id",
    )
    .bind(guild.to_row())
    .bind(stored)
    .bind(details)
    .bind(now.millis())
    .fetch_one(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(IncidentId(id))
}

/// The newest card of a guild with this topic that was opened since an instant, and what it tells.
pub async fn latest(
    tx: &mut Tx<'_>,
    guild: GuildId,
    like: &NotificationKind,
    since: Timestamp,
) -> Result<Option<(IncidentId, NotificationKind)>, StoreError> {
    let found: Option<(i64, Option<String>)> = sqlx::query_as(
        "SELECT id, details FROM incidents WHERE guild_id = $1 AND kind = $2 AND joined_at >= $3 ORDER BY id DESC LIMIT 1",
    )
    .bind(guild.to_row())
    .bind(kind::word(like))
    .bind(since.millis())
    .fetch_optional(&mut *tx.connection)
    .await?;
    let Some((id, details)) = found else {
        return Ok(None);
    };
    let known = kind::from_row(kind::word(like), details.as_deref())?;
    Ok(Some((IncidentId(id), known)))
}

/// A card tells something else from now on.
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

/// All cards with this topic, and what they tell.
pub async fn all_of_kind(
    tx: &mut Tx<'_>,
    like: &NotificationKind,
) -> Result<Vec<(IncidentId, NotificationKind)>, StoreError> {
    let rows: Vec<(i64, Option<String>)> =
        sqlx::query_as("SELECT id, details FROM incidents WHERE kind = $1 ORDER BY id")
            .bind(kind::word(like))
            .fetch_all(&mut *tx.connection)
            .await?;
    let read = |(id, details): (i64, Option<String>)| {
        let known = kind::from_row(kind::word(like), details.as_deref())?;
        Ok((IncidentId(id), known))
    };
    rows.into_iter().map(read).collect()
}
