//! What is said of a card, in words that are right wherever it is told. The place says how foreign text is escaped there.

use crate::domain::Timestamp;
use crate::domain::cause::Cause;
use crate::domain::check_result::FailureClass;
use crate::domain::grouping::GroupScope;
use crate::domain::notification_kind::NotificationKind;
use crate::domain::report_interval;
use crate::domain::target::Host;
use crate::domain::text;
use crate::store::incident::{Incident, Outage};

/// Characters of the name of a host, and of what was noted about a failure.
const HOST: usize = 100;
const DETAIL: usize = 200;

/// Who it is about, and how that stands.
pub fn title(incident: &Incident, escape: fn(&str) -> String) -> String {
    match &incident.kind {
        NotificationKind::Incident => incident_title(incident, escape),
        NotificationKind::WebhookDisabled { name, .. } => {
            format!("🟠 The webhook {} is switched off", escape(name))
        }
        NotificationKind::ChannelBroken { .. } => "🟠 Alerts do not reach their channel".to_owned(),
        NotificationKind::Blind { ended: None, .. } => "⚪ Rollcall cannot see".to_owned(),
        NotificationKind::Blind {
            began,
            ended: Some(ended),
            ..
        } => {
            let length = text::duration(ended.since(*began));
            format!("⚪ Rollcall could not see for {length}")
        }
        NotificationKind::Reminder { .. } => "🔔 Nobody has taken care yet".to_owned(),
        NotificationKind::Bulk {
            is_down,
            count,
            of,
            window,
        } => {
            let length = text::duration(*window);
            match is_down {
                true => format!("🔴 {count} of {of} endpoints went offline within {length}"),
                false => format!("🟢 {count} of {of} endpoints came back within {length}"),
            }
        }
    }
}

/// What is said of a topic that is not about outages; `None` of those that are.
pub fn sentence(kind: &NotificationKind, escape: fn(&str) -> String) -> Option<String> {
    match kind {
        NotificationKind::Incident | NotificationKind::Reminder { .. } => None,
        NotificationKind::ChannelBroken { channel, reason } => {
            Some(channel_broken(*channel, reason, escape))
        }
        NotificationKind::Blind { failing, ended, .. } => {
            let what = text::count(*failing, "endpoint");
            Some(match ended {
                None => format!(
                    "{what} stopped answering at once, and none of the hosts does that are asked then: it is the network on this side. No outage is told until it is back, or for five minutes."
                ),
                Some(_) => format!(
                    "{what} seemed to be down, and so did the hosts that are asked then. Everything is looked at again; what is still down is told by itself."
                ),
            })
        }
        NotificationKind::Bulk { .. } => {
            Some("`/offline_endpoints list` names what is down.".to_owned())
        }
        NotificationKind::WebhookDisabled { reason, .. } => Some(format!(
            "{}. Nothing is sent there any more until `/alerts webhook test` reaches it.",
            escape(reason)
        )),
    }
}

/// What is said where it can still be said.
pub fn channel_broken(channel: u64, reason: &str, escape: fn(&str) -> String) -> String {
    format!(
        "Incidents cannot be told in <#{channel}>: {}. Mend that and choose the channel again with `/alerts channel`; what was missed is told then.",
        escape(reason)
    )
}

fn incident_title(incident: &Incident, escape: fn(&str) -> String) -> String {
    if incident.count == 0 {
        // It was told before we knew that we could not see.
        return "⚪ Nothing was offline: Rollcall could not see".to_owned();
    }
    let who = who(incident, escape);
    if let Some(since) = incident.flapping_since {
        let verb = if incident.count == 1 { "is" } else { "are" };
        return match (incident.flapping_ended_at, incident.ended_at) {
            (Some(settled), _) => {
                let length = text::duration(settled.since(since));
                format!("🟢 {who}: settled after flapping for {length}")
            }
            (None, Some(_)) => format!("🟠 {who} {verb} flapping, online now"),
            (None, None) => format!("🟠 {who} {verb} flapping, offline now"),
        };
    }
    let state = state(incident);
    match incident.ended_at {
        Some(ended) => {
            let length = text::duration(ended.since(incident.opened_at));
            let verb = if incident.count == 1 { "was" } else { "were" };
            format!("🟢 {who} {verb} {state} for {length}")
        }
        None if incident.open < incident.count => {
            format!("🔴 {} of {who} are {state}", incident.open)
        }
        None => {
            let verb = if incident.count == 1 { "is" } else { "are" };
            format!("🔴 {who} {verb} {state}")
        }
    }
}

/// Servers are told of when they are late, which is sooner than offline.
fn state(incident: &Incident) -> &'static str {
    let is_overdue = |outage: &Outage| outage.reason == report_interval::OVERDUE;
    let are_named = incident.count <= incident.outages.len() as u64;
    if are_named && incident.outages.iter().all(is_overdue) {
        "silent"
    } else {
        "offline"
    }
}

/// How long what is on a card goes on, said to whom is called again.
pub fn reminder(incident: &Incident, now: Timestamp, escape: fn(&str) -> String) -> String {
    let length = text::duration(now.since(incident.opened_at));
    let verb = if incident.count == 1 { "is" } else { "are" };
    let (who, state) = (who(incident, escape), state(incident));
    format!("🔔 {who} {verb} {state} for {length}, and nobody has taken care yet")
}

fn who(incident: &Incident, escape: fn(&str) -> String) -> String {
    match (incident.outages.first(), incident.count) {
        (Some(only), 1) => escape(name(only)),
        (_, count) => {
            let place = match (&incident.group_key.scope, &incident.group_key.group) {
                (GroupScope::Host(host), _) => format!(" on {}", host_text(host, escape)),
                (GroupScope::Nothing, Some(group)) => format!(" of {}", escape(group)),
                (GroupScope::Subnet(subnet), _) => format!(" on {subnet}"),
                (GroupScope::Nothing, None) => String::new(),
            };
            format!("{count}{place}")
        }
    }
}

fn host_text(host: &Host, escape: fn(&str) -> String) -> String {
    escape(&text::cut(&host.to_string(), HOST))
}

/// What a monitor on a card is called.
pub fn name(outage: &Outage) -> &str {
    outage.name.as_deref().unwrap_or("what was removed")
}

/// Why a monitor on a card is down, as far as it is known.
pub fn reason(outage: &Outage, escape: fn(&str) -> String) -> String {
    let reason = match FailureClass::from_word(&outage.reason) {
        Some(class) => class.text(),
        None => match outage.reason.as_str() {
            "silent" => "it does not report any more",
            report_interval::OVERDUE => {
                "it has not reported for more than twice its usual interval"
            }
            "failed" => "its job failed",
            _ => "no reason is known",
        },
    };
    match outage.detail.as_deref() {
        Some(detail) => format!("{reason} ({})", text::cut(&escape(detail), DETAIL)),
        None => reason.to_owned(),
    }
}

/// What is at fault, and what that rests on. `when` says how long ago something was.
pub fn cause(
    cause: &Cause,
    escape: fn(&str) -> String,
    when: impl Fn(Timestamp) -> String,
) -> String {
    match cause {
        Cause::Service(class) => format!(
            "It is the service: the host answers, and this is what it says: {}.",
            class.text()
        ),
        Cause::Dns => "It is the name: it leads nowhere.".to_owned(),
        Cause::Port { other, at } => format!(
            "It is this port: port {other} of the same host answered {}.",
            when(*at)
        ),
        Cause::NetworkPath { agent, at } => format!(
            "It is the way there: {} runs on it and reported {}.",
            escape(agent),
            when(*at)
        ),
        Cause::Host { down } => {
            format!("It is the host, or the way there: all {down} endpoints on it are silent.")
        }
        Cause::Network { subnet, down } => {
            format!(
                "It is the network, or the way there: all {down} endpoints in {subnet} are silent."
            )
        }
    }
}
