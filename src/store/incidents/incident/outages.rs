//! The outages of an incident as people see them: the latest one of each monitor, with its name.

use crate::domain::Timestamp;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::monitor::MonitorId;
use crate::domain::transition::OutageEnd;
use crate::store::{Reader, StoreError};

/// Maximum number of outages that are loaded with an incident; all others are only counted.
const NAMED: u32 = 25;

/// An outage of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    pub monitor_id: MonitorId,
    /// `None`: unknown, because the monitor has been removed.
    pub name: Option<String>,
    pub target: Option<String>,
    pub reason: OutageReason,
    /// More about the reason, while the outage is open.
    pub detail: Option<String>,
    pub started_at: Timestamp,
    /// When and how it ended; `None`: it is open.
    pub ended: Option<(Timestamp, OutageEnd)>,
    /// Whether its monitor is flapping.
    pub is_flapping: bool,
    /// Number of outages of its monitor in the incident, this one included.
    pub times: u64,
}

#[derive(sqlx::FromRow)]
struct OutageRow {
    monitor_id: i64,
    name: Option<String>,
    target: Option<String>,
    reason: String,
    detail: Option<String>,
    started_at: i64,
    ended_at: Option<i64>,
    ended_by: Option<String>,
    is_flapping: bool,
    times: i64,
}

pub(super) async fn outages(reader: &Reader, id: IncidentId) -> Result<Vec<Outage>, StoreError> {
    let rows: Vec<OutageRow> = sqlx::query_as(
        "SELECT i.monitor_id, COALESCE(m.name, i.monitor_name) AS name, COALESCE(t.target, i.target) AS target, i.reason,
             COALESCE(t.failure_detail, d.failure) AS detail, i.started_at, i.ended_at, i.ended_by,
             i.is_flapping AND c.flapping_ended_at IS NULL AS is_flapping, latest.times
         FROM (SELECT MAX(id) AS id, COUNT(*) AS times FROM outages WHERE incident_id = $1 GROUP BY monitor_id) latest
         JOIN outages i ON i.id = latest.id
         JOIN incidents c ON c.id = i.incident_id
         LEFT JOIN monitors m ON m.id = i.monitor_id
         LEFT JOIN endpoint_targets t ON t.monitor_id = i.monitor_id
         LEFT JOIN device_details d ON d.monitor_id = i.monitor_id
         ORDER BY i.ended_at IS NOT NULL, i.started_at, i.id LIMIT $2",
    )
    .bind(id.0)
    .bind(NAMED)
    .fetch_all(&reader.pool)
    .await?;
    rows.into_iter().map(outage).collect()
}

fn outage(row: OutageRow) -> Result<Outage, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("the {what} of an outage"));
    let end = match row.ended_by {
        None => OutageEnd::Recovered,
        Some(word) => word.parse().map_err(|_| damaged("end"))?,
    };
    let ended_at = row.ended_at.map(Timestamp::from_millis);
    Ok(Outage {
        monitor_id: MonitorId(row.monitor_id),
        name: row.name,
        target: row.target,
        reason: row.reason.parse().map_err(|_| damaged("reason"))?,
        detail: row.detail,
        started_at: Timestamp::from_millis(row.started_at),
        ended: ended_at.map(|at| (at, end)),
        is_flapping: row.is_flapping,
        times: row.times.unsigned_abs(),
    })
}
