//! Alert settings of single monitors.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alerts::role;
use crate::actions::incidents::alerts;
use crate::domain::monitor::MonitorId;
use crate::http::HttpState;
use crate::http::api::list::{ByName, Cursor, PageQuery, page_of};
use crate::http::api::problem::Problem;
use crate::http::api::request::{Admin, Caller, InBody, InPath, InQuery, Reader};
use crate::http::api::routes::{Json, NoContent};
use crate::http::api::values::{DiscordId, Id};
use crate::store::notifications::alert_override::{self, MonitorOverride, Override};

/// What is different for a monitor.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertOverride)]
pub(super) struct OverrideView {
    monitor: Id,
    #[schema(examples("web shop"))]
    name: String,
    /// False: no notifications about it.
    notify: bool,
    /// Mentioned instead of the usual role.
    #[schema(required, examples("41771983423143936"))]
    role: Option<String>,
}

impl From<MonitorOverride> for OverrideView {
    fn from(known: MonitorOverride) -> Self {
        Self {
            monitor: known.monitor.0,
            name: known.name,
            notify: known.own.notify,
            role: known.own.role.map(|role| role.to_string()),
        }
    }
}

/// A page of overrides.
#[derive(Serialize, ToSchema)]
pub(super) struct OverrideList {
    overrides: Vec<OverrideView>,
    #[schema(required)]
    next_cursor: Option<Cursor>,
}

pub(super) async fn list(
    reader: Reader,
    State(app): State<HttpState>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<OverrideList>, Problem> {
    let known = alert_override::all(&app.store.reader, reader.0.guild_id).await?;
    let position = |one: &MonitorOverride| ByName::new(&one.name, one.monitor.0);
    let page = page_of(known, &query, position);
    Ok(Json(OverrideList {
        overrides: page.items.into_iter().map(OverrideView::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

pub(super) async fn show(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
) -> Result<Json<OverrideView>, Problem> {
    view(&app, &reader, id).await.map(Json)
}

async fn view(app: &HttpState, caller: &Caller, id: MonitorId) -> Result<OverrideView, Problem> {
    let known = alert_override::all(&app.store.reader, caller.0.guild_id).await?;
    let found = known.into_iter().find(|known| known.monitor == id);
    found.map(OverrideView::from).ok_or_else(Problem::not_found)
}

/// What is to be different for a monitor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "notify": false })))]
pub(super) struct SetOverride {
    /// Default: true.
    notify: Option<bool>,
    /// Mentioned instead of the usual role; default: the usual one.
    role: Option<DiscordId>,
}

pub(super) async fn set(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
    InBody(body): InBody<SetOverride>,
) -> Result<Json<OverrideView>, Problem> {
    let (requester, now) = (admin.requester(), app.clock.now());
    let own = Override {
        notify: body.notify.unwrap_or(true),
        role: role(requester.guild, body.role)?,
    };
    let _ = alerts::set_override(&app.store, requester, id, Some(own), now).await?;
    view(&app, &admin, id).await.map(Json)
}

pub(super) async fn remove(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
) -> Result<NoContent, Problem> {
    view(&app, &admin, id).await?;
    let (requester, now) = (admin.requester(), app.clock.now());
    let _ = alerts::set_override(&app.store, requester, id, None, now).await?;
    Ok(NoContent)
}
