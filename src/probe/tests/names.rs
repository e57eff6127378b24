//! Failed lookups: when they count, and when the resolver may be the cause.

use std::time::Duration;

use super::name_server::{NameServer, Zone};
use super::stage::{End, Stand};
use super::{HASTY, PATIENT, check, down, plain};
use crate::domain::endpoints::check_result::{FailureClass, NotChecked, Verdict};
use crate::domain::endpoints::name_resolution::PROOF;

const SERVFAIL: Zone = Zone::Code(2);
const NXDOMAIN: Zone = Zone::Code(3);
const UNKNOWN: Verdict = Verdict::Unknown(NotChecked::Resolver);
const NO_NAMES: Verdict = Verdict::Unknown(NotChecked::NameResolution);
const TARGET: &str = "tcp://shop.example:80";
const REFERENCES: [&str; 2] = ["one.reference", "two.reference"];

/// The reference names resolve.
fn working(endpoints: Zone) -> Zone {
    Zone::Split(Box::new([endpoints, Zone::at([192, 0, 2, 1]), NXDOMAIN]))
}

/// Every name has the same zone.
fn all(zone: Zone) -> Zone {
    Zone::Split(Box::new([zone.clone(), zone.clone(), zone]))
}

/// Moves the monotonic clock; sockets do not notice.
async fn wait(length: Duration) {
    tokio::time::pause();
    tokio::time::advance(length).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_missing_answer_counts_after_other_names_have_resolved_for_minutes() {
    let server = NameServer::with(working(SERVFAIL)).await;
    let prober = server.prober_with(&REFERENCES);
    let verdict = async || check(&prober, TARGET, None, PATIENT).await.verdict;
    assert_eq!(verdict().await, UNKNOWN);
    assert!(prober.names_resolve().await);
    wait(PROOF - Duration::from_secs(2)).await;
    assert!(prober.names_resolve().await);
    assert_eq!(verdict().await, UNKNOWN);
    wait(Duration::from_secs(5)).await;
    assert!(prober.names_resolve().await);
    let counts = down(FailureClass::NameFailed, "the resolver did not respond");
    assert_eq!(verdict().await, counts);
    // The same for a check that runs out of time.
    server.set(working(Zone::Unresponsive));
    assert_eq!(check(&prober, TARGET, None, HASTY).await.verdict, counts);
    // Once the reference names fail, too, it may be the resolver again.
    server.set(all(Zone::Unresponsive));
    wait(Duration::from_secs(5)).await;
    assert!(!prober.names_resolve().await);
    assert_eq!(check(&prober, TARGET, None, HASTY).await.verdict, UNKNOWN);
}

#[tokio::test]
async fn no_failure_of_a_name_counts_while_the_reference_names_fail() {
    let stand = Stand::with(|stream| End::Hold.of(stream)).await;
    let server = NameServer::with(working(Zone::at([127, 0, 0, 1]))).await;
    let prober = server.prober_with(&REFERENCES);
    let target = format!("tcp://shop.example:{}", stand.address.port());
    let verdict = async || check(&prober, &target, None, PATIENT).await.verdict;
    assert_eq!(verdict().await, Verdict::Up);
    assert!(prober.names_resolve().await);
    let address = Zone::at([192, 0, 2, 1]);
    let answers_from_a_cache = Zone::Split(Box::new([NXDOMAIN, address.clone(), SERVFAIL]));
    let one_address_for_all = Zone::Split(Box::new([NXDOMAIN, address.clone(), address]));
    let a_closed_port = all(Zone::at([127, 0, 0, 9]));
    let a_private_address = all(Zone::at([192, 168, 1, 1]));
    for zone in [
        all(NXDOMAIN),
        answers_from_a_cache,
        one_address_for_all,
        a_closed_port,
        a_private_address,
    ] {
        server.set(zone);
        assert_eq!(verdict().await, NO_NAMES);
        assert!(!prober.names_resolve().await);
    }
    // An endpoint that has an IP address is not affected.
    let by_address = check(&prober, "tcp://127.0.0.9:1", None, PATIENT).await;
    assert_eq!(by_address.verdict, plain(FailureClass::Refused));
    // After five minutes, failures count again: the resolver may have begun to block just the reference names.
    for minute in 0..5 {
        assert_eq!(verdict().await, NO_NAMES, "minute {minute}");
        wait(Duration::from_secs(60)).await;
    }
    assert_eq!(verdict().await, plain(FailureClass::NotAllowed));
    server.set(working(NXDOMAIN));
    assert_eq!(verdict().await, plain(FailureClass::NameFailed));
    assert!(prober.names_resolve().await);
}

#[tokio::test]
async fn reference_names_that_never_resolved_prove_nothing() {
    let server = NameServer::with(all(NXDOMAIN)).await;
    let prober = server.prober_with(&REFERENCES);
    let verdict = check(&prober, TARGET, None, PATIENT).await.verdict;
    assert_eq!(verdict, plain(FailureClass::NameFailed));
    assert!(prober.names_resolve().await);
}

#[tokio::test]
async fn the_first_name_that_resolves_proves_that_the_reference_names_do() {
    let server = NameServer::with(working(Zone::at([127, 0, 0, 1]))).await;
    let prober = server.prober_with(&REFERENCES);
    check(&prober, TARGET, None, PATIENT).await;
    // Of the two lookups, the first was begun by the check.
    assert!(prober.names_resolve().await);
    server.set(all(NXDOMAIN));
    let verdict = check(&prober, TARGET, None, PATIENT).await.verdict;
    assert_eq!(verdict, NO_NAMES);
}
