//! What commands and buttons have in common: ask the store or an action, and make the card.

use std::sync::Arc;

use super::cards::health::Health;
use super::cards::{self, Pages};
use super::error::CommandError;
use super::reply::Message;
use super::{AppState, buttons, complete};
use crate::actions::manage_endpoint::{self, Added};
use crate::actions::record_result::Recorded;
use crate::actions::{
    Requester, alerts, maintenance, manage_server, mute, recheck, suggest_thresholds,
};
use crate::domain::check_result::FailureClass;
use crate::domain::grouping::IncidentId;
use crate::domain::monitor::{GuildId, MonitorId};
use crate::domain::target::{Host, Target};
use crate::domain::threshold::Thresholds;
use crate::store::endpoint::{self, Description, Endpoint, Filter};
use crate::store::{job_run, server};

/// How the bot itself is.
pub(super) async fn bot_health(app: &AppState) -> Result<Health, CommandError> {
    let (health, metrics) = (&app.health, &app.metrics);
    Ok(Health {
        shards: health.shards(),
        uptime: health.uptime(),
        reconnects_today: health.reconnects_on(app.now().day()),
        failed_checks: health.failed_checks(),
        scheduler_is_running: health.scheduler_is_running(),
        checks_queued: metrics.checks_queued.get(),
        checks_in_flight: metrics.checks_in_flight.get(),
        writes_waiting: app.store.writer.waiting(),
        database_bytes: app.store.reader.size_on_disk(),
        jobs: job_run::all(&app.store.reader).await?,
    })
}

/// Which part of the offline list is shown, and to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfflineView {
    /// Counted from 1; one that is too large shows the last.
    pub page: u32,
    pub reason: Option<FailureClass>,
    pub may_manage: bool,
}

pub(super) async fn offline_list(
    app: &AppState,
    guild: GuildId,
    view: OfflineView,
) -> Result<Message, CommandError> {
    let filter = Filter {
        guild: Some(guild),
        active: Some(false),
        reason: view.reason,
        ..Filter::default()
    };
    let (page, pages) = load_page(app, filter, view.page, cards::offline::PER_PAGE).await?;
    if page.is_empty() {
        return Ok(Message::sentence(cards::offline::empty(view.reason)));
    }
    let last_run = job_run::last(&app.store.reader, "recheck").await?;
    let next = cards::offline::Rechecks {
        min_age: app.recheck.min_age,
        interval: app.recheck_interval,
        last_run_at: last_run.map(|run| run.started_at),
        now: app.now(),
    };
    let mut card = Message::embed(cards::offline::list(&page, pages, view.reason, &next));
    card.rows = buttons::offline_rows(pages, view);
    Ok(card)
}

/// Which part of the roll is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndpointsView {
    /// Counted from 1; one that is too large shows the last.
    pub page: u32,
    /// Every endpoint with its status, not only the active ones.
    pub all: bool,
}

pub(super) async fn endpoints(
    app: &AppState,
    guild: GuildId,
    view: EndpointsView,
) -> Result<Message, CommandError> {
    let active = (!view.all).then_some(true);
    let filter = Filter {
        guild: Some(guild),
        active,
        ..Filter::default()
    };
    let (page, pages) = load_page(app, filter, view.page, cards::endpoints::PER_PAGE).await?;
    if page.is_empty() {
        return Ok(Message::sentence(if view.all {
            cards::NO_ENDPOINTS
        } else {
            cards::endpoints::NONE_ACTIVE
        }));
    }
    let mut card = Message::embed(cards::endpoints::list(&page, pages, view.all));
    card.rows = buttons::endpoints_rows(pages, view);
    Ok(card)
}

async fn load_page(
    app: &AppState,
    filter: Filter,
    page: u32,
    per_page: u32,
) -> Result<(Vec<Endpoint>, Pages), CommandError> {
    let offset = |page: u32| u64::from(page - 1) * u64::from(per_page);
    let wanted = page.max(1);
    let found = endpoint::list(&app.store.reader, filter, offset(wanted), per_page).await?;
    let pages = Pages::new(wanted, found.total, per_page);
    if pages.page == wanted {
        return Ok((found.endpoints, pages));
    }
    let last = endpoint::list(&app.store.reader, filter, offset(pages.page), per_page).await?;
    Ok((last.endpoints, pages))
}

/// Looks at one endpoint now and shows what was seen.
pub(super) async fn recheck(
    app: &AppState,
    requester: Requester,
    endpoint: Endpoint,
) -> Result<Message, CommandError> {
    let scheduled = recheck::scheduled(&app.store.reader, &endpoint).await?;
    let checks = app.checks.clone();
    // On the main runtime: a look's timings must not depend on how busy Discord keeps us.
    let checked = app
        .home
        .spawn(async move { checks.check_and_record(&scheduled, requester.actor).await })
        .await;
    let recorded = checked.map_err(|error| CommandError::Internal(error.to_string()))??;
    let Some(recorded) = recorded else {
        return Ok(Message::sentence(format!(
            "{} was changed or removed meanwhile.",
            cards::mention(&endpoint.description)
        )));
    };
    Ok(rechecked(&endpoint, &recorded))
}

fn rechecked(endpoint: &Endpoint, recorded: &Arc<Recorded>) -> Message {
    let mut card = Message::embed(cards::recheck::result(&endpoint.description, recorded));
    card.rows = buttons::recheck_row(endpoint.id);
    card
}

/// Rechecks every inactive endpoint of a guild, whenever it was looked at last.
pub(super) async fn recheck_all(
    app: &AppState,
    requester: Requester,
) -> Result<Message, CommandError> {
    let (checks, reader) = (app.checks.clone(), app.store.reader.clone());
    let options = recheck::RecheckOptions {
        min_age: std::time::Duration::ZERO,
        ..app.recheck
    };
    let stopwatch = crate::clock::Stopwatch::start();
    let run = recheck::Run {
        guild: Some(requester.guild),
        options,
        actor: requester.actor,
    };
    let run = app
        .home
        .spawn(async move { recheck::all_overdue(&checks, &reader, run, |_, _| {}).await });
    let summary = run
        .await
        .map_err(|error| CommandError::Internal(error.to_string()))??;
    Ok(Message::embed(cards::recheck::run(
        &summary,
        stopwatch.elapsed(),
    )))
}

/// Thresholds that a server's rhythm would give it, with buttons for those who may take them.
pub(super) async fn suggestion(
    app: &AppState,
    requester: Requester,
    id: MonitorId,
    may_manage: bool,
) -> Result<Message, CommandError> {
    let reader = &app.store.reader;
    let server = server::get(reader, requester.guild, id).await?;
    let server = server.ok_or_else(gone)?;
    let at = (app.thresholds, app.now());
    let Some(found) = suggest_thresholds::suggest(reader, &server, at).await? else {
        return Ok(Message::sentence(format!(
            "{} has reported too seldom in the last 7 days to tell a rhythm: it takes {} reports.",
            cards::bold(&server.name),
            crate::domain::threshold_proposal::ENOUGH + 1
        )));
    };
    let mut card = Message::embed(cards::servers::suggestion(&server, &found));
    if may_manage && found.proposed != found.current {
        card.rows = buttons::suggestion_row(id, found.proposed);
    }
    Ok(card)
}

/// Gives a server the thresholds that were proposed, and shows it.
pub(super) async fn take_thresholds(
    app: &AppState,
    requester: Requester,
    (id, thresholds): (MonitorId, Thresholds),
) -> Result<Message, CommandError> {
    let edit = manage_server::Edit {
        thresholds: Some(Some(thresholds)),
        ..manage_server::Edit::default()
    };
    manage_server::edit(&app.store, requester, id, edit, app.now()).await?;
    let at = (app.thresholds, app.now());
    let standing = manage_server::standing(&app.store.reader, requester, id, at).await?;
    let mut card = Message::embed(cards::servers::one(&standing, &[]));
    card.content = "Applied.".to_owned();
    Ok(card)
}

/// Leaves the thresholds of a server as they are, and says so.
pub(super) async fn keep_thresholds(
    app: &AppState,
    requester: Requester,
    id: MonitorId,
) -> Result<Message, CommandError> {
    let server = server::get(&app.store.reader, requester.guild, id).await?;
    let server = server.ok_or_else(gone)?;
    Ok(Message::sentence(format!(
        "The thresholds of {} stay as they are.",
        cards::bold(&server.name)
    )))
}

fn gone() -> CommandError {
    CommandError::Refused("That server is not on the roll any more.".into())
}

/// Somebody takes care of an incident; its card as it is then.
pub(super) async fn acknowledge(
    app: &AppState,
    requester: Requester,
    id: IncidentId,
) -> Result<Message, CommandError> {
    let incident = alerts::acknowledge(&app.store, requester, id, app.now()).await?;
    Ok(cards::incident::message(&incident))
}

/// Mutes what is on the card of an incident for an hour; the card as it is then.
pub(super) async fn mute(
    app: &AppState,
    requester: Requester,
    id: IncidentId,
) -> Result<Message, CommandError> {
    let incident = mute::mute_incident(&app.store, requester, id, app.now()).await?;
    Ok(cards::incident::message(&incident))
}

/// Declares maintenance of what is on the card of an incident for an hour; the card as it is then.
pub(super) async fn maintain(
    app: &AppState,
    requester: Requester,
    id: IncidentId,
) -> Result<Message, CommandError> {
    let incident = maintenance::schedule_for_incident(&app.store, requester, id, app.now()).await?;
    Ok(cards::incident::message(&incident))
}

/// One monitor of any kind.
pub(super) async fn monitor(
    app: &AppState,
    guild: GuildId,
    id: MonitorId,
) -> Result<Message, CommandError> {
    let reader = &app.store.reader;
    if let Some(found) = endpoint::get(reader, guild, id).await? {
        let mut card = Message::embed(cards::endpoint(&found, app.checks.rules.interval));
        card.rows = buttons::recheck_row(id);
        return Ok(card);
    }
    let named = complete::named(reader, guild, ("%", &format!("#{id}"))).await?;
    Ok(Message::embed(cards::status::one(&named)))
}

/// Adds one endpoint and shows it.
pub(super) async fn add(
    app: &AppState,
    requester: Requester,
    description: Description,
) -> Result<Message, CommandError> {
    let target = description.target.to_string();
    let warning = denied_note(app, &description.target);
    let now = app.now();
    let added = manage_endpoint::add(
        &app.store,
        requester,
        vec![description],
        app.quota_endpoints,
        now,
    )
    .await?;
    let Some(endpoint) = endpoint::with_target(&app.store.reader, requester.guild, &target).await?
    else {
        return Ok(Message::sentence("It was removed again meanwhile."));
    };
    let words = match added.first() {
        Some(Added::New(_)) => "Added. It is looked at right away.",
        _ => "It is on the roll already:",
    };
    let mut card = Message::embed(cards::endpoint(&endpoint, app.checks.rules.interval));
    card.content = format!("{words}{warning}");
    card.rows = buttons::recheck_row(endpoint.id);
    Ok(card)
}

/// An address that may not be looked at is taken all the same (it may be allowed later), with a word of warning.
fn denied_note(app: &AppState, target: &Target) -> &'static str {
    let Host::Ip(ip) = target.host else { return "" };
    match app.policy.judge(std::net::SocketAddr::new(ip, target.port)) {
        Ok(()) => "",
        Err(_) => {
            "\nThis address may not be looked at: it is not public, and the operator has not named it in `PROBE_ALLOW`."
        }
    }
}
