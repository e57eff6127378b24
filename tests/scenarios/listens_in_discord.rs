//! Devices and servers as people look after them in Discord.

use discord_sandbox::{Member, Sandbox};

use crate::harness::{Rollcall, Running, wait_for};
use crate::listens::quick;

/// Commands for every server.
fn bot(sandbox: &Sandbox) -> Rollcall {
    quick()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_GUILD_ID", "")
}

/// What stands in the code block of an answer.
fn in_block(shown: &str) -> String {
    shown.split("```").nth(1).unwrap().trim().to_owned()
}

/// Makes keys in Discord, and lets a device and a server report with them; gives the device's uuid.
async fn report(sandbox: &Sandbox, running: &Running<'_>) -> String {
    let fleet = sandbox.slash("/fleet key").await;
    assert!(fleet.is_ephemeral());
    let added = sandbox.slash("/server add name:db-1").await;
    assert!(added.is_ephemeral());
    let body = r#"{"device_name":"pump @everyone","device_type":"esp32"}"#;
    let path = "/api/v1/device/register";
    let made = running.call("POST", path, &in_block(&fleet.text()), body);
    assert_eq!(made.status, 201, "{made:?}");
    let path = "/api/v1/server-stats";
    let reported = running.call("POST", path, &in_block(&added.text()), "{}");
    assert_eq!(reported.status, 200, "{reported:?}");
    made.json["uuid"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_made_in_discord_work_and_what_reports_is_shown() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let empty = sandbox.slash("/status").await.render();
    assert!(empty.contains("Nothing is on the roll"), "{empty}");
    let uuid = report(&sandbox, &running).await;
    for (command, parts) in [
        ("/status", vec!["2 of 2 online"]),
        ("/device list", vec![r"🟢 **pump \@everyone**"]),
        ("/server list", vec!["🟢 **db-1** last report"]),
        (
            "/server show server:db-1",
            vec!["Reports come", "every 1 h"],
        ),
        (
            "/device show device:\"pump @everyone\"",
            vec!["esp32", &uuid],
        ),
        (
            "/audit",
            vec![
                "`device_registered`",
                "`server_online`",
                "`key_made`",
                "<@1001>",
            ],
        ),
        ("/audit type:server_added", vec!["`server_added` **db-1**"]),
        (
            "/audit target:db-1",
            vec!["`server_online` **db-1** · Rollcall"],
        ),
    ] {
        let shown = sandbox.slash(command).await;
        assert!(shown.is_ephemeral(), "{command}");
        let shown = shown.render();
        for part in parts {
            assert!(shown.contains(part), "{command}: {part} in {shown}");
        }
    }
    let choices = sandbox.autocomplete("/server show server:d").await;
    assert!(choices[0].0.starts_with("db-1 · online"), "{choices:?}");
    let chosen = format!("/server show server:{}", choices[0].1);
    let found = sandbox.slash(&chosen).await.render();
    assert!(found.contains("db-1"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_shows_in_the_presence_and_in_the_status() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    report(&sandbox, &running).await;
    wait_for("both to fall silent", || {
        let shown = sandbox.presence()?["activities"][0]["name"]
            .as_str()?
            .to_owned();
        shown.starts_with("0 of 2 online · 2 offline").then_some(())
    });
    let status = sandbox.slash("/status").await.render();
    let pump = r"🔴 **pump \@everyone** device · since";
    assert!(status.contains(pump), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_sees_nothing_and_keys_need_manage_server() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    report(&sandbox, &running).await;
    let elsewhere = sandbox.add_guild("Elsewhere");
    let stranger = Member::manager(7, "Eve");
    let stranger = sandbox.member(&stranger).in_guild(elsewhere).forging();
    for command in [
        "/status",
        "/server list",
        "/server show server:db-1",
        "/device list",
        "/device show device:#1",
        "/audit",
        "/audit target:#1",
    ] {
        let shown = stranger.slash(command).await.render();
        let is_named = shown.contains("**db-1**") || shown.contains("pump");
        assert!(!is_named, "{command}: {shown}");
    }
    assert!(
        stranger
            .autocomplete("/server show server:d")
            .await
            .is_empty()
    );
    let member = Member::plain(8, "Bob");
    let member = sandbox.member(&member).forging();
    for command in ["/fleet key", "/server add name:x", "/audit"] {
        let refused = member.slash(command).await.render();
        assert!(refused.contains("Manage Server"), "{command}: {refused}");
    }
}

/// Nothing falls silent while somebody types.
fn patient_bot(sandbox: &Sandbox) -> Rollcall {
    bot(sandbox)
        .with("HEARTBEAT_OFFLINE_THRESHOLD", "10m")
        .with("ONLINE_THRESHOLD_MINUTES", "5")
        .with("WARNING_THRESHOLD_MINUTES", "60")
        .with("OFFLINE_THRESHOLD_MINUTES", "120")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_and_a_device_are_changed() {
    let sandbox = Sandbox::start().await;
    let rollcall = patient_bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    report(&sandbox, &running).await;
    for (command, part) in [
        ("/server edit server:db-1 name:db-2", "🟢 db-2"),
        ("/server edit server:db-2 active:False", "switched off"),
        (
            "/server edit server:db-2 active:True",
            "online: last report",
        ),
        (
            "/server thresholds server:db-2 online:60 warning:30 offline:60",
            "warning ≤ offline, and offline at most 31 days",
        ),
        (
            "/server thresholds server:db-2 online:10",
            "Give all three thresholds",
        ),
        (
            "/server thresholds server:db-2 online:10 warning:30 offline:60",
            "🟢 db-2",
        ),
        (
            "/device rename device:\"pump @everyone\" name:pump",
            "🟢 pump",
        ),
        ("/device threshold device:pump after:90s", "1 min 30 s"),
        (
            "/device threshold device:pump after:soon",
            "must lie between",
        ),
        (
            "/device rename device:nothing name:x",
            "Nothing here is called `nothing`",
        ),
    ] {
        let shown = sandbox.slash(command).await.render();
        assert!(shown.contains(part), "{command}: {part} in {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_work_at_once_and_a_removal_ends_them() {
    let sandbox = Sandbox::start().await;
    let rollcall = patient_bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let uuid = report(&sandbox, &running).await;
    let beat = format!("/api/v1/device/{uuid}/heartbeat");
    let device = in_block(
        &sandbox
            .slash("/device rotate_key device:\"pump @everyone\"")
            .await
            .text(),
    );
    assert_eq!(running.call("POST", &beat, &device, "").status, 200);
    let server = in_block(&sandbox.slash("/server rotate_key server:db-1").await.text());
    let stats = "/api/v1/server-stats";
    assert_eq!(running.call("POST", stats, &server, "{}").status, 200);
    for command in [
        "/device remove device:\"pump @everyone\"",
        "/server remove server:db-1",
    ] {
        let removed = sandbox.slash(command).await.render();
        assert!(removed.contains("Its keys are useless now."), "{removed}");
    }
    assert_eq!(running.call("POST", &beat, &device, "").status, 401);
    assert_eq!(running.call("POST", stats, &server, "{}").status, 401);
    let member = Member::plain(8, "Bob");
    let member = sandbox.member(&member).forging();
    for command in ["/server remove server:x", "/device rotate_key device:x"] {
        let refused = member.slash(command).await.render();
        assert!(refused.contains("Manage Server"), "{command}: {refused}");
    }
}
