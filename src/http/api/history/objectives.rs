//! Objectives and their error budgets, as programs read and set them.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actions::history::objectives::{self, figures, figures::ObjectiveFigures};
use crate::domain::history::objective::{
    DEFAULT_WINDOW, Objective, ObjectiveSubject, ObjectiveWindow,
};
use crate::domain::monitor::MonitorId;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::{Admin, Caller, GroupName, InBody, InPath, Reader};
use crate::http::api::routes::{Json, NOT_FOUND_OR_CONFLICT, NoContent, Routes, about};
use crate::http::api::values::{
    Bounded, BudgetStateWord, DateTime, Id, PercentNumber, Word, date_time,
};

pub(super) fn routes(routes: &mut Routes) {
    routes.tag(
        "objectives",
        "How much of a rolling window monitors and groups are to be online, and how much downtime is left.",
    );
    routes.get::<Reader, _>(
        "/objectives",
        about(
            "list_objectives",
            "List objectives with their error budgets",
        )
        .describe("All of them at once, the largest share of its budget used first."),
        list,
    );
    routes.get::<Reader, _>(
        "/monitors/{id}/objective",
        about("get_monitor_objective", "Get the objective of a monitor"),
        show_of_monitor,
    );
    routes.put::<Admin, _>(
        "/monitors/{id}/objective",
        about("set_monitor_objective", "Set the objective of a monitor")
            .describe("It takes the place of the one that the monitor has.")
            .refuses(NOT_FOUND_OR_CONFLICT),
        set_of_monitor,
    );
    routes.delete::<Admin, _>(
        "/monitors/{id}/objective",
        about(
            "remove_monitor_objective",
            "Remove the objective of a monitor",
        ),
        remove_of_monitor,
    );
    routes.get::<Reader, _>(
        "/groups/{name}/objective",
        about("get_group_objective", "Get the objective of a group")
            .describe("Its downtime is the mean of its monitors."),
        show_of_group,
    );
    routes.put::<Admin, _>(
        "/groups/{name}/objective",
        about("set_group_objective", "Set the objective of a group")
            .describe("It takes the place of the one that the group has.")
            .refuses(NOT_FOUND_OR_CONFLICT),
        set_of_group,
    );
    routes.delete::<Admin, _>(
        "/groups/{name}/objective",
        about("remove_group_objective", "Remove the objective of a group"),
        remove_of_group,
    );
}

/// An objective with its error budget.
#[derive(Serialize, ToSchema)]
#[schema(as = Objective, examples(json!({
    "monitor": 17, "group": null, "name": "shop", "objective": 99.9, "window_days": 30, "monitors": 1, "state": "at_risk",
    "allowed_ms": 2_592_000, "used_ms": 1_440_000, "left_ms": 1_152_000, "used": 0.5556, "exhausted_at": "2026-01-31T12:00:00Z",
})))]
struct ObjectiveView {
    /// Null: it is about a group.
    #[schema(required)]
    monitor: Option<Id>,
    /// Null: it is about a monitor.
    #[schema(required)]
    group: Option<String>,
    /// Of the monitor or the group.
    name: String,
    /// In percent.
    objective: f64,
    window_days: u16,
    /// 1, or those that the group has now.
    monitors: u64,
    /// `at_risk` if half of the budget is used, `missed` if more than all of it.
    state: BudgetStateWord,
    /// The downtime that the objective allows in its window.
    allowed_ms: u64,
    /// The downtime in the window; of a group, the mean of its monitors.
    used_ms: u64,
    left_ms: u64,
    /// The share of the budget that is used, from 0; above 1 if the objective is missed.
    #[schema(minimum = 0)]
    used: f64,
    /// When nothing is left, at the rate of the last quarter of the window. Null: never, or nothing is left already.
    #[schema(required)]
    exhausted_at: Option<DateTime>,
}

impl From<ObjectiveFigures> for ObjectiveView {
    fn from(figures: ObjectiveFigures) -> Self {
        let (stored, budget) = (figures.stored, figures.budget);
        let (monitor, group) = match stored.subject {
            ObjectiveSubject::Monitor(id) => (Some(id.0), None),
            ObjectiveSubject::Group(name) => (None, Some(name)),
        };
        let millis = |length: std::time::Duration| u64::try_from(length.as_millis()).unwrap_or(0);
        Self {
            monitor,
            group,
            name: stored.name,
            objective: stored.objective.percent.number(),
            window_days: stored.objective.window.days(),
            monitors: figures.monitors,
            state: Word(budget.state()),
            allowed_ms: millis(budget.allowed),
            used_ms: millis(budget.used),
            left_ms: millis(budget.left()),
            used: budget.used_share(),
            exhausted_at: budget.exhausted_at.map(date_time),
        }
    }
}

/// The objectives of a Discord server.
#[derive(Serialize, ToSchema)]
struct ObjectiveList {
    objectives: Vec<ObjectiveView>,
}

async fn list(
    reader: Reader,
    State(app): State<HttpState>,
) -> Result<Json<ObjectiveList>, Problem> {
    let now = app.clock.now();
    let all = figures::list(&app.store.reader, reader.0.guild_id, now).await?;
    Ok(Json(ObjectiveList {
        objectives: all.into_iter().map(ObjectiveView::from).collect(),
    }))
}

/// The window of an objective, in days.
type WindowDays = Bounded<1, 365>;

/// An objective to be set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "objective": 99.9, "window_days": 30 })))]
struct SetObjective {
    #[schema(inline)]
    objective: PercentNumber,
    /// Default: 30.
    #[schema(inline)]
    window_days: Option<WindowDays>,
}

impl SetObjective {
    fn objective(&self) -> Objective {
        let days = self.window_days.map(WindowDays::get);
        let days = days.and_then(|days| u16::try_from(days).ok());
        Objective {
            percent: self.objective.0,
            window: days
                .and_then(ObjectiveWindow::from_days)
                .unwrap_or(DEFAULT_WINDOW),
        }
    }
}

async fn show(
    app: &HttpState,
    caller: &Caller,
    subject: &ObjectiveSubject,
) -> Result<Json<ObjectiveView>, Problem> {
    let (guild, now) = (caller.0.guild_id, app.clock.now());
    let found = figures::one(&app.store.reader, guild, subject, now).await?;
    Ok(Json(found.into()))
}

async fn set(
    app: &HttpState,
    admin: &Admin,
    subject: ObjectiveSubject,
    body: &SetObjective,
) -> Result<Json<ObjectiveView>, Problem> {
    let (requester, now) = (admin.requester(), app.clock.now());
    let objective = body.objective();
    objectives::set(&app.store, requester, subject.clone(), objective, now).await?;
    show(app, admin, &subject).await
}

async fn remove(
    app: &HttpState,
    admin: &Admin,
    subject: ObjectiveSubject,
) -> Result<NoContent, Problem> {
    objectives::remove(&app.store, admin.requester(), subject, app.clock.now()).await?;
    Ok(NoContent)
}

async fn show_of_monitor(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
) -> Result<Json<ObjectiveView>, Problem> {
    show(&app, &reader, &ObjectiveSubject::Monitor(id)).await
}

async fn set_of_monitor(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
    InBody(body): InBody<SetObjective>,
) -> Result<Json<ObjectiveView>, Problem> {
    set(&app, &admin, ObjectiveSubject::Monitor(id), &body).await
}

async fn remove_of_monitor(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<MonitorId>,
) -> Result<NoContent, Problem> {
    remove(&app, &admin, ObjectiveSubject::Monitor(id)).await
}

async fn show_of_group(
    reader: Reader,
    State(app): State<HttpState>,
    InPath(GroupName(name)): InPath<GroupName>,
) -> Result<Json<ObjectiveView>, Problem> {
    show(&app, &reader, &ObjectiveSubject::Group(name)).await
}

async fn set_of_group(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(GroupName(name)): InPath<GroupName>,
    InBody(body): InBody<SetObjective>,
) -> Result<Json<ObjectiveView>, Problem> {
    set(&app, &admin, ObjectiveSubject::Group(name), &body).await
}

async fn remove_of_group(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(GroupName(name)): InPath<GroupName>,
) -> Result<NoContent, Problem> {
    remove(&app, &admin, ObjectiveSubject::Group(name)).await
}
