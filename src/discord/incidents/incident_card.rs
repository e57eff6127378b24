//! The message of an incident in a guild's channel: its outages with start and reason, the probable cause, acknowledgment
//! and recovery.

use poise::serenity_prelude as serenity;
use serenity::{Colour, CreateEmbed};

use crate::discord::incidents::texts;
use crate::discord::ui::buttons;
use crate::discord::ui::embed::{AMBER, GREEN, GREY, RED, relative};
use crate::discord::ui::reply::Message;
use crate::domain::Timestamp;
use crate::domain::notifications::notification_kind::NotificationKind;
use crate::domain::text;
use crate::notify::transport::{Joined, Reminder};
use crate::notify::wording;
use crate::store::incidents::incident::{Incident, Notes, Outage};

/// Maximum characters of the list of outages. With everything else the embed stays below Discord's limit of 6,000.
const LIST: usize = 3_000;

/// How many notes are shown.
pub(super) const NOTES: usize = 3;

/// The message of an incident in its current state.
pub(in crate::discord) fn message(incident: &Incident) -> Message {
    let mut message = Message::embed(embed(incident));
    if incident.ended_at.is_none() && incident.kind == NotificationKind::Incident {
        message.rows = buttons::incident_rows(incident);
    }
    message
}

/// The message of a reminder or an escalation, with a link to the incident's message. It has no buttons, because a button
/// in a direct message does not know the guild. The link leads to the buttons.
pub(in crate::discord) fn reminder(reminder: &Reminder, now: Timestamp) -> Message {
    let incident = &reminder.incident;
    let (title, colour) = match (incident.ended_at, incident.acknowledged) {
        (None, None) => (wording::reminder(incident, now, text::escape), RED),
        // It has had its effect, or is no longer needed.
        _ => (wording::title(incident, text::escape), colour(incident)),
    };
    let mut lines = Vec::new();
    if let Some(message) = reminder.link {
        lines.push(texts::open_the_incident(&message.link(incident.guild_id)));
    }
    if let Some((by, at)) = incident.acknowledged {
        lines.push(texts::acknowledged_line(by, at));
    }
    // Those that have recovered need nobody, and may be offline again in another incident.
    let open = incident.outages.iter().filter(|one| one.ended.is_none());
    let open: Vec<Outage> = open.cloned().collect();
    if !open.is_empty() {
        lines.push(list(&open, incident.counts.open));
    }
    Message::embed(
        CreateEmbed::new()
            .title(text::cut(&title, 256))
            .description(lines.join("\n"))
            .colour(colour),
    )
}

/// The message about monitors that joined an incident, which replies to the incident's message.
pub(in crate::discord) fn joined(joined: &Joined) -> Message {
    let changes = &joined.changes;
    let mut lines: Vec<String> = joined
        .unacknowledged
        .into_iter()
        .map(texts::unacknowledged)
        .collect();
    if let Some(message) = joined.link {
        lines.push(texts::open_the_incident(
            &message.link(joined.incident.guild_id),
        ));
    }
    lines.push(list(&changes.outages, changes.count));
    Message::embed(
        CreateEmbed::new()
            .title(text::cut(&wording::joined(changes, text::escape), 256))
            .description(lines.join("\n"))
            .colour(match (changes.has_open(), changes.have_recovered()) {
                (true, _) if changes.outages.iter().any(wording::is_serious) => RED,
                (true, _) => AMBER,
                (false, true) => GREEN,
                (false, false) => GREY,
            }),
    )
}

fn embed(incident: &Incident) -> CreateEmbed {
    if let Some(sentence) = wording::sentence(&incident.kind, text::escape, relative) {
        return CreateEmbed::new()
            .title(text::cut(&wording::title(incident, text::escape), 256))
            .description(text::cut(&sentence, LIST))
            .colour(announcement_colour(&incident.kind));
    }
    let mut embed = CreateEmbed::new()
        .title(text::cut(&wording::title(incident, text::escape), 256))
        .description(list(&incident.outages, incident.counts.monitors))
        .colour(colour(incident));
    if let Some(cause) = incident
        .cause
        .as_ref()
        .filter(|_| incident.ended_at.is_none())
    {
        let cause_text = wording::cause(cause, text::escape, relative);
        embed = embed.field("Probable cause", text::cut(&cause_text, 1_000), false);
    }
    if let Some((by, at)) = incident.acknowledged {
        embed = embed.field("Acknowledged", texts::acknowledged(by, at), true);
    }
    if let Some((user, at)) = incident.rechecked {
        let result = incident.rechecked_result.as_deref().unwrap_or_default();
        embed = embed.field("Rechecked", texts::rechecked(user, at, result), true);
    }
    if let Some((user, until)) = incident.muted {
        embed = embed.field("Muted", texts::silenced_until(user, until), true);
    }
    if let Some((user, until)) = incident.maintained {
        embed = embed.field("Maintenance", texts::silenced_until(user, until), true);
    }
    with_notes(embed, &incident.notes)
}

/// Adds the latest notes, the newest last.
fn with_notes(embed: CreateEmbed, notes: &Notes) -> CreateEmbed {
    let shown = &notes.latest[notes.latest.len().saturating_sub(NOTES)..];
    if shown.is_empty() {
        return embed;
    }
    let title = texts::notes(shown.len() as u64, notes.count);
    let notes: Vec<String> = shown.iter().map(texts::note).collect();
    embed.field(title, notes.join("\n"), false)
}

/// The colour of a message that is not about outages.
fn announcement_colour(kind: &NotificationKind) -> Colour {
    match kind {
        NotificationKind::ErrorBudgetUsed {
            is_missed: true, ..
        } => RED,
        _ => AMBER,
    }
}

fn colour(incident: &Incident) -> Colour {
    let counts = &incident.counts;
    let is_serious =
        incident.outages.is_empty() || incident.outages.iter().any(wording::is_serious);
    if counts.offline() > 0 && incident.acknowledged.is_none() && is_serious {
        return RED;
    }
    if counts.flapping + counts.continued + counts.open > 0 {
        return AMBER;
    }
    match counts.has_recovery() {
        true => GREEN,
        false => GREY,
    }
}

/// One line per monitor, those that are offline first, as many as fit; then the number of the others.
fn list(outages: &[Outage], count: u64) -> String {
    let mut lines = String::new();
    let mut named = 0;
    for outage in outages {
        let line = texts::outage(outage);
        if lines.chars().count() + line.chars().count() > LIST {
            break;
        }
        lines.push_str(&line);
        lines.push('\n');
        named += 1;
    }
    let rest = count.saturating_sub(named);
    if rest > 0 {
        lines.push_str(&texts::and_more_monitors(rest));
    }
    lines
}
