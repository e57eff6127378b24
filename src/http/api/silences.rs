//! Silences: mutes of single monitors, and maintenance, once or weekly.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::list::{ById, Cursor, PageQuery, page_of};
use super::problem::Problem;
use super::request::{Admin, Caller, InBody, InPath, InQuery, Reader};
use super::routes::{CONFLICT, Created, Json, NOT_FOUND_OR_CONFLICT, NoContent, Routes, about};
use super::values::{
    DateTime, Id, Moment, MonitorIds, Name, SilenceKindWord, SilenceLength, TimeOfDay, WeekDayWord,
    Word, ZoneName, date_time,
};
use crate::actions::silences::edit::{self, SilenceEdit};
use crate::actions::silences::{end, start};
use crate::domain::Timestamp;
use crate::domain::silences::maintenance::{LENGTHS, TimeWindow, WeekDays, Weekly, parse_zone};
use crate::domain::silences::silence::{NewSilence, SilenceId, SilenceKind, SilenceScope};
use crate::http::HttpState;
use crate::store::silences::silence::{self, Silence};

pub(super) fn routes(routes: &mut Routes) {
    routes.tag(
        "silences",
        "Mutes and maintenance: checks and reports go on, notifications do not. Outages in maintenance do not count as downtime.",
    );
    routes.get::<Reader, _>(
        "/silences",
        about("list_silences", "List silences that are open or planned"),
        list,
    );
    routes.post::<Admin, _>(
        "/silences",
        about("add_silence", "Mute a monitor, or plan maintenance")
            .describe("A mute names one monitor in `monitors`, and starts now. Maintenance is for `monitors`, for a `group`, or for everything; it starts now, at `starts_at`, or weekly.")
            .refuses(NOT_FOUND_OR_CONFLICT),
        add,
    );
    routes.get::<Reader, _>(
        "/silences/{id}",
        about("get_silence", "Get a silence"),
        show,
    );
    routes.patch::<Admin, _>(
        "/silences/{id}",
        about("edit_silence", "Change the title or the end of a silence").refuses(CONFLICT),
        change,
    );
    routes.delete::<Admin, _>(
        "/silences/{id}",
        about("end_silence", "End a silence now")
            .describe("Weekly maintenance is deleted with all its dates."),
        remove,
    );
}

/// A silence.
#[derive(Serialize, ToSchema)]
#[schema(as = Silence)]
struct SilenceView {
    id: Id,
    kind: SilenceKindWord,
    /// Null for a mute.
    #[schema(required, examples("router update"))]
    title: Option<String>,
    /// Null: it is for a group, or for everything.
    #[schema(required)]
    monitors: Option<Vec<Id>>,
    #[schema(required, examples("web"))]
    group: Option<String>,
    /// The start of the window that is open, or that comes next.
    starts_at: DateTime,
    ends_at: DateTime,
    is_active: bool,
    /// Null: it happens once.
    #[schema(required)]
    weekly: Option<WeeklyView>,
}

/// When weekly maintenance happens.
#[derive(Serialize, ToSchema)]
#[schema(as = Weekly)]
struct WeeklyView {
    days: Vec<WeekDayWord>,
    /// In local time of the zone.
    #[schema(examples("22:30"))]
    at: String,
    duration_seconds: u64,
    #[schema(examples("Europe/Berlin"))]
    zone: String,
}

impl SilenceView {
    fn of(silence: Silence, now: Timestamp) -> Self {
        let (monitors, group) = match silence.scope {
            SilenceScope::All => (None, None),
            SilenceScope::Group(name) => (None, Some(name)),
            SilenceScope::Some(ids) => (Some(ids.into_iter().map(|id| id.0).collect()), None),
        };
        Self {
            id: silence.id.0,
            kind: Word(silence.kind),
            title: Some(silence.title).filter(|title| !title.is_empty()),
            monitors,
            group,
            starts_at: date_time(silence.window.starts_at),
            ends_at: date_time(silence.window.ends_at),
            is_active: silence.window.is_open(now),
            weekly: silence.weekly.map(WeeklyView::from),
        }
    }
}

impl From<Weekly> for WeeklyView {
    fn from(weekly: Weekly) -> Self {
        Self {
            days: weekly.days.days().map(Word).collect(),
            at: format!("{:02}:{:02}", weekly.minute / 60, weekly.minute % 60),
            duration_seconds: weekly.length.as_secs(),
            zone: weekly.zone.name().to_owned(),
        }
    }
}

/// A page of silences.
#[derive(Serialize, ToSchema)]
struct SilenceList {
    silences: Vec<SilenceView>,
    #[schema(required)]
    next_cursor: Option<Cursor>,
}

async fn list(
    reader: Reader,
    State(app): State<HttpState>,
    InQuery(query): InQuery<PageQuery>,
) -> Result<Json<SilenceList>, Problem> {
    let now = app.clock.now();
    let silences = silence::all(&app.store.reader, reader.0.guild_id).await?;
    let page = page_of(silences, &query, |silence| ById(silence.id.0));
    let silences = page.items.into_iter();
    Ok(Json(SilenceList {
        silences: silences.map(|one| SilenceView::of(one, now)).collect(),
        next_cursor: page.next_cursor,
    }))
}

async fn show(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<SilenceId>,
) -> Result<Json<SilenceView>, Problem> {
    view(&app, &reader, id).await.map(Json)
}

async fn find(app: &HttpState, caller: &Caller, id: SilenceId) -> Result<Silence, Problem> {
    let silence = silence::get(&app.store.reader, caller.0.guild_id, id).await?;
    silence.ok_or_else(Problem::not_found)
}

async fn view(app: &HttpState, caller: &Caller, id: SilenceId) -> Result<SilenceView, Problem> {
    let silence = find(app, caller, id).await?;
    Ok(SilenceView::of(silence, app.clock.now()))
}

/// A silence to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "kind": "maintenance", "title": "router update", "duration": "2h" })))]
struct AddSilence {
    kind: SilenceKindWord,
    /// Only of maintenance; default: `maintenance`.
    title: Option<Name>,
    monitors: Option<MonitorIds>,
    group: Option<Name>,
    duration: SilenceLength,
    /// Default: now.
    starts_at: Option<Moment>,
    weekly: Option<AddWeekly>,
}

/// When weekly maintenance starts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddWeekly {
    #[schema(min_items = 1, max_items = 7)]
    days: Vec<WeekDayWord>,
    /// In local time of the zone.
    at: TimeOfDay,
    /// Default: UTC.
    zone: Option<ZoneName>,
}

async fn add(
    admin: Admin,
    State(app): State<HttpState>,
    InBody(body): InBody<AddSilence>,
) -> Result<Created<SilenceView>, Problem> {
    let (store, requester, now) = (&app.store, admin.requester(), app.clock.now());
    let id = match body.kind.0 {
        SilenceKind::Mute => {
            let length = body.duration.0;
            let monitor = body.muted()?;
            start::mute(store, requester, monitor, length, now).await?
        }
        SilenceKind::Maintenance => {
            let new = body.maintenance(now)?;
            start::schedule(store, requester, new, now).await?
        }
    };
    view(&app, &admin, id).await.map(Created)
}

/// The problem of fields that contradict each other.
fn contradiction(detail: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, detail)
}

impl AddSilence {
    /// The one monitor of a mute.
    fn muted(self) -> Result<crate::domain::monitor::MonitorId, Problem> {
        let has_others = self.title.is_some()
            || self.group.is_some()
            || self.starts_at.is_some()
            || self.weekly.is_some();
        let monitors = self.monitors.map(|monitors| monitors.0).unwrap_or_default();
        match (monitors.as_slice(), has_others) {
            ([monitor], false) => Ok(*monitor),
            _ => Err(contradiction(
                "a mute has one monitor and a duration. Example: `{\"kind\":\"mute\",\"monitors\":[17],\"duration\":\"2h\"}`",
            )),
        }
    }

    fn maintenance(self, now: Timestamp) -> Result<NewSilence, Problem> {
        let length = self.duration.0;
        if !(LENGTHS.0..=LENGTHS.1).contains(&length) {
            return Err(contradiction(
                "maintenance lasts between 1m and 7d. Example: `2h`",
            ));
        }
        let scope = match (self.monitors, self.group) {
            (None, None) => SilenceScope::All,
            (Some(monitors), None) => SilenceScope::Some(monitors.0),
            (None, Some(name)) => SilenceScope::Group(name.0),
            (Some(_), Some(_)) => {
                return Err(contradiction(
                    "maintenance is for `monitors` or for a `group`, not for both",
                ));
            }
        };
        let weekly = self.weekly.map(|weekly| weekly.read(length)).transpose()?;
        let window = match (self.starts_at, &weekly) {
            (Some(_), Some(_)) => {
                return Err(contradiction(
                    "maintenance starts at `starts_at` or `weekly`, not both",
                ));
            }
            (None, Some(weekly)) => weekly
                .next(now)
                .ok_or_else(|| contradiction("this time never comes in this time zone"))?,
            (starts_at, None) => {
                let starts_at = starts_at.map_or(now, |moment| moment.0);
                TimeWindow {
                    starts_at,
                    ends_at: starts_at.plus(length),
                }
            }
        };
        if window.ends_at <= now {
            return Err(contradiction("this time is in the past"));
        }
        Ok(NewSilence {
            kind: SilenceKind::Maintenance,
            title: self
                .title
                .map_or_else(|| "maintenance".to_owned(), |title| title.0),
            scope,
            window,
            weekly,
        })
    }
}

impl AddWeekly {
    fn read(self, length: Duration) -> Result<Weekly, Problem> {
        let count = self.days.len();
        let days = WeekDays::of(self.days.into_iter().map(|word| word.0));
        let days = days.filter(|_| count <= 7);
        let zone = self.zone.map_or_else(|| "UTC".to_owned(), |zone| zone.0);
        let zone = parse_zone(&zone).map_err(|error| {
            Problem::new(StatusCode::NOT_FOUND, format!("`weekly.zone`: {error}"))
        })?;
        let days = days.ok_or_else(|| {
            let detail = "`weekly.days`: must have 1 to 7 days. Example: `[\"mon\"]`";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        })?;
        Ok(Weekly {
            days,
            minute: self.at.0,
            length,
            zone,
        })
    }
}

/// A change to a silence.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "title": "router update" })))]
struct EditSilence {
    /// Only of maintenance.
    title: Option<Name>,
    /// Not of weekly maintenance.
    ends_at: Option<Moment>,
}

async fn change(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<SilenceId>,
    InBody(body): InBody<EditSilence>,
) -> Result<Json<SilenceView>, Problem> {
    let edit = SilenceEdit {
        title: body.title.map(|title| title.0),
        ends_at: body.ends_at.map(|moment| moment.0),
    };
    let (requester, now) = (admin.requester(), app.clock.now());
    edit::edit(&app.store, requester, id, edit, now).await?;
    view(&app, &admin, id).await.map(Json)
}

async fn remove(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<SilenceId>,
) -> Result<NoContent, Problem> {
    end::end(&app.store, admin.requester(), id, app.clock.now()).await?;
    Ok(NoContent)
}
