//! Turns to connect: a check is postponed before its first connection and waits before a further one.

use super::stage::Stand;
use super::*;
use crate::clock::Stopwatch;
use crate::domain::discord_id::GuildId;
use crate::probe::connection_limit::{ConnectionTurn, Urgency};
use crate::probe::{ConnectionRate, Postponed};

fn limited(includes_allowed: bool) -> Prober {
    Prober::new(ProberConfig {
        policy: "loopback".parse().unwrap(),
        connections: Some(ConnectionRate {
            per_second: 10,
            includes_allowed,
        }),
        ..ProberConfig::default()
    })
    .unwrap()
}

async fn check_in_turn(
    prober: &Prober,
    target: &str,
    timeout: Duration,
    turn: Option<ConnectionTurn>,
) -> Result<CheckResult, Postponed> {
    let redirects = HttpCheck {
        max_redirects: 3,
        ..HttpCheck::default()
    };
    let check = Check {
        target: &target.parse().unwrap(),
        http_check: Some(&redirects),
        timeout,
        now: Timestamp::from_millis(1_800_000_000_000),
        redirects: RedirectScope::Anywhere,
    };
    let checked = prober.check_in_turn(check, GuildId(1), turn).await;
    checked.map(|checked| checked.result)
}

#[tokio::test]
async fn a_check_is_postponed_and_passes_when_its_turn_comes() {
    let (prober, stand) = (
        limited(true),
        Stand::answering("HTTP/1.1 204 x\r\n\r\n").await,
    );
    let target = stand.http();
    let check = |turn| check_in_turn(&prober, &target, PATIENT, turn);
    assert!(check(None).await.unwrap().is_up());
    let Postponed(bucket) = check(None).await.unwrap_err();
    assert_eq!(stand.accepted(), 1);
    let limiter = prober.limiter().unwrap();
    let turn = limiter.turn(GuildId(1), &bucket, Urgency::Soon).await;
    assert!(check(Some(turn)).await.unwrap().is_up());
    assert_eq!(stand.accepted(), 2);
}

#[tokio::test]
async fn all_ports_and_schemes_of_an_address_share_its_turns() {
    let prober = limited(true);
    let (first, second) = (
        Stand::answering("HTTP/1.1 204 x\r\n\r\n").await,
        Stand::answering("").await,
    );
    let check = |target: String| {
        let prober = &prober;
        async move { check_in_turn(prober, &target, PATIENT, None).await }
    };
    assert!(check(first.http()).await.unwrap().is_up());
    let mapped = format!("tcp://[::ffff:127.0.0.1]:{}", second.address.port());
    for target in [second.tcp(), second.http(), mapped] {
        assert!(check(target.clone()).await.is_err(), "{target}");
    }
    assert_eq!(second.accepted(), 0);
}

#[tokio::test]
async fn a_redirect_waits_for_its_turn_and_the_wait_counts_nowhere() {
    let prober = limited(true);
    let (timeout, second) = (Duration::from_millis(600), Duration::from_secs(1));
    let end = Stand::answering("HTTP/1.1 204 x\r\n\r\n").await;
    let moved = format!("HTTP/1.1 302 x\r\nLocation: {}\r\n\r\n", end.http());
    let start = Stand::answering(moved).await;
    let stopwatch = Stopwatch::start();
    let result = check_in_turn(&prober, &start.http(), timeout, None)
        .await
        .unwrap();
    assert!(stopwatch.elapsed() >= second, "{:?}", stopwatch.elapsed());
    assert!(result.is_up(), "{result:?}");
    assert!(result.timings.total < timeout, "{:?}", result.timings);
    let phases = result.timings.connect.unwrap() + result.timings.first_byte.unwrap();
    assert!(phases < timeout, "{:?}", result.timings);
}

#[tokio::test]
async fn a_check_that_waited_still_times_out() {
    let prober = limited(true);
    let stuck = Stand::saying(vec![], super::stage::End::Hold).await;
    let moved = format!("HTTP/1.1 302 x\r\nLocation: {}\r\n\r\n", stuck.http());
    let start = Stand::answering(moved).await;
    let stopwatch = Stopwatch::start();
    let result = check_in_turn(&prober, &start.http(), HASTY, None)
        .await
        .unwrap();
    assert_eq!(
        result.verdict,
        down(FailureClass::TimedOut, "waiting for the response")
    );
    let (least, most) = (Duration::from_secs(1), PATIENT);
    assert!(
        (least..most).contains(&stopwatch.elapsed()),
        "{:?}",
        stopwatch.elapsed()
    );
}

#[tokio::test]
async fn allowed_addresses_are_exempt_unless_they_are_included() {
    let stand = Stand::answering("HTTP/1.1 204 x\r\n\r\n").await;
    let prober = limited(false);
    for _ in 0..20 {
        let result = check_in_turn(&prober, &stand.http(), PATIENT, None).await;
        assert!(result.unwrap().is_up());
    }
    // The operator's command line has no limits at all.
    for _ in 0..2 {
        assert!(run_check(&stand.http()).await.is_up());
    }
}

#[tokio::test]
async fn a_turn_for_another_address_opens_nothing() {
    let (prober, stand) = (limited(true), Stand::answering("").await);
    let limiter = prober.limiter().unwrap();
    let elsewhere = limiter.bucket([127, 0, 0, 9].into(), None);
    let turn = limiter.take(GuildId(1), &elsewhere).unwrap();
    let here = limiter.bucket(stand.address.ip(), None);
    limiter.take(GuildId(1), &here).unwrap();
    let result = check_in_turn(&prober, &stand.tcp(), PATIENT, Some(turn)).await;
    assert!(result.is_err());
    assert_eq!(stand.accepted(), 0);
}
