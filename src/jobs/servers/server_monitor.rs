//! Applies each server's thresholds and records status changes. A report puts a server online by itself; this job handles
//! reports that do not arrive.

use std::time::Duration;

use crate::actions::servers::manage_server;
use crate::domain::Timestamp;
use crate::domain::observation_windows::ObservationWindows;
use crate::domain::servers::report_interval;
use crate::domain::servers::threshold::{self, Reports, Thresholds};
use crate::domain::status::Status;
use crate::jobs::self_health::observation_window;
use crate::jobs::{JobContext, WINDOWS_KEPT};
use crate::store::StoreError;
use crate::store::servers::server::{self, Server};

pub(in crate::jobs) const NAME: &str = "server_monitor";
pub(in crate::jobs) const PERIOD: Duration = Duration::from_secs(60);

pub(in crate::jobs) async fn run(context: &JobContext) -> Result<String, StoreError> {
    let now = context.checks.clock.now();
    let reader = &context.store.reader;
    let windows = observation_window::windows(reader, now.minus(WINDOWS_KEPT), now).await?;
    let (mut changed, mut overdue) = (0_u64, 0_u64);
    for mut server in server::list(reader, None).await? {
        if let Some(status) = worse_status(&server, context.heartbeat.thresholds, &windows, now) {
            changed += u64::from(change(context, server.clone(), status, now).await?);
            server.status = status;
        }
        let reports = server::recent_reports(reader, server.id, now).await?;
        let interval = report_interval::expected_interval(&reports, now);
        if is_overdue(&server, interval, &windows, now) {
            overdue += 1;
            alert(context, server, now).await?;
        }
    }
    Ok(format!(
        "{changed} servers changed status, {overdue} are overdue"
    ))
}

/// The time for the threshold rules, which counts only observed time since the last report; and whether Rollcall has
/// observed for long enough to judge: longer than `grace`, or twice that with gaps.
fn observed(
    server: &Server,
    grace: Duration,
    windows: &ObservationWindows,
    now: Timestamp,
) -> Option<(Timestamp, bool)> {
    let last_seen = server.last_seen_at?;
    let observed = windows.between(last_seen, now);
    let present = windows
        .0
        .last()
        .map_or(Duration::ZERO, |window| now.since(window.started_at));
    let is_grace_over = present > grace || observed > grace.saturating_mul(2);
    Some((last_seen.plus(observed), is_grace_over))
}

/// Whether a server has not reported for longer than its report interval explains.
fn is_overdue(
    server: &Server,
    interval: Duration,
    windows: &ObservationWindows,
    now: Timestamp,
) -> bool {
    let reports = Reports {
        last_seen: server.last_seen_at,
        is_active: server.is_active,
    };
    observed(server, interval, windows, now).is_some_and(|(until, is_grace_over)| {
        is_grace_over && report_interval::should_alert(reports, interval, until)
    })
}

/// Alerts that a server is overdue, unless a report has arrived meanwhile.
async fn alert(context: &JobContext, server: Server, now: Timestamp) -> Result<(), StoreError> {
    context
        .store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let current = server::find(tx, server.id).await?;
                match current.filter(|current| current.last_seen_at == server.last_seen_at) {
                    Some(current) => manage_server::alert(tx, &current, now).await,
                    None => Ok(()),
                }
            })
        })
        .await
}

/// The worse status that a server has reached without reports; `None` if it has that status already.
fn worse_status(
    server: &Server,
    defaults: Thresholds,
    windows: &ObservationWindows,
    now: Timestamp,
) -> Option<Status> {
    let thresholds = server.thresholds.unwrap_or(defaults);
    // Only observed time counts.
    let (until, is_grace_over) = observed(server, thresholds.online(), windows, now)?;
    let reports = Reports {
        last_seen: server.last_seen_at,
        is_active: server.is_active,
    };
    let status = threshold::judge(reports, &thresholds, until).status;
    let is_worse = matches!(
        (server.status, status),
        (Status::Online, Status::Warning | Status::Offline) | (Status::Warning, Status::Offline)
    );
    (is_worse && is_grace_over && server.is_active).then_some(status)
}

/// Changes the status, unless a report has arrived meanwhile.
async fn change(
    context: &JobContext,
    server: Server,
    status: Status,
    now: Timestamp,
) -> Result<bool, StoreError> {
    context
        .store
        .writer
        .transact(move |tx| {
            Box::pin(async move {
                let current = server::find(tx, server.id).await?;
                if current.is_none_or(|current| current.last_seen_at != server.last_seen_at) {
                    return Ok(false);
                }
                manage_server::change(tx, &server, status, now).await?;
                Ok(true)
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discord_id::GuildId;
    use crate::domain::monitor::MonitorId;
    use crate::domain::observation_windows::ObservationWindow;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn thresholds() -> Thresholds {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Thresholds::new(minutes(5), minutes(60), minutes(120)).unwrap()
    }

    /// Observation windows from pairs of minutes.
    fn windows_of(minutes: &[(i64, i64)]) -> ObservationWindows {
        let window = |(started_at, confirmed_at): &(i64, i64)| ObservationWindow {
            started_at: minute(*started_at),
            confirmed_at: minute(*confirmed_at),
        };
        ObservationWindows(minutes.iter().map(window).collect())
    }

    fn seen_at(last_seen: i64, status: Status) -> Server {
        Server {
            id: MonitorId(1),
            guild_id: GuildId(1),
            name: "db-1".into(),
            status,
            since: minute(0),
            is_active: true,
            last_seen_at: Some(minute(last_seen)),
            auto_thresholds: false,
            thresholds_followed_at: None,
            thresholds: None,
            created_at: minute(0),
        }
    }

    #[test]
    fn status_worsens_by_observed_time_only() {
        use Status::{Offline, Online, Warning};
        let always = |now| vec![(0, now)];
        for (status, windows, now, expected, why) in [
            (Online, always(15), 15, None, "within online"),
            (Online, always(16), 16, Some(Warning), "beyond it"),
            (Warning, always(70), 70, None, "within warning"),
            (Warning, always(71), 71, Some(Offline), "beyond it"),
            (Online, always(200), 200, Some(Offline), "both at once"),
            (Offline, always(200), 200, None, "already"),
            (
                Online,
                vec![(0, 12), (500, 502)],
                502,
                None,
                "just after a gap",
            ),
            (
                Online,
                vec![(0, 12), (500, 506)],
                506,
                Some(Warning),
                "observed since the gap",
            ),
            (
                Online,
                vec![(0, 12), (500, 509)],
                509,
                Some(Warning),
                "the gap itself does not count",
            ),
        ] {
            let windows = windows_of(&windows);
            let found = worse_status(&seen_at(10, status), thresholds(), &windows, minute(now));
            assert_eq!(found, expected, "{why}");
        }
    }

    #[test]
    fn a_server_is_overdue_after_twice_its_report_interval_observed() {
        let hour = Duration::from_secs(3600);
        for (interval, windows, now, expected, why) in [
            (60, vec![(0, 12)], 12, false, "exactly twice"),
            (60, vec![(0, 13)], 13, true, "more than twice"),
            (3600, vec![(0, 130)], 130, false, "long interval"),
            (
                3600,
                vec![(0, 131)],
                131,
                true,
                "more than twice a long interval",
            ),
            (
                60,
                vec![(0, 11), (500, 501)],
                501,
                false,
                "just after a gap",
            ),
            (
                60,
                vec![(0, 11), (500, 502)],
                502,
                true,
                "observed since the gap",
            ),
        ] {
            let windows = windows_of(&windows);
            let server = seen_at(10, Status::Online);
            let interval = Duration::from_secs(interval);
            assert_eq!(
                is_overdue(&server, interval, &windows, minute(now)),
                expected,
                "{why}"
            );
        }
        let off = Server {
            is_active: false,
            ..seen_at(0, Status::Online)
        };
        let always = windows_of(&[(0, 999)]);
        assert!(!is_overdue(&off, hour, &always, minute(999)));
    }

    #[test]
    fn a_server_never_seen_or_switched_off_does_not_change() {
        let windows = windows_of(&[(0, 999)]);
        let never = Server {
            last_seen_at: None,
            ..seen_at(0, Status::Offline)
        };
        let off = Server {
            is_active: false,
            ..seen_at(0, Status::Online)
        };
        for server in [never, off] {
            assert_eq!(
                worse_status(&server, thresholds(), &windows, minute(999)),
                None
            );
        }
    }
}
