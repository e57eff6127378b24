//! Incidents as programs read and acknowledge them.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::actions::incidents::respond;
use crate::domain::event::Actor;
use crate::domain::history::range::HistoryRange;
use crate::domain::incidents::grouping::IncidentId;
use crate::domain::{Timestamp, text};
use crate::http::HttpState;
use crate::http::api::list::{Cursor, PageLimit, page};
use crate::http::api::problem::Problem;
use crate::http::api::request::{Admin, InPath, InQuery, Reader};
use crate::http::api::routes::Json;
use crate::http::api::values::{
    DateTime, Id, IncidentStateWord, Moment, OutageEndWord, OutageReasonWord, Word, date_time,
};
use crate::notify::wording;
use crate::store::incidents::incident::{self, Incident, IncidentFilter, Outage};

/// An incident with its outages.
#[derive(Serialize, ToSchema)]
#[schema(as = Incident)]
pub(super) struct IncidentView {
    id: Id,
    /// What its message in Discord says.
    #[schema(examples("🔴 shop is offline"))]
    title: String,
    /// When its first outage started.
    opened_at: DateTime,
    /// Null while it is open.
    #[schema(required)]
    ended_at: Option<DateTime>,
    #[schema(required)]
    acknowledged: Option<AcknowledgmentView>,
    /// The probable cause.
    #[schema(
        required,
        examples("The service. The host responds, but the check failed: unexpected status.")
    )]
    cause: Option<String>,
    /// The user-defined group that all of its monitors belong to.
    #[schema(required, examples("web"))]
    group: Option<String>,
    /// How many monitors have an outage in it. Each limit that a server exceeds counts as one.
    monitors: u64,
    /// How many of them are offline now, or exceed their limit.
    offline: u64,
    /// Whether one of its monitors is flapping.
    is_flapping: bool,
    /// The latest outage of each monitor and of each limit that a server exceeds, at most 25: open ones first, then the earliest.
    outages: Vec<OutageView>,
    /// How many notes it has.
    notes: u64,
}

/// Who acknowledged an incident, and when.
#[derive(Serialize, ToSchema)]
#[schema(as = Acknowledgment)]
struct AcknowledgmentView {
    /// `discord:<user id>` or `key:<key id>`.
    #[schema(examples("discord:175928847299117063"))]
    by: String,
    at: DateTime,
}

/// The downtime of one monitor, or the time in which a server exceeds one of its limits.
#[derive(Serialize, ToSchema)]
#[schema(as = Outage)]
struct OutageView {
    /// The id of the monitor.
    monitor: Id,
    /// The name of the monitor; null: it was removed, and its name is unknown.
    #[schema(required, examples("shop"))]
    name: Option<String>,
    /// Null for devices and servers.
    #[schema(required, examples("https://example.org/health"))]
    target: Option<String>,
    reason: OutageReasonWord,
    /// More about the reason, while the outage is open; of a limit, the number and the limit, also afterward.
    #[schema(required, examples("while connecting"))]
    detail: Option<String>,
    started_at: DateTime,
    /// Null while it is open.
    #[schema(required)]
    ended_at: Option<DateTime>,
    #[schema(required)]
    ended_by: Option<OutageEndWord>,
    /// Whether the monitor is flapping.
    is_flapping: bool,
}

impl From<&Incident> for IncidentView {
    fn from(incident: &Incident) -> Self {
        let acknowledgment = |(by, at): (Actor, Timestamp)| AcknowledgmentView {
            by: by.to_string(),
            at: date_time(at),
        };
        let when = |at| format!("at {}", text::timestamp(at));
        let cause = incident.cause.as_ref();
        Self {
            id: incident.id.0,
            title: wording::title(incident, str::to_owned),
            opened_at: date_time(incident.opened_at),
            ended_at: incident.ended_at.map(date_time),
            acknowledged: incident.acknowledged.map(acknowledgment),
            cause: cause.map(|cause| wording::cause(cause, str::to_owned, when)),
            group: incident.group_key.group.clone(),
            monitors: incident.counts.monitors,
            offline: incident.counts.open,
            is_flapping: incident.counts.flapping > 0,
            outages: incident.outages.iter().map(OutageView::from).collect(),
            notes: incident.notes.count,
        }
    }
}

impl From<&Outage> for OutageView {
    fn from(outage: &Outage) -> Self {
        Self {
            monitor: outage.monitor_id.0,
            name: outage.name.clone(),
            target: outage.target.clone(),
            reason: Word(outage.reason),
            detail: outage.detail.clone(),
            started_at: date_time(outage.started_at),
            ended_at: outage.ended.map(|(at, _)| date_time(at)),
            ended_by: outage.ended.map(|(_, end)| Word(end)),
            is_flapping: outage.is_flapping,
        }
    }
}

/// The query of the list of incidents.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct IncidentQuery {
    #[param(inline)]
    state: Option<IncidentStateWord>,
    /// Only incidents that were open after this moment.
    #[param(inline)]
    from: Option<Moment>,
    /// Only incidents that were opened before this moment.
    #[param(inline)]
    to: Option<Moment>,
    #[param(inline)]
    cursor: Option<Cursor>,
    #[serde(default)]
    #[param(inline)]
    limit: PageLimit<50, 200>,
}

/// A page of incidents.
#[derive(Serialize, ToSchema)]
pub(super) struct IncidentList {
    incidents: Vec<IncidentView>,
    #[schema(required)]
    next_cursor: Option<Cursor>,
}

pub(super) async fn list(
    reader: Reader,
    State(app): State<HttpState>,
    InQuery(query): InQuery<IncidentQuery>,
) -> Result<Json<IncidentList>, Problem> {
    let filter = IncidentFilter {
        guild: reader.0.guild_id,
        state: query.state.map(|word| word.0),
        range: HistoryRange {
            from: query
                .from
                .map_or(HistoryRange::ALWAYS.from, |moment| moment.0),
            to: query.to.map_or(HistoryRange::ALWAYS.to, |moment| moment.0),
        },
        before: query.cursor.map(|cursor| IncidentId(cursor.number(0))),
    };
    let limit = query.limit.get();
    let incidents = incident::list(&app.store.reader, filter, limit + 1).await?;
    let page = page(incidents, limit, |one| [one.id.0.to_string()].into());
    Ok(Json(IncidentList {
        incidents: page.items.iter().map(IncidentView::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

pub(super) async fn show(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<IncidentId>,
) -> Result<Json<IncidentView>, Problem> {
    let incident = respond::find(&app.store.reader, reader.requester(), id).await?;
    Ok(Json((&incident).into()))
}

pub(super) async fn acknowledge(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<IncidentId>,
) -> Result<Json<IncidentView>, Problem> {
    let (requester, now) = (admin.requester(), app.clock.now());
    let incident = respond::acknowledge(&app.store, requester, id, now).await?;
    Ok(Json((&incident).into()))
}
