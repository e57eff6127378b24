//! Handlers shared by commands and buttons: each calls the store or an action and builds the message.

use std::sync::Arc;

use super::AppState;
use super::cards;
use super::cards::health::Health;
use crate::actions::Requester;
use crate::actions::endpoints::completed_check::Recorded;
use crate::actions::endpoints::manage_endpoint::{self, Added};
use crate::actions::endpoints::recheck;
use crate::actions::incidents::alerts;
use crate::actions::servers::{manage_server, suggest_thresholds};
use crate::actions::silences::{maintenance, mute};
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::Message;
use crate::discord::ui::view::{EndpointsView, OfflineView, Pages};
use crate::discord::ui::{buttons, complete};
use crate::domain::endpoints::target::{Host, Target};
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::monitor::{GuildId, MonitorId};
use crate::domain::servers::threshold::Thresholds;
use crate::store::endpoints::endpoint::{self, Description, Endpoint, Filter};
use crate::store::job_run;
use crate::store::servers::server;

/// Collects the health of the bot itself.
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
    let mut message = Message::embed(cards::offline::list(&page, pages, view.reason, &next));
    message.rows = buttons::offline_rows(pages, view);
    Ok(message)
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
    let mut message = Message::embed(cards::endpoints::list(&page, pages, view.all));
    message.rows = buttons::endpoints_rows(pages, view);
    Ok(message)
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

/// Checks one endpoint now and shows the result.
pub(super) async fn recheck(
    app: &AppState,
    requester: Requester,
    endpoint: Endpoint,
) -> Result<Message, CommandError> {
    let scheduled = recheck::scheduled(&app.store.reader, &endpoint).await?;
    let checks = app.checks.clone();
    // On the main runtime, so that the check's timings do not depend on the load of the Discord runtime.
    let checked = app
        .main_runtime
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
    let mut message = Message::embed(cards::recheck::result(&endpoint.description, recorded));
    message.rows = buttons::recheck_row(endpoint.id);
    message
}

/// Rechecks every inactive endpoint of a guild, regardless of its last check.
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
        .main_runtime
        .spawn(async move { recheck::all_due(&checks, &reader, run, |_, _| {}).await });
    let summary = run
        .await
        .map_err(|error| CommandError::Internal(error.to_string()))??;
    Ok(Message::embed(cards::recheck::run(
        &summary,
        stopwatch.elapsed(),
    )))
}

/// Suggests thresholds from a server's report interval, with buttons to apply or keep for managers.
pub(super) async fn suggestion(
    app: &AppState,
    requester: Requester,
    id: MonitorId,
    may_manage: bool,
) -> Result<Message, CommandError> {
    let reader = &app.store.reader;
    let server = server::get(reader, requester.guild, id).await?;
    let server = server.ok_or_else(server_not_found)?;
    let at = (app.thresholds, app.now());
    let Some(found) = suggest_thresholds::suggest(reader, &server, at).await? else {
        return Ok(Message::sentence(format!(
            "{} has reported too seldom in the last 7 days to tell a rhythm: it takes {} reports.",
            cards::bold(&server.name),
            crate::domain::servers::threshold_proposal::ENOUGH + 1
        )));
    };
    let mut message = Message::embed(cards::servers::suggestion(&server, &found));
    if may_manage && found.proposed != found.current {
        message.rows = buttons::suggestion_row(id, found.proposed);
    }
    Ok(message)
}

/// Applies the proposed thresholds to a server and shows it.
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
    let mut message = Message::embed(cards::servers::one(&standing, &[]));
    message.content = "Applied.".to_owned();
    Ok(message)
}

/// Confirms that a server's thresholds were not changed.
pub(super) async fn keep_thresholds(
    app: &AppState,
    requester: Requester,
    id: MonitorId,
) -> Result<Message, CommandError> {
    let server = server::get(&app.store.reader, requester.guild, id).await?;
    let server = server.ok_or_else(server_not_found)?;
    Ok(Message::sentence(format!(
        "The thresholds of {} stay as they are.",
        cards::bold(&server.name)
    )))
}

fn server_not_found() -> CommandError {
    CommandError::Refused("That server is not on the roll any more.".into())
}

/// Acknowledges an incident and returns its updated message.
pub(super) async fn acknowledge(
    app: &AppState,
    requester: Requester,
    id: IncidentId,
) -> Result<Message, CommandError> {
    let incident = alerts::acknowledge(&app.store, requester, id, app.now()).await?;
    Ok(cards::incident::message(&incident))
}

/// Mutes an incident's monitors for an hour and returns its updated message.
pub(super) async fn mute(
    app: &AppState,
    requester: Requester,
    id: IncidentId,
) -> Result<Message, CommandError> {
    let incident = mute::mute_incident(&app.store, requester, id, app.now()).await?;
    Ok(cards::incident::message(&incident))
}

/// Starts an hour of maintenance for an incident's monitors and returns its updated message.
pub(super) async fn maintain(
    app: &AppState,
    requester: Requester,
    id: IncidentId,
) -> Result<Message, CommandError> {
    let incident = maintenance::schedule_for_incident(&app.store, requester, id, app.now()).await?;
    Ok(cards::incident::message(&incident))
}

/// Shows one monitor of any kind.
pub(super) async fn monitor(
    app: &AppState,
    guild: GuildId,
    id: MonitorId,
) -> Result<Message, CommandError> {
    let reader = &app.store.reader;
    if let Some(found) = endpoint::get(reader, guild, id).await? {
        let mut message = Message::embed(cards::endpoint(&found, app.checks.rules.interval));
        message.rows = buttons::recheck_row(id);
        return Ok(message);
    }
    let named = complete::named(reader, guild, (None, &format!("#{id}"))).await?;
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
    let note = match added.first() {
        Some(Added::New(_)) => "Added. It is looked at right away.",
        _ => "It is on the roll already:",
    };
    let mut message = Message::embed(cards::endpoint(&endpoint, app.checks.rules.interval));
    message.content = format!("{note}{warning}");
    message.rows = buttons::recheck_row(endpoint.id);
    Ok(message)
}

/// A warning for targets that the address policy blocks. They are still added, because the policy may allow them later.
fn denied_note(app: &AppState, target: &Target) -> &'static str {
    let Host::Ip(ip) = target.host else { return "" };
    match app.policy.judge(std::net::SocketAddr::new(ip, target.port)) {
        Ok(()) => "",
        Err(_) => {
            "\nThis address may not be looked at: it is not public, and the operator has not named it in `PROBE_ALLOW`."
        }
    }
}
