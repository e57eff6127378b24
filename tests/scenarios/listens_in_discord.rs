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
