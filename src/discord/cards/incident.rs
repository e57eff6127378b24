//! The card of an incident in the channel of a guild: what is down, since when and why; who takes care; and when it is over.

use std::collections::BTreeSet;

use poise::serenity_prelude as serenity;
use serenity::{Colour, CreateEmbed};

use super::{AMBER, GREEN, RED, bold, relative};
use crate::discord::buttons;
use crate::discord::reply::Message;
use crate::domain::notification_kind::NotificationKind;
use crate::domain::text;
use crate::notify::messenger::Reminder;
use crate::notify::wording;
use crate::store::incident::{Incident, Outage};

/// Characters of the list of what is down; with everything else the card stays below Discord's 6,000.
const LIST: usize = 3_500;

/// Characters of what a recheck has seen.
const RESULT: usize = 300;

/// The message for a card as it stands.
pub(in crate::discord) fn message(incident: &Incident) -> Message {
    let mut message = Message::embed(embed(incident));
    if incident.ended_at.is_none() && incident.kind == NotificationKind::Incident {
        message.rows = buttons::incident_rows(incident);
    }
    message
}

/// The message that calls somebody again, with a link to the card. In direct messages buttons know of no server, so there
/// are none: the link leads to them.
pub(in crate::discord) fn reminder(reminder: &Reminder) -> Message {
    let incident = &reminder.incident;
    let title = wording::reminder(incident, reminder.now, text::escape);
    let mut description = list(incident);
    if let Some((channel, message)) = reminder.link {
        let guild = incident.guild_id.0;
        let link = format!("https://discord.com/channels/{guild}/{channel}/{message}");
        description = format!("[Recheck, acknowledge or mute it here]({link})\n{description}");
    }
    Message::embed(
        CreateEmbed::new()
            .title(text::cut(&title, 256))
            .description(description)
            .colour(RED),
    )
}

fn embed(incident: &Incident) -> CreateEmbed {
    if let Some(sentence) = wording::sentence(&incident.kind, text::escape) {
        return CreateEmbed::new()
            .title(text::cut(&wording::title(incident, text::escape), 256))
            .description(text::cut(&sentence, LIST))
            .colour(AMBER);
    }
    let mut embed = CreateEmbed::new()
        .title(text::cut(&wording::title(incident, text::escape), 256))
        .description(list(incident))
        .colour(colour(incident));
    if let Some(cause) = incident
        .cause
        .as_ref()
        .filter(|_| incident.ended_at.is_none())
    {
        let said = wording::cause(cause, text::escape, relative);
        embed = embed.field("What is at fault", text::cut(&said, 1_000), false);
    }
    if let Some((user, at)) = incident.acknowledged {
        embed = embed.field("Acknowledged", format!("<@{user}> {}", relative(at)), true);
    }
    if let Some((user, at)) = incident.rechecked {
        let seen = incident.rechecked_result.as_deref().unwrap_or_default();
        let seen = text::cut(&text::escape(seen), RESULT);
        let by = format!("<@{user}> {}\n{seen}", relative(at));
        embed = embed.field("Rechecked", by, true);
    }
    if let Some((user, until)) = incident.muted {
        embed = embed.field(
            "Muted",
            format!("<@{user}> until {}", relative(until)),
            true,
        );
    }
    if let Some((user, until)) = incident.maintained {
        let by = format!("<@{user}> until {}", relative(until));
        embed = embed.field("Maintenance", by, true);
    }
    embed
}

fn colour(incident: &Incident) -> Colour {
    if incident.flapping_since.is_some() && incident.flapping_ended_at.is_none() {
        return AMBER;
    }
    match (incident.ended_at, incident.acknowledged) {
        (Some(_), _) => GREEN,
        (None, Some(_)) => AMBER,
        (None, None) => RED,
    }
}

/// One line for each, those that go on first, as many as fit.
fn list(incident: &Incident) -> String {
    let mut lines = String::new();
    let mut named = BTreeSet::new();
    for outage in &incident.outages {
        let line = line(outage);
        if lines.chars().count() + line.chars().count() > LIST {
            break;
        }
        lines.push_str(&line);
        lines.push('\n');
        named.insert(outage.monitor_id.0);
    }
    let rest = incident.count.saturating_sub(named.len() as u64);
    if rest > 0 {
        lines.push_str(&format!("… and {rest} more"));
    }
    lines
}

fn line(outage: &Outage) -> String {
    let target = outage
        .target
        .as_deref()
        .map(|target| format!(" {}", text::code(&text::cut(target, super::TARGET_LENGTH))))
        .unwrap_or_default();
    let who = format!("{}{target}", bold(wording::name(outage)));
    match outage.ended_at {
        Some(ended) => {
            let length = text::duration(ended.since(outage.started_at));
            format!("🟢 {who} back {} after {length}", relative(ended))
        }
        None => format!(
            "🔴 {who} since {}: {}",
            relative(outage.started_at),
            wording::reason(outage, text::escape)
        ),
    }
}
