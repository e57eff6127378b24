//! Heartbeats of devices and reports of servers: when the latest one arrived, and which devices are overdue.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::devices::status_rule::DeviceStanding;
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::{MonitorId, MonitorRef};
use crate::domain::status::Status;
use crate::store::engine::rows::{pieces, placeholders};
use crate::store::{StoreError, Tx};

/// A device that has sent no heartbeat for longer than its threshold, by the wall clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    pub monitor: MonitorRef,
    pub state: DeviceStanding,
    pub last_seen_at: Timestamp,
    pub threshold: Duration,
}

/// Records the latest heartbeat or report of each monitor, for devices and servers.
pub async fn record_heartbeats(
    tx: &mut Tx<'_>,
    heartbeats: &[(MonitorId, Timestamp)],
) -> Result<(), StoreError> {
    for piece in pieces(heartbeats) {
        let places = placeholders(piece.len(), 2);
        let sql = format!(
            "INSERT INTO monitor_state (monitor_id, last_seen_at) VALUES {places}
             ON CONFLICT (monitor_id) DO UPDATE SET last_seen_at = excluded.last_seen_at"
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (id, at) in piece {
            query = query.bind(id.0).bind(at.millis());
        }
        query.execute(&mut *tx.connection).await?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct OverdueRow {
    id: i64,
    guild_id: i64,
    since: i64,
    has_failed: bool,
    last_seen_at: i64,
    threshold_ms: i64,
}

/// Active devices that are online but have sent no heartbeat for longer than their threshold. `default` is the threshold
/// from the settings.
pub async fn overdue(
    tx: &mut Tx<'_>,
    default: Duration,
    now: Timestamp,
) -> Result<Vec<Overdue>, StoreError> {
    let rows: Vec<OverdueRow> = sqlx::query_as(
        "SELECT m.id, m.guild_id, m.since, d.failure IS NOT NULL AS has_failed, p.last_seen_at, COALESCE(d.threshold_ms, $1) AS threshold_ms
         FROM device_details d JOIN monitors m ON m.id = d.monitor_id JOIN monitor_state p ON p.monitor_id = m.id
         WHERE m.status = 'online' AND d.is_active = 1 AND p.last_seen_at < $2 - COALESCE(d.threshold_ms, $1)
             AND m.guild_id NOT IN (SELECT guild_id FROM left_guilds)",
    )
    .bind(crate::domain::millis(default))
    .bind(now.millis())
    .fetch_all(&mut *tx.connection)
    .await?;
    let overdue = |row: OverdueRow| Overdue {
        monitor: MonitorRef {
            guild: GuildId::from_row(row.guild_id),
            id: MonitorId(row.id),
        },
        state: DeviceStanding {
            status: Status::Online,
            since: Timestamp::from_millis(row.since),
            has_failed: row.has_failed,
        },
        last_seen_at: Timestamp::from_millis(row.last_seen_at),
        threshold: Duration::from_millis(row.threshold_ms.unsigned_abs()),
    };
    Ok(rows.into_iter().map(overdue).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::devices::device::DeviceUuid;
    use crate::store::devices::device::{self, UnsavedDevice};
    use crate::store::testing::{TestStore, new_device};

    const HOME: GuildId = GuildId(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn uuid(number: u8) -> DeviceUuid {
        DeviceUuid::from_random([number; 16])
    }

    async fn add(store: &TestStore, number: u8, seen: i64) -> MonitorId {
        store
            .write(move |tx| {
                Box::pin(async move {
                    let uuid = uuid(number);
                    let name = format!("pump {number}");
                    let id = device::insert(tx, &new_device(HOME, &uuid, &name), at(0)).await?;
                    record_heartbeats(tx, &[(id, at(seen))]).await?;
                    Ok(id)
                })
            })
            .await
    }

    #[tokio::test]
    async fn devices_are_overdue_by_their_own_threshold() {
        let store = TestStore::open().await;
        let (quick, slow) = (add(&store, 1, 100).await, add(&store, 2, 100).await);
        store
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query(
                        "UPDATE device_details SET threshold_ms = 600000 WHERE monitor_id = $1",
                    )
                    .bind(slow.0)
                    .execute(&mut *tx.connection)
                    .await?;
                    Ok(())
                })
            })
            .await;
        for (now, ids) in [(400, vec![]), (401, vec![quick]), (701, vec![quick, slow])] {
            let found = store
                .write(move |tx| Box::pin(overdue(tx, Duration::from_secs(300), at(now))))
                .await;
            let found: Vec<MonitorId> = found.iter().map(|overdue| overdue.monitor.id).collect();
            assert_eq!(found, ids, "at {now}");
        }
        store
            .set_status(quick, Status::Online, Status::Offline, at(701))
            .await;
        let found = store
            .write(|tx| Box::pin(overdue(tx, Duration::from_secs(300), at(9_000))))
            .await;
        assert_eq!(found.len(), 1, "an offline device is not found again");
    }

    #[tokio::test]
    async fn a_device_that_has_never_sent_a_heartbeat_is_not_overdue() {
        let store = TestStore::open().await;
        store
            .write(|tx| {
                Box::pin(async move {
                    let uuid = uuid(1);
                    let new = UnsavedDevice {
                        status: Status::Unknown,
                        ..new_device(HOME, &uuid, "pump")
                    };
                    device::insert(tx, &new, at(0)).await
                })
            })
            .await;
        let found = store
            .write(|tx| Box::pin(overdue(tx, Duration::from_secs(1), at(9_000))))
            .await;
        assert_eq!(found, []);
    }
}
