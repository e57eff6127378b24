//! Alert settings of a guild: reminders, escalation, omitted notifications, overrides for one monitor, and bulk alerts.

use discord_sandbox::{Member, Record, Reply, Request, RestFault, Sandbox};

use crate::harness::alerting::{ROLE, bot, wait_until_delivered, with_shop, with_webs};
use crate::harness::collector::Collector;
use crate::harness::{Web, assert_contains, wait_for};

const LEADS: u64 = 88;

/// The posted messages with exactly this content. Two in a row with the same nonce count as one.
fn posted(record: &Record, content: &str) -> Vec<Request> {
    let is_one = |request: &&Request| {
        request.method == "POST" && request.body["content"] == content && request.status < 300
    };
    let mut posted: Vec<Request> = record.requests.iter().filter(is_one).cloned().collect();
    posted.dedup_by(|one, other| {
        !one.body["nonce"].is_null() && one.body["nonce"] == other.body["nonce"]
    });
    posted
}

pub(super) async fn wait_for_mention(sandbox: &Sandbox, content: &str, count: usize) -> Request {
    sandbox
        .wait_for("a mention", |record| {
            let posted = posted(record, content);
            (posted.len() == count).then(|| posted[count - 1].clone())
        })
        .await
}

fn alert(messages: &[Reply], part: &str) -> Option<Reply> {
    let mut found = messages.iter().filter(|one| one.text().contains(part));
    found.next().cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn unacknowledged_incidents_are_reminded_of_and_then_escalated() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let wrong = sandbox
        .slash("/alerts escalation escalate:30m")
        .await
        .render();
    assert!(wrong.contains("together with `role` or `user`"), "{wrong}");
    let wrong = sandbox
        .slash("/alerts escalation remind:soon")
        .await
        .render();
    assert!(wrong.contains("Example: `15m`"), "{wrong}");
    let policy = format!("/alerts escalation remind:15m escalate:30m role:{LEADS}");
    let shown = sandbox.slash(&policy).await.render();
    assert!(
        shown.contains("without acknowledgment") && shown.contains("<@&88>"),
        "{shown}"
    );
    web.goes_down();
    wait_for_mention(&sandbox, "<@&77>", 1).await;
    // Moves the stored time back instead of the clock forward.
    rollcall.sql("UPDATE incidents SET escalation_starts_at = escalation_starts_at - 900000");
    let again = wait_for_mention(&sandbox, "<@&77>", 2).await;
    let title = again.body["embeds"][0]["title"].as_str().unwrap();
    assert!(title.contains("nobody has acknowledged it"), "{title}");
    let text = again.body["embeds"][0]["description"].as_str().unwrap();
    assert!(text.contains("https://discord.com/channels/"), "{text}");
    rollcall.sql("UPDATE incidents SET escalation_starts_at = escalation_starts_at - 900000 WHERE kind = 'incident'");
    wait_for_mention(&sandbox, "<@&88>", 1).await;
    // After a restart there is no third mention.
    running.kill();
    let running = rollcall.run();
    wait_for("the reminders job to run again", || {
        let runs = running.metric(r#"rollcall_job_runs_total{job="reminders"}"#);
        runs.filter(|runs| *runs >= 1.0)
    });
    let record = sandbox.record();
    assert_eq!(
        (
            posted(&record, "<@&77>").len(),
            posted(&record, "<@&88>").len()
        ),
        (2, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_incident_is_not_reminded_of() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.slash("/alerts escalation remind:15m").await;
    let nothing = sandbox.slash("/ack").await.render();
    assert!(nothing.contains("no unacknowledged incidents"), "{nothing}");
    web.goes_down();
    wait_for_mention(&sandbox, "<@&77>", 1).await;
    let bob = Member::plain(8, "Bob");
    let refused = sandbox.member(&bob).slash("/ack").await.render();
    assert!(
        refused.contains("Only members with an on-call role"),
        "{refused}"
    );
    let bob = bob.with_role(ROLE);
    // An incident of a muted monitor can be acknowledged, too.
    sandbox.slash("/mute monitor:shop").await;
    let found = sandbox.member(&bob).autocomplete("/ack incident:sho").await;
    assert!(
        format!("{found:?}").contains("shop is offline"),
        "{found:?}"
    );
    let acknowledged = sandbox.member(&bob).slash("/ack").await.render();
    assert!(
        acknowledged.contains("Acknowledged: by <@8>"),
        "{acknowledged}"
    );
    sandbox.slash("/unmute monitor:shop").await;
    rollcall.sql("UPDATE incidents SET escalation_starts_at = escalation_starts_at - 9000000");
    let runs = running
        .metric(r#"rollcall_job_runs_total{job="reminders"}"#)
        .unwrap();
    wait_for("the reminders job to run twice", || {
        let now = running.metric(r#"rollcall_job_runs_total{job="reminders"}"#);
        now.filter(|now| *now >= runs + 2.0)
    });
    assert_eq!(posted(&sandbox.record(), "<@&77>").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_still_offline_when_its_mute_ends_is_notified_again() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    wait_for_mention(&sandbox, "<@&77>", 1).await;
    let down = |messages: &[Reply]| alert(messages, "🔴 shop is offline");
    let incident = sandbox
        .wait_for_messages(sandbox.guild(), "the incident", down)
        .await;
    let muted = sandbox.press(&incident, "Mute 1 h").await.text();
    assert!(muted.contains("Muted: until "), "{muted}");
    // An hour later.
    rollcall
        .sql("UPDATE silences SET starts_at = starts_at - 3600000, ends_at = ends_at - 3600000");
    let again = wait_for_mention(&sandbox, "<@&77>", 2).await;
    let title = again.body["embeds"][0]["title"].as_str().unwrap();
    assert!(title.contains("nobody has acknowledged it"), "{title}");
    sandbox
        .wait_for_messages(sandbox.guild(), "the mute to end", |messages| {
            down(messages).filter(|incident| !incident.text().contains("Muted"))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responder_without_direct_messages_is_mentioned_in_the_channel() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.slash("/alerts escalation escalate:1h user:9").await;
    web.goes_down();
    wait_for_mention(&sandbox, "<@&77>", 1).await;
    let refused = RestFault::Error {
        status: 403,
        code: 50_007,
    };
    sandbox.fail_requests(refused, "/users/@me/channels", 1);
    rollcall.sql("UPDATE incidents SET escalation_starts_at = escalation_starts_at - 3600000");
    let mention = wait_for_mention(&sandbox, "<@9>", 1).await;
    // Within two minutes no other direct message is tried.
    rollcall.sql("UPDATE incidents SET escalated_at = NULL");
    wait_for_mention(&sandbox, "<@9>", 2).await;
    // A responder who accepts direct messages gets the next escalation there.
    rollcall.sql("UPDATE destinations SET next_try_at = 0");
    rollcall.sql("UPDATE incidents SET escalated_at = NULL");
    let direct = |record: &Record| {
        let mut posted = posted(record, "").into_iter();
        posted.find(|request| request.path.ends_with("/channels/9/messages"))
    };
    let direct = sandbox.wait_for("a direct message", direct).await;
    assert_eq!(direct.body["components"], serde_json::json!([]));
    assert_eq!(
        mention.body["allowed_mentions"],
        serde_json::json!({ "parse": [], "users": ["9"] })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_is_no_member_gets_no_direct_message() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.user_leaves(8);
    let refused = sandbox.slash("/alerts escalation escalate:1h user:8").await;
    assert!(
        refused
            .text()
            .contains("<@8> is not a member of this Discord server"),
        "{}",
        refused.render()
    );
    sandbox.slash("/alerts escalation escalate:1h user:9").await;
    web.goes_down();
    wait_for_mention(&sandbox, "<@&77>", 1).await;
    sandbox.user_leaves(9);
    rollcall.sql("UPDATE incidents SET escalation_starts_at = escalation_starts_at - 3600000");
    wait_for_mention(&sandbox, "<@&77>", 2).await;
    let direct = sandbox.record().requests;
    let opened = direct
        .iter()
        .filter(|request| request.path.ends_with("/users/@me/channels"));
    assert_eq!(opened.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn omitted_notifications_and_overrides_of_a_monitor_are_applied() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let shown = sandbox
        .slash("/alerts notifications recovery:false")
        .await
        .render();
    assert!(shown.contains("No message for a recovery"), "{shown}");
    let own = sandbox
        .slash("/alerts override monitor:shop notify:false")
        .await
        .render();
    assert!(own.contains("Notifications for **shop** are off"), "{own}");
    web.goes_down();
    wait_for("the outage to be recorded", || {
        rollcall
            .sql("SELECT 'down' FROM outages WHERE ended_at IS NULL")
            .pop()
    });
    assert_eq!(rollcall.sql("SELECT 'notified' FROM incidents").len(), 0);
    let own = format!("/alerts override monitor:shop role:{LEADS}");
    let own = sandbox.slash(&own).await.render();
    assert!(own.contains("mention <@&88>"), "{own}");
    // The open incident is sent now, with a mention of the monitor's responders.
    wait_for_mention(&sandbox, "<@&88>", 1).await;
    web.recovers();
    // A message that exists is kept up to date, also without recovery notifications.
    sandbox
        .wait_for_messages(sandbox.guild(), "the recovery", |messages| {
            alert(messages, "🟢 shop was offline")
        })
        .await;
    // An outage that ends before its notification can be sent is not sent at all.
    rollcall.sql("UPDATE incidents SET joined_at = joined_at - 60000");
    sandbox.fail_requests(RestFault::Status(503), "/channels/", 1_000);
    web.goes_down();
    wait_for("the alert to be in the outbox", || {
        (running.metric(r#"rollcall_notifications_pending{destination="channel"}"#) == Some(1.0))
            .then_some(())
    });
    web.recovers();
    wait_for("the outage to end", || {
        let open = rollcall.sql("SELECT 'open' FROM incidents WHERE ended_at IS NULL");
        open.is_empty().then_some(())
    });
    sandbox.reset_faults();
    wait_until_delivered(&running);
    assert_eq!(
        posted(&sandbox.record(), "").len(),
        1,
        "only the test of the setup"
    );
    let inherited = sandbox.slash("/alerts override monitor:shop").await;
    assert_contains(&inherited, "follows the settings of this Discord server");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_outages_at_once_are_one_bulk_alert_in_channel_and_webhook() {
    let (sandbox, collector) = (Sandbox::start().await, Collector::start());
    let rollcall = bot(&sandbox);
    let (mut web, mut other) = (Web::up(), Web::up());
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    let add = format!("/endpoint add target:{} name:mirror", other.target());
    sandbox.slash(&add).await;
    wait_for("both to be online", || {
        rollcall
            .sql("SELECT 'both' FROM monitors WHERE status = 'online' GROUP BY status HAVING COUNT(*) = 2")
            .pop()
    });
    let webhook = format!(
        "/alerts webhook add name:wall url:{}",
        collector.url("hook")
    );
    sandbox.slash(&webhook).await;
    let shown = sandbox
        .slash("/alerts summary count:2 percent:50 window:30s")
        .await
        .render();
    assert!(
        shown.contains("One summary when at least 2 endpoints or 50% of all endpoints change status within 30 s"),
        "{shown}"
    );
    web.goes_down();
    other.goes_down();
    let both = "🔴 2 of 2 endpoints went offline within 30 s";
    sandbox
        .wait_for_messages(sandbox.guild(), "one bulk alert for both", |messages| {
            alert(messages, both)
        })
        .await;
    wait_for("the same bulk alert at the webhook", || {
        let mut posted = collector.posted().into_iter();
        posted.find(|posted| posted.json["data"]["title"] == both)
    });
    web.recovers();
    other.recovers();
    sandbox
        .wait_for_messages(
            sandbox.guild(),
            "one bulk alert for both recoveries",
            |messages| alert(messages, "🟢 2 of 2 endpoints recovered within 30 s"),
        )
        .await;
    let off = sandbox.slash("/alerts summary").await.render();
    assert!(off.contains("All notifications are on"), "{off}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bulk_alert_is_sent_during_maintenance() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut webs = [Web::up(), Web::up()];
    let running = with_webs(&sandbox, &rollcall, &webs).await;
    let bulk = "/alerts summary count:2 window:1h";
    let shown = sandbox.slash(bulk).await.render();
    assert!(
        shown.contains("One summary when at least 2 endpoints change status within 1 h"),
        "{shown}"
    );
    sandbox.slash("/maintenance start duration:1h").await;
    let bulk_runs = || running.metric(r#"rollcall_job_runs_total{job="bulk_alerts"}"#);
    let offline = || rollcall.sql("SELECT 'down' FROM monitors WHERE status = 'offline'");
    for is_down in [true, false] {
        for web in &mut webs {
            match is_down {
                true => web.goes_down(),
                false => web.recovers(),
            }
        }
        wait_for("both to change", || {
            (offline().len() == if is_down { 2 } else { 0 }).then_some(())
        });
        let runs = bulk_runs().unwrap_or_default();
        wait_for("the bulk alert job to run twice", || {
            bulk_runs().filter(|now| *now >= runs + 2.0)
        });
    }
    let messages = sandbox.messages(sandbox.guild());
    assert_eq!(
        messages.len(),
        1,
        "only the test of the setup: {messages:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn server_alerts_follow_the_report_interval_and_not_the_thresholds() {
    let sandbox = Sandbox::start().await;
    // The server monitor runs every two seconds.
    let rollcall = bot(&sandbox).with("ONLINE_THRESHOLD_MINUTES", "2s");
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let channel = sandbox.channel(sandbox.guild());
    sandbox
        .slash(&format!("/alerts setup channel:{channel}"))
        .await;
    let guild = sandbox.guild().0.to_string();
    let made = rollcall.done(&["server", "add", "db-1", "--guild", &guild, "--json"]);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let report = || {
        let answer = running.call("POST", "/api/v1/server-stats", &key, r#"{"cpu": 1}"#);
        assert!(answer.status < 300, "{answer:?}");
    };
    report();
    wait_for("the server to exceed its online threshold", || {
        rollcall
            .sql("SELECT 'late' FROM monitors WHERE status = 'warning'")
            .pop()
    });
    // Nothing is learned from one report, nor from a burst, so that nothing is overdue.
    for _ in 0..4 {
        report();
    }
    assert_eq!(rollcall.sql("SELECT 'notified' FROM incidents").len(), 0);
    // A report every 30 s, and none for more than a minute.
    rollcall.sql("UPDATE observation_windows SET started_at = started_at - 600000");
    rollcall.sql("UPDATE samples SET at = at - 61000");
    rollcall.sql("UPDATE monitor_state SET last_seen_at = last_seen_at - 61000");
    rollcall.sql(
        "INSERT INTO samples (at, monitor_id, stats) SELECT MAX(at) - 30000, monitor_id, stats FROM samples GROUP BY monitor_id",
    );
    sandbox
        .wait_for_messages(sandbox.guild(), "the alert", |messages| {
            alert(messages, "🔴 db-1 is overdue")
        })
        .await;
    report();
    let recovered = sandbox
        .wait_for_messages(sandbox.guild(), "the recovery", |messages| {
            alert(messages, "🟢 db-1 was overdue for")
        })
        .await;
    assert!(
        !recovered.text().contains("offline"),
        "{}",
        recovered.render()
    );
}
