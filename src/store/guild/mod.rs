//! The guilds that the bot is in, or was in. A guild that was never seen on Discord has no row.

pub mod daily_changes;
pub mod departure;
pub mod forget;
pub mod guild_setting;
pub mod move_local;
pub mod registration;

use std::collections::HashMap;
use std::time::Duration;

use super::{Effect, Reader, StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::discord_id::{ApplicationId, GuildId};

/// A guild that was seen on Discord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guild {
    pub id: GuildId,
    /// `None`: it was never available.
    pub name: Option<String>,
    /// Of the bot that is in it, or was.
    pub application: ApplicationId,
    /// When Rollcall first found the bot in it, or found it there again.
    pub joined_at: Timestamp,
    /// `None`: the bot is in it.
    pub left_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    guild_id: i64,
    name: Option<String>,
    application_id: i64,
    joined_at: i64,
    left_at: Option<i64>,
}

impl From<Row> for Guild {
    fn from(row: Row) -> Self {
        Self {
            id: GuildId::from_row(row.guild_id),
            name: row.name,
            application: ApplicationId::from_row(row.application_id),
            joined_at: Timestamp::from_millis(row.joined_at),
            left_at: row.left_at.map(Timestamp::from_millis),
        }
    }
}

/// A guild; `None` if it was never seen on Discord.
pub async fn get(reader: &Reader, id: GuildId) -> Result<Option<Guild>, StoreError> {
    let row: Option<Row> = sqlx::query_as("SELECT * FROM guilds WHERE guild_id = $1")
        .bind(id.to_row())
        .fetch_optional(&reader.pool)
        .await?;
    Ok(row.map(Guild::from))
}

/// Every guild that was seen on Discord.
pub async fn all(reader: &Reader) -> Result<HashMap<GuildId, Guild>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as("SELECT * FROM guilds")
        .fetch_all(&reader.pool)
        .await?;
    let guilds = rows.into_iter().map(Guild::from);
    Ok(guilds.map(|guild| (guild.id, guild)).collect())
}

/// Adds a guild that the bot is in, or changes its name and its application. Its times stay. A new guild awaits its welcome,
/// unless it has been set up already, as by the command line or by a version that did not record guilds.
pub async fn save(tx: &mut Tx<'_>, guild: &Guild) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO guilds (guild_id, name, application_id, joined_at, welcomed_at)
         VALUES ($1, $2, $3, $4, CASE WHEN EXISTS (SELECT 1 FROM monitors WHERE guild_id = $1)
             OR EXISTS (SELECT 1 FROM alert_settings WHERE guild_id = $1) THEN $4 END)
         ON CONFLICT (guild_id) DO UPDATE SET name = COALESCE(excluded.name, guilds.name), application_id = excluded.application_id",
    )
    .bind(guild.id.to_row())
    .bind(guild.name.as_deref())
    .bind(guild.application.to_row())
    .bind(guild.joined_at.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Whether the bot was removed from a guild.
pub async fn has_left(tx: &mut Tx<'_>, id: GuildId) -> Result<bool, StoreError> {
    let has_left: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM left_guilds WHERE guild_id = $1)")
            .bind(id.to_row())
            .fetch_one(&mut *tx.connection)
            .await?;
    Ok(has_left)
}

/// Whether the bot is in a guild. False for one that was never seen on Discord.
pub async fn is_joined(tx: &mut Tx<'_>, id: GuildId) -> Result<bool, StoreError> {
    let is_joined: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM guilds WHERE guild_id = $1 AND left_at IS NULL)",
    )
    .bind(id.to_row())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(is_joined)
}

/// Records that the bot was removed from a guild; `Nothing` if it was not in it.
pub async fn leave(tx: &mut Tx<'_>, id: GuildId, now: Timestamp) -> Result<Effect, StoreError> {
    let changed =
        sqlx::query("UPDATE guilds SET left_at = $2 WHERE guild_id = $1 AND left_at IS NULL")
            .bind(id.to_row())
            .bind(now.millis())
            .execute(&mut *tx.connection)
            .await?;
    Ok(Effect::of(&changed))
}

/// Records that the bot is in a guild again, which awaits a welcome again; `Nothing` if it had not left it.
pub async fn rejoin(tx: &mut Tx<'_>, id: GuildId, now: Timestamp) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE guilds SET left_at = NULL, joined_at = $2, welcomed_at = NULL WHERE guild_id = $1 AND left_at IS NOT NULL",
    )
    .bind(id.to_row())
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

/// How long after the bot has joined a guild it may be welcomed. A later welcome would surprise people: a guild may get a
/// channel for it after months.
const WELCOME_WITHIN: Duration = Duration::from_secs(3600);

/// Whether a guild that the bot has joined a short time ago has not been welcomed yet.
pub async fn awaits_welcome(
    reader: &Reader,
    id: GuildId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let awaits: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM guilds
            WHERE guild_id = $1 AND left_at IS NULL AND welcomed_at IS NULL AND joined_at >= $2)",
    )
    .bind(id.to_row())
    .bind(now.minus(WELCOME_WITHIN).millis())
    .fetch_one(&reader.pool)
    .await?;
    Ok(awaits)
}

/// Records that a guild is welcomed; `Nothing` if it was welcomed before, if the bot has left it, or if it has been there for
/// long.
pub async fn welcome(tx: &mut Tx<'_>, id: GuildId, now: Timestamp) -> Result<Effect, StoreError> {
    let changed = sqlx::query(
        "UPDATE guilds SET welcomed_at = $2
         WHERE guild_id = $1 AND left_at IS NULL AND welcomed_at IS NULL AND joined_at >= $3",
    )
    .bind(id.to_row())
    .bind(now.millis())
    .bind(now.minus(WELCOME_WITHIN).millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}

/// The application to which the guilds belong, if that is another one than `own`.
pub async fn other_application(
    reader: &Reader,
    own: ApplicationId,
) -> Result<Option<ApplicationId>, StoreError> {
    let other: Option<i64> = sqlx::query_scalar(
        "SELECT application_id FROM guilds WHERE application_id <> $1 ORDER BY joined_at DESC LIMIT 1",
    )
    .bind(own.to_row())
    .fetch_optional(&reader.pool)
    .await?;
    Ok(other.map(ApplicationId::from_row))
}

/// Makes every guild one of this application; returns how many belonged to another one.
pub async fn adopt(tx: &mut Tx<'_>, own: ApplicationId) -> Result<u64, StoreError> {
    let adopted = sqlx::query("UPDATE guilds SET application_id = $1 WHERE application_id <> $1")
        .bind(own.to_row())
        .execute(&mut *tx.connection)
        .await?;
    Ok(adopted.rows_affected())
}

/// A guild with data, or one that was seen on Discord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuildSummary {
    pub id: GuildId,
    /// `None`: it was never seen on Discord.
    pub known: Option<Guild>,
    pub monitors: u64,
    /// API keys that are neither revoked nor expired.
    pub keys: u64,
}

/// The guilds with monitors or keys, and those that were seen on Discord, by id.
pub async fn summaries(reader: &Reader, now: Timestamp) -> Result<Vec<GuildSummary>, StoreError> {
    let mut known = all(reader).await?;
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
        "SELECT ids.guild_id, (SELECT COUNT(*) FROM monitors m WHERE m.guild_id = ids.guild_id),
             (SELECT COUNT(*) FROM api_keys k WHERE k.guild_id = ids.guild_id AND k.revoked_at IS NULL
                 AND (k.expires_at IS NULL OR k.expires_at > $1))
         FROM (SELECT guild_id FROM guilds UNION SELECT guild_id FROM monitors UNION SELECT guild_id FROM api_keys) AS ids
         ORDER BY ids.guild_id",
    )
    .bind(now.millis())
    .fetch_all(&reader.pool)
    .await?;
    let summary = |(id, monitors, keys): (i64, i64, i64)| {
        let id = GuildId::from_row(id);
        GuildSummary {
            id,
            known: known.remove(&id),
            monitors: monitors.unsigned_abs(),
            keys: keys.unsigned_abs(),
        }
    };
    Ok(rows.into_iter().map(summary).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    const OURS: ApplicationId = ApplicationId(5);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn guild(id: u64, name: Option<&str>, second: i64) -> Guild {
        Guild {
            id: GuildId(id),
            name: name.map(str::to_owned),
            application: OURS,
            joined_at: at(second),
            left_at: None,
        }
    }

    async fn keep(store: &TestStore, guild: Guild) {
        store
            .write(move |tx| Box::pin(async move { save(tx, &guild).await }))
            .await;
    }

    #[tokio::test]
    async fn a_guild_keeps_its_name_and_its_times_until_it_is_left() {
        let store = TestStore::open().await;
        let id = GuildId(7);
        keep(&store, guild(7, Some("Home"), 1)).await;
        keep(&store, guild(7, None, 2)).await;
        let known = get(&store.reader, id).await.unwrap();
        assert_eq!(known, Some(guild(7, Some("Home"), 1)));
        for (second, effect) in [(3, Effect::Changed), (4, Effect::Nothing)] {
            let left = store
                .write(move |tx| Box::pin(leave(tx, id, at(second))))
                .await;
            assert_eq!(left, effect, "{second}");
        }
        assert!(store.write(move |tx| Box::pin(has_left(tx, id))).await);
        let left_at = get(&store.reader, id).await.unwrap().unwrap().left_at;
        assert_eq!(left_at, Some(at(3)));
        for (second, effect) in [(5, Effect::Changed), (6, Effect::Nothing)] {
            let back = store
                .write(move |tx| Box::pin(rejoin(tx, id, at(second))))
                .await;
            assert_eq!(back, effect, "{second}");
        }
        let known = get(&store.reader, id).await.unwrap();
        assert_eq!(known, Some(guild(7, Some("Home"), 5)));
        assert!(!store.write(move |tx| Box::pin(has_left(tx, id))).await);
    }

    #[tokio::test]
    async fn guilds_of_another_application_are_found_until_they_are_adopted() {
        let store = TestStore::open().await;
        let theirs = ApplicationId(6);
        assert_eq!(other_application(&store.reader, OURS).await.unwrap(), None);
        keep(&store, guild(1, None, 1)).await;
        let other = Guild {
            application: theirs,
            ..guild(2, None, 1)
        };
        keep(&store, other).await;
        let found = other_application(&store.reader, OURS).await.unwrap();
        assert_eq!(found, Some(theirs));
        let adopted = store.write(|tx| Box::pin(adopt(tx, OURS))).await;
        assert_eq!(adopted, 1);
        assert_eq!(other_application(&store.reader, OURS).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_summary_lists_guilds_with_data_and_guilds_on_discord() {
        let store = TestStore::open().await;
        keep(&store, guild(9, Some("Home"), 1)).await;
        store
            .add_endpoint(GuildId::LOCAL, "tcp://192.0.2.1:1")
            .await;
        store
            .execute(
                "INSERT INTO api_keys (id, guild_id, kind, secret_sha256, created_at, expires_at, revoked_at) VALUES
                     ('000000000001', 8, 'read', X'00', 1, NULL, NULL), ('000000000002', 8, 'read', X'00', 1, NULL, 2),
                     ('000000000003', 8, 'read', X'00', 1, 5000, NULL), ('000000000004', 8, 'read', X'00', 1, 5001, NULL)",
            )
            .await;
        let found = summaries(&store.reader, at(5)).await.unwrap();
        let summary = |id, known, monitors, keys| GuildSummary {
            id: GuildId(id),
            known,
            monitors,
            keys,
        };
        let home = guild(9, Some("Home"), 1);
        assert_eq!(
            found,
            [
                summary(0, None, 1, 0),
                summary(8, None, 0, 2),
                summary(9, Some(home), 0, 0)
            ]
        );
    }
}
