//! `/endpoint add` shows the first check: at once if it ends soon, by an edit if it takes long.

use std::net::TcpListener;
use std::time::Duration;

use discord_sandbox::{Member, Sandbox};

use crate::harness::own_timer::stopwatch;
use crate::harness::{Web, alerting, assert_contains, wait_for};

/// Longer than the reply waits.
const TIMEOUT: &str = "4s";

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_first_check_delays_neither_its_reply_nor_those_of_others() {
    let sandbox = Sandbox::start().await;
    let rollcall = alerting::bot(&sandbox)
        .with("PROBE_TIMEOUT", TIMEOUT)
        .with("PROBE_FAILURES_TO_OFFLINE", "3");
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let web = Web::up();
    // Connections are accepted by the system, and nobody answers.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = hanging.local_addr().unwrap().port();

    let since = stopwatch();
    let lines: Vec<String> = (0..12)
        .map(|number| {
            format!("/endpoint add target:http://127.0.0.1:{port}/{number} name:hung{number}")
        })
        .collect();
    let slow = futures_util::future::join_all(lines.iter().map(|line| sandbox.slash(line)));
    let other = sandbox.add_guild("other");
    let manager = Member::manager(2, "eve");
    let add = format!("/endpoint add target:{} name:shop", web.target());
    let member = sandbox.member(&manager).in_guild(other);
    let quick = async { (member.slash(&add).await, since.elapsed()) };
    let (slow, (quick, quick_after)) = tokio::join!(slow, quick);

    assert_contains(&quick, "✅ Added. First check: 🟢 up, ");
    assert!(quick_after < Duration::from_secs(2), "{quick_after:?}");
    for reply in &slow {
        assert_contains(
            reply,
            "✅ Added. The first check is running. Its result appears here.",
        );
        let answered_after = reply.answered_after();
        assert!(reply.was_deferred(), "{}", reply.render());
        assert!(
            answered_after < Duration::from_secs(1),
            "{answered_after:?}"
        );
    }
    for reply in &slow {
        let edited = wait_for("the result of the first check", || {
            let shown = sandbox.refresh(reply);
            shown.text().contains("First check failed").then_some(shown)
        });
        assert_contains(
            &edited,
            "✅ Added. First check failed: 🟡 timed out (waiting for the response). It will be offline",
        );
        assert!(edited.buttons().contains(&"Recheck"));
    }
    assert_eq!(running.stop().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_not_allowed_is_refused_or_reported_at_once_and_mentions_nobody() {
    const CAUSE: &str = "Ask the operator of Rollcall to add it to the setting `PROBE_ALLOW`.";
    let sandbox = Sandbox::start().await;
    let rollcall = alerting::bot(&sandbox).with("PROBE_ALLOW", "");
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let (channel, role) = (sandbox.channel(sandbox.guild()), alerting::ROLE);
    sandbox
        .slash(&format!("/alerts setup channel:{channel} role:{role}"))
        .await;
    for literal in ["127.0.0.1:9", "http://10.0.0.7/", "[::1]:80"] {
        let refused = sandbox
            .slash(&format!("/endpoint add target:{literal}"))
            .await;
        assert_contains(&refused, CAUSE);
    }
    assert_eq!(rollcall.list().len(), 0);
    // The system resolves this name to loopback.
    let named = sandbox
        .slash("/endpoint add target:localhost:9 name:inside")
        .await;
    let named = wait_for("the result of the first check", || {
        let shown = sandbox.refresh(&named);
        shown.text().contains("First check failed").then_some(shown)
    });
    assert_contains(&named, "address not allowed");
    assert_contains(&named, CAUSE);
    let edit = sandbox
        .slash("/endpoint edit endpoint:inside target:10.0.0.7:80")
        .await;
    assert_contains(&edit, CAUSE);
    rollcall.wait_until("offline", 1, |endpoint| endpoint["status"] == "offline");
    // Its outage is stored, and in no incident; a new setup of the channel does not change that.
    sandbox
        .slash(&format!("/alerts channel channel:{channel}"))
        .await;
    let outages = rollcall.sql("SELECT reason FROM outages WHERE incident_id IS NULL");
    assert_eq!(outages, ["not_allowed"]);
    assert_eq!(
        rollcall.sql("SELECT CAST(id AS TEXT) FROM incidents").len(),
        0
    );
    assert_eq!(running.stop().0, 0);
}
