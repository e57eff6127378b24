//! Every kind of failure of the Discord gateway: the bot reconnects by itself, shows the current presence, replies to
//! commands again, starts no more sessions than needed, and checks its endpoints all the time.

use std::time::Duration;

use discord_sandbox::{CloseWith, Faults, Record, Sandbox};
use futures_util::future::join_all;

use crate::harness::machine_load::{LoadMeter, assert_timers_on_time};
use crate::harness::{Rollcall, Web, wait_for};

/// A bot that gives up on an unresponsive gateway after two seconds and sets an endpoint offline after one failed check.
fn quick_bot(sandbox: &Sandbox) -> Rollcall {
    Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_GUILD_ID", sandbox.guild().0.to_string())
        .with("DISCORD_HEARTBEAT_TIMEOUT", "2s")
        .with("PROBE_FAILURES_TO_OFFLINE", "1")
}

/// A failure of the gateway.
#[derive(Clone, Copy)]
enum Failure {
    /// The connection is closed in this way. A new one is possible at once.
    Close(CloseWith),
    /// The gateway sends op 7, Reconnect.
    Reconnect,
    /// The gateway sends op 9, Invalid Session.
    Invalid { resumable: bool },
    /// The fault is switched on and the connection is dropped. It lasts until the bot has made this many new connections.
    Hangs(fn(&mut Faults), usize),
    /// The fault is switched on and the session is invalidated. It lasts until the bot has made this many new connections.
    Refuses(fn(&mut Faults), usize),
    /// The fault is switched on during a connection. It lasts until the bot has made a new one.
    Stops(fn(&mut Faults)),
}

struct Case {
    name: &'static str,
    failure: Failure,
    /// The maximum number of sessions after the first.
    sessions: usize,
}

const fn case(name: &'static str, failure: Failure, sessions: usize) -> Case {
    Case {
        name,
        failure,
        sessions,
    }
}

fn start_failure(sandbox: &Sandbox, failure: Failure) {
    match failure {
        Failure::Close(how) => sandbox.close_gateway(how),
        Failure::Reconnect => sandbox.ask_to_reconnect(),
        Failure::Invalid { resumable } => sandbox.invalidate_session(resumable),
        Failure::Hangs(switch, _) => {
            sandbox.set_faults(switch);
            sandbox.close_gateway(CloseWith::Drop);
        }
        Failure::Refuses(switch, _) => {
            sandbox.set_faults(switch);
            sandbox.invalidate_session(false);
        }
        Failure::Stops(switch) => sandbox.set_faults(switch),
    }
}

/// Waits until the failure has affected the bot, then ends it.
async fn end_failure(sandbox: &Sandbox, before: &Record, failure: Failure) {
    let count = match failure {
        Failure::Hangs(_, connections) | Failure::Refuses(_, connections) => connections,
        _ => 1,
    };
    sandbox
        .wait_for("the failure to affect the bot", |record| {
            (record.connections >= before.connections + count).then_some(())
        })
        .await;
    sandbox.reset_faults();
}

/// Runs one bot through one failure, and checks what must hold afterwards.
async fn survives(case: &Case) {
    let name = case.name;
    let sandbox = Sandbox::start().await;
    let rollcall = quick_bot(&sandbox);
    let mut web = Web::up();
    let id = rollcall.add(&web.target());
    rollcall.done(&["check"]);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_for(name, || running.gateway_is_ready().then_some(()));
    let before = sandbox.record();
    let load = LoadMeter::watch(&running);

    start_failure(&sandbox, case.failure);
    // An outage during the failure is detected, and shown afterwards.
    web.goes_down();
    rollcall.wait_until(name, id, |endpoint| endpoint["status"] == "offline");
    end_failure(&sandbox, &before, case.failure).await;

    wait_for(name, || {
        (sandbox.is_connected() && running.gateway_is_ready()).then_some(())
    });
    assert_replies(&sandbox, name).await;
    wait_for_presence(&sandbox, "dnd", "0 of 1 monitors online · 1 offline").await;
    let after = sandbox.record();
    assert_eq!(after.early_identifies, 0, "{name}");
    let sessions = after.identifies() - before.identifies();
    assert!(
        sessions <= case.sessions,
        "{name}: {sessions} sessions were started"
    );
    load.assert_low(name);
}

/// Asserts that every command gets its reply.
async fn assert_replies(sandbox: &Sandbox, when: &str) {
    for _ in 0..5 {
        let pong = sandbox.slash("/ping").await;
        assert!(
            pong.text().starts_with("Pong."),
            "{when}: {}",
            pong.render()
        );
    }
}

/// Waits for this presence.
async fn wait_for_presence(sandbox: &Sandbox, status: &str, text: &str) {
    sandbox
        .wait_for(text, |record| {
            let shown = record.presence()?;
            let is_right = shown["status"] == status && shown["activities"][0]["name"] == text;
            is_right.then_some(())
        })
        .await;
}

/// Runs all cases at the same time, because each bot mostly waits.
async fn all_survive(cases: &'static [Case]) {
    let each = cases
        .iter()
        .map(|case| tokio::spawn(async move { survives(case).await }));
    for result in join_all(each).await {
        result.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn a_closed_connection_is_resumed_after_every_code_that_allows_it() {
    use CloseWith::{Code, Drop, Empty, Reset};
    use Failure::{Close, Invalid, Reconnect};
    static CASES: [Case; 14] = [
        case("1000", Close(Code(1000)), 0),
        case("1001", Close(Code(1001)), 0),
        case("4000", Close(Code(4000)), 0),
        case("4001", Close(Code(4001)), 0),
        case("4002", Close(Code(4002)), 0),
        case("4003", Close(Code(4003)), 0),
        case("4005", Close(Code(4005)), 0),
        case("4008", Close(Code(4008)), 0),
        case("an unassigned code", Close(Code(4999)), 0),
        case("an empty close frame", Close(Empty), 0),
        case("dropped", Close(Drop), 0),
        case("reset", Close(Reset), 0),
        case("op 7", Reconnect, 0),
        case("op 9, resumable", Invalid { resumable: true }, 0),
    ];
    all_survive(&CASES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn an_invalidated_session_costs_at_most_one_new_session() {
    use Failure::{Close, Hangs, Invalid};
    static CASES: [Case; 6] = [
        case("4006", Close(CloseWith::Code(4006)), 1),
        case("4007", Close(CloseWith::Code(4007)), 1),
        case("4009", Close(CloseWith::Code(4009)), 1),
        case("op 9, not resumable", Invalid { resumable: false }, 1),
        case(
            "RESUME answered with op 9",
            Hangs(|faults| faults.refuse_resume = true, 1),
            1,
        ),
        case(
            "RESUME never answered",
            Hangs(|faults| faults.never_resume = true, 2),
            1,
        ),
    ];
    all_survive(&CASES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn a_gateway_that_hangs_at_any_stage_is_reconnected() {
    use Failure::{Hangs, Refuses, Stops};
    static CASES: [Case; 8] = [
        case("refused", Hangs(|faults| faults.refuse = true, 3), 0),
        case(
            "the upgrade is never answered",
            Hangs(|faults| faults.never_upgrade = true, 2),
            0,
        ),
        case(
            "the upgrade is never answered to a new session",
            Refuses(|faults| faults.never_upgrade = true, 2),
            1,
        ),
        case(
            "HELLO never comes",
            Hangs(|faults| faults.never_hello = true, 2),
            0,
        ),
        case(
            "READY never comes",
            Refuses(|faults| faults.never_ready = true, 2),
            3,
        ),
        case(
            "READY cannot be read",
            Refuses(|faults| faults.broken_ready = true, 2),
            3,
        ),
        case(
            "heartbeats are no longer acknowledged",
            Stops(|faults| faults.never_ack = true),
            0,
        ),
        case(
            "no message comes any more",
            Stops(|faults| faults.unresponsive = true),
            0,
        ),
    ];
    all_survive(&CASES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resumes_at_resume_url_then_falls_back_to_gateway() {
    for (is_closed, is_unresponsive) in [(false, false), (true, false), (false, true)] {
        let builder = Sandbox::builder();
        let builder = if is_closed {
            builder.resume_address_is_dead()
        } else {
            builder
        };
        let sandbox = builder.start().await;
        sandbox.set_faults(|faults| faults.never_hello_to_resume = is_unresponsive);
        let rollcall = quick_bot(&sandbox);
        let _running = rollcall.run();
        sandbox.wait_until_ready().await;
        sandbox.close_gateway(CloseWith::Drop);
        sandbox
            .wait_for("a resume", |record| (record.resumes() > 0).then_some(()))
            .await;
        assert_replies(&sandbox, "resumed").await;
        let record = sandbox.record();
        assert_eq!(record.connections_to_resume, usize::from(!is_closed));
        assert_eq!(record.identifies(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_drops_cost_ten_sessions_at_least_five_seconds_apart() {
    let sandbox = Sandbox::start().await;
    let rollcall = quick_bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let load = LoadMeter::watch(&running);
    for drop in 1..=100 {
        let known = sandbox.record();
        let how = if drop % 10 == 0 {
            CloseWith::Code(4009)
        } else {
            CloseWith::Drop
        };
        sandbox.close_gateway(how);
        sandbox
            .wait_for("the bot to reconnect", |record| {
                let before = known.resumes() + known.identifies();
                (record.resumes() + record.identifies() > before).then_some(())
            })
            .await;
        sandbox.wait_until_connected().await;
    }
    assert_replies(&sandbox, "a hundred drops").await;
    let record = sandbox.record();
    assert_eq!((record.identifies(), record.resumes()), (11, 90));
    assert_eq!(record.early_identifies, 0);
    load.assert_low("a hundred drops");
    assert!(!rollcall.log().contains("Max reconnection attempts reached"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_does_not_respond_at_startup_is_retried() {
    let sandbox = Sandbox::start().await;
    sandbox.set_faults(|faults| faults.never_upgrade = true);
    let rollcall = quick_bot(&sandbox);
    let web = Web::up();
    let id = rollcall.add(&web.target());
    let running = rollcall.run();
    rollcall.wait_until("online, without Discord", id, |endpoint| {
        endpoint["status"] == "online"
    });
    sandbox
        .wait_for("a second connection", |record| {
            (record.connections >= 2).then_some(())
        })
        .await;
    assert_eq!(running.get("/readyz").0, 503);
    sandbox.reset_faults();
    sandbox.wait_until_ready().await;
    assert_replies(&sandbox, "reached after the retries").await;
    assert_eq!(sandbox.record().identifies(), 1);
    assert_timers_on_time(&running, "a gateway that never answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_maximum_of_attempts_logs_it_once_and_retries_slowly() {
    let sandbox = Sandbox::start().await;
    let rollcall = quick_bot(&sandbox).with("DISCORD_MAX_RECONNECTS", "2");
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    sandbox.set_faults(|faults| faults.refuse = true);
    sandbox.close_gateway(CloseWith::Drop);
    wait_for("the slow reconnection attempts", || {
        rollcall
            .log()
            .contains("[ERROR] rollcall: Max reconnection attempts reached")
            .then_some(())
    });
    let connections = sandbox.record().connections;
    // The next attempt is five minutes away; everything else keeps running.
    let web = Web::up();
    let id = rollcall.add(&web.target());
    rollcall.wait_until("online", id, |endpoint| endpoint["status"] == "online");
    assert_eq!(sandbox.record().connections, connections);
    let log = rollcall.log();
    assert_eq!(log.matches("Max reconnection attempts reached").count(), 1);
    let (code, _, took) = running.stop();
    assert_eq!(code, 0);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stops_within_ten_seconds_while_discord_is_unavailable() {
    let sandbox = Sandbox::start().await;
    sandbox.set_faults(|faults| faults.never_upgrade = true);
    let rollcall = quick_bot(&sandbox);
    let running = rollcall.run();
    sandbox
        .wait_for("a connection", |record| {
            (record.connections > 0).then_some(())
        })
        .await;
    let (code, _, took) = running.stop();
    assert_eq!(code, 0);
    assert!(took < Duration::from_secs(10), "{took:?}");
}
