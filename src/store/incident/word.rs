//! Cards that tell of something else than outages: said once, and said anew where there is more of it.

use super::topic;
use crate::domain::Timestamp;
use crate::domain::fold::IncidentId;
use crate::domain::monitor::GuildId;
use crate::domain::topic::Topic;
use crate::store::{StoreError, Tx};

/// A card that says something once, and is over with that.
pub async fn announce(
    tx: &mut Tx<'_>,
    guild: GuildId,
    topic: &Topic,
    now: Timestamp,
) -> Result<IncidentId, StoreError> {
    let (kind, facts) = topic::to_row(topic);
    let id = sqlx::query_scalar(
        "INSERT INTO incidents (guild_id, scope, kind, facts, opened_at, joined_at, ended_at)
         VALUES ($1, '', $2, $3, $4, $4, $4) RETURNING id",
    )
    .bind(guild.to_row())
    .bind(kind)
    .bind(facts)
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
    like: &Topic,
    since: Timestamp,
) -> Result<Option<(IncidentId, Topic)>, StoreError> {
    let found: Option<(i64, Option<String>)> = sqlx::query_as(
        "SELECT id, facts FROM incidents WHERE guild_id = $1 AND kind = $2 AND joined_at >= $3 ORDER BY id DESC LIMIT 1",
    )
    .bind(guild.to_row())
    .bind(topic::word(like))
    .bind(since.millis())
    .fetch_optional(&mut *tx.connection)
    .await?;
    let Some((id, facts)) = found else {
        return Ok(None);
    };
    let known = topic::from_row(topic::word(like), facts.as_deref())?;
    Ok(Some((IncidentId(id), known)))
}

/// A card tells something else from now on.
pub async fn retell(
    tx: &mut Tx<'_>,
    id: IncidentId,
    topic: &Topic,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (kind, facts) = topic::to_row(topic);
    sqlx::query(
        "UPDATE incidents SET kind = $2, facts = $3, joined_at = $4, version = version + 1 WHERE id = $1",
    )
    .bind(id.0)
    .bind(kind)
    .bind(facts)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

/// All cards with this topic, and what they tell.
pub async fn all_like(
    tx: &mut Tx<'_>,
    like: &Topic,
) -> Result<Vec<(IncidentId, Topic)>, StoreError> {
    let rows: Vec<(i64, Option<String>)> =
        sqlx::query_as("SELECT id, facts FROM incidents WHERE kind = $1 ORDER BY id")
            .bind(topic::word(like))
            .fetch_all(&mut *tx.connection)
            .await?;
    let read = |(id, facts): (i64, Option<String>)| {
        let known = topic::from_row(topic::word(like), facts.as_deref())?;
        Ok((IncidentId(id), known))
    };
    rows.into_iter().map(read).collect()
}
