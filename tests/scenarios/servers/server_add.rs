//! Servers added in Discord: the reply has what a machine needs to send reports.

use std::os::unix::fs::PermissionsExt as _;

use discord_sandbox::Sandbox;

use crate::harness::alerting::bot;
use crate::harness::assert_contains;
use crate::harness::copied_lines::{install_rollcall, lines_of, run_line};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_added_in_discord_is_online_after_the_lines_of_the_reply() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    let added = sandbox.slash("/server add name:db-1").await;
    assert!(added.is_ephemeral());
    assert_contains(&added, "Set `PUBLIC_URL`");
    let [key, save, report, agent] = lines_of(&added).try_into().unwrap();
    assert!(key.starts_with("rc_server_"));
    for line in [&save, &report, &agent] {
        assert!(!line.contains(&key) && !line.contains('%'), "{line}");
    }
    if run_line(&rollcall, &save, &key).is_none() {
        return;
    }
    let file = std::fs::metadata(rollcall.path("rollcall.header")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    run_line(&rollcall, &report, "");
    let shown = sandbox.slash("/servers show server:db-1").await;
    assert_contains(&shown, "🟢 db-1");
    assert_contains(&shown, "load.2");
    install_rollcall(&rollcall);
    run_line(&rollcall, &format!("{agent} --once"), "");
    let shown = sandbox.slash("/servers show server:db-1").await;
    assert_contains(&shown, "cpu ");
}
