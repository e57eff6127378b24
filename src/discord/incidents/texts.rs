//! The texts of incidents in Discord: refusals of `/ack`, and the sentences of an incident's message, its notes, and a
//! reminder.

use crate::discord::ui::embed::{self, bold, date_and_time, relative};
use crate::discord::ui::error::CommandError;
use crate::domain::Timestamp;
use crate::domain::discord_id::UserId;
use crate::domain::event::Actor;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::text;
use crate::notify::wording;
use crate::store::incidents::incident::{Incident, Note, Outage};

/// Maximum characters of a title in a list.
const TITLE: usize = 90;

/// Maximum characters of a recheck result.
const RESULT: usize = 300;

/// Maximum characters and lines of a note. Three notes of this length fit into a field.
const NOTE: usize = 240;
const NOTE_LINES: usize = 4;

/// The text that a member entered as incident is no number of one.
pub(super) fn invalid_incident(entered: &str) -> CommandError {
    CommandError::Refused(format!(
        "Invalid incident {}. Choose one from the list or enter its number, such as `#12`.",
        text::code(&text::cut(entered, 100))
    ))
}

pub(super) fn no_unacknowledged_incidents() -> CommandError {
    CommandError::Refused("There are no unacknowledged incidents.".into())
}

/// `/ack` without an option, while several incidents are unacknowledged.
pub(super) fn several_unacknowledged_incidents(count: usize) -> CommandError {
    CommandError::Refused(format!(
        "{count} incidents are unacknowledged. Choose one with `incident`."
    ))
}

/// Precedes the list of monitors that joined an acknowledged incident.
pub(super) fn unacknowledged(by: Actor) -> String {
    format!(
        "The acknowledgment {} does not cover this, so the incident is unacknowledged again.",
        by_whom(by)
    )
}

/// Who acknowledged an incident or wrote a note, behind that.
fn by_whom(actor: Actor) -> String {
    match actor {
        Actor::Member(user) => format!("by <@{user}>"),
        Actor::Key(key) => format!("with API key `{key}`"),
        Actor::CommandLine => "on the command line".to_owned(),
        Actor::System => "by Rollcall".to_owned(),
    }
}

/// In a reminder, which has no buttons.
pub(super) fn open_the_incident(link: &str) -> String {
    format!("[Open the incident to recheck, acknowledge or mute it]({link})")
}

/// One line about an outage in the message of its incident.
pub(super) fn outage(outage: &Outage) -> String {
    let (mark, monitor) = (wording::mark(outage), monitor(outage));
    let happened = wording::happened(outage, true, text::escape, relative);
    format!("{mark} {monitor} {happened}")
}

fn monitor(outage: &Outage) -> String {
    let name = bold(wording::name(outage));
    match &outage.target {
        Some(target) => {
            let target = text::code(&text::cut(target, embed::TARGET_LENGTH));
            format!("{name} {target}")
        }
        None => name,
    }
}

/// The number of monitors of an incident that its message does not list.
pub(super) fn and_more_monitors(count: u64) -> String {
    format!("… and {}", text::count(count, "more monitor"))
}

pub(super) fn acknowledged(by: Actor, at: Timestamp) -> String {
    format!("{} {}", by_whom(by), relative(at))
}

/// In a reminder.
pub(super) fn acknowledged_line(by: Actor, at: Timestamp) -> String {
    format!("Acknowledged {}", acknowledged(by, at))
}

pub(super) fn rechecked(by: UserId, at: Timestamp, result: &str) -> String {
    let result = text::cut(&text::escape(result), RESULT);
    format!("by <@{by}> {}\n{result}", relative(at))
}

/// The title of the notes of an incident's message, which shows the last ones.
pub(super) fn notes(shown: u64, count: u64) -> String {
    if shown < count {
        return format!("Last {shown} of {count} notes");
    }
    "Notes".to_owned()
}

/// A note in the message of its incident, with who wrote it and when.
pub(super) fn note(note: &Note) -> String {
    let (by, at) = (by_whom(note.actor), relative(note.at));
    format!("Written {by} {at}:\n{}", note_text(&note.text))
}

/// The first lines of a note, each escaped as if it were alone, because some markup starts with a line. It is cut before it is
/// escaped: half an escape would show.
fn note_text(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut shown: Vec<&str> = lines.by_ref().take(NOTE_LINES).collect();
    if lines.next().is_some() {
        shown.push("…");
    }
    let shown = shown.join("\n");
    let escaped = |length| {
        let cut = text::cut(&shown, length);
        let lines: Vec<String> = cut.lines().map(text::escape).collect();
        lines.join("\n")
    };
    let mut lengths = (1..=NOTE).rev();
    let fitting = lengths.find(|length| escaped(*length).chars().count() <= NOTE);
    escaped(fitting.unwrap_or(1))
}

// Lists.

pub(super) const NO_INCIDENTS: &str = "There were no incidents.";

pub(super) fn incident_count(number: u64) -> String {
    text::count(number, "incident")
}

/// An incident by its number and its title.
pub(super) fn numbered(id: IncidentId, title: &str) -> String {
    format!("#{} {title}", id.0)
}

/// One line about an incident.
pub(super) fn listed(incident: &Incident, now: Timestamp) -> String {
    // Cut before it is escaped: half an escape would show.
    let title = wording::title(incident, str::to_owned);
    let title = text::escape(&text::cut(&title, TITLE));
    let opened = date_and_time(incident.opened_at);
    let length = match incident.ended_at {
        None => format!("open for {}", text::duration(now.since(incident.opened_at))),
        Some(at) => format!(
            "resolved after {}",
            text::duration(at.since(incident.opened_at))
        ),
    };
    let acknowledged = match incident.acknowledged {
        Some((by, _)) => format!(" · acknowledged {}", by_whom(by)),
        None => String::new(),
    };
    let title = numbered(incident.id, &title);
    format!("{title} · opened {opened} · {length}{acknowledged}")
}

/// Above the notes that the message of an incident does not show, because it has later ones.
pub(super) fn earlier_notes(shown: u64, later: usize) -> String {
    format!("{} before the last {later}:", text::count(shown, "note"))
}

/// Who muted the monitors of an incident, or scheduled their maintenance.
pub(super) fn silenced_until(by: UserId, until: Timestamp) -> String {
    format!("until {} by <@{by}>", date_and_time(until))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::discord::ui::embed_testing::NOW;
    use crate::domain::incidents::grouping::IncidentId;
    use crate::domain::incidents::note::NoteId;
    use crate::domain::incidents::outage_reason::OutageReason;
    use crate::domain::key::KeyId;
    use crate::domain::monitor::MonitorId;
    use crate::domain::status::transition::OutageEnd;

    #[test]
    fn texts_of_incidents() {
        let alice = UserId(42);
        let ongoing = Outage {
            monitor_id: MonitorId(1),
            name: Some("shop".into()),
            target: Some("https://shop.example.org/".into()),
            reason: OutageReason::TimedOut,
            detail: None,
            started_at: NOW,
            ended: None,
            is_flapping: false,
            continued_by: None,
            exists: true,
            times: 1,
        };
        let of_removed_monitor = Outage {
            name: None,
            target: None,
            ended: Some((NOW.plus(Duration::from_secs(750)), OutageEnd::Recovered)),
            ..ongoing.clone()
        };
        let texts = [
            invalid_incident("shop").to_string(),
            no_unacknowledged_incidents().to_string(),
            several_unacknowledged_incidents(3).to_string(),
            open_the_incident("https://discord.com/channels/1/2/3"),
            outage(&ongoing),
            outage(&of_removed_monitor),
            and_more_monitors(175),
            acknowledged(Actor::Member(alice), NOW),
            rechecked(alice, NOW, "3 of 5 checks passed"),
            silenced_until(alice, NOW),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Invalid incident `shop`. Choose one from the list or enter its number, such as `#12`.
        There are no unacknowledged incidents.
        3 incidents are unacknowledged. Choose one with `incident`.
        [Open the incident to recheck, acknowledge or mute it](https://discord.com/channels/1/2/3)
        🔴 **shop** `https://shop.example.org/` went offline <t:1769860800:R>: timed out
        🟢 **a removed monitor** recovered <t:1769861550:R> after 12 min 30 s
        … and 175 more monitors
        by <@42> <t:1769860800:R>
        by <@42> <t:1769860800:R>
        3 of 5 checks passed
        until <t:1769860800:f> by <@42>
        ");
    }

    #[test]
    fn texts_of_acknowledgments_and_notes() {
        let (member, key) = (
            Actor::Member(UserId(42)),
            Actor::Key(KeyId::parse("0123456789ab").unwrap()),
        );
        let written = Note {
            id: NoteId(1),
            incident: IncidentId(1),
            at: NOW,
            actor: key,
            text: "the provider\nworks on it".into(),
        };
        let texts = [
            acknowledged_line(member, NOW),
            acknowledged_line(key, NOW),
            acknowledged_line(Actor::CommandLine, NOW),
            acknowledged_line(Actor::System, NOW),
            unacknowledged(member),
            unacknowledged(key),
            notes(3, 3),
            notes(3, 5),
            note(&written),
        ];
        insta::assert_snapshot!(texts.join("\n"), @"
        Acknowledged by <@42> <t:1769860800:R>
        Acknowledged with API key `0123456789ab` <t:1769860800:R>
        Acknowledged on the command line <t:1769860800:R>
        Acknowledged by Rollcall <t:1769860800:R>
        The acknowledgment by <@42> does not cover this, so the incident is unacknowledged again.
        The acknowledgment with API key `0123456789ab` does not cover this, so the incident is unacknowledged again.
        Notes
        Last 3 of 5 notes
        Written with API key `0123456789ab` <t:1769860800:R>:
        the provider
        works on it
        ");
    }
}
