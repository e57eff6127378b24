//! The status overview of a guild, and its audit log.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::ui::embed::{AMBER, GREEN, GREY, RED, colour, mark, relative};
use crate::domain::event::Actor;
use crate::domain::status::Status;
use crate::domain::text;
use crate::store::event::Event;
use crate::store::monitors::monitor::Monitor;

/// Maximum monitors listed by name.
pub(in crate::discord) const LISTED: u32 = 25;

/// Maximum changes on one card.
pub(in crate::discord) const CHANGES: u32 = 20;

const EMPTY: &str = "There are no monitors yet. Add an endpoint with `/endpoint add` or a server with `/server add`. For devices, create a key with `/keys create`.";

pub(in crate::discord) fn status(counts: &[(Status, u64)], troubled: &[Monitor]) -> CreateEmbed {
    let count = |status| {
        counts
            .iter()
            .find(|(known, _)| *known == status)
            .map_or(0, |(_, count)| *count)
    };
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return CreateEmbed::new()
            .title("No monitors yet")
            .description(EMPTY)
            .colour(GREY);
    }
    let (offline, warning) = (count(Status::Offline), count(Status::Warning));
    let worst = match (offline, warning) {
        (0, 0) => GREEN,
        (0, _) => AMBER,
        _ => RED,
    };
    let each: Vec<String> = Status::ALL
        .iter()
        .copied()
        .filter(|status| count(*status) > 0)
        .map(|status| format!("{} {} {}", mark(status), count(status), status.as_str()))
        .collect();
    let mut lines = vec![each.join(" · "), String::new()];
    lines.extend(troubled.iter().map(line));
    let more = (offline + warning).saturating_sub(troubled.len() as u64);
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    CreateEmbed::new()
        .title(format!("{} of {total} online", count(Status::Online)))
        .description(lines.join("\n").trim_end().to_owned())
        .colour(worst)
}

/// One monitor with its status only.
pub(in crate::discord) fn one(monitor: &Monitor) -> CreateEmbed {
    CreateEmbed::new()
        .description(line(monitor))
        .colour(colour(monitor.status))
}

fn line(monitor: &Monitor) -> String {
    format!(
        "{} **{}** {} · since {}",
        mark(monitor.status),
        text::cut(&text::escape(&monitor.name), 80),
        monitor.kind.as_str(),
        relative(monitor.since)
    )
}

pub(in crate::discord) fn audit(events: &[Event]) -> CreateEmbed {
    let lines: Vec<String> = events
        .iter()
        .map(|event| {
            let name = event.name.as_deref().unwrap_or("–");
            format!(
                "{} `{}` **{}** · {}",
                relative(event.at),
                event.kind.as_str(),
                text::cut(&text::escape(name), 80),
                actor(event.actor)
            )
        })
        .collect();
    let description = if lines.is_empty() {
        "There are no matching events yet.".to_owned()
    } else {
        lines.join("\n")
    };
    CreateEmbed::new()
        .title("Audit log")
        .description(description)
        .colour(GREY)
}

/// The actor of an event. Members are mentioned, which notifies no one, because every reply has mentions off.
fn actor(actor: Actor) -> String {
    match actor {
        Actor::Member(id) => format!("<@{id}>"),
        Actor::Key(id) => format!("key `{id}`"),
        Actor::CommandLine => "the command line".to_owned(),
        Actor::System => "Rollcall".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::discord_id::UserId;
    use serde_json::json;

    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::discord::ui::embed_testing::fits;
    use crate::domain::event::Actor;
    use crate::domain::event::EventKind;
    use crate::domain::monitor::MonitorId;
    use crate::domain::monitor::MonitorKind;
    use crate::domain::status::Status;
    use crate::store::event::Event;
    use crate::store::monitors::monitor::Monitor;

    #[test]
    fn status_and_audit_fit_with_the_longest_names() {
        let name = "*".repeat(64);
        let monitor = Monitor {
            id: MonitorId(i64::MAX),
            kind: MonitorKind::Endpoint,
            name: name.clone(),
            status: Status::Offline,
            since: NOW,
        };
        let troubled = vec![monitor; LISTED as usize];
        fits(status(&[(Status::Offline, u64::MAX)], &troubled));
        let event = Event {
            id: 1,
            at: NOW,
            kind: EventKind::EndpointWarningCleared,
            monitor_id: None,
            name: Some(name.clone()),
            actor: Actor::Member(UserId(u64::MAX)),
            details: json!({}),
        };
        fits(audit(&vec![event; CHANGES as usize]));
    }
}
