//! The option `summary` of `/summary stop`: its suggestions, and its value.

use poise::serenity_prelude::{AutocompleteChoice, CreateAutocompleteResponse};

use super::texts;
use crate::discord::Context;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply;
use crate::domain::history::summary::schedule::ScheduleId;
use crate::store::history::summary_schedule;

/// The schedule that a manager entered: `#3`, `3` or a suggestion.
pub(super) fn parse(entered: &str) -> Result<ScheduleId, CommandError> {
    let word = entered.split_whitespace().next().unwrap_or_default();
    let id = word.trim_start_matches('#').parse().ok();
    id.map(ScheduleId)
        .ok_or_else(|| texts::invalid_schedule(entered))
}

/// Suggests the schedules of the guild whose number or times contain the typed text.
pub(super) async fn suggest(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let found = async {
        let (requester, reader) = (reply::requester(ctx)?, &ctx.data().store.reader);
        Ok::<_, CommandError>(summary_schedule::list(reader, requester.guild).await?)
    };
    let found = found.await.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot load scheduled summaries for autocomplete");
        Vec::new()
    });
    let partial = partial.trim().to_lowercase();
    let labels = found.iter().map(|one| (one.id, texts::choice(one)));
    let choices = labels
        .filter(|(_, label)| label.contains(&partial))
        .map(|(id, label)| AutocompleteChoice::new(label, format!("#{id}")));
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_entered_by_its_number() {
        for (entered, id) in [
            ("#3", Some(3)),
            (" 3 ", Some(3)),
            ("#3 weekly, mon at 09:00", Some(3)),
            ("", None),
            ("#", None),
            ("weekly", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse(entered).ok(), id.map(ScheduleId), "{entered}");
        }
    }
}
