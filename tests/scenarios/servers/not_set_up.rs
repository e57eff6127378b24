//! Servers that have not reported yet, or are paused: offline for programs, something else for people.

use discord_sandbox::Sandbox;

use crate::devices::http_devices_servers::read_with;
use crate::harness::alerting::bot;
use crate::harness::wait_for;

#[tokio::test(flavor = "multi_thread")]
async fn servers_never_seen_or_paused_are_not_offline_for_people() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let home = sandbox.guild().0.to_string();
    let key = |name: &str| {
        let added = ["server", "add", name, "--guild", &home, "--json"];
        rollcall.done(&added).json()["key"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (reporting, _never) = (key("db-1"), key("db-2"));
    let read = ["key", "create", "--kind", "read", "--guild", &home];
    let read = rollcall.done(&read).out;
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let sent = running.call("POST", "/api/v1/server-stats", &reporting, r#"{"cpu":1}"#);
    assert_eq!(sent.status, 200, "{sent:?}");
    wait_for("the presence to count both", || {
        let shown = sandbox.presence()?["activities"][0]["name"]
            .as_str()?
            .to_owned();
        (shown == "1 of 2 monitors online").then_some(())
    });
    let status = sandbox.slash("/status").await.render();
    assert!(status.contains("⚪ 1 not set up yet"), "{status}");
    assert!(!status.contains("offline"), "{status}");
    let shown = sandbox.slash("/servers show server:db-2").await.render();
    assert!(shown.contains("⚪ db-2"), "{shown}");
    assert!(
        shown.contains("not set up yet: its agent has not sent a report"),
        "{shown}"
    );
    assert!(
        shown.contains("Report interval: not learned yet"),
        "{shown}"
    );
    // One report is nothing to learn from.
    let shown = sandbox.slash("/servers show server:db-1").await.render();
    assert!(
        shown.contains("Report interval: not learned yet"),
        "{shown}"
    );
    sandbox.slash("/server edit server:db-1 active:False").await;
    let shown = sandbox.slash("/servers show server:db-1").await.render();
    assert!(shown.contains("⏸️ db-1"), "{shown}");
    assert!(
        shown.contains("paused, so no reports are expected"),
        "{shown}"
    );
    let servers = read_with(&running, read.trim(), "/api/v1/servers").json;
    for (index, used) in ["inactive", "never_seen"].into_iter().enumerate() {
        let server = &servers["servers"][index];
        assert_eq!(server["status"], "offline", "{servers}");
        assert_eq!(server["threshold_used"], used, "{servers}");
        assert!(server["expected_interval"].is_null(), "{servers}");
        assert_eq!(server["should_alert"], false, "{servers}");
    }
    let outages = rollcall.sql("SELECT 'outage' FROM outages");
    assert_eq!(outages, [] as [&str; 0]);
}
