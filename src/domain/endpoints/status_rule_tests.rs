//! Table tests of the status rule: a timeline of check results, and the endpoint's state after each.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::discord_id::GuildId;
use crate::endpoints::check_result::{FailureClass, Timings};
use crate::event::EventKind;
use crate::monitor::MonitorId;

const MONITOR: MonitorRef = MonitorRef {
    guild: GuildId(1),
    id: MonitorId(7),
};

const POLICY: Policy = Policy {
    interval: Duration::from_secs(60),
    retry_interval: Duration::from_secs(10),
    recheck_interval: Duration::from_secs(3600),
    failures_to_offline: 3,
};

fn result(at_seconds: i64, verdict: Verdict) -> CheckResult {
    CheckResult {
        at: Timestamp::from_millis(at_seconds * 1000),
        verdict,
        timings: Timings::default(),
        certificate_expires_at: None,
    }
}

fn down() -> Verdict {
    Verdict::Down(Failure::new(FailureClass::Refused))
}

fn unknown() -> Verdict {
    Verdict::Unknown("no file descriptors left".into())
}

/// Runs a timeline of `(letter, status, since, event)`: `+` passes, `-` fails, `?` could not be checked. Checks are one
/// second apart and start at second 1.
fn check(policy: &Policy, timeline: &[(char, Status, i64, Option<EventKind>)]) -> State {
    let mut state = State::new(Timestamp::from_millis(0));
    for (index, (letter, status, since, event)) in timeline.iter().enumerate() {
        let verdict = match letter {
            '+' => Verdict::Up,
            '-' => down(),
            _ => unknown(),
        };
        let decision = decide(
            MONITOR,
            &state,
            &result(i64::try_from(index).unwrap() + 1, verdict),
            policy,
        );
        let step = index + 1;
        assert_eq!(decision.state.status, *status, "status after check {step}");
        assert_eq!(
            decision.state.since,
            Timestamp::from_millis(since * 1000),
            "since after check {step}"
        );
        let transition = decision.transition.as_ref();
        let found = transition.and_then(Transition::event);
        assert_eq!(found, *event, "event of check {step}");
        state = decision.state;
    }
    state
}

#[test]
fn third_consecutive_failure_means_offline_dated_at_the_first() {
    let state = check(
        &POLICY,
        &[
            ('+', Status::Online, 1, Some(EventKind::EndpointUp)),
            ('+', Status::Online, 1, None),
            ('-', Status::Warning, 3, Some(EventKind::EndpointWarning)),
            ('-', Status::Warning, 3, None),
            ('-', Status::Offline, 3, Some(EventKind::EndpointOffline)),
            ('-', Status::Offline, 3, None),
            ('+', Status::Online, 7, Some(EventKind::EndpointOnline)),
        ],
    );
    assert_eq!((state.consecutive_failures, state.failure), (0, None));
}

#[test]
fn two_failures_and_a_pass_do_not_mean_offline() {
    check(
        &POLICY,
        &[
            ('+', Status::Online, 1, Some(EventKind::EndpointUp)),
            ('-', Status::Warning, 2, Some(EventKind::EndpointWarning)),
            ('-', Status::Warning, 2, None),
            (
                '+',
                Status::Online,
                4,
                Some(EventKind::EndpointWarningCleared),
            ),
            ('-', Status::Warning, 5, Some(EventKind::EndpointWarning)),
            ('-', Status::Warning, 5, None),
            ('-', Status::Offline, 5, Some(EventKind::EndpointOffline)),
        ],
    );
}

#[test]
fn one_failure_is_enough_if_the_policy_says_so() {
    check(
        &Policy {
            failures_to_offline: 1,
            ..POLICY
        },
        &[
            ('-', Status::Offline, 1, Some(EventKind::EndpointOffline)),
            ('+', Status::Online, 2, Some(EventKind::EndpointOnline)),
        ],
    );
}

#[test]
fn a_check_that_could_not_run_is_never_a_failure() {
    check(
        &POLICY,
        &[
            ('?', Status::Unknown, 0, None),
            ('+', Status::Online, 2, Some(EventKind::EndpointUp)),
            ('?', Status::Unknown, 3, Some(EventKind::EndpointUnknown)),
            ('-', Status::Warning, 4, Some(EventKind::EndpointWarning)),
            ('-', Status::Warning, 4, None),
            ('?', Status::Warning, 4, None),
            ('-', Status::Offline, 4, Some(EventKind::EndpointOffline)),
            ('?', Status::Offline, 4, None),
        ],
    );
}

#[test]
fn a_paused_endpoint_ignores_late_check_results() {
    let paused = State {
        status: Status::Paused,
        ..State::new(Timestamp::from_millis(0))
    };
    for verdict in [Verdict::Up, down(), unknown()] {
        let decision = decide(MONITOR, &paused, &result(1, verdict), &POLICY);
        assert_eq!(
            (decision.state, decision.transition),
            (paused.clone(), None)
        );
    }
}

#[test]
fn the_failure_reason_is_that_of_the_latest_failure() {
    let offline = check(
        &Policy {
            failures_to_offline: 1,
            ..POLICY
        },
        &[('-', Status::Offline, 1, Some(EventKind::EndpointOffline))],
    );
    let later = result(
        9,
        Verdict::Down(Failure::with(FailureClass::UnexpectedStatus, "503")),
    );
    let decision = decide(MONITOR, &offline, &later, &POLICY);
    assert_eq!(
        decision.state.failure,
        Some(Failure::with(FailureClass::UnexpectedStatus, "503"))
    );
    assert_eq!(
        (decision.state.since, decision.transition),
        (offline.since, None)
    );
}

#[test]
fn gaps_double_while_offline_until_the_recheck_job_takes_over() {
    let mut state = State::new(Timestamp::from_millis(0));
    let mut gaps = Vec::new();
    for check in 1..=10 {
        let decision = decide(MONITOR, &state, &result(check, down()), &POLICY);
        gaps.push(decision.next);
        state = decision.state;
    }
    let after = |seconds| NextCheck::After(Duration::from_secs(seconds));
    assert_eq!(
        gaps,
        [
            after(10),
            after(10),
            after(60),
            after(120),
            after(240),
            after(480),
            after(960),
            after(1920),
            NextCheck::Recheck,
            NextCheck::Recheck
        ]
    );
}

#[test]
fn a_retry_is_never_later_than_the_next_regular_check() {
    let frequent = Policy {
        interval: Duration::from_secs(5),
        ..POLICY
    };
    let decision = decide(
        MONITOR,
        &State::new(Timestamp::from_millis(0)),
        &result(1, down()),
        &frequent,
    );
    assert_eq!(decision.next, NextCheck::After(Duration::from_secs(5)));
}

#[test]
fn a_huge_failure_count_does_not_overflow() {
    let state = State {
        status: Status::Offline,
        consecutive_failures: u32::MAX,
        ..State::new(Timestamp::from_millis(0))
    };
    assert_eq!(
        decide(MONITOR, &state, &result(1, down()), &POLICY).next,
        NextCheck::Recheck
    );
}

proptest! {
    /// Offline requires n failures with no pass in between; a pass always ends it; `since` never moves while checks fail.
    #[test]
    fn the_rule_holds_on_any_timeline(letters in proptest::collection::vec(0_u8..3, 0..64), needed in 1_u32..6) {
        let policy = Policy { failures_to_offline: needed, ..POLICY };
        let mut state = State::new(Timestamp::from_millis(0));
        let (mut failures, mut first_failure) = (0, None);
        for (index, letter) in letters.into_iter().enumerate() {
            let at = i64::try_from(index).unwrap() + 1;
            let verdict = match letter { 0 => Verdict::Up, 1 => down(), _ => unknown() };
            let decision = decide(MONITOR, &state, &result(at, verdict), &policy);
            match letter {
                0 => { failures = 0; first_failure = None; }
                1 => { failures += 1; first_failure = first_failure.or(Some(at)); }
                _ => {}
            }
            prop_assert_eq!(decision.state.status == Status::Offline, failures >= needed);
            prop_assert_eq!(decision.state.status == Status::Warning, failures > 0 && failures < needed);
            prop_assert_eq!(decision.state.consecutive_failures, failures);
            if let Some(first) = first_failure {
                prop_assert_eq!(decision.state.since.seconds(), first);
                prop_assert!(decision.state.failure.is_some());
            }
            prop_assert_eq!(decision.transition.is_some(), decision.state.status != state.status);
            state = decision.state;
        }
    }
}
