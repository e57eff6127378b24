//! Endpoints: adding, changing, removing, finding and counting them.

mod find;
mod http_check_row;
mod schedule;

use std::time::Duration;

pub(in crate::store) use find::find_unreadable;
pub use find::{
    EndpointFilter, Page, Position, Start, all, counts_by_reason, counts_by_status, find, get,
    list, oldest_offline, search, with_address, with_name, with_target,
};
pub(in crate::store) use http_check_row::verifies_tls;
pub use schedule::{Scheduled, due_for_recheck, recheckable, scheduled, scheduled_among};

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::certificate_expiry::Certificate;
use crate::domain::endpoints::http_check::HttpCheck;
use crate::domain::endpoints::status_rule::State;
use crate::domain::endpoints::target::Target;
use crate::domain::monitor::MonitorId;
use crate::domain::monitor::name::NameKey;
use crate::domain::status::Status;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::monitors::monitor_name;
use crate::store::{Effect, StoreError, Tx};

/// The part of an endpoint that people define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    pub target: Target,
    /// `None`: every option has its default.
    pub http_check: Option<HttpCheck>,
    /// `None`: the interval from the settings.
    pub interval: Option<Duration>,
}

/// An endpoint with its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub id: MonitorId,
    pub guild_id: GuildId,
    pub description: Description,
    pub state: State,
    pub last_check_at: Option<Timestamp>,
    /// The time that the recheck job compares: the last check while inactive, or the start of the run that it was part of.
    pub recheck_counts_from: Option<Timestamp>,
    pub last_seen_at: Option<Timestamp>,
    pub next_check_at: Option<Timestamp>,
    pub latency: Option<Duration>,
    pub certificate: Option<Certificate>,
    pub created_at: Timestamp,
}

impl Endpoint {
    /// Whether it is active; see `State::is_active`.
    pub fn is_active(&self) -> bool {
        self.state.is_active()
    }
}

/// Whether a guild has an endpoint with this target.
pub async fn has_target(
    tx: &mut Tx<'_>,
    guild: GuildId,
    target: &Target,
) -> Result<bool, StoreError> {
    let known: Option<i64> = sqlx::query_scalar(
        "SELECT monitor_id FROM endpoint_targets WHERE guild_id = $1 AND target = $2",
    )
    .bind(guild.to_row())
    .bind(target.to_string())
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(known.is_some())
}

/// Adds an endpoint; `None` if this guild already has that target. The caller makes sure that its name is free.
pub async fn insert(
    tx: &mut Tx<'_>,
    guild: GuildId,
    description: &Description,
    now: Timestamp,
) -> Result<Option<MonitorId>, StoreError> {
    let Description { target, name, .. } = description;
    if has_target(tx, guild, target).await? {
        return Ok(None);
    }
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO monitors (guild_id, kind, name, name_key, status, since, created_at)
         VALUES ($1, 'endpoint', $2, $5, $3, $4, $4) RETURNING id",
    )
    .bind(guild.to_row())
    .bind(name)
    .bind(Status::Unknown.as_str())
    .bind(now.millis())
    .bind(NameKey::of(name).as_str())
    .fetch_one(&mut *tx.connection)
    .await?;
    sqlx::query(
        "INSERT INTO endpoint_targets (monitor_id, guild_id, target, host, port, http_check, interval_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id)
    .bind(guild.to_row())
    .bind(target.to_string())
    .bind(target.host.to_string())
    .bind(target.port)
    .bind(description.http_check.as_ref().map(http_check_row::write))
    .bind(description.interval.map(crate::domain::millis))
    .execute(&mut *tx.connection)
    .await?;
    sqlx::query("INSERT INTO monitor_state (monitor_id) VALUES ($1)")
        .bind(id)
        .execute(&mut *tx.connection)
        .await?;
    Ok(Some(MonitorId(id)))
}

/// Changes the description of an endpoint, including its target; `Nothing` if another endpoint has that target. What was
/// announced of the certificate of the old target does not count for the new one. The caller makes sure that the name is
/// free.
pub async fn update(
    tx: &mut Tx<'_>,
    endpoint: &Endpoint,
    description: &Description,
) -> Result<Effect, StoreError> {
    let Description { target, name, .. } = description;
    let taken: Option<i64> = sqlx::query_scalar(
        "SELECT monitor_id FROM endpoint_targets WHERE guild_id = $1 AND target = $2 AND monitor_id <> $3",
    )
    .bind(endpoint.guild_id.to_row())
    .bind(target.to_string())
    .bind(endpoint.id.0)
    .fetch_optional(&mut *tx.connection)
    .await?;
    if taken.is_some() {
        return Ok(Effect::Nothing);
    }
    monitor_name::set(tx, endpoint.id, name).await?;
    sqlx::query(
        "UPDATE endpoint_targets SET target = $2, host = $3, port = $4, http_check = $5, interval_ms = $6,
            revision = revision + (target <> $2 OR http_check IS NOT $5),
            certificate_announced_days = CASE WHEN target = $2 THEN certificate_announced_days END,
            certificate_announced_expiry = CASE WHEN target = $2 THEN certificate_announced_expiry END,
            certificate_announced_days_2 = CASE WHEN target = $2 THEN certificate_announced_days_2 END,
            certificate_announced_expiry_2 = CASE WHEN target = $2 THEN certificate_announced_expiry_2 END
         WHERE monitor_id = $1",
    )
    .bind(endpoint.id.0)
    .bind(target.to_string())
    .bind(target.host.to_string())
    .bind(target.port)
    .bind(description.http_check.as_ref().map(http_check_row::write))
    .bind(description.interval.map(crate::domain::millis))
    .execute(&mut *tx.connection)
    .await?;
    super::state::forget(tx, endpoint.id);
    Ok(Effect::Changed)
}

/// The target of an endpoint as it is stored, which is not parsed.
pub async fn target_text(tx: &mut Tx<'_>, id: MonitorId) -> Result<Option<String>, StoreError> {
    let text = sqlx::query_scalar("SELECT target FROM endpoint_targets WHERE monitor_id = $1")
        .bind(id.0)
        .fetch_optional(&mut *tx.connection)
        .await?;
    Ok(text)
}

/// Stores whether the operator has set the interval of an endpoint.
pub async fn set_operator_interval(
    tx: &mut Tx<'_>,
    id: MonitorId,
    has_operator_interval: bool,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE endpoint_targets SET has_operator_interval = $2 WHERE monitor_id = $1")
        .bind(id.0)
        .bind(has_operator_interval)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Removes an endpoint with everything but its events; `Nothing` if this guild has no such endpoint.
pub async fn remove(tx: &mut Tx<'_>, guild: GuildId, id: MonitorId) -> Result<Effect, StoreError> {
    let deleted = sqlx::query("DELETE FROM monitors WHERE guild_id = $1 AND id = $2")
        .bind(guild.to_row())
        .bind(id.0)
        .execute(&mut *tx.connection)
        .await?;
    if deleted.rows_affected() == 0 {
        return Ok(Effect::Nothing);
    }
    crate::store::monitors::monitor_state::remove(tx, id).await?;
    super::state::forget(tx, id);
    Ok(Effect::Changed)
}

/// An endpoint that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailingEndpoint {
    pub guild: GuildId,
    pub id: MonitorId,
    /// Whether its host is a name, and no IP address.
    pub has_name: bool,
}

/// Endpoints that started to fail since the given time.
pub async fn failing_since(
    tx: &mut Tx<'_>,
    since: Timestamp,
) -> Result<Vec<FailingEndpoint>, StoreError> {
    let rows: Vec<FailingRow> = sqlx::query_as(
        "SELECT m.guild_id, m.id, t.host FROM monitors m JOIN endpoint_targets t ON t.monitor_id = m.id
         WHERE m.kind = 'endpoint' AND m.status IN ('warning', 'offline') AND m.since >= $1 ORDER BY m.since, m.id",
    )
    .bind(since.millis())
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(rows.into_iter().map(FailingEndpoint::from).collect())
}

#[derive(sqlx::FromRow)]
struct FailingRow {
    guild_id: i64,
    id: i64,
    host: String,
}

impl From<FailingRow> for FailingEndpoint {
    fn from(row: FailingRow) -> Self {
        Self {
            guild: GuildId::from_row(row.guild_id),
            id: MonitorId(row.id),
            has_name: row.host.parse::<std::net::IpAddr>().is_err(),
        }
    }
}

/// Those of these endpoints that are still there.
pub async fn among(tx: &mut Tx<'_>, ids: &[MonitorId]) -> Result<Vec<FailingEndpoint>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for piece in pieces(ids) {
        let places = placeholders(1, piece.len());
        let sql = format!(
            "SELECT guild_id, monitor_id AS id, host FROM endpoint_targets WHERE monitor_id IN {places}"
        );
        let mut query = sqlx::query_as::<_, FailingRow>(sqlx::AssertSqlSafe(sql));
        for id in piece {
            query = query.bind(id.0);
        }
        let rows = query.fetch_all(&mut *tx.connection).await?;
        found.extend(rows.into_iter().map(FailingEndpoint::from));
    }
    Ok(found)
}

/// Number of endpoints of a guild, read inside a transaction to apply the quota.
pub async fn count(tx: &mut Tx<'_>, guild: GuildId) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM monitors WHERE guild_id = $1 AND kind = 'endpoint'",
    )
    .bind(guild.to_row())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(count.unsigned_abs())
}

#[cfg(test)]
mod tests;
