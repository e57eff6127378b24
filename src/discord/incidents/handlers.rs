//! What the buttons of an incident, `/ack` and the pages of `/incidents list` do.

use crate::actions::Requester;
use crate::actions::incidents::respond;
use crate::actions::silences::start;
use crate::discord::DiscordState;
use crate::discord::incidents::{incident_card, incidents_card};
use crate::discord::monitors::history::range_option;
use crate::discord::ui::buttons;
use crate::discord::ui::custom_id::history_view::IncidentsView;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::Message;
use crate::discord::ui::view::Pages;
use crate::domain::discord_id::GuildId;
use crate::domain::incidents::grouping::IncidentId;
use crate::store::incidents::incident::{self, IncidentFilter};

/// Acknowledges an incident and returns its updated message.
pub(in crate::discord) async fn acknowledge(
    app: &DiscordState,
    requester: Requester,
    id: IncidentId,
) -> Result<Message, CommandError> {
    let incident = respond::acknowledge(&app.store, requester, id, app.now()).await?;
    Ok(incident_card::message(&incident))
}

/// Mutes an incident's monitors for an hour and returns its updated message.
pub(in crate::discord) async fn mute(
    app: &DiscordState,
    requester: Requester,
    id: IncidentId,
) -> Result<Message, CommandError> {
    let incident = start::mute_incident(&app.store, requester, id, app.now()).await?;
    Ok(incident_card::message(&incident))
}

/// Starts an hour of maintenance for an incident's monitors and returns its updated message.
pub(in crate::discord) async fn maintain(
    app: &DiscordState,
    requester: Requester,
    id: IncidentId,
) -> Result<Message, CommandError> {
    let incident = start::maintain_incident(&app.store, requester, id, app.now()).await?;
    Ok(incident_card::message(&incident))
}

/// A page of incidents, the newest first.
pub(in crate::discord) async fn list(
    app: &DiscordState,
    guild: GuildId,
    view: IncidentsView,
) -> Result<Message, CommandError> {
    let reader = &app.store.reader;
    let filter = IncidentFilter {
        guild,
        state: view.state,
        range: view.range.until(app.now()),
        before: None,
    };
    let total = incident::count(reader, filter).await?;
    let pages = Pages::new(view.page, total, incidents_card::PER_PAGE);
    let skip = u64::from(pages.page - 1) * u64::from(incidents_card::PER_PAGE);
    let page = incident::list_after(reader, filter, skip, incidents_card::PER_PAGE).await?;
    let range = range_option::shown(app, guild, view.range).await?;
    let embed = incidents_card::list(&page, &range, pages, app.now());
    let mut message = Message::embed(embed);
    message.rows = buttons::incidents_rows(pages, view);
    Ok(message)
}
