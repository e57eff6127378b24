//! Devices, servers and API keys managed from Discord.

use discord_sandbox::{Member, Sandbox};

use crate::devices::http_devices_servers::quick;
use crate::harness::{Rollcall, Running, wait_for};

/// A bot with global commands.
fn bot(sandbox: &Sandbox) -> Rollcall {
    quick()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_GUILD_ID", "")
}

/// The text of the code block in a reply.
fn in_block(shown: &str) -> String {
    shown.split("```").nth(1).unwrap().trim().to_owned()
}

/// Creates keys in Discord, and reports with them as a device and as a server. Returns the device's uuid.
async fn report(sandbox: &Sandbox, running: &Running<'_>) -> String {
    let fleet = sandbox.slash("/keys create").await;
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

async fn the_status_is_shared_and_types_are_words(sandbox: &Sandbox) {
    let shared = sandbox.slash("/status share:True").await;
    assert!(!shared.is_ephemeral(), "{}", shared.render());
    let shared = shared.render();
    for part in [
        "2 of 2 monitors online",
        "Shared by <@",
        "Alerts are off: no channel is set.",
    ] {
        assert!(shared.contains(part), "{part} in {shared}");
    }
    let types = sandbox.autocomplete("/audit type:\"server added\"").await;
    let expected = ("server added".to_owned(), "server_added".to_owned());
    assert_eq!(types, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_created_in_discord_work_and_their_monitors_are_shown() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let empty = sandbox.slash("/status").await.render();
    assert!(empty.contains("No monitors yet"), "{empty}");
    let uuid = report(&sandbox, &running).await;
    for (command, parts) in [
        ("/status", vec!["2 of 2 monitors online"]),
        ("/devices list", vec![r"🟢 **pump \@everyone**"]),
        ("/servers list", vec!["🟢 **db-1** · `#", "· last report"]),
        (
            "/servers show server:db-1",
            vec![
                "Report interval",
                "not learned yet",
                "online 2 s · warning 4 s · offline 6 s (default)",
                "Latest metrics",
            ],
        ),
        (
            "/devices show device:\"pump @everyone\"",
            vec!["esp32", &uuid],
        ),
        (
            "/audit",
            vec![
                r"added the device **pump \@everyone**",
                "**db-1** is online",
                "<@1001> created the fleet key `",
                "<@1001> added the server **db-1**",
            ],
        ),
        (
            "/audit type:server_added",
            vec!["<@1001> added the server **db-1**"],
        ),
        ("/audit monitor:db-1", vec!["**db-1** is online"]),
    ] {
        let shown = sandbox.slash(command).await;
        assert!(shown.is_ephemeral(), "{command}");
        let shown = shown.render();
        for part in parts {
            assert!(shown.contains(part), "{command}: {part} in {shown}");
        }
    }
    the_status_is_shared_and_types_are_words(&sandbox).await;
    let types = sandbox.autocomplete("/audit type:").await;
    assert_eq!(types.len(), 25, "as many as Discord allows");
    let choices = sandbox.autocomplete("/servers show server:d").await;
    assert!(choices[0].0.ends_with(" · online"), "{choices:?}");
    assert!(choices[0].0.starts_with("db-1 · #"), "{choices:?}");
    let chosen = format!("/servers show server:{}", choices[0].1);
    let found = sandbox.slash(&chosen).await.render();
    assert!(found.contains("db-1"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn overdue_monitors_show_in_the_presence_and_in_the_status() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    report(&sandbox, &running).await;
    wait_for("both to be offline", || {
        let shown = sandbox.presence()?["activities"][0]["name"]
            .as_str()?
            .to_owned();
        shown
            .starts_with("0 of 2 monitors online · 2 offline")
            .then_some(())
    });
    let status = sandbox.slash("/status").await.render();
    let pump = r"🔴 **pump \@everyone** device · went offline";
    assert!(status.contains(pump), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_guild_sees_nothing_and_keys_require_manage_server() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    report(&sandbox, &running).await;
    let elsewhere = sandbox.add_guild("Elsewhere");
    let outsider = Member::manager(7, "Eve");
    let outsider = sandbox.member(&outsider).in_guild(elsewhere).forging();
    for command in [
        "/status",
        "/servers list",
        "/servers show server:db-1",
        "/devices list",
        "/devices show device:#1",
        "/audit",
        "/audit monitor:#1",
    ] {
        let shown = outsider.slash(command).await.render();
        let is_named = shown.contains("**db-1**") || shown.contains("pump");
        assert!(!is_named, "{command}: {shown}");
    }
    assert!(
        outsider
            .autocomplete("/servers show server:d")
            .await
            .is_empty()
    );
    let member = Member::plain(8, "Bob");
    let member = sandbox.member(&member).forging();
    for command in ["/keys create", "/server add name:x", "/audit"] {
        let refused = member.slash(command).await.render();
        assert!(refused.contains("Manage Server"), "{command}: {refused}");
    }
}

/// A bot with thresholds so long that nothing becomes overdue during a test.
fn patient_bot(sandbox: &Sandbox) -> Rollcall {
    bot(sandbox)
        .with("HEARTBEAT_OFFLINE_THRESHOLD", "10m")
        .with("ONLINE_THRESHOLD_MINUTES", "5")
        .with("WARNING_THRESHOLD_MINUTES", "60")
        .with("OFFLINE_THRESHOLD_MINUTES", "120")
}

/// Commands that edit or are refused, in order, each with a part of the reply.
const EDITS: [(&str, &str); 23] = [
    ("/server edit server:db-1 name:db-2", "🟢 db-2"),
    (
        "/server edit server:db-2 active:False",
        "no reports are expected",
    ),
    (
        "/server edit server:db-2 active:True",
        "online: last report",
    ),
    (
        "/server thresholds server:db-2 online:60 warning:30 offline:60",
        "warning ≤ offline, with offline at most 31 days",
    ),
    (
        "/server thresholds server:db-2 online:10",
        "Set all three thresholds",
    ),
    (
        "/server thresholds server:db-2 online:10 warning:30 offline:60",
        "🟢 db-2",
    ),
    (
        "/device rename device:\"pump @everyone\" name:pump",
        "🟢 pump",
    ),
    (
        "/device threshold device:pump every:90s grace:0s",
        "1 min 30 s",
    ),
    (
        "/device threshold device:pump every:soon",
        "`every`: `soon` is not a duration. A duration is a number and a unit",
    ),
    (
        "/device threshold device:pump every:36d",
        "`every`: the time must be between 1s and 35d",
    ),
    (
        "/device threshold device:pump every:1d grace:1day",
        "`grace`: `1day` is not a duration",
    ),
    (
        "/device threshold device:pump",
        "`threshold:default` resets it",
    ),
    (
        "/device threshold device:pump threshold:2h every:1h",
        "Choose either `threshold`, or",
    ),
    (
        "/device threshold device:pump threshold:soon",
        "`threshold`: `soon` is not a duration",
    ),
    ("/device threshold device:pump threshold:26h", "1 d 2 h"),
    ("/device threshold device:pump threshold:default", "🟢 pump"),
    (
        "/mute monitor:pump duration:forever",
        "`duration`: `forever` is not a duration",
    ),
    (
        "/maintenance start duration:8d",
        "`duration`: the duration must be between 1m and 7d",
    ),
    (
        "/alerts summary count:5 window:2d",
        "`window`: the duration must be between 5s and 1d",
    ),
    (
        "/alerts summary count:5 window:later",
        "`window`: `later` is not a duration",
    ),
    (
        "/device threshold device:pump grace:1h",
        "`grace`: set `every`, too",
    ),
    (
        "/device rename device:nothing name:x",
        "There is no monitor named `nothing`. Choose one from the list",
    ),
    (
        "/device rename device:pmup name:x",
        "There is no monitor named `pmup`. Did you mean `pump`?",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn servers_and_devices_can_be_edited() {
    let sandbox = Sandbox::start().await;
    let rollcall = patient_bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    report(&sandbox, &running).await;
    for (command, part) in EDITS {
        let shown = sandbox.slash(command).await.render();
        assert!(shown.contains(part), "{command}: {part} in {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_keys_work_at_once_and_removal_revokes_them() {
    let sandbox = Sandbox::start().await;
    let rollcall = patient_bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let uuid = report(&sandbox, &running).await;
    let heartbeat = format!("/api/v1/device/{uuid}/heartbeat");
    let device = in_block(
        &sandbox
            .slash("/device rotate_key device:\"pump @everyone\"")
            .await
            .text(),
    );
    assert_eq!(running.call("POST", &heartbeat, &device, "").status, 200);
    let server = in_block(&sandbox.slash("/server rotate_key server:db-1").await.text());
    let stats = "/api/v1/server-stats";
    assert_eq!(running.call("POST", stats, &server, "{}").status, 200);
    for command in [
        "/device remove device:\"pump @everyone\"",
        "/server remove server:db-1",
    ] {
        let removed = sandbox.slash(command).await.render();
        assert!(removed.contains("and revoked its keys."), "{removed}");
    }
    assert_eq!(running.call("POST", &heartbeat, &device, "").status, 401);
    assert_eq!(running.call("POST", stats, &server, "{}").status, 401);
    let member = Member::plain(8, "Bob");
    let member = sandbox.member(&member).forging();
    for command in ["/server remove server:x", "/device rotate_key device:x"] {
        let refused = member.slash(command).await.render();
        assert!(refused.contains("Manage Server"), "{command}: {refused}");
    }
}

/// Stores one report per minute for the last hundred minutes, and an observation window that covers them.
fn fill(rollcall: &Rollcall, id: &str) {
    rollcall.sql(&format!(
        "WITH RECURSIVE minutes (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM minutes WHERE n < 101)
         INSERT INTO samples (at, monitor_id, stats)
         SELECT unixepoch() * 1000 - n * 60000, {id}, '{{\"cpu\":' || n || '}}' FROM minutes"
    ));
    rollcall.sql(
        "INSERT INTO observation_windows (started_at, confirmed_at) VALUES (unixepoch() * 1000 - 7200000, unixepoch() * 1000)",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn thresholds_are_proposed_from_the_report_interval() {
    let sandbox = Sandbox::start().await;
    let rollcall = patient_bot(&sandbox);
    let guild = sandbox.guild().0.to_string();
    let added = rollcall.done(&["server", "add", "db-1", "--guild", &guild, "--json"]);
    fill(&rollcall, &added.json()["id"].to_string());
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let member = Member::plain(8, "Bob");
    let seen = sandbox
        .member(&member)
        .slash("/servers suggest server:db-1")
        .await;
    assert!(seen.buttons().is_empty(), "Bob may read, not change");
    let shown = sandbox.slash("/servers suggest server:db-1").await;
    let text = shown.render();
    for part in [
        "every 1 min",
        "online 5 min · warning 1 h · offline 2 h",
        "online 2 min · warning 24 min · offline 48 min",
        "0 warnings in the last 7 days",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let kept = sandbox.press(&shown, "Keep current").await.render();
    assert!(kept.contains("were not changed"), "{kept}");
    let (code, _, _) = running.stop();
    assert_eq!(code, 0);
    // The button's custom id holds its whole state, so it works after a restart.
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let applied = sandbox.press(&shown, "Apply").await.render();
    assert!(
        applied.contains("online 2 min · warning 24 min · offline 48 min"),
        "{applied}"
    );
    let refused = sandbox.member(&member).forging();
    let refused = refused.press(&shown, "Apply").await.render();
    assert!(refused.contains("Manage Server"), "{refused}");
    let audit = sandbox
        .slash("/audit type:server_thresholds_changed")
        .await
        .render();
    let part = "changed the thresholds of the server **db-1**: default → ";
    assert!(audit.contains(part), "{audit}");
    drop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn automatic_thresholds_follow_the_report_interval() {
    let sandbox = Sandbox::start().await;
    let rollcall = patient_bot(&sandbox);
    let guild = sandbox.guild().0.to_string();
    let added = rollcall.done(&["server", "add", "db-1", "--guild", &guild, "--json"]);
    fill(&rollcall, &added.json()["id"].to_string());
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    let edited = sandbox
        .slash("/server edit server:db-1 auto_thresholds:True")
        .await
        .render();
    assert!(edited.contains("adjusted automatically"), "{edited}");
    let shown = sandbox.slash("/servers show server:db-1").await.render();
    for part in [
        "online 2 min 30 s · warning 30 min · offline 1 h, adjusted automatically",
        "cpu 1",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let audit = sandbox
        .slash("/audit type:server_thresholds_changed")
        .await
        .render();
    assert!(audit.contains("Rollcall changed the thresholds"), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_are_created_listed_rotated_and_revoked_in_discord() {
    let sandbox = Sandbox::start().await;
    let rollcall = patient_bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let get = |key: &str| running.call("GET", "/api/v1/devices", key, "").status;
    let kind = "\"read: read everything in this Discord server\"";
    let made = sandbox.slash(&format!("/keys create kind:{kind}")).await;
    assert!(made.is_ephemeral());
    let old = in_block(&made.text());
    assert_eq!((get(&old), old.starts_with("rc_read_")), (200, true));
    let id = old.split('_').nth(2).unwrap();
    let listed = sandbox.slash("/keys list").await.render();
    assert!(
        listed.contains(id) && listed.contains("read, created"),
        "{listed}"
    );
    assert!(!listed.contains(&old), "{listed}");
    let choices = sandbox.autocomplete("/keys rotate key:").await;
    assert_eq!(choices[0].1, id, "{choices:?}");
    let new = in_block(
        &sandbox
            .slash(&format!("/keys rotate key:{id}"))
            .await
            .text(),
    );
    assert_eq!(
        (get(&old), get(&new)),
        (200, 200),
        "the old key works for another day"
    );
    let revoked = sandbox
        .slash(&format!("/keys revoke key:{id}"))
        .await
        .render();
    assert!(revoked.contains("Revoked"), "{revoked}");
    assert_eq!((get(&old), get(&new)), (401, 200));
    // Another guild neither sees nor revokes it.
    let elsewhere = sandbox.add_guild("Elsewhere");
    let eve = Member::manager(9, "Eve");
    let outsider = sandbox.member(&eve).in_guild(elsewhere);
    let listed = outsider.slash("/keys list").await.render();
    assert!(listed.contains("No API keys yet"), "{listed}");
    let id = new.split('_').nth(2).unwrap();
    let refused = outsider
        .slash(&format!("/keys revoke key:{id}"))
        .await
        .render();
    assert!(
        refused.contains("This key does not exist or was revoked"),
        "{refused}"
    );
    assert_eq!(get(&new), 200);
    let wrong = sandbox.slash("/keys revoke key:nonsense").await.render();
    assert!(wrong.contains("12 letters and digits"), "{wrong}");
}
