//! Records that Rollcall has lost or regained network connectivity. Recent failures are retracted and their endpoints
//! become unknown; each affected guild gets one notification.

use crate::actions::transition::{self, Change};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::connectivity::Suspicion;
use crate::domain::endpoints::status_rule::State;
use crate::domain::event::Actor;
use crate::domain::monitor::{MonitorId, MonitorKind, MonitorRef};
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::status::Status;
use crate::domain::transition::{Transition, TransitionReason};
use crate::store::endpoints::state::Loaded;
use crate::store::endpoints::{endpoint, state};
use crate::store::incidents::incident;
use crate::store::monitors::monitor_state;
use crate::store::notifications::delivery;
use crate::store::{Store, StoreError, Tx};

/// Records that connectivity is lost since the suspicion began; returns how many endpoints had failures retracted.
pub async fn begin(store: &Store, suspicion: Suspicion, now: Timestamp) -> Result<u64, StoreError> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let suspects = endpoint::failing_since(tx, suspicion.began).await?;
                state::load(tx, &suspects).await?;
                monitor_state::reset_failures(tx, &suspects).await?;
                let mut guilds: Vec<(GuildId, u64)> = Vec::new();
                let mut changes = Vec::with_capacity(suspects.len());
                for id in &suspects {
                    let Some(before) = state::of(tx, *id) else {
                        continue;
                    };
                    let guild = before.guild_id;
                    match guilds.iter_mut().find(|(known, _)| *known == guild) {
                        Some((_, count)) => *count += 1,
                        None => guilds.push((guild, 1)),
                    }
                    changes.push(Change::from(retraction(*id, &before, now)));
                    let unknown = Loaded {
                        state: State::new(now),
                        ..before
                    };
                    state::save_details(tx, *id, unknown).await?;
                }
                transition::apply(tx, &changes, Actor::System, now).await?;
                for (guild, failing) in guilds {
                    notify(tx, guild, failing, suspicion.began, now).await?;
                }
                Ok(suspects.len() as u64)
            })
        })
        .await
}

fn retraction(id: MonitorId, before: &Loaded, now: Timestamp) -> Transition {
    Transition {
        monitor: MonitorRef {
            guild: before.guild_id,
            id,
        },
        kind: MonitorKind::Endpoint,
        from: before.state.status,
        since: before.state.since,
        to: Status::Unknown,
        at: now,
        reason: TransitionReason::ConnectivityLost,
    }
}

async fn notify(
    tx: &mut Tx<'_>,
    guild: GuildId,
    failing: u64,
    began: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let kind = NotificationKind::ConnectivityLost {
        failing,
        began,
        ended: None,
    };
    let incident = incident::announce(tx, guild, &kind, now).await?;
    delivery::enqueue(tx, guild, incident).await
}

/// Records that connectivity is back, or no longer in doubt: updates the notifications of its loss in place.
pub async fn end(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let like = NotificationKind::ConnectivityLost {
                    failing: 0,
                    began: now,
                    ended: None,
                };
                for (id, kind) in incident::all_of_kind(tx, &like).await? {
                    if let NotificationKind::ConnectivityLost {
                        failing,
                        began,
                        ended: None,
                    } = kind
                    {
                        let over = NotificationKind::ConnectivityLost {
                            failing,
                            began,
                            ended: Some(now),
                        };
                        incident::update_kind(tx, id, &over, now).await?;
                    }
                }
                Ok(())
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::testing::{HOME, at, down};
    use crate::domain::incidents::grouping::IncidentId;
    use crate::store::monitors::monitor_state::MonitorState;
    use crate::store::testing::TestStore;

    async fn offline(store: &TestStore, target: &str, since: i64) -> MonitorId {
        store.add_channel(HOME).await;
        let id = store.add_endpoint(HOME, target).await;
        store
            .write(move |tx| {
                Box::pin(async move {
                    let monitor_state = MonitorState {
                        monitor_id: id,
                        last_check_at: at(since),
                        last_seen_at: None,
                        next_check_at: None,
                        consecutive_failures: 3,
                        latency_us: 0,
                    };
                    monitor_state::save(tx, &[monitor_state]).await
                })
            })
            .await;
        down(store, id, since).await;
        id
    }

    #[tokio::test]
    async fn recent_failures_are_retracted_and_earlier_outages_stay() {
        let store = TestStore::open().await;
        let old = offline(&store, "tcp://192.0.2.1:1", 50).await;
        let new = offline(&store, "tcp://198.51.100.1:1", 105).await;
        let suspicion = Suspicion {
            began: at(100),
            failing: 5,
        };
        assert_eq!(begin(&store, suspicion, at(120)).await.unwrap(), 1);
        let rows: Vec<(i64, String)> = store
            .rows("SELECT id, status FROM monitors ORDER BY id")
            .await;
        assert_eq!(rows, [(old.0, "offline".into()), (new.0, "unknown".into())]);
        let failures: Vec<(i64,)> = store
            .rows("SELECT consecutive_failures FROM monitor_state ORDER BY monitor_id")
            .await;
        assert_eq!(failures, [(3,), (0,)]);
        let open: Vec<(i64,)> = store.rows("SELECT monitor_id FROM outages").await;
        assert_eq!(open, [(old.0,)]);
        assert_eq!(
            store.pending_incidents().await,
            [IncidentId(1), IncidentId(3)],
            "the undelivered incident of the retracted outage is deleted"
        );
        let notified = incident::get(&store.reader, IncidentId(3))
            .await
            .unwrap()
            .unwrap();
        let lost = |ended| NotificationKind::ConnectivityLost {
            failing: 1,
            began: at(100),
            ended,
        };
        assert_eq!(notified.kind, lost(None));
        for _ in 0..2 {
            end(&store, at(200)).await.unwrap();
        }
        let notified = incident::get(&store.reader, IncidentId(3))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((notified.kind, notified.revision), (lost(Some(at(200))), 2));
    }
}
