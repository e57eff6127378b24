//! The target state and the current state of devices: two JSON objects each.

use crate::domain::Timestamp;
use crate::domain::monitor::MonitorId;
use crate::store::{Reader, StoreError, Tx};

/// Both states of a device, as the text of JSON objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceState {
    pub target: String,
    pub current: String,
    /// When the device last reported its current state.
    pub reported_at: Option<Timestamp>,
}

impl Default for DeviceState {
    fn default() -> Self {
        Self {
            target: "{}".into(),
            current: "{}".into(),
            reported_at: None,
        }
    }
}

type Row = (String, String, Option<i64>);

fn read((target, current, reported_at): Row) -> DeviceState {
    DeviceState {
        target,
        current,
        reported_at: reported_at.map(Timestamp::from_millis),
    }
}

/// The states of a device; empty objects if none were set.
pub async fn get(reader: &Reader, id: MonitorId) -> Result<DeviceState, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT target, current, reported_at FROM device_states WHERE monitor_id = $1",
    )
    .bind(id.0)
    .fetch_optional(&reader.pool)
    .await?;
    Ok(row.map(read).unwrap_or_default())
}

/// The current state that a device reported, read inside a transaction.
pub async fn current(tx: &mut Tx<'_>, id: MonitorId) -> Result<Option<String>, StoreError> {
    let current = sqlx::query_scalar("SELECT current FROM device_states WHERE monitor_id = $1")
        .bind(id.0)
        .fetch_optional(&mut *tx.connection)
        .await?;
    Ok(current)
}

/// Saves the current state that a device reports.
pub async fn report(
    tx: &mut Tx<'_>,
    id: MonitorId,
    current: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO device_states (monitor_id, current, reported_at) VALUES ($1, $2, $3)
         ON CONFLICT (monitor_id) DO UPDATE SET current = excluded.current, reported_at = excluded.reported_at",
    )
    .bind(id.0)
    .bind(current)
    .bind(now.millis())
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Saves the target state that people set for a device.
pub async fn set_target(tx: &mut Tx<'_>, id: MonitorId, target: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO device_states (monitor_id, target) VALUES ($1, $2)
         ON CONFLICT (monitor_id) DO UPDATE SET target = excluded.target",
    )
    .bind(id.0)
    .bind(target)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::devices::device::DeviceUuid;
    use crate::domain::discord_id::GuildId;
    use crate::store::devices::device;
    use crate::store::testing::{TestStore, new_device};

    #[tokio::test]
    async fn target_state_and_current_state_are_independent() {
        let store = TestStore::open().await;
        let now = Timestamp::from_millis(5);
        let id = store
            .write(move |tx| {
                Box::pin(async move {
                    let uuid = DeviceUuid::from_random([1; 16]);
                    let id =
                        device::insert(tx, &new_device(GuildId(1), &uuid, "pump"), now).await?;
                    assert_eq!(current(tx, id).await?, None);
                    report(tx, id, r#"{"speed":1}"#, now).await?;
                    set_target(tx, id, r#"{"speed":2}"#).await?;
                    Ok(id)
                })
            })
            .await;
        let state = get(&store.reader, id).await.unwrap();
        assert_eq!(
            state,
            DeviceState {
                target: r#"{"speed":2}"#.into(),
                current: r#"{"speed":1}"#.into(),
                reported_at: Some(now),
            }
        );
        let unknown = get(&store.reader, MonitorId(99)).await.unwrap();
        assert_eq!(unknown, DeviceState::default());
    }
}
