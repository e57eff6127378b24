//! What Discord's REST API and gateway answer to a bot that wants in: not now, not so fast, not like that, never.

use std::time::Duration;

use discord_sandbox::{CloseWith, Member, RestFault, Sandbox};

use crate::calm::timers_were_in_time;
use crate::harness::{Rollcall, stopwatch, wait_for};

fn bot(sandbox: &Sandbox) -> Rollcall {
    Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_GUILD_ID", sandbox.guild().0.to_string())
}

async fn pings(sandbox: &Sandbox) {
    let pong = sandbox.slash("/ping").await;
    assert!(pong.text().starts_with("Pong."), "{}", pong.render());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_cannot_be_checked_up_is_asked_again() {
    let sandbox = Sandbox::start().await;
    sandbox.fail_requests(RestFault::Status(503), "/gateway/bot", 3);
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    pings(&sandbox).await;
    let reconnects = running.metric(r#"rollcall_gateway_reconnects_total{reason="look_up"}"#);
    assert_eq!(reconnects, Some(3.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_in_time_while_the_gateway_cannot_be_checked_up() {
    let sandbox = Sandbox::start().await;
    sandbox.fail_requests(RestFault::Status(503), "/gateway/bot", 1_000);
    let rollcall = bot(&sandbox).with("DISCORD_MAX_RECONNECTS", "1");
    let running = rollcall.run();
    wait_for("the end of haste", || {
        rollcall
            .log()
            .contains("Max reconnection attempts reached")
            .then_some(())
    });
    assert_eq!(running.get("/healthz").0, 200);
    let (code, _, took) = running.stop();
    assert_eq!(code, 0);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_obeyed_on_one_route_and_on_all() {
    for fault in [
        RestFault::RouteLimit {
            retry_after_ms: 4_000,
        },
        RestFault::GlobalLimit {
            retry_after_ms: 4_000,
        },
    ] {
        let sandbox = Sandbox::start().await;
        sandbox.fail_requests(fault, "/gateway/bot", 1);
        let rollcall = bot(&sandbox);
        let _running = rollcall.run();
        sandbox
            .wait_for("the limit", |record| {
                record
                    .requests
                    .iter()
                    .any(|request| request.status == 429)
                    .then_some(())
            })
            .await;
        let clock = stopwatch();
        sandbox.wait_until_ready().await;
        assert!(clock.elapsed() >= Duration::from_millis(3_900), "{fault:?}");
        pings(&sandbox).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_discord_did_not_take_are_registered_again() {
    let sandbox = Sandbox::start().await;
    sandbox.fail_requests(
        RestFault::RouteLimit {
            retry_after_ms: 500,
        },
        "/commands",
        1,
    );
    sandbox.fail_requests(RestFault::Status(500), "/commands", 1);
    let rollcall = bot(&sandbox);
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    pings(&sandbox).await;
    let statuses = sandbox
        .wait_for("both lists of commands", |record| {
            let statuses: Vec<u16> = record
                .requests
                .iter()
                .filter(|request| request.path.ends_with("/commands"))
                .map(|request| request.status)
                .collect();
            (statuses.len() == 4).then_some(statuses)
        })
        .await;
    // The guild's own, refused twice and then taken; after that everybody's, which are none.
    assert_eq!(statuses, [429, 500, 200, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_discord_does_not_take_cost_those_answers_and_nothing_else() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    // The answer, and the error that takes its place.
    sandbox.fail_requests(RestFault::Status(500), "/callback", 2);
    let member = Member::plain(7, "Ada");
    assert!(sandbox.member(&member).try_slash("/ping").await.is_err());
    pings(&sandbox).await;
    assert!(running.gateway_is_ready());
    assert_eq!(sandbox.record().identifies(), 1);
    let log = rollcall.log();
    let failures = log
        .lines()
        .filter(|line| line.contains("failure=") && line.contains("[ERROR]"))
        .count();
    assert_eq!(failures, 1, "one line per failure, with its id:\n{log}");
}

/// The bot ends by itself with exit code 4 and this sentence, not before it was connected where `close` says how.
async fn ends_with(close: Option<u16>, sentence: &str) {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    if close.is_none() {
        sandbox.fail_requests(RestFault::Status(401), "/commands", 1);
    }
    let running = rollcall.run();
    if let Some(code) = close {
        sandbox.wait_until_ready().await;
        sandbox.close_gateway(CloseWith::Code(code));
    }
    let (code, err) = running.ended();
    assert_eq!(code, 4, "{err}");
    let last = err.lines().last().unwrap();
    assert!(
        last.starts_with("error: ") && last.contains(sentence),
        "{last}"
    );
    assert!(!err.contains(&sandbox.token()), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_refusal_is_told_in_a_sentence_and_ends_it_with_exit_code_4() {
    let new_token =
        "https://discord.com/developers/applications, choose the application, Bot, Reset Token";
    ends_with(None, new_token).await;
    ends_with(Some(4004), new_token).await;
    ends_with(Some(4012), "install the newest Rollcall").await;
    ends_with(Some(4013), "because of the intents").await;
    ends_with(Some(4014), "because of the intents").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn privileged_intents_that_are_not_granted_are_named_and_dropped() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox).with("DISCORD_PRIVILEGED_INTENTS", "members,message_content");
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    pings(&sandbox).await;
    let told = "Discord does not let this application have members, message_content; switch on \"Server Members Intent\" and \"Message Content Intent\" at https://discord.com/developers/applications/";
    assert_eq!(rollcall.log().matches(told).count(), 1);
    let intents: Vec<u64> = sandbox
        .record()
        .gateway
        .iter()
        .filter(|payload| payload["op"] == 2)
        .map(|payload| payload["d"]["intents"].as_u64().unwrap())
        .collect();
    assert_eq!(intents, [1 | 1 << 1 | 1 << 9 | 1 << 15, 1 | 1 << 9]);
}

#[tokio::test(flavor = "multi_thread")]
async fn privileged_intents_that_are_granted_are_kept() {
    let sandbox = Sandbox::builder().granted_intents(1 << 1).start().await;
    let rollcall = bot(&sandbox).with("DISCORD_PRIVILEGED_INTENTS", "members");
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    assert_eq!(sandbox.record().identifies(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_shards_are_opened_as_discord_recommends_and_all_answer() {
    let sandbox = Sandbox::builder().shards(3).start().await;
    let others: Vec<_> = (0..6)
        .map(|number| sandbox.add_guild(&format!("Guild {number}")))
        .collect();
    // For all servers: they are in different shards.
    let rollcall = bot(&sandbox).with("DISCORD_GUILD_ID", "");
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_for("every shard", || running.gateway_is_ready().then_some(()));
    let health = sandbox.slash("/bot health").await.render();
    for line in ["3 shards", "🟢 0: ready", "🟢 1: ready", "🟢 2: ready"] {
        assert!(health.contains(line), "{health}");
    }
    for guild in others {
        let member = Member::plain(7, "Ada");
        let pong = sandbox.member(&member).in_guild(guild).slash("/ping").await;
        assert!(pong.text().starts_with("Pong."), "{}", pong.render());
    }
    // Every shard shows the presence, loses its connection, and resumes.
    sandbox.close_gateway(CloseWith::Drop);
    sandbox
        .wait_for("three resumes", |record| {
            (record.resumes() == 3).then_some(())
        })
        .await;
    pings(&sandbox).await;
    let record = sandbox.record();
    assert_eq!((record.identifies(), record.hasty_identifies), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_has_grown_is_opened_in_more_shards() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    sandbox.require_shards(2);
    sandbox.invalidate_session(false);
    sandbox
        .wait_for("a session in two shards", |record| {
            record
                .gateway
                .iter()
                .any(|payload| payload["op"] == 2 && payload["d"]["shard"][1] == 2)
                .then_some(())
        })
        .await;
    sandbox.wait_until_connected().await;
    pings(&sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_is_begun_that_discord_would_punish() {
    let sandbox = Sandbox::builder()
        .session_starts(0, Duration::from_secs(6))
        .start()
        .await;
    let clock = stopwatch();
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    assert!(clock.elapsed() >= Duration::from_secs(5));
    assert_eq!(sandbox.record().identifies_over_limit, 0);
    pings(&sandbox).await;
    timers_were_in_time(&running, "waiting for the session limit");
}
