//! Checks over TCP: open, refused, hanging and denied connections.

use std::net::Ipv6Addr;
use std::time::Duration;

use super::stage::{End, Stand, closed_port};
use super::{HASTY, PATIENT, check, down, plain, prober, prober_with, run_check};
use crate::domain::endpoints::check_result::{FailureClass, NotChecked, Timings, Verdict};

#[tokio::test]
async fn an_open_port_is_up_with_its_connect_time() {
    let stand = Stand::with(|stream| End::Hold.of(stream)).await;
    let result = run_check(&stand.tcp()).await;
    assert_eq!(result.verdict, Verdict::Up);
    assert!(
        result
            .timings
            .connect
            .is_some_and(|connect| connect > Duration::ZERO)
    );
    assert!(result.timings.total >= result.timings.connect.unwrap());
    assert_eq!(
        (
            result.timings.resolve,
            result.timings.tls,
            result.timings.first_byte
        ),
        (None, None, None)
    );
    assert_eq!(result.at.millis(), 1_800_000_000_000);
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let result = run_check(&format!("tcp://{}", closed_port().await)).await;
    assert_eq!(result.verdict, plain(FailureClass::Refused));
    assert!(result.timings.connect.is_some());
}

#[tokio::test]
async fn the_ipv6_loopback_is_checked_like_the_ipv4_one() {
    let stand = Stand::on(Ipv6Addr::LOCALHOST.into(), |stream| End::Hold.of(stream)).await;
    assert_eq!(run_check(&stand.tcp()).await.verdict, Verdict::Up);
    let closed = tokio::net::TcpListener::bind("[::1]:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(
        run_check(&format!("tcp://{closed}")).await.verdict,
        plain(FailureClass::Refused)
    );
}

#[tokio::test]
async fn a_full_accept_queue_times_out_while_connecting() {
    // A backlog of one from which nothing is accepted: the kernel drops further attempts.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let target = format!("tcp://{address}");
    let mut kept = Vec::new();
    let result = loop {
        let filling = tokio::time::timeout(HASTY, tokio::net::TcpStream::connect(address)).await;
        match filling {
            Ok(stream) => kept.push(stream.unwrap()),
            Err(_) => break check(&prober(), &target, None, HASTY).await,
        }
        assert!(kept.len() < 64, "the queue never fills");
    };
    assert_eq!(
        result.verdict,
        down(FailureClass::TimedOut, "while connecting")
    );
    assert!(result.timings.connect.unwrap() >= HASTY - Duration::from_millis(20));
    assert!(result.timings.total < PATIENT);
}

#[tokio::test]
async fn a_denied_result_does_not_reveal_what_listens_there() {
    let stand = Stand::with(|stream| End::Hold.of(stream)).await;
    let prober = prober_with("");
    let open = check(&prober, &stand.tcp(), None, PATIENT).await;
    let closed = check(
        &prober,
        &format!("tcp://{}", closed_port().await),
        None,
        PATIENT,
    )
    .await;
    assert_eq!(open.verdict, plain(FailureClass::NotAllowed));
    assert_eq!(open.timings, Timings::default());
    assert_eq!(open, closed);
    for target in [
        "https://127.0.0.1/",
        "http://169.254.169.254/latest/",
        "tcp://10.0.0.1:80",
        "tcp://8.8.8.8:25",
    ] {
        assert_eq!(
            check(&prober, target, None, PATIENT).await,
            open,
            "{target}"
        );
    }
    assert_eq!(stand.accepted(), 0);
}

#[tokio::test]
async fn own_addresses_are_denied_unless_allowed() {
    let own = if_addrs::get_if_addrs().unwrap();
    for ip in own.iter().map(if_addrs::Interface::ip) {
        let target = format!("tcp://{}", std::net::SocketAddr::new(ip, 9));
        let result = check(&prober_with(""), &target, None, PATIENT).await;
        assert_eq!(result.verdict, plain(FailureClass::NotAllowed), "{target}");
    }
}

#[tokio::test]
async fn an_address_mapped_into_another_is_judged_too() {
    let stand = Stand::with(|stream| End::Hold.of(stream)).await;
    let port = stand.address.port();
    let mapped = format!("tcp://[::ffff:127.0.0.1]:{port}");
    assert_eq!(
        check(&prober_with(""), &mapped, None, PATIENT)
            .await
            .verdict,
        plain(FailureClass::NotAllowed)
    );
    assert_eq!(stand.accepted(), 0);
    assert_eq!(
        run_check(&mapped).await.verdict,
        Verdict::Up,
        "an allowed address may also be written like this"
    );
}

#[tokio::test]
async fn a_missing_route_is_unknown_instead_of_down() {
    // The kernel connects no socket to the broadcast address: no machine has a route for it.
    let result = check(
        &prober_with("255.255.255.255"),
        "tcp://255.255.255.255:80",
        None,
        HASTY,
    )
    .await;
    assert_eq!(
        result.verdict,
        Verdict::Unknown(NotChecked::Machine("no route to this address"))
    );
}
