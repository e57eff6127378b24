//! Opens a connection and separates failures of the endpoint from failures of this machine.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use tokio::net::{TcpSocket, TcpStream};

use super::Stop;
use super::gate::ConnectionGate;
use super::trace::{Phase, Trace};
use crate::domain::endpoints::check_result::FailureClass;

/// How many addresses of a name are tried. More are judged but not tried: each would get too little of the deadline.
const MAX_ADDRESSES: usize = 8;

/// Tries the addresses in order. Each gets an equal share of the remaining time, so that a dead first address does not
/// hide a working second one. Every attempt passes the gate.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    gate: ConnectionGate<'_>,
    trace: &mut Trace,
) -> Result<TcpStream, Stop> {
    trace.enter(Phase::Connecting);
    let addresses = &addresses[..addresses.len().min(MAX_ADDRESSES)];
    let mut first_failure: Option<Stop> = None;
    for (index, address) in addresses.iter().enumerate() {
        gate.pass(*address, trace).await?;
        let left = addresses.len() - index;
        let opened = if left == 1 {
            // The check's own deadline is enough.
            open(*address).await
        } else {
            let share = trace.remaining() / u32::try_from(left).unwrap_or(u32::MAX);
            let late = |_| Err(Phase::Connecting.out_of_time());
            tokio::time::timeout(share, open(*address))
                .await
                .unwrap_or_else(late)
        };
        match opened {
            Ok(stream) => return Ok(stream),
            Err(stop) => match (&first_failure, &stop) {
                // A failure of the endpoint says more than our inability to try.
                (None, _) | (Some(Stop::NotChecked(_)), Stop::Down(_)) => {
                    first_failure = Some(stop);
                }
                _ => {}
            },
        }
    }
    Err(first_failure.unwrap_or(Stop::plain(FailureClass::NameFailed)))
}

async fn open(address: SocketAddr) -> Result<TcpStream, Stop> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    // No packet has left yet: any failure here is on this machine.
    let socket = socket
        .map_err(|error| own_limit(&error).unwrap_or(Stop::NotChecked("cannot open a socket")))?;
    // Without it, Nagle's algorithm and delayed acknowledgment add 40 ms that are not the endpoint's.
    socket
        .set_nodelay(true)
        .map_err(|_| Stop::NotChecked("cannot configure a socket"))?;
    socket
        .connect(address)
        .await
        .map_err(|error| diagnose(&error, address))
}

fn diagnose(error: &io::Error, address: SocketAddr) -> Stop {
    if let Some(stop) = own_limit(error) {
        return stop;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Stop::plain(FailureClass::Refused),
        io::ErrorKind::TimedOut => Phase::Connecting.out_of_time(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Stop::with(
            FailureClass::ProtocolError,
            "connection reset while connecting",
        ),
        _ if !has_route(address) => Stop::NotChecked("no route to this address"),
        _ => Stop::plain(FailureClass::Unreachable),
    }
}

/// Operation not permitted: this machine's firewall.
const EPERM: i32 = 1;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const ENOBUFS: i32 = if cfg!(target_os = "linux") { 105 } else { 55 };

/// `NotChecked` if the error is a limit of *this machine*; std has no kinds for most of these.
pub(super) fn own_limit(error: &io::Error) -> Option<Stop> {
    let why = match (error.raw_os_error(), error.kind()) {
        (Some(EMFILE | ENFILE), _) => "no free file descriptor",
        (Some(ENOBUFS), _) | (_, io::ErrorKind::OutOfMemory) => "no free memory for a connection",
        (Some(EPERM), _) => "blocked by the local firewall",
        (_, io::ErrorKind::AddrNotAvailable) => "no free local port",
        _ => return None,
    };
    Some(Stop::NotChecked(why))
}

/// Whether the routing table has a route. Sends nothing: connecting a UDP socket only looks up the route. Separates a
/// network that is unreachable behind our router from a machine without any route.
fn has_route(address: SocketAddr) -> bool {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    UdpSocket::bind(any)
        .and_then(|socket| socket.connect(address))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn connections_are_opened_without_nagle() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut trace = Trace::start(Duration::from_secs(20));
        let address = listener.local_addr().unwrap();
        let stream = connect(&[address], ConnectionGate::new(None, None), &mut trace)
            .await
            .unwrap();
        assert!(stream.nodelay().unwrap());
    }

    #[test]
    fn limits_of_this_machine_are_never_failures_of_the_endpoint() {
        let address = "127.0.0.1:80".parse().unwrap();
        for code in [EPERM, ENFILE, EMFILE, ENOBUFS] {
            let stop = diagnose(&io::Error::from_raw_os_error(code), address);
            assert!(matches!(stop, Stop::NotChecked(_)), "{code}: {stop:?}");
        }
        for kind in [io::ErrorKind::AddrNotAvailable, io::ErrorKind::OutOfMemory] {
            let stop = diagnose(&kind.into(), address);
            assert!(matches!(stop, Stop::NotChecked(_)), "{kind}: {stop:?}");
        }
    }

    #[test]
    fn an_unreachable_network_differs_from_a_missing_route() {
        let routed = "127.0.0.1:80".parse().unwrap();
        let nowhere = "255.255.255.255:80".parse().unwrap();
        for kind in [
            io::ErrorKind::HostUnreachable,
            io::ErrorKind::NetworkUnreachable,
        ] {
            assert_eq!(
                diagnose(&kind.into(), routed),
                Stop::plain(FailureClass::Unreachable)
            );
            assert!(matches!(
                diagnose(&kind.into(), nowhere),
                Stop::NotChecked(_)
            ));
        }
        assert_eq!(
            diagnose(&io::ErrorKind::TimedOut.into(), routed),
            Stop::with(FailureClass::TimedOut, "while connecting")
        );
    }
}
