//! Replaces all alert settings of a guild at once, as programs and the command line do.

use super::alerts::not_set_up;
use super::{alert_events, notify, reminders};
use crate::actions::{Error, Requester};
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, RoleId};
use crate::domain::event::EventKind;
use crate::domain::notifications::alert_policy::AlertPreferences;
use crate::store::notifications::alert_settings::{self, AlertSettings};
use crate::store::{Effect, Store, event};

/// All alert settings of a guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertChoice {
    pub channel: ChannelId,
    pub role: Option<RoleId>,
    pub preferences: AlertPreferences,
}

impl AlertChoice {
    /// What is stored.
    pub fn of(known: &AlertSettings) -> Self {
        Self {
            channel: known.channel,
            role: known.role,
            preferences: known.preferences,
        }
    }
}

/// Replaces all alert settings of a guild, as `edit` and `prefer` do.
///
/// `Nothing` if they were so already. Then no event is added.
pub async fn replace(
    store: &Store,
    requester: Requester,
    chosen: AlertChoice,
    now: Timestamp,
) -> Result<Effect, Error> {
    adjust(store, requester, move |_| Ok(chosen), now).await
}

/// Replaces all alert settings of a guild with what `choose` makes of the known ones, in one transaction.
///
/// `Nothing` if they were so already. Then no event is added.
pub async fn adjust(
    store: &Store,
    requester: Requester,
    choose: impl FnOnce(Option<&AlertSettings>) -> Result<AlertChoice, Error> + Send + 'static,
    now: Timestamp,
) -> Result<Effect, Error> {
    store
        .writer
        .transact_for(requester.guild, move |tx| {
            Box::pin(async move {
                let known = alert_settings::find(tx, requester.guild).await?;
                let known = known.as_ref();
                let chosen = choose(known)?;
                let AlertChoice {
                    channel,
                    role,
                    preferences,
                } = chosen;
                let reminds_nobody = preferences.policy.reminds_nobody(role);
                reminders::check(tx, requester.guild, known, reminds_nobody).await?;
                alert_settings::set(tx, requester.guild, channel, role).await?;
                if alert_settings::prefer(tx, requester.guild, &preferences).await?
                    == Effect::Nothing
                {
                    return Err(not_set_up());
                }
                notify::notify_all_open(tx, requester.guild, now).await?;
                let is_same = |known: &AlertSettings| {
                    chosen == AlertChoice::of(known) && known.broken.is_none()
                };
                if known.is_some_and(is_same) {
                    return Ok(Effect::Nothing);
                }
                let details = alert_events::choice_details(known, channel, role, &preferences);
                let event = requester.event(EventKind::AlertsSet, None, details, now);
                event::append(tx, &event).await?;
                Ok(Effect::Changed)
            })
        })
        .await
}
