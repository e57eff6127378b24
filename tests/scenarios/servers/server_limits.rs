//! Limits on what servers report, from Discord: set by command or by the button that is offered, exceeded and met by reports over
//! HTTP, with one message in the alert channel.

use std::time::Duration;

use discord_sandbox::{Member, Reply, Sandbox};

use crate::devices::http_devices_servers::text;
use crate::harness::alerting::{bot, the_message, wait_until_delivered};
use crate::harness::copied_lines::lines_of;
use crate::harness::{Rollcall, Running, assert_contains, wait_for};

/// The bits of the permission Manage Server.
const MANAGE_SERVER: u64 = 1 << 5;

/// The bot in the home guild.
struct Scene<'a> {
    sandbox: &'a Sandbox,
    rollcall: &'a Rollcall,
    running: Running<'a>,
}

impl<'a> Scene<'a> {
    async fn start(sandbox: &'a Sandbox, rollcall: &'a Rollcall) -> Self {
        let running = rollcall.run();
        sandbox.wait_until_ready().await;
        Self {
            sandbox,
            rollcall,
            running,
        }
    }

    async fn with_alerts(sandbox: &'a Sandbox, rollcall: &'a Rollcall) -> Self {
        let scene = Self::start(sandbox, rollcall).await;
        let setup = format!("/alerts setup channel:{}", sandbox.channel(sandbox.guild()));
        scene.slash(&setup).await;
        scene
    }

    async fn slash(&self, line: &str) -> Reply {
        self.sandbox.slash(line).await
    }

    /// Adds a server; returns its key.
    fn add(&self, name: &str) -> String {
        let home = self.sandbox.guild().0.to_string();
        let added = ["server", "add", name, "--guild", &home, "--json"];
        text(&self.rollcall.done(&added).json()["key"])
    }

    fn report(&self, key: &str, body: &str) {
        let sent = self.running.call("POST", "/api/v1/server-stats", key, body);
        assert_eq!(sent.status, 200, "{sent:?}");
    }

    /// The limits that are stored, each as its metric, kind and bound.
    fn limits(&self) -> Vec<String> {
        self.rollcall.sql(
            "SELECT metric || ' ' || condition || ' ' || COALESCE(bound, '') FROM server_limits ORDER BY metric",
        )
    }
}

/// A report with the percentage that is used of the only disk.
fn disk(percent: f64) -> String {
    format!(r#"{{"cpu":12.5,"disk":{{"/":{{"used_percent":{percent}}}}}}}"#)
}

fn is_about_nobody(reply: &Reply) {
    assert!(reply.is_ephemeral(), "{}", reply.render());
    let mentioned = &reply.json()["allowed_mentions"]["parse"];
    assert_eq!(mentioned, &serde_json::json!([]), "{}", reply.render());
}

/// The only message of the home channel that is about this server, when it contains a text.
async fn only_message(sandbox: &Sandbox, about: &str, part: &str) -> Reply {
    sandbox
        .wait_for_messages(sandbox.guild(), part, |messages| {
            let about: Vec<&Reply> = messages
                .iter()
                .filter(|one| one.text().contains(about))
                .collect();
            let found = about.iter().find(|one| one.text().contains(part))?;
            assert_eq!(about.len(), 1, "{about:?}");
            Some((*found).clone())
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exceeded_limit_is_one_message_that_turns_green_when_it_is_met() {
    let (sandbox, rollcall) = sandbox_and_rollcall().await;
    let scene = Scene::with_alerts(&sandbox, &rollcall).await;
    let key = scene.add("db-1");
    let set = scene
        .slash("/server limit server:db-1 metric:disk above:90 for:0s")
        .await;
    is_about_nobody(&set);
    assert_contains(&set, "**db-1** is in warning when `disk` is above 90.");
    assert_contains(&set, "No report has arrived yet");
    assert!(!set.text().contains("🔕"), "{}", set.render());
    scene.report(&key, &disk(90.0));
    scene.report(&key, &disk(93.1));
    let open = only_message(&sandbox, "db-1", "beyond a limit").await;
    assert_contains(&open, "🟠 db-1 is beyond a limit");
    assert_contains(&open, "disk / at 93.1 %, above 90 %");
    let shown = scene.slash("/servers show server:db-1").await;
    assert_contains(&shown, "🟡 db-1");
    assert_contains(
        &shown,
        "Limits: 🟡 **disk above 90** (warning): exceeded since",
    );
    assert_contains(&shown, "now disk / at 93.1 %");

    let second = "/server limit server:db-1 metric:cpu above:50 for:0s as:outage";
    let set = scene.slash(second).await;
    assert_contains(
        &set,
        "**db-1** is offline when `cpu` is above 50.\nNow: cpu at 12.5.",
    );
    let both = r#"{"cpu":99,"disk":{"/":{"used_percent":94}}}"#;
    scene.report(&key, both);
    let worse = sandbox
        .wait_for_messages(sandbox.guild(), "both limits", |messages| {
            let mut messages = messages.iter();
            let is_open = |one: &&Reply| one.message_id() == open.message_id();
            let found = messages.find(is_open)?;
            found.text().contains("🔴").then(|| found.clone())
        })
        .await;
    assert_contains(&worse, "🔴 2 limits are exceeded");
    assert_contains(&worse, "cpu at 99, above 50");
    let shown = scene.slash("/server limit server:db-1").await;
    assert_contains(&shown, "🔴 **cpu above 50** (outage): exceeded since");
    assert_contains(&shown, "🟡 **disk above 90** (warning): exceeded since");

    scene.report(&key, &disk(89.0));
    let met = sandbox
        .wait_for_messages(sandbox.guild(), "both limits to be met", |messages| {
            let is_open = |one: &&Reply| one.message_id() == open.message_id();
            let found = messages.iter().find(is_open)?;
            found.text().contains("🟢 2 limits").then(|| found.clone())
        })
        .await;
    assert_contains(&met, "met its limit again");
    let shown = scene.slash("/server limit server:db-1").await;
    assert_contains(
        &shown,
        "🟢 **disk above 90** (warning): met · now disk / at 89 %",
    );
    assert_eq!(scene.running.stop().0, 0);
}

async fn sandbox_and_rollcall() -> (Sandbox, Rollcall) {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    (sandbox, rollcall)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_a_muted_server_notifies_nobody() {
    let (sandbox, rollcall) = sandbox_and_rollcall().await;
    let scene = Scene::with_alerts(&sandbox, &rollcall).await;
    let (muted, other) = (scene.add("db-1"), scene.add("db-2"));
    for server in ["db-1", "db-2"] {
        let set = format!("/server limit server:{server} metric:disk above:90 for:0s");
        scene.slash(&set).await;
    }
    scene.slash("/mute monitor:db-1 duration:1h").await;
    scene.report(&muted, &disk(99.0));
    let shown = scene.slash("/server limit server:db-1").await;
    assert_contains(&shown, "exceeded since");
    scene.report(&other, &disk(99.0));
    the_message(&sandbox, "db-2 is beyond a limit").await;
    wait_until_delivered(&scene.running);
    for message in sandbox.messages(sandbox.guild()) {
        assert!(!message.text().contains("db-1"), "{}", message.render());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_exceeded_only_after_its_time() {
    let (sandbox, rollcall) = sandbox_and_rollcall().await;
    let scene = Scene::with_alerts(&sandbox, &rollcall).await;
    let key = scene.add("db-1");
    let set = scene
        .slash("/server limit server:db-1 metric:disk above:90 for:1h")
        .await;
    assert_contains(&set, "is above 90 for 1 h.");
    scene.report(&key, &disk(95.0));
    scene.report(&key, &disk(96.0));
    let shown = scene.slash("/server limit server:db-1").await;
    assert_contains(&shown, "met, but beyond it since");
    let outages = || rollcall.sql("SELECT 'outage' FROM outages");
    assert_eq!(outages(), [""; 0]);
    rollcall.sql("UPDATE server_limits SET beyond_since = beyond_since - 3540000");
    scene.report(&key, &disk(96.0));
    assert_eq!(outages(), [""; 0]);
    rollcall.sql("UPDATE server_limits SET beyond_since = beyond_since - 60000");
    scene.report(&key, &disk(97.0));
    let message = only_message(&sandbox, "db-1", "beyond a limit").await;
    assert_contains(&message, "disk / at 97 %, above 90 % for 1 h");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_says_if_nobody_is_notified_and_if_the_number_is_missing() {
    let (sandbox, rollcall) = sandbox_and_rollcall().await;
    let scene = Scene::start(&sandbox, &rollcall).await;
    let key = scene.add("db-1");
    scene.report(&key, &disk(71.0));
    let set = scene
        .slash("/server limit server:db-1 metric:dsk above:90")
        .await;
    assert_contains(&set, "The latest report has no number `dsk`");
    assert_contains(&set, "`disk./.used_percent`");
    assert_contains(&set, "🔕 Alerts are off");
    let setup = format!("/alerts setup channel:{}", sandbox.channel(sandbox.guild()));
    scene.slash(&setup).await;
    scene.slash("/alerts notifications warnings:False").await;
    let warning = scene
        .slash("/server limit server:db-1 metric:disk above:90")
        .await;
    assert_contains(&warning, "Now: disk / at 71 %.");
    assert_contains(&warning, "no notifications about warnings");
    let outage = scene
        .slash("/server limit server:db-1 metric:disk above:90 as:outage")
        .await;
    assert!(!outage.text().contains("🔕"), "{}", outage.render());
    // The second one replaced the first one.
    assert_eq!(scene.limits(), ["disk above 90.0", "dsk above 90.0"]);
    let removed = scene
        .slash("/server limit server:db-1 metric:dsk remove:True")
        .await;
    assert_contains(&removed, "Removed 1 limit of **db-1**");
    assert_eq!(scene.limits(), ["disk above 90.0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_in_a_limit_has_a_sentence_that_leads_on() {
    let (sandbox, rollcall) = sandbox_and_rollcall().await;
    let scene = Scene::start(&sandbox, &rollcall).await;
    scene.add("db-1");
    for (options, sentence) in [
        ("above:90", "Name the metric of the limit, such as"),
        ("for:5m", "Name the metric of the limit, such as"),
        ("metric:disk", "Say when the limit is exceeded"),
        (
            "metric:disk changes:False",
            "Say when the limit is exceeded",
        ),
        ("metric:disk above:90 below:5", "Give only one of `above`"),
        (
            "metric:disk above:90 changes:True",
            "Give only one of `above`",
        ),
        (
            "metric:disk above:90 for:soon",
            "`for`: `soon` is not a duration",
        ),
        (
            "metric:disk above:90 for:25h",
            "`for`: the time must be between 0s and 1d",
        ),
        ("metric:*.* above:90", "`metric`: a metric is the path"),
        (
            "remove:True",
            "Name the metric whose limits Rollcall removes",
        ),
        (
            "metric:disk remove:True",
            "**db-1** has no limits, so there is nothing to remove",
        ),
    ] {
        let line = format!("/server limit server:db-1 {options}");
        let refused = scene.slash(&line).await;
        is_about_nobody(&refused);
        assert_contains(&refused, sentence);
        assert_eq!(scene.limits(), [""; 0], "{line}");
    }
    for number in 1..=20 {
        let line = format!("/server limit server:db-1 metric:m{number} above:1");
        assert_contains(&scene.slash(&line).await, "**db-1** is in warning when");
    }
    let line = "/server limit server:db-1 metric:@everyone above:1";
    assert_contains(
        &scene.slash(line).await,
        "at most 20 limits. Remove one first",
    );
    let line = "/server limit server:db-1 metric:m20 below:1 remove:True";
    assert_contains(
        &scene.slash(line).await,
        "**db-1** has no such limit on `m20`",
    );
    let line = "/server limit server:db-1 metric:m20 above:0 remove:True";
    assert_contains(&scene.slash(line).await, "Removed 1 limit of **db-1**");
    assert_eq!(scene.limits().len(), 19);
    let nowhere = scene.slash("/server limit server:db-9").await;
    assert_contains(&nowhere, "There is no monitor named `db-9`");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_suggested_from_the_reports_of_the_typed_server() {
    let (sandbox, rollcall) = sandbox_and_rollcall().await;
    let scene = Scene::start(&sandbox, &rollcall).await;
    let key = scene.add("db-1");
    scene.report(&key, &disk(71.0));
    scene
        .slash("/server limit server:db-1 metric:metrics.* above:1")
        .await;
    let values = |choices: Vec<(String, String)>| -> Vec<String> {
        choices.into_iter().map(|(_, value)| value).collect()
    };
    let all = values(
        sandbox
            .autocomplete("/server limit server:db-1 metric:")
            .await,
    );
    assert_eq!(all, ["disk", "cpu", "metrics.*", "disk./.used_percent"]);
    let some = values(
        sandbox
            .autocomplete("/server limit server:db-1 metric:DISK")
            .await,
    );
    assert_eq!(some, ["disk", "disk./.used_percent"]);

    let elsewhere = sandbox.invite_bot("elsewhere");
    let eve = manager_elsewhere();
    let eve = sandbox.member(&eve).in_guild(elsewhere);
    let foreign = values(eve.autocomplete("/server limit server:db-1 metric:").await);
    assert_eq!(foreign, ["disk", "memory", "cpu"]);
}

/// A manager of another guild.
fn manager_elsewhere() -> Member {
    Member {
        permissions: MANAGE_SERVER,
        ..Member::plain(66, "eve")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_guild_neither_sees_nor_sets_limits_nor_presses_their_button() {
    let (sandbox, rollcall) = sandbox_and_rollcall().await;
    let scene = Scene::start(&sandbox, &rollcall).await;
    let key = scene.add("db-1");
    scene.report(&key, &disk(71.0));
    let shown = scene.slash("/servers show server:db-1").await;
    assert_eq!(shown.buttons(), ["Add limits: disk > 90 %"]);
    let elsewhere = sandbox.invite_bot("elsewhere");
    let eve = manager_elsewhere();
    let eve = sandbox.member(&eve).in_guild(elsewhere);
    for line in [
        "/server limit server:db-1",
        "/server limit server:#1 metric:disk above:90",
        "/server limit server:#1 metric:disk remove:True",
    ] {
        assert_contains(&eve.slash(line).await, "There is no monitor named");
    }
    let pressed = eve.press_forged(&shown, "limits|1|disk|90").await.unwrap();
    assert_contains(&pressed, "This server does not exist");
    let bob = Member::plain(7, "bob");
    let bob = sandbox.member(&bob);
    let pressed = bob.press_forged(&shown, "limits|1|disk|90").await.unwrap();
    assert_contains(&pressed, "You need the permission **Manage Server**");
    let seen = bob.slash("/servers show server:db-1").await;
    assert_eq!(seen.buttons(), [""; 0], "{}", seen.render());
    assert_eq!(scene.limits(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_offered_under_the_first_report_of_a_server_that_was_added() {
    let (sandbox, rollcall) = sandbox_and_rollcall().await;
    let scene = Scene::with_alerts(&sandbox, &rollcall).await;
    let added = scene.slash("/server add name:db-1").await;
    let other = scene.slash("/server add name:db-2").await;
    assert_eq!(added.buttons(), [""; 0]);
    let (key, other_key) = (lines_of(&added).remove(0), lines_of(&other).remove(0));
    scene.report(&other_key, r#"{"load":[0.5]}"#);
    let report = r#"{"cpu":5,"memory":{"used_percent":40},"disk":{"/":{"used_percent":71}}}"#;
    scene.report(&key, report);
    let edited = wait_for("the reply to be edited", || {
        let reply = sandbox.refresh(&added);
        (!reply.embeds().is_empty()).then_some(reply)
    });
    assert_contains(&edited, "✅ First report of db-1");
    assert_contains(&edited, "disk / 71 %");
    assert_contains(&edited, &key);
    let button = "Add limits: disk > 90 %, memory > 95 %";
    assert_eq!(edited.buttons(), [button]);

    let pressed = sandbox.press(&edited, button).await;
    assert_eq!(pressed.buttons(), [""; 0], "{}", pressed.render());
    assert_eq!(pressed.message_id(), added.message_id());
    assert_contains(&pressed, &key);
    assert_contains(&pressed, "**memory above 95 for 5 min** (warning): met");
    assert_eq!(scene.limits(), ["disk above 90.0", "memory above 95.0"]);
    let twice = sandbox.member(&manager_elsewhere());
    let twice = twice.press_forged(&pressed, "limits|1|disk|80").await;
    assert_contains(&twice.unwrap(), "This server has limits already");
    assert_eq!(scene.limits(), ["disk above 90.0", "memory above 95.0"]);

    // This one reports nothing that is offered.
    let edited = wait_for("the reply to be edited", || {
        let reply = sandbox.refresh(&other);
        (!reply.embeds().is_empty()).then_some(reply)
    });
    assert_contains(&edited, "load.0 0.5");
    assert_eq!(edited.buttons(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_for_first_reports_end_with_the_server_and_with_the_bot() {
    let (sandbox, rollcall) = sandbox_and_rollcall().await;
    let scene = Scene::start(&sandbox, &rollcall).await;
    let removed = scene.slash("/server add name:db-1").await;
    let waiting = scene.slash("/server add name:db-2").await;
    scene.slash("/server remove server:db-1").await;
    let (code, _, stopping) = scene.running.stop();
    assert_eq!(code, 0);
    assert!(stopping < Duration::from_secs(10), "{stopping:?}");
    for reply in [removed, waiting] {
        assert_eq!(sandbox.refresh(&reply).text(), reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_button_works_after_a_restart_until_the_server_is_removed() {
    let (sandbox, rollcall) = sandbox_and_rollcall().await;
    let scene = Scene::start(&sandbox, &rollcall).await;
    let keys = [scene.add("db-1"), scene.add("db-2")];
    for key in &keys {
        scene.report(key, &disk(71.0));
    }
    let shown = scene.slash("/server limit server:db-1").await;
    let other = scene.slash("/servers show server:db-2").await;
    let button = "Add limits: disk > 90 %";
    assert_eq!(
        (shown.buttons(), other.buttons()),
        (vec![button], vec![button])
    );
    assert_eq!(scene.running.stop().0, 0);

    let scene = Scene::start(&sandbox, &rollcall).await;
    let pressed = sandbox.press(&shown, button).await;
    assert_eq!(pressed.buttons(), [""; 0], "{}", pressed.render());
    assert_contains(&pressed, "**disk above 90 for 5 min** (warning): met");
    assert_contains(&pressed, "🔕 Alerts are off");
    assert_eq!(scene.limits(), ["disk above 90.0"]);
    scene.slash("/server remove server:db-2").await;
    let pressed = sandbox.press(&other, button).await;
    assert_contains(&pressed, "This server does not exist");
}
