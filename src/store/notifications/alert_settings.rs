//! Alert settings of each guild: channel, role and preferences.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::destination;
use crate::domain::discord_id::{ChannelId, GuildId, RoleId, UserId};
use crate::domain::notifications::alert_policy::{
    AlertPreferences, BulkAlert, EscalationPolicy, Responder,
};
use crate::domain::notifications::destinations::DestinationKind;
use crate::domain::{Timestamp, millis};
use crate::store::{Effect, Reader, StoreError, Tx};

/// The alert settings of a guild, and whether its channel works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSettings {
    pub channel: ChannelId,
    /// Mentioned when an incident opens.
    pub role: Option<RoleId>,
    /// Why the channel cannot be written to, and since when.
    pub broken: Option<(String, Timestamp)>,
    pub preferences: AlertPreferences,
}

fn read(row: &SqliteRow) -> Result<AlertSettings, StoreError> {
    let role = |name: &str| -> Result<Option<RoleId>, StoreError> {
        let id: Option<i64> = row.try_get(name)?;
        Ok(id.map(RoleId::from_row))
    };
    let length = |name: &str| -> Result<Option<Duration>, StoreError> {
        let millis: Option<i64> = row.try_get(name)?;
        Ok(millis.map(|millis| Duration::from_millis(millis.unsigned_abs())))
    };
    let user: Option<i64> = row.try_get("escalate_user_id")?;
    let responder = role("escalate_role_id")?
        .map(Responder::Role)
        .or(user.map(UserId::from_row).map(Responder::User));
    let bulk = |window| -> Result<BulkAlert, StoreError> {
        Ok(BulkAlert {
            count: row.try_get("bulk_count")?,
            percent: row.try_get("bulk_percent")?,
            window,
        })
    };
    Ok(AlertSettings {
        channel: ChannelId::from_row(row.try_get("channel_id")?),
        role: role("role_id")?,
        broken: destination::health(row)?.broken,
        preferences: AlertPreferences {
            notify_on_recovery: row.try_get("notify_on_recovery")?,
            notify_on_warning: row.try_get("notify_on_warning")?,
            policy: EscalationPolicy {
                remind_after: length("remind_after_ms")?,
                escalate: length("escalate_after_ms")?.zip(responder),
            },
            bulk: length("bulk_window_ms")?.map(bulk).transpose()?,
        },
    })
}

/// The alert settings of a guild; `None` if it has no channel.
pub async fn get(reader: &Reader, guild: GuildId) -> Result<Option<AlertSettings>, StoreError> {
    let row = sqlx::query("SELECT * FROM alert_channels WHERE guild_id = $1")
        .bind(guild.to_row())
        .fetch_optional(&reader.pool)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The alert channel of each guild that has one, and that the bot has not left.
pub async fn channels(reader: &Reader) -> Result<Vec<(GuildId, ChannelId)>, StoreError> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT guild_id, channel_id FROM alert_channels
         WHERE guild_id NOT IN (SELECT guild_id FROM left_guilds) ORDER BY guild_id",
    )
    .fetch_all(&reader.pool)
    .await?;
    let ids = |(guild, channel)| (GuildId::from_row(guild), ChannelId::from_row(channel));
    Ok(rows.into_iter().map(ids).collect())
}

/// The alert settings of a guild, read inside a transaction.
pub async fn find(tx: &mut Tx<'_>, guild: GuildId) -> Result<Option<AlertSettings>, StoreError> {
    let row = sqlx::query("SELECT * FROM alert_channels WHERE guild_id = $1")
        .bind(guild.to_row())
        .fetch_optional(&mut *tx.connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// The settings of all guilds with reminders, escalation or bulk alerts, which jobs must evaluate regularly.
pub async fn with_policy(reader: &Reader) -> Result<Vec<(GuildId, AlertSettings)>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM alert_channels
         WHERE remind_after_ms IS NOT NULL OR escalate_after_ms IS NOT NULL OR bulk_window_ms IS NOT NULL",
    )
    .fetch_all(&reader.pool)
    .await?;
    let whose = |row: &SqliteRow| {
        let guild = GuildId::from_row(row.try_get("guild_id")?);
        Ok((guild, read(row)?))
    };
    rows.iter().map(whose).collect()
}

/// Sets the preferences of a guild; `Nothing` if it has no channel.
pub async fn prefer(
    tx: &mut Tx<'_>,
    guild: GuildId,
    chosen: &AlertPreferences,
) -> Result<Effect, StoreError> {
    let policy = &chosen.policy;
    let (role, user) = match policy.escalate.map(|(_, responder)| responder) {
        Some(Responder::Role(id)) => (Some(id), None),
        Some(Responder::User(id)) => (None, Some(id)),
        None => (None, None),
    };
    let changed = sqlx::query(
        "UPDATE alert_settings SET notify_on_recovery = $2, notify_on_warning = $3, remind_after_ms = $4,
             escalate_after_ms = $5, escalate_role_id = $6, escalate_user_id = $7,
             bulk_count = $8, bulk_percent = $9, bulk_window_ms = $10
         WHERE guild_id = $1",
    )
    .bind(guild.to_row())
    .bind(chosen.notify_on_recovery)
    .bind(chosen.notify_on_warning)
    .bind(policy.remind_after.map(millis))
    .bind(policy.escalate.map(|(after, _)| millis(after)))
    .bind(role.map(RoleId::to_row))
    .bind(user.map(UserId::to_row))
    .bind(chosen.bulk.and_then(|bulk| bulk.count))
    .bind(chosen.bulk.and_then(|bulk| bulk.percent))
    .bind(chosen.bulk.map(|bulk| millis(bulk.window)))
    .execute(&mut *tx.connection)
    .await?;
    tx.cache.forget_destinations(guild);
    Ok(Effect::of(&changed))
}

/// Sets the channel and the role of a guild. A broken channel counts as repaired, and what it missed is due at once.
pub async fn set(
    tx: &mut Tx<'_>,
    guild: GuildId,
    channel: ChannelId,
    role: Option<RoleId>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO alert_settings (guild_id, role_id) VALUES ($1, $2)
         ON CONFLICT (guild_id) DO UPDATE SET role_id = excluded.role_id",
    )
    .bind(guild.to_row())
    .bind(role.map(RoleId::to_row))
    .execute(&mut *tx.connection)
    .await?;
    destination::set_only(tx, guild, DestinationKind::Channel, channel.to_row()).await?;
    Ok(())
}

/// Removes the alert settings of a guild and its channel with all deliveries; `Nothing` if it had none.
pub async fn remove(tx: &mut Tx<'_>, guild: GuildId) -> Result<Effect, StoreError> {
    sqlx::query("DELETE FROM alert_settings WHERE guild_id = $1")
        .bind(guild.to_row())
        .execute(&mut *tx.connection)
        .await?;
    destination::remove(tx, guild, DestinationKind::Channel, None).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn preferences_need_a_channel_and_read_back() {
        let store = TestStore::open().await;
        let guild = GuildId(1 << 62);
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let chosen = AlertPreferences {
            notify_on_recovery: false,
            notify_on_warning: false,
            policy: EscalationPolicy {
                remind_after: Some(minutes(15)),
                escalate: Some((minutes(30), Responder::User(UserId(1 << 62)))),
            },
            bulk: Some(BulkAlert {
                count: Some(10),
                percent: Some(20),
                window: minutes(1),
            }),
        };
        let taken = store
            .write(move |tx| {
                Box::pin(async move {
                    let without = prefer(tx, guild, &chosen).await?;
                    set(tx, guild, ChannelId(5), None).await?;
                    Ok((without, prefer(tx, guild, &chosen).await?))
                })
            })
            .await;
        assert_eq!(taken, (Effect::Nothing, Effect::Changed));
        let known = get(&store.reader, guild).await.unwrap().unwrap();
        assert_eq!(known.preferences, chosen);
        let watched = with_policy(&store.reader).await.unwrap();
        assert_eq!(watched, [(guild, known)]);
        let _ = store
            .write(move |tx| {
                Box::pin(async move { prefer(tx, guild, &AlertPreferences::default()).await })
            })
            .await;
        assert_eq!(with_policy(&store.reader).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_broken_channel_is_repaired_by_setting_it_again() {
        let store = TestStore::open().await;
        let (guild, now) = (GuildId(u64::MAX >> 1), Timestamp::from_millis(7));
        store
            .write(move |tx| Box::pin(set(tx, guild, ChannelId(5), Some(RoleId(6)))))
            .await;
        store
            .execute("UPDATE destinations SET broken_reason = 'gone', broken_at = 7")
            .await;
        let known = get(&store.reader, guild).await.unwrap().unwrap();
        assert_eq!(known.broken, Some(("gone".to_owned(), now)));
        store
            .write(move |tx| Box::pin(set(tx, guild, ChannelId(5), None)))
            .await;
        let known = get(&store.reader, guild).await.unwrap().unwrap();
        assert_eq!(
            (known.channel, known.role, known.broken),
            (ChannelId(5), None, None)
        );
        let deleted = store.write(move |tx| Box::pin(remove(tx, guild))).await;
        assert_eq!(deleted, Effect::Changed);
        assert_eq!(get(&store.reader, guild).await.unwrap(), None);
    }
}
