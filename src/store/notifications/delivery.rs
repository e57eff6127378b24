//! The outbox: which destination must be brought up to the current revision of which incident. See the migration for why a
//! delivery does not hold a text.

use std::time::Duration;

use super::{destination, webhook};
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId, MessageId, MessageRef, RoleId};
use crate::domain::incidents::grouping::IncidentId;
use crate::store::{Reader, StoreError, Tx};

/// No delay is this long: an attempt further ahead was scheduled before the clock was set back, so it is due.
const IMPOSSIBLE: Duration = Duration::from_secs(900);

/// A delivery that is due in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelDelivery {
    pub id: i64,
    pub guild_id: GuildId,
    pub incident: IncidentId,
    /// Number of messages posted for it before the current one, which are lost; part of the nonce.
    pub lost_messages: u32,
    /// Its message, if there is one.
    pub message: Option<MessageRef>,
    /// Consecutive failed attempts.
    pub attempts: u32,
    /// The current alert channel of its guild.
    pub channel: ChannelId,
    /// Mentioned when the incident is posted: the incident's own role, or its guild's.
    pub role: Option<RoleId>,
    /// Whether a recovery is posted even if the incident never was.
    pub notify_on_recovery: bool,
}

impl ChannelDelivery {
    /// Whether its message is in another channel than the current alert channel.
    pub fn is_elsewhere(&self) -> bool {
        self.message
            .is_some_and(|message| message.channel != self.channel)
    }
}

fn message_ref(channel: i64, message: i64) -> MessageRef {
    MessageRef {
        channel: ChannelId::from_row(channel),
        message: MessageId::from_row(message),
    }
}

/// Adds a delivery of an incident for each destination of its guild.
pub async fn enqueue(
    tx: &mut Tx<'_>,
    guild: GuildId,
    incident: IncidentId,
) -> Result<(), StoreError> {
    let wanted = destination::of(tx, guild).await?;
    if wanted.has_channel {
        enqueue_for_channel(tx, guild, incident).await?;
    }
    webhook::enqueue(tx, &wanted.webhooks, incident).await
}

/// Adds a delivery of an incident for each webhook of its guild.
pub async fn enqueue_for_webhooks(
    tx: &mut Tx<'_>,
    guild: GuildId,
    incident: IncidentId,
) -> Result<(), StoreError> {
    let wanted = destination::of(tx, guild).await?;
    webhook::enqueue(tx, &wanted.webhooks, incident).await
}

/// Adds a delivery of an incident for the channel of its guild.
pub async fn enqueue_for_channel(
    tx: &mut Tx<'_>,
    guild: GuildId,
    incident: IncidentId,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO channel_deliveries (guild_id, incident_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind(guild.to_row())
    .bind(incident.0)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    guild_id: i64,
    incident_id: i64,
    lost_messages: u32,
    channel_id: Option<i64>,
    message_id: Option<i64>,
    attempts: u32,
    wanted_channel_id: i64,
    role_id: Option<i64>,
    notify_on_recovery: bool,
}

/// Channel deliveries of incidents that have changed since the last delivery and whose next attempt is due, in the order
/// in which they were added.
pub async fn due(
    reader: &Reader,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<ChannelDelivery>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT n.id, n.guild_id, n.incident_id, n.lost_messages, n.channel_id, n.message_id, n.attempts,
             s.channel_id AS wanted_channel_id, COALESCE(c.role_id, s.role_id) AS role_id, s.notify_on_recovery
         FROM channel_deliveries n JOIN incidents c ON c.id = n.incident_id JOIN alert_settings s ON s.guild_id = n.guild_id
         WHERE n.delivered_revision < c.revision AND (n.next_try_at <= $1 OR n.next_try_at > $3) AND s.broken_reason IS NULL
         ORDER BY n.id LIMIT $2",
    )
    .bind(now.millis())
    .bind(limit)
    .bind(now.plus(IMPOSSIBLE).millis())
    .fetch_all(&reader.pool)
    .await?;
    let due = |row: Row| ChannelDelivery {
        id: row.id,
        guild_id: GuildId::from_row(row.guild_id),
        incident: IncidentId(row.incident_id),
        lost_messages: row.lost_messages,
        message: row
            .channel_id
            .zip(row.message_id)
            .map(|(channel, message)| message_ref(channel, message)),
        attempts: row.attempts,
        channel: ChannelId::from_row(row.wanted_channel_id),
        role: row.role_id.map(RoleId::from_row),
        notify_on_recovery: row.notify_on_recovery,
    };
    Ok(rows.into_iter().map(due).collect())
}

/// The next attempt that is not due yet, and the number of pending deliveries.
pub async fn waiting(
    reader: &Reader,
    now: Timestamp,
) -> Result<(Option<Timestamp>, u64), StoreError> {
    let (next, count): (Option<i64>, i64) = sqlx::query_as(
        "SELECT MIN(CASE WHEN n.next_try_at > $1 THEN n.next_try_at END), COUNT(*)
         FROM channel_deliveries n JOIN incidents c ON c.id = n.incident_id JOIN alert_settings s ON s.guild_id = n.guild_id
         WHERE n.delivered_revision < c.revision AND s.broken_reason IS NULL",
    )
    .bind(now.millis())
    .fetch_one(&reader.pool)
    .await?;
    Ok((next.map(Timestamp::from_millis), count.unsigned_abs()))
}

/// Records that an incident was delivered in this revision, with this message.
pub async fn delivered(
    tx: &mut Tx<'_>,
    id: i64,
    revision: i64,
    message: MessageRef,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE channel_deliveries SET delivered_revision = CASE WHEN delivered_revision > $2 THEN delivered_revision ELSE $2 END, channel_id = $3, message_id = $4, attempts = 0, next_try_at = 0
         WHERE id = $1",
    )
    .bind(id)
    .bind(revision)
    .bind(message.channel.to_row())
    .bind(message.message.to_row())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Records that there is nothing to deliver for this revision of an incident.
pub async fn dropped(tx: &mut Tx<'_>, id: i64, revision: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE channel_deliveries SET delivered_revision = $2, attempts = 0, next_try_at = 0 WHERE id = $1",
    )
    .bind(id)
    .bind(revision)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// The message of an incident in its guild's channel.
pub async fn message_of(
    reader: &Reader,
    incident: IncidentId,
) -> Result<Option<MessageRef>, StoreError> {
    let found: Option<(i64, i64)> = sqlx::query_as(
        "SELECT channel_id, message_id FROM channel_deliveries WHERE incident_id = $1 AND message_id IS NOT NULL",
    )
    .bind(incident.0)
    .fetch_optional(&reader.pool)
    .await?;
    Ok(found.map(|(channel, message)| message_ref(channel, message)))
}

/// Postpones the next attempt to `next` without counting a failure.
pub async fn held(tx: &mut Tx<'_>, id: i64, next: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE channel_deliveries SET next_try_at = $2 WHERE id = $1")
        .bind(id)
        .bind(next.millis())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Records a failed attempt. The next one is not before `next`.
pub async fn failed(tx: &mut Tx<'_>, id: i64, next: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE channel_deliveries SET attempts = attempts + 1, next_try_at = $2 WHERE id = $1",
    )
    .bind(id)
    .bind(next.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Number of incidents of a guild that wait for their first delivery, at the destination with the most of them.
pub async fn backlog(tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT MAX(waiting) FROM (
             SELECT COUNT(*) AS waiting FROM channel_deliveries WHERE guild_id = $1 AND delivered_revision = 0
             UNION ALL
             SELECT COUNT(*) FROM webhook_deliveries n JOIN webhooks w ON w.id = n.webhook_id
             WHERE w.guild_id = $1 AND n.delivered_revision = 0 AND w.disabled_at IS NULL GROUP BY w.id
         ) AS each_one",
    )
    .bind(guild.to_row())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(count.unsigned_abs())
}

/// Records that the message can no longer be edited: the next attempt posts a new one.
pub async fn lost(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE channel_deliveries SET lost_messages = lost_messages + 1, channel_id = NULL, message_id = NULL WHERE id = $1",
    )
    .bind(id)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Makes all deliveries of a guild due now, because its channel has been set again.
pub async fn try_now(tx: &mut Tx<'_>, guild: GuildId) -> Result<(), StoreError> {
    sqlx::query("UPDATE channel_deliveries SET next_try_at = 0, attempts = 0 WHERE guild_id = $1")
        .bind(guild.to_row())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incidents::grouping::{GroupKey, Location};
    use crate::store::incidents::incident;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn a_clock_that_is_set_back_delays_no_delivery() {
        let store = TestStore::open().await;
        let (home, at) = (GuildId(1), |second: i64| {
            Timestamp::from_millis(second * 1000)
        });
        store.add_channel(home).await;
        store
            .write(move |tx| {
                Box::pin(async move {
                    let group_key = GroupKey::of(&Location::default());
                    let id = incident::begin(tx, home, &group_key, at(0), at(0)).await?;
                    enqueue(tx, home, id).await?;
                    failed(tx, 1, at(100_300)).await
                })
            })
            .await;
        for (now, is_due) in [
            (100_000, false),
            (100_300, true),
            (99_500, false),
            (90_000, true),
        ] {
            let due = due(&store.reader, at(now), 10).await.unwrap();
            assert_eq!(!due.is_empty(), is_due, "{now}");
        }
    }
}
