//! Schedules, starts, ends and repeats maintenance. Checks continue and outages are marked as in maintenance, but no
//! notifications are sent. When maintenance ends, one notification covers the outages that are still open.

use std::time::Duration;

use serde_json::json;

use crate::actions::incidents::outage;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::event::{Actor, EventKind};
use crate::domain::incidents::grouping::{IncidentId, IncidentRef};
use crate::domain::monitor::MonitorRef;
use crate::domain::silences::maintenance::TimeWindow;
use crate::domain::text;
use crate::store::event;
use crate::store::incidents::incident::{self, Incident};
use crate::store::silences::maintenance::{
    self, Maintenance, MaintenanceId, MaintenanceScope, NewMaintenance,
};
use crate::store::{Effect, Store, StoreError, Tx};

/// Duration of maintenance by the button under an incident's message.
const AN_HOUR: Duration = Duration::from_secs(3600);

/// Maximum number of maintenance windows of a guild.
const MAX_PER_GUILD: usize = 50;

/// Schedules maintenance; it starts at once if its window has begun already.
pub async fn schedule(
    store: &Store,
    requester: Requester,
    new: NewMaintenance,
    now: Timestamp,
) -> Result<MaintenanceId, Error> {
    if new.window.ends_at <= now {
        return Err(Error::Invalid("this time is in the past".into()));
    }
    let known = maintenance::list(&store.reader, Some(requester.guild)).await?;
    if known.len() >= MAX_PER_GUILD {
        return Err(Error::Conflict(format!(
            "this Discord server has reached its limit of {MAX_PER_GUILD} maintenance windows. End one first"
        )));
    }
    store
        .writer
        .transact(move |tx| Box::pin(async move { Ok(add(tx, requester, &new, now).await?) }))
        .await
}

/// Starts an hour of maintenance for the monitors that are down in an incident; returns the updated incident.
pub async fn schedule_for_incident(
    store: &Store,
    requester: Requester,
    id: IncidentId,
    now: Timestamp,
) -> Result<Incident, Error> {
    let Actor::Member(user) = requester.actor else {
        return Err(Error::Invalid(
            "only members can schedule maintenance".into(),
        ));
    };
    let window = TimeWindow {
        starts_at: now,
        ends_at: now.plus(AN_HOUR),
    };
    store
        .writer
        .transact::<(), Error>(move |tx| {
            Box::pin(async move {
                if incident::maintain(tx, requester.incident(id), user, window.ends_at).await?
                    == Effect::Nothing
                {
                    return Err(not_known());
                }
                let new = NewMaintenance {
                    title: format!("incident {}", id.0),
                    scope: MaintenanceScope::Some(incident::down(tx, id).await?),
                    window,
                    weekly: None,
                };
                add(tx, requester, &new, now).await?;
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

async fn add(
    tx: &mut Tx<'_>,
    requester: Requester,
    new: &NewMaintenance,
    now: Timestamp,
) -> Result<MaintenanceId, StoreError> {
    let id = maintenance::insert(tx, requester.guild, new, requester.actor, now).await?;
    let details = json!({
        "title": new.title, "from": text::timestamp(new.window.starts_at), "to": text::timestamp(new.window.ends_at),
        "weekly": new.weekly.map(|weekly| weekly.days.to_string()),
    });
    event::append(
        tx,
        &requester.event(EventKind::MaintenanceScheduled, None, details, now),
    )
    .await?;
    if new.window.starts_at <= now {
        begin(tx, requester.guild, id, &new.title, now).await?;
    }
    Ok(id)
}

async fn begin(
    tx: &mut Tx<'_>,
    guild: GuildId,
    id: MaintenanceId,
    title: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if maintenance::begin(tx, id).await? == Effect::Nothing {
        return Ok(false);
    }
    let system = Requester {
        guild,
        actor: Actor::System,
    };
    let details = json!({ "title": title });
    event::append(
        tx,
        &system.event(EventKind::MaintenanceStarted, None, details, now),
    )
    .await?;
    Ok(true)
}

/// Ends maintenance early, or cancels it before its start. Weekly maintenance stops repeating.
pub async fn end(
    store: &Store,
    requester: Requester,
    known: Maintenance,
    now: Timestamp,
) -> Result<(), Error> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let silenced = incident::silenced_by(tx, known.id).await?;
                if maintenance::remove(tx, requester.guild, known.id).await? == Effect::Nothing {
                    return Err(Error::NotFound("this maintenance has already ended".into()));
                }
                ended(tx, requester, &known, now).await?;
                Ok(unsilence(tx, requester.guild, silenced, false, now).await?)
            })
        })
        .await
}

/// Starts and ends the maintenance that is due; returns how many changed.
pub async fn apply_due(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let mut changed = 0;
    for known in maintenance::list(&store.reader, None).await? {
        let is_due = match known.is_running {
            true => known.window.ends_at <= now,
            false => known.window.starts_at <= now,
        };
        if is_due {
            changed += u64::from(apply_one(store, known, now).await?);
        }
    }
    Ok(changed)
}

async fn apply_one(store: &Store, known: Maintenance, now: Timestamp) -> Result<bool, StoreError> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                if known.window.ends_at > now {
                    return begin(tx, known.guild_id, known.id, &known.title, now).await;
                }
                let system = Requester::system(known.guild_id);
                let silenced = incident::silenced_by(tx, known.id).await?;
                match known.weekly.and_then(|weekly| weekly.next(now)) {
                    Some(window) => maintenance::postpone(tx, known.id, window).await?,
                    None => {
                        let removed = maintenance::remove(tx, known.guild_id, known.id).await?;
                        if removed == Effect::Nothing {
                            // A member has ended it in the meantime.
                            return Ok(false);
                        }
                    }
                }
                ended(tx, system, &known, now).await?;
                unsilence(tx, known.guild_id, silenced, true, now).await?;
                Ok(true)
            })
        })
        .await
}

/// Records the end and notifies about outages that are still open. Maintenance that never started, because Rollcall was not
/// running, ends all the same.
async fn ended(
    tx: &mut Tx<'_>,
    requester: Requester,
    known: &Maintenance,
    now: Timestamp,
) -> Result<(), StoreError> {
    let details = json!({ "title": known.title, "was_running": known.is_running });
    event::append(
        tx,
        &requester.event(EventKind::MaintenanceEnded, None, details, now),
    )
    .await?;
    for monitor in maintenance::unnotified(tx, known.guild_id).await? {
        outage::notify_if_unnotified(
            tx,
            MonitorRef {
                guild: known.guild_id,
                id: monitor,
            },
            now,
        )
        .await?;
    }
    Ok(())
}

async fn unsilence(
    tx: &mut Tx<'_>,
    guild: GuildId,
    incidents: Vec<IncidentId>,
    has_expired: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    for incident in incidents {
        outage::unsilence(
            tx,
            IncidentRef {
                guild,
                id: incident,
            },
            has_expired,
            now,
        )
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::testing::{
        HOME, at, down, maintenance_of, member, pending_deliveries, with_endpoints,
    };
    use crate::domain::discord_id::UserId;
    use crate::domain::silences::maintenance::{WeekDays, Weekly, parse_zone};
    use crate::store::monitors::group;
    use crate::store::testing::TestStore;

    #[tokio::test]
    async fn outages_in_maintenance_are_marked_and_notify_when_it_ends() {
        let store = TestStore::open().await;
        let [a, b] = with_endpoints(&store).await;
        schedule(
            &store,
            member(),
            maintenance_of(MaintenanceScope::All, 100, 200),
            at(10),
        )
        .await
        .unwrap();
        assert_eq!(apply_due(&store, at(99)).await.unwrap(), 0);
        assert_eq!(apply_due(&store, at(100)).await.unwrap(), 1);
        assert_eq!(apply_due(&store, at(101)).await.unwrap(), 0, "once");
        down(&store, a, 110).await;
        down(&store, b, 120).await;
        store
            .write(move |tx| Box::pin(outage::close(tx, b, at(130))))
            .await;
        assert_eq!(pending_deliveries(&store).await, 0);
        let marked: Vec<(i64,)> = store
            .rows("SELECT SUM(is_in_maintenance) FROM outages")
            .await;
        assert_eq!(marked, [(2,)]);
        assert_eq!(apply_due(&store, at(200)).await.unwrap(), 1);
        assert_eq!(pending_deliveries(&store).await, 1);
        let incident = incident::get(&store.reader, IncidentId(1))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((incident.count, incident.opened_at), (1, at(110)));
        let left = maintenance::list(&store.reader, Some(HOME)).await.unwrap();
        assert_eq!(left, []);
    }

    #[tokio::test]
    async fn open_incidents_send_a_reminder_when_maintenance_expires() {
        for by_itself in [true, false] {
            let store = TestStore::open().await;
            let [a, b] = with_endpoints(&store).await;
            down(&store, a, 10).await;
            down(&store, b, 900).await;
            let incident = schedule_for_incident(&store, member(), IncidentId(1), at(1_000))
                .await
                .unwrap();
            assert_eq!(incident.maintained, Some((UserId(7), at(4_600))));
            if by_itself {
                assert_eq!(apply_due(&store, at(4_600)).await.unwrap(), 1);
            } else {
                let known = maintenance::list(&store.reader, Some(HOME)).await.unwrap();
                end(&store, member(), known[0].clone(), at(2_000))
                    .await
                    .unwrap();
            }
            let incident = incident::get(&store.reader, IncidentId(1))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(incident.maintained, None);
            // Both incidents, and a reminder about the first if the maintenance expired by itself.
            assert_eq!(pending_deliveries(&store).await, 2 + usize::from(by_itself));
        }
    }

    #[tokio::test]
    async fn maintenance_silences_only_monitors_in_its_scope() {
        let store = TestStore::open().await;
        let [a, b] = with_endpoints(&store).await;
        let _ = store
            .write(move |tx| Box::pin(group::set(tx, HOME, a, Some("web"))))
            .await;
        for scope in [
            MaintenanceScope::Group("web".into()),
            MaintenanceScope::Some(vec![a]),
        ] {
            schedule(&store, member(), maintenance_of(scope, 0, 100), at(10))
                .await
                .unwrap();
        }
        down(&store, a, 20).await;
        assert_eq!(pending_deliveries(&store).await, 0);
        down(&store, b, 20).await;
        assert_eq!(pending_deliveries(&store).await, 1);
        // One of the two ends early; the other continues.
        let mut both = maintenance::list(&store.reader, Some(HOME)).await.unwrap();
        let first = both.remove(0);
        end(&store, member(), first.clone(), at(30)).await.unwrap();
        assert!(end(&store, member(), first, at(30)).await.is_err());
        let incident = incident::get(&store.reader, IncidentId(1))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(incident.count, 1);
        let other_guild = Requester {
            guild: GuildId(2),
            ..member()
        };
        assert!(
            end(&store, other_guild, both[0].clone(), at(30))
                .await
                .is_err()
        );
        end(&store, member(), both.remove(0), at(30)).await.unwrap();
        assert_eq!(pending_deliveries(&store).await, 2);
    }

    #[tokio::test]
    async fn clock_changes_neither_end_maintenance_early_nor_start_it_twice() {
        let store = TestStore::open().await;
        let [a, _] = with_endpoints(&store).await;
        schedule(
            &store,
            member(),
            maintenance_of(MaintenanceScope::All, 100, 200),
            at(100),
        )
        .await
        .unwrap();
        down(&store, a, 110).await;
        // Set back by an hour, and forward again.
        for now in [-3_500, 50, 150] {
            assert_eq!(apply_due(&store, at(now)).await.unwrap(), 0, "{now}");
        }
        assert_eq!(pending_deliveries(&store).await, 0);
        // Set forward by a day: the maintenance has ended.
        assert_eq!(apply_due(&store, at(86_550)).await.unwrap(), 1);
        assert_eq!(pending_deliveries(&store).await, 1);
    }

    #[tokio::test]
    async fn weekly_maintenance_repeats_after_a_window_without_rollcall_running() {
        let store = TestStore::open().await;
        with_endpoints(&store).await;
        let weekly = Weekly {
            days: WeekDays::parse("thu").unwrap(),
            minute: 60,
            length: AN_HOUR,
            zone: parse_zone("UTC").unwrap(),
        };
        // 1970 began on a Thursday.
        let new = NewMaintenance {
            weekly: Some(weekly),
            ..maintenance_of(MaintenanceScope::All, 3_600, 7_200)
        };
        schedule(&store, member(), new, at(0)).await.unwrap();
        const WEEK: i64 = 7 * 86_400;
        for (now, running, next) in [
            (3_600, true, 3_600),
            (7_200, false, 3_600 + WEEK),
            // Rollcall was not running during the whole window.
            (9_000 + WEEK, false, 3_600 + 2 * WEEK),
        ] {
            apply_due(&store, at(now)).await.unwrap();
            let known = maintenance::list(&store.reader, Some(HOME)).await.unwrap();
            assert_eq!(
                (known[0].is_running, known[0].window.starts_at),
                (running, at(next)),
                "{now}"
            );
        }
    }
}
