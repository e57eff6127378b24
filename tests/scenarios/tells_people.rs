//! People are told of an incident once, in the place that they chose, and nothing gets lost on the way.

use discord_sandbox::{GuildId, Member, Reply, RestFault, Role, Sandbox};

use crate::alerting::{ROLE, bot, import, setup, wait_until_told, with_shop};
use crate::harness::{Rollcall, Web, wait_for};

/// That permission's bit.
const MENTION_EVERYONE: u64 = 1 << 17;

/// The alerts in the home channel, without the test of the setup.
fn alerts(messages: &[Reply]) -> Vec<Reply> {
    let is_alert = |message: &&Reply| !message.text().contains("Alerts come here");
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

/// Messages that were posted, and how often one was changed.
fn calls(sandbox: &Sandbox, method: &str) -> usize {
    let requests = sandbox.record().requests;
    let is_one = |request: &&discord_sandbox::Request| {
        request.method == method && request.path.contains("/channels/") && request.status < 300
    };
    requests.iter().filter(is_one).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_one_message_that_ends_where_it_began() {
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
    let called = format!("<@&{ROLE}>");
    assert_eq!(alert.json()["content"], called.as_str());
    assert_eq!(
        alert.json()["allowed_mentions"],
        serde_json::json!({ "parse": [], "roles": [ROLE.to_string()] })
    );
    web.comes_back();
    let over = the_alert(&sandbox, "🟢 shop was offline for").await;
    assert!(over.buttons().is_empty(), "{}", over.render());
    // Nothing more is to come: what is untold is nothing, and two messages were posted in all, the test among them.
    wait_until_told(&running);
    assert_eq!((calls(&sandbox, "POST"), calls(&sandbox, "PATCH")), (2, 1));
    let edit = sandbox
        .record()
        .requests
        .into_iter()
        .rfind(|request| request.method == "PATCH");
    let edit = edit.unwrap().body;
    assert_eq!(edit["allowed_mentions"], serde_json::json!({ "parse": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_says_what_is_at_fault_as_far_as_that_is_known() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox).with("PROBE_TIMEOUT", "1s");
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    // Whoever refuses is there.
    the_alert(&sandbox, "It is the service: the host answers").await;
    web.comes_back();
    the_alert(&sandbox, "🟢 shop was offline for").await;
    rollcall.sql("UPDATE incidents SET joined_at = joined_at - 60000");
    // One port that takes no connections, on a host whose other port goes on answering.
    let (silent, _full) = unresponsive_port();
    let add = format!("/endpoint add target:tcp://{silent} name:mail");
    sandbox.slash(&add).await;
    let port = web.target();
    let port = port.trim_end_matches('/').rsplit(':').next().unwrap();
    let found = format!("It is this port: port {port} of the same host answered");
    sandbox
        .wait_for_messages(sandbox.guild(), &found, |messages| {
            let mut known = messages.iter().filter(|one| one.text().contains(&found));
            known.next().map(drop)
        })
        .await;
    // Somebody on it who reports knows more than any port.
    let guild = sandbox.guild().0.to_string();
    let made = rollcall.done(&["server", "add", "mail", "--guild", &guild, "--json"]);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    running.call("POST", "/api/v1/server-stats", &key, r#"{"cpu": 1}"#);
    let found = "It is the way there: mail runs on it and reported";
    sandbox
        .wait_for_messages(sandbox.guild(), found, |messages| {
            let mut known = messages.iter().filter(|one| one.text().contains(found));
            known.next().map(drop)
        })
        .await;
}

/// A port whose queue is full: whoever connects waits in vain.
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
async fn what_falls_together_is_told_together() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    sandbox.slash(&setup(&sandbox)).await;
    let list: String = (1..=200)
        .map(|host| format!("tcp://127.1.2.{host}:1 host {host}\n"))
        .collect();
    import(&sandbox, &rollcall, &list);
    let alert = the_alert(&sandbox, "🔴 200 on 127.1.2.0/24 are offline").await;
    assert!(
        alert.text().contains("… and 175 more"),
        "{}",
        alert.render()
    );
    wait_until_told(&running);
    assert_eq!(
        calls(&sandbox, "POST"),
        2,
        "one message, and the test before it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_that_fall_at_once_are_one_message() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox).with("QUOTA_ENDPOINTS", "5000");
    let running = rollcall.run();
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
    the_alert(&sandbox, "🔴 3000 are offline").await;
    wait_until_told(&running);
    assert_eq!(
        calls(&sandbox, "POST"),
        2,
        "one message, and the test before it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_passed_while_discord_was_away_is_told_once_and_calls_nobody() {
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
    // Killed while it waits: the outbox is rows.
    running.kill();
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    web.comes_back();
    wait_for("the shop to be online again", || {
        rollcall
            .sql("SELECT 'over' FROM incidents WHERE ended_at IS NOT NULL")
            .pop()
    });
    sandbox.reset_faults();
    let over = the_alert(&sandbox, "🟢 shop was offline for").await;
    assert_eq!(
        over.json()["content"],
        "",
        "whoever is called now is called in vain"
    );
    assert_eq!(calls(&sandbox, "PATCH"), 0, "down and up are one message");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_sending_and_noting_makes_no_second_message() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    let alert = the_alert(&sandbox, "🔴 shop is offline").await;
    wait_until_told(&running);
    running.kill();
    // As if the crash had come just before the note.
    rollcall.sql("UPDATE channel_deliveries SET delivered_revision = 0, message_id = NULL, channel_id = NULL");
    let _running = rollcall.run();
    let sent = |record: &discord_sandbox::Record| {
        let posts = record.requests.iter().filter(|request| {
            request.method == "POST" && request.body["nonce"] == alert.json()["nonce"]
        });
        (posts.count() == 2).then_some(())
    };
    sandbox.wait_for("the same message again", sent).await;
    web.comes_back();
    the_alert(&sandbox, "🟢 shop was offline for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_sending_makes_no_second_message() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    // Discord has the message; that it has it, nobody hears.
    sandbox.fail_requests(RestFault::NoAnswer, "/channels/", 1);
    web.goes_down();
    the_alert(&sandbox, "🔴 shop is offline").await;
    running.kill();
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_for("the outbox to be empty", || {
        let told =
            running.metric(r#"rollcall_notifications_total{destination="channel",result="sent"}"#);
        let waiting = running.metric(r#"rollcall_notifications_pending{destination="channel"}"#);
        (told >= Some(1.0) && waiting == Some(0.0)).then_some(())
    });
    web.comes_back();
    the_alert(&sandbox, "🟢 shop was offline for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_called_takes_care_and_nobody_else_does() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    let alert = the_alert(&sandbox, "🔴 shop is offline").await;
    let bob = Member::plain(8, "Bob");
    for button in ["Acknowledge", "Recheck", "Mute 1 h", "Maintenance"] {
        let refused = sandbox.member(&bob).press(&alert, button).await;
        assert!(refused.is_ephemeral() && refused.text().contains("for those who are called"));
    }
    let elsewhere = sandbox.add_guild("Elsewhere");
    let eve = Member::manager(9, "Eve");
    let stranger = sandbox.member(&eve).in_guild(elsewhere);
    for button in ["Acknowledge", "Recheck", "Mute 1 h", "Maintenance"] {
        let refused = stranger.press(&alert, button).await;
        let text = refused.render();
        assert!(
            refused.is_ephemeral() && text.contains("not known"),
            "{button}: {text}"
        );
        assert_eq!(sandbox.refresh(&alert).render(), alert.render(), "{button}");
    }
    let forged = sandbox
        .member(&eve)
        .press_forged(&alert, "acknowledge|999")
        .await
        .unwrap();
    assert!(forged.text().contains("not known"), "{}", forged.render());
    running.kill();
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    let called = bob.with_role(ROLE);
    let taken = sandbox.member(&called).press(&alert, "Acknowledge").await;
    assert!(
        taken.text().contains("Acknowledged: <@8>"),
        "{}",
        taken.render()
    );
    assert_eq!(taken.buttons(), ["Recheck", "Mute 1 h", "Maintenance"]);
    let checked = sandbox.member(&called).press(&taken, "Recheck").await;
    assert!(
        checked.text().contains("Rechecked: <@8>"),
        "{}",
        checked.render()
    );
    assert!(
        checked.text().contains("🔴 shop is offline"),
        "{}",
        checked.render()
    );
    web.comes_back();
    let checked = sandbox.member(&called).press(&checked, "Recheck").await;
    assert!(
        checked.text().contains("🟢 shop was offline for"),
        "{}",
        checked.render()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_called_later_or_for_one_monitor_takes_care_too() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    let alert = the_alert(&sandbox, "🔴 shop is offline").await;
    let (bob, carol) = (Member::plain(8, "Bob"), Member::plain(10, "Carol"));
    for (words, called) in [
        ("policy escalate:2h role:88", bob.clone().with_role(88)),
        ("policy escalate:2h user:10", carol),
        ("monitor target:shop role:89", bob.with_role(89)),
    ] {
        let refused = sandbox.member(&called).press(&alert, "Recheck").await;
        assert!(
            refused.text().contains("for those who are called"),
            "{words}"
        );
        sandbox.slash(&format!("/alerts {words}")).await;
        let checked = sandbox.member(&called).press(&alert, "Recheck").await;
        let by = format!("Rechecked: <@{}>", called.id);
        assert!(
            checked.text().contains(&by),
            "{words}: {}",
            checked.render()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_gone_is_posted_anew_and_calls_nobody_again() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let _running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    let alert = the_alert(&sandbox, "🔴 shop is offline").await;
    assert_ne!(alert.json()["content"], "");
    sandbox.delete_message(&alert);
    sandbox.slash("/ack").await;
    let anew = the_alert(&sandbox, "Acknowledged: <@1001>").await;
    assert_eq!(anew.json()["content"], "");
    sandbox.delete_message(&anew);
    web.comes_back();
    the_alert(&sandbox, "🟢 shop was offline for").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_in_a_channel_that_is_gone_goes_on_in_the_new_one() {
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
    let gone = RestFault::Error {
        status: 404,
        code: 10_003,
    };
    sandbox.fail_requests(gone, &format!("/channels/{old}/"), 1_000);
    web.comes_back();
    sandbox
        .wait_for_messages(elsewhere, "the end in the new channel", |messages| {
            let alerts = alerts(messages);
            alerts
                .into_iter()
                .find(|one| one.text().contains("🟢 shop was offline for"))
        })
        .await;
    let shown = sandbox.slash("/alerts show").await.render();
    assert!(!shown.contains("Nothing was told"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_gone_is_told_of_and_what_was_missed_comes_when_it_is_mended() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let gone = RestFault::Error {
        status: 404,
        code: 10_003,
    };
    sandbox.fail_requests(gone, "/channels/", 1);
    web.goes_down();
    wait_for("the channel to be found broken", || {
        rollcall
            .sql("SELECT broken_reason FROM alert_settings WHERE broken_reason IS NOT NULL")
            .pop()
    });
    let shown = sandbox.slash("/alerts show").await.render();
    assert!(
        shown.contains("the channel does not exist any more"),
        "{shown}"
    );
    // Told once on another path: to whoever has set it.
    let direct = |record: &discord_sandbox::Record| {
        let mut posted = record.requests.iter().filter(|request| {
            request.method == "POST" && request.path.ends_with("/channels/1001/messages")
        });
        posted.next().cloned()
    };
    let direct = sandbox.wait_for("a direct message", direct).await;
    let said = direct.body["content"].as_str().unwrap();
    assert!(
        said.contains("cannot be told") && said.contains("/alerts channel"),
        "{said}"
    );
    let audit = sandbox.slash("/audit type:alerts_broken").await.render();
    assert!(audit.contains("`alerts_broken`"), "{audit}");
    let before = calls(&sandbox, "POST");
    sandbox.slash(&setup(&sandbox)).await;
    the_alert(&sandbox, "🔴 shop is offline").await;
    // A request is on record when it has been answered, a moment after its message can be seen.
    wait_for("two messages: the test, and what was missed", || {
        (calls(&sandbox, "POST") == before + 2).then_some(())
    });
    drop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_asks_for_is_waited_for() {
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
    let clock = crate::harness::stopwatch();
    the_alert(&sandbox, "🔴 shop is offline").await;
    assert!(clock.elapsed().as_millis() > 1_500, "{:?}", clock.elapsed());
    let refused =
        running.metric(r#"rollcall_notifications_total{destination="channel",result="failed"}"#);
    assert_eq!(refused, Some(1.0), "not asked again before the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_cannot_be_used_is_refused_with_what_is_missing() {
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
        (404, 10_003, "does not exist any more"),
        (500, 0, "Please try again in a moment"),
    ] {
        sandbox.fail_requests(RestFault::Error { status, code }, "/channels/", 1);
        let refused = sandbox.slash(&setup(&sandbox)).await.render();
        assert!(refused.contains(part), "{part} in {refused}");
    }
    let nothing = sandbox.slash("/alerts show").await.render();
    assert!(
        nothing.contains("Incidents are told in no channel"),
        "{nothing}"
    );
    let none = sandbox.slash("/alerts role").await.render();
    assert!(none.contains("No channel is set"), "{none}");
    sandbox.slash(&setup(&sandbox)).await;
    let called = sandbox.slash("/alerts show").await.render();
    assert!(called.contains("<@&77>"), "{called}");
    let none = sandbox.slash("/alerts role").await.render();
    assert!(none.contains("nobody"), "{none}");
    let off = sandbox.slash("/alerts off").await.render();
    assert!(off.contains("in no channel any more"), "{off}");
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
async fn a_role_of_which_nobody_would_hear_is_said_where_it_is_chosen() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let home = sandbox.guild();
    let role = |is_mentionable| Role {
        id: ROLE,
        is_mentionable,
    };
    let running = with_shop(&sandbox, &rollcall, &web).await;
    for (roles, bot_permissions, part) in [
        (vec![role(true)], 0, None),
        (vec![role(false)], MENTION_EVERYONE, None),
        (vec![role(false)], 0, Some("Discord notifies nobody")),
        (vec![], MENTION_EVERYONE, Some("The role 77 does not exist")),
    ] {
        sandbox.set_roles(home, &roles);
        sandbox.set_bot_permissions(home, bot_permissions);
        for line in [setup(&sandbox), "/alerts show".to_owned()] {
            let shown = sandbox.slash(&line).await.render();
            assert_eq!(shown.contains("Nobody hears"), part.is_some(), "{shown}");
            assert!(shown.contains(part.unwrap_or_default()), "{shown}");
        }
    }
    let own = format!("/alerts monitor target:shop role:{ROLE}");
    let own = sandbox.slash(&own).await.render();
    assert!(own.contains("does not exist any more"), "{own}");
    for line in [
        "setup channel:1",
        "role",
        "monitor target:shop",
        "policy escalate:30m",
    ] {
        let everyone = format!("/alerts {line} role:{}", home.0);
        let refused = sandbox.slash(&everyone).await.render();
        assert!(refused.contains("never everyone"), "{refused}");
    }
    // Where Discord does not tell, nothing is said of it; and an alert goes out whatever becomes of its role.
    sandbox.fail_requests(RestFault::Status(403), "/roles", 1);
    let shown = sandbox.slash("/alerts show").await.render();
    assert!(
        !shown.contains("Nobody hears") && shown.contains("<@&77>"),
        "{shown}"
    );
    web.goes_down();
    the_alert(&sandbox, "🔴 shop is offline").await;
    wait_until_told(&running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guild_whose_channel_is_broken_does_not_hold_up_another() {
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
    let told = sandbox
        .wait_for_messages(elsewhere, "the other guild to be told", |messages| {
            alerts(messages).into_iter().next()
        })
        .await;
    assert!(
        told.text().contains("🔴 mirror is offline"),
        "{}",
        told.render()
    );
    assert!(!told.text().contains("shop"), "nothing of another guild");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_muted_is_not_told_until_the_time_is_over() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let mut web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let bob = Member::plain(8, "Bob");
    let refused = sandbox
        .member(&bob)
        .slash("/mute target:shop")
        .await
        .render();
    assert!(refused.contains("for those who are called"), "{refused}");
    let called = bob.with_role(ROLE);
    let called = sandbox.member(&called);
    let wrong = called.slash("/mute target:shop for:soon").await.render();
    assert!(wrong.contains("must lie between 1s and 30d"), "{wrong}");
    let muted = called.slash("/mute target:shop for:5s").await.render();
    assert!(
        muted.contains("Nothing is told of **shop** until"),
        "{muted}"
    );
    let shown = sandbox.slash("/alerts show").await.render();
    assert!(shown.contains("Muted: shop until"), "{shown}");
    web.goes_down();
    wait_for("the outage to be noticed", || {
        rollcall
            .sql("SELECT 'down' FROM outages WHERE ended_at IS NULL")
            .pop()
    });
    assert_eq!(rollcall.sql("SELECT 'told' FROM incidents").len(), 0);
    // The mute outlives a restart, and ends by itself.
    running.kill();
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    let alert = the_alert(&sandbox, "🔴 shop is offline").await;
    let muted = called.press(&alert, "Mute 1 h").await;
    assert!(
        muted.text().contains("Muted: <@8> until"),
        "{}",
        muted.render()
    );
    web.comes_back();
    the_alert(&sandbox, "🟢 shop was offline for").await;
    web.goes_down();
    wait_for("the second outage", || {
        rollcall
            .sql("SELECT 'down' FROM outages WHERE ended_at IS NULL")
            .pop()
    });
    assert_eq!(rollcall.sql("SELECT 'told' FROM incidents").len(), 1);
    let again = called.slash("/unmute target:shop").await.render();
    assert!(again.contains("is told of again"), "{again}");
    sandbox
        .wait_for_messages(sandbox.guild(), "the second alert", |messages| {
            (alerts(messages).len() == 2).then_some(())
        })
        .await;
    let none = called.slash("/unmute target:shop").await.render();
    assert!(none.contains("not muted"), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_flaps_is_told_in_its_last_message_and_calls_nobody_again() {
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
        // Apart, so that the second is not told with the first.
        rollcall.sql("UPDATE incidents SET joined_at = joined_at - 60000");
        web.goes_down();
        wait("🔴 shop is offline", count).await;
        web.comes_back();
        wait("🟢 shop was offline for", count).await;
    }
    for _ in 0..2 {
        web.goes_down();
        wait("🟠 shop is flapping, offline now", 2).await;
        web.comes_back();
        wait("🟠 shop is flapping, online now", 2).await;
    }
    let called = format!("<@&{ROLE}>");
    let posts =
        sandbox.record().requests.into_iter().filter(|request| {
            request.method == "POST" && request.body["content"] == called.as_str()
        });
    assert_eq!(posts.count(), 2);
}

/// From the moment in which an outage was decided to the one in which its message came, in milliseconds.
fn latency(rollcall: &Rollcall, alert: &Reply) -> u64 {
    let noticed = rollcall.sql(
        "SELECT CAST(noticed_at AS TEXT) FROM events WHERE kind = 'endpoint_offline' ORDER BY id DESC LIMIT 1",
    );
    alert.came_at().saturating_sub(noticed[0].parse().unwrap())
}

/// Puts a thousand endpoints on the roll that answer.
fn import_neighbours(sandbox: &Sandbox, rollcall: &Rollcall) {
    let neighbours = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = neighbours.local_addr().unwrap().port();
    // Ends with the tests.
    std::thread::spawn(move || neighbours.incoming().for_each(drop));
    let list: String = (0..1_000)
        .map(|number| {
            let (upper, lower) = (number / 250, number % 250 + 1);
            format!("tcp://127.9.{upper}.{lower}:{port} n{number}\n")
        })
        .collect();
    import(sandbox, rollcall, &list);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_out_within_half_a_second_among_a_thousand_monitors() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox)
        .with("PROBE_INTERVAL", "60s")
        .with("QUOTA_ENDPOINTS", "2000");
    import_neighbours(&sandbox, &rollcall);
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
        web.comes_back();
        sandbox
            .wait_for_messages(sandbox.guild(), "the end", |messages| {
                let over = |alert: &Reply| alert.text().contains("was offline for");
                alerts(messages).iter().all(over).then_some(())
            })
            .await;
    }
    println!("latencies in ms: {latencies:?}");
    // The better of two: the machine may be busy with other things.
    assert!(
        latencies.iter().any(|latency| *latency < 500),
        "{latencies:?}"
    );
    drop(running);
}
