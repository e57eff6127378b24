//! Outages: the downtime of one monitor, from its first failure to its recovery. A monitor has at most one open outage by its
//! status. Each limit that a server exceeds has one of its own beside it.

use std::collections::BTreeSet;

use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::domain::notifications::storage_limit::UsageKind;
use crate::domain::servers::metric_limit::{LimitId, OutageSource, Severity};
use crate::domain::silences::silence::SilenceKind;
use crate::domain::status::transition::OutageEnd;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::engine::usage;
use crate::store::{Reader, StoreError, Tx};

/// An outage that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    pub id: i64,
    pub monitor: MonitorRef,
    pub started_at: Timestamp,
    pub reason: OutageReason,
    /// `None`: it is about the status of the monitor.
    pub limit: Option<LimitId>,
}

impl Opened {
    pub fn source(&self) -> OutageSource {
        OutageSource {
            monitor: self.monitor.id,
            limit: self.limit,
        }
    }
}

/// A limit that a server exceeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Excess {
    pub server: MonitorRef,
    pub limit: LimitId,
    pub severity: Severity,
    pub started_at: Timestamp,
    /// A sentence.
    pub reason: String,
}

/// The number of a limit in storage, where 0 stands for none.
pub(in crate::store) fn limit_to_row(limit: Option<LimitId>) -> i64 {
    limit.map_or(0, |limit| limit.0)
}

/// The limit of a number in storage.
pub(in crate::store) fn limit_from_row(limit: i64) -> Option<LimitId> {
    (limit > 0).then_some(LimitId(limit))
}

#[derive(sqlx::FromRow)]
struct OpenedRow {
    guild_id: i64,
    monitor_id: i64,
    id: i64,
    started_at: i64,
}

/// Opens an outage for each of these monitors with its start, all for one reason. Returns the opened ones: monitors that
/// already have an open outage are skipped.
pub async fn open_all(
    tx: &mut Tx<'_>,
    monitors: &[(MonitorRef, Timestamp)],
    reason: OutageReason,
) -> Result<Vec<Opened>, StoreError> {
    let mut opened = Vec::with_capacity(monitors.len());
    for piece in pieces(monitors) {
        let places = placeholders(piece.len(), 4);
        let sql = format!(
            "INSERT INTO outages (guild_id, monitor_id, started_at, reason) VALUES {places}
             ON CONFLICT DO NOTHING RETURNING guild_id, monitor_id, id, started_at"
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for (monitor, started_at) in piece {
            query = query
                .bind(monitor.guild.to_row())
                .bind(monitor.id.0)
                .bind(started_at.millis())
                .bind(reason.as_str());
        }
        let rows: Vec<OpenedRow> = query.fetch_all(&mut *tx.connection).await?;
        opened.extend(rows.into_iter().map(|row| Opened {
            id: row.id,
            monitor: MonitorRef {
                guild: GuildId::from_row(row.guild_id),
                id: MonitorId(row.monitor_id),
            },
            started_at: Timestamp::from_millis(row.started_at),
            reason,
            limit: None,
        }));
    }
    let guilds: BTreeSet<GuildId> = opened.iter().map(|opened| opened.monitor.guild).collect();
    for guild in guilds {
        usage::enforce(tx, guild, UsageKind::Outages).await?;
    }
    Ok(opened)
}

/// Opens an outage for a limit that a server exceeds; `None` if it already has an open one.
pub async fn open_limit(tx: &mut Tx<'_>, excess: &Excess) -> Result<Option<Opened>, StoreError> {
    let reason = OutageReason::from(excess.severity);
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO outages (guild_id, monitor_id, started_at, reason, limit_id, detail) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(excess.server.guild.to_row())
    .bind(excess.server.id.0)
    .bind(excess.started_at.millis())
    .bind(reason.as_str())
    .bind(excess.limit.0)
    .bind(&excess.reason)
    .fetch_optional(&mut *tx.connection)
    .await?;
    let Some(id) = id else { return Ok(None) };
    usage::enforce(tx, excess.server.guild, UsageKind::Outages).await?;
    Ok(Some(Opened {
        id,
        monitor: excess.server,
        started_at: excess.started_at,
        reason,
        limit: Some(excess.limit),
    }))
}

/// Adds an outage to an incident, as part of its latest revision. `is_flapping`: because its monitor is flapping.
pub async fn add_to(
    tx: &mut Tx<'_>,
    id: i64,
    incident: IncidentId,
    is_flapping: bool,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE outages SET incident_id = $2, is_flapping = $3, is_held = 0,
             joined_revision = (SELECT revision FROM incidents WHERE id = $2)
         WHERE id = $1",
    )
    .bind(id)
    .bind(incident.0)
    .bind(is_flapping)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Records which reply announces that an outage has joined its incident.
pub async fn announced_by(tx: &mut Tx<'_>, id: i64, reply: IncidentId) -> Result<(), StoreError> {
    sqlx::query("UPDATE outages SET reply_id = $2 WHERE id = $1")
        .bind(id)
        .bind(reply.0)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Records that a silence holds back the notification about an outage. The first one decides whether it counts as an outage
/// in maintenance.
pub async fn hold(tx: &mut Tx<'_>, id: i64, by: SilenceKind) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE outages SET is_in_maintenance = CASE WHEN is_held = 0 THEN $2 ELSE is_in_maintenance END, is_held = 1 WHERE id = $1",
    )
    .bind(id)
    .bind(by == SilenceKind::Maintenance)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Whether an outage began because the address policy does not allow the checks of its monitor, which still is so. The monitor
/// has never been online.
pub async fn was_never_allowed(tx: &mut Tx<'_>, id: i64) -> Result<bool, StoreError> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM outages o WHERE o.id = $1 AND o.reason = $2 AND NOT EXISTS (
             SELECT 1 FROM monitor_state s WHERE s.monitor_id = o.monitor_id AND s.last_seen_at IS NOT NULL
         ) AND NOT EXISTS (
             SELECT 1 FROM endpoint_targets t WHERE t.monitor_id = o.monitor_id AND t.failure_class <> $2
         )",
    )
    .bind(id)
    .bind(OutageReason::NotAllowed.as_str())
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(found.is_some())
}

/// Records that no silence holds back the notification about an outage any longer.
pub async fn release(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE outages SET is_held = 0 WHERE id = $1 AND is_held = 1")
        .bind(id)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// The monitors of a guild with an open outage whose notification a silence holds back.
pub async fn held(tx: &mut Tx<'_>, guild: GuildId) -> Result<Vec<MonitorId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT monitor_id FROM outages
         WHERE guild_id = $1 AND ended_at IS NULL AND incident_id IS NULL AND is_held = 1 ORDER BY started_at, id",
    )
    .bind(guild.to_row())
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(rows.into_iter().map(MonitorId).collect())
}

/// The guilds with an open outage whose notification is held back, although no silence covers its monitor.
pub async fn released(reader: &Reader, now: Timestamp) -> Result<Vec<GuildId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT o.guild_id FROM outages o
         WHERE o.ended_at IS NULL AND o.incident_id IS NULL AND o.is_held = 1
             AND NOT EXISTS (SELECT 1 FROM silenced_monitors x WHERE x.monitor_id = o.monitor_id
                             AND x.starts_at <= $1 AND x.ends_at > $1)",
    )
    .bind(now.millis())
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(GuildId::from_row).collect())
}

/// The open outages of a monitor that belong to no incident, the one about its status first.
pub async fn unnotified(tx: &mut Tx<'_>, monitor: MonitorRef) -> Result<Vec<Opened>, StoreError> {
    let rows: Vec<(i64, i64, String, i64)> = sqlx::query_as(
        "SELECT id, started_at, reason, limit_id FROM outages
         WHERE monitor_id = $1 AND ended_at IS NULL AND incident_id IS NULL ORDER BY limit_id",
    )
    .bind(monitor.id.0)
    .fetch_all(&mut *tx.connection)
    .await?;
    let opened = |(id, started_at, reason, limit): (i64, i64, String, i64)| {
        let damaged = |_| StoreError::Damaged(format!("the reason {reason} of an outage"));
        Ok(Opened {
            id,
            monitor,
            started_at: Timestamp::from_millis(started_at),
            reason: reason.parse().map_err(damaged)?,
            limit: limit_from_row(limit),
        })
    };
    rows.into_iter().map(opened).collect()
}

/// Number of recent outages of a monitor or a limit that decide whether it is flapping.
const RECENT: usize = 10;

/// The recent outages of a monitor or a limit (start, end), newest first, and the latest incident among all but the newest of
/// them.
pub async fn recent(
    tx: &mut Tx<'_>,
    source: OutageSource,
) -> Result<(Vec<(Timestamp, Option<Timestamp>)>, Option<IncidentId>), StoreError> {
    let rows: Vec<(i64, Option<i64>, Option<i64>)> = sqlx::query_as(
        "SELECT started_at, ended_at, incident_id FROM outages
         WHERE monitor_id = $1 AND limit_id = $3 AND (ended_at IS NULL OR ended_by = 'recovered') ORDER BY id DESC LIMIT $2",
    )
    .bind(source.monitor.0)
    .bind(i64::try_from(RECENT).unwrap_or(i64::MAX))
    .bind(limit_to_row(source.limit))
    .fetch_all(&mut *tx.connection)
    .await?;
    let incident = rows.iter().skip(1).find_map(|(_, _, incident)| *incident);
    let times = |(started, ended, _): (i64, Option<i64>, Option<i64>)| {
        (
            Timestamp::from_millis(started),
            ended.map(Timestamp::from_millis),
        )
    };
    Ok((
        rows.into_iter().map(times).collect(),
        incident.map(IncidentId),
    ))
}

/// The monitors of a guild with an open outage that belongs to no incident.
pub async fn unnotified_of(tx: &mut Tx<'_>, guild: GuildId) -> Result<Vec<MonitorId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT monitor_id FROM outages
         WHERE guild_id = $1 AND ended_at IS NULL AND incident_id IS NULL ORDER BY started_at, id",
    )
    .bind(guild.to_row())
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(rows.into_iter().map(MonitorId).collect())
}

/// Closes the open outages of a monitor, and returns their incidents. When it recovers, those of its limits stay open.
pub async fn close(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
    ended_at: Timestamp,
    end: OutageEnd,
) -> Result<BTreeSet<IncidentId>, StoreError> {
    let incidents: Vec<Option<i64>> = sqlx::query_scalar(
        "UPDATE outages SET ended_at = $2, ended_by = $3
         WHERE monitor_id = $1 AND ended_at IS NULL AND ($4 OR limit_id = 0) RETURNING incident_id",
    )
    .bind(monitor.0)
    .bind(ended_at.millis())
    .bind(end.as_str())
    .bind(end != OutageEnd::Recovered)
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(incidents.into_iter().flatten().map(IncidentId).collect())
}

/// Closes the open outage of a limit, if there is one, and returns its incident.
pub async fn close_limit(
    tx: &mut Tx<'_>,
    server: MonitorId,
    limit: LimitId,
    ended_at: Timestamp,
    end: OutageEnd,
) -> Result<Option<IncidentId>, StoreError> {
    let incident: Option<Option<i64>> = sqlx::query_scalar(
        "UPDATE outages SET ended_at = $3, ended_by = $4
         WHERE monitor_id = $1 AND limit_id = $2 AND ended_at IS NULL RETURNING incident_id",
    )
    .bind(server.0)
    .bind(limit.0)
    .bind(ended_at.millis())
    .bind(end.as_str())
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(incident.flatten().map(IncidentId))
}

/// Copies the name and the target of a monitor to its outages, before it is removed: incidents go on to show them.
pub async fn keep_name(tx: &mut Tx<'_>, monitor: MonitorId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE outages SET monitor_name = (SELECT name FROM monitors WHERE id = $1),
             target = (SELECT target FROM endpoint_targets WHERE monitor_id = $1)
         WHERE monitor_id = $1 AND incident_id IS NOT NULL",
    )
    .bind(monitor.0)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Deletes the open outage of a monitor, if there is one, because it was not real. Returns the incident that it was in.
pub async fn retract(
    tx: &mut Tx<'_>,
    monitor: MonitorId,
) -> Result<Option<IncidentId>, StoreError> {
    let incident: Option<Option<i64>> = sqlx::query_scalar(
        "DELETE FROM outages WHERE monitor_id = $1 AND limit_id = 0 AND ended_at IS NULL RETURNING incident_id",
    )
    .bind(monitor.0)
    .fetch_optional(&mut *tx.connection)
    .await?;
    Ok(incident.flatten().map(IncidentId))
}

/// Deletes up to `limit` outages that ended before the given time, of monitors that do not exist any longer; returns how many. Those
/// of the others are kept as long as their history.
pub async fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM outages WHERE id IN (
             SELECT id FROM outages o WHERE ended_at < $1 AND NOT EXISTS (SELECT 1 FROM monitors m WHERE m.id = o.monitor_id)
             ORDER BY ended_at LIMIT $2)",
    )
    .bind(before.millis())
    .bind(i64::from(limit))
    .execute(&mut *tx.connection)
    .await?;
    Ok(deleted.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn a_monitor_has_one_open_outage_that_keeps_its_start() {
        let store = TestStore::open().await;
        let at = Timestamp::from_millis;
        let opened = store
            .write(move |tx| {
                Box::pin(async move {
                    let monitor = MonitorRef {
                        guild: GuildId(1),
                        id: MonitorId(1),
                    };
                    let open = async |tx: &mut Tx<'_>, starts: &[i64]| {
                        let starts: Vec<_> =
                            starts.iter().map(|start| (monitor, at(*start))).collect();
                        open_all(tx, &starts, OutageReason::Refused).await
                    };
                    let first = open(tx, &[10]).await?;
                    let second = open(tx, &[20]).await?;
                    close(tx, MonitorId(1), at(30), OutageEnd::Recovered).await?;
                    let third = open(tx, &[40, 50]).await?;
                    Ok((first.len(), second.len(), third.len()))
                })
            })
            .await;
        assert_eq!(opened, (1, 0, 1));
        let rows: Vec<(i64, i64)> = store
            .rows("SELECT started_at, COALESCE(ended_at, 0) FROM outages ORDER BY id")
            .await;
        assert_eq!(rows, [(10, 30), (40, 0)]);
    }

    #[tokio::test]
    async fn outages_of_limits_are_independent_of_the_status_and_of_each_other() {
        let store = TestStore::open().await;
        let at = Timestamp::from_millis;
        let monitor = MonitorRef {
            guild: GuildId(1),
            id: MonitorId(1),
        };
        let source = |limit| OutageSource {
            monitor: MonitorId(1),
            limit,
        };
        let excess = move |limit| Excess {
            server: monitor,
            limit,
            severity: Severity::Warning,
            started_at: at(20),
            reason: "cpu at 95, above 90".into(),
        };
        let (one, other) = (LimitId(1), LimitId(2));
        let (counts, again) = store
            .write(move |tx| {
                Box::pin(async move {
                    open_all(tx, &[(monitor, at(10))], OutageReason::Overdue).await?;
                    open_limit(tx, &excess(one)).await?;
                    open_limit(tx, &excess(other)).await?;
                    let again = open_limit(tx, &excess(one)).await?.is_some();
                    close(tx, MonitorId(1), at(30), OutageEnd::Recovered).await?;
                    close_limit(tx, MonitorId(1), one, at(40), OutageEnd::Recovered).await?;
                    open_limit(tx, &excess(one)).await?;
                    let mut counts = Vec::new();
                    for limit in [None, Some(one), Some(other)] {
                        counts.push(recent(tx, source(limit)).await?.0.len());
                    }
                    close(tx, MonitorId(1), at(50), OutageEnd::Paused).await?;
                    Ok((counts, again))
                })
            })
            .await;
        assert_eq!((counts, again), (vec![1, 2, 1], false));
        let rows: Vec<(i64, i64, String)> = store
            .rows("SELECT limit_id, ended_at, ended_by FROM outages ORDER BY id")
            .await;
        let ended: Vec<(i64, i64, &str)> = rows
            .iter()
            .map(|(limit, at, end)| (*limit, *at, end.as_str()))
            .collect();
        assert_eq!(
            ended,
            [
                (0, 30, "recovered"),
                (1, 40, "recovered"),
                (2, 50, "paused"),
                (1, 50, "paused"),
            ]
        );
    }
}
