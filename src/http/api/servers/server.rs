//! Servers as programs read and change them.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actions::servers::manage_server::{self, ServerEdit, Standing};
use crate::actions::servers::suggest_thresholds;
use crate::domain::key::KeyKind;
use crate::domain::monitor::MonitorId;
use crate::domain::patch::Patch;
use crate::domain::servers::threshold::Thresholds;
use crate::http::HttpState;
use crate::http::api::list::{ByName, Cursor, PageQuery, page_of};
use crate::http::api::problem::Problem;
use crate::http::api::request::{
    Admin, Caller, InBody, InPath, InQuery, OfServer, Reader, ReaderOf, patch,
};
use crate::http::api::routes::{Created, Json, NoContent};
use crate::http::api::values::{
    Bounded, DateTime, Id, Name, StatusWord, ThresholdUsedWord, Word, date_time,
};
use crate::store::servers::server::{self, Server};

/// A server and how its thresholds and limits judge it now.
#[derive(Serialize, ToSchema)]
#[schema(as = Server)]
pub(super) struct ServerView {
    id: Id,
    #[schema(examples("db-1"))]
    name: String,
    /// False while it is paused.
    is_active: bool,
    status: StatusWord,
    /// Its latest report.
    #[schema(required)]
    last_seen: Option<DateTime>,
    #[schema(required)]
    minutes_ago: Option<f64>,
    /// The status in a sentence; while a limit makes it worse, which limit.
    #[schema(examples("last report 2 min ago"))]
    reason: String,
    /// Only about the time since the last report: no limit changes it.
    threshold_used: ThresholdUsedWord,
    /// Whether no report has come for more than twice the expected interval. No limit changes it.
    should_alert: bool,
    /// In seconds; null while there are too few reports.
    #[schema(required)]
    expected_interval: Option<u64>,
    /// When the status began.
    since: DateTime,
    /// Whether the thresholds follow the report interval.
    auto_thresholds: bool,
    thresholds: ThresholdsView,
}

/// Thresholds in minutes.
#[derive(Serialize, ToSchema)]
#[schema(as = Thresholds)]
struct ThresholdsView {
    online: f64,
    warning: f64,
    offline: f64,
}

impl From<Standing> for ServerView {
    fn from(standing: Standing) -> Self {
        let minutes = |length: Duration| length.as_secs_f64() / 60.0;
        let (server, judgement) = (standing.server, standing.judgement);
        let tenths = |elapsed: Duration| (elapsed.as_secs_f64() / 6.0).round() / 10.0;
        let interval = standing.expected_interval;
        Self {
            id: server.id.0,
            name: server.name,
            is_active: server.is_active,
            status: Word(judgement.status),
            last_seen: server.last_seen_at.map(date_time),
            minutes_ago: judgement.elapsed.map(tenths),
            reason: judgement.reason,
            threshold_used: Word(judgement.used),
            should_alert: standing.should_alert,
            expected_interval: interval.map(|interval| interval.as_secs()),
            since: date_time(server.since),
            auto_thresholds: server.auto_thresholds,
            thresholds: ThresholdsView {
                online: minutes(standing.thresholds.online()),
                warning: minutes(standing.thresholds.warning()),
                offline: minutes(standing.thresholds.offline()),
            },
        }
    }
}

/// A page of servers.
#[derive(Serialize, ToSchema)]
pub(super) struct ServerList {
    servers: Vec<ServerView>,
    #[schema(required)]
    next_cursor: Option<Cursor>,
}

pub(super) async fn list(
    caller: Reader,
    State(app): State<HttpState>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<ServerList>, Problem> {
    let (reader, now) = (&app.store.reader, app.clock.now());
    let servers = server::list(reader, Some(caller.0.guild_id)).await?;
    let position = |server: &Server| ByName::new(&server.name, server.id.0);
    let page = page_of(servers, &query, position);
    let mut servers = Vec::with_capacity(page.items.len());
    for server in page.items {
        let standing = manage_server::judged(reader, server, app.thresholds, now).await?;
        servers.push(standing.into());
    }
    let next_cursor = page.next_cursor;
    Ok(Json(ServerList {
        servers,
        next_cursor,
    }))
}

pub(super) async fn show(
    caller: ReaderOf<OfServer>,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
) -> Result<Json<ServerView>, Problem> {
    readable(&caller, id)?;
    view(&app, &caller, id).await.map(Json)
}

async fn view(app: &HttpState, caller: &Caller, id: MonitorId) -> Result<ServerView, Problem> {
    let (reader, now) = (&app.store.reader, app.clock.now());
    let requester = caller.requester();
    let standing = manage_server::standing(reader, requester, id, app.thresholds, now).await?;
    Ok(standing.into())
}

/// Refuses the key of another server.
pub(super) fn readable(caller: &Caller, id: MonitorId) -> Result<(), Problem> {
    if caller.0.kind == KeyKind::Server && caller.0.monitor_id != Some(id) {
        return Err(Problem::not_found());
    }
    Ok(())
}

/// A server to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "db-1" })))]
pub(super) struct NewServer {
    name: Name,
}

/// A server that was added, with its key.
#[derive(Serialize, ToSchema)]
pub(super) struct AddedServer {
    #[serde(flatten)]
    server: ServerView,
    /// The key for its agent, which is not shown again.
    #[schema(examples("rc_server_…"))]
    key: String,
}

pub(super) async fn add(
    admin: Admin,
    State(app): State<HttpState>,
    InBody(body): InBody<NewServer>,
) -> Result<Created<AddedServer>, Problem> {
    let (requester, now) = (admin.requester(), app.clock.now());
    let (id, key) =
        manage_server::add(&app.store, requester, body.name.0, app.quota_servers, now).await?;
    Ok(Created(AddedServer {
        server: view(&app, &admin, id).await?,
        key: key.reveal(),
    }))
}

/// A change to a server.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "db-1", "thresholds": { "online": 5, "warning": 60, "offline": 120 } })))]
pub(super) struct EditServer {
    name: Option<Name>,
    /// False pauses it.
    active: Option<bool>,
    /// Null: those of the settings.
    #[serde(default, deserialize_with = "patch")]
    #[schema(value_type = Option<ThresholdMinutes>)]
    thresholds: Patch<ThresholdMinutes>,
    /// Whether the thresholds follow the report interval.
    auto_thresholds: Option<bool>,
}

/// Up to 31 days.
type Minutes = Bounded<1, 44_640>;

/// Thresholds in minutes, of which each is longer than the one before; `offline` may be as long as `warning`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ThresholdMinutes {
    #[schema(inline)]
    online: Minutes,
    #[schema(inline)]
    warning: Minutes,
    #[schema(inline)]
    offline: Minutes,
}

impl ThresholdMinutes {
    fn read(self) -> Result<Thresholds, Problem> {
        let [online, warning, offline] = [self.online, self.warning, self.offline]
            .map(|minutes| Duration::from_secs(u64::from(minutes.get()) * 60));
        Thresholds::new(online, warning, offline)
            .map_err(|error| Problem::new(StatusCode::CONFLICT, error.to_string()))
    }
}

pub(super) async fn edit(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
    InBody(body): InBody<EditServer>,
) -> Result<Json<ServerView>, Problem> {
    let edit = ServerEdit {
        name: body.name.map(|name| name.0),
        is_active: body.active,
        auto_thresholds: body.auto_thresholds,
        thresholds: body.thresholds.try_map(ThresholdMinutes::read)?,
    };
    let (requester, now) = (admin.requester(), app.clock.now());
    manage_server::edit(&app.store, requester, id, edit, now).await?;
    if body.auto_thresholds == Some(true) {
        suggest_thresholds::start(&app.store, requester, id, app.thresholds, now).await?;
    }
    view(&app, &admin, id).await.map(Json)
}

pub(super) async fn remove(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
) -> Result<NoContent, Problem> {
    manage_server::remove(&app.store, admin.requester(), id, app.clock.now()).await?;
    Ok(NoContent)
}
