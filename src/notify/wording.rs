//! What is said of a card, in words that are right wherever it is told. The place says how foreign text is escaped there.

use crate::domain::fold::Scope;
use crate::domain::outcome::FailureClass;
use crate::domain::target::Host;
use crate::domain::text;
use crate::domain::topic::Topic;
use crate::store::card::{Card, Member};

/// Characters of the name of a host, and of what was noted about a failure.
const HOST: usize = 100;
const DETAIL: usize = 200;

/// Who it is about, and how that stands.
pub fn title(card: &Card, escape: fn(&str) -> String) -> String {
    match &card.topic {
        Topic::Incident => incident(card, escape),
        Topic::WebhookOff { name, .. } => {
            format!("🟠 The webhook {} is switched off", escape(name))
        }
    }
}

/// What is said of a topic that is not about outages; `None` of those that are.
pub fn sentence(topic: &Topic, escape: fn(&str) -> String) -> Option<String> {
    match topic {
        Topic::Incident => None,
        Topic::WebhookOff { reason, .. } => Some(format!(
            "{}. Nothing is sent there any more until `/alerts webhook test` reaches it.",
            escape(reason)
        )),
    }
}

fn incident(card: &Card, escape: fn(&str) -> String) -> String {
    let who = who(card, escape);
    if let Some(since) = card.flapping_since {
        let verb = if card.count == 1 { "is" } else { "are" };
        return match (card.settled_at, card.ended_at) {
            (Some(settled), _) => {
                let length = text::duration(settled.since(since));
                format!("🟢 {who}: settled after flapping for {length}")
            }
            (None, Some(_)) => format!("🟠 {who} {verb} flapping, online now"),
            (None, None) => format!("🟠 {who} {verb} flapping, offline now"),
        };
    }
    match card.ended_at {
        Some(ended) => {
            let length = text::duration(ended.since(card.opened_at));
            let verb = if card.count == 1 { "was" } else { "were" };
            format!("🟢 {who} {verb} offline for {length}")
        }
        None if card.open < card.count => {
            format!("🔴 {} of {who} are offline", card.open)
        }
        None => {
            let verb = if card.count == 1 { "is" } else { "are" };
            format!("🔴 {who} {verb} offline")
        }
    }
}

fn who(card: &Card, escape: fn(&str) -> String) -> String {
    match (card.members.first(), card.count) {
        (Some(only), 1) => escape(name(only)),
        (_, count) => {
            let place = match &card.scope {
                Scope::Host(host) => format!(" on {}", host_text(host, escape)),
                Scope::Subnet(subnet) => format!(" on {subnet}"),
                Scope::Nothing => String::new(),
            };
            format!("{count}{place}")
        }
    }
}

fn host_text(host: &Host, escape: fn(&str) -> String) -> String {
    escape(&text::cut(&host.to_string(), HOST))
}

/// What a monitor on a card is called.
pub fn name(member: &Member) -> &str {
    member.name.as_deref().unwrap_or("what was removed")
}

/// Why a monitor on a card is down, as far as it is known.
pub fn reason(member: &Member, escape: fn(&str) -> String) -> String {
    let reason = match FailureClass::from_word(&member.reason) {
        Some(class) => class.text(),
        None => match member.reason.as_str() {
            "silent" => "it does not report any more",
            "failed" => "its job failed",
            _ => "no reason is known",
        },
    };
    match member.detail.as_deref() {
        Some(detail) => format!("{reason} ({})", text::cut(&escape(detail), DETAIL)),
        None => reason.to_owned(),
    }
}
