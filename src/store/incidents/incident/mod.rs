//! Incidents: one or more outages grouped together. The revision of an incident counts every visible change. Every such
//! change signals the jobs (`tx.wrote_event`), so that it is delivered at once.

mod acknowledgment;
mod announcement;
mod cause;
mod change;
mod flapping;
mod joining;
mod kind;
mod list;
mod note;
mod outages;
mod response;
mod silence;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

pub use acknowledgment::{acknowledge, unacknowledge};
pub use announcement::{Announcement, all_of_kind, announce, latest, update_kind};
pub use cause::judged;
pub use change::outage_ended;
pub use flapping::{
    FlappingOutage, continuing, end_flapping, flapping_since, guilds_with_flapping, outage_left,
    reopen, stop_flapping, stop_flapping_of,
};
pub use joining::{JoinedReply, amend, joined, set_joined_reply};
pub use list::{IncidentFilter, count, list, list_after};
pub use note::{Note, Notes, add_note, count_notes, edit_note, note, notes_after, remove_note};
pub use outages::{Changes, Counts, Outage, announced_by, changes};
pub use response::{copy_role, mark_reminded, rechecked, role, set_role, unacknowledged, waiting};
pub use silence::{maintain, mute, silenced_by, unsilence};

use crate::domain::Timestamp;
use crate::domain::discord_id::{GuildId, RoleId, UserId};
use crate::domain::event::Actor;
use crate::domain::incidents::cause::Cause;
use crate::domain::incidents::grouping::{GroupKey, GroupScope, IncidentId, OpenIncident};
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::notifications::storage_limit::UsageKind;
use crate::store::engine::rows::placeholders;
use crate::store::engine::usage;
use crate::store::{Reader, StoreError, Tx};

/// An incident with its outages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    pub id: IncidentId,
    pub guild_id: GuildId,
    pub kind: NotificationKind,
    pub group_key: GroupKey,
    pub revision: i64,
    pub opened_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// The member or the API key that did it, and when.
    pub acknowledged: Option<(Actor, Timestamp)>,
    /// The Discord user who did it, and when.
    pub rechecked: Option<(UserId, Timestamp)>,
    /// The result of that recheck, as text.
    pub rechecked_result: Option<String>,
    /// Who muted its monitors, and until when.
    pub muted: Option<(UserId, Timestamp)>,
    /// Who scheduled maintenance for its monitors, and until when.
    pub maintained: Option<(UserId, Timestamp)>,
    /// When a monitor of it started flapping, and when none was flapping any longer.
    pub flapping_since: Option<Timestamp>,
    pub flapping_ended_at: Option<Timestamp>,
    /// The probable cause, if known.
    pub cause: Option<Cause>,
    /// The latest outage of each monitor: open ones first, then the earliest.
    pub outages: Vec<Outage>,
    pub counts: Counts,
    pub notes: Notes,
}

#[derive(sqlx::FromRow)]
struct OpenRow {
    id: i64,
    scope: String,
    group_name: Option<String>,
    created_at: i64,
    joined_at: i64,
}

/// The open incidents of a guild that mention this role (`None`: the guild's role). The incident with the latest new
/// outage comes first.
pub async fn open(
    tx: &mut Tx<'_>,
    guild: GuildId,
    role: Option<RoleId>,
) -> Result<Vec<OpenIncident<IncidentId>>, StoreError> {
    let rows: Vec<OpenRow> = sqlx::query_as(
        "SELECT id, scope, group_name, created_at, joined_at FROM incidents WHERE guild_id = $1 AND ended_at IS NULL AND kind = 'incident'
             AND role_id IS $2 ORDER BY joined_at DESC, id DESC LIMIT 100",
    )
    .bind(guild.to_row())
    .bind(role.map(RoleId::to_row))
    .fetch_all(&mut *tx.connection)
    .await?;
    let open = |row: OpenRow| OpenIncident {
        id: IncidentId(row.id),
        group_key: GroupKey {
            scope: GroupScope::parse(&row.scope),
            group: row.group_name,
        },
        created_at: Timestamp::from_millis(row.created_at),
        joined_at: Timestamp::from_millis(row.joined_at),
    };
    Ok(rows.into_iter().map(open).collect())
}

/// Opens an incident for an outage that started at `opened_at`. Its escalation starts now.
pub async fn begin(
    tx: &mut Tx<'_>,
    guild: GuildId,
    group_key: &GroupKey,
    opened_at: Timestamp,
    now: Timestamp,
) -> Result<IncidentId, StoreError> {
    let id = sqlx::query_scalar(
        "INSERT INTO incidents (guild_id, scope, group_name, opened_at, created_at, joined_at, escalation_starts_at)
         VALUES ($1, $2, $3, $4, $5, $5, $5) RETURNING id",
    )
    .bind(guild.to_row())
    .bind(group_key.scope.to_string())
    .bind(&group_key.group)
    .bind(opened_at.millis())
    .bind(now.millis())
    .fetch_one(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    usage::enforce(tx, guild, UsageKind::Incidents).await?;
    Ok(IncidentId(id))
}

/// Records that an outage joined an incident. `group_key` is what all its outages have in common now.
pub async fn join(
    tx: &mut Tx<'_>,
    id: IncidentId,
    group_key: &GroupKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET scope = $2, group_name = $3, joined_at = $4, revision = revision + 1 WHERE id = $1",
    )
    .bind(id.0)
    .bind(group_key.scope.to_string())
    .bind(&group_key.group)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

/// The newest incident of a guild that is about outages.
pub async fn newest(tx: &mut Tx<'_>, guild: GuildId) -> Result<Option<IncidentId>, StoreError> {
    let id: Option<i64> = sqlx::query_scalar(
        "SELECT MAX(id) FROM incidents WHERE guild_id = $1 AND kind = 'incident'",
    )
    .bind(guild.to_row())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(id.map(IncidentId))
}

/// Records that an outage joined an incident because too many incidents wait for delivery to open another one. The
/// incident is open again, and its outages have nothing in common.
pub async fn collect(tx: &mut Tx<'_>, id: IncidentId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET scope = '', group_name = NULL, joined_at = $2, revision = revision + 1,
             flapping_since = NULL, flapping_ended_at = NULL,
             escalation_starts_at = CASE WHEN ended_at IS NULL THEN escalation_starts_at ELSE $2 END, ended_at = NULL
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

/// Records that an outage of an incident was retracted. If it was the only one, the incident is deleted, or, if something
/// was already delivered, it ends.
pub async fn retract(tx: &mut Tx<'_>, id: IncidentId, now: Timestamp) -> Result<(), StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM incidents WHERE id = $1
             AND NOT EXISTS (SELECT 1 FROM outages WHERE incident_id = $1)
             AND NOT EXISTS (SELECT 1 FROM deliveries WHERE incident_id = $1 AND delivered_revision > 0)",
    )
    .bind(id.0)
    .execute(&mut *tx.connection)
    .await?;
    match deleted.rows_affected() {
        0 => outage_ended(tx, id, now).await,
        _ => Ok(()),
    }
}

/// Open incidents whose latest outage joined since the given time, newest first.
pub async fn young(
    reader: &Reader,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<IncidentId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM incidents WHERE ended_at IS NULL AND kind = 'incident' AND joined_at >= $1
         ORDER BY joined_at DESC, id DESC LIMIT $2",
    )
    .bind(since.millis())
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(IncidentId).collect())
}

/// The monitors of an incident that are down.
pub async fn down(tx: &mut Tx<'_>, id: IncidentId) -> Result<Vec<MonitorId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT i.monitor_id FROM outages i JOIN monitors m ON m.id = i.monitor_id
         WHERE i.incident_id = $1 AND i.ended_at IS NULL",
    )
    .bind(id.0)
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(rows.into_iter().map(MonitorId).collect())
}

/// An incident with its current outages; `None` if it has been deleted.
pub async fn get(reader: &Reader, id: IncidentId) -> Result<Option<Incident>, StoreError> {
    let head = sqlx::query("SELECT * FROM incidents WHERE id = $1")
        .bind(id.0)
        .fetch_optional(&reader.pool)
        .await?;
    let heads: Vec<SqliteRow> = head.into_iter().collect();
    Ok(with_outages(reader, &heads).await?.pop())
}

/// The incidents of these rows, in the same order. Three statements read the outages and notes of all of them.
async fn with_outages(reader: &Reader, heads: &[SqliteRow]) -> Result<Vec<Incident>, StoreError> {
    let ids: Result<Vec<i64>, sqlx::Error> = heads.iter().map(|head| head.try_get("id")).collect();
    let ids = ids?;
    let mut incidents = Vec::with_capacity(ids.len());
    for (heads, ids) in heads.chunks(LOADED).zip(ids.chunks(LOADED)) {
        let ids = padded(ids);
        let mut outages = outages::outages(reader, &ids).await?;
        let counts = outages::counts(reader, &ids).await?;
        let mut notes = note::latest(reader, &ids).await?;
        for head in heads {
            let mut incident = head_of(head)?;
            incident.outages = outages.remove(&incident.id).unwrap_or_default();
            incident.counts = counts.get(&incident.id).copied().unwrap_or_default();
            incident.notes = notes.remove(&incident.id).unwrap_or_default();
            incidents.push(incident);
        }
    }
    Ok(incidents)
}

/// Incidents per statement.
const LOADED: usize = 256;

/// The ids for a statement about one incident, or about up to 256: the last one is repeated, so that there are only two
/// statements, which stay prepared.
fn padded(ids: &[i64]) -> Vec<i64> {
    let mut padded = ids.to_vec();
    if let [_, .., last] = ids {
        padded.resize(LOADED, *last);
    }
    padded
}

/// The list of placeholders for these ids.
fn places(ids: &[i64]) -> String {
    placeholders(1, ids.len())
}

/// The incident of a row, without its outages and notes.
fn head_of(head: &SqliteRow) -> Result<Incident, StoreError> {
    let timestamp = |name: &str| -> Result<Option<Timestamp>, StoreError> {
        let millis: Option<i64> = head.try_get(name)?;
        Ok(millis.map(Timestamp::from_millis))
    };
    let person = |user: &str, at: &str| -> Result<Option<(UserId, Timestamp)>, StoreError> {
        let user: Option<i64> = head.try_get(user)?;
        Ok(user.map(UserId::from_row).zip(timestamp(at)?))
    };
    let cause: Option<String> = head.try_get("cause")?;
    let key: Option<String> = head.try_get("acknowledged_key")?;
    let acknowledged_by = acknowledgment::actor(head.try_get("acknowledged_by")?, key.as_deref())?;
    Ok(Incident {
        id: IncidentId(head.try_get("id")?),
        guild_id: GuildId::from_row(head.try_get("guild_id")?),
        kind: kind::from_row(head.try_get("kind")?, head.try_get("details")?)?,
        group_key: GroupKey {
            scope: GroupScope::parse(head.try_get("scope")?),
            group: head.try_get("group_name")?,
        },
        revision: head.try_get("revision")?,
        opened_at: Timestamp::from_millis(head.try_get("opened_at")?),
        ended_at: timestamp("ended_at")?,
        acknowledged: acknowledged_by.zip(timestamp("acknowledged_at")?),
        rechecked: person("rechecked_by", "rechecked_at")?,
        rechecked_result: head.try_get("rechecked_result")?,
        muted: person("muted_by", "muted_until")?,
        maintained: person("maintained_by", "maintained_until")?,
        flapping_since: timestamp("flapping_since")?,
        flapping_ended_at: timestamp("flapping_ended_at")?,
        cause: cause.as_deref().and_then(cause::from_row),
        outages: Vec::new(),
        counts: Counts::default(),
        notes: Notes::default(),
    })
}

/// Deletes up to `limit` incidents that ended before the given time, with their deliveries; returns how many.
pub async fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE ended_at < $1 ORDER BY ended_at LIMIT $2)",
    )
    .bind(before.millis())
    .bind(limit)
    .execute(&mut *tx.connection)
    .await?;
    Ok(deleted.rows_affected())
}
