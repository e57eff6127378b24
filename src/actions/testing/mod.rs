//! A guild with endpoints, outages and maintenance, for tests.

mod concurrent_edits_tests;

use crate::actions::{Requester, transition};
use crate::domain::Timestamp;
use crate::domain::discord_id::{GuildId, UserId};
use crate::domain::endpoints::check_result::{Failure, FailureClass};
use crate::domain::event::Actor;
use crate::domain::monitor::{MonitorId, MonitorKind, MonitorRef};
use crate::domain::silences::maintenance::TimeWindow;
use crate::domain::silences::silence::{NewSilence, SilenceKind, SilenceScope};
use crate::domain::status::Status;
use crate::domain::status::transition::{Transition, TransitionReason};
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
    let failure = Failure::new(FailureClass::Refused);
    let reason = TransitionReason::CheckFailed(failure);
    change(store, id, Status::Offline, reason, second).await;
}

/// Brings an endpoint of the home guild online again.
pub async fn up(store: &TestStore, id: MonitorId, second: i64) {
    change(store, id, Status::Online, TransitionReason::Seen, second).await;
}

async fn change(
    store: &TestStore,
    id: MonitorId,
    to: Status,
    reason: TransitionReason,
    second: i64,
) {
    let from = match to {
        Status::Offline => Status::Warning,
        _ => Status::Offline,
    };
    let transition = Transition {
        monitor: MonitorRef { guild: HOME, id },
        kind: MonitorKind::Endpoint,
        from,
        since: at(second),
        to,
        at: at(second),
        reason,
    };
    store
        .write(move |tx| {
            Box::pin(transition::apply_one(
                tx,
                transition,
                Actor::System,
                at(second),
            ))
        })
        .await;
}

/// Counts the channel deliveries that are pending.
pub async fn pending_deliveries(store: &TestStore) -> usize {
    store.pending_incidents().await.len()
}

/// Maintenance that happens once, from second `from` to second `to`.
pub fn maintenance_of(scope: SilenceScope, from: i64, to: i64) -> NewSilence {
    NewSilence {
        kind: SilenceKind::Maintenance,
        title: "updates".into(),
        scope,
        window: TimeWindow {
            starts_at: at(from),
            ends_at: at(to),
        },
        weekly: None,
    }
}
