//! Queries of the scheduler and the recheck job: endpoints to check, and endpoints that are due for a recheck.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::http_check_row;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::target::Target;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::store::engine::rows::{of_guild, pieces, placeholders};
use crate::store::engine::unreadable::StoredTable;
use crate::store::{Reader, StoreError};

/// An endpoint as a check needs it. Small, because there may be 100,000 of them in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    pub id: MonitorId,
    pub guild: GuildId,
    pub target: Target,
    pub http_check: Option<Box<HttpCheck>>,
    /// Counts changes of the target and the HTTP options.
    pub revision: u32,
    /// `None`: the interval from the settings.
    pub interval: Option<Duration>,
    /// Whether the operator has set the interval, so that it may be short.
    pub has_operator_interval: bool,
    pub status: Status,
    /// Never checked yet, so it is checked at once.
    pub is_new: bool,
    /// `None`: at its slot, or, if it is offline, when the recheck job checks it.
    pub next_check_at: Option<Timestamp>,
}

/// A part of all endpoints that are not paused.
#[derive(Debug)]
pub struct ScheduledBatch {
    pub endpoints: Vec<Scheduled>,
    /// The last endpoint of the batch, even if it cannot be read; `None` after the last batch.
    pub last: Option<MonitorId>,
}

/// Every endpoint that is not paused, `batch` at a time. Pass the last id of the previous batch, or 0 for the first one.
pub async fn scheduled(
    reader: &Reader,
    after: MonitorId,
    batch: u32,
) -> Result<ScheduledBatch, StoreError> {
    let rows = sqlx::query("SELECT * FROM scheduled_endpoints WHERE status <> 'paused' AND id > $1 ORDER BY id LIMIT $2")
    .bind(after.0)
    .bind(i64::from(batch))
    .fetch_all(&reader.pool)
    .await?;
    let last: Option<i64> = rows.last().map(|row| row.try_get("id")).transpose()?;
    Ok(ScheduledBatch {
        endpoints: reader.unreadable.skip(StoredTable::Monitors, &rows, read)?,
        last: last.map(MonitorId),
    })
}

/// The endpoints among `ids` that exist and are not paused.
pub async fn scheduled_among(
    reader: &Reader,
    ids: &[MonitorId],
) -> Result<Vec<Scheduled>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for piece in pieces(ids) {
        let places = placeholders(1, piece.len());
        let sql = format!(
            "{} {places}",
            "SELECT * FROM scheduled_endpoints WHERE status <> 'paused' AND id IN"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for id in piece {
            query = query.bind(id.0);
        }
        let rows = query.fetch_all(&reader.pool).await?;
        found.extend(reader.unreadable.skip(StoredTable::Monitors, &rows, read)?);
    }
    Ok(found)
}

/// Inactive endpoints that were not checked since `checked_before`: never checked first, then the longest ago.
pub async fn due_for_recheck(
    reader: &Reader,
    guild: Option<GuildId>,
    checked_before: Timestamp,
    limit: u32,
) -> Result<Vec<Scheduled>, StoreError> {
    let sql = format!(
        "SELECT * FROM scheduled_endpoints WHERE is_active = 0 AND status = 'offline' AND {}
           AND (inactive_checked_at IS NULL OR inactive_checked_at <= $2)
         ORDER BY inactive_checked_at IS NOT NULL, inactive_checked_at, id LIMIT $3",
        of_guild(guild)
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(guild.map(GuildId::to_row))
        .bind(checked_before.millis())
        .bind(i64::from(limit))
        .fetch_all(&reader.pool)
        .await?;
    reader.unreadable.skip(StoredTable::Monitors, &rows, read)
}

/// Endpoints for a one-shot check, those checked longest ago first. `active`: see `EndpointFilter::active`.
pub async fn recheckable(
    reader: &Reader,
    active: Option<bool>,
    checked_before: Timestamp,
    limit: u32,
) -> Result<Vec<Scheduled>, StoreError> {
    let rows = sqlx::query("SELECT * FROM scheduled_endpoints WHERE status <> 'paused' AND ($1 IS NULL OR is_active = $1)
           AND (last_check_at IS NULL OR last_check_at <= $2)
         ORDER BY last_check_at IS NOT NULL, last_check_at, id LIMIT $3")
    .bind(active)
    .bind(checked_before.millis())
    .bind(i64::from(limit))
    .fetch_all(&reader.pool)
    .await?;
    reader.unreadable.skip(StoredTable::Monitors, &rows, read)
}

fn read(row: &SqliteRow) -> Result<Scheduled, StoreError> {
    let target: &str = row.try_get("target")?;
    let status: &str = row.try_get("status")?;
    let http_check: Option<&str> = row.try_get("http_check")?;
    let interval: Option<i64> = row.try_get("interval_ms")?;
    let last_check: Option<i64> = row.try_get("last_check_at")?;
    let next_due: Option<i64> = row.try_get("next_check_at")?;
    let damaged = |what: &str| StoreError::Damaged(format!("an endpoint's {what}"));
    let http_check = match http_check {
        Some(text) => Some(http_check_row::read(text).ok_or_else(|| damaged("HTTP options"))?),
        None => None,
    };
    Ok(Scheduled {
        id: MonitorId(row.try_get("id")?),
        guild: GuildId::from_row(row.try_get("guild_id")?),
        target: target.parse().map_err(|_| damaged("target"))?,
        http_check: http_check.map(Box::new),
        revision: row.try_get("revision")?,
        interval: interval.map(|millis| Duration::from_millis(millis.unsigned_abs())),
        has_operator_interval: row.try_get("has_operator_interval")?,
        status: status.parse().map_err(|_| damaged("status"))?,
        is_new: last_check.is_none(),
        next_check_at: next_due.map(Timestamp::from_millis),
    })
}
