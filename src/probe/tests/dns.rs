//! Checks of names, with a test name server that gives scripted answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::super::{Prober, ProberConfig};
use super::stage::{End, Stand};
use super::{HASTY, PATIENT, check, down, plain};
use crate::domain::endpoints::check_result::{FailureClass, Timings, Verdict};

const NO_ANSWER: &str = "the resolver did not respond";

/// The name server's answer; `Addresses` has one list per IPv4 query, the last one for all further queries.
#[derive(Clone)]
enum Zone {
    Addresses(Vec<Vec<IpAddr>>),
    Code(u8),
    Unresponsive,
    Garbage,
}

struct NameServer {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl NameServer {
    async fn with(zone: Zone) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut buffer = [0; 1500];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                if let Some(answer) = answer(&buffer[..length], &zone, &counter) {
                    socket.send_to(&answer, from).await.unwrap();
                }
            }
        });
        Self {
            address,
            asked,
            task,
        }
    }

    fn prober(&self) -> Prober {
        let policy = "loopback".parse().unwrap();
        Prober::new(ProberConfig {
            policy,
            resolver: Some(self.address),
            ..ProberConfig::default()
        })
        .unwrap()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A DNS answer (RFC 1035 4): the id and the question of the query, with the given code and records.
fn answer(question: &[u8], zone: &Zone, asked: &AtomicUsize) -> Option<Vec<u8>> {
    let name = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
    let kind = question[name + 1];
    let (code, records) = match zone {
        Zone::Unresponsive => return None,
        Zone::Garbage => return Some(b"\x00\x01garbage".to_vec()),
        Zone::Code(code) => (*code, Vec::new()),
        Zone::Addresses(lists) => {
            let index = if kind == 1 {
                asked.fetch_add(1, Ordering::SeqCst)
            } else {
                asked.load(Ordering::SeqCst).max(1) - 1
            };
            let addresses = &lists[index.min(lists.len() - 1)];
            (
                0,
                addresses
                    .iter()
                    .filter(|ip| ip.is_ipv4() == (kind == 1))
                    .map(record)
                    .collect(),
            )
        }
    };
    let mut answer = question[..2].to_vec();
    answer.extend([
        0x81,
        0x80 | code,
        0,
        1,
        0,
        u8::try_from(records.len()).unwrap(),
        0,
        0,
        0,
        0,
    ]);
    answer.extend(&question[12..name + 4]);
    answer.extend(records.concat());
    Some(answer)
}

fn record(ip: &IpAddr) -> Vec<u8> {
    let (kind, octets) = match ip {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (28, ip.octets().to_vec()),
    };
    // The name is a pointer to the question; class IN; a TTL of one hour, which must be ignored.
    let mut record = vec![
        0xc0,
        12,
        0,
        kind,
        0,
        1,
        0,
        0,
        14,
        16,
        0,
        u8::try_from(octets.len()).unwrap(),
    ];
    record.extend(octets);
    record
}

fn v4(octets: [u8; 4]) -> IpAddr {
    Ipv4Addr::from(octets).into()
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
        (
            Zone::Code(servfail),
            down(FailureClass::NameFailed, NO_ANSWER),
        ),
        (
            Zone::Code(refused),
            down(FailureClass::NameFailed, NO_ANSWER),
        ),
    ] {
        let server = NameServer::with(zone).await;
        let result = check(&server.prober(), "tcp://endpoint.example:80", None, PATIENT).await;
        assert_eq!(result.verdict, expected);
        assert!(result.timings.resolve.is_some() && result.timings.connect.is_none());
    }
    for zone in [Zone::Unresponsive, Zone::Garbage] {
        let server = NameServer::with(zone).await;
        let result = check(&server.prober(), "tcp://endpoint.example:80", None, HASTY).await;
        assert_eq!(result.verdict, down(FailureClass::NameFailed, NO_ANSWER));
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
    let Verdict::Down(failure) = result.verdict else {
        panic!("{result:?}")
    };
    assert_eq!(failure.class, FailureClass::NameFailed);
    assert!(failure.detail.is_none_or(|detail| &*detail == NO_ANSWER));
}
