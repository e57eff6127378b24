//! Refusals by Discord's REST API and gateway: server errors, rate limits, rejected commands and replies, invalid tokens,
//! missing intents, and the limit on session starts.

use std::time::Duration;

use discord_sandbox::{CloseWith, Member, RestFault, Sandbox};

use crate::harness::machine_load::assert_timers_on_time;
use crate::harness::own_timer::stopwatch;
use crate::harness::{Rollcall, wait_for};

fn bot(sandbox: &Sandbox) -> Rollcall {
    Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_GUILD_ID", sandbox.guild().0.to_string())
}

async fn assert_ping_works(sandbox: &Sandbox) {
    let pong = sandbox.slash("/ping").await;
    assert!(pong.text().starts_with("Pong."), "{}", pong.render());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_gateway_lookup_is_retried() {
    let sandbox = Sandbox::start().await;
    sandbox.fail_requests(RestFault::Status(503), "/gateway/bot", 3);
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    assert_ping_works(&sandbox).await;
    let reconnects = running.metric(r#"rollcall_gateway_reconnects_total{reason="look_up"}"#);
    assert_eq!(reconnects, Some(3.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn stops_within_ten_seconds_while_the_gateway_lookup_fails() {
    let sandbox = Sandbox::start().await;
    sandbox.fail_requests(RestFault::Status(503), "/gateway/bot", 1_000);
    let rollcall = bot(&sandbox).with("DISCORD_MAX_RECONNECTS", "1");
    let running = rollcall.run();
    wait_for("the slow reconnection attempts", || {
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
async fn rate_limits_of_one_route_and_of_all_routes_are_obeyed() {
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
            .wait_for("the rate limit", |record| {
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
        assert_ping_works(&sandbox).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn command_registration_is_retried_after_an_error() {
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
    assert_ping_works(&sandbox).await;
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
    // The guild's commands, rejected twice and then accepted; then the global list, which is empty.
    assert_eq!(statuses, [429, 500, 200, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_reply_affects_nothing_else() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    // The reply, and the error message that replaces it.
    sandbox.fail_requests(RestFault::Status(500), "/callback", 2);
    let member = Member::plain(7, "Ada");
    assert!(sandbox.member(&member).try_slash("/ping").await.is_err());
    assert_ping_works(&sandbox).await;
    assert!(running.gateway_is_ready());
    assert_eq!(sandbox.record().identifies(), 1);
    let log = rollcall.log();
    let failures = log
        .lines()
        .filter(|line| line.contains("log_id=") && line.contains("[ERROR]"))
        .count();
    assert_eq!(failures, 1, "one line per failure, with its id:\n{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guild_without_the_bot_is_logged_once_and_tried_again() {
    let sandbox = Sandbox::start().await;
    sandbox.fail_requests(RestFault::Status(403), "/commands", 3);
    let rollcall = bot(&sandbox);
    let _running = rollcall.run();
    wait_for("the commands to be registered", || {
        let log = rollcall.log();
        log.contains("commands registered with Discord")
            .then_some(())
    });
    let log = rollcall.log();
    let errors: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("DISCORD_GUILD_ID"))
        .collect();
    assert_eq!(errors.len(), 1, "{log}");
    let guild = format!("guild={}", sandbox.guild().0);
    assert!(
        errors[0].contains("[ERROR]") && errors[0].contains(&guild),
        "{log}"
    );
    assert!(
        !log.contains("[WARNING] rollcall: cannot register"),
        "{log}"
    );
}

/// Asserts that the bot exits with code 4 and this sentence. With `close`, the gateway closes the established connection
/// with that code; without it, command registration is answered with 401.
async fn assert_exits(close: Option<u16>, sentence: &str) {
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
    assert!(!err.contains("serenity: "), "said once: {err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn permanent_refusals_exit_with_code_4_and_a_sentence() {
    let new_token = "https://discord.com/developers/applications, choose the application, select Bot, then Reset Token";
    assert_exits(None, new_token).await;
    assert_exits(Some(4004), new_token).await;
    assert_exits(Some(4012), "Install the latest version of Rollcall").await;
    assert_exits(Some(4013), "rejected the intents").await;
    assert_exits(Some(4014), "rejected the intents").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn privileged_intents_that_are_not_granted_are_logged_and_dropped() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox).with("DISCORD_PRIVILEGED_INTENTS", "members,message_content");
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    assert_ping_works(&sandbox).await;
    let warning = "Discord rejected the intents members, message_content. Enable \"Server Members Intent\" and \"Message Content Intent\" at https://discord.com/developers/applications/";
    assert_eq!(rollcall.log().matches(warning).count(), 1);
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
async fn the_recommended_number_of_shards_is_opened_and_all_reply() {
    let sandbox = Sandbox::builder().shards(3).start().await;
    let others: Vec<_> = (0..6)
        .map(|number| sandbox.add_guild(&format!("Guild {number}")))
        .collect();
    // Global commands, because the guilds are in different shards.
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
    // Every shard loses its connection and resumes.
    sandbox.close_gateway(CloseWith::Drop);
    sandbox
        .wait_for("three resumes", |record| {
            (record.resumes() == 3).then_some(())
        })
        .await;
    assert_ping_works(&sandbox).await;
    let record = sandbox.record();
    assert_eq!((record.identifies(), record.early_identifies), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_session_uses_the_new_recommended_number_of_shards() {
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
    assert_ping_works(&sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_is_started_beyond_the_session_start_limit() {
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
    assert_ping_works(&sandbox).await;
    assert_timers_on_time(&running, "waiting for the session limit");
}
