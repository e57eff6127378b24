//! What waits to be delivered: the destinations with something to do, and the pending deliveries of one of them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::delivery::{Delivery, message_ref};
use super::destination::{self, Destination};
use crate::domain::Timestamp;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::delivery_order::{QueuedDelivery, Readiness};
use crate::domain::notifications::delivery_plan::HOPELESS;
use crate::domain::notifications::destinations::{DestinationId, DestinationKind};
use crate::domain::servers::metric_limit::OutageSource;
use crate::store::engine::unreadable::StoredTable;
use crate::store::incidents::outage::limit_from_row;
use crate::store::{Reader, StoreError};

/// No delay is this long: an attempt further ahead was scheduled before the clock was set back, so it is due.
const IMPOSSIBLE: Duration = Duration::from_secs(25 * 3600);

/// Maximum number of pending deliveries of a destination that are ordered.
const MOST: u32 = 1_000;

/// What is not delivered at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Everything for Discord, because there is no token that it accepts.
    pub discord: bool,
    /// Incidents, because connectivity is lost.
    pub incidents: bool,
}

/// The destinations with a delivery that is due, in guilds that have not removed the bot.
pub async fn due(
    reader: &Reader,
    held: Held,
    now: Timestamp,
) -> Result<Vec<Destination>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM destinations t
         WHERE (t.next_try_at <= $1 OR t.next_try_at > $2) AND ($3 = 0 OR t.kind = 'webhook')
             AND t.guild_id NOT IN (SELECT guild_id FROM left_guilds) AND EXISTS (
             SELECT 1 FROM deliveries d LEFT JOIN incidents i ON i.id = d.incident_id
             WHERE d.destination_id = t.id AND d.delivered_revision < d.wanted_revision
                 AND (d.next_try_at <= $1 OR d.next_try_at > $2) AND ($4 = 0 OR i.kind IS NULL OR i.kind <> 'incident')
         )",
    )
    .bind(now.millis())
    .bind(now.plus(IMPOSSIBLE).millis())
    .bind(held.discord)
    .bind(held.incidents)
    .fetch_all(&reader.pool)
    .await?;
    let destinations = &reader.unreadable;
    destinations.skip(StoredTable::Destinations, &rows, destination::read)
}

/// What waits at the destinations that work, in guilds that have not removed the bot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The next attempt that is not due yet.
    pub next: Option<Timestamp>,
    /// Number of pending deliveries by kind of destination, without boards.
    pub counts: HashMap<DestinationKind, u64>,
    /// Whether one of them is for Discord, boards included.
    pub is_for_discord: bool,
}

/// What waits to be delivered.
pub async fn waiting(reader: &Reader, now: Timestamp) -> Result<Waiting, StoreError> {
    let rows: Vec<(String, Option<i64>, i64)> = sqlx::query_as(
        "SELECT kind, MIN(CASE WHEN due_at > $1 THEN due_at END), COUNT(*) FILTER (WHERE broken_at IS NULL) FROM (
             SELECT t.kind, t.broken_at, CASE WHEN t.next_try_at > d.next_try_at THEN t.next_try_at ELSE d.next_try_at END AS due_at
             FROM deliveries d JOIN destinations t ON t.id = d.destination_id
             WHERE d.delivered_revision < d.wanted_revision AND t.guild_id NOT IN (SELECT guild_id FROM left_guilds)
         ) AS pending GROUP BY kind",
    )
    .bind(now.millis())
    .fetch_all(&reader.pool)
    .await?;
    let mut waiting = Waiting::default();
    for (kind, next, count) in rows {
        let damaged = |_| StoreError::Damaged(format!("the kind {kind} of a destination"));
        let kind: DestinationKind = kind.parse().map_err(damaged)?;
        let next = next.map(Timestamp::from_millis);
        waiting.next = [waiting.next, next].into_iter().flatten().min();
        waiting.is_for_discord |= kind.is_discord() && count > 0;
        if kind != DestinationKind::Board {
            waiting.counts.insert(kind, count.unsigned_abs());
        }
    }
    Ok(waiting)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    incident_id: Option<i64>,
    wanted_revision: i64,
    delivered_revision: i64,
    delivered_at: Option<i64>,
    lost_messages: u32,
    channel_id: Option<i64>,
    message_id: Option<i64>,
    has_picture: bool,
    may_be_posted: bool,
    attempts: u32,
    faults: u32,
    next_try_at: i64,
    kind: Option<String>,
}

/// The pending deliveries of a destination, oldest first, each with what decides its turn.
pub async fn pending(
    reader: &Reader,
    destination: DestinationId,
    held: Held,
    now: Timestamp,
) -> Result<Vec<(Delivery, QueuedDelivery)>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT d.*, i.kind FROM deliveries d LEFT JOIN incidents i ON i.id = d.incident_id
         WHERE d.destination_id = $1 AND d.delivered_revision < d.wanted_revision ORDER BY d.id LIMIT $2",
    )
    .bind(destination.0)
    .bind(MOST)
    .fetch_all(&reader.pool)
    .await?;
    let mut sources = match rows.len() {
        // Nothing else waits, so there is nothing to order.
        0 | 1 => HashMap::new(),
        _ => sources(reader, destination).await?,
    };
    let pending = |row: Row| {
        let next_try_at = Timestamp::from_millis(row.next_try_at);
        let is_later = next_try_at > now && next_try_at <= now.plus(IMPOSSIBLE);
        let is_held = held.incidents && row.kind.as_deref() == Some("incident");
        let incident = row.incident_id.map(IncidentId);
        let order = QueuedDelivery {
            incident: incident.unwrap_or(IncidentId(0)),
            is_first: row.delivered_revision == 0,
            readiness: match (is_later, row.faults) {
                (false, _) if !is_held => Readiness::Due,
                (_, 0) => Readiness::Paced,
                (_, HOPELESS..) => Readiness::Hopeless,
                _ => Readiness::SetAside,
            },
            // What is hopeless comes last.
            attempts: row.attempts.max(row.faults),
            sources: incident
                .and_then(|incident| sources.remove(&incident))
                .unwrap_or_default(),
        };
        let delivery = Delivery {
            id: row.id,
            incident,
            wanted_revision: row.wanted_revision,
            delivered_revision: row.delivered_revision,
            delivered_at: row.delivered_at.map(Timestamp::from_millis),
            lost_messages: row.lost_messages,
            message: message_ref(row.channel_id, row.message_id),
            has_picture: row.has_picture,
            may_be_posted: row.may_be_posted,
            attempts: row.attempts,
            faults: row.faults,
            next_try_at,
        };
        (delivery, order)
    };
    Ok(rows.into_iter().map(pending).collect())
}

/// The monitors and limits of the incidents that wait at a destination, each with its latest outage in the incident.
async fn sources(
    reader: &Reader,
    destination: DestinationId,
) -> Result<HashMap<IncidentId, BTreeMap<OutageSource, i64>>, StoreError> {
    let rows: Vec<(i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT d.incident_id, o.monitor_id, o.limit_id, MAX(o.id) FROM deliveries d JOIN outages o ON o.incident_id = d.incident_id
         WHERE d.destination_id = $1 AND d.delivered_revision < d.wanted_revision
         GROUP BY d.incident_id, o.monitor_id, o.limit_id",
    )
    .bind(destination.0)
    .fetch_all(&reader.pool)
    .await?;
    let mut sources: HashMap<IncidentId, BTreeMap<OutageSource, i64>> = HashMap::new();
    for (incident, monitor, limit, outage) in rows {
        let source = OutageSource {
            monitor: MonitorId(monitor),
            limit: limit_from_row(limit),
        };
        let known = sources.entry(IncidentId(incident)).or_default();
        known.insert(source, outage);
    }
    Ok(sources)
}

/// Whether newer outages of all monitors of an incident have been delivered to a destination, in other incidents.
pub async fn is_superseded(
    reader: &Reader,
    destination: DestinationId,
    incident: IncidentId,
) -> Result<bool, StoreError> {
    let (monitors, superseded): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE EXISTS (
             SELECT 1 FROM outages n JOIN deliveries d ON d.incident_id = n.incident_id
             WHERE n.monitor_id = o.monitor_id AND n.limit_id = o.limit_id AND n.id > o.id AND n.incident_id <> $2 AND d.destination_id = $1
                 AND d.delivered_revision > 0))
         FROM (SELECT monitor_id, limit_id, MAX(id) AS id FROM outages WHERE incident_id = $2 GROUP BY monitor_id, limit_id) o",
    )
    .bind(destination.0)
    .bind(incident.0)
    .fetch_one(&reader.pool)
    .await?;
    Ok(monitors > 0 && monitors == superseded)
}

/// Whether a monitor joined or left an incident after this revision.
pub async fn has_news(
    reader: &Reader,
    incident: IncidentId,
    revision: i64,
) -> Result<bool, StoreError> {
    let has_news: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM outages WHERE incident_id = $1 AND (joined_revision > $2 OR ended_revision > $2))",
    )
    .bind(incident.0)
    .bind(revision)
    .fetch_one(&reader.pool)
    .await?;
    Ok(has_news)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TestStore;

    const NOTHING: Held = Held {
        discord: false,
        incidents: false,
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    /// A channel and a webhook, each with an incident and a notification of another kind to be delivered.
    async fn with_two_destinations() -> TestStore {
        let store = TestStore::open().await;
        store
            .execute(
                "INSERT INTO destinations (id, guild_id, kind, address) VALUES (1, 1, 'channel', 5), (2, 2, 'webhook', 1)",
            )
            .await;
        store
            .execute(
                "INSERT INTO incidents (id, guild_id, kind, scope, opened_at, created_at, joined_at) VALUES
                     (1, 1, 'incident', '', 1, 1, 1), (2, 1, 'connectivity_lost', '', 1, 1, 1),
                     (3, 2, 'incident', '', 1, 1, 1)",
            )
            .await;
        store
            .execute(
                "INSERT INTO deliveries (destination_id, incident_id, wanted_revision) VALUES (1, 1, 1), (1, 2, 1), (2, 3, 1)",
            )
            .await;
        store
    }

    async fn due_at(store: &TestStore, held: Held, second: i64) -> Vec<u64> {
        let found = due(&store.reader, held, at(second)).await.unwrap();
        found.into_iter().map(|one| one.guild_id.0).collect()
    }

    #[tokio::test]
    async fn what_is_held_is_not_due() {
        let store = with_two_destinations().await;
        assert_eq!(due_at(&store, NOTHING, 10).await, [1, 2]);
        let without_discord = Held {
            discord: true,
            ..NOTHING
        };
        assert_eq!(due_at(&store, without_discord, 10).await, [2]);
        let without_incidents = Held {
            incidents: true,
            ..NOTHING
        };
        assert_eq!(due_at(&store, without_incidents, 10).await, [1]);
        let pending = pending(&store.reader, DestinationId(1), without_incidents, at(10)).await;
        let readiness: Vec<Readiness> = pending
            .unwrap()
            .iter()
            .map(|(_, one)| one.readiness)
            .collect();
        assert_eq!(readiness, [Readiness::Paced, Readiness::Due]);
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_delays_no_delivery() {
        let store = with_two_destinations().await;
        store
            .execute("UPDATE destinations SET next_try_at = 100300000")
            .await;
        for (second, is_due) in [
            (100_000, false),
            (100_300, true),
            (10_300, false),
            (10_299, true),
        ] {
            let due = due_at(&store, NOTHING, second).await;
            assert_eq!(!due.is_empty(), is_due, "{second}");
        }
        let waiting = waiting(&store.reader, at(100_000)).await.unwrap();
        assert_eq!(waiting.next, Some(at(100_300)));
        assert_eq!(waiting.counts[&DestinationKind::Channel], 2);
    }

    #[tokio::test]
    async fn a_change_of_an_incident_makes_its_deliveries_due_unless_they_failed() {
        let store = with_two_destinations().await;
        store
            .execute("UPDATE deliveries SET delivered_revision = 1, next_try_at = 900000")
            .await;
        assert_eq!(due_at(&store, NOTHING, 10).await, Vec::<u64>::new());
        store
            .execute("UPDATE deliveries SET faults = 3 WHERE destination_id = 2")
            .await;
        store.execute("UPDATE incidents SET revision = 2").await;
        assert_eq!(due_at(&store, NOTHING, 10).await, [1]);
        assert_eq!(due_at(&store, NOTHING, 900).await, [1, 2]);
    }
}
