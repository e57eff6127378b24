//! Endpoints go offline and recover without any user action.

use serde_json::json;

use crate::harness::own_timer::stopwatch;
use crate::harness::{Rollcall, Web, wait_for};

#[test]
fn an_endpoint_goes_offline_with_a_reason_and_recovers_by_itself() {
    let rollcall = Rollcall::new();
    let mut web = Web::up();
    let id = rollcall.add(&web.target());
    let running = rollcall.run();
    let online = rollcall.wait_until("online", id, |endpoint| endpoint["status"] == "online");
    assert_eq!(online["is_active"], json!(true));
    assert_eq!(online["inactive_reason"], json!(null));

    web.goes_down();
    let offline = rollcall.wait_until("offline", id, |endpoint| endpoint["status"] == "offline");
    assert_eq!(
        (&offline["is_active"], &offline["inactive_reason"]),
        (&json!(false), &json!("refused"))
    );

    web.recovers();
    rollcall.wait_until("online again", id, |endpoint| {
        endpoint["is_active"] == true && endpoint["status"] == "online"
    });
    drop(running);
}

#[test]
fn an_endpoint_added_before_the_start_is_checked_at_once() {
    let rollcall = Rollcall::new().with("PROBE_INTERVAL", "1d");
    let web = Web::up();
    let id = rollcall.add(&web.target());
    let _running = rollcall.run();
    rollcall.wait_until("online", id, |endpoint| endpoint["status"] == "online");
}

#[test]
fn a_running_bot_applies_changes_from_the_command_line() {
    let rollcall = Rollcall::new();
    let web = Web::up();
    let running = rollcall.run();
    let id = rollcall.add(&web.target());
    rollcall.wait_until("online", id, |endpoint| endpoint["status"] == "online");
    rollcall.done(&["endpoint", "remove", &web.address().to_string()]);
    let checks = || {
        running
            .metric(r#"rollcall_checks_total{result="up"}"#)
            .unwrap_or(0.0)
    };
    // Once the removal has been noticed, the count does not change over two whole intervals.
    wait_for("checks to end", || {
        let before = checks();
        let mut after = before;
        let start = stopwatch();
        while start.elapsed() < std::time::Duration::from_millis(2100) && after == before {
            after = checks();
        }
        (after == before).then_some(())
    });
}

#[test]
fn a_blocked_address_is_never_connected_to() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let rollcall = Rollcall::new().with("PROBE_ALLOW", "");
    let id = rollcall.add(&format!("tcp://{}", listener.local_addr().unwrap()));
    let running = rollcall.run();
    let denied = rollcall.wait_until("offline", id, |endpoint| endpoint["status"] == "offline");
    assert_eq!(denied["inactive_reason"], "not_allowed");
    assert_eq!(
        listener.accept().unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock
    );
    drop(running);
}

#[test]
fn slow_targets_do_not_delay_the_others() {
    let rollcall = Rollcall::new()
        .with("PROBE_CONCURRENCY", "8")
        .with("PROBE_TIMEOUT", "10s");
    // Accepts nothing: the kernel completes the handshake, and the response never comes.
    let unresponsive = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = unresponsive.local_addr().unwrap();
    for path in 0..4 {
        rollcall.add(&format!("http://{address}/{path}"));
    }
    let web = Web::up();
    let id = rollcall.add(&web.target());
    let running = rollcall.run();
    let first = rollcall.wait_until("online", id, |endpoint| endpoint["status"] == "online");
    rollcall.wait_until("checked again", id, |endpoint| {
        endpoint["last_check_date"] != first["last_check_date"]
    });
    drop(running);
}

#[test]
fn an_outage_survives_a_restart() {
    let rollcall = Rollcall::new();
    let mut web = Web::up();
    let id = rollcall.add(&web.target());
    let running = rollcall.run();
    rollcall.wait_until("online", id, |endpoint| endpoint["status"] == "online");
    web.goes_down();
    rollcall.wait_until("offline", id, |endpoint| endpoint["status"] == "offline");
    assert_eq!(running.stop().0, 0);

    let again = rollcall.run();
    web.recovers();
    rollcall.wait_until("online again", id, |endpoint| {
        endpoint["status"] == "online"
    });
    drop(again);
}

#[test]
fn the_recheck_job_reactivates_endpoints_that_the_scheduler_gave_up_on() {
    // With a recheck interval of one second the doubling gaps end at once: only the job checks inactive endpoints.
    let rollcall = Rollcall::new()
        .with("RECHECK_INTERVAL", "1s")
        .with("RECHECK_MIN_AGE", "0s");
    let mut web = Web::up();
    let id = rollcall.add(&web.target());
    let running = rollcall.run();
    rollcall.wait_until("online", id, |endpoint| endpoint["status"] == "online");
    web.goes_down();
    rollcall.wait_until("offline", id, |endpoint| endpoint["status"] == "offline");
    web.recovers();
    rollcall.wait_until("online again", id, |endpoint| {
        endpoint["status"] == "online"
    });
    let line = wait_for("the run's line in the log", || {
        rollcall
            .log()
            .lines()
            .find(|line| line.contains("reactivated=1 "))
            .map(str::to_owned)
    });
    assert!(
        line.contains("[INFO] rollcall: recheck finished found=1 reactivated=1 still_offline=0 "),
        "{line}"
    );
    drop(running);
}
