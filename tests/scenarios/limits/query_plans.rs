//! Scheduled statements read what they need by index, and what Discord's commands ask for, too. What the API asks for is
//! examined with its examples (`api/contract.rs`).

use discord_sandbox::Sandbox;

use crate::devices::http_devices_servers::{key, text};
use crate::harness::alerting::{bot, end_backoff, the_message, with_shop};
use crate::harness::collector::Collector;
use crate::harness::query_plans::{assert_no_scans, traced};
use crate::harness::{Rollcall, Running, Web, wait_for};

/// Rows of another guild in every table that grows.
const ROWS: u32 = 3_000;

/// Jobs whose statements are examined: all that are periodic and ask the database.
const JOBS: [&str; 14] = [
    "auto_thresholds",
    "board_refresh",
    "bulk_alerts",
    "calendar",
    "diagnose",
    "flapping",
    "heartbeat_monitor",
    "left_guilds",
    "objectives",
    "prune",
    "recheck",
    "reminders",
    "server_monitor",
    "silences",
];

/// What is inserted: the table, its columns, and their values, where `n` counts the rows and `NOW` is the time.
const FILLED: &[(&str, &str, &str)] = &[
    (
        "monitors",
        "id, guild_id, kind, name, status, since, created_at",
        "100000 + n, 99, CASE n % 3 WHEN 0 THEN 'endpoint' WHEN 1 THEN 'device' ELSE 'server' END, 'm' || n, 'paused', NOW, NOW",
    ),
    (
        "monitor_state",
        "monitor_id, last_check_at, last_seen_at",
        "100000 + n, NOW, NOW",
    ),
    (
        "check_results",
        "at, monitor_id, latency_us, class",
        "NOW - 3000 + n, 100000 + n, 1, 0",
    ),
    (
        "samples",
        "at, monitor_id, guild_id, stats",
        "NOW, 100000 + n, 99, '{}'",
    ),
    (
        "device_logs",
        "monitor_id, guild_id, at, kind, message",
        "100000 + n, 99, NOW, 'line', 'x'",
    ),
    (
        "api_keys",
        "id, guild_id, kind, secret_sha256, created_at",
        "printf('%012d', n), 99, 'read', x'00', NOW",
    ),
    (
        "outages",
        "guild_id, monitor_id, started_at, ended_at, ended_by, reason, incident_id",
        "99, 100000 + n, NOW, NOW, 'recovered', 'x', 100000 + n",
    ),
    (
        "incidents",
        "id, guild_id, scope, opened_at, created_at, joined_at, ended_at",
        "100000 + n, 99, '', NOW, NOW, NOW, NOW",
    ),
    (
        "events",
        "guild_id, kind, at, noticed_at, actor, details",
        "99, 'endpoint_edited', NOW, NOW, 'cli', '{}'",
    ),
    (
        "objectives",
        "guild_id, monitor_id, milli_percent, window_days, created_at",
        "99, 100000 + n, 99900, 30, NOW",
    ),
    (
        "destinations",
        "guild_id, kind, address",
        "99, 'webhook', n",
    ),
    (
        "deliveries",
        "destination_id, incident_id, wanted_revision, delivered_revision, delivered_at",
        "(SELECT MAX(id) FROM destinations), 100000 + n, 1, 1, NOW",
    ),
];

/// Inserts the rows of guild 99: monitors of each kind with everything that is kept about them.
fn fill(rollcall: &Rollcall) {
    let numbers = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS})"
    );
    let now = "unixepoch() * 1000";
    for (table, columns, values) in FILLED {
        let values = values.replace("NOW", now);
        rollcall.sql(&format!(
            "INSERT INTO {table} ({columns}) {numbers} SELECT {values} FROM numbers"
        ));
    }
}

fn runs(running: &Running<'_>, job: &str) -> f64 {
    let metric = format!("rollcall_job_runs_total{{job=\"{job}\"}}");
    running.metric(&metric).unwrap_or_default()
}

/// Waits until each of the jobs has started once more and ended.
fn wait_for_next_runs(running: &Running<'_>, jobs: &[&str]) {
    let before: Vec<f64> = jobs.iter().map(|job| runs(running, job)).collect();
    for (job, before) in jobs.iter().zip(before) {
        // A run that is in progress may not have seen the latest changes.
        wait_for(job, || (runs(running, job) >= before + 2.0).then_some(()));
    }
}

/// A device and a server that stop reporting, in the sandbox's guild.
fn add_overdue_monitors(sandbox: &Sandbox, rollcall: &Rollcall, running: &Running<'_>) {
    let guild = sandbox.guild().0.to_string();
    let fleet = key(rollcall, "fleet", &guild);
    let admin = key(rollcall, "admin", &guild);
    let uuid = "7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f";
    let heartbeat = format!("/api/v1/device/{uuid}/heartbeat");
    let sent = running.call("POST", &heartbeat, &fleet, "");
    assert_eq!(sent.status, 200, "{sent:?}");
    let lines = format!("/api/v1/device/{uuid}/logs");
    let sent = running.call("POST", &lines, &fleet, r#"["a line"]"#);
    assert_eq!(sent.status, 200, "{sent:?}");
    let added = running.call("POST", "/api/v1/servers", &admin, r#"{"name":"db"}"#);
    let own = text(&added.json["key"]);
    let sent = running.call("POST", "/api/v1/server-stats", &own, r#"{"cpu":1}"#);
    assert_eq!(sent.status, 200, "{sent:?}");
}

/// What people ask for and change in Discord.
async fn use_commands(sandbox: &Sandbox, target: &str) {
    let channel = sandbox.channel(sandbox.guild());
    for line in [
        "/offline_endpoints list",
        "/offline_endpoints stats",
        "/offline_endpoints stats range:7d",
        "/offline_endpoints recheck ip:127.0.0.1 port:1",
        "/endpoints list all:true",
        "/endpoints show endpoint:shop",
        &format!("/endpoint add target:{target}second name:second"),
        "/endpoint edit endpoint:second interval:1m",
        "/endpoint pause endpoint:second",
        "/endpoint export",
        "/endpoint remove endpoint:second",
        "/status",
        "/servers list",
        "/servers show server:db",
        "/servers suggest server:db",
        "/devices list",
        "/keys list",
        "/audit",
        "/audit type:endpoint_offline monitor:shop",
        "/alerts show",
        "/alerts summary count:2",
        "/alerts escalation remind:15m escalate:30m role:88",
        "/alerts webhook list",
        "/mute monitor:db",
        "/unmute monitor:db",
        "/maintenance start duration:1h title:upgrade monitor:db",
        "/maintenance list",
        "/group set monitor:shop group:web",
        "/group list",
        "/objective set objective:99.9 monitor:shop",
        "/objective set objective:99 group:web",
        "/objectives list",
        "/uptime",
        "/uptime group:web range:24h",
        "/history show monitor:shop",
        "/history outages",
        "/history outages monitor:shop",
        "/history outages group:web",
        "/incidents list",
        "/incidents list state:open range:24h",
        "/objective remove group:web",
        &format!("/board create channel:{channel}"),
        "/bot health",
    ] {
        sandbox.slash(line).await;
    }
    for line in [
        "/endpoints show endpoint:sh",
        "/audit monitor:sh",
        "/mute monitor:d",
    ] {
        sandbox.autocomplete(line).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_and_commands_read_no_whole_table_that_grows() {
    let sandbox = Sandbox::start().await;
    let rollcall = traced(bot(&sandbox))
        .with("HEARTBEAT_CHECK_INTERVAL", "1s")
        .with("BOARD_INTERVAL", "1s")
        .with("RECHECK_INTERVAL", "1s")
        .with("RECHECK_MIN_AGE", "1s");
    rollcall.create_database();
    fill(&rollcall);
    let (mut web, hooks) = (Web::up(), Collector::start());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let add = format!("/alerts webhook add name:pager url:{}", hooks.url("hook"));
    sandbox.slash(&add).await;
    add_overdue_monitors(&sandbox, &rollcall, &running);
    use_commands(&sandbox, &web.target()).await;
    web.goes_down();
    the_message(&sandbox, "🔴 shop is offline").await;
    for part in ["nobody has acknowledged it", "<@&88>"] {
        rollcall.sql("UPDATE incidents SET escalation_starts_at = escalation_starts_at - 900000 WHERE kind = 'incident'");
        the_message(&sandbox, part).await;
    }
    sandbox.slash("/ack").await;
    rollcall.sql("UPDATE silences SET ends_at = starts_at");
    web.recovers();
    the_message(&sandbox, "🟢 shop").await;
    end_backoff(&rollcall);
    let frequent = [
        "bulk_alerts",
        "diagnose",
        "flapping",
        "recheck",
        "reminders",
        "silences",
    ];
    wait_for_next_runs(&running, &frequent);
    for job in JOBS {
        wait_for(job, || (runs(&running, job) >= 1.0).then_some(()));
    }
    assert_no_scans(&rollcall).await;
}
