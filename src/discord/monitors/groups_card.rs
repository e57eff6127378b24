//! The list of user-defined groups.

use poise::serenity_prelude::CreateEmbed;

use crate::discord::ui::embed::{GREY, bold};
use crate::domain::text;

/// Maximum characters of the list; an embed's description allows 4,096.
const LIST: usize = 4_000;

pub(in crate::discord) fn list(known: &[(String, u64)]) -> CreateEmbed {
    if known.is_empty() {
        return CreateEmbed::new()
            .title("No groups yet")
            .description("Add a monitor to a group with `/group set`.")
            .colour(GREY);
    }
    let line = |(name, count): &(String, u64)| {
        format!("{}: {}", bold(name), text::count(*count, "monitor"))
    };
    let lines: Vec<String> = known.iter().map(line).collect();
    CreateEmbed::new()
        .title(text::count(known.len() as u64, "group"))
        .description(text::cut(&lines.join("\n"), LIST))
        .colour(GREY)
}
