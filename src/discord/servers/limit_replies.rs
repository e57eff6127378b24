//! Replies about limits on what servers report, and what is offered for a server that reports and has none.

use poise::serenity_prelude::CreateActionRow;

use crate::actions::Requester;
use crate::actions::servers::manage_server::{self, Standing};
use crate::actions::servers::metric_limits::{self, LimitEdit};
use crate::actions::servers::{figures, first_report};
use crate::discord::DiscordState;
use crate::discord::notifications::alerts_off;
use crate::discord::servers::{limit_card, server_card, texts};
use crate::discord::ui::buttons;
use crate::discord::ui::custom_id::OfferedLimit;
use crate::discord::ui::error::CommandError;
use crate::discord::ui::reply::{self, LAST_EDIT, Message};
use crate::domain::discord_id::GuildId;
use crate::domain::monitor::MonitorId;
use crate::domain::servers::metric::Metric;
use crate::domain::servers::metric_limit::{ConditionKind, MetricLimit, Severity};
use crate::store::monitors::monitor::Monitor;
use crate::store::notifications::alert_settings;
use crate::store::servers::first_reports::FirstReportWait;
use crate::store::servers::metric_limit::StoredLimit;
use crate::store::servers::server::{self, Sample};
use crate::store::{Reader, StoreError};

/// The limits of a server, with an offer if it has none.
pub(super) async fn show(
    app: &DiscordState,
    requester: Requester,
    server: &Monitor,
) -> Result<Message, CommandError> {
    let reader = &app.store.reader;
    let limits = metric_limits::list(reader, requester, server.id).await?;
    let figures = latest_figures(reader, server.id).await?;
    let mut message = Message::embed(limit_card::one(&server.name, &limits, figures.as_deref()));
    message.rows = offered_row(server.id, &limits, figures.as_deref());
    Ok(message)
}

/// Sets a limit; says what it does, and what the latest report has of it.
pub(super) async fn set(
    app: &DiscordState,
    requester: Requester,
    server: &Monitor,
    limit: MetricLimit,
) -> Result<Message, CommandError> {
    let edit = LimitEdit::Set(vec![limit.clone()]);
    metric_limits::edit(&app.store, requester, server.id, edit, app.now()).await?;
    let figures = latest_figures(&app.store.reader, server.id).await?;
    let content = reply::lines([
        Some(texts::limit_set(&server.name, &limit)),
        Some(texts::limit_now(&limit, figures.as_deref())),
        not_notified(app, requester.guild, limit.severity).await?,
    ]);
    Ok(Message::sentence(content))
}

/// Removes the limits of a metric; of one kind of condition, if one is given.
pub(super) async fn remove(
    app: &DiscordState,
    requester: Requester,
    server: &Monitor,
    metric: Metric,
    kind: Option<ConditionKind>,
) -> Result<Message, CommandError> {
    let limits = metric_limits::list(&app.store.reader, requester, server.id).await?;
    let known: Vec<MetricLimit> = limits.into_iter().map(|one| one.limit).collect();
    let is_meant = |one: &&MetricLimit| {
        one.metric == metric && kind.is_none_or(|kind| kind == one.condition.kind())
    };
    let removed: Vec<MetricLimit> = known.iter().filter(is_meant).cloned().collect();
    if removed.is_empty() {
        return Err(texts::no_limit_to_remove(&server.name, &metric, &known));
    }
    let edit = LimitEdit::Remove(metric, kind);
    metric_limits::edit(&app.store, requester, server.id, edit, app.now()).await?;
    Ok(Message::sentence(texts::limits_removed(
        &server.name,
        &removed,
    )))
}

/// Waits for the first report of a server, as long as the reply can be edited. Returns what the reply shows of it; `None` if none
/// has arrived.
pub(super) async fn first_report(
    app: &DiscordState,
    requester: Requester,
    waiting: FirstReportWait,
) -> Result<Option<Message>, CommandError> {
    let (reader, guild, id) = (&app.store.reader, requester.guild, waiting.server());
    if !first_report::wait(reader, guild, waiting, LAST_EDIT).await? {
        return Ok(None);
    }
    let server = server::get(reader, guild, id).await?;
    let server = server.ok_or_else(texts::already_removed)?;
    let limits = metric_limits::list(reader, requester, id).await?;
    let figures = latest_figures(reader, id).await?;
    let figures = figures.unwrap_or_default();
    // The text of the reply stays: it has the key, which nothing keeps, and the lines for the agent.
    let mut message = Message::embed(limit_card::first_report(&server.name, &figures));
    message.rows = offered_row(id, &limits, Some(&figures));
    Ok(Some(message))
}

/// Sets the limits that were offered for a server without limits, and shows it.
pub(super) async fn add_offered(
    app: &DiscordState,
    requester: Requester,
    id: MonitorId,
    offered: &[OfferedLimit],
) -> Result<Message, CommandError> {
    let limits = offered.iter().map(OfferedLimit::limit).collect();
    let (edit, now) = (LimitEdit::SetFirst(limits), app.now());
    metric_limits::edit(&app.store, requester, id, edit, now).await?;
    let reader = &app.store.reader;
    let standing = manage_server::standing(reader, requester, id, app.thresholds, now).await?;
    let samples = server::latest_samples(reader, id, server_card::SAMPLES).await?;
    let mut card = server_card::one(&standing, &samples);
    if let Some(hint) = not_notified(app, requester.guild, Severity::Warning).await? {
        card = card.field(texts::NOTIFICATIONS, hint, false);
    }
    Ok(Message::embed(card))
}

/// The button with the limits that are offered for a server: for what its latest report has, if it has no limits.
pub(super) fn offer(standing: &Standing, samples: &[Sample]) -> Vec<CreateActionRow> {
    let figures = samples.first().map(|sample| figures::of(&sample.stats));
    offered_row(standing.server.id, &standing.limits, figures.as_deref())
}

fn offered_row(
    id: MonitorId,
    limits: &[StoredLimit],
    figures: Option<&[(String, f64)]>,
) -> Vec<CreateActionRow> {
    if !limits.is_empty() {
        return Vec::new();
    }
    buttons::limits_row(id, &MetricLimit::suggested(figures.unwrap_or_default()))
}

/// The numbers of the latest report of a server; `None` if there is none.
pub(super) async fn latest_figures(
    reader: &Reader,
    id: MonitorId,
) -> Result<Option<Vec<(String, f64)>>, StoreError> {
    let samples = server::latest_samples(reader, id, 1).await?;
    Ok(samples.first().map(|sample| figures::of(&sample.stats)))
}

/// Why a limit of this severity notifies nobody when it is exceeded; `None` if it does.
async fn not_notified(
    app: &DiscordState,
    guild: GuildId,
    severity: Severity,
) -> Result<Option<String>, CommandError> {
    if let Some(hint) = alerts_off::hint(app, guild).await? {
        return Ok(Some(hint));
    }
    if severity != Severity::Warning {
        return Ok(None);
    }
    let settings = alert_settings::get(&app.store.reader, guild).await?;
    let is_off = settings.is_some_and(|settings| !settings.preferences.notify_on_warning);
    Ok(is_off.then(|| texts::WARNINGS_OFF.to_owned()))
}
