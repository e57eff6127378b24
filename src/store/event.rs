//! The audit log: every change with its time and its actor. Rows are added, never updated.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Reader, StoreError, Tx};
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId};
use crate::domain::event::{Actor, EventKind};
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::domain::notifications::storage_limit::UsageKind;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::engine::unreadable::StoredTable;
use crate::store::engine::usage;
use crate::store::guild::daily_changes;

/// An event to be stored.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub guild_id: GuildId,
    /// `None`: the event is about the guild as a whole.
    pub monitor_id: Option<MonitorId>,
    pub kind: EventKind,
    /// When the change happened.
    pub at: Timestamp,
    /// When Rollcall noticed it.
    pub noticed_at: Timestamp,
    pub actor: Actor,
    /// A JSON object whose keys depend on the kind.
    pub details: serde_json::Value,
}

/// Adds one event, which names its monitor. The commit signals the jobs.
pub async fn append(tx: &mut Tx<'_>, event: &NewEvent) -> Result<(), StoreError> {
    append_all(tx, std::slice::from_ref(event)).await
}

/// Adds events, many in one statement. The details of each name its monitor and its severity.
pub async fn append_all(tx: &mut Tx<'_>, events: &[NewEvent]) -> Result<(), StoreError> {
    insert(tx, events).await?;
    let mut guilds: BTreeMap<GuildId, (u32, Timestamp)> = BTreeMap::new();
    for event in events {
        let (changes, now) = guilds
            .entry(event.guild_id)
            .or_insert((0, event.noticed_at));
        *changes += u32::from(is_change(event));
        *now = event.noticed_at;
    }
    for (guild, (changes, now)) in guilds {
        if changes > 0 {
            daily_changes::add(tx, guild, changes, now).await?;
        }
        usage::enforce(tx, guild, UsageKind::Events).await?;
    }
    Ok(())
}

/// Whether a member or a key caused an event that is kept whatever else the guild stores.
fn is_change(event: &NewEvent) -> bool {
    let is_limited = matches!(event.actor, Actor::Member(_) | Actor::Key(_));
    is_limited && !EventKind::STATUSES.contains(&event.kind)
}

async fn insert(tx: &mut Tx<'_>, events: &[NewEvent]) -> Result<(), StoreError> {
    let subjects = subjects(tx, events).await?;
    for piece in pieces(events) {
        let places = placeholders(piece.len(), 7);
        let sql = format!(
            "INSERT INTO events (guild_id, monitor_id, kind, at, noticed_at, actor, details) VALUES {places}"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for event in piece {
            query = query
                .bind(event.guild_id.to_row())
                .bind(event.monitor_id.map(|id| id.0))
                .bind(event.kind.as_str())
                .bind(event.at.millis())
                .bind(event.noticed_at.millis())
                .bind(event.actor.to_string())
                .bind(with_subject(event, &subjects));
        }
        query.execute(&mut *tx.connection).await?;
        tx.wrote_event = true;
    }
    Ok(())
}

/// What an event about a monitor says of it.
#[derive(sqlx::FromRow)]
struct Subject {
    id: i64,
    kind: String,
    name: String,
    uuid: Option<String>,
}

/// The monitors of events, as far as they exist.
async fn subjects(
    tx: &mut Tx<'_>,
    events: &[NewEvent],
) -> Result<HashMap<MonitorId, Subject>, StoreError> {
    let ids: BTreeSet<MonitorId> = events.iter().filter_map(|event| event.monitor_id).collect();
    let ids: Vec<MonitorId> = ids.into_iter().collect();
    let mut found = HashMap::with_capacity(ids.len());
    for piece in pieces(&ids) {
        let places = placeholders(1, piece.len());
        let sql = format!(
            "SELECT m.id, m.kind, m.name, d.uuid FROM monitors m LEFT JOIN device_details d ON d.monitor_id = m.id
             WHERE m.id IN {places}"
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for id in piece {
            query = query.bind(id.0);
        }
        let rows: Vec<Subject> = query.fetch_all(&mut *tx.connection).await?;
        found.extend(rows.into_iter().map(|row| (MonitorId(row.id), row)));
    }
    Ok(found)
}

/// The details of an event with its monitor's name and id, and its severity. What the details say already stays.
fn with_subject(event: &NewEvent, subjects: &HashMap<MonitorId, Subject>) -> String {
    let mut details = event.details.clone();
    let Some(fields) = details.as_object_mut() else {
        return details.to_string();
    };
    let mut known = vec![("severity".to_owned(), event.kind.severity().into())];
    if let Some(subject) = event.monitor_id.and_then(|id| subjects.get(&id)) {
        known.push(("name".to_owned(), subject.name.as_str().into()));
        known.push(match &subject.uuid {
            Some(uuid) => ("device_uuid".to_owned(), uuid.as_str().into()),
            None => (format!("{}_id", subject.kind), subject.id.into()),
        });
    }
    for (key, value) in known {
        fields.entry(key).or_insert(value);
    }
    details.to_string()
}

/// A change of a device between online and offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceFlip {
    pub at: Timestamp,
    pub is_online: bool,
}

/// The newest changes of a device of a guild between online and offline, from `start` on and before `end`. A device that
/// registers itself comes online with that; one that a person added does not.
pub async fn device_flips(
    reader: &Reader,
    monitor: MonitorRef,
    start: Timestamp,
    end: Timestamp,
    limit: u32,
) -> Result<Vec<DeviceFlip>, StoreError> {
    let rows: Vec<(i64, bool)> = sqlx::query_as(
        "SELECT at, kind <> $3 FROM events
         WHERE guild_id = $1 AND kind IN ($3, $4, $5) AND at >= $6 AND at < $7 AND monitor_id = $2
             AND (kind <> $5 OR details NOT LIKE '%\"status\":\"unknown\"%')
         ORDER BY id DESC LIMIT $8",
    )
    .bind(monitor.guild.to_row())
    .bind(monitor.id.0)
    .bind(EventKind::DeviceOffline.as_str())
    .bind(EventKind::DeviceOnline.as_str())
    .bind(EventKind::DeviceRegistered.as_str())
    .bind(start.millis())
    .bind(end.millis())
    .bind(i64::from(limit))
    .fetch_all(&reader.pool)
    .await?;
    let flip = |(at, is_online)| DeviceFlip {
        at: Timestamp::from_millis(at),
        is_online,
    };
    Ok(rows.into_iter().map(flip).collect())
}

/// The actor of the last event in a guild that set this alert channel.
pub async fn channel_setter(
    reader: &Reader,
    guild: GuildId,
    channel: ChannelId,
) -> Result<Option<Actor>, StoreError> {
    let actor: Option<String> = sqlx::query_scalar(
        "SELECT actor FROM events WHERE guild_id = $1 AND kind = $2 AND details LIKE $3 ORDER BY at DESC, id DESC LIMIT 1",
    )
    .bind(guild.to_row())
    .bind(EventKind::AlertsSet.as_str())
    .bind(format!("%\"channel\":\"{channel}\"%"))
    .fetch_optional(&reader.pool)
    .await?;
    Ok(actor.as_deref().and_then(Actor::parse))
}

/// Number of monitors of a guild with an event of a kind (start or end of an outage) that was noticed since the given
/// time. Monitors whose outage belongs to no incident are omitted, because they cause no notifications.
pub async fn notifiable_since(
    reader: &Reader,
    guild: GuildId,
    kind: EventKind,
    since: Timestamp,
) -> Result<u64, StoreError> {
    // Events are dated at the first failure, at most a few retries before they are noticed: one more hour finds them all.
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(DISTINCT e.monitor_id) FROM events e
         WHERE e.guild_id = $1 AND e.kind = $2 AND e.at >= $3 - 3600000 AND e.noticed_at >= $3
             AND EXISTS (SELECT 1 FROM outages i WHERE i.monitor_id = e.monitor_id AND i.incident_id IS NOT NULL
                 AND e.at IN (i.started_at, i.ended_at))",
    )
    .bind(guild.to_row())
    .bind(kind.as_str())
    .bind(since.millis())
    .fetch_one(&reader.pool)
    .await?;
    Ok(count.unsigned_abs())
}

/// Number of events of a kind in a guild since the given time.
pub async fn count_since(
    reader: &Reader,
    guild: GuildId,
    kind: EventKind,
    since: Timestamp,
) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM events WHERE guild_id = $1 AND kind = $2 AND at >= $3",
    )
    .bind(guild.to_row())
    .bind(kind.as_str())
    .bind(since.millis())
    .fetch_one(&reader.pool)
    .await?;
    Ok(count.unsigned_abs())
}

/// A stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: i64,
    pub at: Timestamp,
    pub kind: EventKind,
    pub monitor_id: Option<MonitorId>,
    /// The name of the monitor; `None` once it has been removed.
    pub name: Option<String>,
    pub actor: Actor,
    /// A JSON object.
    pub details: serde_json::Value,
}

/// Which events to list.
#[derive(Clone, Copy, Debug)]
pub struct EventFilter {
    /// `None`: of every kind.
    pub kind: Option<EventKind>,
    /// `None`: of every monitor, and of none.
    pub monitor: Option<MonitorId>,
    /// Only events before the one with this id; `i64::MAX` for the newest.
    pub before: i64,
}

/// The newest events of a guild that pass a filter, at most `limit`.
pub async fn list(
    reader: &Reader,
    guild: GuildId,
    filter: EventFilter,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let mut found = Vec::new();
    let (mut filter, mut room) = (filter, limit);
    loop {
        let rows = rows(reader, guild, filter, room).await?;
        let is_last = rows.len() < room as usize;
        if let Some(row) = rows.last() {
            filter.before = row.try_get("id")?;
        }
        let readable = reader.unreadable.skip(StoredTable::Events, &rows, read)?;
        room -= u32::try_from(readable.len()).unwrap_or(room);
        found.extend(readable);
        // Rows that cannot be read make room for older ones.
        if is_last || room == 0 {
            return Ok(found);
        }
    }
}

async fn rows(
    reader: &Reader,
    guild: GuildId,
    filter: EventFilter,
    limit: u32,
) -> Result<Vec<SqliteRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT e.id, e.at, e.kind, e.monitor_id, COALESCE(m.name, json_extract(e.details, '$.name')) AS name, e.actor, e.details
         FROM events e LEFT JOIN monitors m ON m.id = e.monitor_id
         WHERE e.guild_id = $1 AND e.id < $2 AND ($3 IS NULL OR e.kind = $3) AND ($4 IS NULL OR e.monitor_id = $4)
         ORDER BY e.id DESC LIMIT $5",
    )
    .bind(guild.to_row())
    .bind(filter.before)
    .bind(filter.kind.map(EventKind::as_str))
    .bind(filter.monitor.map(|id| id.0))
    .bind(i64::from(limit))
    .fetch_all(&reader.pool)
    .await?;
    Ok(rows)
}

fn read(row: &SqliteRow) -> Result<Event, StoreError> {
    let monitor: Option<i64> = row.try_get("monitor_id")?;
    let damaged = |what: &str| StoreError::Damaged(format!("the {what} of an event"));
    let (kind, actor): (&str, &str) = (row.try_get("kind")?, row.try_get("actor")?);
    let details: &str = row.try_get("details")?;
    Ok(Event {
        id: row.try_get("id")?,
        at: Timestamp::from_millis(row.try_get("at")?),
        kind: kind.parse().map_err(|_| damaged("kind"))?,
        monitor_id: monitor.map(MonitorId),
        name: row.try_get("name")?,
        actor: Actor::parse(actor).ok_or_else(|| damaged("actor"))?,
        details: serde_json::from_str(details).unwrap_or_default(),
    })
}

/// The id of the newest event; 0 before the first.
pub async fn newest(reader: &Reader) -> Result<i64, StoreError> {
    Ok(
        sqlx::query_scalar("SELECT COALESCE(MAX(id), 0) FROM events")
            .fetch_one(&reader.pool)
            .await?,
    )
}

/// The monitors with events after `id`, and the newest id among those events.
pub async fn changed_after(reader: &Reader, id: i64) -> Result<(Vec<MonitorId>, i64), StoreError> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT monitor_id, MAX(id) FROM (
             SELECT monitor_id, id FROM events WHERE id > $1 AND monitor_id IS NOT NULL
             UNION ALL
             SELECT m.id, e.id FROM events e JOIN monitors m ON m.guild_id = e.guild_id WHERE e.id > $1 AND e.kind IN ($2, $3)
         ) AS changed GROUP BY monitor_id",
    )
    .bind(id)
    .bind(EventKind::GuildLeft.as_str())
    .bind(EventKind::GuildRejoined.as_str())
    .fetch_all(&reader.pool)
    .await?;
    let newest = rows.iter().map(|(_, newest)| *newest).max().unwrap_or(id);
    Ok((
        rows.into_iter()
            .map(|(monitor, _)| MonitorId(monitor))
            .collect(),
        newest,
    ))
}

/// Deletes up to `limit` of the oldest events that are older than `before`; returns how many.
pub async fn prune(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM events WHERE id IN
         (SELECT id FROM events WHERE noticed_at < $1 AND id < (SELECT MAX(id) FROM events) ORDER BY noticed_at LIMIT $2)",
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

    #[tokio::test]
    async fn flips_are_the_changes_of_one_device_in_a_period() {
        let store = crate::store::testing::TestStore::open().await;
        let home = GuildId(1);
        let unknown = serde_json::json!({ "status": "unknown" });
        // A name cannot pass for a status.
        let named = serde_json::json!({ "name": r#""status":"unknown""# });
        let rows = [
            (home, 1, EventKind::DeviceRegistered, 10, named),
            (home, 1, EventKind::DeviceEdited, 11, serde_json::json!({})),
            (home, 1, EventKind::DeviceOffline, 20, serde_json::json!({})),
            (home, 2, EventKind::DeviceOnline, 21, serde_json::json!({})),
            (
                GuildId(2),
                1,
                EventKind::DeviceOnline,
                22,
                serde_json::json!({}),
            ),
            (home, 1, EventKind::DeviceOnline, 30, serde_json::json!({})),
            (home, 3, EventKind::DeviceRegistered, 40, unknown),
        ];
        store
            .write(|tx| {
                Box::pin(async move {
                    for (guild_id, monitor, kind, at, details) in rows {
                        let event = NewEvent {
                            guild_id,
                            monitor_id: Some(MonitorId(monitor)),
                            kind,
                            actor: Actor::System,
                            details,
                            at: Timestamp::from_millis(at),
                            noticed_at: Timestamp::from_millis(at),
                        };
                        append(tx, &event).await?;
                    }
                    Ok(())
                })
            })
            .await;
        let flips = async |monitor, start, end, limit| {
            let monitor = MonitorRef {
                guild: home,
                id: MonitorId(monitor),
            };
            let (start, end) = (Timestamp::from_millis(start), Timestamp::from_millis(end));
            let flips = device_flips(&store.reader, monitor, start, end, limit).await;
            let flips = flips.unwrap().into_iter();
            flips
                .map(|flip| (flip.at.millis(), flip.is_online))
                .collect::<Vec<_>>()
        };
        let all = [(30, true), (20, false), (10, true)];
        assert_eq!(flips(1, 0, 100, 9).await, all);
        assert_eq!(flips(1, 20, 30, 9).await, [(20, false)]);
        assert_eq!(flips(1, 21, 31, 9).await, [(30, true)]);
        assert_eq!(flips(1, 0, 100, 2).await, all[..2]);
        assert_eq!(flips(3, 0, 100, 9).await, []);
    }

    #[tokio::test]
    async fn the_audit_log_view_has_the_same_severities() {
        let store = crate::store::testing::TestStore::open().await;
        store
            .write(|tx| {
                Box::pin(async move {
                    for kind in EventKind::ALL {
                        let at = Timestamp::from_millis(1);
                        let event = NewEvent {
                            guild_id: GuildId(1),
                            monitor_id: None,
                            kind: *kind,
                            actor: Actor::System,
                            details: serde_json::json!({}),
                            at,
                            noticed_at: at,
                        };
                        append(tx, &event).await?;
                    }
                    Ok(())
                })
            })
            .await;
        let rows: Vec<(String, String)> = store
            .rows("SELECT event_type, severity FROM audit_logs ORDER BY id")
            .await;
        let expected: Vec<(String, String)> = EventKind::ALL
            .iter()
            .map(|kind| (kind.as_str().to_owned(), kind.severity().to_owned()))
            .collect();
        assert_eq!(rows, expected);
    }

    #[tokio::test]
    async fn a_page_is_full_though_some_rows_cannot_be_read() {
        let store = crate::store::testing::TestStore::open().await;
        store
            .execute(
                "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 9)
                 INSERT INTO events (guild_id, kind, at, noticed_at, actor, details)
                 SELECT 1, CASE WHEN n IN (5, 7, 8) THEN 'nonsense' ELSE 'endpoint_up' END, n, n, 'system', '{}' FROM number",
            )
            .await;
        for (before, limit, expected) in [
            (i64::MAX, 3, &[9, 6, 4][..]),
            (6, 2, &[4, 3]),
            (i64::MAX, 20, &[9, 6, 4, 3, 2, 1]),
        ] {
            let filter = EventFilter {
                kind: None,
                monitor: None,
                before,
            };
            let page = list(&store.reader, GuildId(1), filter, limit)
                .await
                .unwrap();
            let ids: Vec<i64> = page.iter().map(|event| event.id).collect();
            assert_eq!(ids, expected, "{before} {limit}");
        }
    }
}
