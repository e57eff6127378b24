//! What a card tells of. Most tell of outages; the others say something that a guild must know beside them.

use std::time::Duration;

use super::alert_policy::Responder;
use super::grouping::IncidentId;
use super::timestamp::Timestamp;

/// What a card tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationKind {
    /// The outages that are on it.
    Incident,
    /// A webhook was switched off, because it can be reached no more.
    WebhookDisabled { name: String, reason: String },
    /// The channel cannot be written to any more: what the webhooks are told.
    ChannelBroken { channel: u64, reason: String },
    /// Nobody has taken care of another card yet. `None`: those are called again who were called first.
    Reminder {
        of: IncidentId,
        responder: Option<Responder>,
    },
    /// We cannot see, or could not: so many endpoints seemed to fail at once, and no witness answered.
    Blind {
        failing: u64,
        began: Timestamp,
        ended: Option<Timestamp>,
    },
    /// Many endpoints have gone offline, or have come back, within a short time.
    Bulk {
        is_down: bool,
        count: u64,
        of: u64,
        window: Duration,
    },
}
