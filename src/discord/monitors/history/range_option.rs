//! The option `range` of commands about the history: its suggestions, its value, and how lists show it.

use poise::serenity_prelude::{AutocompleteChoice, CreateAutocompleteResponse};

use super::texts;
use crate::discord::ui::custom_id::history_view::PagedRange;
use crate::discord::ui::error::{CommandError, wrong};
use crate::discord::{Context, DiscordState};
use crate::domain::discord_id::GuildId;
use crate::domain::history::range::{SUGGESTIONS, parse_range};
use crate::store::guild::guild_setting;

/// The range of a command without one.
const DEFAULT_RANGE: &str = "30d";

/// Suggests ranges that contain the typed text.
pub(in crate::discord) async fn suggest(
    _: Context<'_>,
    partial: &str,
) -> CreateAutocompleteResponse {
    let choices = matching(partial).map(|range| AutocompleteChoice::new(range, range));
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

fn matching(partial: &str) -> impl Iterator<Item = &'static str> {
    let partial = partial.trim().to_lowercase();
    let suggestions = SUGGESTIONS.iter().copied();
    suggestions.filter(move |range| range.contains(&partial))
}

/// The range that a member typed, in the time zone of the guild.
pub(in crate::discord) async fn wanted(
    app: &DiscordState,
    guild: GuildId,
    typed: Option<&str>,
) -> Result<PagedRange, CommandError> {
    let zone = guild_setting::timezone(&app.store.reader, guild).await?;
    let range = parse_range(typed.unwrap_or(DEFAULT_RANGE), zone, app.now());
    let range = range.map_err(|error| wrong("range", error))?;
    Ok(PagedRange::new(range))
}

/// A range as a picture names it.
pub(in crate::discord) fn name(typed: Option<&str>) -> String {
    typed.unwrap_or(DEFAULT_RANGE).trim().to_owned()
}

/// A range in the time zone of the guild.
pub(in crate::discord) async fn shown(
    app: &DiscordState,
    guild: GuildId,
    range: PagedRange,
) -> Result<String, CommandError> {
    let zone = guild_setting::timezone(&app.store.reader, guild).await?;
    Ok(texts::range(range.until(app.now()), zone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::ui::complete::CHOICES;

    #[test]
    fn suggestions_contain_the_typed_text() {
        let all: Vec<&str> = matching("").collect();
        assert_eq!(all, SUGGESTIONS);
        assert!(all.len() <= CHOICES as usize);
        let months: Vec<&str> = matching(" MONTH").collect();
        assert_eq!(months, ["this month", "last month"]);
        assert_eq!(matching("2026-10").count(), 0);
    }
}
