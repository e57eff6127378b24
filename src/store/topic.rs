//! What a card tells of, in the form in storage: a word, and its facts as JSON.

use serde_json::{Value, json};

use super::StoreError;
use crate::domain::topic::Topic;

/// Word and facts of a topic.
pub(super) fn to_row(topic: &Topic) -> (&'static str, Option<String>) {
    match topic {
        Topic::Incident => ("incident", None),
        Topic::WebhookOff { name, reason } => (
            "webhook_off",
            Some(json!({ "name": name, "reason": reason }).to_string()),
        ),
    }
}

pub(super) fn from_row(kind: &str, facts: Option<&str>) -> Result<Topic, StoreError> {
    let damaged = || StoreError::Damaged(format!("the facts of a card about {kind}"));
    let facts: Value = serde_json::from_str(facts.unwrap_or("null")).map_err(|_| damaged())?;
    let text = |name: &str| {
        let text = facts[name].as_str().map(str::to_owned);
        text.ok_or_else(damaged)
    };
    match kind {
        "incident" => Ok(Topic::Incident),
        "webhook_off" => Ok(Topic::WebhookOff {
            name: text("name")?,
            reason: text("reason")?,
        }),
        _ => Err(damaged()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_reads_back() {
        for topic in [
            Topic::Incident,
            Topic::WebhookOff {
                name: "pager".into(),
                reason: "it \"answered\" 410".into(),
            },
        ] {
            let (kind, facts) = to_row(&topic);
            assert_eq!(from_row(kind, facts.as_deref()).unwrap(), topic);
        }
        assert!(from_row("incident", Some("{")).is_err());
        assert!(from_row("weather", None).is_err());
    }
}
