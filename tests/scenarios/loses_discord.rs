//! Discord goes away for a while: the bot comes back by itself, answers again, and looks at its endpoints all the time.

use discord_sandbox::{CloseWith, RestFault, Sandbox};

use crate::harness::{Rollcall, Web};

async fn bot() -> (Sandbox, Rollcall) {
    let sandbox = Sandbox::start().await;
    let rollcall = Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_GUILD_ID", sandbox.guild().0.to_string());
    (sandbox, rollcall)
}

/// Ends the connection in some way and waits until the bot has resumed or identified itself anew.
async fn survives(sandbox: &Sandbox, end: impl FnOnce(&Sandbox)) {
    let before = sandbox.record();
    let known = before.resumes() + before.identifies();
    end(sandbox);
    sandbox
        .wait_for("the bot to come back", |record| {
            (record.resumes() + record.identifies() > known).then_some(())
        })
        .await;
    sandbox.wait_until_ready().await;
    let pong = sandbox.slash("/ping").await;
    assert!(pong.text().starts_with("Pong."), "{}", pong.render());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_resumed() {
    let (sandbox, rollcall) = bot().await;
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    for how in [
        CloseWith::Code(1000),
        CloseWith::Code(4000),
        CloseWith::Drop,
    ] {
        survives(&sandbox, |sandbox| sandbox.close_gateway(how)).await;
    }
    survives(&sandbox, Sandbox::ask_to_reconnect).await;
    assert_eq!(
        (sandbox.record().identifies(), sandbox.record().resumes()),
        (1, 4)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_is_begun_anew() {
    let (sandbox, rollcall) = bot().await;
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    survives(&sandbox, |sandbox| sandbox.invalidate_session(false)).await;
    assert_eq!(sandbox.record().identifies(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_cannot_be_looked_up_is_asked_again() {
    let (sandbox, rollcall) = bot().await;
    let web = Web::up();
    let id = rollcall.add(&web.target());
    sandbox.fail_requests(RestFault::Status(503), "/gateway", 2);
    let running = rollcall.run();
    rollcall.wait_until("online, whatever Discord does", id, |endpoint| {
        endpoint["status"] == "online"
    });
    assert_eq!(running.get("/readyz").0, 503);
    sandbox.wait_until_ready().await;
    let pong = sandbox.slash("/ping").await;
    assert!(pong.text().starts_with("Pong."), "{}", pong.render());
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_discord_did_not_take_are_registered_again() {
    let (sandbox, rollcall) = bot().await;
    sandbox.fail_requests(
        RestFault::RouteLimit {
            retry_after_ms: 500,
        },
        "/commands",
        1,
    );
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    let pong = sandbox.slash("/ping").await;
    assert!(pong.text().starts_with("Pong."), "{}", pong.render());
    let both = |record: &discord_sandbox::Record| {
        record
            .requests
            .iter()
            .filter(|request| request.path.ends_with("/commands"))
            .nth(2)
            .map(drop)
    };
    sandbox.wait_for("both lists of commands", both).await;
    let statuses: Vec<u16> = sandbox
        .record()
        .requests
        .iter()
        .filter(|request| request.path.ends_with("/commands"))
        .map(|request| request.status)
        .collect();
    // The guild's own, refused and then taken; after that everybody's, which are none.
    assert_eq!(statuses, [429, 200, 200]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_in_time_while_discord_is_away() {
    let (sandbox, rollcall) = bot().await;
    sandbox.set_faults(|faults| faults.never_upgrade = true);
    let running = rollcall.run();
    sandbox
        .wait_for("a connection", |record| {
            (record.connections > 0).then_some(())
        })
        .await;
    let (code, _, took) = running.stop();
    assert_eq!(code, 0);
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
}
