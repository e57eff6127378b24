//! Summaries: what happened to the monitors of a guild in a range, for people who read it once a day, a week or a month.

pub mod schedules;
pub mod send_due;
pub mod summary_picture;

use crate::actions::history::objectives::figures::{self, ObjectiveFigures};
use crate::actions::history::uptime::{self, MonitorUptime};
use crate::domain::Timestamp;
use crate::domain::discord_id::GuildId;
use crate::domain::history::objective::ObjectiveSubject;
use crate::domain::history::range::HistoryRange;
use crate::domain::history::summary::{
    EXPIRES_SOON, ExpiringSoon, RangeSummary, ResponseTimes, SummarizedMonitor, SummarizedObjective,
};
use crate::store::endpoints::certificate::{self, ExpiringEndpoint};
use crate::store::history::monitor_history::HistoryScope;
use crate::store::incidents::response_times;
use crate::store::{Reader, StoreError};

/// The summary of a range. Objectives are those of now, with their error budgets at the end of the range; what expires soon does
/// so within 30 days from now.
pub async fn of(
    reader: &Reader,
    guild: GuildId,
    range: HistoryRange,
    now: Timestamp,
) -> Result<RangeSummary, StoreError> {
    let monitors = uptime::list(reader, guild, &HistoryScope::All, range, now).await?;
    let objectives = figures::list(reader, guild, range.to.min(now)).await?;
    let expiring = certificate::expiring(reader, Some(guild), now, now.plus(EXPIRES_SOON)).await?;
    let responses = response_times::of_range(reader, guild, range).await?;
    let summary = RangeSummary {
        range,
        monitors: monitors.into_iter().map(monitor).collect(),
        expiring: expiring.into_iter().map(certificate).collect(),
        objectives: objectives.into_iter().map(objective).collect(),
        responses: ResponseTimes::of(&responses),
    };
    Ok(summary.sorted())
}

fn monitor(one: MonitorUptime) -> SummarizedMonitor {
    SummarizedMonitor {
        id: one.monitor.id,
        kind: one.monitor.kind,
        name: one.monitor.name,
        group: one.monitor.group,
        is_removed: one.monitor.removed_at.is_some(),
        figures: one.summary,
    }
}

fn certificate(endpoint: ExpiringEndpoint) -> ExpiringSoon {
    ExpiringSoon {
        name: endpoint.name,
        host: endpoint.certificate.host.map(String::from),
        expires_at: endpoint.certificate.expires_at,
    }
}

fn objective(one: ObjectiveFigures) -> SummarizedObjective {
    SummarizedObjective {
        name: one.stored.name,
        is_of_group: matches!(one.stored.subject, ObjectiveSubject::Group(_)),
        objective: one.stored.objective,
        budget: one.budget,
    }
}

#[cfg(test)]
mod tests;
