//! Objectives of a running bot: a budget that is used is announced once, and Discord, the API and the command line show the same.

use discord_sandbox::{Member, Reply, Sandbox};
use serde_json::{Value, json};

use crate::devices::http_devices_servers::key;
use crate::harness::alerting::{bot, the_message, wait_until_delivered, with_shop};
use crate::harness::collector::Collector;
use crate::harness::{Rollcall, Running, Web, assert_contains, wait_for};

/// A thousandth of a percent of a day, in milliseconds.
const THOUSANDTH: i64 = 864;

/// How long the only outage was. Longer than a second, so that a budget can be half used by it and not all.
fn outage(rollcall: &Rollcall, running: &Running<'_>, web: &mut Web) -> i64 {
    web.goes_down();
    wait_for("an outage of a second", || {
        let long = "SELECT 'yes' FROM outages WHERE started_at < unixepoch('subsec') * 1000 - 1000";
        rollcall.sql(long).pop()
    });
    web.recovers();
    crate::harness::alerting::wait_until_online(running, 1);
    let length = rollcall.sql("SELECT CAST(ended_at - started_at AS TEXT) FROM outages");
    length[0].parse().unwrap()
}

/// An objective over a day of which this downtime uses 52 to 88 % of the budget, in thousandths of a percent.
fn at_risk_after(downtime: i64) -> i64 {
    let budget = 7 * THOUSANDTH / 10;
    100_000 - (downtime + budget / 2) / budget
}

fn percent(thousandths: i64) -> String {
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

/// Stops the bot and starts it again, with the job that judges objectives due at once; returns after its run.
fn judged<'a>(rollcall: &'a Rollcall, running: Running<'a>) -> Running<'a> {
    assert_eq!(running.stop().0, 0);
    rollcall.sql("DELETE FROM job_runs WHERE name = 'objectives'");
    let running = rollcall.run();
    wait_for("the objectives to be judged", || {
        rollcall
            .sql("SELECT 'done' FROM job_runs WHERE name = 'objectives'")
            .pop()
    });
    running
}

fn about_budgets(messages: &[Reply]) -> usize {
    let texts = messages.iter().map(Reply::text);
    let is_about = |text: &String| {
        text.contains("of its error budget") || text.contains("missed its objective")
    };
    texts.filter(is_about).count()
}

/// The webhook gets each type once, and the figures of the objective of the shop, which is missed.
fn assert_received_once(hooks: &Collector, downtime: i64) {
    let count = |kind: &str| hooks.types().iter().filter(|one| *one == kind).count();
    let counts = || (count("objective.at_risk"), count("objective.missed"));
    wait_for("the webhook", || (counts() == (1, 1)).then_some(()));
    let missed = hooks.posted().into_iter();
    let mut missed = missed.filter(|one| one.json["type"] == "objective.missed");
    let expected = json!([{
        "monitor": 1, "group": null, "name": "shop", "objective": 99.999, "window_days": 1, "allowed_ms": THOUSANDTH,
        "used_ms": downtime, "left_ms": 0, "exhausted_at": null,
    }]);
    assert_eq!(missed.next().unwrap().json["data"]["objectives"], expected);
}

/// Without what depends on the time of the request.
fn settled(objectives: &Value) -> Vec<Value> {
    let all = objectives.as_array().unwrap().iter().cloned();
    all.map(|mut one| {
        one["exhausted_at"].take();
        one
    })
    .collect()
}

fn listed(rollcall: &Rollcall, guild: &str) -> Value {
    let list = ["objective", "list", "--json", "--guild", guild];
    rollcall.done(&list).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_budget_is_announced_once_and_shown_alike_everywhere() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let (mut web, hooks) = (Web::up(), Collector::start());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let home = sandbox.guild().0.to_string();
    let hook = format!("/alerts webhook add name:pager url:{}", hooks.url("hook"));
    sandbox.slash(&hook).await;
    sandbox.slash("/group set monitor:shop group:web").await;
    let downtime = outage(&rollcall, &running, &mut web);

    let set = "/objective set objective:99.999 monitor:shop window:1d";
    let set = sandbox.slash(set).await;
    assert_contains(&set, "The objective of **shop** is 99.999 % over 1 day.");
    assert_contains(&set, "0.9 s of downtime allowed");
    let thousandths = at_risk_after(downtime);
    let tight = percent(thousandths);
    let set = ["objective", "set", "--group", "web", "--objective", &tight];
    let set = [&set[..], &["--window", "1d", "--guild", &home, "--json"]].concat();
    assert_eq!(rollcall.done(&set).json()["state"], "at_risk");

    // The second run announces nothing again.
    let mut running = running;
    for _ in 0..2 {
        running = judged(&rollcall, running);
        the_message(
            &sandbox,
            "🔴 shop missed its objective of 99.999 % over 1 day",
        )
        .await;
        the_message(&sandbox, "🟠 The group web has used").await;
        wait_until_delivered(&running);
        assert_eq!(about_budgets(&sandbox.messages(sandbox.guild())), 2);
    }
    assert_received_once(&hooks, downtime);
    let all = listed(&rollcall, &home);
    let allowed = (100_000 - thousandths) * THOUSANDTH;
    let figures =
        |one: &Value| json!([one["name"], one["state"], one["used_ms"], one["allowed_ms"]]);
    let expected = [
        json!(["shop", "missed", downtime, THOUSANDTH]),
        json!(["web", "at_risk", downtime, allowed]),
    ];
    assert_eq!(
        settled(&all).iter().map(figures).collect::<Vec<_>>(),
        expected
    );
    let read = key(&rollcall, "read", &home);
    let answer = running.call("GET", "/api/v1/objectives", &read, "");
    assert_eq!(settled(&answer.json["objectives"]), settled(&all));
    sandbox.wait_until_connected().await;
    let shown = sandbox.slash("/objectives list").await;
    assert_contains(&shown, "2 objectives");
    assert_contains(&shown, "🔴 **shop** · 99.999 % over 1 day");
    assert_contains(&shown, "🟠 **web** (group of 1 monitor)");
    assert_eq!(running.stop().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_managers_of_the_guild_set_objectives_and_every_member_sees_them() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox);
    let web = Web::up();
    let running = with_shop(&sandbox, &rollcall, &web).await;
    let home = sandbox.guild().0.to_string();
    for (line, answer) in [
        (
            "/objective set objective:99.9",
            "Choose a `monitor` or a `group`.",
        ),
        (
            "/objective set objective:99.9 monitor:shop group:web",
            "Choose either `monitor` or `group`, not both.",
        ),
        (
            "/objective set objective:99.9 group:web",
            "There is no group named `web`.",
        ),
        (
            "/objective set objective:99.9005 monitor:shop",
            "Use a percentage from 50 to 99.999",
        ),
        (
            "/objective set objective:99.9 monitor:shop window:2y",
            "`2y` is not a duration.",
        ),
        (
            "/objective remove monitor:shop",
            "This monitor has no objective.",
        ),
        ("/objectives list", "There are no objectives yet."),
        (
            "/objective set objective:99.9 monitor:shop",
            "The objective of **shop** is 99.9 % over 30 days.\n43 min 12 s of downtime allowed, 43 min 12 s left",
        ),
    ] {
        assert_contains(&sandbox.slash(line).await, answer);
    }
    let windows = sandbox
        .autocomplete("/objective set objective:99.9 monitor:shop window:3")
        .await;
    let windows: Vec<&str> = windows.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(windows, ["30d", "365d"]);
    let member = Member::plain(7, "bob");
    let shown = sandbox.member(&member).slash("/objectives list").await;
    assert_contains(&shown, "🟢 **shop** · 99.9 % over 30 days");
    // Another Discord server neither sees nor changes it.
    assert_eq!(listed(&rollcall, "43"), json!([]));
    let (read, admin) = (key(&rollcall, "read", "43"), key(&rollcall, "admin", "43"));
    let path = "/api/v1/monitors/1/objective";
    assert_eq!(running.call("GET", path, &read, "").status, 404);
    let body = r#"{"objective":50}"#;
    assert_eq!(running.call("PUT", path, &admin, body).status, 404);
    assert_eq!(running.call("DELETE", path, &admin, "").status, 404);
    let theirs = ["objective", "remove", "shop", "--guild", "43"];
    assert_eq!(rollcall.execute(&theirs).code, 1);
    assert_eq!(listed(&rollcall, &home)[0]["objective"], 99.9);
    let removed = sandbox.slash("/objective remove monitor:shop").await;
    assert_contains(&removed, "**shop** has no objective any longer.");
    assert_eq!(listed(&rollcall, &home), json!([]));
    assert_eq!(running.stop().0, 0);
}
