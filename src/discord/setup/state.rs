//! How far the setup of a guild is. That is what the guild has, not what was pressed, so it can be left and resumed.

use crate::discord::DiscordState;
use crate::discord::ui::setup_button::SetupStep;
use crate::domain::discord_id::{ChannelId, GuildId, RoleId};
use crate::store::StoreError;
use crate::store::endpoints::endpoint::{self, EndpointFilter, Start};
use crate::store::notifications::alert_settings;

/// What a guild has of what the setup asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SetupState {
    /// The alert channel.
    pub channel: Option<ChannelId>,
    /// The on-call role.
    pub role: Option<RoleId>,
    /// The number of endpoints.
    pub endpoints: u64,
}

impl SetupState {
    pub(super) async fn load(app: &DiscordState, guild: GuildId) -> Result<Self, StoreError> {
        let reader = &app.store.reader;
        let alerts = alert_settings::get(reader, guild).await?;
        let filter = EndpointFilter {
            guild: Some(guild),
            ..EndpointFilter::default()
        };
        let endpoints = endpoint::list(reader, filter, Start::Skip(0), 1).await?;
        Ok(Self {
            channel: alerts.as_ref().map(|alerts| alerts.channel),
            role: alerts.and_then(|alerts| alerts.role),
            endpoints: endpoints.total,
        })
    }

    /// The step where the setup goes on. A guild that has endpoints, but no role, has skipped the role.
    pub(super) fn next_step(&self) -> SetupStep {
        match (self.channel, self.role, self.endpoints) {
            (None, _, _) => SetupStep::Channel,
            (Some(_), None, 0) => SetupStep::Role,
            (Some(_), Some(_), 0) => SetupStep::Endpoint,
            (Some(_), _, _) => SetupStep::Test,
        }
    }

    /// The step that can be shown instead of `wanted`: all others need a channel.
    pub(super) fn reachable(&self, wanted: SetupStep) -> SetupStep {
        match self.channel {
            None => SetupStep::Channel,
            Some(_) => wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setup_continues_at_the_first_step_that_was_not_done() {
        let (channel, role) = (ChannelId(5), RoleId(7));
        for (channel, role, endpoints, expected) in [
            (None, None, 0, SetupStep::Channel),
            (None, None, 3, SetupStep::Channel),
            (Some(channel), None, 0, SetupStep::Role),
            (Some(channel), Some(role), 0, SetupStep::Endpoint),
            (Some(channel), None, 1, SetupStep::Test),
            (Some(channel), Some(role), 1, SetupStep::Test),
        ] {
            let state = SetupState {
                channel,
                role,
                endpoints,
            };
            assert_eq!(state.next_step(), expected, "{state:?}");
        }
    }

    #[test]
    fn only_the_first_step_can_be_shown_without_a_channel() {
        let without = SetupState::default();
        let with = SetupState {
            channel: Some(ChannelId(5)),
            ..without
        };
        for step in SetupStep::ALL {
            assert_eq!(without.reachable(step), SetupStep::Channel);
            assert_eq!(with.reachable(step), step);
        }
    }
}
