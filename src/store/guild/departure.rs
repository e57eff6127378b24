//! What ends when the bot is removed from a guild: keys, checks, outages and deliveries. Nothing of it returns by itself when
//! the bot is added again.

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::{MonitorId, MonitorKind};
use crate::domain::status::Status;
use crate::store::devices::device::status_of;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::monitors::monitor_state;
use crate::store::{StoreError, Tx, api_key};

/// How much access ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    pub keys: u64,
    /// Devices whose UUID or push token was a way in by itself.
    pub devices: u64,
}

/// Ends everything that gives access to a guild: API keys of every kind, push tokens, and pings by a UUID alone. Results of
/// checks that are in flight will be dropped, and its servers count as not set up.
pub async fn revoke_access(
    tx: &mut Tx<'_>,
    guild: GuildId,
    now: Timestamp,
) -> Result<Revoked, StoreError> {
    let keys = api_key::revoke_all(tx, guild, now).await?;
    let devices = sqlx::query(
        "UPDATE device_details SET push_token_sha256 = NULL, uuid_revoked_at = $2
         WHERE guild_id = $1 AND uuid_revoked_at IS NULL",
    )
    .bind(guild.to_row())
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    for sql in [
        "UPDATE device_details SET push_token_sha256 = NULL WHERE guild_id = $1 AND push_token_sha256 IS NOT NULL",
        "UPDATE endpoint_targets SET revision = revision + 1 WHERE guild_id = $1",
        // Their agents need new keys: until then, they are not overdue.
        "UPDATE monitor_state SET last_seen_at = NULL WHERE monitor_id IN (SELECT monitor_id FROM server_details WHERE guild_id = $1)",
    ] {
        sqlx::query(sql)
            .bind(guild.to_row())
            .execute(&mut *tx.connection)
            .await?;
    }
    tx.cache.clear();
    Ok(Revoked {
        keys,
        devices: devices.rows_affected(),
    })
}

/// A monitor whose status says something about the time while the bot was in the guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    pub id: MonitorId,
    pub kind: MonitorKind,
    pub status: Status,
    pub since: Timestamp,
}

/// Up to `limit` monitors of a guild that are neither unknown nor paused.
pub async fn running(
    tx: &mut Tx<'_>,
    guild: GuildId,
    limit: u32,
) -> Result<Vec<Running>, StoreError> {
    let rows: Vec<(i64, String, String, i64)> = sqlx::query_as(
        "SELECT id, kind, status, since FROM monitors
         WHERE guild_id = $1 AND status IN ('online', 'warning', 'offline') LIMIT $2",
    )
    .bind(guild.to_row())
    .bind(limit)
    .fetch_all(&mut *tx.connection)
    .await?;
    let running = |(id, kind, status, since): (i64, String, String, i64)| {
        let damaged = |_| StoreError::Damaged(format!("the kind {kind} of a monitor"));
        Ok(Running {
            id: MonitorId(id),
            kind: kind.parse().map_err(damaged)?,
            status: status_of(&status)?,
            since: Timestamp::from_millis(since),
        })
    };
    rows.into_iter().map(running).collect()
}

/// Forgets the failures of monitors, and the runs of their jobs.
pub async fn start_over(tx: &mut Tx<'_>, ids: &[MonitorId]) -> Result<(), StoreError> {
    monitor_state::forget_failures(tx, ids).await?;
    for piece in pieces(ids) {
        let places = placeholders(1, piece.len());
        for sql in [
            "UPDATE endpoint_targets SET failure_class = NULL, failure_detail = NULL WHERE monitor_id IN",
            "UPDATE device_details SET failure = NULL WHERE monitor_id IN",
            "DELETE FROM device_runs WHERE monitor_id IN",
        ] {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(format!("{sql} {places}")));
            for id in piece {
                query = query.bind(id.0);
            }
            query.execute(&mut *tx.connection).await?;
        }
    }
    tx.cache.clear();
    Ok(())
}

/// Drops what waits to be delivered about incidents of a guild. Boards stay pending: they show the current state.
pub async fn drop_deliveries(tx: &mut Tx<'_>, guild: GuildId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM deliveries WHERE message_id IS NULL AND incident_id IS NOT NULL AND delivered_revision < wanted_revision
             AND destination_id IN (SELECT id FROM destinations WHERE guild_id = $1)",
        "UPDATE deliveries SET delivered_revision = wanted_revision
         WHERE incident_id IS NOT NULL AND delivered_revision < wanted_revision
             AND destination_id IN (SELECT id FROM destinations WHERE guild_id = $1)",
    ] {
        sqlx::query(sql)
            .bind(guild.to_row())
            .execute(&mut *tx.connection)
            .await?;
    }
    Ok(())
}

/// Makes the destinations of a guild count as working: the bot has new permissions there.
pub async fn try_destinations_again(tx: &mut Tx<'_>, guild: GuildId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE destinations SET attempts = 0, failing_since = NULL, suspected_at = NULL, broken_at = NULL,
             broken_reason = NULL, next_try_at = 0 WHERE guild_id = $1",
    )
    .bind(guild.to_row())
    .execute(&mut *tx.connection)
    .await?;
    tx.cache.forget_destinations(guild);
    Ok(())
}
