//! The outages of an incident as people see them: the latest one of each monitor, and of each limit that a server exceeds, with
//! the name of the monitor.

use std::collections::HashMap;

use super::places;
use crate::domain::Timestamp;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::monitor::MonitorId;
use crate::domain::status::transition::OutageEnd;
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
    /// More about the reason, while the outage is open; of a limit, also afterward.
    pub detail: Option<String>,
    pub started_at: Timestamp,
    /// When and how it ended; `None`: it is open.
    pub ended: Option<(Timestamp, OutageEnd)>,
    /// Whether its monitor is flapping.
    pub is_flapping: bool,
    /// The incident of the next outage, if its monitor was flapping and then stayed offline.
    pub continued_by: Option<IncidentId>,
    /// Whether its monitor still exists.
    pub exists: bool,
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
    continued_by: Option<i64>,
    #[sqlx(rename = "is_known")]
    exists: bool,
    times: i64,
}

/// The monitors of an incident, and the limits that servers exceed, counted by their latest outage in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub monitors: u64,
    pub open: u64,
    pub flapping: u64,
    /// Those of the flapping ones that are offline at this moment.
    pub flapping_open: u64,
    pub recovered: u64,
    /// Those that were flapping and then stayed offline: their open outage is in another incident.
    pub continued: u64,
    /// Those that are limits which a server exceeds, not monitors.
    pub limits: u64,
}

impl Counts {
    /// The monitors that are offline and not flapping.
    pub fn offline(&self) -> u64 {
        self.open - self.flapping_open
    }

    /// Whether a monitor has recovered, or no outage is left to say otherwise: each may have been removed or paused instead.
    pub fn has_recovery(&self) -> bool {
        self.recovered > 0 || self.monitors == self.open
    }
}

#[derive(sqlx::FromRow)]
struct CountsRow {
    incident_id: i64,
    monitors: i64,
    open: i64,
    flapping: i64,
    flapping_open: i64,
    recovered: i64,
    continued: i64,
    limits: i64,
}

/// The counts of each of these incidents that has outages, in one statement.
pub(super) async fn counts(
    reader: &Reader,
    incidents: &[i64],
) -> Result<HashMap<IncidentId, Counts>, StoreError> {
    let sql = format!(
        "SELECT incident_id, COUNT(*) AS monitors, COUNT(*) FILTER (WHERE ended_at IS NULL) AS open,
             COUNT(*) FILTER (WHERE is_flapping = 1) AS flapping,
             COUNT(*) FILTER (WHERE is_flapping = 1 AND ended_at IS NULL) AS flapping_open,
             COUNT(*) FILTER (WHERE ended_at IS NOT NULL AND COALESCE(ended_by, 'recovered') = 'recovered') AS recovered,
             COUNT(*) FILTER (WHERE continued_by IS NOT NULL) AS continued,
             COUNT(*) FILTER (WHERE limit_id > 0) AS limits
         FROM outages WHERE id IN (
             SELECT MAX(id) FROM outages WHERE incident_id IN {} GROUP BY incident_id, monitor_id, limit_id)
         GROUP BY incident_id",
        places(incidents)
    );
    let mut query = sqlx::query_as::<_, CountsRow>(sqlx::AssertSqlSafe(sql));
    for id in incidents {
        query = query.bind(id);
    }
    let rows = query.fetch_all(&reader.pool).await?;
    let counts = |row: CountsRow| {
        let counts = Counts {
            monitors: row.monitors.unsigned_abs(),
            open: row.open.unsigned_abs(),
            flapping: row.flapping.unsigned_abs(),
            flapping_open: row.flapping_open.unsigned_abs(),
            recovered: row.recovered.unsigned_abs(),
            continued: row.continued.unsigned_abs(),
            limits: row.limits.unsigned_abs(),
        };
        (IncidentId(row.incident_id), counts)
    };
    Ok(rows.into_iter().map(counts).collect())
}

#[derive(sqlx::FromRow)]
struct NamedRow {
    incident_id: i64,
    #[sqlx(flatten)]
    outage: OutageRow,
}

/// The outages of each of these incidents, up to 25 of each, in one statement: those that are open first, then the earliest.
/// They are ranked before their monitors are joined, because an incident may have thousands.
pub(super) async fn outages(
    reader: &Reader,
    incidents: &[i64],
) -> Result<HashMap<IncidentId, Vec<Outage>>, StoreError> {
    let sql = format!(
        "SELECT d.*,
             (SELECT COUNT(*) FROM outages n
              WHERE n.incident_id = d.incident_id AND n.monitor_id = d.monitor_id AND n.limit_id = d.limit_id) AS times
         FROM outage_details d JOIN (
             SELECT id, ROW_NUMBER() OVER (PARTITION BY incident_id ORDER BY ended_at IS NOT NULL, started_at, id) AS place
             FROM outages WHERE id IN (
                 SELECT MAX(id) FROM outages WHERE incident_id IN {} GROUP BY incident_id, monitor_id, limit_id)
         ) ranked ON ranked.id = d.id
         WHERE ranked.place <= {NAMED} ORDER BY d.incident_id, ranked.place",
        places(incidents)
    );
    let mut query = sqlx::query_as::<_, NamedRow>(sqlx::AssertSqlSafe(sql));
    for id in incidents {
        query = query.bind(id);
    }
    let mut found: HashMap<IncidentId, Vec<Outage>> = HashMap::new();
    for row in query.fetch_all(&reader.pool).await? {
        let of = found.entry(IncidentId(row.incident_id)).or_default();
        of.push(outage(row.outage)?);
    }
    Ok(found)
}

/// The monitors of an incident that joined or left it after a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The latest outage of each, as `Incident::outages` has them; not all of them if there are many.
    pub outages: Vec<Outage>,
    pub count: u64,
}

impl Changes {
    /// Whether a monitor is still offline. Open outages come first.
    pub fn has_open(&self) -> bool {
        self.outages.first().is_some_and(|one| one.ended.is_none())
    }

    /// Whether all of them have recovered, as far as they are named.
    pub fn have_recovered(&self) -> bool {
        let end = |outage: &Outage| outage.ended.map(|(_, end)| end);
        let mut ends = self.outages.iter().map(end);
        self.count > 0 && ends.all(|end| end == Some(OutageEnd::Recovered))
    }
}

/// What has changed in an incident after a revision.
pub async fn changes(reader: &Reader, id: IncidentId, after: i64) -> Result<Changes, StoreError> {
    const CHANGED: &str = "FROM incident_outages WHERE incident_id = $1 AND (joined_revision > $2 OR ended_revision > $2)";
    let sql = format!("SELECT * {CHANGED} ORDER BY ended_at IS NOT NULL, started_at, id LIMIT $3");
    let rows: Vec<OutageRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id.0)
        .bind(after)
        .bind(NAMED)
        .fetch_all(&reader.pool)
        .await?;
    let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT COUNT(*) {CHANGED}")))
        .bind(id.0)
        .bind(after)
        .fetch_one(&reader.pool)
        .await?;
    of_rows(rows, count)
}

/// The monitors that a reply about an incident announces, each with its latest outage in it.
pub async fn announced_by(
    reader: &Reader,
    id: IncidentId,
    reply: IncidentId,
) -> Result<Changes, StoreError> {
    const ANNOUNCED: &str = "FROM incident_outages i WHERE incident_id = $1
         AND EXISTS (SELECT 1 FROM outages a WHERE a.reply_id = $2 AND a.monitor_id = i.monitor_id
                     AND a.limit_id = i.limit_id)";
    let sql =
        format!("SELECT * {ANNOUNCED} ORDER BY ended_at IS NOT NULL, started_at, id LIMIT $3");
    let rows: Vec<OutageRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id.0)
        .bind(reply.0)
        .bind(NAMED)
        .fetch_all(&reader.pool)
        .await?;
    let count: i64 =
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT COUNT(*) {ANNOUNCED}")))
            .bind(id.0)
            .bind(reply.0)
            .fetch_one(&reader.pool)
            .await?;
    of_rows(rows, count)
}

fn of_rows(rows: Vec<OutageRow>, count: i64) -> Result<Changes, StoreError> {
    let outages: Result<Vec<Outage>, StoreError> = rows.into_iter().map(outage).collect();
    Ok(Changes {
        outages: outages?,
        count: count.unsigned_abs(),
    })
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
        continued_by: row.continued_by.map(IncidentId),
        exists: row.exists,
        times: row.times.unsigned_abs(),
    })
}
