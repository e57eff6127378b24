//! Tables of the status rule for servers, with times in minutes.

use super::*;
use crate::discord_id::GuildId;
use crate::history::observation_windows::ObservationWindow;
use crate::monitor::MonitorId;

fn minute(minute: i64) -> Timestamp {
    Timestamp::from_millis(minute * 60_000)
}

fn expected(interval: Option<u64>) -> Expectations {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    Expectations {
        thresholds: Thresholds::new(minutes(5), minutes(60), minutes(120)).unwrap(),
        interval: interval.map(Duration::from_secs),
    }
}

/// Observation windows from pairs of minutes.
fn windows_of(minutes: &[(i64, i64)]) -> ObservationWindows {
    let window = |(started_at, confirmed_at): &(i64, i64)| {
        ObservationWindow::new(minute(*started_at), minute(*confirmed_at))
    };
    ObservationWindows(minutes.iter().map(window).collect())
}

fn seen_at(last_seen: i64, status: Status) -> ServerState {
    ServerState {
        monitor: MonitorRef {
            guild: GuildId(1),
            id: MonitorId(1),
        },
        status,
        since: minute(0),
        is_active: true,
        last_seen: Some(minute(last_seen)),
        exceeded: None,
    }
}

fn with_exceeded(state: ServerState, exceeded: Severity) -> ServerState {
    ServerState {
        exceeded: Some(exceeded),
        ..state
    }
}

#[test]
fn a_report_while_a_limit_is_exceeded_leaves_the_status_that_the_limit_gives() {
    use Status::{Offline, Online, Unknown, Warning};
    for (status, exceeded, to, reason) in [
        (Online, None, Online, TransitionReason::Seen),
        (Warning, None, Online, TransitionReason::Seen),
        (Unknown, None, Online, TransitionReason::Seen),
        (
            Warning,
            Some(Severity::Warning),
            Warning,
            TransitionReason::Reported,
        ),
        (
            Offline,
            Some(Severity::Outage),
            Offline,
            TransitionReason::Reported,
        ),
        // It was late as well.
        (
            Offline,
            Some(Severity::Warning),
            Warning,
            TransitionReason::Seen,
        ),
    ] {
        let state = ServerState {
            exceeded,
            ..seen_at(0, status)
        };
        let change = on_report(state, minute(1)).unwrap();
        assert_eq!(
            (change.from, change.to, change.reason),
            (status, to, reason)
        );
    }
}

#[test]
fn limits_change_the_status_for_the_worse_only() {
    use Status::{Offline, Online, Paused, Unknown, Warning};
    for (status, before, after, to) in [
        (Online, None, Some(Severity::Warning), Some(Warning)),
        (Online, None, Some(Severity::Outage), Some(Offline)),
        (Warning, None, Some(Severity::Outage), Some(Offline)),
        (Warning, None, Some(Severity::Warning), None),
        (Offline, None, Some(Severity::Warning), None),
        (
            Warning,
            Some(Severity::Warning),
            Some(Severity::Warning),
            None,
        ),
        (
            Warning,
            Some(Severity::Warning),
            Some(Severity::Outage),
            Some(Offline),
        ),
        (
            Offline,
            Some(Severity::Outage),
            Some(Severity::Warning),
            Some(Warning),
        ),
        (Offline, Some(Severity::Outage), None, Some(Online)),
        // Offline because it does not report.
        (Offline, Some(Severity::Warning), None, None),
        (Unknown, None, Some(Severity::Outage), None),
        (Paused, None, Some(Severity::Outage), None),
    ] {
        let state = ServerState {
            exceeded: before,
            ..seen_at(0, status)
        };
        let change = on_limits(state, after, minute(0), minute(1));
        let reasons: Vec<_> = change.iter().map(|one| one.reason.clone()).collect();
        assert!(
            reasons
                .iter()
                .all(|one| *one == TransitionReason::LimitsChanged { since: minute(0) })
        );
        assert_eq!(
            change.map(|one| one.to),
            to,
            "{status:?} {before:?} {after:?}"
        );
    }
}

#[test]
fn a_server_beyond_a_limit_is_found_overdue_like_any_other() {
    let windows = windows_of(&[(0, 1_000)]);
    let warning = with_exceeded(seen_at(0, Status::Warning), Severity::Warning);
    // Nothing changes while both give the same status.
    assert_eq!(
        on_thresholds(warning, &expected(None), &windows, minute(6)),
        None
    );
    let late = on_thresholds(warning, &expected(None), &windows, minute(61)).unwrap();
    assert_eq!((late.from, late.to), (Status::Warning, Status::Offline));
    let outage = with_exceeded(seen_at(0, Status::Offline), Severity::Outage);
    assert_eq!(
        on_thresholds(outage, &expected(None), &windows, minute(61)),
        None
    );
    for (minutes, interval, is_overdue) in [
        (60, None, false),
        (61, None, true),
        (2, Some(60), false),
        (3, Some(60), true),
    ] {
        let overdue = on_interval(outage, &expected(interval), &windows, minute(minutes));
        assert_eq!(overdue.is_some(), is_overdue, "{minutes} {interval:?}");
    }
}

#[test]
fn status_worsens_by_observed_time_only() {
    use Status::{Offline, Online, Warning};
    let always = |now| vec![(0, now)];
    let gap = |from, to| vec![(0, 12), (from, to)];
    for (status, windows, now, after, why) in [
        (Online, always(15), 15, None, "within online"),
        (Online, always(16), 16, Some(Warning), "beyond it"),
        (Warning, always(70), 70, None, "within warning"),
        (Warning, always(71), 71, Some(Offline), "beyond it"),
        (Online, always(200), 200, Some(Offline), "both at once"),
        (Offline, always(200), 200, None, "already"),
        (Online, gap(500, 502), 502, None, "just after a gap"),
        (
            Online,
            gap(500, 506),
            506,
            Some(Warning),
            "observed since the gap",
        ),
        (
            Online,
            gap(500, 509),
            509,
            Some(Warning),
            "the gap does not count",
        ),
    ] {
        let windows = windows_of(&windows);
        let server = seen_at(10, status);
        let found = on_thresholds(server, &expected(Some(60)), &windows, minute(now));
        let to = found.map(|transition| transition.to);
        assert_eq!(to, after, "{why}");
    }
}

#[test]
fn without_a_known_interval_a_server_is_overdue_once_it_is_offline() {
    use Status::{Offline, Online, Warning};
    let windows = windows_of(&[(0, 9_999)]);
    for (status, interval, is_overdue) in [
        (Online, None, false),
        (Warning, None, false),
        (Offline, None, true),
        (Offline, Some(86_400), false),
    ] {
        let server = seen_at(10, status);
        let found = on_interval(server, &expected(interval), &windows, minute(2_000));
        assert_eq!(found.is_some(), is_overdue, "{status:?} {interval:?}");
    }
}

#[test]
fn a_server_is_overdue_after_twice_its_report_interval_observed() {
    let gap = |to| vec![(0, 11), (500, to)];
    for (interval, windows, now, is_overdue, why) in [
        (Some(60), vec![(0, 12)], 12, false, "exactly twice"),
        (Some(60), vec![(0, 13)], 13, true, "more than twice"),
        (Some(3600), vec![(0, 130)], 130, false, "long interval"),
        (
            Some(3600),
            vec![(0, 131)],
            131,
            true,
            "more than twice that",
        ),
        (Some(60), gap(501), 501, false, "just after a gap"),
        (Some(60), gap(502), 502, true, "observed since the gap"),
        (None, vec![(0, 999)], 999, false, "nothing learned"),
    ] {
        let windows = windows_of(&windows);
        let server = seen_at(10, Status::Online);
        let found = on_interval(server, &expected(interval), &windows, minute(now));
        assert_eq!(found.is_some(), is_overdue, "{why}");
    }
}

#[test]
fn servers_never_seen_or_inactive_are_not_judged() {
    let windows = windows_of(&[(0, 999)]);
    let never = ServerState {
        last_seen: None,
        ..seen_at(0, Status::Unknown)
    };
    let inactive = ServerState {
        is_active: false,
        ..seen_at(0, Status::Paused)
    };
    for server in [never, inactive] {
        let expected = expected(Some(60));
        let now = minute(999);
        assert_eq!(on_thresholds(server, &expected, &windows, now), None);
        assert_eq!(on_interval(server, &expected, &windows, now), None);
    }
    assert_eq!(on_report(inactive, minute(1)), None);
    let first = on_report(never, minute(1)).unwrap();
    assert_eq!((first.from, first.to), (Status::Unknown, Status::Online));
}

#[test]
fn pausing_and_resuming() {
    let seen = seen_at(10, Status::Offline);
    let never = ServerState {
        last_seen: None,
        ..seen_at(0, Status::Paused)
    };
    for (server, is_active, to) in [
        (seen, false, Status::Paused),
        (seen, true, Status::Online),
        (never, true, Status::Unknown),
    ] {
        assert_eq!(on_switch(server, is_active, minute(20)).to, to);
    }
}
