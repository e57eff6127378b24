//! Certificates that are about to expire, and what was announced of them.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{endpoint, state};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::certificate_expiry::{Certificate, ExpiryWarning, ExpiryWarnings};
use crate::domain::monitor::MonitorId;
use crate::store::engine::unreadable::StoredTable;
use crate::store::{Effect, Reader, StoreError, Tx};

/// An endpoint whose certificate expires soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiringEndpoint {
    pub guild: GuildId,
    pub id: MonitorId,
    pub name: String,
    pub certificate: Certificate,
    pub announced: ExpiryWarnings,
}

/// The endpoints of a guild (`None`: of all) whose certificate expires after `now`, up to `until`, by guild and expiry. Leaves out those that do not answer
/// or are not checked, because their certificate may have been renewed since, and those that accept any certificate.
pub async fn expiring(
    reader: &Reader,
    guild: Option<GuildId>,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<ExpiringEndpoint>, StoreError> {
    let rows = sqlx::query(
        "SELECT m.id, m.guild_id, m.name, t.http_check, t.certificate_starts_at, t.certificate_expires_at, t.certificate_host,
                t.certificate_announced_days, t.certificate_announced_expiry,
                t.certificate_announced_days_2, t.certificate_announced_expiry_2
         FROM endpoint_targets t JOIN monitors m ON m.id = t.monitor_id
         WHERE t.certificate_expires_at > $1 AND t.certificate_expires_at <= $2 AND m.status IN ('online', 'warning')
             AND ($3 IS NULL OR m.guild_id = $3) AND m.guild_id NOT IN (SELECT guild_id FROM left_guilds)
         ORDER BY m.guild_id, t.certificate_expires_at, m.id",
    )
    .bind(now.millis())
    .bind(until.millis())
    .bind(guild.map(GuildId::to_row))
    .fetch_all(&reader.pool)
    .await?;
    let found = reader.unreadable.skip(StoredTable::Monitors, &rows, read)?;
    Ok(found.into_iter().flatten().collect())
}

fn read(row: &SqliteRow) -> Result<Option<ExpiringEndpoint>, StoreError> {
    let Some(certificate) = state::certificate(row)? else {
        return Ok(None);
    };
    let http_check: Option<&str> = row.try_get("http_check")?;
    // Options that cannot be read are reported elsewhere; such an endpoint is not checked.
    if !http_check.is_none_or(endpoint::verifies_tls) {
        return Ok(None);
    }
    let announced = ExpiryWarnings([
        warning(
            row,
            "certificate_announced_days",
            "certificate_announced_expiry",
        )?,
        warning(
            row,
            "certificate_announced_days_2",
            "certificate_announced_expiry_2",
        )?,
    ]);
    Ok(Some(ExpiringEndpoint {
        guild: GuildId::from_row(row.try_get("guild_id")?),
        id: MonitorId(row.try_get("id")?),
        name: row.try_get("name")?,
        certificate,
        announced,
    }))
}

fn warning(row: &SqliteRow, days: &str, expiry: &str) -> Result<Option<ExpiryWarning>, StoreError> {
    let days: Option<u32> = row.try_get(days)?;
    let expiry: Option<i64> = row.try_get(expiry)?;
    Ok(days.zip(expiry).map(|(days, expiry)| ExpiryWarning {
        days,
        expires_at: Timestamp::from_millis(expiry),
    }))
}

/// Records the announcements; `Nothing` if the endpoint has another certificate by now, or has been removed.
pub async fn set_announced(
    tx: &mut Tx<'_>,
    endpoint: &ExpiringEndpoint,
    announced: ExpiryWarnings,
) -> Result<Effect, StoreError> {
    let [one, other] = announced.0;
    let days = |slot: Option<ExpiryWarning>| slot.map(|warning| warning.days);
    let expiry = |slot: Option<ExpiryWarning>| slot.map(|warning| warning.expires_at.millis());
    let changed = sqlx::query(
        "UPDATE endpoint_targets SET certificate_announced_days = $4, certificate_announced_expiry = $5,
             certificate_announced_days_2 = $6, certificate_announced_expiry_2 = $7
         WHERE monitor_id = $1 AND guild_id = $2 AND certificate_expires_at = $3",
    )
    .bind(endpoint.id.0)
    .bind(endpoint.guild.to_row())
    .bind(endpoint.certificate.expires_at.millis())
    .bind(days(one))
    .bind(expiry(one))
    .bind(days(other))
    .bind(expiry(other))
    .execute(&mut *tx.connection)
    .await?;
    Ok(Effect::of(&changed))
}
