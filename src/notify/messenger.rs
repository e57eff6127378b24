//! What Rollcall does in Discord beside delivering notifications.

use futures_util::future::BoxFuture;

use super::transport::Transport;
use crate::domain::discord_id::{ChannelId, EventId, GuildId, MessageRef, RoleId, UserId};
use crate::domain::history::summary::schedule::SummaryTimes;
use crate::domain::notifications::destination_health::DeliveryError;
use crate::domain::silences::maintenance::{TimeWindow, Tz};

/// A message in a channel that belongs to the setup of a guild. It mentions nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupMessage {
    /// Announces alerts, which verifies that the channel can be written to.
    AlertsStart,
    /// Shows that alerts arrive, and names the role that they mention.
    TestAlert(Option<RoleId>),
    /// Announces summaries, which verifies that the channel can be written to.
    SummariesStart { times: SummaryTimes, zone: Tz },
    /// Greets a guild that the bot has joined. If it is sent twice with the same nonce, Discord shows it once.
    Welcome { nonce: String },
}

/// What Discord says about a channel that a guild chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelAccess {
    /// The guild has it, and Rollcall sees it.
    Visible,
    /// Rollcall lacks the permission to see it.
    Hidden,
    /// The guild does not have it: it was deleted, or is one of another guild.
    Missing,
}

/// Discord, as far as jobs and commands use it.
pub trait Messenger: Transport {
    /// Deletes a message of Rollcall.
    fn delete_message(&self, message: MessageRef) -> BoxFuture<'_, Result<(), DeliveryError>>;

    /// Sends a direct message to a user.
    fn send_direct_message<'a>(
        &'a self,
        user: UserId,
        sentence: &'a str,
    ) -> BoxFuture<'a, Result<(), DeliveryError>>;

    /// Whether a user is a member of a guild.
    fn is_member(&self, guild: GuildId, user: UserId)
    -> BoxFuture<'_, Result<bool, DeliveryError>>;

    /// Whether a channel belongs to a guild, and Rollcall can see it.
    fn has_channel(
        &self,
        guild: GuildId,
        channel: ChannelId,
    ) -> BoxFuture<'_, Result<ChannelAccess, DeliveryError>>;

    /// Creates a scheduled event in a guild; returns its id.
    fn create_event<'a>(
        &'a self,
        guild: GuildId,
        title: &'a str,
        window: TimeWindow,
    ) -> BoxFuture<'a, Result<EventId, DeliveryError>>;

    /// Deletes a scheduled event. One that is already deleted is not an error.
    fn delete_event(
        &self,
        guild: GuildId,
        event: EventId,
    ) -> BoxFuture<'_, Result<(), DeliveryError>>;

    /// Asks whether Discord accepts the token. After it did, messages are sent again.
    ///
    /// # Errors
    /// Discord did not say.
    fn accepts_token(&self) -> BoxFuture<'_, Result<bool, DeliveryError>>;

    /// Posts a message of the setup of a guild.
    fn send_setup_message(
        &self,
        channel: ChannelId,
        message: SetupMessage,
    ) -> BoxFuture<'_, Result<MessageRef, DeliveryError>>;
}
