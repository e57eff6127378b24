//! During a loss of connectivity nothing is sent about the endpoints; afterwards, only outages that are real.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use discord_sandbox::Sandbox;
use serde_json::json;

use crate::harness::alerting::{self, the_message, wait_until_online, with_webs};
use crate::harness::collector::Collector;
use crate::harness::query_plans::{assert_no_scans, traced};
use crate::harness::{Rollcall, Running, Web, wait_for};

/// A reference host that can become unresponsive: when its connection queue is full, connects time out.
struct ReferenceHost {
    address: SocketAddr,
    listener: tokio::net::TcpListener,
    connections: Vec<TcpStream>,
}

impl ReferenceHost {
    fn start() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            listener,
            connections: Vec::new(),
        }
    }

    fn becomes_unresponsive(&mut self) {
        let limit = Duration::from_millis(300);
        while let Ok(stream) = TcpStream::connect_timeout(&self.address, limit) {
            self.connections.push(stream);
        }
    }

    /// Accepts every connection from now on.
    fn responds_again(self) {
        tokio::spawn(async move {
            let _connections = self.connections;
            while let Ok((stream, _)) = self.listener.accept().await {
                drop(stream);
            }
        });
    }
}

fn bot(sandbox: &Sandbox, reference_host: &ReferenceHost) -> Rollcall {
    alerting::bot(sandbox)
        .with("PROBE_FAILURES_TO_OFFLINE", "3")
        .with("CONNECTIVITY_HOSTS", reference_host.address.to_string())
}

/// Registers a device and returns its uuid.
fn register_device(sandbox: &Sandbox, rollcall: &Rollcall, running: &Running<'_>) -> String {
    let guild = sandbox.guild().0.to_string();
    let made = rollcall.done(&[
        "key", "create", "--kind", "fleet", "--guild", &guild, "--json",
    ]);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let body = r#"{"device_name": "backup"}"#;
    let answer = running.call("POST", "/api/v1/device/register", &key, body);
    answer.json["uuid"].as_str().unwrap().to_owned()
}

/// Reports a failure of a device, and asserts that its deliveries stay pending at both destinations for longer than the
/// pause between two messages.
fn assert_deliveries_are_held(running: &Running<'_>, device: &str) {
    let failed = running.call("POST", &format!("/ping/{device}/fail"), "", "disk full");
    assert_eq!(failed.status, 200);
    let pending = || {
        let names = [
            r#"rollcall_notifications_pending{destination="channel"}"#,
            r#"rollcall_notifications_pending{destination="webhook"}"#,
        ];
        names.map(|name| running.metric(name))
    };
    wait_for("two pending deliveries", || {
        (pending() == [Some(1.0); 2]).then_some(())
    });
    // The runs of a job with a period of five seconds measure the time.
    let runs = || {
        running
            .metric(r#"rollcall_job_runs_total{job="diagnose"}"#)
            .unwrap()
    };
    let before = runs();
    wait_for("some time to pass", || {
        (runs() >= before + 2.0).then_some(())
    });
    assert_eq!(pending(), [Some(1.0); 2]);
    assert_eq!(running.metric("rollcall_connectivity_up"), Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_wait_for_connectivity_and_then_report_real_outages() {
    let sandbox = Sandbox::start().await;
    let mut reference_host = ReferenceHost::start();
    let rollcall = traced(bot(&sandbox, &reference_host));
    let mut webs: Vec<Web> = (0..6).map(|_| Web::up()).collect();
    let running = with_webs(&sandbox, &rollcall, &webs).await;
    let collector = Collector::start();
    let webhook = format!(
        "/alerts webhook add name:wall url:{}",
        collector.url("hook")
    );
    sandbox.slash(&webhook).await;
    let device = register_device(&sandbox, &rollcall, &running);
    reference_host.becomes_unresponsive();
    for web in &mut webs {
        web.goes_down();
    }
    the_message(&sandbox, "Rollcall lost network connectivity").await;
    wait_for("the endpoints to be unknown", || {
        let unknown = running.metric(r#"rollcall_endpoints{status="unknown"}"#);
        (unknown == Some(6.0) && running.metric("rollcall_connectivity_up") == Some(0.0))
            .then_some(())
    });
    let ready = running.call("GET", "/readyz", "", "");
    assert_eq!(
        (ready.status, &ready.json["failing"]),
        (503, &json!(["connectivity"]))
    );
    assert_eq!(running.get("/healthz").0, 200);
    assert_eq!(rollcall.sql("SELECT 'one' FROM outages").len(), 0);
    assert_deliveries_are_held(&running, &device);
    assert_eq!(collector.types(), ["test", "connectivity.lost"]);
    let messages = sandbox.messages(sandbox.guild());
    assert!(messages.iter().all(|one| !one.text().contains("disk full")));
    // Five endpoints recover with the network, and one does not.
    for web in &mut webs[1..] {
        web.recovers();
    }
    reference_host.responds_again();
    the_message(&sandbox, "Rollcall had no network connectivity for").await;
    // One message for both or one for each, depending on when they were detected.
    the_message(&sandbox, "web0").await;
    the_message(&sandbox, "disk full").await;
    wait_until_online(&running, 5);
    let messages = sandbox.messages(sandbox.guild());
    assert!(
        messages.len() <= 4,
        "the test, the connectivity loss, and the two outages"
    );
    for other in 1..6 {
        let other = format!("web{other}");
        assert!(
            messages.iter().all(|one| !one.text().contains(&other)),
            "{other}"
        );
    }
    wait_for("the incident at the webhook", || {
        let types = collector.types();
        types.contains(&"incident.opened".to_owned()).then_some(())
    });
    assert_eq!(running.metric("rollcall_connectivity_up"), Some(1.0));
    assert_no_scans(&rollcall).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_outage_is_notified_if_a_reference_host_responds() {
    let sandbox = Sandbox::start().await;
    let reference_host = ReferenceHost::start();
    let rollcall = bot(&sandbox, &reference_host);
    reference_host.responds_again();
    let mut webs: Vec<Web> = (0..6).map(|_| Web::up()).collect();
    let running = with_webs(&sandbox, &rollcall, &webs).await;
    for web in &mut webs {
        web.goes_down();
    }
    the_message(&sandbox, "🔴 6 monitors on 127.0.0.1 are offline").await;
    assert_eq!(running.metric("rollcall_connectivity_up"), Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_right_after_a_real_outage_causes_no_false_alarm() {
    let sandbox = Sandbox::start().await;
    let mut reference_host = ReferenceHost::start();
    let rollcall = bot(&sandbox, &reference_host);
    let mut webs: Vec<Web> = (0..12).map(|_| Web::up()).collect();
    let running = with_webs(&sandbox, &rollcall, &webs).await;
    webs[0].goes_down();
    the_message(&sandbox, "web0").await;
    // Since that failure began, all others have passed several times.
    reference_host.becomes_unresponsive();
    for web in &mut webs[1..] {
        web.goes_down();
    }
    the_message(&sandbox, "Rollcall lost network connectivity").await;
    wait_for("the other endpoints to be unknown", || {
        let unknown = running.metric(r#"rollcall_endpoints{status="unknown"}"#);
        (unknown == Some(11.0)).then_some(())
    });
    for web in &mut webs[1..] {
        web.recovers();
    }
    reference_host.responds_again();
    the_message(&sandbox, "Rollcall had no network connectivity for").await;
    wait_until_online(&running, 11);
    assert_eq!(rollcall.sql("SELECT 'one' FROM outages"), ["one"]);
    // Not even for a moment: their failures waited until the reference host had been tested, which takes three seconds.
    let offline = "SELECT 'one' FROM events WHERE kind = 'endpoint_offline'";
    assert_eq!(rollcall.sql(offline), ["one"]);
    let messages = sandbox.messages(sandbox.guild());
    assert!((1..12).all(|other| {
        let other = format!("web{other}");
        messages.iter().all(|one| !one.text().contains(&other))
    }));
}
