//! The baselines: checks without anything else of a monitor, each in its own process. Connect, send, read, count.
//!
//! A baseline answers its parent: for each line on its input it prints the passed checks, the failures, the checks in
//! flight and the median latency in microseconds since the previous line (0 if it measures none).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{BufRead, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

use crate::{ADDRESSES, Result, certificate, clock};

/// What a baseline does; given on its command line.
pub struct Plan<'a> {
    /// `tcp`, `http`, `tls` (sessions resumed) or `tls-fresh`.
    pub kind: &'a str,
    pub port: u16,
    /// `loop`: `count` checks at a time, forever. `heap`: `count` endpoints, each once a second. `hold`: `count` checks
    /// that never get a response.
    pub manner: &'a str,
    pub count: u64,
}

#[derive(Default)]
struct Tally {
    checks: AtomicU64,
    failures: AtomicU64,
    in_flight: AtomicU64,
    latencies: Mutex<Vec<u64>>,
}

#[derive(Clone)]
struct Checker {
    is_tcp: bool,
    tls: Option<TlsConnector>,
    port: u16,
    tally: Arc<Tally>,
}

pub async fn run(plan: Plan<'_>, folder: &Path) -> Result<()> {
    let tls = match plan.kind {
        "tls" => Some(certificate::client(folder, true)?),
        "tls-fresh" => Some(certificate::client(folder, false)?),
        _ => None,
    };
    let checker = Checker {
        is_tcp: plan.kind == "tcp",
        tls: tls.map(TlsConnector::from),
        port: plan.port,
        tally: Arc::new(Tally::default()),
    };
    let tally = Arc::clone(&checker.tally);
    std::thread::spawn(move || answer(&tally));
    match plan.manner {
        "heap" => heap(&checker, plan.count).await,
        "hold" => {
            for number in 0..plan.count {
                let checker = checker.clone();
                tokio::spawn(async move { checker.check(number).await });
                if number % 16 == 0 {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }
        _ => {
            for first in 0..plan.count {
                let checker = checker.clone();
                tokio::spawn(async move {
                    let mut number = first;
                    loop {
                        checker.check(number).await;
                        number = number.wrapping_add(1);
                    }
                });
            }
        }
    }
    std::future::pending::<()>().await;
    Ok(())
}

/// Answers the parent until it exits, then ends this process.
fn answer(tally: &Tally) {
    for line in std::io::stdin().lock().lines() {
        if line.is_err() {
            break;
        }
        let mut latencies = std::mem::take(
            &mut *tally
                .latencies
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        latencies.sort_unstable();
        let median = latencies.get(latencies.len() / 2).copied().unwrap_or(0);
        let written = writeln!(
            std::io::stdout(),
            "{} {} {} {median}",
            tally.checks.load(Ordering::Relaxed),
            tally.failures.load(Ordering::Relaxed),
            tally.in_flight.load(Ordering::Relaxed),
        );
        if written.is_err() {
            break;
        }
    }
    std::process::exit(0);
}

/// One heap of due times, one task per check in flight; the endpoints are spread over the second as in the product.
async fn heap(checker: &Checker, endpoints: u64) {
    let start = clock::now();
    let mut due: BinaryHeap<Reverse<(u64, u64)>> = (1..=endpoints)
        .map(|id| Reverse((spread(id) % 1000, id)))
        .collect();
    while let Some(Reverse((at, id))) = due.pop() {
        let at_instant = start + Duration::from_millis(at);
        if at_instant > clock::now() {
            tokio::time::sleep_until(at_instant.into()).await;
        }
        let checker = checker.clone();
        tokio::spawn(async move {
            let started = clock::now();
            checker.check(id).await;
            let took = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            checker
                .tally
                .latencies
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(took);
        });
        due.push(Reverse((at + 1000, id)));
    }
}

/// SplitMix64's finalizer, as the product uses it.
fn spread(id: u64) -> u64 {
    let mut mixed = id.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Checker {
    async fn check(&self, number: u64) {
        self.tally.in_flight.fetch_add(1, Ordering::Relaxed);
        let checked = self.try_check(number).await;
        self.tally.in_flight.fetch_sub(1, Ordering::Relaxed);
        let counter = if checked.is_ok() {
            &self.tally.checks
        } else {
            &self.tally.failures
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    async fn try_check(&self, number: u64) -> std::io::Result<()> {
        let last = u8::try_from(number % u64::from(ADDRESSES)).unwrap_or(0) + 1;
        let ip = Ipv4Addr::new(127, 0, 0, last);
        let socket = TcpSocket::new_v4()?;
        socket.set_nodelay(true)?;
        let stream = socket.connect(SocketAddr::from((ip, self.port))).await?;
        match &self.tls {
            _ if self.is_tcp => Ok(()),
            None => exchange(stream).await,
            Some(tls) => {
                let name = ServerName::IpAddress(std::net::IpAddr::V4(ip).into());
                // Boxed: plain HTTP checks should not reserve memory for a TLS session.
                Box::pin(async move { exchange(tls.connect(name, stream).await?).await }).await
            }
        }
    }
}

const REQUEST: &[u8] = b"GET /12345 HTTP/1.1\r\nHost: 127.0.0.1:12345\r\nUser-Agent: Rollcall/0.1.0 (+monitor)\r\nAccept: */*\r\nConnection: close\r\n\r\n";

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> std::io::Result<()> {
    stream.write_all(REQUEST).await?;
    stream.flush().await?;
    let mut answer = [0_u8; 512];
    let mut length = 0;
    while !answer[..length].ends_with(b"\r\n\r\nok") {
        match stream.read(&mut answer[length..]).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            more => length += more,
        }
    }
    Ok(())
}
