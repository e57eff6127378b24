//! Texts about incidents that are valid at every destination. The caller passes how text from outside is escaped there.

mod outage;

use std::time::Duration;

pub use outage::{happened, mark, name};

use crate::domain::Timestamp;
use crate::domain::discord_id::ChannelId;
use crate::domain::endpoints::target::Host;
use crate::domain::incidents::cause::Cause;
use crate::domain::incidents::grouping::GroupScope;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::text;
use crate::domain::transition::OutageEnd;
use crate::store::incidents::incident::{Incident, Outage};

/// Maximum characters of a host name.
const HOST: usize = 100;

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
                    "{what} failed, and so did all hosts that Rollcall uses to test its own connection. Alerts are on hold until the connection is restored, for at most 5 min."
                ),
                Some(_) => format!(
                    "{what} failed, and so did all hosts that Rollcall uses to test its own connection. Rollcall checks all endpoints again and sends separate alerts for those that are still offline."
                ),
            })
        }
        NotificationKind::Bulk { is_down: true, .. } => {
            Some("`/offline_endpoints list` shows all offline endpoints.".to_owned())
        }
        NotificationKind::Bulk { is_down: false, .. } => {
            Some("`/offline_endpoints list` shows the endpoints that are still offline.".to_owned())
        }
        NotificationKind::WebhookDisabled { reason, .. } => Some(format!(
            "Reason: {}. Rollcall sends nothing to this webhook until `/alerts webhook test` succeeds.",
            escape(reason)
        )),
    }
}

/// The text about a broken channel for the destinations that still work.
pub fn channel_broken(channel: ChannelId, reason: &str, escape: fn(&str) -> String) -> String {
    format!(
        "Rollcall cannot post alerts in <#{channel}>: {}. Fix the cause or choose another channel, then run `/alerts channel` to receive the missed alerts.",
        escape(reason)
    )
}

fn incident_title(incident: &Incident, escape: fn(&str) -> String) -> String {
    if incident.count == 0 {
        // It was delivered before Rollcall knew that it had lost connectivity.
        return "⚪ False alarm: Rollcall had lost network connectivity".to_owned();
    }
    let flapping = incident.flapping_since.zip(incident.flapping_ended_at);
    if let Some((since, ended)) = flapping {
        return flapped_title(incident, ended.since(since), escape);
    }
    if incident.flapping_since.is_some() {
        return flapping_title(incident, escape);
    }
    match incident.ended_at {
        Some(ended) => ended_title(incident, ended, escape),
        None => {
            let state = state(incident);
            format!("🔴 {}", still_down(incident, escape).is(state))
        }
    }
}

fn ended_title(incident: &Incident, ended: Timestamp, escape: fn(&str) -> String) -> String {
    let (state, length) = (
        state(incident),
        text::duration(ended.since(incident.opened_at)),
    );
    let first = incident.outages.first().and_then(|outage| outage.ended);
    match (who(incident, escape), first.map(|(_, end)| end)) {
        (Who::One(who), Some(OutageEnd::Paused)) => format!("⏸️ {who} was paused while {state}"),
        (Who::One(who), Some(OutageEnd::Removed)) => format!("⚪ {who} was removed while {state}"),
        (Who::One(who), Some(OutageEnd::Retargeted)) => {
            format!("⚪ {who} got a new target while {state}")
        }
        (Who::One(who), _) => format!("🟢 {who} was {state} for {length}"),
        (Who::Several(who), Some(_)) if !incident.has_recovery() => {
            format!("⚪ {who} were paused, changed or removed while {state}")
        }
        (Who::Several(who), _) => format!("🟢 {who} were {state} for {length}"),
    }
}

/// The title of an incident whose flapping has ended after `length`.
fn flapped_title(incident: &Incident, length: Duration, escape: fn(&str) -> String) -> String {
    let length = text::duration(length);
    match (who(incident, escape), incident.continued_by) {
        (Who::One(who), Some(_)) => {
            format!("🟠 {who} was flapping for {length} and then stayed offline")
        }
        (Who::One(who) | Who::Several(who), _) => {
            format!("🟢 {who}: stable again after flapping for {length}")
        }
    }
}

/// The title of an incident with a flapping monitor: who is offline, and who is flapping, each once.
fn flapping_title(incident: &Incident, escape: fn(&str) -> String) -> String {
    let flapping = subject(incident, |outage| outage.is_flapping, escape);
    let down = |outage: &Outage| !outage.is_flapping && outage.ended.is_none();
    match (subject(incident, down, escape), flapping) {
        (Some(down), Some(flapping)) => {
            let state = state(incident);
            format!("🔴 {}, {}", down.is(state), flapping.is("flapping"))
        }
        (None, Some(flapping)) if incident.ended_at.is_none() => {
            format!("🟠 {}, offline now", flapping.is("flapping"))
        }
        (None, Some(flapping)) => format!("🟠 {}, online now", flapping.is("flapping")),
        // The flapping monitor is not among those that are named.
        (_, None) => format!("🟠 {}", who(incident, escape).is("flapping")),
    }
}

/// The named monitors of an incident for which `applies` holds; `None` if there are none.
fn subject(
    incident: &Incident,
    applies: impl Fn(&Outage) -> bool,
    escape: fn(&str) -> String,
) -> Option<Who> {
    let found: Vec<&Outage> = incident.outages.iter().filter(|one| applies(one)).collect();
    match found.as_slice() {
        [] => None,
        [only] => Some(Who::One(escape(name(only)))),
        several => Some(Who::Several(text::count(several.len() as u64, "monitor"))),
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
    let state = state(incident);
    match still_down(incident, escape) {
        Who::One(who) => {
            format!("🔔 {who} has been {state} for {length} and nobody has acknowledged it")
        }
        Who::Several(who) => {
            format!("🔔 {who} have been {state} for {length} and nobody has acknowledged it")
        }
    }
}

/// The subject of a sentence about monitors. The verb follows its number.
enum Who {
    One(String),
    Several(String),
}

impl Who {
    fn is(self, state: &str) -> String {
        match self {
            Self::One(who) => format!("{who} is {state}"),
            Self::Several(who) => format!("{who} are {state}"),
        }
    }
}

/// The monitors of an incident that have not recovered.
fn still_down(incident: &Incident, escape: fn(&str) -> String) -> Who {
    let (open, count) = (incident.open, incident.count);
    match who(incident, escape) {
        Who::Several(who) if open == 1 => Who::One(format!("1 of {who}")),
        Who::Several(who) if open < count => Who::Several(format!("{open} of {who}")),
        who => who,
    }
}

/// All monitors of an incident.
fn who(incident: &Incident, escape: fn(&str) -> String) -> Who {
    if let (Some(only), 1) = (incident.outages.first(), incident.count) {
        return Who::One(escape(name(only)));
    }
    let monitors = text::count(incident.count, "monitor");
    let who = match (&incident.group_key.scope, &incident.group_key.group) {
        (GroupScope::Host(host), _) => format!("{monitors} on {}", host_text(host, escape)),
        (GroupScope::Nothing, Some(group)) => format!("{monitors} in the group {}", escape(group)),
        (GroupScope::Subnet(subnet), _) => format!("{monitors} on {subnet}"),
        (GroupScope::Nothing, None) => monitors,
    };
    match incident.count {
        1 => Who::One(who),
        _ => Who::Several(who),
    }
}

fn host_text(host: &Host, escape: fn(&str) -> String) -> String {
    escape(&text::cut(&host.to_string(), HOST))
}

/// The probable cause, and its evidence. `when` formats a time as relative to now.
pub fn cause(
    cause: &Cause,
    escape: fn(&str) -> String,
    when: impl Fn(Timestamp) -> String,
) -> String {
    match cause {
        Cause::Service(class) => format!(
            "The service. The host responds, but the check failed: {}.",
            class.text()
        ),
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

#[cfg(test)]
mod tests;
