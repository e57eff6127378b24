//! Webhooks: their URLs, signing keys and failures, and the outbox of their deliveries. URL and signing key are secrets;
//! `Debug` shows neither.

use std::fmt;
use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::target::Target;
use crate::domain::event::Actor;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::notifications::webhook::{WebhookFormat, WebhookId};
use crate::store::{Effect, Reader, StoreError, Tx};

/// No delay is this long: an attempt further ahead was scheduled before the clock was set back, so it is due.
const IMPOSSIBLE: Duration = Duration::from_secs(2 * 3600);

/// A stored webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub guild_id: GuildId,
    pub name: String,
    pub url: Target,
    pub format: WebhookFormat,
    /// `whsec_` and the key in base64.
    pub signing_key: String,
    pub last_delivered_at: Option<Timestamp>,
    /// Consecutive failed attempts, and since when.
    pub attempts: u32,
    pub failing_since: Option<Timestamp>,
    /// Why it is disabled, and since when.
    pub disabled: Option<(String, Timestamp)>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Webhook")
            .field("id", &self.id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A webhook to be added.
pub struct NewWebhook {
    pub name: String,
    pub url: Target,
    pub format: WebhookFormat,
    pub signing_key: String,
}

fn read(row: &SqliteRow) -> Result<Webhook, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("a webhook's {what}"));
    let timestamp = |name: &str| -> Result<Option<Timestamp>, StoreError> {
        let millis: Option<i64> = row.try_get(name)?;
        Ok(millis.map(Timestamp::from_millis))
    };
    let url: &str = row.try_get("url")?;
    let format: &str = row.try_get("format")?;
    let reason: Option<String> = row.try_get("disabled_reason")?;
    Ok(Webhook {
        id: WebhookId(row.try_get("webhook_id")?),
        guild_id: GuildId::from_row(row.try_get("guild_id")?),
        name: row.try_get("name")?,
        url: url.parse().map_err(|_| damaged("address"))?,
        format: format
            .parse::<WebhookFormat>()
            .ok()
            .ok_or_else(|| damaged("format"))?,
        signing_key: row.try_get("signing_key")?,
        last_delivered_at: timestamp("last_delivered_at")?,
        attempts: row.try_get("attempts")?,
        failing_since: timestamp("failing_since")?,
        disabled: reason.zip(timestamp("disabled_at")?),
    })
}

/// Adds a webhook; `None` if the guild already has one of that name.
pub async fn insert(
    tx: &mut Tx<'_>,
    guild: GuildId,
    new: &NewWebhook,
    by: Actor,
    now: Timestamp,
) -> Result<Option<WebhookId>, StoreError> {
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO webhooks (guild_id, name, url, format, signing_key, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(guild.to_row())
    .bind(&new.name)
    .bind(new.url.to_string())
    .bind(new.format.as_str())
    .bind(&new.signing_key)
    .bind(now.millis())
    .bind(by.to_string())
    .fetch_optional(&mut *tx.connection)
    .await?;
    tx.cache.forget_destinations(guild);
    Ok(id.map(WebhookId))
}

/// Number of webhooks of a guild.
pub async fn count(tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM webhooks WHERE guild_id = $1")
        .bind(guild.to_row())
        .fetch_one(&mut *tx.connection)
        .await?;
    Ok(count.unsigned_abs())
}

/// The webhooks of a guild by name.
pub async fn list(reader: &Reader, guild: GuildId) -> Result<Vec<Webhook>, StoreError> {
    let rows = sqlx::query(
        "SELECT id AS webhook_id, * FROM webhooks WHERE guild_id = $1 ORDER BY name, id",
    )
    .bind(guild.to_row())
    .fetch_all(&reader.pool)
    .await?;
    rows.iter().map(read).collect()
}

/// Removes a webhook with its deliveries; `Nothing` if the guild has none of that name.
pub async fn remove(tx: &mut Tx<'_>, guild: GuildId, name: &str) -> Result<Effect, StoreError> {
    let deleted = sqlx::query("DELETE FROM webhooks WHERE guild_id = $1 AND name = $2")
        .bind(guild.to_row())
        .bind(name)
        .execute(&mut *tx.connection)
        .await?;
    tx.cache.forget_destinations(guild);
    Ok(Effect::of(&deleted))
}

/// Disables a webhook; `Nothing` if it was already disabled, or has been removed.
pub async fn disable(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: WebhookId,
    reason: &str,
    now: Timestamp,
) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE webhooks SET disabled_reason = $3, disabled_at = $4
         WHERE guild_id = $1 AND id = $2 AND disabled_at IS NULL",
    )
    .bind(guild.to_row())
    .bind(id.0)
    .bind(reason)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.cache.forget_destinations(guild);
    Ok(Effect::of(&changed))
}

/// Records a successful request, which also enables the webhook. The next one is not before `next`.
pub async fn reached(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: WebhookId,
    now: Timestamp,
    next: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE webhooks SET last_delivered_at = $2, attempts = 0, failing_since = NULL, next_try_at = $3,
             disabled_reason = NULL, disabled_at = NULL
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(now.millis())
    .bind(next.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.cache.forget_destinations(guild);
    Ok(())
}

/// Records a successful test by a person: pending deliveries are sent now.
pub async fn mark_working(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: WebhookId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.wrote_event = true;
    reached(tx, guild, id, now, now).await
}

/// Records a failed attempt. The next one is not before `next`.
pub async fn missed(
    tx: &mut Tx<'_>,
    id: WebhookId,
    now: Timestamp,
    next: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE webhooks SET attempts = attempts + 1, failing_since = COALESCE(failing_since, $2), next_try_at = $3
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(now.millis())
    .bind(next.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Adds a delivery of an incident for each of these webhooks.
pub(in crate::store) async fn enqueue(
    tx: &mut Tx<'_>,
    webhooks: &[WebhookId],
    incident: IncidentId,
) -> Result<(), StoreError> {
    for webhook in webhooks {
        sqlx::query(
            "INSERT INTO webhook_deliveries (incident_id, webhook_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(incident.0)
        .bind(webhook.0)
        .execute(&mut *tx.connection)
        .await?;
    }
    Ok(())
}

/// Records that an incident was delivered in this revision.
pub async fn delivered(tx: &mut Tx<'_>, delivery: i64, revision: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE webhook_deliveries SET delivered_revision = $2 WHERE id = $1")
        .bind(delivery)
        .bind(revision)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// A delivery that is due at a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDelivery {
    pub delivery: i64,
    pub incident: IncidentId,
    /// 0: nothing was delivered yet.
    pub delivered_revision: i64,
    pub webhook: Webhook,
}

/// The next delivery of every webhook that is due: new incidents before updates, the oldest first. While incidents are
/// held, only notifications that are not about outages.
pub async fn due(
    reader: &Reader,
    are_incidents_held: bool,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<WebhookDelivery>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM (
             SELECT n.id AS delivery_id, n.incident_id, n.delivered_revision, w.id AS webhook_id, w.*,
                 ROW_NUMBER() OVER (PARTITION BY w.id ORDER BY n.delivered_revision > 0, n.id) AS place
             FROM webhook_deliveries n JOIN incidents c ON c.id = n.incident_id JOIN webhooks w ON w.id = n.webhook_id
             WHERE n.delivered_revision < c.revision AND w.disabled_at IS NULL
                 AND (w.next_try_at <= $1 OR w.next_try_at > $3) AND ($4 = 0 OR c.kind <> 'incident')
         ) AS waiting WHERE place = 1 ORDER BY next_try_at, webhook_id LIMIT $2",
    )
    .bind(now.millis())
    .bind(limit)
    .bind(now.plus(IMPOSSIBLE).millis())
    .bind(are_incidents_held)
    .fetch_all(&reader.pool)
    .await?;
    let due = |row: &SqliteRow| {
        Ok(WebhookDelivery {
            delivery: row.try_get("delivery_id")?,
            incident: IncidentId(row.try_get("incident_id")?),
            delivered_revision: row.try_get("delivered_revision")?,
            webhook: read(row)?,
        })
    };
    rows.iter().map(due).collect()
}

/// The next attempt at any webhook with pending deliveries, and the number of pending deliveries.
pub async fn waiting(
    reader: &Reader,
    now: Timestamp,
) -> Result<(Option<Timestamp>, u64), StoreError> {
    let (next, count): (Option<i64>, i64) = sqlx::query_as(
        "SELECT MIN(CASE WHEN w.next_try_at > $1 THEN w.next_try_at END), COUNT(*)
         FROM webhook_deliveries n JOIN incidents c ON c.id = n.incident_id JOIN webhooks w ON w.id = n.webhook_id
         WHERE n.delivered_revision < c.revision AND w.disabled_at IS NULL",
    )
    .bind(now.millis())
    .fetch_one(&reader.pool)
    .await?;
    Ok((next.map(Timestamp::from_millis), count.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incidents::grouping::{GroupKey, Location};
    use crate::store::incidents::incident;
    use crate::store::notifications::delivery;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    async fn add(store: &TestStore, name: &'static str) -> WebhookId {
        let new = NewWebhook {
            name: name.into(),
            url: "https://example.org/canary".parse().unwrap(),
            format: WebhookFormat::Standard,
            signing_key: "whsec_canary".into(),
        };
        store
            .write(move |tx| {
                Box::pin(async move { insert(tx, HOME, &new, Actor::System, at(0)).await })
            })
            .await
            .unwrap()
    }

    async fn incident(store: &TestStore) -> IncidentId {
        store
            .write(|tx| {
                Box::pin(async move {
                    let id = incident::begin(
                        tx,
                        HOME,
                        &GroupKey::of(&Location::default()),
                        at(1),
                        at(1),
                    )
                    .await?;
                    delivery::enqueue(tx, HOME, id).await?;
                    Ok(id)
                })
            })
            .await
    }

    #[tokio::test]
    async fn webhooks_are_independent_and_new_incidents_come_first() {
        let store = TestStore::open().await;
        let (a, b) = (add(&store, "a").await, add(&store, "b").await);
        let first = incident(&store).await;
        let found = due(&store.reader, false, at(2), 100).await.unwrap();
        let whose: Vec<WebhookId> = found.iter().map(|due| due.webhook.id).collect();
        assert_eq!(whose, [a, b]);
        let held = due(&store.reader, true, at(2), 100).await.unwrap();
        assert_eq!(held, [], "both are about incidents");
        let delivery = found[0].delivery;
        store
            .write(move |tx| {
                Box::pin(async move {
                    delivered(tx, delivery, 1).await?;
                    reached(tx, HOME, a, at(2), at(4)).await?;
                    missed(tx, b, at(2), at(30)).await?;
                    incident::join(tx, first, &GroupKey::of(&Location::default()), at(3)).await
                })
            })
            .await;
        let second = incident(&store).await;
        assert_eq!(due(&store.reader, false, at(3), 100).await.unwrap(), []);
        let next = waiting(&store.reader, at(3)).await.unwrap();
        assert_eq!(next, (Some(at(4)), 4));
        let set_back = due(&store.reader, false, at(-9_000), 100).await.unwrap();
        assert_eq!(set_back.len(), 2, "both are further ahead than any delay");
        let found = due(&store.reader, false, at(4), 100).await.unwrap();
        assert_eq!(
            (found.len(), found[0].incident, found[0].delivered_revision),
            (1, second, 0)
        );
    }

    #[tokio::test]
    async fn a_disabled_webhook_gets_nothing_until_it_is_reached_again() {
        let store = TestStore::open().await;
        let id = add(&store, "a").await;
        let (off, again) = store
            .write(move |tx| {
                Box::pin(async move {
                    Ok((
                        disable(tx, HOME, id, "gone", at(5)).await?,
                        disable(tx, HOME, id, "gone", at(6)).await?,
                    ))
                })
            })
            .await;
        assert_eq!((off, again), (Effect::Changed, Effect::Nothing));
        incident(&store).await;
        let known = list(&store.reader, HOME).await.unwrap().remove(0);
        assert_eq!(known.disabled, Some(("gone".into(), at(5))));
        assert!(!format!("{known:?}").contains("canary"));
        store
            .write(move |tx| Box::pin(reached(tx, HOME, id, at(7), at(7))))
            .await;
        assert_eq!(due(&store.reader, false, at(9), 100).await.unwrap(), []);
        incident(&store).await;
        assert_eq!(
            due(&store.reader, false, at(9), 100).await.unwrap().len(),
            1
        );
    }

    #[tokio::test]
    async fn names_are_unique_and_another_guild_cannot_remove_a_webhook() {
        let store = TestStore::open().await;
        add(&store, "a").await;
        let (count, foreign, own) = store
            .write(|tx| {
                Box::pin(async move {
                    let count = count(tx, HOME).await?;
                    let foreign = remove(tx, GuildId(2), "a").await?;
                    Ok((count, foreign, remove(tx, HOME, "a").await?))
                })
            })
            .await;
        assert_eq!((count, foreign, own), (1, Effect::Nothing, Effect::Changed));
    }
}
