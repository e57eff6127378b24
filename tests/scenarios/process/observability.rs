//! How the bot is watched: its log, its presence, systemd, the dead man's switch, and the commands about its health.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use discord_sandbox::{CloseWith, Reply, RestFault, Sandbox};
use regex::Regex;

use crate::harness::own_timer::stopwatch;
use crate::harness::{Rollcall, Web, wait_for};

fn bot(sandbox: &Sandbox) -> Rollcall {
    Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_HEARTBEAT_TIMEOUT", "2s")
}

/// Waits for a log line that, after its timestamp, matches this pattern as a whole.
fn logs(rollcall: &Rollcall, pattern: &str) {
    let line = format!(r"(?m)^\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ {pattern}$");
    let line = Regex::new(&line).unwrap();
    wait_for(pattern, || line.is_match(&rollcall.log()).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn documented_log_lines_keep_their_exact_form() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox)
        .with("DISCORD_KEEPALIVE_INTERVAL", "1s")
        .with("DISCORD_HEALTH_INTERVAL", "1s")
        .with("DISCORD_INACTIVITY_WARNING", "3s")
        .with("DISCORD_OFFLINE_WARNING", "2s")
        .with("DISCORD_MAX_RECONNECTS", "2");
    sandbox.set_faults(|faults| faults.refuse = true);
    let running = rollcall.run();
    logs(
        &rollcall,
        r"\[DEBUG\] rollcall: Keep-alive ping - Latency: n/a, Guilds: 0, Last activity: \d+s ago",
    );
    logs(
        &rollcall,
        r"\[WARNING\] rollcall: No activity for 0\.1 minutes",
    );
    logs(
        &rollcall,
        r"\[ERROR\] rollcall: Max reconnection attempts reached",
    );
    logs(
        &rollcall,
        r"\[WARNING\] rollcall: Bot health: not connected to Discord for \d(\.\d)? s, \d+ checks failed in a row",
    );
    let readiness = running.get("/readyz").1;
    assert!(
        readiness.contains(r#""stage":"waiting""#)
            && !readiness.contains(r#""gateway_failed_checks":0"#),
        "{readiness}"
    );
    assert!(running.metric("rollcall_gateway_failed_checks").unwrap() >= 2.0);
    assert_eq!(running.metric("rollcall_gateway_up"), Some(0.0));
    drop(running);

    sandbox.reset_faults();
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    logs(
        &rollcall,
        r"\[DEBUG\] rollcall: Keep-alive ping - Latency: \d+ms, Guilds: 1, Last activity: \d+s ago",
    );
    assert_eq!(running.metric("rollcall_gateway_up"), Some(1.0));
    let latency = running.metric("rollcall_gateway_latency_seconds").unwrap();
    assert!(latency > 0.0 && latency < 1.0, "{latency}");
}

#[tokio::test(flavor = "multi_thread")]
async fn inactivity_is_logged_once_until_the_next_message() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox)
        .with("DISCORD_KEEPALIVE_INTERVAL", "1s")
        .with("DISCORD_INACTIVITY_WARNING", "2s");
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let warnings = || rollcall.log().matches("No activity for ").count();
    wait_for("the first inactivity warning", || {
        (warnings() == 1).then_some(())
    });
    let runs = || running.metric(r#"rollcall_job_runs_total{job="keep_alive"}"#);
    let then = runs().unwrap();
    wait_for("more keep-alives", || (runs()? >= then + 3.0).then_some(()));
    assert_eq!(warnings(), 1, "once per period of inactivity");
    let guild = sandbox.guild().0.to_string();
    sandbox.dispatch(
        "MESSAGE_CREATE",
        &serde_json::json!({ "id": "1", "channel_id": "2", "guild_id": guild }),
    );
    logs(
        &rollcall,
        r"\[DEBUG\] rollcall: Keep-alive ping - .*, Last activity: [01]s ago",
    );
    wait_for("the second inactivity warning", || {
        (warnings() == 2).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn each_keep_alive_updates_the_presence_within_discords_rate_limit() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox).with("DISCORD_KEEPALIVE_INTERVAL", "6s");
    let web = Web::up();
    rollcall.add(&web.target());
    rollcall.done(&["check"]);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let keep_alives = || running.metric(r#"rollcall_job_runs_total{job="keep_alive"}"#);
    wait_for("three keep-alives", || {
        keep_alives().filter(|count| *count >= 3.0)
    });
    let updates = sandbox
        .wait_for("an update for each", |record| {
            (record.count_of(3) >= 2).then_some(record.count_of(3))
        })
        .await;
    // The first keep-alive came before the connection, whose IDENTIFY carries the presence.
    assert!(updates <= 3, "{updates} presence updates");
    let shown = sandbox.presence().unwrap();
    assert_eq!(shown["activities"][0]["name"], "1 of 1 monitors online");
    assert_eq!(shown["activities"][0]["type"], 3);
    assert_eq!(shown["status"], "online");

    // Every second is more often than Discord allows. The connection must not be closed for that.
    drop(running);
    let rollcall = rollcall.with("DISCORD_KEEPALIVE_INTERVAL", "1s");
    let _running = rollcall.run();
    let before = sandbox.record().count_of(3);
    sandbox
        .wait_for("five updates", |record| {
            (record.count_of(3) >= before + 5).then_some(())
        })
        .await;
    assert_eq!(sandbox.record().resumes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_written_to_logs_or_pages_whatever_fails() {
    let sandbox = Sandbox::start().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ping = format!(
        "http://{}/canary-of-the-switch",
        closed.local_addr().unwrap()
    );
    drop(closed);
    let rollcall = bot(&sandbox)
        .with("LOG_LEVEL", "trace")
        .with("HEALTHCHECK_PING_URL", &ping)
        .with("HEALTHCHECK_PING_INTERVAL", "1s");
    sandbox.fail_requests(RestFault::Status(500), "/oauth2", 1);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    sandbox.slash("/ping").await;
    for fault in [RestFault::Status(500), RestFault::Status(403)] {
        sandbox.fail_requests(fault, "/callback", 2);
        let ada = discord_sandbox::Member::plain(7, "Ada");
        assert!(sandbox.member(&ada).try_slash("/ping").await.is_err());
    }
    sandbox.close_gateway(CloseWith::Code(4009));
    sandbox
        .wait_for("a second session", |record| {
            (record.identifies() == 2).then_some(())
        })
        .await;
    sandbox.wait_until_ready().await;
    sandbox.slash("/bot health").await;
    logs(
        &rollcall,
        r"\[WARNING\] rollcall: cannot send the health check ping error=HEALTHCHECK_PING_URL could not be reached: no connection",
    );
    let pages = [running.get("/metrics").1, running.get("/readyz").1];
    let interactions: Vec<String> = sandbox
        .record()
        .requests
        .iter()
        .filter_map(|request| request.path.split("/interactions/").nth(1))
        .filter_map(|rest| rest.split('/').nth(1))
        .map(str::to_owned)
        .collect();
    assert!(interactions.len() >= 4, "{interactions:?}");
    let (_, err, _) = running.stop();
    let written = [rollcall.log(), err].into_iter().chain(pages);
    for text in written {
        for secret in [sandbox.token(), "canary-of-the-switch".to_owned()]
            .iter()
            .chain(&interactions)
        {
            assert!(!text.contains(secret.as_str()), "{secret} in:\n{text}");
        }
    }
}

#[test]
fn json_logs_have_one_object_per_line() {
    let rollcall = Rollcall::new().with("LOG_FORMAT", "json");
    assert_eq!(rollcall.run().stop().0, 0);
    let log = rollcall.log();
    // How far a bot gets that is stopped at once varies, but it always logs that it is up and that it stops.
    for message in [" is up, HTTP on ", r#""stopping""#] {
        assert!(log.contains(message), "{log}");
    }
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        for field in ["timestamp", "level", "target"] {
            assert!(line[field].is_string(), "{line}");
        }
        assert!(line["fields"]["message"].is_string(), "{line}");
    }
}

#[test]
fn old_logs_are_deleted_at_startup() {
    let rollcall = Rollcall::new().with("LOG_KEEP_DAYS", "3");
    let dir = rollcall.path("logs");
    std::fs::create_dir(&dir).unwrap();
    for day in 10..20 {
        std::fs::write(dir.join(format!("bot.2026-01-{day}.log")), "old\n").unwrap();
    }
    std::fs::write(dir.join("notes.txt"), "not ours\n").unwrap();
    assert_eq!(rollcall.run().stop().0, 0);
    let files: Vec<String> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let logs = files
        .iter()
        .filter(|name| name.starts_with("bot.2"))
        .count();
    assert_eq!(logs, 3, "{files:?}");
    assert!(files.contains(&"notes.txt".to_owned()) && files.contains(&"bot.log".to_owned()));
    assert!(rollcall.log().contains("Rollcall "), "today's log is kept");
}

#[test]
fn systemd_is_notified_of_readiness_liveness_and_shutdown() {
    let rollcall = Rollcall::new();
    let path = rollcall.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let rollcall = rollcall
        .with("NOTIFY_SOCKET", path.display().to_string())
        .with("WATCHDOG_USEC", "1000000");
    let running = rollcall.run();
    let next = || {
        let mut message = [0; 1024];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let (mut is_ready, mut watchdogs) = (false, 0);
    let clock = stopwatch();
    while !is_ready || watchdogs < 3 {
        let message = next();
        is_ready |= message.contains("READY=1");
        watchdogs += usize::from(message.contains("WATCHDOG=1"));
        if message.contains("WATCHDOG=1") {
            assert!(
                message.contains("STATUS=0 of 0 monitors online · Discord off"),
                "{message}"
            );
        }
    }
    assert!(clock.elapsed() < Duration::from_secs(5));
    assert_eq!(running.stop().0, 0);
    wait_for("the shutdown notification", || {
        next().contains("STOPPING=1").then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn members_can_see_the_health_of_the_bot() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox).with("DISCORD_GUILD_ID", sandbox.guild().0.to_string());
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_for("a keep-alive", || {
        let runs = running.metric(r#"rollcall_job_runs_total{job="keep_alive"}"#);
        runs.filter(|runs| *runs >= 1.0)
    });
    let member = discord_sandbox::Member::plain(7, "Ada");
    let member = sandbox.member(&member);
    let health = member.slash("/bot health").await;
    assert!(health.is_ephemeral());
    let shown = health.render();
    for part in [
        "Rollcall is healthy",
        "🟢 0: ready · ",
        "Uptime",
        "Reconnects today",
        "Last keep-alive",
        "`keep_alive` <t:",
        "`recheck` <t:",
        "0 checks waiting",
        "0 writes waiting",
        "Database: ",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

/// Chooses topics as a plain member and as a manager.
async fn the_menu_switches_topics(sandbox: &Sandbox, help: &Reply, ping: &str) {
    let member = discord_sandbox::Member::plain(7, "Ada");
    let member = sandbox.member(&member);
    let topic = member.choose(help, "About the bot").await;
    assert!(topic.is_ephemeral());
    let shown = topic.render();
    for part in [&format!("</ping:{ping}>"), "</bot health:"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    // Members see no commands that they may not use.
    assert!(!shown.contains("</audit:"), "{shown}");
    let guide = sandbox.slash("/help").await;
    let shown = guide.render();
    for part in ["</setup:", "</endpoint add:", "</board create:"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let manager = discord_sandbox::Member::manager(1001, "ada");
    let keys = sandbox
        .member(&manager)
        .choose(&guide, "Keys and API")
        .await;
    let keys = keys.render();
    assert!(keys.contains("</keys create:"), "{keys}");
    let forged = member.press_forged(help, "help").await;
    let forged = forged.unwrap().render();
    assert!(forged.contains("This button no longer works"), "{forged}");
}

#[tokio::test(flavor = "multi_thread")]
async fn help_lists_the_commands_and_explains_one() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox).with("DISCORD_GUILD_ID", sandbox.guild().0.to_string());
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    // Only then are the ids known that make a command a mention.
    wait_for("the commands to be registered", || {
        let is_registered = rollcall.log().contains("commands registered with Discord");
        is_registered.then_some(())
    });
    let member = discord_sandbox::Member::plain(7, "Ada");
    let member = sandbox.member(&member);
    let help = member.slash("/help").await;
    assert!(help.is_ephemeral());
    let shown = help.render();
    let ping = sandbox
        .commands(sandbox.guild())
        .iter()
        .find(|command| command["name"] == "ping")
        .unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(shown.contains("</status:"), "{shown}");
    assert!(
        shown.contains("Alerts are off: no channel is set."),
        "{shown}"
    );
    the_menu_switches_topics(&sandbox, &help, &ping).await;
    let one = member
        .slash("/help command:\"endpoint add\"")
        .await
        .render();
    assert!(
        one.contains("/endpoint add") && one.contains("`target` (required)"),
        "{one}"
    );
    let choices = member.autocomplete("/help command:recheck").await;
    assert_eq!(
        choices,
        [(
            "/offline_endpoints recheck".to_owned(),
            "offline_endpoints recheck".to_owned()
        )]
    );
    let unknown = member.slash("/help command:@everyone").await.render();
    assert!(unknown.contains("Unknown command `@everyone`"), "{unknown}");
}
