//! The seam between what must be told and the door through which it goes out.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::domain::Timestamp;
use crate::domain::alert_policy::Responder;
use crate::domain::maintenance::TimeWindow;
use crate::store::board::BoardLine;
use crate::store::incident::Incident;

/// A message, by its channel and its id.
pub type MessageId = (u64, u64);

/// Where a card is to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// As a new message.
    New {
        channel: u64,
        /// Mentioned, once.
        mention: Option<Responder>,
        /// The same for the same message: sent twice, it is one.
        nonce: String,
    },
    /// In the place of what that message says now.
    Existing(MessageId),
}

/// Why a card was not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendFailure {
    /// It may work later; not before `after`, where the other side said so.
    Later {
        after: Option<Duration>,
        reason: String,
    },
    /// The message can be changed no more; a new one can be posted.
    MessageGone,
    /// Nothing can be written there until somebody mends it; a sentence says what.
    Broken(String),
    /// What was sent is nothing that the other side takes; the same again will not be, either.
    Rejected(String),
    /// We are not known there any more at all.
    Refused,
}

impl fmt::Display for SendFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Later { reason, .. } | Self::Broken(reason) | Self::Rejected(reason) => {
                out.write_str(reason)
            }
            Self::MessageGone => out.write_str("the message is gone"),
            Self::Refused => out.write_str("Discord does not know the token any more"),
        }
    }
}

/// A card of which nobody has taken care, and the message that it is shown in.
#[derive(Clone, Debug)]
pub struct Reminder {
    pub incident: Incident,
    pub link: Option<MessageId>,
    pub now: Timestamp,
}

/// Shows cards to people.
pub trait Messenger: Send + Sync + fmt::Debug {
    /// Shows a card as it is now, and answers with which message.
    fn show<'a>(
        &'a self,
        incident: &'a Incident,
        place: Place,
    ) -> BoxFuture<'a, Result<MessageId, SendFailure>>;

    /// Shows that nobody has taken care of a card yet.
    fn remind<'a>(
        &'a self,
        reminder: &'a Reminder,
        place: Place,
    ) -> BoxFuture<'a, Result<MessageId, SendFailure>>;

    /// Shows the roll of a guild.
    fn show_board<'a>(
        &'a self,
        lines: &'a [BoardLine],
        place: Place,
    ) -> BoxFuture<'a, Result<MessageId, SendFailure>>;

    /// Deletes a message of ours.
    fn delete_message(&self, message: MessageId) -> BoxFuture<'_, Result<(), SendFailure>>;

    /// The channel of direct messages to a user.
    fn direct_channel(&self, user: u64) -> BoxFuture<'_, Result<u64, SendFailure>>;

    /// Tells a user something by direct message.
    fn send_direct_message<'a>(
        &'a self,
        user: u64,
        sentence: &'a str,
    ) -> BoxFuture<'a, Result<(), SendFailure>>;

    /// Shows a time as a scheduled event of a guild, and answers its id.
    fn create_event<'a>(
        &'a self,
        guild: u64,
        title: &'a str,
        window: TimeWindow,
    ) -> BoxFuture<'a, Result<u64, SendFailure>>;

    /// Takes a scheduled event back. One that is gone already is fine.
    fn delete_event(&self, guild: u64, event: u64) -> BoxFuture<'_, Result<(), SendFailure>>;

    /// Posts a line that says that alerts will come here, to see whether that works.
    fn send_test_message(&self, channel: u64) -> BoxFuture<'_, Result<MessageId, SendFailure>>;
}
