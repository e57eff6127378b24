//! What `/servers suggest` and the buttons under its reply do.

use crate::actions::Requester;
use crate::actions::servers::{manage_server, suggest_thresholds};
use crate::discord::DiscordState;
use crate::discord::servers::{limit_replies, server_card, texts};
use crate::discord::ui::buttons;
use crate::discord::ui::custom_id::OfferedLimit;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::Message;
use crate::domain::monitor::MonitorId;
use crate::domain::patch::Patch;
use crate::domain::servers::threshold::Thresholds;
use crate::domain::servers::threshold_proposal;
use crate::store::servers::server;

/// Suggests thresholds from a server's report interval, with buttons to apply or keep for managers.
pub(in crate::discord) async fn suggestion(
    app: &DiscordState,
    requester: Requester,
    id: MonitorId,
    may_manage: bool,
) -> Result<Message, CommandError> {
    let reader = &app.store.reader;
    let server = server::get(reader, requester.guild, id).await?;
    let server = server.ok_or_else(texts::already_removed)?;
    let Some(found) =
        suggest_thresholds::suggest(reader, &server, app.thresholds, app.now()).await?
    else {
        // Each gap lies between two reports.
        let needed = threshold_proposal::ENOUGH + 1;
        return Ok(Message::sentence(texts::too_few_reports(
            &server.name,
            needed,
        )));
    };
    let mut message = Message::embed(server_card::suggestion(&server, &found));
    if may_manage && found.proposed != found.current {
        message.rows = buttons::suggestion_row(id, found.proposed);
    }
    Ok(message)
}

/// Applies the proposed thresholds to a server and shows it.
pub(in crate::discord) async fn take_thresholds(
    app: &DiscordState,
    requester: Requester,
    id: MonitorId,
    thresholds: Thresholds,
) -> Result<Message, CommandError> {
    let edit = manage_server::ServerEdit {
        thresholds: Patch::Set(thresholds),
        ..manage_server::ServerEdit::default()
    };
    let now = app.now();
    manage_server::edit(&app.store, requester, id, edit, now).await?;
    let reader = &app.store.reader;
    let standing = manage_server::standing(reader, requester, id, app.thresholds, now).await?;
    let mut message = Message::embed(server_card::one(&standing, &[]));
    message.content = texts::THRESHOLDS_APPLIED.to_owned();
    Ok(message)
}

/// Sets the limits that a button offers, and shows the server.
pub(in crate::discord) async fn add_limits(
    app: &DiscordState,
    requester: Requester,
    id: MonitorId,
    offered: &[OfferedLimit],
) -> Result<Message, CommandError> {
    limit_replies::add_offered(app, requester, id, offered).await
}

/// Confirms that a server's thresholds were not changed.
pub(in crate::discord) async fn keep_thresholds(
    app: &DiscordState,
    requester: Requester,
    id: MonitorId,
) -> Result<Message, CommandError> {
    let server = server::get(&app.store.reader, requester.guild, id).await?;
    let server = server.ok_or_else(texts::already_removed)?;
    Ok(Message::sentence(texts::thresholds_kept(&server.name)))
}
