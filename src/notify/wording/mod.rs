//! Texts about incidents that are valid at every destination. The caller passes how text from outside is escaped there.

mod certificate;
mod connectivity;
mod outage;

use std::time::Duration;

pub use outage::{happened, mark, name};

use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::target::Host;
use crate::domain::incidents::cause::Cause;
use crate::domain::incidents::grouping::GroupScope;
use crate::domain::incidents::outage_reason::OutageReason;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::notifications::storage_limit::MEBIBYTE;
use crate::domain::text;
use crate::domain::transition::OutageEnd;
use crate::store::incidents::incident::{Changes, Incident, Outage};

/// Maximum characters of a host name.
const HOST: usize = 100;

/// The title if all outages were retracted.
const FALSE_ALARM: &str = "⚪ False alarm: the fault was in Rollcall's own network";

/// The title of an incident: its monitors and their state.
pub fn title(incident: &Incident, escape: fn(&str) -> String) -> String {
    match &incident.kind {
        NotificationKind::Incident => incident_title(incident, escape),
        NotificationKind::WebhookBroken { name, .. } => {
            format!("🟠 Alerts cannot be sent to the webhook {}", escape(name))
        }
        NotificationKind::ChannelBroken { .. } => {
            "🟠 Alerts cannot be sent to their channel".to_owned()
        }
        NotificationKind::DiscordRefused { .. } => {
            "🟠 Rollcall stopped because Discord refused it".to_owned()
        }
        NotificationKind::ConnectivityLost {
            loss, began, ended, ..
        } => connectivity::title(*loss, *began, *ended),
        NotificationKind::Reminder { .. } => "🔔 Nobody has acknowledged this yet".to_owned(),
        NotificationKind::Joined { .. } => "🔴 More monitors are offline".to_owned(),
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
        NotificationKind::StorageLimitReached { kind } => {
            format!("🟠 Storage limit reached: {}", kind.plural())
        }
        NotificationKind::CertificateExpiring {
            days,
            count,
            certificates,
        } => certificate::title(*days, *count, certificates, escape),
    }
}

/// The text of a notification that is not about outages; `None` for one that is.
pub fn sentence(kind: &NotificationKind, escape: fn(&str) -> String) -> Option<String> {
    match kind {
        NotificationKind::Incident
        | NotificationKind::Reminder { .. }
        | NotificationKind::Joined { .. } => None,
        // Webhooks receive this: a link to the channel means nothing there.
        NotificationKind::ChannelBroken { reason, .. } => {
            Some(channel_broken("their channel", reason, escape))
        }
        NotificationKind::DiscordRefused { reason } => Some(format!(
            "{} Rollcall checks nothing and sends no alerts until it is started again.",
            escape(reason)
        )),
        NotificationKind::ConnectivityLost {
            loss,
            failing,
            ended,
            ..
        } => Some(connectivity::explanation(*loss, *failing, ended.is_some())),
        NotificationKind::Bulk { is_down: true, .. } => {
            Some("`/offline_endpoints list` shows all offline endpoints.".to_owned())
        }
        NotificationKind::Bulk { is_down: false, .. } => {
            Some("`/offline_endpoints list` shows the endpoints that are still offline.".to_owned())
        }
        NotificationKind::WebhookBroken { reason, .. } => Some(format!(
            "Reason: {}. Rollcall tries again every hour and sends the missed alerts once it works. To try at once, run `/alerts webhook test`.",
            escape(reason)
        )),
        NotificationKind::StorageLimitReached { kind } => {
            let bound = kind.bound();
            Some(format!(
                "Each Discord server may store {} {}, and at most {} MiB of them. From now on, Rollcall deletes the oldest ones as new ones arrive. Checks and alerts continue as before.",
                text::grouped(bound.rows),
                kind.plural(),
                text::grouped(bound.bytes / MEBIBYTE),
            ))
        }
        NotificationKind::CertificateExpiring {
            count,
            certificates,
            ..
        } => Some(certificate::list(*count, certificates, escape)),
    }
}

/// The text about a broken channel. `place` names the channel, as the destination of the text can show it.
pub fn channel_broken(place: &str, reason: &str, escape: fn(&str) -> String) -> String {
    format!(
        "Rollcall cannot post alerts in {place}: {}. Fix the cause: Rollcall tries again every hour and sends the missed alerts. To get them at once, or in another channel, run `/alerts channel`.",
        escape(reason)
    )
}

fn incident_title(incident: &Incident, escape: fn(&str) -> String) -> String {
    if incident.counts.monitors == 0 {
        // It was delivered before Rollcall knew that it had lost connectivity.
        return FALSE_ALARM.to_owned();
    }
    let counts = &incident.counts;
    if counts.flapping > 0 {
        return flapping_title(incident, escape);
    }
    let Some(ended) = incident.ended_at else {
        let state = state(incident);
        return format!("🔴 {}", still_down(incident, escape).is(state));
    };
    match incident.flapping_since.zip(incident.flapping_ended_at) {
        Some((since, ended)) if counts.recovered + counts.continued > 0 => {
            flapped_title(incident, ended.since(since), escape)
        }
        _ => ended_title(incident, ended, escape),
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
        (Who::Several(who), Some(_)) if !incident.counts.has_recovery() => {
            format!("⚪ {who} were paused, changed or removed while {state}")
        }
        (Who::Several(who), _) => format!("🟢 {who} were {state} for {length}"),
    }
}

/// The title of an incident whose flapping has ended after `length`.
fn flapped_title(incident: &Incident, length: Duration, escape: fn(&str) -> String) -> String {
    let length = text::duration(length);
    match (who(incident, escape), incident.counts.continued) {
        (Who::One(who) | Who::Several(who), 0) => {
            format!("🟢 {who} stopped flapping after {length}")
        }
        (Who::One(who), _) => format!("🟠 {who} was flapping for {length} and then stayed offline"),
        (Who::Several(who), stayed) => {
            format!("🟠 {stayed} of {who} stayed offline after flapping for {length}")
        }
    }
}

/// The title of an incident with a flapping monitor: who is offline, and who is flapping, each once.
fn flapping_title(incident: &Incident, escape: fn(&str) -> String) -> String {
    let counts = &incident.counts;
    let flapping = subject(incident, counts.flapping, |one| one.is_flapping, escape);
    let flapping = flapping.is("flapping");
    if counts.offline() > 0 {
        let down = subject(incident, counts.offline(), is_steadily_down, escape);
        return format!("🔴 {}, {flapping}", down.is(state(incident)));
    }
    match (counts.flapping_open, counts.flapping) {
        (0, _) => format!("🟠 {flapping}, online now"),
        (open, all) if open < all => format!("🟠 {flapping}, {open} offline now"),
        _ => format!("🟠 {flapping}, offline now"),
    }
}

fn is_steadily_down(outage: &Outage) -> bool {
    outage.ended.is_none() && !outage.is_flapping
}

/// The `count` monitors of an incident for which `applies` holds: the name of a single one, or their number.
fn subject(
    incident: &Incident,
    count: u64,
    applies: impl Fn(&Outage) -> bool,
    escape: fn(&str) -> String,
) -> Who {
    let single = incident.outages.iter().find(|one| applies(one));
    match (count, single) {
        (1, Some(only)) => Who::One(escape(name(only))),
        (1, None) => Who::One(text::count(1, "monitor")),
        _ => Who::Several(text::count(count, "monitor")),
    }
}

/// The state of the monitors. Servers cause an incident when they are overdue, which is before they are offline.
fn state(incident: &Incident) -> &'static str {
    let is_overdue = |outage: &Outage| outage.reason == OutageReason::Overdue;
    let are_named = incident.counts.monitors <= incident.outages.len() as u64;
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

/// The title of a message about monitors that joined an incident.
pub fn joined(changes: &Changes, escape: fn(&str) -> String) -> String {
    if changes.count == 0 {
        return FALSE_ALARM.to_owned();
    }
    let is_overdue = |outage: &Outage| outage.reason == OutageReason::Overdue;
    let state = match changes.outages.iter().all(is_overdue) {
        true => "overdue",
        false => "offline",
    };
    if !changes.has_open() {
        let mark = if changes.have_recovered() {
            "🟢"
        } else {
            "⚪"
        };
        return match changes.outages.as_slice() {
            [only] => format!("{mark} {} was {state}, too", escape(name(only))),
            _ => {
                let monitors = text::count(changes.count, "more monitor");
                format!("{mark} {monitors} were {state}")
            }
        };
    }
    match changes.outages.as_slice() {
        [only] => format!("🔴 {} is {state}, too", escape(name(only))),
        _ => format!(
            "🔴 {} are {state}",
            text::count(changes.count, "more monitor")
        ),
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
    let (open, count) = (incident.counts.open, incident.counts.monitors);
    if incident.counts.continued > 0 {
        // Its other monitors may be offline, too, in an incident of their own.
        return subject(incident, open, is_steadily_down, escape);
    }
    match who(incident, escape) {
        Who::Several(who) if open == 1 => Who::One(format!("1 of {who}")),
        Who::Several(who) if open < count => Who::Several(format!("{open} of {who}")),
        who => who,
    }
}

/// All monitors of an incident.
fn who(incident: &Incident, escape: fn(&str) -> String) -> Who {
    if let (Some(only), 1) = (incident.outages.first(), incident.counts.monitors) {
        return Who::One(escape(name(only)));
    }
    let monitors = text::count(incident.counts.monitors, "monitor");
    let who = match (&incident.group_key.scope, &incident.group_key.group) {
        (GroupScope::Host(host), _) => format!("{monitors} on {}", host_text(host, escape)),
        (GroupScope::TwoHosts(one, other), _) => {
            let (one, other) = (host_text(one, escape), host_text(other, escape));
            format!("{monitors} on {one} and {other}")
        }
        (GroupScope::Nothing, Some(group)) => format!("{monitors} in the group {}", escape(group)),
        (GroupScope::Subnet(subnet), _) => format!("{monitors} on {subnet}"),
        (GroupScope::Nothing, None) => monitors,
    };
    match incident.counts.monitors {
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
        Cause::Service(FailureClass::Refused) => {
            "The service. The host is up, but nothing accepts connections on the port.".to_owned()
        }
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
