//! What a card tells of, in the form in storage: a word, and its facts as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::Timestamp;
use crate::domain::alert_policy::Responder;
use crate::domain::grouping::IncidentId;
use crate::domain::notification_kind::NotificationKind;
use crate::store::StoreError;

/// Word and facts of a topic.
pub(super) fn to_row(kind: &NotificationKind) -> (&'static str, Option<String>) {
    let details = match kind {
        NotificationKind::Incident => return (word(kind), None),
        NotificationKind::WebhookDisabled { name, reason } => {
            json!({ "name": name, "reason": reason })
        }
        NotificationKind::ChannelBroken { channel, reason } => {
            json!({ "channel": channel.to_string(), "reason": reason })
        }
        NotificationKind::Reminder { of, responder } => match responder {
            None => json!({ "incident": of.0 }),
            // As texts: they are larger than what JSON's numbers hold everywhere.
            Some(Responder::Role(id)) => json!({ "incident": of.0, "role": id.to_string() }),
            Some(Responder::User(id)) => json!({ "incident": of.0, "user": id.to_string() }),
        },
        NotificationKind::Blind {
            failing,
            began,
            ended,
        } => {
            json!({ "failing": failing, "began": began.millis(), "ended": ended.map(Timestamp::millis) })
        }
        NotificationKind::Bulk {
            count, of, window, ..
        } => json!({ "count": count, "of": of, "window_ms": crate::domain::millis(*window) }),
    };
    (word(kind), Some(details.to_string()))
}

/// The word of a topic in storage.
pub(super) fn word(kind: &NotificationKind) -> &'static str {
    match kind {
        NotificationKind::Incident => "incident",
        NotificationKind::WebhookDisabled { .. } => "webhook_disabled",
        NotificationKind::ChannelBroken { .. } => "channel_broken",
        NotificationKind::Reminder { .. } => "reminder",
        NotificationKind::Blind { .. } => "blind",
        NotificationKind::Bulk { is_down: true, .. } => "bulk_offline",
        NotificationKind::Bulk { is_down: false, .. } => "bulk_recovered",
    }
}

pub(super) fn from_row(
    stored: &str,
    details: Option<&str>,
) -> Result<NotificationKind, StoreError> {
    let damaged = || StoreError::Damaged(format!("the facts of a notification about {stored}"));
    let details: Value = serde_json::from_str(details.unwrap_or("null")).map_err(|_| damaged())?;
    let text = |name: &str| {
        details[name]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(damaged)
    };
    let number = |name: &str| details[name].as_u64().ok_or_else(damaged);
    let id = |name: &str| details[name].as_str().and_then(|id| id.parse().ok());
    match stored {
        "incident" => Ok(NotificationKind::Incident),
        "webhook_disabled" => Ok(NotificationKind::WebhookDisabled {
            name: text("name")?,
            reason: text("reason")?,
        }),
        "channel_broken" => Ok(NotificationKind::ChannelBroken {
            channel: id("channel").ok_or_else(damaged)?,
            reason: text("reason")?,
        }),
        "reminder" => Ok(NotificationKind::Reminder {
            of: IncidentId(details["incident"].as_i64().ok_or_else(damaged)?),
            responder: id("role")
                .map(Responder::Role)
                .or(id("user").map(Responder::User)),
        }),
        "blind" => Ok(NotificationKind::Blind {
            failing: number("failing")?,
            began: Timestamp::from_millis(details["began"].as_i64().ok_or_else(damaged)?),
            ended: details["ended"].as_i64().map(Timestamp::from_millis),
        }),
        "bulk_offline" | "bulk_recovered" => Ok(NotificationKind::Bulk {
            is_down: stored == "bulk_offline",
            count: number("count")?,
            of: number("of")?,
            window: Duration::from_millis(number("window_ms")?),
        }),
        _ => Err(damaged()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_reads_back() {
        let reminder = |responder| NotificationKind::Reminder {
            of: IncidentId(i64::MAX),
            responder,
        };
        let blind = |ended| NotificationKind::Blind {
            failing: 12,
            began: Timestamp::from_millis(7),
            ended,
        };
        let bulk = |is_down| NotificationKind::Bulk {
            is_down,
            count: 14,
            of: 16,
            window: Duration::from_millis(1_500),
        };
        for kind in [
            NotificationKind::Incident,
            NotificationKind::WebhookDisabled {
                name: "pager".into(),
                reason: "it \"answered\" 410".into(),
            },
            NotificationKind::ChannelBroken {
                channel: u64::MAX,
                reason: "gone".into(),
            },
            reminder(None),
            reminder(Some(Responder::Role(u64::MAX))),
            reminder(Some(Responder::User(u64::MAX))),
            blind(None),
            blind(Some(Timestamp::from_millis(9))),
            bulk(true),
            bulk(false),
        ] {
            let (stored, details) = to_row(&kind);
            assert_eq!(from_row(stored, details.as_deref()).unwrap(), kind);
        }
        assert!(from_row("incident", Some("{")).is_err());
        assert!(from_row("weather", None).is_err());
    }
}
