//! The texts of the audit log: one sentence for each event, with what was set to what.

use crate::discord::monitors::audit::changes;
use crate::discord::monitors::audit::details::{Details, quoted};
use crate::discord::ui::embed::{bold, relative};
use crate::domain::endpoints::check_result::{Failure, FailureClass};
use crate::domain::event::{Actor, EventKind};
use crate::domain::text;
use crate::store::event::Event;

pub(super) const TITLE: &str = "Audit log";
pub(super) const NO_EVENTS: &str = "There are no matching events yet.";
pub(super) const OLDER_EVENTS: &str = "Choose a type or a monitor to see older events";

/// How many limits of a server are listed.
const LIMITS: usize = 5;

/// An event as one sentence, without its time.
#[expect(
    clippy::too_many_lines,
    reason = "one sentence for each kind, so that a new kind does not compile without one"
)]
pub(super) fn sentence(event: &Event) -> String {
    let details = Details(&event.details);
    let actor = actor(event.actor);
    let name = name(event);
    let (changes, state) = (changes::edited(details), changes::edited_or_set(details));
    let (reason, seen) = (reason(details), recovered(details));
    match event.kind {
        EventKind::EndpointAdded => format!("{actor} added the endpoint {name}{state}"),
        EventKind::EndpointEdited => {
            let other = other_endpoint_changes(details);
            format!("{actor} changed the endpoint {name}{changes}{other}")
        }
        EventKind::EndpointRemoved => format!("{actor} removed the endpoint {name}{state}"),
        EventKind::EndpointPaused => format!("{actor} paused the endpoint {name}"),
        EventKind::EndpointResumed => format!("{actor} resumed the endpoint {name}"),
        EventKind::EndpointUp | EventKind::DeviceOnline | EventKind::ServerOnline => {
            format!("{name} is online{seen}")
        }
        EventKind::EndpointOnline => format!("{name} is online again{seen}"),
        EventKind::EndpointWarning | EventKind::ServerWarning => {
            format!("{name} is in warning{reason}")
        }
        EventKind::EndpointWarningCleared => format!("{name} is online again after a warning"),
        EventKind::EndpointOffline | EventKind::DeviceOffline | EventKind::ServerOffline => {
            format!("{name} went offline{reason}")
        }
        EventKind::EndpointUnknown => format!("The status of {name} is unknown{reason}"),
        EventKind::DeviceRegistered => format!("{actor} added the device {name}{state}"),
        EventKind::DeviceEdited => {
            let other = other_device_changes(details);
            format!("{actor} changed the device {name}{changes}{other}")
        }
        EventKind::DeviceRemoved => format!("{actor} removed the device {name}"),
        EventKind::ServerAdded => format!("{actor} added the server {name}"),
        EventKind::ServerEdited => format!("{actor} changed the server {name}{changes}"),
        EventKind::ServerThresholdsChanged => {
            let thresholds = thresholds(details);
            format!("{actor} changed the thresholds of the server {name}{thresholds}")
        }
        EventKind::ServerLimitsChanged => {
            let limits = limits(details);
            format!("{actor} changed the limits of the server {name}{limits}")
        }
        EventKind::ServerLimitExceeded => format!("{name} exceeds a limit{reason}"),
        EventKind::ServerLimitMet => format!("{name} meets a limit again{}", met_limit(details)),
        EventKind::ServerRemoved => format!("{actor} removed the server {name}"),
        EventKind::ServerOverdue => format!("{name} is overdue{reason}"),
        EventKind::KeyCreated => format!("{actor} created {}", key(details)),
        EventKind::KeyRotated => format!("{actor} replaced {}", key(details)),
        EventKind::KeyRevoked => format!("{actor} revoked {}", key(details)),
        EventKind::AlertsSet if event.monitor_id.is_none() => {
            format!("{actor} changed the alerts{state}")
        }
        EventKind::AlertsSet if details.flag("is_removed") => {
            format!("{actor} removed the alert override of {name}")
        }
        EventKind::AlertsSet => format!("{actor} set the alert override of {name}{state}"),
        EventKind::AlertsRemoved => format!("{actor} turned alerts off{state}"),
        EventKind::AlertsBroken => {
            let channel = channel(details);
            format!("Rollcall cannot post in {channel}{}", broken(details))
        }
        EventKind::IncidentAcknowledged => format!("{actor} acknowledged {}", incident(details)),
        EventKind::IncidentNoted => format!("{actor} added a note to {}", incident(details)),
        EventKind::IncidentNoteEdited => {
            format!("{actor} changed a note of {}", incident(details))
        }
        EventKind::IncidentNoteRemoved => {
            format!("{actor} removed a note of {}", incident(details))
        }
        EventKind::MonitorMuted => format!("{actor} muted {name}{state}"),
        EventKind::MonitorUnmuted if event.actor == Actor::System => {
            format!("The mute of {name} ended")
        }
        EventKind::MonitorUnmuted => format!("{actor} unmuted {name}"),
        EventKind::WebhookAdded => format!("{actor} added the webhook {name}{state}"),
        EventKind::WebhookEdited => {
            let other = other_webhook_changes(details);
            format!("{actor} changed the webhook {name}{changes}{other}")
        }
        EventKind::WebhookRemoved => format!("{actor} removed the webhook {name}"),
        EventKind::WebhookBroken => {
            format!(
                "Rollcall cannot deliver to the webhook {name}{}",
                broken(details)
            )
        }
        EventKind::MaintenanceScheduled => {
            format!("{actor} scheduled {}{state}", maintenance(details))
        }
        EventKind::MaintenanceStarted => format!("Rollcall started {}", maintenance(details)),
        EventKind::MaintenanceEnded => format!("{actor} ended {}", maintenance(details)),
        EventKind::SilenceEdited if details.text("title").is_none_or(str::is_empty) => {
            format!("{actor} changed a mute{state}")
        }
        EventKind::SilenceEdited => format!("{actor} changed {}{state}", maintenance(details)),
        EventKind::MonitorGrouped => match details.text("group") {
            Some(group) => format!("{actor} added {name} to the group {}", bold(group)),
            None => format!("{actor} removed {name} from its group{changes}"),
        },
        EventKind::ObjectiveSet => {
            let of = subject(event);
            match (details.text("before"), details.text("objective")) {
                (Some(from), Some(to)) => {
                    format!("{actor} changed the objective of {of}: {from} → {to}")
                }
                (_, Some(to)) => format!("{actor} set the objective of {of}: {to}"),
                (_, None) => format!("{actor} set the objective of {of}"),
            }
        }
        EventKind::ObjectiveRemoved => {
            format!("{actor} removed the objective of {}", subject(event))
        }
        EventKind::StatusPageCreated => format!("{actor} created {}", status_page(details)),
        EventKind::StatusPageChanged => match (details.text("added"), details.text("removed")) {
            (Some(item), _) => format!("{actor} added {} to {}", bold(item), status_page(details)),
            (_, Some(item)) => {
                format!(
                    "{actor} removed {} from {}",
                    bold(item),
                    status_page(details)
                )
            }
            _ => format!("{actor} changed {}", status_page(details)),
        },
        EventKind::StatusPageRemoved => format!("{actor} removed {}", status_page(details)),
        EventKind::SummaryScheduled => {
            let place = format!(" for {}", channel(details));
            match (details.text("before"), details.text("times")) {
                (Some(from), Some(to)) => {
                    format!("{actor} changed the summaries{place}: {from} → {to}")
                }
                (_, Some(to)) => format!("{actor} scheduled summaries{place}: {to}"),
                (_, None) => format!("{actor} scheduled summaries{place}"),
            }
        }
        EventKind::SummaryStopped => {
            let place = format!(" for {}", channel(details));
            match details.text("before") {
                Some(times) => format!("{actor} stopped the summaries{place}: {times}"),
                None => format!("{actor} stopped the summaries{place}"),
            }
        }
        EventKind::SettingsChanged => format!("{actor} changed the settings{changes}"),
        EventKind::BoardSet => format!("{actor} set the board{state}"),
        EventKind::BoardRemoved => format!("{actor} removed the board{state}"),
        EventKind::StorageLimitReached => storage_limit(details),
        EventKind::GuildLeft => "The bot was removed from this Discord server".to_owned(),
        EventKind::GuildRejoined => "The bot was added to this Discord server again".to_owned(),
        EventKind::MonitorsMoved => {
            let count = details.number("monitors").unwrap_or_default();
            format!(
                "{actor} moved {} into this Discord server",
                text::count(count, "local monitor")
            )
        }
    }
}

/// The actor of an event. Members are mentioned, which notifies no one, because every reply has mentions off.
pub(super) fn actor(actor: Actor) -> String {
    match actor {
        Actor::Member(id) => format!("<@{id}>"),
        Actor::Key(id) => format!("The key `{id}`"),
        Actor::CommandLine => "The command line".to_owned(),
        Actor::System => "Rollcall".to_owned(),
    }
}

fn name(event: &Event) -> String {
    match &event.name {
        Some(name) => bold(&text::cut(name, 64)),
        None => "(removed)".to_owned(),
    }
}

/// What an objective is about: a group, or the monitor of the event.
fn subject(event: &Event) -> String {
    match Details(&event.details).text("group") {
        Some(group) => format!("the group {}", bold(&text::cut(group, 64))),
        None => name(event),
    }
}

fn status_page(details: Details<'_>) -> String {
    match details.text("slug") {
        Some(slug) => format!("the status page {}", text::code(slug)),
        None => "a status page".to_owned(),
    }
}

fn maintenance(details: Details<'_>) -> String {
    match details.text("title").unwrap_or_default() {
        "" => "a maintenance".to_owned(),
        title => format!("the maintenance {}", bold(&text::cut(title, 64))),
    }
}

fn channel(details: Details<'_>) -> String {
    match details.text("channel") {
        Some(id) => format!("<#{id}>"),
        None => "the alert channel".to_owned(),
    }
}

fn incident(details: Details<'_>) -> String {
    match details.number("incident") {
        Some(id) => format!("the incident `#{id}`"),
        None => "an incident".to_owned(),
    }
}

fn key(details: Details<'_>) -> String {
    let Some(id) = details.code("key") else {
        return "a key".to_owned();
    };
    let owner = details.text("name").map(bold);
    match (details.text("kind"), owner) {
        (Some(kind), Some(owner)) => format!("the {kind} key {id} of {owner}"),
        (Some(kind), None) => format!("the {kind} key {id}"),
        (None, _) => format!("the key {id}"),
    }
}

/// Why a status is what it is, after a colon; empty if the event does not say it.
fn reason(details: Details<'_>) -> String {
    if details.text("reason") == Some("connectivity_lost") {
        return ": Rollcall lost network connectivity".to_owned();
    }
    if let Some(class) = details.text("reason") {
        return match class.parse::<FailureClass>() {
            Ok(class) => {
                let failure = Failure {
                    class,
                    detail: details.text("detail").map(Into::into),
                };
                format!(": {}", text::cut(&failure.to_string(), 80))
            }
            Err(_) => format!(": {}", details.code("reason").unwrap_or_default()),
        };
    }
    match (details.time("last_seen"), details.length("threshold_ms")) {
        (Some(seen), Some(threshold)) => format!(
            ": no heartbeat since {} (threshold {})",
            relative(seen),
            text::duration(threshold)
        ),
        (Some(seen), None) => format!(": no report since {}", relative(seen)),
        (None, _) => String::new(),
    }
}

/// Why a destination is broken, after a colon.
fn broken(details: Details<'_>) -> String {
    match details.text("reason") {
        Some(reason) => format!(": {}", text::cut(&text::escape(reason), 120)),
        None => String::new(),
    }
}

fn recovered(details: Details<'_>) -> String {
    match details.length("down_for_ms") {
        Some(length) => format!(" after {}", text::duration(length)),
        None => String::new(),
    }
}

/// Whether an edit replaced values of headers. The values themselves are not stored.
fn other_endpoint_changes(details: Details<'_>) -> String {
    let names = details.changes().and_then(|changes| changes.get("headers"));
    match details.flag("has_new_headers") && names.is_none() {
        true => in_brackets(&["values of headers replaced"]),
        false => String::new(),
    }
}

/// What an edit of a device changed besides its fields. The values themselves are not stored.
fn other_device_changes(details: Details<'_>) -> String {
    let mut parts = Vec::new();
    if details.flag("has_new_target") {
        parts.push("target state set");
    }
    if details.flag("has_new_push_token") {
        parts.push("push token set");
    }
    if details.flag("has_no_push_token") {
        parts.push("push token removed");
    }
    in_brackets(&parts)
}

/// What an edit of a webhook changed besides its fields. The values themselves are not stored.
fn other_webhook_changes(details: Details<'_>) -> String {
    let mut parts = Vec::new();
    if details.flag("has_new_url") {
        parts.push("URL replaced");
    }
    if details.flag("has_new_template") {
        parts.push("template replaced");
    }
    in_brackets(&parts)
}

fn in_brackets(parts: &[&str]) -> String {
    match parts {
        [] => String::new(),
        parts => format!(" ({})", parts.join(", ")),
    }
}

/// The thresholds of a server before and after, each for online, warning and offline.
fn thresholds(details: Details<'_>) -> String {
    let minutes = |key: &str| match details.0.get(key).and_then(|value| value.as_array()) {
        Some(lengths) => {
            let lengths = lengths.iter().filter_map(serde_json::Value::as_f64);
            let lengths = lengths.map(|minutes| text::duration(minutes_long(minutes)));
            lengths.collect::<Vec<_>>().join(" / ")
        }
        None => "default".to_owned(),
    };
    if details.0.get("after_minutes").is_none() {
        return String::new();
    }
    let (before, after) = (minutes("before_minutes"), minutes("after_minutes"));
    format!(": {before} → {after}")
}

/// The limits of a server that were set and removed, up to five of each.
fn limits(details: Details<'_>) -> String {
    let listed = |key: &str, word: &str| {
        let limits = details.0.get(key)?.as_array()?;
        let shown: Vec<String> = limits
            .iter()
            .filter_map(serde_json::Value::as_str)
            .take(LIMITS)
            .map(quoted)
            .collect();
        let more = match limits.len().saturating_sub(LIMITS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!shown.is_empty()).then(|| format!("{word} {}{more}", shown.join(", ")))
    };
    let parts: Vec<String> = [listed("set", "set"), listed("removed", "removed")]
        .into_iter()
        .flatten()
        .collect();
    match parts.is_empty() {
        true => String::new(),
        false => format!(": {}", parts.join("; ")),
    }
}

/// Which limit a server meets again, and how long it did not.
fn met_limit(details: Details<'_>) -> String {
    let limit = details.code("limit").map(|limit| format!(": {limit}"));
    let length = details.length("exceeded_for_ms").map(text::duration);
    let length = length.map(|length| format!(" (after {length})"));
    limit.unwrap_or_default() + &length.unwrap_or_default()
}

fn minutes_long(minutes: f64) -> std::time::Duration {
    std::time::Duration::try_from_secs_f64(minutes * 60.0).unwrap_or_default()
}

fn storage_limit(details: Details<'_>) -> String {
    let stored = match details.text("kind") {
        Some("samples") => "reports of servers",
        Some("device_logs") => "log lines of devices",
        Some("outages") => "outages",
        Some("incidents") => "incidents",
        _ => "events",
    };
    format!("Rollcall deletes the oldest {stored}, because this Discord server reached its limit")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::discord::monitors::audit::changes::texts::{FIELDS, more_changes};
    use crate::discord::ui::embed_testing::NOW;
    use crate::domain::discord_id::UserId;
    use crate::domain::key::KeyId;
    use crate::domain::monitor::MonitorId;

    /// An event about a monitor, by Ada.
    fn event(kind: EventKind, name: Option<&str>, details: Value) -> Event {
        Event {
            id: 1,
            at: NOW,
            kind,
            monitor_id: name.map(|_| MonitorId(7)),
            name: name.map(str::to_owned),
            actor: Actor::Member(UserId(1001)),
            details,
        }
    }

    fn of_monitor(kind: EventKind, details: Value) -> String {
        sentence(&event(kind, Some("shop"), details))
    }

    fn of_guild(kind: EventKind, details: Value) -> String {
        sentence(&event(kind, None, details))
    }

    #[test]
    fn old_events_without_details_have_a_sentence_of_each_kind() {
        let sentences: Vec<String> = EventKind::ALL
            .iter()
            .map(|kind| sentence(&event(*kind, Some("shop"), json!({}))))
            .collect();
        insta::assert_snapshot!("old_events", sentences.join("\n"));
    }

    #[test]
    fn texts_of_endpoint_events() {
        let changes = json!({ "changes": {
            "name": { "from": "shop", "to": "*web*" },
            "target": { "from": "https://shop.example/", "to": "https://web.example/" },
            "interval_ms": { "from": null, "to": 30_000 },
            "keyword": { "from": "ok", "to": null },
            "headers": { "from": [], "to": ["Authorization", "X-Id"] },
            "redirects": { "from": 5, "to": 0 },
            "verify_tls": { "from": true, "to": false },
        }});
        let failed = json!({ "reason": "unexpected_status", "detail": "503" });
        let sentences = [
            of_monitor(
                EventKind::EndpointAdded,
                json!({ "name": "shop", "target": "https://shop.example/", "interval_ms": 30_000 }),
            ),
            of_monitor(EventKind::EndpointEdited, changes),
            of_monitor(
                EventKind::EndpointEdited,
                json!({ "changes": { "interval_ms": { "from": 60_000, "to": 30_000 } } }),
            ),
            of_monitor(
                EventKind::EndpointEdited,
                json!({ "changes": {}, "has_new_headers": true }),
            ),
            of_monitor(EventKind::EndpointOffline, failed),
            of_monitor(EventKind::EndpointOnline, json!({ "down_for_ms": 420_000 })),
            of_monitor(
                EventKind::EndpointUnknown,
                json!({ "reason": "connectivity_lost" }),
            ),
        ];
        insta::assert_snapshot!(sentences.join("\n"), @"
        <@1001> added the endpoint **shop**: target `https://shop.example/`, interval 30 s
        <@1001> changed the endpoint **shop**: name `shop` → `*web*`, target `https://shop.example/` → `https://web.example/`, interval default → 30 s, keyword `ok` → none, headers none → `Authorization` `X-Id`, and 2 more changes
        <@1001> changed the endpoint **shop**: interval 1 min → 30 s
        <@1001> changed the endpoint **shop** (values of headers replaced)
        **shop** went offline: unexpected status (503)
        **shop** is online again after 7 min
        The status of **shop** is unknown: Rollcall lost network connectivity
        ");
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table and its snapshot")]
    fn texts_of_devices_servers_and_keys() {
        let seen = NOW.millis();
        let sentences = [
            of_monitor(
                EventKind::DeviceRegistered,
                json!({ "uuid": "7f9c", "threshold_ms": 93_600_000, "slug": "backup" }),
            ),
            of_monitor(
                EventKind::DeviceEdited,
                json!({ "changes": { "threshold_ms": { "from": 300_000, "to": 93_600_000 } }, "has_new_push_token": true }),
            ),
            of_monitor(
                EventKind::DeviceEdited,
                json!({ "has_new_target": true, "has_no_push_token": true }),
            ),
            of_monitor(
                EventKind::DeviceOffline,
                json!({ "reason": "exit status 2 @everyone" }),
            ),
            of_monitor(
                EventKind::DeviceOffline,
                json!({ "last_seen": seen, "threshold_ms": 300_000 }),
            ),
            of_monitor(EventKind::ServerOverdue, json!({ "last_seen": seen })),
            of_monitor(
                EventKind::ServerThresholdsChanged,
                json!({ "before_minutes": null, "after_minutes": [5.0, 60.0, 120.5] }),
            ),
            of_monitor(
                EventKind::ServerLimitsChanged,
                json!({ "set": ["disk above 90 for 5 min"], "removed": ["a", "b", "c", "d", "e", "f"] }),
            ),
            of_monitor(EventKind::ServerLimitsChanged, json!({})),
            of_monitor(
                EventKind::ServerLimitExceeded,
                json!({ "reason": "disk / at 93.1 %, above 90 % for 5 min" }),
            ),
            of_monitor(
                EventKind::ServerLimitMet,
                json!({ "limit": "disk above 90 for 5 min", "exceeded_for_ms": 1_200_000 }),
            ),
            of_monitor(
                EventKind::ServerEdited,
                json!({ "changes": { "is_active": { "from": true, "to": false } } }),
            ),
            of_guild(
                EventKind::KeyCreated,
                json!({ "key": "0123456789ab", "kind": "fleet" }),
            ),
            of_monitor(
                EventKind::KeyRotated,
                json!({ "key": "0123456789ab", "kind": "server", "name": "db-1" }),
            ),
        ];
        insta::assert_snapshot!(sentences.join("\n"), @"
        <@1001> added the device **shop**: threshold 1 d 2 h, slug `backup`
        <@1001> changed the device **shop**: threshold 5 min → 1 d 2 h (push token set)
        <@1001> changed the device **shop** (target state set, push token removed)
        **shop** went offline: `exit status 2 @everyone`
        **shop** went offline: no heartbeat since <t:1769860800:R> (threshold 5 min)
        **shop** is overdue: no report since <t:1769860800:R>
        <@1001> changed the thresholds of the server **shop**: default → 5 min / 1 h / 2 h
        <@1001> changed the limits of the server **shop**: set `disk above 90 for 5 min`; removed `a`, `b`, `c`, `d`, `e` and 1 more
        <@1001> changed the limits of the server **shop**
        **shop** exceeds a limit: `disk / at 93.1 %, above 90 % for 5 min`
        **shop** meets a limit again: `disk above 90 for 5 min` (after 20 min)
        <@1001> changed the server **shop**: active on → off
        <@1001> created the fleet key `0123456789ab`
        <@1001> replaced the server key `0123456789ab` of **db-1**
        ");
    }

    #[test]
    fn texts_of_alert_events() {
        let first = json!({ "channel": "5", "role": "77", "changes": {
            "channel": { "from": null, "to": "5" }, "role": { "from": null, "to": "77" },
        }});
        let escalation = json!({ "recovery": true, "changes": {
            "remind_after_ms": { "from": null, "to": 900_000 },
            "escalate_after_ms": { "from": 1_800_000, "to": null },
            "escalate_user": { "from": "1001", "to": null },
            "recovery": { "from": false, "to": true },
        }});
        let sentences = [
            of_guild(EventKind::AlertsSet, first),
            of_guild(
                EventKind::AlertsSet,
                json!({ "changes": { "channel": { "from": "5", "to": "6" }, "role": { "from": "77", "to": null } } }),
            ),
            of_guild(
                EventKind::AlertsSet,
                json!({ "channel": "5", "role": null }),
            ),
            of_guild(EventKind::AlertsSet, escalation),
            of_monitor(
                EventKind::AlertsSet,
                json!({ "notify": false, "role": null }),
            ),
            of_monitor(
                EventKind::AlertsSet,
                json!({ "notify": true, "is_removed": true }),
            ),
            of_guild(EventKind::AlertsRemoved, json!({ "channel": "5" })),
            of_guild(
                EventKind::AlertsBroken,
                json!({ "channel": "5", "reason": "the channel was deleted" }),
            ),
            of_guild(
                EventKind::IncidentNoted,
                json!({ "incident": 7, "note": 1 }),
            ),
            of_guild(
                EventKind::SettingsChanged,
                json!({ "changes": { "timezone": { "from": "UTC", "to": "Europe/Berlin" } } }),
            ),
            of_guild(EventKind::BoardSet, json!({ "channel": "5" })),
        ];
        insta::assert_snapshot!(sentences.join("\n"), @"
        <@1001> changed the alerts: channel <#5>, role <@&77>
        <@1001> changed the alerts: channel <#5> → <#6>, role <@&77> → none
        <@1001> changed the alerts: channel <#5>
        <@1001> changed the alerts: messages about recoveries off → on, reminder after off → 15 min, escalation after 30 min → off, escalation to <@1001> → none
        <@1001> set the alert override of **shop**: notifications off
        <@1001> removed the alert override of **shop**
        <@1001> turned alerts off: channel <#5>
        Rollcall cannot post in <#5>: the channel was deleted
        <@1001> added a note to the incident `#7`
        <@1001> changed the settings: time zone `UTC` → `Europe/Berlin`
        <@1001> set the board: channel <#5>
        ");
    }

    #[test]
    fn texts_of_summaries() {
        let sentences = [
            of_guild(
                EventKind::SummaryScheduled,
                json!({ "channel": "5", "times": "daily at 09:00", "before": null }),
            ),
            of_guild(
                EventKind::SummaryScheduled,
                json!({ "channel": "5", "times": "daily at 09:00", "before": "daily at 10:00" }),
            ),
            of_guild(
                EventKind::SummaryStopped,
                json!({ "channel": "5", "times": null, "before": "daily at 09:00" }),
            ),
        ];
        insta::assert_snapshot!(sentences.join("\n"), @"
        <@1001> scheduled summaries for <#5>: daily at 09:00
        <@1001> changed the summaries for <#5>: daily at 10:00 → daily at 09:00
        <@1001> stopped the summaries for <#5>: daily at 09:00
        ");
    }

    #[test]
    fn texts_of_silences_webhooks_and_groups() {
        let ends = text::timestamp(NOW);
        let sentences = [
            of_monitor(EventKind::MonitorMuted, json!({ "until": ends })),
            of_guild(
                EventKind::MaintenanceScheduled,
                json!({ "title": "upgrade", "from": ends, "to": ends, "weekly": "Mon" }),
            ),
            of_guild(
                EventKind::SilenceEdited,
                json!({ "title": "upgrade", "to": ends, "changes": { "to": { "from": ends, "to": ends } } }),
            ),
            of_guild(EventKind::SilenceEdited, json!({ "title": "", "to": ends })),
            of_monitor(
                EventKind::WebhookAdded,
                json!({ "address": "hooks.example", "format": "slack" }),
            ),
            of_monitor(
                EventKind::WebhookEdited,
                json!({ "changes": {}, "has_new_url": true, "has_new_template": true }),
            ),
            of_monitor(EventKind::MonitorGrouped, json!({ "group": "web" })),
            of_monitor(
                EventKind::MonitorGrouped,
                json!({ "group": null, "changes": { "group": { "from": "web", "to": null } } }),
            ),
            of_guild(
                EventKind::StorageLimitReached,
                json!({ "kind": "device_logs" }),
            ),
        ];
        insta::assert_snapshot!(sentences.join("\n"), @"
        <@1001> muted **shop**: ends <t:1769860800:R>
        <@1001> scheduled the maintenance **upgrade**: weekly on `Mon`, begins <t:1769860800:R>, ends <t:1769860800:R>
        <@1001> changed the maintenance **upgrade**: ends <t:1769860800:R> → <t:1769860800:R>
        <@1001> changed a mute: ends <t:1769860800:R>
        <@1001> added the webhook **shop**: address `hooks.example`, format `slack`
        <@1001> changed the webhook **shop** (URL replaced, template replaced)
        <@1001> added **shop** to the group **web**
        <@1001> removed **shop** from its group: group `web` → none
        Rollcall deletes the oldest log lines of devices, because this Discord server reached its limit
        ");
    }

    #[test]
    fn texts_of_objectives_and_status_pages() {
        let sentences = [
            of_monitor(
                EventKind::ObjectiveSet,
                json!({ "group": null, "objective": "99.9 % over 30 days", "before": null }),
            ),
            of_guild(
                EventKind::ObjectiveSet,
                json!({ "group": "web", "objective": "99 % over 7 days", "before": "99.9 % over 30 days" }),
            ),
            of_monitor(EventKind::ObjectiveRemoved, json!({ "group": null })),
            of_guild(EventKind::ObjectiveRemoved, json!({ "group": "web" })),
            of_guild(
                EventKind::StatusPageCreated,
                json!({ "slug": "acme", "title": "Acme" }),
            ),
            of_guild(
                EventKind::StatusPageChanged,
                json!({ "slug": "acme", "added": "Web shop" }),
            ),
            of_guild(
                EventKind::StatusPageChanged,
                json!({ "slug": "acme", "removed": "Web shop" }),
            ),
            of_guild(EventKind::StatusPageRemoved, json!({ "slug": "acme" })),
        ];
        insta::assert_snapshot!(sentences.join("\n"), @"
        <@1001> set the objective of **shop**: 99.9 % over 30 days
        <@1001> changed the objective of the group **web**: 99.9 % over 30 days → 99 % over 7 days
        <@1001> removed the objective of **shop**
        <@1001> removed the objective of the group **web**
        <@1001> created the status page `acme`
        <@1001> added **Web shop** to the status page `acme`
        <@1001> removed **Web shop** from the status page `acme`
        <@1001> removed the status page `acme`
        ");
    }

    #[test]
    fn long_and_foreign_values_are_cut_and_cannot_mention_anyone() {
        let long = "@everyone `".repeat(100);
        let changes = FIELDS.map(|field| {
            let change = json!({ "from": long, "to": long });
            (field.name.to_owned(), change)
        });
        let changes: serde_json::Map<String, Value> = changes.into_iter().collect();
        let details = json!({ "changes": changes });
        let shown = sentence(&event(EventKind::EndpointEdited, Some(&long), details));
        assert!(shown.chars().count() < 1_200, "{shown}");
        assert!(shown.ends_with("and 30 more changes"), "{shown}");
        assert!(!shown.contains("<@&@"), "{shown}");
    }

    #[test]
    fn other_texts_of_the_audit_log() {
        let texts = [
            TITLE.to_owned(),
            NO_EVENTS.to_owned(),
            OLDER_EVENTS.to_owned(),
            actor(Actor::Member(UserId(1001))),
            actor(Actor::Key(KeyId::parse("0123456789ab").unwrap())),
            actor(Actor::CommandLine),
            actor(Actor::System),
            more_changes(1),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Audit log
        There are no matching events yet.
        Choose a type or a monitor to see older events
        <@1001>
        The key `0123456789ab`
        The command line
        Rollcall
        and 1 more change
        ");
    }
}
