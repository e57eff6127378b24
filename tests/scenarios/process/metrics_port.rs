//! `METRICS_BIND`: the pages of the operator have a port of their own, and the health check finds it.

use std::net::{SocketAddr, TcpListener};

use crate::devices::http_devices_servers::key;
use crate::harness::client::Client;
use crate::harness::{Rollcall, Running};

const OPERATOR_PAGES: [&str; 3] = ["/metrics", "/healthz", "/readyz"];

async fn status(address: SocketAddr, path: &str) -> u16 {
    Client::new(1, address).get(path, "").await.status
}

fn metrics_address(rollcall: &Rollcall) -> SocketAddr {
    let text = std::fs::read_to_string(rollcall.path("addr.metrics")).unwrap();
    text.trim().parse().unwrap()
}

async fn statuses(address: SocketAddr) -> Vec<u16> {
    let mut found = Vec::new();
    for path in OPERATOR_PAGES {
        found.push(status(address, path).await);
    }
    found
}

fn front_page(running: &Running<'_>) -> String {
    running.get("/").1
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_operator_move_to_a_port_of_their_own() {
    let rollcall = Rollcall::new().with("METRICS_BIND", "127.0.0.1:0");
    let read = key(&rollcall, "read", "42");
    let running = rollcall.run();
    let metrics = metrics_address(&rollcall);
    assert_ne!(metrics, running.address());
    assert_eq!(statuses(metrics).await, [200, 200, 200]);
    assert_eq!(statuses(running.address()).await, [404, 404, 404]);
    for path in [
        "/",
        "/metrics/monitors",
        "/probe",
        "/api/v1/sd",
        "/api/openapi.json",
    ] {
        assert_eq!(status(metrics, path).await, 404, "{path}");
    }
    assert_eq!(
        running.call("GET", "/metrics/monitors", &read, "").status,
        200
    );
    assert!(!front_page(&running).contains("/metrics"));
    rollcall.done(&["healthcheck"]);
    // The address of the API is not what the health check uses.
    std::fs::write(rollcall.path("addr"), "127.0.0.1:1\n").unwrap();
    rollcall.done(&["healthcheck"]);
    assert_eq!(running.stop().0, 0);
    assert_eq!(rollcall.execute(&["healthcheck"]).code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_one_port_has_all_pages() {
    let rollcall = Rollcall::new();
    let running = rollcall.run();
    assert_eq!(statuses(running.address()).await, [200, 200, 200]);
    assert!(!rollcall.path("addr.metrics").exists());
    assert!(front_page(&running).contains("href=\"/metrics\""));
}

#[test]
fn the_health_check_knows_the_address_without_a_file() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let rollcall = Rollcall::new().with("METRICS_BIND", format!("localhost:{}", address.port()));
    let _running = rollcall.run();
    let rollcall = rollcall_without_file(&rollcall);
    assert_eq!(rollcall.code, 0, "{rollcall:?}");
}

/// The health check with an empty `ROLLCALL_ADDR_FILE`, which counts as absent.
fn rollcall_without_file(rollcall: &Rollcall) -> crate::harness::CommandOutput {
    let program = env!("CARGO_BIN_EXE_rollcall");
    rollcall.execute_other(program, &["healthcheck"], &[("ROLLCALL_ADDR_FILE", "")])
}

#[test]
fn a_metrics_port_in_use_ends_the_start_with_1_and_the_same_port_with_2() {
    let occupied = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = occupied.local_addr().unwrap().to_string();
    let rollcall = Rollcall::new().with("METRICS_BIND", &address);
    let output = rollcall.execute(&["run"]);
    assert_eq!(output.code, 1, "another start may find the port free");
    let sentence = format!(
        "error: METRICS_BIND: cannot listen on {address}: another program uses this port. Stop that program, or choose another port. Example: METRICS_BIND=127.0.0.1:8081\n"
    );
    assert!(output.err.ends_with(&sentence), "{output:?}");
    let rollcall = Rollcall::new()
        .with("METRICS_BIND", "127.0.0.1:8085")
        .with("HTTP_BIND", ":8085");
    let output = rollcall.execute(&["run"]);
    assert_eq!(output.code, 2, "{output:?}");
    let mistake = "METRICS_BIND must have another port than HTTP_BIND";
    assert!(output.err.contains(mistake), "{output:?}");
}
