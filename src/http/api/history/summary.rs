//! Summaries as programs read them, and which channels get one.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{RangeQuery, named_range};
use crate::actions::history::summary::{self, schedules};
use crate::domain::discord_id::{ChannelId, GuildId};
use crate::domain::history::summary::schedule::{
    DAYS_OF_MONTH, DEFAULT_MINUTE, ScheduleId, SummaryDay, SummaryPeriod, SummaryTimes,
};
use crate::domain::history::summary::{
    ExpiringSoon, ResponseTimes, SummarizedMonitor, SummarizedObjective,
};
use crate::domain::notifications::destination_health::DeliveryError;
use crate::domain::silences::maintenance::WeekDay;
use crate::http::HttpState;
use crate::http::api::problem::Problem;
use crate::http::api::request::{Admin, InBody, InPath, InQuery, Reader};
use crate::http::api::routes::{Created, Json, NOT_FOUND_OR_CONFLICT, NoContent, Routes, about};
use crate::http::api::values::{
    Bounded, BudgetStateWord, DateTime, DiscordId, Id, MonitorKindWord, SummaryPeriodWord,
    TimeOfDay, WeekDayWord, Word, date_time,
};
use crate::notify::messenger::ChannelAccess;
use crate::store::history::summary_schedule::{self, NewSchedule, StoredSchedule};

/// The range of a summary for which none is given.
const DEFAULT_RANGE: &str = "7d";

pub(super) fn routes(routes: &mut Routes) {
    routes.tag(
        "summaries",
        "What happened to the monitors in a range, and the channels that get it every day, week or month.",
    );
    routes.get::<Reader, _>(
        "/summary",
        about("get_summary", "Get a summary of a range").describe(
            "All monitors, the worst first. Objectives are those of now, with their error budgets at the end of the range; certificates expire within 30 days from now.",
        ),
        show,
    );
    routes.get::<Reader, _>(
        "/summaries",
        about("list_summaries", "List the channels that get summaries")
            .describe("All of them at once, the oldest first."),
        list,
    );
    routes.post::<Admin, _>(
        "/summaries",
        about("schedule_summary", "Schedule summaries for a channel")
            .describe("They take the place of those with the same period that the channel has. The channel must belong to the Discord server of the key.")
            .refuses(NOT_FOUND_OR_CONFLICT),
        schedule,
    );
    routes.delete::<Admin, _>(
        "/summaries/{id}",
        about("stop_summary", "Stop the summaries of a schedule"),
        stop,
    );
}

/// A monitor in a summary. The times of the classes add up to the range.
#[derive(Serialize, ToSchema)]
struct MonitorSummary {
    id: Id,
    kind: MonitorKindWord,
    name: String,
    #[schema(required)]
    group: Option<String>,
    /// Whether it was removed since the range began.
    is_removed: bool,
    /// From 0 to 1. Null: it was online or offline for less than 1 % of the range.
    #[schema(required, minimum = 0, maximum = 1, examples(0.9995))]
    uptime: Option<f64>,
    outages: u32,
    online_ms: u64,
    offline_ms: u64,
    maintenance_ms: u64,
    unknown_ms: u64,
    paused_ms: u64,
    longest_outage_ms: u64,
    /// Null: no outage ended by recovery.
    #[schema(required)]
    mean_time_to_recovery_ms: Option<u64>,
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

impl From<SummarizedMonitor> for MonitorSummary {
    fn from(one: SummarizedMonitor) -> Self {
        let (figures, times) = (one.figures, one.figures.times);
        Self {
            id: one.id.0,
            kind: Word(one.kind),
            name: one.name,
            group: one.group,
            is_removed: one.is_removed,
            uptime: times.uptime().map(|uptime| uptime.fraction()),
            outages: figures.outages,
            online_ms: millis(times.online),
            offline_ms: millis(times.offline),
            maintenance_ms: millis(times.maintenance),
            unknown_ms: millis(times.unknown),
            paused_ms: millis(times.paused),
            longest_outage_ms: millis(figures.longest_outage),
            mean_time_to_recovery_ms: figures.mean_time_to_recovery.map(millis),
        }
    }
}

/// A certificate that expires within 30 days.
#[derive(Serialize, ToSchema)]
struct CertificateSummary {
    /// Of its endpoint.
    name: String,
    /// Where redirects led to it. Null: the target itself.
    #[schema(required)]
    host: Option<String>,
    expires_at: DateTime,
}

impl From<ExpiringSoon> for CertificateSummary {
    fn from(one: ExpiringSoon) -> Self {
        Self {
            name: one.name,
            host: one.host,
            expires_at: date_time(one.expires_at),
        }
    }
}

/// An objective at the end of the range.
#[derive(Serialize, ToSchema)]
struct ObjectiveSummary {
    /// Of the monitor or the group.
    name: String,
    is_of_group: bool,
    /// In percent.
    objective: f64,
    window_days: u16,
    state: BudgetStateWord,
    allowed_ms: u64,
    used_ms: u64,
    left_ms: u64,
}

impl From<SummarizedObjective> for ObjectiveSummary {
    fn from(one: SummarizedObjective) -> Self {
        let budget = one.budget;
        Self {
            name: one.name,
            is_of_group: one.is_of_group,
            objective: one.objective.percent.number(),
            window_days: one.objective.window.days(),
            state: Word(budget.state()),
            allowed_ms: millis(budget.allowed),
            used_ms: millis(budget.used),
            left_ms: millis(budget.left()),
        }
    }
}

/// How fast people acknowledged the incidents that were opened in the range.
#[derive(Serialize, ToSchema)]
struct IncidentsSummary {
    opened: u64,
    never_acknowledged: u64,
    /// Null: none was acknowledged.
    #[schema(required)]
    median_acknowledgment_ms: Option<u64>,
    #[schema(required)]
    slowest_acknowledgment_ms: Option<u64>,
}

impl From<ResponseTimes> for IncidentsSummary {
    fn from(times: ResponseTimes) -> Self {
        Self {
            opened: times.incidents,
            never_acknowledged: times.never_acknowledged,
            median_acknowledgment_ms: times.median.map(millis),
            slowest_acknowledgment_ms: times.slowest.map(millis),
        }
    }
}

/// A summary of a range.
#[derive(Serialize, ToSchema)]
#[schema(as = Summary)]
struct SummaryView {
    from: DateTime,
    to: DateTime,
    /// How many of the monitors were offline, for however short a time.
    monitors_offline: u64,
    monitors: Vec<MonitorSummary>,
    /// The next one first.
    expiring_certificates: Vec<CertificateSummary>,
    objectives: Vec<ObjectiveSummary>,
    incidents: IncidentsSummary,
}

async fn show(
    reader: Reader,
    State(app): State<HttpState>,
    InQuery(query): InQuery<RangeQuery>,
) -> Result<Json<SummaryView>, Problem> {
    let (guild, now) = (reader.0.guild_id, app.clock.now());
    let typed = query.range.as_ref().map_or(DEFAULT_RANGE, |text| &text.0);
    let range = named_range(&app, guild, typed, now).await?;
    let summary = summary::of(&app.store.reader, guild, range, now).await?;
    Ok(Json(SummaryView {
        from: date_time(range.from),
        to: date_time(range.to),
        monitors_offline: summary.offline(),
        monitors: summary.monitors.into_iter().map(Into::into).collect(),
        expiring_certificates: summary.expiring.into_iter().map(Into::into).collect(),
        objectives: summary.objectives.into_iter().map(Into::into).collect(),
        incidents: summary.responses.into(),
    }))
}

/// When a channel gets summaries.
#[derive(Serialize, ToSchema)]
#[schema(as = SummarySchedule)]
struct ScheduleView {
    id: Id,
    #[schema(examples("1111111111111111111"))]
    channel: String,
    period: SummaryPeriodWord,
    /// Of a weekly summary.
    #[schema(required)]
    weekday: Option<WeekDayWord>,
    /// Of a monthly summary.
    #[schema(required, minimum = 1, maximum = 28)]
    day_of_month: Option<u8>,
    /// In the time zone of the Discord server.
    #[schema(examples("09:00"))]
    time: String,
    next_due_at: DateTime,
    /// Why Rollcall cannot post there. Null: it works.
    #[schema(required)]
    broken: Option<String>,
}

impl From<StoredSchedule> for ScheduleView {
    fn from(one: StoredSchedule) -> Self {
        let (weekday, day_of_month) = match one.times.day() {
            SummaryDay::Every => (None, None),
            SummaryDay::Week(day) => (Some(Word(day)), None),
            SummaryDay::Month(day) => (None, Some(day)),
        };
        Self {
            id: one.id.0,
            channel: one.channel.to_string(),
            period: Word(one.times.period()),
            weekday,
            day_of_month,
            time: one.times.time(),
            next_due_at: date_time(one.next_due_at),
            broken: one.broken,
        }
    }
}

/// The scheduled summaries of a Discord server.
#[derive(Serialize, ToSchema)]
struct ScheduleList {
    summaries: Vec<ScheduleView>,
}

async fn list(reader: Reader, State(app): State<HttpState>) -> Result<Json<ScheduleList>, Problem> {
    let all = summary_schedule::list(&app.store.reader, reader.0.guild_id).await?;
    Ok(Json(ScheduleList {
        summaries: all.into_iter().map(ScheduleView::from).collect(),
    }))
}

/// Summaries to be scheduled.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "channel": "1111111111111111111", "period": "weekly", "weekday": "mon", "time": "09:00" })))]
struct ScheduleBody {
    channel: DiscordId,
    period: SummaryPeriodWord,
    /// In the time zone of the Discord server. Default: 09:00.
    time: Option<TimeOfDay>,
    /// Of a weekly summary only. Default: mon.
    weekday: Option<WeekDayWord>,
    /// Of a monthly summary only. Default: 1.
    #[schema(inline)]
    day_of_month: Option<Bounded<1, 28>>,
}

impl ScheduleBody {
    fn times(&self) -> Result<SummaryTimes, Problem> {
        let conflict = |detail: &str| Problem::new(StatusCode::CONFLICT, detail);
        let day_of_month = self.day_of_month.map(Bounded::get);
        let day = match (self.period.0, self.weekday, day_of_month) {
            (SummaryPeriod::Weekly, weekday, None) => {
                SummaryDay::Week(weekday.map_or(WeekDay::Mon, |day| day.0))
            }
            (SummaryPeriod::Monthly, None, day) => {
                let day = day.and_then(|day| u8::try_from(day).ok());
                SummaryDay::Month(day.unwrap_or(DAYS_OF_MONTH.0))
            }
            (SummaryPeriod::Daily, None, None) => SummaryDay::Every,
            (SummaryPeriod::Daily | SummaryPeriod::Monthly, Some(_), _) => {
                return Err(conflict("`weekday`: only a weekly summary has one"));
            }
            (SummaryPeriod::Daily | SummaryPeriod::Weekly, _, Some(_)) => {
                return Err(conflict("`day_of_month`: only a monthly summary has one"));
            }
        };
        let minute = self.time.as_ref().map_or(DEFAULT_MINUTE, |time| time.0);
        SummaryTimes::new(day, minute).ok_or_else(|| conflict("`time`: no day has it"))
    }
}

async fn schedule(
    admin: Admin,
    State(app): State<HttpState>,
    InBody(body): InBody<ScheduleBody>,
) -> Result<Created<ScheduleView>, Problem> {
    let (requester, now) = (admin.requester(), app.clock.now());
    let new = NewSchedule {
        channel: ChannelId(body.channel.0),
        times: body.times()?,
    };
    check_channel(&app, requester.guild, new.channel).await?;
    let id = schedules::schedule(&app.store, requester, new, now).await?;
    let known = summary_schedule::list(&app.store.reader, requester.guild).await?;
    let set = known.into_iter().find(|one| one.id == id);
    set.map(|one| Created(one.into()))
        .ok_or_else(Problem::not_found)
}

/// Refuses a channel of another guild, which would see the monitors of this one.
async fn check_channel(app: &HttpState, guild: GuildId, channel: ChannelId) -> Result<(), Problem> {
    let messenger = app.messenger.as_ref().ok_or_else(Problem::no_discord)?;
    let access = messenger.has_channel(guild, channel).await;
    let access = access.map_err(|error: DeliveryError| {
        tracing::warn!(%error, "cannot look up the channel of summaries");
        Problem::no_discord()
    })?;
    match access {
        ChannelAccess::Visible => Ok(()),
        // The same answer for channels of others and for channels that do not exist.
        ChannelAccess::Hidden | ChannelAccess::Missing => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "`channel`: not found in this Discord server, or not visible to Rollcall",
        )),
    }
}

async fn stop(
    admin: Admin,
    State(app): State<HttpState>,
    InPath(id): InPath<ScheduleId>,
) -> Result<NoContent, Problem> {
    schedules::stop(&app.store, admin.requester(), id, app.clock.now()).await?;
    Ok(NoContent)
}
