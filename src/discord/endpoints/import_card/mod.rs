//! The card of an import's result: counts first, then the refused lines.

mod texts;

use poise::serenity_prelude::CreateEmbed;

use crate::actions::endpoints::import_endpoints::Imported;
use crate::discord::ui::embed::{AMBER, GREEN};
use crate::domain::text;

/// Maximum refused lines shown; the rest are counted.
const SHOWN: usize = 15;

pub(in crate::discord) fn imported(imported: &Imported) -> CreateEmbed {
    let refused = imported.refused.len();
    let card = CreateEmbed::new()
        .title(texts::imported(imported.added))
        .colour(if refused == 0 { GREEN } else { AMBER })
        .field("Added", imported.added.to_string(), true)
        .field("Already exist", imported.already_there.to_string(), true)
        .field("Rejected", refused.to_string(), true);
    let card = match imported.unread_columns.as_slice() {
        [] => card,
        columns => card.field(texts::UNREAD_COLUMNS, texts::columns(columns), false),
    };
    if refused == 0 {
        return card;
    }
    let mut lines: Vec<String> = imported
        .refused
        .iter()
        .take(SHOWN)
        .map(|refused| texts::rejected_line(refused.line, &refused.reason))
        .collect();
    if refused > SHOWN {
        lines.push(texts::more_rejected_lines(refused - SHOWN));
    }
    card.description(text::cut(&lines.join("\n"), 4096))
}
