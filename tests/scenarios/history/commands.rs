//! The history in Discord: an outage has the same figures in each command as on the command line, and only in its own guild.

use discord_sandbox::{Member, Sandbox};
use serde_json::Value;

use crate::harness::alerting::{
    ROLE, bot, the_message, wait_until_delivered, wait_until_online, with_shop,
};
use crate::harness::{Rollcall, Running, Web, assert_contains};

/// What the outage is made longer by: 21 min 36 s.
const LONGER: u64 = 1_296_000;

/// An outage that is over, as if it had been longer and three hours before it had been observed.
async fn with_outage<'a>(sandbox: &Sandbox, rollcall: &'a Rollcall, web: &mut Web) -> Running<'a> {
    let running = with_shop(sandbox, rollcall, web).await;
    sandbox.slash("/group set monitor:shop group:web").await;
    web.goes_down();
    the_message(sandbox, "🔴 shop is offline").await;
    web.recovers();
    wait_until_online(&running, 1);
    the_message(sandbox, "🟢 shop was offline").await;
    wait_until_delivered(&running);
    assert_eq!(running.stop().0, 0);
    let earlier = "(SELECT MIN(began_at) FROM status_spans) - 10800000";
    for sql in [
        format!(
            "INSERT INTO observation_windows (started_at, confirmed_at)
             SELECT {earlier}, MIN(started_at) FROM observation_windows"
        ),
        format!("INSERT INTO status_spans (monitor_id, began_at, status) SELECT 1, {earlier}, 1"),
        // What it was before the outage is replaced by the longer outage.
        format!(
            "UPDATE status_spans SET began_at = began_at - {LONGER} WHERE status = 3;
             DELETE FROM status_spans WHERE began_at > (SELECT began_at FROM status_spans WHERE status = 3)
                 AND began_at < (SELECT MAX(began_at) FROM status_spans)"
        ),
        format!(
            "UPDATE outages SET started_at = started_at - {LONGER};
             UPDATE incidents SET opened_at = opened_at - {LONGER} WHERE kind = 'incident'"
        ),
    ] {
        rollcall.sql(&sql);
    }
    let running = rollcall.run();
    sandbox.wait_until_connected().await;
    wait_until_online(&running, 1);
    running
}

/// The figures of the shop on the command line.
fn figures(rollcall: &Rollcall, guild: &str) -> Value {
    let line = ["uptime", "--json", "--range", "24h", "--guild", guild];
    rollcall.done(&line).json()[0].take()
}

/// Uptime as Discord shows it: cut after two decimals.
fn percent(fraction: &Value) -> String {
    let points = (fraction.as_f64().unwrap() * 10_000.0).floor();
    format!("{:.2} %", points / 100.0)
}

/// A length between a minute and an hour.
fn minutes(milliseconds: &Value) -> String {
    let seconds = milliseconds.as_u64().unwrap() / 1000;
    format!("{} min {} s", seconds / 60, seconds % 60)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_has_the_same_figures_in_discord_and_on_the_command_line() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_outage(&sandbox, &rollcall, &mut web).await;
    let home = sandbox.guild().0.to_string();
    let expected = figures(&rollcall, &home);
    assert_eq!(expected["outages"], 1, "{expected}");
    let downtime = minutes(&expected["offline_ms"]);
    let uptime = percent(&expected["uptime"]);
    let bob = Member::plain(7, "bob");
    let bob = || sandbox.member(&bob);

    let line = format!("🔴 **shop** {uptime} · {downtime} of downtime in 1 outage · watched ");
    for command in [
        "/uptime range:24h",
        "/uptime range:24h monitor:shop",
        "/uptime range:24h group:WEB",
        "/uptime range:24h monitor:#1",
    ] {
        let shown = bob().slash(command).await;
        assert!(shown.is_ephemeral(), "{command}");
        assert_contains(&shown, "1 of 1 monitor had downtime");
        assert_contains(&shown, &line);
        assert_contains(&shown, "(UTC)");
    }
    let shown = bob().slash("/history show monitor:shop range:24h").await;
    assert!(shown.is_ephemeral());
    for field in [
        format!("Uptime: {uptime}"),
        format!("Downtime: {downtime}"),
        "Outages: 1".to_owned(),
        format!(
            "Longest outage: {}",
            minutes(&expected["longest_outage_ms"])
        ),
        format!(
            "Mean time to recovery: {}",
            minutes(&expected["mean_time_to_recovery_ms"])
        ),
    ] {
        assert_contains(&shown, &field);
    }
    let started = rollcall.sql("SELECT CAST(started_at / 1000 AS TEXT) FROM outages");
    let began = format!("<t:{}:f>", started[0]);
    let outage = format!("{began} · {downtime} · connection refused · incident #");
    let of_group = bob().slash("/history outages group:web range:24h").await;
    assert_contains(&of_group, &format!("🟢 **shop** {outage}"));
    let of_one = bob().slash("/history outages monitor:shop range:24h").await;
    assert_contains(&of_one, "**shop** · ");
    assert_contains(&of_one, &format!("🟢 {outage}"));
    let earlier = bob().slash("/history outages range:2020").await;
    assert_contains(&earlier, "0 outages");

    let endpoint = bob().slash("/endpoints show endpoint:shop").await;
    assert_contains(&endpoint, &format!("Uptime: {uptime} · "));
    assert_contains(&endpoint, " · – (24 h · 7 d · 30 d)");
    assert_eq!(running.stop().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_list_and_show_incidents() {
    let sandbox = Sandbox::start().await;
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    web.goes_down();
    the_message(&sandbox, "🔴 shop is offline").await;
    let responder = Member::plain(8, "ada").with_role(ROLE);
    sandbox.member(&responder).slash("/ack").await;
    let id = rollcall.sql("SELECT CAST(id AS TEXT) FROM incidents WHERE kind = 'incident'");
    let id = &id[0];
    let bob = Member::plain(7, "bob");
    let bob = || sandbox.member(&bob);

    let open = bob().slash("/incidents list").await;
    assert!(open.is_ephemeral());
    assert_contains(&open, "1 incident");
    assert_contains(&open, &format!("#{id} 🔴 shop is offline · opened <t:"));
    assert_contains(&open, "· open for ");
    assert_contains(&open, "· acknowledged by <@8>");
    let resolved = bob().slash("/incidents list state:resolved").await;
    assert_contains(&resolved, "0 incidents");
    let suggested = bob().autocomplete("/incidents show incident:SHOP").await;
    let value = format!("#{id}");
    let label = format!("#{id} 🔴 shop is offline");
    assert_eq!(suggested, [(label, value.clone())]);
    assert_eq!(
        bob()
            .autocomplete(&format!("/incidents show incident:{id}"))
            .await,
        suggested
    );
    let shown = bob()
        .slash(&format!("/incidents show incident:{value}"))
        .await;
    assert!(shown.is_ephemeral());
    assert_contains(&shown, "🔴 shop is offline");
    assert_contains(&shown, "Acknowledged: by <@8>");
    // The buttons are those of the incident's message, and need the same permission.
    let refused = bob().press(&shown, "Mute 1 h").await;
    assert_contains(&refused, "Only members with an on-call role");

    web.recovers();
    the_message(&sandbox, "🟢 shop was offline").await;
    let resolved = bob()
        .slash("/incidents list state:resolved range:24h")
        .await;
    assert_contains(&resolved, &format!("#{id} 🟢 shop was offline"));
    assert_eq!(running.stop().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_guild_finds_nothing_and_a_bad_range_gets_a_sentence() {
    let sandbox = Sandbox::start().await;
    let other = sandbox.add_guild("Other");
    let (rollcall, mut web) = (bot(&sandbox), Web::up());
    let running = with_shop(&sandbox, &rollcall, &web).await;
    sandbox.slash("/group set monitor:shop group:web").await;
    web.goes_down();
    the_message(&sandbox, "🔴 shop is offline").await;
    let id = rollcall.sql("SELECT CAST(id AS TEXT) FROM incidents WHERE kind = 'incident'");
    let eve = Member::plain(9, "eve");
    let eve = || sandbox.member(&eve).in_guild(other);
    for (line, answer) in [
        ("/uptime", "There are no monitors in this range."),
        ("/uptime monitor:shop", "`shop`"),
        ("/uptime monitor:#1", "`#1`"),
        ("/uptime group:web", "There is no group named `web`."),
        ("/history show monitor:#1", "`#1`"),
        ("/history outages", "0 outages"),
        ("/history outages monitor:#1", "`#1`"),
        ("/incidents list", "0 incidents"),
        (&format!("/incidents show incident:#{}", id[0]), "incident"),
    ] {
        let answered = eve().slash(line).await;
        assert_contains(&answered, answer);
        assert!(
            !answered.text().contains("offline"),
            "{line}: {}",
            answered.render()
        );
    }
    for line in [
        "/uptime monitor:",
        "/uptime group:",
        "/incidents show incident:",
    ] {
        assert_eq!(eve().autocomplete(line).await, [], "{line}");
    }
    for line in [
        "/uptime",
        "/history show monitor:shop",
        "/history outages",
        "/incidents list",
    ] {
        for (range, sentence) in [
            (
                "yesterdy",
                "`range`: `yesterdy` is not a range. Did you mean `yesterday`?",
            ),
            ("9y", "`range`: a range has at most 1826 days (5 years)."),
        ] {
            let refused = sandbox.slash(&format!("{line} range:{range}")).await;
            assert!(refused.is_ephemeral(), "{line}");
            assert_contains(&refused, sentence);
        }
    }
    let months = sandbox.autocomplete("/uptime range:month").await;
    let months: Vec<&str> = months.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(months, ["this month", "last month"]);
    let both = sandbox.slash("/uptime monitor:shop group:web").await;
    assert_contains(&both, "Choose either `monitor` or `group`, not both.");
    assert_eq!(running.stop().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_keep_their_range_and_their_group_after_a_restart() {
    let sandbox = Sandbox::start().await;
    let rollcall = bot(&sandbox).with("PROBE_INTERVAL", "1h");
    let home = sandbox.guild().0.to_string();
    let closed = Web::up().address();
    let lines: String = (0..23)
        .map(|index| format!("http://{closed}/{index} item {index:02}\n"))
        .collect();
    std::fs::write(rollcall.path("list.txt"), lines).unwrap();
    rollcall.done(&["endpoint", "import", "list.txt", "--guild", &home]);
    rollcall.done(&["check"]);
    let group = "g|".repeat(32);
    rollcall.sql(&format!(
        "UPDATE monitors SET group_name = '{group}' WHERE name <> 'item 22'"
    ));
    let running = rollcall.run();
    sandbox.wait_until_ready().await;
    let first = sandbox
        .slash(&format!("/uptime range:today group:{group}"))
        .await;
    assert_contains(&first, "Page 1 of 3 · 22 in total");
    assert_eq!(first.buttons(), ["Next"]);
    let outages = sandbox.slash("/history outages range:24h").await;
    assert_contains(&outages, "Page 1 of 3 · 23 in total");
    assert_eq!(running.stop().0, 0);

    let running = rollcall.run();
    sandbox.wait_until_connected().await;
    let heading = |text: &str| {
        let mut lines = text.lines();
        lines
            .find(|line| line.contains("(UTC)"))
            .unwrap()
            .to_owned()
    };
    let second = sandbox.press(&first, "Next").await;
    assert_contains(&second, "Page 2 of 3");
    assert_eq!(heading(&second.render()), heading(&first.render()));
    let third = sandbox.press(&second, "Next").await;
    assert_contains(&third, "Page 3 of 3 · 22 in total");
    let outages = sandbox.press(&outages, "Next").await;
    assert_contains(&outages, "Page 2 of 3 · 23 in total");
    let incidents = sandbox.slash("/incidents list page:99").await;
    assert_contains(&incidents, "incident");
    assert_eq!(running.stop().0, 0);
}
