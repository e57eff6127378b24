//! A guild with endpoints, outages and maintenance, for tests.

use super::Requester;
use crate::actions::incidents::outage;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::discord_id::UserId;
use crate::domain::event::Actor;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::monitor::MonitorId;
use crate::domain::monitor::MonitorRef;
use crate::domain::silences::maintenance::TimeWindow;
use crate::store::notifications::delivery;
use crate::store::silences::maintenance::{MaintenanceScope, NewMaintenance};
use crate::store::testing::TestStore;

pub const HOME: GuildId = GuildId(1);

/// Timestamp `seconds` after the Unix epoch.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// A requester: a member of the home guild.
pub fn member() -> Requester {
    Requester {
        guild: HOME,
        actor: Actor::Member(UserId(7)),
    }
}

/// Adds two endpoints in unrelated networks, and a channel for notifications.
pub async fn with_endpoints(store: &TestStore) -> [MonitorId; 2] {
    store.add_channel(HOME).await;
    [
        store.add_endpoint(HOME, "tcp://192.0.2.1:1").await,
        store.add_endpoint(HOME, "tcp://198.51.100.1:1").await,
    ]
}

/// Takes an endpoint of the home guild offline.
pub async fn down(store: &TestStore, id: MonitorId, second: i64) {
    store
        .write(move |tx| {
            Box::pin(async move {
                outage::open(
                    tx,
                    MonitorRef { guild: HOME, id },
                    at(second),
                    OutageReason::Refused,
                    at(second),
                )
                .await
            })
        })
        .await;
}

/// Counts the channel deliveries that are pending.
pub async fn pending_deliveries(store: &TestStore) -> usize {
    let due = delivery::due(&store.reader, at(9_999_999), 1_000).await;
    due.unwrap().len()
}

/// Maintenance that happens once, from second `from` to second `to`.
pub fn maintenance_of(scope: MaintenanceScope, from: i64, to: i64) -> NewMaintenance {
    NewMaintenance {
        title: "updates".into(),
        scope,
        window: TimeWindow {
            starts_at: at(from),
            ends_at: at(to),
        },
        weekly: None,
    }
}
