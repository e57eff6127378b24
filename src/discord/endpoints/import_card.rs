//! The card of an import's result: counts first, then the refused lines.

use poise::serenity_prelude::CreateEmbed;

use crate::actions::endpoints::import_endpoints::Imported;
use crate::discord::ui::embed::{AMBER, GREEN};
use crate::domain::text;

/// Maximum refused lines shown; the rest are counted.
const SHOWN: usize = 15;

pub(in crate::discord) fn imported(imported: &Imported) -> CreateEmbed {
    let refused = imported.refused.len();
    let card = CreateEmbed::new()
        .title(format!(
            "{} added",
            text::count(imported.added as u64, "endpoint")
        ))
        .colour(if refused == 0 { GREEN } else { AMBER })
        .field("Added", imported.added.to_string(), true)
        .field("Already exist", imported.already_there.to_string(), true)
        .field("Rejected", refused.to_string(), true);
    if refused == 0 {
        return card;
    }
    let mut lines: Vec<String> = imported
        .refused
        .iter()
        .take(SHOWN)
        .map(|refused| {
            format!(
                "line {}: {}",
                refused.line,
                text::cut(&text::escape_around_code(&refused.reason), 220)
            )
        })
        .collect();
    if refused > SHOWN {
        lines.push(format!("… and {} more", refused - SHOWN));
    }
    card.description(text::cut(&lines.join("\n"), 4096))
}
