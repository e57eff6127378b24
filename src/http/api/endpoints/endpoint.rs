//! The operations on endpoints.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::change::{EditEndpoint, NewEndpoint, http_check};
use super::view::EndpointView;
use crate::actions;
use crate::actions::endpoints::manage_endpoint;
use crate::actions::endpoints::recheck;
use crate::domain::monitor::MonitorId;
use crate::domain::status::Status;
use crate::http::HttpState;
use crate::http::api::list::{Cursor, Natural, PageLimit};
use crate::http::api::problem::Problem;
use crate::http::api::request::{Admin, Caller, InBody, InPath, InQuery, Reader};
use crate::http::api::routes::{Created, Json, NoContent};
use crate::http::api::values::{FailureClassWord, StatusWord};
use crate::store::endpoints::endpoint::{
    self, Description, Endpoint, EndpointFilter, Position, Start,
};

/// The query of the endpoint list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointQuery {
    status: Option<StatusWord>,
    /// True: only active ones; false: only inactive ones. Paused endpoints are neither.
    active: Option<bool>,
    /// Why they are inactive.
    reason: Option<FailureClassWord>,
    /// How many to skip; the cursor does the same without gaps.
    #[param(inline)]
    offset: Option<Natural>,
    #[param(inline)]
    cursor: Option<Cursor>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLimit<100, 1000>,
}

/// A page of endpoints.
#[derive(Serialize, ToSchema)]
pub(super) struct EndpointList {
    endpoints: Vec<EndpointView>,
    #[schema(required)]
    next_cursor: Option<Cursor>,
    /// On all pages.
    total: u64,
}

pub(super) async fn list(
    reader: Reader,
    State(app): State<HttpState>,
    InQuery(query): InQuery<EndpointQuery>,
) -> Result<Json<EndpointList>, Problem> {
    let filter = EndpointFilter {
        guild: Some(reader.0.guild_id),
        status: query.status.map(|word| word.0),
        active: query.active,
        reason: query.reason.map(|word| word.0),
    };
    let start = match query.cursor {
        Some(cursor) => Start::After(Position {
            inactive_since: cursor.number(0),
            name: cursor.text(1).to_owned(),
            id: MonitorId(cursor.number(2)),
        }),
        None => Start::Skip(query.offset.map_or(0, |offset| offset.0.unsigned_abs())),
    };
    let found = endpoint::list(&app.store.reader, filter, start, query.limit.get()).await?;
    let view = |endpoint| EndpointView::new(endpoint, &app.checks.final_targets);
    Ok(Json(EndpointList {
        endpoints: found.endpoints.iter().map(view).collect(),
        next_cursor: found.next.map(cursor_of),
        total: found.total,
    }))
}

fn cursor_of(position: Position) -> Cursor {
    let since = position.inactive_since.to_string();
    [since, position.name, position.id.to_string()].into()
}

pub(super) async fn show(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
) -> Result<Json<EndpointView>, Problem> {
    view(&app, &reader, id).await.map(Json)
}

async fn find(app: &HttpState, caller: &Caller, id: MonitorId) -> Result<Endpoint, Problem> {
    let endpoint = endpoint::get(&app.store.reader, caller.0.guild_id, id).await?;
    endpoint.ok_or_else(Problem::not_found)
}

async fn view(app: &HttpState, caller: &Caller, id: MonitorId) -> Result<EndpointView, Problem> {
    let found = find(app, caller, id).await?;
    Ok(EndpointView::new(&found, &app.checks.final_targets))
}

pub(super) async fn add(
    admin: Admin,
    State(app): State<HttpState>,
    InBody(body): InBody<NewEndpoint>,
) -> Result<Created<EndpointView>, Problem> {
    let target = body.target.0;
    let text = target.to_string();
    let description = Description {
        http_check: match body.http {
            Some(options) => http_check(options.into(), None, target.scheme)?,
            None => None,
        },
        interval: body.interval.map(|interval| interval.0),
        name: match body.name {
            Some(name) => name.0,
            None => target.default_name(),
        },
        target,
    };
    let (store, requester, now) = (&app.store, admin.requester(), app.clock.now());
    let limited = app.checks.limited(store);
    let added = manage_endpoint::add_one(limited, requester, description, now).await?;
    let Some(id) = added else {
        return Err(actions::Error::Conflict(format!("`{text}` already exists")).into());
    };
    if body.paused == Some(true) {
        manage_endpoint::pause(store, requester, id, now).await?;
    }
    view(&app, &admin, id).await.map(Created)
}

pub(super) async fn edit(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
    InBody(body): InBody<EditEndpoint>,
) -> Result<Json<EndpointView>, Problem> {
    let before = find(&app, &admin, id).await?;
    let (store, requester, now) = (&app.store, admin.requester(), app.clock.now());
    let paused = body.paused;
    let description = before.description;
    let edit = body.read(description.http_check, &description.target)?;
    if !edit.is_empty() {
        manage_endpoint::edit(app.checks.limited(store), requester, id, edit, now).await?;
    }
    let is_paused = before.state.status == Status::Paused;
    match paused {
        Some(true) if !is_paused => {
            manage_endpoint::pause(store, requester, id, now).await?;
        }
        Some(false) if is_paused => {
            manage_endpoint::resume(store, requester, id, now).await?;
        }
        _ => {}
    }
    view(&app, &admin, id).await.map(Json)
}

pub(super) async fn remove(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
) -> Result<NoContent, Problem> {
    manage_endpoint::remove(&app.store, admin.requester(), id, app.clock.now()).await?;
    Ok(NoContent)
}

pub(super) async fn recheck(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
) -> Result<Json<EndpointView>, Problem> {
    let endpoint = find(&app, &admin, id).await?;
    let scheduled = recheck::scheduled(&app.store.reader, &endpoint).await?;
    let actor = admin.requester().actor;
    app.checks.check_and_record(&scheduled, actor).await?;
    view(&app, &admin, id).await.map(Json)
}
