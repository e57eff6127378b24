//! Texts about incidents that are valid at every destination. The caller passes how text from outside is escaped there.

use crate::domain::Timestamp;
use crate::domain::discord_id::ChannelId;
use crate::domain::endpoints::target::Host;
use crate::domain::incidents::cause::Cause;
use crate::domain::incidents::grouping::GroupScope;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::text;
use crate::store::incidents::incident::{Incident, Outage};

/// Maximum characters of a host name, and of the detail of a failure.
const HOST: usize = 100;
const DETAIL: usize = 200;

/// The title of an incident: its monitors and their state.
pub fn title(incident: &Incident, escape: fn(&str) -> String) -> String {
    match &incident.kind {
        NotificationKind::Incident => incident_title(incident, escape),
        NotificationKind::WebhookDisabled { name, .. } => {
            format!("🟠 The webhook {} was disabled", escape(name))
        }
        NotificationKind::ChannelBroken { .. } => {
            "🟠 Alerts cannot be sent to their channel".to_owned()
        }
        NotificationKind::ConnectivityLost { ended: None, .. } => {
            "⚪ Rollcall lost network connectivity".to_owned()
        }
        NotificationKind::ConnectivityLost {
            began,
            ended: Some(ended),
            ..
        } => {
            let length = text::duration(ended.since(*began));
            format!("⚪ Rollcall had no network connectivity for {length}")
        }
        NotificationKind::Reminder { .. } => "🔔 Nobody has acknowledged this yet".to_owned(),
        NotificationKind::Bulk {
            is_down,
            count,
            of,
            window,
        } => {
            let length = text::duration(*window);
            match is_down {
                true => format!("🔴 {count} of {of} endpoints went offline within {length}"),
                false => format!("🟢 {count} of {of} endpoints recovered within {length}"),
            }
        }
    }
}

/// The text of a notification that is not about outages; `None` for one that is.
pub fn sentence(kind: &NotificationKind, escape: fn(&str) -> String) -> Option<String> {
    match kind {
        NotificationKind::Incident | NotificationKind::Reminder { .. } => None,
        NotificationKind::ChannelBroken { channel, reason } => {
            Some(channel_broken(*channel, reason, escape))
        }
        NotificationKind::ConnectivityLost { failing, ended, .. } => {
            let what = text::count(*failing, "endpoint");
            Some(match ended {
                None => format!(
                    "{what} failed at the same time, and no reference host answers. Alerts are on hold until connectivity is restored, for five minutes at most."
                ),
                Some(_) => format!(
                    "{what} failed, and so did all reference hosts. Rollcall checks all endpoints again and sends separate alerts for those that are still offline."
                ),
            })
        }
        NotificationKind::Bulk { .. } => {
            Some("Use `/offline_endpoints list` to see all offline endpoints.".to_owned())
        }
        NotificationKind::WebhookDisabled { reason, .. } => Some(format!(
            "Reason: {}. Rollcall sends nothing to it until `/alerts webhook test` succeeds.",
            escape(reason)
        )),
    }
}

/// The text about a broken channel for the destinations that still work.
pub fn channel_broken(channel: ChannelId, reason: &str, escape: fn(&str) -> String) -> String {
    format!(
        "Rollcall cannot post alerts in <#{channel}>: {}. Fix that, then set the channel again with `/alerts channel` to receive the missed alerts.",
        escape(reason)
    )
}

fn incident_title(incident: &Incident, escape: fn(&str) -> String) -> String {
    if incident.count == 0 {
        // It was delivered before Rollcall knew that it had lost connectivity.
        return "⚪ False alarm: Rollcall had lost network connectivity".to_owned();
    }
    let who = who(incident, escape);
    if let Some(since) = incident.flapping_since {
        let verb = if incident.count == 1 { "is" } else { "are" };
        return match (incident.flapping_ended_at, incident.ended_at) {
            (Some(settled), _) => {
                let length = text::duration(settled.since(since));
                format!("🟢 {who}: stable again after flapping for {length}")
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

/// The state of the monitors. Servers cause an incident when they are overdue, which is before they are offline.
fn state(incident: &Incident) -> &'static str {
    let is_overdue = |outage: &Outage| outage.reason == OutageReason::Overdue;
    let are_named = incident.count <= incident.outages.len() as u64;
    if are_named && incident.outages.iter().all(is_overdue) {
        "overdue"
    } else {
        "offline"
    }
}

/// The title of a reminder: how long the incident has been open.
pub fn reminder(incident: &Incident, now: Timestamp, escape: fn(&str) -> String) -> String {
    let length = text::duration(now.since(incident.opened_at));
    let verb = if incident.count == 1 { "is" } else { "are" };
    let (who, state) = (who(incident, escape), state(incident));
    format!("🔔 {who} {verb} {state} for {length} and nobody has acknowledged it")
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
            format!("{}{place}", text::count(count, "monitor"))
        }
    }
}

fn host_text(host: &Host, escape: fn(&str) -> String) -> String {
    escape(&text::cut(&host.to_string(), HOST))
}

/// The name of an outage's monitor.
pub fn name(outage: &Outage) -> &str {
    outage.name.as_deref().unwrap_or("a removed monitor")
}

/// Why an outage's monitor is down, if known.
pub fn reason(outage: &Outage, escape: fn(&str) -> String) -> String {
    let reason = match (outage.reason, outage.reason.failure_class()) {
        (_, Some(class)) => class.text(),
        (OutageReason::MissedHeartbeat, None) => "it stopped reporting",
        (OutageReason::RunFailed, None) => "its last run failed",
        // Without a failure class what is left is a server that is overdue.
        (_, None) => "no report for more than twice its usual interval",
    };
    match outage.detail.as_deref() {
        Some(detail) => format!("{reason} ({})", text::cut(&escape(detail), DETAIL)),
        None => reason.to_owned(),
    }
}

/// The probable cause, and its evidence. `when` formats a time as relative to now.
pub fn cause(
    cause: &Cause,
    escape: fn(&str) -> String,
    when: impl Fn(Timestamp) -> String,
) -> String {
    match cause {
        Cause::Service(class) => format!("The service. The host responds: {}.", class.text()),
        Cause::Dns => "DNS. The name cannot be resolved.".to_owned(),
        Cause::Port { other, at } => format!(
            "The port. Port {other} on the same host answered {}.",
            when(*at)
        ),
        Cause::NetworkPath { agent, at } => format!(
            "The network path. {} runs on the same machine and reported {}.",
            escape(agent),
            when(*at)
        ),
        Cause::Host { down } => {
            format!("The host or its network path. All {down} endpoints on it are offline.")
        }
        Cause::Network { subnet, down } => {
            format!("The network. All {down} endpoints in {subnet} are offline.")
        }
    }
}
