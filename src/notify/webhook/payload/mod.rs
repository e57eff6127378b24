//! Bodies of webhook messages: an incident in its current state, in the format of the receiver. One file per format.

mod discord;
mod people;
mod slack;
mod standard;
pub mod template;

use serde_json::Value;

use crate::domain::Timestamp;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::notifications::webhook::{EventType, WebhookFormat};
use crate::notify::transport::CurrentIncident;
use crate::store::incidents::incident::Incident;
use crate::store::notifications::webhook::Webhook;

/// What a test message says.
const TEST_SENTENCE: &str = "Test message: Rollcall can reach this webhook.";

/// The change of an incident since the last delivery to its webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentChange {
    Opened,
    Updated,
    Resolved,
}

impl IncidentChange {
    /// `was_notified`: whether anything was delivered for it before.
    pub fn of(incident: &Incident, was_notified: bool) -> Self {
        let is_over = match &incident.kind {
            NotificationKind::Incident => incident.ended_at.is_some(),
            NotificationKind::ConnectivityLost { ended, .. } => ended.is_some(),
            // Other notifications are sent, and sent again with more; they do not end.
            _ => false,
        };
        match (is_over, was_notified) {
            (true, _) => Self::Resolved,
            (false, true) => Self::Updated,
            (false, false) => Self::Opened,
        }
    }
}

/// The body of a message about an incident. Without a message in Discord, the formats for people link the guild.
///
/// # Errors
/// The template of the webhook cannot be used; the text says why.
pub fn of_incident(
    webhook: &Webhook,
    current: &CurrentIncident,
    now: Timestamp,
) -> Result<Value, String> {
    Ok(match webhook.format {
        WebhookFormat::Standard => standard::of_incident(current, now),
        WebhookFormat::Slack => slack::of_incident(current),
        WebhookFormat::Discord => discord::of_incident(current),
        WebhookFormat::Template => template::of_webhook(webhook)?.of_incident(current, now),
    })
}

/// The body of a test message.
///
/// # Errors
/// The template of the webhook cannot be used; the text says why.
pub fn of_test(webhook: &Webhook, now: Timestamp) -> Result<Value, String> {
    Ok(match webhook.format {
        WebhookFormat::Standard => standard::of_test(now),
        WebhookFormat::Slack => slack::of_test(),
        WebhookFormat::Discord => discord::of_test(),
        WebhookFormat::Template => template::of_webhook(webhook)?.of_test(webhook.guild_id, now),
    })
}

/// The link of a message for people: to the incident's message, or to the guild.
fn link(current: &CurrentIncident) -> String {
    let guild = current.incident.guild_id;
    current
        .link
        .map_or_else(|| guild.link(), |message| message.link(guild))
}

/// The type of a message. Reminders, summaries and broken webhooks go to channels only; their types are here so that every kind has one.
fn event_type(incident: &Incident, change: IncidentChange) -> EventType {
    match (&incident.kind, change) {
        (NotificationKind::Bulk { is_down: true, .. }, _) => EventType::BulkOffline,
        (NotificationKind::Bulk { is_down: false, .. }, _) => EventType::BulkRecovered,
        (NotificationKind::ConnectivityLost { ended: None, .. }, _) => EventType::ConnectivityLost,
        (NotificationKind::ConnectivityLost { .. }, _) => EventType::ConnectivityRestored,
        (NotificationKind::CertificateExpiring { .. }, _) => EventType::CertificateExpiring,
        (
            NotificationKind::ErrorBudgetUsed {
                is_missed: true, ..
            },
            _,
        ) => EventType::ObjectiveMissed,
        (NotificationKind::ErrorBudgetUsed { .. }, _) => EventType::ObjectiveAtRisk,
        (
            NotificationKind::ChannelBroken { .. }
            | NotificationKind::WebhookBroken { .. }
            | NotificationKind::DiscordRefused { .. }
            | NotificationKind::StorageLimitReached { .. },
            _,
        ) => EventType::DestinationBroken,
        (
            NotificationKind::Incident
            | NotificationKind::Summary { .. }
            | NotificationKind::Reminder { .. }
            | NotificationKind::Joined { .. },
            change,
        ) => match change {
            IncidentChange::Opened => EventType::IncidentOpened,
            IncidentChange::Updated => EventType::IncidentUpdated,
            IncidentChange::Resolved => EventType::IncidentResolved,
        },
    }
}

#[cfg(test)]
mod tests;
