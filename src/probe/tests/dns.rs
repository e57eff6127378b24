//! Checks of names, with a test name server that gives scripted answers.

use std::net::Ipv6Addr;
use std::sync::atomic::Ordering;

use super::super::{Prober, ProberConfig};
use super::name_server::{NameServer, Zone, v4};
use super::stage::{End, Stand};
use super::{HASTY, PATIENT, check, plain};
use crate::domain::endpoints::check_result::{FailureClass, NotChecked, Timings, Verdict};

impl NameServer {
    fn prober(&self) -> Prober {
        self.prober_with(&[])
    }

    pub(super) fn prober_with(&self, reference_names: &[&str]) -> Prober {
        let policy = "loopback".parse().unwrap();
        Prober::new(ProberConfig {
            policy,
            resolver: Some(self.address),
            reference_names: reference_names.iter().map(ToString::to_string).collect(),
            ..ProberConfig::default()
        })
        .unwrap()
    }
}

async fn open_stand() -> Stand {
    Stand::with(|stream| End::Hold.of(stream)).await
}

fn named(stand: &Stand) -> String {
    format!("tcp://endpoint.example:{}", stand.address.port())
}

#[tokio::test]
async fn a_name_is_resolved_to_its_address() {
    let stand = open_stand().await;
    let server = NameServer::with(Zone::Addresses(vec![vec![v4([127, 0, 0, 1])]])).await;
    let result = check(&server.prober(), &named(&stand), None, PATIENT).await;
    assert_eq!(result.verdict, Verdict::Up);
    assert!(
        result.timings.resolve.unwrap() + result.timings.connect.unwrap() <= result.timings.total
    );
}

#[tokio::test]
async fn every_check_resolves_again_despite_the_ttl() {
    let stand = open_stand().await;
    let server = NameServer::with(Zone::Addresses(vec![
        vec![v4([127, 0, 0, 1])],
        vec![v4([10, 0, 0, 1])],
    ]))
    .await;
    let prober = server.prober();
    assert_eq!(
        check(&prober, &named(&stand), None, PATIENT).await.verdict,
        Verdict::Up
    );
    let rebound = check(&prober, &named(&stand), None, PATIENT).await;
    assert_eq!(rebound.verdict, plain(FailureClass::NotAllowed));
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
    assert_eq!(stand.accepted(), 1);
}

#[tokio::test]
async fn one_denied_address_denies_them_all() {
    let stand = open_stand().await;
    let fine = v4([127, 0, 0, 1]);
    for bad in [
        v4([10, 0, 0, 1]),
        v4([169, 254, 169, 254]),
        "fd00::7".parse().unwrap(),
        "::ffff:10.0.0.1".parse().unwrap(),
    ] {
        for answers in [vec![fine, bad], vec![bad, fine]] {
            let server = NameServer::with(Zone::Addresses(vec![answers])).await;
            let result = check(&server.prober(), &named(&stand), None, PATIENT).await;
            assert_eq!(result.verdict, plain(FailureClass::NotAllowed), "{bad}");
            assert_eq!(result.timings, Timings::default());
        }
    }
    assert_eq!(stand.accepted(), 0);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_fails() {
    let stand = open_stand().await;
    let fine = v4([127, 0, 0, 1]);
    // Nothing listens on these: the test server is on 127.0.0.1 only.
    let answers = vec![
        v4([127, 0, 0, 2]),
        v4([127, 0, 0, 3]),
        Ipv6Addr::LOCALHOST.into(),
        fine,
    ];
    let server = NameServer::with(Zone::Addresses(vec![answers])).await;
    assert_eq!(
        check(&server.prober(), &named(&stand), None, PATIENT)
            .await
            .verdict,
        Verdict::Up
    );
    let all_closed = NameServer::with(Zone::Addresses(vec![vec![
        v4([127, 0, 0, 2]),
        v4([127, 0, 0, 3]),
    ]]))
    .await;
    assert_eq!(
        check(&all_closed.prober(), &named(&stand), None, PATIENT)
            .await
            .verdict,
        plain(FailureClass::Refused)
    );
}

#[tokio::test]
async fn a_missing_name_differs_from_a_missing_answer() {
    let (no_error, servfail, nxdomain, refused) = (0, 2, 3, 5);
    for (zone, expected) in [
        (Zone::Code(nxdomain), plain(FailureClass::NameFailed)),
        (Zone::Code(no_error), plain(FailureClass::NameFailed)),
        (Zone::Code(servfail), Verdict::Unknown(NotChecked::Resolver)),
        (Zone::Code(refused), Verdict::Unknown(NotChecked::Resolver)),
    ] {
        let server = NameServer::with(zone).await;
        let result = check(&server.prober(), "tcp://endpoint.example:80", None, PATIENT).await;
        assert_eq!(result.verdict, expected);
        assert!(result.timings.resolve.is_some() && result.timings.connect.is_none());
    }
    for zone in [Zone::Unresponsive, Zone::Garbage] {
        let server = NameServer::with(zone).await;
        let result = check(&server.prober(), "tcp://endpoint.example:80", None, HASTY).await;
        assert_eq!(result.verdict, Verdict::Unknown(NotChecked::Resolver));
    }
}

#[tokio::test]
async fn a_redirect_to_a_name_is_resolved_and_judged() {
    let server = NameServer::with(Zone::Addresses(vec![vec![v4([192, 168, 0, 1])]])).await;
    let stand =
        Stand::answering("HTTP/1.1 302 x\r\nLocation: http://endpoint.example/\r\n\r\n").await;
    let http_check = crate::domain::endpoints::http_check::HttpCheck {
        max_redirects: 1,
        ..Default::default()
    };
    let result = check(&server.prober(), &stand.http(), Some(&http_check), PATIENT).await;
    assert_eq!(result.verdict, plain(FailureClass::NotAllowed));
}

#[tokio::test]
async fn ip_addresses_are_never_resolved() {
    let stand = open_stand().await;
    let server = NameServer::with(Zone::Unresponsive).await;
    let result = check(&server.prober(), &stand.tcp(), None, PATIENT).await;
    assert_eq!(
        (result.verdict, result.timings.resolve),
        (Verdict::Up, None)
    );
}

#[tokio::test]
async fn the_system_reports_that_a_name_does_not_exist() {
    // RFC 6761: no resolver has an answer for `.invalid`; without any name server the system cannot know that.
    let result = check(&super::prober(), "tcp://endpoint.invalid:80", None, PATIENT).await;
    let expected = [
        plain(FailureClass::NameFailed),
        Verdict::Unknown(NotChecked::Resolver),
    ];
    assert!(expected.contains(&result.verdict), "{result:?}");
}
