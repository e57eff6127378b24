//! `/incidents list | show`: incidents of a range, and one of them with its notes, for every member.

use crate::actions::incidents::respond;
use crate::discord::Context;
use crate::discord::incidents::{handlers, incident_option, incidents_card};
use crate::discord::monitors::history::range_option;
use crate::discord::ui::custom_id::history_view::IncidentsView;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply;
use crate::domain::incidents::incident_state::IncidentState;

/// Show incidents
#[poise::command(slash_command, guild_only, subcommands("list", "show"))]
pub(in crate::discord) async fn incidents(_: Context<'_>) -> Result<(), CommandError> {
    Ok(())
}

/// Which incidents are listed. Append only: Discord identifies a choice by its index.
#[derive(Clone, Copy, Debug, poise::ChoiceParameter)]
enum StateChoice {
    #[name = "open"]
    Open,
    #[name = "resolved"]
    Resolved,
}

impl From<StateChoice> for IncidentState {
    fn from(choice: StateChoice) -> Self {
        match choice {
            StateChoice::Open => Self::Open,
            StateChoice::Resolved => Self::Resolved,
        }
    }
}

/// List incidents that were open in a range, the newest first
#[poise::command(slash_command, guild_only)]
async fn list(
    ctx: Context<'_>,
    #[description = "Such as 24h, last month, 2026-10 or 2026-10-03..2026-10-17 (default: 30d)"]
    #[autocomplete = "range_option::suggest"]
    #[max_length = 40]
    range: Option<String>,
    #[description = "Only incidents that are open, or resolved (default: both)"] state: Option<
        StateChoice,
    >,
    #[description = "Page (default: 1)"]
    #[min = 1]
    page: Option<u32>,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let (app, guild) = (ctx.data(), requester.guild);
        let view = IncidentsView {
            page: page.unwrap_or(1),
            state: state.map(IncidentState::from),
            range: range_option::wanted(app, guild, range.as_deref()).await?,
        };
        handlers::list(app, guild, view).await
    };
    reply::answer(ctx, work).await
}

/// Show an incident with its outages and notes
#[poise::command(slash_command, guild_only)]
async fn show(
    ctx: Context<'_>,
    #[description = "Title or number, such as #12"]
    #[autocomplete = "incident_option::latest"]
    #[max_length = 100]
    incident: String,
) -> Result<(), CommandError> {
    let requester = reply::requester(ctx)?;
    let work = async {
        let id = incident_option::parse(&incident)?;
        let found = respond::find(&ctx.data().store.reader, requester, id).await?;
        Ok(incidents_card::one(&found))
    };
    reply::answer(ctx, work).await
}
