//! Discord goes away for a while: the bot comes back by itself, answers again, and looks at its endpoints all the time.

use discord_sandbox::{CloseWith, RestFault, Sandbox};

use crate::harness::{Rollcall, Web, wait_for};

async fn bot() -> (Sandbox, Rollcall) {
    let sandbox = Sandbox::start().await;
    let rollcall = Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_GUILD_ID", sandbox.guild().0.to_string());
    (sandbox, rollcall)
}

/// A bot that gives up on a silent gateway after two seconds.
async fn hasty_bot() -> (Sandbox, Rollcall) {
    let (sandbox, rollcall) = bot().await;
    (sandbox, rollcall.with("DISCORD_HEARTBEAT_TIMEOUT", "2s"))
}

/// What people see of the presence: the light and the text.
fn presence(sandbox: &Sandbox) -> (String, String) {
    let shown = sandbox.presence().unwrap();
    (
        shown["status"].as_str().unwrap().to_owned(),
        shown["activities"][0]["name"].as_str().unwrap().to_owned(),
    )
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

#[tokio::test(flavor = "multi_thread")]
async fn every_close_code_that_is_not_final_is_survived_with_the_presence_kept() {
    // Few for each bot: one that is dropped again and again waits longer and longer.
    for codes in [[1001, 4001, 4002], [4003, 4005, 4008], [1000, 4000, 4002]] {
        let (sandbox, rollcall) = bot().await;
        let _running = rollcall.run();
        sandbox.wait_until_ready().await;
        for code in codes {
            survives(&sandbox, |sandbox| {
                sandbox.close_gateway(CloseWith::Code(code));
            })
            .await;
        }
        assert_eq!(sandbox.record().identifies(), 1, "{codes:?} were resumed");
    }
    let (sandbox, rollcall) = bot().await;
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    survives(&sandbox, |sandbox| sandbox.close_gateway(CloseWith::Empty)).await;
    assert_eq!(sandbox.record().identifies(), 1);
    // After these Discord wants a new session.
    for (code, identifies) in [(4007, 2), (4009, 3)] {
        survives(&sandbox, |sandbox| {
            sandbox.close_gateway(CloseWith::Code(code));
        })
        .await;
        assert_eq!(sandbox.record().identifies(), identifies, "{code}");
    }
    assert_eq!(
        presence(&sandbox),
        ("online".to_owned(), "0 of 0 online".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_acknowledging_is_left_and_resumed() {
    let (sandbox, rollcall) = hasty_bot().await;
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    sandbox.set_faults(|faults| faults.never_ack = true);
    sandbox
        .wait_for("a resume", |record| (record.resumes() > 0).then_some(()))
        .await;
    sandbox.reset_faults();
    survives(&sandbox, Sandbox::ask_to_reconnect).await;
    assert_eq!(sandbox.record().identifies(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_hangs_at_any_stage_is_left_and_tried_again() {
    type Switch = fn(&mut discord_sandbox::Faults);
    let stages: [(&str, Switch); 6] = [
        ("the connection is refused", |faults| faults.refuse = true),
        ("the upgrade is never answered", |faults| {
            faults.never_upgrade = true;
        }),
        ("hello never comes", |faults| faults.never_hello = true),
        ("ready never comes", |faults| faults.never_ready = true),
        ("ready cannot be read", |faults| faults.broken_ready = true),
        ("resume is never answered", |faults| {
            faults.never_resume = true;
        }),
    ];
    for (stage, switch) in stages {
        let (sandbox, rollcall) = hasty_bot().await;
        let running = rollcall.run();
        sandbox.wait_until_ready().await;
        let before = sandbox.record().connections;
        sandbox.set_faults(switch);
        if stage.starts_with("ready") {
            sandbox.invalidate_session(false);
        } else {
            sandbox.close_gateway(CloseWith::Drop);
        }
        sandbox
            .wait_for(stage, |record| {
                (record.connections >= before + 2).then_some(())
            })
            .await;
        assert_eq!(running.get("/healthz").0, 200, "{stage}");
        sandbox.reset_faults();
        sandbox.wait_until_ready().await;
        wait_for("the gateway to be ready", || {
            running
                .get("/readyz")
                .1
                .contains("\"gateway\":\"ready\"")
                .then_some(())
        });
        let pong = sandbox.slash("/ping").await;
        assert!(
            pong.text().starts_with("Pong."),
            "{stage}: {}",
            pong.render()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_presence_tells_how_many_are_online() {
    let (sandbox, rollcall) = bot().await;
    let rollcall = rollcall.with("DISCORD_KEEPALIVE_INTERVAL", "1s");
    let web = Web::up();
    let id = rollcall.add(&web.target());
    rollcall.done(&["check"]);
    let _running = rollcall.run();
    sandbox.wait_until_ready().await;
    rollcall.wait_until("online", id, |endpoint| endpoint["status"] == "online");
    let shown = sandbox
        .wait_for("the presence", |record| {
            record.presence()?["activities"][0]["name"]
                .as_str()
                .filter(|text| text.starts_with("1 of 1"))
                .map(str::to_owned)
        })
        .await;
    assert_eq!(shown, "1 of 1 online");
    let line = wait_for("a keep-alive line", || {
        rollcall
            .log()
            .lines()
            .rev()
            .find(|line| line.contains("Keep-alive ping - Latency: ") && !line.contains("n/a"))
            .map(str::to_owned)
    });
    let (_, rest) = line
        .split_once("[DEBUG] rollcall: Keep-alive ping - Latency: ")
        .unwrap();
    let (latency, rest) = rest.split_once("ms, Guilds: 1, Last activity: ").unwrap();
    let quiet = rest.strip_suffix("s ago").unwrap();
    assert!(
        latency.parse::<u64>().is_ok() && quiet.parse::<u64>().is_ok(),
        "{line}"
    );
}
