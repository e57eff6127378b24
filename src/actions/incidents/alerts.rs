//! The alert settings of a guild, and the overrides of single monitors.

use serde_json::json;

use super::{alert_events, notify, reminders};
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, GuildId, RoleId};
use crate::domain::event::EventKind;
use crate::domain::monitor::MonitorId;
use crate::domain::notifications::alert_policy::{AlertPreferences, Responder};
use crate::domain::patch::Patch;
use crate::store::event;
use crate::store::monitors::monitor;
use crate::store::notifications::alert_override::{self, Override};
use crate::store::notifications::alert_settings::{self, AlertSettings};
use crate::store::{Effect, Reader, Store, StoreError};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::incidents::replace_alerts::{AlertChoice, replace};
    use crate::actions::testing::{HOME, at, member, with_endpoints};
    use crate::store::testing::TestStore;

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
