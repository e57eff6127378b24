//! The option `incident` of commands: its suggestions, and its value.

use poise::serenity_prelude as serenity;
use serenity::{AutocompleteChoice, CreateAutocompleteResponse};

use crate::actions::incidents::respond;
use crate::discord::Context;
use crate::discord::incidents::texts;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::{complete, reply};
use crate::domain::history::range::HistoryRange;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::text;
use crate::notify::wording;
use crate::store::incidents::incident::{self, Incident, IncidentFilter};

/// How many of the latest incidents are suggested.
const LATEST: u32 = 100;

/// The incident that a member entered: `#12` or `12`.
pub(super) fn parse(entered: &str) -> Result<IncidentId, CommandError> {
    let id = entered.trim().trim_start_matches('#').parse().ok();
    id.map(IncidentId)
        .ok_or_else(|| texts::invalid_incident(entered))
}

/// Suggests the latest incidents whose title or number contains the typed text, and an earlier one by its number.
pub(super) async fn latest(ctx: Context<'_>, partial: &str) -> CreateAutocompleteResponse {
    let found = async {
        let (requester, reader) = (reply::requester(ctx)?, &ctx.data().store.reader);
        let filter = IncidentFilter {
            guild: requester.guild,
            state: None,
            range: HistoryRange::ALWAYS,
            before: None,
        };
        let mut incidents = incident::list(reader, filter, LATEST).await?;
        if let Ok(id) = parse(partial)
            && incidents.iter().all(|one| one.id != id)
            && let Ok(earlier) = respond::find(reader, requester, id).await
        {
            incidents.push(earlier);
        }
        Ok(incidents)
    };
    suggestions(found.await, partial)
}

fn suggestions(
    found: Result<Vec<Incident>, CommandError>,
    partial: &str,
) -> CreateAutocompleteResponse {
    let incidents = found.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot load incidents for autocomplete");
        Vec::new()
    });
    let partial = partial.trim().to_lowercase();
    let labels = incidents.iter().map(|one| (one.id, label(one)));
    let choices = labels
        .filter(|(_, label)| label.to_lowercase().contains(&partial))
        .take(complete::CHOICES as usize)
        .map(|(id, label)| AutocompleteChoice::new(label, format!("#{}", id.0)));
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

fn label(incident: &Incident) -> String {
    let title = wording::title(incident, str::to_owned);
    let label = texts::numbered(incident.id, &title);
    text::cut(&label, complete::CHOICE_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_is_entered_by_its_number() {
        assert_eq!(parse("#12").unwrap(), IncidentId(12));
        assert_eq!(parse(" 12 ").unwrap(), IncidentId(12));
        for wrong in ["", "#", "shop", "#x", "99999999999999999999"] {
            let error = parse(wrong).unwrap_err().to_string();
            assert!(error.contains("Invalid incident"), "{wrong}: {error}");
        }
    }
}
