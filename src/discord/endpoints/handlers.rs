//! What the commands and buttons of endpoints do: each calls the store or an action and builds the message.

use std::sync::Arc;

use crate::actions::Requester;
use crate::actions::endpoints::completed_check::Recorded;
use crate::actions::endpoints::manage_endpoint;
use crate::actions::endpoints::recheck;
use crate::discord::DiscordState;
use crate::discord::endpoints::added_reply::{self, AddedReply};
use crate::discord::endpoints::{list_card, offline_card, recheck_card, texts};
use crate::discord::notifications::alerts_off;
use crate::discord::ui::buttons;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, Message};
use crate::discord::ui::view::{EndpointsView, OfflineView, Pages};
use crate::domain::discord_id::GuildId;
use crate::domain::endpoints::target::{Host, Target};
use crate::store::endpoints::endpoint::{self, Description, Endpoint, EndpointFilter, Page, Start};
use crate::store::job_run;

pub(in crate::discord) async fn offline_list(
    app: &DiscordState,
    guild: GuildId,
    view: OfflineView,
) -> Result<Message, CommandError> {
    let filter = EndpointFilter {
        guild: Some(guild),
        active: Some(false),
        reason: view.reason,
        ..EndpointFilter::default()
    };
    let (page, pages) = load_page(app, filter, view.page, offline_card::PER_PAGE).await?;
    if page.endpoints.is_empty() && page.unreadable.is_empty() {
        let text = match has_endpoints(app, guild).await? {
            true => texts::no_offline_endpoints(view.reason),
            false => texts::NO_ENDPOINTS.to_owned(),
        };
        return Ok(Message::sentence(text));
    }
    let last_run = job_run::last(&app.store.reader, "recheck").await?;
    let next = offline_card::Rechecks {
        min_age: app.endpoints.recheck.min_age,
        interval: app.endpoints.recheck_interval,
        last_run_at: last_run.map(|run| run.started_at),
        now: app.now(),
    };
    let card = offline_card::list(&page.endpoints, pages, view.reason, &next);
    let mut message = Message::embed(card);
    message.content = texts::unreadable_endpoints(&page.unreadable).unwrap_or_default();
    message.rows = buttons::offline_rows(pages, view);
    Ok(message)
}

pub(in crate::discord) async fn endpoints(
    app: &DiscordState,
    guild: GuildId,
    view: EndpointsView,
) -> Result<Message, CommandError> {
    let active = (!view.all).then_some(true);
    let filter = EndpointFilter {
        guild: Some(guild),
        active,
        ..EndpointFilter::default()
    };
    let (page, pages) = load_page(app, filter, view.page, list_card::PER_PAGE).await?;
    if page.endpoints.is_empty() && page.unreadable.is_empty() {
        if !has_endpoints(app, guild).await? {
            return Ok(Message::sentence(texts::NO_ENDPOINTS));
        }
        let hint = alerts_off::hint(app, guild).await?;
        let lines = [Some(texts::NO_ACTIVE_ENDPOINTS.to_owned()), hint];
        return Ok(Message::sentence(reply::lines(lines)));
    }
    let hint = alerts_off::hint(app, guild).await?;
    let mut message = Message::embed(list_card::list(&page.endpoints, pages, view.all));
    message.content = reply::lines([texts::unreadable_endpoints(&page.unreadable), hint]);
    message.rows = buttons::endpoints_rows(pages, view);
    Ok(message)
}

/// Whether a guild has any endpoint.
async fn has_endpoints(app: &DiscordState, guild: GuildId) -> Result<bool, CommandError> {
    let filter = EndpointFilter {
        guild: Some(guild),
        ..EndpointFilter::default()
    };
    let found = endpoint::list(&app.store.reader, filter, Start::Skip(0), 1).await?;
    Ok(found.total > 0)
}

async fn load_page(
    app: &DiscordState,
    filter: EndpointFilter,
    page: u32,
    per_page: u32,
) -> Result<(Page, Pages), CommandError> {
    let offset = |page: u32| u64::from(page - 1) * u64::from(per_page);
    let wanted = page.max(1);
    let found = endpoint::list(
        &app.store.reader,
        filter,
        Start::Skip(offset(wanted)),
        per_page,
    )
    .await?;
    let pages = Pages::new(wanted, found.total, per_page);
    if pages.page == wanted {
        return Ok((found, pages));
    }
    let last = endpoint::list(
        &app.store.reader,
        filter,
        Start::Skip(offset(pages.page)),
        per_page,
    )
    .await?;
    Ok((last, pages))
}

/// Checks one endpoint now and shows the result.
pub(in crate::discord) async fn recheck(
    app: &DiscordState,
    requester: Requester,
    endpoint: Endpoint,
) -> Result<Message, CommandError> {
    let scheduled = recheck::scheduled(&app.store.reader, &endpoint).await?;
    let checks = app.checks.clone();
    // On the main runtime, so that the check's timings do not depend on the load of the Discord runtime.
    let checked = app
        .bot
        .main_runtime
        .spawn(async move { checks.check_and_record(&scheduled, requester.actor).await })
        .await;
    let recorded = checked.map_err(|error| CommandError::Internal(error.to_string()))??;
    let Some(recorded) = recorded else {
        return Ok(Message::sentence(texts::changed_or_removed(
            &endpoint.description,
        )));
    };
    Ok(rechecked(&endpoint, &recorded))
}

fn rechecked(endpoint: &Endpoint, recorded: &Arc<Recorded>) -> Message {
    let mut message = Message::embed(recheck_card::result(&endpoint.description, recorded));
    message.rows = buttons::recheck_row(endpoint.id);
    message
}

/// Rechecks every inactive endpoint of a guild, regardless of its last check.
pub(in crate::discord) async fn recheck_all(
    app: &DiscordState,
    requester: Requester,
) -> Result<Message, CommandError> {
    let (checks, reader) = (app.checks.clone(), app.store.reader.clone());
    let options = recheck::RecheckOptions {
        min_age: std::time::Duration::ZERO,
        ..app.endpoints.recheck
    };
    let stopwatch = crate::clock::Stopwatch::start();
    let run = recheck::Run {
        guild: Some(requester.guild),
        options,
        actor: requester.actor,
    };
    let run = app
        .bot
        .main_runtime
        .spawn(async move { recheck::all_due(&checks, &reader, run, |_, _| {}).await });
    let summary = run
        .await
        .map_err(|error| CommandError::Internal(error.to_string()))??;
    Ok(Message::embed(recheck_card::run(
        &summary,
        stopwatch.elapsed(),
    )))
}

/// Adds one endpoint and shows it with its first check, as far as that ends soon.
pub(in crate::discord) async fn add(
    app: &DiscordState,
    requester: Requester,
    description: Description,
) -> Result<AddedReply, CommandError> {
    let target = description.target.to_string();
    let is_allowed = is_allowed(app, &description.target);
    let (reader, guild) = (&app.store.reader, requester.guild);
    if !is_allowed
        && endpoint::with_target(reader, guild, &target)
            .await?
            .is_none()
    {
        return Err(texts::not_allowed());
    }
    let now = app.now();
    let limited = app.checks.limited(&app.store);
    let added = manage_endpoint::add_one(limited, requester, description, now).await?;
    let Some(endpoint) = endpoint::with_target(reader, guild, &target).await? else {
        return Ok(AddedReply::whole(Message::sentence(
            texts::REMOVED_IN_THE_MEANTIME,
        )));
    };
    if added.is_none() {
        let text = texts::already_exists(is_allowed);
        return added_reply::whole(app, guild, &endpoint, text).await;
    }
    AddedReply::with_first_check(app, guild, endpoint).await
}

/// Refuses a target whose address the policy does not allow.
pub(super) fn require_allowed(app: &DiscordState, target: &Target) -> Result<(), CommandError> {
    match is_allowed(app, target) {
        true => Ok(()),
        false => Err(texts::not_allowed()),
    }
}

/// Whether the address policy allows checks of a target. Names are judged only when they are checked.
fn is_allowed(app: &DiscordState, target: &Target) -> bool {
    let Host::Ip(ip) = target.host else {
        return true;
    };
    let address = std::net::SocketAddr::new(ip, target.port);
    app.endpoints.policy.judge(address).is_ok()
}
