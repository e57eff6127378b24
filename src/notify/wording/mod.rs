//! Texts about incidents that are valid at every destination. The caller passes how text from outside is escaped there.

mod certificate;
mod connectivity;
mod objective;
mod outage;
mod subject;

use std::time::Duration;

pub use outage::{happened, mark, name, reason_with};
pub use subject::is_serious;
use subject::{
    FlappingWords, JoinedWords, Who, flapping_words, is_steadily_down, joined_words, severity_mark,
    state, still_down, subject, who,
};

use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::incidents::cause::Cause;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::notifications::storage_limit::MEBIBYTE;
use crate::domain::status::transition::OutageEnd;
use crate::domain::text;
use crate::store::incidents::incident::{Changes, Incident};

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
        NotificationKind::ErrorBudgetUsed {
            is_missed,
            objectives,
        } => objective::title(*is_missed, objectives, escape),
        NotificationKind::Summary { .. } => "📊 Summary".to_owned(),
    }
}

/// The text of a notification that is not about outages; `None` for one that is. `when` formats a time as relative to now.
pub fn sentence(
    kind: &NotificationKind,
    escape: fn(&str) -> String,
    when: impl Fn(Timestamp) -> String,
) -> Option<String> {
    match kind {
        NotificationKind::Incident
        | NotificationKind::Reminder { .. }
        | NotificationKind::Joined { .. }
        // Its figures are not part of the notification.
        | NotificationKind::Summary { .. } => None,
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
        NotificationKind::ErrorBudgetUsed {
            is_missed,
            objectives,
        } => Some(objective::list(*is_missed, objectives, escape, when)),
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
        let mark = severity_mark(&incident.outages);
        return format!("{mark} {}", still_down(incident, escape).is(state));
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
        (Who::One(who), Some(OutageEnd::LimitChanged)) => {
            format!("⚪ {who} was {state}, which was changed")
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
    let words = flapping_words(incident);
    let flapping = subject(incident, counts.flapping, |one| one.is_flapping, escape);
    let flapping = flapping.is(words.is);
    if counts.offline() > 0 {
        let down = subject(incident, counts.offline(), is_steadily_down, escape);
        let mark = severity_mark(&incident.outages);
        return format!("{mark} {}, {flapping}", down.is(state(incident)));
    }
    let FlappingWords {
        offline, online, ..
    } = words;
    match (counts.flapping_open, counts.flapping) {
        (0, _) => format!("🟠 {flapping}, {online}"),
        (open, all) if open < all => format!("🟠 {flapping}, {open} {offline}"),
        _ => format!("🟠 {flapping}, {offline}"),
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
    let JoinedWords { noun, one, several } = joined_words(&changes.outages);
    let more = text::count(changes.count, noun);
    if changes.has_open() {
        let mark = severity_mark(&changes.outages);
        return match changes.outages.as_slice() {
            [only] => format!("{mark} {} is {one}, too", escape(name(only))),
            _ => format!("{mark} {more} are {several}"),
        };
    }
    let mark = if changes.have_recovered() {
        "🟢"
    } else {
        "⚪"
    };
    match changes.outages.as_slice() {
        [only] => format!("{mark} {} was {one}, too", escape(name(only))),
        _ => format!("{mark} {more} were {several}"),
    }
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
