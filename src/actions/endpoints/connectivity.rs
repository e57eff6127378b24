//! Records that Rollcall has lost or regained network connectivity. Recent failures are withdrawn and their endpoints
//! become unknown; each affected guild gets one notification.

use serde_json::json;

use crate::actions::Requester;
use crate::actions::incidents::outage;
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::connectivity::Suspicion;
use crate::domain::endpoints::status_rule::State;
use crate::domain::event::{Actor, EventKind};
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::status::Status;
use crate::store::endpoints::state::Loaded;
use crate::store::endpoints::{endpoint, state};
use crate::store::event;
use crate::store::incidents::incident;
use crate::store::monitors::monitor_state;
use crate::store::notifications::delivery;
use crate::store::{Store, StoreError, Tx};

/// Records that connectivity is lost since the suspicion began; returns how many endpoints had failures withdrawn.
pub async fn begin(store: &Store, suspicion: Suspicion, now: Timestamp) -> Result<u64, StoreError> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let suspects = endpoint::failing_since(tx, suspicion.began).await?;
                state::load(tx, &suspects).await?;
                monitor_state::reset_failures(tx, &suspects).await?;
                let mut guilds: Vec<(GuildId, u64)> = Vec::new();
                for id in &suspects {
                    let Some(before) = state::of(tx, *id) else {
                        continue;
                    };
                    let guild = before.guild_id;
                    match guilds.iter_mut().find(|(known, _)| *known == guild) {
                        Some((_, count)) => *count += 1,
                        None => guilds.push((guild, 1)),
                    }
                    let unknown = Loaded {
                        state: State {
                            status: Status::Unknown,
                            since: now,
                            consecutive_failures: 0,
                            failure: None,
                        },
                        ..before
                    };
                    state::save(tx, *id, unknown).await?;
                    outage::withdraw(tx, *id, now).await?;
                    let details = json!({ "reason": "connectivity_lost" });
                    event::append(
                        tx,
                        &system(guild).event(EventKind::EndpointUnknown, Some(*id), details, now),
                    )
                    .await?;
                }
                for (guild, failing) in guilds {
                    notify(tx, guild, failing, suspicion.began, now).await?;
                }
                Ok(suspects.len() as u64)
            })
        })
        .await
}

fn system(guild: GuildId) -> Requester {
    Requester {
        guild,
        actor: Actor::System,
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
    use crate::domain::incidents::grouping::IncidentId;
    use crate::domain::incidents::outage_reason::OutageReason;
    use crate::domain::monitor::MonitorId;
    use crate::domain::monitor::MonitorRef;
    use crate::store::monitors::monitor_state::MonitorState;
    use crate::store::testing::TestStore;

    const HOME: GuildId = GuildId(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    async fn offline(store: &TestStore, target: &str, since: i64) -> MonitorId {
        store.add_channel(HOME).await;
        let id = store.add_endpoint(HOME, target).await;
        store
            .write(move |tx| {
                Box::pin(async move {
                    state::load(tx, &[id]).await?;
                    let mut known = state::of(tx, id).unwrap();
                    known.state.status = Status::Offline;
                    known.state.since = at(since);
                    state::save(tx, id, known).await?;
                    let monitor_state = MonitorState {
                        monitor_id: id,
                        last_check_at: at(since),
                        last_seen_at: None,
                        next_check_at: None,
                        consecutive_failures: 3,
                        latency_us: 0,
                    };
                    monitor_state::save(tx, &[monitor_state]).await?;
                    outage::open(
                        tx,
                        MonitorRef { guild: HOME, id },
                        at(since),
                        OutageReason::TimedOut,
                        at(since),
                    )
                    .await?;
                    Ok(id)
                })
            })
            .await
    }

    #[tokio::test]
    async fn recent_failures_are_withdrawn_and_earlier_outages_stay() {
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
        let due = delivery::due(&store.reader, at(999), 10).await.unwrap();
        let incidents: Vec<IncidentId> = due.iter().map(|due| due.incident).collect();
        assert_eq!(
            incidents,
            [IncidentId(1), IncidentId(3)],
            "the undelivered incident of the withdrawn outage is deleted"
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
