//! What a card tells of, in the form in storage: a word, and its facts as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::Timestamp;
use crate::domain::alert_policy::Call;
use crate::domain::fold::IncidentId;
use crate::domain::topic::Topic;
use crate::store::StoreError;

/// Word and facts of a topic.
pub(super) fn to_row(topic: &Topic) -> (&'static str, Option<String>) {
    let facts = match topic {
        Topic::Incident => return (word(topic), None),
        Topic::WebhookOff { name, reason } => json!({ "name": name, "reason": reason }),
        Topic::ChannelBroken { channel, reason } => {
            json!({ "channel": channel.to_string(), "reason": reason })
        }
        Topic::Reminder { of, call } => match call {
            None => json!({ "incident": of.0 }),
            // As texts: they are larger than what JSON's numbers hold everywhere.
            Some(Call::Role(id)) => json!({ "incident": of.0, "role": id.to_string() }),
            Some(Call::User(id)) => json!({ "incident": of.0, "user": id.to_string() }),
        },
        Topic::Blind {
            failing,
            began,
            ended,
        } => {
            json!({ "failing": failing, "began": began.millis(), "ended": ended.map(Timestamp::millis) })
        }
        Topic::Mass {
            count, of, window, ..
        } => json!({ "count": count, "of": of, "window_ms": crate::domain::millis(*window) }),
    };
    (word(topic), Some(facts.to_string()))
}

/// The word of a topic in storage.
pub(super) fn word(topic: &Topic) -> &'static str {
    match topic {
        Topic::Incident => "incident",
        Topic::WebhookOff { .. } => "webhook_off",
        Topic::ChannelBroken { .. } => "channel_broken",
        Topic::Reminder { .. } => "reminder",
        Topic::Blind { .. } => "blind",
        Topic::Mass { is_down: true, .. } => "mass_offline",
        Topic::Mass { is_down: false, .. } => "mass_online",
    }
}

pub(super) fn from_row(kind: &str, facts: Option<&str>) -> Result<Topic, StoreError> {
    let damaged = || StoreError::Damaged(format!("the facts of a notification about {kind}"));
    let facts: Value = serde_json::from_str(facts.unwrap_or("null")).map_err(|_| damaged())?;
    let text = |name: &str| facts[name].as_str().map(str::to_owned).ok_or_else(damaged);
    let number = |name: &str| facts[name].as_u64().ok_or_else(damaged);
    let id = |name: &str| facts[name].as_str().and_then(|id| id.parse().ok());
    match kind {
        "incident" => Ok(Topic::Incident),
        "webhook_off" => Ok(Topic::WebhookOff {
            name: text("name")?,
            reason: text("reason")?,
        }),
        "channel_broken" => Ok(Topic::ChannelBroken {
            channel: id("channel").ok_or_else(damaged)?,
            reason: text("reason")?,
        }),
        "reminder" => Ok(Topic::Reminder {
            of: IncidentId(facts["incident"].as_i64().ok_or_else(damaged)?),
            call: id("role").map(Call::Role).or(id("user").map(Call::User)),
        }),
        "blind" => Ok(Topic::Blind {
            failing: number("failing")?,
            began: Timestamp::from_millis(facts["began"].as_i64().ok_or_else(damaged)?),
            ended: facts["ended"].as_i64().map(Timestamp::from_millis),
        }),
        "mass_offline" | "mass_online" => Ok(Topic::Mass {
            is_down: kind == "mass_offline",
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
        let reminder = |call| Topic::Reminder {
            of: IncidentId(i64::MAX),
            call,
        };
        let blind = |ended| Topic::Blind {
            failing: 12,
            began: Timestamp::from_millis(7),
            ended,
        };
        let mass = |is_down| Topic::Mass {
            is_down,
            count: 14,
            of: 16,
            window: Duration::from_millis(1_500),
        };
        for topic in [
            Topic::Incident,
            Topic::WebhookOff {
                name: "pager".into(),
                reason: "it \"answered\" 410".into(),
            },
            Topic::ChannelBroken {
                channel: u64::MAX,
                reason: "gone".into(),
            },
            reminder(None),
            reminder(Some(Call::Role(u64::MAX))),
            reminder(Some(Call::User(u64::MAX))),
            blind(None),
            blind(Some(Timestamp::from_millis(9))),
            mass(true),
            mass(false),
        ] {
            let (kind, facts) = to_row(&topic);
            assert_eq!(from_row(kind, facts.as_deref()).unwrap(), topic);
        }
        assert!(from_row("incident", Some("{")).is_err());
        assert!(from_row("weather", None).is_err());
    }
}
