//! Deliveries: the progress of each incident to each destination. See the migration for why a delivery does not hold a text.

use super::destination;
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId, MessageId, MessageRef, UserId};
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::notifications::destination_health::BROKEN_RETRY;
use crate::domain::notifications::destinations::{DestinationId, DestinationKind};
use crate::store::{Effect, Reader, StoreError, Tx};

/// A delivery that has not been completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: i64,
    /// `None`: the board of the guild.
    pub incident: Option<IncidentId>,
    pub wanted_revision: i64,
    /// 0: nothing was delivered yet.
    pub delivered_revision: i64,
    pub delivered_at: Option<Timestamp>,
    /// Number of messages posted for it before the current one, which are lost; part of the nonce.
    pub lost_messages: u32,
    /// Its message, where messages can be edited.
    pub message: Option<MessageRef>,
    /// Whether its message got the picture of the resolved incident, or is not going to.
    pub has_picture: bool,
    /// Whether a message may have been posted that is not known, because its answer never came.
    pub may_be_posted: bool,
    /// Consecutive failed attempts, and those of them that happened while the destination seemed to work.
    pub attempts: u32,
    pub faults: u32,
    pub next_try_at: Timestamp,
}

pub(super) fn message_ref(channel: Option<i64>, message: Option<i64>) -> Option<MessageRef> {
    Some(MessageRef {
        channel: ChannelId::from_row(channel?),
        message: MessageId::from_row(message?),
    })
}

/// Adds a delivery of an incident for the channel and for each webhook of its guild.
pub async fn enqueue(
    tx: &mut Tx<'_>,
    guild: GuildId,
    incident: IncidentId,
) -> Result<(), StoreError> {
    let wanted = destination::of(tx, guild).await?;
    for destination in wanted.channel.into_iter().chain(wanted.webhooks) {
        enqueue_at(tx, destination, incident).await?;
    }
    Ok(())
}

/// Adds a delivery of an incident for each webhook of its guild.
pub async fn enqueue_for_webhooks(
    tx: &mut Tx<'_>,
    guild: GuildId,
    incident: IncidentId,
) -> Result<(), StoreError> {
    for destination in destination::of(tx, guild).await?.webhooks {
        enqueue_at(tx, destination, incident).await?;
    }
    Ok(())
}

/// Adds a delivery of an incident for the channel of its guild, if it has one.
pub async fn enqueue_for_channel(
    tx: &mut Tx<'_>,
    guild: GuildId,
    incident: IncidentId,
) -> Result<(), StoreError> {
    match destination::of(tx, guild).await?.channel {
        Some(destination) => enqueue_at(tx, destination, incident).await,
        None => Ok(()),
    }
}

/// Adds a delivery of a summary for a channel of its guild.
pub async fn enqueue_summary(
    tx: &mut Tx<'_>,
    guild: GuildId,
    channel: ChannelId,
    incident: IncidentId,
) -> Result<(), StoreError> {
    let kind = DestinationKind::Summary;
    let known = destination::add(tx, guild, kind, channel.to_row()).await?;
    enqueue_at(tx, known.id, incident).await
}

/// Adds a delivery of an incident for the channel of its guild, if it has one, which is not made before a time.
pub async fn enqueue_for_channel_at(
    tx: &mut Tx<'_>,
    guild: GuildId,
    incident: IncidentId,
    at: Timestamp,
) -> Result<(), StoreError> {
    enqueue_for_channel(tx, guild, incident).await?;
    sqlx::query("UPDATE deliveries SET next_try_at = $2 WHERE incident_id = $1")
        .bind(incident.0)
        .bind(at.millis())
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Makes the deliveries of an incident pending again, because what they show has changed.
pub async fn renew(tx: &mut Tx<'_>, incident: IncidentId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE deliveries SET wanted_revision = wanted_revision + 1 WHERE incident_id = $1",
    )
    .bind(incident.0)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Adds a delivery of an incident for one person; for the channel of its guild after the person accepted no message, until it
/// is tried again.
pub async fn enqueue_for_user(
    tx: &mut Tx<'_>,
    guild: GuildId,
    user: UserId,
    incident: IncidentId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let kind = DestinationKind::DirectMessage;
    let known = destination::add(tx, guild, kind, user.to_row()).await?;
    let next = known.health.next_try_at;
    // A time further ahead comes from a clock that has been set back since.
    let is_later = next > now && next.since(now) <= BROKEN_RETRY;
    if known.health.suspected_at.is_some() && is_later {
        return enqueue_for_channel(tx, guild, incident).await;
    }
    enqueue_at(tx, known.id, incident).await
}

async fn enqueue_at(
    tx: &mut Tx<'_>,
    destination: DestinationId,
    incident: IncidentId,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO deliveries (destination_id, incident_id, wanted_revision)
         SELECT $1, id, revision FROM incidents WHERE id = $2 ON CONFLICT DO NOTHING",
    )
    .bind(destination.0)
    .bind(incident.0)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// What was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub revision: i64,
    /// The message, where messages can be edited.
    pub message: Option<MessageRef>,
    /// Whether the message got its picture, or is not going to.
    pub has_picture: bool,
    pub at: Timestamp,
    /// The next revision is not delivered before this time.
    pub next_try_at: Timestamp,
}

/// Records that a revision was delivered; `Nothing` if its message was replaced meanwhile.
pub async fn delivered(
    tx: &mut Tx<'_>,
    known: &Delivery,
    receipt: Receipt,
) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE deliveries SET delivered_revision = CASE WHEN delivered_revision > $3 THEN delivered_revision ELSE $3 END,
             delivered_at = $4, channel_id = $5, message_id = $6, may_be_posted = 0, attempts = 0, faults = 0, next_try_at = $7,
             has_picture = CASE WHEN $8 THEN 1 ELSE has_picture END
         WHERE id = $1 AND lost_messages = $2",
    )
    .bind(known.id)
    .bind(known.lost_messages)
    .bind(receipt.revision)
    .bind(receipt.at.millis())
    .bind(receipt.message.map(|message| message.channel.to_row()))
    .bind(receipt.message.map(|message| message.message.to_row()))
    .bind(receipt.next_try_at.millis())
    .bind(receipt.has_picture)
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

/// Records that there is nothing to send for this revision.
pub async fn skipped(tx: &mut Tx<'_>, id: i64, revision: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE deliveries SET delivered_revision = $2, may_be_posted = 0, attempts = 0, faults = 0, next_try_at = 0 WHERE id = $1",
    )
    .bind(id)
    .bind(revision)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Postpones the next attempt without counting a failure, unless the incident has changed since this revision.
pub async fn held(tx: &mut Tx<'_>, known: &Delivery, until: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE deliveries SET attempts = 0, faults = 0, next_try_at = $3 WHERE id = $1 AND wanted_revision = $2",
    )
    .bind(known.id)
    .bind(known.wanted_revision)
    .bind(until.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Records that a first message is about to be sent. If Rollcall crashes before it records the result, it may have been posted.
pub async fn begin(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE deliveries SET may_be_posted = 1 WHERE id = $1")
        .bind(id)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Records that nothing was sent after all.
pub async fn not_sent(tx: &mut Tx<'_>, known: &Delivery) -> Result<(), StoreError> {
    sqlx::query("UPDATE deliveries SET may_be_posted = $2 WHERE id = $1")
        .bind(known.id)
        .bind(known.may_be_posted)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// What a failed attempt leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    /// The number of faults now.
    pub faults: u32,
    pub may_be_posted: bool,
    /// The next attempt is made when the destination is tried again, but not before this time.
    pub next_try_at: Timestamp,
}

/// Records a failed attempt.
pub async fn failed(tx: &mut Tx<'_>, id: i64, failed: FailedAttempt) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE deliveries SET attempts = attempts + 1, faults = $2, may_be_posted = $3, next_try_at = $4 WHERE id = $1",
    )
    .bind(id)
    .bind(failed.faults)
    .bind(failed.may_be_posted)
    .bind(failed.next_try_at.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Records that the message can no longer be edited, unless it was replaced meanwhile: the next attempt posts a new one.
pub async fn message_lost(tx: &mut Tx<'_>, known: &Delivery) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE deliveries SET lost_messages = lost_messages + 1, channel_id = NULL, message_id = NULL, has_picture = 0
         WHERE id = $1 AND lost_messages = $2",
    )
    .bind(known.id)
    .bind(known.lost_messages)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Moves a delivery to the channel of its guild, if it has one.
pub async fn to_channel(
    tx: &mut Tx<'_>,
    guild: GuildId,
    known: &Delivery,
) -> Result<(), StoreError> {
    if let Some(incident) = known.incident {
        enqueue_for_channel(tx, guild, incident).await?;
    }
    tx.wrote_event = true;
    remove(tx, known.id).await
}

/// Removes pending deliveries that say that Rollcall has stopped.
pub async fn remove_pending_refusals(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM deliveries WHERE delivered_revision < wanted_revision
             AND incident_id IN (SELECT id FROM incidents WHERE kind = 'discord_refused' AND kind <> 'incident')",
    )
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Removes a delivery.
pub async fn remove(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM deliveries WHERE id = $1")
        .bind(id)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// The message of an incident in its guild's channel.
pub async fn message_of(
    reader: &Reader,
    incident: IncidentId,
) -> Result<Option<MessageRef>, StoreError> {
    let found: Option<(Option<i64>, Option<i64>)> = sqlx::query_as(
        "SELECT d.channel_id, d.message_id FROM deliveries d JOIN destinations t ON t.id = d.destination_id
         WHERE d.incident_id = $1 AND t.kind = 'channel'",
    )
    .bind(incident.0)
    .fetch_optional(&reader.pool)
    .await?;
    Ok(found.and_then(|(channel, message)| message_ref(channel, message)))
}

/// Number of incidents of a guild that wait for their first delivery, at the working destination with the most of them.
pub async fn backlog(tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COALESCE(MAX(waiting), 0) FROM (
             SELECT COUNT(*) AS waiting FROM destinations t JOIN deliveries d ON d.destination_id = t.id
             WHERE t.guild_id = $1 AND t.kind IN ('channel', 'webhook') AND t.broken_at IS NULL
                 AND d.delivered_revision = 0 AND d.delivered_revision < d.wanted_revision
             GROUP BY t.id
         ) AS each_one",
    )
    .bind(guild.to_row())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(count.unsigned_abs())
}

/// Drops deliveries of incidents that have ended from broken destinations, all but the newest `kept` of each: nobody wants to
/// read more of them when the destination works again. Returns how many.
pub async fn prune_broken(tx: &mut Tx<'_>, kept: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM deliveries WHERE id IN (
             SELECT id FROM (
                 SELECT d.id, ROW_NUMBER() OVER (PARTITION BY t.id ORDER BY d.incident_id DESC) AS place
                 FROM destinations t JOIN deliveries d ON d.destination_id = t.id JOIN incidents i ON i.id = d.incident_id
                 WHERE t.broken_at IS NOT NULL AND d.delivered_revision = 0 AND d.delivered_revision < d.wanted_revision
                     AND i.ended_at IS NOT NULL
             ) AS ended WHERE place > $1
         )",
    )
    .bind(kept)
    .execute(&mut *tx.connection)
    .await?;
    Ok(deleted.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);

    /// A guild with a channel and a webhook, and three incidents that have ended, to be delivered to both.
    async fn with_missed_incidents() -> TestStore {
        let store = TestStore::open().await;
        store
            .execute(
                "INSERT INTO destinations (id, guild_id, kind, address) VALUES (1, 1, 'channel', 5), (2, 1, 'webhook', 1), (3, 1, 'board', 5)",
            )
            .await;
        store
            .execute(
                "INSERT INTO incidents (id, guild_id, scope, opened_at, created_at, joined_at, ended_at) VALUES
                     (1, 1, '', 1, 1, 1, 9), (2, 1, '', 2, 2, 2, 9), (3, 1, '', 3, 3, 3, 9)",
            )
            .await;
        store
            .execute(
                "INSERT INTO deliveries (destination_id, incident_id, wanted_revision, delivered_revision)
                 SELECT d.id, i.id, 1, CASE WHEN d.id = 2 AND i.id = 1 THEN 1 ELSE 0 END FROM destinations d, incidents i WHERE d.id < 3",
            )
            .await;
        store
            .execute("INSERT INTO deliveries (destination_id, wanted_revision) VALUES (3, 1)")
            .await;
        store
    }

    #[tokio::test]
    async fn only_what_can_be_delivered_is_a_backlog() {
        let store = with_missed_incidents().await;
        let count = async |guild| store.write(move |tx| Box::pin(backlog(tx, guild))).await;
        assert_eq!(count(HOME).await, 3, "at the channel, which has most");
        assert_eq!(count(GuildId(2)).await, 0);
        store
            .execute("UPDATE destinations SET broken_at = 9 WHERE kind = 'channel'")
            .await;
        assert_eq!(count(HOME).await, 2, "at the webhook");
        store.execute("DELETE FROM destinations WHERE id = 2").await;
        assert_eq!(count(HOME).await, 0, "a board has none");
    }

    #[tokio::test]
    async fn a_broken_destination_keeps_the_newest_that_it_missed() {
        let store = with_missed_incidents().await;
        let prune = async |kept| {
            store
                .write(move |tx| Box::pin(prune_broken(tx, kept)))
                .await
        };
        assert_eq!(prune(1).await, 0, "none is broken");
        store
            .execute("UPDATE destinations SET broken_at = 9 WHERE kind = 'channel'")
            .await;
        store
            .execute("UPDATE incidents SET ended_at = NULL WHERE id = 1")
            .await;
        assert_eq!(prune(1).await, 1);
        let left: Vec<(i64,)> = store
            .rows(
                "SELECT incident_id FROM deliveries WHERE destination_id = 1 ORDER BY incident_id",
            )
            .await;
        assert_eq!(left, [(1,), (3,)], "one is open, the other the newest");
    }

    #[tokio::test]
    async fn a_person_who_accepted_no_message_is_reached_through_the_channel() {
        let store = with_missed_incidents().await;
        let remind = async |second: i64| {
            store
                .write(move |tx| {
                    Box::pin(async move {
                        let now = Timestamp::from_millis(second * 1_000);
                        enqueue_for_user(tx, HOME, UserId(7), IncidentId(second), now).await
                    })
                })
                .await;
        };
        store.execute("DELETE FROM deliveries").await;
        remind(1).await;
        store
            .execute("UPDATE destinations SET suspected_at = 1, next_try_at = 3000 WHERE kind = 'direct_message'")
            .await;
        remind(2).await;
        remind(3).await;
        let rows: Vec<(i64, String)> = store
            .rows(
                "SELECT d.incident_id, t.kind FROM deliveries d JOIN destinations t ON t.id = d.destination_id ORDER BY d.id",
            )
            .await;
        let kinds: Vec<&str> = rows.iter().map(|(_, kind)| &**kind).collect();
        assert_eq!(kinds, ["direct_message", "channel", "direct_message"]);
    }
}
