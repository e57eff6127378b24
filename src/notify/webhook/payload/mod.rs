//! Bodies of webhook messages: an incident in its current state, in the format of the receiver.

use serde_json::{Value, json};

use crate::domain::Timestamp;
use crate::domain::discord_id::{MessageRef, UserId};
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::notifications::webhook::{EventType, WebhookFormat};
use crate::domain::text;
use crate::notify::wording;
use crate::store::incidents::incident::{Incident, Outage};

/// Maximum number of monitors in a message for people, and of its characters.
const NAMED: usize = 10;
const LENGTH: usize = 1_900;

/// Maximum characters of a target.
const TARGET: usize = 200;

const RED: u32 = 0x00da_373c;
const GREEN: u32 = 0x0023_a55a;
const GREY: u32 = 0x0080_848e;
const AMBER: u32 = 0x00f0_b232;

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

    /// Whether people get a message of its own for it. Their formats cannot edit the previous message.
    pub fn is_for_people(self) -> bool {
        self != Self::Updated
    }
}

/// The body of a message about an incident. `message`: the incident's message in Discord, if there is one; otherwise the
/// formats for people link the guild.
pub fn of_incident(
    format: WebhookFormat,
    incident: &Incident,
    change: IncidentChange,
    message: Option<MessageRef>,
    now: Timestamp,
) -> Value {
    let guild = incident.guild_id;
    let link = message.map_or_else(|| guild.link(), |message| message.link(guild));
    match format {
        WebhookFormat::Standard => standard(incident, change, now),
        WebhookFormat::Slack => {
            let title = wording::title(incident, escape_slack);
            let style = Style {
                escape: escape_slack,
                code: |target| format!("`{}`", escape_slack(target).replace('`', "'")),
                when: |at| format!("at {}", text::minute(at)),
            };
            let lines = lines(incident, &style);
            json!({ "text": format!("{title}\n{lines}\n<{link}|Open in Discord>") })
        }
        WebhookFormat::Discord => {
            let style = Style {
                escape: text::escape,
                code: text::code,
                when: |at| format!("<t:{}:R>", at.seconds()),
            };
            let title = wording::title(incident, text::escape);
            let mut body = discord(&title, &lines(incident, &style), color(incident));
            body["embeds"][0]["url"] = link.into();
            body
        }
    }
}

/// The body of a test message.
pub fn of_test(format: WebhookFormat, now: Timestamp) -> Value {
    const SENTENCE: &str = "Test message: Rollcall can reach this webhook.";
    match format {
        WebhookFormat::Standard => {
            json!({ "type": EventType::Test.as_str(), "timestamp": text::timestamp(now), "data": {} })
        }
        WebhookFormat::Slack => json!({ "text": SENTENCE }),
        WebhookFormat::Discord => discord(SENTENCE, "", GREEN),
    }
}

fn discord(title: &str, description: &str, color: u32) -> Value {
    json!({
        "username": "Rollcall",
        "embeds": [{ "title": text::cut(title, 256), "description": description, "color": color }],
        "allowed_mentions": { "parse": [] },
    })
}

/// Reminders and disabled webhooks go to the channel only; their types are here so that every kind has one.
fn event_type(incident: &Incident, change: IncidentChange) -> EventType {
    match (&incident.kind, change) {
        (
            NotificationKind::Incident | NotificationKind::Reminder { .. },
            IncidentChange::Opened,
        ) => EventType::IncidentOpened,
        (
            NotificationKind::Incident | NotificationKind::Reminder { .. },
            IncidentChange::Updated,
        ) => EventType::IncidentUpdated,
        (
            NotificationKind::Incident | NotificationKind::Reminder { .. },
            IncidentChange::Resolved,
        ) => EventType::IncidentResolved,
        (NotificationKind::Bulk { is_down: true, .. }, _) => EventType::BulkOffline,
        (NotificationKind::Bulk { is_down: false, .. }, _) => EventType::BulkRecovered,
        (NotificationKind::ConnectivityLost { ended: None, .. }, _) => EventType::ConnectivityLost,
        (NotificationKind::ConnectivityLost { .. }, _) => EventType::ConnectivityRestored,
        (NotificationKind::ChannelBroken { .. } | NotificationKind::WebhookDisabled { .. }, _) => {
            EventType::DestinationBroken
        }
    }
}

fn standard(incident: &Incident, change: IncidentChange, now: Timestamp) -> Value {
    let person = |person: Option<(UserId, Timestamp)>| {
        person.map(|(user, at)| json!({ "user": user.to_string(), "at": text::timestamp(at) }))
    };
    let outages: Vec<Value> = incident.outages.iter().map(outage).collect();
    json!({
        "type": event_type(incident, change).as_str(),
        "timestamp": text::timestamp(now),
        "data": {
            "id": incident.id.0,
            "guild_id": incident.guild_id.0.to_string(),
            "title": wording::title(incident, str::to_owned),
            "text": wording::sentence(&incident.kind, str::to_owned),
            "opened_at": text::timestamp(incident.opened_at),
            "ended_at": incident.ended_at.map(text::timestamp),
            "acknowledged": person(incident.acknowledged),
            "is_flapping": incident.counts.flapping > 0,
            "cause": incident.cause.as_ref().map(|cause| {
                wording::cause(cause, str::to_owned, |at| format!("at {}", text::timestamp(at)))
            }),
            "monitors": incident.counts.monitors,
            "offline": incident.counts.open,
            "members": outages,
        },
    })
}

fn outage(outage: &Outage) -> Value {
    json!({
        "id": outage.monitor_id.0,
        "name": outage.name,
        "target": outage.target,
        "reason": outage.reason.as_str(),
        "detail": outage.detail,
        "started_at": text::timestamp(outage.started_at),
        "ended_at": outage.ended.map(|(at, _)| text::timestamp(at)),
        "ended_by": outage.ended.map(|(_, end)| end.as_str()),
        "is_flapping": outage.is_flapping,
        "continued_by": outage.continued_by.map(|incident| incident.0),
        "outages": outage.times,
    })
}

/// How a format writes text from outside, addresses, and times.
struct Style {
    escape: fn(&str) -> String,
    code: fn(&str) -> String,
    when: fn(Timestamp) -> String,
}

fn lines(incident: &Incident, style: &Style) -> String {
    if let Some(sentence) = wording::sentence(&incident.kind, style.escape) {
        return text::cut(&sentence, LENGTH);
    }
    // The title names a single monitor already, and says how long it was offline.
    let is_single = incident.counts.monitors == 1 && incident.outages.len() == 1;
    let line = |outage: &Outage| {
        let happened = wording::happened(outage, !is_single, style.escape, style.when);
        if is_single {
            let target = outage.target.as_deref();
            let target = target.map(|target| (style.code)(&text::cut(target, TARGET)) + " ");
            return target.unwrap_or_default() + &happened;
        }
        let name = text::cut(&(style.escape)(wording::name(outage)), 100);
        format!("{} {name} {happened}", wording::mark(outage))
    };
    let mut lines: Vec<String> = incident.outages.iter().take(NAMED).map(line).collect();
    let named: u64 = lines.len() as u64;
    if incident.counts.monitors > named {
        let more = text::count(incident.counts.monitors - named, "more monitor");
        lines.push(format!("… and {more}"));
    }
    text::cut(&lines.join("\n"), LENGTH)
}

fn color(incident: &Incident) -> u32 {
    match (incident.ended_at, &incident.kind) {
        (_, NotificationKind::Bulk { is_down: true, .. }) | (None, NotificationKind::Incident) => {
            RED
        }
        (Some(_), NotificationKind::Incident) if incident.counts.continued > 0 => AMBER,
        (Some(_), NotificationKind::Incident) if !incident.counts.has_recovery() => GREY,
        (_, NotificationKind::Bulk { is_down: false, .. })
        | (Some(_), NotificationKind::Incident) => GREEN,
        _ => AMBER,
    }
}

/// Escapes the three characters that Slack's links and mentions consist of.
fn escape_slack(text: &str) -> String {
    text.chars()
        .filter(|character| !text::is_unseen(*character))
        .collect::<String>()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
