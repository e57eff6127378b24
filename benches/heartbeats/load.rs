//! Generates the load: clients that each wait for the response before they send the next heartbeat.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::{DEVICES, Result, clock};

const CLIENTS: u8 = 128;

/// Clients at one address. Rollcall limits the connections of an address.
const CLIENTS_AT_AN_ADDRESS: u8 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// One connection per heartbeat.
    Fresh,
    /// One connection for all heartbeats of a client.
    Kept,
}

/// The results of a run.
#[derive(Debug, Default)]
pub struct Load {
    /// How long each acknowledged heartbeat took, sorted.
    latencies: Vec<Duration>,
    pub refused: u64,
    length: Duration,
}

impl Load {
    pub fn acknowledged(&self) -> u64 {
        self.latencies.len() as u64
    }

    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.length.as_secs_f64()
    }

    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.latencies.len() * percent).div_ceil(100).max(1) - 1;
        self.latencies.get(rank).copied().unwrap_or_default()
    }
}

/// Sends heartbeats for `length`, after a warm-up of a second.
pub fn run(address: SocketAddr, key: &str, (manner, length): (Manner, Duration)) -> Result<Load> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let next = Arc::new(AtomicU32::new(0));
        let warm_up = Duration::from_secs(1);
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let client = Client {
                    from: IpAddr::V4(Ipv4Addr::new(127, 0, 1, 1 + number / CLIENTS_AT_AN_ADDRESS)),
                    address,
                    key: key.to_owned(),
                    manner,
                    next: Arc::clone(&next),
                };
                tokio::spawn(client.run(warm_up, length))
            })
            .collect();
        let mut all = Load {
            length,
            ..Load::default()
        };
        for client in clients {
            let one = client.await?;
            all.latencies.extend(one.latencies);
            all.refused += one.refused;
        }
        all.latencies.sort_unstable();
        Ok(all)
    })
}

struct Client {
    /// One of the machine's own addresses.
    from: IpAddr,
    address: SocketAddr,
    key: String,
    manner: Manner,
    /// The next device to send a heartbeat: all in turn, because each may send one per second.
    next: Arc<AtomicU32>,
}

impl Client {
    async fn run(self, warm_up: Duration, length: Duration) -> Load {
        let mut load = Load::default();
        let (mut stream, mut answer) = (None, Vec::with_capacity(1024));
        let started = clock::now();
        while started.elapsed() < warm_up + length {
            let sent_at = clock::now();
            let is_acknowledged = self.send_heartbeat(&mut stream, &mut answer).await;
            if started.elapsed() < warm_up {
                continue;
            }
            match is_acknowledged {
                Ok(true) => load.latencies.push(sent_at.elapsed()),
                Ok(false) | Err(_) => {
                    load.refused += 1;
                    stream = None;
                }
            }
        }
        load
    }

    async fn send_heartbeat(
        &self,
        kept: &mut Option<TcpStream>,
        answer: &mut Vec<u8>,
    ) -> std::io::Result<bool> {
        let device = self.next.fetch_add(1, Ordering::Relaxed) % DEVICES;
        let connection = match self.manner {
            Manner::Fresh => "Connection: close\r\n",
            Manner::Kept => "",
        };
        let request = format!(
            "POST /api/v1/device/{}/heartbeat HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n{connection}Content-Length: 0\r\n\r\n",
            uuid(device),
            self.key
        );
        let mut stream = match kept.take() {
            Some(stream) => stream,
            None => {
                let socket = TcpSocket::new_v4()?;
                socket.bind(SocketAddr::new(self.from, 0))?;
                let stream = socket.connect(self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request.as_bytes()).await?;
        answer.clear();
        while !is_whole(answer) {
            if stream.read_buf(answer).await? == 0 {
                return Ok(false);
            }
        }
        if self.manner == Manner::Kept {
            *kept = Some(stream);
        }
        Ok(answer.starts_with(b"HTTP/1.1 200 "))
    }
}

/// Whether the response has its whole head and body.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.parse::<usize>().ok());
    answer.len() >= end + 4 + length.unwrap_or(0)
}

pub fn uuid(device: u32) -> String {
    format!("00000000-0000-4000-8000-{device:012}")
}
