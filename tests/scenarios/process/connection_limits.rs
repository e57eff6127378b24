//! Clients that send slowly, read nothing or send too much lose their connections, and take nothing from other clients.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::devices::http_devices_servers::{device, key, quick, read_with, text};
use crate::harness::client::Client;
use crate::harness::own_timer::stopwatch;
use crate::harness::{Running, wait_for};

/// Opens this many connections, and sends the same bytes on each.
async fn open(client: Client, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        // A refused connection may be reset already.
        if let Ok(mut stream) = client.connect(Some(2048)).await {
            stream.set_nonblocking(true).unwrap();
            let _ = stream.write(bytes);
            streams.push(stream);
        }
    }
    streams
}

/// Whether the server has closed a connection of which nothing was read.
fn is_closed(stream: &mut TcpStream) -> bool {
    // More than the server will ever read: writing fails once the connection is gone.
    for _ in 0..2 {
        match stream.write(b"x") {
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return true,
            _ => {}
        }
    }
    false
}

fn closed(running: &Running<'_>, reason: &str) -> f64 {
    let name = format!("rollcall_http_connections_closed_total{{reason=\"{reason}\"}}");
    running.metric(&name).unwrap()
}

fn refused(running: &Running<'_>, reason: &str) -> f64 {
    let name = format!("rollcall_http_connections_refused_total{{reason=\"{reason}\"}}");
    running.metric(&name).unwrap()
}

/// A device with its own key.
struct Pump {
    path: String,
    key: String,
    uuid: String,
}

impl Pump {
    fn register(running: &Running<'_>, fleet: &str) -> Self {
        let made = running.call("POST", "/api/v1/device/register", fleet, "");
        let uuid = text(&made.json["uuid"]);
        Self {
            path: format!("/api/v1/device/{uuid}/state"),
            key: text(&made.json["device_key"]),
            uuid,
        }
    }

    /// Sends a heartbeat. Returns its status and how long it took.
    async fn heartbeat(&self, client: Client) -> (u16, Duration) {
        let start = stopwatch();
        let header = format!("Authorization: Bearer {}\r\n", self.key);
        let response = client.get(&self.path, &header).await;
        (response.status, start.elapsed())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_not_read_lose_their_connections_after_ten_seconds() {
    let rollcall = quick();
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let running = rollcall.run();
    let pump = Pump::register(&running, &fleet);
    let good = Client::new(200, running.address());
    // From now on, this address is known.
    assert_eq!(pump.heartbeat(good).await.0, 200);
    let requests = "GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    let start = stopwatch();
    let mut streams = Vec::new();
    for number in 2..12 {
        let client = Client::new(number, running.address());
        streams.extend(open(client, 100, requests.as_bytes()).await);
    }
    let mut heartbeats = 0;
    wait_for("the connections to be closed", || {
        let handle = tokio::runtime::Handle::current();
        let (status, took) = handle.block_on(pump.heartbeat(good));
        assert!(status == 200 || status == 429, "{status}");
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert_eq!(running.get("/healthz").0, 200);
        heartbeats += 1;
        std::thread::park_timeout(Duration::from_millis(200));
        (closed(&running, "stalled") >= 890.0).then_some(())
    });
    assert!(heartbeats > 10);
    assert!(start.elapsed().as_secs() >= 10, "not before it is stalled");
    wait_for("the client to notice it", || {
        // The device goes on, however long this takes.
        let handle = tokio::runtime::Handle::current();
        handle.block_on(pump.heartbeat(good));
        streams.iter_mut().all(is_closed).then_some(())
    });
    assert_eq!(device(&running, &read, &pump.uuid)["status"], "online");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_of_one_address_delay_no_heartbeat_of_another() {
    let rollcall = quick();
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let running = rollcall.run();
    let pumps: Vec<Pump> = (0..5).map(|_| Pump::register(&running, &fleet)).collect();
    let [slow, good] = [3, 2].map(|number| Client::new(number, running.address()));
    let start = stopwatch();
    let mut streams = open(slow, 2_000, b"GET /healthz HTTP/1.1\r\nX-Slow: ").await;
    let mut times = Vec::new();
    while start.elapsed() < Duration::from_secs(6) {
        for pump in &pumps {
            let (status, took) = pump.heartbeat(good).await;
            assert!(status == 200 || status == 429, "{status}");
            times.push(took);
        }
        for stream in &mut streams {
            // It may be closed already.
            let _ = stream.write(b"x");
        }
        tokio::task::block_in_place(|| std::thread::park_timeout(Duration::from_millis(300)));
    }
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    println!("{} heartbeats, p99 {p99:?}", times.len());
    assert!(p99 < Duration::from_secs(1), "{p99:?}");
    assert!(refused(&running, "too_many_of_network") >= 1_800.0);
    for pump in &pumps {
        assert_eq!(device(&running, &read, &pump.uuid)["status"], "online");
    }
    wait_for("the slow connections to be closed", || {
        (closed(&running, "slow_head") >= 100.0).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_full_no_device_goes_offline() {
    let rollcall = quick().with("HEARTBEAT_OFFLINE_THRESHOLD", "6s");
    let (fleet, read) = (key(&rollcall, "fleet", "42"), key(&rollcall, "read", "42"));
    let running = rollcall.run();
    // It registers at another address, so that its own address is unknown.
    let pump = Pump::register(&running, &fleet);
    let [here, away] = [1, 200].map(|number| Client::new(number, running.address()));
    // Each holds its connection for the ten seconds in which a body may arrive.
    let request = b"POST /api/v1/server-stats HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{";
    let mut streams = Vec::new();
    for number in 2..12 {
        // This machine can send heartbeats in any case.
        assert_eq!(pump.heartbeat(here).await.0, 200);
        let client = Client::new(number, running.address());
        streams.extend(open(client, 100, request).await);
    }
    let start = stopwatch();
    // When many connections are refused at once, some of them are closed without a response.
    wait_for("a response from the full server", || {
        let handle = tokio::runtime::Handle::current();
        let (status, _) = handle.block_on(pump.heartbeat(away));
        assert!(status == 503 || status == 0, "{status}");
        (status == 503).then_some(())
    });
    wait_for("a free connection", || {
        let handle = tokio::runtime::Handle::current();
        let (status, _) = handle.block_on(pump.heartbeat(away));
        std::thread::park_timeout(Duration::from_millis(500));
        (status == 200).then_some(())
    });
    // The device was overdue for long enough.
    assert!(start.elapsed() > Duration::from_secs(7));
    assert!(refused(&running, "full") >= 100.0);
    let offline = || {
        let path = "/api/v1/events?type=device_offline";
        let events = read_with(&running, &read, path).json;
        events["events"].as_array().unwrap().len()
    };
    assert_eq!(offline(), 0);
    // Afterwards, missed heartbeats count again.
    wait_for("the missed heartbeats to be noticed", || {
        (device(&running, &read, &pump.uuid)["status"] == "offline").then_some(())
    });
    assert_eq!(offline(), 1);
}

#[test]
fn heads_beyond_the_limits_are_refused() {
    let rollcall = quick();
    let running = rollcall.run();
    // Of a head of this size in all, or with this many headers.
    let status = |size: usize, headers: usize| {
        let mut head = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".to_owned();
        for _ in 2..headers {
            head += "A: b\r\n";
        }
        let rest = size.saturating_sub(head.len() + "X: \r\n\r\n".len());
        if rest > 0 {
            head += &format!("X: {}\r\n", "x".repeat(rest));
        }
        head += "\r\n";
        let mut stream = TcpStream::connect(running.address()).unwrap();
        // The server may hang up before it has read everything.
        let _ = stream.write_all(head.as_bytes());
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer.get(9..12).unwrap_or_default().to_owned()
    };
    for (size, headers, expected) in [
        (16 * 1024 - 1, 3, "200"),
        (16 * 1024, 3, "200"),
        (16 * 1024 + 1, 3, "431"),
        (0, 100, "200"),
        (0, 101, "431"),
    ] {
        assert_eq!(status(size, headers), expected, "{size} {headers}");
    }
}
