//! The interface between the jobs that deliver notifications and the layer that posts them in Discord.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, EventId, GuildId, MessageRef, UserId};
use crate::domain::notifications::alert_policy::Responder;
use crate::domain::silences::maintenance::TimeWindow;
use crate::store::incidents::incident::Incident;
use crate::store::notifications::board::BoardLine;

/// Where something is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// As a new message.
    New {
        channel: ChannelId,
        /// Mentioned, once.
        mention: Option<Responder>,
        /// Identifies the message: if it is sent twice, Discord posts it once.
        nonce: String,
    },
    /// As an edit of this message.
    Existing(MessageRef),
}

/// Why something was not posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendFailure {
    /// A later attempt may succeed, but not before `after`, if Discord requested a delay.
    Later {
        after: Option<Duration>,
        reason: String,
    },
    /// The message can no longer be edited; a new one can be posted.
    MessageGone,
    /// Nothing can be posted there until a person fixes the cause, which the text describes.
    Broken(String),
    /// Discord does not accept the content, and would not accept it in another attempt.
    Rejected(String),
    /// Discord no longer accepts the token.
    Refused,
}

impl fmt::Display for SendFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Later { reason, .. } | Self::Broken(reason) | Self::Rejected(reason) => {
                out.write_str(reason)
            }
            Self::MessageGone => out.write_str("the message was deleted"),
            Self::Refused => out.write_str("Discord rejected the token"),
        }
    }
}

/// A reminder of an unacknowledged incident, and the message of that incident.
#[derive(Clone, Debug)]
pub struct Reminder {
    pub incident: Incident,
    pub link: Option<MessageRef>,
    pub now: Timestamp,
}

/// Posts incidents, reminders and boards for people.
pub trait Messenger: Send + Sync + fmt::Debug {
    /// Posts an incident in its current state; returns the message.
    fn show<'a>(
        &'a self,
        incident: &'a Incident,
        place: Place,
    ) -> BoxFuture<'a, Result<MessageRef, SendFailure>>;

    /// Posts a reminder of an unacknowledged incident; returns the message.
    fn remind<'a>(
        &'a self,
        reminder: &'a Reminder,
        place: Place,
    ) -> BoxFuture<'a, Result<MessageRef, SendFailure>>;

    /// Posts the board of a guild; returns the message.
    fn show_board<'a>(
        &'a self,
        lines: &'a [BoardLine],
        place: Place,
    ) -> BoxFuture<'a, Result<MessageRef, SendFailure>>;

    /// Deletes a message of Rollcall.
    fn delete_message(&self, message: MessageRef) -> BoxFuture<'_, Result<(), SendFailure>>;

    /// The channel of direct messages to a user.
    fn direct_channel(&self, user: UserId) -> BoxFuture<'_, Result<ChannelId, SendFailure>>;

    /// Sends a direct message to a user.
    fn send_direct_message<'a>(
        &'a self,
        user: UserId,
        sentence: &'a str,
    ) -> BoxFuture<'a, Result<(), SendFailure>>;

    /// Creates a scheduled event in a guild; returns its id.
    fn create_event<'a>(
        &'a self,
        guild: GuildId,
        title: &'a str,
        window: TimeWindow,
    ) -> BoxFuture<'a, Result<EventId, SendFailure>>;

    /// Deletes a scheduled event. One that is already deleted is not an error.
    fn delete_event(
        &self,
        guild: GuildId,
        event: EventId,
    ) -> BoxFuture<'_, Result<(), SendFailure>>;

    /// Posts a line that announces alerts, to verify that the channel can be written to.
    fn send_test_message(
        &self,
        channel: ChannelId,
    ) -> BoxFuture<'_, Result<MessageRef, SendFailure>>;
}
