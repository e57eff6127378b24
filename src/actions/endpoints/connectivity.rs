//! Records that Rollcall has lost or regained network connectivity. Recent failures are retracted and their endpoints
//! become unknown; each affected guild gets one notification.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::actions::transition::{self, Change};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::connectivity::Loss;
use crate::domain::endpoints::failure_tracker::Suspicion;
use crate::domain::endpoints::status_rule::State;
use crate::domain::event::Actor;
use crate::domain::monitor::{MonitorId, MonitorKind, MonitorRef};
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::status::Status;
use crate::domain::status::transition::{Transition, TransitionReason};
use crate::store::endpoints::endpoint::FailingEndpoint;
use crate::store::endpoints::state::Loaded;
use crate::store::endpoints::{endpoint, state};
use crate::store::incidents::incident::{self, Announcement};
use crate::store::monitors::monitor_state;
use crate::store::notifications::delivery;
use crate::store::{Store, StoreError, Tx};

/// What was lost, and which endpoints seemed to fail because of it.
#[derive(Clone, Debug)]
pub struct Lost {
    pub loss: Loss,
    pub suspicion: Suspicion,
}

impl Lost {
    /// Whether it can have caused this failure.
    fn explains(&self, endpoint: &FailingEndpoint) -> bool {
        match self.loss {
            Loss::Network => true,
            Loss::NameResolution => endpoint.has_name,
        }
    }
}

/// Records that connectivity is lost since the suspicion began; returns how many endpoints had failures retracted.
pub async fn begin(store: &Store, lost: Lost, now: Timestamp) -> Result<u64, StoreError> {
    store
        .writer
        .transact(move |tx| {
            let lost = lost.clone();
            Box::pin(async move {
                let failing = endpoint::failing_since(tx, lost.suspicion.began).await?;
                let explained = failing.into_iter().filter(|one| lost.explains(one));
                let suspects: Vec<MonitorId> = explained.map(|one| one.id).collect();
                retract(tx, &suspects, now).await?;
                let affected: BTreeSet<MonitorId> = suspects
                    .iter()
                    .chain(&lost.suspicion.failing)
                    .copied()
                    .collect();
                announce(tx, &lost, affected, now).await?;
                Ok(suspects.len() as u64)
            })
        })
        .await
}

/// Notifies the guilds that do not know of an ongoing loss yet, because their endpoints began to fail later.
pub async fn notify_others(store: &Store, lost: Lost, now: Timestamp) -> Result<(), StoreError> {
    store
        .writer
        .transact(move |tx| {
            let lost = lost.clone();
            Box::pin(async move {
                let affected = lost.suspicion.failing.iter().copied().collect();
                announce(tx, &lost, affected, now).await
            })
        })
        .await
}

/// Announces a loss to each guild with affected endpoints, unless that was done.
async fn announce(
    tx: &mut Tx<'_>,
    lost: &Lost,
    affected: BTreeSet<MonitorId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let kind = |failing| NotificationKind::ConnectivityLost {
        loss: lost.loss,
        failing,
        began: lost.suspicion.began,
        ended: None,
    };
    let earlier = incident::all_of_kind(tx, &kind(0)).await?;
    let known: HashSet<GuildId> = earlier
        .into_iter()
        .filter(|one| is_open(&one.kind, lost.loss))
        .map(|one| one.guild)
        .collect();
    for (guild, failing) in per_guild(tx, lost, affected).await? {
        if !known.contains(&guild) {
            let incident = incident::announce(tx, guild, &kind(failing), now).await?;
            delivery::enqueue(tx, guild, incident).await?;
        }
    }
    Ok(())
}

/// Marks endpoints as unknown, and retracts their outages.
async fn retract(
    tx: &mut Tx<'_>,
    suspects: &[MonitorId],
    now: Timestamp,
) -> Result<(), StoreError> {
    state::load(tx, suspects).await?;
    monitor_state::reset_failures(tx, suspects).await?;
    let mut changes = Vec::with_capacity(suspects.len());
    for id in suspects {
        let Some(before) = state::of(tx, *id) else {
            continue;
        };
        changes.push(Change::from(retraction(*id, &before, now)));
        let unknown = Loaded {
            state: State::new(now),
            ..before
        };
        state::save_details(tx, *id, unknown).await?;
    }
    transition::apply(tx, &changes, Actor::System, now).await
}

fn is_open(kind: &NotificationKind, lost: Loss) -> bool {
    matches!(kind, NotificationKind::ConnectivityLost { loss, ended: None, .. } if *loss == lost)
}

/// How many of these endpoints each guild has that the loss concerns. Removed ones do not count.
async fn per_guild(
    tx: &mut Tx<'_>,
    lost: &Lost,
    endpoints: BTreeSet<MonitorId>,
) -> Result<BTreeMap<GuildId, u64>, StoreError> {
    let endpoints: Vec<MonitorId> = endpoints.into_iter().collect();
    let mut guilds = BTreeMap::new();
    for endpoint in endpoint::among(tx, &endpoints).await? {
        if lost.explains(&endpoint) {
            *guilds.entry(endpoint.guild).or_default() += 1;
        }
    }
    Ok(guilds)
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

/// Records that connectivity is back, or no longer in doubt: updates the notifications of its loss in place.
pub async fn end(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let like = NotificationKind::ConnectivityLost {
                    loss: Loss::Network,
                    failing: 0,
                    began: now,
                    ended: None,
                };
                for Announcement { id, kind, .. } in incident::all_of_kind(tx, &like).await? {
                    if let NotificationKind::ConnectivityLost {
                        loss,
                        failing,
                        began,
                        ended: None,
                    } = kind
                    {
                        let over = NotificationKind::ConnectivityLost {
                            loss,
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
        let lost = Lost {
            loss: Loss::Network,
            suspicion: Suspicion {
                began: at(100),
                failing: vec![new, MonitorId(999)],
            },
        };
        assert_eq!(begin(&store, lost, at(120)).await.unwrap(), 1);
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
            loss: Loss::Network,
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

    #[tokio::test]
    async fn without_name_resolution_only_endpoints_with_a_name_are_unknown() {
        let store = TestStore::open().await;
        let address = offline(&store, "tcp://192.0.2.1:1", 105).await;
        let named = offline(&store, "tcp://example.org:1", 105).await;
        let unresolved = store.add_endpoint(HOME, "tcp://example.net:1").await;
        let lost = Lost {
            loss: Loss::NameResolution,
            suspicion: Suspicion {
                began: at(100),
                failing: vec![named, unresolved],
            },
        };
        assert_eq!(begin(&store, lost, at(120)).await.unwrap(), 1);
        let offline: Vec<(i64,)> = store
            .rows("SELECT id FROM monitors WHERE status = 'offline'")
            .await;
        assert_eq!(offline, [(address.0,)]);
        let details: Vec<(String,)> = store
            .rows("SELECT details FROM incidents WHERE kind = 'connectivity_lost'")
            .await;
        assert!(
            details[0].0.contains(r#""failing":2"#)
                && details[0].0.contains(r#""loss":"name_resolution""#),
            "{details:?}"
        );
    }

    #[tokio::test]
    async fn guilds_whose_endpoints_fail_later_are_notified_once() {
        let store = TestStore::open().await;
        let first = store.add_endpoint(HOME, "tcp://192.0.2.1:1").await;
        let other = crate::domain::discord_id::GuildId(HOME.0 + 1);
        let later = store.add_endpoint(other, "tcp://192.0.2.1:1").await;
        let lost = |failing: Vec<MonitorId>| Lost {
            loss: Loss::Network,
            suspicion: Suspicion {
                began: at(100),
                failing,
            },
        };
        begin(&store, lost(vec![first]), at(110)).await.unwrap();
        for _ in 0..2 {
            let both = lost(vec![first, later]);
            notify_others(&store, both, at(120)).await.unwrap();
        }
        let notified = async || -> Vec<(i64,)> {
            store
                .rows("SELECT guild_id FROM incidents ORDER BY id")
                .await
        };
        let (home, other) = (HOME.to_row(), other.to_row());
        assert_eq!(notified().await, [(home,), (other,)]);
        // After its end, the next loss is a new notification.
        end(&store, at(200)).await.unwrap();
        begin(&store, lost(vec![first]), at(300)).await.unwrap();
        assert_eq!(notified().await, [(home,), (other,), (home,)]);
    }
}
