//! Incident messages in Discord: each incident is posted once, in the configured channel, and none gets lost.

use discord_sandbox::{GuildId, Member, Reply, RestFault, Role, Sandbox};

use crate::harness::alerting::{
    ROLE, bot, end_backoff, import, setup, wait_until_delivered, with_shop,
};
use crate::harness::{Rollcall, Web, assert_contains, wait_for};

/// The bit of the permission Mention Everyone.
const MENTION_EVERYONE: u64 = 1 << 17;

/// The alerts among these messages, without the test message of the setup.
fn alerts(messages: &[Reply]) -> Vec<Reply> {
    let is_alert = |message: &&Reply| !message.text().contains("Alerts are sent to this channel");
    messages.iter().filter(is_alert).cloned().collect()
}

async fn the_alert(sandbox: &Sandbox, part: &str) -> Reply {
    sandbox
        .wait_for_messages(sandbox.guild(), part, |messages| {
            let alerts = alerts(messages);
            assert!(alerts.len() <= 1, "one message for one incident");
            alerts.into_iter().find(|alert| alert.text().contains(part))
        })
        .await
}

/// The number of successful requests with this method to channels: POST for new messages, PATCH for edits.
fn requests_with(sandbox: &Sandbox, method: &str) -> usize {
    let requests = sandbox.record().requests;
    let is_one = |request: &&discord_sandbox::Request| {
        request.method == method && request.path.contains("/channels/") && request.status < 300
    };
    requests.iter().filter(is_one).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_one_message_that_is_edited_on_recovery() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    let alert = the_alert(&sandbox, "🔴 shop is offline").await;
    assert!(
        alert.text().contains("connection refused"),
        "{}",
        alert.render()
    );
    assert_eq!(
        alert.buttons(),
        ["Recheck", "Acknowledge", "Mute 1 h", "Maintenance"]
    );
    let mention = format!("<@&{ROLE}>");
    assert_eq!(alert.json()["content"], mention.as_str());
    assert_eq!(
        alert.json()["allowed_mentions"],
        serde_json::json!({ "parse": [], "roles": [ROLE.to_string()] })
    );
    web.recovers();
    let recovered = the_alert(&sandbox, "🟢 shop was offline for").await;
    assert!(recovered.buttons().is_empty(), "{}", recovered.render());
    // Nothing is pending, and two messages were posted in all, including the test.
    wait_until_delivered(&running);
    assert_eq!(
        (
            requests_with(&sandbox, "POST"),
            requests_with(&sandbox, "PATCH")
        ),
        (2, 1)
    );
    let edit = sandbox
        .record()
        .requests
        .into_iter()
        .rfind(|request| request.method == "PATCH");
    let edit = edit.unwrap().body;
    assert_eq!(edit["allowed_mentions"], serde_json::json!({ "parse": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_incident_message_shows_the_probable_cause() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox).with("PROBE_TIMEOUT", "1s");
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    // A host that refuses a connection is up.
    the_alert(&sandbox, "The service. The host is up").await;
    web.recovers();
    the_alert(&sandbox, "🟢 shop was offline for").await;
    rollcall.sql("UPDATE incidents SET joined_at = joined_at - 60000");
    // A port that accepts no connections, on a host whose other port still responds.
    let (unresponsive, _full) = unresponsive_port();
    let add = format!("/endpoint add target:tcp://{unresponsive} name:mail");
    sandbox.slash(&add).await;
    let port = web.target();
    let port = port.trim_end_matches('/').rsplit(':').next().unwrap();
    let found = format!("The port. Port {port} on the same host answered");
    sandbox
        .wait_for_messages(sandbox.guild(), &found, |messages| {
            let mut known = messages.iter().filter(|one| one.text().contains(&found));
            known.next().map(drop)
        })
        .await;
    // A server on the host that still reports is better evidence than any port.
    let guild = sandbox.guild().0.to_string();
    let made = rollcall.done(&["server", "add", "mail", "--guild", &guild, "--json"]);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    running.call("POST", "/api/v1/server-stats", &key, r#"{"cpu": 1}"#);
    let found = "The network path. mail runs on the same machine and reported";
    sandbox
        .wait_for_messages(sandbox.guild(), found, |messages| {
            let mut known = messages.iter().filter(|one| one.text().contains(found));
            known.next().map(drop)
        })
        .await;
}

/// A port whose connection queue is full, so that connects time out.
fn unresponsive_port() -> (std::net::SocketAddr, impl Sized) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let limit = std::time::Duration::from_millis(300);
    let mut waiting = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, limit) {
        waiting.push(stream);
    }
    (address, (listener, waiting))
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_fail_together_are_one_incident() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    sandbox.slash(&setup(&sandbox)).await;
    let list: String = (1..=200)
        .map(|host| format!("tcp://127.1.2.{host}:1 host {host}\n"))
        .collect();
    import(&sandbox, &rollcall, &list);
    let alert = the_alert(&sandbox, "🔴 200 monitors on 127.1.2.0/24 are offline").await;
    assert!(
        alert.text().contains("… and 175 more"),
        "{}",
        alert.render()
    );
    wait_until_delivered(&running);
    assert_eq!(
        requests_with(&sandbox, "POST"),
        2,
        "one message after the test"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_outages_at_once_are_one_message() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox).with("QUOTA_ENDPOINTS", "5000");
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    sandbox.slash(&setup(&sandbox)).await;
    let list: String = (0..3_000)
        .map(|number| {
            format!(
                "tcp://127.2.{}.{}:1 n{number}\n",
                number / 250,
                number % 250 + 1
            )
        })
        .collect();
    import(&sandbox, &rollcall, &list);
    wait_for("all outages", || {
        let count = rollcall
            .sql("SELECT CAST(COUNT(*) AS TEXT) FROM outages")
            .pop();
        (count.as_deref() == Some("3000")).then_some(())
    });
    wait_for("the delivery of all outages", || {
        let pending = rollcall.sql(
            "SELECT 'pending' FROM deliveries d JOIN incidents c ON c.id = d.incident_id
             WHERE d.delivered_revision < c.revision",
        );
        pending.is_empty().then_some(())
    });
    // Outages belong together if they are noticed at most 5 s apart, so a machine that stalls may see another incident.
    let stalls = rollcall.sql(
        "SELECT 'stall' FROM (SELECT noticed_at - LAG(noticed_at) OVER (ORDER BY noticed_at) AS gap FROM events
                              WHERE kind = 'endpoint_offline')
         WHERE gap > 4000",
    );
    let posted = requests_with(&sandbox, "POST");
    assert!(
        (2..=2 + stalls.len()).contains(&posted),
        "one message after the test, and one for each stall: {posted}"
    );
    if stalls.is_empty() {
        the_alert(&sandbox, "🔴 3000 monitors are offline").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_ended_without_discord_is_posted_once_without_mentions() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.fail_requests(RestFault::Status(503), "/channels/", 1_000);
    web.goes_down();
    wait_for("the alert to be in the outbox", || {
        (running.metric(r#"rollcall_notifications_pending{destination="channel"}"#) == Some(1.0))
            .then_some(())
    });
    // A pending delivery survives the kill, because the outbox is stored in the database.
    running.kill();
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    web.recovers();
    wait_for("the shop to be online again", || {
        rollcall
            .sql("SELECT 'over' FROM incidents WHERE ended_at IS NOT NULL")
            .pop()
    });
    sandbox.reset_faults();
    end_backoff(&rollcall);
    let recovered = the_alert(&sandbox, "🟢 shop was offline for").await;
    assert_eq!(
        recovered.json()["content"],
        "",
        "a mention after the recovery is useless"
    );
    assert_eq!(
        requests_with(&sandbox, "PATCH"),
        0,
        "outage and recovery are one message"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_sending_causes_no_second_message() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    let alert = the_alert(&sandbox, "🔴 shop is offline").await;
    wait_until_delivered(&running);
    running.kill();
    // As if the crash had happened just before the delivery was stored.
    rollcall
        .sql("UPDATE deliveries SET delivered_revision = 0, message_id = NULL, channel_id = NULL");
    let _running = rollcall.run();
    let sent = |record: &discord_sandbox::Record| {
        let messages_posted = record.requests.iter().filter(|request| {
            request.method == "POST" && request.body["nonce"] == alert.json()["nonce"]
        });
        (messages_posted.count() == 2).then_some(())
    };
    sandbox.wait_for("the same message again", sent).await;
    web.recovers();
    the_alert(&sandbox, "🟢 shop was offline for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_sending_causes_no_second_message() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    // Discord receives the message, but its response is lost.
    sandbox.fail_requests(RestFault::NoAnswer, "/channels/", 1);
    web.goes_down();
    the_alert(&sandbox, "🔴 shop is offline").await;
    running.kill();
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_for("the outbox to be empty", || {
        let sent =
            running.metric(r#"rollcall_notifications_total{destination="channel",result="sent"}"#);
        let pending = running.metric(r#"rollcall_notifications_pending{destination="channel"}"#);
        (sent >= Some(1.0) && pending == Some(0.0)).then_some(())
    });
    web.recovers();
    the_alert(&sandbox, "🟢 shop was offline for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_answer_was_lost_is_brought_up_to_date() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    // Discord receives the message, but its response is lost.
    sandbox.fail_requests(RestFault::NoAnswer, "/channels/", 1);
    web.goes_down();
    the_alert(&sandbox, "🔴 shop is offline").await;
    running.kill();
    web.recovers();
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    the_alert(&sandbox, "🟢 shop was offline for").await;
    let alerts = sandbox.messages(sandbox.guild());
    let alerts = alerts.iter().filter(|one| one.text().contains("shop"));
    assert_eq!(alerts.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_responders_can_press_the_buttons_of_an_incident() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    let alert = the_alert(&sandbox, "🔴 shop is offline").await;
    let bob = Member::plain(8, "Bob");
    for button in ["Acknowledge", "Recheck", "Mute 1 h", "Maintenance"] {
        let refused = sandbox.member(&bob).press(&alert, button).await;
        assert!(
            refused.is_ephemeral() && refused.text().contains("Only members with an on-call role")
        );
    }
    let elsewhere = sandbox.add_guild("Elsewhere");
    let eve = Member::manager(9, "Eve");
    let outsider = sandbox.member(&eve).in_guild(elsewhere);
    for button in ["Acknowledge", "Recheck", "Mute 1 h", "Maintenance"] {
        let refused = outsider.press(&alert, button).await;
        let text = refused.render();
        assert!(
            refused.is_ephemeral() && text.contains("does not exist"),
            "{button}: {text}"
        );
        assert_eq!(sandbox.refresh(&alert).render(), alert.render(), "{button}");
    }
    let forged = sandbox
        .member(&eve)
        .press_forged(&alert, "acknowledge|999")
        .await
        .unwrap();
    assert!(
        forged.text().contains("This incident does not exist"),
        "{}",
        forged.render()
    );
    running.kill();
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    let responder = bob.with_role(ROLE);
    let responder = sandbox.member(&responder);
    let acknowledged = responder.press(&alert, "Acknowledge").await;
    assert_contains(&acknowledged, "Acknowledged: by <@8>");
    assert_eq!(
        acknowledged.buttons(),
        ["Recheck", "Mute 1 h", "Maintenance"]
    );
    let checked = responder.press(&acknowledged, "Recheck").await;
    assert_contains(&checked, "Rechecked: by <@8>");
    assert_contains(&checked, "🔴 shop is offline");
    web.recovers();
    let hasty = responder.press(&checked, "Recheck").await;
    assert!(hasty.is_ephemeral(), "{}", hasty.render());
    assert_contains(&hasty, "You can start one recheck every 3 s. Try again in ");
    let carol = Member::plain(10, "Carol").with_role(ROLE);
    let checked = sandbox.member(&carol).press(&checked, "Recheck").await;
    assert_contains(&checked, "🟢 shop was offline for");
}

#[tokio::test(flavor = "multi_thread")]
async fn escalation_and_override_responders_can_press_the_buttons_too() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    let alert = the_alert(&sandbox, "🔴 shop is offline").await;
    let [bob, carol, dan] =
        [(8, "Bob"), (10, "Carol"), (11, "Dan")].map(|(id, name)| Member::plain(id, name));
    for (words, responder) in [
        ("escalation escalate:2h role:88", bob.with_role(88)),
        ("escalation escalate:2h user:10", carol),
        ("override monitor:shop role:89", dan.with_role(89)),
    ] {
        let refused = sandbox.member(&responder).press(&alert, "Recheck").await;
        assert!(
            refused.text().contains("Only members with an on-call role"),
            "{words}"
        );
        sandbox.slash(&format!("/alerts {words}")).await;
        let checked = sandbox.member(&responder).press(&alert, "Recheck").await;
        let by = format!("Rechecked: by <@{}>", responder.id);
        assert!(
            checked.text().contains(&by),
            "{words}: {}",
            checked.render()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_message_is_posted_again_without_mentions() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    let alert = the_alert(&sandbox, "🔴 shop is offline").await;
    assert_ne!(alert.json()["content"], "");
    sandbox.delete_message(&alert);
    sandbox.slash("/ack").await;
    let reposted = the_alert(&sandbox, "Acknowledged: by <@1001>").await;
    assert_eq!(reposted.json()["content"], "");
    sandbox.delete_message(&reposted);
    web.recovers();
    the_alert(&sandbox, "🟢 shop was offline for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_in_a_deleted_channel_continues_in_the_new_one() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    the_alert(&sandbox, "🔴 shop is offline").await;
    let (old, elsewhere) = (
        sandbox.channel(sandbox.guild()),
        sandbox.add_guild("Elsewhere"),
    );
    let new = sandbox.channel(elsewhere);
    sandbox
        .slash(&format!("/alerts channel channel:{new}"))
        .await;
    let deleted = RestFault::Error {
        status: 404,
        code: 10_003,
    };
    sandbox.fail_requests(deleted, &format!("/channels/{old}/"), 1_000);
    web.recovers();
    sandbox
        .wait_for_messages(elsewhere, "the recovery in the new channel", |messages| {
            let alerts = alerts(messages);
            alerts
                .into_iter()
                .find(|one| one.text().contains("🟢 shop was offline for"))
        })
        .await;
    let shown = sandbox.slash("/alerts show").await.render();
    assert!(!shown.contains("unable to send alerts"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_waits_until_the_rate_limit_ends() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let limit = RestFault::GlobalLimit {
        retry_after_ms: 2_000,
    };
    sandbox.fail_requests(limit, "/channels/", 1);
    web.goes_down();
    wait_for("the alert to be refused", || {
        let refused = running
            .metric(r#"rollcall_notifications_total{destination="channel",result="failed"}"#);
        refused.filter(|count| *count >= 1.0)
    });
    let clock = crate::harness::own_timer::stopwatch();
    the_alert(&sandbox, "🔴 shop is offline").await;
    assert!(clock.elapsed().as_millis() > 1_500, "{:?}", clock.elapsed());
    let refused =
        running.metric(r#"rollcall_notifications_total{destination="channel",result="failed"}"#);
    assert_eq!(refused, Some(1.0), "no request before the rate limit ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_channel_is_rejected_with_the_missing_permission() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    for (status, code, part) in [
        (403, 50_001, "lacks the permission View Channel"),
        (
            403,
            50_013,
            "lacks the permission Send Messages or Embed Links",
        ),
        (404, 10_003, "the channel was deleted"),
        (500, 0, "Try again in a moment"),
    ] {
        sandbox.fail_requests(RestFault::Error { status, code }, "/channels/", 1);
        let refused = sandbox.slash(&setup(&sandbox)).await.render();
        assert!(refused.contains(part), "{part} in {refused}");
    }
    let nothing = sandbox.slash("/alerts show").await.render();
    assert!(nothing.contains("No alert channel"), "{nothing}");
    let none = sandbox.slash("/alerts role").await.render();
    assert!(none.contains("There is no alert channel yet"), "{none}");
    sandbox.slash(&setup(&sandbox)).await;
    let shown = sandbox.slash("/alerts show").await.render();
    assert!(shown.contains("<@&77>"), "{shown}");
    let none = sandbox.slash("/alerts role").await.render();
    assert!(none.contains("nobody"), "{none}");
    let off = sandbox.slash("/alerts off").await.render();
    assert!(off.contains("Alerts in Discord are off"), "{off}");
    let bob = Member::plain(8, "Bob");
    let refused = sandbox
        .member(&bob)
        .forging()
        .slash("/alerts off")
        .await
        .render();
    assert!(refused.contains("Manage Server"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn choosing_a_role_that_notifies_no_one_shows_a_warning() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let home = sandbox.guild();
    let role = |is_mentionable| Role {
        id: ROLE,
        is_mentionable,
        ..Role::default()
    };
    let running = with_shop(&sandbox, &rollcall, &web).await;
    for (roles, bot_permissions, part) in [
        (vec![role(true)], 0, None),
        (vec![role(false)], MENTION_EVERYONE, None),
        (
            vec![role(false)],
            0,
            Some("Discord does not notify members"),
        ),
        (vec![], MENTION_EVERYONE, Some("The role 77 was deleted")),
    ] {
        sandbox.set_roles(home, &roles);
        sandbox.set_bot_permissions(home, bot_permissions | 19_456);
        for line in [setup(&sandbox), "/alerts show".to_owned()] {
            let shown = sandbox.slash(&line).await.render();
            assert_eq!(shown.contains("Problem"), part.is_some(), "{shown}");
            assert!(shown.contains(part.unwrap_or_default()), "{shown}");
        }
    }
    let own = format!("/alerts override monitor:shop role:{ROLE}");
    let own = sandbox.slash(&own).await.render();
    assert!(own.contains("was deleted, so it is not mentioned"), "{own}");
    for line in [
        "setup channel:1",
        "role",
        "override monitor:shop",
        "escalation escalate:30m",
    ] {
        let everyone = format!("/alerts {line} role:{}", home.0);
        let refused = sandbox.slash(&everyone).await.render();
        assert!(refused.contains("does not mention @everyone"), "{refused}");
    }
    // If Discord does not answer, there is no warning. An alert is sent whatever the state of its role.
    sandbox.fail_requests(RestFault::Status(403), "/roles", 1);
    let shown = sandbox.slash("/alerts show").await.render();
    assert!(
        !shown.contains("Problem") && shown.contains("<@&77>"),
        "{shown}"
    );
    web.goes_down();
    the_alert(&sandbox, "🔴 shop is offline").await;
    wait_until_delivered(&running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_channel_does_not_delay_another_guild() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    let elsewhere: GuildId = sandbox.add_guild("Elsewhere");
    let eve = Member::manager(9, "Eve");
    let there = sandbox.member(&eve).in_guild(elsewhere);
    there
        .slash(&format!(
            "/alerts setup channel:{}",
            sandbox.channel(elsewhere)
        ))
        .await;
    there
        .slash(&format!(
            "/endpoint add target:{} name:mirror",
            web.target()
        ))
        .await;
    wait_for("both to be online", || {
        rollcall
            .sql("SELECT 'both' FROM monitors WHERE status = 'online' GROUP BY status HAVING COUNT(*) = 2")
            .pop()
    });
    let denied = RestFault::Error {
        status: 403,
        code: 50_013,
    };
    let home = format!("/channels/{}", sandbox.channel(sandbox.guild()));
    sandbox.fail_requests(denied, &home, 1_000);
    web.goes_down();
    let alert = sandbox
        .wait_for_messages(elsewhere, "the alert in the other guild", |messages| {
            alerts(messages).into_iter().next()
        })
        .await;
    assert!(
        alert.text().contains("🔴 mirror is offline"),
        "{}",
        alert.render()
    );
    assert!(!alert.text().contains("shop"), "nothing of another guild");
}

#[tokio::test(flavor = "multi_thread")]
async fn muted_monitors_notify_only_when_the_mute_ends() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let bob = Member::plain(8, "Bob");
    let refused = sandbox
        .member(&bob)
        .slash("/mute monitor:shop")
        .await
        .render();
    assert!(
        refused.contains("Only members with an on-call role"),
        "{refused}"
    );
    let responder = bob.with_role(ROLE);
    let responder = sandbox.member(&responder);
    let wrong = responder
        .slash("/mute monitor:shop duration:soon")
        .await
        .render();
    assert!(
        wrong.contains("`duration`: `soon` is not a duration. A duration is a number and a unit."),
        "{wrong}"
    );
    let muted = responder
        .slash("/mute monitor:shop duration:5s")
        .await
        .render();
    assert!(muted.contains("Muted **shop** until"), "{muted}");
    let shown = sandbox.slash("/alerts show").await.render();
    assert!(shown.contains("Muted: shop until"), "{shown}");
    web.goes_down();
    let open_outage = || {
        let found = rollcall.sql("SELECT 'down' FROM outages WHERE ended_at IS NULL");
        found.first().cloned()
    };
    wait_for("the outage to be recorded", open_outage);
    assert_eq!(rollcall.sql("SELECT 'notified' FROM incidents").len(), 0);
    // The mute survives a restart, and ends by itself.
    running.kill();
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    let alert = the_alert(&sandbox, "🔴 shop is offline").await;
    let muted = responder.press(&alert, "Mute 1 h").await;
    assert_contains(&muted, "Muted: until <t:");
    assert_contains(&muted, " by <@8>");
    web.recovers();
    the_alert(&sandbox, "🟢 shop was offline for").await;
    web.goes_down();
    wait_for("the second outage", open_outage);
    assert_eq!(rollcall.sql("SELECT 'notified' FROM incidents").len(), 1);
    let again = responder.slash("/unmute monitor:shop").await.render();
    assert!(again.contains("Unmuted"), "{again}");
    sandbox
        .wait_for_messages(sandbox.guild(), "the second alert", |messages| {
            (alerts(messages).len() == 2).then_some(())
        })
        .await;
    let none = responder.slash("/unmute monitor:shop").await.render();
    assert!(none.contains("not muted"), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn flapping_updates_the_last_message_without_another_mention() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    let wait = async |part: &str, count: usize| {
        sandbox
            .wait_for_messages(sandbox.guild(), part, |messages| {
                let alerts = alerts(messages);
                let is_there = alerts.last().is_some_and(|last| last.text().contains(part));
                (is_there && alerts.len() == count).then_some(())
            })
            .await;
    };
    for count in [1, 2] {
        // Moves the incidents apart in time, so that the second outage does not join the first incident.
        rollcall.sql("UPDATE incidents SET joined_at = joined_at - 60000");
        web.goes_down();
        wait("🔴 shop is offline", count).await;
        web.recovers();
        wait("🟢 shop was offline for", count).await;
    }
    for _ in 0..2 {
        web.goes_down();
        wait("🟠 shop is flapping, offline now", 2).await;
        web.recovers();
        wait("🟠 shop is flapping, online now", 2).await;
    }
    let mention = format!("<@&{ROLE}>");
    let messages_posted =
        sandbox.record().requests.into_iter().filter(|request| {
            request.method == "POST" && request.body["content"] == mention.as_str()
        });
    assert_eq!(messages_posted.count(), 2);
}

/// Milliseconds from the detection of the outage to the arrival of its message.
fn latency(rollcall: &Rollcall, alert: &Reply) -> u64 {
    let noticed = rollcall.sql(
        "SELECT CAST(noticed_at AS TEXT) FROM events WHERE kind = 'endpoint_offline' ORDER BY id DESC LIMIT 1",
    );
    alert.came_at().saturating_sub(noticed[0].parse().unwrap())
}

/// Imports a thousand endpoints that respond.
fn import_neighbors(sandbox: &Sandbox, rollcall: &Rollcall) {
    let neighbors = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = neighbors.local_addr().unwrap().port();
    // The thread ends with the test process.
    std::thread::spawn(move || neighbors.incoming().for_each(drop));
    let list: String = (0..1_000)
        .map(|number| {
            let (upper, lower) = (number / 250, number % 250 + 1);
            format!("tcp://127.9.{upper}.{lower}:{port} n{number}\n")
        })
        .collect();
    import(sandbox, rollcall, &list);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_sent_within_half_a_second_among_a_thousand_monitors() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox)
        .with("PROBE_INTERVAL", "60s")
        .with("QUOTA_ENDPOINTS", "2000");
    import_neighbors(&sandbox, &rollcall);
    let mut web = Web::up();
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    sandbox.slash(&setup(&sandbox)).await;
    let add = format!(
        "/endpoint add target:{} name:shop interval:1s",
        web.target()
    );
    sandbox.slash(&add).await;
    wait_for("the shop to be online", || {
        let found =
            rollcall.sql("SELECT name FROM monitors WHERE name = 'shop' AND status = 'online'");
        (!found.is_empty()).then_some(())
    });
    let mut latencies = Vec::new();
    for count in [1, 2] {
        rollcall.sql("UPDATE incidents SET joined_at = joined_at - 60000");
        web.goes_down();
        let alert = sandbox
            .wait_for_messages(sandbox.guild(), "the alert", |messages| {
                alerts(messages).into_iter().nth(count - 1)
            })
            .await;
        latencies.push(latency(&rollcall, &alert));
        web.recovers();
        sandbox
            .wait_for_messages(sandbox.guild(), "the recovery", |messages| {
                let is_recovered = |alert: &Reply| alert.text().contains("was offline for");
                alerts(messages).iter().all(is_recovered).then_some(())
            })
            .await;
    }
    println!("latencies in ms: {latencies:?}");
    // The better of two, because the machine may be busy with other things.
    assert!(
        latencies.iter().any(|latency| *latency < 500),
        "{latencies:?}"
    );
    drop(running);
}
