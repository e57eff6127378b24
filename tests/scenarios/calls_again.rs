//! What each server chooses: who is called when nobody takes care, what is left out, and a word about many at once.

use discord_sandbox::{Member, Record, Reply, Request, RestFault, Sandbox};

use crate::alerting::{ROLE, bot, wait_until_told, with_shop, with_webs};
use crate::collector::Collector;
use crate::harness::{Web, wait_for};

const LEADS: u64 = 88;

/// The messages that were posted with this in their content. One that was sent twice with the same nonce is one.
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

async fn wait_for_call(sandbox: &Sandbox, content: &str, count: usize) -> Request {
    sandbox
        .wait_for("somebody to be called", |record| {
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
async fn whoever_does_not_take_care_is_called_again_and_then_somebody_else() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let wrong = sandbox.slash("/alerts policy escalate:30m").await.render();
    assert!(wrong.contains("needs `role` or `user`"), "{wrong}");
    let wrong = sandbox.slash("/alerts policy remind:soon").await.render();
    assert!(wrong.contains("a right one is `15m`"), "{wrong}");
    let policy = format!("/alerts policy remind:15m escalate:30m role:{LEADS}");
    let shown = sandbox.slash(&policy).await.render();
    assert!(
        shown.contains("called again") && shown.contains("<@&88>"),
        "{shown}"
    );
    web.goes_down();
    wait_for_call(&sandbox, "<@&77>", 1).await;
    // The clock is wound by winding back what it is compared with.
    rollcall.sql("UPDATE incidents SET escalation_starts_at = escalation_starts_at - 900000");
    let again = wait_for_call(&sandbox, "<@&77>", 2).await;
    let title = again.body["embeds"][0]["title"].as_str().unwrap();
    assert!(title.contains("nobody has taken care yet"), "{title}");
    let text = again.body["embeds"][0]["description"].as_str().unwrap();
    assert!(text.contains("https://discord.com/channels/"), "{text}");
    rollcall.sql("UPDATE incidents SET escalation_starts_at = escalation_starts_at - 900000 WHERE kind = 'incident'");
    wait_for_call(&sandbox, "<@&88>", 1).await;
    // After a restart nobody is called a third time.
    running.kill();
    let running = rollcall.run();
    wait_for("the reminders to be judged again", || {
        let runs = running.metric(r#"rollcall_job_runs_total{job="remind"}"#);
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
async fn whoever_takes_care_is_not_called_again() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.slash("/alerts policy remind:15m").await;
    let nothing = sandbox.slash("/ack").await.render();
    assert!(nothing.contains("no incident"), "{nothing}");
    web.goes_down();
    wait_for_call(&sandbox, "<@&77>", 1).await;
    let bob = Member::plain(8, "Bob");
    let refused = sandbox.member(&bob).slash("/ack").await.render();
    assert!(refused.contains("for those who are called"), "{refused}");
    let bob = bob.with_role(ROLE);
    // Also of what is muted somebody can take care.
    sandbox.slash("/mute target:shop").await;
    let found = sandbox.member(&bob).autocomplete("/ack incident:sho").await;
    assert!(
        format!("{found:?}").contains("shop is offline"),
        "{found:?}"
    );
    let taken = sandbox.member(&bob).slash("/ack").await.render();
    assert!(taken.contains("Acknowledged: <@8>"), "{taken}");
    sandbox.slash("/unmute target:shop").await;
    rollcall.sql("UPDATE incidents SET escalation_starts_at = escalation_starts_at - 9000000");
    let runs = running
        .metric(r#"rollcall_job_runs_total{job="remind"}"#)
        .unwrap();
    wait_for("the reminders to be judged", || {
        let now = running.metric(r#"rollcall_job_runs_total{job="remind"}"#);
        now.filter(|now| *now >= runs + 2.0)
    });
    assert_eq!(posted(&sandbox.record(), "<@&77>").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_down_when_its_mute_is_over_is_called_for_again() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    wait_for_call(&sandbox, "<@&77>", 1).await;
    let down = |messages: &[Reply]| alert(messages, "🔴 shop is offline");
    let card = sandbox
        .wait_for_messages(sandbox.guild(), "the card", down)
        .await;
    let muted = sandbox.press(&card, "Mute 1 h").await.text();
    assert!(muted.contains("Muted: <@"), "{muted}");
    // An hour later.
    rollcall.sql("UPDATE mutes SET until = until - 3600000");
    let again = wait_for_call(&sandbox, "<@&77>", 2).await;
    let title = again.body["embeds"][0]["title"].as_str().unwrap();
    assert!(title.contains("nobody has taken care yet"), "{title}");
    sandbox
        .wait_for_messages(sandbox.guild(), "the mute to be over", |messages| {
            down(messages).filter(|card| !card.text().contains("Muted"))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_takes_no_direct_messages_is_called_in_the_channel() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.slash("/alerts policy escalate:1h user:9").await;
    web.goes_down();
    wait_for_call(&sandbox, "<@&77>", 1).await;
    let refused = RestFault::Error {
        status: 403,
        code: 50_007,
    };
    sandbox.fail_requests(refused, "/users/@me/channels", 1);
    rollcall.sql("UPDATE incidents SET escalation_starts_at = escalation_starts_at - 3600000");
    let called = wait_for_call(&sandbox, "<@9>", 1).await;
    // Somebody who does takes the next one there.
    rollcall.sql("UPDATE incidents SET escalated_at = NULL");
    let direct = |record: &Record| {
        let mut posted = posted(record, "").into_iter();
        posted.find(|request| request.path.ends_with("/channels/9/messages"))
    };
    let direct = sandbox.wait_for("a direct message", direct).await;
    assert_eq!(direct.body["components"], serde_json::json!([]));
    assert_eq!(
        called.body["allowed_mentions"],
        serde_json::json!({ "parse": [], "users": ["9"] })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_not_told_and_one_monitor_is_told_of_differently() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let shown = sandbox
        .slash("/alerts notices recovery:false")
        .await
        .render();
    assert!(shown.contains("Ends are not told"), "{shown}");
    let own = sandbox
        .slash("/alerts monitor target:shop told:false")
        .await
        .render();
    assert!(own.contains("Nothing is told of **shop**"), "{own}");
    web.goes_down();
    wait_for("the outage to be noticed", || {
        rollcall
            .sql("SELECT 'down' FROM outages WHERE ended_at IS NULL")
            .pop()
    });
    assert_eq!(rollcall.sql("SELECT 'told' FROM incidents").len(), 0);
    let own = format!("/alerts monitor target:shop role:{LEADS}");
    let own = sandbox.slash(&own).await.render();
    assert!(own.contains("<@&88> is called for **shop**"), "{own}");
    // What goes on is told now, to those who are called for it.
    wait_for_call(&sandbox, "<@&88>", 1).await;
    web.comes_back();
    // A message that is there never says what is no longer true.
    sandbox
        .wait_for_messages(sandbox.guild(), "the end", |messages| {
            alert(messages, "🟢 shop was offline")
        })
        .await;
    // An outage that was over before it could be told is not told at all.
    rollcall.sql("UPDATE incidents SET joined_at = joined_at - 60000");
    sandbox.fail_requests(RestFault::Status(503), "/channels/", 1_000);
    web.goes_down();
    wait_for("the alert to be in the outbox", || {
        (running.metric(r#"rollcall_notifications_pending{destination="channel"}"#) == Some(1.0))
            .then_some(())
    });
    web.comes_back();
    wait_for("the outage to be over", || {
        let open = rollcall.sql("SELECT 'open' FROM incidents WHERE ended_at IS NULL");
        open.is_empty().then_some(())
    });
    sandbox.reset_faults();
    wait_until_told(&running);
    assert_eq!(
        posted(&sandbox.record(), "").len(),
        1,
        "the test of the setup"
    );
    let back = sandbox.slash("/alerts monitor target:shop").await.render();
    assert!(back.contains("like all the others"), "{back}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_one_word_in_the_channel_and_at_the_webhooks() {
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
        .slash("/alerts mass count:2 percent:50 window:30s")
        .await
        .render();
    assert!(
        shown.contains("When 2 or 50 % change within 30 s"),
        "{shown}"
    );
    web.goes_down();
    other.goes_down();
    let both = "🔴 2 of 2 endpoints went offline within 30 s";
    sandbox
        .wait_for_messages(sandbox.guild(), "one word about both", |messages| {
            alert(messages, both)
        })
        .await;
    wait_for("the same at the webhook", || {
        let mut posted = collector.posted().into_iter();
        posted.find(|posted| posted.json["data"]["title"] == both)
    });
    web.comes_back();
    other.comes_back();
    sandbox
        .wait_for_messages(sandbox.guild(), "one word about their return", |messages| {
            alert(messages, "🟢 2 of 2 endpoints came back within 30 s")
        })
        .await;
    let off = sandbox.slash("/alerts mass").await.render();
    assert!(off.contains("Everything is told"), "{off}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_no_word_at_all_where_that_was_expected() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut webs = [Web::up(), Web::up()];
    let running = with_webs(&sandbox, &rollcall, &webs).await;
    let bulk = "/alerts mass count:2 window:1h";
    let shown = sandbox.slash(bulk).await.render();
    assert!(shown.contains("When 2 change within 1 h"), "{shown}");
    sandbox.slash("/maintenance start for:1h").await;
    let bulk_runs = || running.metric(r#"rollcall_job_runs_total{job="mass"}"#);
    let offline = || rollcall.sql("SELECT 'down' FROM monitors WHERE status = 'offline'");
    for is_down in [true, false] {
        for web in &mut webs {
            match is_down {
                true => web.goes_down(),
                false => web.comes_back(),
            }
        }
        wait_for("both to change", || {
            (offline().len() == if is_down { 2 } else { 0 }).then_some(())
        });
        let runs = bulk_runs().unwrap_or_default();
        wait_for("that to be judged", || {
            bulk_runs().filter(|now| *now >= runs + 2.0)
        });
    }
    let said = sandbox.messages(sandbox.guild());
    assert_eq!(said.len(), 1, "the test of the setup: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_told_of_by_its_own_rhythm_and_not_by_its_thresholds() {
    let sandbox = Sandbox::start().await;
    // Judged every two seconds.
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
    wait_for("the server to be late by its thresholds", || {
        rollcall
            .sql("SELECT 'late' FROM monitors WHERE status = 'warning'")
            .pop()
    });
    // One report shows no rhythm, and an hour without another one is nothing.
    assert_eq!(rollcall.sql("SELECT 'told' FROM incidents").len(), 0);
    for _ in 0..4 {
        report();
    }
    sandbox
        .wait_for_messages(sandbox.guild(), "the alert", |messages| {
            alert(messages, "🔴 db-1 is silent")
        })
        .await;
    report();
    let over = sandbox
        .wait_for_messages(sandbox.guild(), "the end", |messages| {
            alert(messages, "🟢 db-1 was silent for")
        })
        .await;
    assert!(!over.text().contains("offline"), "{}", over.render());
}
