//! Discord goes away for a while, in every way it can: the bot comes back by itself, shows the truth, answers again, costs
//! Discord no more sessions than needed, and looks at its endpoints all the time.

use std::time::Duration;

use discord_sandbox::{CloseWith, Faults, Record, Sandbox};
use futures_util::future::join_all;

use crate::calm::{Calm, timers_were_in_time};
use crate::harness::{Rollcall, Web, wait_for};

/// The bot gives a silent gateway up after two seconds, and one failed look makes an endpoint offline.
fn hasty_bot(sandbox: &Sandbox) -> Rollcall {
    Rollcall::new()
        .with("DISCORD_TOKEN", sandbox.token())
        .with("DISCORD_API_URL", sandbox.api_url())
        .with("DISCORD_GUILD_ID", sandbox.guild().0.to_string())
        .with("DISCORD_HEARTBEAT_TIMEOUT", "2s")
        .with("PROBE_FAILURES_TO_OFFLINE", "1")
}

/// What goes wrong.
#[derive(Clone, Copy)]
enum Trouble {
    /// The connection is ended so, and may be made anew at once.
    Close(CloseWith),
    /// The gateway says op 7.
    Reconnect,
    /// The gateway says op 9.
    Invalid { resumable: bool },
    /// This is switched on, then the connection is ended, and it lasts until so many connections have been tried.
    Hangs(fn(&mut Faults), usize),
    /// This is switched on and the session is ended, and it lasts until so many connections have been tried.
    Refuses(fn(&mut Faults), usize),
    /// This is switched on while the connection stands, until the bot has left it.
    Stops(fn(&mut Faults)),
}

struct Case {
    name: &'static str,
    trouble: Trouble,
    /// Sessions that it costs beside the first: at most so many.
    sessions: usize,
}

const fn case(name: &'static str, trouble: Trouble, sessions: usize) -> Case {
    Case {
        name,
        trouble,
        sessions,
    }
}

fn inflict(sandbox: &Sandbox, trouble: Trouble) {
    match trouble {
        Trouble::Close(how) => sandbox.close_gateway(how),
        Trouble::Reconnect => sandbox.ask_to_reconnect(),
        Trouble::Invalid { resumable } => sandbox.invalidate_session(resumable),
        Trouble::Hangs(switch, _) => {
            sandbox.set_faults(switch);
            sandbox.close_gateway(CloseWith::Drop);
        }
        Trouble::Refuses(switch, _) => {
            sandbox.set_faults(switch);
            sandbox.invalidate_session(false);
        }
        Trouble::Stops(switch) => sandbox.set_faults(switch),
    }
}

/// Waits until the bot has met the trouble, and ends it.
async fn heal(sandbox: &Sandbox, before: &Record, trouble: Trouble) {
    let met = match trouble {
        Trouble::Hangs(_, connections) | Trouble::Refuses(_, connections) => connections,
        _ => 1,
    };
    sandbox
        .wait_for("the bot to meet the trouble", |record| {
            (record.connections >= before.connections + met).then_some(())
        })
        .await;
    sandbox.reset_faults();
}

/// One bot, one trouble, and what must hold afterwards.
async fn survives(case: &Case) {
    let name = case.name;
    let sandbox = Sandbox::start().await;
    let rollcall = hasty_bot(&sandbox);
    let mut web = Web::up();
    let id = rollcall.add(&web.target());
    rollcall.done(&["check"]);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    wait_for(name, || running.gateway_is_ready().then_some(()));
    let before = sandbox.record();
    let calm = Calm::watch(&running);

    inflict(&sandbox, case.trouble);
    // What happens meanwhile is noticed, and shown afterwards.
    web.goes_down();
    rollcall.wait_until(name, id, |endpoint| endpoint["status"] == "offline");
    heal(&sandbox, &before, case.trouble).await;

    wait_for(name, || {
        (sandbox.is_connected() && running.gateway_is_ready()).then_some(())
    });
    answers(&sandbox, name).await;
    shows(&sandbox, "dnd", "0 of 1 online · 1 offline").await;
    let after = sandbox.record();
    assert_eq!(after.hasty_identifies, 0, "{name}");
    let sessions = after.identifies() - before.identifies();
    assert!(
        sessions <= case.sessions,
        "{name}: {sessions} sessions were begun"
    );
    calm.was_kept(name);
}

/// Commands are answered, every one of them.
async fn answers(sandbox: &Sandbox, when: &str) {
    for _ in 0..5 {
        let pong = sandbox.slash("/ping").await;
        assert!(
            pong.text().starts_with("Pong."),
            "{when}: {}",
            pong.render()
        );
    }
}

/// The presence comes to say this.
async fn shows(sandbox: &Sandbox, light: &str, text: &str) {
    sandbox
        .wait_for(text, |record| {
            let shown = record.presence()?;
            let is_right = shown["status"] == light && shown["activities"][0]["name"] == text;
            is_right.then_some(())
        })
        .await;
}

/// All at the same time: each bot spends most of it waiting.
async fn all_survive(cases: &'static [Case]) {
    let each = cases
        .iter()
        .map(|case| tokio::spawn(async move { survives(case).await }));
    for result in join_all(each).await {
        result.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn a_connection_that_ends_is_resumed_with_every_code_that_lets_it() {
    use CloseWith::{Code, Drop, Empty, Reset};
    use Trouble::{Close, Invalid, Reconnect};
    static CASES: [Case; 14] = [
        case("1000", Close(Code(1000)), 0),
        case("1001", Close(Code(1001)), 0),
        case("4000", Close(Code(4000)), 0),
        case("4001", Close(Code(4001)), 0),
        case("4002", Close(Code(4002)), 0),
        case("4003", Close(Code(4003)), 0),
        case("4005", Close(Code(4005)), 0),
        case("4008", Close(Code(4008)), 0),
        case("a code of nobody's", Close(Code(4999)), 0),
        case("an empty close frame", Close(Empty), 0),
        case("dropped", Close(Drop), 0),
        case("reset", Close(Reset), 0),
        case("op 7", Reconnect, 0),
        case("op 9, resumable", Invalid { resumable: true }, 0),
    ];
    all_survive(&CASES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn a_session_that_is_over_is_begun_anew_once() {
    use Trouble::{Close, Hangs, Invalid};
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
async fn a_gateway_that_hangs_at_any_stage_is_left_and_tried_again() {
    use Trouble::{Hangs, Refuses, Stops};
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
            "nothing is said any more",
            Stops(|faults| faults.silent = true),
            0,
        ),
    ];
    all_survive(&CASES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_resumed_where_ready_said_or_at_the_gateway_if_that_is_dead_or_dumb() {
    for (dead, dumb) in [(false, false), (true, false), (false, true)] {
        let builder = Sandbox::builder();
        let builder = if dead {
            builder.resume_address_is_dead()
        } else {
            builder
        };
        let sandbox = builder.start().await;
        sandbox.set_faults(|faults| faults.never_hello_to_resume = dumb);
        let rollcall = hasty_bot(&sandbox);
        let _running = rollcall.run();
        sandbox.wait_until_ready().await;
        sandbox.close_gateway(CloseWith::Drop);
        sandbox
            .wait_for("a resume", |record| (record.resumes() > 0).then_some(()))
            .await;
        answers(&sandbox, "resumed").await;
        let record = sandbox.record();
        assert_eq!(record.connections_to_resume, usize::from(!dead));
        assert_eq!(record.identifies(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_drops_in_a_row_cost_ten_sessions_five_seconds_apart() {
    let sandbox = Sandbox::start().await;
    let rollcall = hasty_bot(&sandbox);
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let calm = Calm::watch(&running);
    for drop in 1..=100 {
        let known = sandbox.record();
        let how = if drop % 10 == 0 {
            CloseWith::Code(4009)
        } else {
            CloseWith::Drop
        };
        sandbox.close_gateway(how);
        sandbox
            .wait_for("the bot to come back", |record| {
                let before = known.resumes() + known.identifies();
                (record.resumes() + record.identifies() > before).then_some(())
            })
            .await;
        sandbox.wait_until_connected().await;
    }
    answers(&sandbox, "a hundred drops").await;
    let record = sandbox.record();
    assert_eq!((record.identifies(), record.resumes()), (11, 90));
    assert_eq!(record.hasty_identifies, 0);
    calm.was_kept("a hundred drops");
    assert!(!rollcall.log().contains("Max reconnection attempts reached"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_never_answers_from_the_start_is_tried_until_it_does() {
    let sandbox = Sandbox::start().await;
    sandbox.set_faults(|faults| faults.never_upgrade = true);
    let rollcall = hasty_bot(&sandbox);
    let web = Web::up();
    let id = rollcall.add(&web.target());
    let running = rollcall.run();
    rollcall.wait_until("online, whatever Discord does", id, |endpoint| {
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
    answers(&sandbox, "reached at last").await;
    assert_eq!(sandbox.record().identifies(), 1);
    timers_were_in_time(&running, "a gateway that never answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_so_many_attempts_it_says_so_once_and_goes_on_slowly() {
    let sandbox = Sandbox::start().await;
    let rollcall = hasty_bot(&sandbox).with("DISCORD_MAX_RECONNECTS", "2");
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    sandbox.set_faults(|faults| faults.refuse = true);
    sandbox.close_gateway(CloseWith::Drop);
    wait_for("the end of haste", || {
        rollcall
            .log()
            .contains("[ERROR] rollcall: Max reconnection attempts reached")
            .then_some(())
    });
    let connections = sandbox.record().connections;
    // The next attempt is five minutes away; everything else goes on.
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
async fn it_stops_in_time_while_discord_is_away() {
    let sandbox = Sandbox::start().await;
    sandbox.set_faults(|faults| faults.never_upgrade = true);
    let rollcall = hasty_bot(&sandbox);
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
