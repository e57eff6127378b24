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
    let rollcall = alerting::bot(&sandbox).with("PROBE_TIMEOUT", TIMEOUT);
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
            shown.text().contains("First check: ").then_some(shown)
        });
        assert_contains(&edited, "✅ Added. First check: 🔴 down, timed out");
        assert!(edited.buttons().contains(&"Recheck"));
    }
    assert_eq!(running.stop().0, 0);
}
