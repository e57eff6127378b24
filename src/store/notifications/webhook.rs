//! Webhooks: what a destination of this kind needs beside its row. URL and signing key are secrets; `Debug` shows neither.

use std::fmt;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::destination;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::target::Target;
use crate::domain::event::Actor;
use crate::domain::notifications::destination_health::DestinationHealth;
use crate::domain::notifications::destinations::{DestinationId, DestinationKind};
use crate::domain::notifications::webhook::{WebhookFormat, WebhookId};
use crate::store::engine::unreadable::StoredTable;
use crate::store::{Effect, Reader, StoreError, Tx};

/// A stored webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub guild_id: GuildId,
    pub name: String,
    pub url: Target,
    pub format: WebhookFormat,
    /// Of the format `template`.
    pub template: Option<String>,
    /// `whsec_` and the key in base64.
    pub signing_key: String,
    /// When something was last sent to it.
    pub last_sent_at: Option<Timestamp>,
    pub destination: DestinationId,
    pub health: DestinationHealth,
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
    /// Of the format `template`; a secret, too.
    pub template: Option<String>,
    pub signing_key: String,
}

fn read(row: &SqliteRow) -> Result<Webhook, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("a webhook's {what}"));
    let url: &str = row.try_get("url")?;
    let format: &str = row.try_get("format")?;
    let last_sent_at: Option<i64> = row.try_get("last_sent_at")?;
    Ok(Webhook {
        id: WebhookId(row.try_get("webhook_id")?),
        guild_id: GuildId::from_row(row.try_get("guild_id")?),
        name: row.try_get("name")?,
        url: url.parse().map_err(|_| damaged("address"))?,
        format: format
            .parse::<WebhookFormat>()
            .ok()
            .ok_or_else(|| damaged("format"))?,
        template: row.try_get("template")?,
        signing_key: row.try_get("signing_key")?,
        last_sent_at: last_sent_at.map(Timestamp::from_millis),
        destination: DestinationId(row.try_get("destination_id")?),
        health: destination::health(row)?,
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
        "INSERT INTO webhooks (guild_id, name, url, format, template, signing_key, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(guild.to_row())
    .bind(&new.name)
    .bind(new.url.to_string())
    .bind(new.format.as_str())
    .bind(&new.template)
    .bind(&new.signing_key)
    .bind(now.millis())
    .bind(by.to_string())
    .fetch_optional(&mut *tx.connection)
    .await?;
    if let Some(id) = id {
        destination::add(tx, guild, DestinationKind::Webhook, id).await?;
    }
    Ok(id.map(WebhookId))
}

/// What can be changed of a webhook.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    pub name: String,
    pub url: Target,
    pub format: WebhookFormat,
    pub template: Option<String>,
}

/// Saves a webhook; `Nothing` if the guild has no such webhook, or another one of that name.
pub async fn update(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: WebhookId,
    settings: &WebhookSettings,
) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE webhooks SET name = $3, url = $4, format = $5, template = $6 WHERE guild_id = $1 AND id = $2
             AND NOT EXISTS (SELECT 1 FROM webhooks WHERE guild_id = $1 AND name = $3 AND id <> $2)",
    )
    .bind(guild.to_row())
    .bind(id.0)
    .bind(&settings.name)
    .bind(settings.url.to_string())
    .bind(settings.format.as_str())
    .bind(&settings.template)
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

/// Number of webhooks of a guild.
pub async fn count(tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM webhooks WHERE guild_id = $1")
        .bind(guild.to_row())
        .fetch_one(&mut *tx.connection)
        .await?;
    Ok(count.unsigned_abs())
}

const SELECT: &str = "SELECT w.id AS webhook_id, w.guild_id, w.name, w.url, w.format, w.template, w.signing_key, t.id AS destination_id, t.attempts,
         t.failing_since, t.suspected_at, t.broken_at, t.broken_reason, t.next_try_at, t.last_sent_at
     FROM webhooks w JOIN destinations t ON t.guild_id = w.guild_id AND t.kind = 'webhook' AND t.address = w.id";

/// The webhooks of a guild by name.
pub async fn list(reader: &Reader, guild: GuildId) -> Result<Vec<Webhook>, StoreError> {
    let sql = format!("{SELECT} WHERE w.guild_id = $1 ORDER BY w.name, w.id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(guild.to_row())
        .fetch_all(&reader.pool)
        .await?;
    reader.unreadable.skip(StoredTable::Webhooks, &rows, read)
}

/// The webhooks of all guilds.
pub(in crate::store) async fn all(reader: &Reader) -> Result<Vec<Webhook>, StoreError> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(SELECT))
        .fetch_all(&reader.pool)
        .await?;
    reader.unreadable.skip(StoredTable::Webhooks, &rows, read)
}

/// A webhook; `None` if it has been removed.
pub async fn get(reader: &Reader, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
    let sql = format!("{SELECT} WHERE w.id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(id.0)
        .fetch_optional(&reader.pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// A webhook of a guild, read inside a transaction.
pub async fn find(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: WebhookId,
) -> Result<Option<Webhook>, StoreError> {
    let sql = format!("{SELECT} WHERE w.guild_id = $1 AND w.id = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(guild.to_row())
        .bind(id.0)
        .fetch_optional(&mut *tx.connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The name of a webhook; `None` if it has been removed.
pub async fn name(tx: &mut Tx<'_>, id: WebhookId) -> Result<Option<String>, StoreError> {
    let name = sqlx::query_scalar("SELECT name FROM webhooks WHERE id = $1")
        .bind(id.0)
        .fetch_optional(&mut *tx.connection)
        .await?;
    Ok(name)
}

/// The name of a webhook of a guild; `None` if the guild has no such webhook.
pub async fn name_in(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: WebhookId,
) -> Result<Option<String>, StoreError> {
    let name = sqlx::query_scalar("SELECT name FROM webhooks WHERE id = $1 AND guild_id = $2")
        .bind(id.0)
        .bind(guild.to_row())
        .fetch_optional(&mut *tx.connection)
        .await?;
    Ok(name)
}

/// Removes a webhook with its deliveries; `Nothing` if the guild has none of that name.
pub async fn remove(tx: &mut Tx<'_>, guild: GuildId, name: &str) -> Result<Effect, StoreError> {
    let deleted: Option<i64> =
        sqlx::query_scalar("DELETE FROM webhooks WHERE guild_id = $1 AND name = $2 RETURNING id")
            .bind(guild.to_row())
            .bind(name)
            .fetch_optional(&mut *tx.connection)
            .await?;
    match deleted {
        Some(id) => destination::remove(tx, guild, DestinationKind::Webhook, Some(id)).await,
        None => Ok(Effect::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);

    async fn add(store: &TestStore, name: &'static str) -> Option<WebhookId> {
        let new = NewWebhook {
            name: name.into(),
            url: "https://example.org/canary".parse().unwrap(),
            format: WebhookFormat::Standard,
            template: Some("canary".into()),
            signing_key: "whsec_canary".into(),
        };
        let now = Timestamp::from_millis(0);
        store
            .write(move |tx| {
                Box::pin(async move { insert(tx, HOME, &new, Actor::System, now).await })
            })
            .await
    }

    #[tokio::test]
    async fn a_webhook_is_a_destination_and_shows_no_secret() {
        let store = TestStore::open().await;
        let id = add(&store, "a").await.unwrap();
        let known = get(&store.reader, id).await.unwrap().unwrap();
        assert!(!format!("{known:?}").contains("canary"));
        assert_eq!(known.health, DestinationHealth::default());
        let rows: Vec<(i64, String, i64)> = store
            .rows("SELECT id, kind, address FROM destinations")
            .await;
        assert_eq!(rows, [(known.destination.0, "webhook".to_owned(), id.0)]);
        let removed = store.write(|tx| Box::pin(remove(tx, HOME, "a"))).await;
        assert_eq!(removed, Effect::Changed);
        assert_eq!(get(&store.reader, id).await.unwrap(), None);
        let rows: Vec<(i64,)> = store.rows("SELECT id FROM destinations").await;
        assert_eq!(rows, []);
    }

    #[tokio::test]
    async fn names_are_unique_and_another_guild_cannot_remove_a_webhook() {
        let store = TestStore::open().await;
        assert!(add(&store, "a").await.is_some());
        assert!(add(&store, "a").await.is_none());
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
