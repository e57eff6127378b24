//! A test name server on a UDP port, with answers that a test can change. Unit tests and scenarios use it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// The name server's answer; `Addresses` has one list per IPv4 query, the last one for all further queries.
#[derive(Clone)]
pub enum Zone {
    Addresses(Vec<Vec<IpAddr>>),
    Code(u8),
    Unresponsive,
    Garbage,
    /// The zones of the endpoints' names, of the names below `.reference`, and of unused names below those.
    Split(Box<[Zone; 3]>),
}

impl Zone {
    /// One IPv4 address.
    pub fn at(octets: [u8; 4]) -> Self {
        Self::Addresses(vec![vec![v4(octets)]])
    }
}

pub struct NameServer {
    pub address: SocketAddr,
    pub asked: Arc<AtomicUsize>,
    zone: Arc<Mutex<Zone>>,
    task: JoinHandle<()>,
}

impl NameServer {
    pub async fn with(zone: Zone) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let zone = Arc::new(Mutex::new(zone));
        let shared = Arc::clone(&zone);
        let task = tokio::spawn(async move {
            let mut buffer = [0; 1500];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                let zone = shared.lock().unwrap().clone();
                if let Some(answer) = answer(&buffer[..length], &zone, &counter) {
                    socket.send_to(&answer, from).await.unwrap();
                }
            }
        });
        Self {
            address,
            asked,
            zone,
            task,
        }
    }

    /// Changes the answers.
    pub fn set(&self, zone: Zone) {
        *self.zone.lock().unwrap() = zone;
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
        Zone::Split(zones) => {
            let asked_name = dotted(&question[12..name]);
            let [endpoints, references, unused] = &**zones;
            let zone = match asked_name.ends_with(".reference") {
                true if asked_name.contains(".rollcall-") => unused,
                true => references,
                false => endpoints,
            };
            return answer(question, zone, asked);
        }
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

/// A name in its usual form, with a dot in front.
fn dotted(mut labels: &[u8]) -> String {
    let mut name = String::new();
    while let [length, rest @ ..] = labels {
        if *length == 0 {
            break;
        }
        let (label, others) = rest.split_at(usize::from(*length));
        name.push('.');
        name.push_str(&String::from_utf8_lossy(label));
        labels = others;
    }
    name.to_ascii_lowercase()
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

pub fn v4(octets: [u8; 4]) -> IpAddr {
    Ipv4Addr::from(octets).into()
}
