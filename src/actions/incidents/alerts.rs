//! Alert settings of a guild, and what people do with an incident: acknowledge it, recheck its endpoints.

use serde_json::json;

use super::{alert_events, notify, reminders};
use crate::actions::endpoints::check_runner::CheckRunner;
use crate::actions::endpoints::completed_check::Recorded;
use crate::actions::endpoints::recheck;
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId, RoleId};
use crate::domain::endpoints::check_result::Verdict;
use crate::domain::event::{Actor, EventKind};
use crate::domain::incidents::grouping::{IncidentId, IncidentRef};
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::alert_policy::{AlertPreferences, EscalationStep, Responder};
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::patch::Patch;
use crate::domain::text;
use crate::store::endpoints::endpoint;
use crate::store::endpoints::endpoint::Scheduled;
use crate::store::event;
use crate::store::incidents::incident;
use crate::store::incidents::incident::Incident;
use crate::store::monitors::monitor;
use crate::store::notifications::alert_override::{self, Override};
use crate::store::notifications::alert_settings::{self, AlertSettings};
use crate::store::{Effect, Reader, Store, StoreError};

/// Concurrent checks when an incident is rechecked.
const CONCURRENT_CHECKS: usize = 10;

/// Changes to where a guild's notifications go.
#[derive(Clone, Debug, Default)]
pub struct AlertEdit {
    /// `None` keeps the channel.
    pub channel: Option<ChannelId>,
    /// The role that they mention.
    pub role: Patch<RoleId>,
}

/// Changes the channel for a guild's notifications and the role that they mention. Retries deliveries that were held
/// back, and notifies about open outages that are in no incident. The role stays while reminders need it.
///
/// `Nothing` if both were set already. Then no event is added.
pub async fn edit(
    store: &Store,
    requester: Requester,
    edit: AlertEdit,
    now: Timestamp,
) -> Result<Effect, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let known = alert_settings::find(tx, requester.guild).await?;
                let known = known.as_ref();
                let channel = edit.channel.or(known.map(|known| known.channel));
                let channel = channel.ok_or_else(not_set_up)?;
                let role = edit.role.apply(known.and_then(|known| known.role));
                let policy = known.map_or_else(Default::default, |known| known.preferences.policy);
                reminders::check(tx, requester.guild, known, policy.reminds_nobody(role)).await?;
                alert_settings::set(tx, requester.guild, channel, role).await?;
                notify::notify_all_open(tx, requester.guild, now).await?;
                let is_same = |known: &AlertSettings| {
                    known.channel == channel && known.role == role && known.broken.is_none()
                };
                if known.is_some_and(is_same) {
                    return Ok(Effect::Nothing);
                }
                let details = alert_events::destination_details(known, channel, role);
                let event = requester.event(EventKind::AlertsSet, None, details, now);
                event::append(tx, &event).await?;
                Ok(Effect::Changed)
            })
        })
        .await
}

/// Changes a guild's alert preferences. `Nothing` if they were so already. Then no event is added.
pub async fn prefer(
    store: &Store,
    requester: Requester,
    change: impl FnOnce(&mut AlertPreferences) + Send + 'static,
    now: Timestamp,
) -> Result<Effect, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let known = alert_settings::find(tx, requester.guild).await?;
                let known = known.ok_or_else(not_set_up)?;
                let before = known.preferences;
                let mut chosen = before;
                change(&mut chosen);
                if chosen == before {
                    return Ok(Effect::Nothing);
                }
                let reminds_nobody = chosen.policy.reminds_nobody(known.role);
                reminders::check(tx, requester.guild, Some(&known), reminds_nobody).await?;
                if alert_settings::prefer(tx, requester.guild, &chosen).await? == Effect::Nothing {
                    return Err(not_set_up());
                }
                let details = alert_events::preference_details(&before, &chosen);
                let event = requester.event(EventKind::AlertsSet, None, details, now);
                event::append(tx, &event).await?;
                Ok(Effect::Changed)
            })
        })
        .await
}

pub(super) fn not_set_up() -> Error {
    Error::NotFound("there is no alert channel yet. Set one with `/setup`".into())
}

/// The roles and users that a guild's settings name: for every incident, for escalation, or for one monitor. They may
/// acknowledge incidents.
pub async fn responders(reader: &Reader, guild: GuildId) -> Result<Vec<Responder>, StoreError> {
    let known = alert_settings::get(reader, guild).await?;
    let first = known.as_ref().and_then(|known| known.role);
    let later = known.and_then(|known| known.preferences.policy.escalate);
    let own = alert_override::roles(reader, guild).await?;
    let roles = first.into_iter().chain(own).map(Responder::Role);
    Ok(roles.chain(later.map(|(_, responder)| responder)).collect())
}

/// Sets or removes the alert override of one monitor. Notifies about its open outage if that is in no incident yet
/// and the override now allows it. `Nothing` if it was so already. Then no event is added.
pub async fn set_override(
    store: &Store,
    requester: Requester,
    monitor: MonitorId,
    own: Option<Override>,
    now: Timestamp,
) -> Result<Effect, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let known = monitor::known_among(tx, requester.guild, &[monitor]).await?;
                if known.is_empty() {
                    return Err(Error::NotFound(format!("there is no monitor {monitor}")));
                }
                let before = alert_override::of(tx, monitor).await?;
                if before == own {
                    return Ok(Effect::Nothing);
                }
                let named_role = alert_override::names_role(tx, requester.guild).await?;
                alert_override::set(tx, requester.guild, monitor, own).await?;
                if named_role && let Some(known) = alert_settings::find(tx, requester.guild).await?
                {
                    let reminds_nobody = known.preferences.policy.reminds_nobody(known.role);
                    reminders::check(tx, requester.guild, None, reminds_nobody).await?;
                }
                let details = alert_events::override_details(before, own);
                event::append(
                    tx,
                    &requester.event(EventKind::AlertsSet, Some(monitor), details, now),
                )
                .await?;
                notify::notify_if_open(tx, requester.monitor(monitor), now).await?;
                Ok(Effect::Changed)
            })
        })
        .await
}

/// Removes a guild's alert settings, and with them its notifications in Discord.
pub async fn remove(store: &Store, requester: Requester, now: Timestamp) -> Result<(), Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let known = alert_settings::find(tx, requester.guild).await?;
                if alert_settings::remove(tx, requester.guild).await? == Effect::Nothing {
                    return Err(Error::NotFound(
                        "there is no alert channel to remove".into(),
                    ));
                }
                let channel = known.map(|known| known.channel.to_string());
                let details = json!({ "channel": channel });
                let event = requester.event(EventKind::AlertsRemoved, None, details, now);
                Ok(event::append(tx, &event).await?)
            })
        })
        .await
}

/// Acknowledges an incident as a member or an API key; returns the updated incident.
pub async fn acknowledge(
    store: &Store,
    requester: Requester,
    id: IncidentId,
    now: Timestamp,
) -> Result<Incident, Error> {
    let actor = requester.actor;
    if !matches!(actor, Actor::Member(_) | Actor::Key(_)) {
        return Err(Error::Invalid(
            "only members and API keys can acknowledge an incident".into(),
        ));
    }
    find(&store.reader, requester, id).await?;
    store
        .writer
        .transact::<(), Error>(move |tx| {
            Box::pin(async move {
                if incident::acknowledge(tx, requester.incident(id), actor, now).await?
                    == Effect::Nothing
                {
                    return Err(Error::Conflict(
                        "this incident is resolved or already acknowledged".into(),
                    ));
                }
                let details = json!({ "incident": id.0 });
                Ok(event::append(
                    tx,
                    &requester.event(EventKind::IncidentAcknowledged, None, details, now),
                )
                .await?)
            })
        })
        .await?;
    find(&store.reader, requester, id).await
}

/// Sends a reminder or an escalation for an unacknowledged incident; `false` if that was done already or is no longer
/// needed.
pub async fn remind_or_escalate(
    store: &Store,
    guild: GuildId,
    id: IncidentId,
    step: EscalationStep,
    now: Timestamp,
) -> Result<bool, StoreError> {
    store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let responder = match step {
                    EscalationStep::Remind => None,
                    EscalationStep::Escalate(responder) => Some(responder),
                };
                if incident::mark_reminded(tx, id, responder.is_some(), now).await?
                    == Effect::Nothing
                {
                    return Ok(false);
                }
                notify::remind(tx, IncidentRef { guild, id }, responder, now).await?;
                Ok(true)
            })
        })
        .await
}

/// Checks the endpoints of an incident that are down; returns the updated incident.
pub async fn recheck_incident(
    checks: &CheckRunner,
    store: &Store,
    requester: Requester,
    id: IncidentId,
) -> Result<Incident, Error> {
    let Actor::Member(user) = requester.actor else {
        return Err(Error::Invalid(
            "only members can recheck an incident".into(),
        ));
    };
    let reader = &store.reader;
    let incident = find(reader, requester, id).await?;
    let down = incident
        .outages
        .iter()
        .filter(|outage| outage.ended.is_none());
    let mut endpoints = Vec::new();
    for outage in down {
        // Devices and servers send heartbeats and reports by themselves: there is nothing to check.
        if let Some(found) = endpoint::get(reader, requester.guild, outage.monitor_id).await? {
            endpoints.push(recheck::scheduled(reader, &found).await?);
        }
    }
    let result = check_all(checks, endpoints, requester.actor).await?;
    let now = checks.clock.now();
    store
        .writer
        .transact_for::<_, StoreError>(requester.guild, move |tx| {
            Box::pin(async move {
                incident::rechecked(tx, requester.incident(id), user, &result, now).await
            })
        })
        .await?;
    find(reader, requester, id).await
}

/// Checks endpoints and describes the results; for a single endpoint, with the timings of each phase.
async fn check_all(
    checks: &CheckRunner,
    mut endpoints: Vec<Scheduled>,
    actor: Actor,
) -> Result<String, Error> {
    if endpoints.len() == 1
        && let Some(only) = endpoints.pop()
    {
        let recorded = checks.check_and_record(&only, actor).await?;
        return Ok(recorded.map_or("it was changed or removed".to_owned(), |one| phases(&one)));
    }
    if endpoints.is_empty() {
        return Ok("not checked: this monitor reports by itself".to_owned());
    }
    let summary = recheck::many(checks, endpoints, CONCURRENT_CHECKS, actor, |_, _| {}).await?;
    let back = summary.reactivated + summary.online;
    Ok(format!("{back} of {} checks passed", summary.found))
}

fn phases(recorded: &Recorded) -> String {
    let timings = &recorded.result.timings;
    let named = [
        ("resolve", timings.resolve),
        ("connect", timings.connect),
        ("TLS", timings.tls),
        ("first byte", timings.first_byte),
        ("total", Some(timings.total)),
    ];
    let mut parts = vec![match &recorded.result.verdict {
        Verdict::Up => "the check passed".to_owned(),
        Verdict::Down(failure) => failure.to_string(),
        Verdict::Unknown(why) => format!("could not check: {why}"),
    }];
    for (name, length) in named {
        let length = length.filter(|length| !length.is_zero());
        parts.extend(length.map(|length| format!("{name} {}", text::latency(length))));
    }
    parts.join(", ")
}

/// Returns an incident of the requester's own guild.
pub async fn find(
    reader: &Reader,
    requester: Requester,
    id: IncidentId,
) -> Result<Incident, Error> {
    let is_own = |incident: &Incident| {
        incident.guild_id == requester.guild && incident.kind == NotificationKind::Incident
    };
    let incident = incident::get(reader, id).await?.filter(is_own);
    incident.ok_or_else(super::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::incidents::replace_alerts::{AlertChoice, replace};
    use crate::actions::silences::{end, start};
    use crate::actions::testing::{HOME, at, down, maintenance_of, member, with_endpoints};
    use crate::domain::key::KeyId;
    use crate::domain::silences::silence::SilenceScope;
    use crate::store::silences::silence;
    use crate::store::testing::TestStore;

    /// Counts the incidents that wait for a responder, `second` seconds after the Unix epoch.
    async fn waiting(store: &TestStore, second: i64) -> usize {
        let waiting = incident::waiting(&store.reader, HOME, at(second)).await;
        waiting.unwrap().len()
    }

    #[tokio::test]
    async fn incidents_await_responders_while_any_outage_is_not_silenced() {
        let store = TestStore::open().await;
        let ids @ [a, b] = with_endpoints(&store).await;
        // At the same time, and therefore in one incident.
        down(&store, a, 10).await;
        down(&store, b, 11).await;
        assert_eq!(waiting(&store, 20).await, 1);
        let length = std::time::Duration::from_secs(100);
        start::mute(&store, member(), a, length, at(20))
            .await
            .unwrap();
        assert_eq!(waiting(&store, 21).await, 1, "the other one is not muted");
        let new = maintenance_of(SilenceScope::Some(vec![b]), 20, 300);
        let scheduled = start::schedule(&store, member(), new, at(20)).await;
        assert_eq!(waiting(&store, 119).await, 0);
        assert_eq!(waiting(&store, 120).await, 1, "the mute has expired");
        start::mute_incident(&store, member(), IncidentId(1), at(130))
            .await
            .unwrap();
        let running = silence::maintenance(&store.reader, Some(HOME))
            .await
            .unwrap();
        assert_eq!(running[0].id, scheduled.unwrap());
        end::end(&store, member(), running[0].id, at(140))
            .await
            .unwrap();
        assert_eq!(waiting(&store, 150).await, 0, "both are muted");
        for id in ids {
            end::unmute(&store, member(), id, at(160)).await.unwrap();
            assert_eq!(waiting(&store, 170).await, 1);
        }
        let unnotified = Override {
            notify: false,
            role: None,
        };
        for (own, count) in [(Some(unnotified), 0), (None, 1)] {
            for id in ids {
                let _ = set_override(&store, member(), id, own, at(170))
                    .await
                    .unwrap();
            }
            assert_eq!(waiting(&store, 171).await, count);
        }
        acknowledge(&store, member(), IncidentId(1), at(180))
            .await
            .unwrap();
        assert_eq!(waiting(&store, 190).await, 0);
    }

    /// Sets reminders and escalation, both after 15 minutes.
    async fn escalates(
        store: &TestStore,
        remind: bool,
        escalate: Option<Responder>,
    ) -> Result<Effect, Error> {
        let wait = std::time::Duration::from_secs(900);
        let change = move |chosen: &mut AlertPreferences| {
            chosen.policy.remind_after = remind.then_some(wait);
            chosen.policy.escalate = escalate.map(|responder| (wait, responder));
        };
        prefer(store, member(), change, at(1)).await
    }

    async fn set_role(store: &TestStore, role: Patch<RoleId>) -> Result<Effect, Error> {
        let channel = Some(ChannelId(5));
        let change = AlertEdit { channel, role };
        edit(store, member(), change, at(1)).await
    }

    fn is_refused<T>(result: Result<T, Error>) -> bool {
        matches!(result, Err(Error::Conflict(why)) if why.contains("reminders would mention nobody"))
    }

    #[tokio::test]
    async fn reminders_without_anybody_to_mention_are_refused() {
        let store = TestStore::open().await;
        let [a, _] = with_endpoints(&store).await;
        let (role, leads) = (Patch::Set(RoleId(7)), Responder::Role(RoleId(8)));
        assert!(is_refused(escalates(&store, true, None).await));
        let _ = escalates(&store, true, Some(leads)).await.unwrap();
        assert!(is_refused(escalates(&store, true, None).await));
        let _ = set_role(&store, role.clone()).await.unwrap();
        let _ = escalates(&store, true, None).await.unwrap();
        // The role stays as long as reminders need it; another channel or role may be chosen.
        assert!(is_refused(set_role(&store, Patch::Clear).await));
        let _ = set_role(&store, Patch::Keep).await.unwrap();
        let known = alert_settings::get(&store.reader, HOME).await.unwrap();
        assert_eq!(known.unwrap().role, Some(RoleId(7)));
        let choice = |role, preferences| AlertChoice {
            channel: ChannelId(5),
            role,
            preferences,
        };
        let known = alert_settings::get(&store.reader, HOME).await.unwrap();
        let reminding = known.unwrap().preferences;
        let replaced = replace(&store, member(), choice(None, reminding), at(2)).await;
        assert!(is_refused(replaced));
        let _ = escalates(&store, false, None).await.unwrap();
        let _ = set_role(&store, Patch::Clear).await.unwrap();
        // A role of an override is mentioned, too.
        let own = Override {
            notify: true,
            role: Some(RoleId(9)),
        };
        let _ = set_override(&store, member(), a, Some(own), at(3))
            .await
            .unwrap();
        let _ = escalates(&store, true, None).await.unwrap();
        let unnotified = Override {
            notify: false,
            role: Some(RoleId(9)),
        };
        for without in [None, Some(unnotified)] {
            let removed = set_override(&store, member(), a, without, at(4)).await;
            assert!(is_refused(removed));
        }
        let _ = escalates(&store, false, None).await.unwrap();
        let _ = set_override(&store, member(), a, Some(unnotified), at(5))
            .await
            .unwrap();
        assert!(is_refused(escalates(&store, true, None).await));
    }

    #[tokio::test]
    async fn reminders_mention_the_role_of_their_incident() {
        let store = TestStore::open().await;
        let [a, b] = with_endpoints(&store).await;
        let chosen = AlertEdit {
            channel: Some(ChannelId(5)),
            role: Patch::Set(RoleId(77)),
        };
        let _ = edit(&store, member(), chosen, at(0)).await.unwrap();
        let own = Override {
            notify: true,
            role: Some(RoleId(88)),
        };
        let _ = set_override(&store, member(), a, Some(own), at(0))
            .await
            .unwrap();
        down(&store, a, 10).await;
        down(&store, b, 100).await;
        for id in [1, 2] {
            let step = (EscalationStep::Remind, at(200));
            assert!(
                remind_or_escalate(&store, HOME, IncidentId(id), step.0, step.1)
                    .await
                    .unwrap()
            );
        }
        let mut roles = Vec::new();
        for incident in store.pending_incidents().await {
            roles.push(incident::role(&store.reader, incident).await.unwrap());
        }
        assert_eq!(roles, [88, 77, 88, 77].map(|role| Some(RoleId(role))));
    }

    #[tokio::test]
    async fn a_key_acknowledges_an_incident_of_its_own_guild_once() {
        let store = TestStore::open().await;
        let [shop, _] = with_endpoints(&store).await;
        down(&store, shop, 10).await;
        let by_key = |guild| Requester {
            guild,
            actor: Actor::Key(KeyId::parse("0123456789ab").unwrap()),
        };
        let id = IncidentId(1);
        let foreign = acknowledge(&store, by_key(GuildId(2)), id, at(20)).await;
        assert!(matches!(foreign, Err(Error::NotFound(_))), "{foreign:?}");
        let system = acknowledge(&store, Requester::system(HOME), id, at(20)).await;
        assert!(matches!(system, Err(Error::Invalid(_))), "{system:?}");
        assert_eq!(waiting(&store, 20).await, 1);
        let key = by_key(HOME);
        let acknowledged = acknowledge(&store, key, id, at(20)).await.unwrap();
        assert_eq!(acknowledged.acknowledged, Some((key.actor, at(20))));
        assert_eq!(waiting(&store, 30).await, 0);
        for again in [key, member()] {
            let again = acknowledge(&store, again, id, at(40)).await;
            assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
        }
        let events: Vec<(String,)> = store
            .rows("SELECT actor FROM events WHERE kind = 'incident_acknowledged'")
            .await;
        assert_eq!(events, [("key:0123456789ab".to_owned(),)]);
    }

    #[tokio::test]
    async fn what_is_no_incident_cannot_be_acknowledged() {
        let store = TestStore::open().await;
        let [shop, _] = with_endpoints(&store).await;
        down(&store, shop, 10).await;
        let step = (EscalationStep::Remind, at(20));
        let reminded = remind_or_escalate(&store, HOME, IncidentId(1), step.0, step.1).await;
        assert!(reminded.unwrap());
        let refused = acknowledge(&store, member(), IncidentId(2), at(30)).await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn what_changes_nothing_adds_no_event() {
        let store = TestStore::open().await;
        let [a, _] = with_endpoints(&store).await;
        let events = async || event_kinds(&store).await.len();
        let own = |role| Override {
            notify: true,
            role: Some(RoleId(role)),
        };
        let role = |role| Patch::Set(RoleId(role));
        assert_eq!(set_role(&store, role(7)).await.unwrap(), Effect::Changed);
        let lead = Some(Responder::Role(RoleId(8)));
        for (is_changed, number) in [(true, 1), (false, 1), (true, 2)] {
            let before = events().await;
            let effects = [
                set_role(&store, role(7 + number)).await.unwrap(),
                escalates(&store, number == 1, lead).await.unwrap(),
                set_override(&store, member(), a, Some(own(number)), at(3))
                    .await
                    .unwrap(),
            ];
            let (effect, added) = match is_changed {
                true => (Effect::Changed, 3),
                false => (Effect::Nothing, 0),
            };
            assert_eq!(effects, [effect; 3], "{number}");
            assert_eq!(events().await - before, added, "{number}");
        }
        for effect in [Effect::Changed, Effect::Nothing] {
            let removed = set_override(&store, member(), a, None, at(4)).await;
            assert_eq!(removed.unwrap(), effect);
        }
    }

    async fn event_kinds(store: &TestStore) -> Vec<(String,)> {
        store.rows("SELECT kind FROM events").await
    }
}
