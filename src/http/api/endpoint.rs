//! Endpoints: the same actions as the `/endpoint` commands, for programs.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::body::Fields;
use super::device::{answer, unprocessable};
use super::problem::Problem;
use super::query::{Asked, limit, wrong};
use crate::actions::endpoints::export_endpoints::listed;
use crate::actions::endpoints::import_endpoints::default_name;
use crate::actions::endpoints::manage_endpoint::{self, Added, EndpointEdit};
use crate::actions::endpoints::recheck;
use crate::domain::endpoints::check_result::FailureClass;
use crate::domain::endpoints::http_check_change::HttpCheckChange;
use crate::domain::endpoints::target::Target;
use crate::domain::key::KeyKind::{Admin, Read};
use crate::domain::monitor::{MonitorId, parse_interval, parse_name};
use crate::domain::patch::Patch;
use crate::domain::status::Status;
use crate::http::HttpState;
use crate::store::endpoints::endpoint::{self, Description, Endpoint, EndpointFilter};

/// The default and the maximum page size.
const PAGE: u32 = 100;
const LONGEST_PAGE: u32 = 1_000;

/// The query of the endpoint list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointQuery {
    status: Option<String>,
    active: Option<bool>,
    reason: Option<String>,
    offset: Option<u64>,
    limit: Option<u32>,
}

/// `GET /endpoints`, with a read or an admin key: those offline the longest first, then by name.
pub(super) async fn list(
    State(app): State<HttpState>,
    caller: Caller,
    Asked(query): Asked<EndpointQuery>,
) -> Result<Response, Problem> {
    caller.must_be(&[Read, Admin])?;
    let status = query.status.map(|word| {
        word.parse::<Status>()
            .ok()
            .ok_or_else(|| wrong("unknown `status`. Example: `status=offline`"))
    });
    let reason = query.reason.map(|word| {
        word.parse::<FailureClass>()
            .ok()
            .ok_or_else(|| wrong("unknown `reason`. Example: `reason=timed_out`"))
    });
    let filter = EndpointFilter {
        guild: Some(caller.0.guild_id),
        status: status.transpose()?,
        active: query.active,
        reason: reason.transpose()?,
    };
    let limit = limit(query.limit, PAGE, LONGEST_PAGE)?;
    let offset = query.offset.unwrap_or(0);
    let page = endpoint::list(&app.store.reader, filter, offset, limit).await?;
    let endpoints: Vec<Value> = page.endpoints.iter().map(shown).collect();
    Ok(answer(
        StatusCode::OK,
        &json!({ "endpoints": endpoints, "total": page.total }),
    ))
}

/// `GET /endpoints/{id}`, with a read or an admin key.
pub(super) async fn show(
    State(app): State<HttpState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.must_be(&[Read, Admin])?;
    let endpoint = find(&app, &caller, &id).await?;
    Ok(answer(StatusCode::OK, &shown(&endpoint)))
}

/// The body of a new endpoint, or of a change to one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointBody {
    target: Option<String>,
    name: Option<String>,
    /// A duration such as `30s`; `null` restores the default from the settings.
    #[serde(default, deserialize_with = "super::body::patch")]
    interval: Patch<String>,
    http: Option<Http>,
    paused: Option<bool>,
}

/// The request of an HTTP check and the expected response.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Http {
    status: Option<String>,
    /// `null` removes the keyword.
    #[serde(default, deserialize_with = "super::body::patch")]
    keyword: Patch<String>,
    method: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    redirects: Option<u8>,
    verify_tls: Option<bool>,
}

impl From<Http> for HttpCheckChange {
    fn from(http: Http) -> Self {
        let lines = |headers: BTreeMap<String, String>| {
            let lines = headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}"));
            lines.collect::<Vec<_>>().join("\n")
        };
        Self {
            status: http.status,
            keyword: http.keyword,
            method: http.method,
            headers: http.headers.map(lines),
            redirects: http.redirects,
            verify_tls: http.verify_tls,
        }
    }
}

/// `POST /endpoints`, with an admin key.
pub(super) async fn add(
    State(app): State<HttpState>,
    caller: Caller,
    Fields(payload): Fields<EndpointBody>,
) -> Result<Response, Problem> {
    caller.must_be(&[Admin])?;
    let missing = "this field is required. Example: `\"target\": \"https://example.org/health\"`";
    let target = payload.target.as_deref();
    let target = parse_target(target.ok_or_else(|| unprocessable("target", missing))?)?;
    let edit = changes(payload, &target, None)?;
    let description = Description {
        name: edit.name.unwrap_or_else(|| default_name(&target)),
        http_check: edit.http_check.apply(None),
        interval: edit.interval.apply(None),
        target,
    };
    let (text, now) = (description.target.to_string(), app.clock.now());
    let quota = app.quota_endpoints;
    let requester = caller.requester();
    let added = manage_endpoint::add(&app.store, requester, vec![description], quota, now).await?;
    let Some(Added::New(id)) = added.first() else {
        let detail = format!("`{text}` already exists");
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    };
    let endpoint = find(&app, &caller, &id.0.to_string()).await?;
    Ok(answer(StatusCode::CREATED, &shown(&endpoint)))
}

/// `PATCH /endpoints/{id}`, with an admin key. `paused` pauses or resumes the checks.
pub(super) async fn edit(
    State(app): State<HttpState>,
    caller: Caller,
    Path(id): Path<String>,
    Fields(payload): Fields<EndpointBody>,
) -> Result<Response, Problem> {
    caller.must_be(&[Admin])?;
    let before = find(&app, &caller, &id).await?;
    let (store, requester, now) = (&app.store, caller.requester(), app.clock.now());
    let target = payload.target.as_deref().map(parse_target).transpose()?;
    let paused = payload.paused;
    let at = target.as_ref().unwrap_or(&before.description.target);
    let mut edit = changes(payload, at, Some(&before))?;
    edit.target = target;
    if !edit.is_empty() {
        manage_endpoint::edit(store, requester, before.id, edit, now).await?;
    }
    match paused {
        Some(true) if before.state.status != Status::Paused => {
            manage_endpoint::pause(store, requester, before.id, now).await?;
        }
        Some(false) if before.state.status == Status::Paused => {
            manage_endpoint::resume(store, requester, before.id, now).await?;
        }
        _ => {}
    }
    let endpoint = find(&app, &caller, &id).await?;
    Ok(answer(StatusCode::OK, &shown(&endpoint)))
}

/// `DELETE /endpoints/{id}`, with an admin key.
pub(super) async fn remove(
    State(app): State<HttpState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.must_be(&[Admin])?;
    let id = parse_id(&id)?;
    manage_endpoint::remove(&app.store, caller.requester(), id, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /endpoints/{id}/recheck`, with an admin key: checks the endpoint now and returns its new status.
pub(super) async fn recheck(
    State(app): State<HttpState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.must_be(&[Admin])?;
    let endpoint = find(&app, &caller, &id).await?;
    let scheduled = recheck::scheduled(&app.store.reader, &endpoint).await?;
    let actor = caller.requester().actor;
    app.checks.check_and_record(&scheduled, actor).await?;
    let endpoint = find(&app, &caller, &id).await?;
    Ok(answer(StatusCode::OK, &shown(&endpoint)))
}

fn parse_id(id: &str) -> Result<MonitorId, Problem> {
    id.parse().map(MonitorId).map_err(|_| Problem::not_found())
}

async fn find(app: &HttpState, caller: &Caller, id: &str) -> Result<Endpoint, Problem> {
    let id = parse_id(id)?;
    let endpoint = endpoint::get(&app.store.reader, caller.0.guild_id, id).await?;
    endpoint.ok_or_else(Problem::not_found)
}

fn parse_target(text: &str) -> Result<Target, Problem> {
    text.parse::<Target>()
        .map_err(|error| unprocessable("target", error))
}

/// The edit without its target.
fn changes(
    payload: EndpointBody,
    target: &Target,
    before: Option<&Endpoint>,
) -> Result<EndpointEdit, Problem> {
    let name = payload.name.map(|name| parse_name(&name)).transpose();
    let interval = payload.interval.try_map(|text| parse_interval(&text));
    let known = before.and_then(|endpoint| endpoint.description.http_check.clone());
    let http_check = payload.http.map(|http| {
        let http_check = HttpCheckChange::from(http).apply(known, target.scheme);
        http_check.map_err(|wrong| unprocessable(&format!("http.{}", wrong.option), wrong.error))
    });
    Ok(EndpointEdit {
        name: name.map_err(|error| unprocessable("name", error))?,
        target: None,
        interval: interval.map_err(|error| unprocessable("interval", error))?,
        http_check: http_check.transpose()?.map_or(Patch::Keep, Patch::from),
    })
}

fn shown(endpoint: &Endpoint) -> Value {
    let mut details = listed(endpoint);
    let description = &endpoint.description;
    details["interval_seconds"] = json!(description.interval.map(|interval| interval.as_secs()));
    details["latency_ms"] = json!(
        endpoint
            .latency
            .map(|latency| latency.as_secs_f64() * 1000.0)
    );
    // Header values may be secrets: they are sent, but never shown.
    details["http"] = json!(description.http_check.as_ref().map(|http_check| json!({
        "status": format!("{}-{}", http_check.expected_status.0, http_check.expected_status.1),
        "keyword": http_check.keyword, "method": http_check.method.as_str(), "redirects": http_check.max_redirects,
        "verify_tls": http_check.verify_tls,
        "headers": http_check.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
    })));
    details
}
