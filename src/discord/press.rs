//! Handles button presses, choices in menus and submitted forms. Guild, member and permissions come from the interaction and
//! are checked every time.

use std::str::FromStr;

use poise::serenity_prelude as serenity;
use serenity::{
    ComponentInteraction, ComponentInteractionDataKind, CreateInteractionResponse, FullEvent,
    Interaction, ModalInteraction,
};

use crate::actions::Requester;
use crate::actions::incidents::respond;
use crate::discord::bot::help_command::{self, PageRequest};
use crate::discord::bot::help_topic::HelpTopic;
use crate::discord::incidents::{self, incident_card};
use crate::discord::monitors::pictures::attach::PictureRequest;
use crate::discord::notifications::alert_channel;
use crate::discord::ui::access;
use crate::discord::ui::custom_id::Button;
use crate::discord::ui::error::{self, CommandError};
use crate::discord::ui::reply::{self, Message};
use crate::discord::ui::texts;
use crate::discord::ui::view::{EndpointsView, OfflineView};
use crate::discord::{DiscordState, commands, endpoints, monitors, servers, setup};
use crate::domain::endpoints::target::Target;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::monitor::MonitorId;
use crate::store::endpoints::endpoint::{self, Description};

/// Handles a press; ignores all other events.
pub(super) async fn on_event(
    ctx: &serenity::Context,
    event: &FullEvent,
    app: &DiscordState,
) -> Result<(), CommandError> {
    let FullEvent::InteractionCreate { interaction } = event else {
        return Ok(());
    };
    match interaction {
        Interaction::Component(press) => {
            if let Err(error) = handle(ctx, press, app).await {
                show_error(ctx, press, shown(press.id, error)).await?;
            }
        }
        Interaction::Modal(form) => {
            app.metrics.commands.with_label_values(&["form"]).inc();
            if let Err(error) = setup::handlers::submit(ctx, form, app).await {
                show_error_of_form(ctx, form, shown(form.id, error)).await?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The sentence that a member sees of an error. Internal details are logged.
fn shown(id: serenity::InteractionId, error: CommandError) -> String {
    match error {
        CommandError::Refused(sentence) => sentence,
        CommandError::Internal(reason) => error::internal_error(id.get(), &reason),
    }
}

async fn show_error(
    ctx: &serenity::Context,
    press: &ComponentInteraction,
    sentence: String,
) -> Result<(), CommandError> {
    let message = Message::sentence(sentence);
    if press
        .create_response(&ctx.http, message.clone().into_response())
        .await
        .is_err()
    {
        // The press was acknowledged already. The message stays unchanged, because other members may read it too.
        press
            .create_followup(&ctx.http, message.into_follow_up())
            .await?;
    }
    Ok(())
}

async fn show_error_of_form(
    ctx: &serenity::Context,
    form: &ModalInteraction,
    sentence: String,
) -> Result<(), CommandError> {
    let message = Message::sentence(sentence);
    let response = message.clone().into_response();
    if form.create_response(&ctx.http, response).await.is_err() {
        // As after a press, the form was acknowledged already.
        form.create_followup(&ctx.http, message.into_follow_up())
            .await?;
    }
    Ok(())
}

async fn handle(
    ctx: &serenity::Context,
    press: &ComponentInteraction,
    app: &DiscordState,
) -> Result<(), CommandError> {
    let requester = access::requester(press.guild_id, press.user.id)?;
    let permissions = press.member.as_ref().and_then(|member| member.permissions);
    let button = Button::parse(&press.data.custom_id).ok_or_else(unknown)?;
    app.metrics.commands.with_label_values(&["button"]).inc();
    match button {
        Button::RecheckAll => {
            access::require_manage(permissions)?;
            recheck_all(ctx, press, app, requester).await
        }
        Button::Recheck(id) => recheck_one(ctx, press, app, requester, id).await,
        Button::Add(target) => {
            access::require_manage(permissions)?;
            add(ctx, press, app, with_defaults(target)).await
        }
        Button::RecheckIncident(id) => {
            access::require_responder(&app.store.reader, requester, press.member.as_ref()).await?;
            app.bot.recheck_limit.count(requester, app.now())?;
            recheck_incident(ctx, press, app, requester, id).await
        }
        Button::HelpTopic => {
            let shown = PageRequest {
                requester,
                member: press.member.as_ref(),
                topic: chosen::<HelpTopic>(press).ok_or_else(unknown)?,
            };
            let message = help_command::page(app, &commands::all(), shown).await?;
            Ok(press
                .create_response(&ctx.http, message.into_update())
                .await?)
        }
        Button::Members(_) => {
            let chosen = MonitorId(chosen(press).ok_or_else(unknown)?);
            let request = PictureRequest::of_press(press)?;
            let work = monitors::handlers::monitor(app, request, chosen);
            reply::answer_press(ctx, press, work).await
        }
        Button::Setup(button) => {
            access::require_manage(permissions)?;
            setup::handlers::press(ctx, press, app, requester, button).await
        }
        Button::AlertChannel => {
            access::require_manage(permissions)?;
            alert_channel::choose(ctx, press, app, requester).await
        }
        Button::Acknowledge(_) | Button::Mute(_) | Button::Maintain(_) => {
            access::require_responder(&app.store.reader, requester, press.member.as_ref()).await?;
            let message = respond(app, requester, &button).await?;
            let shown = message.into_public_update();
            let shown = shown.map_err(|error| CommandError::Internal(error.to_string()))?;
            let (id, token) = (press.id, &press.token);
            let sent = ctx
                .http
                .create_interaction_response(id, token, &shown, Vec::new());
            Ok(sent.await?)
        }
        button => update(ctx, press, app, requester, button).await,
    }
}

/// Updates the requester's own reply. A long range of many monitors may take a while, so a press for a page of the history is
/// acknowledged first.
async fn update(
    ctx: &serenity::Context,
    press: &ComponentInteraction,
    app: &DiscordState,
    requester: Requester,
    button: Button,
) -> Result<(), CommandError> {
    let is_history = matches!(
        button,
        Button::UptimePage(_) | Button::OutagesPage(_) | Button::IncidentsPage(_)
    );
    if !is_history {
        let message = update_reply(press, app, requester, button).await?;
        let response = message.into_update();
        return Ok(press.create_response(&ctx.http, response).await?);
    }
    press
        .create_response(&ctx.http, CreateInteractionResponse::Acknowledge)
        .await?;
    let message = update_reply(press, app, requester, button).await?;
    press.edit_response(&ctx.http, message.into_edit()).await?;
    Ok(())
}

/// The value chosen in a menu.
fn chosen<T: FromStr>(press: &ComponentInteraction) -> Option<T> {
    let ComponentInteractionDataKind::StringSelect { values } = &press.data.kind else {
        return None;
    };
    values.first()?.parse().ok()
}

/// Acknowledges, mutes or starts maintenance for an incident; returns its updated message.
async fn respond(
    app: &DiscordState,
    requester: Requester,
    button: &Button,
) -> Result<Message, CommandError> {
    match button {
        Button::Acknowledge(id) => incidents::handlers::acknowledge(app, requester, *id).await,
        Button::Mute(id) => incidents::handlers::mute(app, requester, *id).await,
        Button::Maintain(id) => incidents::handlers::maintain(app, requester, *id).await,
        _ => Err(unknown()),
    }
}

/// Handles the buttons under the requester's own reply; returns the updated reply.
async fn update_reply(
    press: &ComponentInteraction,
    app: &DiscordState,
    requester: Requester,
    button: Button,
) -> Result<Message, CommandError> {
    let permissions = press.member.as_ref().and_then(|member| member.permissions);
    match button {
        Button::OfflinePage { page, reason } => {
            let view = OfflineView {
                page,
                reason,
                may_manage: access::may_manage(permissions),
            };
            endpoints::handlers::offline_list(app, requester.guild, view).await
        }
        Button::EndpointsPage { page, all } => {
            endpoints::handlers::endpoints(app, requester.guild, EndpointsView { page, all }).await
        }
        Button::ObjectivesPage { page } => {
            monitors::objectives::handlers::list(app, requester.guild, page).await
        }
        Button::UptimePage(view) => {
            monitors::history::handlers::uptime(app, requester.guild, &view).await
        }
        Button::OutagesPage(view) => {
            monitors::history::handlers::outages(app, requester.guild, &view).await
        }
        Button::IncidentsPage(view) => incidents::handlers::list(app, requester.guild, view).await,
        Button::TakeThresholds(id, thresholds) => {
            access::require_manage(permissions)?;
            servers::handlers::take_thresholds(app, requester, id, thresholds).await
        }
        Button::KeepThresholds(id) => {
            access::require_manage(permissions)?;
            servers::handlers::keep_thresholds(app, requester, id).await
        }
        Button::AddLimits(id, offered) => {
            access::require_manage(permissions)?;
            let mut message = servers::handlers::add_limits(app, requester, id, &offered).await?;
            // The reply to `/server add` keeps the key and the lines for the agent.
            message.content.clone_from(&press.message.content);
            Ok(message)
        }
        _ => Err(unknown()),
    }
}

fn unknown() -> CommandError {
    CommandError::Refused(texts::UNKNOWN_BUTTON.into())
}

/// Adds an endpoint and shows it in place of the button, then once more after its first check.
async fn add(
    ctx: &serenity::Context,
    press: &ComponentInteraction,
    app: &DiscordState,
    description: Description,
) -> Result<(), CommandError> {
    let requester = access::requester(press.guild_id, press.user.id)?;
    press
        .create_response(&ctx.http, CreateInteractionResponse::Acknowledge)
        .await?;
    let added = endpoints::handlers::add(app, requester, description).await?;
    press
        .edit_response(&ctx.http, added.message.into_edit())
        .await?;
    let Some(awaited) = added.awaited else {
        return Ok(());
    };
    let edited = async {
        let shown = awaited.edited(app).await?.into_edit();
        press.edit_response(&ctx.http, shown).await?;
        Ok(())
    };
    reply::log_failed_edit(edited.await);
    Ok(())
}

/// A new endpoint with default options.
fn with_defaults(target: Target) -> Description {
    Description {
        name: target.default_name(),
        target,
        http_check: None,
        interval: None,
    }
}

async fn recheck_incident(
    ctx: &serenity::Context,
    press: &ComponentInteraction,
    app: &DiscordState,
    requester: Requester,
    id: IncidentId,
) -> Result<(), CommandError> {
    press
        .create_response(&ctx.http, CreateInteractionResponse::Acknowledge)
        .await?;
    let (checks, store) = (app.checks.clone(), app.store.clone());
    let checked = app
        .bot
        .main_runtime
        .spawn(async move { respond::recheck_incident(&checks, &store, requester, id).await })
        .await;
    let incident = checked.map_err(|error| CommandError::Internal(error.to_string()))??;
    let shown = incident_card::message(&incident).into_public_edit();
    press.edit_response(&ctx.http, shown).await?;
    Ok(())
}

async fn recheck_one(
    ctx: &serenity::Context,
    press: &ComponentInteraction,
    app: &DiscordState,
    requester: Requester,
    id: MonitorId,
) -> Result<(), CommandError> {
    let found = endpoint::get(&app.store.reader, requester.guild, id).await?;
    let endpoint = found.ok_or_else(|| CommandError::Refused(texts::ENDPOINT_REMOVED.into()))?;
    app.bot.recheck_limit.count(requester, app.now())?;
    // A check may take its whole timeout. So the press is acknowledged first, and the message is edited after the check.
    press
        .create_response(&ctx.http, CreateInteractionResponse::Acknowledge)
        .await?;
    let message = endpoints::handlers::recheck(app, requester, endpoint).await?;
    press.edit_response(&ctx.http, message.into_edit()).await?;
    Ok(())
}

async fn recheck_all(
    ctx: &serenity::Context,
    press: &ComponentInteraction,
    app: &DiscordState,
    requester: Requester,
) -> Result<(), CommandError> {
    let lock = app.bot.guild_locks.take(requester.guild);
    let lock = lock.ok_or_else(|| CommandError::Refused(texts::RECHECK_IS_RUNNING.into()))?;
    app.bot.recheck_limit.count(requester, app.now())?;
    press
        .create_response(&ctx.http, CreateInteractionResponse::Acknowledge)
        .await?;
    let message = endpoints::handlers::recheck_all(app, requester).await?;
    drop(lock);
    press.edit_response(&ctx.http, message.into_edit()).await?;
    Ok(())
}
