//! The interface between the job that delivers notifications and what carries them: Discord, and webhooks.

use std::fmt;

use futures_util::future::BoxFuture;

use super::picture::renderer::DescribedPicture;
use crate::domain::Timestamp;
use crate::domain::discord_id::{ChannelId, MessageRef, UserId};
use crate::domain::event::Actor;
use crate::domain::notifications::alert_policy::Responder;
use crate::domain::notifications::destination_health::DeliveryError;
use crate::notify::summary::SummaryDocument;
use crate::store::incidents::incident::{Changes, Incident};
use crate::store::notifications::board::BoardLine;
use crate::store::notifications::webhook::Webhook;

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Channel(ChannelId),
    User(UserId),
    Webhook(Box<Webhook>),
}

/// Whether a message is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A new message.
    New {
        /// Mentioned, once.
        mention: Option<Responder>,
        /// The message that it replies to, where there are replies.
        reply_to: Option<MessageRef>,
    },
    /// An edit of this message.
    Existing(MessageRef),
}

/// A reminder of an unacknowledged incident, and the message of that incident.
#[derive(Clone, Debug)]
pub struct Reminder {
    pub incident: Incident,
    pub link: Option<MessageRef>,
}

/// Monitors that joined an incident after people had read its message.
#[derive(Clone, Debug)]
pub struct Joined {
    pub incident: Incident,
    /// Those that joined and are still offline.
    pub changes: Changes,
    /// Who had acknowledged the incident before.
    pub unacknowledged: Option<Actor>,
    pub link: Option<MessageRef>,
}

/// An incident in its current state.
#[derive(Clone, Debug)]
pub struct CurrentIncident {
    pub incident: Incident,
    /// The last revision that was delivered to the same destination; 0: nothing was delivered yet.
    pub delivered_revision: i64,
    /// The monitors that joined or left since then.
    pub changes: Changes,
    /// Its message in the guild's channel, if there is one.
    pub link: Option<MessageRef>,
}

/// What a message shows.
#[derive(Clone, Debug)]
pub enum Content {
    Incident(Box<CurrentIncident>),
    Reminder(Box<Reminder>),
    Joined(Box<Joined>),
    Board(Vec<BoardLine>),
    Summary(Box<SummaryDocument>),
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub to: Address,
    pub place: Place,
    pub content: Content,
    /// Attached to the message, if the place takes files. Without it, the message keeps what is attached.
    pub picture: Option<DescribedPicture>,
    /// Identifies the message: if it is sent twice, its receiver shows it once.
    pub nonce: String,
    pub now: Timestamp,
}

/// Carries messages to their destination.
pub trait Transport: Send + Sync + fmt::Debug {
    /// Waits for a moment if a rate limit allows no message there yet. What the message shows is read after that, so that it
    /// is not outdated when it is sent.
    fn ready<'a>(&'a self, to: &'a Address) -> BoxFuture<'a, ()>;

    /// Posts or edits a message; returns it where it can be edited later.
    ///
    /// # Errors
    /// `DeliveryError`, which says what may be tried next.
    fn deliver<'a>(
        &'a self,
        message: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Option<MessageRef>, DeliveryError>>;
}
