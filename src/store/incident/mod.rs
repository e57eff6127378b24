//! Cards: what outages are told on. One card has one or many incidents; its version counts every change that can be seen.
//! Every change rings the bell, so that it is told at once.

mod announcement;
mod cause;
mod kind;
mod response;
mod silence;

use sqlx::Row as _;

pub use announcement::{all_of_kind, announce, latest, update_kind};
pub use cause::judged;
pub use response::{
    acknowledge, copy_role, mark_reminded, rechecked, set_role, unacknowledged, waiting,
};
pub use silence::{maintain, mute, of_monitor, silenced_by, unsilence};

use super::{Reader, StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::cause::Cause;
use crate::domain::grouping::{GroupKey, GroupScope, IncidentId, OpenIncident};
use crate::domain::monitor::{GuildId, MonitorId};
use crate::domain::notification_kind::NotificationKind;

/// Incidents that a card names one by one; the others are counted.
pub const NAMED: u32 = 25;

/// A card with what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    pub id: IncidentId,
    pub guild_id: GuildId,
    pub kind: NotificationKind,
    pub group_key: GroupKey,
    pub revision: i64,
    pub opened_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// By which Discord user, and when.
    pub acknowledged: Option<(u64, Timestamp)>,
    pub rechecked: Option<(u64, Timestamp)>,
    /// What that has seen, in words.
    pub rechecked_result: Option<String>,
    /// By whom what is on it was muted, and until when.
    pub muted: Option<(u64, Timestamp)>,
    /// By whom maintenance of what is on it was declared, and until when.
    pub maintained: Option<(u64, Timestamp)>,
    /// Since when what is on it goes down and comes back again and again, and when that was over.
    pub flapping_since: Option<Timestamp>,
    pub flapping_ended_at: Option<Timestamp>,
    /// What is at fault, as far as that is known.
    pub cause: Option<Cause>,
    /// Those that go on first, then the longest; of what flaps, every time.
    pub outages: Vec<Outage>,
    /// How many monitors are on it, and how many of them are down.
    pub count: u64,
    pub open: u64,
}

/// An incident on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    pub monitor_id: MonitorId,
    /// `None`: removed from the roll meanwhile.
    pub name: Option<String>,
    pub target: Option<String>,
    /// The word under which its incident was opened.
    pub reason: String,
    /// More about it, while it goes on.
    pub detail: Option<String>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// The cards of a guild that have not ended and for which this role is called (`None`: the guild's), those that grew last
/// first.
pub async fn open(
    tx: &mut Tx<'_>,
    guild: GuildId,
    role: Option<u64>,
) -> Result<Vec<OpenIncident<IncidentId>>, StoreError> {
    let rows: Vec<(i64, String, Option<String>, i64)> = sqlx::query_as(
        "SELECT id, scope, group_name, joined_at FROM incidents WHERE guild_id = $1 AND ended_at IS NULL AND kind = 'incident'
             AND role_id IS $2 ORDER BY joined_at DESC, id DESC LIMIT 100",
    )
    .bind(guild.to_row())
    .bind(role.map(|role| GuildId(role).to_row()))
    .fetch_all(&mut *tx.connection)
    .await?;
    let open = |(id, scope, group, joined_at): (i64, String, Option<String>, i64)| OpenIncident {
        id: IncidentId(id),
        group_key: GroupKey {
            scope: GroupScope::parse(&scope),
            group,
        },
        joined_at: Timestamp::from_millis(joined_at),
    };
    Ok(rows.into_iter().map(open).collect())
}

/// A new card, for an outage that began at `opened_at` and that people are to know of from now on.
pub async fn begin(
    tx: &mut Tx<'_>,
    guild: GuildId,
    group_key: &GroupKey,
    (opened_at, now): (Timestamp, Timestamp),
) -> Result<IncidentId, StoreError> {
    let id = sqlx::query_scalar(
        "INSERT INTO incidents (guild_id, scope, group_name, opened_at, joined_at, escalation_starts_at) VALUES ($1, $2, $3, $4, $5, $5) RETURNING id",
    )
    .bind(guild.to_row())
    .bind(group_key.scope.to_string())
    .bind(&group_key.group)
    .bind(opened_at.millis())
    .bind(now.millis())
    .fetch_one(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(IncidentId(id))
}

/// An outage joins a card, whose outages share that much then.
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

/// The newest card about outages of a guild.
pub async fn newest(tx: &mut Tx<'_>, guild: GuildId) -> Result<Option<IncidentId>, StoreError> {
    let id: Option<i64> = sqlx::query_scalar(
        "SELECT MAX(id) FROM incidents WHERE guild_id = $1 AND kind = 'incident'",
    )
    .bind(guild.to_row())
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(id.map(IncidentId))
}

/// An outage joins a card because there is no room for another one; the card goes on, and shares nothing any more.
pub async fn collect(tx: &mut Tx<'_>, id: IncidentId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET scope = '', group_name = NULL, joined_at = $2, revision = revision + 1,
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

/// A card is taken up again: what was on it flaps. Nobody is called again for the time in which it was up.
pub async fn reopen(tx: &mut Tx<'_>, id: IncidentId, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET ended_at = NULL, flapping_ended_at = NULL, joined_at = $2, escalation_starts_at = $2, revision = revision + 1,
             flapping_since = COALESCE(flapping_since, $2)
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

/// Settles the flapping cards that ended before an instant; says how many.
pub async fn end_flapping(
    tx: &mut Tx<'_>,
    (before, now): (Timestamp, Timestamp),
) -> Result<u64, StoreError> {
    let settled = sqlx::query(
        "UPDATE incidents SET flapping_ended_at = $2, revision = revision + 1
         WHERE flapping_since IS NOT NULL AND flapping_ended_at IS NULL AND ended_at <= $1",
    )
    .bind(before.millis())
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event |= settled.rows_affected() > 0;
    Ok(settled.rows_affected())
}

/// An incident of a card has ended, and with the last one the card.
pub async fn outage_ended(
    tx: &mut Tx<'_>,
    id: IncidentId,
    ended_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incidents SET revision = revision + 1, ended_at = CASE WHEN EXISTS
             (SELECT 1 FROM outages WHERE incident_id = $1 AND ended_at IS NULL) THEN NULL ELSE $2 END
         WHERE id = $1",
    )
    .bind(id.0)
    .bind(ended_at.millis())
    .execute(&mut *tx.connection)
    .await?;
    tx.wrote_event = true;
    Ok(())
}

/// An incident of a card was none: the card goes with it where that was its only one and nobody was told, and ends where
/// somebody was.
pub async fn withdraw(tx: &mut Tx<'_>, id: IncidentId, now: Timestamp) -> Result<(), StoreError> {
    let gone = sqlx::query(
        "DELETE FROM incidents WHERE id = $1
             AND NOT EXISTS (SELECT 1 FROM outages WHERE incident_id = $1)
             AND NOT EXISTS (SELECT 1 FROM channel_deliveries WHERE incident_id = $1 AND delivered_revision > 0)
             AND NOT EXISTS (SELECT 1 FROM webhook_deliveries WHERE incident_id = $1 AND delivered_revision > 0)",
    )
    .bind(id.0)
    .execute(&mut *tx.connection)
    .await?;
    match gone.rows_affected() {
        0 => outage_ended(tx, id, now).await,
        _ => Ok(()),
    }
}

/// Cards of incidents that go on and opened after an instant, the newest first.
pub async fn young(
    reader: &Reader,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<IncidentId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM incidents WHERE ended_at IS NULL AND kind = 'incident' AND joined_at >= $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(since.millis())
    .bind(limit)
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows.into_iter().map(IncidentId).collect())
}

/// The monitors on a card that are down.
pub async fn down(tx: &mut Tx<'_>, id: IncidentId) -> Result<Vec<MonitorId>, StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT i.monitor_id FROM outages i JOIN monitors m ON m.id = i.monitor_id
         WHERE i.incident_id = $1 AND i.ended_at IS NULL",
    )
    .bind(id.0)
    .fetch_all(&mut *tx.connection)
    .await?;
    Ok(rows.into_iter().map(MonitorId).collect())
}

/// A card with what it tells at this moment; `None` where it is gone.
pub async fn get(reader: &Reader, id: IncidentId) -> Result<Option<Incident>, StoreError> {
    let head = sqlx::query("SELECT * FROM incidents WHERE id = $1")
        .bind(id.0)
        .fetch_optional(&reader.pool)
        .await?;
    let Some(head) = head else { return Ok(None) };
    let (count, open): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(DISTINCT monitor_id), COUNT(DISTINCT CASE WHEN ended_at IS NULL THEN monitor_id END)
         FROM outages WHERE incident_id = $1",
    )
    .bind(id.0)
    .fetch_one(&reader.pool)
    .await?;
    let timestamp = |name: &str| -> Result<Option<Timestamp>, StoreError> {
        let millis: Option<i64> = head.try_get(name)?;
        Ok(millis.map(Timestamp::from_millis))
    };
    let person = |user: &str, at: &str| -> Result<Option<(u64, Timestamp)>, StoreError> {
        let user: Option<i64> = head.try_get(user)?;
        Ok(user
            .map(|user| GuildId::from_row(user).0)
            .zip(timestamp(at)?))
    };
    let cause: Option<String> = head.try_get("cause")?;
    Ok(Some(Incident {
        id,
        guild_id: GuildId::from_row(head.try_get("guild_id")?),
        kind: kind::from_row(head.try_get("kind")?, head.try_get("details")?)?,
        group_key: GroupKey {
            scope: GroupScope::parse(head.try_get("scope")?),
            group: head.try_get("group_name")?,
        },
        revision: head.try_get("revision")?,
        opened_at: Timestamp::from_millis(head.try_get("opened_at")?),
        ended_at: timestamp("ended_at")?,
        acknowledged: person("acknowledged_by", "acknowledged_at")?,
        rechecked: person("rechecked_by", "rechecked_at")?,
        rechecked_result: head.try_get("rechecked_result")?,
        muted: person("muted_by", "muted_until")?,
        maintained: person("maintained_by", "maintained_until")?,
        flapping_since: timestamp("flapping_since")?,
        flapping_ended_at: timestamp("flapping_ended_at")?,
        cause: cause.as_deref().and_then(cause::from_row),
        outages: outages(reader, id).await?,
        count: count.unsigned_abs(),
        open: open.unsigned_abs(),
    }))
}

type OutageRow = (
    i64,
    Option<String>,
    Option<String>,
    String,
    Option<String>,
    i64,
    Option<i64>,
);

async fn outages(reader: &Reader, id: IncidentId) -> Result<Vec<Outage>, StoreError> {
    let rows: Vec<OutageRow> = sqlx::query_as(
        "SELECT i.monitor_id, m.name, t.target, i.reason, COALESCE(t.failure_detail, d.failure), i.started_at, i.ended_at
         FROM outages i LEFT JOIN monitors m ON m.id = i.monitor_id
         LEFT JOIN endpoint_targets t ON t.monitor_id = i.monitor_id
         LEFT JOIN device_details d ON d.monitor_id = i.monitor_id
         WHERE i.incident_id = $1 ORDER BY i.ended_at IS NOT NULL, i.started_at, i.id LIMIT $2",
    )
    .bind(id.0)
    .bind(NAMED)
    .fetch_all(&reader.pool)
    .await?;
    let outage = |(monitor, name, target, reason, detail, started, ended): OutageRow| Outage {
        monitor_id: MonitorId(monitor),
        name,
        target,
        reason,
        detail,
        started_at: Timestamp::from_millis(started),
        ended_at: ended.map(Timestamp::from_millis),
    };
    Ok(rows.into_iter().map(outage).collect())
}

/// Deletes up to `limit` cards that ended before an instant, with their notices; says how many went.
pub async fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE ended_at < $1 ORDER BY id LIMIT $2)",
    )
    .bind(before.millis())
    .bind(limit)
    .execute(&mut *tx.connection)
    .await?;
    Ok(deleted.rows_affected())
}
