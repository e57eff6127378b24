//! Looks at real servers on the loopback: every way in which an endpoint can fail, and some in which it tries to.

mod dns;
mod http;
mod stage;
mod tcp;
mod tls;

use std::time::Duration;

use super::{Look, Prober, ProberConfig};
use crate::domain::Timestamp;
use crate::domain::check::HttpCheck;
use crate::domain::outcome::{Failure, FailureClass, Outcome, Verdict};

/// Long enough never to pass on a busy machine.
const PATIENT: Duration = Duration::from_secs(20);

/// For looks that must run out of time.
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

async fn look(
    prober: &Prober,
    target: &str,
    check: Option<&HttpCheck>,
    timeout: Duration,
) -> Outcome {
    let target = target.parse().unwrap();
    prober
        .look(Look {
            target: &target,
            check,
            timeout,
            now: Timestamp::from_millis(1_800_000_000_000),
        })
        .await
}

async fn see(target: &str) -> Outcome {
    look(&prober(), target, None, PATIENT).await
}

async fn see_with(target: &str, check: &HttpCheck) -> Outcome {
    look(&prober(), target, Some(check), PATIENT).await
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
async fn a_look_in_flight_is_small() {
    let prober = prober();
    let target = "http://127.0.0.1/".parse().unwrap();
    let look = Look {
        target: &target,
        check: None,
        timeout: PATIENT,
        now: Timestamp::default(),
    };
    let size = std::mem::size_of_val(&prober.look(look));
    assert!(size <= 2048, "the future of a look takes {size} bytes");
}
