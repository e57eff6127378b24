//! Where a server is told, and whether that works.

use poise::serenity_prelude::CreateEmbed;

use super::{GREEN, GREY, RED, relative};
use crate::domain::text;
use crate::store::alert_settings::AlertSettings;

pub(in crate::discord) fn settings(known: Option<&AlertSettings>) -> CreateEmbed {
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
