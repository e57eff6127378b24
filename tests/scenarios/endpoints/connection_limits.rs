//! No target is flooded: connections to one address are limited for each guild and for all guilds together.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::harness::own_timer::stopwatch;
use crate::harness::{Rollcall, wait_for};

/// A web server that records when it was asked for which path.
struct Recorder {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<(Duration, String)>>>,
}

impl Recorder {
    fn on(ip: &str) -> Self {
        let listener = TcpListener::bind((ip, 0)).unwrap();
        let recorder = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
        };
        let (requests, start) = (Arc::clone(&recorder.requests), stopwatch());
        // Ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (mut stream, at) = (stream, start.elapsed());
                let mut request = [0; 1024];
                let length = stream.read(&mut request).unwrap_or(0);
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
                requests.lock().unwrap().push((at, path));
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
            }
        });
        recorder
    }

    fn requests(&self) -> Vec<(Duration, String)> {
        self.requests.lock().unwrap().clone()
    }
}

/// Adds these paths of a host to a guild.
fn import(rollcall: &Rollcall, guild: u64, address: SocketAddr, count: usize) {
    let mut file = String::new();
    for number in 0..count {
        writeln!(file, "http://{address}/{guild}/{number}").unwrap();
    }
    let path = rollcall.path("import.txt");
    std::fs::write(&path, file).unwrap();
    let (path, guild) = (path.display().to_string(), guild.to_string());
    rollcall.done(&["endpoint", "import", &path, "--guild", &guild]);
}

/// All guilds together connect at most ten times a second, and each of them once, in turn.
fn limits_hold(requests: &[(Duration, String)], seconds: f64) {
    let mut of_guilds: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, path) in requests {
        *of_guilds
            .entry(path.split('/').nth(1).unwrap())
            .or_default() += 1;
    }
    let most = |rate: f64| rate.mul_add(seconds, rate);
    assert!(
        (requests.len() as f64) <= most(10.0),
        "{} connections in {seconds} s",
        requests.len()
    );
    assert_eq!(of_guilds.len(), 10, "{of_guilds:?}");
    for (guild, count) in &of_guilds {
        assert!(
            (*count as f64) <= most(1.0) && *count >= 4,
            "guild {guild}: {count} connections in {seconds} s: {of_guilds:?}"
        );
    }
}

/// There are never many connections at once. A stall of the machine, which `window` includes, delays some of them.
fn are_spread(requests: &[(Duration, String)], window: Duration) {
    let within = |from: Duration| {
        let at = requests.iter().map(|(at, _)| *at);
        at.filter(|at| (from..from + window).contains(at)).count()
    };
    let most_at_once = requests.iter().map(|(at, _)| within(*at)).max().unwrap();
    let allowed = 12.0 * window.as_secs_f64();
    assert!(
        (most_at_once as f64) <= allowed,
        "{most_at_once} within {window:?}"
    );
}

#[test]
fn a_thousand_paths_of_one_host_get_ten_connections_a_second() {
    const GUILDS: u64 = 10;
    let rollcall = Rollcall::new().with("PROBE_LIMIT_ALLOWED", "true");
    let (flooded, other) = (Recorder::on("127.0.0.1"), Recorder::on("127.0.0.2"));
    for guild in 1..=GUILDS {
        import(&rollcall, guild, flooded.address, 100);
    }
    import(&rollcall, 99, other.address, 1);
    let start = stopwatch();
    let running = rollcall.run();
    // One check a second of the endpoint that has an address of its own.
    wait_for("ten checks of the other address", || {
        (other.requests().len() >= 10).then_some(())
    });
    let (seconds, stalled) = (
        start.elapsed().as_secs_f64(),
        running.machine.longest_delay(),
    );
    assert!(
        seconds < 15.0 + stalled.as_secs_f64(),
        "the other address waited: {seconds} s"
    );

    limits_hold(&flooded.requests(), seconds);
    are_spread(&flooded.requests(), Duration::from_secs(1) + stalled);

    // Late, never failed.
    assert_eq!(
        rollcall.sql("SELECT COUNT(*) || '' FROM check_results WHERE class <> 0"),
        ["0"]
    );
    let waiting = running
        .metric("rollcall_checks_waiting_for_address")
        .unwrap();
    assert!((800.0..=1000.0).contains(&waiting), "{waiting}");
    assert!(
        running
            .metric("rollcall_check_address_wait_seconds_total")
            .unwrap()
            > 10.0
    );
    // The checks that wait do not delay the end.
    let (code, _, took) = running.stop();
    assert_eq!(code, 0);
    assert!(took < Duration::from_secs(3) + stalled, "{took:?}");
}
