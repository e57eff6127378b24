//! Table tests of the status rule: a timeline of check results, and the endpoint's state after each.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::discord_id::GuildId;
use crate::endpoints::check_result::{FailureClass, NotChecked, Timings};
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

/// The policy of the timelines: checks are one second apart.
const EACH_SECOND: Policy = Policy {
    retry_interval: Duration::from_secs(1),
    ..POLICY
};

fn result(at_seconds: i64, verdict: Verdict) -> CheckResult {
    CheckResult {
        at: Timestamp::from_millis(at_seconds * 1000),
        verdict,
        timings: Timings::default(),
        certificate: None,
    }
}

fn down() -> Verdict {
    Verdict::Down(Failure::new(FailureClass::Refused))
}

fn unknown() -> Verdict {
    Verdict::Unknown(NotChecked::Machine("no file descriptors left"))
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
        &EACH_SECOND,
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
        &EACH_SECOND,
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
        &EACH_SECOND,
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
    let (mut gaps, mut at) = (Vec::new(), Timestamp::from_millis(1_000));
    for _ in 1..=10 {
        let decision = decide(MONITOR, &state, &result(at.seconds(), down()), &POLICY);
        at = at.plus(match decision.next {
            NextCheck::After(gap) => gap,
            NextCheck::Slot | NextCheck::Recheck => POLICY.recheck_interval,
        });
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

/// The failures of a timeline at these milliseconds: the status, the failures that count, and when the next check is due, in
/// milliseconds from the failure (`None`: by the recheck job).
fn fail_at(policy: &Policy, timeline: &[(i64, Status, u32, Option<u64>)]) {
    let mut state = State::new(Timestamp::from_millis(0));
    for (at, status, count, next) in timeline {
        let failure = CheckResult {
            at: Timestamp::from_millis(*at),
            ..result(0, down())
        };
        let decision = decide(MONITOR, &state, &failure, policy);
        let next = next.map_or(NextCheck::Recheck, |gap| {
            NextCheck::After(Duration::from_millis(gap))
        });
        state = decision.state;
        let found = (state.status, state.consecutive_failures, decision.next);
        assert_eq!(found, (*status, *count, next), "at {at} ms");
    }
}

#[test]
fn failures_count_only_if_they_are_a_retry_interval_apart() {
    use Status::{Offline, Warning};
    // A member presses the button every three seconds.
    fail_at(
        &POLICY,
        &[
            (0, Warning, 1, Some(10_000)),
            (3_000, Warning, 1, Some(7_000)),
            (6_000, Warning, 1, Some(4_000)),
            (9_000, Warning, 1, Some(1_000)),
            (12_000, Warning, 2, Some(10_000)),
            (15_000, Warning, 2, Some(5_000)),
            (20_000, Offline, 3, Some(60_000)),
        ],
    );
    // At the limit, one before it, and one beyond it.
    for (second, third) in [(10_000, 20_000), (10_001, 20_000), (19_999, 20_001)] {
        fail_at(
            &POLICY,
            &[
                (0, Warning, 1, Some(10_000)),
                (9_999, Warning, 1, Some(1)),
                (second, Warning, 2, Some(10_000)),
                (19_999, Warning, 2, Some(1)),
                (third, Offline, 3, Some(60_000)),
            ],
        );
    }
    // The own interval is shorter than the retry interval.
    let frequent = Policy {
        interval: Duration::from_secs(2),
        ..POLICY
    };
    fail_at(
        &frequent,
        &[
            (0, Warning, 1, Some(2_000)),
            (1_999, Warning, 1, Some(1)),
            (2_000, Warning, 2, Some(2_000)),
            (4_000, Offline, 3, Some(2_000)),
        ],
    );
}

#[test]
fn requested_checks_do_not_lengthen_the_gaps_while_offline() {
    use Status::Offline;
    let one_is_enough = Policy {
        failures_to_offline: 1,
        ..POLICY
    };
    fail_at(
        &one_is_enough,
        &[
            (0, Offline, 1, Some(60_000)),
            (3_000, Offline, 1, Some(57_000)),
            (59_999, Offline, 1, Some(1)),
            (60_000, Offline, 2, Some(120_000)),
            (61_000, Offline, 2, Some(119_000)),
            (180_000, Offline, 3, Some(240_000)),
        ],
    );
    // Longer than the recheck interval: the recheck job checks it in any case.
    let rare = Policy {
        interval: Duration::from_secs(7_200),
        ..one_is_enough
    };
    fail_at(&rare, &[(0, Offline, 1, None), (1, Offline, 1, None)]);
}

#[test]
fn a_failure_counts_if_the_clock_was_set_back() {
    use Status::{Offline, Warning};
    fail_at(
        &POLICY,
        &[
            (3_600_000, Warning, 1, Some(10_000)),
            (10_000, Warning, 2, Some(10_000)),
            (20_000, Offline, 3, Some(60_000)),
        ],
    );
}

#[test]
fn a_lower_limit_applies_to_the_failures_that_count_already() {
    let before = decide(
        MONITOR,
        &State::new(Timestamp::from_millis(0)),
        &result(1, down()),
        &POLICY,
    );
    let lower = Policy {
        failures_to_offline: 1,
        ..POLICY
    };
    let decision = decide(MONITOR, &before.state, &result(2, down()), &lower);
    assert_eq!(
        (decision.state.status, decision.state.consecutive_failures),
        (Status::Offline, 1)
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
        let policy = Policy { failures_to_offline: needed, ..EACH_SECOND };
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
            prop_assert_eq!(decision.state.consecutive_failures.min(needed), failures.min(needed));
            if let Some(first) = first_failure {
                prop_assert_eq!(decision.state.since.seconds(), first);
                prop_assert!(decision.state.failure.is_some());
            }
            prop_assert_eq!(decision.transition.is_some(), decision.state.status != state.status);
            state = decision.state;
        }
    }

    /// However often checks are requested, an endpoint is offline only after it failed for as long as the retries take, and
    /// no later than with the failures at those times alone.
    #[test]
    fn offline_takes_as_long_as_the_retries(gaps in proptest::collection::vec(0_i64..12_000, 1..64), needed in 1_u32..6) {
        let policy = Policy { failures_to_offline: needed, ..POLICY };
        let retries = Duration::from_secs(10) * (needed - 1);
        let (mut state, mut at) = (State::new(Timestamp::from_millis(0)), 0);
        let mut last_counted = None;
        for gap in gaps {
            at += gap;
            let failure = CheckResult { at: Timestamp::from_millis(at), ..result(0, down()) };
            let before = state.consecutive_failures;
            state = decide(MONITOR, &state, &failure, &policy).state;
            let took = failure.at.since(state.since);
            if state.status == Status::Offline {
                prop_assert!(took >= retries, "{took:?}");
            } else if let Some(last) = last_counted {
                prop_assert!(state.consecutive_failures > before || at - last < 10_000, "a late failure counts");
            }
            if state.consecutive_failures > before {
                last_counted = Some(at);
            }
        }
    }
}
