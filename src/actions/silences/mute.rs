//! Mutes monitors for a while. Checks and reports continue, but no notifications are sent. When mutes expire, one
//! notification covers the outages that are still open.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::actions::incidents::outage;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::{Actor, EventKind};
use crate::domain::incidents::grouping::{IncidentId, IncidentRef};
use crate::domain::monitor::{MonitorId, ValidationError};
use crate::domain::text;
use crate::store::event;
use crate::store::incidents::incident::{self, Incident};
use crate::store::silences::mute;
use crate::store::{Effect, Store, StoreError, Tx};

/// Duration of a mute by the button under an incident's message.
pub const AN_HOUR: Duration = Duration::from_secs(3600);

/// Shortest and longest duration of a mute.
const RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30 * 86_400));

/// Parses the duration of a mute: `30m`, `2h`, `3d`; a bare number is minutes. Allowed are 1 s to 30 days.
pub fn parse_length(text: &str) -> Result<Duration, ValidationError> {
    let (shortest, longest) = RANGE;
    text::parse_duration(text, Duration::from_secs(60))
        .filter(|length| (shortest..=longest).contains(length))
        .ok_or_else(|| {
            ValidationError::new("the duration must be between 1s and 30d. Example: `2h`")
        })
}

/// Mutes a monitor for `length`.
pub async fn mute(
    store: &Store,
    requester: Requester,
    monitor: MonitorId,
    length: Duration,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move { Ok(set(tx, requester, monitor, now.plus(length), now).await?) })
        })
        .await
}

/// Mutes the monitors that are down in an incident for an hour; returns the updated incident.
pub async fn mute_incident(
    store: &Store,
    requester: Requester,
    id: IncidentId,
    now: Timestamp,
) -> Result<Incident, Error> {
    let Actor::Member(user) = requester.actor else {
        return Err(Error::Invalid("only members can mute incidents".into()));
    };
    let until = now.plus(AN_HOUR);
    store
        .writer
        .transact::<(), Error>(move |tx| {
            Box::pin(async move {
                if incident::mute(tx, requester.incident(id), user, until).await? == Effect::Nothing
                {
                    return Err(not_known());
                }
                for monitor in incident::down(tx, id).await? {
                    set(tx, requester, monitor, until, now).await?;
                }
                Ok(())
            })
        })
        .await?;
    incident::get(&store.reader, id)
        .await?
        .ok_or_else(not_known)
}

fn not_known() -> Error {
    Error::NotFound("this incident is resolved or does not exist".into())
}

async fn set(
    tx: &mut Tx<'_>,
    requester: Requester,
    monitor: MonitorId,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    mute::set(tx, requester.guild, monitor, until, requester.actor).await?;
    let details = json!({ "until": text::timestamp(until) });
    event::append(
        tx,
        &requester.event(EventKind::MonitorMuted, Some(monitor), details, now),
    )
    .await
}

/// Ends a mute before it expires.
pub async fn unmute(
    store: &Store,
    requester: Requester,
    monitor: MonitorId,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                if mute::remove(tx, requester.guild, monitor).await? == Effect::Nothing {
                    return Err(Error::NotFound("this monitor is not muted".into()));
                }
                if let Some(incident) = unsilence(tx, requester, monitor, now).await? {
                    outage::unsilence(tx, requester.incident(incident), false, now).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Ends the mutes that have expired; returns how many.
pub async fn expire(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let ended: Vec<(GuildId, MonitorId)> = mute::take_ended(tx, now).await?;
                let mut incidents = BTreeSet::new();
                for (guild, monitor) in &ended {
                    let requester = Requester::system(*guild);
                    let incident = unsilence(tx, requester, *monitor, now).await?;
                    incidents.extend(incident.map(|id| IncidentRef { guild: *guild, id }));
                }
                for incident in incidents {
                    outage::unsilence(tx, incident, true, now).await?;
                }
                Ok(ended.len() as u64)
            })
        })
        .await
}

/// Notifies about the monitor's open outage if it is in no incident yet; returns the incident that it was in before.
async fn unsilence(
    tx: &mut Tx<'_>,
    requester: Requester,
    monitor: MonitorId,
    now: Timestamp,
) -> Result<Option<IncidentId>, StoreError> {
    let incident = incident::of_monitor(tx, monitor).await?;
    event::append(
        tx,
        &requester.event(EventKind::MonitorUnmuted, Some(monitor), json!({}), now),
    )
    .await?;
    outage::notify_if_open(tx, requester.monitor(monitor), now).await?;
    Ok(incident)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::incidents::alerts;
    use crate::actions::testing::{HOME, at, down, member, pending_deliveries, with_endpoints};
    use crate::domain::discord_id::UserId;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn muted_outages_notify_at_expiry_only_if_still_open() {
        let store = TestStore::open().await;
        let [a, b] = with_endpoints(&store).await;
        for id in [a, b] {
            mute(&store, member(), id, AN_HOUR, at(10)).await.unwrap();
            down(&store, id, 20).await;
        }
        assert_eq!(
            (
                pending_deliveries(&store).await,
                expire(&store, at(3_609)).await.unwrap()
            ),
            (0, 0)
        );
        store
            .write(move |tx| Box::pin(outage::close(tx, b, at(100))))
            .await;
        assert_eq!(expire(&store, at(3_610)).await.unwrap(), 2);
        assert_eq!(pending_deliveries(&store).await, 1);
        let incident = incident::get(&store.reader, IncidentId(1))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (
                incident.count,
                incident.outages[0].monitor_id,
                incident.opened_at
            ),
            (1, a, at(20))
        );
        // Escalation is counted from the expiry: responders get the full time.
        let waiting = incident::waiting(&store.reader, HOME, at(3_611))
            .await
            .unwrap();
        assert_eq!(waiting[0].1.escalation_starts_at, at(3_610));
    }

    #[tokio::test]
    async fn open_incidents_send_a_reminder_at_expiry_unless_acknowledged() {
        for (is_acknowledged, ended_at, expected) in
            [(false, None, 2), (true, None, 1), (false, Some(25), 1)]
        {
            let store = TestStore::open().await;
            let ids = with_endpoints(&store).await;
            for id in ids {
                down(&store, id, 20).await;
            }
            if is_acknowledged {
                alerts::acknowledge(&store, member(), IncidentId(1), at(30))
                    .await
                    .unwrap();
            }
            mute_incident(&store, member(), IncidentId(1), at(30))
                .await
                .unwrap();
            for id in ids {
                if let Some(second) = ended_at {
                    store
                        .write(move |tx| Box::pin(outage::close(tx, id, at(second))))
                        .await;
                }
            }
            assert_eq!(expire(&store, at(3_630)).await.unwrap(), 2);
            let case = format!("{is_acknowledged}, {ended_at:?}");
            assert_eq!(pending_deliveries(&store).await, expected, "{case}");
            let incident = incident::get(&store.reader, IncidentId(1))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(incident.muted.is_none(), ended_at.is_none(), "{case}");
        }
    }

    #[tokio::test]
    async fn setting_the_clock_back_ends_no_mute_early() {
        let store = TestStore::open().await;
        let [a, _] = with_endpoints(&store).await;
        mute(&store, member(), a, AN_HOUR, at(10)).await.unwrap();
        down(&store, a, 20).await;
        assert_eq!(expire(&store, at(-9_000)).await.unwrap(), 0);
        assert_eq!(pending_deliveries(&store).await, 0);
        assert_eq!(expire(&store, at(90_000)).await.unwrap(), 1);
        assert_eq!(pending_deliveries(&store).await, 1);
    }

    #[tokio::test]
    async fn outages_still_open_at_expiry_share_one_notification() {
        let store = TestStore::open().await;
        let ids = with_endpoints(&store).await;
        for id in ids {
            mute(&store, member(), id, AN_HOUR, at(10)).await.unwrap();
            down(&store, id, 20).await;
        }
        expire(&store, at(4_000)).await.unwrap();
        assert_eq!(pending_deliveries(&store).await, 1);
    }

    #[tokio::test]
    async fn other_guilds_cannot_mute_or_unmute() {
        let store = TestStore::open().await;
        let [a, _] = with_endpoints(&store).await;
        down(&store, a, 5).await;
        let other_guild = Requester {
            guild: GuildId(2),
            ..member()
        };
        assert!(
            mute_incident(&store, other_guild, IncidentId(1), at(6))
                .await
                .is_err()
        );
        let incident = mute_incident(&store, member(), IncidentId(1), at(6))
            .await
            .unwrap();
        assert_eq!(incident.muted, Some((UserId(7), at(3_606))));
        assert!(unmute(&store, other_guild, a, at(7)).await.is_err());
        unmute(&store, member(), a, at(7)).await.unwrap();
        assert!(
            unmute(&store, member(), a, at(8)).await.is_err(),
            "no longer muted"
        );
        assert_eq!(
            pending_deliveries(&store).await,
            1,
            "the outage was in its incident all along"
        );
        let incident = incident::get(&store.reader, IncidentId(1))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(incident.muted, None);
    }

    #[test]
    fn durations_range_from_a_second_to_thirty_days() {
        for (text, seconds) in [
            ("1s", Some(1)),
            ("90", Some(5_400)),
            ("30d", Some(2_592_000)),
            ("31d", None),
            ("0s", None),
            ("soon", None),
        ] {
            assert_eq!(
                parse_length(text).ok().map(|length| length.as_secs()),
                seconds,
                "{text}"
            );
        }
    }
}
