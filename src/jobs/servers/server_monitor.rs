//! Applies each server's thresholds and records status changes. A report puts a server online by itself; this job handles
//! reports that do not arrive.

use std::time::Duration;

use crate::actions::transition;
use crate::domain::Timestamp;
use crate::domain::event::Actor;
use crate::domain::servers::report_interval;
use crate::domain::servers::status_rule::{Expectations, on_interval, on_thresholds};
use crate::domain::status::Status;
use crate::domain::status::transition::Transition;
use crate::jobs::self_health::observation_window;
use crate::jobs::{JobContext, NOT_JUDGED};
use crate::store::StoreError;
use crate::store::notifications::alert_settings;
use crate::store::servers::server::{self, Server};

pub(in crate::jobs) const NAME: &str = "server_monitor";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(60);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let reader = &context.store.reader;
    let Some(windows) = observation_window::windows(context).await? else {
        return Ok(NOT_JUDGED.to_owned());
    };
    let now = context.checks.clock.now();
    let (mut changed, mut overdue) = (0_u64, 0_u64);
    for mut server in server::list(reader, None).await? {
        let reports = server::recent_reports(reader, server.id, now).await?;
        let expected = Expectations {
            thresholds: server.thresholds.unwrap_or(context.heartbeat.thresholds),
            interval: report_interval::expected_interval(&reports, now),
        };
        if let Some(transition) = on_thresholds(server.state(), &expected, &windows, now) {
            server.status = transition.to;
            changed += u64::from(apply(context, &server, transition, now).await?);
        }
        if let Some(transition) = on_interval(server.state(), &expected, &windows, now) {
            overdue += 1;
            if is_wanted(context, &server).await? {
                apply(context, &server, transition, now).await?;
            }
        }
    }
    Ok(format!(
        "{changed} servers changed status, {overdue} are overdue"
    ))
}

/// Whether its guild wants to be notified about a server that is overdue but not offline.
async fn is_wanted(context: &JobContext, server: &Server) -> Result<bool, StoreError> {
    if server.status == Status::Offline {
        return Ok(true);
    }
    let settings = alert_settings::get(&context.store.reader, server.guild_id).await?;
    Ok(settings.is_none_or(|settings| settings.preferences.notify_on_warning))
}

/// Applies a transition, unless the server has reported or was paused meanwhile; returns whether it was applied.
async fn apply(
    context: &JobContext,
    server: &Server,
    transition: Transition,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (id, last_seen_at) = (server.id, server.last_seen_at);
    context
        .store
        .writer
        .transact_last(move |tx| {
            Box::pin(async move {
                let is_current = server::find(tx, id).await?.is_some_and(|current| {
                    current.is_active
                        && current.status == transition.from
                        && current.last_seen_at == last_seen_at
                });
                if !is_current {
                    return Ok(false);
                }
                transition::apply_one(tx, transition, Actor::System, now).await?;
                Ok(true)
            })
        })
        .await
}
