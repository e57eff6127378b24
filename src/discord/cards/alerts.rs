//! Where a server is told, and whether that works.

use poise::serenity_prelude::CreateEmbed;

use super::{GREEN, GREY, RED, relative};
use crate::domain::text;
use crate::store::alert_settings::AlertSettings;
use crate::store::mute::Mute;

/// Mutes on the card.
pub(in crate::discord) const MUTES: u32 = 10;

pub(in crate::discord) fn settings(known: Option<&AlertSettings>, mutes: &[Mute]) -> CreateEmbed {
    let card = place(known);
    if mutes.is_empty() {
        return card;
    }
    let line = |mute: &Mute| {
        let name = text::cut(&text::escape(&mute.name), 80);
        format!("{name} until {}", relative(mute.until))
    };
    let lines: Vec<String> = mutes.iter().map(line).collect();
    card.field("Muted", text::cut(&lines.join("\n"), 1_024), false)
}

fn place(known: Option<&AlertSettings>) -> CreateEmbed {
    let Some(known) = known else {
        return CreateEmbed::new()
            .title("Incidents are told nowhere")
            .description("`/alerts setup` chooses a channel.")
            .colour(GREY);
    };
    let role = known
        .role
        .map_or("nobody".to_owned(), |role| format!("<@&{role}>"));
    let card = CreateEmbed::new()
        .title("Incidents are told")
        .field("Channel", format!("<#{}>", known.channel), true)
        .field("Called when one begins", role, true);
    match &known.broken {
        Some((reason, since)) => {
            let since = relative(*since);
            let reason = text::cut(&text::escape(reason), 500);
            card.colour(RED).description(format!(
                "Nothing was told since {since}: {reason}. Mend that and set the channel again; what was missed is told then."
            ))
        }
        None => card.colour(GREEN),
    }
}
