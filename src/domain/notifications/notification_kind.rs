//! The kinds of notification. Most are about the outages of an incident; the others are about other facts that a guild must
//! know.

use std::time::Duration;

use super::alert_policy::Responder;
use super::storage_limit::UsageKind;
use crate::discord_id::ChannelId;
use crate::endpoints::connectivity::Loss;
use crate::event::Actor;
use crate::history::objective::budget::ErrorBudget;
use crate::history::objective::{Objective, ObjectiveSubject};
use crate::history::range::HistoryRange;
use crate::incidents::grouping::IncidentId;
use crate::timestamp::Timestamp;

/// The kind of a notification, with its details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationKind {
    /// The outages of an incident.
    Incident,
    /// Rollcall can no longer deliver to a webhook; only the channel receives this.
    WebhookBroken { name: String, reason: String },
    /// Rollcall can no longer post to the alert channel; only webhooks receive this.
    ChannelBroken { channel: ChannelId, reason: String },
    /// Discord refused Rollcall for good, so it stops; only webhooks receive this.
    DiscordRefused { reason: String },
    /// Another incident has not been acknowledged yet. `None` mentions the same role again.
    Reminder {
        of: IncidentId,
        responder: Option<Responder>,
    },
    /// Monitors joined another incident after people had read its message.
    Joined {
        of: IncidentId,
        /// Who had acknowledged it: that did not cover them, and was taken back.
        unacknowledged: Option<Actor>,
    },
    /// Rollcall lost connectivity, now or earlier: `failing` endpoints seemed to fail at once, and no reference host
    /// answered, or no reference name was resolved.
    ConnectivityLost {
        loss: Loss,
        failing: u64,
        began: Timestamp,
        ended: Option<Timestamp>,
    },
    /// Many endpoints went offline, or recovered, within a short time.
    Bulk {
        is_down: bool,
        count: u64,
        of: u64,
        window: Duration,
    },
    /// The guild has reached a storage limit, so its oldest rows are deleted from now on; only the channel receives this.
    StorageLimitReached { kind: UsageKind },
    /// The certificates of `count` endpoints expire within `days` days.
    CertificateExpiring {
        days: u32,
        count: u64,
        /// The first of them, at most `MAX_NAMED_CERTIFICATES`.
        certificates: Vec<ExpiringCertificate>,
    },
    /// Half of the error budget of these objectives is used, or, if `is_missed`, more than all of it; at most
    /// `MAX_OBJECTIVES` of them.
    ErrorBudgetUsed {
        is_missed: bool,
        objectives: Vec<UsedBudget>,
    },
    /// A summary of a range that a schedule asks for. The figures are read when it is sent; only the channel of the schedule
    /// receives this.
    Summary {
        covers: HistoryRange,
        /// When the next one is due, so that nobody needs this one any longer.
        outdated_at: Timestamp,
    },
}

/// How many certificates a notification names.
pub const MAX_NAMED_CERTIFICATES: usize = 10;

/// A certificate that is about to expire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiringCertificate {
    /// Of its endpoint.
    pub name: String,
    /// Where redirects led to it; `None`: the target itself.
    pub host: Option<String>,
    pub expires_at: Timestamp,
}

/// How many objectives one notification is about. Webhooks for programs get all of them.
pub const MAX_OBJECTIVES: usize = 50;

/// An objective with what is used of its error budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedBudget {
    pub subject: ObjectiveSubject,
    /// Of its monitor, or of its group.
    pub name: String,
    pub objective: Objective,
    pub budget: ErrorBudget,
}

impl NotificationKind {
    /// The other incident that it is about.
    pub fn follows(&self) -> Option<IncidentId> {
        match self {
            Self::Reminder { of, .. } | Self::Joined { of, .. } => Some(*of),
            _ => None,
        }
    }
}
