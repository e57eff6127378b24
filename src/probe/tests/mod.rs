//! Checks against real servers on loopback: every way in which an endpoint can fail, hostile ones included.

mod dns;
mod http;
mod name_server;
mod names;
mod stage;
mod tcp;
mod tls;
mod turns;

use std::time::Duration;

use super::{Check, Prober, ProberConfig, RedirectScope};
use crate::domain::Timestamp;
use crate::domain::endpoints::check_result::{CheckResult, Failure, FailureClass, Verdict};
use crate::domain::endpoints::http_check::HttpCheck;

/// Timeout that does not expire even on a busy machine.
const PATIENT: Duration = Duration::from_secs(20);

/// Timeout of checks that must time out.
const HASTY: Duration = Duration::from_millis(150);

fn prober() -> Prober {
    prober_with("loopback")
}

fn prober_with(allowed: &str) -> Prober {
    Prober::new(ProberConfig {
        policy: allowed.parse().unwrap(),
        ..ProberConfig::default()
    })
    .unwrap()
}

async fn check(
    prober: &Prober,
    target: &str,
    http_check: Option<&HttpCheck>,
    timeout: Duration,
) -> CheckResult {
    let target = target.parse().unwrap();
    prober
        .check(Check {
            target: &target,
            http_check,
            timeout,
            now: Timestamp::from_millis(1_800_000_000_000),
            redirects: RedirectScope::Anywhere,
        })
        .await
}

async fn run_check(target: &str) -> CheckResult {
    check(&prober(), target, None, PATIENT).await
}

async fn run_check_with(target: &str, http_check: &HttpCheck) -> CheckResult {
    check(&prober(), target, Some(http_check), PATIENT).await
}

fn down(class: FailureClass, detail: &str) -> Verdict {
    Verdict::Down(Failure::with(class, detail))
}

fn plain(class: FailureClass) -> Verdict {
    Verdict::Down(Failure::new(class))
}

fn broken(detail: &str) -> Verdict {
    down(FailureClass::ProtocolError, detail)
}

#[tokio::test]
async fn a_check_in_flight_is_small() {
    let prober = prober();
    let target = "http://127.0.0.1/".parse().unwrap();
    let check = Check {
        target: &target,
        http_check: None,
        timeout: PATIENT,
        now: Timestamp::default(),
        redirects: RedirectScope::Anywhere,
    };
    let size = std::mem::size_of_val(&prober.check(check));
    assert!(size <= 2048, "the future of a check takes {size} bytes");
}
